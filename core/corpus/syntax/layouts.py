"""Published files without a header: what their columns are called, and how they are recognised.

A layout is data: a delimiter, and for each column its name and a pattern of its values. A file has
a layout when nearly all of its first lines fit. The names are those that
``core.corpus.column_names`` knows. To add a layout, add a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.language import mark

FITTING = 0.9
"""Share of lines that must fit."""
NUMBER, EPOCH, ANY = r"\d+", r"\d{9,10}(?:\.0*)?", r".*"
STARS = r"[0-5](?:\.[05]0*)?"
ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?"
OFFICE_TIME = r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M"
ASIN, AMAZON_USER = r"[0-9B][0-9A-Z]{9}", r"A[0-9A-Z]{9,20}"
GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """One published layout. ``expand`` names how a line becomes events where it is not one;
    ``kind`` is the kind of all its events where that is known."""

    name: str
    delimiter: str
    columns: tuple[tuple[str, str], ...]
    expand: str = ""
    kind: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(name for name, _ in self.columns)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(pattern) for _, pattern in self.columns)

    def fits(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether nearly all of these rows have the layout."""
        good = sum(
            len(row) == len(self.columns)
            and all(p.fullmatch(cell.strip()) for p, cell in zip(self._patterns, row, strict=True))
            for row in rows
        )
        return good >= FITTING * len(rows) > 0


LAYOUTS = (
    Layout(mark("MovieLens 100k ratings"), "\t", (
        ("user_id", NUMBER), ("item_id", NUMBER), ("rating", "[1-5]"), ("timestamp", EPOCH))),
    Layout(mark("MovieLens 1M and 10M ratings"), "::", (
        ("user_id", NUMBER), ("movie_id", NUMBER), ("rating", STARS), ("timestamp", EPOCH))),
    Layout(mark("MovieLens 10M tags"), "::", (
        ("user_id", NUMBER), ("movie_id", NUMBER), ("tag", ANY), ("timestamp", EPOCH))),
    Layout(mark("MovieLens 1M and 10M movies"), "::", (
        ("movie_id", NUMBER), ("title", r".*\S.*"), ("genres", r"[\w'()\- ]+(?:\|[\w'()\- ]+)*"))),
    Layout(mark("MovieLens 100k movies"), "|", (
        ("movie_id", NUMBER), ("title", ANY), ("release_date", ANY), ("video_date", ANY),
        ("url", ANY), *((f"genre {genre}", "[01]") for genre in GENRES)), "genres"),  # no sentence
    Layout(mark("Taobao UserBehavior"), ",", (
        ("user_id", NUMBER), ("item_id", NUMBER), ("category_id", NUMBER),
        ("behavior_type", r"pv|buy|cart|fav"), ("timestamp", r"-?\d+"))),
    Layout(mark("Last.fm 1K listens"), "\t", (
        ("user_id", r"user_\d+"), ("timestamp", ISO), ("artist_id", ANY), ("artist_name", ANY),
        ("track_id", ANY), ("track_name", ANY))),
    Layout(mark("Amazon ratings"), ",", (
        ("user_id", AMAZON_USER), ("item_id", ASIN), ("rating", STARS), ("timestamp", EPOCH))),
    Layout(mark("Amazon ratings (2018)"), ",", (
        ("item_id", ASIN), ("user_id", AMAZON_USER), ("rating", STARS), ("timestamp", EPOCH))),
    Layout(mark("MIND behaviors"), "\t", (
        ("impression_id", NUMBER), ("user_id", r"\S*"), ("time", OFFICE_TIME), ("history", ANY),
        ("impressions", r"\S+-[01](?: \S+-[01])*")), "clicks", "click"),
    Layout(mark("MIND news"), "\t", (
        ("news_id", r"N\d+"), ("category", ANY), ("subcategory", ANY), ("title", ANY),
        ("abstract", ANY), ("url", ANY), ("title_entities", ANY), ("abstract_entities", ANY))),
    Layout(mark("Foursquare check-ins"), "\t", (
        ("user_id", NUMBER), ("venue_id", r"[0-9a-f]{24}"), ("category_id", ANY),
        ("category_name", ANY), ("latitude", ANY), ("longitude", ANY), ("offset", r"-?\d+"),
        ("utc_time", r"\w{3} \w{3} \d\d .*"))),
    Layout(mark("Gowalla and Brightkite check-ins"), "\t", (
        ("user_id", NUMBER), ("timestamp", ISO), ("latitude", r"-?[\d.]+"),
        ("longitude", r"-?[\d.]+"), ("place_id", r"\w+"))),
    Layout(mark("Netflix movie titles"), ",", (
        ("movie_id", NUMBER), ("year", r"\d{4}|NULL"), ("title", ANY)), "rest"),
)  # fmt: skip

NETFLIX = mark("Netflix Prize ratings")
NETFLIX_COLUMNS = ("user_id", "rating", "date", "movie_id")
NETFLIX_MOVIE = re.compile(r"(\d+):\s*")
_NETFLIX_RATING = re.compile(r"\d+,[1-5](?:\.0)?,\d{4}-\d\d-\d\d\s*")


def is_netflix(lines: Sequence[str]) -> bool:
    """Whether lines are movie numbers with a colon, each followed by its ratings."""
    movies = sum(NETFLIX_MOVIE.fullmatch(line) is not None for line in lines)
    ratings = sum(_NETFLIX_RATING.fullmatch(line) is not None for line in lines)
    first = bool(lines) and NETFLIX_MOVIE.fullmatch(lines[0]) is not None
    return first and ratings > 0 and movies + ratings >= FITTING * len(lines)


def expand(layout: Layout, cells: list[str]) -> list[list[str]]:
    """The rows that one line of a layout stands for."""
    if layout.expand == "clicks":
        clicked = (shown[:-2] for shown in cells[-1].split() if shown.endswith("-1"))
        return [[*cells[:-1], item] for item in clicked]
    if layout.expand == "genres":
        flags = cells[-len(GENRES) :]
        genres = [genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1"]
        return [[*cells[: -len(GENRES)], "|".join(genres)]]
    return [cells]


def expanded_names(layout: Layout) -> tuple[str, ...]:
    """The columns' names after ``expand``."""
    if layout.expand == "clicks":
        return (*layout.names[:-1], "clicked_item_id")
    if layout.expand == "genres":
        return (*layout.names[: -len(GENRES)], "genres")
    return layout.names
