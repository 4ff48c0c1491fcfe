"""Garbage collection that no click waits for.

A full collection visits every object of torch, pandas and the corpora: .3 to .5 seconds, with the
interpreter's lock held, and Streamlit would do it after every rerun (``postScriptGC``). What stays
for good is therefore set aside, and Python collects the little that is left by itself.
"""

from __future__ import annotations

import gc
from functools import cache


@cache
def set_aside() -> None:
    """Take all objects that are alive now out of later collections, once per process."""
    gc.collect()
    gc.freeze()
    gc.collect()  # how often Python collects goes by what it found last: now almost nothing
