"""How did this user's interest evolve?"""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit import column_config as col

from core.figures import chosen
from core.figures.profile import profile_figure, shares_figure
from core.figures.time_scale import Spacing, TimeScale, time_scale
from core.figures.timeline import events_figure, ranks_figure, step_sizes_figure
from core.figures.trajectory_map import trajectory_map
from core.figures.user_report import user_report
from core.language import mark, tr
from core.views import wording
from core.views.attributes import user_values
from core.views.tables import table
from core.views.timeline.build import share_column, timeline_table
from core.views.timeline.rows import ListRow, MomentView, TimelineView
from pages._shared import (
    controls,
    drawing,
    keeping,
    loaders,
    notices,
    screen,
    sharing,
    state,
    turning,
)
from pages._shared.drawing import COMPARE, EXPLAIN, WHAT_IF, Charts
from pages._shared.notices import Moment
from pages._shared.state import EVENT, EXTENT, ITEM, SPACING
from pages._timeline import live

SPACINGS: dict[Spacing, str] = {"time": mark("Real time"), "even": mark("Evenly spaced")}
EXTENTS = {"whole": mark("Whole history"), (NEAR := "near"): mark("Around now")}
ATTRIBUTES_SHOWN = 8
"""User attributes in the head; further ones are below a fold."""
LONG_TEXT = 320
"""Reviews with more characters scroll in a box."""
PANE = 780
"""Pixels of the charts' pane, which scrolls by itself, so that event and list stay in sight; on a
wide screen ``_timeline/live.css`` lets it end where the window does."""
CHARTS, BESIDE = 12, 9
"""Shares of the page: the charts, and the event with its list."""
REPORT_SECONDS = 2.0
"""How long an exported report may sample each of its explanations."""
SHARES, AFTER = "shares", mark("Interest profile after this event")
NAMES = {
    "profile": mark("Interest profile by topic over time"),
    "map": mark("Path on the interest map"),
    "events": mark("Events over time by kind, with sentiment and rating"),
    "ranks": mark("Rank of the next item at each step"),
    "step_sizes": mark("Real step size at each event"),
}


def main() -> None:
    head = drawing.head(tr("How did this user's interest evolve?"))
    moment = notices.need_user()
    view = loaders.timeline(moment.engine, moment.user_id, moment.recommender)
    now = loaders.moment(moment.engine, moment.user_id, moment.recommender, moment.step)
    turns = turning.of_user(moment.engine, moment.user_id)
    scale = draw_facts(view, moment.step)
    with st.container(gap="xxsmall"):
        turning.say_damage(moment.engine)
        draw_attributes(moment)
        turning.draw_episodes(turns, moment.step)
    drawn = draw_figures(moment, view, now, scale)
    turning.mark(drawn, turns, scale)
    mark_chosen(drawn, view)
    with head:
        sharing.share()
        keeping.keep(drawn)
        title = tr("Timeline of {facts}", facts=view.facts)
        sharing.export(
            f"timeline-{view.user_id}",
            {
                tr("Report of this user (HTML)"): ("-report.html", lambda: write_report(moment)),
                tr("All steps (CSV)"): (".csv", lambda: timeline_table(view)),
                tr("Charts (HTML)"): sharing.charts(list(drawn.values()), title),
            },
        )
    figures = {f"pick_{name}": figure for name, (_, figure) in drawn.items()}
    figures[SHARES] = shares_figure(now, drawing.palette())
    largest = (f"{share.label} {wording.percent(share.share)}" for share in now.shares)
    said = {SHARES: tr("Largest topics: {topics}", topics=tr(", ").join(largest))}
    with st.sidebar:
        still = live.draw(figures, pick, {SHARES: ("xaxis", "yaxis")}, said)
    left, right = st.columns([CHARTS, BESIDE], gap="medium")
    with (
        left,
        st.container(height="content" if screen.is_narrow() else PANE, border=False, key="charts"),
    ):
        trust = loaders.interest_map(moment.engine).sentence
        below = {
            "map": wording.joined(tr(wording.MAP_NUMBERS), trust),
            "step_sizes": tr(wording.STEP_SIZE_UNIT),
        }
        for name, called in NAMES.items():
            key = f"pick_{name}"
            drawing.chart(
                key,
                still[key],
                drawn[name][0],
                name=tr(called),
                below=below.get(name, ""),
                has_tools=True,
            )
    with right, st.container(gap="xsmall"):
        draw_moment(now)
        draw_list(now)
        st.markdown(f"**{tr(AFTER)}**")
        drawing.chart(SHARES, still[SHARES], tr(AFTER), is_said=False)
        if moment.engine.corpus.has_derived_titles:
            notices.caution(tr(wording.DERIVED_NAMES))
    turning.draw_turns(moment.engine, turns)
    draw_table(view, moment.step)
    controls.play(len(view.steps))


def write_report(moment: Moment) -> str:
    """The user at this step as one file; it explains the first items of the list."""
    return user_report(
        moment.engine,
        moment.user_id,
        drawing.palette(),
        step=moment.step,
        recommender=moment.recommender,
        known=notices.find(lambda: turning.of_corpus(moment.engine))[0],
        seconds=REPORT_SECONDS,
    )


def draw_figures(moment: Moment, view: TimelineView, now: MomentView, scale: TimeScale) -> Charts:
    engine, step, ink = moment.engine, moment.step, drawing.palette()
    behind, crowd = loaders.interest_map(engine), loaders.crowd(engine, ink.name)
    by = controls.recommender_label(moment.recommender)
    return {
        "profile": (view.profile_sentence, profile_figure(view, step, scale, ink)),
        "events": (view.events_sentence, events_figure(view, step, scale, ink)),
        "ranks": (
            wording.joined(tr("Ranks by {recommender}.", recommender=by), view.ranks_sentence),
            ranks_figure(view, step, len(engine.corpus.item_ids), scale, ink),
        ),
        "map": (view.map_sentence, trajectory_map(behind, crowd, view, now, ink)),
        "step_sizes": (view.step_sizes_sentence, step_sizes_figure(view, step, scale, ink)),
    }


def mark_chosen(drawn: Charts, view: TimelineView) -> None:
    """Ring the chosen event, and the chosen item wherever it is."""
    ink, event, item = drawing.palette(), state.get(EVENT), state.get(ITEM)
    steps = {row.step for row in view.steps if row.item_id == item or row.step == event}
    named = ("events", "step_sizes", "ranks", "map")
    events, sizes, ranks, path = (drawn[name][1] for name in named)
    words = tr(chosen.EVENT_OR_ITEM)
    chosen.mark(events, "events", steps.__contains__, ink, words, below=True)
    chosen.mark(sizes, "step sizes", steps.__contains__, ink, words)  # no sentence
    before = {step - 1 for step in steps}
    chosen.mark(ranks, "ranks", before.__contains__, ink, words, below=True)
    if not chosen.mark(path, "list", lambda data: data[1] == item, ink, words):
        chosen.mark(path, "states", steps.__contains__, ink, words)


def draw_facts(view: TimelineView, step: int) -> TimeScale:
    """The facts, Play, and how time is drawn."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(view.facts)
        st.space("stretch")
        controls.play_button(len(view.steps))
        spacing: Spacing = "even"
        if view.steps[0].timestamp is None:
            st.caption(tr(wording.ORDER_ONLY))
        else:
            spacing = drawing.choose(tr("Time axis"), SPACING, SPACINGS, hides_label=True)
        extent = drawing.choose(tr("Extent"), EXTENT, EXTENTS, hides_label=True)
    if view.outside:
        notices.caution(view.outside)
    return time_scale(view, spacing, around=step if extent == NEAR else None)


def draw_attributes(moment: Moment) -> None:
    """What the users file says of this user; the model knows nothing of it."""
    known = user_values(moment.engine.corpus, moment.user_id)
    if known:
        notices.caution(" · ".join(known[:ATTRIBUTES_SHOWN]))
    if len(known) > ATTRIBUTES_SHOWN:
        more = wording.count(len(known) - ATTRIBUTES_SHOWN, "more attribute")
        fold = st.expander(more, on_change="rerun", key="attributes_open")
        if fold.open:
            with fold:
                st.text("\n".join(known[ATTRIBUTES_SHOWN:]))


def pick(data: list[Any]) -> None:
    """Select the step that was picked; a numbered item of the map opens Explain."""
    if len(data) > 1:
        controls.open_page(EXPLAIN, time=int(data[0]), item=str(data[1]))
    state.put(EVENT, None)
    controls.choose_step(int(data[0]))


def draw_moment(now: MomentView) -> None:
    """The event at the selected time, its words, and what can be asked about it."""
    row = now.row
    facts = [tr("{part} event", part=tr(wording.PART_WORDS[row.part])), now.sentiment]
    if not row.item.endswith(f"({row.item_id})"):
        facts.insert(0, row.item_id)
    with st.container(border=True, gap="xxsmall"):
        st.text(now.sentence)
        st.markdown(f"**{notices.escape(row.item)}**")
        st.caption(notices.escape(" · ".join(facts)))
        if now.title or now.text:
            long = len(now.text or "") > LONG_TEXT
            with st.container(height=116 if long else "content", border=False, gap="xxsmall"):
                for words in filter(None, (now.title, now.text)):
                    st.text(words)
        with st.container(horizontal=True, gap="small"):
            if now.items:
                drawing.link(EXPLAIN, tr("Explain rank 1"), item=now.items[0].item_id)
            drawing.link(WHAT_IF, tr("What if?"), time=row.step)
            drawing.link(COMPARE, tr("Before and after"), time=row.step, columns="event")


def draw_list(now: MomentView) -> None:
    """The top of the list at this step, with its moves."""
    by = controls.recommender_label(now.recommender)
    top = tr("Top {n} after this event", n=len(now.items))
    st.markdown(f"**{top}** · {notices.escape(by)}")
    said = [
        tr("The actual next item has rank {rank}.", rank=item.rank)
        for item in now.items
        if item.came_true
    ]
    notices.caution(wording.joined(now.list_sentence, *said))

    def explain(row: int) -> None:
        controls.open_page(EXPLAIN, time=now.row.step, item=now.items[row].item_id)

    rows = table(now.items, ListRow.COLUMNS).assign(why=tr("Why?"))
    called = tr("List by {recommender} at step {step}.", recommender=by, step=now.row.step)
    drawing.table(
        rows,
        wording.joined(called, now.list_sentence),
        {
            "rank": col.NumberColumn("#", width=32),
            "move": col.TextColumn(tr("Move"), width=60),
            "why": drawing.buttons("", "open_explain", explain, width=54),
            "shown": col.TextColumn(tr("Item")),
        },
        row_height=28,
        marked=[item.item_id == state.get(ITEM) for item in now.items],
        grows=("shown",),
        room=screen.room(BESIDE / (CHARTS + BESIDE)),
    )


def draw_table(view: TimelineView, step: int) -> None:
    item, steps = state.get(ITEM), (step, state.get(EVENT))
    expander = st.expander(tr("All steps as a table"), on_change="rerun", key="table")
    shares = {
        share_column(topic): col.Column(tr("profile: {topic}", topic=topic))
        for topic in view.topics
    }
    if expander.open:
        with expander:
            rows = timeline_table(view)
            drawing.table(
                rows.assign(part=rows["part"].map(tr), kind=rows["kind"].map(tr)),
                tr("All steps of user {user}", user=view.user_id),
                {
                    "timestamp": col.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
                    "sentiment": col.NumberColumn(format="%+.2f"),
                    "step_size": col.NumberColumn(format="%.3f"),
                    **shares,
                },
                height=420,
                shows_all=True,
                marked=[row.step in steps or row.item_id == item for row in view.steps],
            )


if __name__ == "__main__":
    controls.run(main)
