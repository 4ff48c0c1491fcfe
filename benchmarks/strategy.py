"""Off-policy intervals against the truth of simulated policies; how long a refit of weights takes.

    python -m benchmarks.strategy [offpolicy] [oracle] [reweigh]

``offpolicy``: users with tastes of their own meet epsilon-greedy policies with known propensities;
the truth is the target policy's mean reward over many contexts. ``oracle`` holds the estimates for
lists of one item against those of obp, by the Python that TASTELINES_OBP names (obp asks for
Python below 3.11; ``pip install --no-deps --ignore-requires-python obp==0.5.7`` beside newer
numpy, pandas and scikit-learn works). ``reweigh`` takes demo and music.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.living import corpus_of
from benchmarks.measuring import RESULTS, Line, cases, record, show
from core.arrays import BoolArray, DoubleArray, IntArray
from core.corpus.store import DEMO, Library
from core.engine import Engine
from core.evaluate.offpolicy import Earned, Logs, estimate
from core.evaluate.strategies import data_of_model, joint_of_model
from core.strategy.reweighing import reweigh
from core.training.training import train

ITEMS, DIM, USERS, REPETITIONS, CONTEXTS = 40, 4, 400, 500, 100_000
MANY = 1_000
"""Users where lists hold one item."""
FEW = 8
"""Items where lists hold one: with more, a log of this length says too little."""
COVERAGE = (0.90, 0.97)
OBP = """
import json, sys
import numpy as np
from obp.ope import DoublyRobust, SelfNormalizedInverseProbabilityWeighting
a = np.load(sys.argv[1])
n, m = len(a["item"]), a["table"].shape[1]
dist = np.zeros((n, m, 1))
dist[np.arange(n), a["target"], 0] = 1.0
common = dict(reward=a["reward"], action=a["item"], pscore=a["propensity"], action_dist=dist,
              position=np.zeros(n, int))
print(json.dumps([
    float(SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**common)),
    float(DoublyRobust().estimate_policy_value(
        **common, estimated_rewards_by_reg_model=a["table"][:, :, None])),
]))
"""


class World:
    """Items and two policies; a user's taste and generosity are drawn anew for every sample."""

    def __init__(self, length: int, epsilon: float, n_items: int, n_users: int) -> None:
        rng = np.random.default_rng(7)
        self.n_items, self.n_users = n_items, n_users
        self.items = rng.normal(size=(n_items, DIM))
        self.blur = rng.normal(size=(n_items, DIM)) * 0.8
        self.length, self.epsilon = length, epsilon

    def contexts(self, rng: np.random.Generator, n: int) -> tuple[DoubleArray, DoubleArray]:
        """Tastes float64[n, d] and generosities float64[n]."""
        return rng.normal(size=(n, DIM)), rng.normal(size=n)

    def chance(self, taste: DoubleArray, generosity: DoubleArray) -> DoubleArray:
        """Chance of a reward for each item, float64[n, n_items]."""
        return 1.0 / (1.0 + np.exp(1.5 - 0.8 * taste @ self.items.T - generosity[:, None]))

    def served(self, taste: DoubleArray) -> IntArray:
        """The logging policy's favourites, int64[n, length]."""
        return np.argsort(-(taste @ (self.items + self.blur).T), axis=1)[:, : self.length]

    def target(self, taste: DoubleArray) -> IntArray:
        """The lists of the policy that is asked about, int64[n, length]."""
        return np.argsort(-(taste @ (self.items - 0.5 * self.blur).T), axis=1)[:, : self.length]

    def truth(self) -> float:
        """Mean reward per item of the target policy."""
        rng = np.random.default_rng(11)
        taste, generosity = self.contexts(rng, CONTEXTS)
        chance = self.chance(taste, generosity)
        return float(np.take_along_axis(chance, self.target(taste), axis=1).mean())

    def log(self, seed: int) -> tuple[Logs, BoolArray, IntArray]:
        """A log of users with one to three lists each; what the target would show."""
        rng = np.random.default_rng(seed)
        taste, generosity = self.contexts(rng, self.n_users)
        owner = np.repeat(np.arange(self.n_users), rng.integers(1, 4, self.n_users))
        # A user's contexts differ a little: what they did before changes.
        taste = (taste[owner] + 0.5 * rng.normal(size=(len(owner), DIM))) / np.sqrt(1.25)
        favourites, target = self.served(taste), self.target(taste)
        at_random = rng.random((len(owner), self.n_items)).argsort(axis=1)[:, : self.length]
        explores = rng.random(len(owner)) < self.epsilon
        shown = np.where(explores[:, None], at_random, favourites)
        is_favourite = (shown[:, :, None] == favourites[:, None, :]).any(-1)
        by_chance = self.epsilon * self.length / self.n_items
        propensity = (1.0 - self.epsilon) * is_favourite + by_chance
        chance = self.chance(taste, generosity[owner])
        rewarded = rng.random(shown.shape) < np.take_along_axis(chance, shown, axis=1)
        logs = Logs(
            np.repeat(np.arange(len(owner)), self.length),
            shown.ravel(),
            propensity.ravel(),
            rewarded.ravel().astype(np.float64),
            tuple(f"u{user}" for user in owner),
        )
        shows = (shown[:, :, None] == target[:, None, :]).any(-1).ravel()
        return logs, shows, target


def estimates(
    n_items: int, logs: Logs, shows: BoolArray, target: IntArray
) -> tuple[Earned, DoubleArray]:
    """The product's estimate, and the expected rewards that it used, float64[m, n_items]."""
    fold, table = logs.expected(n_items)
    direct = np.take_along_axis(table[fold], target, axis=1).sum(axis=1)
    return estimate("target", logs, shows, direct, table[fold[logs.list], logs.item]), table[fold]


def coverage(length: int, epsilon: float, n_items: int, n_users: int) -> list[Line]:
    """How often 95 % intervals hold the truth."""
    world = World(length, epsilon, n_items, n_users)
    truth, n = world.truth(), cases(REPETITIONS)
    inside = {"SNIPS": 0, "DR": 0}
    widths = {"SNIPS": 0.0, "DR": 0.0}
    errors = {"SNIPS": 0.0, "DR": 0.0}
    sizes = []
    for seed in range(n):
        made, _ = estimates(n_items, *world.log(seed))
        sizes.append(made.ess)
        for name, interval in (("SNIPS", made.snips), ("DR", made.dr)):
            inside[name] += interval.low <= truth <= interval.high
            widths[name] += (interval.high - interval.low) / n
            errors[name] += (interval.mean - truth) / n
    low, high = COVERAGE
    return [
        show(
            Line(
                f"{name}, lists of {length} of {n_items} items, epsilon {epsilon}: 95 % intervals",
                f"hold the truth in {low:.0%} to {high:.0%}",
                f"{inside[name] / n:.1%} of {n}; truth {truth:.4f}, bias {errors[name]:+.4f}, "
                f"width {widths[name]:.3f}, effective sample size {np.mean(sizes):.0f}",
                low <= inside[name] / n <= high,
            )
        )
        for name in inside
    ]


def oracle() -> list[Line]:
    """SNIPS and DR of obp on the same logs of lists of one item."""
    python = os.environ.get("TASTELINES_OBP")
    if not python:
        print("TASTELINES_OBP names no Python: left out")
        return []
    world, worst = World(1, 0.6, FEW, MANY), 0.0
    with tempfile.TemporaryDirectory() as home:
        place = Path(home) / "log.npz"
        for seed in range(5):
            logs, shows, target = world.log(seed)
            made, table = estimates(FEW, logs, shows, target)
            assert not made.is_refused
            np.savez(
                place,
                item=logs.item,
                target=target[:, 0],
                table=table,
                reward=logs.reward,
                propensity=logs.propensity,
            )
            said = subprocess.run(
                [python, "-W", "ignore", "-c", OBP, str(place)],
                check=True,
                capture_output=True,
                text=True,
            )
            snips, dr = json.loads(said.stdout)
            worst = max(worst, abs(snips - made.snips.mean), abs(dr - made.dr.mean))
    return [
        show(
            Line(
                "SNIPS and DR of obp on five logs, largest difference",
                "equal",
                f"{worst:.1e}",
                worst < 1e-9,
            )
        )
    ]


def refit(name: str, library: Library) -> list[Line]:
    """Seconds of a refit, and what it would have gained."""
    corpus = corpus_of(name, library)
    if not library.model_folders(name):
        train(corpus, library)
    engine = Engine.open(corpus, library.model_folder(name), library)
    joint = joint_of_model(engine)
    began, worked = time.perf_counter(), time.process_time()
    data = data_of_model(engine, library)
    found = reweigh(corpus, engine.model_id, joint, data)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    took = f"{worked:.1f} s of processor, {seconds:.1f} s at a load of {os.getloadavg()[0]:.0f}"
    gain = found.test.difference
    said = f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
    taken = "taken" if found.is_better else "kept the old weights"
    return [
        show(Line(f"reweigh {name}", "10 s", took, min(worked, seconds) <= 10)),
        show(
            Line(
                f"reweigh {name}: NDCG@10 on {found.held_out} held-out newest cases",
                "never taken by default where it loses",
                f"{said}, {taken}",
                found.is_better == (gain.low > 0),
            )
        ),
    ]


def main() -> None:
    """Measure what is named, by default everything."""
    asked = sys.argv[1:] or ["offpolicy", "oracle", "reweigh"]
    if "offpolicy" in asked:
        lines = [
            line
            for setting in ((1, 0.6, FEW, MANY), (5, 0.3, ITEMS, USERS), (5, 1.0, ITEMS, USERS))
            for line in coverage(*setting)
        ]
        record("strategy", {"offpolicy": lines})
    if "oracle" in asked and (lines := oracle()):
        record("strategy", {"oracle": lines})
    if "reweigh" in asked:
        home = Path(os.environ.get("TASTELINES_LIBRARY") or RESULTS.parent / "work" / "living")
        library = Library.open(home)
        record("strategy", {"reweigh": [*refit(DEMO, library), *refit("music", library)]})


if __name__ == "__main__":
    main()
