"""Does the model beat what a user would pick instead, where, and by what?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure
from streamlit import column_config as col
from streamlit.delta_generator import DeltaGenerator

from core import language
from core.engine import Engine
from core.evaluate.protocols import PROTOCOLS
from core.figures import quality as figures
from core.language import ENGLISH, mark, tr
from core.model.metrics import Metrics
from core.views.quality import model_sentences
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
from core.views.wording import NO_CUTS, joined, number
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

LABELS = {"leave-last-out": mark("Leave last out"), "temporal": mark("Over time")}
DIGITS = {"Recall": 3, "MRR": 3} | dict.fromkeys(  # no sentence
    ("log p", "Coverage", "Novelty", "Diversity", "Popularity"),  # no sentence
    2,
)
METRICS = {
    "Recommender": col.TextColumn(pinned=True),  # no sentence
    "Never recommended": col.NumberColumn(format="localized"),  # no sentence
    **{name: col.NumberColumn(format=f"%.{digits}f") for name, digits in DIGITS.items()},
}
ABOUT_COHORTS = mark(
    "New users: at most 5 known events. Heavy users: 20 or more. Popular items: the most popular "
    "fifth of those with training events. Long-tail items: the rest. Unseen items: no training "
    "event. A target may count in two cohorts."
)


def main() -> None:
    engine = notices.need_engine()
    head = drawing.head(tr("Does the model beat simple baselines?"))
    notices.say_sample(engine)
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
                tr("Report of the model (HTML)"): (
                    "-report.html",
                    lambda: judging.model_report(engine, subject, drawing.palette()),
                ),
                tr("Recommenders (CSV)"): (
                    ".csv",
                    lambda: table(view.rows, RecommenderRow.COLUMNS),
                ),
                tr("Charts (HTML)"): sharing.charts(
                    list(charts.values()),
                    tr(
                        "Quality on {corpus}, {protocol}",
                        corpus=engine.corpus.name,
                        protocol=protocol,
                    ),
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
    missing = tr("There is no protocol {!r}; this is {}.")
    usual = tr(LABELS[USUAL_PROTOCOL]).lower()
    drawing.settle(PROTOCOL, PROTOCOLS, USUAL_PROTOCOL, missing, usual, says_now=True)
    return str(
        st.segmented_control(
            tr("Protocol"),
            PROTOCOLS,
            required=True,
            key=PROTOCOL,
            persist_state="session",
            format_func=lambda protocol: tr(LABELS[protocol]),
            on_change=state.has_chosen,
        )
    )


def pick_subject(names: list[str], engine: Engine) -> str:
    usual = engine.recommender().id
    shown = usual if usual in names else names[0]
    missing = tr("There is no recommender {!r} here; this is {}.")
    drawing.settle(SUBJECT, names, shown, missing, shown, says_now=True)
    return controls.draw_recommenders(tr("About"), SUBJECT, names, width=200)


def draw_missing(engine: Engine, protocol: str, problem: str) -> None:
    """Nothing computed yet, or damaged: what it would be, and a button that computes it."""
    if is_evaluating(engine, protocol):
        return
    with st.container(border=True, horizontal_alignment="left"):
        st.subheader(tr("Evaluation damaged") if problem else tr("Not evaluated yet"), anchor=False)
        if problem:
            st.text(problem)
        st.text(tr(wording.PROTOCOLS[protocol]))
        if protocol == "temporal" and engine.corpus.manifest.order_as_time:
            st.text(tr(NO_CUTS))
            return
        about = model_sentences.cost(protocol, notices.metrics_of(engine) or Metrics())
        notices.caution(joined(about, tr("It continues if you leave this page.")))
        offer_evaluation(engine, protocol)


def is_evaluating(engine: Engine, protocol: str) -> bool:
    """Draw the running evaluation, where there is one."""
    title = tr("Evaluating: {protocol}", protocol=tr(LABELS[protocol]).lower())
    return working.is_drawn("evaluate", evaluation_target(engine, protocol), title)


def offer_evaluation(engine: Engine, protocol: str) -> None:
    target = evaluation_target(engine, protocol)
    working.offer("evaluate", target, tr("Evaluate now"), judging.judging(engine, protocol))


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
        notices.caution(joined(*view.cautions))
    if not charts:
        return
    sentence, figure = charts["recommenders"]
    drawing.chart("recommenders", figure, sentence, name=tr("Recommenders"), is_said=False)
    lead = f"Lead of {view.subject}"  # no sentence
    drawing.table(
        shown_table(view),
        joined(tr("All metrics of all recommenders."), view.verdict),
        METRICS | {lead: col.TextColumn(tr("Lead of {name}", name=view.subject))},
        shows_all=True,
    )
    notices.caution(tr(UNITS))


def draw_tabs(engine: Engine, view: QualityView, charts: Charts, cohort: Group | None) -> None:
    """Where it is good, how sure it is, how it was made, its ablation, what it leaves out."""
    draw: dict[str, Callable[[], None]] = {
        mark("By month"): lambda: draw_periods(engine, view, charts),
        mark("By cohort"): lambda: draw_cohorts(engine, view, charts, cohort),
        mark("Calibration"): lambda: draw_calibration(view, charts),
        mark("Training"): lambda: training.draw(engine),
        mark("Is it getting old?"): lambda: ageing.draw(engine),
        mark("Strategy"): lambda: strategy.draw(engine),
        mark("Served lists"): lambda: earnings.draw(engine),
        mark("Ablation"): lambda: draw_ablation(engine, view),
        mark("Never recommended"): lambda: draw_never(engine, view),
    }
    if "periods" not in charts:
        del draw["By month"]
    if not loaders.served_lists(engine.corpus.name):
        del draw["Served lists"]
    first, missing = next(iter(draw)), tr("There is no tab {!r}; this is {}.")
    drawing.settle(TAB, list(draw), first, missing, tr(first), says_now=True)
    for tab, draw_tab in zip(tabs_of(list(draw)), draw.values(), strict=True):
        if tab.open:
            with tab:
                draw_tab()


def tabs_of(names: list[str]) -> Sequence[Any]:
    """The tabs by their English names, as the address has them; Streamlit knows them by labels."""
    if language.current() == ENGLISH:
        return st.tabs(names, key=TAB, on_change="rerun")
    key = f"{TAB}_{language.current()}"
    labels = {tr(name): name for name in names}
    state.put(key, tr(state.get(TAB)))
    return st.tabs(
        list(labels), key=key, on_change=lambda: state.put(TAB, labels.get(state.get(key)))
    )


def chart(key: str, sentence: str, figure: Figure, table: pd.DataFrame, below: str = "") -> None:
    drawing.chart(key, figure, sentence, below=below)
    with st.expander(tr("As a table")):
        drawing.table(table, sentence, height="auto")


def draw_periods(engine: Engine, view: QualityView, charts: Charts) -> None:
    sentence, figure = charts["periods"]
    rows = table(view.periods, GroupRow.COLUMNS)
    if all(row.few for row in view.periods):  # the chart would be empty
        notices.say(sentence)
        drawing.table(rows, sentence, height="auto")
    else:
        chart("periods", sentence, figure, rows)
    draw_targets(engine, view, PERIOD, view.periods)


def draw_cohorts(engine: Engine, view: QualityView, charts: Charts, cohort: Group | None) -> None:
    if cohort is not None:
        served = judging.served(engine, view.protocol, view.subject, cohort)
        notices.say(tr("{name}: {about}", name=cohort.name, about=served.sentence))
    rows = table(view.cohorts, GroupRow.COLUMNS)
    chart("cohorts", *charts["cohorts"], rows, tr(ABOUT_COHORTS))
    draw_targets(engine, view, COHORT, view.cohorts, cohort)


def draw_targets(
    engine: Engine,
    view: QualityView,
    key: str,
    groups: Sequence[GroupRow],
    cohort: Group | None = None,
) -> None:
    """The targets of one group, the worst placed first; a user's button opens Explain there."""
    labels = {ALL: tr("All ({n})", n=number(view.targets))}
    labels |= {
        group.name: tr("{name} ({value})", name=group.called, value=number(group.cases))
        for group in groups
    }
    missing = tr("There are no targets of {!r} here.")
    drawing.settle(key, list(labels), ALL, missing, says_now=True)
    group = str(
        st.selectbox(
            tr("Targets of"),
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
        notices.caution(
            tr("Ranks are of the models trained before each cut, not of the open model.")
        )
    rows, lists = cases.rows, view.subject if view.subject in engine.recommenders else None

    def explain(at: int) -> None:
        row = rows.iloc[at]
        about = {"item": str(row["item_id"]), "recommender": lists}
        users = rows["user_id"].tolist()
        controls.open_listed(users, at, drawing.EXPLAIN, time=int(row["step"]), **about)

    width = drawing.id_width(rows["user_id"])
    columns = {
        "user_id": drawing.buttons(
            tr("User"), "open_target", explain, alignment="left", width=width
        ),
        "step": col.NumberColumn(tr("Events before"), format="localized", width=108),
        "item": col.TextColumn(tr("Target")),
        "rank": rank_column(tr("Rank by {name}", name=wording.name_of(view.subject))),
    }
    if view.rival is not None:
        columns["rival"] = rank_column(tr("By {name}", name=wording.name_of(view.rival)))
    with st.container(key="targets"):
        drawing.table(
            rows,
            joined(tr("Targets."), cases.sentence),
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
            tr(
                "Bins of equally many targets. On the dashed line, observed hits equal predicted "
                "ones."
            ),
        )


def draw_ablation(engine: Engine, view: QualityView) -> None:
    """The same cases without text, ratings, order, time gaps."""
    if view.subject not in engine.recommenders:
        notices.say(tr("Imported lists have no model, so there is no ablation."))
        return
    notices.caution(
        tr(
            "Only the histories change; item vectors, learned from titles and training reviews, do "
            "not. Without order: the events are shuffled over the same times. The ablation always "
            "uses the protocol leave last out."
        )
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader(tr("For the corpus"), anchor=False)
        draw_ablation_of_corpus(engine, view.subject)
    with right:
        st.subheader(tr("For the chosen user"), anchor=False)
        user = state.selection().user_id
        if user is None:
            st.text(tr("Choose a user in the sidebar."))
            return
        draw_loss("user", judging.uses_of_user(engine, view.subject, user), in_nats=True)


def draw_ablation_of_corpus(engine: Engine, recommender: str) -> None:
    """The loss over all test users, or a button that measures it."""
    measured, problem = notices.find(lambda: judging.uses(engine, recommender))
    if measured is not None:
        draw_loss("corpus", measured, in_nats=False)
        return
    target = f"{engine.corpus.name} {engine.model_id} {recommender}"
    if working.is_drawn("ablation", target, tr("Measuring the ablation")):
        return
    takes = tr("It computes the lists of all test users five times.")
    st.text(joined(problem or tr("Not measured yet."), takes))
    working.offer("ablation", target, tr("Measure it"), judging.measuring(engine, recommender))


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
    said = joined(tr("By topic."), never.sentence)

    def find(at: int) -> None:
        item = str(never.items["item_id"].iloc[at])
        controls.open_page(drawing.USERS, **{SEARCH_IN: "item", SEARCH: item})

    with left:
        drawing.chart("never", figures.never_figure(never, drawing.palette()), said, is_said=False)
        with st.expander(tr("As a table")):
            drawing.table(never.topics, said, height="auto")
    with right:
        notices.caution(tr("Items with most training events first. An item opens its users."))
        with st.container(key="lost"):
            drawing.table(
                never.items,
                joined(tr("Items in no list."), never.sentence),
                {
                    "item_id": drawing.buttons(tr("Item"), "open_never", find, alignment="left"),
                    "title": col.TextColumn(tr("Title")),
                    "topic": col.TextColumn(tr("Topic")),
                    "training_events": col.NumberColumn(tr("Training events")),
                    "targets": col.NumberColumn(tr("Targets missed")),
                },
                height=360,
                shows_all=True,
            )


if __name__ == "__main__":
    controls.run(main)
