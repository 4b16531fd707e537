"""What watches a system: an API with the page, a gateway that calls stream to, and a real Prometheus."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from support.observations import observed
from support.paths import ROOT
from support.session_lines import spread
from support.system import READY_S, System
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from affectstream.processes import Child, Children
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.kafka import Publisher
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import as_env
from affectstream.schemas.messages import Observations, Probabilities

CONFIG = ROOT / "dashboards" / "prometheus" / "prometheus.yml"
RANGE_S = 60
DEADLINE_S = 60
CARD = "My card is 4111 1111 1111 1111."

Series = dict[str, Any]


@dataclass
class Prometheus:
    """A running Prometheus."""

    url: str

    async def range(self, query: str) -> list[Series]:
        """The series of a panel's query over the last minute, as Grafana asks for them."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            now_s = float((await self._asked(client, "query", query="time()"))["result"][1])
            span = {"start": str(now_s - RANGE_S), "end": str(now_s), "step": "1"}
            found = await self._asked(client, "query_range", query=query, **span)
            assert found["resultType"] == "matrix"
            return list(found["result"])

    async def scraped(self, count: int) -> None:
        """Wait until so many processes have answered."""
        deadline = time.monotonic() + DEADLINE_S
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as client:
            found: list[Series] = []
            while len(found) < count:
                assert time.monotonic() < deadline, found
                await asyncio.sleep(0.1)
                with suppress(httpx.HTTPError):  # until it listens, and is ready
                    found = (await self._asked(client, "query", query="up == 1"))["result"]

    @staticmethod
    async def _asked(client: httpx.AsyncClient, path: str, **params: str) -> Any:
        answer = (await client.get(f"/api/v1/{path}", params=params)).raise_for_status()
        return answer.json()["data"]


@dataclass
class Watched:
    """A system with its API, its gateway, and where each process serves its metrics."""

    system: System
    url: str
    stream_url: str
    metrics: Mapping[str, str]  # by process

    async def scrape(self) -> dict[str, dict[str, float]]:
        """The sum of the samples of every series' name, by process."""
        async with httpx.AsyncClient(timeout=10) as client:
            texts = {name: (await client.get(url)).text for name, url in self.metrics.items()}
        sums: dict[str, dict[str, float]] = {}
        for name, text in texts.items():
            sums[name] = {}
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    sums[name][sample.name] = sums[name].get(sample.name, 0.0) + sample.value
        return sums


@contextmanager
def watched(system: System, logs: Path) -> Iterator[Watched]:
    """Run an API and a gateway beside a system."""
    api, health, stream, gateway = (free_port() for _ in range(4))
    env = as_env(system.settings)
    own = {
        "AFFECT_API__PORT": api,
        "AFFECT_API__HEALTH_PORT": health,
        "AFFECT_GATEWAY__PORT": stream,
        "AFFECT_GATEWAY__HEALTH_PORT": gateway,
        "AFFECT_GATEWAY__AUDIOSOCKET_PORT": 0,
    }
    env |= {name: str(port) for name, port in own.items()}
    children = [
        Child("api", "affectstream.dashboards", env, health),
        Child("gateway", "affectstream.producers.gateway", env, gateway),
    ]
    with Children(children, logs) as servers:
        servers.wait_ready(READY_S)
        running = [*system.children.children.values(), *children]
        urls = {child.name: f"http://127.0.0.1:{child.port}/metrics" for child in running}
        yield Watched(system, f"http://127.0.0.1:{api}", f"ws://127.0.0.1:{stream}/stream", urls)


@contextmanager
def prometheus(metrics: Mapping[str, str], folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus as it is configured for the containers, but for the addresses; skips where it is not."""
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("there is no prometheus; `make system` installs it")
    url = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_config(metrics)))
    options = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data"}
    command = [
        found,
        *(f"--{name}={value}" for name, value in options.items()),
        f"--web.listen-address={url}",
    ]
    with ExitStack() as exits, (folder / "prometheus.log").open("w") as log:
        process = exits.enter_context(
            subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)
        )
        exits.callback(process.terminate)
        yield Prometheus(f"http://{url}")


def _config(metrics: Mapping[str, str]) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert {*metrics} <= {name.removeprefix("worker-") for name in job["dns_sd_configs"][0]["names"]}
    addresses = {name: url.split("/")[2] for name, url in metrics.items()}
    job |= {"static_configs": [_static(name, address) for name, address in addresses.items()]}
    del job["dns_sd_configs"], job["relabel_configs"]
    config["global"]["scrape_interval"] = "1s"
    return config | {"rule_files": [str(CONFIG.with_name(name)) for name in config["rule_files"]]}


def _static(process: str, address: str) -> dict[str, Any]:
    return {"targets": [address], "labels": {"process": process}}


async def streamed(url: str, call_id: str) -> None:
    """Stream a call with a gap in its sound, a frame that is none and a card number; and one that is none."""
    tracks = [{"encoding": "words"}, {"encoding": "mulaw", "rate_hz": 8000}]
    start = {"type": "start", "call_id": call_id, "tracks": [{"party": "customer"} | each for each in tracks]}
    words = {"type": "words", "track": 0, "start_ms": 0, "end_ms": 900, "text": CARD, "final": True}
    async with connect(url, proxy=None) as socket:
        for message in (start, words):
            await socket.send(json.dumps(message))
        for at_ms in (0, 3000):
            await socket.send(bytes([1]) + at_ms.to_bytes(8, "big") + b"\xff" * 8000)
        await socket.send(b"no frame")
        await socket.send(json.dumps({"type": "stop"}))
        async for _ in socket:
            pass
    async with connect(url, proxy=None) as socket:
        await socket.send("no JSON")
        with pytest.raises(ConnectionClosedError):
            async for _ in socket:
                pass


async def observed_of_all_kinds(system: System, session: str) -> None:
    """Send a minute of calm, a hole, anger; then what is there twice, late, and not permitted."""
    start_ms = int(time.time()) * 1000 - 120_000
    calm, anger = (
        (spread(name, 0.9), range(*seconds)) for name, seconds in (("neutral", (0, 62)), ("angry", (64, 84)))
    )
    line = [(second, p) for p, seconds in (calm, anger) for second in seconds]

    def at(seq: int, second: int, p: tuple[float, ...], session_id: str = session) -> Probabilities:
        begun_ms = start_ms + 1000 * second
        return observed("video", seq, begun_ms, p=p, session_id=session_id, expects=("video",))

    items = [at(seq, second, p) for seq, (second, p) in enumerate(line)]
    again, late = items[-1], at(200, 1, spread("neutral", 0.9))
    refused = at(0, 0, spread("neutral", 0.9), f"{session}-refused")
    async with ConsentStore(system.settings.redis, system.settings.policy) as consents:
        await consents.set(refused.session_id, "withdrawn", "a test")
    async with Publisher(system.settings.kafka) as publisher:
        for item in (*items, again, late, refused):
            await publisher.send_many([Observations(items=(item,))], partition=0)
