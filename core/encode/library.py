"""The library's own vectors and the shipped sentiment model."""

from __future__ import annotations

from core.corpus.store import DEMO, PROJECT, Library
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.encode.sentiment import SentimentModel

CACHE_FILE = "vectors.sqlite"
DEMO_PACK = PROJECT / "data" / "demo" / "vectors.safetensors"


def open_cache(library: Library) -> VectorCache:
    """The library's vector cache, with the demo's shipped vectors in front of it."""
    packs = [DEMO_PACK] if DEMO_PACK.is_file() else []
    return VectorCache(library.root / CACHE_FILE, packs)


def open_encoder(
    library: Library, name: str | None = None, *, allow_download: bool = False
) -> TextEncoder:
    """A text encoder whose measured precision is remembered in the library."""
    record = library.root / "processor.json"
    return TextEncoder(name, record=record, allow_download=allow_download)


def shipped_sentiment(library: Library) -> SentimentModel | None:
    """The sentiment model of the demo, for corpora without ratings; None before it exists."""
    for folder in library.model_folders(DEMO):
        path = folder / "sentiment.safetensors"
        if PROJECT in path.parents and path.is_file():
            return SentimentModel.load(path)
    return None
