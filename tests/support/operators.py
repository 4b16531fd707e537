"""Schemas of the resources of KEDA and Strimzi, of the fields that the manifests use."""

from typing import Any

Json = dict[str, Any]
NAME = {"type": "string", "pattern": r"^[a-z0-9.-]+$"}


def closed(required: Json, optional: Json | None = None) -> Json:
    """The schema of an object with these fields and no others."""
    fields = {**required, **(optional or {})}
    return {"type": "object", "properties": fields, "required": [*required], "additionalProperties": False}


STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 1}
LABELLED = closed({"name": NAME}, {"labels": STRINGS, "annotations": STRINGS})
OF_KAFKA = (
    "bootstrapServers",
    "consumerGroup",
    "topic",
    "lagThreshold",
    "offsetResetPolicy",
    "allowIdleConsumers",
)
# Of the resources of KEDA and Strimzi no package here carries the schemas. These are of the fields that the
# manifests use, after the projects' documentation: a misspelt or misplaced field is found, a retired one not.
OF_OPERATORS: dict[str, Json] = {
    "ScaledObject": closed(
        {
            "scaleTargetRef": closed({"name": NAME}),
            "pollingInterval": COUNT,
            "cooldownPeriod": COUNT,
            "minReplicaCount": COUNT,
            "maxReplicaCount": COUNT,
            "advanced": closed({"horizontalPodAutoscalerConfig": {"type": "object"}}),
            "triggers": {
                "type": "array",
                "minItems": 1,
                "items": closed(
                    {
                        "type": {"const": "kafka"},
                        "metadata": closed({key: {"type": "string"} for key in OF_KAFKA}),
                    }
                ),
            },
        }
    ),
    "KafkaTopic": closed({"topicName": NAME, "partitions": COUNT, "replicas": COUNT, "config": STRINGS}),
    "KafkaNodePool": closed(
        {
            "replicas": COUNT,
            "roles": {"items": {"enum": ["controller", "broker"]}},
            "storage": {"type": "object"},
            "resources": {"type": "object"},
        }
    ),
    "Kafka": closed(
        {
            "kafka": closed(
                {
                    "listeners": {
                        "items": closed(
                            {
                                "name": NAME,
                                "port": COUNT,
                                "type": {"enum": ["internal"]},
                                "tls": {"type": "boolean"},
                            },
                            {"networkPolicyPeers": {"type": "array"}},
                        )
                    },
                    "config": {"type": "object"},
                }
            ),
            "entityOperator": closed({"topicOperator": {"type": "object"}}),
        }
    ),
}
