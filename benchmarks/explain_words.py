"""The figures of words: sections ``words`` and ``planted`` of ``python -m benchmarks.explain``."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from benchmarks.engines import demo_engine, demo_truth
from benchmarks.measuring import Line, cases, show
from core.domain import Columns, review_words
from core.engine import Engine
from core.explain.word_model import ROUNDS
from core.explain.word_values import Review, leave_one_out, sentiment_game, shap_words, split_words
from core.shapley.engine import values_by_shap

REFERENCE, BATCH = 5_000, 512


def words() -> list[Line]:
    """Words of 80-word reviews, against shap's own explainer on the same model as it comes."""
    engine = demo_engine()
    texts = _long_reviews(engine, cases(8))
    looks, slow = [], []
    found: dict[int, list[tuple[float, float, float, float]]] = {1: [], ROUNDS: []}
    plain = _plain_explainer(engine)
    plain(texts[:1])
    leave_one_out(sentiment_game(_review(engine, texts[0]), engine.sentiment), 80)
    for text in texts:
        review = _review(engine, text)
        n = len(review.words)
        began = time.perf_counter()
        leave_one_out(sentiment_game(review, engine.sentiment), n)
        looks.append(time.perf_counter() - began)
        began = time.perf_counter()
        plain([text])
        slow.append(time.perf_counter() - began)
        game = sentiment_game(review, engine.sentiment)
        orders = REFERENCE // (2 * n + 1)
        reference = values_by_shap(
            "Permutation", game, n, max_evals=orders * (2 * n + 1), batch_size=BATCH
        )
        for rounds, results in found.items():
            review = _review(engine, text)
            began = time.perf_counter()
            values = shap_words(sentiment_game(review, engine.sentiment), review, rounds)
            seconds = time.perf_counter() - began
            same = float(spearmanr(values.values, reference)[0])
            results.append((seconds, slow[-1] / seconds, same, values.fit or 1.0))
    look = statistics.median(looks)
    lines = [show(Line("leave-one-out, 80 words, median", "0.2 s", f"{look:.2f} s", look <= 0.2))]
    for rounds, results in found.items():
        which = "first SHAP values" if rounds == 1 else "SHAP values"
        times, ratios, same_as, fits = (np.array(column) for column in zip(*results, strict=True))
        quick, ratio, alike = float(np.median(times)), float(np.median(ratios)), same_as.mean()
        lines += [
            show(Line(f"{which}, 80 words, median", "1.2 s", f"{quick:.2f} s", quick <= 1.2)),
            show(Line(f"{which}, times as fast as shap.Explainer as it comes", "6 times",
                      f"{ratio:.1f} times", ratio >= 6)),
            show(Line(f"{which}, rank correlation with shap's Permutation, {REFERENCE:,} "
                      "evaluations", ".9", f"{alike:.3f} (lowest {same_as.min():.3f}; predicts "
                      f"{fits.mean():.0%} of unseen partial texts)", bool(alike >= 0.9))),
        ]  # fmt: skip
    return lines


def _plain_explainer(engine: Engine) -> Callable[[list[str]], Any]:
    """shap.Explainer with default settings over the same weights as transformers gives them."""
    import shap
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder, sentiment = str(engine.encoder.folder), engine.sentiment
    limit = engine.encoder.max_tokens
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network = AutoModel.from_pretrained(folder, local_files_only=True).float().eval()

    def predict(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            batch = tokenizer([str(text) for text in texts], padding=True, truncation=True,
                              max_length=limit, return_tensors="pt")  # fmt: skip
            hidden = network(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return sentiment.predict(vectors)

    explainer = shap.Explainer(predict, shap.maskers.Text(tokenizer))
    return lambda texts: explainer(texts, silent=True)


def planted() -> list[Line]:
    """Are the three strongest words of a demo review those whose sentiment was planted?"""
    engine, truth = demo_engine(), demo_truth()
    table = engine.corpus.events
    rows = np.flatnonzero(table[Columns.Text].notna().to_numpy())
    rows = np.random.default_rng(0).permutation(rows)
    hits: list[float] = []
    chance: list[float] = []
    for row in rows.tolist():
        review = _review(engine, review_words(table[Columns.Title][row], table[Columns.Text][row]))
        planted = truth.words[truth.words["row"] == row]
        spans = list(zip(planted["start"], planted["end"], strict=True))
        is_planted = np.array(
            [any(a < word.end and word.start < b for a, b in spans) for word in review.words]
        )
        if is_planted.sum() < 3:
            continue
        values = shap_words(sentiment_game(review, engine.sentiment), review).values
        top = np.argsort(-np.abs(values), kind="stable")[:3]
        hits.append(float(is_planted[top].mean()))
        chance.append(float(is_planted.mean()))
        if len(hits) == cases(200):
            break
    precision = float(np.mean(hits))
    return [
        show(Line(f"planted words among the top 3, {len(hits)} reviews with 3 or more", ".8",
                  f"{precision:.3f} (random {np.mean(chance):.3f})", precision >= 0.8))
    ]  # fmt: skip


def _long_reviews(engine: Engine, most: int) -> list[str]:
    """Texts of 80 words, put together from the demo's reviews."""
    table = engine.corpus.events
    texts = table[Columns.Text].dropna().sample(frac=1, random_state=0).tolist()
    found, parts = [], ""
    for text in texts:
        parts = f"{parts} {text}".strip()
        words = split_words(parts)
        if len(words) >= 80:
            found.append(parts[: words[79].end])
            parts = ""
        if len(found) == most:
            break
    return found


def _review(engine: Engine, text: str) -> Review:
    """A review of which nothing is encoded yet."""
    return Review(text, split_words(text), 0, engine.encoder)
