"""Strategies: what refitted weights gain, what re-ranking costs, and the log of changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.language import mark, tr, trc
from core.recommend.registry import NAMES
from core.strategy.adjusted import NEW_UP_TO, PLACES
from core.strategy.log import Logged, settings_words
from core.strategy.price import LEAST_CASES, K, Price, Prices
from core.strategy.reweighing import Reweighed
from core.strategy.store import Strategy
from core.views.wording import count, day, figure, joined, number, percent, signed

ABOUT_PRICES = mark(
    "Differences of NDCG@10 on validation cases whose target may be listed, from the joint's lists "
    "in order of score, with 95 % intervals by bootstrap over users. The other setting is 0. "
    "Diversity: maximal marginal relevance on the model's item vectors. Re-ranking fills the first "
    "{places} places."
)
ABOUT_WEIGHTS = mark(
    "Judged on the newest quarter of the validation cases: weights of all earlier cases against "
    "weights refitted on the newest half of these. The interval draws users."
)
LOG_SHOWN = 5
"""Entries of the log that a terminal shows."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one setting costs."""

    setting: float
    """A share of places, or the diversity."""
    ndcg: float
    """Mean NDCG at 10 with it."""
    price: float
    """Its difference from no re-ranking; negative: it costs."""
    low: float
    """Lower end of the difference's 95 % interval."""
    high: float
    """Its upper end."""
    diversity: float
    """Mean cosine distance of item vectors within a list; NaN where no list has two items."""
    new: float
    """Mean share of new items in a list, percent."""

    COLUMNS = "setting ndcg price low high diversity new"


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One component's weight, where everything about the case is average."""

    component: str
    """What it is called."""
    old: float
    """In the model."""
    new: float
    """As proposed."""

    COLUMNS = "component old new"


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """A saved strategy."""

    name: str
    """Its recommender id."""
    settings: str
    """What it sets."""
    model: str
    """The model that it adjusts."""
    saved: datetime | None
    """When this version was saved."""
    who: str
    """By whom."""
    why: str
    """Why, as they said."""

    COLUMNS = "name settings model saved who why"


@dataclass(frozen=True, slots=True)
class StrategyView:
    """What was measured for a model."""

    weights_sentence: str
    """Whether to take refitted weights."""
    price_sentence: str
    """What re-ranking costs."""
    weights: tuple[WeightRow, ...]
    """Old and proposed weights; () where no refit was possible."""
    diversity: tuple[PriceRow, ...]
    """The curve of the diversity; () where there are too few cases."""
    new_share: tuple[PriceRow, ...]
    """The curve of the share for new items; () likewise."""
    pool: tuple[float, ...] | None
    """The proposed weights' numbers; None where there are none."""
    is_better: bool
    """Whether the refitted weights' gain is above 0."""


def about_prices() -> str:
    """What the curves and the weights are, below them."""
    return joined(tr(ABOUT_PRICES, places=PLACES), tr(ABOUT_WEIGHTS))


def build_strategy(reweighed: Reweighed | str, prices: Prices) -> StrategyView:
    """The view of a measurement; a text instead of a refit says why there is none."""
    refit = None if isinstance(reweighed, str) else reweighed
    is_priced = prices.cases >= LEAST_CASES
    return StrategyView(
        weights_sentence=reweigh_sentence(refit) if refit else str(reweighed),
        price_sentence=price_sentence(prices),
        weights=tuple(
            WeightRow(tr(NAMES.get(each.component, each.component)), each.old, each.new)
            for each in (refit.weights if refit else ())
        ),
        diversity=tuple(
            _row(price, price.settings.diversity) for price in prices.diversity if is_priced
        ),
        new_share=tuple(
            _row(price, price.settings.new_share) for price in prices.new_share if is_priced
        ),
        pool=tuple(refit.pool.vector.tolist()) if refit else None,
        is_better=refit is not None and refit.is_better,
    )


def _row(price: Price, setting: float) -> PriceRow:
    cost = price.price
    diversity, new = price.diversity, 100 * price.new
    return PriceRow(setting, price.ndcg.mean, cost.mean, cost.low, cost.high, diversity, new)


def strategy_rows(strategies: Sequence[Strategy]) -> tuple[StrategyRow, ...]:
    """Saved strategies as rows."""
    return tuple(
        StrategyRow(
            each.name, settings_words(each), each.model_id, each.saved, each.who, each.notes
        )
        for each in strategies
    )


def reweigh_sentence(reweighed: Reweighed) -> str:
    """What refitted weights change on the newest cases, and what to do."""
    gain = reweighed.test.difference
    about = tr(
        "on {cases} since {day} refitted weights change NDCG@{k} by {gain}",
        cases=count(reweighed.held_out, "held-out case"),
        day=day(reweighed.held_out_since),
        k=K,
        gain=_difference(gain.mean, gain.low, gain.high),
    )
    if reweighed.is_better:
        return tr("The refit pays: {about}.", about=about)
    if gain.high < 0:
        return tr("Keep the weights: {about}.", about=about)
    return tr("Keep the weights, no significant gain: {about}.", about=about)


def price_sentence(prices: Prices) -> str:
    """Up to which setting re-ranking has no significant price, and what the next one costs."""
    if prices.cases < LEAST_CASES:
        return _too_few(prices.cases)
    diversity = _free(
        tr("diversity"), prices.diversity, lambda price: f"{price.settings.diversity:g}"
    )
    said = {"cases": count(prices.cases, "validation case"), "diversity": diversity}
    if not prices.new_items:
        return tr(
            "On {cases}: {diversity}; no item is new (at most {most} training event).",
            most=NEW_UP_TO,
            **said,
        )
    return tr(
        "On {cases}: {diversity}; {share} ({new} of the catalogue's {items} have at most {most} "
        "training event).",
        share=_free(
            tr("a share for new items"),
            prices.new_share,
            lambda price: percent(price.settings.new_share),
        ),
        new=number(prices.new_items),
        items=count(prices.n_items, "item"),
        most=NEW_UP_TO,
        **said,
    )


def saved_price(price: Price, cases: int) -> str:
    """What a setting that was saved costs, on so many cases."""
    if cases < LEAST_CASES:
        return _too_few(cases)
    cost = _difference(price.price.mean, price.price.low, price.price.high)
    return tr(
        "Price on {cases}: NDCG@{k} {cost}.",
        cases=count(cases, "validation case"),
        k=K,
        cost=cost,
    )


def _too_few(cases: int) -> str:
    return tr("There are too few validation cases ({n}) to tell a price.", n=number(cases))


def _free(name: str, curve: Sequence[Price], of: object) -> str:
    assert callable(of)
    free, dear = None, None
    for price in curve[1:]:
        if price.price.high < 0:
            dear = price
            break
        free = price
    words = []
    if free is not None:
        words.append(
            tr("{name} up to {setting} has no significant price", name=name, setting=of(free))
        )
    if dear is not None:
        cost = _difference(dear.price.mean, dear.price.low, dear.price.high)
        label = of(dear)
        if free is None:
            label = tr("{name} of {setting}", name=name, setting=label)
        words.append(tr("{setting} changes NDCG@{k} by {cost}", setting=label, k=K, cost=cost))
    return trc("between clauses", ", ").join(words)


def _difference(mean: float, low: float, high: float) -> str:
    return f"{signed(mean, 4)} [{signed(low, 4)}, {signed(high, 4)}]"


def tell_weights(reweighed: Reweighed) -> list[str]:
    """A proposal in lines, for a terminal."""
    lines = [
        reweigh_sentence(reweighed),
        tr(
            "Refitted on {cases} since {day}. Weights, old and proposed, where everything about "
            "the case is average:",
            cases=count(reweighed.fitted_on, "case"),
            day=day(reweighed.since),
        ),
    ]
    lines += [
        f"  {each.component:<18} {signed(each.old)}  {signed(each.new)}"
        for each in reweighed.weights
    ]
    return lines


def tell_prices(prices: Prices) -> list[str]:
    """The curves in lines, for a terminal."""
    lines = [price_sentence(prices)]
    if prices.cases < LEAST_CASES:
        return lines
    for name, curve in (
        (tr("diversity"), prices.diversity),
        (tr("new share"), prices.new_share),
    ):
        for price in curve:
            setting = price.settings.diversity or price.settings.new_share
            cost = _difference(price.price.mean, price.price.low, price.price.high)
            lines.append(
                tr(
                    "  {name} {setting:<4g} NDCG@{k} {ndcg:.4f}, price {cost}, lists: diversity "
                    "{diversity}, new items {new}",
                    name=name,
                    setting=setting,
                    k=K,
                    ndcg=price.ndcg.mean,
                    cost=cost,
                    diversity=figure(price.diversity),
                    new=percent(price.new),
                )
            )
    return lines


def tell_log(log: Sequence[Logged], most: int | None = None) -> list[str]:
    """The log in lines, for a terminal."""
    lines = []
    for line in log[:most]:
        did = tr("{about} {id} {what}", about=tr(line.about), id=line.id, what=line.what)
        if line.who:
            did = tr("{did} by {who}", did=did, who=line.who)
        why = f": {line.why}" if line.why else ""
        lines.append(f"{day(line.when)}  {did}{why}")
    if most is not None and len(log) > most:
        lines.append(tr("... and {n} more (python -m core strategy)", n=number(len(log) - most)))
    return lines
