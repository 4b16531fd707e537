"""The process of a gateway, as the tests start it."""

from affectstream.processes import Child
from affectstream.runtime.settings import Settings, as_env


def child(settings: Settings) -> Child:
    """Return the process under ``settings``."""
    env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
    return Child("gateway", "affectstream.producers.gateway", env, settings.gateway.health_port)
