"""Topics on a real broker: created from the table, checked, kept by arrival."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.errors import SettingsError, Unavailable
from affectstream.schemas.topics import ALL, FRAMES

pytestmark = pytest.mark.integration


async def test_creating_twice_leaves_the_topics_as_they_are(kafka):
    first = await topics.listing(kafka)
    assert [row.partitions for row in first] == [4] * len(ALL)
    assert await topics.create(kafka, replication=1) == first
    assert await topics.check(kafka) == 4


async def test_missing_topics_are_named_with_what_to_do(kafka_server, topic_prefix):
    kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=topic_prefix)
    with pytest.raises(Unavailable, match=r"affectstream topics create") as refused:
        await topics.check(kafka)
    assert topic_prefix + FRAMES.name in str(refused.value)


async def test_unequal_partition_counts_are_refused(kafka_server, topic_prefix):
    kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=topic_prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic_prefix + FRAMES.name, 2, 1)])
    await admin.close()
    with pytest.raises(SettingsError, match=r"video\.frames has 2"):
        await topics.create(kafka, replication=1)
    with pytest.raises(SettingsError, match="same number of partitions"):
        await topics.check(kafka)


async def test_the_brokers_settings_are_those_of_the_table(kafka):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    resource = ConfigResource(ConfigResourceType.TOPIC, kafka.topic_prefix + FRAMES.name)
    (response,) = await admin.describe_configs([resource])
    await admin.close()
    kept = {entry[0]: entry[1] for entry in response.resources[0][4]}
    assert {name: kept[name] for name in topics.config(FRAMES)} == topics.config(FRAMES)
