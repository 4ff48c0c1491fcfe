"""Amazon Reviews 2023: JSON lines, with a metadata file keyed by parent_asin.

Layout: https://amazon-reviews-2023.github.io. An item is a parent_asin: variants of one product
(sizes, colours) count as one item.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.corpus.readers.protocol import first_of, mapped, present
from core.corpus.syntax.protocol import Fields, Head
from core.domain import Columns

EVENTS = {
    Columns.User: "user_id",
    Columns.Item: "parent_asin",
    Columns.Time: "timestamp",
    Columns.Rating: "rating",
    Columns.Title: "title",
    Columns.Text: "text",
}
ITEMS = {
    Columns.Item: "parent_asin",
    Columns.Title: "title",
    Columns.Category: "main_category",
    Columns.Description: "description",
    Columns.Price: "price",
}
OTHER_CATEGORY = "source_category"


class Amazon2023:
    """Reviews and metadata; the category is main_category, else source_category."""

    format = "amazon2023"
    rating_scale = (1.0, 5.0)

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by user_id, parent_asin and timestamp."""
        columns = present(EVENTS, head)
        return columns if {Columns.User, Columns.Item, Columns.Time} <= columns.keys() else None

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """Recognised by parent_asin, without user_id."""
        if "parent_asin" not in head.columns or "user_id" in head.columns:
            return None
        return present(ITEMS, head)

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """One product."""
        values = mapped(fields, columns)
        if not values.get(Columns.Category) and isinstance(fields.get(OTHER_CATEGORY), str):
            values[Columns.Category] = fields[OTHER_CATEGORY].replace("_", " ")
        return values

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """reviews.jsonl.gz with meta.jsonl.gz, or NAME.jsonl.gz with meta_NAME.jsonl.gz."""
        items = first_of(folder, "meta*.jsonl*")
        others = [path for path in first_of(folder, "*.jsonl*") if path not in items]
        events = first_of(folder, "reviews*.jsonl*") or (others if items else [])
        return (events, items[0] if items else None) if events else None
