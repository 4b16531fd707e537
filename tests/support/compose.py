"""The compose file as it is parsed, and the secrets that it takes from `.env`."""

from typing import Any

import yaml
from support.paths import ROOT

STACK: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
SECRETS = (
    *(
        f"REDIS_{user}_PASSWORD"
        for user in ("WORKER", "FUSION", "ALERTS", "RECORD", "PRODUCER", "API", "OPERATOR")
    ),
    "GRAFANA_ADMIN_PASSWORD",
    "API_TOKEN",
    "GATEWAY_TOKEN",
    "GATEWAY_SESSION_KEY",
)
WORKERS = {"worker-video", "worker-audio", "worker-text"}
RECOGNISER = "worker-asr"
IMAGES = dict.fromkeys(WORKERS, "inference") | {RECOGNISER: "recogniser"}  # the others' is base
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)
OURS = sorted(name for name in BUILT if SERVICES[name]["build"]["target"] in {"base", *IMAGES.values()})


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a service."""
    return {name: str(value) for name, value in service.get("environment", {}).items()}
