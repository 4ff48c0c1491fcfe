"""MovieLens as CSV: ratings.csv, movies.csv and, where it is named, tags.csv.

Layout: https://files.grouplens.org/datasets/movielens/ml-latest-small-README.html. A tag becomes a
review event whose text is the tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.corpus.readers.protocol import first_of, mapped, present
from core.corpus.syntax.protocol import Fields, Head
from core.domain import Columns

EVENTS = {
    Columns.User: "userId",
    Columns.Item: "movieId",
    Columns.Time: "timestamp",
    Columns.Rating: "rating",
    Columns.Text: "tag",
}
ITEMS = {Columns.Item: "movieId", Columns.Title: "title", Columns.Category: "genres"}
NO_GENRE = "(no genres listed)"  # no sentence


class MovieLens:
    """Ratings, tags and movies; the category is the first genre, all genres are kept."""

    format = "movielens"
    rating_scale = (0.5, 5.0)

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by userId, movieId, timestamp and either rating or tag."""
        columns = present(EVENTS, head)
        needed = {Columns.User, Columns.Item, Columns.Time}
        return columns if needed < columns.keys() else None

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by movieId, title and genres."""
        return dict(ITEMS) if set(ITEMS.values()) <= set(head.columns) else None

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """One movie."""
        values = mapped(fields, columns)
        listed = values.get(Columns.Category)
        genres = listed.split("|") if isinstance(listed, str) and listed != NO_GENRE else []
        values[Columns.Category] = genres[0] if genres else None
        values[Columns.Description] = ", ".join(genres) or None
        values[Columns.Extra]["genres"] = genres
        return values

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """ratings.csv and movies.csv; tags only when they are named."""
        events = first_of(folder, "ratings.csv*")
        items = first_of(folder, "movies.csv*")
        return (events[:1], items[0] if items else None) if events else None
