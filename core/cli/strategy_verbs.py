"""Verbs about strategies and what they earn: reweigh, strategy, off-policy."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.model_verbs import Asked
from core.cli.output import answer, complain, progress_bar
from core.cli.training_verbs import WhyOption
from core.domain import DomainError
from core.language import mark, tr

SaveOption = Annotated[
    str | None,
    typer.Option("--save", metavar="NAME", help=tr("Keep it as a strategy of this name.")),
]


def reweigh_joint(
    asked: Asked,
    save: SaveOption = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help=tr("Save the refitted weights also where they gain nothing.")
        ),
    ] = False,
    why: WhyOption = "",
) -> None:
    """Refit the joint's weights on the newest cases, and say what that is expected to gain."""
    from core.evaluate.served import served_names
    from core.evaluate.strategies import data_of_model, joint_of_model
    from core.strategy.adjusted import Settings
    from core.strategy.reweighing import reweigh
    from core.strategy.store import StrategyStore, save_strategy
    from core.views.quality.strategy import tell_weights

    engine, shelf = asked.engine(), asked.shelf()
    joint = joint_of_model(engine)
    with progress_bar() as progress:
        data = data_of_model(engine, shelf)
        found = reweigh(engine.corpus, engine.model_id, joint, data, progress)
    lines, saved = tell_weights(found), None
    if save is not None:
        known = StrategyStore.open(shelf).named(engine.corpus.name, save)
        settings = known.settings if known else Settings()
        taken = found.is_better or anyway
        weights = found.pool.vector.tolist() if taken else None
        if not taken and known is not None and known.model_id == engine.model_id:
            weights = None if known.weights is None else list(known.weights)
        saved = save_strategy(
            *(shelf, engine.corpus.name, save, engine.model_id, settings, weights, why),
            taken=served_names(engine.corpus.name, shelf),
        )
        kept = mark("Saved strategy {name} with the old weights (--anyway takes the new ones).")
        if taken:
            kept = mark("Saved strategy {name} with the refitted weights.")
        lines.append(tr(kept, name=saved.name))
    facts = found.to_json() | {"saved": saved.name if saved else None}
    facts["saved_weights"] = None if saved is None else ("new" if taken else "old")
    answer(facts, lines, as_json=asked.json)


def manage_strategies(
    asked: Asked,
    price: Annotated[
        bool, typer.Option("--price", help=tr("Measure what re-ranking costs, as two curves."))
    ] = False,
    save: SaveOption = None,
    new_share: Annotated[
        float | None,
        typer.Option("--new-share", help=tr("Share of a list's places for new items, 0 to 0.5.")),
    ] = None,
    diversity: Annotated[
        float | None, typer.Option("--diversity", help=tr("0 (by score alone) to 0.9."))
    ] = None,
    delete: Annotated[
        str | None,
        typer.Option("--delete", metavar="NAME", help=tr("Take a strategy off the list.")),
    ] = None,
    why: WhyOption = "",
) -> None:
    """List the strategies of a corpus and the log of its changes; save, delete or price one."""
    from core.evaluate.served import served_names
    from core.evaluate.strategies import data_of_model, joint_of_model
    from core.strategy.adjusted import Adjusted, Settings
    from core.strategy.log import read_log, settings_words
    from core.strategy.price import measure_prices, priced_cases, prices_of
    from core.strategy.store import StrategyStore, delete_strategy, save_strategy
    from core.views.quality.strategy import saved_price, tell_log, tell_prices

    if sum((price, save is not None, delete is not None)) > 1:
        raise DomainError(
            tr("--price, --save and --delete exclude each other"), remedy=tr("Give one")
        )
    if save is None and not (new_share is None and diversity is None):
        raise DomainError(
            tr("--new-share and --diversity are settings to save"), remedy=tr("Give --save")
        )
    shelf, name = asked.shelf(), asked.corpus
    lines: list[str] = []
    if price or save is not None:
        engine = asked.engine()
        joint = joint_of_model(engine)
        store = StrategyStore.open(shelf)
        known = store.named(name, save) if save is not None else None
        if known is not None and known.model_id != engine.model_id:
            left = mark("The strategy {name} adjusted model {model}; its weights are left.")
            complain(tr(left, name=save, model=known.model_id))
            known = None
        old = known.settings if known is not None else Settings()
        settings = Settings(
            old.new_share if new_share is None else new_share,
            old.diversity if diversity is None else diversity,
        )
        pool = known.pool(joint) if known is not None else None
        with progress_bar() as progress:
            data = data_of_model(engine, shelf)
            adjusted = Adjusted.of("priced", joint, settings, engine.interest.item_vectors, pool)
            if price:
                prices = measure_prices(adjusted, data, progress)
                answer(prices.to_json(), tell_prices(prices), as_json=asked.json)
                return
            measured = prices_of(adjusted, [Settings(), settings], data, progress)[1]
        assert save is not None
        saved = save_strategy(
            *(shelf, name, save, engine.model_id, settings),
            *(None if known is None else known.weights, why),
            taken=served_names(name, shelf),
        )
        words = settings_words(saved)
        command = f"python -m core recommend {name} --user U"  # no sentence
        command = f"{command} --recommender {saved.name}"  # no sentence
        lines = [
            tr("Saved strategy {name}: {settings}.", name=saved.name, settings=words),
            saved_price(measured, len(priced_cases(data))),
            tr("Use it: {command}", command=command),
        ]
        answer(
            {"saved": saved.name, "revision": saved.revision, **measured.to_json()},
            lines,
            as_json=asked.json,
        )
        return
    shelf.manifest(name)
    if delete is not None:
        delete_strategy(shelf, name, delete, why)
        gone = mark("Deleted strategy {name}; its versions stay in the log.")
        lines.append(tr(gone, name=delete))
    store = StrategyStore.open(shelf)
    saved_ones = store.strategies(name)
    log, problems = read_log(shelf, name)
    for problem in problems:
        complain(problem)
    lines += [
        tr(
            "{name}: {settings}, for model {model}",
            name=each.name,
            settings=settings_words(each),
            model=each.model_id,
        )
        for each in saved_ones
    ] or [tr("No strategy is saved for this corpus.")]
    facts = {
        "strategies": [
            {
                "name": each.name,
                "model_id": each.model_id,
                "new_share": each.settings.new_share,
                "diversity": each.settings.diversity,
                "weights": "refitted" if each.weights is not None else "model",
                "saved": each.saved,
                "who": each.who,
                "why": each.notes or None,
            }
            for each in saved_ones
        ],
        "log": [line.to_json() for line in log],
    }
    answer(facts, [*lines, tr("Log:"), *tell_log(log)], as_json=asked.json)


def estimate_earnings(
    asked: Asked,
    lists: Annotated[
        str, typer.Option("--lists", metavar="NAME", help=tr("Imported lists with rewards."))
    ] = "production",
    recommender: Annotated[
        list[str] | None,
        typer.Option("--recommender", metavar="ID", help=tr("Which ones (default: all).")),
    ] = None,
) -> None:
    """Estimate what other recommenders would have earned in place of served lists."""
    from core.evaluate.offpolicy import off_policy
    from core.evaluate.served import load_lists
    from core.views.quality.build import list_cautions
    from core.views.quality.offpolicy import build_off_policy, tell_off_policy

    engine, shelf = asked.engine(), asked.shelf()
    served = load_lists(engine.corpus, shelf, lists)
    ids = recommender or list(engine.recommenders)
    chosen = [engine.recommender(each) for each in dict.fromkeys(ids)]
    with progress_bar() as progress:
        found = off_policy(engine, served, chosen, progress)
    view = build_off_policy(found)
    cautions = [*view.cautions, *list_cautions(shelf, asked.corpus, [lists])]
    lines = [*tell_off_policy(view), *cautions[len(view.cautions) :]]
    answer({**found.to_json(), "cautions": cautions}, lines, as_json=asked.json)


VERBS = {
    "reweigh": reweigh_joint,
    "strategy": manage_strategies,
    "off-policy": estimate_earnings,
}
