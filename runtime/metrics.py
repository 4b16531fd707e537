"""Every metric of the project, in one table.

Labels have few values each. A session, a party's name or an offset is never a label: Prometheus keeps a
series for every value, and a session id is about a person.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram, Info

if TYPE_CHECKING:
    from affectstream.schemas.redaction import Redacted

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)

BUILD = Info("affect_build", "Version of the running code")
MODEL = Info("affect_model", "What is in force: model and device of a worker, rule and fitted file of fusion")
INPUTS = Counter("affect_inputs_total", "Frames, chunks and texts that a worker read", ["modality"])
OBSERVATIONS = Counter(
    "affect_observations_total",
    "Observations published, by probabilities or the reason of an abstention",
    ["modality", "state"],
)
BATCH_ROWS = Histogram("affect_batch_rows", "Inputs in one batch", ["modality"], buckets=_ROWS)
INFERENCE_SECONDS = Histogram(
    "affect_inference_seconds", "Decoding and prediction of one batch", ["modality"], buckets=_SECONDS
)
IN_FLIGHT = Gauge("affect_batches_in_flight", "Batches under way in a worker", ["modality"])
DEAD_LETTERS = Counter(
    "affect_dead_letters_total", "Records that could not be processed", ["topic", "reason"]
)
GAPS = Counter(
    "affect_records_lost_total", "Records that the broker dropped before they were read", ["topic"]
)
COMMITS_DROPPED = Counter(
    "affect_commits_dropped_total", "Commits left out because the partition had been revoked"
)
REBALANCES = Counter("affect_rebalances_total", "Assignments of partitions to this member", ["group"])
LAG = Gauge(
    "affect_consumer_lag_records", "Records on the broker that this member has not read", ["topic", "group"]
)
STALLED_SECONDS = Gauge(
    "affect_consumer_stalled_seconds", "Time without progress while records wait", ["group"]
)
LATE = Counter(
    "affect_late_observations_total", "Observations dropped because their window was closed", ["modality"]
)
DUPLICATES = Counter(
    "affect_duplicate_observations_total", "Observations dropped as duplicates", ["modality"]
)
WINDOWS = Counter("affect_windows_total", "Panes emitted by the fusion agent", ["pane"])
MISSING = Counter("affect_window_missing_total", "Final windows without an expected modality", ["modality"])
OPEN_WINDOWS = Gauge("affect_open_windows", "Windows waiting for their watermark")
LATENCY_SECONDS = Histogram(
    "affect_latency_seconds", "From a window's end at capture to Redis; live only", ["pane"], buckets=_LATENCY
)
STORED = Counter(
    "affect_stored_finals_total", "Final windows written to Redis, or found there already", ["outcome"]
)

NOT_PERMITTED = Counter(
    "affect_observations_not_permitted_total", "Observations dropped, as consent to their session is lacking"
)
REDACTED = Counter(
    "affect_redacted_total", "What was taken out of transcripts before they were published", ["kind"]
)
ALERTS = Counter("affect_alerts_total", "Alerts raised", ["rule", "kind"])

RECORDED = Counter("affect_recorded_messages_total", "Messages added to recordings", ["topic"])
RECORDINGS_OPEN = Gauge("affect_recordings_open", "Recordings that are being written")
DISK_FREE = Gauge("affect_recordings_free_bytes", "Room that is left on the disk of recordings")
DISK_FULL = Gauge("affect_recordings_disk_full", "1 while recordings wait for room on their disk, else 0")

GATEWAY_STREAMS = Gauge("affect_gateway_streams", "Streams whose call is taken in", ["protocol"])
GATEWAY_REFUSED = Counter("affect_gateway_refused_total", "Streams refused", ["protocol", "reason"])
GATEWAY_DROPPED = Counter(
    "affect_gateway_dropped_total", "Messages of streams that were not used", ["protocol", "reason"]
)
GATEWAY_FILLED_SECONDS = Counter(
    "affect_gateway_filled_seconds_total", "Silence in the place of sound that did not come", ["protocol"]
)
GATEWAY_DELAY = Histogram(
    "affect_gateway_delay_seconds",
    "From the end of a chunk's sound to its acknowledgement by Kafka",
    buckets=[*(each / 40 for each in range(1, 41)), 1.25, 1.5, 2, 3, 5, 10, 30],
)

API_ANSWERS = Counter("affect_api_answers_total", "Answers of the API and the page", ["route", "status"])
API_SECONDS = Histogram(
    "affect_api_seconds", "From a request to the start of its answer", ["route"], buckets=_SECONDS
)
API_STREAMS = Gauge("affect_api_event_streams", "Clients of server-sent events")


def count_redacted(found: "Redacted") -> "Redacted":
    """Count what was taken out of a text, by kind and never by content, and return it."""
    for kind, count in found.counts.items():
        REDACTED.labels(kind).inc(count)
    return found


def build_version() -> str:
    """Return the installed version."""
    try:
        return version("affectstream")
    except PackageNotFoundError:
        return "unknown"


BUILD.info({"version": build_version()})
