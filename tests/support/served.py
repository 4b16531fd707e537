"""What a process serves at /metrics."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from affectstream.runtime.health import Health
from affectstream.runtime.process import free_port


async def served(name: str) -> float:
    """The sum of all series of a name, as this process serves them over HTTP."""
    port = free_port()
    async with Health(port, {}), httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name)
