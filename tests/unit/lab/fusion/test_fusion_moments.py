"""Real moments: how they are read, how the generator copies them, and the pool judged without a speaker."""

from pathlib import Path

import numpy as np
import pytest
from support.moments import written
from support.paired_logs import logs

from affectstream.lab.fusion import judged, laws
from affectstream.lab.fusion.logs import moments
from affectstream.lab.fusion.pairs import CAVEAT, paired
from affectstream.lab.fusion.together import Together, fitted
from affectstream.models.fusion import trust
from affectstream.models.fusion.rules import UNFITTED
from affectstream.schemas.errors import InputError


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> moments.Moments:
    return moments.read(written(tmp_path_factory.mktemp("corpora")))


def test_a_moment_has_face_and_voice_and_no_words(real: moments.Moments) -> None:
    log = real.log()
    assert log.evidence.present.all(axis=0).tolist() == [True, True, False]
    assert log.evidence.p.sum(axis=2) == pytest.approx(1.0)
    one, both = real.log(moments.FACES[:1]), log
    assert one.evidence.p[:, 0] == pytest.approx(real.faces["face_mean"])
    assert both.evidence.p[:, 0] == pytest.approx(sum(real.faces.values()) / 2)


def test_a_table_that_is_not_there_or_another_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"posteriors.csv is missing"):
        moments.read(tmp_path)
    (tmp_path / moments.CORPUS).mkdir()
    (tmp_path / moments.CORPUS / moments.FILE).write_text("clip,actor\na,1\n")
    with pytest.raises(InputError, match="is not the table"):
        moments.read(tmp_path)


def test_the_generator_finds_how_alike_modalities_are() -> None:
    """Moments made with a known correlation of p(truth) within every emotion."""
    rng, n = np.random.default_rng(0), 7000
    labels = np.arange(n) % 7
    common, own = rng.normal(size=n), rng.normal(size=(2, n))
    truth = 1 / (1 + np.exp(-(np.sqrt(0.5) * common + np.sqrt(0.5) * own)))
    p = np.repeat(((1 - truth) / 6)[:, :, None], 7, axis=2)
    for m in range(2):
        p[m, np.arange(n), labels] = truth[m]
    made = moments.Moments(p[0], dict.fromkeys(moments.FACES, p[1]), labels, np.array(["a"] * n), labels % 5)
    assert fitted(made).correlation == pytest.approx(0.5, abs=0.04)


def test_windows_co_occur_as_the_generator_says() -> None:
    """Alike moments: where the face is sure of the truth, so is the voice; errors share their label."""
    alike = paired(logs(), "test", per_actor=400, together=Together(0.9, 1.0, 1))
    apart = paired(logs(), "test", per_actor=400)
    assert np.array_equal(alike.log.labels, apart.log.labels)

    def right(calls) -> np.ndarray:
        return calls.log.evidence.p.argmax(axis=2) == calls.log.labels[:, None]

    def same_error(calls) -> float:
        said = calls.log.evidence.p.argmax(axis=2)
        both = ~right(calls)[:, :2].any(axis=1)
        return float((said[both, 0] == said[both, 1]).mean())

    for calls in (alike, apart):  # each modality is as good as it was
        assert right(calls).mean(axis=0) == pytest.approx(right(apart).mean(axis=0), abs=0.06)
    together, by_chance = (np.corrcoef(right(calls)[:, :2].T)[0, 1] for calls in (alike, apart))
    assert together > by_chance + 0.1
    assert same_error(alike) > same_error(apart) + 0.2
    assert CAVEAT in apart.log.source and CAVEAT not in alike.log.source


def test_the_pool_is_judged_on_speakers_it_was_not_fitted_on(real: moments.Moments) -> None:
    rows = {(row.face, row.name): row for row in judged.rows(real, 30)}
    assert len(rows) == 3 * 5
    for face in moments.ARRANGEMENTS:
        pool, voice = rows[face, judged.RULE], rows[face, "voice alone"]
        assert pool.figures["nll"].value < voice.figures["nll"].value
        assert pool.surest < 1e-9
        assert rows[face, "sum of logarithms"].surest > 0.0


def test_what_is_measured_of_a_rule_is_what_it_breaks() -> None:
    trusted = trust.table(trust.CARDS, trust.TELEPHONE)[1]
    linear, geometric = (laws.measured(UNFITTED[name], trusted) for name in ("entropy_trust", "log_pool"))
    assert linear.above_surest < 1e-9 and linear.moved_by_flat < 1e-9
    assert geometric.above_surest > 0.1 and geometric.moved_by_flat > 0.1
    assert 0.0 < geometric.least_kept < linear.least_kept < 1.0
