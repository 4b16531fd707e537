"""Kafka for the rest of the project: what it sends with and reads with; imports runtime only."""

from runtime.publisher import Ack, Publisher, key_of, topic_of
from runtime.subscriber import OnRevoked, Partition, Record, Subscriber, group_name

__all__ = [
    "Ack",
    "OnRevoked",
    "Partition",
    "Publisher",
    "Record",
    "Subscriber",
    "group_name",
    "key_of",
    "topic_of",
]
