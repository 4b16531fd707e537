"""A connection to a Grafana, and its errors in words of what to do."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import niquests
from grafana_client import GrafanaApi, TokenAuth
from grafana_client.client import (
    GrafanaBadInputError,
    GrafanaClientError,
    GrafanaException,
    GrafanaTimeoutError,
    GrafanaUnauthorizedError,
)

from affectstream.schemas.errors import AffectError, InputError, Unavailable

TIMEOUT_S = 10.0


@contextmanager
def connected(url: str, token: str, needs: str, timeout_s: float = TIMEOUT_S) -> Iterator[Any]:
    """Connect with a token; ``needs`` says which one a refused token would have to be.

    Raises InputError for an impossible URL, Unavailable where Grafana does not answer, AffectError where it
    refuses.
    """
    url = checked(url, "Grafana")
    grafana = GrafanaApi.from_url(f"{url}/", credential=TokenAuth(token), timeout=timeout_s)
    with closing(grafana.client.s), _explained(url, needs):
        yield grafana


def checked(url: str, whose: str) -> str:
    """Return a URL without a slash at its end; raises InputError for no URL or one with credentials."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"the URL of {whose} starts with http:// or https:// and names a host")
    if parts.username or parts.password:
        raise InputError(f"the URL of {whose} holds credentials; give a token instead")
    return url.rstrip("/")


def message(error: GrafanaException) -> str:
    """Return what Grafana gives as the reason of a refusal."""
    response = error.response
    given = response.get("message") if isinstance(response, dict) else None
    return str(given or "no reason given")


@contextmanager
def _explained(url: str, needs: str) -> Iterator[None]:
    """Translate the client's errors; texts say what to do and never contain the token."""
    host = urlsplit(url).netloc
    try:
        yield
    except GrafanaUnauthorizedError:
        raise AffectError(f"Grafana at {host} does not know this token; needed is {needs}") from None
    except GrafanaBadInputError as error:
        raise AffectError(f"Grafana at {host} refused what was sent: {message(error)}") from None
    except GrafanaClientError as error:
        if error.status_code == 403:
            raise AffectError(f"the token may not do this in Grafana at {host}; needed is {needs}") from None
        raise AffectError(f"Grafana at {host} answered {error.status_code}: {message(error)}") from None
    except GrafanaTimeoutError:
        raise Unavailable(f"Grafana at {host} does not answer in time") from None
    except GrafanaException as error:
        raise Unavailable(f"Grafana at {host} answered {error.status_code}: {message(error)}") from None
    except (niquests.exceptions.RequestException, AttributeError, LookupError, TypeError, ValueError):
        raise Unavailable(f"no Grafana answers at {host}; is the URL right, and is it running?") from None
