"""Files as they are found: other languages, delimiters and names than anybody tuned for.

Each is made here, from the same few events, the way some program or office writes it.
"""

from __future__ import annotations

import gzip
import io
import json
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.quarantine import EVENTS, read_quarantine
from core.corpus.store import Library
from core.domain import DomainError

N = 60
START = datetime(2021, 3, 5, 9, 30, tzinfo=UTC)
TEXTS = (
    "Sits well on the rail", "Broke on day two; sent back", 'They call it "sturdy", hm',
    "Good, but heavy", "Would buy again!", "Not for small hands",
)  # fmt: skip


@dataclass(frozen=True)
class Sold:
    """One of the few events."""

    number: int

    @property
    def user(self) -> str:
        return f"c{self.number * 7 % 9:03d}"

    @property
    def item(self) -> str:
        return f"p{self.number * 5 % 11:03d}"

    @property
    def at(self) -> datetime:
        return START + timedelta(hours=31 * self.number, seconds=self.number)

    @property
    def seconds(self) -> int:
        return int(self.at.timestamp())

    @property
    def stars(self) -> int:
        return 1 + self.number * 3 % 5

    @property
    def text(self) -> str:
        return TEXTS[self.number % len(TEXTS)]


SOLD = [Sold(number) for number in range(N)]
FIRST = SOLD[0]
USERS, ITEMS = len({s.user for s in SOLD}), len({s.item for s in SOLD})


def table(header: str, row: Callable[[Sold], str], end: str = "\n") -> str:
    lines = ([header] if header else []) + [row(sold) for sold in SOLD]
    return end.join(lines) + end


def quoted(text: str, doubled: str = '""') -> str:
    return '"' + text.replace('"', doubled) + '"'


def workbook(also: str = "", first: str = "") -> bytes:
    """The events on a sheet, with a sheet ``first`` before it and one ``also`` behind."""
    book = openpyxl.Workbook()
    sheet = book.active
    if first:
        book.create_sheet(first, 0).append(["Leer"])
    if also:
        book.create_sheet(also)
    sheet.append(["Ventas de marzo"])
    sheet.append([])
    sheet.append(["Cliente", "Producto", "Fecha", "Valoración", "Opinión", "Tienda"])
    for s in SOLD:
        row = [s.user, s.item, s.at.replace(tzinfo=None), s.stars, s.text, "norte"]
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@dataclass(frozen=True)
class Case:
    """A file, what a person says of it, and what must come of it.

    ``refused``: words of the message where nothing can be imported. ``event``: fields of the first
    of the few events.
    """

    content: str | bytes
    options: dict[str, Any] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    accepted: int = N
    quarantined: int = 0
    kinds: dict[str, int] | None = None
    ratings: int | None = None
    scale: tuple[float, float] | None = None
    dropped: dict[str, int] | None = None
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    event: dict[str, Any] = field(default_factory=dict)
    items: str | bytes | None = None
    item: dict[str, Any] = field(default_factory=dict)
    matched: float | None = None
    rows: int = N
    name: str = "export.txt"


REVIEWS = {"review": N}
RATED = {"rating": N}
KINDS = {"view": 36, "cart": 12, "purchase": 12}
NULL = "\\N"


def actions(words: tuple[str, ...]) -> Callable[[Sold], str]:
    return lambda s: words[s.number % 5]


CASES = {
    # lines and quotes
    "Polish, semicolons, decimal comma, cp1250": Case(
        table("Klient;Towar;Ocena;Data zakupu;Komentarz",
              lambda s:
              f"{s.user};{s.item};{s.stars},0;{s.at:%d.%m.%Y};" + quoted(f"Świetny; {s.text}"),
              "\r\n").encode("cp1250"),
        {"encoding": "cp1250"}, kinds=REVIEWS, scale=(1, 5),
        event={"timestamp": "2021-03-05", "text": f"Świetny; {FIRST.text}", "rating": 1}),
    "French pipes with a quote that never closes": Case(
        table("utilisateur|article|note|horodatage|avis", lambda s:
              f"{s.user}|{s.item}|{s.stars}|{s.seconds}|" + ('"jamais fermé' if s.number == 20
                                                            else s.text)),
        kinds=REVIEWS, scale=(1, 5), event={"text": FIRST.text}),
    "TSV with inch marks and open quotes everywhere": Case(
        table("visitor_id\tsku\tstars\tcomment\tts", lambda s:
              f"{s.user}\t{s.item}\t{s.stars}\t\"{s.number}\" pipe\t{s.seconds}000"),
        kinds=REVIEWS, event={"text": '"0" pipe'}),
    "TSV that is wholly quoted, with tabs and line breaks inside": Case(
        table('"member"\t"book_id"\t"score"\t"review"\t"date"', lambda s:
              f'"{s.user}"\t"{s.item}"\t"{s.stars}"\t"one\ttwo\nthree"\t"{s.at:%Y-%m-%d}"'),
        kinds=REVIEWS, event={"text": "one\ttwo\nthree"}),
    "backslashes, with NULL as a backslash N": Case(
        table("buyer_id,game_id,rating,created_at,review_text", lambda s:
              f"{s.user},{s.item},{s.stars if s.number % 4 else NULL},{s.at:%Y-%m-%d %H:%M:%S},"
              + quoted(s.text, chr(92) + '"')),
        kinds=REVIEWS, ratings=45, event={"rating": None}),
    "carriage returns alone, tabs": Case(
        table("Kunde\tArtikel\tSterne\tDatum", lambda s:
              f"{s.user}\t{s.item}\t{s.stars}\t{s.at:%d.%m.%Y %H:%M}", "\r"),
        kinds=RATED, event={"timestamp": "2021-03-05T09:30"}),
    "two carriage returns and a line feed": Case(
        table("user;film;voto;data", lambda s:
              f"{s.user};{s.item};{s.stars};{s.at:%Y-%m-%d}", "\r\r\n"),
        kinds=RATED),
    "a report's title, comments in the middle, a semicolon too many": Case(
        "Weekly export\n\n" + table("Kundennummer;Produktnr;Bewertung;Zeitstempel;", lambda s:
              ("# page 2\n" if s.number == 30 else "")
              + f"{s.user};{s.item};{s.stars};{s.seconds};"),
        kinds=RATED, scale=(1, 5)),
    "UTF-16 from an office, tabs": Case(
        table("Usuario\tProducto\tFecha\tReseña", lambda s:
              f"{s.user}\t{s.item}\t{s.at:%d/%m/%Y %H:%M}\t{s.text} señor").encode("utf-16"),
        kinds=REVIEWS, event={"timestamp": "2021-03-05", "text": f"{FIRST.text} señor"}),
    "broken bars of a mainframe": Case(
        table("cust_no~prod_no~order_date~qty", lambda s:
              f"{s.user}~{s.item}~{s.at:%Y%m%d}~2"), kinds={"view": N}),
    # JSON
    "pretty objects one after another": Case(
        "\n".join(json.dumps({"listener": s.user, "track": s.item, "played_at": s.at.isoformat(),
                              "device": {"os": "x"}}, indent=4) for s in SOLD),
        kinds={"view": N}, unused=("device",)),
    "an array in a wrapper": Case(
        json.dumps({"status": "ok", "count": N, "results": [
            {"userId": s.user, "placeId": s.item, "stars": s.stars, "createdAt": s.seconds * 1000,
             "body": s.text} for s in SOLD]}), kinds=REVIEWS, scale=(1, 5)),
    "Python dictionaries": Case(
        "\n".join(repr({"user_id": s.user, "business_id": s.item, "rating": float(s.stars),
                        "useful": None, "date": f"{s.at:%B %d, %Y}", "text": s.text + " ‘ok’"})
                  for s in SOLD), kinds=REVIEWS, event={"timestamp": "2021-03-05"}),
    "MongoDB, canonical": Case(
        "[" + ",\n".join(json.dumps({
            "_id": {"$oid": f"{s.number:024x}"}, "customerId": {"$numberLong": str(s.number % 9)},
            "productId": s.item, "score": {"$numberDouble": f"{s.stars}.5"},
            "at": {"$date": {"$numberLong": str(s.seconds * 1000)}}}) for s in SOLD) + "]",
        kinds=RATED, unused=("_id",)),
    # no header
    "MovieLens 10M with half stars": Case(
        table("", lambda s:
              f"{int(s.user[1:])}::{int(s.item[1:])}::{s.stars - 0.5}::{s.seconds}"),
        kinds=RATED, scale=(0.5, 5), event={}),
    "Taobao, mostly bought": Case(
        table("", lambda s: f"{int(s.user[1:])},{int(s.item[1:])},{7},"
              f"{('buy', 'buy', 'cart', 'buy', 'fav')[s.number % 5]},{s.seconds}"),
        kinds={"purchase": 36, "cart": 12, "like": 12}),
    "no header, blanks between fields": Case(
        table("", lambda s: f"{s.user} {s.item} {s.seconds}"), refused=("header", "--no-header")),
    "no header, blanks, as the message says": Case(
        table("", lambda s: f"{s.user} {s.item} {s.seconds}"),
        {"header": False, "mapping": {"user_id": "1", "item_id": "2", "timestamp": "3"}},
        kinds={"view": N}),
    "no header, two colons, words of nobody": Case(
        table("", lambda s: f"{s.user}::{s.item}::{s.at:%d-%b-%Y}::ok"),
        refused=("header", "--no-header")),
    # kinds
    "German kinds under a German name": Case(
        table("Nutzer;Artikel;Ereignis;Zeit", lambda s: f"{s.user};{s.item};"
              f"{actions(('Ansicht', 'Ansicht', 'Warenkorb', 'Ansicht', 'Kauf'))(s)};{s.seconds}"),
        kinds=KINDS),
    "a strange kind": Case(
        table("uid,iid,action,time", lambda s: f"{s.user},{s.item},"
              f"{'teleport' if s.number == 59 else 'view'},{s.seconds}"),
        refused=("teleport", "--kind")),
    "a strange kind, explained": Case(
        table("uid,iid,action,time", lambda s: f"{s.user},{s.item},"
              f"{'teleport' if s.number == 59 else 'view'},{s.seconds}"),
        {"kinds": {"teleport": "click"}}, kinds={"view": 59, "click": 1}),
    "Chinese kinds": Case(
        table("用户ID,商品ID,行为类型,时间戳", lambda s: f"{s.user},{s.item},"
              f"{actions(('浏览', '浏览', '加购', '浏览', '购买'))(s)},{s.seconds}"), kinds=KINDS),
    # ids and items
    "ids as floats, items with a path": Case(
        table("customer_id,product_id,order_date", lambda s:
              f"{int(s.user[1:])}.0,{int(s.item[1:])}.0,{s.at:%Y-%m-%d}"),
        items="product_id;name;category\n" + "".join(
            f"{n};Thing {n};Home > Kitchen > Pots\n" for n in range(11)),
        item={"title": "Thing 0", "category": "Home"}, matched=1, notes=("12.0 as 12",),
        kinds={"view": N}),
    "Bavarian numbers in scientific notation": Case(
        table("Kunde;Artikel;Datum", lambda s: f"4,7E+12;{s.item};{s.at:%d.%m.%Y}"),
        refused=("4,7E+12", "digits", "Kunde")),
    "items with other ids and listed categories": Case(
        table("user,item,time", lambda s: f"{s.user},{s.item},{s.seconds}"),
        items="\n".join(json.dumps({"item": f"X/{n}", "title": f"T{n}", "tags": ["a", "b"],
                                    "categories": ["Toys", "Blocks"]}) for n in range(9)),
        matched=0, notes=("'p000'", "'X/0'")),
    # ratings
    "stars as signs": Case(
        table("patron,wine,stars,date", lambda s:
              f"{s.user},{s.item},{'★' * s.stars + '☆' * (5 - s.stars)},{s.at:%Y-%m-%d}"),
        kinds=RATED, scale=(1, 5)),
    "out of ten in words, and nonsense": Case(
        table("critic_id,movie_id,score,published,quote", lambda s:
              f"{s.user},{s.item},{'n.a.' if s.number % 6 == 5 else f'{s.stars * 2}/10'},"
              f"{s.at:%Y-%m-%d},x"),
        ratings=50, dropped={"rating": 10}, scale=(1, 10)),
    "thumbs": Case(
        json.dumps([{"player": s.user, "app_id": s.number % 11, "voted_up": s.stars > 2,
                     "timestamp_created": s.seconds, "timestamp_updated": s.seconds + 9,
                     "review": s.text} for s in SOLD]),
        kinds=REVIEWS, ratings=N, scale=(0, 1), unused=("timestamp_updated",)),
    "a zero that means none": Case(
        table("user_id,book_id,rating,date_added", lambda s:
              f"{s.user},{s.item},{s.stars if s.number % 3 else 0},"
              f"{s.at:%a %b %d %H:%M:%S +0100 %Y}"),
        ratings=40, scale=(1, 5), kinds={"rating": 40, "view": 20}, notes=("ratings of 0",)),
    # times
    "mail dates": Case(
        table("user;item;when", lambda s: f"{s.user};{s.item};{format_datetime(s.at)}"),
        event={"timestamp": "2021-03-05T09:30:00"}),
    "American dates, two digits for the year": Case(
        table("user,item,date", lambda s: f"{s.user},{s.item},{s.at:%m/%d/%y %I:%M %p}"),
        event={"timestamp": "2021-03-05T09:30"}),
    "German names of months": Case(
        table("user;item;datum", lambda s: f"{s.user};{s.item};{s.at.day}. "
              f"{('März', 'April', 'Mai')[s.at.month - 3]} {s.at.year}"),
        event={"timestamp": "2021-03-05"}),
    "Japanese dates in Shift JIS": Case(
        table("ユーザーID,商品ID,評価,投稿日,レビュー", lambda s:
              f"{s.user},{s.item},{s.stars},{s.at.year}年{s.at.month}月{s.at.day}日,良い")
        .encode("shift_jis"),
        {"encoding": "shift_jis"}, kinds=REVIEWS, event={"timestamp": "2021-03-05"}),
    "Shift JIS that nobody named": Case(
        table("ユーザーID,商品ID,評価,投稿日,レビュー", lambda s:
              f"{s.user},{s.item},{s.stars},{s.at.year}年{s.at.month}月{s.at.day}日,とても良い品でした")
        .encode("shift_jis"), refused=("--encoding", "shift_jis")),
    "days of a spreadsheet with decimal commas": Case(
        table("user;item;datum", lambda s:
              f"{s.user};{s.item};{(s.seconds / 86400 + 25569):.9f}".replace(".", ",")),
        event={"timestamp": "2021-03-05T09:30"}),
    "dashes that can be read two ways": Case(
        "user,item,date\n" + "".join(f"{s.user},{s.item},{s.number % 9 + 1:02}-0{s.stars}-2021\n"
                                     for s in SOLD), refused=("--time-format",)),
    "no times at all": Case(
        table("user,item,rating", lambda s: f"{s.user},{s.item},{s.stars}"),
        refused=("timestamp", "--order-as-time")),
    # names that only their words explain, and files that name nobody
    "orders of a shop: e-mail, line items, paid and created": Case(
        table("Name,Email,Paid at,Created at,Lineitem quantity,Lineitem name,Lineitem sku",
              lambda s:
              f"#{s.number},{s.user}@example.com,{s.at:%Y-%m-%d %H:%M:%S} -0500,"
              f"{s.at:%Y-%m-%d %H:%M:%S} -0500,1,Chair {s.item},{s.item}"),
        {"kinds": {"": "purchase"}}, kinds={"purchase": N}, notes=("'Email' is taken for one",),
        event={"item_id": FIRST.item}, unused=("Name",)),
    "longer names: customer_unique_id, order_purchase_timestamp": Case(
        table("review_id,order_id,customer_unique_id,product_id,review_score,review_comment_title,"
              "review_comment_message,order_purchase_timestamp,customer_city_id", lambda s:
              f"r{s.number},o{s.number},{s.user},{s.item},{s.stars},,{s.text.replace(',', '')},"
              f"{s.at:%Y-%m-%d %H:%M:%S},{s.number % 3}"),
        kinds=REVIEWS, scale=(1, 5), unused=("review_id", "order_id", "customer_city_id"),
        event={"timestamp": "2021-03-05T09:30", "text": FIRST.text}),
    "a log with short names": Case(
        table("ts|uid|pid|evt", lambda s: f"{s.seconds}.250000|{s.user}|{s.item}|"
              f"{actions(('VIEW', 'VIEW', 'ADD_TO_CART', 'VIEW', 'PURCHASE'))(s)}"), kinds=KINDS),
    "sessions as lists of events": Case(
        "\n".join(json.dumps({"session": user, "events": [
            {"aid": s.item, "ts": s.seconds * 1000,
             "type": actions(("clicks", "clicks", "carts", "clicks", "orders"))(s)}
            for s in SOLD if s.user == user]}) for user in sorted({s.user for s in SOLD})),
        kinds={"click": 36, "cart": 12, "purchase": 12},
        notes=("each object in the list 'events'", "'session' is taken for one"),
        event={"item_id": FIRST.item, "timestamp": "2021-03-05T09:30"}),
    "orders with lines, and one without": Case(
        json.dumps([{"id": s.number, "customer": {"id": s.user}, "created_at": s.at.isoformat(),
                     "line_items": [{"product_id": s.item, "title": f"Chair {s.item}"}]}
                    for s in SOLD] + [{"id": 0, "customer": {"id": "c1"},
                                       "created_at": "2021-03-05", "line_items": []}]),
        kinds={"view": N}, item={"title": f"Chair {FIRST.item}"}, notes=("add --kind purchase",)),
    "records of pairs, a blank line between them": Case(
        "\n\n".join(f"product/productId: {s.item}\nproduct/title: Chair {s.item}\n"
                    f"review/userId: {s.user}\nreview/profileName: Ann: a critic\n"
                    f"review/score: {s.stars}.0\nreview/time: {s.seconds}\n"
                    f"review/summary: fine\nreview/text: Note: {s.text}" for s in SOLD) + "\n",
        kinds=REVIEWS, scale=(1, 5), item={"title": f"Chair {FIRST.item}"},
        unused=("review/profileName",),
        event={"user_id": FIRST.user, "text": f"Note: {FIRST.text}", "title": "fine"}),
    "all items of a user in a line": Case(
        "".join(f"{number} " + " ".join(str(7 + at % 9) for at in range(12 + number)) + "\n"
                for number in range(1, 6))[:-1],
        {"order_as_time": True}, accepted=75, kinds={"view": 75}, rows=75,
        event={"user_id": "1", "item_id": "7"}),
    "all items of a user in a line, without a word": Case(
        "1 5 6 7\n2 6 7\n3 5 9 8 7\n", refused=("timestamp", "--order-as-time")),
    "pairs of numbers": Case(
        table("", lambda s: f"{int(s.user[1:])} {s.number}"),
        refused=("--map user_id=1", "--map item_id=2", "--order-as-time")),
    "parallel lists": Case(
        "\n".join(json.dumps({"uid": user, "item_ids": [s.item for s in SOLD if s.user == user],
                              "timestamps": [s.seconds for s in SOLD if s.user == user]})
                  for user in sorted({s.user for s in SOLD})),
        kinds={"view": N}, event={"item_id": FIRST.item, "timestamp": "2021-03-05T09:30"}),
    "parallel lists in Parquet": Case(
        pd.DataFrame([{"user_id": s.user, "product_id": [s.item], "rating_list": [s.stars],
                       "time_list": [s.seconds]} for s in SOLD]).rename(
                           columns={"product_id": "product_id_list"}).to_parquet(),
        kinds=RATED, scale=(1, 5), event={"item_id": FIRST.item}),
    "lists as a data frame writes them, one of them uneven": Case(
        table("user_id,item_ids,timestamps", lambda s:
              f"{s.user},\"['{s.item}']\",\"[{s.seconds}{', 5' if s.number == 3 else ''}]\""),
        accepted=59, quarantined=1, kinds={"view": 59}),
    "a list beside the item is no list of events": Case(
        "\n".join(json.dumps({"user_id": s.user, "thing": s.item, "timestamp": s.seconds,
                              "related": [{"product_id": n} for n in range(s.number % 3)]})
                  for s in SOLD),
        {"mapping": {"item_id": "thing"}}, kinds={"view": N}, event={"item_id": FIRST.item}),
    "an item's related items are no items of their own": Case(
        table("user_id,item_id,timestamp", lambda s: f"{s.user},{s.item},{s.seconds}"),
        items="\n".join(json.dumps({"id": f"p{n:03d}", "title": f"Chair {n}",
                                    "related": [{"product_id": "x"}] * (n % 3)})
                        for n in range(11)),
        matched=1, item={"title": "Chair 0"}),
    "lists of words as Python writes them, a broken one, an empty one": Case(
        table("user_id,item_ids,timestamps,hues", lambda s:
              f"{s.user},\"['Red {s.item}, big']\",[{s.seconds}],\"['a', 'b', 'c']\"")
        + "u1,oops,[1614936600],\nu2,,,\n",
        rows=61, quarantined=1, kinds={"view": N}, event={"item_id": f"Red {FIRST.item}, big"}),
    "records of pairs without a line between two of them": Case(
        "product/productId: a\nreview/userId: u\nreview/time: 1614936600\nreview/text: fine\n"
        "and more: yes\n\n"
        "product/productId: b\nreview/userId: u\nreview/time: 1614936601\nreview/text: good\n"
        "product/productId: c\nreview/userId: u\nreview/time: 1614936602\nreview/text: bad\n",
        accepted=3, rows=3, kinds={"review": 3}, event={"item_id": "a"}),
    "a line that is no sequence": Case(
        "1 5 6 7\n2 6 7\n3 5 9 8 7\n" + "".join(f"{n} 5\n" for n in range(4, 200)) + "7\n",
        {"order_as_time": True}, rows=206, accepted=205, quarantined=1),
    "row names, and lines that are none": Case(
        table('"user_id","item_id","rating","time"', lambda s:
              f'"{s.number + 1}","{s.user}","{s.item}",{s.stars},{s.seconds}')
        + "end,of,file\nend,of,file\n",
        rows=62, quarantined=2, kinds=RATED, event={"user_id": FIRST.user}),
    "one user for a file that names users": Case(
        table("user_id,item_id,time", lambda s: f"{s.user},{s.item},{s.seconds}"),
        {"one_user": "me"}, refused=("'user_id' names users", "--one-user")),
    "rows with a comma too many are not shifted": Case(
        table("member,isbn,stars,when", lambda s:
              f"{s.user},{s.item},{s.stars},{s.at:%A, %d %B %Y}"),
        refused=("5 fields", "4", "quotes")),
    "row names as R writes them": Case(
        table('"user_id","item_id","rating","time"', lambda s:
              f'"{s.number + 1}","{s.user}","{s.item}",{s.stars},{s.seconds}'),
        kinds=RATED, event={"user_id": FIRST.user}),
    "films of one person": Case(
        table("Date,Name,Year,Letterboxd URI,Rating", lambda s:
              f"{s.at:%Y-%m-%d},Film {s.number},1999,https://boxd.it/{s.number},{s.stars - .5}"),
        {"one_user": "me"}, kinds=RATED, scale=(0.5, 5), notes=("known by 'Name'",),
        event={"user_id": "me", "item_id": f"Film {FIRST.number}"}),
    "films of nobody": Case(
        table("Date,Name,Rating", lambda s: f"{s.at:%Y-%m-%d},Film {s.number},{s.stars}"),
        refused=("user_id", "--one-user")),
    "a reader's shelf: an author is no user, a title no review's": Case(
        table("Book Id,Title,Author,ISBN,My Rating,Date Added,My Review", lambda s:
              f"{s.number},Book {s.number},Ann,978{s.number},{s.stars},{s.at:%Y/%m/%d},"
              + (s.text.replace(",", "") if s.number % 3 == 0 else "")),
        {"one_user": "me"}, kinds={"review": 20, "rating": 40}, item={"title": "Book 0"},
        unused=("Author", "ISBN")),
    "no header, times in the second column, numbers with points": Case(
        table("", lambda s: f"{s.user}|{s.at:%Y-%m-%d %H:%M}|30.25|-97.7|{s.item}"),
        refused=("--map user_id=1", "--map item_id=5", "--map timestamp=2")),
    # text
    "tags, entities and brackets": Case(
        table("user,item,time,text", lambda s: f"{s.user},{s.item},{s.seconds},"
              + quoted("<p>Fish &amp; chips</p> 2 < 3 [[ASIN:B00X Fork]] <b>hot</b>")),
        kinds=REVIEWS, event={"text": "Fish & chips\n 2 < 3 hot"}),
    # workbooks and refusals
    "a Spanish workbook with a title above": Case(
        workbook(), kinds=REVIEWS, unused=("Tienda",), event={"timestamp": "2021-03-05T09:30"},
        name="ventas.xlsx"),
    "a pickle under another name": Case(pd.DataFrame({"a": [1]}).to_pickle, refused=("pickle",)),
    "a tar archive": Case(b"a.csv" + bytes(252) + b"ustar\x0000" + bytes(500), refused=("tar",)),
    "bytes as ids": Case(
        pd.DataFrame({"user_id": [b"\x00\x01"], "item_id": ["x"], "timestamp": [1_500_000_000]})
        .to_parquet(), refused=("binary", "user_id")),
}  # fmt: skip


def nested() -> bytes:
    """Objects and decimals, as warehouses export them."""
    rows = [
        {"buyer": {"id": Decimal(900 + int(s.user[1:])), "name": "N"},
         "product": {"id": Decimal(int(s.item[1:])), "more": {"title": f"Lamp {s.item}"}},
         "score": Decimal(s.stars), "at": s.at}
        for s in SOLD
    ]  # fmt: skip
    whole, part = pa.decimal128(38, 0), pa.decimal128(12, 2)
    more = pa.struct({"title": pa.string()})
    schema = pa.schema({
        "buyer": pa.struct({"id": whole, "name": pa.string()}),
        "product": pa.struct({"id": part, "more": more}),
        "score": pa.decimal128(3, 1), "at": pa.timestamp("us", "UTC"),
    })  # fmt: skip
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), out, row_group_size=25)
    return out.getvalue()


CASES |= {
    "an object of the user, as Steam has it": Case(
        "".join(json.dumps({
            "recommendationid": str(s.number), "appid": s.item, "voted_up": s.stars > 2,
            "author": {"steamid": s.user, "playtime_forever": 3}, "review": s.text,
            "timestamp_created": s.seconds}) + "\n" for s in SOLD),
        kinds=REVIEWS, event={"user_id": FIRST.user, "item_id": FIRST.item}),
    "objects and decimals in Parquet": Case(
        nested(), kinds=RATED, scale=(1, 5), name="export.parquet",
        event={"user_id": "900", "item_id": str(int(FIRST.item[1:])), "rating": FIRST.stars}),
    "NA beside numbers as ids": Case(
        table("visitor,item,time", lambda s: f"{'NA' if s.number % 4 == 1 else s.number % 7 + 1},"
              f"{int(s.item[1:])},{s.seconds}"),
        accepted=45, quarantined=15),
    "NA beside words as ids": Case(
        table("visitor,item,time", lambda s: f"{'NA' if s.number % 4 == 1 else s.user},{s.item},"
              f"{s.seconds}")),
    "a workbook of two sheets": Case(
        workbook("2022"), kinds=REVIEWS, notes=("only the first sheet is read, not 2022",),
        name="ventas.xlsx"),
    "a workbook whose table is not first": Case(
        workbook("2022", first="Leer"), refused=("first sheet", "Sheet"), name="ventas.xlsx"),
    "ratings in words of satisfaction": Case(
        table("user,item,date,rating", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('Very dissatisfied', 'Neutral', 'Very satisfied')[s.number % 3]}"),
        kinds=RATED, scale=(1, 5), event={"rating": 1}),
    "ratings with a half": Case(
        table("user,item,date,rating", lambda s: f"{s.user},{s.item},{s.at},{s.stars - 1}½"),
        kinds=RATED, scale=(0.5, 5), event={"rating": FIRST.stars - 0.5}),
    "feedback by thumbs": Case(
        table("user,item,date,feedback", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('thumbs_down', 'thumbs_up')[s.stars > 2]}"), kinds=RATED, scale=(0, 1)),
    "feedback in words": Case(
        table("user,item,date,feedback", lambda s: f"{s.user},{s.item},{s.at},{quoted(s.text)}"),
        kinds=REVIEWS, event={"rating": None, "text": FIRST.text}),
    "stars of a review": Case(
        table("Reviewer,Product,Review Date,Review Stars", lambda s: f"{s.user},{s.item},{s.at},"
              f"{s.stars}"), kinds=RATED, scale=(1, 5)),
    "ratings that nobody can read": Case(
        table("user,item,date,rating", lambda s: f"{s.user},{s.item},{s.at},class{s.stars}"),
        kinds={"view": N}, unused=("rating",), notes=("can't be read as ratings, such as 'class",)),
    "returns of a shop": Case(
        table("InvoiceNo,StockCode,Quantity,InvoiceDate,CustomerID",
              lambda s: f"{s.number},{s.item},{-2 if s.number % 4 == 1 else 6},"
              f"{s.at:%m/%d/%Y %H:%M},{s.user}"),
        {"kinds": {"": "purchase"}}, accepted=45, quarantined=15, kinds={"purchase": 45}),
    "a quantity that is mostly below zero": Case(
        table("sku,qty,date,customer", lambda s: f"{s.item},{-1 - s.number % 3},{s.at},{s.user}"),
        unused=("qty",)),
    "a stock beside what was bought": Case(
        table("sku,stock_quantity,units,date,customer", lambda s: f"{s.item},"
              f"{s.number - 9},{(-1, 2, 3, 'n.a.')[s.number % 4]},{s.at},{s.user}"),
        accepted=45, quarantined=15, unused=("stock_quantity",)),
    "types of tickets": Case(
        table("user,item,date,type", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('Return', 'One-way')[s.number % 2]}"), unused=("type",)),
    "thumbs and what is between": Case(
        table("user,item,date,rating", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('negative', 'neutral', 'positive')[s.stars // 2]}"), kinds=RATED, scale=(0, 1)),
    "the first of each month, the year last": Case(
        table("user,item,date", lambda s: f"{s.user},{s.item},01.{s.number % 12 + 1:02d}."
              f"{15 + s.number % 5}"), event={"timestamp": "2015-01-01"}),
    "years of two digits first, no zeros": Case(
        table("user,item,date", lambda s: f"{s.user},{s.item},"
              f"{s.at:%y}-{int(f'{s.at:%m}')}-{int(f'{s.at:%d}')}"),
        event={"timestamp": "2021-03-05"}),
    "scores of comments that are no ratings": Case(
        table("user,item,date,comment,comment_score", lambda s: f"{s.user},{s.item},{s.at},"
              f"{quoted(s.text)},{s.number * 7}"), kinds=REVIEWS, unused=("comment_score",)),
    "what was put into the basket and taken out": Case(
        table("event_time,event_type,product_id,user_id", lambda s: f"{s.at:%Y-%m-%d %H:%M:%S UTC},"
              f"{('cart', 'remove_from_cart', 'purchase')[s.number % 3]},{s.item},{s.user}"),
        accepted=40, quarantined=20, kinds={"cart": 20, "purchase": 20}),
    "returned books that a library counts": Case(
        table("user,book,date,action", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('checkout', 'return')[s.number % 2]}"),
        {"kinds": {"return": "view"}}, kinds={"purchase": 30, "view": 30}),
    "words that are no events": Case(
        table("user,item,date,event", lambda s: f"{s.user},{s.item},{s.at},"
              f"{('view', 'heartbeat')[s.number % 2]}"),
        {"kinds": {"heartbeat": "none"}}, accepted=30, quarantined=30, kinds={"view": 30}),
    "orders of which some were cancelled": Case(
        table("customer_id,product_id,order_date,order_status", lambda s: f"{s.user},{s.item},"
              f"{s.at},{('delivered', 'shipped', 'canceled')[s.number % 3]}"),
        notes=("'canceled'", "--map kind=order_status --kind delivered=purchase --kind shipped=p")),
    "the same, left out": Case(
        table("customer_id,product_id,order_date,order_status", lambda s: f"{s.user},{s.item},"
              f"{s.at},{('delivered', 'shipped', 'canceled')[s.number % 3]}"),
        {"mapping": {"kind": "order_status"},
         "kinds": {"delivered": "purchase", "shipped": "purchase"}},
        accepted=40, quarantined=20, kinds={"purchase": 40}),
    "years of two digits first": Case(
        table("user,item,date", lambda s: f"{s.user},{s.item},{s.at:%y-%m-%d}"),
        event={"timestamp": "2021-03-05"}),
}  # fmt: skip


def content_of(case: Case, folder: Path) -> bytes:
    if callable(case.content):
        case.content(folder / "pickled")
        return (folder / "pickled").read_bytes()
    content = case.content
    return content.encode("utf-8") if isinstance(content, str) else content


@pytest.mark.parametrize("name", CASES)
def test_a_file_as_it_is_found(name: str, library: Library, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(content_of(case, tmp_path))
    items = None
    if case.items is not None:
        items = tmp_path / "items.txt"
        items.write_text(case.items, encoding="utf-8")
    options = ImportOptions(**case.options)
    if case.refused:
        with pytest.raises(DomainError) as caught:
            import_files(library, "shop", [path], items, options)
        for words in case.refused:
            assert words in str(caught.value)
        return
    summary = import_files(library, "shop", [path], items, options)
    manifest, corpus = summary.manifest, library.corpus("shop")
    assert manifest.rows_read == case.rows
    assert (manifest.accepted, manifest.quarantined) == (case.accepted, case.quarantined)
    refused = [row for row in read_quarantine(summary.quarantine) if row.table == EVENTS]
    assert len(refused) == manifest.quarantined
    if case.kinds is not None:
        assert manifest.kinds == case.kinds
    if case.scale is not None:
        assert manifest.rating_scale == case.scale
    if case.ratings is not None:
        assert corpus.events["rating"].notna().sum() == case.ratings
    if case.dropped is not None:
        assert manifest.dropped_fields == case.dropped
    assert {*case.unused} <= {name for names in manifest.unused_columns.values() for name in names}
    for words in case.notes:
        assert words in " ".join(manifest.notes)
    if case.matched is not None:
        assert manifest.items_matched == case.matched
    if case.item:
        first = corpus.items.iloc[0]
        assert {key: first[key] for key in case.item} == case.item
    found = corpus.events.sort_values("timestamp").iloc[0]
    for key, value in case.event.items():
        if key == "timestamp":
            assert found[key].isoformat().startswith(value)
        elif value is None:
            assert pd.isna(found[key])
        else:
            assert found[key] == value


def test_an_archive_is_refused_by_its_name(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("events.csv", "user,item,time\n")
    with pytest.raises(DomainError, match="zip archive"):
        import_files(library, "shop", [path])


def test_the_row_that_tells_day_from_month_may_stand_anywhere(
    library: Library, tmp_path: Path
) -> None:
    dates = ["03/04/2021"] * 90_000
    dates[50_021] = "25/04/2021"
    rows = "".join(f"u{n % 97},i{n % 89},{date}\n" for n, date in enumerate(dates))
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(("user,item,date\n" + rows).encode(), 1))
    manifest = import_files(library, "shop", [path]).manifest
    assert manifest.timestamp_unit == "dates (day/month/year)"
    assert manifest.first is not None and f"{manifest.first:%m-%d}" == "04-03"


def test_parquet_with_long_and_short_columns_is_sampled_row_by_row(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.corpus.syntax.parquet_rows.BATCH_BYTES", 2**14)
    rows = range(9_000)
    frame = pd.DataFrame({
        "user_id": [f"u{n % 7}" for n in rows], "item_id": [n % 50 for n in rows],
        "timestamp": [1_600_000_000 + n for n in rows],
        "product_title": [f"{n % 50} " + "long " * 40 for n in rows],
    })  # fmt: skip
    path = tmp_path / "grouped.parquet"
    frame.to_parquet(path, row_group_size=3_000)
    import_files(library, "shop", [path])
    assert library.corpus("shop").title("7") == ("7 " + "long " * 40).strip()


@pytest.mark.parametrize(
    ("written", "is_noted"),
    [("{:%Y-%m-%dT%H:%M:%SZ}", False), ("{:%a %b %d %H:%M:%S -0800 %Y}", False),
     ("{:%m/%d/%Y %I:%M %p EST}", False), ("{:%m/%d/%Y %I:%M %p}", True)],
)  # fmt: skip
def test_a_missing_zone_is_noted_where_it_is_missing(
    written: str, is_noted: bool, library: Library, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(table("user,item,time", lambda s: f"{s.user},{s.item},{written.format(s.at)}"))
    notes = import_files(library, "shop", [path]).manifest.notes
    assert any("without a zone" in note for note in notes) == is_noted


def test_the_example_of_a_kind_can_be_typed(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    words = ("Order Done", "Cart Left")
    path.write_text(table("user,item,time,event", lambda s: f"{s.user},{s.item},{s.seconds},"
                          f"{words[s.number % 2]}"))  # fmt: skip
    with pytest.raises(DomainError) as caught:
        import_files(library, "shop", [path])
    typed = shlex.split(caught.value.remedy.partition(";")[0])
    assert typed[typed.index("--kind") + 1] == "Cart Left=view"
