"""Attributes whose names are Markdown: labels of fields show them as they are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from core.corpus.attributes import Attributes, load_users, write_attributes

LINK, BOLD = "[a](http://b.test)", "**b**"


def fields(attributes, names):
    import streamlit as st

    from pages import users
    from pages._cohorts import attributes as conditions

    st.session_state[conditions.PICKED] = names
    conditions.draw(attributes)
    for name in names:
        users.pick_values(attributes, name)


def test_labels_of_attributes_are_no_markdown(tmp_path: Path) -> None:
    ids = ("a", "b")
    columns = {LINK: ("text", ["x", "y"]), BOLD: ("number", [1.0, 2.0])}
    counts = {"rows_read": 2, "repeated": 0, "refused": 0}
    facts = write_attributes(tmp_path, ids, columns, ids, counts)
    manifest = SimpleNamespace(attributes=facts)
    attributes = Attributes(facts, load_users(tmp_path, manifest), ids)  # type: ignore[arg-type]
    app = AppTest.from_function(fields, args=(attributes, [LINK, BOLD])).run()
    assert not app.exception
    drawn = [*app.multiselect, *app.selectbox, *app.text_input]
    labels = [field.label for field in drawn]
    assert len(labels) == 6
    assert not any(LINK in label or BOLD in label for label in labels)
    assert {label.replace("\\", "").replace("\u2060", "").split(" ")[0] for label in labels} == {
        LINK,
        BOLD,
    }
