"""Rounds: turns come when the round they were asked for in ends; the more connections, the longer it is."""

import asyncio

from affectstream.producers.gateway import rounds as module
from affectstream.producers.gateway.rounds import LONGEST_S, Rounds

MANY = 100_000  # connections: the longest rounds


def of(connections):
    rounds = Rounds()
    rounds.connections = connections
    return rounds


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def test_turns_that_are_asked_for_at_about_the_same_time_come_in_one_round(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER_S", 60)
    loop, rounds, found = asyncio.get_running_loop(), of(MANY), []
    began_s = loop.time()
    for name in "ab":
        rounds.ask(lambda name=name: found.append(name))
    assert len(rounds._rounds) == 1
    monkeypatch.setattr(module, "TOGETHER_S", 0)
    rounds.ask(lambda: found.append("c"))
    assert len(rounds._rounds) == 2
    await until(lambda: found)
    assert loop.time() - began_s > 0.9 * LONGEST_S
    await until(lambda: len(found) == 3)
    rounds.ask(lambda: found.append("d"))  # after a time in which nothing was asked for
    await until(lambda: found == ["a", "b", "c", "d"])
    assert not rounds._rounds


async def test_a_round_is_short_where_there_are_few_connections():
    turns = {1: 0, MANY: 0}

    def ask(rounds):
        turns[rounds.connections] += 1
        rounds.ask(lambda: ask(rounds))

    for connections in turns:
        ask(of(connections))
    await until(lambda: turns[1] > 20)
    assert turns[MANY] < 10


async def test_a_round_that_is_shorter_than_one_before_waits_for_it_and_no_longer(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER_S", 0)
    rounds, found = of(MANY), []
    rounds.ask(lambda: found.append("long"))
    rounds.connections = 1
    rounds.ask(lambda: found.append("short"))
    await until(lambda: found == ["long", "short"])


async def test_a_turn_that_fails_takes_no_others():
    loop, rounds, found, told = asyncio.get_running_loop(), of(1), [], []
    loop.set_exception_handler(lambda _, what: told.append(what["exception"]))

    def fails():
        raise ValueError

    for turn in (fails, lambda: found.append("next")):
        rounds.ask(turn)
    await until(lambda: found == ["next"])
    assert [type(error) for error in told] == [ValueError]
