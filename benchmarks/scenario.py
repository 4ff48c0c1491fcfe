"""The figures of What-if, server side: ``python -m benchmarks.scenario [SECTION...]``.

Sections: latency, incremental, search. All on the shipped demo with the default recommender.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np

from benchmarks.measuring import Line, record, show
from core.compare.fork import run
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import History
from core.engine import Engine
from core.scenario.candidates import candidate_edits
from core.scenario.edits import Edit, Op, apply_edits
from core.scenario.search import search_edits

EVENTS = 100
LATENCY_EDITS, TEXT_EDITS = 300, 60
SEQUENCES, SEARCHES = 500, 60
TOLERANCE = 1e-5


def latency() -> list[Line]:
    """One edit of a 100-event history: both lists, moves with causes, both paths, the profiles."""
    engine, corpus = _demo()
    base = _long_history(corpus)
    rng = random.Random(time.time_ns())  # texts that no earlier run left in the vector cache
    words = [word for event in base.events if event.text for word in event.text.split()]

    def milliseconds(edit: Edit) -> float:
        _answer(engine, base, [])
        began = time.perf_counter()
        _answer(engine, base, [edit])
        return 1e3 * (time.perf_counter() - began)

    def with_text() -> Edit:
        text = " ".join(rng.choice(words) for _ in range(80))
        return Edit(Op.EDIT, rng.randint(1, len(base)), text=text)

    ops = (Op.ADD, Op.DELETE, Op.RATE, Op.DATE)
    milliseconds(with_text())
    plain = [
        milliseconds(_random_edit(rng, corpus, base, base, rng.choice(ops), []))
        for _ in range(LATENCY_EDITS)
    ]
    fresh = [milliseconds(with_text()) for _ in range(TEXT_EDITS)]
    return [
        _p95(f"edit of {EVENTS} events, no text changed, p95 of {len(plain)}", plain, 60),
        _p95(f"the same with one new 80-word text, p95 of {len(fresh)}", fresh, 120),
    ]


def incremental() -> list[Line]:
    """Random sequences of edits, step by step, against a second engine that knows nothing."""
    engine, corpus = _demo()
    other, _ = _demo()
    rng = random.Random(0)
    users = [user for user in corpus.user_ids if 5 <= len(corpus.history(user)) <= 60]
    texts = [e.words for e in _long_history(corpus).events if e.words]
    worst, unlike = 0.0, 0
    for _ in range(SEQUENCES):
        base = corpus.history(rng.choice(users))
        listed = engine.recommend(base)
        edits: list[Edit] = []
        for _ in range(rng.randint(1, 8)):
            now = apply_edits(base, edits, corpus)
            op = rng.choice([*Op] if now.origins else [Op.ADD])
            edits.append(_random_edit(rng, corpus, base, now.history, op, texts, now.origins))
            fork = run(engine, base, edits)
        other.interest.forget()
        after = fork.edited.history
        fresh = History(base.user_id, after.events, after.at)
        scores = other.recommender().log_probabilities([fresh])[0]
        apart = np.abs(fork.scores[1] - scores).max()
        states = np.abs(fork.queries[1] - other.query_vectors(fresh)).max()
        worst = max(worst, float(apart), float(states))
        unlike += run(engine, base, []).after != listed or fork.before != listed
    return [
        show(Line(f"incremental against from scratch, {SEQUENCES} random sequences, "
                  "largest difference of scores and states", "1e-5", f"{worst:.1e}",
                  worst <= TOLERANCE)),
        show(Line("undo of all edits gives the base list", f"{SEQUENCES} of {SEQUENCES}",
                  f"{SEQUENCES - unlike} of {SEQUENCES}", unlike == 0)),
    ]  # fmt: skip


def search() -> list[Line]:
    """Cases small enough to try every set of edits, by editing and looking at the list."""
    engine, corpus = _demo()
    rng = random.Random(0)
    users = [user for user in corpus.user_ids if len(corpus.history(user)) >= 4]
    least: list[int | None] = []
    minimal = verified = 0
    for _ in range(SEARCHES):
        base = corpus.history(rng.choice(users)).up_to(rng.randint(2, 4))
        k = rng.choice([1, 3, 10])
        goal = rng.choice(["in", "out"])
        place = rng.choice([k + 1, k + 5, 40, 200]) if goal == "in" else rng.randint(1, k)
        item = engine.recommend(base, place).items[-1].item_id
        found = search_edits(engine, base, item, goal, k=k)
        smallest = _by_enumeration(engine, base, item, goal, k)
        least.append(smallest)
        minimal += (len(found.edits) if found.found else None) == smallest
        verified += not found.found or _reaches(engine, base, found.edits, item, goal, k)
    sizes = ", ".join(f"{least.count(size)} of {size}" for size in sorted(filter(None, {*least})))
    none = f"{sizes}; {least.count(None)} impossible"
    return [
        show(Line(f"fewest-edit search, true minimum ({none})", f"{SEARCHES} of {SEARCHES}",
                  f"{minimal} of {SEARCHES}", minimal == SEARCHES)),
        show(Line("its answers verified by the recommender", f"{SEARCHES} of {SEARCHES}",
                  f"{verified} of {SEARCHES}", verified == SEARCHES)),
    ]  # fmt: skip


def _answer(engine: Engine, base: History, edits: list[Edit]) -> None:
    """Everything that What-if shows."""
    fork = run(engine, base, edits)
    _ = fork.moves(), fork.path_before, fork.path_after, fork.fork_step, fork.reconvergence
    _ = fork.profiles


def _p95(what: str, milliseconds: list[float], bar: float) -> Line:
    found = float(np.percentile(milliseconds, 95))
    median = float(np.median(milliseconds))
    return show(Line(what, f"{bar:g} ms", f"{found:.1f} ms (median {median:.1f} ms)", found <= bar))


def _random_edit(
    rng: random.Random,
    corpus: Corpus,
    base: History,
    now: History,
    op: Op,
    texts: list[str],
    handles: tuple[int | str, ...] | None = None,
) -> Edit:
    """An edit of one kind that can be applied to a history; without texts, one without text."""
    handles = handles or tuple(range(1, len(base) + 1))
    time_ = rng.choice(base.events).timestamp
    rating = rng.choice([1.0, 2.0, 3.0, 4.0, 5.0])
    if op is Op.ADD:
        text = rng.choice([None, *texts])
        item = rng.choice(corpus.item_ids)
        return Edit(op, item_id=item, timestamp=time_, rating=rating, text=text)
    step = rng.choice(handles)
    if op is Op.EDIT:
        return Edit(op, step, text=rng.choice(texts))
    if op is Op.RATE:
        return Edit(op, step, rating=rating)
    if op is Op.DATE:
        return Edit(op, step, timestamp=time_)
    if op is Op.MOVE:
        times = dict(zip(handles, (e.timestamp for e in now.events), strict=True))
        return Edit(op, step, to=rng.choice([h for h in handles if times[h] == times[step]]))
    return Edit(op, step)


def _reaches(
    engine: Engine, base: History, edits: tuple[Edit, ...], item: str, goal: str, k: int
) -> bool:
    listed = engine.recommend(apply_edits(base, edits, engine.corpus).history, k).items
    return (item in {row.item_id for row in listed}) == (goal == "in")


def _by_enumeration(engine: Engine, base: History, item: str, goal: str, k: int) -> int | None:
    """Size of the smallest set of candidates that reaches the goal; None where none does."""
    groups = candidate_edits(engine, base, item)
    edits = [edit for group in groups for edit in group]
    for size in range(len(groups) + 1):
        for chosen in combinations(edits, size):
            alone = len({edit.step for edit in chosen}) == size
            if alone and _reaches(engine, base, chosen, item, goal, k):
                return size
    return None


def _long_history(corpus: Corpus) -> History:
    events = [event for user in corpus.user_ids for event in corpus.history(user).events]
    return corpus.history(corpus.user_ids[0]).with_events(events[:EVENTS])


def _demo() -> tuple[Engine, Corpus]:
    library = Library.open()
    corpus = library.corpus("demo")
    return Engine.open(corpus, library.model_folder("demo"), library), corpus


SECTIONS: dict[str, Callable[[], list[Line]]] = {
    "latency": latency,
    "incremental": incremental,
    "search": search,
}


def main(names: list[str]) -> None:
    """Run the sections named, or all."""
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown:
        raise SystemExit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    for name in names or SECTIONS:
        record("scenario", {name: SECTIONS[name]()})


if __name__ == "__main__":
    main(sys.argv[1:])
