"""The rules of access, and the files of them for administrators."""

import os
import re
import subprocess

from support.paths import ROOT

from affectstream.schemas import access
from affectstream.schemas.topics import ALL, ASR_GROUP, IN_SHADOW, MEDIA, RECORD_GROUP

RULES = access.rules()


def test_every_topic_is_written_by_somebody_and_every_group_is_of_one_user():
    written = {rule.name for rule in RULES if (rule.resource, rule.operation) == ("topic", "write")}
    groups = [rule.name for rule in RULES if (rule.resource, rule.operation) == ("group", "read")]
    of_topics = {topic.group for topic in ALL if topic.group}

    assert written == {topic.name for topic in ALL}
    shadows = {topic.group + IN_SHADOW for topic in MEDIA.values()}
    assert sorted(groups) == sorted(of_topics | shadows | {ASR_GROUP, RECORD_GROUP})


def test_only_the_operator_creates_topics_and_nobody_deletes_or_alters():
    assert {rule.user for rule in RULES if rule.operation == "create"} == {access.OPERATOR}
    assert {rule.operation for rule in RULES} == {"read", "write", *access.OPERATORS}


def test_a_prefix_is_before_every_topic_and_group():
    assert {rule.name for rule in access.rules("team.")} == {f"team.{rule.name}" for rule in RULES}


def test_the_script_in_deploy_adds_these_rules_with_the_tool_that_is_named(tmp_path):
    script, tool, calls = ROOT / "deploy" / "kafka-acls.sh", tmp_path / "tool", tmp_path / "calls"
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{calls}"\n')
    tool.chmod(0o700)

    connection = "--bootstrap-server kafka:9092"
    subprocess.run([script, *connection.split()], env=os.environ | {"KAFKA_ACLS": str(tool)}, check=True)

    assert script.read_text() == access.script(RULES)
    added = [CALL.fullmatch(line) for line in calls.read_text().splitlines()]
    assert sorted(_rules(added)) == RULES


CALL = re.compile(
    r"--bootstrap-server kafka:9092 --add --allow-principal User:(\S+) --operation (\w+)((?: --\w+ \S+)+)"
)


NAMES = {name: operation for operation, name in access.TOOLS.items()}


def _rules(added):
    for found in added:
        user, operation, names = found.groups()
        for resource, name in re.findall(r"--(\w+) (\S+)", names):
            yield access.Rule(user, resource, name, NAMES.get(operation, operation))
