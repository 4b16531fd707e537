"""Whether trust that follows agreement of late helps, on synthetic calls.

    python -m benchmarks.online --logs runs/fusion/logs

Calls are paired by label (see lab.fusion.pairs): in each, one modality may be bad throughout, by a
degradation drawn per window, or wrong throughout, saying what somebody of another emotion says.
"""

import argparse
from pathlib import Path

import numpy as np

from affectstream.lab.fusion import agreement, fit, pairs
from affectstream.lab.fusion.logs.items import read_all
from affectstream.lab.fusion.windows import Calls
from affectstream.models.fusion import rules, trust
from affectstream.models.fusion.evidence import Array, Evidence
from affectstream.schemas.messages import MODALITIES

WINDOW_MS = 1000
RULES = ("entropy_trust", "gated_log_pool", "dempster", "stacking")


def followed(evidence: Evidence, call: Array, reliabilities: Array, online: bool) -> Evidence:
    """Return the evidence under the trust that the stream would give, window by window of each call."""
    known = trust.reliability(evidence.p, reliabilities)
    flat = trust.reliability(np.full_like(evidence.p, 1 / 7), reliabilities)
    known = np.where(evidence.present, known, flat)
    factors = np.ones_like(known)
    begun = [agreement.NEUTRAL] * len(MODALITIES)
    for i in range(len(known)) if online else ():
        if i == 0 or call[i] != call[i - 1]:
            begun = [agreement.NEUTRAL] * len(MODALITIES)
        factors[i] = [agreement.factor(a) for a in begun]
        seen = agreement.agreements(evidence.p[i], evidence.present[i].tolist())
        begun = [round(agreement.remembered(a, WINDOW_MS, s), 6) for a, s in zip(begun, seen, strict=True)]
    given = np.clip(known * factors, *trust.BOUNDS)
    return Evidence(evidence.p, evidence.present, evidence.quality, given, evidence.embeddings)


def replaced(sound: Evidence, other: Evidence, modality: int) -> Evidence:
    """Return ``sound`` with one modality of ``other`` in every window."""
    p, present, quality = sound.p.copy(), sound.present.copy(), sound.quality.copy()
    p[:, modality], present[:, modality] = other.p[:, modality], other.present[:, modality]
    quality[:, modality] = other.quality[:, modality]
    return Evidence(p, present, quality, sound.trust, sound.embeddings)


def conditions(calls: Calls) -> dict[str, Evidence]:
    """Return the evidence by what is wrong throughout the calls."""
    sound = calls.log.evidence
    found = {"all sound": sound}
    for i, modality in enumerate(MODALITIES):
        found[f"{modality} bad"] = replaced(sound, calls.worse, i)
        found[f"{modality} wrong"] = replaced(sound, calls.other, i)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure trust that follows agreement.")
    parser.add_argument("--logs", type=Path, default=Path("runs/fusion/logs"))
    logs = read_all(parser.parse_args().logs)
    learnt, test = pairs.paired(logs, "fit"), pairs.paired(logs, "test")
    fitted = fit.fit(learnt.log)
    print(test.log.source)
    print(f"{len(test.log.labels)} windows of {len(np.unique(test.call))} calls")
    reliabilities = trust.table({m: fitted.experts[m].reliability.value for m in MODALITIES})
    labels, rows = test.log.labels, np.arange(len(test.log.labels))
    print("rule            condition    accuracy off / on   NLL off / on   gain in NLL, 95 % over calls")
    for name in RULES:
        rule = rules.rule_named(name, fitted)
        for condition, evidence in conditions(test).items():
            p = [rule.fuse(followed(evidence, test.call, reliabilities, on)).p for on in (False, True)]
            loss = [-np.log(np.maximum(each[rows, labels], 1e-9)) for each in p]
            right = [(each.argmax(axis=1) == labels).mean() for each in p]
            gain = np.array([(loss[0] - loss[1])[test.call == c].mean() for c in np.unique(test.call)])
            drawn = np.random.default_rng(0).integers(0, len(gain), (1000, len(gain)))
            low, high = np.quantile(gain[drawn].mean(axis=1), [0.025, 0.975])
            print(
                f"{name:15} {condition:12} {right[0]:.3f} / {right[1]:.3f}"
                f"     {loss[0].mean():.3f} / {loss[1].mean():.3f}"
                f"   {gain.mean():+.4f} ({low:+.4f} to {high:+.4f})"
            )


if __name__ == "__main__":
    main()
