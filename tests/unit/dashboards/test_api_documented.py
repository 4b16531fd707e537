"""docs/api.md names every path of the API and every setting of the displayed label."""

import re
from pathlib import PurePosixPath

from support.paths import ROOT

from affectstream.dashboards.api import create_app
from affectstream.runtime.settings import RedisSettings, describe, load
from affectstream.runtime.store import FusedStore

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
NOWHERE = RedisSettings(url="redis://127.0.0.1:1/0")


async def test_every_path_is_in_the_table_with_its_parameters() -> None:
    app = create_app(FusedStore(NOWHERE))
    named = {path.partition("?")[0]: path.partition("?")[2] for path in re.findall(r"`(/[^`]*)`", PAGE)}
    paths = app.openapi()["paths"]
    assert len(paths) > 8
    for path, methods in paths.items():
        shown = path.replace("{sid}", "{session}")
        assert shown in named, path
        (method,) = methods.values()
        query = [p["name"] for p in method.get("parameters", ()) if p["in"] == "query"]
        assert named[shown] == "&".join(f"{name}=" for name in query), path


def test_every_setting_of_the_displayed_label_is_in_the_table() -> None:
    keys = [line.key for line in describe(load()) if line.key.startswith("label.")]
    assert len(keys) == 4
    assert all(f"| `{key}` |" in PAGE for key in keys)


def test_the_files_that_it_names_are_there() -> None:
    for name in re.findall(r"`((?:dashboards|analytics|tests)/[\w/.]*)`", PAGE):
        assert (ROOT / PurePosixPath(name)).exists(), name
