"""The windows of a call as a file to download, as `affectstream analyze -o` writes them."""

from collections.abc import Iterator
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from affectstream.analytics.lines import lines, table
from affectstream.dashboards.reader import Reader
from affectstream.schemas.fields import SessionId

WRITERS = {"jsonl": (lines, "application/x-ndjson"), "csv": (table, "text/csv; charset=utf-8")}

router = APIRouter(include_in_schema=False)


@router.get("/call/{sid}/windows.{kind}")
async def windows(request: Request, sid: SessionId, kind: Literal["jsonl", "csv"]) -> StreamingResponse:
    """Return all final windows of a call, by time and party."""
    reader: Reader = request.app.state.reader
    finals = sorted(await reader.all_finals(sid), key=lambda final: (final.end_ms, final.party))
    write, media_type = WRITERS[kind]

    def text() -> Iterator[str]:  # in a thread of its own
        yield from write(finals, reader.display)

    name = {"Content-Disposition": f'attachment; filename="{sid}.{kind}"'}
    return StreamingResponse(text(), media_type=media_type, headers=name)
