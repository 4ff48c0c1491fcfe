"""Verbs of models and users: demo, evaluate, models, users, trajectory, recommend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.output import (
    CorpusArgument,
    JsonOption,
    LibraryOption,
    answer,
    complain,
    damage_facts,
    damage_lines,
    progress_bar,
)
from core.cli.whose import AtOption, Whose
from core.cluster import machines_at
from core.corpus.names import short_name
from core.corpus.store import Library
from core.domain import Columns, DomainError, Stopped
from core.language import mark, tr

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.engine import Engine
    from core.evaluate.report import EvaluationReport
    from core.model.metrics import Score

ModelOption = Annotated[
    str | None, typer.Option("--model", metavar="ID", help=tr("Model id (default: the newest)."))
]
RecommenderOption = Annotated[
    str | None,
    typer.Option("--recommender", metavar="ID", help=tr("For example interest, joint or ease.")),
]
SHOWN = ("joint", "interest")
"""Recommenders whose quality the list of models shows."""
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", help=tr("auto (an accelerator where there is one), cpu, cuda or mps.")
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="HOST:PORT|local",
        help=tr("Share the work among the processors of a Ray cluster, or of this machine."),
    ),
]
CohortOption = Annotated[
    str | None,
    typer.Option("--cohort", metavar="NAME", help=tr("Also for the users of a saved cohort.")),
]
KOption = Annotated[int, typer.Option("--k", min=1, max=1000, help=tr("Length of the list."))]


@dataclass(frozen=True)
class Asked:
    """What a verb about a model is given: CORPUS, --model, --library and --json."""

    corpus: CorpusArgument
    model: ModelOption = None
    library: LibraryOption = None
    json: JsonOption = False

    def shelf(self) -> Library:
        """The library."""
        return Library.open(self.library)

    def engine(self) -> Engine:
        """The engine of the corpus and the model; DomainError when either is missing.

        Damaged models among which the newest may be are named on stderr, and so is the sample of
        users that a model was trained on.
        """
        from core.engine import Engine
        from core.views.wording import about_everybody

        shelf, name = self.shelf(), self.corpus
        corpus, folder = shelf.corpus(name), shelf.model_folder(name, self.model)
        if self.model is None:
            for line in damage_lines(shelf.models(name).damaged):
                complain(tr("Model {line}", line=line))
        engine = Engine.open(corpus, folder, shelf)
        if engine.corpus.sample is not None:
            complain(about_everybody(engine.corpus.sample))
        return engine


def evaluate_corpus(
    asked: Asked,
    protocol: Annotated[
        str, typer.Option("--protocol", help=tr("leave-last-out, temporal or windows."))
    ] = "leave-last-out",
    k: KOption = 10,
    device: DeviceOption = "auto",
    ray: RayOption = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help=tr(
                "Also judge every recommender with the validation events counted in, after all "
                "choices were made; trains the interest model again (leave-last-out)."
            ),
        ),
    ] = False,
    cohort: CohortOption = None,
) -> None:
    """Judge the recommenders of a model on held-out events."""
    from core.corpus.sampling import among
    from core.engine import Engine
    from core.evaluate.protocols import sample_of, with_own, with_served
    from core.evaluate.refitted import refitted_report
    from core.model.folder import read_config
    from core.recommend.own import installed
    from core.strategy.store import StrategyStore
    from core.training.refitting import refit_interest
    from core.training.training import evaluate_model
    from core.views.quality.build import build_verdict, strategies_of
    from core.views.quality.sentences import about_lists, about_sample, damaged_lists
    from core.views.wording import about_everybody

    shelf = asked.shelf()
    data, folder = shelf.corpus(asked.corpus), shelf.model_folder(asked.corpus, asked.model)
    data = among(data, read_config(folder).sample)
    if cohort is not None and protocol == "windows":
        raise DomainError(
            tr("windows are judged for all users"),
            where="--cohort",
            remedy=tr("Leave out --cohort"),
        )
    if ray is not None and protocol != "leave-last-out":
        raise DomainError(
            tr("other protocols train models, on this machine"),
            where="--ray",
            remedy=tr("Leave out --ray, or --protocol"),
        )
    who = None
    if cohort is not None:
        from core.cli.cohort_verbs import open_cohort

        who = open_cohort(asked, Engine.open(data, folder, shelf), cohort)
    if protocol == "windows":
        _evaluate_windows(asked, data, folder, k, device, refit)
        return
    if refit and protocol != "leave-last-out":
        raise DomainError(
            tr("a refit is judged by leave-last-out only"),
            where="--refit",
            remedy=tr("Leave out --refit, or --protocol"),
        )
    with progress_bar() as progress:
        with machines_at(ray) as machines:
            stored = evaluate_model(
                *(data, shelf, folder, protocol, k, progress), device=device, machines=machines
            )
        grown = None
        if refit:
            learn = partial(refit_interest, data, shelf, folder, progress, device=device)
            grown = refitted_report(data, shelf, folder, k, progress, refit_interest=learn)
        failures: list[str] = []
        strategies: tuple[str, ...] = ()
        if installed() or StrategyStore.open(shelf).path.exists():
            engine = Engine.open(data, folder, shelf)
            stored, left_out = with_own(stored, engine, shelf, progress)
            failures = [str(error) for error in (engine.failures | left_out).values()]
            strategies = strategies_of(engine)
    report, served, damaged = with_served(stored, data, shelf, folder)
    subject = report.results[0].recommender
    sample = sample_of(stored, data)
    cautions = [
        *filter(None, [about_everybody(data.sample)]),
        *about_sample(sample),
        *(about_lists(report, subject, lists) for lists in served),
        *damaged_lists(damaged),
    ]
    cautions += failures
    lines = [
        build_verdict(report, served, subject, strategies),
        tr(
            "{protocol}: {targets:,} targets of {users:,} users",
            protocol=protocol,
            targets=len(report.users),
            users=len(set(report.users)),
        ),
    ]
    lines += [
        tr(
            "{score}  coverage {coverage:.2f}",
            score=_scores(score, k),
            coverage=score.coverage,
        )
        for score in sorted(report.scores, key=lambda score: -(score.ndcg or 0.0))
        if score.ndcg is not None
    ]
    facts = {**report.to_json(), "cautions": cautions}
    facts |= sample.facts if sample is not None else {}
    facts |= data.sample.facts if data.sample is not None else {}
    if grown is not None:
        lines.append(tr("refitted with the validation events, after all choices were made:"))
        lines += [
            f"{score.recommender:<18} NDCG@{k} {score}"  # no sentence
            for score in sorted(grown.scores, key=lambda score: -(score.ndcg or 0.0))
            if score.ndcg is not None
        ]
        facts["refit"] = grown.to_json()["results"]
    if who is not None:
        more, told = _evaluated_cohort(report, *who, subject)
        facts["cohort"] = more
        lines += told
    answer(facts, [*lines, *cautions], as_json=asked.json)


def _evaluated_cohort(
    report: EvaluationReport, name: str, user_ids: Sequence[str], subject: str
) -> tuple[dict[str, Any], list[str]]:
    """What a report says of a cohort beside all others, as facts and lines."""
    from core.views.cohorts.build import served_beside

    who = report.of_users(user_ids)
    part = report.among(who)
    facts = {"name": name, **part.to_json(), "users": len(user_ids)}
    said = [served_beside(report, who, subject).sentence]
    said += [
        _scores(score, report.k)
        for score in sorted(part.scores, key=lambda score: -(score.ndcg or 0.0))
        if score.ndcg is not None
    ]
    return facts, [tr("{about}: {problem}", about=name, problem=line) for line in said]


def _scores(score: Score, k: int) -> str:
    """A line of a table of recommenders."""
    return tr(
        "{recommender:<18} NDCG@{k} {score}  recall {recall:.3f}  MRR {mrr:.4f}",
        recommender=score.recommender,
        k=k,
        score=score,
        recall=score.recall,
        mrr=score.mrr,
    )


def _evaluate_windows(
    asked: Asked, corpus: Corpus, folder: Path, k: int, device: str, refit: bool
) -> None:
    """``evaluate --protocol windows``: a model left alone, updated and trained anew over time."""
    from core.training.windows import evaluate_windows
    from core.views.quality.ageing import build_ageing
    from core.views.wording import about_everybody

    if refit:
        raise DomainError(
            tr("a refit is judged by leave-last-out only"),
            where="--refit",
            remedy=tr("Leave out --refit, or --protocol"),
        )
    with progress_bar() as progress:
        report = evaluate_windows(corpus, asked.shelf(), folder, k, progress, device=device)
    view = build_ageing(report)
    lines = [view.sentence, view.forgetting]
    lines += [
        tr(
            "{window:<10} {targets:>6,} targets of {users:,} users: stale {stale}  updated "
            "{updated} in {update_seconds:.0f} s  retrained {retrained} in {retrain_seconds:.0f} s",
            window=row.window,
            targets=row.targets,
            users=row.users,
            stale=row.stale,
            updated=row.updated,
            update_seconds=row.update_seconds,
            retrained=row.retrained,
            retrain_seconds=row.retrain_seconds,
        )
        for row in view.rows
    ]
    facts = report.to_json()
    if corpus.sample is not None:
        lines.append(about_everybody(corpus.sample))
        facts |= corpus.sample.facts
    answer(facts, lines, as_json=asked.json)


def rebuild_demo(json: JsonOption = False) -> None:
    """Rebuild the shipped demo: corpus, vectors and trained model, byte for byte."""
    from core.demo.build import DEMO_FOLDER, build_demo
    from core.home import INSTALLED

    if INSTALLED:
        raise DomainError(
            tr("an installed package keeps its demo as it is"),
            where=str(DEMO_FOLDER),
            remedy=tr("Rebuild it in a checkout of the repository"),
        )
    with progress_bar() as progress:
        changed = build_demo(DEMO_FOLDER, progress)
    lines = [tr("Rebuilt {folder}", folder=DEMO_FOLDER)]
    same = tr("every file has the bytes it had before")
    lines += [tr("changed: {file}", file=name) for name in changed] or [same]
    answer({"folder": str(DEMO_FOLDER), "changed": changed}, lines, as_json=json)


def list_models(
    corpus: CorpusArgument, library: LibraryOption = None, json: JsonOption = False
) -> None:
    """List the models of a corpus, the newest first."""
    from core.model.folder import read_config
    from core.model.metrics import read_metrics

    shelf = Library.open(library)
    shelf.manifest(corpus)
    models: list[dict[str, Any]] = []
    known = shelf.models(corpus)
    damaged = dict(known.damaged)
    for folder in known.folders:
        metrics = None
        try:
            config = read_config(folder)
        except DomainError as error:
            damaged[folder.name] = error
            continue
        try:
            metrics = read_metrics(folder)
        except DomainError as error:
            damaged[folder.name] = error
        models.append(
            {
                "model_id": config.model_id,
                "created": config.created,
                "corpus_id": config.corpus_id,
                "encoder": config.encoder.name,
                "ndcg": {s.recommender: s.ndcg for s in metrics.results} if metrics else {},
                "folder": str(folder),
                **(metrics.sampled.facts if metrics and metrics.sampled else {}),
                **(config.sample.facts if config.sample else {}),
            }
        )
    lines = [
        f"{model['model_id']}  {model['created']}  NDCG@10 "  # no sentence
        + ", ".join(
            f"{name} {model['ndcg'][name]:.4f}"
            for name in SHOWN
            if model["ndcg"].get(name) is not None
        )
        + _sampled(model)
        + _trained_on(model)
        for model in models
    ]
    lines += damage_lines(damaged)
    command = f"python -m core train {corpus}"  # no sentence
    lines = lines or [tr("No model yet. Train one: {command}", command=command)]
    answer({"models": models, "damaged": damage_facts(damaged)}, lines, as_json=json)


def _sampled(model: Mapping[str, Any]) -> str:
    """What a line of a model adds where not all test targets were ranked."""
    if "sample" not in model:
        return ""
    from core.measure.cases import Sample
    from core.views.wording import sample_sentence

    return "  " + sample_sentence(Sample(**model["sample"]), "target")


def _trained_on(model: Mapping[str, Any]) -> str:
    """What a line of a model adds where it was trained on a sample of users."""
    if "trained_on" not in model:
        return ""
    from core.corpus.sampling import UserSample

    return "  " + UserSample(**model["trained_on"], last="").sentence


def list_users(
    asked: Asked,
    sort: Annotated[str, typer.Option("--sort", help=tr("drift or events, descending."))] = "drift",
) -> None:
    """List users with their number of events and the drift of their interest."""
    if sort not in ("drift", "events"):
        raise DomainError(
            tr("unknown order {sort!r}", sort=sort),
            where="--sort",
            remedy=tr("Use drift or events"),
        )
    engine = asked.engine()
    starts, times = engine.corpus.user_starts, engine.corpus.events[Columns.Time]
    timed = not engine.corpus.manifest.order_as_time
    table = engine.users[["user_id", "events"]].assign(
        first=[time.isoformat() if timed else None for time in times.iloc[starts[:-1]]],
        last=[time.isoformat() if timed else None for time in times.iloc[starts[1:] - 1]],
        drift=engine.users["drift"],
    )
    users = table.sort_values([sort, "user_id"], ascending=[False, True]).to_dict("records")
    lines = [
        tr(
            "{user}: {events} events, {span}, drift {drift:.3f}",
            user=row["user_id"],
            events=row["events"],
            span=_span(row["first"], row["last"]),
            drift=row["drift"],
        )
        for row in users[:50]
    ]
    if len(users) > 50:
        lines.append(tr("... and {n:,} more (--json lists all)", n=len(users) - 50))
    answer({"users": users}, lines, as_json=asked.json)


def _span(first: str | None, last: str | None) -> str:
    if not first or not last:
        return tr("no times")
    return tr("{start} to {end}", start=first[:10], end=last[:10])


def show_trajectory(asked: Asked, whose: Whose, recommender: RecommenderOption = None) -> None:
    """Show a user's interest step by step, with the rank of each next item in the list before."""
    engine = asked.engine()
    history = whose.whole(engine.corpus)
    trajectory = engine.trajectory(history)
    next_ranks = engine.next_ranks(history, recommender)
    measured = ("sentiment", "x", "y", "step_size")
    steps: list[dict[str, Any]] = [
        {
            "step": at + 1,
            "timestamp": event.date and event.date.isoformat(),
            "item_id": event.item_id or None,
            "kind": event.kind.value,
            "rating": event.rating,
            **{name: float(getattr(trajectory, name)[at]) for name in measured},
            "next_rank": float(next_ranks[at]),
            "profile": dict(zip(engine.topics.names, trajectory.profile[at].tolist(), strict=True)),
        }
        for at, event in enumerate(history.events)
    ]
    lines = []
    for row, event in zip(steps, history.events, strict=True):
        topic = max(row["profile"], key=row["profile"].get)
        kind: str = row["kind"]
        rank = f"{row['next_rank']:g}" if row["next_rank"] == row["next_rank"] else "-"
        lines.append(
            tr(
                "{step:>4}  {day:<10}  {kind:<8}  {title:<48}  {topic:<24} {share:.0%}  next "
                "item's rank {rank}",
                step=row["step"],
                day=(row["timestamp"] or "")[:10],
                kind=tr(kind),
                title=short_name(engine.corpus.event_title(event), 48),
                topic=short_name(topic, 24),
                share=row["profile"][topic],
                rank=rank,
            )
        )
    answer({"user_id": history.user_id, "steps": steps}, lines, as_json=asked.json)


def recommend_items(
    asked: Asked,
    whose: Whose,
    at: AtOption = None,
    k: KOption = 10,
    recommender: RecommenderOption = None,
    everybody: Annotated[
        bool,
        typer.Option("--all", help=tr("Instead of --user: a list for every user, into --out.")),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=tr("With --all: a .parquet or .csv file.")),
    ] = None,
    ray: RayOption = None,
) -> None:
    """Show the recommendation list of a user at a time, or write those of all users to a file."""
    if everybody or out is not None:
        _recommend_to_all(asked, whose, at, k, recommender, out if everybody else None, ray)
        return
    if ray is not None:
        raise DomainError(tr("one list is made here"), where="--ray", remedy=tr("Leave out --ray"))
    engine = asked.engine()
    items = engine.recommend(whose.at(engine.corpus, at), k, recommender).items
    lines = [f"{item.rank:>3}  {item.score:7.3f}  {item.title or item.item_id}" for item in items]
    answer({"items": [asdict(item) for item in items]}, lines, as_json=asked.json)


def _recommend_to_all(
    asked: Asked,
    whose: Whose,
    at: str | None,
    k: int,
    recommender: str | None,
    out: Path | None,
    ray: str | None,
) -> None:
    from core.evaluate.making_lists import make_lists, unfinished_path

    if out is None:
        raise DomainError(tr("--all and --out belong together"), remedy=tr("Give both or neither"))
    if whose != Whose():
        raise DomainError(
            tr("--all is for every user"), remedy=tr("Leave out --user and --history")
        )
    try:
        with progress_bar() as progress, machines_at(ray) as machines:
            made = make_lists(asked.engine(), out, k, at, recommender, progress, machines=machines)
    except KeyboardInterrupt:
        if unfinished_path(out).exists():
            raise Stopped(tr("Stopped; the same command goes on from here.")) from None
        raise
    if made.discarded:
        gone = mark(
            "The lists of an unfinished run, for another question or damaged, were removed."
        )
        complain(tr(gone))
    if made.left_out:
        silent = mark("{n:,} users have no event at that moment and are left out.")
        complain(tr(silent, n=made.left_out))
    said = tr(
        "{n:,} lists of up to {k} items by {recommender}: {file}",
        n=made.lists,
        k=k,
        recommender=made.recommender,
        file=out,
    )
    if made.kept:
        said = tr("{said}, {n:,} users by an earlier run", said=said, n=made.kept)
    command = f"python -m core import-lists {out} --name {asked.corpus}"  # no sentence
    lines = [said, tr("next: {command}", command=command)]
    answer({"corpus": asked.corpus, **asdict(made)}, lines, as_json=asked.json)


VERBS = {
    "demo": rebuild_demo,
    "evaluate": evaluate_corpus,
    "models": list_models,
    "users": list_users,
    "trajectory": show_trajectory,
    "recommend": recommend_items,
}
