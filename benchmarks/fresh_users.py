"""Users simulated anew in the demo's own shop: nobody trained or reports on them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from core.demo.catalogue import make_catalogue
from core.demo.reviews import Voice, Writer
from core.demo.shop import instant, open_shop
from core.demo.shoppers import make_shoppers
from core.demo.simulation import DEMO_SEED
from core.domain import Event, EventKind, History, order_events

SEED = "fresh1"


@dataclass(frozen=True)
class FreshUser:
    """A simulated user with the 0-based events at which their interest turned."""

    user_id: str
    process: str
    history: History
    turns: tuple[int, ...]


def fresh_users(n: int) -> list[FreshUser]:
    """So many users with the demo's items and random streams of their own."""
    shop = open_shop()
    items = make_catalogue(shop, Random(f"{DEMO_SEED}/catalogue"))
    writer = Writer(shop, items)

    def stream(purpose: str) -> Random:
        return Random(f"{SEED}/{purpose}")

    users = []
    for shopper in make_shoppers(shop, items, n, stream):
        voice = Voice.draw(stream(f"{shopper.user_id}/voice"))
        pen = stream(f"{shopper.user_id}/reviews")
        events = []
        for step in shopper.live():
            is_review = step.kind is EventKind.REVIEW
            review = writer.write(step, voice, pen) if is_review else None
            words = (review.title, review.text) if review is not None else (None, None)
            item, when = items[step.item].item_id, instant(step.time)
            events.append(Event(item, when, step.kind, step.rating, *words))
        user_id = f"F1_{shopper.user_id}"
        ordered = order_events(user_id, events)
        starts = [instant(change.start) for change in shopper.interest.changes]
        turns = tuple(sum(event.timestamp < start for event in ordered) for start in starts)
        history = History(user_id, ordered)
        users.append(FreshUser(user_id, str(shopper.interest.process), history, turns))
    return users
