"""From a number of calls to processes, partitions, brokers and servers; docs/capacity.md has the formula."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from affectstream.capacity.costs import Costs
from affectstream.schemas import topics
from affectstream.schemas.retention import deleted_within_ms

COPIES = 3  # of each record
LEAST_BROKERS = 3
OBSERVATIONS_A_WINDOW = 7  # in the measurement of the fusion
GATEWAY_CALLS = 500  # in that of the gateway
RECORD_BYTES = 100  # key, headers and framing of a record of its own
PARTITION_STEP = 12  # divisible by 2, 3, 4 and 6 processes
ON_GPU = ("video", "audio", "text")  # they may share one
KIB, MIB, GIB = 2**10, 2**20, 2**30
PROCESS_MIB = {
    "video": 589,
    "audio": 564,
    "text": 655,
    "fusion": 96,
    "alerts": 80,
    "gateway": 150,
    "api": 150,
}


@dataclass(frozen=True)
class Profile:
    """What a call is: the default has a camera on one side, sound and words on both."""

    cameras: float = 1.0
    fps: float = 5.0
    voices: float = 2.0
    utterances_a_minute: float = 12.0  # of each voice
    busy_hours: float = 8.0  # of a day, with that many calls at once
    redis_ttl_s: float = 7 * 86_400


@dataclass(frozen=True)
class Rates:
    """What so many calls at once send, each second."""

    frames: float
    chunks: float
    texts: float  # utterances, and the progress between them
    utterances: float
    finals: float

    @property
    def observations(self) -> float:
        """Every input gives one."""
        return self.frames + self.chunks + self.texts


@dataclass(frozen=True)
class Need:
    """What one part of the system needs."""

    part: str
    count: int
    unit: str
    memory_gib: float  # in all
    because: str  # what the number follows from


def rates(calls: int, profile: Profile) -> Rates:
    """Return the rates of so many calls at once: a chunk, a text and a window a second for each voice."""
    voices = calls * profile.voices
    return Rates(
        frames=calls * profile.cameras * profile.fps,
        chunks=voices,
        texts=voices,
        utterances=voices * profile.utterances_a_minute / 60,
        finals=voices,
    )


def processor_s(its: Rates, costs: Costs) -> dict[str, float]:
    """Return the processor time that each part takes in a second, in cores: what a simulation measures."""
    window = costs["fusion"] / OBSERVATIONS_A_WINDOW  # windows/s: with fewer observations each, they decide
    return {
        "video": its.frames / costs["video"] * costs["worker"],
        "audio": its.chunks / costs["audio"] * costs["worker"],
        "text": its.utterances / costs["text"] * costs["worker"],
        "fusion": max(its.observations / costs["fusion"], its.finals / window),
        "gateway": its.chunks / 2 * costs["gateway"] / 100 / GATEWAY_CALLS,
    }


def needs(calls: int, profile: Profile, costs: Costs, gpu: bool = False) -> list[Need]:
    """Return what ``calls`` at once need, part by part; with ``gpu`` the workers' costs are those on one."""
    its, headroom = rates(calls, profile), costs.assumed.headroom
    cores = processor_s(its, costs)
    parties = calls * profile.voices
    own = {
        "fusion": parties * costs["party"] * KIB / GIB,
        "gateway": calls * costs["gateway_memory"] * KIB / GIB,
    }
    because = {
        "video": f"{its.frames:,.0f} frames/s",
        "audio": f"{its.chunks:,.0f} chunks/s",
        "text": f"{its.utterances:,.0f} utterances/s",
        "fusion": f"{its.observations:,.0f} observations/s, {its.finals:,.0f} windows/s",
        "gateway": f"{calls:,} calls",
    }
    found = []
    for part, used in cores.items():
        count = max(1, math.ceil(used / headroom))
        memory = count * PROCESS_MIB[part] * MIB / GIB + own.get(part, 0.0)
        unit = "processes on a GPU" if gpu and part in ON_GPU else "processes of one core"
        found.append(Need(part, count, unit, memory, because[part]))
    found.append(_partitions(max(need.count for need in found if need.part != "gateway"), costs))
    shared = [_gpus(cores, headroom)] if gpu else []
    return [*found, *shared, _brokers(its, profile, costs), _redis(its, profile, costs)]


def _gpus(used: Mapping[str, float], headroom: float) -> Need:
    """Return the GPUs, each shared by the workers of all modalities as far as it goes."""
    count = max(1, math.ceil(sum(used[part] for part in ON_GPU) / headroom))
    shares = ", ".join(f"{part} {used[part]:,.2f}" for part in ON_GPU)
    return Need("GPUs", count, "shared by the workers", 0.0, f"in use: {shares}")


def _partitions(largest: int, costs: Costs) -> Need:
    wanted = largest * costs.assumed.partition_margin
    count = max(1, math.ceil(wanted / PARTITION_STEP)) * PARTITION_STEP
    return Need("partitions", count, "of each topic", 0.0, f"{largest:,} processes of a kind read them")


def written(its: Rates, costs: Costs) -> dict[topics.Topic, float]:
    """Return the bytes a second into each topic, one copy."""
    each = {
        topics.FRAMES: (its.frames, costs["frame"]),
        topics.CHUNKS: (its.chunks, costs["chunk"]),
        topics.TRANSCRIPTS: (its.texts, costs["transcript"]),
        topics.PROBABILITIES: (its.observations, costs["observation"]),
        topics.FUSED: (its.finals, costs["final"]),
    }
    return {topic: rate * (size + RECORD_BYTES) for topic, (rate, size) in each.items()}


def _kept_s(topic: topics.Topic, profile: Profile) -> float:
    """Return for how many busy seconds a topic keeps its records."""
    kept_ms = deleted_within_ms(topic)
    return kept_ms / 1000 * (profile.busy_hours / 24 if kept_ms >= topics.DAY_MS else 1)


def _brokers(its: Rates, profile: Profile, costs: Costs) -> Need:
    """Return the brokers that processor, disk and network ask for; the largest number decides."""
    bytes_s, assumed = written(its, costs), costs.assumed
    total_mb = sum(bytes_s.values()) / 1e6
    kept_tb = sum(rate * _kept_s(topic, profile) for topic, rate in bytes_s.items()) * COPIES / 1e12
    bounds = {
        "processor": total_mb * COPIES / (costs["broker"] * assumed.broker_cores * assumed.headroom),
        "disk": kept_tb / (assumed.broker_disk_tb * 0.7),
        # each byte comes in once a copy, and goes out to the other copies and to a reader
        "network": total_mb * COPIES / (assumed.broker_network_mb_s * assumed.headroom),
    }
    limit = max(bounds, key=lambda name: bounds[name])
    count = max(LEAST_BROKERS, math.ceil(bounds[limit]))
    return Need(
        "brokers",
        count,
        f"of {assumed.broker_cores:g} cores and {assumed.broker_disk_tb:g} TB",
        8.0 * count,
        f"{total_mb:,.0f} MB/s, {kept_tb:,.1f} TB kept; "
        + (limit if bounds[limit] > LEAST_BROKERS else "copies"),
    )


def redis_gib(its: Rates, profile: Profile, costs: Costs) -> float:
    """Return the memory of the finals that are kept."""
    return its.finals * profile.redis_ttl_s * profile.busy_hours / 24 * costs["final_in_redis"] / GIB


def _redis(its: Rates, profile: Profile, costs: Costs) -> Need:
    memory = redis_gib(its, profile, costs)
    count = max(1, math.ceil(memory / costs.assumed.redis_gib))
    fits_h = profile.redis_ttl_s * costs.assumed.redis_gib / memory / 3600
    because = f"{its.finals:,.0f} finals/s kept for {profile.redis_ttl_s / 3600:,.0f} h"
    if count > 1:
        because += f"; one server keeps {fits_h:,.1f} h"
    return Need("Redis", count, f"servers of {costs.assumed.redis_gib:g} GiB", memory, because)
