"""One user as one file: episodes, charts, lists over time, and why the newest list is as it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from core.domain import DomainError, History
from core.explain.explanation import Explanation
from core.figures.compare_report import quoted
from core.figures.explain import waterfall_figure
from core.figures.palette import Palette
from core.figures.profile import profile_figure
from core.figures.report import Section, write_report
from core.figures.time_scale import time_scale
from core.figures.timeline import events_figure, ranks_figure, step_sizes_figure
from core.figures.trajectory_map import crowd_image, trajectory_map
from core.figures.turns import mark_map, mark_times
from core.language import mark, tr, trc
from core.progress import Progress, ProgressCallback, report
from core.recommend.registry import NAMES
from core.views import wording
from core.views.compare.sentences import made_with
from core.views.explain.build import build_answer, build_change, build_parts
from core.views.explain.sentences import CAUTION
from core.views.interest_map import build_map
from core.views.tables import table
from core.views.timeline.build import build_moment, build_timeline
from core.views.timeline.rows import StepRow, TimelineView
from core.views.turns.build import build_evidence, build_turns
from core.views.turns.rows import TurnsView
from core.views.turns.sentences import ABOUT_Q, ALONE, new_words

if TYPE_CHECKING:
    from core.engine import Engine
    from core.turns.stored import Turns

EXPLAINED = 3
"""Items of the list that are explained, from the first."""
LISTS = 6
"""Lists side by side at most, the newest."""
EXACT_UP_TO = 10
"""Events up to which all coalitions are asked for."""
ROWS = 500
"""Steps in the table at the end, the newest."""
SHOWN = "step timestamp kind item rating sentiment next_rank step_size"  # no sentence


def user_report(
    engine: Engine,
    user_id: str,
    palette: Palette,
    *,
    step: int | None = None,
    recommender: str | None = None,
    known: Turns | None = None,
    seconds: float = math.inf,
    progress: ProgressCallback | None = None,
) -> str:
    """The report as HTML, at a step (None: the last); own histories too.

    ``known``: the turning points of the corpus, where they were measured. ``seconds`` bounds the
    sampling of each explanation and of each turning point's evidence. DomainError for an unknown
    user, step or recommender.
    """
    history = engine.corpus.history(user_id)
    step = history.resolve_step(step)
    used = engine.recommender(recommender).id
    report(progress, Progress(mark("following the interest"), 0, EXPLAINED + 1))
    view = build_timeline(engine, user_id, used)
    turns = build_turns(engine, user_id, known)
    manifest = engine.corpus.manifest
    sections = [
        *_evolution(engine, view, turns, step, used, palette),
        *_turning_points(engine, turns, seconds),
        _lists(engine, history, turns, step, used),
        *_explanations(engine, history.up_to(step), used, palette, seconds, progress),
        _steps(view),
    ]
    made = made_with(manifest.name, engine.model_id, manifest.simulated)
    ranked = tr(
        "Lists and ranks by {recommender}, at step {step} of {steps}.",
        recommender=tr(NAMES.get(used, used)),
        step=step,
        steps=len(history),
    )
    facts = [view.facts, wording.joined(tr("{clauses}.", clauses=made), ranked)]
    facts += filter(None, [view.outside])
    return write_report(tr("User {user}", user=user_id), facts, sections, palette)


def _evolution(
    engine: Engine, view: TimelineView, turns: TurnsView, step: int, used: str, palette: Palette
) -> list[Section]:
    """The Timeline's charts, with the turning points marked."""
    spaced = "even" if view.steps[0].timestamp is None else "time"
    scale = time_scale(view, spaced)  # type: ignore[arg-type]
    profile = profile_figure(view, step, scale, palette)
    events = events_figure(view, step, scale, palette)
    for figure in (profile, events):
        mark_times(figure, turns.turns, scale, palette)
    behind = build_map(engine)
    now = build_moment(engine, view, step, used)
    path = trajectory_map(behind, crowd_image(behind, palette), view, now, palette)
    mark_map(path, turns.turns, palette)
    n_items = len(engine.corpus.item_ids)
    ranks = ranks_figure(view, step, n_items, scale, palette)
    sizes = step_sizes_figure(view, step, scale, palette)
    episodes = tuple(
        tr(
            "Steps {first} to {last}: {what}",
            first=each.first,
            last=each.last,
            what=each.label,
        )
        for each in turns.episodes
        if len(turns.episodes) > 1
    )
    note = (tr(wording.ORDER_ONLY),) if engine.corpus.manifest.order_as_time else ()
    unit = tr(wording.STEP_SIZE_UNIT)
    return [
        Section("", (turns.sentence, *episodes, *note)),
        Section(tr("Interest by topic"), (view.profile_sentence,), profile),
        Section(trc("section", "Events"), (view.events_sentence,), events),
        Section(tr("Path on the interest map"), (view.map_sentence, behind.sentence), path),
        Section(tr("Rank of the next item"), (view.ranks_sentence,), ranks),
        Section(tr("Real step sizes"), (view.step_sizes_sentence, unit), sizes),
    ]


def _turning_points(engine: Engine, turns: TurnsView, seconds: float) -> list[Section]:
    """Each turning point with the events and words that carry it."""
    sections = []
    for turn in turns.turns:
        evidence = build_evidence(engine, turns.user_id, turn.point, seconds)
        words = new_words(evidence.words) if evidence.words else ""
        rows = [(row.step, row.item, wording.nats(row.value)) for row in evidence.carriers]
        columns = [tr("step"), tr("event"), tr("contribution (nats)")]
        carriers = pd.DataFrame(rows, columns=columns)
        said = tuple(filter(None, (turn.sentence, evidence.sentence, words)))
        sections.append(Section(f"{turn.mark} {turn.title}", said, table=carriers))
    if sections:
        sections.append(Section("", (tr(ABOUT_Q) if turns.is_whole else tr(ALONE),)))
    return sections


def _lists(engine: Engine, history: History, turns: TurnsView, step: int, used: str) -> Section:
    """The list at the end of each episode and at the step, rank by rank."""
    ends = {each.last for each in turns.episodes if each.last < step}
    steps = sorted((ends or {max(step - 1, 1)}) | {step})[-LISTS:]
    lists = [engine.recommend(history.up_to(each), 10, used).items for each in steps]
    names = [_named(history, each) for each in steps]
    rows = pd.DataFrame({tr("rank"): range(1, max(map(len, lists), default=0) + 1)})
    for name, items in zip(names, lists, strict=True):
        titles = [item.title or item.item_id for item in items]
        rows[name] = pd.Series(titles, dtype=object)
    said = []
    for at in range(1, len(lists)):
        before, after = ({item.item_id for item in items} for items in lists[at - 1 : at + 1])
        said.append(
            tr(
                "From step {first} to step {last}, {n} of {items} items stay.",
                first=steps[at - 1],
                last=steps[at],
                n=len(before & after),
                items=len(after),
            )
        )
    return Section(tr("Lists over time"), tuple(said), table=rows)


def _named(history: History, step: int) -> str:
    date = history.events[step - 1].date
    if date is None:
        return tr("step {step}", step=step)
    return tr("step {step}, {day}", step=step, day=wording.day(date))


def _explanations(
    engine: Engine,
    history: History,
    used: str,
    palette: Palette,
    seconds: float,
    progress: ProgressCallback | None,
) -> list[Section]:
    """Why the first items of the list are there, with the reviews that contribute most."""
    sections: list[Section] = []
    quotes: dict[int, tuple[str, str]] = {}
    for at, item in enumerate(engine.recommend(history, EXPLAINED, used).items):
        stage = tr("explaining rank {rank}", rank=item.rank)
        report(progress, Progress(stage, at + 1, EXPLAINED + 1))
        made = Explanation(
            engine, history, item.item_id, used, seconds=seconds, exact_up_to=EXACT_UP_TO
        )
        answer = build_answer(made)
        parts = build_parts(answer, made.parts)
        said = [answer.standing, answer.ignoring, answer.summary, answer.components, answer.trust]
        said.append(parts.sentence)
        try:
            change = build_change(made, made.counterfactual)
            said += [change.sentence, *change.made]
        except DomainError as error:
            said.append(str(error))
        drawn = waterfall_figure(answer, parts, palette) if answer.bars else None
        title = tr("Why rank {rank}: {item}?", rank=item.rank, item=item.title or item.item_id)
        sections.append(Section(title, tuple(filter(None, said)), drawn))
        read = made.step_of_words()
        if read is not None:
            event = history.events[read - 1]
            name = tr(
                "Step {step}, {kind} of {item}",
                step=read,
                kind=tr(wording.KIND_WORDS[event.kind]),
                item=engine.corpus.title(event.item_id),
            )
            quotes[read] = (name, quoted(event.words))
    behind = tuple(quotes[read] for read in sorted(quotes))
    reviews = Section(tr("The reviews behind it"), quotes=behind)
    return [Section("", (tr(CAUTION),)), *sections, reviews]


def _steps(view: TimelineView) -> Section:
    rows: tuple[StepRow, ...] = view.steps[-ROWS:]
    cut = tr(
        "The newest {n} of {steps}.",
        n=wording.number(ROWS),
        steps=wording.count(len(view.steps), "step"),
    )
    shown = table(rows, SHOWN)
    shown["kind"] = shown["kind"].map(tr)
    said = (cut,) if len(view.steps) > ROWS else ()
    return Section(tr("All steps"), said, table=shown.rename(columns=tr))
