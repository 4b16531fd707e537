"""The work of the fusion commands, from logs to a page."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from affectstream.lab.evaluation.document import Block, markdown
from affectstream.lab.fusion import (
    compare,
    document,
    experiment,
    explain,
    failures,
    judged,
    pairs,
    together,
)
from affectstream.lab.fusion.card import COMMANDS
from affectstream.lab.fusion.compare import Comparison
from affectstream.lab.fusion.explain import Importance, Without
from affectstream.lab.fusion.logs import aligned as aligned_logs
from affectstream.lab.fusion.logs import moments
from affectstream.lab.fusion.logs.items import ProbabilityLog, read_all
from affectstream.lab.fusion.windows import Calls, Log
from affectstream.models.fusion import parameters, rules
from affectstream.models.fusion.evidence import Evidence, Pooled, Rule
from affectstream.models.fusion.parameters import FusionParameters
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

Tell = Callable[[str], None]


def fit(logs: Path, output: Path, shares: pairs.Shares, seed: int, data: Path | None) -> FusionParameters:
    """Fit on the fit part of the logs, as modalities co-occur, and write the file; raises InputError."""
    known = together.fitted(moments.read(data))
    calls = pairs.paired(read_all(logs), "fit", shares, seed=seed, together=known)
    output.parent.mkdir(parents=True, exist_ok=True)
    return parameters.write(experiment.fitted_on(calls, seed), output)


def page(
    logs: Path, aligned: Path | None, given: Path | None, draws: int, tell: Tell, data: Path | None
) -> document.Page:
    """Return the whole comparison; ``given`` is a fitted file, else one is fitted now."""
    tell("reading")
    if aligned is not None:
        known, calls = _aligned(aligned, given, tell)
        typed = f"affectstream fusion compare --aligned {aligned.name}"
        return _compared(typed, known, calls, None, (), draws, tell)
    read, real = read_all(logs), moments.read(data)
    how = together.fitted(real)
    if given is None:
        tell("fitting")
        known = experiment.fitted_on(pairs.paired(read, "fit", together=how))
    else:
        known = parameters.read(given)
    tell("judging on real moments")
    judged_rows = tuple(judged.rows(real, draws))
    stress = _stress(read, known, draws)
    return _compared(
        COMMANDS[-1], known, pairs.paired(read, "test", together=how), stress, judged_rows, draws, tell
    )


def _compared(
    typed: str,
    known: FusionParameters,
    calls: Calls,
    stress: Comparison | None,
    judged_rows: tuple[judged.Row, ...],
    draws: int,
    tell: Tell,
) -> document.Page:
    tell("comparing")
    comparison = experiment.compared(known, calls, draws)
    choice = experiment.chosen(comparison)
    abstaining = experiment.abstaining(rules.rules(known)[choice], known, choice, calls)
    return document.Page(typed, known, calls, comparison, stress, judged_rows, choice, abstaining, draws)


def _aligned(aligned: Path, given: Path | None, tell: Tell) -> tuple[FusionParameters, Calls]:
    """Return what is known and the calls to judge by; without a fitted file a part is fitted on."""
    log = aligned_logs.read(aligned)
    if given is not None:
        return parameters.read(given), aligned_logs.calls_of(log)
    fit_calls, calls = aligned_logs.halves(log)
    tell("fitting")
    return experiment.fitted_on(fit_calls), calls


def write(blocks: Iterable[Block], path: Path) -> None:
    """Write a page as Markdown; raises InputError."""
    try:
        path.write_text(markdown(list(blocks), "plots"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def worth(logs: Path, name: str, given: Path | None) -> list[Importance]:
    """Return what each modality is worth to a rule on clean windows of the test part."""
    known = parameters.read(given)
    calls = pairs.paired(read_all(logs), "test")
    return _importance(rules.rule_named(name, known), compare.with_trust(calls.log))


def window(path: Path, at: int) -> dict[str, Any]:
    """Return the row of the window with the number ``at`` of a .jsonl file; raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        row = json.loads(lines[at])
        _said(row)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except IndexError as error:
        raise InputError(f"{path} has no window {at}: count from 0") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: line {at + 1} is no window of `affectstream analyze -o`") from error
    found: dict[str, Any] = row
    return found


def explained(row: Mapping[str, Any], rule: Rule) -> tuple[Pooled, list[Without]]:
    """Return what ``rule`` says of a stored window, and what it would say without each modality."""
    evidence = _said(row)
    return rule.fuse(evidence), explain.left_out(rule, evidence)


def _importance(rule: Rule, log: Log) -> list[Importance]:
    accuracy = explain.importances(rule, log, "accuracy")
    return [*accuracy, *explain.importances(rule, log, "nll")]


def _stress(logs: Mapping[str, ProbabilityLog], known: FusionParameters, draws: int) -> Comparison:
    """Return the comparison on pairs by label, clean: what windows without a conflict flatter."""
    calls = pairs.paired(logs, "test")
    return compare.compare(rules.rules(known), calls, failures.conditions(calls)[:1], draws)


def _said(row: Mapping[str, Any]) -> Evidence:
    """Return the evidence of one row of ``affectstream.export``; trust is what it carries, else 1."""
    states = [row["modalities"].get(m) or {} for m in MODALITIES]
    said = [state.get("probabilities") for state in states]
    flat = [1 / N_EMOTIONS] * N_EMOTIONS
    p = [flat if each is None else [float(each[e]) for e in EMOTIONS] for each in said]
    return Evidence(
        np.array([p]),
        np.array([[each is not None for each in said]]),
        np.array([[float(state.get("quality") or 0.0) for state in states]]),
        np.array([[float(state["trust"]) if state.get("trust") else 1.0 for state in states]]),
    )
