"""Every file of a library damaged in nine ways, read by every verb or page.

``python -m benchmarks.damage --verbs``, ``--pages`` (both without); ``--part 2/3`` takes the second
third of the cases (a run without it then takes what parts have tried), ``--only RE`` those whose
damage, file and reader match, ``--new`` forgets what an interrupted run has tried. Cases run in a
process that says which it begins, so a killed process is a counted case; it is replaced every few
hundred cases. Results are kept in ``benchmarks/work/damage``, so a run goes on where the last one
stopped, as long as the code of ``core`` and ``pages`` is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import PROJECT, Line, record, show

WORK = PROJECT / "benchmarks" / "work" / "damage"
AT_ONCE = 300
"""Cases of one process."""


def whole_library() -> Path:
    """The library that is damaged, made once."""
    from core.encode.encoder import TextEncoder
    from tests.reliability.library import fill

    root = WORK / "library"
    if not root.is_dir():
        made = WORK / "making"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        assert TextEncoder(record=made / "processor.json").precision
        fill(made)
        made.replace(root)
    return root


def code_hash() -> str:
    """Of all code that a case may run."""
    paths = (path for folder in ("core", "pages") for path in (PROJECT / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(map(Path.read_bytes, sorted(paths)))).hexdigest()[:12]


def work(kind: str) -> None:
    """Try the cases given on standard input; before and after each a line on standard output."""
    from tests.reliability import damaging

    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "library"
        if kind == "pages":
            damaging.drive_pages(place)
        faults = (damaging.Verbs if kind == "verbs" else damaging.Pages)(WORK / "library", place)
        for number, case in json.load(sys.stdin):
            print(json.dumps({"begins": number}), file=lines, flush=True)
            started = time.perf_counter()
            try:
                fault = faults.fault(damaging.Case(*case))
            except Exception as error:
                fault = damaging.Fault("unexpected", f"{type(error).__name__}: {error}")
            took = round(time.perf_counter() - started, 3)
            told = asdict(fault) if fault else {"kind": "held", "said": ""}
            print(json.dumps({"number": number, "seconds": took, **told}), file=lines, flush=True)
    os._exit(0)  # threads that a page left at work would abort the interpreter's end


def results_of(kind: str, cases: list[tuple[int, list[str]]]) -> Iterator[dict[str, Any]]:
    """The results of cases in one process, as they come; a killed one has lost the last."""
    command = [sys.executable, "-m", "benchmarks.damage", f"--{kind}", "--worker"]
    log = (WORK / f"{kind}.log").open("a")
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(cases))
        process.stdin.close()
        begun: int | None = None
        for line in process.stdout:
            said = json.loads(line)
            begun = said.get("begins")
            if begun is None:
                yield said
        code = process.wait()
    if begun is not None:
        yield {"number": begun, "seconds": 0.0, "kind": "killed", "said": f"exit {code}"}
    elif code:
        sys.exit(f"the process of the {kind} did not start: {WORK / kind}.log")


def run(kind: str, part: tuple[int, int], only: str, new: bool) -> list[Line]:
    """All cases of one kind, or some of them, as lines."""
    from tests.reliability import damaging

    whole = whole_library()
    readers = damaging.PAGES if kind == "pages" else list(damaging.verbs(whole, whole))
    every = [[case.damage, case.file, case.reader] for case in damaging.every_case(whole, readers)]
    # Shuffled: a run that was stopped has tried some of everything.
    order = np.random.default_rng(0).permutation(len(every))[part[0] - 1 :: part[1]].tolist()
    order = [number for number in order if re.search(only, " ".join(every[number]))]
    kept = WORK / f"{kind}-{code_hash()}-{part[0]}of{part[1]}.jsonl"
    if new:
        kept.unlink(missing_ok=True)
    runs = sorted(WORK.glob(f"{kind}-{code_hash()}-*.jsonl"))  # of the whole and of any parts
    lines = (line for path in runs for line in path.read_text().splitlines())
    known = [] if new else [json.loads(line) for line in lines]
    mine = set(order)
    tried = {result["number"]: result for result in known if result["number"] in mine}
    with kept.open("a") as file:
        while left := [(number, every[number]) for number in order if number not in tried]:
            for result in results_of(kind, left[:AT_ONCE]):
                tried[result["number"]] = result
                file.write(json.dumps(result) + "\n")
                file.flush()
                if result["kind"] != "held":
                    damage, name, reader = every[result["number"]]
                    told = f"{result['kind']}: {reader}, {name}, {damage}: {result['said']}"
                    print(told, flush=True)
    counts = Counter(result["kind"] for result in tried.values())
    worst = max(tried.values(), key=lambda result: result["seconds"])
    damage, name, reader = every[worst["number"]]
    slow = f"slowest {worst['seconds']:.1f} s ({reader}, {name}, {damage})"
    of = f"{len(tried):,} damaged files x {kind}; {slow}"
    whats = {
        "unexpected": "unexpected errors and exit 1",
        "killed": "killed processes (segfaults)",
        "silent": "other answers without a word",
    }
    return [
        show(Line(f"{what}, {of}", "0", str(counts[name]), not counts[name]))
        for name, what in whats.items()
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbs", action="store_true")
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--part", default="1/1", help="the i-th of n parts, as i/n")
    parser.add_argument("--only", default="", help="a regular expression")
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    kinds = [kind for kind in ("verbs", "pages") if getattr(asked, kind)] or ["verbs", "pages"]
    if asked.worker:
        work(kinds[0])
        sys.exit()
    WORK.mkdir(parents=True, exist_ok=True)
    number, parts = map(int, asked.part.split("/"))
    sections = {kind: run(kind, (number, parts), asked.only, asked.new) for kind in kinds}
    if parts == 1 and not asked.only:
        record("damage", sections)
    sys.exit(not all(line.met for lines in sections.values() for line in lines))
