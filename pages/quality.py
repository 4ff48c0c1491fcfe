"""Does the model beat what a user would pick instead, where, and by what?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
from plotly.graph_objects import Figure

from core.evaluate.protocols import PROTOCOLS
from core.figures import quality as figures
from core.views.corpora import read_json
from core.views.interest_map import trust_sentence
from core.views.quality import sentences as wording
from core.views.quality.build import training_lines
from core.views.quality.rows import (
    CALIBRATION_COLUMNS,
    AblationRow,
    AblationView,
    GroupRow,
    QualityView,
    RecommenderRow,
)
from core.views.quality.tables import UNITS, shown_table
from core.views.tables import table
from pages._shared import controls, jobs, judging, notices, sharing, state, working
from pages._shared.state import PROTOCOL, SUBJECT, USUAL_PROTOCOL, USUAL_SUBJECT

if TYPE_CHECKING:
    from core.engine import Engine

TAB = "quality_tab"
LABELS = {"leave-last-out": "Leave last out", "temporal": "Over time"}
TABS = ("By month", "By cohort", "Calibration", "Training", "What it uses", "No chance")
PLAIN = {"displayModeBar": False}


def main() -> None:
    """Draw the page."""
    engine = notices.need_engine()
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("Does it beat what a user would pick instead?", anchor=False)
        st.space("stretch")
    picks = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with picks:
        protocol = pick_protocol()
    report = judging.report(engine, protocol)
    if report is None:
        draw_missing(engine, protocol)
        return
    with picks:
        subject = pick_subject([result.recommender for result in report.results], engine)
    view = judging.quality(engine, protocol, subject)
    draw_verdict(view)
    with head:
        sharing.share(
            protocol=protocol if protocol != USUAL_PROTOCOL else None,
            about=subject if subject != USUAL_SUBJECT else None,
        )
        sharing.export(
            f"quality-{engine.corpus.name}-{protocol}",
            "Recommenders (CSV)",
            lambda: table(view.rows, RecommenderRow.COLUMNS),
            all_charts(view),
            f"Quality on {engine.corpus.name}, {protocol}",
        )
    if not view.targets:
        return
    draw_tabs(engine, view)


def pick_protocol() -> str:
    """Which question is asked of the recommenders."""
    asked = state.get(PROTOCOL)
    if asked not in PROTOCOLS:
        if asked is not None:
            st.info(
                notices.escape(f"There is no protocol {asked!r}; this is leave last out."),
                icon=":material/link_off:",
            )
        state.put(PROTOCOL, USUAL_PROTOCOL)
    state.hold(PROTOCOL)
    return str(
        st.segmented_control(
            "Protocol",
            PROTOCOLS,
            required=True,
            key=PROTOCOL,
            persist_state="session",
            format_func=lambda name: LABELS[name],
        )
    )


def pick_subject(names: list[str], engine: Engine) -> str:
    """Which recommender the page is about."""
    asked = state.get(SUBJECT)
    if asked not in names:
        usual = engine.recommender().id
        shown = usual if usual in names else names[0]
        if asked is not None:
            st.info(
                notices.escape(f"There is no recommender {asked!r} here; this is {shown}."),
                icon=":material/link_off:",
            )
        state.put(SUBJECT, shown)
    state.hold(SUBJECT)
    return str(st.selectbox("About", names, key=SUBJECT, persist_state="session", width=200))


def draw_missing(engine: Engine, protocol: str) -> None:
    """Nothing computed yet: what it would be, and a button that computes it."""
    job = working.find_job("evaluate", work_name(engine, protocol))
    if job is not None and job.state == "running":
        working.draw_job(job, f"Judging under the protocol {LABELS[protocol].lower()}")
        return
    with st.container(border=True, horizontal_alignment="left"):
        st.subheader("Not judged yet", anchor=False)
        st.text(wording.PROTOCOLS[protocol])
        notices.caution(
            "The model and its baselines are fitted anew three times, which takes about three "
            "trainings. It goes on when you leave this page."
            if protocol == "temporal"
            else "The model's lists for all test users are asked for: seconds to minutes."
        )
        working.draw_end(job)
        if st.button("Judge it now", type="primary", icon=":material/play_arrow:"):
            jobs.start("evaluate", work_name(engine, protocol), judging.judging(engine, protocol))
            st.rerun()


def all_charts(view: QualityView) -> list[tuple[str, Figure]]:
    """Every chart of the report under its sentence, for the export."""
    if not view.targets:
        return []
    ink = controls.palette()
    charts = [
        (view.verdict, figures.recommenders_figure(view, ink)),
        (view.periods_sentence, figures.periods_figure(view, ink)),
        (view.cohorts_sentence, figures.cohorts_figure(view, ink)),
    ]
    if view.calibration:
        figure = figures.calibration_figure(view.calibration, view.k, ink)
        charts.append((view.calibration_sentence, figure))
    return charts


def draw_verdict(view: QualityView) -> None:
    """One sentence, the intervals, the table."""
    with st.container(gap="xxsmall"):
        st.markdown(f"**{notices.escape(view.verdict)}**")
        if view.seen_verdict is not None:
            st.markdown(f"**{notices.escape(view.seen_verdict)}**")
        notices.caution(" ".join(view.cautions))
    if not view.targets:
        return
    st.plotly_chart(
        figures.recommenders_figure(view, controls.palette()),
        key="recommenders",
        theme=None,
        config=PLAIN,
        alt=f"Recommenders. {view.verdict}",
    )
    st.dataframe(
        shown_table(view),
        hide_index=True,
        height="content",
        alt=f"All figures of all recommenders. {view.verdict}",
        column_config=column_config(),
    )
    notices.caution(UNITS)


def column_config() -> dict[str, Any]:
    """Digits of the table of recommenders."""
    digits = {"Recall": 3, "MRR": 3} | dict.fromkeys(
        ("log p", "Coverage", "Novelty", "Diversity", "Popularity"), 2
    )
    return {
        "Recommender": st.column_config.TextColumn(pinned=True),
        "Never recommended": st.column_config.NumberColumn(format="localized"),
    } | {
        name: st.column_config.NumberColumn(format=f"%.{count}f") for name, count in digits.items()
    }


def draw_tabs(engine: Engine, view: QualityView) -> None:
    """Where it is good, how sure it is, how it was made, what it uses, what it leaves out."""
    tabs = st.tabs(TABS, key=TAB, on_change="rerun")
    draw = {
        "By month": lambda: draw_months(view),
        "By cohort": lambda: draw_cohorts(view),
        "Calibration": lambda: draw_calibration(view),
        "Training": lambda: draw_training(engine),
        "What it uses": lambda: draw_uses(engine, view),
        "No chance": lambda: draw_never(engine, view),
    }
    for name, tab in zip(TABS, tabs, strict=True):
        if tab.open:
            with tab:
                draw[name]()


def chart(key: str, sentence: str, figure: Figure, table: pd.DataFrame, caution: str = "") -> None:
    """One chart under its sentence, with its table twin."""
    notices.say(sentence)
    st.plotly_chart(figure, key=key, theme=None, config=PLAIN, alt=sentence)
    if caution:
        notices.caution(caution)
    with st.expander("As a table"):
        st.dataframe(table, hide_index=True, alt=sentence)


def draw_months(view: QualityView) -> None:
    """By calendar month of the target, or by longer periods."""
    figure = figures.periods_figure(view, controls.palette())
    chart("periods", view.periods_sentence, figure, table(view.periods, GroupRow.COLUMNS))


def draw_cohorts(view: QualityView) -> None:
    """By kind of user and of target."""
    chart(
        "cohorts",
        view.cohorts_sentence,
        figures.cohorts_figure(view, controls.palette()),
        table(view.cohorts, GroupRow.COLUMNS),
        "New users have at most 5 known events, heavy users 20 or more. Popular items are the most "
        "popular fifth of those seen in training, long-tail items the rest, unseen items have no "
        "training event. A target may count in two cohorts.",
    )


def draw_calibration(view: QualityView) -> None:
    """Promised against kept."""
    if not view.calibration:
        notices.say(view.calibration_sentence)
        return
    left, _ = st.columns([3, 2])
    with left:
        chart(
            "calibration",
            view.calibration_sentence,
            figures.calibration_figure(view.calibration, view.k, controls.palette()),
            table(view.calibration, CALIBRATION_COLUMNS),
            "Bins of equally many targets. On the dashed line a list is right as often as it says.",
        )


def draw_training(engine: Engine) -> None:
    """How the model was made, and what else was measured of it."""
    metrics = read_json(engine.folder / "metrics.json")
    lines = training_lines(metrics)
    best = metrics.get("best_epoch")
    sentence = wording.training(lines, best if isinstance(best, int) else None)
    if lines:
        figure = figures.epochs_figure(lines, best, controls.palette())
        chart("epochs", sentence, figure, pd.DataFrame(lines))
    else:
        notices.say(sentence)
    notices.say(wording.sentiment(metrics.get("sentiment")))
    trust = metrics.get("trustworthiness")
    notices.say(trust_sentence(float(trust) if isinstance(trust, int | float) else None))


def draw_uses(engine: Engine, view: QualityView) -> None:
    """The same cases without text, ratings, order, time gaps."""
    if view.subject not in engine.recommenders:
        notices.say("Imported lists were served; nothing can be taken away from them.")
        return
    notices.caution(
        "Taken away from the histories only: item vectors, learned with titles and training "
        "reviews, stay. Order: the events are dealt anew over the same times. Always under the "
        "protocol leave last out."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("For the corpus", anchor=False)
        draw_uses_of_corpus(engine, view.subject)
    with right:
        st.subheader("For the chosen user", anchor=False)
        user = state.selection().user_id
        if user is None:
            st.text("Choose a user in the sidebar.")
            return
        draw_loss("user", judging.uses_of_user(engine, view.subject, user), in_nats=True)


def draw_uses_of_corpus(engine: Engine, recommender: str) -> None:
    """The loss over all test users, or a button that measures it."""
    found = judging.uses(engine, recommender)
    if found is not None:
        draw_loss("corpus", found, in_nats=False)
        return
    job = working.find_job("uses", work_name(engine, recommender))
    if job is not None and job.state == "running":
        working.draw_job(job, "Asking without each part")
        return
    st.text("Not measured yet. It asks for the lists of all test users five times.")
    working.draw_end(job)
    if st.button("Measure it", type="primary", icon=":material/play_arrow:"):
        jobs.start("uses", work_name(engine, recommender), judging.measuring(engine, recommender))
        st.rerun()


def draw_loss(key: str, found: AblationView, *, in_nats: bool) -> None:
    """Loss by part."""
    if not found.cases:
        notices.say(found.sentence)
        return
    figure = figures.ablation_figure(found, controls.palette(), in_nats=in_nats)
    chart(f"uses_{key}", found.sentence, figure, table(found.rows, AblationRow.COLUMNS))


def draw_never(engine: Engine, view: QualityView) -> None:
    """Items that nobody is shown."""
    found = judging.never(engine, view.protocol, view.subject)
    notices.say(found.sentence)
    if not found.items:
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.plotly_chart(
            figures.never_figure(found, controls.palette()),
            key="never",
            theme=None,
            config=PLAIN,
            alt=f"By topic. {found.sentence}",
        )
        with st.expander("As a table"):
            st.dataframe(
                pd.DataFrame(found.topics),
                hide_index=True,
                alt=f"By topic. {found.sentence}",
            )
    with right:
        notices.caution("Those with most training events first.")
        st.dataframe(
            pd.DataFrame(found.items),
            hide_index=True,
            height=360,
            alt=f"Items in no list. {found.sentence}",
            column_config={
                "item_id": st.column_config.TextColumn("Item"),
                "title": st.column_config.TextColumn("Title"),
                "topic": st.column_config.TextColumn("Topic"),
                "training_events": st.column_config.NumberColumn("Training events"),
                "targets": st.column_config.NumberColumn("Targets missed"),
            },
        )


def work_name(engine: Engine, what: str) -> str:
    """What a job is about."""
    return f"{engine.corpus.name} {engine.model_id} {what}"


if __name__ == "__main__":
    controls.run(main)
