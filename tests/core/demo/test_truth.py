"""The truth behind the demo: it says what really happened in the events and the words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corpus.folder import load_corpus
from core.demo.simulation import SimulatedShop
from core.demo.truth import load_truth
from core.domain import Columns, DomainError, review_words


@pytest.fixture(scope="module")
def story(shop: SimulatedShop) -> pd.DataFrame:
    """Events with their truth, the item's category and family, and the user's next event."""
    facts = shop.truth.items.set_index(Columns.Item)
    events = pd.concat([shop.events, shop.truth.events], axis=1)
    events["family"] = facts["family"].loc[events[Columns.Item]].to_numpy()
    categories = shop.items.set_index(Columns.Item)[Columns.Category]
    events["category"] = categories.loc[events[Columns.Item]].to_numpy()
    users = events.groupby(Columns.User)
    for step in (1, 2, 3):
        events[f"family+{step}"] = users["family"].shift(-step)
    events["item+1"] = users[Columns.Item].shift(-1)
    return events


def test_the_mix_is_a_distribution_over_the_named_categories(shop: SimulatedShop) -> None:
    truth = shop.truth
    assert truth.mix.shape == (len(shop.events), len(truth.categories))
    assert truth.mix.dtype == np.float32
    assert np.allclose(truth.mix.sum(axis=1), 1.0, atol=1e-6)
    assert (truth.mix > 0).all()


def test_events_follow_the_planted_mix(shop: SimulatedShop, story: pd.DataFrame) -> None:
    main = np.array(shop.truth.categories)[shop.truth.mix.argmax(axis=1)]
    fresh = (story["need"] == "interest").to_numpy()
    expected = shop.truth.mix.max(axis=1)[fresh].mean()
    assert abs((main == story["category"])[fresh].mean() - expected) < 0.03
    assert 0.05 <= shop.truth.events["gift"].mean() <= 0.08


def test_every_process_is_there_and_its_changes_fit(shop: SimulatedShop) -> None:
    truth = shop.truth
    shares = truth.users["process"].value_counts(normalize=True)
    assert set(shares.index) == {"steady", "drift", "turn", "seasonal", "explorer"}
    assert shares.min() > 0.1
    by_process = truth.changes.groupby("process")[Columns.User].nunique()
    assert "steady" not in by_process.index
    assert len(truth.turns) == (truth.users["process"] == "turn").sum()
    assert (truth.changes["source"] != truth.changes["target"]).all()
    seasonal = truth.users[truth.users["process"] == "seasonal"]
    assert seasonal["season"].notna().all()


def test_a_turn_separates_two_main_categories(shop: SimulatedShop) -> None:
    truth, events = shop.truth, shop.events
    main = np.array(truth.categories)[truth.mix.argmax(axis=1)]
    assert len(truth.turns) > 100
    for turn in truth.turns.itertuples():
        own = (events[Columns.User] == turn.user_id).to_numpy()
        before = own & (events[Columns.Time] < turn.start).to_numpy()
        after = own & (events[Columns.Time] >= turn.start).to_numpy()
        assert set(main[before]) == {turn.source}
        assert set(main[after]) <= {turn.target}


def test_planted_words_stand_where_the_truth_says(shop: SimulatedShop) -> None:
    events, truth = shop.events, shop.truth
    texts = [
        review_words(title, text)
        for title, text in zip(events[Columns.Title], events[Columns.Text], strict=True)
    ]
    for word in truth.words.itertuples():
        assert texts[word.row][word.start : word.end] == word.word
        assert word.polarity in (-1, 1)
    reviewed = np.flatnonzero(events[Columns.Text].notna())
    assert set(truth.words["row"]) == set(reviewed)
    single = ~truth.words["word"].str.contains(" ")
    assert single.mean() > 0.95


def test_bodies_have_one_to_four_planted_words(shop: SimulatedShop) -> None:
    words = shop.truth.words
    titles = shop.events[Columns.Title].str.len().fillna(-1)
    in_body = words["start"] > titles.loc[words["row"]].to_numpy()
    is_emoji = words["word"].str.match(r"^[^\w]")
    counts = words[in_body & ~is_emoji].groupby("row").size()
    assert counts.between(1, 4).all()
    assert len(counts) == shop.events[Columns.Text].notna().sum()


def test_ratings_follow_the_planted_sentiment(shop: SimulatedShop) -> None:
    ratings, sentiment = shop.events[Columns.Rating], shop.truth.events["sentiment"]
    rows = ratings.notna() & sentiment.notna()
    assert np.corrcoef(ratings[rows], sentiment[rows])[0, 1] > 0.85
    four_stars = sentiment[rows & (ratings == 4)]
    assert 0.2 < (four_stars.abs() < 1).mean() < 0.6
    assert sentiment.dropna().between(-1, 1).all()


def test_a_wish_in_a_text_comes_true_soon(story: pd.DataFrame) -> None:
    reviews = story[story["kind"] == "review"]
    assert 0.12 < reviews["wish"].notna().mean() < 0.18
    wishes = story[story["wish"].notna() & story["family+3"].notna()]
    soon = sum((wishes[f"family+{n}"] == wishes["wish"]) for n in (1, 2, 3)) > 0
    assert (wishes["family+1"] == wishes["wish"]).mean() > 0.5
    assert soon.mean() > 0.65
    spoken = [
        any(part in row.text.lower() for part in row.wish.removesuffix("s").split()[-1:])
        for row in story[story["wish"].notna()].itertuples()
    ]
    assert np.mean(spoken) > 0.8


def test_accessories_follow_what_they_go_with(shop: SimulatedShop, story: pd.DataFrame) -> None:
    companions = shop.truth.items.set_index(Columns.Item)["companion"]
    happy = story[(story["rating"] >= 4) & ~story["gift"] & story["wish"].isna()]
    happy = happy[happy["item+1"].notna()]
    goes_with = companions.loc[happy[Columns.Item]].to_numpy()
    assert (happy["item+1"].to_numpy() == goes_with).mean() > 0.12
    unhappy = story[(story["rating"] <= 2) & story["item+1"].notna()]
    goes_with = companions.loc[unhappy[Columns.Item]].to_numpy()
    assert (unhappy["item+1"].to_numpy() == goes_with).mean() < 0.06


def test_a_bad_experience_turns_users_away_from_the_family(story: pd.DataFrame) -> None:
    def returns(rows: pd.DataFrame) -> float:
        rows = rows[rows["family+3"].notna()]
        return float(np.mean([rows[f"family+{n}"] == rows["family"] for n in (1, 2, 3)]))

    assert returns(story[story["rating"] <= 2]) < 0.7 * returns(story[story["rating"] == 5])


def test_the_truth_survives_writing_and_fits_the_corpus(demo: Path, shop: SimulatedShop) -> None:
    truth = load_truth(demo / "truth")
    assert len(truth.mix) == len(load_corpus(demo / "corpus").events)
    assert np.array_equal(truth.mix, shop.truth.mix)
    assert truth.categories == shop.truth.categories
    assert truth.families == shop.truth.families
    for name in ("users", "words", "changes", "items"):
        read, made = getattr(truth, name), getattr(shop.truth, name)
        for column in made.columns:
            known = made[column].notna()
            assert (read[column].notna() == known).all()
            assert list(read[column][known]) == list(made[column][known])


def test_a_missing_truth_says_how_to_rebuild_it(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="python -m core demo"):
        load_truth(tmp_path)
