"""What a verb imports and how often it looks for garbage: most of a short command's time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.corpus.store import Library
from core.explain.word_values import EXACT_UP_TO, split_words
from core.home import PROJECT

HEAVY = {
    "transformers",
    "sympy",
    "torch._dynamo",
    "torch.distributed.tensor",
    "scipy.stats",
    "scipy.optimize",
    "sklearn",
    "umap",
    "numba",
    "shap",
    "plotly",
    "streamlit",
}
ENCODES = {"transformers", "scipy.optimize"}
"""Of a text that is read anew; transformers imports the optimisers for its losses."""
MOST_COLLECTIONS = 100
"""Looks for garbage; with Python's own threshold importing torch alone makes 300."""
EXPECTED: dict[str, set[str]] = {
    "recommend": set(),
    "trajectory": set(),
    "compare": {"scipy.stats", "scipy.optimize"},
    "explain": set(),
    "explain words": ENCODES,
    "whatif": ENCODES,
}


@pytest.fixture(scope="module")
def asked(demo_library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The verbs' words, about the shortest history whose only review is a longer one."""
    corpus = demo_library.corpus("demo")
    history = min(
        (
            history
            for history in map(corpus.history, corpus.user_ids)
            if [len(split_words(e.words)) > EXACT_UP_TO for e in history.events if e.words]
            == [True]
        ),
        key=len,
    )
    step = next(at for at, event in enumerate(history.events, start=1) if event.words)
    edits = tmp_path_factory.mktemp("edits") / "edits.json"
    edits.write_text(json.dumps([{"op": "edit", "step": step, "text": "It broke in a week"}]))
    user, last = ["--user", history.user_id], str(len(history))
    explain = [*user, "--item", corpus.item_ids[0]]
    return {
        "recommend": user,
        "trajectory": user,
        "compare": [*user, "--at", "1", "--at", last],
        "explain": [*explain, "--words", "none"],
        "explain words": explain,
        "whatif": [*user, "--edits", str(edits)],
    }


@pytest.mark.parametrize("verb", EXPECTED)
def test_a_verb_imports_no_more_than_it_needs(
    verb: str, asked: dict[str, list[str]], demo_library: Library, tmp_path: Path
) -> None:
    words = [verb.split()[0], "demo", *asked[verb], "--json"]
    program = (
        "import gc, sys; from core.cli import main\n"
        "def looked(): return sum(each['collections'] for each in gc.get_stats())\n"
        "before = looked(); code = main(); often = looked() - before\n"
        f"print('modules:', *({HEAVY} & set(sys.modules)), file=sys.stderr)\n"
        "print('collections:', often, file=sys.stderr); sys.exit(code)"
    )
    shutil.copy(demo_library.root / "processor.json", tmp_path)
    environment = {**os.environ, "TASTELINES_LIBRARY": str(tmp_path)}
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    modules, collections = done.stderr.split("modules:")[1].split("collections:")
    assert set(modules.split()) <= EXPECTED[verb]
    assert int(collections) < MOST_COLLECTIONS
