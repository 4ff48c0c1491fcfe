"""Sentences in the reader's language: every one is in the catalogue, and says what it should."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks import catalogue
from core import jobs, language
from core.language import tr, trn
from core.views import wording


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        *(("zh", "zh"), ("zh-Hans-CN", "zh"), ("zh_CN.UTF-8", "zh"), ("en-GB", "en"), ("EN", "en")),
        *(("", None), (None, None), ("C.UTF-8", None), ("zhx", None), ("fr", None)),
    ],
)
def test_a_tag_names_a_language(tag: str | None, found: str | None) -> None:
    assert language.matched(tag) == found


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB", "LANGUAGE": "fr:zh_TW:en"}, "zh"),
        ({"LANG": "zh_CN", "TASTELINES_LANGUAGE": "en"}, "en"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_environment_asks_for_a_language(environment: dict[str, str], found: str) -> None:
    assert language.of_environment(environment) == found


def test_numbers_of_things_and_days_are_said_in_the_language() -> None:
    when = datetime(2024, 3, 4)
    assert (wording.count(1, "user"), wording.day(when)) == ("1 user", "4 Mar 2024")
    with language.speaking("zh"):
        assert (wording.count(2, "user"), wording.day(when)) == ("2 个用户", "2024年3月4日")
        assert wording.joined("一。", "", "二。") == "一。二。"
    assert wording.joined("One.", "", "Two.") == "One. Two."


@pytest.mark.parametrize(
    ("names", "last", "said"),
    [
        ("Audio", "Books", "Audio 和 Books"),
        ("兴趣", "情感", "兴趣和情感"),
        ("兴趣", "EASE", "兴趣和 EASE"),
    ],
)
def test_chinese_has_a_space_beside_latin_letters_alone(names: str, last: str, said: str) -> None:
    with language.speaking("zh"):
        for between in ("和", " 和 "):
            assert language._filled(f"{{names}}{between}{{last}}", locals()) == said
        assert tr("{!r}").format("x") == "{!r}".format("x")


def test_what_the_catalogue_lacks_is_said_in_english_and_braces_may_be_braces() -> None:
    with language.speaking("zh"):
        assert tr("{n} of nothing", n=3) == "3 of nothing"
        assert trn("{n} unheard of", "{n} unheard ofs", 2, n=2) == "2 unheard ofs"
        assert tr("{") == "{"
        assert tr("") == ""


def test_a_job_speaks_as_who_started_it() -> None:
    heard = list[str]()

    def work(progress: object, stop: object) -> None:
        heard.append(language.current())

    for spoken in ("zh", "en"):
        with language.speaking(spoken):
            jobs.Job("a test", "x", work).future.result(30)
    assert heard == ["zh", "en"]
    thread = threading.Thread(target=lambda: heard.append(language.current()))
    thread.start()
    thread.join()
    assert heard[-1] == "en"  # another thread is nobody's


def test_every_sentence_is_in_the_catalogue() -> None:
    found = [
        f"{path.relative_to(catalogue.PROJECT)}:{line}: {text!r}"
        for path in catalogue.sources()
        for line, text in catalogue.outside(path)
    ]
    assert not found, "say them with core.language.tr, or end the line with '# no sentence'"


@pytest.mark.parametrize("name", catalogue.FOLDERS)
def test_every_sentence_is_translated_and_stored(name: str, tmp_path: Path) -> None:
    assert not list(catalogue.problems(name)), "run: make catalogue"
    stored = catalogue.catalogue_path(name)
    for path, content in catalogue.files_of(name, catalogue.collect(name)).items():
        assert (stored.parent / path).read_bytes() == content, "run: make catalogue"


def test_only_sentences_without_forms_name_the_command() -> None:
    """A wheel calls the command otherwise, which ``tr`` alone allows for."""
    named = [
        message.id
        for message in catalogue.collected()
        if message.context or isinstance(message.id, tuple)
        if "python -m core" in "".join(message.id)
    ]
    assert not named
