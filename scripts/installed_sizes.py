"""The disk that an installation of each extra takes: the table in README.md.

`python scripts/installed_sizes.py [EXTRA...]` installs the package with each extra, at the versions of
requirements.lock, into an environment of its own that is removed again, and prints what that environment
holds; once more without what scripts/cpu-only.txt leaves out, where that differs. It needs a package index.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_ONLY = ("--override", ROOT / "scripts" / "cpu-only.txt")
GB = 1e9
LEAST_GB = 0.05  # a smaller difference is not shown


def main() -> None:
    """Print a row of the table for each extra, or for those that are named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    every = ["", *(extra for extra in project["optional-dependencies"] if extra != "dev")]
    for extra in sys.argv[1:] or every:
        whole, lean = (installed_bytes(extra, options) / GB for options in ((), CPU_ONLY))
        name = f".[{extra}]" if extra else "."
        without = f"; {rounded(lean)} GB without a GPU" if whole - lean > LEAST_GB else ""
        print(f"| `{name}` | {rounded(whole)} GB{without} |", flush=True)


def rounded(size: float) -> str:
    """Return a number with two digits, a zero at its end too."""
    return f"{size:.2f}" if size < 1 else f"{size:.1f}"


def installed_bytes(extra: str, options: tuple[str | Path, ...]) -> int:
    """Install the package with an extra, and return the bytes that the environment takes on the disk."""
    # beside the package manager's cache, so that files are linked and not copied
    with tempfile.TemporaryDirectory(dir=ROOT / ".venv") as folder:
        uv("venv", "--python", sys.executable, f"{folder}/venv")
        what = f"affectstream[{extra}] @ {ROOT.as_uri()}" if extra else f"affectstream @ {ROOT.as_uri()}"
        python = f"{folder}/venv/bin/python"
        uv("pip", "install", "--python", python, "-c", ROOT / "requirements.lock", *options, what)
        return size_of(Path(folder))


def uv(*arguments: str | Path) -> None:
    """Run uv; raises SystemExit where it fails."""
    done = subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=False)
    if done.returncode:
        raise SystemExit(f"installed sizes: uv {' '.join(map(str, arguments))} failed")


def size_of(folder: Path) -> int:
    """Return the bytes that the files of a folder take on the disk; a link to a file is not followed."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if not path.is_dir())


if __name__ == "__main__":
    main()
