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
