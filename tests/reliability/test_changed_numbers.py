"""Any number of a model's files changed: refused, and never followed out of its array."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.files import SUMS, Damaged, load_arrays, save_arrays, verify, write_sums
from core.home import PROJECT

EXAMPLES = 1_000 if "TASTELINES_THOROUGH" in os.environ else 80
MODEL = next(path for path in (PROJECT / "data" / "demo" / "models").iterdir())
FILES = sorted(
    path.relative_to(MODEL).as_posix()
    for path in MODEL.rglob("*.safetensors")
    if path.name != "evaluation.safetensors"
)
HELD_TO_THE_ID = ("model.safetensors", "recommenders/joint.safetensors")
WILD = (-1, 0, 1, 483, 484, 485, -(2**31), 2**31 - 1, 2**40, -(2**63), 2**63 - 1)
WILD_FLOATS = (0.0, -1.0, 1e-30, 3e38, -3e38, float("nan"), float("inf"), float("-inf"), 484.0)


@pytest.fixture(scope="module")
def ask(
    demo_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], list[np.ndarray]]:
    """A function that opens a model folder and asks all of its recommenders."""
    corpus = demo_library.corpus("demo")
    histories = [corpus.history(user) for user in corpus.user_ids[:3]]

    def ask(folder: Path) -> list[np.ndarray]:
        engine = Engine.open(corpus, folder, demo_library)
        engine.trajectory(histories[0])
        return [one.log_probabilities(histories) for one in engine.recommenders.values()]

    return ask


def change(folder: Path, file: str, draw: st.DataObject) -> bool:
    """Change one number of a file; False where it has that value already."""
    arrays, header = load_arrays(folder / file)
    name = draw.draw(st.sampled_from([key for key in sorted(arrays) if arrays[key].size]))
    array = arrays[name].copy()
    at = draw.draw(st.integers(0, array.size - 1))
    if array.dtype.kind == "f":
        value = draw.draw(st.sampled_from(WILD_FLOATS) | st.floats(width=16))
    else:
        limits = np.iinfo(array.dtype)
        value = int(np.clip(draw.draw(st.sampled_from(WILD)), limits.min, limits.max))
    before = array.flat[at]
    with np.errstate(over="ignore"):
        array.flat[at] = value
    save_arrays(folder / file, {**arrays, name: array}, header or None)
    return before.tobytes() != array.flat[at].tobytes()


@settings(max_examples=EXAMPLES)
@given(file=st.sampled_from(FILES), draw=st.data())
def test_a_changed_number_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
    ask: Callable[[Path], list[np.ndarray]],
    file: str,
    draw: st.DataObject,
) -> None:
    folder = shutil.copytree(MODEL, tmp_path_factory.mktemp("model") / MODEL.name)
    if change(folder, file, draw):
        with pytest.raises(Damaged):
            ask(folder)
        with pytest.raises(Damaged, match=Path(file).name):
            verify(folder)


@settings(max_examples=EXAMPLES // 2)
@given(file=st.sampled_from(FILES), draw=st.data(), is_listed=st.booleans())
def test_a_number_that_no_hash_protects_stays_inside_its_array(
    tmp_path_factory: pytest.TempPathFactory,
    ask: Callable[[Path], list[np.ndarray]],
    file: str,
    draw: st.DataObject,
    is_listed: bool,
) -> None:
    """A folder of an older version, or one whose hashes were made to fit: the id, types and ranges
    are what is left; numbers that pass may change answers, not memory."""
    folder = shutil.copytree(MODEL, tmp_path_factory.mktemp("model") / MODEL.name)
    is_changed = change(folder, file, draw)
    if is_listed:
        write_sums(folder)
    else:
        (folder / SUMS).unlink()
    try:
        answers = ask(folder)
    except DomainError:
        return
    assert not is_changed or file not in HELD_TO_THE_ID
    assert not any(np.isnan(answer).any() for answer in answers)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("item-knn", {"user_items.indices": lambda a: np.full_like(a, 10**6)}),
        ("item-knn", {"user_items.indices": lambda a: -a - 1}),
        ("item-knn", {"user_items.indptr": lambda a: a[::-1]}),
        ("item-knn", {"user_items.indptr": lambda a: a * 2}),
        ("item-knn", {"user_items.shape": lambda a: a * 1000}),
        ("item-knn", {"user_items.data": lambda a: a.astype(np.float64)}),
        ("transitions", {"following.indices": lambda a: a.astype(np.float32)}),
        ("transitions", {"following.data": lambda a: a[:-1]}),
        ("ease", {"right": lambda a: a[:, :-1]}),
        ("ease", {"left.indptr": lambda a: a[:-1]}),
        ("content", {"vectors": lambda a: a[:-1]}),
        ("recent-popularity", {"item": lambda a: a + 484}),
        ("recent-popularity", {"time": lambda a: a[::-1]}),
        ("recent-popularity", {"item": lambda a: a[:0], "time": lambda a: a[:0]}),
        ("popularity", {"counts": lambda a: a.reshape(2, -1)}),
        ("popularity", {"log_share": lambda a: a * 2}),
    ],
)
def test_arrays_that_are_not_what_the_model_says_are_refused(
    tmp_path: Path,
    ask: Callable[[Path], list[np.ndarray]],
    file: str,
    changes: dict[str, Callable[[np.ndarray], np.ndarray]],
) -> None:
    folder = shutil.copytree(MODEL, tmp_path / MODEL.name)
    path = folder / "recommenders" / f"{file}.safetensors"
    arrays, _ = load_arrays(path)
    save_arrays(path, arrays | {name: to(arrays[name]) for name, to in changes.items()})
    write_sums(folder)
    with pytest.raises(Damaged, match=f"the recommender {file} can't be read"):
        ask(folder)
