"""What a client asks the gateway's HTTP server for, and the answer where that is no WebSocket."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from picows import WSUpgradeResponse


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    path: str
    query: str
    headers: Mapping[str, str]  # their names in any case

    @property
    def target(self) -> str:
        """Return the path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Answer:
    """A response that ends the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None

    def response(self) -> WSUpgradeResponse:
        """Return it as the server sends it."""
        body = self.body or f"{HTTPStatus(self.status).phrase}\n".encode()
        made: WSUpgradeResponse = (
            WSUpgradeResponse.create_ok_response(body, self.headers)
            if self.status < 400
            else WSUpgradeResponse.create_error_response(self.status, body, self.headers)
        )
        return made
