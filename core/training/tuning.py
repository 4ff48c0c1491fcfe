"""Search better settings of the interest model: TPE over a corpus's validation events.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; trials that fall
behind the median of earlier ones at the same epoch end early. Test events are never read: every
figure is validation NDCG@10, and the best of many trials is an optimistic one.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from core import access
from core.cluster import HERE, Machines
from core.corpus.corpus import Corpus
from core.corpus.sampling import UserSample
from core.corpus.split import leave_last_out
from core.corpus.store import Library, check_name
from core.domain import DomainError
from core.encode.cache import VectorCache, open_cache, open_encoder, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.files import need_space, read_object, reason_of, replace_text, sealed, unsealed
from core.language import mark, tr
from core.model.config import InterestConfig
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.training.preparing import prepare
from core.training.trials import Round, TunedTrial, attempt, try_on_node

FORMAT = 1
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, DomainError)
SMALLEST_RECORD = 1_000_000
MOST_MINUTES = 10_000
UNPRUNED_TRIALS = 5
"""Trials that run to their end before others may be stopped for falling behind."""
DECAYS = {
    "two": (0.6, 0.85),
    "two slow": (0.7, 0.95),  # no sentence
    "three": (0.4, 0.7, 0.92),
    "last and two": (0.1, 0.6, 0.85),  # no sentence
}
SPACE: dict[str, BaseDistribution] = {
    "dim": CategoricalDistribution((64, 128, 256)),
    "decays": CategoricalDistribution(tuple(DECAYS)),
    "learning_rate": FloatDistribution(1e-4, 2e-3, log=True),
    "weight_decay": FloatDistribution(1e-4, 0.1, log=True),
    "dropout": FloatDistribution(0.0, 0.6),
    "id_dropout": FloatDistribution(0.0, 0.7),
    "part_dropout": FloatDistribution(0.0, 0.3),
    "text_dropout": FloatDistribution(0.0, 0.99),
    "review_to_query": CategoricalDistribution((0.0, 1.0)),
    "id_scale": FloatDistribution(0.5, 3.0, log=True),
    "id_shrinkage": FloatDistribution(1.0, 20.0, log=True),
    "temperature": FloatDistribution(8.0, 25.0),
    "bias_scale": FloatDistribution(0.0, 0.6),
    "label_smoothing": FloatDistribution(0.0, 0.15),
}
"""What is searched, with its bounds; everything else stays as it is in ``InterestConfig``."""


EARLIER = "tuned.earlier.json"
"""The trials before those of other content, another encoder or another sample."""


@dataclass(frozen=True)
class Tuning:
    """All that was tried on one corpus with one encoder, in order, with ``seed`` the last one.

    The first of each seed is the default. ``sample``: whose events were tried, None for all.
    """

    corpus: str
    corpus_id: str
    encoder_id: str
    seed: int
    trials: tuple[TunedTrial, ...]
    sample: UserSample | None = None

    @property
    def best(self) -> TunedTrial:
        """The best finished trial, else the best of all."""
        finished = [trial for trial in self.trials if trial.state == "done"]
        return max(finished or self.trials, key=lambda trial: trial.ndcg)

    @property
    def config(self) -> InterestConfig:
        """The configuration to train with."""
        return config_of(self.best.setting, self.best.seed)

    def facts(self) -> dict[str, Any]:
        """As JSON; ``config`` is what ``train --config`` reads."""
        return {
            "format": FORMAT,
            **asdict(self),
            "sample": None if self.sample is None else asdict(self.sample),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "measure": "validation NDCG@10, leave-last-out",  # no sentence
            "best_ndcg": self.best.ndcg,
            "config": self.config.to_json(),
        }


def tune(
    corpus: Corpus,
    library: Library,
    minutes: float,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    *,
    encoder: TextEncoder | None = None,
    cache: VectorCache | None = None,
    base: InterestConfig | None = None,
    machines: Machines = HERE,
) -> Tuning:
    """Try settings for so many minutes; the default is tried first, unless it was before.

    ``machines`` try as many at once as they have processors; the next ones are chosen when all of
    them are known, and none ends early for falling behind.

    Everything tried is written to ``tuning_file`` after each trial, and earlier trials of the same
    corpus and encoder, whatever their seed, are continued; of a sample of users
    (``core.corpus.sampling``) those of the same sample. Trials of something else are then in
    ``EARLIER`` beside it. When ``stop`` answers True, what was
    tried is kept and Stopped is raised. ``base`` holds the settings that aren't searched.
    DomainError for more than MOST_MINUTES, for a seed that isn't allowed, and for all but editors.
    """
    access.need_editor(tr("tuning"))
    if not 0 <= minutes <= MOST_MINUTES:
        raise DomainError(
            tr("a search can't last {minutes:g} minutes", minutes=minutes),
            where="--minutes",
            remedy=tr("Give up to {most:,}", most=MOST_MINUTES),
        )
    InterestConfig.checked({"seed": seed})
    deadline = time.monotonic() + 60 * minutes
    encoder, cache = encoder or open_encoder(library), cache or open_cache(library)
    parts, sentiment = leave_last_out(corpus.events), shipped_sentiment(library)
    prepared = prepare(corpus, parts, encoder, cache, sentiment, progress, stop)
    if len(prepared.train_items) == 0 or len(prepared.fitting.judged) == 0:
        raise DomainError(
            tr("there are no events to learn from and to choose by"),
            where=tr("corpus {name}", name=corpus.name),
            remedy=tr("A user needs five events for one of them to be a validation target"),
        )
    place = tuning_file(library, corpus.name)
    need_space(place.parent, SMALLEST_RECORD, mark("record of trials"))
    tuning = Tuning(corpus.name, corpus.corpus_id, encoder.encoder_id, seed, (), corpus.sample)
    known = _kept(library, corpus.name)
    try:
        before = _read(known)
        if replace(before, trials=(), seed=seed) == tuning:
            tuning = replace(tuning, trials=before.trials)
        elif before.trials:
            with suppress(OSError):
                known.replace(known.with_name(EARLIER))
    except FileNotFoundError:
        pass
    except UNREADABLE as error:
        aside = known.with_suffix(f".damaged-{secrets.token_hex(3)}")
        with suppress(OSError):
            known.replace(aside)
            said = "the record of trials is damaged (%s); it is now %s"  # no sentence
            logging.getLogger(__name__).warning(said, reason_of(error), aside)
    study = _study(tuning)

    def tell(values: Sequence[float]) -> None:
        best = max([*(trial.ndcg for trial in tuning.trials), *values])
        figures = {mark("trial"): float(len(tuning.trials) + 1), mark("best"): best}
        left = max(deadline - time.monotonic(), 0.0)
        done = int(60 * minutes - left)
        report(progress, Progress(mark("Tuning"), done, int(60 * minutes), left, figures))

    def ends() -> bool:
        return time.monotonic() > deadline or (stop is not None and stop())

    def is_stopped() -> bool:
        if tuning.trials:
            tell(())
        return stop is not None and stop()

    while not tuning.trials or time.monotonic() <= deadline:
        default_known = any(
            not trial.setting and trial.state != "cut" and trial.seed == seed
            for trial in tuning.trials
        )
        trials = [study.ask(SPACE if default_known else {})]
        if machines is HERE:
            setting = trials[0].params
            about = setting, config_of(setting, seed, base), prepared
            answers = iter((attempt(*about, _watching(trials[0], tell), ends),))
        else:
            trials += [study.ask(SPACE) for _ in range(machines.size - 1)]
            cache.settle()
            round_ = Round.of(prepared, library, encoder, deadline - time.monotonic())
            settings = [(trial.params, config_of(trial.params, seed, base)) for trial in trials]
            answers = machines.map(partial(try_on_node, round_), settings, is_stopped)
        for trial, tried in zip(trials, answers, strict=True):
            is_done = tried.state == "done"
            state = TrialState.COMPLETE if is_done else TrialState.PRUNED
            study.tell(trial, tried.ndcg if is_done else None, state)
            tuning = replace(tuning, trials=(*tuning.trials, tried))
            record = json.dumps(sealed(tuning.facts()), indent=1) + "\n"
            library.keep(place, partial(replace_text, text=record))
            check_stop(stop)
    return tuning


def config_of(
    setting: dict[str, Any], seed: int, base: InterestConfig | None = None
) -> InterestConfig:
    """The configuration that a setting stands for."""
    values = dict(setting)
    if "decays" in values:
        values["decays"] = DECAYS[values["decays"]]
    return replace(base or InterestConfig(), seed=seed, **values)


def tuning_file(library: Library, corpus_name: str) -> Path:
    """Where the trials of a corpus are kept."""
    return library.root / "tuning" / check_name(corpus_name) / "tuned.json"


def _kept(library: Library, corpus_name: str) -> Path:
    """The file that holds the trials now: the library's, or a spare one where it took none."""
    path = tuning_file(library, corpus_name)
    return next((place for place in library.places(path) if place.is_file()), path)


def read_tuning(library: Library, corpus: Corpus, encoder_id: str) -> Tuning:
    """What was tried on this very content with this encoder; DomainError where nothing was."""
    path = _kept(library, corpus.name)
    try:
        tuning = _read(path)
        if tuning.corpus_id != corpus.corpus_id or not tuning.trials:
            problem = tr("the trials are about other content")
        elif tuning.encoder_id != encoder_id:
            problem = tr("the trials used another encoder")
        else:
            return tuning
    except FileNotFoundError:
        problem = tr("corpus {name} was not tuned", name=corpus.name)
    except UNREADABLE:
        problem = tr("the record of trials is damaged")
    command = f"python -m core tune {corpus.name} --minutes 10"  # no sentence
    raise DomainError(problem, where=str(path), remedy=tr("Run: {command}", command=command))


def read_config_file(path: Path) -> InterestConfig:
    """Settings from a JSON file: fields of ``InterestConfig``, or a record of trials.

    DomainError for a file that isn't that, an unknown field, or a value that isn't allowed.
    """
    try:
        values = read_object(path)
    except (OSError, ValueError) as error:
        raise DomainError(
            tr("the settings can't be read: {reason}", reason=error),
            where=str(path),
            remedy=tr("Give a JSON file"),
        ) from None
    if isinstance(values, dict) and isinstance(values.get("config"), dict):
        values = values["config"]
    if not isinstance(values, dict):
        raise DomainError(tr("the settings are not a JSON object"), where=str(path))
    return InterestConfig.checked(values, str(path))


def _read(path: Path) -> Tuning:
    facts = unsealed(read_object(path))
    if facts["format"] != FORMAT:
        raise ValueError(facts["format"])
    trials = tuple(TunedTrial(**{"seed": facts["seed"], **trial}) for trial in facts["trials"])
    for trial in trials:
        if not isinstance(trial.ndcg, float) or not 0 <= trial.ndcg <= 1:
            raise ValueError(f"a trial with NDCG {trial.ndcg!r}")
        InterestConfig.checked(config_of(trial.setting, trial.seed).to_json())
    drawn = facts.get("sample")  # earlier versions knew none
    sample = None if drawn is None else UserSample(**drawn).checked()
    about = facts["corpus"], facts["corpus_id"], facts["encoder_id"], facts["seed"]
    return Tuning(*about, trials, sample)


def _study(tuning: Tuning) -> optuna.Study:
    """A study that knows the finished trials of earlier runs, of any seed."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=tuning.seed),
        pruner=optuna.pruners.MedianPruner(UNPRUNED_TRIALS, n_warmup_steps=3),
    )
    usual = InterestConfig().to_json()
    for trial in tuning.trials:
        if trial.setting and trial.state == "done":
            # Earlier versions searched fewer settings, and left the others as they are by default.
            params = {name: trial.setting.get(name, usual[name]) for name in SPACE}
            known = optuna.trial.create_trial(params=params, distributions=SPACE, value=trial.ndcg)
            study.add_trial(known)
    return study


def _watching(
    trial: optuna.Trial, tell: Callable[[Sequence[float]], None]
) -> Callable[[Sequence[float]], None]:
    """Hands on figures, and ends a trial that falls behind earlier ones."""
    reported = 0

    def watched(values: Sequence[float]) -> None:
        nonlocal reported
        if len(values) > reported:
            reported = len(values)
            trial.report(max(values), reported)
            if trial.should_prune():
                raise optuna.TrialPruned
        tell(values)

    return watched
