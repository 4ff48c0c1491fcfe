"""Chunks of texts encoded one after the other, or side by side on other machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from core.arrays import FloatArray
from core.cluster import HERE
from core.domain import DomainError
from core.encode.encoder import Precision, TextEncoder
from core.encode.places import DEFAULT_ENCODER
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, report


@dataclass(frozen=True)
class EncoderPlace:
    """Where a node finds an encoder, in which format it reads, and which one it has to be."""

    name: str
    folder: Path | None
    precision: Precision
    encoder_id: str

    @classmethod
    def of(cls, encoder: TextEncoder) -> EncoderPlace:
        """Where an encoder is: the shipped one in each node's own packages."""
        folder = None if encoder.name == DEFAULT_ENCODER else encoder.folder
        return cls(encoder.name, folder, encoder.precision, encoder.encoder_id)

    def open(self) -> TextEncoder:
        """The encoder, kept for the next piece of work; DomainError for another one."""
        return _opened(self)


def encode_each(
    encoder: TextEncoder,
    chunks: Sequence[Sequence[str]],
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Iterator[FloatArray]:
    """As ``TextEncoder.encode`` of each chunk; reports count the texts of all.

    The encoder's machines read more than one chunk, in the format that was chosen here; but an
    accelerator here is faster than they are.
    """
    done, total = 0, sum(map(len, chunks))
    is_here = encoder.machines is HERE or len(chunks) < 2 or encoder.device.type != "cpu"

    def here(chunk: Sequence[str]) -> FloatArray:
        def told(step: Progress) -> None:
            report(progress, Progress(step.stage, done + step.done, total))

        return encoder.encode(chunk, told, stop)

    if is_here:
        answers = HERE.map(here, chunks, stop)
    else:
        answers = encoder.machines.map(partial(_encode, EncoderPlace.of(encoder)), chunks, stop)
    for chunk, vectors in zip(chunks, answers, strict=True):
        done += len(chunk)
        if not is_here:
            report(progress, Progress(mark("Encoding texts"), done, total))
        yield vectors


def _encode(place: EncoderPlace, texts: Sequence[str]) -> FloatArray:
    return place.open().encode(texts)


@lru_cache(1)
def _opened(place: EncoderPlace) -> TextEncoder:
    encoder = TextEncoder(place.name, precision=place.precision, folder=place.folder)
    if encoder.encoder_id != place.encoder_id:
        raise DomainError(
            tr("the encoder {name!r} is another one on a node", name=place.name),
            where=str(encoder.folder),
            remedy=tr("Install the same packages on every node"),
        )
    return encoder
