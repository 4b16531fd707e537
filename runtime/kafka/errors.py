"""Errors of the Kafka client as errors fit for a user."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import errors as kafka_errors

from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.errors import AffectError, Unavailable

_REMEDIES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (kafka_errors.UnknownTopicOrPartitionError,),
        "a topic does not exist there; create the topics with `affectstream topics create`",
    ),
    (
        (
            kafka_errors.TopicAuthorizationFailedError,
            kafka_errors.GroupAuthorizationFailedError,
            kafka_errors.ClusterAuthorizationFailedError,
        ),
        "it does not permit this to kafka.sasl_username; check its access control lists",
    ),
    (
        (kafka_errors.AuthenticationFailedError, kafka_errors.SaslAuthenticationFailed),
        "it refused the credentials; check kafka.sasl_username, sasl_password and sasl_mechanism",
    ),
    (
        (kafka_errors.KafkaConnectionError, OSError, TimeoutError),
        "it does not answer; check that it runs, kafka.bootstrap and kafka.security_protocol",
    ),
)


@contextmanager
def translated(kafka: KafkaSettings) -> Iterator[None]:
    """Turn what the client raises inside into Unavailable."""
    try:
        yield
    except (kafka_errors.KafkaError, OSError, TimeoutError) as error:
        raise unavailable(kafka, error) from error


def unavailable(kafka: KafkaSettings, error: BaseException) -> AffectError:
    """Say which broker failed, how, and what to do."""
    for kinds, remedy in _REMEDIES:
        if isinstance(error, kinds):
            return Unavailable(f"the Kafka broker at {kafka.bootstrap}: {remedy} ({type(error).__name__})")
    return Unavailable(f"the Kafka broker at {kafka.bootstrap} failed: {type(error).__name__}")
