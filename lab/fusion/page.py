"""The work of the fusion commands, from logs to a page."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from affectstream.lab.evaluation.document import Block, markdown
from affectstream.lab.fusion import compare, document, experiment, explain, failures, pairs
from affectstream.lab.fusion.card import COMMANDS
from affectstream.lab.fusion.compare import Comparison
from affectstream.lab.fusion.explain import Importance, Without
from affectstream.lab.fusion.logs import aligned as aligned_logs
from affectstream.lab.fusion.logs.items import ProbabilityLog, read_all
from affectstream.lab.fusion.windows import Calls, Log
from affectstream.models.fusion import parameters, rules
from affectstream.models.fusion.evidence import Evidence, Pooled, Rule
from affectstream.models.fusion.parameters import FusionParameters
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

Tell = Callable[[str], None]
EXPLAINED = "entropy_trust"  # the reference rule, beside the chosen one


def fit(logs: Path, output: Path, shares: pairs.Shares, seed: int) -> FusionParameters:
    """Fit on the fit part of the paired logs and write the file; raises InputError."""
    calls = pairs.paired(read_all(logs), "fit", shares, seed=seed)
    output.parent.mkdir(parents=True, exist_ok=True)
    return parameters.write(experiment.fitted_on(calls, seed), output)


def page(logs: Path, aligned: Path | None, given: Path | None, draws: int, tell: Tell) -> document.Page:
    """Return the whole comparison; ``given`` is a fitted file, else one is fitted now."""
    tell("reading")
    typed = COMMANDS[-1] if aligned is None else f"affectstream fusion compare --aligned {aligned.name}"
    read = {} if aligned else read_all(logs)
    known, calls = _known_and_judged(read, aligned, given, tell)
    tell("comparing")
    comparison = experiment.compared(known, calls, draws)
    by_name = rules.rules(known)
    choice = experiment.chosen(comparison)
    tell("weighing the modalities")
    clean = compare.with_trust(calls.log, known.experts)
    importance = {name: _importance(by_name[name], clean) for name in dict.fromkeys((choice, EXPLAINED))}
    tell("simulating")
    return document.Page(
        typed,
        known,
        calls,
        comparison,
        _balanced(read, known, draws) if read else None,
        choice,
        experiment.abstaining(by_name[choice], known, choice, calls),
        importance,
        experiment.in_worlds(),
        read,
        draws,
    )


def _known_and_judged(
    logs: Mapping[str, ProbabilityLog], aligned: Path | None, given: Path | None, tell: Tell
) -> tuple[FusionParameters, Calls]:
    """Return what is known and the calls to judge by; without a fitted file a part is fitted on."""
    if aligned is not None:
        log = aligned_logs.read(aligned)
        if given is not None:
            return parameters.read(given), aligned_logs.calls_of(log)
        fit_calls, calls = aligned_logs.halves(log)
    else:
        calls = pairs.paired(logs, "test")
        if given is not None:
            return parameters.read(given), calls
        fit_calls = pairs.paired(logs, "fit")
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
    return _importance(rules.rule_named(name, known), compare.with_trust(calls.log, known.experts))


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


def explained(
    row: Mapping[str, Any], rule: Rule, known: FusionParameters | None
) -> tuple[Pooled, list[Without]]:
    """Return what ``rule`` says of a stored window, and what it would say without each modality."""
    evidence = _said(row)
    if known is not None:
        log = Log(evidence, np.zeros(1, np.int64), np.array([""]), "one window")
        evidence = compare.with_trust(log, known.experts).evidence
    return rule.fuse(evidence), explain.left_out(rule, evidence)


def _importance(rule: Rule, log: Log) -> list[Importance]:
    accuracy = explain.importances(rule, log, "accuracy")
    return [*accuracy, *explain.importances(rule, log, "nll")]


def _balanced(logs: Mapping[str, ProbabilityLog], known: FusionParameters, draws: int) -> Comparison:
    calls: Calls = pairs.paired(logs, "test", "balanced")
    clean = failures.conditions(calls)[:1]
    return compare.compare(rules.rules(known), calls, clean, known.experts, draws)


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
