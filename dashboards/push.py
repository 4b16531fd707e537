"""Push of folder, data source and dashboards to an existing Grafana."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from affectstream.dashboards.connection import TIMEOUT_S, checked, connected, message
from affectstream.dashboards.grafana import build, source
from affectstream.schemas.errors import InputError

FOLDER_UID = "affectstream"
FOLDER_TITLE = "affectstream"
NEEDS = "a service account token with the role Admin (data sources and dashboards are written)"


@dataclass(frozen=True)
class Pushed:
    """What was written, and the URLs of the dashboards."""

    grafana_version: str
    folder_uid: str
    datasource_uid: str
    dashboard_urls: tuple[str, ...]
    data_source_health: str  # Grafana's message after its health check of the API


def push(
    url: str, token: str, api_url: str, *, api_token: str | None = None, timeout_s: float = TIMEOUT_S
) -> Pushed:
    """Write the folder, the data source over ``api_url`` and the dashboards; safe to repeat.

    ``api_url`` is where Grafana, not this machine, reaches the JSON API. Raises InputError for an impossible
    URL or a missing plugin, Unavailable where Grafana does not answer, AffectError where it refuses.
    """
    api_url = checked(api_url, "the JSON API")
    with connected(url, token, NEEDS, timeout_s) as grafana:
        version = str(grafana.health.check().get("version", "unknown"))
        _require_plugin(grafana)
        _ensure_folder(grafana)
        _write_datasource(grafana, source.datasource(api_url, api_token))
        urls = tuple(_write_dashboard(grafana, each, url) for each in build.dashboards().values())
        health = _health(grafana)
    return Pushed(version, FOLDER_UID, source.UID, urls, health)


def _write_dashboard(grafana: GrafanaApi, dashboard: dict[str, Any], url: str) -> str:
    """Write a dashboard and return its URL."""
    written = grafana.dashboard.update_dashboard(
        {
            "dashboard": dashboard,
            "folderUid": FOLDER_UID,
            "overwrite": True,
            "message": "affectstream dashboards push",
        }
    )
    return urljoin(url, str(written["url"]))  # Grafana includes its own sub-path


def _require_plugin(grafana: GrafanaApi) -> None:
    if not any(plugin["id"] == source.TYPE for plugin in grafana.plugin.list()):
        raise InputError(
            f"Grafana lacks the plugin {source.TYPE}; install it with "
            f"`grafana cli plugins install {source.TYPE}` or GF_PLUGINS_PREINSTALL, and restart it"
        )


def _ensure_folder(grafana: GrafanaApi) -> None:
    if _found(grafana.folder.get_folder, FOLDER_UID) is None:
        grafana.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)


def _write_datasource(grafana: GrafanaApi, wanted: dict[str, Any]) -> None:
    present = _found(grafana.datasource.get_datasource_by_uid, source.UID)
    if present is None:
        grafana.datasource.create_datasource(wanted)
    elif present.get("readOnly"):
        return  # provisioned by files; Grafana would refuse
    else:
        grafana.datasource.update_datasource_by_uid(source.UID, wanted)


def _health(grafana: GrafanaApi) -> str:
    """Return the message of Grafana's health check; it may fail because the API does not run yet."""
    try:
        return str(grafana.datasource.health(source.UID)["message"])
    except GrafanaException as error:
        return message(error)


def _found(get: Callable[[str], Any], uid: str) -> Any | None:
    try:
        return get(uid)
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise
