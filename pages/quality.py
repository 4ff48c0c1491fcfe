"""Does the model beat what a user would pick instead, where, and by what?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure
from streamlit import column_config as col
from streamlit.delta_generator import DeltaGenerator

from core.engine import Engine
from core.evaluate.protocols import PROTOCOLS
from core.figures import quality as figures
from core.model.metrics import Metrics
from core.views.quality import sentences as wording
from core.views.quality.cases import ALL
from core.views.quality.rows import (
    CALIBRATION_COLUMNS,
    UNITS,
    AblationRow,
    AblationView,
    GroupRow,
    QualityView,
    RecommenderRow,
    shown_table,
)
from core.views.tables import table
from core.views.wording import number
from pages._quality import ageing, earnings, strategy, training
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
    working,
)
from pages._shared.drawing import Charts
from pages._shared.judging import Group
from pages._shared.state import (
    COHORT,
    PERIOD,
    PROTOCOL,
    SEARCH,
    SEARCH_IN,
    SUBJECT,
    TAB,
    USUAL_PROTOCOL,
)

LABELS = {"leave-last-out": "Leave last out", "temporal": "Over time"}
DIGITS = {"Recall": 3, "MRR": 3} | dict.fromkeys(
    ("log p", "Coverage", "Novelty", "Diversity", "Popularity"), 2
)
METRICS = {
    "Recommender": col.TextColumn(pinned=True),
    "Never recommended": col.NumberColumn(format="localized"),
    **{name: col.NumberColumn(format=f"%.{digits}f") for name, digits in DIGITS.items()},
}
ABOUT_COHORTS = (
    "New users: at most 5 known events. Heavy users: 20 or more. Popular items: the most popular "
    "fifth of those with training events. Long-tail items: the rest. Unseen items: no training "
    "event. A target may count in two cohorts."
)


def main() -> None:
    engine = notices.need_engine()
    head = drawing.head("Does the model beat simple baselines?")
    picks = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with picks:
        protocol = pick_protocol()
    report, problem = notices.find(lambda: judging.report(engine, protocol))
    if report is None:
        draw_missing(engine, protocol, problem)
        return
    with picks:
        subject = pick_subject([result.recommender for result in report.results], engine)
    cohort = pick_cohort(engine, picks)
    view = judging.quality(engine, protocol, subject, cohort)
    charts = draw_figures(view) if view.targets else {}
    draw_verdict(view, charts)
    if view.not_evaluated and not is_evaluating(engine, protocol):
        offer_evaluation(engine, protocol)
    with head:
        sharing.share()
        keeping.keep(charts, view.verdict)
        sharing.export(
            f"quality-{engine.corpus.name}-{protocol}",
            {
                "Report of the model (HTML)": (
                    "-report.html",
                    lambda: judging.model_report(engine, subject, drawing.palette()),
                ),
                "Recommenders (CSV)": (".csv", lambda: table(view.rows, RecommenderRow.COLUMNS)),
                "Charts (HTML)": sharing.charts(
                    list(charts.values()), f"Quality on {engine.corpus.name}, {protocol}"
                ),
            },
        )
    if charts:
        draw_tabs(engine, view, charts, cohort)


def pick_cohort(engine: Engine, picks: DeltaGenerator) -> Group | None:
    """A saved cohort that stands among the cohorts."""
    with picks:
        found = cohorts.picked(engine, "cohort_of_quality")
    return None if found is None else Group(found[0].name, found[1])


def pick_protocol() -> str:
    missing = "There is no protocol {!r}; this is {}."
    usual = LABELS[USUAL_PROTOCOL].lower()
    drawing.settle(PROTOCOL, PROTOCOLS, USUAL_PROTOCOL, missing, usual, says_now=True)
    return str(
        st.segmented_control(
            "Protocol",
            PROTOCOLS,
            required=True,
            key=PROTOCOL,
            persist_state="session",
            format_func=LABELS.__getitem__,
            on_change=state.has_chosen,
        )
    )


def pick_subject(names: list[str], engine: Engine) -> str:
    usual = engine.recommender().id
    shown = usual if usual in names else names[0]
    missing = "There is no recommender {!r} here; this is {}."
    drawing.settle(SUBJECT, names, shown, missing, shown, says_now=True)
    return controls.draw_recommenders("About", SUBJECT, names, width=200)


def draw_missing(engine: Engine, protocol: str, problem: str) -> None:
    """Nothing computed yet, or damaged: what it would be, and a button that computes it."""
    if is_evaluating(engine, protocol):
        return
    with st.container(border=True, horizontal_alignment="left"):
        st.subheader("Not evaluated yet" if not problem else "Evaluation damaged", anchor=False)
        if problem:
            st.text(problem)
        st.text(wording.PROTOCOLS[protocol])
        about = wording.cost(protocol, notices.metrics_of(engine) or Metrics())
        notices.caution(f"{about} It continues if you leave this page.")
        offer_evaluation(engine, protocol)


def is_evaluating(engine: Engine, protocol: str) -> bool:
    """Draw the running evaluation, where there is one."""
    title = f"Evaluating: {LABELS[protocol].lower()}"
    return working.is_drawn("evaluate", evaluation_target(engine, protocol), title)


def offer_evaluation(engine: Engine, protocol: str) -> None:
    target = evaluation_target(engine, protocol)
    working.offer("evaluate", target, "Evaluate now", judging.judging(engine, protocol))


def evaluation_target(engine: Engine, protocol: str) -> str:
    return f"{engine.corpus.name} {engine.model_id} {protocol}"


def draw_figures(view: QualityView) -> Charts:
    ink = drawing.palette()
    cohorts = figures.cohorts_figure(view, ink, narrow=screen.is_narrow())
    charts = {
        "recommenders": (view.verdict, figures.recommenders_figure(view, ink)),
        "cohorts": (view.cohorts_sentence, cohorts),
    }
    if view.periods:
        charts["periods"] = (view.periods_sentence, figures.periods_figure(view, ink))
    if view.calibration:
        figure = figures.calibration_figure(view.calibration, view.k, ink)
        charts["calibration"] = (view.calibration_sentence, figure)
    return charts


def draw_verdict(view: QualityView, charts: Charts) -> None:
    with st.container(gap="xxsmall"):
        st.markdown(f"**{notices.escape(view.verdict)}**")
        if view.seen_verdict is not None:
            st.markdown(f"**{notices.escape(view.seen_verdict)}**")
        notices.caution(" ".join(view.cautions))
    if not charts:
        return
    sentence, figure = charts["recommenders"]
    drawing.chart("recommenders", figure, sentence, name="Recommenders", is_said=False)
    drawing.table(
        shown_table(view),
        f"All metrics of all recommenders. {view.verdict}",
        METRICS,
        shows_all=True,
    )
    notices.caution(UNITS)


def draw_tabs(engine: Engine, view: QualityView, charts: Charts, cohort: Group | None) -> None:
    """Where it is good, how sure it is, how it was made, its ablation, what it leaves out."""
    draw: dict[str, Callable[[], None]] = {
        "By month": lambda: draw_periods(engine, view, charts),
        "By cohort": lambda: draw_cohorts(engine, view, charts, cohort),
        "Calibration": lambda: draw_calibration(view, charts),
        "Training": lambda: training.draw(engine),
        "Is it getting old?": lambda: ageing.draw(engine),
        "Strategy": lambda: strategy.draw(engine),
        "Served lists": lambda: earnings.draw(engine),
        "Ablation": lambda: draw_ablation(engine, view),
        "Never recommended": lambda: draw_never(engine, view),
    }
    if "periods" not in charts:
        del draw["By month"]
    if not loaders.served_lists(engine.corpus.name):
        del draw["Served lists"]
    first, missing = next(iter(draw)), "There is no tab {!r}; this is {}."
    drawing.settle(TAB, list(draw), first, missing, first, says_now=True)
    tabs = st.tabs(list(draw), key=TAB, on_change="rerun")
    for tab, draw_tab in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                draw_tab()


def chart(key: str, sentence: str, figure: Figure, table: pd.DataFrame, below: str = "") -> None:
    drawing.chart(key, figure, sentence, below=below)
    with st.expander("As a table"):
        drawing.table(table, sentence, height="auto")


def draw_periods(engine: Engine, view: QualityView, charts: Charts) -> None:
    chart("periods", *charts["periods"], table(view.periods, GroupRow.COLUMNS))
    draw_targets(engine, view, PERIOD, view.periods)


def draw_cohorts(engine: Engine, view: QualityView, charts: Charts, cohort: Group | None) -> None:
    if cohort is not None:
        served = judging.served(engine, view.protocol, view.subject, cohort)
        notices.say(f"{cohort.name}: {served.sentence}")
    rows = table(view.cohorts, GroupRow.COLUMNS)
    chart("cohorts", *charts["cohorts"], rows, ABOUT_COHORTS)
    draw_targets(engine, view, COHORT, view.cohorts, cohort)


def draw_targets(
    engine: Engine,
    view: QualityView,
    key: str,
    groups: Sequence[GroupRow],
    cohort: Group | None = None,
) -> None:
    """The targets of one group, the worst placed first; a user's button opens Explain there."""
    labels = {ALL: f"All ({number(view.targets)})"}
    labels |= {group.name: f"{group.name} ({number(group.cases)})" for group in groups}
    drawing.settle(key, list(labels), ALL, "There are no targets of {!r} here.", says_now=True)
    group = str(
        st.selectbox(
            "Targets of",
            list(labels),
            key=key,
            format_func=lambda name: labels.get(name, name),
            persist_state="session",
            on_change=state.has_chosen,
            width=240,
        )
    )
    cases = judging.targets(engine, view.protocol, view.subject, view.rival, group, cohort)
    notices.say(cases.sentence)
    if view.protocol == "temporal":
        notices.caution("Ranks are of the models trained before each cut, not of the open model.")
    rows, lists = cases.rows, view.subject if view.subject in engine.recommenders else None

    def explain(at: int) -> None:
        row = rows.iloc[at]
        about = {"item": str(row["item_id"]), "recommender": lists}
        users = rows["user_id"].tolist()
        controls.open_listed(users, at, drawing.EXPLAIN, time=int(row["step"]), **about)

    width = drawing.id_width(rows["user_id"])
    columns = {
        "user_id": drawing.buttons("User", "open_target", explain, alignment="left", width=width),
        "step": col.NumberColumn("Events before", format="localized", width=108),
        "item": col.TextColumn("Target"),
        "rank": rank_column(f"Rank by {wording.name_of(view.subject)}"),
    }
    if view.rival is not None:
        columns["rival"] = rank_column(f"By {wording.name_of(view.rival)}")
    with st.container(key="targets"):
        drawing.table(
            rows,
            f"Targets. {cases.sentence}",
            columns,
            height=320,
            grows=("item",),
            room=screen.room(),
        )


def rank_column(label: str) -> Any:
    return col.NumberColumn(label, format="%.0f", width=int(drawing.need([label])))


def draw_calibration(view: QualityView, charts: Charts) -> None:
    if not view.calibration:
        notices.say(view.calibration_sentence)
        return
    left, _ = st.columns([3, 2])
    with left:
        chart(
            "calibration",
            *charts["calibration"],
            table(view.calibration, CALIBRATION_COLUMNS),
            "Bins of equally many targets. On the dashed line, observed hits equal predicted ones.",
        )


def draw_ablation(engine: Engine, view: QualityView) -> None:
    """The same cases without text, ratings, order, time gaps."""
    if view.subject not in engine.recommenders:
        notices.say("Imported lists have no model, so there is no ablation.")
        return
    notices.caution(
        "Only the histories change; item vectors, learned from titles and training reviews, do "
        "not. Without order: the events are shuffled over the same times. The ablation always uses "
        "the protocol leave last out."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("For the corpus", anchor=False)
        draw_ablation_of_corpus(engine, view.subject)
    with right:
        st.subheader("For the chosen user", anchor=False)
        user = state.selection().user_id
        if user is None:
            st.text("Choose a user in the sidebar.")
            return
        draw_loss("user", judging.uses_of_user(engine, view.subject, user), in_nats=True)


def draw_ablation_of_corpus(engine: Engine, recommender: str) -> None:
    """The loss over all test users, or a button that measures it."""
    measured, problem = notices.find(lambda: judging.uses(engine, recommender))
    if measured is not None:
        draw_loss("corpus", measured, in_nats=False)
        return
    target = f"{engine.corpus.name} {engine.model_id} {recommender}"
    if working.is_drawn("ablation", target, "Measuring the ablation"):
        return
    st.text(f"{problem or 'Not measured yet.'} It computes the lists of all test users five times.")
    working.offer("ablation", target, "Measure it", judging.measuring(engine, recommender))


def draw_loss(key: str, measured: AblationView, *, in_nats: bool) -> None:
    if not measured.cases:
        notices.say(measured.sentence)
        return
    figure = figures.ablation_figure(measured, drawing.palette(), in_nats=in_nats)
    chart(f"uses_{key}", measured.sentence, figure, table(measured.rows, AblationRow.COLUMNS))


def draw_never(engine: Engine, view: QualityView) -> None:
    never = judging.never(engine, view.protocol, view.subject)
    notices.say(never.sentence)
    if never.items.empty:
        return
    left, right = st.columns(2, gap="medium")
    said = f"By topic. {never.sentence}"

    def find(at: int) -> None:
        item = str(never.items["item_id"].iloc[at])
        controls.open_page(drawing.USERS, **{SEARCH_IN: "item", SEARCH: item})

    with left:
        drawing.chart("never", figures.never_figure(never, drawing.palette()), said, is_said=False)
        with st.expander("As a table"):
            drawing.table(never.topics, said, height="auto")
    with right:
        notices.caution("Items with most training events first. An item opens its users.")
        with st.container(key="lost"):
            drawing.table(
                never.items,
                f"Items in no list. {never.sentence}",
                {
                    "item_id": drawing.buttons("Item", "open_never", find, alignment="left"),
                    "title": col.TextColumn("Title"),
                    "topic": col.TextColumn("Topic"),
                    "training_events": col.NumberColumn("Training events"),
                    "targets": col.NumberColumn("Targets missed"),
                },
                height=360,
                shows_all=True,
            )


if __name__ == "__main__":
    controls.run(main)
