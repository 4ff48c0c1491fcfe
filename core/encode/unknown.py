"""How much of a corpus's text an encoder can't read: word pieces that its vocabulary lacks.

Measured on a sample, by script: an encoder made for English turns every Chinese character into the
same unknown piece, so that all reviews look alike to it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.corpus.corpus import Corpus
from core.corpus.tables import EVENTS_FILE
from core.domain import Columns, DomainError
from core.encode.from_files import read_tokenizer
from core.encode.item_text import choose_columns, item_texts
from core.encode.multilingual import INSTALL, MULTILINGUAL, is_installed
from core.encode.places import DEFAULT_ENCODER, find_model
from core.files import Damaged, reason_of
from core.language import mark, tr

SAMPLE, LETTERS = 200, 2_000
"""Texts of a corpus that are looked at, and characters of each."""
TOO_MANY = 0.1
GO_ON = "--despite-unknown"
"""The option that trains all the same."""
GROUPS = 8
"""Row groups that the texts of a corpus file are taken from."""
SCRIPTS = {
    "CJK": mark("Chinese characters"),
    "HIRAGANA": mark("Japanese kana"),
    "KATAKANA": mark("Japanese kana"),
    "HANGUL": mark("Korean"),
}


@dataclass(frozen=True)
class UnknownPieces:
    """Share of unknown word pieces in a sample of texts, 0 to 1, and of each script by its name."""

    encoder: str
    share: float
    scripts: dict[str, float]
    """Most unknown pieces first; only scripts that have any."""

    def __str__(self) -> str:
        said = tr(
            "the encoder {encoder} does not know {share:.1%} of the word pieces in a sample of the "
            "texts",
            encoder=self.encoder,
            share=self.share,
        )
        worst = [f"{tr(name)} {share:.0%}" for name, share in list(self.scripts.items())[:3]]
        listed = tr(", ").join(worst)
        return tr("{what} ({where})", what=said, where=listed) if listed else said

    @property
    def is_too_much(self) -> bool:
        """Whether a training would learn from noise."""
        return self.share > TOO_MANY

    @property
    def way_out(self) -> str:
        """What to do on the command line."""
        if self.encoder == MULTILINGUAL:
            return tr("Give another with --encoder, or go on with {option}", option=GO_ON)
        option = f"--encoder {MULTILINGUAL}"  # no sentence
        if not is_installed():
            option = tr("{option} (first: {command})", option=option, command=INSTALL)
        return tr("Train with {option}, or go on with {other}", option=option, other=GO_ON)

    def refuse(self) -> None:
        """DomainError where too much is unknown."""
        if self.is_too_much:
            raise DomainError(str(self), remedy=self.way_out)


def measure_unknown(
    texts: Sequence[str], folder: Path | None = None, name: str = DEFAULT_ENCODER
) -> UnknownPieces:
    """Read texts with the tokenizer in an encoder's folder (None: the default's)."""
    tokenizer = _tokenizer(folder or find_model(DEFAULT_ENCODER, False))
    tokenizer.no_padding()
    model = tokenizer.model
    word = getattr(model, "unk_token", None)
    unknown_id = tokenizer.token_to_id(word) if word else getattr(model, "unk_id", None)
    pieces: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    cut = [text[:LETTERS] for text in texts]
    for text, read in zip(cut, tokenizer.encode_batch(cut, add_special_tokens=False), strict=True):
        for piece, (start, end) in zip(read.ids, read.offsets, strict=True):
            script = _script(text[start:end])
            pieces[script] += 1
            if piece == unknown_id:
                unknown[script] += 1
    shares = {script: count / pieces[script] for script, count in unknown.most_common()}
    return UnknownPieces(name, unknown.total() / max(pieces.total(), 1), shares)


def unknown_in(
    corpus: Corpus, folder: Path | None = None, name: str = DEFAULT_ENCODER
) -> UnknownPieces:
    """The share in a corpus: in its reviews, else in what is written about its items."""
    texts: list[str] = []
    if corpus.has_text:
        texts = _sampled(corpus.events[Columns.Text].dropna())
        texts = texts or _sampled(corpus.events[Columns.Title].dropna())
    if not texts:
        texts = _sampled([text for text in item_texts(corpus, choose_columns(corpus)) if text])
    return measure_unknown(texts, folder, name)


def unknown_in_folder(corpus_folder: Path) -> UnknownPieces:
    """``unknown_in`` of the reviews in a corpus's files, of which only parts are read."""
    try:
        with pq.ParquetFile(corpus_folder / EVENTS_FILE) as file:
            n = file.num_row_groups
            groups = sorted(set(np.linspace(0, n - 1, min(GROUPS, n)).astype(int).tolist()))
            table = file.read_row_groups(groups, columns=[Columns.Text, Columns.Title])
    except (OSError, pa.ArrowException) as error:
        raise Damaged(
            tr("the events of the corpus can't be read: {reason}", reason=reason_of(error)),
            where=str(corpus_folder),
        ) from None
    column = next((one for one in table.columns if one.null_count < len(one)), None)
    return measure_unknown(_sampled(column.drop_null().to_pylist()) if column is not None else [])


def _sampled(texts: Any) -> list[str]:
    """Texts evenly spread over all of them."""
    return list(texts[:: max(len(texts) // SAMPLE, 1)])[:SAMPLE]


def _tokenizer(folder: Path) -> Any:
    """The tokenizer itself; transformers, whose import takes seconds, only where it must help."""
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        return read_tokenizer(folder).backend_tokenizer
    except Exception as error:  # of many kinds
        raise Damaged(
            tr(
                "the encoder is damaged: its tokenizer can't be read: {reason}",
                reason=reason_of(error),
            ),
            where=str(folder),
            remedy=tr("Restore its files, or give another folder"),
        ) from error


def _script(piece: str) -> str:
    letter = next((one for one in piece if one.isalpha()), "")
    first = unicodedata.name(letter, "").partition(" ")[0] if letter else ""
    return SCRIPTS.get(first, first.capitalize()) or mark("other signs")
