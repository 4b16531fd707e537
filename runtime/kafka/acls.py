"""Access control rules on a broker: those that let each process do what it needs are added."""

from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from affectstream.runtime.kafka.errors import translated
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.access import Operation, Resource, Rule

# as Kafka's protocol numbers them
RESOURCES: dict[Resource, int] = {"topic": 2, "group": 3}
OPERATIONS: dict[Operation, int] = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe_configs": 10}
LITERAL, ALLOW, ANY_HOST = 3, 3, "*"


async def add(kafka: KafkaSettings, rules: Sequence[Rule]) -> None:
    """Add ``rules``, which changes nothing where they are there; raises Unavailable where they are refused.

    The user of ``kafka`` must be one who may alter the cluster.
    """
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        with translated(kafka):
            await admin.start()
            for rule in rules:
                _raise_error(await admin._send_to_controller(_request(rule)))
    finally:
        await admin.close()


def _request(rule: Rule) -> CreateAclsRequest:
    resource, operation = RESOURCES[rule.resource], OPERATIONS[rule.operation]
    return CreateAclsRequest(resource, rule.name, LITERAL, f"User:{rule.user}", ANY_HOST, operation, ALLOW)


def _raise_error(response: Any) -> None:
    for code, _ in response.creation_responses:
        if code:
            raise for_code(code)
