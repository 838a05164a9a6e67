"""What we learn from the till: one sale, one product's stock, the product list, and everything that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Call, NewEvent, Refused, Result
from adapters.lightspeed_retail import events, links, mapping
from adapters.lightspeed_retail.client import INVENTORY_PAGE_SIZE, Till
from adapters.lightspeed_retail.sales import start_feed, unwatch, watched
from adapters.lightspeed_retail.settings import required

PAGES_PER_POLL = 20
SALES_PER_READ = 50


def check(till: Till, call: Call) -> Result:
    """Prove the credentials and that the settings name things the till has; link the outlets named in the settings."""
    outlets = till.reference_list("outlets", fresh=True)
    registers = till.reference_list("registers", fresh=True)
    links.link_outlets(till)
    register_id = required(till.connection, "register_id")
    register = next((row for row in registers if row.get("id") == register_id), None)
    if register is None:
        there = ", ".join(f"{row.get('name')} ({row.get('id')})" for row in registers)
        raise Refused(f"The setting register_id names no register of the till. It has: {there}.")
    required(till.connection, "author_id")
    unlinked = [str(row.get("name")) for row in outlets if till.memory.ours("outlet", str(row.get("id"))) is None]
    remark = f" Not linked: {', '.join(unlinked)}." if unlinked else ""
    return Result(f"Connected: {len(outlets)} outlets, online sales go to register {register.get('name')}.{remark}")


def read_sale(till: Till, call: Call) -> Result:
    """What one sale and its fulfilments tell; nothing for a sale made in the shop, whose stock follows by itself."""
    id = str(call.payload["sale_id"])
    sale = till.sale(id)
    if sale is None:
        return Result(f"The till has no sale {id} (any more).", did_nothing=True)
    ours = events.order_of(till, sale) is not None
    learned = events.of_sale(till, sale, till.fulfilments(sale_id=id) if ours else ())
    return Result(f"Sale {events.receipt(sale)} is {sale.get('state')}.", learned, did_nothing=not learned)


def read_stock(till: Till, call: Call) -> Result:
    """The stock of one product, named by `product_id` or `sku`, at every linked outlet."""
    product, sku = str(call.payload.get("product_id") or ""), str(call.payload.get("sku") or "")
    if not product:
        product = links.product_ids(till, [sku])[sku]
    learned = events.of_stock(till, till.inventory_of(product))
    levels = ", ".join(f"{event.data['outlet']} {event.data['on_hand']}" for event in learned)
    return Result(
        f"Stock of {sku or product}: {levels or 'not tracked at a linked outlet'}.", learned, did_nothing=not learned
    )


def read_products(till: Till, call: Call) -> Result:
    """Bind every SKU to its product and tell about the products that are new or changed since the last time."""
    seen = _cursor(till, call, "products")
    news = _products(till, 0, seen, pages=10_000)
    _advance(till, call, "products", seen, max(seen, news.end))
    twice = f" Used by more than one product, the first one counts: {', '.join(news.twice)}." if news.twice else ""
    summary = f"{news.count} products read, {len(news.events)} new or changed.{twice}"
    return Result(summary, news.events, did_nothing=not news.events)


@dataclass(slots=True)
class _Products:
    """What some pages of products held. `more` says that there were more pages than were read."""

    end: int
    count: int = 0
    more: bool = True
    events: list[NewEvent] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


def _products(till: Till, after: int, seen: int, pages: int) -> _Products:
    """Bind the products above version `after` and tell of those above `seen`, and of any that is new to us."""
    news, read = _Products(after), 0
    for rows, highest in till.changes("products", after, pages):
        news.end, read = highest, read + 1
        for row in rows:
            sku, id, version = str(row.get("sku") or ""), str(row["id"]), int(row.get("version") or 0)
            if not sku or row.get("deleted_at"):
                continue
            news.count += 1
            known = till.memory.external("product", sku)
            if known is None:
                till.memory.bind("product", sku, id)
            elif known != id:
                news.twice.append(sku)
                continue
            if version > seen or known is None:
                news.events.append(_product(row, sku, id, version))
    news.more = read == pages
    return news


def _product(row: Mapping[str, Any], sku: str, id: str, version: int) -> NewEvent:
    name = str(row.get("variant_name") or row.get("name") or sku)
    data = {"sku": sku, "name": name, "external_id": id}
    return NewEvent(
        id=events.identity(f"product:{id}:{version}", data), type="product.changed", subject=f"product:{sku}",
        time=mapping.moment(row.get("updated_at")), sequence=version, data=data,
    )  # fmt: skip


def read_changes(till: Till, call: Call) -> Result:
    """Everything that changed since the last poll: products, sales, fulfilments and stock.

    Webhooks are neither guaranteed nor sent for every step of a fulfilment, so this runs beside them and makes the same
    events. At most twenty pages of each list are read in one call; the next call goes on from there. Stock waits until
    all products are known, since what is read of a product without a SKU of ours is lost.
    """
    links.link_outlets(till)
    start_feed(till)
    seen = _cursor(till, call, "products")
    products = _products(till, seen, seen, PAGES_PER_POLL)
    sales, more_sales = _changed_sales(till, call)
    steps = _steps(till, call, {str(sale["id"]) for sale in sales})
    learned = [*products.events, *sales_events(till, sales), *steps]
    stock, more_stock = ([], True) if products.more else _changed_stock(till, call)
    _advance(till, call, "products", seen, products.end)
    more = " There is more to read." if products.more or more_sales or more_stock else ""
    return Result(
        f"{len(products.events)} product(s), {len(sales)} sale(s) of ours, {len(steps)} other fulfilment step(s) and "
        f"{len(stock)} stock level(s) changed.{more}",
        [*learned, *stock],
        did_nothing=not (learned or stock),
    )


def _changed_sales(till: Till, call: Call) -> tuple[list[dict[str, Any]], bool]:
    """Changed sales that are ours, or are returns of ours; and whether the pages were all used."""
    start = _cursor(till, call, "sales", int(till.memory.get("feed:start") or 0))
    found: dict[str, dict[str, Any]] = {}
    end, pages = start, 0
    for rows, highest in till.changes("sales", start, PAGES_PER_POLL):
        end, pages = highest, pages + 1
        found |= {str(row["id"]): row for row in rows if _is_ours(till, row)}
    _advance(till, call, "sales", start, end)
    return list(found.values()), pages == PAGES_PER_POLL


def _is_ours(till: Till, sale: Mapping[str, Any]) -> bool:
    original = str((sale.get("return") or {}).get("original_sale_id") or "")
    return events.order_of(till, sale) is not None or bool(original and till.memory.ours("order", original))


def sales_events(till: Till, sales: list[dict[str, Any]]) -> Iterator[NewEvent]:
    """The events of several sales, their fulfilments read together."""
    by_sale = _fulfilments_by_sale(till, [str(sale["id"]) for sale in sales])
    for sale in sales:
        yield from events.of_sale(till, sale, by_sale[str(sale["id"])])


def _fulfilments_by_sale(till: Till, sale_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The fulfilments of these sales, as few requests as possible."""
    found: dict[str, list[dict[str, Any]]] = {id: [] for id in sale_ids}
    for first in range(0, len(sale_ids), SALES_PER_READ):
        for row in till.fulfilments(sale_id=list(sale_ids[first : first + SALES_PER_READ])):
            found.setdefault(str(row["sale_id"]), []).append(row)
    return found


def _steps(till: Till, call: Call, told: set[str]) -> list[NewEvent]:
    """Steps of our open sales' fulfilments that left no trace on the sale itself. Versions already told are left out;
    a sale is watched until its last step has been told in an earlier poll."""
    kept = till.memory.get("fulfilments:told") or {}
    before: dict[str, int] = kept.get("before" if kept.get("call") == call.idempotency_key else "after", {})
    now: dict[str, int] = {}
    learned: list[NewEvent] = []
    finished = set()
    for sale_id, rows in _fulfilments_by_sale(till, watched(till)).items():
        now |= {str(row["id"]): int(row["version"]) for row in rows}
        news = [row for row in rows if before.get(str(row["id"])) != row["version"]]
        done = not news and all(row.get("state") == "FULFILLED" for row in rows)
        sale = till.sale(sale_id) if not rows or (news and sale_id not in told) else None
        if sale is not None and news:
            learned += events.of_sale(till, sale, news)
        if done and (rows or sale is None or sale.get("state") in ("voided", "closed")):
            finished.add(sale_id)
    till.memory.put("fulfilments:told", {"call": call.idempotency_key, "before": before, "after": now})
    unwatch(till, finished)
    return learned


def _changed_stock(till: Till, call: Call) -> tuple[list[NewEvent], bool]:
    start = _cursor(till, call, "inventory")
    learned: list[NewEvent] = []
    end, more = start, True
    for _ in range(PAGES_PER_POLL):
        rows = till.inventory(end)
        learned += events.of_stock(till, rows, ask=False)
        end = max((int(row.get("version") or 0) for row in rows), default=end)
        more = len(rows) >= INVENTORY_PAGE_SIZE
        if not more:
            break
    _advance(till, call, "inventory", start, end)
    return learned, more


# Cursors


def _cursor(till: Till, call: Call, name: str, first: int = 0) -> int:
    """Where to read on. An attempt of the very command that moved the cursor starts where that one started: its
    events may have been lost with the process that read them."""
    kept = till.memory.get(f"cursor:{name}") or {}
    if kept.get("call") == call.idempotency_key:
        return int(kept["start"])
    return int(kept.get("end", first))


def _advance(till: Till, call: Call, name: str, start: int, end: int) -> None:
    till.memory.put(f"cursor:{name}", {"call": call.idempotency_key, "start": start, "end": end})
