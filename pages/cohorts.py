"""Who moves where?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit import column_config as col

from core.cohorts.store import Cohort
from core.figures.cohort_report import cohort_report
from core.figures.cohorts import flow_figure
from core.language import mark, tr, trc
from core.views.cohorts.build import ATTRIBUTE, MEASURES, SECOND, Everyone, gain_rows
from core.views.cohorts.rows import (
    CohortView,
    FlowView,
    GainRow,
    TraitRow,
    WhatIfView,
    traits_by_label,
)
from core.views.cohorts.sentences import rule_words
from core.views.tables import table
from core.views.wording import joined
from pages._cohorts import asking, choosing, making, mapping, what_if
from pages._cohorts.choosing import Chosen
from pages._shared import (
    cohorts,
    controls,
    drawing,
    judging,
    keeping,
    loaders,
    notices,
    screen,
    sharing,
    state,
)
from pages._shared.attributes import pick_attribute, say_missing
from pages._shared.drawing import Charts
from pages._shared.state import (
    COHORT_AGAINST,
    COHORT_SAVED,
    COHORTS_ATTRIBUTE,
    COHORTS_BY,
    COHORTS_RULE,
    USUAL_PROTOCOL,
)

WIDEST, TABLE_WIDTH, TABLE_HEIGHT = 3, 420, 420
HINT = mark(
    "Draw around users on the map, ask for a rule, or open a saved cohort: the page then says what "
    "they share, how they are served and where they go."
)


def main() -> None:
    head = drawing.head(tr("Who moves where?"))
    engine = notices.need_engine()
    notices.say_sample(engine)
    everyone = making.everyone(engine)
    if everyone is None:
        return
    at = choosing.pick_time(everyone)
    options = {
        key: label
        for key, label in MEASURES.items()
        if key != "kind" or everyone.people.turns is not None
    }
    attributes = engine.corpus.attributes
    if attributes is not None and attributes.names:
        options[ATTRIBUTE] = mark("User attribute")
    else:
        say_missing(COHORTS_ATTRIBUTE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = drawing.choose(tr("Colour"), COHORTS_BY, options, is_list=True)
        attribute = None
        if by == ATTRIBUTE and attributes is not None:
            if state.get(COHORTS_ATTRIBUTE) is None:
                state.choose(COHORTS_ATTRIBUTE, attributes.names[0])
            attribute = pick_attribute(tr("User attribute"), COHORTS_ATTRIBUTE, attributes)
            by = by if attribute is not None else "topic"
        saved = cohorts.saved(engine.corpus.name)
        icon = ":material/filter_alt:"
        with st.popover(tr("Rule"), icon=icon, key="cohort_rule", width="content"):
            choosing.rule_form(everyone)
        if saved:
            cohorts.pick(
                saved,
                tr("Saved cohort"),
                choosing.PICK,
                COHORT_SAVED,
                functools.partial(choosing.describe_only, COHORT_SAVED),
                placeholder=tr("Open a saved cohort"),
                width=220,
                label_visibility="collapsed",
            )
    shown = making.users_map(engine, at, by, attribute)
    chosen = choosing.settle(everyone, shown)
    if problem := loaders.problem_of(cohorts.store()):
        notices.caution(problem)
    recommender = state.selection().recommender or engine.recommender().id
    if chosen is not None and chosen.problem is not None:
        draw_unopened(chosen)
        chosen = None
    view = describe(everyone, chosen, saved, at, recommender) if chosen is not None else None
    flow = view.flow if view is not None else making.flow(engine, at)
    map_view, ink = loaders.interest_map(engine), drawing.palette()
    users, area = (None, None) if chosen is None else (chosen.users, chosen.area)
    figure = making.picture(engine, at, by, attribute, ink.name, users, area)
    charts: Charts = {"map": (shown.sentence, figure)}
    if flow.flow.moves.any():
        charts["flow"] = (flow.sentence, flow_figure(flow, ink))
    if chosen is not None and view is not None:
        draw_head(everyone, chosen, view, saved)
    if by == SECOND and everyone.second is None:
        mapping.draw_second(engine)
    about_map = mapping.sentence(everyone, by) or map_view.sentence
    halves = [st.container(), st.container()] if screen.is_narrow() else st.columns(2, gap="medium")
    with halves[0]:
        drawing.chart(
            choosing.MAP,
            figure,
            shown.sentence,
            name=tr("All users on the map"),
            below=joined(about_map, tr("Draw around users to describe them.")),
            on_select=choosing.draw_region,
            is_lasso=True,
        )
    with halves[1]:
        draw_flow(flow, charts)
    answer = None
    if chosen is not None and view is not None:
        draw_cohort(view)
        own = chosen.cohort(engine)
        asked = asking.Asked(engine, chosen.name, chosen.users, own, recommender)
        answer, more = what_if.draw(asked)
        charts |= more
    else:
        what_if.draw_waiting(engine)
        notices.caution(tr(HINT))
        draw_gains(flow)
    mapping.draw_atlas(engine)
    with head:
        sharing.share()
        keeping.keep(charts, view.sentence if view else flow.sentence)
        files: dict[str, sharing.File] = {
            tr("Topics (CSV)"): (".csv", lambda: table(gain_rows(flow), GainRow.COLUMNS)),
        }
        if chosen is not None and view is not None:
            report = make_report(everyone, chosen, view, answer)
            files = {tr("Report (HTML)"): ("-report.html", report)} | files
            files |= {
                tr("What they share (CSV)"): (".csv", lambda: table(view.traits, TraitRow.COLUMNS)),
                tr("Users (CSV)"): (".csv", lambda: view.users),
            }
        if answer is not None:
            files |= what_if.files(answer)
        files[tr("Charts (HTML)")] = sharing.charts(
            list(charts.values()), tr("Cohorts of {corpus}", corpus=engine.corpus.name)
        )
        sharing.export(f"cohorts-{engine.corpus.name}", files)
    choosing.play(everyone)


def make_report(
    everyone: Everyone, chosen: Chosen, view: CohortView, answer: WhatIfView | None
) -> Callable[[], str]:
    """What makes the report of whom the page describes, in the colours of now."""
    library, ink = loaders.library(), drawing.palette()
    said = chosen.note, chosen.saved.notes if chosen.saved is not None else ""

    def make() -> str:
        notes = tuple(filter(None, said))
        about = everyone, library, view, ink
        return cohort_report(*about, rule=chosen.rule, area=chosen.area, notes=notes, asked=answer)[
            0
        ]

    return make


def describe(
    everyone: Everyone, chosen: Chosen, saved: Sequence[Cohort], at: int, recommender: str
) -> CohortView | None:
    """The description of whom the address asks for; None where that is nobody, which is said."""
    _, problem = notices.find(lambda: judging.report(everyone.engine, USUAL_PROTOCOL))
    if problem:
        notices.caution(problem)
    if not chosen.users.any():
        notices.empty(
            tr("Nobody is like that"),
            tr("{name}. Ask for less, or draw a larger region.", name=chosen.name),
        )
        return None
    name, others = choosing.against(everyone, saved) or (None, None)
    about = everyone.engine, chosen.name, chosen.users
    return making.cohort(*about, at, name, others, recommender, chosen.rule)


def draw_unopened(chosen: Chosen) -> None:
    """A saved cohort, or what-if of one, whose rule can't be asked any more, and the way out."""
    assert chosen.problem is not None
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(notices.escape(chosen.name), anchor=False)
            st.space("stretch")
            if chosen.saved is not None:
                act, what = choosing.delete, chosen.saved
                drawing.button(tr("Delete"), "cohort_delete", act, what, icon="delete")
            if chosen.pattern is not None:
                delete, kept = what_if.delete, chosen.pattern
                drawing.button(tr("Delete"), "pattern_delete", delete, kept, icon="delete")
            drawing.button(tr("Clear"), "cohort_clear", clear, icon="close")
        notices.wrong(chosen.problem, tr("It can't be opened"))
        if chosen.rule is not None:
            notices.caution(tr("Its rule: {rule}.", rule=rule_words(chosen.rule)))


def draw_head(
    everyone: Everyone, chosen: Chosen, view: CohortView, saved: Sequence[Cohort]
) -> None:
    """Who they are, and what can be done with them."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(notices.escape(chosen.name), anchor=False)
            st.space("stretch")
            rest = [each for each in saved if each != chosen.saved]
            if rest:
                cohorts.pick(
                    rest,
                    tr("Held against"),
                    choosing.OTHER,
                    COHORT_AGAINST,
                    placeholder=tr("Against all others"),
                    width=220,
                    label_visibility="collapsed",
                )
            if chosen.saved is None:
                choosing.save_form(everyone, chosen)
            else:
                what = chosen.saved
                drawing.button(tr("Delete"), "cohort_delete", choosing.delete, what, icon="delete")
            drawing.button(tr("Clear"), "cohort_clear", clear, icon="close")
        notices.say(view.sentence)
        notices.say(view.served.sentence)
        if view.served.cohort is None and view.served.others is None:
            drawing.link(drawing.QUALITY, tr("Evaluate it in Quality"))
        if chosen.note:
            notices.caution(chosen.note)
        if chosen.saved is not None and chosen.saved.notes:
            notices.caution(chosen.saved.notes)


def clear() -> None:
    """Describe nobody. For callbacks."""
    choosing.describe_only(COHORTS_RULE, None)


def draw_flow(flow: FlowView, charts: Charts) -> None:
    if "flow" not in charts:
        notices.say(flow.sentence)
        return
    sentence, figure = charts["flow"]
    drawing.chart(
        "flow",
        figure,
        sentence,
        name=tr("Flow between leading topics"),
        below=tr("Users seen by the first time, by the topic that leads their profile."),
    )


def draw_gains(flow: FlowView) -> None:
    """Every topic with the users who came and went."""
    rows = gain_rows(flow)
    columns = {
        "topic": col.TextColumn(tr("Topic")),
        "before": col.NumberColumn(tr("Users, {time}", time=flow.labels[0]), format="localized"),
        "after": col.NumberColumn(tr("Users, {time}", time=flow.labels[-1]), format="localized"),
        "came": col.NumberColumn(tr("Came"), format="localized"),
        "went": col.NumberColumn(tr("Went"), format="localized"),
        "q": col.NumberColumn("q", format="%.3f", help=tr("By chance, over all topics")),
    }
    drawing.table(rows, joined(tr("Topics."), flow.sentence), columns)


def draw_cohort(view: CohortView) -> None:
    """What they share, kind by kind, and its users."""
    st.subheader(tr("What they share beyond the average"), anchor=False)
    shown = traits_by_label(view.traits)
    if not shown:
        st.text(tr("Nothing that these tests find."))
    grid = st.grid(WIDEST, min_column_width=TABLE_WIDTH, gap="medium") if shown else None
    for label, rows in shown.items():
        with grid.cell():  # type: ignore[union-attr]
            draw_traits(label, rows)
    notices.caution(view.about_traits)
    st.subheader(tr("Its users"), anchor=False)
    ids = view.users["user_id"].tolist()
    columns = {
        "user_id": drawing.buttons(
            tr("User"),
            "open_member",
            lambda at: controls.open_listed(ids, at, drawing.TIMELINE),
            alignment="left",
            width=drawing.id_width(ids),
        ),
        "topic": col.TextColumn(tr("Leading topic")),
        "events": col.NumberColumn(tr("Events"), format="localized"),
        "drift": col.NumberColumn(tr("Drift"), format="%.2f"),
        "sentiment_trend": col.NumberColumn(tr("Sentiment trend"), format="%+.2f"),
        "held_out_rank": col.NumberColumn(tr("Rank"), format="%.0f"),
        "last_seen": col.DatetimeColumn(tr("Last seen"), format=trc("day", "D MMM YYYY")),
    }
    if view.users["last_seen"].isna().all():
        del columns["last_seen"]
    drawing.table(
        view.users,
        joined(tr("Users of the cohort."), view.sentence),
        columns,
        height=min(TABLE_HEIGHT, 38 + 35 * len(ids)),
        marked=[user == state.selection().user_id for user in ids],
    )


def draw_traits(label: str, rows: Sequence[TraitRow]) -> None:
    columns = {
        "name": col.TextColumn(tr(label)),
        "cohort": col.TextColumn(tr("Cohort [95 %]"), width=112),
        "others": col.TextColumn(tr("Others"), width=58),
        "users": col.NumberColumn(tr("Users"), width=52, format="localized"),
        "chance": col.TextColumn("q", width=52, alignment="right"),
    }
    drawing.table(
        table(rows, " ".join(columns)),
        tr("{traits} that the cohort shares beyond the average.", traits=tr(label)),
        columns,
        grows=("name",),
        room=screen.cell(WIDEST, TABLE_WIDTH),
    )


if __name__ == "__main__":
    controls.run(main)
