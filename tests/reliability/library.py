"""A small library with one of everything, to be damaged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

from core.cli import main
from core.compare.fork import run
from core.compare.replay import make_capsule
from core.corpus.appending import append_files
from core.corpus.own import own_history, write_own
from core.corpus.store import Library
from core.demo.simulation import simulate
from core.domain import Columns
from core.engine import Engine
from core.evaluate.ablations import ablation_of_model
from core.model.config import InterestConfig
from core.notebook import Finding, Notebook, Seen
from core.scenario.edits import Edit, Op
from core.scenario.store import Scenario, ScenarioStore
from core.scenario.unsaved import Unsaved, to_address
from core.strategy.adjusted import Settings
from core.strategy.store import save_strategy
from core.training.training import train

TINY = replace(InterestConfig(), dim=16, hidden=8, epochs=1, batch_users=8)
CITIES = ("Lyon", "Porto")
EDITS = [{"op": "delete", "step": 2}]


def fill(root: Path) -> None:
    """Two corpora, one of them grown, two models, lists, evaluations, turnover, turning points,
    trials, a scenario, a finding, a strategy, an own history and edits too long for an address;
    attributes of users, a cohort and what would become of it.
    """
    library = Library.open(root)
    for name, n_users in (("shop", 14), ("other", 6)):
        shop = simulate(n_users=n_users)
        events = shop.events.groupby(Columns.User).head(9).reset_index(drop=True)
        items = shop.items[shop.items[Columns.Item].isin(set(events[Columns.Item]))]
        library.write(name, events, items.reset_index(drop=True), rating_scale=(1.0, 5.0))
    new = root / "new.csv"
    new.write_text("user_id,item_id,timestamp,text\nU0003,added,2024-05-20T10:00:00,sturdy\n")
    users = root / "users.csv"
    users.write_text("user_id,city\n" + "".join(f"U{at:04},{CITIES[at % 2]}\n" for at in range(14)))
    append_files(library, "shop", [new], users=users)
    new.unlink()
    users.unlink()
    corpus = library.corpus("shop")
    train(corpus, library, TINY)
    folder = train(corpus, library, replace(TINY, seed=1))
    engine = Engine.open(corpus, folder, library)
    user = corpus.user_ids[0]
    history = corpus.history(user)
    fork = run(engine, history, [Edit(Op.DELETE, step=2)], None)
    capsule = make_capsule(fork, "less")
    (root / "capsule.json").write_text(capsule.to_text())
    (root / "edits.json").write_text(json.dumps(EDITS))
    ScenarioStore.open(library).save(Scenario(capsule))
    seen = Seen(page="timeline", title="T", query="", corpus="shop", corpus_id=corpus.corpus_id)
    Notebook.open(library).keep(Finding("what was found", seen), '{"data": [], "layout": {}}')
    write_own(root, "shop", own_history("shop", history.events[:3]), ())
    words = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz ", k=4_000))
    to_address(Unsaved((Edit(Op.EDIT, step=1, text=words),)), library)
    save_strategy(library, "shop", "diverse", engine.model_id, Settings(0.2, 0.5), None, "try")
    ablation_of_model(engine, library)
    lists = root / "lists.csv"
    last = history.events[-1].timestamp.isoformat()
    rows = [f"{user},{last},{rank},{item}" for rank, item in enumerate(corpus.item_ids[:5], 1)]
    lists.write_text("\n".join(["user_id,timestamp,rank,item_id", *rows]) + "\n")
    (root / "new.json").write_text('[{"op": "edit", "step": 1, "text": "never read before"}]')
    for verb in (
        ["whatif", "shop", "--user", user, "--edits", str(root / "new.json")],
        ["turnover", "shop"],
        ["turns", "shop"],
        ["evaluate", "shop", "--k", "5"],
        ["import-lists", str(lists), "--name", "shop"],
        ["tune", "shop", "--minutes", "0.01"],
        ["cohort", "shop", "--rule", "least_events=5", "--save", "busy"],
        [
            "whatif",
            "shop",
            "--cohort",
            "busy",
            "--pattern",
            "do=delete&last=1",
            "--save",
            "shorter",
        ],
    ):
        assert main([*verb, "--library", str(root)]) == 0
    lists.unlink()
    (root / "new.json").unlink()
