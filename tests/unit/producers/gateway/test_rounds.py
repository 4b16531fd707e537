"""Rounds: turns come a tenth of a second after they were asked for, those of ten milliseconds at once."""

import asyncio

from affectstream.producers.gateway.rounds import ROUND_S, TOGETHER_S, Rounds


async def test_turns_that_are_asked_for_at_about_the_same_time_come_in_one_round():
    loop, rounds, found = asyncio.get_running_loop(), Rounds(), []
    asked = []

    def ask(name):
        asked.append(loop.time())
        rounds.ask(lambda: found.append((name, loop.time())))

    ask("a")
    ask("b")
    await asyncio.sleep(2 * TOGETHER_S)
    ask("c")
    await asyncio.sleep(2 * ROUND_S)
    (a, a_s), (b, b_s), (c, c_s) = found
    assert (a, b, c) == ("a", "b", "c")
    assert a_s - asked[0] > ROUND_S - TOGETHER_S and c_s - asked[2] > ROUND_S - TOGETHER_S
    assert b_s - a_s < TOGETHER_S < c_s - a_s
    ask("d")  # after a round in which nothing was asked for
    await asyncio.sleep(2 * ROUND_S)
    assert found[-1][0] == "d"


async def test_a_turn_that_fails_takes_no_others():
    loop, rounds, found, told = asyncio.get_running_loop(), Rounds(), [], []
    loop.set_exception_handler(lambda _, what: told.append(what["exception"]))

    def fails():
        raise ValueError

    for turn in (fails, lambda: found.append("next")):
        rounds.ask(turn)
    await asyncio.sleep(2 * ROUND_S)
    assert found == ["next"] and [type(error) for error in told] == [ValueError]


def test_a_round_holds_nothing_once_it_is_over():
    async def asked():
        rounds = Rounds()
        for _ in range(3):
            rounds.ask(lambda: None)
        await asyncio.sleep(2 * ROUND_S)
        return len(rounds._rounds)

    assert asyncio.run(asked()) == 0
