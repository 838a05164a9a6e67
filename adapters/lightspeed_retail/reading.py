"""What we learn from the till: one sale, one product's stock, the product list, and everything that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.base import Call, NewEvent, Refused, Result
from adapters.lightspeed_retail import events, links, mapping
from adapters.lightspeed_retail.client import INVENTORY_PAGE_SIZE, Till
from adapters.lightspeed_retail.sales import start_feed
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
    seen, twice, learned, count = _cursor(till, call, "products"), [], [], 0
    highest = seen
    for rows, _ in till.changes("products", 0, pages=10_000):
        for row in rows:
            sku, id, version = str(row.get("sku") or ""), str(row["id"]), int(row.get("version") or 0)
            if not sku or row.get("deleted_at"):
                continue
            count += 1
            known = till.memory.external("product", sku)
            if known is None:
                till.memory.bind("product", sku, id)
            elif known != id:
                twice.append(sku)
                continue
            highest = max(highest, version)
            if version > seen or known is None:
                learned.append(_product(row, sku, id, version))
    _advance(till, call, "products", seen, highest)
    remark = f" Used by more than one product, the first one counts: {', '.join(twice)}." if twice else ""
    return Result(f"{count} products read, {len(learned)} new or changed.{remark}", learned, did_nothing=not learned)


def _product(row: Mapping[str, Any], sku: str, id: str, version: int) -> NewEvent:
    name = str(row.get("variant_name") or row.get("name") or sku)
    data = {"sku": sku, "name": name, "external_id": id}
    return NewEvent(
        id=events.identity(f"product:{id}:{version}", data), type="product.changed", subject=f"product:{sku}",
        time=mapping.moment(row.get("updated_at")), sequence=version, data=data,
    )  # fmt: skip


def read_changes(till: Till, call: Call) -> Result:
    """Everything that changed since the last poll: sales, open fulfilments and stock.

    Webhooks are neither guaranteed nor sent for every step of a fulfilment, so this runs beside them and makes the same
    events. At most twenty pages of each list are read in one call; the next call goes on from there.
    """
    links.link_outlets(till)
    start_feed(till)
    sales, full = _changed_sales(till, call)
    fulfilments = _open_fulfilments(till, call, {str(sale["id"]) for sale in sales})
    learned = [*sales_events(till, sales), *fulfilments]
    stock, stock_full = _changed_stock(till, call)
    more = " There is more to read." if full or stock_full else ""
    return Result(
        f"{len(sales)} changed sale(s) of ours, {len(fulfilments)} other fulfilment step(s), {len(stock)} stock level(s).{more}",
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
    for first in range(0, len(sales), SALES_PER_READ):
        some = sales[first : first + SALES_PER_READ]
        by_sale: dict[str, list[dict[str, Any]]] = {}
        for fulfilment in till.fulfilments(sale_id=[str(sale["id"]) for sale in some]):
            by_sale.setdefault(str(fulfilment["sale_id"]), []).append(fulfilment)
        for sale in some:
            yield from events.of_sale(till, sale, by_sale.get(str(sale["id"]), ()))


def _open_fulfilments(till: Till, call: Call, told: set[str]) -> list[NewEvent]:
    """Steps of open fulfilments that left no trace on their sale. Versions already told are left out."""
    key = "fulfilments:told"
    kept = till.memory.get(key) or {}
    before: dict[str, int] = kept.get("before" if kept.get("call") == call.idempotency_key else "after", {})
    now: dict[str, int] = {}
    changed: dict[str, list[dict[str, Any]]] = {}
    for fulfilment in till.fulfilments(fulfillment_state=list(mapping.OPEN_STATES)):
        sale_id, id = str(fulfilment["sale_id"]), str(fulfilment["id"])
        if till.memory.ours("order", sale_id) is None:
            continue
        now[id] = int(fulfilment["version"])
        if before.get(id) != now[id] and sale_id not in told:
            changed.setdefault(sale_id, []).append(fulfilment)
    learned = []
    for sale_id, rows in changed.items():
        sale = till.sale(sale_id)
        if sale is not None:
            learned += events.of_sale(till, sale, rows)
    till.memory.put(key, {"call": call.idempotency_key, "before": before, "after": now})
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
