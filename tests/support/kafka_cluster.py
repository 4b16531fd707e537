"""Three real Kafka brokers for the tests: replication 3, of which two must have a record before it counts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient
from support.kafka_server import Broker, new_cluster_id
from support.proxy import Proxy

from affectstream.runtime.process import free_port

NODES = (1, 2, 3)
PROPERTIES = """
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=CLIENT://127.0.0.1:{client},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{proxy},INTERNAL://127.0.0.1:{internal}
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.num.partitions=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=4000
auto.leader.rebalance.enable=false
"""


class KafkaCluster:
    """Brokers by node id, each behind a proxy; ``direct`` leads clients around the proxies."""

    def __init__(
        self, brokers: dict[int, Broker], proxies: dict[int, Proxy], internal: dict[int, int]
    ) -> None:
        self.brokers, self.proxies = brokers, proxies
        self.bootstrap = ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies.values())
        self.direct = ",".join(f"127.0.0.1:{port}" for port in internal.values())
        self._admin = AdminClient({"bootstrap.servers": self.direct, "log_level": 0})

    def start(self, *nodes: int) -> None:
        """Start brokers together; return once all of them serve."""
        for node in nodes:
            self.brokers[node].launch()
        for node in nodes:
            self.brokers[node].wait_started()

    def leaders(self, prefix: str) -> dict[TopicPartition, int]:
        """Return the leader of every partition of the topics with a prefix, -1 where there is none."""
        topics = self._admin.list_topics(timeout=20).topics
        return {
            TopicPartition(name, number): partition.leader
            for name, topic in topics.items()
            if name.startswith(prefix)
            for number, partition in topic.partitions.items()
        }

    def elect_preferred(self, prefix: str) -> None:
        """Move every partition's leadership to its first replica."""
        partitions = list(self.leaders(prefix))
        self._admin.elect_leaders(ElectionType.PREFERRED, partitions).result(30)


@contextmanager
def three_brokers(folder: Path) -> Iterator[KafkaCluster]:
    """Start three brokers, which are their controllers too."""
    with ExitStack() as exits:
        ports = [free_port() for _ in range(3 * len(NODES))]
        client, internal, controller = (dict(zip(NODES, ports[i::3], strict=True)) for i in range(3))
        voters = ",".join(f"{node}@127.0.0.1:{controller[node]}" for node in NODES)
        cluster_id = new_cluster_id()
        proxies = {node: exits.enter_context(Proxy(client[node])) for node in NODES}

        def broker(node: int) -> Broker:
            where = folder / str(node)
            where.mkdir()
            properties = PROPERTIES.format(
                node=node,
                voters=voters,
                client=client[node],
                internal=internal[node],
                controller=controller[node],
                proxy=proxies[node].port,
                folder=where,
            )
            return Broker(where, properties, client[node], cluster_id, heap_mb=256)

        with ThreadPoolExecutor(len(NODES)) as formatting:
            brokers = dict(zip(NODES, formatting.map(broker, NODES), strict=True))
        for each in brokers.values():
            exits.callback(each.kill)
        cluster = KafkaCluster(brokers, proxies, internal)
        cluster.start(*NODES)
        yield cluster
