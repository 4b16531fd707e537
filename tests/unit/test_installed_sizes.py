"""The README's table of installed sizes has a row for each extra, and names the command that measures it."""

import importlib.util
import re
import tomllib

from support.paths import ROOT

SCRIPT = ROOT / "scripts" / "installed_sizes.py"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def script():
    spec = importlib.util.spec_from_file_location("installed_sizes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_extra_has_a_row_and_the_command_is_named():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    rows = set(re.findall(r"^\| `\.\[(\w+)\]` \|", README, re.MULTILINE))
    assert rows == set(extras) - {"dev"}
    assert "python scripts/installed_sizes.py" in README


def test_what_a_folder_takes_is_counted_in_blocks_and_links_are_not_followed(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(bytes(5000))
    one = script().size_of(tmp_path)
    assert 5000 <= one <= 5000 + 2 * 4096
    (tmp_path / "link").symlink_to(tmp_path / "inner" / "file")
    assert script().size_of(tmp_path) - one < 4096 + 1
