"""Which columns of the items file describe an item, and what of them is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from core.corpus.corpus import Corpus
from core.corpus.options import ImportOptions, parse_names
from core.corpus.store import Library
from core.domain import Columns, DomainError
from core.encode.item_text import (
    LONGEST,
    TITLE_AND_CATEGORY,
    choose_columns,
    item_texts,
    text_columns,
)

Shop = Callable[[list[dict[str, object]]], Corpus]


@pytest.fixture
def shop(shelf: Library) -> Shop:
    """A corpus of one purchase per item, with these facts of the items."""

    def make(facts: list[dict[str, object]]) -> Corpus:
        ids = [f"i{at}" for at in range(len(facts))]
        rows = [
            {
                **dict.fromkeys(Columns.ITEMS),
                **{name: value for name, value in fact.items() if name in Columns.ITEMS},
                Columns.Item: item,
                Columns.Extra: json.dumps(
                    {name: value for name, value in fact.items() if name not in Columns.ITEMS}
                ),
            }
            for item, fact in zip(ids, facts, strict=True)
        ]
        events = pd.DataFrame(
            {
                Columns.User: "u",
                Columns.Item: ids,
                Columns.Time: pd.date_range("2024-01-01", periods=len(ids), tz="UTC"),
                Columns.Kind: "purchase",
                Columns.Rating: float("nan"),
                Columns.Title: None,
                Columns.Text: None,
            }
        )
        return shelf.write("texts", events, pd.DataFrame(rows), rating_scale=None)

    return make


FACTS: list[dict[str, object]] = [
    {
        "title": "Lamp",
        "category": "Light",
        "description": "Warm light for reading.",
        "Brand": "Tarsik",
        "features": ["dimmable", "quiet"],
        "sku": "X-100",
        "image": "https://shop.example/1 a.jpg",
        "new": "yes",
        "weight": 3,
    },
    {
        "title": "Chair",
        "category": "Home",
        "description": "A chair of beech wood, " + "solid and heavy " * 40,
        "Brand": "Velmora",
        "features": ["stackable"],
        "sku": "X-200",
        "image": "https://shop.example/2 b.jpg",
        "new": "no",
        "weight": 9,
    },
]


def test_by_default_all_words_are_read_title_first_and_no_codes(shop: Shop) -> None:
    corpus = shop(FACTS)
    assert choose_columns(corpus) == ("title", "category", "Brand", "features", "description")
    assert {"sku", "image", "new"} < set(text_columns(corpus)) and "weight" not in text_columns(
        corpus
    )
    lamp, chair = item_texts(corpus, choose_columns(corpus))
    assert lamp == "Lamp. Light. Tarsik. dimmable, quiet. Warm light for reading."
    assert chair.startswith("Chair. Home. Velmora. stackable. A chair of beech wood, solid")
    assert len(chair) < LONGEST + 40 and chair.endswith(("solid", "and", "heavy"))


def test_columns_are_read_as_told_in_any_case(shop: Shop) -> None:
    corpus = shop(FACTS)
    assert choose_columns(corpus, ["SKU", "brand", "sku"]) == ("sku", "Brand")
    assert item_texts(corpus, ("sku", "Brand")) == ["X-100. Tarsik", "X-200. Velmora"]
    with pytest.raises(DomainError, match=r"no item has a text 'colour'.*Choose from title, "):
        choose_columns(corpus, ["title", "colour"])
    with pytest.raises(DomainError, match="no column is named"):
        parse_names(" , ")


def test_what_the_import_named_is_read_unless_told_otherwise(shop: Shop) -> None:
    corpus = shop(FACTS)
    options = ImportOptions(item_text=("maker", "Title"))
    facts = {"options": options, "mapping": {"item.title": "maker"}}
    named = replace(corpus, manifest=corpus.manifest.model_copy(update=facts))
    assert choose_columns(named) == ("title",)
    assert choose_columns(named, ["brand"]) == ("Brand",)


def test_what_was_said_is_not_read_twice(shop: Shop) -> None:
    (text,) = item_texts(
        shop([{"title": "Red lamp", "description": "Lamp, red!"}]), ("title", "description")
    )
    assert text == "Red lamp"


def test_items_without_a_word(shop: Shop) -> None:
    corpus = shop([{}, {}])
    assert (choose_columns(corpus), item_texts(corpus, ())) == ((), ["", ""])
    with pytest.raises(DomainError, match="import the corpus with --items"):
        choose_columns(corpus, ["title"])


def test_the_demo_is_read_as_before(demo_library: Library) -> None:
    corpus = demo_library.corpus("demo")
    first = corpus.items.iloc[0]
    assert item_texts(corpus, TITLE_AND_CATEGORY)[0] == f"{first.title}. {first.category}"
