"""Three ways to keep a model, judged over calendar windows: left alone, updated, trained anew.

Before each window a model is updated from the one before it, and another is trained from nothing,
both on what had happened until then. A fifth of the events of each window is never learned: on
these cases later models show what they have forgotten. Like the temporal protocol, all models know
the whole catalogue, as the items file lists it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from core.arrays import PartArray
from core.corpus.corpus import Corpus
from core.corpus.sampling import among
from core.corpus.store import Library
from core.domain import Part
from core.encode.cache import VectorCache, open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.evaluate.report import evaluate
from core.evaluate.stored import ReportKey
from core.evaluate.windows import (
    PROTOCOL,
    RETRAINED,
    STALE,
    UPDATED,
    Asked,
    WindowsReport,
    first_windows,
    save_windows,
)
from core.files import Damaged, kept_or_none
from core.language import mark, tr
from core.measure.cases import Case
from core.measure.windows import (
    calendar_windows,
    cases_at,
    held_out,
    inside,
    learned_before,
)
from core.model.config import InterestConfig
from core.model.folder import read_config
from core.progress import ProgressCallback, StopCallback, check_stop, part_of
from core.recommend.registry import JOINT
from core.recommend.training_data import check_training_events
from core.training.preparing import prepare
from core.training.training import fit_recommenders
from core.training.updating import Parent, UpdateSettings, go_on
from core.training.writing import Trained


def windows_key(corpus: Corpus, model_folder: Path, k: int = 10) -> ReportKey:
    """The key of a model's report."""
    return ReportKey(corpus.corpus_id, read_config(model_folder).model_id, PROTOCOL, k)


def find_windows(
    corpus: Corpus, library: Library, model_folder: Path, k: int = 10
) -> WindowsReport | None:
    """The stored report; None where there is none, ``Damaged`` where it is damaged."""
    key = windows_key(corpus, model_folder, k)
    return first_windows(library.places(key.path(library)), key)


def evaluate_windows(
    corpus: Corpus,
    library: Library,
    model_folder: Path,
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    device: str = "auto",
) -> WindowsReport:
    """Judge a model's settings over six calendar windows, and keep the report in the library.

    DomainError for a corpus without times or with too short a period. Raises Stopped.
    """
    find = partial(find_windows, corpus, library, model_folder, k)
    kept = kept_or_none(find)
    if kept is not None:
        return kept
    config = read_config(model_folder)
    corpus = among(corpus, config.sample)
    encoder = open_encoder(library, config.encoder.name, device=device)
    made = judge_windows(
        *(corpus, library, config.settings, config.item_text, encoder, k),
        progress=progress,
        stop=stop,
    )
    report = made[JOINT]
    key = windows_key(corpus, model_folder, k)
    library.keep(key.path(library), lambda path: save_windows(report, key, path))
    try:
        return find() or report
    except Damaged:
        return report


def judge_windows(
    corpus: Corpus,
    library: Library,
    config: InterestConfig,
    item_text: Sequence[str] | None,
    encoder: TextEncoder,
    k: int = 10,
    further: Mapping[str, UpdateSettings] | None = None,
    recommenders: Sequence[str] = (JOINT,),
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, WindowsReport]:
    """All regimes in all windows, by recommender.

    ``further`` names other ways to update as further regimes; ``clock`` gives the seconds.
    """
    windows = calendar_windows(corpus)
    unlearned = held_out(corpus, windows)
    rows = [np.flatnonzero(inside(corpus, window)) for window in windows]
    asked = [cases_at(corpus, those) for those in rows]
    kept = [cases_at(corpus, those[unlearned[those]]) for those in rows]
    gains = {name: tuple(_asked(group) for group in asked) for name in recommenders}
    kept_gains = {name: tuple(_asked(group) for group in kept) for name in recommenders}
    ways = {UPDATED: UpdateSettings(), **(further or {})}
    seconds: dict[str, list[float]] = {name: [] for name in (STALE, *ways, RETRAINED)}
    cache = open_cache(library)
    current: dict[str, Trained] = {}
    first: Trained | None = None
    for number, window in enumerate(windows):
        check_stop(stop)
        window_name = tr("Window {number} of {n}", number=number + 1, n=len(windows))
        told = part_of(progress, window_name)
        then = learned_before(corpus, window, unlearned)
        parts = _parts(then)
        check_training_events(then, parts)
        began = clock()
        anew = fit_recommenders(
            *(then, parts, library, config, encoder),
            progress=part_of(told, mark("Anew")),
            stop=stop,
            cache=cache,
            item_text=item_text,
        )
        seconds[RETRAINED].append(clock() - began)
        first = first or anew
        seconds[STALE].append(seconds[RETRAINED][0] if number == 0 else 0.0)
        made = {STALE: first, RETRAINED: anew}
        for name, settings in ways.items():
            if number == 0:
                current[name] = first
                seconds[name].append(seconds[RETRAINED][0])
            else:
                began = clock()
                current[name] = _update(
                    *(current[name], then, parts, library, encoder, cache, item_text, settings),
                    progress=part_of(told, mark("Update")),
                    stop=stop,
                )
                seconds[name].append(clock() - began)
            made[name] = current[name]
        for name, trained in made.items():
            chosen = [each for each in trained.recommenders if each.id in recommenders]
            groups = [(asked, gains, number), *((kept, kept_gains, at) for at in range(number))]
            for of_windows, into, at in groups:
                judged = evaluate(chosen, of_windows[at], trained.data, k, progress=told, stop=stop)
                for each in recommenders:
                    into[each][at].gains[name, number] = judged.ndcg(each)
    return {
        name: WindowsReport(
            recommender=name,
            k=k,
            windows=tuple(window.name for window in windows),
            begins=tuple(window.begin.date().isoformat() for window in windows),
            events=tuple(map(len, rows)),
            asked=gains[name],
            held_out=kept_gains[name],
            seconds={regime: tuple(values) for regime, values in seconds.items()},
        )
        for name in recommenders
    }


def _asked(group: Sequence[Case]) -> Asked:
    return Asked(tuple(case.history.user_id for case in group), {})


def _parts(corpus: Corpus) -> PartArray:
    """Each user's last event is validation, the rest train, as in the temporal protocol."""
    starts = corpus.user_starts
    parts = np.full(corpus.n_events, Part.TRAIN, np.int8)
    parts[(starts[1:] - 1)[np.diff(starts) > 1]] = Part.VALIDATION
    return parts


def _update(
    before: Trained,
    corpus: Corpus,
    parts: PartArray,
    library: Library,
    encoder: TextEncoder,
    cache: VectorCache,
    item_text: Sequence[str] | None,
    settings: UpdateSettings,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Trained:
    then = before.prepared.corpus
    lengths = dict(zip(then.user_ids, before.prepared.fitting.train_lengths, strict=True))
    learned = np.array([lengths.get(user, 0) for user in corpus.user_ids], np.int64)
    prepared = prepare(
        *(corpus, parts, encoder, cache, shipped_sentiment(library), progress, stop),
        item_text=item_text,
        sentiment=before.prepared.encoder.sentiment,
    )
    return go_on(prepared, Parent.of(before), learned, settings, progress, stop)[0]
