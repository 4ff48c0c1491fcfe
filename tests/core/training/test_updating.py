"""A model goes on with an appended corpus: nothing known moves, the old model stays."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.cli import main
from core.compare.beside import differences, recommender_of
from core.compare.columns import read_column, two_models
from core.compare.comparison import Comparison
from core.compare.model_causes import explain_models
from core.compare.models import comparable, of_model
from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.store import Corpus, Library
from core.domain import Columns, DomainError, Stopped
from core.encode.cache import open_cache
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.explain.explanation import Explanation
from core.model.folder import read_alone, read_config
from core.model.metrics import read_metrics
from core.model.warm import TOWER, warm_tower
from core.recommend.joint import Joint
from core.training.training import train
from core.training.updating import Parent, UpdateSettings, find_parent, former_of, update
from core.views.explain.beside import build_beside, name_of_model

from ..conftest import SMALL

NEW_ITEM, NEW_USER = "brand-new", "newcomer"
QUICK = UpdateSettings(epochs=1)


@pytest.fixture(scope="module")
def grown(
    shop_corpus: Corpus,
    encoder: TextEncoder,
    tmp_path_factory: pytest.TempPathFactory,
    measured: Path,
) -> tuple[Library, Path, Path]:
    """A library whose corpus grew by new events, kinds, items and users; its model, the update."""
    root = tmp_path_factory.mktemp("grown")
    library = Library.open(root / "library")
    library.root.mkdir()
    shutil.copy(measured, library.root)
    names = {Columns.Title: "item_title", Columns.Category: "category"}
    about = shop_corpus.items[[Columns.Item, *names]].rename(columns=names)
    events = shop_corpus.events.merge(about, on=Columns.Item)
    is_old = events[Columns.Time] <= events[Columns.Time].quantile(0.8)
    last = events.iloc[[-1] * 8].assign(
        **{
            Columns.Time: pd.date_range(events[Columns.Time].max(), periods=8, freq="D"),
            Columns.Item: [NEW_ITEM, *shop_corpus.item_ids[:6], NEW_ITEM],
            Columns.User: [NEW_USER] * 7 + [shop_corpus.user_ids[0]],
            Columns.Kind: "cart",
            "item_title": "A new thing",
            "category": "A new category",
        }
    )
    events[is_old].to_csv(root / "old.csv", index=False)
    # An event that comes late, with an item that the old model doesn't know.
    begin = {Columns.User: shop_corpus.user_ids[2], Columns.Time: events[Columns.Time].min()}
    late = last[:1].assign(**begin)
    pd.concat([events[~is_old], last, late]).to_csv(root / "new.csv", index=False)
    import_files(library, "shop", [root / "old.csv"])
    trained = train(library.corpus("shop"), library, replace(SMALL, epochs=1), encoder=encoder)
    append_files(library, "shop", [root / "new.csv"])
    with pytest.raises(Stopped):
        update(library.corpus("shop"), library, stop=lambda: True, encoder=encoder)
    assert library.model_folders("shop") == [trained]
    updated = update(library.corpus("shop"), library, None, QUICK, encoder=encoder)
    return library, trained, updated


def read(library: Library, folder: Path, encoder: TextEncoder) -> Parent:
    cache = open_cache(library)
    return Parent.read(folder, read_alone(folder, lambda texts: cache.vectors(texts, encoder)))


def test_an_item_is_explained_by_both_models_unless_one_lacks_it(
    grown: tuple[Library, Path, Path],
) -> None:
    library, trained, updated = grown
    engine = Engine.open(library.corpus("shop"), updated, library)
    history = engine.corpus.history(engine.corpus.user_ids[1])
    item = engine.corpus.history(engine.corpus.user_ids[3]).events[0].item_id
    other = recommender_of(engine, library, trained.name, "joint", item)
    pair = Explanation(engine, history, item), Explanation(
        engine, history, item, answered_by=other
    )  # fmt: skip
    rows = differences(*pair)
    apart = float(pair[0].events.whole) - float(pair[1].events.whole)
    assert sum(row.apart for row in rows) == pytest.approx(apart, abs=1e-6)
    steps = {row.steps for row in rows if row.steps}
    assert len(steps) == len(pair[0].game.players)
    names = name_of_model(updated.name), name_of_model(trained.name)
    said = build_beside(*pair, "model", names).sentence
    assert f"by {names[0]} and" in said and names[1] in said
    assert pair[1].counterfactual.rank_before == pair[1].rank  # asked of the other model too
    assert comparable(library, engine.corpus.manifest, updated.name) == (trained.name,)
    with pytest.raises(DomainError, match="does not know the item 'brand-new'"):
        recommender_of(engine, library, trained.name, "joint", NEW_ITEM)
    with pytest.raises(DomainError, match="is the one that is open"):
        recommender_of(engine, library, updated.name, "joint", item)


def test_an_update_opens_on_what_the_old_model_refuses(
    grown: tuple[Library, Path, Path],
) -> None:
    library, trained, updated = grown
    corpus = library.corpus("shop")
    with pytest.raises(DomainError, match=r"earlier content.*python -m core update shop"):
        Engine.open(corpus, trained, library)
    engine = Engine.open(corpus, updated, library)
    assert library.model_folders("shop") == [updated, trained]
    listed = engine.recommend(corpus.history(NEW_USER).up_to(2), 10)
    assert len(listed.items) == 10
    assert len(engine.trajectory(corpus.history(NEW_USER))) == 7
    former, parent = read_config(trained), read_config(updated).parent
    assert parent is not None
    assert (parent.model_id, parent.corpus_id) == (former.model_id, former.corpus_id)


def test_what_was_on_the_map_and_in_the_topics_stays(grown: tuple[Library, Path, Path]) -> None:
    _, trained, updated = grown
    old, new = (load_file(folder / "map.safetensors") for folder in (trained, updated))
    for name in ("anchors", "anchor_positions", "states", "state_topics"):
        assert old[name].tobytes() == new[name].tobytes()
    before, after = (pd.read_parquet(folder / "items.parquet") for folder in (trained, updated))
    kept = after[after["item_id"].isin(set(before["item_id"]))].reset_index(drop=True)
    assert list(kept["item_id"]) == list(before["item_id"])
    for name in ("x", "y", "topic"):
        assert kept[name].to_numpy().tobytes() == before[name].to_numpy().tobytes()
    topics = [read_config(folder).topics.names for folder in (trained, updated)]
    assert topics[1][: len(topics[0])] == topics[0]
    assert topics[1][-1] == "A new category"


def test_an_update_starts_where_the_model_was(
    grown: tuple[Library, Path, Path], encoder: TextEncoder
) -> None:
    """Also where more was written about an item since; a new item starts near its company."""
    library, trained, _ = grown
    corpus = library.corpus("shop")
    former = former_of(read(library, trained, encoder), corpus)
    users = np.repeat(np.arange(len(corpus.user_ids)), np.diff(corpus.user_starts))
    items = corpus.events[Columns.Item].map(corpus.item_index).to_numpy(np.int64)
    texts = np.random.default_rng(0).normal(size=(2, len(corpus.item_ids), encoder.dim))
    tower = warm_tower(former, users, items, *texts.astype(np.float32)).eval()
    vectors = tower()[0].detach().numpy()
    met = former.met
    np.testing.assert_allclose(vectors[met], former.vectors[met], atol=1e-5)
    assert np.linalg.norm(tower.ids.detach().numpy()[corpus.item_index[NEW_ITEM]]) > 0.1


def test_the_card_tells_what_was_learned_and_forgotten(
    grown: tuple[Library, Path, Path],
) -> None:
    library, trained, updated = grown
    metrics = read_metrics(updated)
    assert metrics is not None and metrics.update is not None
    facts, manifest = metrics.update, library.manifest("shop")
    assert facts.new_events == manifest.appends[0].accepted
    assert (facts.new_users, facts.new_items) == (
        manifest.appends[0].users,
        manifest.appends[0].items,
    )
    assert facts.new_targets > 0 and facts.replayed > 0 and 0 < facts.strength < 1
    assert facts.moved is not None and facts.moved >= 0
    card = (updated / "README.md").read_text()
    assert f"Updated from `{trained.name}`" in card
    assert "Updated from" not in (trained / "README.md").read_text()


def test_lists_before_and_after_an_update_side_by_side(
    grown: tuple[Library, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    library, trained, updated = grown
    corpus = library.corpus("shop")
    engine = Engine.open(corpus, updated, library)
    specs = two_models(NEW_USER, 6, trained.name)
    assert read_column(str(specs[0])) == specs[0]
    comparison = Comparison(engine, specs, library=library)
    before, after = comparison.columns
    assert (before.source, after.source) == (f"joint, model {trained.name[:8]}", "joint")
    assert not before.is_plain
    ranks = [comparison.rank(at, corpus.item_index[NEW_ITEM]) for at in (0, 1)]
    assert ranks[0] is not None and ranks[1] is not None and ranks[0] > ranks[1]
    both = [{item.item_id for item in shown.items} for shown in comparison.lists]
    assert all(len(items) == 10 for items in both)
    scores = comparison.scores[0]
    assert scores is not None and np.exp(scores.astype(float)).sum() == pytest.approx(1, abs=1e-3)
    columns = [word for spec in specs for word in ("--column", str(spec))]
    assert main(["compare", "shop", *columns, "--json", "--library", str(library.root)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [each["model"] for each in facts["columns"]] == [trained.name, updated.name]
    assert [each["recommender"] for each in facts["columns"]] == ["joint", "joint"]
    for item_id, parts in facts["changes"][0]["contributions"].items():
        old, new = (float(scores[corpus.item_index[item_id]]) for scores in comparison.scores)
        assert sum(parts.values()) == pytest.approx(new - old, abs=1e-4)
    assert {"catalogue", "network", "items", "weights"} <= set(parts)
    causes = [move["cause"] for move in facts["moves"]]
    assert causes and all(cause["component"] in parts for cause in causes)
    with pytest.raises(DomainError, match="there is no model 'nonesuch'"):
        Comparison(engine, two_models(NEW_USER, 6, "nonesuch"), library=library)


def test_what_changed_between_two_models_adds_up(grown: tuple[Library, Path, Path]) -> None:
    library, trained, updated = grown
    corpus = library.corpus("shop")
    engine = Engine.open(corpus, updated, library)
    history = corpus.history(NEW_USER)
    items = np.arange(len(corpus.item_ids))
    for name in ("joint", "interest", "ease"):
        old, new = of_model(engine, library, trained.name, name), engine.recommender(name)
        before, after = (model.log_probabilities([history])[0] for model in (old, new))
        for first, second, start, end in ((old, new, before, after), (new, old, after, before)):
            changes = explain_models(first, second, corpus.item_ids, history, items, kin=True)
            assert np.abs(changes.base - start).max() < 1e-4
            assert np.abs(changes.whole - end).max() < 1e-4
            assert np.abs(changes.residual).max() < 1e-9 and changes.exact
    assert changes.components == ("catalogue", "ease")
    # Models without a common ancestor: the interest model counts as a whole.
    strangers = explain_models(
        of_model(engine, library, trained.name, "interest"),
        engine.interest,
        corpus.item_ids,
        history,
        items,
        kin=False,
    )
    assert strangers.components == ("catalogue", "interest")
    # One recommender beside itself: nothing differs.
    same = engine.recommender("joint")
    nothing = explain_models(same, same, corpus.item_ids, history, items, kin=True)
    assert nothing.components == () and np.array_equal(nothing.base, nothing.whole)


def test_a_part_that_changed_alone_is_the_whole_cause(grown: tuple[Library, Path, Path]) -> None:
    library, _, updated = grown
    corpus = library.corpus("shop")
    joint = Engine.open(corpus, updated, library).recommender("joint")
    assert isinstance(joint, Joint)
    other = replace(joint, pool=joint.pool.scaled(0.5))
    history, items = corpus.history(corpus.user_ids[3]), np.arange(5)
    changes = explain_models(joint, other, corpus.item_ids, history, items, kin=True)
    assert changes.components == ("weights",)
    scores = [each.log_probabilities([history])[0, :5] for each in (joint, other)]
    assert changes.values[0] == pytest.approx(scores[1] - scores[0], abs=1e-4)


def test_what_an_update_can_not_go_on_from(
    grown: tuple[Library, Path, Path], encoder: TextEncoder, tmp_path: Path
) -> None:
    library, trained, _ = grown
    corpus = library.corpus("shop")
    with pytest.raises(DomainError, match="knows all of shop already"):
        find_parent(library, corpus)
    older = tmp_path / trained.name
    shutil.copytree(trained, older, ignore=shutil.ignore_patterns(TOWER, "SHA256SUMS"))
    with pytest.raises(DomainError, match=r"earlier version.*Train once more"):
        read(library, older, encoder)
    elsewhere = replace(
        corpus, manifest=corpus.manifest.model_copy(update={"appends": (), "corpus_id": "0" * 16})
    )
    with pytest.raises(DomainError, match="no model was made from content that shop grew from"):
        find_parent(library, elsewhere)


def test_the_verb_updates(
    grown: tuple[Library, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "library"
    shutil.copytree(grown[0].root, root)
    shutil.rmtree(root / "models" / "shop" / grown[2].name)
    assert main(["update", "shop", "--json", "--library", str(root)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parent"] == grown[1].name
    assert facts["update"]["new_users"] == 1
    assert main(["update", "shop", "--library", str(root)]) == 2
    assert "knows all of shop already" in capsys.readouterr().err


@pytest.mark.parametrize("without", [(), ("ease", "content")])
def test_a_corpus_that_outgrew_a_baseline_goes_on_with_its_successor(
    grown: tuple[Library, Path, Path],
    encoder: TextEncoder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    without: tuple[str, ...],
) -> None:
    """EASE serves up to so many items; what has no successor is left out."""
    library = Library.open(tmp_path / "library")
    shutil.copytree(grown[0].root, library.root)
    shutil.rmtree(library.root / "models" / "shop" / grown[2].name)
    corpus = library.corpus("shop")
    monkeypatch.setattr("core.recommend.scorers.MOST_ITEMS", 5)
    if without:
        monkeypatch.setattr("core.training.updating.SUCCESSORS", {})
        monkeypatch.setattr(
            "core.recommend.scorers.Content.grid", classmethod(lambda cls, data, only=None: ())
        )
    updated = update(corpus, library, None, QUICK, encoder=encoder)
    joint = Engine.open(corpus, updated, library).recommender("joint")
    before = read(library, grown[1], encoder).joint
    assert isinstance(joint, Joint)
    wanted = [
        each.id if each.id != "ease" else "sparse-ease"
        for each in before.components
        if each.id not in without
    ]
    assert [each.id for each in joint.components] == wanted
