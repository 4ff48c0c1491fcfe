"""Is it still right, and what changed?"""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st
from pandas import DataFrame
from streamlit import column_config as col
from streamlit.delta_generator import DeltaGenerator

from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.figures.monitor import ages_figure, monitor_figure
from core.language import mark, tr, trc
from core.monitor.export import as_facts
from core.monitor.measures import Group
from core.strategy.log import Logged, read_log
from core.views.monitor.rows import AlarmView, CarrierRow, MeasureRow, MonitorView
from core.views.monitor.sentences import SPELLED, bands_sentence
from core.views.tables import table
from core.views.wording import count, joined
from pages._monitor import asking
from pages._shared import controls, drawing, keeping, loaders, notices, screen, sharing, state
from pages._shared.drawing import Charts
from pages._shared.state import (
    COHORTS_USERS,
    MONITOR_ALARM,
    MONITOR_PERIOD,
    MONITOR_SINCE,
    SEARCH,
    SEARCH_IN,
    TAB,
    TOPIC,
)

if TYPE_CHECKING:
    from core.engine import Engine

PERIODS = {
    "auto": mark("Automatic"),
    "day": mark("Days"),
    "week": mark("Weeks"),
    "month": mark("Months"),
}
AGE, AGES = "age", mark("Quality by age of the model")
WIDE, NARROW = 4, 1
"""Panels in a row."""
CARRIERS, FRAME = 350, 34
"""Pixels of a table of carriers at least, and those that the frame around all takes."""
CARRIED = (
    ("users", mark("User"), mark("Users that carry {name}.")),
    ("items", mark("Item"), mark("Items that carry {name}.")),
    ("topics", mark("Topic"), mark("Topics that carry {name}.")),
    ("kinds", mark("Kind"), mark("Kinds that carry {name}.")),
)
"""Fields of an alarm, what is in them, and what their tables say."""


def main() -> None:
    head = drawing.head(tr("Is it still right, and what changed?"))
    chosen = state.selection()
    if chosen.corpus is None:
        notices.need_engine()
        return
    corpus, engine = loaders.corpus(chosen.corpus), open_model(chosen.corpus, chosen.model_id)
    with notices.guarded():
        watch(engine.corpus if engine is not None else corpus, engine, head)
    draw_log(corpus)


def watch(corpus: Corpus, engine: Engine | None, head: DeltaGenerator) -> None:
    """What changed in the events and lists, and how surely."""
    picks = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with picks:
        period = drawing.choose(tr("Periods"), MONITOR_PERIOD, PERIODS)
        picked = asking.pick_cohort(engine)
    since = state.get(MONITOR_SINCE)
    try:
        answer = asking.monitored(corpus, engine, period, since, picked)
    except DomainError as error:
        if since is None:
            raise
        notices.miss(MONITOR_SINCE, str(error))
        state.choose(MONITOR_SINCE, None)
        answer = asking.monitored(corpus, engine, period, None, picked)
    if answer is None:
        return
    found, view = answer
    with picks:
        pick_since(view)
    charts = draw_charts(view)
    with head:
        sharing.share()
        keeping.keep(charts, view.sentence)
        sharing.export(
            f"monitor-{corpus.name}",
            {
                tr("Measures (CSV)"): (".csv", lambda: table(view.measures, MeasureRow.COLUMNS)),
                tr("All findings (JSON)"): (".json", lambda: json.dumps(as_facts(found), indent=1)),
                tr("Charts (HTML)"): sharing.charts(
                    list(charts.values()), tr("Monitor of {corpus}", corpus=corpus.name)
                ),
            },
        )
    st.markdown(f"**{notices.escape(view.sentence)}**")
    draw_alarms(view, engine)
    for name, (sentence, figure) in charts.items():
        st.subheader(tr(AGES if name == AGE else SPELLED[Group(name)]), anchor=False)
        drawing.chart(f"monitor_{name}", figure, sentence)
    notices.caution(joined(view.about, *view.notes))
    with st.expander(tr("All measures as a table")):
        draw_measures(view)


def open_model(corpus: str, model_id: str | None) -> Engine | None:
    """The chosen model; None where there is none, or where it can't be opened, which is said."""
    if model_id is None:
        return None
    try:
        return loaders.engine(corpus, model_id)
    except DomainError as error:
        notices.show_error(error)
        return None


def pick_since(view: MonitorView) -> None:
    """The first of the tested periods; usually the newest finished one."""
    asked = state.get(MONITOR_SINCE)
    options = list(view.starts)
    if asked is not None and asked not in options:
        options.insert(0, asked)
    newest = tr("The newest one")
    if view.starts:
        newest = tr("The newest one ({day})", day=view.starts[0])
    state.hold(MONITOR_SINCE)
    st.selectbox(
        tr("Test periods since"),
        options,
        index=None,
        key=MONITOR_SINCE,
        placeholder=newest,
        persist_state="session",
        on_change=state.has_chosen,
        width=240,
    )


def draw_charts(view: MonitorView) -> Charts:
    """A figure for each group of measures, with its sentence."""
    charts: Charts = {}
    ink, columns = drawing.palette(), NARROW if screen.is_narrow() else WIDE
    for group, own in groupby(view.panels, key=lambda panel: panel.group):
        panels = list(own)
        drawn = [panel for panel in panels if panel.is_known]
        if drawn:
            charts[group.value] = (bands_sentence(panels), monitor_figure(drawn, ink, columns))
    if view.ages:
        charts[AGE] = (view.ages_sentence, ages_figure(view.ages, ink))
    return charts


def draw_alarms(view: MonitorView, engine: Engine | None) -> None:
    """One alarm with who and what carries it; the others are a click away."""
    if not view.alarms:
        return
    alarms = {alarm.id: alarm for alarm in view.alarms}
    first, missing = next(iter(alarms)), tr("There is no alarm about {!r} here; this is {}.")
    usual = alarms[first].name
    drawing.settle(MONITOR_ALARM, list(alarms), first, missing, usual, says_now=True)
    with st.container(border=True):
        chosen = st.pills(
            tr("Alarm"),
            list(alarms),
            required=True,
            key=MONITOR_ALARM,
            format_func=lambda id: notices.escape(alarms[id].name) if id in alarms else id,
            persist_state="session",
            on_change=state.has_chosen,
        )
        draw_alarm(alarms[chosen or first], engine)


def draw_alarm(alarm: AlarmView, engine: Engine | None) -> None:
    notices.say(joined(alarm.sentence, alarm.carried))
    tables = [(name, label, said, getattr(alarm, name)) for name, label, said in CARRIED]
    shown = [each for each in tables if each[3]]
    grid = st.grid(len(shown), min_column_width=CARRIERS, gap="small") if shown else None
    room = screen.cell(len(shown), CARRIERS, screen.SMALL_GAP, FRAME)
    for name, label, said, rows in shown:
        said = tr(said, name=alarm.name)
        with grid.cell():  # type: ignore[union-attr]
            draw_carriers(name, tr(label), said, rows, room, opens=engine is not None)
    if alarm.examples:
        draw_examples(alarm, opens=engine is not None)
    with st.container(horizontal=True, gap="small"):
        if engine is not None:
            name, behind = alarm.behind_label, alarm.behind
            drawing.link(drawing.COHORTS, name, **state.cohort_of(COHORTS_USERS, behind))
        if alarm.topic is not None and engine is not None:
            of_topic = tr("Users of {topic}", topic=alarm.topic)
            drawing.link(drawing.USERS, of_topic, **{TOPIC: alarm.topic})
        if alarm.group in (Group.LISTS, Group.QUALITY):
            by_month = {TAB: "By month"}  # no sentence
            drawing.link(drawing.QUALITY, tr("Quality by month"), **by_month)


def draw_carriers(
    name: str, label: str, said: str, rows: tuple[CarrierRow, ...], room: int, *, opens: bool
) -> None:
    """Users open their Timeline, items the users who had them."""
    ids = [row.id for row in rows]
    columns = {
        "name": col.TextColumn(label),
        "share": col.NumberColumn(tr("Of change"), format="%.1f %%", width=80),
        "now": col.NumberColumn(tr("Now"), help=tr("Events in this period"), width=52),
        "before": col.NumberColumn(
            tr("Before"),
            help=tr("Events in the periods that say what is expected"),
            width=62,
        ),
    }
    if name == "users" and opens:
        key = "open_carrier"
        button = drawing.buttons(
            label,
            key,
            lambda at: controls.open_listed(ids, at, drawing.TIMELINE),
            alignment="left",
        )
        columns = {"id": button, **columns}
        del columns["name"]
    if name == "items" and opens:
        button = drawing.buttons(
            label,
            "open_carrying_item",
            lambda at: controls.open_page(drawing.USERS, **{SEARCH_IN: "item", SEARCH: ids[at]}),
            alignment="left",
        )
        columns = {"name": button, **{key: columns[key] for key in ("share", "now", "before")}}
    frame = DataFrame(map(asdict, rows))
    frame["share"] *= 100
    drawing.table(frame, said, columns, grows=(next(iter(columns)),), room=room)


def draw_examples(alarm: AlarmView, *, opens: bool) -> None:
    """Events; a user's button opens the Timeline at the event."""
    users = [row.user_id for row in alarm.examples]
    notices.caution(alarm.about_examples)

    def open_event(at: int) -> None:
        step = alarm.examples[at].step
        controls.open_listed(users, at, drawing.TIMELINE, time=step)

    width = drawing.id_width(users)
    columns = {
        "user_id": drawing.buttons(
            tr("User"), "open_example", open_event, alignment="left", width=width
        )
        if opens
        else col.TextColumn(tr("User"), width=width),
        "step": col.NumberColumn(tr("Step"), width=60),
        "date": col.DatetimeColumn(tr("When"), format=tr("D MMM YYYY HH:mm"), width=148),
        "kind": col.TextColumn(tr("Kind"), width=90),
        "rating": col.NumberColumn(tr("Rating"), format="%g", width=66),
        "item": col.TextColumn(tr("Item")),
    }
    drawing.table(
        alarm.examples,
        joined(alarm.about_examples, alarm.sentence),
        columns,
        grows=("item",),
        room=screen.room() - FRAME,
    )


def draw_log(corpus: Corpus) -> None:
    """Every change of the corpus's models and strategies, the newest first."""
    log, problems = read_log(loaders.library(), corpus.name)
    if problems:
        notices.caution(joined(*problems))
    if not log:
        return
    st.subheader(tr("Changes of models and strategies"), anchor=False)
    newest = log[0]
    said = tr(
        "{changes}, the newest: {about} {id} {what}.",
        changes=count(len(log), "change"),
        about=tr(newest.about),
        id=newest.id,
        what=newest.what,
    )
    notices.say(said)
    columns = {
        "when": col.DatetimeColumn(tr("When (UTC)"), format=tr("D MMM YYYY HH:mm"), width=150),
        "about": col.TextColumn(tr("About"), width=80),
        "id": col.TextColumn(tr("Which"), width=140),
        "what": col.TextColumn(tr("What")),
        "who": col.TextColumn(tr("Who"), width=100),
        "why": col.TextColumn(tr("Why")),
    }
    rows = table(log, Logged.COLUMNS)
    rows["about"] = rows["about"].map(tr)
    drawing.table(rows, said, columns, height="auto")
    drawing.link(drawing.QUALITY, tr("Strategies on Quality"), **{TAB: "Strategy"})  # no sentence


def draw_measures(view: MonitorView) -> None:
    columns = {
        "name": col.TextColumn(tr("Measure"), pinned=True),
        "group": col.TextColumn(tr("About")),
        "period": col.TextColumn(tr("Period")),
        "value": col.NumberColumn(tr("Value"), format="%.3f"),
        "expected": col.NumberColumn(tr("Expected"), format="%.3f"),
        "low": col.NumberColumn(tr("Band from"), format="%.3f"),
        "high": col.NumberColumn(trc("interval", "to"), format="%.3f"),
        "events": col.NumberColumn(tr("Events"), format="localized"),
        "p": col.NumberColumn("p", format="%.4f"),
        "q": col.NumberColumn("q", format="%.3f"),
        "alarm": col.CheckboxColumn(tr("Alarm")),
    }
    drawing.table(view.measures, joined(tr("All measures."), view.sentence), columns, height=420)


if __name__ == "__main__":
    controls.run(main)
