"""The table of commands: which module holds which, its line in the help, and the extras that it needs."""

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command is, its line in the help, and the extras that it cannot do without."""

    module: str
    help: str
    extras: tuple[str, ...] = ()
    group: bool = False  # the module's whole app, a group of commands


COMMANDS: dict[str, Entry] = {
    "analyze": Entry(
        "affectstream.analyze",
        "Analyse a recorded call with no broker, as fast as the machine allows.",
        ("capture", "inference"),
    ),
    "demo": Entry(
        "affectstream.demo",
        "Replay the demo call on embedded servers and real workers, and read along as it goes.",
        ("capture", "inference", "fusion", "embedded", "dashboards", "plot"),
    ),
    "replay": Entry(
        "affectstream.replay",
        "Publish a recorded call to Kafka, for the workers that are running there.",
        ("capture",),
    ),
    "record": Entry(
        "affectstream.record",
        "Write the sessions on the topics to MCAP files in `policy.recordings`, until it is stopped.",
        ("recording",),
    ),
    "rescore": Entry(
        "affectstream.rescore",
        "Run recordings through other models, fitted files or rules, and show what would have differed.",
        ("recording", "inference"),
    ),
    "recordings": Entry(
        "affectstream.recordings",
        "List, show, check and export the recordings that `record` wrote.",
        ("recording",),
        group=True,
    ),
    "gateway": Entry(
        "affectstream.gateway",
        "Take in calls that telephony platforms stream: Twilio, Genesys, Asterisk (docs/call-centre.md).",
        ("gateway",),
    ),
    "capture": Entry(
        "affectstream.capture",
        "Print the address of the gateway's page for camera and microphone; it admits one call.",
        ("gateway",),
    ),
    "simulate": Entry(
        "affectstream.simulate",
        "Stream a recording, or its words, to the gateway as a telephony platform or a browser does.",
        ("capture", "gateway"),
        group=True,
    ),
    "up": Entry(
        "affectstream.up",
        "Run the whole system on this machine: embedded Kafka, Redis, workers, fusion, alerts, API, gateway.",
        ("inference", "fusion", "dashboards", "embedded"),
    ),
    "worker": Entry(
        "affectstream.worker",
        "Run one process of a distributed system; `affectstream config` shows its settings.",
    ),
    "sessions": Entry("affectstream.sessions", "List the sessions in Redis, newest first."),
    "show": Entry(
        "affectstream.sessions",
        "Show the windows of a session in Redis, or export them as `analyze` does.",
    ),
    "summary": Entry(
        "affectstream.sessions",
        "Summarise a session per party: shares, turning points, disagreements and alerts.",
    ),
    "purge": Entry(
        "affectstream.sessions",
        "Delete what Redis and the folder of recordings hold of a session; says what Kafka still holds.",
    ),
    "restore": Entry(
        "affectstream.restore",
        "Put back windows that Redis has lost, from the topic of finals; what was purged stays purged.",
    ),
    "trust": Entry(
        "affectstream.trust",
        "Set, clear and show operator trust: it overrides a modality's measured trust in all calls, from the "
        "next window on, and is logged.",
        group=True,
    ),
    "consent": Entry(
        "affectstream.consent",
        "Set the consent to a session, pause and resume it; withdrawal is final, and takes effect at once.",
        group=True,
    ),
    "feedback": Entry(
        "affectstream.feedback",
        "Export supervisors' marks on windows, with what the models said, as data for an evaluation.",
        group=True,
    ),
    "audit": Entry(
        "affectstream.audit",
        "Show and check the audit log: who did what to which session when.",
        group=True,
    ),
    "topics": Entry("affectstream.topics", "Create and list the Kafka topics.", group=True),
    "dashboards": Entry(
        "affectstream.grafana", "Install the Grafana dashboards.", ("dashboards",), group=True
    ),
    "config": Entry(
        "affectstream.config",
        "Print every setting and its value: those that differ from the default in bold, secrets masked.",
    ),
    "capacity": Entry(
        "affectstream.capacity",
        "Compute the processes, partitions, brokers, Redis servers and GPUs for so many calls at once.",
    ),
    "doctor": Entry(
        "affectstream.doctor",
        "Check packages, device, models, settings and servers; exit code 1 where something is broken.",
    ),
    "licences": Entry(
        "affectstream.licences",
        "List the licences of every model in use and of the corpora behind it.",
    ),
    "train": Entry(
        "affectstream.lab.cli",
        "Train a network in a run folder; other options change its recipe, as in: train voice --seed 1.",
        ("training",),
    ),
    "ship": Entry(
        "affectstream.lab.cli",
        "Turn runs of face, voice or text into the weights and the card that the product loads.",
        ("training",),
    ),
    "evaluate": Entry(
        "affectstream.lab.cli",
        "Measure a model on what it was not trained on, and show what was aimed at beside what was reached.",
        ("training",),
    ),
    "compare": Entry(
        "affectstream.lab.cli",
        "Show models side by side, with paired bootstrap intervals of their differences.",
        ("training",),
    ),
    "leakcheck": Entry(
        "affectstream.lab.cli",
        "Show what splits of a corpus share between their parts, and by how much a random one flatters.",
        ("training",),
    ),
    "fusion": Entry(
        "affectstream.lab.fusion.cli",
        "Fit, compare and explain the rules that join face, voice and words, on recorded probabilities.",
        ("training",),
        group=True,
    ),
}

BENEATH: dict[str, Entry] = {  # by the first two words: what the first one alone could not import
    "evaluate clips": Entry(
        "affectstream.clips",
        "Judge face, voice, words and the fused emotion on labelled clips, through the path of `analyze`.",
        ("training", "capture", "inference"),
    ),
}
