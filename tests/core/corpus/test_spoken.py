"""Sentences that a corpus keeps in English are known again by their forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from string import Formatter

import pytest

from benchmarks import catalogue
from core import language
from core.corpus import appending, spoken
from core.corpus.importing import import_files
from core.corpus.quarantine import Refusal, read_quarantine
from core.corpus.store import Library

assert appending, "it knows all forms"


@cache
def known() -> set[object]:
    """Every sentence of the corpus."""
    return {message.id for message in catalogue.collected(["core/corpus"])}


class Shouted(NullTranslations):
    """A catalogue that has every sentence of the corpus, with a mark around it."""

    def gettext(self, message: str) -> str:
        return f"«{message}»" if message in known() else message


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(language, "_catalogue", lambda language: Shouted())
    with language.speaking("zh"):
        yield


FORMS = sorted(spoken._forms)


@pytest.mark.parametrize("english", FORMS)
def test_every_form_is_known_again(english: str, chinese: None) -> None:
    names = {name for _, name, _, _ in Formatter().parse(english) if name is not None}
    assert english in known() and not any(map(str.isupper, names))
    values = {
        name: "1,234" if name in spoken.COUNTS else f"a {name}, of: it" for name in sorted(names)
    }
    assert spoken.spoken(english.format(**values)) == f"«{english}»".format(**values)


def test_a_note_of_a_file_a_reason_of_a_field_and_several_units_are_told(chinese: None) -> None:
    say = spoken.spoken
    assert say("a.csv: 3 lines above the header were skipped") == (
        "«a.csv: «3 lines above the header were skipped»»"
    )
    assert say("timestamp is missing") == "«timestamp «is missing»»"
    assert say("line is over 8 MiB long") == "«line «is over 8 MiB long»»"
    assert say("ISO dates, seconds") == "«ISO dates»«, »«seconds»"
    assert say("the column a was number before and is text with the new values") == (
        "«the column a was «number» before and is «text» with the new values»"
    )
    assert say("values cut at 200 characters: 9, of a, b and 3 more") == (
        "«values cut at 200 characters: 9, of «a, b and 3 more»»"
    )
    assert say("what a person wrote: is it?") == "what a person wrote: is it?"
    assert say("") == ""


def test_a_corpus_keeps_english_whoever_imports_it(
    library: Library, write: Callable[..., Path], chinese: None
) -> None:
    rows = "".join(f"u{n},i{n % 7},2020-04-0{n % 9 + 1},{n % 5 + 1},,\n" for n in range(60))
    odd = "u1,i2,2020-01-02,4/5,,\nu2,,2020-01-05,3,,\nu3,i5\nu3,i4,2020-03-01,bad,,\n"
    odd += "u4,i9,2020-03-01,77,,\nu2,i1,2020-01-01 25:00,3,,\n"
    file = write("a.csv", "user_id,item_id,timestamp,rating,x,x\n" + rows + odd)
    items = write("items.csv", "item_id,title\nz1,A\n")
    users = write("users.csv", "user_id,rating,odd\nu1,3,1\nu2,4,1\nu3,5,1\nu4,5,x\nu5,4,1\nu1,,\n")
    summary = import_files(library, "mine", [file], items, users=users)
    manifest = summary.manifest
    assert manifest.attributes is not None
    kept = [*manifest.notes, *manifest.attributes.notes, str(manifest.timestamp_unit)]
    kept += summary.reasons
    refused = read_quarantine(summary.quarantine)
    kept += [refusal.reason for refusal in refused]
    assert len(manifest.notes) >= 4 and len(refused) >= 5
    for sentence in kept:
        assert "«" not in sentence
        assert spoken.spoken(sentence) != sentence
    said = {refusal.said for refusal in refused}
    assert said == {refusal.said for refusal in (*summary.refused, *summary.dropped)}


def test_a_refusal_is_one_line_in_english() -> None:
    refusal = Refusal("a.csv", 3, "timestamp", "when", "is missing", "-")
    assert str(refusal) == "a.csv, line 3: when is missing: '-'"
    assert str(Refusal("a.csv", 3, "line", "", "is empty", "")) == "a.csv, line 3: is empty"


def test_words_of_a_file_cost_no_time_however_they_look_like_notes() -> None:
    with language.speaking("zh"):
        hostile = "a b: " * 200 + "a, b, " * 200
        assert spoken.spoken(hostile) == hostile
