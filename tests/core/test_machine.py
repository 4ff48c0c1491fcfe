"""What a library runs on, as ``doctor`` says it."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from core import machine
from core.cli.corpus_verbs import examine_library
from core.corpus.store import Library
from core.encode.encoder import DEFAULT_WEIGHTS_SHA256
from core.machine import RunningServer, look_at_machine, running_servers, say_ended, say_running
from core.views.machine import tell_machine


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return Library.open(tmp_path / "library")


def test_a_whole_installation_has_nothing_wrong(library: Library) -> None:
    found = look_at_machine(library)
    assert found.wrong == []
    assert found.packages["torch"] == metadata.version("torch")
    assert found.space > 0 and found.cores == os.cpu_count()
    assert found.encoder_hash == DEFAULT_WEIGHTS_SHA256
    assert f"({found.encoder_hash[:8]})" in " ".join(tell_machine(found))
    (demo,) = (model for model in found.models if model.corpus == "demo")
    assert 3 < demo.megabytes < 300
    assert found.servers == []


def test_what_is_missing_or_another_is_said_with_the_way_out(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\ndependencies = ['numpy<1', 'no-such-package>=2', 'x; python_version<\"3\"']"
    )
    monkeypatch.setattr(machine, "PROJECT", tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(machine, "find_model", lambda name, allow_download: tmp_path / "model")
    numpy, missing, encoder = look_at_machine(library).wrong
    assert numpy == f"numpy {metadata.version('numpy')} is not <1. Run: pip install 'numpy<1'"
    assert missing.startswith("no-such-package is not installed. Run: pip install")
    assert "not those of the original publication. Run: pip install" in encoder


@pytest.mark.parametrize(
    "said",
    [None, "[project", "[project]\ndependencies = ['not a requirement!']", "[tool]"],
    ids=["missing", "no-toml", "no-requirement", "no-project"],
)
def test_what_is_needed_may_be_unreadable(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: str | None,
) -> None:
    if said is not None:
        (tmp_path / "pyproject.toml").write_text(said)
    monkeypatch.setattr(machine, "PROJECT", tmp_path)
    monkeypatch.setattr(machine, "_encoder", lambda: ("", []))
    (wrong,) = look_at_machine(library).wrong
    assert wrong.startswith("what the code needs can't be read: ")
    if said is None:
        assert examine_library(library=library.root) == 1
        end = capsys.readouterr().out.splitlines()[-1]
        assert end.endswith("things checked, 1 wrong in the installation")


def test_a_server_leaves_nothing_in_a_library_that_is_the_only_place(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "temporary").rmdir()
    (tmp_path / "temporary").touch()  # nothing can be made in it
    say_running(library, RunningServer(11, 812.5, 3))
    assert running_servers(library) == []
    say_ended(library, 11)
    assert not list(tmp_path.rglob("11.json"))


def test_servers_are_known_while_they_say_so(library: Library, tmp_path: Path) -> None:
    first, second = (RunningServer(pid, 812.5, 3, ["demo 470bea71ab81"]) for pid in (11, 12))
    for server in (first, second):
        say_running(library, server)
    assert running_servers(library) == [first, second]
    assert running_servers(Library.open(tmp_path / "another")) == []
    say_ended(library, 11)
    assert running_servers(library) == [second]
    (said,) = (tmp_path / "temporary").rglob("12.json")
    os.utime(said, (0, 0))
    assert running_servers(library) == []
    say_running(library, first)
    assert not said.exists()
