"""The notebooks in docs run as they stand, and results show themselves in Jupyter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.notebooks import run
from core.compare.columns import ColumnSpec
from core.compare.comparison import Comparison
from core.compare.fork import run as fork
from core.corpus.store import Library
from core.domain import RecommendationList, RecommendedItem
from core.engine import Engine
from core.explain.explanation import Explanation
from core.html_table import SHOWN, html_table
from core.scenario.edits import Edit, Op

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
AGAIN = "run again: python -m benchmarks.notebooks docs/notebooks/*.ipynb"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_is_kept_in_it(
    path: Path, demo_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(demo_library.root))
    kept = json.loads(path.read_text("utf-8"))["cells"]
    fresh = run(path)["cells"]
    kinds = [[sorted(o["data"]) for o in c["outputs"]] for c in fresh if c["cell_type"] == "code"]
    assert sum(bool(shown) for shown in kinds) >= 5
    assert kinds == [
        [sorted(o["data"]) for o in c["outputs"]] for c in kept if c["cell_type"] == "code"
    ], AGAIN
    assert any("application/vnd.plotly.v1+json" in data for shown in kinds for data in shown)


def test_every_result_is_a_table(demo_engine: Engine) -> None:
    corpus = demo_engine.corpus
    lengths = {user: len(corpus.history(user)) for user in corpus.user_ids[:100]}
    user = next(user for user, events in lengths.items() if 5 <= events <= 9)
    history = corpus.history(user)
    served = demo_engine.recommend(history, 3)
    item = served.items[0]
    forked = fork(demo_engine, history, [Edit(Op.DELETE, step=1)], k=3)
    both = Comparison(demo_engine, [ColumnSpec(user, "2"), ColumnSpec(user)], k=3)
    shown = {
        "list": served._repr_html_(),
        "trajectory": demo_engine.trajectory(history)._repr_html_(),
        "explanation": Explanation(demo_engine, history, item.item_id)._repr_html_(),
        "fork": forked._repr_html_(),
        "comparison": both._repr_html_(),
    }
    rows = {name: html.count("<tr>") - 1 for name, html in shown.items()}
    assert rows["list"] == 3 and rows["trajectory"] == rows["explanation"] == len(history)
    assert 3 <= rows["fork"] <= 6 and 3 <= rows["comparison"] <= 6
    assert str(item.title) in shown["list"] and str(item.title) in shown["explanation"]
    assert "part at step" in shown["fork"] and "Jaccard" in shown["comparison"]


def test_words_of_persons_are_no_markup() -> None:
    title = "<script>alert(1)</script> & more"
    html = RecommendationList("<b>u</b>", 1, "joint", (RecommendedItem(1, "i", title, -1.5),))
    said = html._repr_html_()
    assert "<script>" not in said and "<b>" not in said and "&lt;script&gt;" in said
    long = html_table("c", "a, b", [(n, None) for n in range(3 * SHOWN)])
    assert long.count("<tr>") == SHOWN + 2 and ">…<" in long
    assert ">0<" in long and f">{3 * SHOWN - 1}<" in long
