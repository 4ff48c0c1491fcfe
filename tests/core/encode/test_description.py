"""Prefix and pooling of an encoder, from the files that sentence-transformers keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.domain import DomainError
from core.encode.description import Description, read_description

MODULES = [
    {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def test_no_files_mean_the_mean_without_prefix(tmp_path: Path) -> None:
    assert read_description(tmp_path, "own") == Description("", "mean")
    assert Description().fingerprint(256) == "mean/unit/256"  # that of every older model


@pytest.mark.parametrize(
    ("facts", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_pooling_and_default_prompt_are_read(
    tmp_path: Path, facts: dict[str, Any], pooling: str
) -> None:
    write(tmp_path, "modules.json", MODULES)
    write(tmp_path, "1_Pooling/config.json", facts)
    prompts = {"prompts": {"query": "q: ", "doc": "d: "}, "default_prompt_name": "doc"}
    write(tmp_path, "config_sentence_transformers.json", prompts)
    described = read_description(tmp_path, "own")
    assert described == Description("d: ", pooling)  # type: ignore[arg-type]
    assert described.fingerprint(256) != Description("", described.pooling).fingerprint(256)


def test_e5_of_the_hub_has_its_prefix(tmp_path: Path) -> None:
    assert read_description(tmp_path, "intfloat/multilingual-e5-small").prefix == "query: "
    assert read_description(tmp_path, "some/other").prefix == ""


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("modules.json", [{"type": "a.Dense", "path": "3_Dense"}], "module Dense"),
        ("modules.json", [{"type": "a.Pooling", "path": "../elsewhere"}], "outside"),
        ("modules.json", {"a": 1}, "modules.json"),
        ("1_Pooling/config.json", {"pooling_mode_lasttoken": True}, "lasttoken"),
        ("1_Pooling/config.json", {"pooling_mode": "weightedmean"}, "pooling"),
        ("1_Pooling/config.json", [], "config.json"),
        ("config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": "x"}, "x"),
    ],
)
def test_what_is_not_done_here_is_refused(
    tmp_path: Path, name: str, content: Any, problem: str
) -> None:
    write(tmp_path, name, content)
    with pytest.raises(DomainError, match=problem):
        read_description(tmp_path, "own")
