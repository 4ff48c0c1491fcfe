"""The model card: what a model was made from, how good it is, where it ends."""

from __future__ import annotations

from typing import Any

from core.corpus.manifest import Manifest
from core.recommend.registry import NAMES


def model_card(manifest: Manifest, config: dict[str, Any], metrics: dict[str, Any]) -> str:
    """The card as Markdown, from the manifest, ``config.json`` and ``metrics.json``."""
    return "\n".join(
        [
            f"# Interest model {config['model_id']} of the corpus {manifest.name}",
            "",
            *_corpus(manifest),
            "",
            *_quality(metrics),
            "",
            *_sentiment(config, metrics),
            "",
            *_map_and_time(metrics),
            "",
            *_limits(metrics),
            "",
        ]
    )


def _corpus(manifest: Manifest) -> list[str]:
    simulated = " It is simulated." if manifest.simulated else ""
    return [
        "## Corpus and split",
        "",
        f"{manifest.accepted:,} events of {manifest.users:,} users with {manifest.items:,} items, "
        f"{manifest.with_text:,} events with text; corpus id `{manifest.corpus_id}`.{simulated}",
        "",
        "Leave-last-out: each user's last event is test, the one before it validation, the rest "
        "training. Settings and early stopping by validation NDCG@10; the test events were read "
        "once, for the table below. Users with five or more events are scored.",
    ]


def _quality(metrics: dict[str, Any]) -> list[str]:
    rows = sorted(metrics["results"], key=lambda row: -(row["ndcg"] or 0.0))
    lines = [
        f"## Quality on {metrics['targets']:,} test events",
        "",
        "| recommender | NDCG@10 [95 % interval] | recall@10 | MRR | coverage |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["ndcg_ci"]
        lines.append(
            f"| {NAMES.get(row['recommender'], row['recommender'])} "
            f"| {row['ndcg']:.4f} [{low:.4f}, {high:.4f}] | {row['recall']:.3f} "
            f"| {row['mrr']:.4f} | {row['coverage']:.2f} |"
        )
    lines += [
        "",
        "Full ranking over the catalogue without the items already had; ties count half; intervals "
        "by bootstrap over users.",
    ]
    return lines


def _sentiment(config: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    quality = metrics["sentiment"]
    lines = ["## Sentiment", "", f"Fitted on the training reviews of `{_origin(config)}`."]
    if quality["auc"] is not None:
        lines.append(
            f"On {quality['reviews']:,} held-out reviews of this corpus "
            f"({quality['negative_reviews']:,} with a low rating): polarity AUC "
            f"{quality['auc']:.3f}, Spearman {quality['spearman']:.3f} with the rating, mean "
            f"absolute error {quality['mae']:.2f} on the scale from -1 to 1."
        )
    else:
        lines.append("This corpus has no rated held-out reviews of both kinds to check it on.")
    return lines


def _origin(config: dict[str, Any]) -> str:
    return str(config["sentiment"]["fitted_on"])


def _map_and_time(metrics: dict[str, Any]) -> list[str]:
    lines = [
        "## Map and time",
        "",
        f"Trustworthiness of the 2-D map: {metrics['trustworthiness']:.3f} over 15 neighbours. "
        "Distances on it are not interest distances.",
    ]
    seconds = metrics.get("seconds")
    if seconds:
        spent = ", ".join(f"{stage} {value:.0f} s" for stage, value in seconds.items())
        lines.append(f"Training took {sum(seconds.values()):.0f} s: {spent}.")
    else:
        lines.append("The time is not recorded, so that the same corpus gives the same bytes.")
    lines.append(f"Best epoch: {metrics['best_epoch']} of {len(metrics['training']) - 1}.")
    return lines


def _limits(metrics: dict[str, Any]) -> list[str]:
    share = metrics["unseen_targets"] / max(metrics["targets"], 1)
    return [
        "## Limits",
        "",
        "- The model's behaviour is not a person's mind: it learned what follows what in this "
        "corpus.",
        "- Leave-last-out lets training see other users' later events; the temporal protocol "
        "(`evaluate --protocol temporal`) does not, and its figures are usually lower.",
        f"- {metrics['unseen_targets']:,} of {metrics['targets']:,} test items ({share:.0%}) have "
        "no training event. They are in the catalogue because the file lists them; a constant for "
        "such items, chosen on validation, uses that knowledge.",
        f"- {metrics.get('excluded_targets', 0):,} test items had been consumed before and count "
        "as misses.",
    ]
