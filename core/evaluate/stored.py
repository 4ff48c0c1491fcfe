"""A whole evaluation on disk: every rank and every list, so that no page has to ask again.

One safetensors file: arrays by name, and one JSON header that says what they belong to. Ranks and
lists are kept exactly, the other figures in single precision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core.arrays import check_array
from core.corpus.store import Library
from core.evaluate.report import EvaluationReport, Result
from core.files import Damaged, load_arrays, save_arrays, verify
from core.ranking import NO_ITEM

FORMAT = 1
HEADER = "evaluation"
_INTEGERS = ("lists",)

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
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return library.root / "evaluations" / f"{prefix}{name}.safetensors"


def save_report(
    report: EvaluationReport, key: ReportKey, path: Path, *, sealed: bool = True
) -> None:
    """Write ``path`` whole; the same report gives the same bytes.

    ``sealed`` unless the folder of ``path`` lists its hash.
    """
    tensors: dict[str, npt.NDArray[Any]] = {
        "steps": report.steps.astype(np.int32),
        "targets": report.targets.astype(np.int32),
    }
    for name, who in report.cohorts.items():
        tensors[f"cohort/{name}"] = who.astype(np.uint8)
    for result in report.results:
        for field in fields(Result)[1:]:
            values = getattr(result, field.name)
            kind = np.int32 if field.name in _INTEGERS else np.float32
            tensors[f"result/{result.recommender}/{field.name}"] = values.astype(kind)
    header = {
        "format": FORMAT,
        "key": str(key),
        "protocol": report.protocol,
        "k": report.k,
        "n_items": report.n_items,
        "excluded_targets": report.excluded_targets,
        "recommenders": [result.recommender for result in report.results],
        "cohorts": list(report.cohorts),
        "users": list(report.users),
        "months": report.months.tolist(),
    }
    save_arrays(path, tensors, {HEADER: json.dumps(header)}, sealed=sealed)


def load_report(path: Path, key: ReportKey) -> EvaluationReport | None:
    """Read what ``save_report`` wrote; None where there is nothing usable for this key."""

    def build(header: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> EvaluationReport:
        def result(recommender: str) -> Result:
            values: dict[str, Any] = {
                field.name: arrays[f"result/{recommender}/{field.name}"].astype(
                    np.int64 if field.name in _INTEGERS else np.float64
                )
                for field in fields(Result)[1:]
            }
            return Result(recommender, **values)

        n, k, n_items = len(header["users"]), header["k"], header["n_items"]
        check_array("steps", arrays["steps"], np.int32, (n,), low=0)
        check_array("targets", arrays["targets"], np.int32, (n,), low=0, high=n_items - 1)
        for name in header["cohorts"]:
            check_array(name, arrays[f"cohort/{name}"], np.uint8, (n,), high=1)
        for recommender in header["recommenders"]:
            for field in fields(Result)[1:]:
                name = f"result/{recommender}/{field.name}"
                if field.name in _INTEGERS:
                    high = n_items - 1
                    check_array(name, arrays[name], np.int32, (n, k), low=NO_ITEM, high=high)
                else:
                    check_array(name, arrays[name], np.float32, (n,), nan=True)
        if len(header["months"]) != n:
            raise ValueError("its months are incomplete")
        return EvaluationReport(
            protocol=header["protocol"],
            k=header["k"],
            n_items=header["n_items"],
            users=tuple(header["users"]),
            steps=arrays["steps"].astype(np.int64),
            targets=arrays["targets"].astype(np.int64),
            months=np.array(header["months"], dtype=np.str_),
            cohorts={name: arrays[f"cohort/{name}"].astype(np.bool_) for name in header["cohorts"]},
            excluded_targets=header["excluded_targets"],
            results=tuple(result(name) for name in header["recommenders"]),
        )

    return read_stored(path, HEADER, FORMAT, str(key), build)


def first_report(paths: Iterable[Path], key: ReportKey) -> EvaluationReport | None:
    """The first usable report among some files."""
    reports = (load_report(path, key) for path in paths)
    return next((report for report in reports if report is not None), None)


def read_stored(
    path: Path,
    header_name: str,
    format: int,
    key: str,
    build: Callable[[dict[str, Any], dict[str, npt.NDArray[Any]]], T],
) -> T | None:
    """``build(header, arrays)`` of a file; None where it is missing, damaged or of another key.

    Whoever gets None makes it again.
    """
    try:
        verify(path.parent, (path.name,))
        arrays, metadata = load_arrays(path)
        header = json.loads(metadata[header_name])
        if header["format"] != format or header["key"] != key:
            return None
        return build(header, arrays)
    except (Damaged, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
