"""Do sampled contributions hold what their errors say? ``python -m benchmarks.stated_error``.

Arguments: demo, music (the newest model of ``$TASTELINES_LIBRARY``), or both; HISTORIES (20) of
each. Histories of 11 to 13 events have exact values, from all coalitions; each is sampled with ten
seeds as Explain does, without its clock. Counted are single values further than two standard errors
from the exact one, and samples in which the largest difference is more than twice the stated error.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.engines import demo_engine, music_engine
from benchmarks.measuring import Line, record, show
from core.explain.game import EventGame, Goal, explain_events
from core.shapley.engine import LEAST_CHANGE

ENGINES = {"demo": demo_engine, "music": music_engine}
LENGTHS, SEEDS = (11, 12, 13), 10
BEYOND = 0.05
"""Share of normal values outside two standard errors, rounded up from 4.6 %."""


def run(name: str, histories: int) -> list[Line]:
    """Both shares for one corpus, as lines."""
    engine = ENGINES[name]()
    corpus, random = engine.corpus, np.random.default_rng(0)
    values, samples, rounds = [], [], []
    count = 0
    for user in random.permutation(corpus.user_ids).tolist():
        history = corpus.history(user)
        length = LENGTHS[count % len(LENGTHS)]
        if len(history) < length:
            continue
        count += 1
        history = history.up_to(length)
        item = engine.recommend(history, 10).items[int(random.integers(10))].item_id
        game = EventGame(engine.recommender(), history, Goal(corpus.item_index[item]))
        exact = explain_events(game, exact_up_to=length)
        size = max(abs(exact.whole - exact.base), LEAST_CHANGE)
        for seed in range(SEEDS):
            sampled = explain_events(game, seed=seed, seconds=np.inf)
            off = np.abs(sampled.values - exact.values)
            values += (off > 2 * sampled.stderr).tolist()
            samples.append(bool(off.max() / size > 2 * sampled.error))
            rounds.append(sampled.rounds)
        if count == histories:
            break
    single, largest = float(np.mean(values)), float(np.mean(samples))
    of = f"{name}, {count} histories x {SEEDS} seeds, {np.mean(rounds):.0f} rounds on average"
    return [
        show(Line(f"values beyond two standard errors, {of}", f"{BEYOND:.0%}", f"{single:.1%}",
                  single <= BEYOND)),
        show(Line(f"largest difference beyond twice the stated error, {of}", f"{BEYOND:.0%}",
                  f"{largest:.1%}", largest <= BEYOND)),
    ]  # fmt: skip


if __name__ == "__main__":
    words = sys.argv[1:]
    most = next((int(word) for word in words if word.isdigit()), 20)
    names = [word for word in words if word in ENGINES] or list(ENGINES)
    sections = {name: run(name, most) for name in names}
    record("stated_error", sections)
    sys.exit(not all(line.met for lines in sections.values() for line in lines))
