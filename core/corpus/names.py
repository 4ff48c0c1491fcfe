"""Readable names for items without a title, made from their training reviews.

A name is the words by which an item's reviews stand out from those of all other items, in the
manner of class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794), with an item as the class and
reviews, not words, counted: ``≈ guitar strap · leather, comfortable (B0002D0CCQ)``. Its mark says
that it is derived, the id stands beside it. Only training reviews are read: no held-out word can
reach a page through a name.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from math import log
from pathlib import Path

import pandas as pd

from core.corpus.split import leave_last_out
from core.domain import Columns, Part, review_words
from core.files import SEAL, read_object, replace_text, sealed, unsealed
from core.word_breaks import (
    RUN,
    STOP_WORDS,
    UNSPACED,
    beginning,
    columns,
    lines,
    word_spans,
)

DERIVED = "≈ "
"""Begins every derived name."""
NAMES_FILE = "names.json"
VERSION = 2
REVIEWS, LETTERS = 40, 800
"""Reviews of an item, and letters of a review, that are read at most."""
COMMON = 0.25
"""Words in the reviews of a larger share of the items say nothing about one of them."""
DETAILS = 2
TITLES = 0.5
"""Ids are titles where so large a share of them holds two words."""
_TOKEN = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}])[^\W\d_])+(?:['’][^\W\d_]+)?|[.!?,;:()]")
_WORDS = re.compile(rf"[^\W\d_]{{2}}\S*\s+\S*[^\W\d_]{{2}}|[{UNSPACED}]{{2}}")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BREAKS = (" · ", " | ", " - ", " – ", " — ", "; ", ", ", ": ", " / ", " (", " [", " & ")


def derived_names(events: pd.DataFrame, item_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The words that tell each of ``item_ids`` from the others: what it is, and details.

    ``events`` are all events of a corpus in contract order. An item without training reviews, or
    whose reviews say nothing of their own, is left out.
    """
    training = leave_last_out(events) == Part.TRAIN
    spoken = training & (events[Columns.Text].notna() | events[Columns.Title].notna()).to_numpy()
    rows = events.loc[spoken, [Columns.Item, Columns.Title, Columns.Text]]
    reviews: dict[str, list[str]] = defaultdict(list)
    for item, title, text in rows.itertuples(index=False):
        if len(reviews[item]) < REVIEWS:
            reviews[item].append(review_words(title, text)[:LETTERS].casefold())
    spread: Counter[str] = Counter()
    for texts in reviews.values():
        spread.update({stem(word) for text in texts for word in tokens(text) if len(word) > 1})
    rarity = {
        word: log(len(reviews) / items)
        for word, items in spread.items()
        if items <= COMMON * len(reviews) or items == 1
    }
    named = ((item, _name(reviews[item], rarity)) for item in item_ids if item in reviews)
    return {item: name for item, name in named if name is not None}


def tokens(text: str) -> list[str]:
    """Words of three letters or more (two where no spaces are written), and ends of phrases."""
    found: list[str] = []
    for word in _TOKEN.findall(text):
        if RUN.match(word):
            inner = [word[begin:end] for begin, end in word_spans(word)]
            found += [one if len(one) > 1 and one not in STOP_WORDS else "-" for one in inner]
        else:
            found.append(word if len(word) > 2 or not word[0].isalpha() else "-")
    return found


def stem(word: str) -> str:
    """What singular and plural share, as far as an ``s`` tells them apart."""
    word = word.removesuffix("'s").removesuffix("’s")
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word


def _name(reviews: Sequence[str], rarity: Mapping[str, float]) -> tuple[str, str] | None:
    """What an item is, in a word or two, and its details; None where nothing stands out."""
    said: Counter[tuple[str, ...]] = Counter()
    forms: Counter[tuple[str, ...]] = Counter()
    for text in reviews:
        words = tokens(text)
        phrases = {(word,) for word in words} | {
            pair for pair in pairwise(words) if stem(pair[0]) != stem(pair[1])
        }
        own = [phrase for phrase in phrases if all(stem(word) in rarity for word in phrase)]
        forms.update(own)
        said.update({tuple(map(stem, phrase)) for phrase in own})
    least = 2 if len(reviews) > 1 else 1
    worth = {
        phrase: count * sum(rarity[word] for word in phrase) / len(phrase)
        for phrase, count in said.items()
        if count >= least
    }
    if not worth:
        return None
    shown: dict[tuple[str, ...], str] = {}
    for form, _ in sorted(forms.items(), key=lambda each: (-each[1], each[0])):
        joiner = "" if RUN.match(form[0]) else " "
        shown.setdefault(tuple(map(stem, form)), joiner.join(form))
    best = sorted(worth, key=lambda phrase: (-worth[phrase] * len(phrase), phrase))
    head = best[0]
    details: list[tuple[str, ...]] = []
    for phrase in best[1:]:
        used = [word for other in (head, *details) for word in other]
        if len(phrase) == 1 and not any(_are_kin(phrase[0], word) for word in used):
            details.append(phrase)
        if len(details) == DETAILS:
            break
    return shown[head], ", ".join(shown[phrase] for phrase in details)


def _are_kin(one: str, other: str) -> bool:
    """Whether two words are likely forms of one, or share a character where those are words."""
    if RUN.match(one):
        return bool(set(one) & set(other))
    return one[:5] == other[:5] or one in other or other in one


def derived_title(name: tuple[str, str] | None, item_id: str, details: str = "") -> str:
    """A derived name as it is shown: marked, with the id; ``details`` take the place of its own."""
    head, own = name or ("", "")
    words = " · ".join(part for part in (head, details or own) if part)
    if not words:
        return item_id
    return f"{DERIVED if head else ''}{words} ({item_id})"


def read_names(
    folder: Path | None,
    corpus_id: str,
    events: Callable[[], pd.DataFrame],
    item_ids: Iterable[str],
) -> dict[str, tuple[str, str]]:
    """``derived_names``, made once and kept in the corpus's folder where that can be written.

    What was changed since is made anew, of what ``events`` returns then.
    """
    path = None if folder is None else folder / NAMES_FILE
    if path is not None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = read_object(path)
            is_whole = SEAL in kept and unsealed(kept)
            if is_whole and (kept["version"], kept["corpus_id"]) == (VERSION, corpus_id):
                return {str(item): (str(a), str(b)) for item, (a, b) in kept["names"].items()}
    names = derived_names(events(), item_ids)
    if path is not None:
        content = {"version": VERSION, "corpus_id": corpus_id, "names": names}
        with suppress(OSError):
            replace_text(path, json.dumps(sealed(content), ensure_ascii=False) + "\n")
    return names


def short_name(text: str, limit: int) -> str:
    """A title in at most ``limit`` columns, cut where a phrase or a word ends.

    A column is as wide as a letter; a Chinese or Japanese character takes two.

    A derived name loses its details before its id, and its id before its words. Signs that turn
    the direction of writing are left out: they would turn the rest of the sentence.
    """
    text = _DIRECTION.sub("", text)
    if columns(text) <= limit:
        return text
    if text.startswith(DERIVED) and text.endswith(")"):
        words, item_id = _parted(text)
        head = words.partition(" · ")[0]
        for form in (f"{head} · {_first_detail(words)} ({item_id}", f"{head} ({item_id}", words):
            if columns(form) <= limit:
                return form
        text = head if columns(head) <= limit else words
        if columns(text) <= limit:
            return text
    kept = text[: limit - 1] if text.isascii() else beginning(text, limit - 1)
    least, end = limit // 2, max((kept.rfind(mark) for mark in _BREAKS), default=-1)
    if columns(kept[: max(end, 0)]) < 0.7 * limit:
        end = len(kept) if text[len(kept)].isspace() else kept.rfind(" ")
    if columns(kept[: max(end, 0)]) < least:
        end = len(kept)
        if RUN.match(kept[-1]) and RUN.match(text[end]):
            end = len(lines(kept + text[end : end + 20], limit - 1)[0])
    return kept[:end].rstrip(" ·|-–—;,:/([&") + "…"


def _parted(text: str) -> tuple[str, str]:
    """The words of a derived name, and its id with the ``)`` after it.

    An id may have brackets of its own: it begins at the one that the last ``)`` closes.
    """
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            if text[max(at - 1, 0)] == " ":
                return text[: at - 1], text[at + 1 :]
            break
    words, _, item_id = text.rpartition(" (")
    return words, item_id


def are_titles(item_ids: Sequence[str]) -> bool:
    """Whether ids are names that people read, as where a file has titles and no ids."""
    worded = sum(bool(_WORDS.search(item_id)) for item_id in item_ids)
    return worded >= TITLES * len(item_ids)


def _first_detail(words: str) -> str:
    return words.partition(" · ")[2].partition(", ")[0]
