"""The pods of the processes of docker-compose.yml: containers, probes, limits, volumes."""

import math
import re
import shlex
from typing import Any

Json = dict[str, Any]

CLUSTER = "affect"  # the name of Strimzi's Kafka
BOOTSTRAP = f"{CLUSTER}-kafka-bootstrap:9092"
OUT_OF_ENV = "affectstream"  # kubectl create secret generic affectstream --from-env-file=.env
RECORDER = "recorder"
SERVED = {
    "gateway": {"calls": 8360, "audiosocket": 8361},
    "api": {"http": 8350},
    "redis": {"redis": 6379},
    RECORDER: {"metrics": 9100},
}
SHARED = "recordings"  # one volume, which the recorder writes and the API reads
USERS = {"redis": {"runAsUser": 999, "runAsGroup": 1000, "fsGroup": 1000}}  # valkey in its image
NOBODY = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
PROBE_S = 5


def pod(name: str, service: Json) -> Json:
    """Return what a pod of ``service``, an entry of the compose file, is made of."""
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
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts(service, name)],
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


def roles(name: str, service: Json) -> dict[str, str]:
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
    return SERVED.get(name, {}) | ({"metrics": 9100} if metrics_port(service) else {})


def metrics_port(service: Json) -> bool:
    """Say whether a process serves metrics on a port of its own."""
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


def mounts(service: Json, name: str = "") -> list[Json]:
    """Return what is mounted; of what is shared only what ``name`` writes: recording/ adds the reader's."""
    pairs = (volume.split(":") for volume in service.get("volumes", ()))
    return [
        {"name": volume, "mountPath": path}
        for volume, path, *_ in pairs
        if volume != SHARED or name == RECORDER
    ]


def _of_shared() -> list[Json]:
    return [{"name": SHARED, "persistentVolumeClaim": {"claimName": SHARED}}]
