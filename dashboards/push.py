"""Push of folder, data source and dashboard to an existing Grafana."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import niquests
from grafana_client import GrafanaApi, TokenAuth
from grafana_client.client import (
    GrafanaBadInputError,
    GrafanaClientError,
    GrafanaException,
    GrafanaTimeoutError,
    GrafanaUnauthorizedError,
)

from affectstream.dashboards.grafana import build, source
from affectstream.schemas.errors import AffectError, InputError, Unavailable

FOLDER_UID = "affectstream"
FOLDER_TITLE = "affectstream"
NEEDS = "a service account token with the role Admin (data sources and dashboards are written)"


@dataclass(frozen=True)
class Pushed:
    """What was written, and its URL."""

    grafana_version: str
    folder_uid: str
    datasource_uid: str
    dashboard_url: str
    data_source_health: str  # Grafana's message after its health check of the API


def push(
    url: str, token: str, api_url: str, *, api_token: str | None = None, timeout_s: float = 10.0
) -> Pushed:
    """Write the folder, the data source over ``api_url`` and the dashboard; safe to repeat.

    ``api_url`` is where Grafana, not this machine, reaches the JSON API. Raises InputError for an impossible
    URL or a missing plugin, Unavailable where Grafana does not answer, AffectError where it refuses.
    """
    url, api_url = _checked(url, "Grafana"), _checked(api_url, "the JSON API")
    grafana = GrafanaApi.from_url(f"{url}/", credential=TokenAuth(token), timeout=timeout_s)
    with closing(grafana.client.s), _explained(url):
        version = str(grafana.health.check().get("version", "unknown"))
        _require_plugin(grafana)
        _ensure_folder(grafana)
        _write_datasource(grafana, source.datasource(api_url, api_token))
        written = grafana.dashboard.update_dashboard(
            {
                "dashboard": build.dashboard(),
                "folderUid": FOLDER_UID,
                "overwrite": True,
                "message": "affectstream dashboards push",
            }
        )
        health = _health(grafana)
    dashboard_url = urljoin(url, str(written["url"]))  # Grafana includes its own sub-path
    return Pushed(version, FOLDER_UID, source.UID, dashboard_url, health)


def _checked(url: str, whose: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"the URL of {whose} starts with http:// or https:// and names a host")
    if parts.username or parts.password:
        raise InputError(f"the URL of {whose} holds credentials; give a token instead")
    return url.rstrip("/")


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Translate the client's errors; texts say what to do and never contain the token."""
    host = urlsplit(url).netloc
    try:
        yield
    except GrafanaUnauthorizedError:
        raise AffectError(f"Grafana at {host} does not know this token; needed is {NEEDS}") from None
    except GrafanaBadInputError as error:
        raise AffectError(f"Grafana at {host} refused what was sent: {_message(error)}") from None
    except GrafanaClientError as error:
        if error.status_code == 403:
            raise AffectError(f"the token may not do this in Grafana at {host}; needed is {NEEDS}") from None
        raise AffectError(f"Grafana at {host} answered {error.status_code}: {_message(error)}") from None
    except GrafanaTimeoutError:
        raise Unavailable(f"Grafana at {host} does not answer in time") from None
    except GrafanaException as error:
        raise Unavailable(f"Grafana at {host} answered {error.status_code}: {_message(error)}") from None
    except (niquests.exceptions.RequestException, AttributeError, LookupError, TypeError, ValueError):
        raise Unavailable(f"no Grafana answers at {host}; is the URL right, and is it running?") from None


def _message(error: GrafanaException) -> str:
    response = error.response
    given = response.get("message") if isinstance(response, dict) else None
    return str(given or "no reason given")


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
        return _message(error)


def _found(get: Callable[[str], Any], uid: str) -> Any | None:
    try:
        return get(uid)
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise
