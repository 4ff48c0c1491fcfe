"""The figures of the monitor: ``python -m benchmarks.monitor [SECTION...]``.

Sections: shuffled, planted, own. ``shuffled`` deals the weeks of the demo out again, whole weeks
and each user's weeks by themselves, and counts the repetitions with an alarm. ``planted`` changes
one week of shops with other users (``SHOPPERS``) and counts the changes that are found in it.
``own`` does both on ``music`` and ``movielens`` of ``$TASTELINES_LIBRARY``, where they are.
``TASTELINES_SAMPLE=0.1`` takes a tenth of the repetitions and records nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pandas as pd

from benchmarks.measuring import SAMPLE, Line, cases, record, show
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.demo.catalogue import make_catalogue
from core.demo.shop import instant, open_shop
from core.demo.shoppers import make_shoppers
from core.demo.simulation import DEMO_SEED
from core.domain import Columns, EventKind
from core.monitor.monitoring import LEVEL, Monitored, monitor
from core.monitor.periods import Unit, calendar_of

REPETITIONS, VARIANTS = 200, 10
SHOPPERS = 8_000
"""Users of a simulated shop: about 1,000 events a week; the demo has 100."""
SEED = 20_261_127
TRIED = 20
"""Newest finished weeks among which the changed one is drawn."""
HALF_A_POINT = 0.5
BURST = 0.2
"""New users, as a share of the week's active ones."""
DUPLICATED = 0.05

Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
"""What happens to the events of one week."""


def with_events(corpus: Corpus, events: pd.DataFrame) -> Corpus:
    """A corpus in memory with other events, in contract order but for ties."""
    events = events.sort_values([Columns.User, Columns.Time], kind="stable", ignore_index=True)
    kinds = events[Columns.Kind].value_counts().to_dict()
    manifest = corpus.manifest.model_copy(update={"kinds": kinds})
    return replace(corpus, events=events, manifest=manifest, folder=None)


def whole_weeks(corpus: Corpus, random: np.random.Generator) -> Corpus:
    """The weeks that the monitor looks at in another order, each with its events."""
    calendar = calendar_of(corpus, Unit.WEEK)
    last = calendar.finished
    first = max(last - Unit.WEEK.reference - Unit.WEEK.before - 1, 0)
    place = np.arange(len(calendar))
    place[first:last] = first + random.permutation(last - first)
    return moved(corpus, place[calendar.of_event] - calendar.of_event)


def own_weeks(corpus: Corpus, random: np.random.Generator) -> Corpus:
    """Each user's weeks by themselves dealt out again over the weeks that the monitor looks at."""
    calendar = calendar_of(corpus, Unit.WEEK)
    last, week = calendar.finished, calendar.of_event
    first = max(last - Unit.WEEK.reference - Unit.WEEK.before - 1, 0)
    users = np.repeat(np.arange(len(corpus.user_ids)), np.diff(corpus.user_starts))
    blocks, of_event = np.unique(users * len(calendar) + week, return_inverse=True)
    old = blocks % len(calendar)
    new, inside = old.copy(), (old >= first) & (old < last)
    new[inside] = random.integers(first, last, int(inside.sum()))
    return moved(corpus, (new - old)[of_event])


def moved(corpus: Corpus, weeks: np.ndarray) -> Corpus:
    """Each event so many weeks later."""
    events = corpus.events.copy()
    events[Columns.Time] = events[Columns.Time] + pd.to_timedelta(7 * weeks, unit="D")
    return with_events(corpus, events)


def false_alarms(corpus: Corpus, deal: Callable[[Corpus, np.random.Generator], Corpus]) -> float:
    """Share of repetitions with an alarm, of which every one is false."""
    n = cases(REPETITIONS)
    alarmed = 0
    for repetition in range(n):
        found = monitor(deal(corpus, np.random.default_rng([SEED, repetition])), unit=Unit.WEEK)
        alarmed += any(judged.alarms for judged in found.judged)
    return alarmed / n


def shuffled() -> list[Line]:
    """Alarms where nothing changed."""
    corpus = Library.open().corpus("demo")
    lines = []
    for name, deal in (("whole weeks", whole_weeks), ("each user's weeks", own_weeks)):
        share = false_alarms(corpus, deal)
        what = f"demo, {name} dealt out again, {cases(REPETITIONS)} times: share with an alarm"
        lines.append(show(Line(what, ".05", f"{share:.3f}", share <= LEVEL)))
    return lines


def halved_topic(corpus: Corpus) -> Change:
    """Half of a topic's events turn to other topics' items."""
    topics = corpus.items.set_index(Columns.Item)[Columns.Category]

    def change(week: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        topic = random.choice(sorted(topics.unique()))
        own = week[Columns.Item].map(topics) == topic
        half = own & (random.random(len(week)) < 0.5)
        others = week.loc[~own, Columns.Item].to_numpy()
        week.loc[half, Columns.Item] = random.choice(others, int(half.sum()))
        return week

    return change


def rated_differently(week: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Ratings half a point lower or higher, in whole stars of the scale 1 to 5 on average."""
    rating = week[Columns.Rating].to_numpy(np.float64)
    down = random.random() < 0.5
    known = ~np.isnan(rating)
    movable = known & ((rating > 1) if down else (rating < 5))
    share = min(HALF_A_POINT * known.sum() / max(movable.sum(), 1), 1.0)
    moves = movable & (random.random(len(week)) < share)
    week[Columns.Rating] = (rating + np.where(moves, -1 if down else 1, 0)).astype(np.float32)
    return week


def burst(week: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """New users with the weeks of known ones."""
    users = week[Columns.User].unique()
    chosen = random.choice(users, max(round(BURST * len(users)), 1), replace=False)
    copies = week[week[Columns.User].isin(chosen)].copy()
    copies[Columns.User] = "new-" + copies[Columns.User]
    return pd.concat([week, copies])


def lost_kind(week: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """A kind of event disappears."""
    return week[week[Columns.Kind] != random.choice(sorted(week[Columns.Kind].unique()))]


def duplicated(week: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Some events come twice, a few seconds apart."""
    copies = week[random.random(len(week)) < DUPLICATED].copy()
    later = pd.to_timedelta(random.integers(1, 60, len(copies)), unit="s")
    copies[Columns.Time] = copies[Columns.Time] + later
    return pd.concat([week, copies])


def planted_in(corpus: Corpus, change: Change, random: np.random.Generator) -> Corpus:
    """A corpus that ends with a changed week."""
    calendar = calendar_of(corpus, Unit.WEEK)
    week = calendar.finished - 1 - int(random.integers(TRIED))
    events = corpus.events
    changed = change(events[calendar.of_event == week].copy(), random)
    return with_events(corpus, pd.concat([events[calendar.of_event < week], changed]))


EXPECTED: dict[str, Callable[[str], bool]] = {
    "a topic's share halves": lambda measure: measure.startswith("topic:"),
    "ratings shift by half a point": lambda measure: measure == "rating",
    "a burst of new users": lambda measure: measure in ("new-users", "of-new-users"),
    "a kind disappears": lambda measure: measure.startswith("kind:"),
    "5 % of events duplicated": lambda measure: measure == "repeats",
}
"""Which alarm finds a change."""


def changes(corpus: Corpus) -> dict[str, Change]:
    """The planted changes by name."""
    kinds = (halved_topic(corpus), rated_differently, burst, lost_kind, duplicated)
    return dict(zip(EXPECTED, kinds, strict=True))


def is_found(found: Monitored, change: str) -> bool:
    """Whether an alarm is about the change."""
    return any(each.alarms and EXPECTED[change](each.measure.id) for each in found.judged)


@cache
def shop(seed: int, users: int) -> Corpus:
    """The demo's shop with other users, as a corpus in memory; reviews say nothing here."""
    store = open_shop()
    items = make_catalogue(store, Random(f"{DEMO_SEED}/catalogue"))

    def stream(purpose: str) -> Random:
        return Random(f"{seed}/{purpose}")

    rows = [
        (shopper.user_id, items[step.item].item_id, instant(step.time), str(step.kind), step.rating)
        for shopper in make_shoppers(store, items, users, stream)
        for step in shopper.live()
    ]
    names = [Columns.User, Columns.Item, Columns.Time, Columns.Kind, Columns.Rating]
    events = pd.DataFrame(rows, columns=names)
    events[Columns.Rating] = events[Columns.Rating].astype(np.float32)
    events[Columns.Title] = None
    events[Columns.Text] = events[Columns.Kind].map({EventKind.REVIEW.value: "words"})
    return with_events(Library.open().corpus("demo"), events)


def finds(users: int, variants: int) -> dict[str, int]:
    """How many of the variants each planted change was found in."""
    found = dict.fromkeys(EXPECTED, 0)
    for variant in range(variants):
        corpus = shop(SEED + variant, users)
        for at, (name, change) in enumerate(changes(corpus).items()):
            random = np.random.default_rng([SEED, variant, at])
            found[name] += is_found(monitor(planted_in(corpus, change, random)), name)
        shop.cache_clear()
    return found


def planted() -> list[Line]:
    """Changes of one week, in shops of ten times the demo's users, and in some as large as it."""
    lines = []
    n = cases(VARIANTS)
    for users, is_bar in ((SHOPPERS, True), (800, False)):
        for name, found in finds(users, n).items():
            bar = "9 of 10" if is_bar else "none: what a tenth of the data can show"
            what = f"{users:,} users, {name}: found in its week"
            met = found >= 0.9 * n if is_bar else True
            lines.append(show(Line(what, bar, f"{found} of {n}", met)))
    return lines


def own() -> list[Line]:
    """The same null on real corpora."""
    lines = []
    library = Library.open()
    for name in ("music", "movielens"):
        corpus = library.corpus(name)
        for what, deal in (("whole weeks", whole_weeks), ("each user's weeks", own_weeks)):
            share = false_alarms(corpus, deal)
            what = f"{name}, {what} dealt out again: share with an alarm"
            lines.append(show(Line(what, ".05", f"{share:.3f}", share <= LEVEL)))
    return lines


SECTIONS = {"shuffled": shuffled, "planted": planted, "own": own}


def main() -> None:
    """Run the named sections, or all but ``own``."""
    names = sys.argv[1:] or ["shuffled", "planted"]
    done = {name: SECTIONS[name]() for name in names}
    if SAMPLE >= 1:
        record("monitor", done)


if __name__ == "__main__":
    main()
