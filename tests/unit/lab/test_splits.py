"""Grouped splits keep every speaker and duplicate on one side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.lab.splits import grouped_folds, merged_groups, random_folds, require_disjoint, shared
from affectstream.schemas.errors import InputError


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=20, max_size=60),
    st.integers(0, 1000),
)
@settings(max_examples=15, deadline=None)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_no_group_is_in_training_and_in_test(rows: list[tuple[int, int]], seed: int) -> None:
    rows = [*rows, *((0, g) for g in range(10))]
    labels, groups = [r[0] for r in rows], [r[1] for r in rows]
    folds = grouped_folds(labels, groups, 5, seed)
    for fold in folds:
        assert not shared(groups, fold.train, fold.test)
        assert sorted([*fold.train, *fold.test]) == list(range(len(rows)))
    assert sorted(np.concatenate([f.test for f in folds])) == list(range(len(rows)))


def test_a_group_on_both_sides_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"1 groups .*anna"):
        require_disjoint(["anna", "anna", "bert"], np.array([0]), np.array([1, 2]))


def test_a_random_split_leaks_speakers() -> None:
    groups = [i % 4 for i in range(80)]
    fold = random_folds([i % 7 for i in range(80)], 5)[0]
    assert shared(groups, fold.train, fold.test) == {0, 1, 2, 3}


def test_too_few_groups_are_an_error() -> None:
    with pytest.raises(InputError, match="5 folds need at least 5 groups, there are 2"):
        grouped_folds([0, 1] * 10, [0, 1] * 10, 5)


def test_equal_files_join_the_groups_of_their_speakers() -> None:
    speakers = ["a", "b", "c", "a"]
    hashes = ["1", "2", "2", "3"]
    assert merged_groups(speakers, hashes).tolist() == [0, 1, 1, 0]


def test_groups_join_through_a_chain() -> None:
    assert merged_groups(["a", "b", "c"], ["1", "1", "2"], ["x", "y", "y"]).tolist() == [0, 0, 0]


def test_each_column_of_keys_must_have_one_per_row() -> None:
    with pytest.raises(InputError, match="2 keys for 3 rows"):
        merged_groups(["a", "b", "c"], ["1", "2"])


def test_folds_depend_on_the_seed_alone() -> None:
    labels, groups = [i % 7 for i in range(200)], [i // 10 for i in range(200)]
    one, two = grouped_folds(labels, groups, 5, 3), grouped_folds(labels, groups, 5, 3)
    assert all((a.test == b.test).all() for a, b in zip(one, two, strict=True))
