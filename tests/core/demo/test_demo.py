"""The demo corpus: the size and shares it promises, and the same bytes from every build."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from core.corpus.folder import load_corpus
from core.demo.simulation import SimulatedShop, simulate, write_demo
from core.domain import LATER_KINDS, Columns, EventKind, order_events

PROJECT = Path(__file__).resolve().parents[3]
SHIPPED = PROJECT / "data" / "demo"
CONSUMING = ("purchase", "rating", "review")


def files_in(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def corpus_and_truth(folder: Path) -> dict[str, bytes]:
    return {
        f"{part}/{name}": content
        for part in ("corpus", "truth")
        for name, content in files_in(folder / part).items()
    }


def test_the_shop_has_the_promised_size(shop: SimulatedShop) -> None:
    events, items = shop.events, shop.items
    assert events[Columns.User].nunique() == 800
    assert 470 <= len(items) <= 490
    assert 13_500 <= len(events) <= 15_500
    assert set(events[Columns.Kind]) == {str(kind) for kind in EventKind if kind not in LATER_KINDS}
    assert events[Columns.Text].notna().mean() >= 0.40
    assert events[Columns.Kind].value_counts(normalize=True).min() >= 0.04
    assert events[Columns.Time].min().year == 2022
    assert events[Columns.Time].max().year == 2024


def test_nine_categories_hold_four_to_seven_families_each(shop: SimulatedShop) -> None:
    truth = shop.truth
    assert truth.categories == tuple(sorted(set(shop.items[Columns.Category])))
    assert len(truth.categories) == 9
    assert all(4 <= len(families) <= 7 for families in truth.families.values())
    assert shop.items.groupby(Columns.Category).size().min() >= 50


def test_items_have_distinct_titles_prices_and_descriptions(shop: SimulatedShop) -> None:
    items = shop.items
    assert items[Columns.Title].is_unique
    assert (items[Columns.Price] > 0).all()
    assert items[Columns.Description].str.len().min() > 20
    assert (
        not items[[Columns.Title, Columns.Description]]
        .apply(lambda column: column.str.contains(r"[{}\[\]]").any())
        .any()
    )


def test_popularity_is_skewed_and_a_dozen_items_have_no_review(shop: SimulatedShop) -> None:
    events = shop.events
    counts = events[Columns.Item].value_counts()
    top_fifth = counts.iloc[: len(shop.items) // 5].sum() / len(events)
    assert top_fifth > 0.4
    never_seen = set(shop.items[Columns.Item]) - set(counts.index)
    brand_new = shop.truth.items.loc[shop.truth.items["brand_new"], Columns.Item]
    assert set(brand_new) <= never_seen
    reviewed = set(events.loc[events[Columns.Kind] == "review", Columns.Item])
    assert len(set(shop.items[Columns.Item]) - reviewed) >= 12


def test_events_are_in_contract_order_and_nothing_is_bought_twice(shop: SimulatedShop) -> None:
    events = shop.events
    assert events[Columns.User].is_monotonic_increasing
    times = events.groupby(Columns.User)[Columns.Time]
    assert times.apply(lambda own: own.is_monotonic_increasing and own.is_unique).all()
    consumed = events[events[Columns.Kind].isin(CONSUMING)]
    assert not consumed.duplicated([Columns.User, Columns.Item, Columns.Kind]).any()
    repeats = consumed[consumed.duplicated([Columns.User, Columns.Item])]
    assert set(repeats[Columns.Kind]) == {"review"}


def test_the_last_two_events_are_never_of_an_item_consumed_before(shop: SimulatedShop) -> None:
    for _, own in shop.events.groupby(Columns.User):
        consumed: set[str] = set()
        for n, (item, kind) in enumerate(zip(own[Columns.Item], own[Columns.Kind], strict=True)):
            if n >= len(own) - 2:
                assert item not in consumed
            if kind in CONSUMING:
                consumed.add(item)


def test_texts_are_not_repeated(shop: SimulatedShop) -> None:
    texts = shop.events[Columns.Text].dropna().str.lower()
    assert 1 - texts.nunique() / len(texts) < 0.01
    sentences = texts.str.split(r"(?<=[.!?]) ", regex=True).explode()
    sentences = sentences[sentences.str.len() > 2]
    assert sentences.duplicated(keep=False).mean() < 0.06
    assert texts.str.len().quantile(0.05) < 70
    assert texts.str.len().quantile(0.95) > 220


def test_texts_hold_no_template_marks(shop: SimulatedShop) -> None:
    words = pd.concat([shop.events[Columns.Text], shop.events[Columns.Title]]).dropna()
    assert not words.str.contains("[{}\\[\\]@|~\ue000-\ue002]|  |\\.\\.| \\.").any()


def test_the_written_corpus_loads_and_keeps_the_order(demo: Path, shop: SimulatedShop) -> None:
    corpus = load_corpus(demo / "corpus")
    assert corpus.manifest.simulated
    assert corpus.manifest.duplicates == corpus.manifest.quarantined == 0
    assert list(corpus.events[Columns.Item]) == list(shop.events[Columns.Item])
    assert list(corpus.items[Columns.Item]) == list(shop.items[Columns.Item])
    for user in corpus.user_ids[:20]:
        history = corpus.history(user)
        assert history.events == order_events(user, history.events)


def test_the_corpus_is_small(demo: Path) -> None:
    assert sum(len(content) for content in files_in(demo).values()) < 6_000_000


def test_another_process_builds_the_same_bytes(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write_demo(here, simulate(n_users=30))
    code = "import sys, pathlib; from core.demo.simulation import simulate, write_demo; "
    code += "write_demo(pathlib.Path(sys.argv[1]), simulate(n_users=30))"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu"}
    subprocess.run(
        [sys.executable, "-c", code, str(there)], check=True, cwd=PROJECT, env=environment
    )
    assert files_in(there) == files_in(here)


def test_the_shipped_demo_is_this_build(demo: Path) -> None:
    assert corpus_and_truth(SHIPPED) == corpus_and_truth(demo)


def test_another_seed_gives_another_shop() -> None:
    one, other = simulate(seed=1, n_users=5), simulate(seed=2, n_users=5)
    assert list(one.events[Columns.Text].dropna()) != list(other.events[Columns.Text].dropna())
    assert np.allclose(other.truth.mix.sum(axis=1), 1.0)
