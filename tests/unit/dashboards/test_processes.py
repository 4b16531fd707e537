"""The state of processes, from what they serve to Prometheus."""

import math
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from affectstream.dashboards.page.system import losses, row
from affectstream.dashboards.processes import FRESH_S, Process, Processes, Sample, sampled

TEXT = """# TYPE affect_inputs counter
affect_inputs_total{{modality="video"}} {inputs}
# TYPE affect_observations counter
affect_observations_total{{modality="video",state="present"}} {inputs}
affect_observations_total{{modality="video",state="no_face"}} 3
# TYPE affect_consumer_lag_records gauge
affect_consumer_lag_records{{topic="t",group="g"}} 7
# TYPE affect_inference_seconds histogram
affect_inference_seconds_bucket{{modality="video",le="0.01"}} 60
affect_inference_seconds_bucket{{modality="video",le="0.1"}} 98
affect_inference_seconds_bucket{{modality="video",le="+Inf"}} 100
affect_inference_seconds_count{{modality="video"}} 100
# TYPE affect_model info
affect_model_info{{model="face@1",device="cpu"}} 1
"""


def look(at_s: float, inputs: int) -> Sample:
    """One look at a worker."""
    return Sample(at_s, sampled(text_string_to_metric_families(TEXT.format(inputs=inputs))))


def process(*looks: Sample) -> Process:
    """A process that was looked at."""
    newest, before = (*looks[::-1], None, None)[:2]
    return Process("video", "http://nowhere", newest, before)


def test_a_row_has_rates_lag_latency_and_the_model() -> None:
    shown = row(process(look(0, 100), look(10, 150)))
    assert (shown["read"], shown["lag"], shown["model"]) == ("5.0/s", "7 records", "face@1, cpu")
    assert shown["latency"] == "≤ 10 ms, 99 %: over a minute a batch"


def test_a_process_that_reads_no_topic_has_no_lag() -> None:
    assert row(process(Sample(0, {})))["lag"] == ""


def test_a_rate_needs_two_looks_and_a_restart_is_no_negative_one() -> None:
    assert process(look(0, 100)).rate("affect_inputs_total") is None
    assert process(look(0, 100), look(10, 20)).rate("affect_inputs_total") == 0.0
    assert process(look(0, 100), look(10, 20)).rate("affect_unheard_of_total") is None


def test_quantiles_are_bounds_of_buckets() -> None:
    one = process(look(0, 1))
    assert one.quantile("affect_inference_seconds", 0.5) == 0.01
    assert one.quantile("affect_inference_seconds", 0.99) == math.inf
    assert one.quantile("affect_latency_seconds", 0.5) is None


def test_what_was_left_out_is_named_by_its_reason() -> None:
    assert [(each["what"], each["count"]) for each in losses(process(look(0, 1)))] == [
        ("abstention: no face", "3")
    ]


def test_a_process_that_does_not_answer_says_so() -> None:
    assert row(Process("video", "http://nowhere"))["state"] == "no answer"
    assert losses(Process("video", "http://nowhere")) == []


@pytest.fixture
def clock() -> Iterator[list[float]]:
    """The seconds, to be set."""
    yield [0.0]


async def test_processes_are_looked_at_once_for_all_visitors(clock: list[float]) -> None:
    asked = []

    async def metrics(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(text=TEXT.format(inputs=len(asked)))

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with TestServer(app) as server:
        urls = {"video": str(server.make_url("/metrics")), "gone": "http://127.0.0.1:1/metrics"}
        processes = Processes(urls, lambda: clock[0])
        video, gone = await processes.refresh()
        await processes.refresh()
        assert len(asked) == 1 and video.newest is not None and gone.newest is None
        clock[0] = FRESH_S
        await processes.refresh()
        assert video.rate("affect_inputs_total") == pytest.approx(1 / FRESH_S)


async def test_what_is_no_metrics_counts_as_no_answer() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app = web.Application()
    app.router.add_get("/metrics", page)
    async with TestServer(app) as server:
        (found,) = await Processes({"video": str(server.make_url("/metrics"))}).refresh()
        assert found.newest is None
