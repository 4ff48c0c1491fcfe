"""The words of a kind column and the kind of event that each stands for, if any."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from core.corpus.column_names import is_weak_kind, plain_name
from core.corpus.options import NONE
from core.corpus.texts import is_missing
from core.domain import DomainError, EventKind
from core.language import tr

KIND_WORDS = {
    EventKind.VIEW: "pv view views viewed pageview page_view visit visited detail detail_view "
    "product_view view_item item_view viewitem impression read reads watch watched watching listen "
    "listened listening play played stream streamed open_page browse browsed seen look "
    "ansicht angesehen ansehen gesehen aufruf vue consultation vu vista visto visualizacion "
    "visualizzazione visualizado bekeken ver regarder guardare bekijken "
    "просмотр просмотрено 浏览 查看 点开 閲覧 조회",  # no sentence
    EventKind.CLICK: "click clicks clicked clic tap tapped open opened select select_item klick "
    "geklickt clique cliqué klik клик 点击 點擊 クリック 클릭",  # no sentence
    EventKind.CART: "cart carts add_to_cart addtocart add_cart cart_add added_to_cart basket "
    "add_to_basket add_to_bag bag add_item warenkorb in_den_warenkorb panier ajout_panier carrito "
    "anadir_al_carrito carrello carrinho winkelwagen корзина в_корзину 加购 加购物车 购物车 カート "
    "장바구니",  # no sentence
    EventKind.LIKE: "fav favs favorite favorites favorited favourite favourites like likes liked "
    "love loved star starred wishlist wish add_to_wishlist addtowishlist bookmark bookmarked save "
    "saved heart upvote thumbs_up add_fav fav_add merken merkliste gefaellt gefallt aime "
    "j_aime favori favoris favorito "
    "me_gusta preferito preferiti mi_piace curtir gosto избранное нравится лайк 收藏 喜欢 点赞 "
    "お気に入り いいね 좋아요 찜",  # no sentence
    EventKind.PURCHASE: "buy buys bought purchase purchases purchased transaction transactions "
    "order orders ordered sale sold checkout pay paid payment kauf gekauft kaufen bestellung "
    "bestellt achat achete commande compra comprado comprar pedido acquisto acquistato ordine "
    "kopen gekocht aankoop покупка куплено заказ 购买 下单 支付 购入 購入 注文 "  # no sentence
    "구매 주문",
    EventKind.RATING: "rating ratings rate rated stars score bewertung note puntuacion voto "
    "оценка 评分 評価 평점",  # no sentence
    EventKind.REVIEW: "review reviews reviewed comment comments commented rezension avis resena "
    "recensione отзыв 评论 评价 レビュー 리뷰",  # no sentence
}
"""Compared without case, accents, blanks and marks."""
TAKEN_BACK = (
    "remove_from_cart removed_from_cart cart_remove remove_cart delete_from_cart "
    "remove_from_basket remove_from_bag unlike unliked unfavorite unfavourite unfav unsave unsaved "
    "unbookmark unstar remove_from_wishlist wishlist_remove return returned refund refunded cancel "
    "canceled cancelled cancellation order_cancelled order_canceled order_refunded retoure storno "
    "storniert stornierung erstattet retour remboursement annulation annule devolucion reembolso "
    "cancelado reso rimborso annullato devolucao возврат отмена отменен 取消收藏 取消 取消订单 "
    "已取消 已退款 已退货 退货 退款 移出购物车 返品 返金 キャンセル 환불 반품 취소"  # no sentence
)
"""Words for an end of interest, which no kind of event says."""


def _joined(word: str) -> str:
    """A word for comparing: add_to_cart, Add To Cart and addtocart are one."""
    return plain_name(word).replace("_", "")


KINDS: Mapping[str, str] = {
    **{_joined(word): NONE for word in TAKEN_BACK.split()},
    **{_joined(word): kind.value for kind, words in KIND_WORDS.items() for word in words.split()},
}
MAX_WORDS = 60
MAX_LENGTH = 40
SHOWN = 12


def kind_of(word: str, said: Mapping[str, str]) -> str | None:
    """One of MEANINGS, by what a person said first; None for an unknown word."""
    return said.get(word.strip().lower()) or KINDS.get(_joined(word))


def holds_kinds(column: str, values: Iterable[Any], said: Mapping[str, str]) -> bool:
    """Whether a column of a telling name holds words for kinds of events.

    A few words that repeat, in a column called event, action or the like; where its name says
    little (type), half of the values must be known words.
    """
    words = [_word(value) for value in values if not is_missing(value)]
    if not words:
        return True
    distinct = set(words)
    meant = [kind_of(word, said) for word in words]
    idle = (None, NONE) if is_weak_kind(column) else (None,)  # a type may be Return or One-way
    known = sum(kind not in idle for kind in meant)
    if known * 2 >= len(words):
        return True
    few = len(distinct) <= min(MAX_WORDS, max(len(words) // 2, 1))
    short = all(len(word) <= MAX_LENGTH for word in distinct)
    return few and short and not is_weak_kind(column)


def taken_back(values: Iterable[Any]) -> tuple[str, list[str]] | None:
    """A word by which some of a column's rows were taken back, and its words without a meaning.

    Of a few words that repeat, as an order's status is; None where none says so.
    """
    words = [_word(value) for value in values if not is_missing(value)]
    distinct = dict.fromkeys(words)
    if len(distinct) > min(MAX_WORDS, len(words) // 2):
        return None
    back = next((word for word in distinct if KINDS.get(_joined(word)) == NONE), None)
    if back is None:
        return None
    return back, [word for word in distinct if _joined(word) not in KINDS]


def unknown_kinds(words: Iterable[str], column: str, where: str) -> DomainError:
    """The error that names unknown words and says how to explain them."""
    listed = sorted(words)
    shown = ", ".join(word[:MAX_LENGTH] for word in listed[:SHOWN])
    if len(listed) > SHOWN:
        shown = tr("{names} and {n} more", names=shown, n=len(listed) - SHOWN)
    return DomainError(
        tr(
            "the column {column!r} has words that are no known kind of event: {words}",
            column=column,
            words=shown,
        ),
        where=where,
        remedy=tr(
            "Say what each means, for example --kind {word}; the kinds are {kinds}, and {none} "
            "leaves its rows out",
            word=shlex.quote(f"{listed[0][:MAX_LENGTH]}={EventKind.VIEW}"),
            kinds=", ".join(EventKind),
            none=NONE,
        ),
    )


def _word(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
