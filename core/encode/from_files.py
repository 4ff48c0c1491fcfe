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
    model with a head, or of an older version) is left to ``from_pretrained``.
    """
    import torch
    from safetensors.torch import load_file

    with _transformers() as transformers:
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        whole = {"local_files_only": True, "trust_remote_code": False}
        config = transformers.AutoConfig.from_pretrained(str(folder), **whole)
        with _undrawn():
            network = transformers.AutoModel.from_config(config, dtype=torch.float32)
        weights = load_file(folder / WEIGHTS)
        names = network.state_dict().keys()
        if names <= weights.keys():
            network.load_state_dict({name: weights[name] for name in names}, assign=True)
            return network.to(torch.float32)
        return transformers.AutoModel.from_pretrained(
            str(folder),
            use_safetensors=True,
            dtype=torch.float32,  # another is torch's default for all threads while it loads
            **whole,
        )


def _undrawn() -> Any:
    """While it lasts this thread's new weights stay as they lie in memory."""
    import torch
    from torch.overrides import TorchFunctionMode

    drawn = torch.Tensor.normal_, torch.Tensor.uniform_

    class Undrawn(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return args[0] if func in drawn else func(*args, **(kwargs or {}))

    return Undrawn()


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
    stand_in = None
    if COMPILER not in sys.modules:
        stand_in = sys.modules[COMPILER] = _compiler_when_asked()
    try:
        yield
    finally:
        torch.distributed.is_available = has_machines
        if sys.modules.get(COMPILER) is stand_in:
            del sys.modules[COMPILER]


def _compiler_when_asked() -> ModuleType:
    """torch's compiler before it is loaded, in whose package single modules are found."""
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
