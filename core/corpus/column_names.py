"""Names of columns as people write them, in several languages, and the field that each means.

A name is compared in plain form: lower case, words joined by underscores, accents dropped. For each
field the names stand in the order of preference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from core.domain import Columns

USERS = """
user customer reviewer visitor member client account profile author buyer shopper subscriber viewer
listener reader player person household guest patron critic rater consumer cust usr uid u
nutzer benutzer kunde kunden kundin besucher mitglied mitglieds konto kaeufer kaufer
utilisateur visiteur membre compte acheteur lecteur
usuario cliente visitante miembro cuenta comprador lector
utente visitatore membro acquirente lettore
gebruiker klant bezoeker lid bruger anvandare kund bruker kayttaja asiakas
uzytkownik klient kupujacy uzivatel zakaznik felhasznalo vasarlo utilizator kullanici musteri
пользователь клиент покупатель посетитель читатель зритель користувач χρηστης πελατης
用户 会员 顾客 客户 买家 用戶 會員 ユーザー ユーザ 会員 顧客 사용자 유저 회원 고객 المستخدم
"""
ITEMS = """
item product article asin sku parent_asin isbn movie film book track song video news game app
business restaurant place venue poi gmap listing anime recipe course hotel beer wine podcast show
series goods good offer artist album job paper story post content_item clicked_item lineitem
iid mid i
artikel produkt ware waren buch spiel titel_nr lied
produit livre jeu oeuvre chanson
articulo producto pelicula libro juego cancion
articolo prodotto libro gioco canzone
produto filme livro jogo musica
boek spel vare varor vara bok elokuva tuote kirja
produkt ksiazka towar gra vyrobek kniha termek konyv konyv produs carte urun kitap
товар фильм книга продукт игра трек песня προιον ταινια βιβλιο
商品 物品 电影 电影名 图书 书籍 书 歌曲 音乐 视频 店铺 餐厅 产品 產品 電影 書籍 作品 映画 本 曲
アイテム 製品
상품 영화 책 아이템 제품 노래 المنتج
"""
STAND_INS = """
session session_id sessionid visit_id visitid anonymous_id anonymousid anon_id cookie cookie_id
cookieid device_id deviceid browser_id email e_mail email_address ip_address
"""
"""What stands for users where no column names them."""
QUANTITIES = """
quantity qty units menge stuckzahl anzahl quantite cantidad quantita quantidade aantal antal
ilosc mnozstvi mennyiseg miktar adet количество кол_во 数量 件数 個数 수량
"""
"""How many of an item a row is about."""
_BOUGHT = frozenset(
    (
        *("order", "ordered", "item", "items", "product", "purchase", "purchased", "sold", "net"),
        *("sale", "sales", "line", "lineitem", "invoice", "invoiced", "billed", "bought"),
    )
)
"""Words before such a word that leave it what it is; others make it a stock, a rest or a limit."""
IDS = (
    "id",
    "no",
    "nr",
    "num",
    "number",
    "nummer",
    "numero",
    "code",
    "sku",
    "key",
    "kod",
    "ref",
    "hash",
)
NAMES = "name", "title", "nick", "nickname"
EVENT_NAMES: Mapping[str, str] = {
    Columns.Time: """
timestamp time_stamp unix_review_time unixreviewtime unix_time unix_timestamp event_time
event_timestamp event_date eventtime timestamp_created created_timestamp review_time reviewtime
review_date reviewed_at rated_at rating_date rating_time date_added added_at datetime date_time
created_at created_time created_on creation_date creation_time create_time createtime created
date_created posted_at post_date posted_on publish_time submitted_at submission_date order_date
order_time ordered_at purchase_date purchased_at purchase_time transaction_date transaction_time
transaction_datetime t_dat visit_date visited_at view_time viewed_at watched_at watch_date
listened_at played_at click_time clicked_at log_time logged_at local_time server_time utc_time
checkin_time timestamp_ms timestamp_utc time_ms time_utc date_utc timestamp_seconds epoch date time
day when ts at t dt read_at start_time end_time
zeitstempel zeitpunkt datum_zeit datum zeit uhrzeit erstellt erstellt_am bestelldatum kaufdatum
bewertungsdatum wann
horodatage date_heure date_avis date_commande date_achat heure quand
marca_de_tiempo marca_temporal fecha_hora fecha fecha_compra fecha_pedido hora cuando
data_ora data data_acquisto ora orario quando data_hora data_compra carimbo_de_data
tijdstempel tijdstip tijd besteldatum tidspunkt tidsstampel dato tid paivamaara pvm aika
data_czas czas data_zakupu datum_cas cas idobelyeg datum_ido ido data_ora tarih_saat tarih zaman
дата_и_время дата_время дата время когда час ημερομηνια χρονος
时间戳 评论时间 评价时间 评分时间 发布时间 购买时间 浏览时间 点击时间 行为时间 观看时间 时间
日期 時間戳 時間 評論時間
タイムスタンプ 日時 投稿日時 投稿日 購入日 評価日 日付 時刻 作成日時
타임스탬프 일시 작성일시 작성일 구매일 날짜 시간 일자 التاريخ الوقت
""",
    Columns.Kind: """
kind event_type eventtype event_name event action_type actiontype action behavior_type
behaviour_type behaviortype behavior behaviour feedback_type feedbacktype interaction_type
interaction activity_type activity user_action operation_type operation op_type act_type act verb
event_action evt evt_type hit_type what
ereignis ereignistyp aktion verhalten vorgang
evenement type_evenement comportement
evento tipo_evento tipo_de_evento accion tipo_accion comportamiento
azione tipo_azione comportamento acao tipo_acao
gebeurtenis actie handling gedrag handelse handling_type hendelse tapahtuma toiminto
zdarzenie akcja udalost akce esemeny muvelet olay eylem
событие тип_события действие поведение ενεργεια
行为类型 行为 操作 操作类型 动作 事件 行為 イベント 行動 操作種別 アクション 행동 이벤트 동작
행동유형
""",
    Columns.Rating: """
rating star_rating stars ratings overall score rate review_score review_rating user_rating
user_score overall_rating rating_value rating_score book_rating movie_rating item_rating
product_rating film_rating anime_rating game_rating grade points mark marks recommended recommend
is_recommended voted_up thumbs thumbs_up thumb liked verdict vote star feedback
bewertung sterne note punkte wertung empfohlen punktzahl sternebewertung
notation etoiles evaluation recommande
puntuacion calificacion valoracion estrellas nota recomendado
voto valutazione punteggio stelle consigliato avaliacao classificacao estrelas pontuacao
beoordeling cijfer sterren waardering betyg omdome karakter bedommelse vurdering arvosana arvio
tahdet ocena gwiazdki hodnoceni hviezdicky ertekeles csillag evaluare stele puan yildiz
оценка рейтинг балл баллы звезды оцінка βαθμολογια αξιολογηση
评分 打分 星级 评星 推荐 分数 評分 星級 評価 評点 星 点数 スコア 평점 별점 점수 التقييم
""",
    Columns.Title: """
summary review_title review_headline review_summary review_heading headline title subject
ueberschrift uberschrift zusammenfassung betreff titel
titre titre_avis resume titulo titulo_resena resumen asunto titolo riassunto oggetto
resumo kop onderwerp rubrik otsikko tytul nadpis cim baslik заголовок тема τιτλος
标题 评论标题 標題 タイトル 件名 제목
""",
    Columns.Text: """
text review_text review_body review_content reviewtext reviewbody reviewcontent body review
comment comment_text comment_body user_review full_review written_review comments content message
opinion feedback feedback_text remarks remark notes note description_of_review tag tags
rezension bewertungstext kommentar kundenmeinung meinung rezensionstext freitext
avis commentaire texte_avis critique texte contenu
resena reseña comentario opinion texto texto_resena contenido critica
recensione commento testo opinione resenha texto_avaliacao conteudo
recensie opmerking tekst mening recension kommentti arvostelu anmeldelse
recenzja komentarz opinia tresc recenze komentar nazor velemeny szoveg megjegyzes recenzie
comentariu yorum inceleme metin
отзыв комментарий текст рецензия текст_отзыва відгук σχολιο κριτικη κειμενο
评论内容 评论 评价 评价内容 短评 点评 内容 留言 評論 評論內容 レビュー レビュー本文 本文
コメント 感想 口コミ
리뷰 리뷰내용 댓글 후기 내용 코멘트 التعليق المراجعة
""",
}
ITEM_NAMES: Mapping[str, str] = {
    Columns.Title: """
title item_title product_title movie_title book_title game_title song_title track_title film_title
news_title name item_name product_name movie_name book_name app_name game_name track_name
business_name prod_name full_name headline label
titel bezeichnung artikelname produktname name_des_artikels
titre nom libelle nom_produit titulo nombre nombre_producto titolo nome nome_prodotto nome_produto
titulo_original naam titel_nl productnaam navn namn nimi tytul nazwa nazev cim nev nume denumire
baslik ad isim urun_adi название наименование имя назва τιτλος ονομα
标题 名称 商品名称 商品名 电影名 电影名称 片名 书名 品名 標題 名稱 タイトル 名前 商品名 書名 製品名
제목 이름 상품명 제품명 영화제목
""",
    Columns.Category: """
category main_category categories genre genres product_category item_category category_name
product_category_name category_id categoryid cat department section topic product_group_name
product_type subcategory type group class
kategorie warengruppe rubrik sparte abteilung gattung
categorie rayon famille
categoria genero seccion departamento
genere reparto gênero secao
afdeling kategori genre_navn luokka osasto kategoria gatunek zanr kategorije mufaj kategoria_nev
gen kategori_adi tur категория жанр раздел рубрика категорія κατηγορια ειδος
类别 分类 类目 类型 类 品类 題材 分類 類別 カテゴリ カテゴリー ジャンル 카테고리 분류 장르
""",
    Columns.Description: """
description desc abstract summary overview details about text plot synopsis body
product_description item_description long_description detail_desc content
beschreibung produktbeschreibung resume description_produit descripcion resumen descrizione trama
descricao sinopse omschrijving beskrivelse beskrivning kuvaus opis popis leiras descriere aciklama
описание аннотация опис περιγραφη 描述 简介 商品描述 剧情 簡介 説明 商品説明 概要 あらすじ 설명
상품설명 줄거리
""",
    Columns.Price: """
price cost list_price unit_price sale_price preis vk_preis prix precio prezzo preco prijs pris
hinta cena ar pret fiyat цена ціна τιμη 价格 价钱 售价 價格 価格 値段 가격
""",
}
NOT_ITEMS = re.compile(
    r"review|session|order|transaction|event|impression|request|row|index|record|log|visit|invoice|"
    r"categor|cat_|store|shop|seller|brand|parent|author|artist|album|device|location|city|country|"
    r"user|customer|^_?id$|genre|campaign|page|batch|basket|cart|group"
)
NOT_TIMES = re.compile(
    r"birth|born|release|expir|updat|modif|regist|sign_?up|join|since|year|start|end|dob|"
    r"geburt|naissance|nacimiento|nascita|erschein|helpful|first|last|duration|length"
)
"""Dates that are not when the event happened."""
NOT_KINDS = re.compile(r"status|state|channel|source|genre|categor|label|sentiment|flag|title|name")
"""Words that only look like kinds of events."""

ITEM_NOUN = re.compile(
    r"(?:item|product|article|movie|film|book|track|song|game|app|business|artikel|produkt|produit|"
    r"producto|prodotto|produto)_|genres?$|商品|电影|書|书"
)
"""Names of columns that speak of an item wherever they stand."""

_TYPE = re.compile(r":(?:token|token_seq|float|float_seq)$")
_ROOM = re.compile(r"^\w+/(?=\w+$)")
"""SNAP's product/productId, review/time."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MERGED = re.compile(r"(?:_[xy]|[._]1|_left|_right|_(?:en|de|fr|es|cn|zh|jp|ja))$")
MAX_NAME = 80
MERGED_RANK, INNER_RANK = 100_000, 200_000
WORDS_RANK, STAND_IN_RANK = 300_000, 400_000
_SURE_IDS = frozenset(
    ("id", "uuid", "guid", "key", "hash", "sku", "asin", "isbn", "ean", "upc", "gtin", "uri")
)
_NOT_PEOPLE = re.compile(
    r"city|country|region|state|address|postal|zip|segment|type|group|class|status|count|agent|store|"
    r"seller|merchant|vendor|owner|employee|staff|manager|sales|tenant|follow|friend|host|referr|parent"
)
_NOT_THINGS = re.compile(r"version|instance|platform|type|list|line|family|position|bundle")
_SHORT_ITEMS = "pid", "aid"
"""Taken for items where nothing else is one: a process or a person may be called so, too."""
_LATER = re.compile(r"deliver|estimat|approv|ship|expect|limit|due|refund|return|cancel")
"""What comes of an order afterwards."""
_TIME_ENDS = frozenset(
    ("timestamp", "datetime", "date", "time", "at", "ts", "datum", "fecha", "data")
)
_REVIEW = frozenset(("review", "reviews", "comment", "comments", "feedback", "opinion"))
_RATING_ENDS = frozenset(("rating", "stars", "grade"))
_TEXT_ENDS = frozenset(("text", "body", "message", "content", "comment", "comments"))
_TITLE_ENDS = frozenset(("title", "headline", "heading", "summary", "subject"))
_MINE = re.compile(r"(?:my|your|own)_")
_BOOK = frozenset(("isbn", "isbn13", "book_id", "book_title", "author_l_f"))
"""Beside these an author is the book's."""
_HAPPENS = re.compile(
    r"purchas|order|event|view|click|visit|review|rating|creat|transact|invoice|watch|play|listen|"
    r"bought|sale|sold|paid|interact|action|log|session|activity|post|submit"
)
_WEAK_KINDS = ("type", "op", "typ", "tipo", "类型", "category")


@lru_cache(2**16)
def plain_name(column: str) -> str:
    """A column's name for comparing."""
    column = _TYPE.sub("", column.strip().strip("\"'#\ufeff "))
    name = _HUMP.sub("_", _ROOM.sub("", column))
    folded = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss").replace("ł", "l"))
    kept = "".join(" " if not c.isalnum() else c for c in folded if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "_".join(kept.split()))


def sequence_type(column: str) -> bool:
    """Whether a RecBole header says that the column holds several words, cut by spaces."""
    return column.endswith(":token_seq")


def guess(table: str, columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each field the columns that could hold it by their names, the likeliest first.

    ``table`` is "events" or "items". A column may stand under several fields.
    """
    columns = list(columns)
    of_books = not _BOOK.isdisjoint(plain_name(column) for column in columns)
    found: dict[str, list[tuple[int, int, str]]] = {}
    ranks = _ranks(table)
    for place, column in enumerate(columns):
        name = plain_name(column)
        short = _MINE.sub("", _MERGED.sub("", name), count=1)
        inner = plain_name(column.rpartition(".")[2]) if "." in column else ""
        for field, rank in ranks.items():
            options = [rank[name]] if name in rank else []
            if not options and short in rank:
                options = [rank[short] + MERGED_RANK]
            if not options and inner in rank:
                options = [rank[inner] + INNER_RANK]
            if not options and _told_by_words(table, field, inner or name):
                options = [WORDS_RANK]
            if options and not (of_books and field == Columns.User and name == "author"):
                found.setdefault(field, []).append((min(options), place, column))
    return {field: tuple(column for *_, column in sorted(hits)) for field, hits in found.items()}


def _told_by_words(table: str, field: str, name: str) -> bool:
    """Whether the words of an unknown name say what it is: customer_unique_id, lineitem_sku."""
    words = name.split("_")
    if len(words) < 2:
        return False
    people, things = (not known.isdisjoint(words) for known in _nouns())
    if table == "items":
        is_name = field == Columns.Title and words[-1] in ("title", "name")
        return is_name and things and not people and not NOT_ITEMS.search(name)
    if field in (Columns.Text, Columns.Title):
        ends = _TEXT_ENDS if field == Columns.Text else _TITLE_ENDS
        return words[-1] in ends and not _REVIEW.isdisjoint(words)
    if field == Columns.Rating:
        return words[-1] in _RATING_ENDS and not _REVIEW.isdisjoint(words)
    if field == Columns.Time:
        is_other = NOT_TIMES.search(name) or _LATER.search(name)
        return words[-1] in _TIME_ENDS and bool(_HAPPENS.search(name)) and not is_other
    if field not in (Columns.User, Columns.Item) or words[-1] not in _SURE_IDS:
        return False
    if field == Columns.User:
        return people and not things and not _NOT_PEOPLE.search(name)
    return things and not NOT_ITEMS.search(name) and not _NOT_THINGS.search(name)


@cache
def _nouns() -> tuple[frozenset[str], frozenset[str]]:
    """Words for users, and for items, that are long enough to mean them inside a name."""
    people, things = (
        frozenset(word for word in _plain(words) if len(word) > 2) for words in (USERS, ITEMS)
    )
    return people, things


def is_quantity(column: str) -> bool:
    """Whether a column is called as numbers of bought pieces are."""
    name = plain_name(column)
    words = _plain(QUANTITIES)
    before, _, last = name.rpartition("_")
    return last in words and _BOUGHT.issuperset(before.split("_") if before else ())


def is_stand_in(column: str) -> bool:
    """Whether a column names sessions, devices or addresses rather than users."""
    return plain_name(column) in _plain(STAND_INS)


def is_title(column: str) -> bool:
    """Whether a column is called as titles of items are, not as their ids."""
    name = plain_name(column)
    return name in _ranks("items")[Columns.Title] and name not in _plain(ITEMS)


def is_named(columns: Iterable[str]) -> int:
    """How many of these cells are names of an event's or an item's fields."""
    known = _known_names()
    names = (plain_name(column) for column in columns if 1 < len(column) <= MAX_NAME)
    return sum(name in known or _MERGED.sub("", name) in known for name in names)


@cache
def _known_names() -> frozenset[str]:
    ranks = [rank for table in ("events", "items") for rank in _ranks(table).values()]
    return frozenset(name for rank in ranks for name in rank if len(name) > 1)


def is_weak_kind(column: str) -> bool:
    """Whether a column of this name holds kinds of events only where its values say so."""
    return plain_name(column) in _WEAK_KINDS


@cache
def _ranks(table: str) -> dict[str, dict[str, int]]:
    """Field -> plain name -> its rank."""
    items = tuple(_id_names(ITEMS, NAMES))
    if table == "items":
        fields = {Columns.Item: ("id", *items), **{f: _plain(n) for f, n in ITEM_NAMES.items()}}
        titles = (f"{noun}_{word}" for noun in _plain(ITEMS) for word in ("title", "name"))
        fields[Columns.Title] = (*fields[Columns.Title], "original_title", *titles)
        groups = fields[Columns.Category]
        fields[Columns.Category] = (*groups, *(f"{group}_name" for group in groups))
    else:
        steam = ("author_steamid", "steamid", "steam_id", "username", "user_name", "profile_name")
        fields = {
            Columns.User: (*_id_names(USERS, ("name", "nick", "nickname")), *steam),
            Columns.Item: items,
            **{field: _plain(names) for field, names in EVENT_NAMES.items()},
        }
        fields[Columns.Kind] = (*fields[Columns.Kind], *_WEAK_KINDS[:-1])
    ranks = {
        field: {name: rank for rank, name in reversed(list(enumerate(names)))}
        for field, names in fields.items()
    }
    if table != "items":
        known = ranks[Columns.User]
        for place, name in enumerate(_plain(STAND_INS)):
            known.setdefault(name, STAND_IN_RANK + place)
        ranks[Columns.Item] |= dict.fromkeys(_SHORT_ITEMS, STAND_IN_RANK)
    return ranks


def _plain(names: str) -> tuple[str, ...]:
    return tuple(plain_name(name) for name in names.split())


def _id_names(nouns: str, names: tuple[str, ...]) -> Iterator[str]:
    """user_id, userid, id_user, user, user_name and so on, ids before names."""
    words = _plain(nouns)
    for noun in words:
        if len(noun) > 1 or not noun.isascii():
            for word in IDS:
                yield from (f"{noun}_{word}", f"{noun}{word}", f"{word}_{noun}")
            yield from (f"{noun}编号", f"{noun}号", f"{noun}番号", f"{noun}번호", f"{noun}_sha1")
        elif noun.isascii():
            yield f"{noun}_id"
    yield from words
    for noun in words:
        for word in names:
            yield from (f"{noun}_{word}", f"{noun}{word}", f"{noun}名")
