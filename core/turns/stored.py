"""Turning points of a whole corpus: measured once per model, kept in the library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, check_array
from core.cluster import HERE, Machines
from core.corpus.store import Library
from core.domain import History
from core.files import first_kept, is_about, kept_or_none, load_arrays, save_arrays
from core.language import mark, tr
from core.measure.chances import Chance, q_values
from core.model.profile import profile_of
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.threads import in_threads
from core.turns.detection import Detector, Tested, calendar_from
from core.turns.signal import entropy_of, scores_of
from core.turns.turning import Kind, TurningPoint, UserTurns, any_sure, points_of, unknown

if TYPE_CHECKING:
    from core.engine import Engine, EnginePlace

FOLDER = "turns"
FORMAT = "3"
"""Changes with the method and with the meaning of the file."""
STAGE = mark("test changes of interest against shuffled histories")
USERS_PER_PIECE = 8
"""Users that a node of a cluster tests at a time."""
NUMBERS = ("user", "kind", "step", "until", "first", "last", "grew", "shrank")
CHANCES = ("p", "q", "size")
"""What the file holds of each turning point, beside what it holds of each user."""


@dataclass(frozen=True, eq=False)
class Turns:
    """The turning points of all users of a corpus, in the corpus's order."""

    corpus_id: str
    model_id: str
    users: tuple[UserTurns, ...]
    of: Mapping[str, UserTurns] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", {user.user_id: user for user in self.users})

    def surest(
        self, n: int, among: Callable[[str, TurningPoint], bool] = lambda user, point: True
    ) -> list[tuple[str, TurningPoint]]:
        """The n surest turning points of different users, larger ones first among equals."""
        best = [
            (user.user_id, min(own, key=lambda point: (point.q or 0.0, -point.size)))
            for user in self.users
            if (own := [point for point in user.points if among(user.user_id, point)])
        ]
        best.sort(key=lambda row: (row[1].q or 0.0, -row[1].size, row[0]))
        return best[:n]


def detector_of(engine: Engine) -> Detector:
    """A detector of an engine's corpus, without the calendar that only all histories give."""
    return Detector(engine.interest, engine.topics, engine.corpus.item_index)


def turns_of_user(engine: Engine, history: History) -> UserTurns:
    """The turning points of one history tested alone: no q, and no yearly interests."""
    detector = detector_of(engine)
    return _settled(detector, history, detector.test(history))


def measure_turns(
    engine: Engine,
    histories: Sequence[History] | None = None,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    machines: Machines = HERE,
) -> Turns:
    """Test all users on ``machines``, or given histories here; ``stop`` is asked between users.

    Here as many users are tested side by side as there are processors, with the same answers.
    """
    corpus = engine.corpus
    chosen = histories or [corpus.history(user) for user in corpus.user_ids]
    detector = detector_of(engine)
    detector.calendar = calendar_from(detector, chosen)
    if machines is HERE or histories:
        answers = in_threads(detector.test, chosen, stop)
    else:
        test = partial(_tested_on_node, engine.place(), detector.calendar)
        starts = range(0, len(chosen), USERS_PER_PIECE)
        pieces = (corpus.user_ids[start : start + USERS_PER_PIECE] for start in starts)
        answers = chain.from_iterable(machines.map(test, pieces, stop))
    tested: list[Tested] = []
    for done in range(len(chosen)):
        report(progress, Progress(STAGE, done, len(chosen)))
        tested.append(next(answers))
    report(progress, Progress(STAGE, len(chosen), len(chosen)))
    families = (
        q_values([each.p for each in tested if each.p is not None]),
        q_values([each.season_p for each in tested if each.season_p is not None]),
        q_values([each.width_p for each in tested if each.width_p is not None]),
    )
    users = tuple(
        _settled(detector, history, each, *families)
        for history, each in zip(chosen, tested, strict=True)
    )
    return Turns(corpus.corpus_id, engine.model_id, users)


def _tested_on_node(
    place: EnginePlace, calendar: DoubleArray | None, user_ids: Sequence[str]
) -> list[Tested]:
    engine = place.open()
    detector = detector_of(engine)
    detector.calendar = calendar
    return [detector.test(engine.corpus.history(user)) for user in user_ids]


def _settled(
    detector: Detector,
    history: History,
    tested: Tested,
    q_change: Chance = unknown,
    q_season: Chance = unknown,
    q_width: Chance = unknown,
) -> UserTurns:
    points: tuple[TurningPoint, ...] = ()
    if tested.p is not None and any_sure(tested, q_change, q_season, q_width):
        queries = detector.interest.states(history)[1:]
        profile = profile_of(detector.interest, detector.topics, queries)
        scores = scores_of(queries, detector.directions)
        entropy = entropy_of(scores, detector.interest.temperature)
        points = points_of(tested, profile, scores, entropy, q_change, q_season, q_width)
    return UserTurns(history.user_id, len(history), tested.p, points)


def stored_path(library: Library, engine: Engine) -> Path:
    """Where the turning points of a corpus lie."""
    return library.root / FOLDER / engine.corpus.corpus_id / f"{engine.model_id}.safetensors"


def read_turns(library: Library, engine: Engine) -> Turns | None:
    """What was measured before; None where nothing was, ``Damaged`` where it is damaged."""

    def read(path: Path) -> Turns | None:
        tensors, header = load_arrays(path)
        return _from_arrays(engine, tensors) if is_about(header, _facts(engine)) else None

    places = library.places(stored_path(library, engine))
    return first_kept(places, read, tr("table of turning points"))


def make_turns(
    library: Library,
    engine: Engine,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    machines: Machines = HERE,
) -> Turns:
    """Read the turning points of a corpus, or measure them and store them whole or not at all."""
    known = kept_or_none(lambda: read_turns(library, engine))
    if known is not None:
        return known
    turns = measure_turns(engine, progress=progress, stop=stop, machines=machines)
    facts = {"facts": json.dumps(_facts(engine))}
    arrays = _arrays(turns)
    path = stored_path(library, engine)
    library.keep(path, lambda place: save_arrays(place, arrays, facts, sealed=True))
    return turns


def _facts(engine: Engine) -> dict[str, str]:
    return {
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.model_id,
    }


def _arrays(turns: Turns) -> dict[str, npt.NDArray[np.generic]]:
    rows = [(at, point) for at, user in enumerate(turns.users) for point in user.points]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        name: np.array(
            [at if name == "user" else getattr(point, name) for at, point in rows], np.int64
        )
        for name in NUMBERS
    }
    for name in CHANCES:
        arrays[name] = np.array([getattr(point, name) for _, point in rows], np.float64)
    chances = [np.nan if user.p is None else user.p for user in turns.users]
    return arrays | {"user_p": np.array(chances, np.float64)}


def _from_arrays(engine: Engine, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Turns:
    """The turning points of these arrays; ValueError where they can't be the corpus's."""
    corpus = engine.corpus
    n, topics = len(corpus.user_ids), len(engine.topics.names)
    rows = [corpus.user_rows(user) for user in corpus.user_ids]
    sizes = [own.stop - own.start for own in rows]
    chances = check_array("user_p", arrays["user_p"], np.float64, (n,), low=0, high=1, nan=True)
    count = (len(arrays["user"]),)
    most = {"user": n - 1, "kind": max(Kind), "grew": topics - 1, "shrank": topics - 1}
    columns = {
        name: check_array(
            name,
            arrays[name],
            np.int64,
            count,
            low=0 if name in most else 1,
            high=most.get(name, max(sizes, default=1)),
            ascending=name == "user",
        ).tolist()
        for name in NUMBERS
    }
    columns |= {
        name: check_array(name, arrays[name], np.float64, count, low=0, high=1).tolist()
        for name in CHANCES
    }
    points: list[list[TurningPoint]] = [[] for _ in range(n)]
    for row in zip(*(columns[name] for name in (*NUMBERS, *CHANCES)), strict=True):
        facts = dict(zip((*NUMBERS, *CHANCES), row, strict=True))
        at = facts.pop("user")
        point = TurningPoint(**(facts | {"kind": Kind(facts["kind"])}))
        if not point.first <= point.step <= point.last <= sizes[at]:
            raise ValueError("a turning point lies outside its history")
        points[at].append(point)
    users = tuple(
        UserTurns(user, size, None if np.isnan(p) else float(p), tuple(own))
        for user, size, p, own in zip(corpus.user_ids, sizes, chances, points, strict=True)
    )
    return Turns(corpus.corpus_id, engine.model_id, users)
