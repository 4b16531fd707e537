"""The compose files: sound, safe, naming only what there is."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from support.compose import BUILT, RECOGNISER, SECRETS, SERVICES, STACK, WORKERS, environment
from support.paths import ROOT

from affectstream.dashboards.grafana import source

GPU: dict[str, Any] = yaml.safe_load((ROOT / "compose.gpu.yml").read_text(encoding="utf-8"))
ONE_SHOT = {"topics", "replay"}
STAYING = sorted(set(SERVICES) - ONE_SHOT)


def waits_for(service: dict[str, Any]) -> dict[str, str]:
    return {name: how["condition"] for name, how in service.get("depends_on", {}).items()}


def test_the_stack_has_the_services_of_the_design():
    ours = {*WORKERS, "fusion", "alerts", "gateway", "api"}
    assert {"kafka", "topics", "redis", "grafana", "replay", *ours} <= set(SERVICES)


@pytest.mark.parametrize("name", STAYING)
def test_a_staying_service_has_a_health_check_and_comes_back(name: str):
    service = SERVICES[name]
    check = service["healthcheck"]

    assert service["restart"] == "unless-stopped"
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_a_one_shot_ends_and_is_judged_by_its_exit_code(name: str):
    assert SERVICES[name]["restart"] in ("no", "on-failure")
    assert "healthcheck" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_has_limits_and_no_privileges(name: str):
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]

    assert {"cpus", "memory"} <= set(limits)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True and "/tmp" in service["tmpfs"]
    assert re.fullmatch(r"[1-9]\d*:\d+|valkey|appuser|\$\{REPLAY_USER:-10001:10001\}", service["user"])
    assert not {"privileged", "network_mode", "pid", "container_name"} & set(service)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_image_is_pinned_by_a_tag(name: str):
    tag = SERVICES[name]["image"].rpartition(":")[2]

    assert re.search(r"\d+\.\d+\.\d+", tag), tag


def test_our_images_carry_our_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert {SERVICES[name]["image"].rpartition(":")[2] for name in BUILT} == {project["version"]}
    assert all(SERVICES[name]["image"].startswith("affectstream-") for name in BUILT)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_waits_for_what_can_come_true(name: str):
    for other, condition in waits_for(SERVICES[name]).items():
        if other in ONE_SHOT:
            assert condition == "service_completed_successfully"
        else:
            assert condition == "service_healthy"
            assert "healthcheck" in SERVICES[other]
        assert "profiles" not in SERVICES[other]


def test_nobody_waits_in_a_circle():
    left = {name: set(waits_for(service)) for name, service in SERVICES.items()}
    while left:
        free = {name for name, others in left.items() if not others & set(left)}
        assert free, f"a circle among {sorted(left)}"
        left = {name: others for name, others in left.items() if name not in free}


def test_no_secret_is_written_down():
    for name, service in SERVICES.items():
        for var, value in environment(service).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|_KEY", var):
                assert re.fullmatch(r"\$\{(\w+):\?[^}]+\}", value), f"{name}: {var}"


def test_the_example_of_the_environment_names_every_variable_and_no_value_for_a_secret():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^#?(\w+)=(.*)$", text, flags=re.MULTILINE))
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))

    assert set(named) == used
    assert {name for name, value in named.items() if not value} == set(SECRETS)


def test_ports_are_published_on_this_host_only():
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_redis_and_the_workers_are_on_no_network_with_a_way_out():
    assert STACK["networks"]["backend"] == {"internal": True}
    for name in ("redis", "fusion", "recorder", RECOGNISER, *WORKERS):
        assert SERVICES[name]["networks"] == ["backend"]


def test_the_health_checks_ask_where_the_processes_answer():
    for name in (*WORKERS, RECOGNISER, "fusion", "recorder", "gateway"):
        group = name.removeprefix("worker-").upper()
        env = environment(SERVICES[name])
        assert env[f"AFFECT_{group}__HEALTH_HOST"] == "0.0.0.0"
        assert f":{env[f'AFFECT_{group}__HEALTH_PORT']}/readyz" in SERVICES[name]["healthcheck"]["test"][-1]
    assert f":{environment(SERVICES['api'])['AFFECT_API__PORT']}/readyz" in str(
        SERVICES["api"]["healthcheck"]
    )


def test_the_recogniser_is_there_by_profile_and_one_switch_marks_the_sound_for_it():
    assert SERVICES[RECOGNISER]["profiles"] == ["asr"]
    for name in (RECOGNISER, "gateway", "replay", "fusion"):
        assert environment(SERVICES[name])["AFFECT_ASR__ENABLED"] == "${ASR:-false}"


def test_calls_are_recorded_by_profile_and_the_page_only_reads_them():
    recorder, api = SERVICES["recorder"], SERVICES["api"]
    assert recorder["profiles"] == ["recording"]
    assert "recordings:/recordings" in recorder["volumes"]
    assert "recordings:/recordings:ro" in api["volumes"]
    for service in (recorder, api):
        assert environment(service)["AFFECT_POLICY__RECORDINGS"] == "/recordings"
    assert environment(api)["AFFECT_POLICY__LISTENING"] == "${LISTENING:-false}"
    assert [
        name for name, each in SERVICES.items() if "recordings:/recordings" in each.get("volumes", ())
    ] == ["recorder"]
    assert "-m 700 /audit /recordings" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_kafka_has_the_whole_configuration_of_one_kraft_node():
    env = environment(SERVICES["kafka"])

    listeners = set(re.findall(r"(\w+)://", env["KAFKA_LISTENERS"]))
    assert listeners == set(re.findall(r"(\w+):PLAINTEXT", env["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]))
    assert set(re.findall(r"(\w+)://", env["KAFKA_ADVERTISED_LISTENERS"])) == listeners - {"CONTROLLER"}
    assert env["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert env["KAFKA_CONTROLLER_QUORUM_VOTERS"].startswith(f"{env['KAFKA_NODE_ID']}@")
    assert {value for name, value in env.items() if "REPLICATION_FACTOR" in name} == {"1"}
    assert env["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert not [name for name in env if not name.startswith("KAFKA_")]


def test_the_gpu_file_touches_the_workers_and_only_their_device():
    assert set(GPU["services"]) == WORKERS
    for name, service in GPU["services"].items():
        group = name.removeprefix("worker-").upper()
        assert service["environment"] == {f"AFFECT_{group}__DEVICE": "cuda"}
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
        assert set(service) == {"environment", "deploy"}


def test_mounted_files_are_there():
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            elif not source.startswith("${"):
                assert source in STACK["volumes"]


def test_no_service_reads_the_checkout_but_the_recording_to_replay():
    binds = {
        name: volume
        for name, service in SERVICES.items()
        for volume in service.get("volumes", ())
        if volume.startswith((".", "/", "$"))
    }

    assert set(binds) == {"replay"}


def test_grafana_starts_without_internet_and_reads_the_api_with_its_token():
    env = environment(SERVICES["grafana"])
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert env["GF_PATHS_PLUGINS"] in text
    assert f"plugins install {source.TYPE} " in text
    assert not any("PREINSTALL" in name and name != "GF_PLUGINS_PREINSTALL_DISABLED" for name in env)
    assert env["API_TOKEN"] == environment(SERVICES["api"])["AFFECT_API__TOKEN"]
