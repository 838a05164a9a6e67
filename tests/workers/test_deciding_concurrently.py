"""Many orders at once never get the same piece, on both databases."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from redis import Redis
from sqlalchemy import select

from store import stock
from store.models import Merchant
from store.order_models import FulfilmentLine, Order, StockLevel
from store.session import Database
from tests.workers.deciding import open_desk, snapshot

ORDERS, AT_ONCE = 24, 8


def test_stock_is_never_promised_twice_however_many_orders_arrive_at_once(
    database: Database, redis_server: Redis, merchant: Merchant
) -> None:
    desk = open_desk(database, redis_server, merchant)
    desk.put_stock({("warehouse", "A"): 5, ("amsterdam", "A"): 4, ("utrecht", "B"): 6, ("warehouse", "B"): 3})

    def place(number: int) -> str:
        basket = ({"A": 1}, {"A": 1, "B": 1}, {"B": 2}, {"B": 1, "A": 2})[number % 4]
        return desk.order(f"N{number}", basket).status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = Counter(pool.map(place, range(ORDERS)))

    assert statuses == {"decided": ORDERS}
    with database.session(merchant.id, read_only=True) as session:
        levels = session.scalars(select(StockLevel)).all()
        assert all(0 <= level.reserved <= level.on_hand for level in levels)
        assert stock.audit(session) == []
        promised = Counter[str]()
        for line in session.scalars(select(FulfilmentLine)):
            promised[line.sku] += line.quantity
        assert promised == {level_sku: sum(x.reserved for x in levels if x.sku == level_sku) for level_sku in ("A", "B")}
        states = Counter(session.scalars(select(Order.state)))
        assert set(states) == {"open", "held"}
        assert promised["A"] == 9 or promised["B"] == 9


def test_the_same_order_told_by_many_at_once_becomes_one_order(database: Database, redis_server: Redis, merchant: Merchant) -> None:
    desk = open_desk(database, redis_server, merchant)
    desk.put_stock({("warehouse", "A"): 5})

    def tell(minute: int) -> str:
        return desk.tell("order.updated", {"order": snapshot("1001", {"A": 2}, minute=minute)}, by="shop").status

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(tell, range(AT_ONCE))) == {"decided"}

    with database.session(merchant.id, read_only=True) as session:
        assert len(session.scalars(select(Order)).all()) == 1
        assert stock.levels(session, ["A"])[("warehouse", "A")].reserved == 2
    assert len(desk.commands("place_sale")) == 1
