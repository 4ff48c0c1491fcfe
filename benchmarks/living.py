"""Update against full retraining and plain fine-tuning over calendar windows; what stays the same.

    python -m benchmarks.living [music] [movielens] [demo] [map]
    python -m benchmarks.living causes

Each corpus is judged as ``evaluate --protocol windows`` does, with plain fine-tuning (no replay, no
distillation) as a fourth regime; seconds are those of the processor. Of movielens the
``MOVIELENS_ITEMS`` items with most events are taken (``TASTELINES_SAMPLE``: a share of them): full
retraining of all of it takes hours here. ``map`` appends to a corpus, updates its model
and compares bytes. ``causes`` explains the lists of a model and its update. Figures of a corpus are
kept in ``benchmarks/results/living.json``; the bars are about the mean of those that were measured.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from benchmarks.measuring import CORPORA, RESULTS, Line, cases, record, show
from core.compare.columns import two_models
from core.compare.comparison import Comparison
from core.corpus.appending import append_files
from core.corpus.corpus import Corpus
from core.corpus.importing import import_files
from core.corpus.store import DEMO, Library
from core.domain import Columns
from core.encode.cache import open_encoder
from core.engine import Engine
from core.evaluate.windows import RETRAINED, UPDATED, WindowsReport
from core.model.config import InterestConfig
from core.model.folder import read_config
from core.progress import Progress
from core.training.training import train
from core.training.updating import UpdateSettings, update
from core.training.windows import judge_windows

TUNED = "fine-tuned"
PLAIN = replace(UpdateSettings(), replay=0.0, distillation=0.0)
MOVIELENS_ITEMS = 1_000
LEAST_SHARE, MOST_SECONDS, MOST_LOSS = 0.95, 0.25, 0.5
NAMES = ("music", "movielens", DEMO)
USERS = 40
"""Users whose lists by two models are explained."""


def corpus_of(name: str, library: Library) -> Corpus:
    """A corpus of the issue, imported into the library where it isn't there yet."""
    if name != DEMO and name not in {each.name for each in library.corpora()}:
        files, items = CORPORA[name]
        import_files(library, name, files, items)
    corpus = library.corpus(name)
    if name != "movielens":
        return corpus
    most = corpus.events[Columns.Item].value_counts().index[: cases(MOVIELENS_ITEMS)]
    events = corpus.events[corpus.events[Columns.Item].isin(most)].reset_index(drop=True)
    items = corpus.items[corpus.items[Columns.Item].isin(most)].reset_index(drop=True)
    return Corpus(name, corpus.corpus_id, events, items, corpus.manifest)


def judge(name: str, library: Library) -> list[Line]:
    """The figures of one corpus, for the joint and the interest model by itself."""
    corpus = corpus_of(name, library)
    items = len(corpus.item_ids)
    print(f"{name}: {len(corpus.events):,} events, {items:,} items", flush=True)
    reports = judge_windows(
        *(corpus, library, InterestConfig(), None, open_encoder(library)),
        further={TUNED: PLAIN},
        recommenders=("joint", "interest"),
        progress=Told().tell,
        clock=time.process_time,
    )
    lines = []
    about = name if name != "movielens" else f"{name} ({items:,} items)"
    for report in reports.values():
        lines += of_report(about, report)
    return lines


class Told:
    """Prints where a long run stands, once for each thing that it does."""

    def __init__(self) -> None:
        self._began, self._last = time.monotonic(), ""

    def tell(self, progress: Progress) -> None:
        """A report of the work."""
        if progress.stage != self._last:
            self._last = progress.stage
            print(f"    {time.monotonic() - self._began:6.0f} s  {progress.stage}", flush=True)


def of_report(name: str, report: WindowsReport) -> list[Line]:
    """One line per figure; what each window gave is printed."""
    for at, window in enumerate(report.windows):
        gains = " ".join(
            f"{regime} {report.ndcg(regime, at).mean:.4f} ({report.seconds[regime][at]:.0f} s)"
            for regime in report.regimes
        )
        print(f"  {window}, {len(report.asked[at].users)} targets: {gains}", flush=True)
    later = range(1, len(report.windows))
    shares = [report.ndcg(UPDATED, at).mean / report.ndcg(RETRAINED, at).mean for at in later]
    share = float(np.mean(shares))
    seconds = sum(report.seconds[UPDATED][1:]) / sum(report.seconds[RETRAINED][1:])
    lost, plain = report.loss(UPDATED), report.loss(TUNED)
    about = f"{name}, {report.recommender}"
    test = report.overall_lead(UPDATED, RETRAINED).difference
    drop = f"{lost.mean:+.4f} [{lost.low:+.4f}, {lost.high:+.4f}] against {plain.mean:+.4f}"
    return [
        show(
            Line(
                f"{about}: NDCG@10 of the update as a share of retraining's, mean of windows",
                f"{LEAST_SHARE:.0%}",
                f"{share:.1%}; pooled difference {test.mean:+.4f} "
                f"[{test.low:+.4f}, {test.high:+.4f}]",
                share >= LEAST_SHARE,
            )
        ),
        show(
            Line(
                f"{about}: processor seconds of the update as a share of retraining's",
                f"{MOST_SECONDS:.0%}",
                f"{seconds:.1%}",
                seconds <= MOST_SECONDS,
            )
        ),
        show(
            Line(
                f"{about}: NDCG@10 lost on earlier windows' cases, against plain fine-tuning",
                "half of it",
                drop,
                lost.mean <= max(MOST_LOSS * plain.mean, 0.0),
            )
        ),
    ]


def bytes_that_stay() -> Line:
    """Append to a corpus, update, and compare everything that was on the map."""
    with tempfile.TemporaryDirectory() as home:
        root = Path(home)
        library = Library.open(root / "library")
        demo = Library.open(None).corpus(DEMO)
        names = {Columns.Title: "item_title", Columns.Category: "category"}
        about = demo.items[[Columns.Item, *names]].rename(columns=names)
        events = demo.events.merge(about, on=Columns.Item)
        users = set(demo.user_ids[:120])
        events = events[events[Columns.User].isin(users)]
        is_old = events[Columns.Time] <= events[Columns.Time].quantile(0.8)
        events[is_old].to_csv(root / "old.csv", index=False)
        events[~is_old].to_csv(root / "new.csv", index=False)
        import_files(library, "shop", [root / "old.csv"])
        trained = train(library.corpus("shop"), library, replace(InterestConfig(), epochs=3))
        old_ids = library.corpus("shop").item_ids
        append_files(library, "shop", [root / "new.csv"])
        updated = update(library.corpus("shop"), library)
        new_ids = library.corpus("shop").item_ids
        before, after = (load_file(folder / "map.safetensors") for folder in (trained, updated))
        tables = [pd.read_parquet(folder / "items.parquet") for folder in (trained, updated)]
        kept = tables[1][tables[1]["item_id"].isin(set(old_ids))]
        same: dict[str, Any] = {
            name: before[name].tobytes() == after[name].tobytes()
            for name in ("anchors", "anchor_positions", "states", "state_topics")
        }
        for name in ("x", "y", "topic"):
            same[f"items' {name}"] = (
                kept[name].to_numpy().tobytes() == tables[0][name].to_numpy().tobytes()
            )
        same["item order"] = tuple(item for item in new_ids if item in set(old_ids)) == old_ids
        shutil.rmtree(root / "library")
    other = [name for name, is_same in same.items() if not is_same]
    said = f"{len(same) - len(other)} of {len(same)} arrays" + (f", not {other}" if other else "")
    return show(Line("old map positions and item order", "identical bytes", said, not other))


def causes_add_up() -> list[Line]:
    """The causes between a model and its update, where the library holds both.

    Asked of up to ``USERS`` users of each corpus in ``TASTELINES_LIBRARY`` after their last events.
    """
    library = Library.open(None)
    farthest, seconds, exact = 0.0, [], []
    for manifest in library.corpora():
        for folder in library.model_folders(manifest.name):
            parent = read_config(folder).parent
            if parent is None or read_config(folder).corpus_id != manifest.corpus_id:
                continue
            corpus = library.corpus(manifest.name)
            engine = Engine.open(corpus, folder, library)
            for user in corpus.user_ids[:: -(-len(corpus.user_ids) // USERS)]:
                specs = two_models(user, len(corpus.history(user)), parent.model_id)
                comparison = Comparison(engine, specs, library=library)
                _, started = comparison.lists, time.process_time()
                changes = comparison.changes(0)
                assert changes is not None
                seconds.append(time.process_time() - started)
                before, after = (
                    scores[changes.items] for scores in comparison.scores if scores is not None
                )
                apart = changes.values.sum(axis=0) - (after - before)
                farthest = max(farthest, float(np.abs(apart).max()))
                exact.append(changes.exact)
    if not seconds:
        raise SystemExit("No corpus of this library has an updated model.")
    told = f"{farthest:.1e} nats at most ({len(seconds)} users, {sum(exact)} exact)"
    time_each = f"{np.median(seconds):.2f} s of processor time (median)"
    return [
        show(
            Line(
                "causes between two models add up to the scores' change",
                "1e-4",
                told,
                farthest < 1e-4,
            )
        ),
        show(Line("causes between two models of one user", "none", time_each, True)),
    ]


def main() -> None:
    """Measure what is named, by default everything but ``causes``."""
    asked = sys.argv[1:] or [*NAMES, "map"]
    if asked == ["causes"]:
        record("living", {"causes": causes_add_up()})
        return
    home = RESULTS.parent / "work" / "living"
    home.mkdir(parents=True, exist_ok=True)
    library = Library.open(home)
    for name in asked:
        lines = [bytes_that_stay()] if name == "map" else judge(name, library)
        record("living", {name: lines})


if __name__ == "__main__":
    main()
