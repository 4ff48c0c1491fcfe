"""Typer's own words are found again in what it says, so that a catalogue can translate them."""

from __future__ import annotations

import pytest

from core.cli import helping, main

MISTAKES = {
    ("recommend", "demo", "--k", "0"): 2,
    ("recommend", "demo", "--k", "1001"): 2,
    ("recommend", "demo", "--k", "x"): 2,
    ("tune", "demo", "--minutes", "x"): 2,
    ("recommend", "demo", "--kk"): 1,
    ("users", "demo", "--nothing-like-it"): 1,
    ("recommend", "demo", "--user"): 1,
    ("recommend", "demo", "--user", "a", "--user", "b"): 1,
    ("users", "demo", "x", "y"): 1,
    ("users", "demo", "--json=3"): 1,
    ("import", "a"): 1,
    ("users",): 1,
    ("usrs",): 1,
    ("xyz",): 1,
}
"""Lines that can't be read, and of how many sentences what is said of them consists."""


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another language: English in capitals, fields as they are."""
    monkeypatch.setattr(helping, "tr", lambda message: f"«{message.upper()}»")


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_said_in_the_language(
    line: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    said = capsys.readouterr().err
    assert said.startswith("«") and said.count("«") == MISTAKES[line], said


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("line", [("--help",), (), ("recommend", "--help")])
def test_the_help_is_said_in_the_language(
    line: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 0
    said = capsys.readouterr().out
    words = ("USAGE:", "OPTIONS:", "SHOW THIS MESSAGE AND EXIT.")
    assert all(f"«{word}»" in said for word in words)
    if line[:1] == ("recommend",):
        assert "«[DEFAULT:» 10" in said and "«[REQUIRED]»" in said
    else:
        assert "«COMMANDS:»" in said


def test_in_english_nothing_changes() -> None:
    for form in (*helping.HELP, *helping.MISTAKES):
        assert helping.mistake(form) == form == helping.helped(form)
