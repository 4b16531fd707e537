"""Labels, topics, keys and policy: the tables hold together."""

import inspect

import pytest
from redis.crc import key_slot

from affectstream.schemas import keys, labels, policy, topics
from affectstream.schemas.errors import PolicyError
from affectstream.schemas.messages import MODALITIES, Party

KIB = 1024


@pytest.mark.parametrize("mapping", [labels.RAVDESS, labels.MELD, labels.GOEMOTIONS_EKMAN])
def test_label_maps_reach_all_seven_and_nothing_else(mapping: dict[str, str]) -> None:
    assert set(mapping.values()) == set(labels.EMOTIONS)


def test_ferplus_columns_hold_the_seven_and_three_that_are_left_out() -> None:
    assert set(labels.FERPLUS_VOTES) - set(labels.EMOTIONS) == {"contempt", "unknown", "not-a-face"}


def test_goemotions_has_all_28_labels() -> None:
    assert len(labels.GOEMOTIONS_EKMAN) == 28


def test_every_emotion_and_modality_has_its_own_colour() -> None:
    assert set(labels.COLOURS) == set(labels.EMOTIONS)
    assert set(labels.MODALITY_COLOURS) == set(MODALITIES)
    colours = [*labels.COLOURS.values(), *labels.MODALITY_COLOURS.values()]
    assert len(set(colours)) == len(colours)


def test_topic_names_are_unique_and_ours() -> None:
    names = [topic.name for topic in topics.ALL]
    assert len(set(names)) == len(names)
    assert all(name.startswith("affect.") for name in names)


def test_records_fit_a_broker_with_default_limits() -> None:
    assert all(topic.max_bytes < 1_048_588 - KIB for topic in topics.ALL)


def test_a_dead_letter_can_wrap_any_other_record() -> None:
    others = [topic for topic in topics.ALL if topic is not topics.DEAD_LETTERS]
    assert all(topic.max_bytes + KIB < topics.DEAD_LETTERS.max_bytes for topic in others)


def test_a_chunk_fits_at_the_highest_rate_that_producers_send() -> None:
    assert topics.CHUNKS.max_bytes > 2 * 48_000 * 2 + KIB


def test_every_modality_has_a_media_topic_that_is_kept_for_minutes() -> None:
    assert set(topics.MEDIA) == set(MODALITIES)
    assert all(topic.retention_ms <= 60 * topics.MINUTE_MS for topic in topics.MEDIA.values())


def test_keys_of_a_session_share_a_cluster_slot() -> None:
    of_session = [
        make(*given)
        for name, make in vars(keys).items()
        if inspect.isfunction(make) and make.__module__ == keys.__name__
        if name != "stream_id" and not name.startswith("handover")
        for given in [["call-7", "customer", "video"][: len(inspect.signature(make).parameters)]]
    ]
    assert len(set(of_session)) == len(of_session) >= 8
    assert {key_slot(key.encode()) for key in of_session} == {key_slot(b"call-7")}


@pytest.mark.parametrize("party", ["agent", "other"])
def test_who_may_be_an_employee_is_refused_unless_a_purpose_is_named(party: Party) -> None:
    assert policy.permits("customer", None)
    assert not policy.permits(party, None)
    assert not policy.permits(party, "because")
    assert all(policy.permits(party, purpose) for purpose in policy.PURPOSES)
    with pytest.raises(PolicyError, match=rf"{party}.*policy\.agent_purpose"):
        policy.require(party, None)
