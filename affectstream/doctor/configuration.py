"""Whether the settings can be used, and what they leave open."""

import os
from collections.abc import Iterator

from affectstream.doctor.finding import Finding, Risk, guarded
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.messages import MODALITIES

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def examine() -> Iterator[Finding]:
    """Yield the findings."""
    yield guarded("settings", "settings", _settings)
    yield guarded("settings", "fusion rule", _fusion_rule)
    yield guarded("settings", "alert rules", _alert_rules)
    yield guarded("settings", "API", _api)
    yield guarded("settings", "audit log", _audit_log)
    yield guarded("settings", "redaction", _redaction)
    yield guarded("settings", "recordings", _recordings)
    yield guarded("settings", "shadow", _shadow)


def _settings() -> str:
    from affectstream.runtime.settings import config_file, load, running_here

    load()
    path = config_file()
    found = f"read from {path} and the environment" if path else "defaults and the environment"
    return f"{found}; addresses of the running `affectstream up`" if running_here() else found


def _fusion_rule() -> str:
    from affectstream.models.fusion.parameters import available
    from affectstream.runtime.settings import load
    from affectstream.workers.fusion.config import configured

    own = load().fusion
    configured(own)
    fitted = available(own.fitted)
    if fitted is None:
        return f"{own.rule}; nothing fitted"
    return f"{own.rule}; file {fitted.short}, fitted on {fitted.windows:,} windows"


def _alert_rules() -> str:
    from affectstream.analytics.rules import read
    from affectstream.runtime.settings import load

    own = load().alerts
    if not own.enabled:
        return "off: alerts.enabled is false"
    names = ", ".join(rule.name for rule in read(own.rules))
    return f"{own.rules or 'the shipped ones'}: {names or 'none'}"


def _api() -> str:
    from affectstream.runtime.settings import load

    own = load().api
    where = f"{own.host}:{own.port}"
    if own.token is None and own.host not in LOOPBACK:
        raise SettingsError(f"{where} is open to everybody who reaches it: set api.token or api.token_file")
    return f"{where}, {'with a token' if own.token else 'for this machine only'}"


def _audit_log() -> str:
    from affectstream.runtime.audit import audit_log
    from affectstream.runtime.settings import load

    policy = load().policy
    path = audit_log(policy).path
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise SettingsError(f"{path} cannot be written to: mend its folder, or set policy.audit_log")
    if policy.audit_key is None:
        raise Risk(f"{path}: anybody who can write it can make its hashes; set policy.audit_key_file")
    return str(path)


def _redaction() -> str:
    from affectstream.runtime.settings import load

    if not load().policy.redact:
        raise Risk("off: numbers, addresses and dates of birth stay in transcripts; set policy.redact=true")
    return "numbers, addresses and dates of birth are taken out of transcripts"


def _recordings() -> str:
    from affectstream.runtime.settings import load

    folder = load().policy.recordings
    if folder is None:
        return "none are kept"
    if not folder.is_dir():
        raise SettingsError(
            f"policy.recordings names {folder}, which is no folder: purge cannot delete from it"
        )
    return str(folder)


def _shadow() -> str:
    from affectstream.runtime.settings import load

    settings = load()
    tried = {name: own.model for name in MODALITIES if (own := getattr(settings, name)).shadow}
    if same := [name for name, model in tried.items() if not model]:
        raise SettingsError(
            f"{', '.join(same)} in shadow with the shipped model, so a worker in use is missing or is tried "
            f"against itself: set {same[0]}.model, and {same[0]}.shadow for the process on trial only"
        )
    return ", ".join(f"{name}: {model}" for name, model in tried.items()) or "no model is on trial"
