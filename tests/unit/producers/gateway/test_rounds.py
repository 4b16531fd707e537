"""Rounds: turns come when the round they were asked for in ends; the more connections, the longer it is."""

import asyncio

from affectstream.producers.gateway.rounds import LONGEST_S, TOGETHER_S, Rounds

MANY = 100_000  # connections: the longest rounds


def of(connections):
    rounds = Rounds()
    rounds.connections = connections
    return rounds


async def test_turns_that_are_asked_for_at_about_the_same_time_come_in_one_round():
    loop, rounds, asked, found = asyncio.get_running_loop(), of(MANY), [], []

    def ask(name):
        asked.append(loop.time())
        rounds.ask(lambda: found.append((name, loop.time())))

    ask("a")
    ask("b")
    await asyncio.sleep(2 * TOGETHER_S)
    ask("c")
    await asyncio.sleep(2 * LONGEST_S)
    (a, a_s), (b, b_s), (c, c_s) = found
    assert (a, b, c) == ("a", "b", "c")
    assert a_s - asked[0] > LONGEST_S - TOGETHER_S and c_s - asked[2] > LONGEST_S - TOGETHER_S
    assert b_s - a_s < TOGETHER_S < c_s - a_s
    ask("d")  # after a round in which nothing was asked for
    await asyncio.sleep(2 * LONGEST_S)
    assert found[-1][0] == "d"


async def test_a_round_is_short_where_there_are_few_connections():
    """In ten of them a connection comes many times to its turn, where many have not come to one."""
    turns = {1: 0, MANY: 0}

    def ask(rounds):
        turns[rounds.connections] += 1
        rounds.ask(lambda: ask(rounds))

    for connections in turns:
        ask(of(connections))
    await asyncio.sleep(LONGEST_S / 2)
    assert turns[MANY] == 1 and turns[1] > 10


async def test_a_round_that_is_shorter_than_one_before_waits_for_it_and_no_longer():
    rounds, found = of(MANY), []
    rounds.ask(lambda: found.append("long"))
    await asyncio.sleep(2 * TOGETHER_S)
    rounds.connections = 1
    rounds.ask(lambda: found.append("short"))
    await asyncio.sleep(1.5 * LONGEST_S)
    assert found == ["long", "short"] and not rounds._rounds


async def test_a_turn_that_fails_takes_no_others():
    loop, rounds, found, told = asyncio.get_running_loop(), of(1), [], []
    loop.set_exception_handler(lambda _, what: told.append(what["exception"]))

    def fails():
        raise ValueError

    for turn in (fails, lambda: found.append("next")):
        rounds.ask(turn)
    await asyncio.sleep(LONGEST_S / 2)
    assert found == ["next"] and [type(error) for error in told] == [ValueError]
