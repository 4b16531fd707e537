"""The manifests of deploy/kubernetes that follow from docker-compose.yml and from the table of topics.

    python scripts/kubernetes.py

writes base/workloads.yaml, base/scaling.yaml, kafka/topics.yaml, and the workloads.yaml of asr and recording;
a test holds them equal to what this gives. The files beside them (network, Kafka, kustomizations) are
written by hand.
"""

import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from affectstream.runtime.kafka.topics import config
from affectstream.schemas import topics

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[
    "services"
]

Json = dict[str, Any]

PARTITIONS = 24  # of every topic, and so the most processes of a kind; `affectstream capacity` says how many
REPLICAS, MIN_IN_SYNC = 3, 2
CLUSTER = "affect"  # the name of Strimzi's Kafka
BOOTSTRAP = f"{CLUSTER}-kafka-bootstrap:9092"
OUT_OF_ENV = "affectstream"  # kubectl create secret generic affectstream --from-env-file=.env
RECOGNISER = "worker-asr"  # a component of its own, as it is a profile of the stack
RECORDER = "recorder"  # another
KEEPING = ("gateway", "api", "redis", RECORDER)  # a file of their own
SERVED = {
    "gateway": {"calls": 8360, "audiosocket": 8361},
    "api": {"http": 8350},
    "redis": {"redis": 6379},
    RECORDER: {"metrics": 9100},
}
SIZES = {"audit": "1Gi", "redis": "20Gi", "recordings": "200Gi"}
SHARED = "recordings"  # one volume, which the recorder writes and the API reads
USERS = {"redis": {"runAsUser": 999, "runAsGroup": 1000, "fsGroup": 1000}}  # valkey in its image
NOBODY = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
PROBE_S = 5
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
    pod = {"metadata": {"labels": labels | _roles(name, service)}, "spec": _pod(name, service)}
    spec: Json = {"selector": {"matchLabels": {"app.kubernetes.io/name": name}}, "template": pod}
    if _metrics_port(service):
        pod["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}
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


def _pod(name: str, service: Json) -> Json:
    container = {
        "name": name,
        "image": service["image"],
        "command": _words(service.get("entrypoint", ())),  # none: the image's own
        "args": _words(service["command"]),
        "env": [_variable(key, value) for key, value in service["environment"].items()],
        "ports": [{"name": key, "containerPort": port} for key, port in _ports(name, service).items()],
        **_probes(service["healthcheck"]),
        "resources": _resources(service["deploy"]["resources"]["limits"]),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *_mounts(service, name)],
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            **USERS.get(name, NOBODY),
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 15 + int(service.get("stop_grace_period", "15s").rstrip("s")),
        "containers": [{key: value for key, value in container.items() if value}],
        "volumes": [{"name": "tmp", "emptyDir": {}}, *(_of_shared() if name == RECORDER else ())],
    }


def _roles(name: str, service: Json) -> dict[str, str]:
    """Return whom a pod may speak to, as labels that the network policies select."""
    env = service["environment"]
    kafka, redis = "AFFECT_KAFKA__BOOTSTRAP" in env, "AFFECT_REDIS__URL" in env
    return {
        f"affectstream/{role}": "client" for role, is_one in (("kafka", kafka), ("redis", redis)) if is_one
    }


def _variable(name: str, value: Any) -> Json:
    """Return an environment variable; a required one of compose's is in the secret."""
    text = str(value).replace("kafka:9092", BOOTSTRAP)
    if found := re.fullmatch(r"\$\{(\w+):\?[^}]*\}", text):
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": OUT_OF_ENV, "key": found[1]}}}
    return {"name": name, "value": _shell(text)}


def _words(given: str | list[str]) -> list[str]:
    return [_shell(word) for word in (shlex.split(given) if isinstance(given, str) else given)]


def _shell(text: str) -> str:
    """Return a text as compose hands it over: defaults filled in, ``$$`` for ``$``."""
    return re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def _ports(name: str, service: Json) -> dict[str, int]:
    return SERVED.get(name, {}) | ({"metrics": 9100} if _metrics_port(service) else {})


def _metrics_port(service: Json) -> bool:
    return any(name.endswith("__HEALTH_PORT") for name in service["environment"])


def _probes(check: Json) -> Json:
    """Return the probes: ready as compose's health check asks, alive while the event loop answers."""
    patience = math.ceil((int(check["start_period"].rstrip("s")) + 60) / PROBE_S)
    url = re.search(r"127\.0\.0\.1:(\d+)(/readyz)", str(check["test"]))
    if url is None:
        ready = {"exec": {"command": ["/bin/sh", "-c", _shell(check["test"][1])]}}
        alive = ready
    else:
        ready = {"httpGet": {"path": url[2], "port": int(url[1])}}
        alive = {"httpGet": {"path": "/livez", "port": int(url[1])}}
    return {
        "startupProbe": alive | {"periodSeconds": PROBE_S, "failureThreshold": patience, "timeoutSeconds": 4},
        "livenessProbe": alive | {"periodSeconds": 10, "failureThreshold": 6, "timeoutSeconds": 5},
        "readinessProbe": ready | {"periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 5},
    }


def _resources(limits: Json) -> Json:
    memory = re.sub(r"([GM])$", r"\1i", limits["memory"])
    cpu = float(limits["cpus"])
    return {
        "requests": {"cpu": f"{round(cpu * 500)}m", "memory": memory},
        "limits": {"cpu": f"{round(cpu * 1000)}m", "memory": memory},
    }


def _mounts(service: Json, name: str = "") -> list[Json]:
    """Return what is mounted; of what is shared only what ``name`` writes: recording/ adds the reader's."""
    pairs = (volume.split(":") for volume in service.get("volumes", ()))
    return [
        {"name": volume, "mountPath": path}
        for volume, path, *_ in pairs
        if volume != SHARED or name == RECORDER
    ]


def _of_shared() -> list[Json]:
    return [{"name": SHARED, "persistentVolumeClaim": {"claimName": SHARED}}]


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
        for mount in _mounts(service)
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
