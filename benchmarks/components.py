"""Baselines, and the joint of them alone: ``python -m benchmarks.components [CORPUS[:ID]...]``.

Leave-last-out, full ranking, test NDCG@10: as validation chose them, and refitted with the
validation events. Everything but the interest model, so that it takes minutes where a training of
all takes an hour. ``toys:sequential-knn`` is one baseline without the joint, and without text.
Ranks stay in ``benchmarks/work``: a section that was measured is only told again.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import CORPORA, PROJECT, Line, record, show
from core.arrays import FloatArray
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import Part
from core.encode.cache import open_cache, open_encoder
from core.encode.item_text import choose_columns, item_text_of
from core.evaluate.report import evaluate
from core.measure.cases import cases, targets_of
from core.measure.metrics import bootstrap, compare_paired, ndcg
from core.progress import Progress
from core.recommend.baseline import fit_baselines
from core.recommend.joint import fit_joint
from core.recommend.protocol import Recommender
from core.recommend.refit import refit, with_validation
from core.recommend.registry import SCORERS
from core.recommend.training_data import TrainingData
from core.threads import use_one_blas_thread

K = 10
WORK = PROJECT / "benchmarks" / "work"
TRIAL = {"beauty": (0.0526, 0.0604), "toys": (0.0641, 0.0734), "music": (0.0716, 0.0806)}
"""Sequential neighbours in the issue's trial: without and with the validation events."""
AFTER = " with validation"


class Laps:
    """Processor seconds of each stage that a progress callback names."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "", time.process_time()

    def __call__(self, now: Progress) -> None:
        if now.stage != self._stage:
            self._end()
            self._stage = now.stage

    def _end(self) -> None:
        until = time.process_time()
        if self._stage:
            spent = self.seconds.get(self._stage, 0.0)
            self.seconds[self._stage] = round(spent + until - self._since, 1)
        self._since = until


def text_of(corpus: Corpus) -> FloatArray | None:
    """Item vectors of titles, metadata and training reviews; None where nothing has words."""
    columns = choose_columns(corpus)
    if not corpus.manifest.with_text and not columns:
        return None
    shared = Library.open()
    parts = leave_last_out(corpus.events)
    return item_text_of(corpus, parts, columns, open_encoder(shared), open_cache(shared))


def measure(name: str, only: str) -> dict[str, Any]:
    """Ranks of every baseline and the joint, ``user`` and ``met`` of each case, and seconds."""
    path = WORK / f"{name}-components{only and '-' + only}.npz"
    if not path.is_file():
        WORK.mkdir(parents=True, exist_ok=True)
        use_one_blas_thread()
        with tempfile.TemporaryDirectory() as folder:
            paths, items = CORPORA[name]
            library = Library.open(Path(folder))
            import_files(library, name, paths, items=items)
            corpus = library.corpus(name)
            parts = leave_last_out(corpus.events)
            vectors = text_of(corpus) if only in ("", "content") else None
            data = TrainingData.of(corpus, parts, vectors)
            test = cases(corpus, parts, Part.TEST)
            laps = Laps()
            started = time.monotonic()
            baselines = fit_baselines(data, laps, only=[only] if only else ())
            recommenders: list[Recommender] = [*baselines.values()]
            if not only:
                recommenders.insert(0, fit_joint(recommenders, data, laps))
            laps(Progress("evaluate", 0, 1))
            wall = time.monotonic() - started
            for baseline in baselines.values():
                chosen = max(trial.ndcg for trial in baseline.trials)
                print(f"        {baseline.id} {baseline.setting}, validation {chosen:.4f}")
            told = evaluate(recommenders, test, data, K)
            arrays: dict[str, Any] = {each.recommender: each.rank for each in told.results}
            laps(Progress("refit", 0, 1))
            grown = TrainingData.of(corpus, with_validation(parts), vectors)
            made = refit(recommenders, grown)
            laps(Progress("evaluate", 0, 1))
            told = evaluate(list(made.values()), test, grown, K)
            arrays |= {each.recommender + AFTER: each.rank for each in told.results}
            laps(Progress("", 0, 1))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        partial = path.with_suffix(".partial.npz")
        np.savez(
            partial,
            **arrays,
            user=np.array(told.users),
            met=data.item_counts[targets_of(test, data.item_index)] > 0,
            stages=np.array(list(laps.seconds)),
            seconds=np.array(list(laps.seconds.values())),
            wall=np.float64(wall),
            peak=np.float64(peak),
        )
        partial.replace(path)
    with np.load(path) as kept:
        return dict(kept)


def judge(name: str, only: str) -> list[Line]:
    """A table of one corpus, and the lines of the issue."""
    kept = measure(name, only)
    users = kept["user"].tolist()
    seconds = dict(zip(kept["stages"].tolist(), kept["seconds"].tolist(), strict=True))
    ranks = {who: rank for who, rank in kept.items() if who + AFTER in kept}
    values = {
        who: ndcg(kept[who], K) for after in ("", AFTER) for who in (w + after for w in ranks)
    }
    print(
        f"        {name}: {len(users)} targets, {kept['met'].sum()} met in training; fit of all "
        f"{kept['wall']:.0f} s, peak {kept['peak']:.1f} GB"
    )
    for who in sorted(ranks, key=lambda who: -values[who].mean()):
        interval = bootstrap(values[who], users)
        spent = seconds.get(f"fit {who}")
        print(
            f"        {who:<18} {interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]  "
            f"with validation {values[who + AFTER].mean():.4f}  among items met "
            f"{values[who][kept['met']].mean():.4f}"
            + (f"  {spent:.0f} s" if spent is not None else "")
        )
    lines = []
    trial = TRIAL.get(name, ()) if "sequential-knn" in ranks else ()
    for after, bar in zip(("", AFTER), trial, strict=False):
        mean = values["sequential-knn" + after].mean()
        lines.append(Line(f"{name}: sequential-knn{after}, test NDCG@10", f"{bar:.4f}",
                          f"{mean:.4f}", bool(mean >= bar - 0.0005)))  # fmt: skip
    for after in ("", AFTER) if "joint" in ranks else ():
        best = max((who for who in ranks if who != "joint"), key=lambda w: values[w + after].mean())
        test = compare_paired(values["joint" + after], values[best + after], users)
        lines.append(Line(
            f"{name}: joint of the baselines{after} against the best of them", "1.05 times",
            f"{test.ratio.mean:.3f} times {best} ({values['joint' + after].mean():.4f} / "
            f"{values[best + after].mean():.4f}; ratio [{test.ratio.low:.3f}, "
            f"{test.ratio.high:.3f}])", bool(test.ratio.mean >= 1.05),
        ))  # fmt: skip
    if "fit ease" in seconds:
        lines.append(Line(f"{name}: EASE, all settings", "60 s", f"{seconds['fit ease']:.0f} s",
                          seconds["fit ease"] <= 60))  # fmt: skip
    return [show(line) for line in lines]


def main(names: list[str]) -> None:
    """Measure the corpora named, or all."""
    wanted = [name.partition(":") for name in names or CORPORA]
    for section, (name, _, only) in zip(names or CORPORA, wanted, strict=True):
        if name not in CORPORA or only not in ("", *SCORERS):
            raise SystemExit(
                f"no section {section!r}; there are {', '.join(CORPORA)}, and CORPUS:ID"
            )
    for section, (name, _, only) in zip(names or CORPORA, wanted, strict=True):
        record("components", {section: judge(name, only)})


if __name__ == "__main__":
    main(sys.argv[1:])
