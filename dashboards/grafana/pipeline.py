"""The dashboard *Pipeline health*, over the metrics that Prometheus takes from the processes."""

from typing import Any

from affectstream.dashboards.grafana import style

Json = dict[str, Any]

UID = "affect-pipeline-health"
REF: Json = {"type": "prometheus", "uid": "prometheus"}  # as provisioned
EVERY = "$__rate_interval"

PANELS = (
    (
        "Inputs read",
        "Frames, chunks and texts that the workers read, per second.",
        "cps",
        f"sum by (modality) (rate(affect_inputs_total[{EVERY}]))",
    ),
    (
        "Windows written",
        "Final windows that the fusion wrote to Redis, or found there already, per second.",
        "cps",
        f"sum by (outcome) (rate(affect_stored_finals_total[{EVERY}]))",
    ),
    (
        "Lag",
        "Records on the broker that the processes have not read.",
        "short",
        "sum by (topic, group) (affect_consumer_lag_records)",
    ),
    (
        "Latency to Redis (p99)",
        "From a window's end at capture to Redis; live calls only.",
        "s",
        f"histogram_quantile(0.99, sum by (le, pane) (rate(affect_latency_seconds_bucket[{EVERY}])))",
    ),
    (
        "Inference of a batch (p99)",
        "Decoding and prediction of one batch, by the worker.",
        "s",
        f"histogram_quantile(0.99, sum by (le, modality) (rate(affect_inference_seconds_bucket[{EVERY}])))",
    ),
    (
        "Abstentions",
        "Observations without a result, per second, by their reason; silence and no face are ordinary.",
        "cps",
        f'sum by (modality, state) (rate(affect_observations_total{{state!="probabilities"}}[{EVERY}]))',
    ),
    (
        "Dead letters",
        "Records that could not be processed, in the last ten minutes (docs/operations.md).",
        "short",
        "sum by (topic, reason) (increase(affect_dead_letters_total[10m]))",
    ),
    (
        "API answers",
        "Answers of the API and the page, per second, by their status.",
        "cps",
        f"sum by (status) (rate(affect_api_answers_total[{EVERY}]))",
    ),
    (
        "API time to answer (p99)",
        "From a request to the start of its answer, by route.",
        "s",
        f"histogram_quantile(0.99, sum by (le, route) (rate(affect_api_seconds_bucket[{EVERY}])))",
    ),
    (
        "Restarts",
        "How often each process started again within the last hour.",
        "short",
        'sum by (process) (changes(process_start_time_seconds{job="affectstream"}[1h]))',
    ),
)


def dashboard() -> Json:
    """Return the dashboard, two panels a row."""
    return style.dashboard(
        UID,
        "Pipeline health",
        "Rates, lag, latency and losses of the processes. It needs Prometheus (the profile `monitoring`).",
        [
            _series(*each, grid=(12 * (number % 2), 8 * (number // 2), 12, 8))
            for number, each in enumerate(PANELS)
        ],
        time={"from": "now-1h", "to": "now"},
    )


def _series(title: str, about: str, unit: str, expr: str, grid: style.Grid) -> Json:
    target = {"refId": "A", "datasource": REF, "expr": expr, "range": True, "instant": False}
    look = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never"}
    return style.panel(
        "timeseries",
        title,
        about,
        grid,
        datasource=REF,
        targets=[target],
        fieldConfig=style.fields(unit, min=0, custom=look),
        options={"legend": style.legend(), "tooltip": {"mode": "multi", "sort": "desc"}},
    )
