"""The capture page: what it may load, that its files are there, and whom its socket is open to."""

import re
from pathlib import Path

import pytest
from support.paths import ROOT

from affectstream.producers.gateway.pages import FILES, pages
from affectstream.producers.gateway.requests import Request
from affectstream.producers.gateway.server import _inside
from affectstream.runtime.settings import load

FOLDER = ROOT / "producers" / "gateway" / "page"


def test_every_file_of_the_page_is_answered_with_a_strict_policy():
    answers = pages()
    assert {FOLDER / name for name in FILES.values()} == set(FOLDER.iterdir())
    for path, answer in answers.items():
        assert answer.status == 200 and answer.body == Path(FOLDER / FILES[path]).read_bytes()
        assert answer.headers and "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"unsafe|\*|https?:", answer.headers["Content-Security-Policy"])


def test_the_page_names_nothing_of_another_host_and_has_no_script_in_it():
    for file in FOLDER.iterdir():
        assert not re.search(r"https?://|//[a-z]+\.", file.read_text(encoding="utf-8")), file
    html = (FOLDER / "capture.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", html)
    assert {f"/{src}" for src in re.findall(r'(?:src|href)="([^"]+)"', html)} <= set(FILES)


@pytest.mark.parametrize(
    ("gateway", "origin", "inside"),
    [
        ({}, None, True),  # a program
        ({}, "http://127.0.0.1:8360", True),  # the gateway's own page
        ({}, "http://localhost:8360", True),
        ({}, "http://127.0.0.1:8361", False),  # another server of this machine
        ({}, "https://evil.example", False),
        ({}, "http://evil.example:8360", False),  # whose name leads to this machine
        ({}, "null", False),
        ({"public_url": "wss://calls.example.com", "token": "x"}, None, False),
        ({"host": "0.0.0.0", "token": "x"}, "http://127.0.0.1:8360", False),
    ],
)
def test_without_a_token_only_programs_and_the_own_page_on_this_machine_get_in(gateway, origin, inside):
    headers = {} if origin is None else {"origin": origin}
    assert _inside(Request("/stream", "", headers), load(gateway=gateway).gateway) is inside
