"""Times of verbs and pages in the checkout that is the working directory, as one JSON object.

Knows only what must not change: the command line's contract and the pages' addresses.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 3


def fastest(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Processor seconds of the cheapest of some runs; the first is a rehearsal.

    Processor time: what else a shared machine does hardly touches it.
    """
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times[1:])


def verbs() -> dict[str, float]:
    """Each verb on the demo."""
    from core.cli import main

    def answer(*arguments: str) -> dict:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main([*arguments, "--json"])
        if code != 0:
            raise SystemExit(f"{arguments}: exit {code}")
        return json.loads(out.getvalue())

    users = answer("users", "demo", "--sort", "events")["users"]
    long, short = users[0]["user_id"], users[len(users) // 2]["user_id"]
    listed = answer("recommend", "demo", "--user", short)["items"]
    item = listed[0]["item_id"]
    longer = answer("recommend", "demo", "--user", short, "--k", "25")["items"]
    outside = longer[-1]["item_id"]
    folder = Path(tempfile.mkdtemp(prefix="against-"))
    edits = folder / "edits.json"
    edits.write_text(
        json.dumps([{"op": "delete", "step": 2}, {"op": "rate", "step": 1, "rating": 1}])
    )
    rows = ["user_id,item_id,timestamp,rating,text"]
    rows += [
        f"u{n % 97},i{n % 211},2024-01-{1 + n % 28:02},{1 + n % 5},fine thing {n % 50}"
        for n in range(4000)
    ]
    table = folder / "rows.csv"
    table.write_text("\n".join(rows) + "\n")
    last = str(users[0]["events"])
    asked: dict[str, tuple[str, ...]] = {
        "corpora": ("corpora",),
        "models": ("models", "demo"),
        "users": ("users", "demo"),
        "trajectory": ("trajectory", "demo", "--user", long),
        "recommend": ("recommend", "demo", "--user", long),
        "explain": ("explain", "demo", "--user", short, "--item", item, "--words", "none"),
        "whatif": ("whatif", "demo", "--user", long, "--edits", str(edits)),
        "compare": ("compare", "demo", "--user", long, "--at", "5", "--at", last),
        "search-edits": ("search-edits", "demo", "--user", short, "--item", outside),
        "turnover": ("turnover", "demo"),
        "evaluate": ("evaluate", "demo"),
    }
    times = {name: fastest(lambda query=query: answer(*query)) for name, query in asked.items()}
    number = iter(range(100))
    times["import"] = fastest(lambda: answer("import", str(table), "--name", f"n{next(number)}"))
    return times


def pages() -> dict[str, float]:
    """A rerun of each page with another step, server side."""
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.testing.v1 import AppTest

    from core.corpus.store import Library

    started = PagesManager.__init__

    def start(self: PagesManager, *arguments: object, **options: object) -> None:
        started(self, *arguments, **options)
        PagesManager.uses_pages_directory = False

    PagesManager.__init__ = start  # type: ignore[method-assign]
    corpus = Library.open().corpus("demo")
    user = max(corpus.user_ids, key=lambda name: len(corpus.history(name)))
    times = {}
    for page in ("overview", "quality", "timeline", "explain", "what_if", "compare", "corpora"):
        app = AppTest.from_file(str(Path("app.py").resolve()), default_timeout=120)
        app.query_params["user"] = user
        app.query_params["time"] = "10"
        app.run()
        if page != "overview":
            app.switch_page(f"pages/{page}.py").run()
        times[f"page {page}: rerun"] = fastest(app.run, 5)
    return times


if __name__ == "__main__":
    print(json.dumps(verbs() | pages()), flush=True)
    os._exit(0)  # pages leave work behind in threads, which need not end
