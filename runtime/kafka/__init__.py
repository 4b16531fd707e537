"""Kafka for the rest of the project: what it sends with and reads with."""

from aiokafka import ConsumerRecord

from affectstream.runtime.kafka.publisher import Ack, Publisher, key_of, partition_of, topic_of
from affectstream.runtime.kafka.record import Record
from affectstream.runtime.kafka.subscriber import OnRevoked, Partition, Subscriber, group_name

__all__ = [
    "Ack",
    "ConsumerRecord",
    "OnRevoked",
    "Partition",
    "Publisher",
    "Record",
    "Subscriber",
    "group_name",
    "key_of",
    "partition_of",
    "topic_of",
]
