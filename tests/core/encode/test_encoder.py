"""The encoder: right vectors in the right order, and only from files that are data."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import cluster
from core.domain import DomainError
from core.encode import encoder as encoder_module
from core.encode.encoder import TextEncoder, choose_precision, processor_name
from core.encode.from_files import read_network
from core.engine import Engine
from core.model.folder import read_parts

TEXTS = [
    "Great strings, bright tone.",
    "ok",
    "这把吉他的音色很温暖，弦距也低。",
    "🎸🔥",
    "It buzzed from day one and the seller never answered. " * 12,
    "Sturdy stand; holds my bass without wobbling.",
    "The cable failed after two weeks " * 40,
]


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    return TextEncoder(precision="bf16")


def test_vectors_agree_with_a_plain_loop(minilm: TextEncoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(minilm.folder))
    network = AutoModel.from_pretrained(str(minilm.folder), dtype=torch.float32).eval()
    expected = []
    for text in TEXTS:
        batch = tokenizer([text], truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            hidden = network(**batch).last_hidden_state[0]
        mean = hidden.mean(0).numpy()
        expected.append(mean / np.linalg.norm(mean))
    cosine = (minilm.encode(TEXTS) * np.stack(expected)).sum(1)
    assert cosine.min() >= 0.999


def test_order_and_company_do_not_matter(minilm: TextEncoder) -> None:
    together = minilm.encode(TEXTS)
    alone = np.stack([minilm.encode([text])[0] for text in TEXTS])
    assert np.abs((together * alone).sum(1) - 1).max() < 1e-3
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_no_text_gives_no_rows(minilm: TextEncoder) -> None:
    assert minilm.encode([]).shape == (0, 384)


def test_changed_default_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "DEFAULT_WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(DomainError, match="original publication"):
        TextEncoder()


@pytest.fixture(scope="module")
def small_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of eight dimensions, saved as transformers saves models."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("small-bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "##ly"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_any_bert_folder_is_an_encoder(small_bert: Path) -> None:
    own = TextEncoder(str(small_bert), precision="fp32")
    assert own.dim == 8
    assert own.max_tokens == 32
    assert own.encode(["good " * 100, "bad"]).shape == (2, 8)
    assert own.encoder_id != TextEncoder().encoder_id


def test_weights_with_a_head_are_those_of_the_network_below(
    small_bert: Path, tmp_path: Path
) -> None:
    from transformers import BertForMaskedLM, BertModel

    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((small_bert / name).read_bytes())
    with_head = BertForMaskedLM.from_pretrained(small_bert)
    with_head.bert = BertModel.from_pretrained(small_bert, add_pooling_layer=False)
    with_head.save_pretrained(tmp_path)
    texts = ["good bad", "badly good good"]
    below, plain = (TextEncoder(str(at), precision="fp32") for at in (tmp_path, small_bert))
    assert np.array_equal(below.encode(texts), plain.encode(texts))


def test_loading_leaves_torchs_random_numbers_to_others(small_bert: Path, tmp_path: Path) -> None:
    """A training in another thread draws its dropout from them."""
    import torch
    from transformers import BertForMaskedLM

    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((small_bert / name).read_bytes())
    BertForMaskedLM.from_pretrained(small_bert).save_pretrained(tmp_path)  # without a pooler
    before = torch.get_rng_state()
    for folder in (TextEncoder().folder, small_bert, tmp_path):
        read_network(folder)
        assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["shipped", "bert"])
def test_a_network_is_the_one_of_from_pretrained(small_bert: Path, kind: str) -> None:
    import torch
    from transformers import AutoModel

    folder = TextEncoder().folder if kind == "shipped" else small_bert
    ours, plain = read_network(folder), AutoModel.from_pretrained(folder, dtype=torch.float32)
    for tensors in ("named_parameters", "named_buffers"):
        found, expected = (dict(getattr(each, tensors)()) for each in (ours, plain))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("quantised", ["config", "weights"])
def test_quantised_weights_are_left_to_transformers(
    small_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantised: str
) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModel

    for path in small_bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if quantised == "config":
        config = json.loads((tmp_path / "config.json").read_text())
        config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
        (tmp_path / "config.json").write_text(json.dumps(config))
    else:
        weights = load_file(tmp_path / "model.safetensors")
        name = "encoder.layer.0.output.dense.weight"
        weights[name] = weights[name].to(torch.float8_e4m3fn)
        save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    asked = []

    def refuse(folder: str, **options: object) -> object:
        asked.append(folder)
        raise ValueError("quantised")

    monkeypatch.setattr(AutoModel, "from_pretrained", refuse)
    with pytest.raises(DomainError, match="quantised"):
        TextEncoder(str(tmp_path), precision="fp32").encode(["good"])
    assert asked == [str(tmp_path)]


UNUSED = ("torch._dynamo", "torch._inductor", "torch.distributed.tensor", "sympy")
"""What transformers imports with any network, and what only training asks for."""


def test_reading_texts_loads_no_compiler_and_leaves_torch_as_it_was() -> None:
    code = (
        "import sys; from core.encode.encoder import TextEncoder; "
        "TextEncoder(precision='fp32').encode(['A text.']); "
        f"print([name for name in {UNUSED} if name in sys.modules]); "
        "import torch; assert torch.distributed.is_available(); "
        "torch.manual_seed(0); drawn = torch.nn.Linear(2, 2).weight; "
        "assert drawn.abs().min() > 0 and not torch._dynamo.config.verbose"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_asks_for_the_compiler_while_transformers_loads_gets_it() -> None:
    code = (
        "import sys, torch; from core.encode.from_files import _without_training\n"
        "with _without_training():\n"
        "    marked = torch.compiler.disable(len)\n"
        "    loaded = 'sympy' in sys.modules\n"
        "    print(marked is len, loaded, torch._dynamo.config.verbose)\n"
        "print(torch._dynamo.config is sys.modules['torch._dynamo'].config)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False False\nTrue\n"


def test_the_compiler_that_is_asked_for_meanwhile_knows_torch_as_it_is() -> None:
    """``trace_rules`` lists what torch has on several machines, once."""
    code = (
        "import sys, torch; from core.encode.from_files import _without_training\n"
        "with _without_training():\n"
        "    known = torch._dynamo.trace_rules.LEGACY_MOD_INLINELIST\n"
        "print(any('torch.distributed' in name for name in known))\n"
        "print(torch.distributed.is_available())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue\n"


@pytest.mark.parametrize("spoil", ["script", "auto_map", "no weights", "no config", "bad config"])
def test_a_folder_that_is_not_plain_data_is_refused(
    small_bert: Path, tmp_path: Path, spoil: str
) -> None:
    for path in small_bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    if spoil == "script":
        (tmp_path / "modeling.py").write_text("print('never run')")
    elif spoil == "auto_map":
        (tmp_path / "config.json").write_text(json.dumps({**config, "auto_map": {"a": "b"}}))
    elif spoil == "no weights":
        (tmp_path / "model.safetensors").unlink()
    elif spoil == "no config":
        (tmp_path / "config.json").unlink()
    else:
        (tmp_path / "config.json").write_text("{")
    with pytest.raises(DomainError) as error:
        TextEncoder(str(tmp_path))
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("name", ["no-such-thing", "/no/such/folder", "some-owner/some-model"])
def test_an_encoder_that_is_not_here_is_named(name: str) -> None:
    with pytest.raises(DomainError, match=r"encoder '"):
        TextEncoder(name)


def test_precision_is_measured_once_and_then_read(measured: Path) -> None:
    encoder = TextEncoder(record=measured)
    ((key, record),) = json.loads(measured.read_text()).items()
    assert key.startswith(processor_name())
    assert record["chosen"] == encoder.precision
    assert set(record["seconds"]) == {"fp32", "bf16"}

    def never(precision: str) -> None:
        raise AssertionError("measured again")

    assert choose_precision(never, measured, encoder.encoder_id) == encoder.precision


@pytest.mark.parametrize("is_node", [False, True])
def test_a_node_writes_no_measured_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_node: bool
) -> None:
    def load(precision: str) -> Callable[..., None]:
        return lambda **inputs: None

    monkeypatch.setattr(cluster, "_is_node", is_node)
    assert choose_precision(load, tmp_path / "processor.json", "quick") in ("fp32", "bf16")
    assert bool(list(tmp_path.iterdir())) != is_node


def openings_beside_loading(engine: Engine, openings: int, loads: int) -> list[str]:
    """Open a model at least so many times while two threads load the encoder in bf16, each at
    least so often; what failed, or what torch's default became meanwhile.
    """
    import torch

    is_enough, failed = threading.Event(), []

    def load() -> None:
        loaded = 0
        try:
            while loaded < loads or not is_enough.is_set():
                TextEncoder(precision="bf16").encode(["text"])
                loaded += 1
        except Exception as error:
            failed.append(repr(error))

    loading = [threading.Thread(target=load) for _ in range(2)]
    for thread in loading:
        thread.start()
    opened = 0
    while opened < openings or any(thread.is_alive() for thread in loading):
        try:
            parts = read_parts(engine.folder, engine.corpus, lambda texts: np.zeros(0))
            types = torch.get_default_dtype(), parts.interest.item_vectors.dtype
            failed += [str(each) for each in types if not str(each).endswith("float32")]
        except Exception as error:
            failed.append(repr(error))
        opened += 1
        if opened >= openings:
            is_enough.set()
    return failed


def test_models_open_while_encoders_load(demo_engine: Engine) -> None:
    """Loading in bf16 made it torch's default, and a model opened meanwhile failed."""
    import torch
    from transformers import PreTrainedModel

    usual = torch.get_default_dtype(), PreTrainedModel.tie_weights, torch.linspace
    assert not openings_beside_loading(demo_engine, openings=20, loads=4)
    assert usual == (torch.get_default_dtype(), PreTrainedModel.tie_weights, torch.linspace)
