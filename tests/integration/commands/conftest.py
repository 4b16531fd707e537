"""Two real brokers: one that makes no topic by itself, and one with a broker's default, which would."""

from collections.abc import Iterator

import pytest
from support.kafka_server import JARS, KafkaServer


@pytest.fixture(scope="package", params=[False, True], ids=["auto-creation off", "broker's default"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker, empty for the first test that asks for it: test_topics_command.py."""
    if not (JARS / ".complete").is_file():
        pytest.skip("no Kafka in .cache/kafka; `make kafka` fetches it")
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), auto_create=request.param)
    server.start()
    yield server
    server.kill()
