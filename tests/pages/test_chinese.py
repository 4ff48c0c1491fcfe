"""Every page says everything in the reader's language: no sentence of the catalogue is English."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from core import language
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from tests.english import english
from tests.pages.conftest import PROJECT

PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("[!_]*.py"))
QUIET = (
    *("id", "key", "url", "icon", "form_id", "hash", "element_id", "js_content", "css_content"),
    *("html_content", "component_name", "column_order", "query_string", "language", "format"),
)
"""Fields of messages that nobody reads."""


def texts_of(message: Message) -> Iterator[str]:
    """Every text that a message brings to the browser; of a chart all of its figure's texts."""
    for field, value in message.ListFields():
        if field.name in QUIET or field.type == field.TYPE_BYTES:
            continue
        for each in value if field.is_repeated else [value]:
            if isinstance(each, Message):
                yield from texts_of(each)
            elif isinstance(each, str):
                yield from inner(each)


def inner(text: str) -> Iterator[str]:
    """The text; where it is JSON, as of a chart or a table's columns, all texts in it."""
    if not text.startswith(("{", "[")):
        yield text
        return
    try:
        known = json.loads(text)
    except ValueError:
        yield text
        return
    stack: list[Any] = [known]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += [each for name, each in value.items() if name not in ("name", "type", "uid")]
            stack += [value["name"]] if value.get("showlegend") else []
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str):
            yield value


def shown(app: AppTest) -> Iterator[str]:
    """All texts of a page and its sidebar."""
    stack: list[Any] = [app._tree]
    while stack:
        block = stack.pop()
        proto = getattr(block, "proto", None)
        if isinstance(proto, Message):
            yield from texts_of(proto)
        stack += getattr(block, "children", {}).values()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_chinese(page: str, open_app, demo_only: Corpus) -> None:
    user = demo_only.user_ids[3]
    about = {"corpus": "demo", "user": user, "time": "9"}
    open_app(f"pages/{page}.py", **about)  # what it keeps in English is not shown below
    with language.speaking("zh"):  # AppTest calls some of a page's functions in this thread
        app = open_app(f"pages/{page}.py", lang="zh", **about)
        assert not app.exception
        texts = list(shown(app))
    assert app.query_params["lang"] in ("zh", ["zh"])
    assert any("用户" in text for text in texts)
    names = {"Space", *(demo_only.title(item) for item in demo_only.item_ids)}  # a key
    if page == "corpora":  # the card is a file of the model
        card = Library.open().model_folder("demo") / "README.md"
        names |= {line for line in card.read_text().splitlines() if len(line) > 3}
    assert not english(texts, data=names)
    again = open_app(f"pages/{page}.py", **about)
    assert not any("用户" in text for text in shown(again) if "简体" not in text)


HELP = """
import typer
from core.cli import VERB_MODULES, build_app
group = typer.main.get_command(build_app())
context = typer.Context(group, info_name="x")
print(group.get_help(context))
for name, verb in group.commands.items():
    print(verb.get_help(typer.Context(verb, parent=context, info_name=name)))
"""


def test_the_command_line_s_help_is_chinese() -> None:
    environment = os.environ | {"TASTELINES_LANGUAGE": "zh", "COLUMNS": "1000", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HELP], capture_output=True, text=True, env=environment, cwd=PROJECT
    )
    assert done.returncode == 0, done.stderr
    assert "数据集" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    said = [piece.strip() for line in lines for piece in line.split("  ")]
    assert not english(said)


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_verbs_answer_in_the_language(spoken: str, demo_only: Corpus, capsys) -> None:
    from core.cli import main

    user = demo_only.user_ids[3]
    lines = ("corpora", "users demo", f"recommend demo --user {user}")
    with language.speaking(spoken):
        for line in lines:
            assert main(line.split()) == 0
        assert main(["recommend", "demo", "--user", "nobody"]) == 2
    said = capsys.readouterr()
    if spoken == "zh":
        assert not english([*said.out.splitlines(), *said.err.splitlines()])
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said.err)
    else:
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in said.out + said.err)
