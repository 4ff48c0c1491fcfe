"""Is it still right, and what changed?"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.evaluate.served import lists_path
from core.figures.monitor import ages_figure, monitor_figure
from core.monitor.export import as_facts
from core.monitor.measures import Group
from core.monitor.monitoring import Monitored, monitor
from core.monitor.periods import read_unit
from core.views.monitor.build import build_monitor
from core.views.monitor.rows import AlarmView, CarrierRow, MeasureRow, MonitorView
from core.views.monitor.sentences import SPELLED
from core.views.tables import table
from core.views.wording import count
from pages._shared import controls, drawing, keeping, loaders, notices, screen, sharing, state
from pages._shared.drawing import Charts
from pages._shared.loaders import Fingerprint
from pages._shared.state import (
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

PERIODS = {"auto": "Automatic", "day": "Days", "week": "Weeks", "month": "Months"}
AGE, AGES = "age", "Quality by age of the model"
WIDE, NARROW = 4, 1
"""Panels in a row."""
CARRIERS, FRAME = 350, 34
"""Pixels of a table of carriers at least, and those that its frame takes."""
CARRIED = (("users", "User"), ("items", "Item"), ("topics", "Topic"), ("kinds", "Kind"))


def _files(corpus: Corpus, engine: Engine | None, *rest: object) -> Fingerprint:
    """The files of the model's evaluation and of imported lists."""
    library = loaders.library()
    places = sorted(lists_path(library, corpus.name, "any").parent.glob("*.parquet"))
    if engine is not None:
        from core.evaluate.protocols import PROTOCOLS, report_key, report_places

        for protocol in PROTOCOLS:
            key = report_key(corpus, engine.folder, protocol)
            places += report_places(library, engine.folder, key)
    return tuple(map(loaders.stamp, places))


@loaders.kept(8, "Shuffling periods …", also=_files)
def monitored(
    corpus: Corpus, engine: Engine | None, period: str, since: str | None
) -> tuple[Monitored, MonitorView]:
    found = monitor(corpus, loaders.library(), engine, unit=read_unit(period), since=since)
    return found, build_monitor(found)


def main() -> None:
    head = drawing.head("Is it still right, and what changed?")
    chosen = state.selection()
    if chosen.corpus is None:
        notices.need_engine()
        return
    corpus, engine = loaders.corpus(chosen.corpus), open_model(chosen.corpus, chosen.model_id)
    picks = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with picks:
        period = drawing.choose("Periods", MONITOR_PERIOD, PERIODS)
    since = state.get(MONITOR_SINCE)
    try:
        found, view = monitored(corpus, engine, period, since)
    except DomainError as error:
        if since is None:
            raise
        notices.miss(MONITOR_SINCE, str(error))
        state.choose(MONITOR_SINCE, None)
        found, view = monitored(corpus, engine, period, None)
    with picks:
        pick_since(view)
    charts = draw_charts(view)
    with head:
        sharing.share()
        keeping.keep(charts, view.sentence)
        sharing.export(
            f"monitor-{corpus.name}",
            {
                "Measures (CSV)": (".csv", lambda: table(view.measures, MeasureRow.COLUMNS)),
                "All findings (JSON)": (".json", lambda: json.dumps(as_facts(found), indent=1)),
                "Charts (HTML)": sharing.charts(list(charts.values()), f"Monitor of {corpus.name}"),
            },
        )
    st.markdown(f"**{notices.escape(view.sentence)}**")
    draw_alarms(view, engine)
    for name, (sentence, figure) in charts.items():
        st.subheader(AGES if name == AGE else SPELLED[Group(name)], anchor=False)
        drawing.chart(f"monitor_{name}", figure, sentence)
    notices.caution(" ".join([view.about, *view.notes]))
    with st.expander("All measures as a table"):
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
    state.hold(MONITOR_SINCE)
    st.selectbox(
        "Test periods since",
        options,
        index=None,
        key=MONITOR_SINCE,
        placeholder=f"The newest one ({view.starts[0]})" if view.starts else "The newest one",
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
        alarmed = [panel.name for panel in panels if panel.alarmed]
        said = f"{count(len(panels), 'measure')} in their bands."
        if alarmed:
            said = f"{len(alarmed)} of {count(len(panels), 'measure')} left the band: "
            said += f"{', '.join(alarmed)}."
        charts[group.value] = (said, monitor_figure(panels, ink, columns))
    if view.ages:
        charts[AGE] = (view.ages_sentence, ages_figure(view.ages, ink))
    return charts


def draw_alarms(view: MonitorView, engine: Engine | None) -> None:
    """One alarm with who and what carries it; the others are a click away."""
    if not view.alarms:
        return
    alarms = {alarm.id: alarm for alarm in view.alarms}
    first, missing = next(iter(alarms)), "There is no alarm about {!r} here; this is {}."
    usual = alarms[first].name
    drawing.settle(MONITOR_ALARM, list(alarms), first, missing, usual, says_now=True)
    with st.container(border=True):
        chosen = st.pills(
            "Alarm",
            list(alarms),
            required=True,
            key=MONITOR_ALARM,
            format_func=lambda id: notices.escape(alarms[id].name) if id in alarms else id,
            persist_state="session",
            on_change=state.has_chosen,
        )
        draw_alarm(alarms[chosen or first], engine)


def draw_alarm(alarm: AlarmView, engine: Engine | None) -> None:
    notices.say(f"{alarm.sentence} {alarm.carried}")
    tables = [(name, label, getattr(alarm, name)) for name, label in CARRIED]
    shown = [each for each in tables if each[2]]
    grid = st.grid(len(shown), min_column_width=CARRIERS, gap="small") if shown else None
    room = screen.cell(len(shown), CARRIERS) - FRAME
    for name, label, rows in shown:
        with grid.cell():  # type: ignore[union-attr]
            draw_carriers(alarm, name, label, rows, room, opens=engine is not None)
    if alarm.examples:
        draw_examples(alarm, opens=engine is not None)
    with st.container(horizontal=True, gap="small"):
        if alarm.topic is not None and engine is not None:
            drawing.link(drawing.USERS, f"Users of {alarm.topic}", **{TOPIC: alarm.topic})
        if alarm.group in (Group.LISTS, Group.QUALITY):
            drawing.link(drawing.QUALITY, "Quality by month", **{TAB: "By month"})


def draw_carriers(
    alarm: AlarmView, name: str, label: str, rows: tuple[CarrierRow, ...], room: int, *, opens: bool
) -> None:
    """Users open their Timeline, items the users who had them."""
    ids = [row.id for row in rows]
    columns = {
        "name": col.TextColumn(label),
        "share": col.NumberColumn("Of change", format="percent", width=80),
        "now": col.NumberColumn("Now", help="Events in this period", width=52),
        "before": col.NumberColumn(
            "Before", help="Events in the periods that say what is expected", width=62
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
    said = f"{label}s that carry {alarm.name}."
    drawing.table(rows, said, columns, grows=(next(iter(columns)),), room=room)


def draw_examples(alarm: AlarmView, *, opens: bool) -> None:
    """Events; a user's button opens the Timeline at the event."""
    users = [row.user_id for row in alarm.examples]
    notices.caution(alarm.about_examples)

    def open_event(at: int) -> None:
        step = alarm.examples[at].step
        controls.open_listed(users, at, drawing.TIMELINE, time=step)

    columns = {
        "user_id": drawing.buttons("User", "open_example", open_event, alignment="left")
        if opens
        else col.TextColumn("User"),
        "step": col.NumberColumn("Step"),
        "date": col.DatetimeColumn("When", format="D MMM YYYY HH:mm"),
        "kind": col.TextColumn("Kind"),
        "rating": col.NumberColumn("Rating", format="%.1f"),
        "item": col.TextColumn("Item", width="large"),
    }
    drawing.table(alarm.examples, f"{alarm.about_examples} {alarm.sentence}", columns)


def draw_measures(view: MonitorView) -> None:
    columns = {
        "name": col.TextColumn("Measure", pinned=True),
        "group": col.TextColumn("About"),
        "period": col.TextColumn("Period"),
        "value": col.NumberColumn("Value", format="%.3f"),
        "expected": col.NumberColumn("Expected", format="%.3f"),
        "low": col.NumberColumn("Band from", format="%.3f"),
        "high": col.NumberColumn("to", format="%.3f"),
        "events": col.NumberColumn("Events", format="localized"),
        "p": col.NumberColumn("p", format="%.4f"),
        "q": col.NumberColumn("q", format="%.3f"),
        "alarm": col.CheckboxColumn("Alarm"),
    }
    drawing.table(view.measures, f"All measures. {view.sentence}", columns, height=420)


if __name__ == "__main__":
    controls.run(main)
