"""What pip installs: the import name tastelines, the command, the workbench and the demo."""

from __future__ import annotations

import compileall
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
BEGIN = "import sys; sys.argv[0] = 'tastelines'; from tastelines.cli import main; "
"""What pip's script of that name does."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as pip would unpack it; built outside the repository."""
    work = tmp_path_factory.mktemp("wheel")
    steps = f"egg_info -e {work} build -b {work}/build bdist_wheel -d {work}".split()
    setup = [sys.executable, "setup.py", "-q", *steps]
    subprocess.run(setup, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(work / "site")
    return work / "site"


def run(installed: Path, code: str, **places: str) -> str:
    """What Python prints where the wheel is installed and the repository is out of reach."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)} | places,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_it_holds_all_that_the_repository_ships(installed: Path) -> None:
    package = installed / "tastelines"
    homes = {"core": package, "data/demo": package / "data" / "demo"}
    homes |= {name: package / "workbench" / name for name in ("pages", ".streamlit")}
    missing = [
        str(path)
        for name, home in homes.items()
        for path in (PROJECT / name).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not (home / path.relative_to(PROJECT / name)).is_file()
    ]
    assert (package / "workbench" / "app.py").is_file()
    assert missing == []
    assert sorted(path.name for path in installed.iterdir() if path.suffix != ".dist-info") == [
        "tastelines"
    ]


def test_no_word_of_the_checkout_is_left(installed: Path) -> None:
    left = re.compile(r"^\s*(?:from|import) core\b|python -m core|``core\.", re.MULTILINE)
    package = installed / "tastelines"
    sources = [path for path in package.rglob("*") if path.suffix in (".py", ".jinja")]
    assert not [str(path) for path in sources if left.search(path.read_text("utf-8"))]
    compiled = compileall.compile_dir(package, quiet=1, legacy=True, ddir="")
    assert compiled


def test_the_command_answers_from_anywhere(installed: Path) -> None:
    code = """
main(['--help'])
print('---')
main(['recommend', 'demo', '--user', 'U0001', '--k', '3', '--json'])
print('---')
import tastelines.home as home; print(home.usual_library(), home.APP)
"""
    library = str(installed.parent / "library")
    said = run(installed, code, TASTELINES_LIBRARY=library, XDG_DATA_HOME="/data")
    helped, answered, places = said.split("---")
    assert helped.lstrip().startswith("Usage: tastelines") and "doctor" in helped
    assert [item["rank"] for item in json.loads(answered)["items"]] == [1, 2, 3]
    assert places.split() == [
        "/data/tastelines",
        str(installed / "tastelines" / "workbench" / "app.py"),
    ]


def test_a_shell_completes_verbs_and_options(installed: Path) -> None:
    for line, word in (
        ("tastelines recom", "recommend"),
        ("tastelines recommend --hist", "--history"),
    ):
        about = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        said = run(installed, "sys.exit(main([]))", _TASTELINES_COMPLETE="complete_bash", **about)
        assert said.split() == [word]
