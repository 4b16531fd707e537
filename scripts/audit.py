"""The bill of materials of requirements.lock, and the locked packages held against advisories.

`make check` runs it. It writes out/sbom.cdx.json (CycloneDX, validated), and asks for advisories with
pip-audit. Where the network has none to give, the locked packages are held against the database of the
package safety-db, which is old: the last line says which of the two it was. Exit code 1: a locked package
has a known vulnerability.
"""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK, SBOM = ROOT / "requirements.lock", ROOT / "out" / "sbom.cdx.json"
PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
PROBE = "msgpack"  # a locked package: where the index has no advisories for one, it has them for none
PROBE_S, LIMIT_S = 20, 300


def main() -> int:
    """Write the bill of materials, and audit."""
    locked = {str(canonicalize_name(name)): version for name, version in PINNED.findall(LOCK.read_text())}
    if not SBOM.exists() or SBOM.stat().st_mtime < LOCK.stat().st_mtime:
        write_bill(len(locked))
    found = asked(locked, LIMIT_S) if asked({PROBE: locked[PROBE]}, PROBE_S) is not None else None
    if found is None:
        how, found = looked_up(locked)
        print(f"audit: skipped online, no advisories can be fetched here; {how}")
    else:
        print(f"audit: {len(locked)} packages held against the index's advisories of today")
    for line in found:
        print(f"audit: {line}", file=sys.stderr)
    return 1 if found else 0


def write_bill(packages: int) -> None:
    """Write the bill of materials; raises SystemExit where a package is lacking in it."""
    SBOM.parent.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "requirements",
        LOCK,
        "--pyproject",
        ROOT / "pyproject.toml",
    ]
    subprocess.run(
        [*command, "--validate", "--output-reproducible", "-o", SBOM], check=True, capture_output=True
    )
    bill = json.loads(SBOM.read_text())
    if len(bill["components"]) != packages:
        raise SystemExit(f"audit: {SBOM} lists {len(bill['components'])} of {packages} packages")
    print(f"audit: {SBOM.relative_to(ROOT)} lists {packages} packages (CycloneDX {bill['specVersion']})")


def asked(locked: dict[str, str], limit_s: int) -> list[str] | None:
    """Return the vulnerabilities that the index knows of; None where it has no advisories to give."""
    lines = "\n".join(f"{name}=={version}" for name, version in locked.items())
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--no-deps",
        "-r",
        "/dev/stdin",
        "-f",
        "json",
    ]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off"],
            input=lines,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        return vulnerabilities(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return None


def vulnerabilities(report: dict[str, Any]) -> list[str] | None:
    """Return the vulnerabilities of a report of pip-audit; None where it skipped every package."""
    audited = [each for each in report["dependencies"] if "vulns" in each]
    if not audited:
        return None
    return [f"{each['name']} {each['version']}: {v['id']}" for each in audited for v in each["vulns"]]


def looked_up(locked: dict[str, str]) -> tuple[str, list[str]]:
    """Return which offline database was asked, and the vulnerabilities that it knows of."""
    package = importlib.util.find_spec("safety_db")
    if package is None or package.origin is None:
        return "no offline database is installed (`make setup`)", []
    known = json.loads((Path(package.origin).parent / "insecure_full.json").read_text())
    of = datetime.fromtimestamp(known.pop("$meta")["timestamp"], UTC)
    found = [
        f"{name} {locked[name]}: {entry['cve'] or entry['id']}"
        for name, entries in known.items()
        for entry in entries
        if name in locked and any(locked[name] in SpecifierSet(spec) for spec in entry["specs"])
    ]
    version = importlib.metadata.version("safety-db")
    return f"{len(locked)} packages held against safety-db {version}, of {of:%d %B %Y}", found


if __name__ == "__main__":
    sys.exit(main())
