"""The Quality page's details: items without a chance, what is used, how training went."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.corpus.store import Library
from core.evaluate.ablations import Ablation
from core.evaluate.report import EvaluationReport
from core.evaluate.served import served_manifests, served_names
from core.measure.intervals import Interval
from core.model.metrics import Metrics
from core.views import quality_wording as wording
from core.views.quality import listed_items

if TYPE_CHECKING:
    from core.engine import Engine

EXAMPLES = 100


@dataclass(frozen=True, slots=True)
class NeverTopic:
    """One topic's items without a chance."""

    topic: str
    """Its name."""
    never: int
    """Items in no list."""
    items: int
    """Items of the topic."""


@dataclass(frozen=True, slots=True)
class NeverItem:
    """One item that no list has."""

    item_id: str
    """Which item."""
    title: str
    """Its title, or its id."""
    topic: str
    """Its topic."""
    training_events: int
    """How often training saw it."""
    targets: int
    """How often it was what the user did next: sure misses."""


@dataclass(frozen=True, slots=True)
class NeverView:
    """Items that are in none of the judged lists."""

    sentence: str
    """How many, and what they are."""
    topics: tuple[NeverTopic, ...]
    """Topics with such items, most first."""
    items: tuple[NeverItem, ...]
    """Those with most training events first."""


@dataclass(frozen=True, slots=True)
class UseRow:
    """What is lost without one part of the histories."""

    part: str
    """Text, ratings, order or time gaps."""
    changed: int
    """Cases whose history has that part at all."""
    ndcg: Interval
    """Loss of NDCG; negative where it is better without."""
    nats: Interval
    """Fall of the target's log-probability."""

    @property
    def decided(self) -> bool:
        """Whether the interval of the NDCG leaves out zero."""
        return self.ndcg.low > 0 or self.ndcg.high < 0


@dataclass(frozen=True, slots=True)
class UsesView:
    """What a recommender uses, over a corpus or one user's steps."""

    recommender: str
    """Whose."""
    cases: int
    """Targets, or steps of one user."""
    whole: float
    """NDCG with everything."""
    rows: tuple[UseRow, ...]
    """One per part."""
    sentence: str
    """Reads them."""


def build_never(engine: Engine, report: EvaluationReport, subject: str) -> NeverView:
    """The items that none of the subject's judged lists has."""
    topics, corpus = engine.topics, engine.corpus
    never = np.setdiff1d(np.arange(report.n_items), listed_items(report, subject))
    counts = engine.training_counts
    size = np.bincount(topics.item_topic, minlength=len(topics.names))
    lost = np.bincount(topics.item_topic[never], minlength=len(topics.names))
    order = [topic for topic in np.argsort(-lost, kind="stable").tolist() if lost[topic]]
    wanted = np.bincount(report.targets, minlength=report.n_items)
    first = never[np.lexsort((never, -wanted[never], -counts[never]))][:EXAMPLES]
    rows = tuple(NeverTopic(topics.names[t], int(lost[t]), int(size[t])) for t in order)
    return NeverView(
        sentence=wording.never(
            subject,
            report,
            len(never),
            int((counts[never] > 0).sum()),
            int(wanted[never].sum()),
            rows,
        ),
        topics=rows,
        items=tuple(
            NeverItem(
                corpus.item_ids[item],
                corpus.title(corpus.item_ids[item]),
                topics.names[topics.item_topic[item]],
                int(counts[item]),
                int(wanted[item]),
            )
            for item in first.tolist()
        ),
    )


def build_uses(uses: Ablation, user: str | None = None, trained: int = 0) -> UsesView:
    """What a recommender uses; ``trained`` of one user's steps have a training event as target."""
    rows = tuple(
        UseRow(part, int(answer.changed.sum()), uses.loss(part).difference, uses.nats(part))
        for part, answer in uses.without.items()
    )
    whole = uses.whole_ndcg
    return UsesView(
        recommender=uses.recommender,
        cases=len(uses.users),
        whole=whole,
        rows=rows,
        sentence=(
            wording.uses(uses.recommender, rows, whole, len(set(uses.users)), uses.k)
            if user is None
            else wording.uses_of_user(user, rows, len(uses.users), trained)
        ),
    )


def list_cautions(
    library: Library, corpus_name: str, among: Collection[str] | None = None
) -> list[str]:
    """What is wrong with imported lists of a corpus, all or those of these names: sentences.

    They are damaged, or were imported when the corpus had other content.
    """
    held = {one.name: one for one in served_manifests(corpus_name, library)}
    corpus_id = library.manifest(corpus_name).corpus_id
    names = [name for name in served_names(corpus_name, library) if among is None or name in among]
    other = [name for name in names if name in held and held[name].is_of_other_content(corpus_id)]
    damaged = [name for name in names if name not in held]
    return [*wording.lists_of_other_content(other), *wording.damaged_lists(damaged)]


def training_lines(metrics: Metrics | None) -> tuple[dict[str, float], ...]:
    """The epochs of a training: ``epoch``, ``loss`` and ``validation_ndcg``, NaN for unknown."""
    return tuple(
        {
            "epoch": float(line.epoch),
            "loss": float("nan") if line.loss is None else line.loss,
            "validation_ndcg": line.validation_ndcg or 0.0,
        }
        for line in (metrics.training if metrics else ())
    )
