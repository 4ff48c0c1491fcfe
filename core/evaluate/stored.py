"""A whole evaluation on disk: every rank and every list, so that no page has to ask again.

One safetensors file: arrays by name, and one JSON header that says what they belong to. Ranks and
lists are kept exactly, the other figures in single precision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core.arrays import check_array
from core.corpus.store import Library
from core.evaluate.report import EvaluationReport, Result
from core.files import first_kept, load_arrays, save_arrays, verify
from core.language import mark, tr
from core.ranking import NO_ITEM

FORMAT = 1
HEADER, FOLDER = "evaluation", "evaluations"
_STORED = {"f": np.float32, "i": np.int32, "b": np.uint8}
_READ = {"f": np.float64, "i": np.int64, "u": np.bool_}
"""Kinds of arrays on disk, and in memory."""

Arrays = Mapping[str, npt.NDArray[Any]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReportKey:
    """Which question a stored report answers."""

    corpus_id: str
    model_id: str
    protocol: str = "leave-last-out"
    k: int = 10

    def __str__(self) -> str:
        return f"{self.corpus_id}/{self.model_id}/{self.protocol}/{self.k}"

    def path(self, library: Library) -> Path:
        """Where the library keeps the report."""
        return evaluation_path(library, str(self))


def evaluation_path(library: Library, key: str, prefix: str = "") -> Path:
    """The library's file for a key of any kind of evaluation."""
    return library.root / FOLDER / f"{prefix}{evaluation_name(key)}.safetensors"


def evaluation_name(key: str) -> str:
    """A key as a file is named."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def check_name(path: Path, metadata: Mapping[str, str]) -> None:
    """ValueError where a file of ``evaluation_path`` holds the evaluation of another key."""
    for text in metadata.values():
        with suppress(ValueError, TypeError, KeyError):
            name = evaluation_name(json.loads(text)["key"])
            if not path.stem.endswith(name):
                break
    else:
        return
    raise ValueError(tr("it holds another evaluation than its name says"))


def save_report(
    report: EvaluationReport, key: ReportKey, path: Path, *, sealed: bool = True
) -> None:
    """Write ``path`` whole; the same report gives the same bytes.

    ``sealed`` unless the folder of ``path`` lists its hash.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"steps": report.steps, "targets": report.targets}
    arrays |= {f"cohort/{name}": who for name, who in report.cohorts.items()}
    for result in report.results:
        arrays |= arrays_of(result, f"result/{result.recommender}/")
    facts = {
        "protocol": report.protocol,
        "k": report.k,
        "n_items": report.n_items,
        "excluded_targets": report.excluded_targets,
        "recommenders": report.names,
        "cohorts": list(report.cohorts),
        "users": list(report.users),
        "months": report.months.tolist(),
    }
    save_stored(path, HEADER, str(key), facts, arrays, sealed=sealed)


def load_report(path: Path, key: ReportKey) -> EvaluationReport | None:
    """Read what ``save_report`` wrote; as ``read_stored``."""

    def build(header: dict[str, Any], arrays: Arrays) -> EvaluationReport:
        n, k, last = len(header["users"]), header["k"], header["n_items"] - 1
        check_array("steps", arrays["steps"], np.int64, (n,), low=0)
        check_array("targets", arrays["targets"], np.int64, (n,), low=0, high=last)
        for name in header["cohorts"]:
            check_array(name, arrays[f"cohort/{name}"], np.bool_, (n,))
        for name in (name for name in arrays if name.startswith("result/")):
            if arrays[name].dtype.kind == "i":
                check_array(name, arrays[name], np.int64, (n, k), low=NO_ITEM, high=last)
            else:
                check_array(name, arrays[name], np.float64, (n,), nan=True)
        if len(header["months"]) != n:
            raise ValueError(tr("its months are incomplete"))
        return EvaluationReport(
            protocol=header["protocol"],
            k=header["k"],
            n_items=header["n_items"],
            users=tuple(header["users"]),
            steps=arrays["steps"],
            targets=arrays["targets"],
            months=np.array(header["months"], dtype=np.str_),
            cohorts={name: arrays[f"cohort/{name}"] for name in header["cohorts"]},
            excluded_targets=header["excluded_targets"],
            results=tuple(
                Result(name, **fields_from(arrays, f"result/{name}/"))
                for name in header["recommenders"]
            ),
        )

    return read_stored(path, HEADER, str(key), build)


def first_report(paths: Iterable[Path], key: ReportKey) -> EvaluationReport | None:
    """The first report of this key among some files; ``Damaged`` where only damaged ones are."""
    return first_kept(paths, lambda path: load_report(path, key), mark("evaluation"))


def arrays_of(values: Any, prefix: str) -> Arrays:
    """The array fields of a dataclass, each name after a prefix."""
    return {f"{prefix}{name}": a for name, a in vars(values).items() if isinstance(a, np.ndarray)}


def fields_from(arrays: Arrays, prefix: str) -> dict[str, Any]:
    """What ``arrays_of`` made arrays of, by the fields' own names."""
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def save_stored(
    path: Path,
    kind: str,
    key: str,
    facts: dict[str, Any],
    arrays: Arrays,
    *,
    sealed: bool = True,
) -> None:
    """Write arrays in single precision, and a JSON header that ``read_stored`` checks."""
    stored = {name: array.astype(_STORED[array.dtype.kind]) for name, array in arrays.items()}
    header = json.dumps({"format": FORMAT, "key": key, **facts})
    save_arrays(path, stored, {kind: header}, sealed=sealed)


def read_stored(
    path: Path, kind: str, key: str, build: Callable[[dict[str, Any], Arrays], T]
) -> T | None:
    """``build(header, arrays)`` of a file; None where it is of another key or an older format.

    FileNotFoundError where there is none, ``Damaged``, OSError, ValueError, KeyError, TypeError or
    RecursionError where it is damaged: see ``core.files.first_kept``.
    """
    verify(path.parent, (path.name,))
    stored, metadata = load_arrays(path)
    if path.parent.name == FOLDER:
        check_name(path, metadata)
    header = json.loads(metadata[kind])
    if (header["format"], header["key"]) != (FORMAT, key):
        return None
    for name, array in stored.items():
        if array.dtype.kind == "u":
            check_array(name, array, np.uint8, (None,), high=1)
    return build(header, {name: a.astype(_READ[a.dtype.kind]) for name, a in stored.items()})
