"""A model's tokenizer and network by transformers, without what only training needs.

transformers 5 imports torch's compiler and its tensors spread over machines with any network, and
sympy for both, 900 modules; and it draws a network on a device without memory, for which torch
needs them too. Reading a text needs none of it: a process that reads one starts two seconds sooner.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
_MARKS = ("disable", "assume_constant_result", "allow_in_graph")
"""Decorators by which transformers tells the compiler something about a function."""
_FILLS = {
    *("normal_", "uniform_", "trunc_normal_", "xavier_normal_", "xavier_uniform_"),
    *("kaiming_normal_", "kaiming_uniform_", "orthogonal_", "sparse_", "random_", "bernoulli_"),
    *("exponential_", "cauchy_", "geometric_", "log_normal_"),
}
"""Methods of tensors, and functions of torch and of transformers, that fill a tensor by chance."""
_MAKES = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"}
"""Functions of torch whose new tensor is drawn."""
WEIGHTS = "model.safetensors"
_loading = threading.Lock()
"""While transformers is imported or loads a network, functions of torch are replaced for all
threads; two loads at once would leave them so."""


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder; raises whatever transformers does."""
    with _transformers() as transformers:
        return transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )


def read_network(folder: Path) -> Any:
    """The network of a folder in float32; raises whatever transformers, torch or safetensors do.

    Weights by the network's own names are taken as they lie in the file; a file with others (of a
    model with a head, or of an older version) or with quantised weights is left to
    ``from_pretrained``.
    """
    import torch
    from safetensors.torch import load_file

    with _transformers() as transformers:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        floats = torch.float32, torch.float16, torch.bfloat16
        whole = {"local_files_only": True, "trust_remote_code": False}
        config = transformers.AutoConfig.from_pretrained(str(folder), **whole)
        if getattr(config, "quantization_config", None) is None:
            with _drawing_apart(nothing=True):
                network = transformers.AutoModel.from_config(config, dtype=torch.float32)
            weights, wanted = load_file(folder / WEIGHTS), network.state_dict()
            if all(
                name in weights and weights[name].dtype in (*floats, tensor.dtype)
                for name, tensor in wanted.items()
            ):
                network.load_state_dict({name: weights[name] for name in wanted}, assign=True)
                return network.to(torch.float32)
        with _drawing_apart():
            return transformers.AutoModel.from_pretrained(
                str(folder),
                use_safetensors=True,
                dtype=torch.float32,  # another is torch's default for all threads while it loads
                **whole,
            )


def _drawing_apart(nothing: bool = False) -> Any:
    """While it lasts what this thread draws leaves torch's own random numbers to other threads.

    With ``nothing`` tensors that would be filled with random numbers stay as they lie in memory.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    own = torch.Generator().manual_seed(0)

    class DrawingApart(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
            if name in _FILLS:
                filled = args[0] if args else kwargs["tensor"]
                if nothing:
                    return filled
                device = filled.device
            elif name in _MAKES:
                device = torch.device(kwargs.get("device") or "cpu")
            else:
                return func(*args, **kwargs)
            if device.type == "cpu":
                kwargs["generator"] = kwargs.get("generator") or own
            return func(*args, **kwargs)

    return DrawingApart()


@contextmanager
def _transformers() -> Iterator[Any]:
    """The package; other threads wait for it meanwhile."""
    with _loading, _without_training():
        import transformers

        _scan_once(transformers)
        yield transformers


@contextmanager
def _without_training() -> Iterator[None]:
    """While it lasts what is imported finds no torch on several machines, and a compiler that is
    loaded when more is asked of it than to mark a function for it.
    """
    import torch

    has_machines, torch.distributed.is_available = torch.distributed.is_available, lambda: False

    def as_it_was() -> None:
        torch.distributed.is_available = has_machines

    stand_in = None
    if COMPILER not in sys.modules:
        stand_in = sys.modules[COMPILER] = _compiler_when_asked(as_it_was)
    try:
        yield
    finally:
        as_it_was()
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]


def _compiler_when_asked(before: Callable[[], None]) -> ModuleType:
    """torch's compiler before it is loaded, in whose package single modules are found.

    ``before`` is called ahead of loading it: what it then finds of torch, it keeps.
    """
    spec = importlib.util.find_spec(COMPILER)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)

    def unmarked(function: Callable[..., Any] | None = None, *_: Any, **options: Any) -> Any:
        return functools.partial(unmarked, **options) if function is None else function

    def asked(name: str) -> Any:
        if name in _MARKS:
            return unmarked
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(COMPILER) is module:
            del sys.modules[COMPILER]
            before()
        return getattr(importlib.import_module(COMPILER), name)

    vars(module)["__getattr__"] = asked
    return module


def _scan_once(transformers: ModuleType) -> None:
    """Import its package of models by what it knows of them.

    transformers lists its 1,100 files of models when it is imported, keeps the list, and makes it
    anew when the package is imported, as that is asked for by another name.
    """
    from transformers.utils import import_utils

    name, package = "create_import_structure_from_path", "transformers.models"
    scan = getattr(import_utils, name, None)
    if scan is None or package in sys.modules:
        return
    home = Path(str(transformers.__file__)).parent / "models"
    setattr(
        import_utils,
        name,
        lambda path: scan(home) if Path(path) == home / "__init__.py" else scan(path),
    )
    try:
        importlib.import_module(package)
    finally:
        setattr(import_utils, name, scan)
