"""TLS and SASL for the Kafka clients, from the settings."""

import ssl
from typing import Any

from aiokafka.helpers import create_ssl_context

from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.errors import SettingsError


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Return the TLS context that the settings ask for, None for a plain connection; raises SettingsError."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    password = kafka.ssl_password.get_secret_value() if kafka.ssl_password else None
    try:
        context: ssl.SSLContext = create_ssl_context(
            cafile=_path(kafka.ssl_cafile),
            certfile=_path(kafka.ssl_certfile),
            keyfile=_path(kafka.ssl_keyfile),
            password=password,
        )
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "a file of kafka.ssl_cafile, ssl_certfile or ssl_keyfile cannot be used: "
            f"{error.strerror or error}"
        ) from None
    return context


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return the arguments that every aiokafka client shares: address, name, TLS and SASL."""
    options: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in kafka.bootstrap.split(",")],
        "client_id": kafka.client_id,
        "security_protocol": kafka.security_protocol,
        "ssl_context": ssl_context(kafka),
    }
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = kafka.sasl_password.get_secret_value()
    return options


def _path(path: object) -> str | None:
    return None if path is None else str(path)
