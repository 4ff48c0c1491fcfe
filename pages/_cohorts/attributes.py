"""Conditions of a rule about user attributes: which ones, and what each has to be."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.corpus.attributes import FORMS, OPS, TEXT, Attributes, Condition, label_of
from core.language import tr
from core.views.attributes import NO_VALUE
from core.views.wording import short
from pages._shared import notices, state

PICKED = "rule_attributes"
"""The attributes that the form has fields for."""
MOST_VALUES = 500


def pick(attributes: Attributes | None) -> None:
    """Which attributes the rule is about; outside the form, so that their fields appear."""
    if attributes is None or not attributes.names:
        return
    kept = [name for name in state.get(PICKED) or () if name in attributes.names]
    state.choose(PICKED, kept)
    label = tr("User attributes")
    st.multiselect(label, attributes.names, key=PICKED, format_func=label_of, width=560)


def draw(attributes: Attributes | None) -> None:
    """The fields of the attributes that were picked: values of a text, ends of all else."""
    if attributes is None or not state.get(PICKED):
        return
    for name in state.get(PICKED):
        label = notices.escape(short(label_of(name), 30))
        with st.container(horizontal=True, gap="small"):
            if attributes.column(name).kind == TEXT:
                values = ["", *attributes.groups(name)[0][:MOST_VALUES]]
                asked = list(state.get(_key("is", name)) or ())
                values += [value for value in asked if value not in values]
                state.choose(_key("is", name), asked)
                st.multiselect(
                    tr("{attribute} is", attribute=label),
                    values,
                    key=_key("is", name),
                    format_func=lambda value: value or tr(NO_VALUE),
                    placeholder=tr("Any"),
                    width=560,
                )
                continue
            form = tr(FORMS[attributes.column(name).kind])
            least = tr("{attribute} at least", attribute=label)
            most = tr("{attribute} at most", attribute=label)
            for op, words in (("least", least), ("most", most)):
                st.text_input(
                    words,
                    key=_key(op, name),
                    placeholder=form,
                    width=190,
                )


def asked() -> tuple[Condition, ...]:
    """The conditions that the form holds."""
    found = []
    for name in state.get(PICKED) or ():
        for op in OPS:
            value = state.get(_key(op, name))
            values = value if isinstance(value, list) else [str(value).strip()] if value else []
            found += [Condition(op, name, each) for each in values]
    return tuple(found)


def fill(conditions: Sequence[Condition], attributes: Attributes | None) -> None:
    """Put the conditions of a rule into the form's fields, before they are drawn."""
    state.choose(PICKED, list(dict.fromkeys(each.name for each in conditions)))
    for name in state.get(PICKED):
        is_text = attributes is None or name not in attributes.names or (
            attributes.column(name).kind == TEXT
        )  # fmt: skip
        values = [each.value for each in conditions if each.name == name and each.op == "is"]
        state.choose(_key("is", name), values if is_text else [])
        for op in OPS[1:]:
            ends = [each.value for each in conditions if each.name == name and each.op == op]
            exact = values[:1] if not is_text else []
            state.choose(_key(op, name), (ends or exact or [""])[0])


def _key(op: str, name: str) -> str:
    return f"rule_{op}_of_{name}"
