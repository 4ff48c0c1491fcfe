"""The same command gives the same answer in a new process, whatever its hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.corpus.store import Library
from core.home import PROJECT

VERBS = """
import json, sys
from core.cli import main
for verb in json.loads(sys.argv[1]):
    assert main([*verb, "--json"]) == 0, verb
"""


def test_two_processes_answer_alike(demo_library: Library, tmp_path: Path) -> None:
    corpus = demo_library.corpus("demo")
    user = next(user for user in corpus.user_ids if len(corpus.history(user)) >= 16)
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"op": "delete", "step": step} for step in range(2, 14)]))
    verbs = [
        ["compare", "demo", "--user", user, "--at", "2", "--at", "16"],
        ["whatif", "demo", "--user", user, "--at", "16", "--edits", str(edits)],
        ["scorecard", "demo", "--users", "1"],
    ]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", VERBS, json.dumps(verbs)],
            cwd=PROJECT,
            env={
                **os.environ,
                "TASTELINES_LIBRARY": str(demo_library.root),
                "PYTHONHASHSEED": seed,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0] for process in started)
    assert [process.returncode for process in started] == [0, 0]
    assert len(first.splitlines()) == len(verbs) and first == second
