"""The fitted file: read as it was written, refused with a reason otherwise."""

import json

import pytest
from support.fusion_fitted import example, written

from affectstream.models.fusion import parameters
from affectstream.models.fusion.parameters import available, read
from affectstream.schemas.errors import SettingsError


def test_it_is_read_as_it_was_written(tmp_path):
    assert read(written(tmp_path)) == example()


def test_its_hash_is_of_all_that_it_says():
    one = example()
    assert one.hashed().sha256 == one.sha256
    assert one.model_copy(update={"data": "other numbers"}).hashed().sha256 != one.sha256
    assert one.short == one.sha256[:8]


def _changed(folder, **fields):
    path = written(folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({"data": "something else"}, "was changed after it was fitted", id="edited by hand"),
        pytest.param({"colour": "red"}, "colour: Extra inputs", id="an unknown field"),
        pytest.param({"version": 1}, "version 1 is not 2: fit again", id="another version"),
        pytest.param({"prior": [0.5, 0.5]}, "prior: .*7 numbers are needed", id="too short a prior"),
        pytest.param({"prior": [0.1] * 7}, "must be positive and sum to one", id="a prior that is none"),
        pytest.param({"experts": {}}, "video, audio, text missing", id="no experts"),
        pytest.param({"after": {"stacking": -1}}, "after.stacking", id="a negative temperature"),
        pytest.param(
            {"stacking": {"video": {"weights": {}, "bias": [0] * 7}}}, "not named after", id="stack"
        ),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(tmp_path, fields, complaint):
    with pytest.raises(SettingsError, match=complaint):
        read(_changed(tmp_path, **fields))


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_what_is_no_fitted_file_is_refused(tmp_path, content):
    path = tmp_path / "fusion.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match="is no fitted file"):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"fusion\.fitted: .*nowhere.json cannot be read"):
        read(tmp_path / "nowhere.json")
    with pytest.raises(SettingsError, match=r"nowhere\.json"):
        available(tmp_path / "nowhere.json")


def test_without_a_shipped_file_nothing_is_available_and_reading_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(parameters, "SHIPPED", tmp_path / "fusion.json")
    assert available(None) is None
    with pytest.raises(SettingsError, match=r"affectstream fusion fit"):
        read()
    written(tmp_path)
    assert available(None) == read() == example()
