"""Any table of events or items: which column is what is guessed from names and values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.corpus.readers.protocol import mapped
from core.corpus.rows import Fields, Head
from core.corpus.validate import KINDS
from core.domain import Columns

EVENT_NAMES = {
    Columns.User: "user_id user userid uid customer_id customer customerid reviewer_id reviewer "
    "reviewerid visitor_id visitorid member_id account_id client_id profile_name 用户 用户id",
    Columns.Item: "item_id item itemid iid product_id product productid asin parent_asin sku "
    "movie_id movieid book_id isbn article_id news_id track_id song_id video_id business_id "
    "game_id app_id goods_id 商品 商品id",
    Columns.Time: "timestamp time datetime date created_at created unixreviewtime unix_time "
    "event_time review_time review_date reviewtime ts at when 时间 日期",
    Columns.Kind: "kind event event_type action action_type behavior behaviour behavior_type "
    "type interaction 行为",
    Columns.Rating: "rating ratings stars star_rating score overall rate review_score 评分",
    Columns.Text: "text review review_text reviewtext review_body body comment comments content "
    "review_content tag 评论 评论内容",
    Columns.Title: "title summary review_title review_headline headline review_summary 标题",
}
ITEM_NAMES = {
    Columns.Item: "id " + EVENT_NAMES[Columns.Item],
    Columns.Title: "title item_title product_title name item_name product_name headline 标题 名称",
    Columns.Category: "category categories main_category genre genres department topic section "
    "product_category 类别 分类",
    Columns.Description: "description desc abstract summary text about details 描述",
    Columns.Price: "price cost list_price 价格",
}


class Table:
    """CSV, TSV, JSON lines or Parquet with any column names.

    A ``title`` counts as a review's title only beside a text: alone it is more likely the item's.
    """

    format = "table"
    rating_scale = None
    is_html = False

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """A guess by name, checked against the values where names mislead."""
        guess = _guess(EVENT_NAMES, head)
        if Columns.Kind in guess and not _holds_kinds(head.values(guess[Columns.Kind])):
            del guess[Columns.Kind]
        if Columns.Text not in guess:
            guess.pop(Columns.Title, None)
        return guess

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """A guess by name."""
        return _guess(ITEM_NAMES, head)

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """One item; a list of categories counts by its first."""
        values = mapped(fields, columns)
        category = values.get(Columns.Category)
        if isinstance(category, list):
            values[Columns.Category] = category[0] if category else None
        elif isinstance(category, str) and "|" in category:
            values[Columns.Category] = category.split("|")[0]
        return values

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """No usual layout."""
        return None


def plain_name(column: str) -> str:
    """A column's name for comparing: lower case, words joined by underscores."""
    return "_".join(column.strip().lower().replace("-", " ").replace(".", " ").split())


def _guess(names: Mapping[str, str], head: Head) -> dict[str, str]:
    """For each field the column whose name stands first in its list; a column serves once."""
    columns = {plain_name(column): column for column in reversed(head.columns)}
    guess: dict[str, str] = {}
    for field, words in names.items():
        for word in words.split():
            column = columns.get(word)
            if column is not None and column not in guess.values():
                guess[field] = column
                break
    return guess


def _holds_kinds(values: list[Any]) -> bool:
    """Whether at least half of the values are words for kinds of events."""
    words = [plain_name(value) for value in values if isinstance(value, str) and value.strip()]
    return sum(word in KINDS for word in words) * 2 >= max(len(words), 1)
