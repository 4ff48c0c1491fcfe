"""Text becomes vectors: any BERT-family model, unit length.

Sentence vectors follow Reimers & Gurevych, "Sentence-BERT" (EMNLP 2019): the mean of the last
layer over the tokens of a text, scaled to unit length, where a model's files ask for no other
pooling (``description``).
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.arrays import FloatArray, IntArray
from core.cluster import HERE, Machines, is_node
from core.device import choose_device
from core.domain import DomainError
from core.encode.description import read_description
from core.encode.from_files import WEIGHTS, read_network, read_tokenizer
from core.encode.places import DEFAULT_ENCODER, REINSTALL, config_without_code, find_model
from core.files import Damaged, read_object, reason_of, replace_text, sha256_of
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

Precision = Literal["fp32", "bf16"]

Shape = tuple[int, int]
"""Texts, and tokens of each."""

_SHAPE, _ROUNDS = (16, 64), 6
_LOOK, _HOPELESS = (4, 32), 2.0
"""Without instructions for it bf16 is several times slower: a small batch shows that at once."""
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 256
MOST_DIM = 16_384
TOKENS_PER_BATCH = 1024
"""Real tokens per batch: large enough to fill the processor's units, and small enough for its cache
and for others to get their turn. Twice as many take twice as long (``benchmarks/team.py``)."""
TOKENS_ON_GPU = 131_072
"""The same for a GPU, which starts a batch slowly and needs many rows to fill its units."""


def processor_name() -> str:
    """The processor's model name and whether it has bf16 instructions."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.is_file() else ""
    model = re.search(r"^model name\s*:(.*)", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:(.*)", text, re.MULTILINE)
    name = model[1].strip() if model else platform.processor() or platform.machine()
    instructions = set(flags[1].split()) if flags else set()
    relevant = ("avx512f", "avx512_bf16", "amx_bf16")
    return " ".join([name, *(unit for unit in relevant if unit in instructions)])


def choose_precision(
    load: Callable[[Precision], Any], record: Path | None, encoder_id: str
) -> Precision:
    """Time both formats on this processor, or read what an earlier run measured.

    ``load(precision)`` returns the network. The result is kept in the JSON file ``record`` under
    the processor, the torch version and the encoder.
    """
    import torch

    key = f"{processor_name()} / torch {torch.__version__} / {encoder_id}"  # no sentence
    known: dict[str, Any] = {}
    if record is not None:
        with suppress(OSError, ValueError):
            known = read_object(record)
    measured = known.get(key)
    if isinstance(measured, dict) and measured.get("chosen") in ("fp32", "bf16"):
        chosen: Precision = measured["chosen"]
        return chosen
    networks = {"fp32": load("fp32"), "bf16": load("bf16")}
    seconds = _fastest(networks, _LOOK, 2)
    if seconds["bf16"] < _HOPELESS * seconds["fp32"]:
        seconds = _fastest(networks, _SHAPE, _ROUNDS)
    choice: Precision = "bf16" if seconds["bf16"] < 0.9 * seconds["fp32"] else "fp32"
    if record is not None and not is_node():
        known[key] = {"chosen": choice, "seconds": {k: round(v, 5) for k, v in seconds.items()}}
        with suppress(OSError):  # a library that can't be written is measured again
            replace_text(record, json.dumps(known, indent=2, sort_keys=True))
    return choice


def _fastest(networks: dict[str, Any], shape: Shape, rounds: int) -> dict[str, float]:
    """Seconds of each network's fastest forward pass over a batch of one shape.

    They take turns, so that other work on the machine slows both alike.
    """
    import torch

    ids = torch.randint(1000, 2000, shape, generator=torch.Generator().manual_seed(0))
    attention = torch.ones_like(ids)
    seconds = dict.fromkeys(networks, float("inf"))
    with torch.inference_mode():
        for _ in range(rounds):
            for name, network in networks.items():
                started = time.perf_counter()
                network(input_ids=ids, attention_mask=attention)
                seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


class TextEncoder:
    """A BERT-family encoder, loaded from local files on the first call of ``encode``.

    ``name`` is the default's name, a local folder, or a hub name; a hub name is looked up among the
    files already downloaded and fetched only with ``allow_download``. With ``folder`` the name says
    no place. Raises DomainError for files that are missing, changed, or that would run code of
    their own.
    """

    machines: Machines = HERE
    """What reads more than one chunk of texts (``on_nodes.encode_each``)."""

    def __init__(
        self,
        name: str | None = None,
        *,
        precision: Precision | Literal["auto"] = "auto",
        record: Path | None = None,
        allow_download: bool = False,
        device: str = "cpu",
        folder: Path | None = None,
    ) -> None:
        self.name = name or DEFAULT_ENCODER
        self.folder = folder or find_model(self.name, allow_download)
        self.config = config_without_code(self.folder)
        self.description = read_description(self.folder, self.name)
        weights = self.folder / WEIGHTS
        if not weights.is_file():
            raise DomainError(
                tr("the encoder has no model.safetensors"),
                where=str(self.folder),
                remedy=tr("Give a BERT-family model folder with safetensors weights"),
            )
        self.weights_sha256 = _sha256(weights)
        if self.name == DEFAULT_ENCODER and self.weights_sha256 != DEFAULT_WEIGHTS_SHA256:
            raise DomainError(
                tr("the default encoder's weights are not those of the original publication"),
                where=str(weights),
                remedy=tr("Reinstall it: {command}", command=REINSTALL),
            )
        self.device = choose_device(device)
        self._precision = precision
        self._record = record
        self._lock = threading.Lock()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        size = self.config.get("hidden_size")
        if not isinstance(size, int) or not 0 < size <= MOST_DIM:
            raise self._damaged(tr("hidden_size {size!r} in config.json", size=size))
        return size

    @cached_property
    def max_tokens(self) -> int:
        """Texts are cut after this many tokens."""
        longest = self.config.get("max_position_embeddings", MAX_TOKENS)
        if not isinstance(longest, int) or longest < 1:
            said = tr("max_position_embeddings {size!r} in config.json", size=longest)
            raise self._damaged(said)
        return min(MAX_TOKENS, longest)

    @cached_property
    def encoder_id(self) -> str:
        """Fingerprint of weights, vocabulary, prefix, pooling and truncation, 16 hex digits.

        Precision is not part of it: bf16 and fp32 vectors agree to a cosine of .999 or better.
        """
        content = hashlib.sha256(self.weights_sha256.encode())
        for name in ("tokenizer.json", "vocab.txt"):
            if (self.folder / name).is_file():
                content.update(_sha256(self.folder / name).encode())
        content.update(self.description.fingerprint(self.max_tokens).encode())
        return content.hexdigest()[:16]

    @property
    def may_use_bf16(self) -> bool:
        """Whether bf16 is not ruled out and the processor has instructions for it."""
        known = processor_name().split()
        return self._precision != "fp32" and bool({"avx512_bf16", "amx_bf16"} & set(known))

    @cached_property
    def precision(self) -> Precision:
        """Number format of the weights while encoding, measured once on a processor."""
        if self._precision != "auto":
            return self._precision
        if self.device.type == "cuda":
            return "bf16"
        return choose_precision(self._load_network, self._record, self.encoder_id)

    def encode(
        self,
        texts: Sequence[str],
        progress: ProgressCallback | None = None,
        stop: StopCallback | None = None,
    ) -> FloatArray:
        """Encode texts in length-sorted batches.

        Returns float32[n_texts, dim], rows of unit length, in the order given.
        """
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        if not texts:
            return vectors
        tokens = self.token_ids(texts)
        lengths = np.array([len(ids) for ids in tokens])
        done, finished, started = 0, 0, time.monotonic()
        for rows in longest_first(lengths, self._tokens_per_batch):
            check_stop(stop)
            vectors[rows] = self._pooled([tokens[row] for row in rows], progress)
            done += int(lengths[rows].sum())
            finished += len(rows)
            left = (time.monotonic() - started) / done * (int(lengths.sum()) - done)
            report(progress, Progress(mark("Encoding texts"), finished, len(texts), left))
        return vectors

    @property
    def _tokens_per_batch(self) -> int:
        return TOKENS_PER_BATCH if self.device.type == "cpu" else TOKENS_ON_GPU

    def _pooled(self, tokens: list[list[int]], progress: ProgressCallback | None) -> FloatArray:
        """Unit vectors float32[n, dim] of one batch; halves of it where a GPU's memory is short."""
        import torch

        try:
            with torch.inference_mode():
                padded = [torch.tensor(ids) for ids in tokens]
                ids = torch.nn.utils.rnn.pad_sequence(padded, batch_first=True)
                lengths = torch.tensor([len(row) for row in tokens])
                attention = (torch.arange(ids.shape[1]) < lengths[:, None]).to(torch.int64)
                ids, attention = ids.to(self.device), attention.to(self.device)
                hidden = self._network(
                    input_ids=ids, attention_mask=attention
                ).last_hidden_state  # [batch, width, dim]
                pooled = self._one_vector(hidden.to(torch.float32), attention.unsqueeze(-1))
                vectors: FloatArray = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
            return vectors
        except torch.OutOfMemoryError:
            if len(tokens) == 1 and self.device.type == "cpu":
                raise
        middle = len(tokens) // 2
        if middle == 0:
            report(progress, Progress(mark("Encoding on the CPU: the GPU's memory is full"), 0, 1))
            self.device = choose_device("cpu")
            self._network.to(self.device)
            return self._pooled(tokens, progress)
        halves = tokens[:middle], tokens[middle:]
        return np.concatenate([self._pooled(half, progress) for half in halves])

    def _one_vector(self, hidden: Any, attention: Any) -> Any:
        """From vectors [batch, width, dim] and attention [batch, width, 1] to [batch, dim]."""
        if self.description.pooling == "cls":
            return hidden[:, 0]
        if self.description.pooling == "max":
            return hidden.masked_fill(attention == 0, float("-inf")).amax(1)
        weight = attention.to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1)

    def token_vectors(self, text: str) -> tuple[FloatArray, IntArray]:
        """Each token of one text: its vector in the last layer and where it begins.

        Returns float32[n_tokens, dim] and int64[n_tokens], -1 for special tokens and the prefix.
        With mean pooling the unit vector along the sum of the rows is the text's.
        """
        import torch

        prefix = self.description.prefix
        with self._lock:
            read = self._tokenizer(
                prefix + text,
                truncation=True,
                max_length=self.max_tokens,
                return_offsets_mapping=True,
            )
        spans = read["offset_mapping"]
        cut = len(prefix)
        begins = np.array([max(a - cut, 0) if b > max(a, cut) else -1 for a, b in spans])
        ids = torch.tensor([read["input_ids"]], device=self.device)
        with torch.inference_mode():
            hidden = self._network(input_ids=ids, attention_mask=torch.ones_like(ids))
        rows: FloatArray = hidden.last_hidden_state[0].to(torch.float32).cpu().numpy()
        return rows, begins.astype(np.int64)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece ids of each text with special tokens and prefix, cut to ``max_tokens``."""
        prefixed = [self.description.prefix + text for text in texts]
        with self._lock:
            encoded = self._tokenizer(prefixed, truncation=True, max_length=self.max_tokens)
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def piece_counts(self, texts: Sequence[str]) -> IntArray:
        """How many word pieces each text has by itself, int64[n_texts]."""
        with self._lock:
            encoded = self._tokenizer(
                list(texts), add_special_tokens=False, truncation=True, max_length=self.max_tokens
            )
        return np.array([len(ids) for ids in encoded["input_ids"]], np.int64)

    @cached_property
    def room(self) -> int:
        """Word pieces of a text that are read, beside special tokens and prefix."""
        return max(self.max_tokens - len(self.token_ids([""])[0]), 1)

    @cached_property
    def _tokenizer(self) -> Any:
        with self._reading(mark("tokenizer")):
            return read_tokenizer(self.folder)

    @cached_property
    def _network(self) -> Any:
        return self._load_network(self.precision).to(self.device)

    def _load_network(self, precision: Precision) -> Any:
        import torch

        with self._reading(mark("weights")):
            network = read_network(self.folder)
        return network.to(torch.bfloat16 if precision == "bf16" else torch.float32).eval()

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Whatever transformers raises about damaged files, in words for a person."""
        try:
            yield
        except Exception as error:  # of many kinds
            said = tr("its {what} can't be read: {reason}", what=tr(what), reason=reason_of(error))
            raise self._damaged(said) from error

    def _damaged(self, problem: str) -> Damaged:
        return Damaged(
            tr("the encoder is damaged: {problem}", problem=problem),
            where=str(self.folder),
            remedy=tr("Restore its files, or give another folder"),
        )


def longest_first(lengths: IntArray, cells: int, most: int | None = None) -> Iterator[IntArray]:
    """Rows of lengths int64[n] in batches of at most ``cells`` cells when padded, int64[<= most].

    Rows of length 0 are left out.
    """
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    while len(order):
        batch = order[: max(1, cells // int(lengths[order[0]]))][:most]
        yield batch
        order = order[len(batch) :]


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise Damaged(
            tr(
                "the encoder's {file} can't be read: {reason}",
                file=path.name,
                reason=reason_of(error),
            ),
            where=str(path),
        ) from None
