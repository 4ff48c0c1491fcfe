"""What Quality shows: recommenders, groups of targets, ablations, items never recommended."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.evaluate.report import CalibrationBin
from core.language import mark, tr, trc
from core.measure.metrics import Interval
from core.views.tables import table

EPOCH_COLUMNS = "epoch loss validation_loss validation_ndcg"  # no sentence
CALIBRATION_COLUMNS = "predicted=promised observed=kept targets=cases"  # no sentence
"""Of a table of calibration bins."""
UNITS = mark(
    "95 % intervals by bootstrap over users; leads are paired by user. log p: mean "
    "log-probability of the target, in nats. Coverage: share of the catalogue in any list. "
    "Novelty: bits. Diversity: cosine distance within a list. Popularity: training events of "
    "listed items, as a multiple of a typical choice."
)
"""Under the table of recommenders."""
FEW = 30
"""Groups with fewer targets are too small to compare."""
SEVERAL = {
    mark("new user"): mark("new users"),
    mark("heavy user"): mark("heavy users"),
    mark("popular item"): mark("popular items"),
    mark("long-tail item"): mark("long-tail items"),
    mark("unseen item"): mark("unseen items"),
    mark("other user"): mark("other users"),
}
"""What the cohorts of an evaluation are called."""
OF_COHORT = "user of "  # no sentence
"""What the name of a group that is a saved cohort begins with."""


def one_of(group: str) -> str:
    """What a period, a cohort of an evaluation or a saved one is called."""
    if group.startswith(OF_COHORT):
        return tr("user of {cohort}", cohort=group.removeprefix(OF_COHORT))
    return tr(group)


def several(cohort: str) -> str:
    """What those in a cohort are called."""
    if cohort.startswith(OF_COHORT):
        return tr("user of {cohort}s", cohort=cohort.removeprefix(OF_COHORT))
    return tr(SEVERAL.get(cohort, f"{cohort}s"))


@dataclass(frozen=True, slots=True)
class RecommenderRow:
    """One recommender on all targets, and on those that training has seen."""

    recommender: str
    """Its id; the name of imported lists."""
    is_subject: bool
    """True for the one that the page is about."""
    ndcg: Interval
    """NDCG at k on all targets."""
    seen: Interval
    """NDCG at k on targets with a training event."""
    lead: Interval | None
    """Lead of the subject over it, paired; None for the subject itself."""
    recall: float
    """Share of targets in the list."""
    mrr: float
    """Mean reciprocal rank at k."""
    log_probability: float
    """Mean log-probability of the target, nats; NaN for lists."""
    coverage: float
    """Share of the catalogue in at least one list."""
    novelty: float
    """Bits."""
    diversity: float
    """Mean cosine distance between the items of a list; NaN where not measured."""
    popularity_bias: float
    """Training events of listed items, as a multiple of a typical choice."""
    never: int
    """Items of the catalogue that were never recommended."""

    COLUMNS = (
        "recommender ndcg=ndcg.mean low=ndcg.low high=ndcg.high lead=lead.mean lead_low=lead.low "
        "lead_high=lead.high seen_ndcg=seen.mean seen_low=seen.low seen_high=seen.high recall mrr "
        "log_probability coverage novelty diversity popularity_bias never"
    )


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A calendar period or a cohort."""

    name: str
    """Such as ``2014-03``, ``2014-Q1``, ``2014`` or ``new user``."""
    cases: int
    """Targets in it."""
    subject: Interval
    """NDCG of the page's recommender."""
    rival: Interval | None
    """NDCG of the best baseline; None without one."""

    COLUMNS = (
        "group=called targets=cases few=few_word ndcg=subject.mean low=subject.low "
        "high=subject.high baseline=rival.mean baseline_low=rival.low baseline_high=rival.high"
    )

    @property
    def few(self) -> bool:
        """Whether it is too small to compare."""
        return self.cases < FEW

    @property
    def few_word(self) -> str:
        """The same for a table."""
        return tr("few") if self.few else ""

    @property
    def called(self) -> str:
        """Its name in the reader's language."""
        return one_of(self.name)


@dataclass(frozen=True, slots=True, eq=False)
class QualityView:
    """One protocol from one recommender's point of view."""

    protocol: str
    """``leave-last-out`` or ``temporal``."""
    k: int
    """Length of the lists."""
    subject: str
    """The recommender that the page is about."""
    rival: str | None
    """The best baseline on all targets."""
    targets: int
    """Cases judged."""
    unseen_targets: int
    """Cases whose target has no training event."""
    verdict: str
    """Better, worse or no significant difference, in one sentence."""
    seen_verdict: str | None
    """The same on targets that training has seen, where the rest are notable."""
    cautions: tuple[str, ...]
    """What to keep in mind, each a sentence."""
    not_evaluated: tuple[str, ...]
    """Ids of own recommenders that this report lacks and an evaluation would add."""
    rows: tuple[RecommenderRow, ...]
    """All recommenders, best first."""
    periods: tuple[GroupRow, ...]
    """By month of the target, in order; by quarter or year where months have too few targets."""
    periods_sentence: str
    """Reads them."""
    cohorts: tuple[GroupRow, ...]
    """By kind of user and of target."""
    cohorts_sentence: str
    """Reads the cohorts."""
    calibration: tuple[CalibrationBin, ...]
    """Predicted and observed hits of the subject; empty for lists without probabilities."""
    calibration_sentence: str
    """Reads the calibration."""

    @property
    def shows_seen(self) -> bool:
        """Whether both figures are drawn."""
        return self.seen_verdict is not None


@dataclass(frozen=True, slots=True, eq=False)
class NeverView:
    """Items that are in none of the evaluated lists."""

    sentence: str
    """How many, and what they are."""
    topics: pd.DataFrame
    """Topics with such items, most first: topic, never (recommended), items (of the topic)."""
    items: pd.DataFrame
    """Those with most training events first: item_id, title, topic, training_events, targets."""


@dataclass(frozen=True, slots=True)
class AblationRow:
    """The loss without one part of the histories."""

    part: str
    """Text, ratings, order or time gaps."""
    changed: int
    """Cases whose history has that part at all."""
    ndcg: Interval
    """Loss of NDCG; negative where it is better without."""
    nats: Interval
    """Loss of the target's log-probability."""

    COLUMNS = (
        "without=called histories_changed=changed ndcg_loss=ndcg.mean ndcg_low=ndcg.low "
        "ndcg_high=ndcg.high nats_loss=nats.mean nats_low=nats.low nats_high=nats.high"
    )

    @property
    def called(self) -> str:
        """The part in the reader's language."""
        return {
            "text": tr("text"),
            "ratings": tr("ratings"),
            "order": trc("of events", "order"),
            "time gaps": tr("time gaps"),  # no sentence
        }.get(self.part, self.part)

    @property
    def decided(self) -> bool:
        """Whether the interval of the NDCG leaves out zero."""
        return self.ndcg.low > 0 or self.ndcg.high < 0


@dataclass(frozen=True, slots=True)
class AblationView:
    """An ablation over a corpus or one user's steps."""

    cases: int
    """Targets, or steps of one user."""
    rows: tuple[AblationRow, ...]
    """One per part."""
    sentence: str
    """Reads them."""


def shown_table(view: QualityView) -> pd.DataFrame:
    """Recommenders for the screen: a figure and its interval in one cell; marked names."""
    lead = f"Lead of {view.subject}"  # no sentence
    columns = {mark("Recommender"): "recommender", f"NDCG@{view.k}": "ndcg", lead: "lead"}
    if view.shows_seen:
        columns[mark("NDCG, seen targets")] = "seen"
    columns |= {
        mark("Recall"): "recall",
        mark("MRR"): "mrr",
        mark("log p"): "log_probability",
        mark("Coverage"): "coverage",
        mark("Novelty"): "novelty",
        mark("Diversity"): "diversity",
        mark("Popularity"): "popularity_bias",
        mark("Never recommended"): "never",
    }
    return table(view.rows, columns).fillna({lead: ""}).dropna(axis="columns", how="all")
