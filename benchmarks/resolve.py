"""Whether all that is needed can be installed: ``python -m benchmarks.resolve [VERSION...]``.

Asks pip for Python 3.11 to 3.14 what it would install on this kind of machine, without installing:
by the pins of requirements.txt, alone and with those of requirements-ray.txt, and by the ranges of
pyproject.toml. Needs the package index.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from benchmarks.measuring import PROJECT, Line, record, show

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
FORMS = [*(f"manylinux_2_{minor}" for minor in range(34, 4, -1)), "manylinux2014", "linux"]
PLATFORMS = [f"{form}_{platform.machine()}" for form in FORMS]
PIP = "pip>=25"
"""Reads what a wheel needs without fetching the wheel."""


def resolve(python: Path, version: str, requirements: Path) -> tuple[bool, str]:
    """Whether pip finds wheels for one Python, and what it says: how many, or why not."""
    pip = [str(python), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    where = ["--only-binary=:all:", "--python-version", version, "--implementation", "cp"]
    where += [word for form in PLATFORMS for word in ("--platform", form)]
    with tempfile.TemporaryDirectory() as target:
        place = ["--target", target, "--report", str(Path(target) / "report.json")]
        done = subprocess.run(
            [*pip, *where, *place, "-r", str(requirements)], capture_output=True, text=True
        )
        if done.returncode:
            return False, (done.stderr.strip().splitlines() or ["no word"])[-1]
        report = json.loads((Path(target) / "report.json").read_text("utf-8"))
    chosen = {each["metadata"]["name"]: each["metadata"]["version"] for each in report["install"]}
    return True, f"{len(chosen)} packages, torch {chosen['torch']}, numpy {chosen['numpy']}"


def run(versions: tuple[str, ...]) -> list[Line]:
    """Ask for each Python, pins first."""
    facts = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder) / "pip", with_pip=True)
        python = Path(folder) / "pip" / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", PIP], check=True)
        ranges = Path(folder) / "ranges.txt"
        ranges.write_text("\n".join(facts["dependencies"]))
        pins = PROJECT / "requirements.txt"
        with_ray = Path(folder) / "ray.txt"
        with_ray.write_text(f"-r {pins}\n-r {PROJECT / 'requirements-ray.txt'}\n")
        files = {
            "requirements.txt": pins,
            "with requirements-ray.txt": with_ray,
            "pyproject.toml": ranges,
        }
        for version in versions:
            for name, path in files.items():
                resolves, said = resolve(python, version, path)
                lines.append(show(Line(f"Python {version}, {name}", "resolves", said, resolves)))
    return lines


if __name__ == "__main__":
    asked = tuple(sys.argv[1:]) or VERSIONS
    found = run(asked)
    if asked == VERSIONS:
        record("resolve", {"installing": found})
    sys.exit(not all(line.met for line in found))
