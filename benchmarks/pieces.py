"""The product's recommenders on one split, fitted in pieces that several processes may share.

``python -m benchmarks.pieces SECTION FOLD PIECE DEVICE`` does one: a baseline's id, ``light`` (the
baselines that take seconds), ``seed-0`` (an interest model) or ``joints-3``, which waits for the
files of all others before it weighs them. What is done stays in ``benchmarks/work``;
``python -m benchmarks.quality`` asks for all pieces of a section and tells what they found.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.measuring import CORPORA, PROJECT
from core.arrays import DoubleArray, FloatArray, IntArray
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import Columns, History, Part
from core.encode.cache import open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder, processor_name
from core.encode.item_text import choose_columns, item_text_of
from core.files import load_arrays, save_arrays
from core.measure.cases import Case, cases, targets_of, temporal_splits
from core.model.config import InterestConfig
from core.model.folder import weights_of
from core.model.interest import InterestModel
from core.model.network import InterestNetwork
from core.ranking import ExcludedItems, target_ranks
from core.recommend.baseline import fit_baselines, load_baselines, save_baselines
from core.recommend.joint import Joint, fit_joint
from core.recommend.protocol import Recommender, batches
from core.recommend.refit import refit_baseline, with_validation
from core.recommend.registry import INTEREST, SCORERS
from core.recommend.training_data import TrainingData
from core.threads import use_one_blas_thread
from core.training.preparing import Prepared, prepare
from core.training.training import fit_interest

WORK = PROJECT / "benchmarks" / "work"
SETTINGS: dict[str, float] = json.loads(os.environ.get("TASTELINES_SETTINGS", "{}"))
"""Settings of the interest model other than the defaults, by name."""
TAG = "".join(f"{name}={value:g}-" for name, value in sorted(SETTINGS.items()))
AFTER = " with validation"
LAST_OUT, TEMPORAL, SILENT = "leave-last-out", "temporal", "without-text"
"""Protocols. The last is leave-last-out on the same corpus without a word of any review."""
CUTS = 3
"""Folds of the temporal protocol."""
LIGHT, JOINTS = "light", "joints-"
HEAVY = ("ease", "ials", "sequential-knn")
GROUPS = {**{name: (name,) for name in HEAVY}, LIGHT: tuple(n for n in SCORERS if n not in HEAVY)}
WAIT, LONGEST_WAIT = 1.0, 3600.0
"""Seconds."""


@dataclass(frozen=True, eq=False)
class Split:
    """One training part with its test cases."""

    name: str
    corpus: Corpus
    parts: npt.NDArray[np.int8]

    @cached_property
    def test(self) -> tuple[Case, ...]:
        """The test cases."""
        return cases(self.corpus, self.parts, Part.TEST)

    def path(self, what: str) -> Path:
        """Where something of this split is kept."""
        return WORK / f"{self.name}-{what}"

    def data(self, parts: npt.NDArray[np.int8], with_words: bool) -> TrainingData:
        """What baselines learn from, with item text where wanted and there is any."""
        words = _item_text(self.corpus, parts) if with_words else None
        return TrainingData.of(self.corpus, parts, words)


def splits(name: str, protocol: str) -> list[Split]:
    """One split, or one for each cut."""
    corpus = _opened(name)
    if protocol == SILENT:
        nothing = {Columns.Title: None, Columns.Text: None}
        manifest = corpus.manifest.model_copy(update={"with_text": 0})
        corpus = replace(corpus, events=corpus.events.assign(**nothing), manifest=manifest)
    if protocol != TEMPORAL:
        return [Split(f"{name}-{protocol}", corpus, leave_last_out(corpus.events))]
    return [
        Split(f"{name}-{protocol}-{number}", corpus, parts)
        for number, parts in enumerate(temporal_splits(corpus))
    ]


def _opened(name: str) -> Corpus:
    """A corpus of a library that stays in ``benchmarks/work``."""
    library = Library.open(WORK / "library" / name)
    if name not in [corpus.name for corpus in library.corpora()]:
        paths, items = CORPORA[name]
        import_files(library, name, paths, items=items)
    return library.corpus(name)


def _item_text(corpus: Corpus, parts: npt.NDArray[np.int8]) -> FloatArray | None:
    columns, shared = choose_columns(corpus), Library.open()
    if not corpus.manifest.with_text and not columns:
        return None
    return item_text_of(corpus, parts, columns, encoder_on("cpu"), open_cache(shared))


def encoder_on(device: str) -> TextEncoder:
    """The shipped encoder."""
    return open_encoder(Library.open(), device=device)


def all_pieces(folds: int, seeds: int) -> Iterator[tuple[int, str]]:
    """Every fold and piece of a section, the longest first."""
    names = [*(f"seed-{seed}" for seed in range(seeds)), *GROUPS, f"{JOINTS}{seeds}"]
    return ((fold, name) for fold in range(folds) for name in names)


def do(split: Split, piece: str, device: str) -> None:
    """One piece; nothing where it is done already."""
    use_one_blas_thread()
    if piece in GROUPS:
        for name in GROUPS[piece]:
            _do_baseline(split, name)
    elif piece.startswith(JOINTS):
        _do_joints(split, int(piece.removeprefix(JOINTS)))
    else:
        _do_seed(split, int(piece.removeprefix("seed-")), device)


def together(wanted: Sequence[tuple[str, int, str]], device: str, jobs: int) -> None:
    """Pieces (section, fold, name) in so many processes at once; RuntimeError where one fails."""
    waiting, failed = list(wanted), []
    running: dict[tuple[str, int, str], subprocess.Popen[bytes]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            section, fold, name = waiting.pop(0)
            command = [sys.executable, "-m", "benchmarks.pieces", section, str(fold), name, device]
            running[section, fold, name] = subprocess.Popen(command, cwd=PROJECT)
        time.sleep(WAIT / 4)
        for key, process in list(running.items()):
            if process.poll() is not None:
                failed += [key] if process.returncode else []
                del running[key]
        if failed:
            for process in running.values():  # joints would wait for it
                process.terminate()
            break
    if failed:
        raise RuntimeError(f"these pieces failed: {failed}")


def _do_baseline(split: Split, name: str) -> None:
    """Choose, fit, judge, and refit one baseline."""
    path = split.path(f"{name}.npz")
    if _is_done(split, name):
        return
    data = split.data(split.parts, name == "content")
    started = time.process_time()
    fitted = fit_baselines(data, only=[name])
    found: dict[str, Any] = {"seconds": np.float64(time.process_time() - started)}
    if name in fitted:
        found["rank"] = ranks_of([fitted[name]], split.test, data.item_ids)[0]
        save_baselines(fitted, split.path("fitted"))
        grown = split.data(with_validation(split.parts), name == "content")
        again = refit_baseline(fitted[name], grown)
        found["after"] = ranks_of([again], split.test, data.item_ids)[0]
        save_baselines({name: again}, split.path("refitted"))
        chosen = max(trial.ndcg for trial in fitted[name].trials)
        print(f"        {split.name} {name} {fitted[name].setting}, validation {chosen:.4f}, "
              f"{found['seconds']:.0f} s", flush=True)  # fmt: skip
    write(path, **found)


def _is_done(split: Split, name: str) -> bool:
    """Whether a baseline was judged, and is kept where there is one for this corpus."""
    path = split.path(f"{name}.npz")
    if not path.is_file():
        return False
    with np.load(path) as kept:
        served = "rank" in kept
    folders = [split.path(folder) / f"{name}.json" for folder in ("fitted", "refitted")]
    return not served or all(folder.is_file() for folder in folders)


def _do_seed(split: Split, seed: int, device: str) -> None:
    """Fit the interest model, refit it with the validation events, and keep both."""
    path = split.path(f"{TAG}interest-{seed}.safetensors")
    if path.is_file():
        return
    torch.set_num_threads(1)
    config = _config(seed)
    started = time.process_time()
    fit, model = fit_interest(_prepared(split, split.parts, device), config)
    seconds = time.process_time() - started
    after = _prepared(split, with_validation(split.parts), device)
    again, refitted = fit_interest(
        *(after, config),
        epochs=fit.best_epoch,
        cold_offset=fit.cold_offset,
        repeat_offset=fit.repeat_offset,
    )
    arrays: dict[str, np.ndarray] = {}
    for name, one, interest in (("before", fit, model), ("after", again, refitted)):
        weights = weights_of(one.network, interest.item_vectors, interest.item_bias)
        arrays |= {f"{name}.{key}": array for key, array in weights.items()}
    machine = processor_name() if fit.device == "cpu" else fit.device
    facts = {"device": machine, "best_epoch": fit.best_epoch, "seconds": seconds,
             "repeat_offset": fit.repeat_offset, "curve": len(fit.curve) - 1}  # fmt: skip
    partial = path.with_suffix(".partial")
    save_arrays(partial, arrays, {name: str(value) for name, value in facts.items()})
    partial.replace(path)
    chosen = max(epoch.validation_ndcg or 0.0 for epoch in fit.curve)
    print(f"        {split.name} interest, seed {seed}: validation {chosen:.4f} at epoch "
          f"{fit.best_epoch}, {seconds:.0f} s on {machine}", flush=True)  # fmt: skip


def _do_joints(split: Split, seeds: int) -> None:
    """The joint of each seed, judged with its interest model, without and with validation."""
    if all(split.path(f"{TAG}ours-{seed}.npz").is_file() for seed in range(seeds)):
        return
    torch.set_num_threads(1)
    paths = [split.path(f"{TAG}interest-{seed}.safetensors") for seed in range(seeds)]
    _wait_for(lambda: all(path.is_file() for path in paths))
    _wait_for(lambda: all(_is_done(split, name) for name in SCORERS))
    joints: dict[int, Joint] = {}
    found: list[dict[str, Any]] = [{} for _ in paths]
    for after, folder in (("", "fitted"), (AFTER, "refitted")):
        parts = with_validation(split.parts) if after else split.parts
        prepared, data = _prepared(split, parts, "cpu"), TrainingData.of(split.corpus, parts)
        baselines = load_baselines(split.path(folder), data.item_ids)
        interests: list[Remembered] = []
        for seed, path in enumerate(paths):
            interest, facts = _kept_interest(prepared, _config(seed), path, after)
            started = time.process_time()
            if not after:
                joints[seed] = fit_joint([interest, *baselines.values()], data)
                spent = np.float64(time.process_time() - started)
                found[seed] |= {**facts, "joint_seconds": spent}
            joints[seed] = replace(joints[seed], components=(), item_counts=data.item_counts)
            interests.append(Remembered(interest))
        shared = [Remembered(baseline) for baseline in baselines.values()]
        weighed = [
            replace(joints[seed], components=(one, *shared)) for seed, one in enumerate(interests)
        ]
        ranks = ranks_of([*interests, *weighed], split.test, data.item_ids)
        for seed in range(seeds):
            found[seed] |= {INTEREST + after: ranks[seed], "joint" + after: ranks[seeds + seed]}
        del baselines, shared, weighed, interests
        print(f"        {split.name}{after}: joints of {seeds} seeds judged", flush=True)
    for seed, arrays in enumerate(found):
        write(split.path(f"{TAG}ours-{seed}.npz"), **arrays)


class Remembered:
    """A recommender whose last answer is kept: the joints of all seeds ask it the same."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        self._asked: Sequence[History] = ()
        self._told: FloatArray | None = None

    @property
    def id(self) -> str:
        """The recommender's own."""
        return self._recommender.id

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """As the recommender says; not to be written to."""
        if self._told is None or histories is not self._asked:
            self._told = self._recommender.log_probabilities(histories)
            self._asked = histories
        return self._told


def _config(seed: int) -> InterestConfig:
    return InterestConfig.checked({**SETTINGS, "seed": seed}, "TASTELINES_SETTINGS")


def _prepared(split: Split, parts: npt.NDArray[np.int8], device: str) -> Prepared:
    shared = Library.open()
    parts_of = (split.corpus, parts, encoder_on(device), open_cache(shared))
    return prepare(*parts_of, shipped_sentiment(shared))


def _kept_interest(
    prepared: Prepared, config: InterestConfig, path: Path, after: str
) -> tuple[InterestModel, dict[str, Any]]:
    """What ``_do_seed`` kept, without or with the validation events, and facts about it."""
    arrays, told = load_arrays(path)
    facts = {"device": np.str_(told["device"]), "best_epoch": np.int64(told["best_epoch"]),
             "interest_seconds": np.float64(told["seconds"])}  # fmt: skip
    start = "after." if after else "before."
    own = {key.removeprefix(start): array for key, array in arrays.items() if start in key}
    state = {
        key.removeprefix("network."): torch.from_numpy(array)
        for key, array in own.items()
        if key.startswith("network.")
    }
    network = InterestNetwork(config, prepared.encoder.text_dim, len(state["kind_in.weight"]))
    network.load_state_dict(state)
    parts = (config, network, prepared.corpus.item_ids, own["item_vectors"], own["item_bias"])
    return InterestModel(*parts, prepared.encoder, float(told["repeat_offset"])), facts


def _wait_for(is_there: Callable[[], bool]) -> None:
    """Until other processes have done their part."""
    until = time.monotonic() + LONGEST_WAIT
    while not is_there():
        if time.monotonic() > until:
            raise RuntimeError("other pieces of this section were not done within an hour")
        time.sleep(WAIT)


def ranks_of(
    recommenders: Sequence[Recommender], judged: Sequence[Case], item_ids: tuple[str, ...]
) -> list[DoubleArray]:
    """Rank of each case's target by each recommender, float64[n_cases]."""
    index = {item: number for number, item in enumerate(item_ids)}
    targets: IntArray = targets_of(judged, index)
    ranks = [np.empty(len(judged)) for _ in recommenders]
    for rows in batches(len(judged), len(item_ids)):
        histories = [case.history for case in judged[rows]]
        excluded = ExcludedItems.of(histories, index)
        for recommender, of_one in zip(recommenders, ranks, strict=True):
            scores = recommender.log_probabilities(histories)
            of_one[rows] = target_ranks(scores, targets[rows], excluded)
    return ranks


def write(path: Path, **arrays: Any) -> None:
    """Arrays as one file, whole or not at all."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


if __name__ == "__main__":
    section, fold, piece, device = sys.argv[1:]
    WORK.mkdir(parents=True, exist_ok=True)
    do(splits(*section.split("/"))[int(fold)], piece, device)
