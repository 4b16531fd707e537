"""The manifests of Kubernetes: valid by its own schemas, safe, and the same system as the compose file."""

import asyncio
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.compose import SERVICES
from support.operators import LABELLED, OF_OPERATORS
from support.paths import ROOT

from affectstream.dashboards import routes
from affectstream.runtime.health import Health
from affectstream.runtime.process import free_port
from affectstream.schemas import topics

FOLDER = ROOT / "deploy" / "kubernetes"
SCRIPT = ROOT / "scripts" / "kubernetes.py"
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))

Json = dict[str, Any]


def documents(*paths: Path) -> Iterator[Json]:
    for path in paths or FILES:
        yield from (doc for doc in yaml.safe_load_all(path.read_text(encoding="utf-8")) if doc)


def of_kind(kind: str) -> dict[str, Json]:
    return {doc["metadata"]["name"]: doc for doc in documents() if doc["kind"] == kind}


DEPLOYMENTS, KEEPING = of_kind("Deployment"), of_kind("StatefulSet")
WORKLOADS = DEPLOYMENTS | KEEPING
SCALED, TOPICS = of_kind("ScaledObject"), of_kind("KafkaTopic")


def pod(name: str) -> Json:
    found: Json = WORKLOADS[name]["spec"]["template"]["spec"]
    return found


def env(name: str) -> dict[str, Any]:
    (container,) = pod(name)["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
    monkeypatch.syspath_prepend(SCRIPT.parent)  # as where a script is run, for what it imports from beside it
    spec = importlib.util.spec_from_file_location("kubernetes_manifests", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: Callable[[], dict[Path, str]] = module.files
    return files()


def test_the_files_are_what_the_compose_file_and_the_table_of_topics_give(generated: dict[Path, str]):
    for path, text in generated.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python scripts/kubernetes.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_resource_is_valid_by_its_schema(path: Path):
    for doc in documents(path):
        if doc["kind"] in OF_OPERATORS:
            jsonschema.validate(doc["metadata"], LABELLED)
            jsonschema.validate(doc["spec"], OF_OPERATORS[doc["kind"]])
        else:
            kubernetes_validate.validate(doc, "1.33", strict=True)


def test_a_misspelt_field_is_found():
    deployment = next(doc for doc in documents() if doc["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["livenessProb"] = container.pop("livenessProbe")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.33", strict=True)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_a_kustomization_names_what_there_is(path: Path):
    own = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert own["namespace"] == "affectstream"
    assert all((path.parent / name).exists() for name in own["resources"])
    for patch in own.get("patches", ()):
        target = yaml.safe_load(patch["patch"])
        (container,) = target["spec"]["template"]["spec"]["containers"]
        assert container["name"] == target["metadata"]["name"] in of_kind(target["kind"])


def test_every_process_of_the_stack_is_there_with_a_budget():
    ours = {name for name, each in SERVICES.items() if each["image"].startswith("affectstream-")}
    ours = ours - {"topics", "replay", "grafana", "prometheus"} | {"redis"}  # topics are Strimzi's

    assert set(WORKLOADS) == ours == set(of_kind("PodDisruptionBudget"))


def test_every_group_is_scaled_by_its_lag_to_no_more_than_there_are_partitions():
    (partitions,) = {topic["spec"]["partitions"] for topic in TOPICS.values()}
    groups = {topic.group: topic.name for topic in topics.ALL if topic.group} | {
        topics.ASR_GROUP: topics.CHUNKS.name
    }

    triggers = {name: each["spec"]["triggers"][0]["metadata"] for name, each in SCALED.items()}
    assert set(SCALED) == set(DEPLOYMENTS)
    assert {each["consumerGroup"]: each["topic"] for each in triggers.values()} == groups
    assert {each["spec"]["maxReplicaCount"] for each in SCALED.values()} == {partitions}
    assert set(TOPICS) == {topic.name for topic in topics.ALL}


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_rollout_never_waits_for_a_process_that_has_no_partition(name: str):
    assert DEPLOYMENTS[name]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert "replicas" not in DEPLOYMENTS[name]["spec"]  # that is for KEDA to set


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_pod_has_no_root_no_privileges_and_nothing_to_write_to(name: str):
    (container,) = pod(name)["containers"]

    assert pod(name)["securityContext"]["runAsNonRoot"] and pod(name)["securityContext"]["runAsUser"] > 0
    assert pod(name)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod(name)["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_secret_is_named_and_never_written_down(name: str):
    for key, value in env(name).items():
        if re.search(r"PASSWORD|TOKEN|_KEY$", key):
            assert set(value) == {"secretKeyRef"} and value["secretKeyRef"]["name"] == "affectstream"
        else:
            assert "$" not in value


@pytest.fixture(scope="module")
def served() -> dict[str, set[str]]:
    """The paths that a worker's health port and the API answer."""

    async def of_health() -> set[str]:
        port, paths = free_port(), set()
        async with Health(port, {}), aiohttp.ClientSession() as client:
            for path in ("/livez", "/readyz", "/healthz"):
                async with client.get(f"http://127.0.0.1:{port}{path}") as answer:
                    paths |= {path} if answer.status != 404 else set()
        return paths

    of_api = {getattr(route, "path", "") for route in routes.health.routes}
    return {"9100": asyncio.run(of_health()), "8350": of_api}


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - {"redis"}))
def test_the_probes_ask_what_the_process_serves(name: str, served: dict[str, set[str]]):
    (container,) = pod(name)["containers"]
    ports = {each["containerPort"] for each in container["ports"]}

    for probe, path in (
        ("startupProbe", "/livez"),
        ("livenessProbe", "/livez"),
        ("readinessProbe", "/readyz"),
    ):
        asked = container[probe]["httpGet"]
        assert asked["path"] == path and path in served[str(asked["port"])]
        assert asked["port"] in ports
    if 9100 in ports:
        group = name.removeprefix("worker-").upper()
        assert env(name)[f"AFFECT_{group}__HEALTH_PORT"] == "9100"


def test_a_policy_selects_pods_that_there_are_and_nothing_is_open_by_default():
    policies = of_kind("NetworkPolicy")
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in WORKLOADS.values()]

    assert set(policies["nothing-else"]["spec"]) == {"podSelector", "policyTypes"}
    for name, policy in policies.items():
        wanted = policy["spec"]["podSelector"].get("matchLabels", {})
        assert any(wanted.items() <= each.items() for each in labels), name
    open_ports = {each["port"] for each in policies["from-outside"]["spec"]["ingress"][0]["ports"]}
    assert open_ports == {8350, 8360}


def test_kafka_keeps_three_copies_of_everything():
    (kafka,) = of_kind("Kafka").values()
    config = kafka["spec"]["kafka"]["config"]

    assert {value for key, value in config.items() if key.endswith("replication.factor")} == {3}
    assert {topic["spec"]["replicas"] for topic in TOPICS.values()} == {3}
    assert {topic["spec"]["config"]["min.insync.replicas"] for topic in TOPICS.values()} == {"2"}
    address = f"{kafka['metadata']['name']}-kafka-bootstrap:9092"
    assert {env(name)["AFFECT_KAFKA__BOOTSTRAP"] for name in DEPLOYMENTS} == {address}
