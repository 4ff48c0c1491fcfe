"""Amazon review data of 2014 and 2018: JSON lines keyed by reviewerID and asin.

Layout: https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html. The reviewer's name is never
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.corpus.readers.protocol import first_of, mapped, present
from core.corpus.syntax.protocol import Fields, Head
from core.domain import Columns

EVENTS = {
    Columns.User: "reviewerID",
    Columns.Item: "asin",
    Columns.Time: "unixReviewTime",
    Columns.Rating: "overall",
    Columns.Title: "summary",
    Columns.Text: "reviewText",
}
ITEMS = {
    Columns.Item: "asin",
    Columns.Title: "title",
    Columns.Description: "description",
    Columns.Price: "price",
}
CATEGORY_PATHS = ("categories", "category")


class Amazon2014:
    """Reviews and metadata; an item's category is the second level of its category path.

    The first level is the same for a whole file and tells nothing apart; it serves where there is
    no second one.
    """

    format = "amazon2014"
    rating_scale = (1.0, 5.0)

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by reviewerID, asin and unixReviewTime."""
        columns = present(EVENTS, head)
        return columns if {Columns.User, Columns.Item, Columns.Time} <= columns.keys() else None

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by asin, without reviewerID or parent_asin."""
        if "asin" not in head.columns or {"reviewerID", "parent_asin"} & set(head.columns):
            return None
        return present(ITEMS, head)

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """One product."""
        values = mapped(fields, columns)
        for name in CATEGORY_PATHS:
            path = fields.get(name)
            if path and isinstance(path, list) and isinstance(path[0], list):
                path = path[0]
            if path and isinstance(path, list):
                values.setdefault(Columns.Category, path[min(1, len(path) - 1)])
        return values

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """reviews_NAME.json.gz and meta_NAME.json.gz."""
        events = first_of(folder, "reviews_*.json*")
        items = first_of(folder, "meta_*.json*")
        return (events, items[0] if items else None) if events else None
