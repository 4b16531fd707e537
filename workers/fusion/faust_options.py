"""Faust as a bare consumer of one topic: no table, no web server, no leader, no topic that it creates."""

from typing import Any

from faust import SASLCredentials, SSLCredentials

from affectstream.runtime.kafka import group_name
from affectstream.runtime.kafka.security import ssl_context
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.topics import Topic

FETCH_RECORDS = 500  # handed over at once, so that results do not wait for a long backlog to be joined
HEARTBEATS_PER_SESSION = 3
REQUEST_S = 40.0


def options(kafka: KafkaSettings, topic: Topic) -> dict[str, Any]:
    """Return the arguments of the app."""
    session_s = kafka.session_timeout_ms / 1000
    return {
        "id": group_name(kafka, topic.group),
        "broker": [f"kafka://{address.strip()}" for address in kafka.bootstrap.split(",")],
        "broker_credentials": _credentials(kafka),
        "broker_client_id": kafka.client_id,
        "broker_session_timeout": session_s,
        "broker_heartbeat_interval": session_s / HEARTBEATS_PER_SESSION,
        "broker_request_timeout": max(REQUEST_S, session_s + 5.0),  # faust wants it above the session's
        "broker_max_poll_records": FETCH_RECORDS,
        "consumer_group_instance_id": kafka.instance_id,
        "consumer_max_fetch_size": 2 * topic.max_bytes,
        "consumer_auto_offset_reset": "earliest",
        "stream_wait_empty": False,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "web_enabled": False,
        "autodiscover": False,
        "store": "memory://",
    }


def _credentials(kafka: KafkaSettings) -> Any:
    context = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password:
        return SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None
