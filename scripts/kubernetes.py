"""The manifests of deploy/kubernetes that follow from docker-compose.yml and from the table of topics.

    python scripts/kubernetes.py

writes base/workloads.yaml, base/scaling.yaml, kafka/topics.yaml, and the workloads.yaml of asr and recording;
a test holds them equal to what this gives. The files beside them (network, Kafka, kustomizations) are
written by hand.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes_pods import (
    BOOTSTRAP,
    CLUSTER,
    RECORDER,
    SERVED,
    SHARED,
    Json,
    metrics_port,
    mounts,
    pod,
    roles,
)

from affectstream.runtime.kafka.topics import config
from affectstream.schemas import topics

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[
    "services"
]

PARTITIONS = 24  # of every topic, and so the most processes of a kind; `affectstream capacity` says how many
REPLICAS, MIN_IN_SYNC = 3, 2
RECOGNISER = "worker-asr"  # a component of its own, as it is a profile of the stack; the recorder is another
KEEPING = ("gateway", "api", "redis", RECORDER)  # a file of their own
SIZES = {"audit": "1Gi", "redis": "20Gi", "recordings": "200Gi"}
SCALED = {  # by group: records a process that may wait, on average: seconds of work of one that is not behind
    "worker-video": (topics.FRAMES, topics.FRAMES.group, 500),
    "worker-audio": (topics.CHUNKS, topics.CHUNKS.group, 200),
    "worker-text": (topics.TRANSCRIPTS, topics.TRANSCRIPTS.group, 200),
    RECOGNISER: (topics.CHUNKS, topics.ASR_GROUP, 100),
    "fusion": (topics.PROBABILITIES, topics.PROBABILITIES.group, 2000),
    "alerts": (topics.FUSED, topics.FUSED.group, 2000),
}
HEAD = "# Written by scripts/kubernetes.py from docker-compose.yml and the table of topics; change those.\n"


def files() -> dict[Path, str]:
    """Return the generated files with their text."""
    always = [name for name in (*SCALED, *KEEPING) if name not in (RECOGNISER, RECORDER)]
    made = {
        FOLDER / "base" / "workloads.yaml": [doc for name in always for doc in _process(name)],
        FOLDER / "base" / "scaling.yaml": [_scaled(name) for name in SCALED if name != RECOGNISER],
        FOLDER / "asr" / "workloads.yaml": [*_process(RECOGNISER), _scaled(RECOGNISER)],
        FOLDER / "recording" / "workloads.yaml": [*_process(RECORDER), _shared()],
        FOLDER / "kafka" / "topics.yaml": [_topic(topic) for topic in topics.ALL],
    }
    return {path: HEAD + _yaml(docs) for path, docs in made.items()}


def _yaml(docs: list[Json]) -> str:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump_all(docs, Dumper=Plain, sort_keys=False, width=110)


def _process(name: str) -> Iterator[Json]:
    """Yield what runs a process of the stack: its workload, its disruption budget, its service."""
    service = COMPOSE[name]
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "affectstream"}
    template = {"metadata": {"labels": labels | roles(name, service)}, "spec": pod(name, service)}
    spec: Json = {"selector": {"matchLabels": {"app.kubernetes.io/name": name}}, "template": template}
    if metrics_port(service):
        template["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}
    if name in KEEPING:
        spec |= {"replicas": 1, "serviceName": name, "volumeClaimTemplates": _claims(service)}
        yield _object("apps/v1", "StatefulSet", name, spec)
        ports = [{"name": key, "port": port, "targetPort": key} for key, port in SERVED[name].items()]
        yield _object("v1", "Service", name, {"selector": spec["selector"]["matchLabels"], "ports": ports})
    else:
        # A process beyond the partitions is never ready: an old one has to leave before its successor comes.
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
        yield _object("apps/v1", "Deployment", name, {"strategy": rolling, **spec})
    budget = {"maxUnavailable": 1, "selector": spec["selector"]}
    yield _object("policy/v1", "PodDisruptionBudget", name, budget)


def _shared() -> Json:
    size = {"requests": {"storage": SIZES[SHARED]}}
    return _object(
        "v1", "PersistentVolumeClaim", SHARED, {"accessModes": ["ReadWriteMany"], "resources": size}
    )


def _claims(service: Json) -> list[Json]:
    """Return a volume for each process: an audit log has one writer here, and one log for each."""
    return [
        {
            "metadata": {"name": mount["name"]},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": SIZES[mount["name"]]}},
            },
        }
        for mount in mounts(service)
    ]


def _scaled(name: str) -> Json:
    topic, group, lag = SCALED[name]
    trigger = {
        "bootstrapServers": BOOTSTRAP,
        "consumerGroup": group,
        "topic": topic.name,
        "lagThreshold": str(lag),
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
    }
    # Each change of the group moves partitions and with them reads again what was not committed.
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 600}}
    spec = {
        "scaleTargetRef": {"name": name},
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "minReplicaCount": 1,
        "maxReplicaCount": PARTITIONS,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [{"type": "kafka", "metadata": trigger}],
    }
    return _object("keda.sh/v1alpha1", "ScaledObject", name, spec)


def _topic(topic: topics.Topic) -> Json:
    spec = {
        "topicName": topic.name,
        "partitions": PARTITIONS,
        "replicas": REPLICAS,
        "config": config(topic) | {"min.insync.replicas": str(MIN_IN_SYNC)},
    }
    made = _object("kafka.strimzi.io/v1beta2", "KafkaTopic", topic.name, spec)
    made["metadata"]["labels"] = {"strimzi.io/cluster": CLUSTER}
    return made


def _object(version: str, kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
