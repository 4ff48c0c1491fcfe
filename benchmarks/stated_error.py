"""Do sampled contributions hold what their errors say? ``python -m benchmarks.stated_error``.

Arguments: demo, music (the newest model of ``$TASTELINES_LIBRARY``), or both; HISTORIES (20) of
each. The method was chosen with the first half of the users in a random order; these are of the
second half. Histories of 11 to 13 events have exact values, from all coalitions; each is sampled
with ten seeds, as the page Explain does but without its clock, and as the verb ``explain`` does. A
fifth as many histories of 18, 25 and 40 events are held to a sample of 2,000 pairs of orders.

Counted are single values further than two standard errors from the exact one; samples in which any
value lies beyond the stated error; and stated errors above 5 %.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.engines import demo_engine, music_engine
from benchmarks.measuring import Line, record, show
from core.explain.game import EventGame, Goal, explain_events
from core.shapley.engine import BEYOND, ENOUGH, LEAST_CHANGE

ENGINES = {"demo": demo_engine, "music": music_engine}
SHORT, LONG, SEEDS = (11, 12, 13), (18, 25, 40), 10


def games(name: str, lengths: tuple[int, ...], count: int) -> Iterator[EventGame]:
    """So many histories, cut to these lengths in turn, each with an item of its list."""
    engine = ENGINES[name]()
    corpus, random = engine.corpus, np.random.default_rng(0)
    users = random.permutation(corpus.user_ids).tolist()
    for user in users[len(users) // 2 :]:
        history = corpus.history(user)
        length = lengths[count % len(lengths)]
        if count and len(history) >= length:
            count -= 1
            history = history.up_to(length)
            item = engine.recommend(history, 10).items[int(random.integers(10))].item_id
            yield EventGame(engine.recommender(), history, Goal(corpus.item_index[item]))


def run(name: str, histories: int) -> list[Line]:
    """All shares for one corpus, as lines."""
    lines = []
    for lengths, count in ((SHORT, histories), (LONG, max(histories // 5, 1))):
        for sure in (False, True) if lengths is SHORT else (True,):
            lines += hold(name, lengths, count, sure)
    return lines


def hold(name: str, lengths: tuple[int, ...], count: int, sure: bool) -> list[Line]:
    """Samples of histories of some lengths against what is true, or nearly."""
    values, beyond, stated, rounds = [], [], [], []
    for game in games(name, lengths, count):
        true = explain_events(
            game, seed=SEEDS, seconds=np.inf, sure=True, enough=0.0, exact_up_to=max(SHORT)
        )
        size = max(abs(true.whole - true.base), LEAST_CHANGE)
        for seed in range(SEEDS):
            sampled = explain_events(game, seed=seed, seconds=np.inf, sure=sure)
            off = np.abs(sampled.values - true.values)
            values += (off > 2 * sampled.stderr).tolist()
            beyond.append(bool(off.max() / size > sampled.bound + true.bound))
            stated.append(sampled.bound)
            rounds.append(sampled.rounds)
    single, wrong = float(np.mean(values)), float(np.mean(beyond))
    large = float(np.mean(np.array(stated) > ENOUGH))
    by = "verb" if sure else "page"
    events = " to ".join(str(length) for length in (lengths[0], lengths[-1]))
    of = (
        f"{by}, {name}, {len(stated) // SEEDS} histories of {events} events x {SEEDS} seeds, "
        f"{np.median(rounds):.0f} pairs of orders (at most {max(rounds):,})"
    )
    lines = [
        Line(f"values beyond two standard errors, {of}", f"{BEYOND:.0%}", f"{single:.1%}",
             single <= BEYOND),
        Line(f"samples with a value beyond their stated error, {of}", f"{BEYOND:.0%}",
             f"{wrong:.1%}", wrong <= BEYOND),
    ]  # fmt: skip
    if sure:
        said = f"{large:.1%} (largest {max(stated):.1%})"
        lines.append(Line(f"stated errors above {ENOUGH:.0%}, {of}", "0 %", said, not large))
    return [show(line) for line in lines]


if __name__ == "__main__":
    words = sys.argv[1:]
    most = next((int(word) for word in words if word.isdigit()), 20)
    names = [word for word in words if word in ENGINES] or list(ENGINES)
    sections = {name: run(name, most) for name in names}
    record("stated_error", sections)
    sys.exit(not all(line.met for lines in sections.values() for line in lines))
