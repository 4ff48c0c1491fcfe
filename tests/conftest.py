"""All tests: no deadlines, one thread for torch, the demo opened once, and who runs what."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from core.corpus.store import Library
    from core.engine import Engine

THOROUGH = "TASTELINES_THOROUGH" in os.environ
"""Whether to try everything instead of a sample."""
settings.register_profile("tastelines", deadline=None, max_examples=100 if THOROUGH else 50)
settings.load_profile("tastelines")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported, later

SNAPSHOTS = Path(__file__).parent / "snapshots"
REWRITE = "REWRITE_SNAPSHOTS"
"""Set to rewrite the snapshots of the sentences, then read the difference."""


@pytest.fixture
def snapshot() -> Callable[[str, Mapping[str, str]], None]:
    """A function that holds sentences by name against ``tests/snapshots/NAME.txt``."""

    def check(name: str, sentences: Mapping[str, str]) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        said = "".join(f"{case}: {sentence}\n" for case, sentence in sentences.items())
        if os.environ.get(REWRITE):
            path.write_text(said, encoding="utf-8")
        assert said == path.read_text(encoding="utf-8"), f"to accept: {REWRITE}=1 pytest ..."

    return check


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A function that installs a package of one module whose ``build`` makes a recommender."""
    from core.recommend.own import GROUP

    site = tmp_path / "site"

    def install(name: str, code: str) -> None:
        module = f"installed_{name.replace('-', '_')}"
        site.mkdir(exist_ok=True)
        (site / f"{module}.py").write_text(code)
        facts = site / f"{module}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:build\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(str(site))

    return install


@pytest.fixture(scope="session")
def once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """A function that returns a folder that is filled once for all workers; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def once(name: str, fill: Callable[[Path], object]) -> Path:
        folder, filled = base / name, base / f"{name}.filled"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits, and finds it filled
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def measured(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The record of the encoder's precision on this processor, for libraries to start with."""

    def measure(folder: Path) -> None:
        from core.encode.encoder import TextEncoder

        assert TextEncoder(record=folder / "processor.json").precision

    return once("measured", measure) / "processor.json"


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Library:
    """A library with the demo and nothing else, for tests that store nothing."""
    from core.corpus.store import Library

    root = tmp_path_factory.mktemp("demo-library")
    shutil.copy(measured, root)
    return Library.open(root)


@pytest.fixture(scope="session")
def demo_engine(demo_library: Library) -> Engine:
    """The demo's engine, for tests that register no recommender."""
    from core.engine import Engine

    return Engine.open(demo_library.corpus("demo"), demo_library.model_folder("demo"), demo_library)


VISITORS = tuple(
    f"tests/browser/test_{name}"
    for name in (
        *("hostile_words", "accessibility", "import", "tab_order", "sign_in"),
        *("addresses", "explain"),
    )
)
"""A second worker drives these: one alone would decide how long a run takes."""
TOGETHER = {
    "visitors": VISITORS,
    "browser": ("tests/browser/",),
    "demo": ("tests/core/demo/",),
    "training": (
        *("tests/core/cli/test_model_verbs", "tests/core/training/", "tests/core/model/"),
        "tests/reliability/test_damage",
    ),
}
"""Groups of files that one worker runs: they share an app, or a model whose training compiles."""
FIRST = (
    *("tests/browser/", "tests/pages/test_explain", *TOGETHER["training"]),
    "tests/pages/",
)
"""What takes longest begins, so that all workers end together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which files are shared out."""

    def place(item: pytest.Item) -> int:
        begins = (at for at, name in enumerate(FIRST) if item.nodeid.startswith(name))
        return next(begins, len(FIRST))

    items.sort(key=place)


class Groups(LoadFileScheduling):
    """A file's tests go to one worker, and those of a group of files together."""

    def _split_scope(self, nodeid: str) -> str:
        groups = (group for group, names in TOGETHER.items() if nodeid.startswith(names))
        return next(groups, super()._split_scope(nodeid))


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """How ``pytest -n 3`` shares the tests out."""
    return Groups(config, log)
