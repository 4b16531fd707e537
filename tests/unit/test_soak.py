"""The soak of hostile input in a short form, the same inputs each time; `make soak-input` is the long one."""

import pytest
import structlog
from soak import child
from soak.report import page
from soak.targets import Target, all_targets

from affectstream.schemas.errors import InputError

SEED = 1
SHARE = 400  # of the inputs of a soak, at least 15
TARGETS = all_targets()


@pytest.fixture(autouse=True)
def quiet():
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_is_accepted_or_refused_and_nothing_else(name: str):
    target = TARGETS[name]

    assert all(target.attempt(seed) for seed in target.seeds()), "the seeds are sound"
    found = child.fed(target, max(15, target.inputs // SHARE), SEED)

    assert found.findings == {}
    assert 0 < found.accepted < found.inputs, "mutations are neither all harmless nor all hopeless"


def test_a_soak_feeds_more_than_a_million_inputs():
    assert sum(target.inputs for target in TARGETS.values()) > 1_000_000


def test_what_is_raised_is_found_again_by_its_number():
    def picky(data: bytes) -> bool:
        if len(data) % 7 == 0:
            raise KeyError(len(data))
        if len(data) % 5 == 0:
            raise InputError("refused")
        return True

    target = Target("picky", lambda: [bytes(range(40))], picky, 0)
    outcome = child.fed(target, 200, SEED)

    ((what, number),) = outcome.findings.items()
    assert what.startswith("KeyError at")
    with pytest.raises(KeyError):
        picky(child.input_of(target.seeds(), SEED, number))
    assert what in page([outcome], SEED) and "1 findings" in page([outcome], SEED)
