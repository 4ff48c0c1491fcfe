"""The model card: what a model was made from, how good it is, where it ends."""

from __future__ import annotations

from core.corpus.manifest import Manifest
from core.corpus.split import MIN_EVENTS_SCORED
from core.encode.item_text import LONGEST, TITLE_AND_CATEGORY
from core.model.folder import ModelConfig
from core.model.metrics import Metrics, Score
from core.recommend.registry import NAMES


def model_card(manifest: Manifest, config: ModelConfig, metrics: Metrics) -> str:
    """The card as Markdown."""
    about = " It is simulated." if manifest.simulated else ""
    if manifest.order_as_time:
        about += " Its files had no times: the model knows the order of each user's events alone."
    rows = "\n".join(_row(score) for score in metrics.best_first)
    unseen, targets = metrics.unseen_targets, metrics.targets
    quality = f"""## Quality on {targets:,} test events

| recommender | NDCG@10 [95 % interval] | recall@10 | MRR | coverage |
|---|---|---|---|---|
{rows}

Full ranking over the catalogue without the items already had; ties count half; intervals by \
bootstrap over users."""
    if not targets:
        quality = f"""## Quality: not judged

No user has {MIN_EVENTS_SCORED} or more events, so nobody could be scored. Nothing is known about \
the quality of this model, and no validation event chose its settings or its last epoch."""
    return f"""# Interest model {config.model_id} of the corpus {manifest.name}

## Corpus and split

{manifest.accepted:,} events of {manifest.users:,} users with {manifest.items:,} items, \
{manifest.with_text:,} events with text; corpus id `{manifest.corpus_id}`.{about}
{_item_text(config)}
Leave-last-out: each user's last event is test, the one before it validation, the rest training. \
Settings and early stopping by validation NDCG@10; the test events were read once, for the table \
below. Users with five or more events are scored.

{quality}

## Sentiment

Fitted on the training reviews of `{config.sentiment.fitted_on}`.
{_sentiment(metrics)}

## Map and time

Trustworthiness of the 2-D map: {metrics.trustworthiness:.3f} over 15 neighbours. Distances on it \
are not interest distances.
{_time(metrics)}
Best epoch: {metrics.best_epoch} of {len(metrics.training) - 1}.

## Limits

- The model's behaviour is not a person's mind: it learned what follows what in this corpus.
- Leave-last-out lets training see other users' later events; the temporal protocol \
(`evaluate --protocol temporal`) does not, and its figures are usually lower.
- {unseen:,} of {targets:,} test items ({unseen / max(targets, 1):.0%}) have no training event. \
They are in the catalogue because the file lists them; a constant for such items, chosen on \
validation, uses that knowledge.
- {metrics.excluded_targets:,} test items had been consumed before and count as misses.
"""


def _item_text(config: ModelConfig) -> str:
    """What describes an item; nothing where it is title and category, as in earlier cards."""
    if config.item_text == TITLE_AND_CATEGORY:
        return ""
    if not config.item_text:
        return "\nItems have no text of their own, only that of their training reviews.\n"
    columns = ", ".join(f"`{name}`" for name in config.item_text)
    return (
        f"\nText of an item: {columns}, each cut at {LONGEST} characters; where it has none, its "
        "training reviews.\n"
    )


def _row(score: Score) -> str:
    name = NAMES.get(score.recommender, score.recommender)
    figures = (
        "– | – | –"
        if score.recall is None
        else f"{score.recall:.3f} | {score.mrr:.4f} | {score.coverage:.2f}"
    )
    return f"| {name} | {score} | {figures} |"


def _sentiment(metrics: Metrics) -> str:
    quality = metrics.sentiment
    if quality is None or quality.auc is None:
        return "This corpus has no rated held-out reviews of both kinds to check it on."
    return (
        f"On {quality.reviews:,} held-out reviews of this corpus ({quality.negative_reviews:,} "
        f"with a low rating): polarity AUC {quality.auc:.3f}, Spearman {quality.spearman:.3f} "
        f"with the rating, mean absolute error {quality.mae:.2f} on the scale from -1 to 1."
    )


def _time(metrics: Metrics) -> str:
    if not metrics.seconds:
        return "The time is not recorded, so that the same corpus gives the same bytes."
    spent = ", ".join(f"{stage} {value:.0f} s" for stage, value in metrics.seconds.items())
    return f"Training took {sum(metrics.seconds.values()):.0f} s: {spent}."
