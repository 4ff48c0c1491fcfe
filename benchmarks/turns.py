"""The figures of turning points: ``python -m benchmarks.turns [SECTION...]``.

Sections: demo, evidence, steady, shuffled, music, simulated, chosen. The method was chosen on the
users of the demo with an even place in the corpus and on 1,000 users simulated anew (``chosen``);
every other figure is about the other half. ``shuffled`` and
``music`` take ``music`` and ``movielens`` with their newest models of ``$TASTELINES_LIBRARY``.
``TASTELINES_SAMPLE=0.1`` takes a tenth of the users and records nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

import numpy as np

from benchmarks.engines import demo_engine, demo_truth
from benchmarks.fresh_users import FreshUser, fresh_users
from benchmarks.measuring import SAMPLE, Line, cases, record, show
from core.corpus.store import Library
from core.domain import Columns, DomainError, History
from core.engine import Engine
from core.turns.evidence import evidence_of
from core.turns.orders import shuffled, visits_of
from core.turns.seasons import APART
from core.turns.segments import SHORTEST
from core.turns.signal import by_visit, news_of, scores_of, topic_directions
from core.turns.stored import Turns, measure_turns
from core.turns.turning import Kind

NEAR = 2
"""Events by which a find may miss the planted one."""
FEWEST = 12
"""Events of a history whose planted turn counts."""
IN_SEASON = 0.35
"""Share of the season's category in the planted interest, from which its season is on."""
USERS, EVENTS = 10_000, 100
"""The simulated corpus."""


User = TypeVar("User", "Planted", FreshUser)


@dataclass(frozen=True)
class Planted:
    """A user of the demo's other half, with what was planted: 0-based events."""

    user_id: str
    process: str
    turns: tuple[int, ...]
    returns: tuple[int, ...]
    target: str | None

    @property
    def history(self) -> History:
        return demo_engine().corpus.history(self.user_id)


@cache
def planted() -> tuple[Planted, ...]:
    """The half of the demo's users that chose nothing."""
    corpus, truth = demo_engine().corpus, demo_truth()
    changes = dict(iter(truth.changes.groupby(Columns.User)))
    facts = truth.users.set_index(Columns.User)
    users = []
    for user in corpus.user_ids[1::2]:
        events, rows = corpus.history(user).events, corpus.user_rows(user)
        process, season = facts.loc[user, "process"], facts.loc[user, "season"]
        turns: tuple[int, ...] = ()
        target = None
        if process == "turn":
            change = changes[user].iloc[0]
            turns = (sum(event.timestamp < change["start"] for event in events),)
            target = change["target"]
        returns = []
        if process == "seasonal":
            is_on = truth.mix[rows][:, truth.categories.index(season)] > IN_SEASON
            met = [
                at
                for at, event in enumerate(events)
                if is_on[at] and category_of(event.item_id) == season
            ]
            seconds = [events[at].timestamp.timestamp() for at in met]
            returns = [
                at
                for before, now, at in zip(seconds, seconds[1:], met[1:], strict=False)
                if now - before > APART
            ]
        users.append(Planted(user, process, turns, tuple(returns), target))
    return tuple(users)


def category_of(item_id: str) -> str:
    """The demo's category of an item, which is its topic."""
    engine = demo_engine()
    return engine.topics.names[engine.topics.item_topic[engine.corpus.item_index[item_id]]]


@cache
def demo_turns() -> Turns:
    """The turning points of the whole demo, tested together."""
    return measure_turns(demo_engine())


def score(
    finds: Callable[[User], Sequence[int]], users: Sequence[User]
) -> tuple[float, float, float]:
    """Recall, precision and F1 of finds (0-based events) within two events of planted turns."""
    hits = missed = false = 0
    for user in users:
        found = list(finds(user))
        for at in user.turns:
            near = [each for each in found if abs(each - at) <= NEAR]
            if near:
                hits += 1
                found.remove(near[0])
            else:
                missed += 1
        false += len(found)
    recall, precision = hits / max(hits + missed, 1), hits / max(hits + false, 1)
    return recall, precision, 2 * recall * precision / max(recall + precision, 1e-9)


def demo() -> list[Line]:
    """Planted abrupt turns, beside a detector with a penalty alone and the largest step."""
    users = [u for u in planted() if u.process == "turn" and len(u.history) >= FEWEST]
    turns = demo_turns()

    def ours(user: Planted) -> list[int]:
        return [p.step - 1 for p in turns.of[user.user_id].points if p.kind <= Kind.RETURN]

    recall, precision, f1 = score(ours, users)
    what = f"{len(users)} planted turns of the other half: "
    lines = [
        Line(what + "recall", ".8", f"{recall:.3f}", recall >= 0.8),
        Line(what + "precision", ".8", f"{precision:.3f}", precision >= 0.8),
    ]
    penalty, penalised = penalty_only(users)
    steps = score(largest_step, users)
    found = sum(bool(ours(user)) for user in planted() if user.process == "drift")
    kinds = [p.kind for u in planted() if u.process == "drift" for p in turns.of[u.user_id].points]
    drifts = sum(user.process == "drift" for user in planted())
    lines += [
        Line(
            "F1: ours / penalty alone (ruptures, its penalty chosen on the first half) / largest "
            "step",
            "stated",
            f"{f1:.3f} / {penalised[2]:.3f} (penalty {penalty:g}) / {steps[2]:.3f}",
            True,
        ),
        Line(
            "penalty alone: steady users with a change",
            "stated",
            f"{share_found(lambda u: segmented(u.history, penalty), 'steady'):.3f}",
            True,
        ),
        Line(
            "planted drifts: found, and called a drift",
            "stated",
            f"{found} of {drifts}, {sum(kind == Kind.DRIFT for kind in kinds)}",
            True,
        ),
    ]
    return [*map(show, lines), *returns()]


def returns() -> list[Line]:
    """Planted returns of a season: the user met its category in it, and in an earlier one."""
    turns = demo_turns()
    users = [u for u in planted() if u.process == "seasonal" and len(u.history) >= FEWEST]
    everyone = recognised = found = claimed = right = 0
    for user in users:
        points = turns.of[user.user_id].points
        own = [p.step - 1 for p in points if p.kind == Kind.RETURN]
        every = [p.step - 1 for p in points]
        everyone += len(user.returns)
        recognised += sum(any(abs(at - each) <= NEAR for each in own) for at in user.returns)
        found += sum(any(abs(at - each) <= NEAR for each in every) for at in user.returns)
        claimed += len(own)
        right += sum(any(abs(at - each) <= NEAR for each in user.returns) for at in own)
    share = recognised / max(everyone, 1)
    return [
        show(
            Line(
                f"planted seasonal returns ({everyone}) recognised as returns",
                ".7",
                f"{share:.3f}; of the {found} found at all {recognised / max(found, 1):.3f}; "
                f"{right} of {claimed} claimed returns of these users are planted ones",
                share >= 0.7,
            )
        )
    ]


def largest_step(user: Planted) -> list[int]:
    """The event with the largest cosine distance to the state before."""
    sizes = demo_engine().trajectory(user.history).step_size
    return [int(np.nanargmax(sizes))] if len(sizes) > 1 else []


def segmented(history: History, penalty: float) -> list[int]:
    """What ruptures finds in the same signal with a fixed penalty and no null."""
    import ruptures

    engine = demo_engine()
    directions = topic_directions(engine.interest.item_vectors, engine.topics.item_topic)
    visits = visits_of(history.events)
    news = news_of(scores_of(engine.query_vectors(history)[1:], directions))
    signal = by_visit(news[None], visits[None])[0]
    if len(signal) < 2 * SHORTEST:
        return []
    model = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(signal)
    starts = np.flatnonzero(np.diff(visits, prepend=-1))
    return [int(starts[at]) for at in model.predict(pen=penalty)[:-1]]


def penalty_only(users: Sequence[Planted]) -> tuple[float, tuple[float, float, float]]:
    """A penalty with the best F1 on the first half's turns, and its score on the other half's."""
    corpus, truth = demo_engine().corpus, demo_truth()
    first = set(corpus.user_ids[::2])
    known = [
        Planted(
            row.user_id,
            "turn",
            (sum(e.timestamp < row.start for e in corpus.history(row.user_id).events),),
            (),
            row.target,
        )
        for row in truth.turns.itertuples()
        if row.user_id in first and len(corpus.history(row.user_id)) >= FEWEST
    ]
    penalties = np.round(np.arange(1.0, 6.1, 0.25), 2).tolist()
    best = max(penalties, key=lambda p: score(lambda u: segmented(u.history, p), known)[2])
    return best, score(lambda u: segmented(u.history, best), users)


def share_found(finds: Callable[[Planted], Sequence[int]], process: str) -> float:
    """Share of the other half's users of a process with any find."""
    return float(np.mean([bool(finds(u)) for u in planted() if u.process == process]))


def evidence() -> list[Line]:
    """Events named as carrying a planted turn that was found: of the planted new interest?"""
    engine, right, named, taken = demo_engine(), 0, 0, []
    for user in planted():
        for point in demo_turns().of[user.user_id].points:
            if any(abs(point.step - 1 - at) <= NEAR for at in user.turns):
                began = time.perf_counter()
                shown = evidence_of(engine, user.history, point)
                taken.append(time.perf_counter() - began)
                items = [user.history.events[step - 1].item_id for step, _ in shown.carriers]
                named += len(items)
                right += sum(category_of(item) == user.target for item in items)
    share = right / max(named, 1)
    what = f"{named} events named as carrying a planted turn: of its new interest"
    slow = f"{np.median(taken) * 1000:.0f} ms, {max(taken) * 1000:.0f} ms"
    return [
        show(Line(what, ".85", f"{share:.3f}", share >= 0.85)),
        show(Line("evidence of one turn: median, slowest", "1 s", slow, max(taken) < 1)),
    ]


def steady() -> list[Line]:
    """Users whose planted interest never changes."""
    turns = demo_turns()
    users = [u for u in planted() if u.process == "steady"]
    long = [u for u in users if len(u.history) >= FEWEST]
    with_any = [
        float(np.mean([bool(turns.of[u.user_id].points) for u in g])) for g in (users, long)
    ]
    measured = f"{with_any[0]:.3f} ({len(users)} users); with {FEWEST} or more events "
    measured += f"{with_any[1]:.3f} ({len(long)})"
    what = "steady users of the other half with a turning point"
    return [show(Line(what, ".05", measured, with_any[0] <= 0.05))]


def shuffled_share(engine: Engine) -> tuple[float, int]:
    """Share of users with a turning point after each history was shuffled once, and of how many."""
    corpus = engine.corpus
    random = np.random.default_rng(1)
    ids = corpus.user_ids[: cases(len(corpus.user_ids))]
    histories = []
    for user in ids:
        history = corpus.history(user)
        order = shuffled(history.events, visits_of(history.events), 1, random)
        events = tuple(
            replace(history.events[at], timestamp=datetime.fromtimestamp(seconds, UTC))
            for at, seconds in zip(order.at[0].tolist(), order.seconds[0].tolist(), strict=True)
        )
        histories.append(History(user, events))
    turns = measure_turns(engine, histories)
    return float(np.mean([bool(user.points) for user in turns.users])), len(ids)


def opened(name: str) -> Engine:
    """A corpus with its newest model of the library."""
    library = Library.open()
    return Engine.open(library.corpus(name), library.model_folder(name), library)


def shuffled_histories() -> list[Line]:
    """Shuffled histories of real corpora, where nothing can have turned."""
    lines = []
    for name in ("music", "movielens", "demo"):
        try:
            share, n = shuffled_share(opened(name))
        except DomainError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        what = f"{name}: shuffled histories with a turning point ({n} users)"
        lines.append(show(Line(what, ".05", f"{share:.4f}", share <= 0.05)))
    return lines


def music() -> list[Line]:
    """All users of real corpora with their null."""
    lines = []
    for name, bar in (("music", 90.0), ("movielens", None)):
        try:
            engine = opened(name)
        except DomainError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        began = time.perf_counter()
        turns = measure_turns(engine)
        seconds = time.perf_counter() - began
        tested = [user for user in turns.users if user.p is not None]
        found = sum(bool(user.points) for user in turns.users)
        matters = sum((user.p or 1.0) <= 0.05 for user in tested)
        measured = f"{seconds:.1f} s; {found} users with a turning point, {len(tested)} tested, "
        measured += f"p up to .05 for {matters}"
        what = f"turning points of all {len(turns.users):,} {name} users"
        met = bar is None or seconds <= bar
        lines.append(show(Line(what, "stated" if bar is None else f"{bar:.0f} s", measured, met)))
    return lines


def simulated() -> list[Line]:
    """10,000 users of 100 events, drawn from the demo's events; a tenth of them are measured."""
    engine, random = demo_engine(), np.random.default_rng(0)
    corpus = engine.corpus
    pool = [event for user in corpus.user_ids for event in corpus.history(user).events]
    measured = cases(USERS // 10)
    histories = []
    for n in range(measured):
        chosen = random.choice(len(pool), EVENTS, replace=False)
        events = sorted((pool[at] for at in chosen), key=lambda event: event.timestamp)
        histories.append(History(f"S{n}", tuple(events)))
    engine.interest.forget()
    began = time.perf_counter()
    measure_turns(engine, histories)
    seconds = (time.perf_counter() - began) * USERS / measured
    what = f"{USERS:,} users of {EVENTS} events, from {measured:,} of them"
    return [show(Line(what, "600 s", f"{seconds:.0f} s", seconds <= 600))]


def chosen() -> list[Line]:
    """The same bars on users simulated anew, on whom the settings were chosen."""
    users = fresh_users(cases(1_000))
    turns = measure_turns(demo_engine(), [user.history for user in users])

    def finds(user: FreshUser) -> list[int]:
        return [p.step - 1 for p in turns.of[user.user_id].points if p.kind <= Kind.RETURN]

    planted = [u for u in users if u.process == "turn" and len(u.history) >= FEWEST]
    recall, precision, f1 = score(finds, planted)
    calm = [bool(turns.of[u.user_id].points) for u in users if u.process == "steady"]
    measured = (
        f"recall {recall:.3f}, precision {precision:.3f}, F1 {f1:.3f} ({len(planted)} turns); "
    )
    measured += f"steady users with a turning point {np.mean(calm):.3f} ({len(calm)})"
    return [show(Line(f"{len(users):,} users simulated anew", "chosen on them", measured, True))]


SECTIONS = {
    "demo": demo,
    "evidence": evidence,
    "steady": steady,
    "shuffled": shuffled_histories,
    "music": music,
    "simulated": simulated,
    "chosen": chosen,
}


def main() -> None:
    asked = sys.argv[1:] or list(SECTIONS)
    measured = {name: SECTIONS[name]() for name in asked}
    if SAMPLE == 1:
        record("turns", measured)


if __name__ == "__main__":
    main()
