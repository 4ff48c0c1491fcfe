"""Explain beside another user or another model: its picker, and both explanations side by side."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core.compare.beside import Other, beside_facts, differences
from core.compare.models import comparable
from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.figures.explain import waterfalls
from core.language import tr
from core.views.explain.beside import (
    BesideReport,
    BesideRow,
    BesideView,
    build_beside,
    name_of_model,
    name_of_user,
)
from core.views.explain.build import build_answer, build_parts
from core.views.explain.explaining import Explaining
from core.views.tables import table
from core.views.wording import capital, joined
from pages._shared import drawing, loaders, notices, own, screen, state
from pages._shared.drawing import Charts
from pages._shared.notices import Moment
from pages._shared.state import BESIDE

LISTED_USERS = 2_000
"""Above so many users an id is typed."""
USER, MODEL = "user:", "model:"
"""How the address begins to say beside what."""


@dataclass(frozen=True, eq=False)
class Beside:
    """The second explanation, and whose it is."""

    by: Other
    id: str
    """The user's or the model's."""
    names: tuple[str, str]
    other: Explaining

    def view(self, explaining: Explaining) -> BesideView:
        """Both in words."""
        return build_beside(explaining.explanation, self.other.explanation, self.by, self.names)

    def facts(self, explaining: Explaining) -> dict[str, Any]:
        """The verb's JSON of the second one; what isn't made yet is made here."""
        one, other = explaining.settled(), self.other.settled()
        model = self.id if self.by == "model" else one.engine.model_id
        return beside_facts(one, other, self.by, model, differences(one, other))

    def report(self, explaining: Explaining) -> BesideReport:
        """The same for the HTML report."""
        one, other = explaining.settled(), self.other.settled()
        answer = build_answer(other)
        view = build_beside(one, other, self.by, self.names)
        return BesideReport(view, answer, build_parts(answer, other.parts))


def pick(moment: Moment) -> None:
    """Beside whom or what: a user or a model by its id, in the address."""
    engine, user_id = moment.engine, moment.user_id
    corpus = engine.corpus
    models = comparable(loaders.library(), corpus.manifest, engine.model_id)
    everybody = corpus.whole.user_ids
    users = everybody if len(everybody) <= LISTED_USERS else ()
    options = [MODEL + each for each in models]
    options += [USER + each for each in users if each != user_id]
    asked = state.get(BESIDE)
    if asked is not None and is_itself(moment, str(asked)):
        said = tr("This list can't be beside itself; choose another user or model.")
        notices.miss(BESIDE, said)
        state.choose(BESIDE, None)
        state.publish_again()
        asked = None
    if asked is not None and asked not in options:
        options.insert(0, asked)
    state.hold(BESIDE)
    st.selectbox(
        tr("Beside"),
        options,
        index=None,
        key=BESIDE,
        format_func=lambda text: label(moment, str(text)),
        placeholder=tr("Another user or model"),
        persist_state="session",
        on_change=state.has_chosen,
        accept_new_options=True,
        width=230,
    )


def is_itself(moment: Moment, text: str) -> bool:
    """Whether the address asks for what is explained already, as after a change of the user."""
    by, id = read(text.strip())
    if by == "model":
        return id == moment.engine.model_id
    id, step = user_and_step(moment.engine.corpus, id)
    if id != moment.user_id:
        return False
    return step is None or step == moment.step


def user_and_step(corpus: Corpus, text: str) -> tuple[str, int | None]:
    """The user and step of ``ID@STEP``; None for an id alone, which may hold an @ itself."""
    id, _, step = text.rpartition("@")
    if id and step.isascii() and step.isdigit() and not corpus.knows(text):
        return id, int(step)
    return text, None


def label(moment: Moment, text: str) -> str:
    """What the picker calls a user or a model."""
    by, id = read(text)
    if by == "model":
        try:
            folder = loaders.library().model_folder(moment.engine.corpus.name, id)
        except DomainError:
            return tr("Model {id}", id=id[:8])
        return tr("Model of {day}", day=loaders.model_label(folder))
    corpus = moment.engine.corpus
    user, step = user_and_step(corpus, id)
    if not corpus.knows(user):
        return id
    name = own.label(corpus, user)
    return name if step is None else tr("{user}, step {step}", user=name, step=step)


def read(text: str) -> tuple[Other, str]:
    """``user:ID``, ``user:ID@STEP`` or ``model:ID``; anything else was typed, a user's id."""
    if text.startswith(MODEL):
        return "model", text.removeprefix(MODEL)
    return "user", text.removeprefix(USER)


def find(moment: Moment, item_id: str, margin: bool) -> Beside | None:
    """The second explanation that the address asks for; None for none. What can't be is said."""
    asked = state.get(BESIDE)
    if not asked:
        return None
    engine, user_id, step, recommender = moment
    by, id = read(str(asked).strip())
    history = engine.corpus.history(user_id).up_to(step)
    try:
        if by == "model":
            about = engine, id, user_id, step, item_id, recommender, margin
            names = name_of_model(engine.model_id), name_of_model(id)
            return Beside(by, id, names, loaders.explaining_by(*about))
        user, at = user_and_step(engine.corpus, id)
        other = engine.corpus.history(user)
        if not len(other):
            raise DomainError(tr("{user} has no events", user=own.label(engine.corpus, user)))
        other = other.up_to(min(max(at or len(other), 1), len(other)))
        second = loaders.explaining(engine, user, len(other), item_id, recommender, margin)
        return Beside(by, user, (name_of_user(history), name_of_user(other)), second)
    except DomainError as problem:
        notices.wrong(problem, tr("Beside"))
        return None


def draw(explaining: Explaining, beside: Beside, step: int | None) -> Charts:
    """One sentence, both waterfalls on one scale, and every difference as a table."""
    view = beside.view(explaining)
    notices.say(view.sentence)
    both = explaining, beside.other
    figures = waterfalls([(each.answer, each.parts) for each in both], drawing.palette(), step)
    charts: Charts = {}
    halves = [st.container(), st.container()] if screen.is_narrow() else st.columns(2, gap="medium")
    for at, (half, question, name) in enumerate(zip(halves, both, view.names, strict=True)):
        with half, st.container(key=f"beside_{at}"):
            st.markdown(f"**{notices.escape(capital(name))}**")
            notices.say(question.answer.standing)
            if question.answer.bars:
                key, sentence = f"beside_waterfall_{at}", question.answer.summary
                said = tr("{name}: {sentence}", name=name, sentence=sentence)
                charts[key] = said, figures[at]
                alt = tr("Waterfall, {name}", name=name)
                drawing.chart(key, figures[at], sentence, name=alt, is_said=False)
            else:
                notices.say(question.answer.summary)
            notices.caution(question.answer.trust)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        draw_way(beside)
        notices.caution(tr("Both charts have one scale, in nats: +0.69 doubles the probability."))
    signed = functools.partial(col.NumberColumn, format="%+.3f")
    drawing.table(
        table(view.rows, BesideRow.COLUMNS),
        joined(tr("Differences between both scores."), view.sentence),
        {
            "name": col.TextColumn(tr("Contribution of")),
            "value": signed(view.names[0], width=150),
            "beside": signed(view.names[1], width=150),
            "apart": signed(tr("Difference"), width=90),
        },
        height=min(38 + 35 * len(view.rows), 320),
        grows=("name",),
        room=screen.room(),
    )
    return charts


def draw_way(beside: Beside) -> None:
    """The same page the other way round."""
    item, now = beside.other.answer.item_id, state.selection()
    if beside.by == "user":
        drawing.link(
            drawing.EXPLAIN,
            tr("Explain it for {user}", user=beside.names[1]),
            user=beside.id,
            time=len(beside.other.explanation.history),
            item=item,
            beside=f"{USER}{now.user_id}@{now.step}",
        )
    else:
        name = tr("Why? Compare both models")
        drawing.link(drawing.COMPARE, name, item=item, columns="models")
