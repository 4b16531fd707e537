"""Proof: brokers killed, stopped, slow or unreachable, and every final is that of an undisturbed run."""

import asyncio
import signal
import time

import pytest
from support.faulty import Faulty
from support.kafka_server import wait_until

from affectstream.runtime.kafka import Publisher, Record, publisher
from affectstream.runtime.process import RESTART
from affectstream.workers.deadletter import dead_letter

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(900)]

OUTAGE_S = 30


async def test_nothing_fails(faulty: Faulty):
    """What the other runs are compared with holds without a fault."""
    await faulty.survive("undisturbed", lambda: None)


async def test_a_broker_is_killed_and_comes_back(faulty: Faulty):
    def fault() -> None:
        time.sleep(2)
        faulty.cluster.brokers[1].kill()
        time.sleep(6)
        faulty.cluster.start(1)

    await faulty.survive("broker-killed", fault)


async def test_leaders_move_away_and_back(faulty: Faulty):
    cluster, leaders = faulty.cluster, []

    def moved_back() -> bool:
        """A broker leads again once its replicas have caught up."""
        cluster.elect_preferred("faults.")
        return cluster.leaders("faults.") == leaders[0]

    def fault() -> None:
        cluster.elect_preferred("faults.")
        leaders.append(cluster.leaders("faults."))
        time.sleep(2)
        cluster.brokers[2].shut_down()
        leaders.append(cluster.leaders("faults."))
        cluster.start(2)
        wait_until(moved_back, 60, "the leaders to be those of before")

    await faulty.survive("leaders-moved", fault)
    at_first, without_2 = (set(each.values()) for each in leaders)
    assert at_first == {1, 2, 3}
    assert without_2 == {1, 3}


async def test_all_brokers_are_down_for_half_a_minute(faulty: Faulty):
    """The call is sent as fast as it is consumed, and its producer waits for a worker when they go down."""
    video = faulty.system.children.children["video"].process
    assert video is not None
    video.send_signal(signal.SIGSTOP)

    def fault() -> None:
        time.sleep(4)
        for broker in faulty.cluster.brokers.values():
            broker.kill()
        time.sleep(OUTAGE_S)
        faulty.cluster.start(*faulty.cluster.brokers)
        video.send_signal(signal.SIGCONT)

    await faulty.survive("brokers-down", fault, seconds=40, speed=None)


async def test_a_broker_is_slow_and_stands_still_now_and_then(faulty: Faulty):
    proxy, broker = faulty.cluster.proxies[3], faulty.cluster.brokers[3]

    def fault() -> None:
        proxy.delay_s = 0.2
        for _ in range(3):
            broker.send_signal(signal.SIGSTOP)
            time.sleep(2)
            broker.send_signal(signal.SIGCONT)
            time.sleep(2)
        proxy.delay_s = 0.0

    await faulty.survive("broker-slow", fault)


async def test_connections_that_look_alive_and_let_nothing_through_lead_to_a_restart(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
):
    """Half-open connections, as a firewall leaves them: the clients wait, the watchdog does not.

    A producer that no watchdog looks after takes another connection long before its delivery fails.
    """
    monkeypatch.setattr(publisher, "REQUEST_MS", 3_000)
    before = len(faulty.supervisor.ended)
    proxies = faulty.cluster.proxies.values()

    def fault() -> None:
        time.sleep(2)
        for proxy in proxies:
            proxy.freeze()

    behind = faulty.system.settings.kafka.model_copy(update={"bootstrap": faulty.cluster.bootstrap})
    letter = dead_letter(Record("affect.video.frames", 0, 0, 0, None, b"?"), "malformed", "of a test")
    async with Publisher(behind) as producer:
        try:
            await producer.send_many([letter], partition=0)
            await faulty.survive("connections-frozen", fault)
            async with asyncio.timeout(publisher.DELIVERY_MS / 2000):
                await producer.send_many([letter], partition=0)
        finally:
            await asyncio.to_thread(lambda: [proxy.thaw() for proxy in proxies])
    ended = faulty.supervisor.ended[before:]
    assert {code for _, code in ended} == {RESTART}, ended
