"""Proof: a model in shadow is tried on a live call, recorded, and compared with what was fused."""

import asyncio
import json
from pathlib import Path

import pytest
from support.hub import bert
from support.recorder import recording, until
from support.reference_runs import typed
from support.system import System, expected_lines, lines, short_demo

from affectstream.processes import Child, Children
from affectstream.rescore import shadow_answers
from affectstream.runtime.process import free_port
from affectstream.runtime.recording import Recording, open_recording
from affectstream.runtime.settings import as_env
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import Observation, Observations
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.recorded import Scope

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(600)]

NAME, SECONDS = "tried", 8


def on_trial(system: System, folder: Path) -> Child:
    """A worker of words in shadow, with a model whose weights are random."""
    text = system.settings.text.model_copy(update={"shadow": True, "model": str(bert(folder, EMOTIONS))})
    port = free_port()
    env = as_env(system.settings.model_copy(update={"text": text}))
    env |= {"AFFECT_TEXT__HEALTH_PORT": str(port), "AFFECT_KAFKA__INSTANCE_ID": "text-on-trial"}
    return Child("text-on-trial", "affectstream.workers.text", env, port)


def texts(found: Recording) -> dict[int, Observation]:
    """What was fused of the customer's words, by input."""
    messages = (each.message for each in found.messages([PROBABILITIES]))
    items = (item for each in messages if isinstance(each, Observations) for item in each.items)
    return {i.seq: i for i in items if (i.modality, i.party) == ("text", "customer") and i.type != "eos"}


def complete(part: Path) -> bool:
    """Say whether a recording holds all finals, and an answer on trial to each text."""
    try:
        found = open_recording(part)
        tried = {seq for party, _, seq in shadow_answers(found) if party == "customer"}
        return len(found.finals()) == len(expected_lines(NAME, SECONDS)) and tried >= set(texts(found))
    except InputError:
        return False


async def test_a_model_in_shadow_is_compared_with_the_one_in_use_from_the_recording_of_a_live_call(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {"recordings": tmp_path / "kept", "audit_log": tmp_path / "audit.jsonl"}
    settings = system.settings.model_copy(update={"policy": system.settings.policy.model_copy(update=policy)})
    path = tmp_path / "kept" / f"{NAME}.mcap"
    with Children([on_trial(system, tmp_path / "model")], tmp_path / "logs") as trial:
        await asyncio.to_thread(trial.wait_ready, 240.0)
        async with recording(settings, Scope(sessions=frozenset({NAME}))) as recorder:
            finals = await system.run(short_demo(NAME, SECONDS), None)
            await until(lambda: complete(path.with_name(path.name + ".part")), recorder)
    assert lines(finals) == expected_lines(NAME, SECONDS)  # nothing of the trial was fused
    found = open_recording(path)
    used, tried = texts(found), shadow_answers(found)
    answers = {seq: item for (party, _, seq), item in tried.items() if party == "customer" and seq in used}
    assert answers.keys() == used.keys()
    other = {seq for seq, item in answers.items() if item.type == "probabilities"}
    assert other and all(answers[seq].model_id != used[seq].model_id for seq in other)

    for name, value in as_env(settings).items():
        monkeypatch.setenv(name, value)
    made = tmp_path / "made.json"
    done = typed("rescore", path, "--shadow", "-o", made)
    assert done.exit_code == 0, done.output
    (compared,) = json.loads(made.read_text())["recordings"]
    assert len(compared["windows"]) == len(finals)
    moved = {(w["party"], w["end_ms"]) for w in compared["windows"] if w["distance"] > 0}
    worded = {
        (f.party, f.end_ms)
        for f in finals
        for s in f.modalities
        if s.modality == "text" and s.state == "present"
    }
    assert moved and moved <= worded  # only windows that have words can differ
