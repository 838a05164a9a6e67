"""What the till shows, as events in our words.

The id of an event names the thing, its version over there and (where the same version can come to say something else,
as when an outlet is linked later) its content, so whoever learns it (webhook, poll, our own call) makes the same event
and it is taken once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import re2

from adapters.base import NewEvent, Refused
from adapters.lightspeed_retail import mapping
from adapters.lightspeed_retail.client import Till
from adapters.lightspeed_retail.settings import setting


def identity(name: str, data: Mapping[str, Any]) -> str:
    """An event id that changes with the content."""
    return f"{name}:{hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]}"


def order_of(till: Till, sale: Mapping[str, Any]) -> str | None:
    """Our id of the order a sale stands for, None for a sale made in the shop (LS-11)."""
    return till.memory.ours("order", str(sale["id"]))


def of_sale(till: Till, sale: Mapping[str, Any], fulfilments: Iterable[Mapping[str, Any]]) -> list[NewEvent]:
    """Everything a sale and its fulfilments tell about our order; nothing for a sale that is not one of ours."""
    returned = sale.get("return") or {}
    if returned.get("is_return"):
        return _refunds(till, sale, str(returned.get("original_sale_id") or ""))
    order = order_of(till, sale)
    if order is None:
        return []
    events = [of_fulfilment(till, order, sale, fulfilment) for fulfilment in fulfilments]
    events += _payments(till, order, sale)
    events += _tracking(till, order, sale)
    if sale.get("state") == "voided":
        events.append(
            NewEvent(
                id=f"sale:{sale['id']}:voided", type="order.cancelled", subject=f"order:{order}",
                time=mapping.moment(sale.get("updated_at")), data={"order": {"id": order}, "reason": "voided in the till"},
            )
        )  # fmt: skip
    return events


def of_placed(order: str, sale: Mapping[str, Any], *, deducted: bool) -> NewEvent:
    """The till has taken the order over."""
    return NewEvent(
        id=f"sale:{sale['id']}:placed",
        type="sale.placed",
        subject=f"order:{order}",
        time=mapping.moment(sale.get("created_at")),
        data={
            "order": {"id": order}, "sale_id": str(sale["id"]), "receipt_number": receipt(sale), "stock_deducted": deducted,
        },
    )  # fmt: skip


def receipt(sale: Mapping[str, Any]) -> str:
    """The number printed on the receipt."""
    return str(sale.get("receipt_number") or sale.get("invoice_number") or "")


def of_fulfilment(till: Till, order: str, sale: Mapping[str, Any], fulfilment: Mapping[str, Any]) -> NewEvent:
    """One fulfilment as it stands. Those of a voided sale are cancelled, which is a version of its own."""
    voided = sale.get("state") == "voided"
    id, version = str(fulfilment["id"]), int(fulfilment.get("version") or 0) + voided
    if till.memory.ours("fulfilment", id) is None:
        till.memory.bind("fulfilment", id, id)
    data = {
        "order": {"id": order},
        "fulfilment": id,
        "outlet": till.memory.ours("outlet", str(fulfilment.get("outlet_id"))),
        "type": mapping.FULFILMENT_TYPE.get(str(fulfilment.get("type")), "delivery"),
        "status": "cancelled" if voided else mapping.FULFILMENT_STATUS.get(str(fulfilment.get("state")), "in_progress"),
        "receipt_number": receipt(sale),
        "note": str(fulfilment.get("note") or ""),
        "assigned_users": [_user_name(till, str(user)) for user in fulfilment.get("user_ids") or ()],
        "lines": _fulfilment_lines(till, fulfilment),
    }
    return NewEvent(
        id=identity(f"fulfilment:{id}:{version}", data), type="fulfilment.status_changed", subject=f"fulfilment:{id}",
        time=mapping.moment((sale if voided else fulfilment).get("updated_at")), sequence=version, data=data,
    )  # fmt: skip


def _fulfilment_lines(till: Till, fulfilment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Quantities per SKU: one order line may have become two sale lines a cent apart."""
    rows: dict[str, dict[str, Any]] = {}
    for line in fulfilment.get("line_items") or ():
        sku = sku_of(till, str(line["product_id"])) or str(line["product_id"])
        row = rows.setdefault(sku, {"sku": sku, "quantity": 0, "picked": 0, "packed": 0, "fulfilled": 0})
        row["quantity"] += mapping.count(line.get("quantity"))
        for key in ("picked", "packed", "fulfilled"):
            row[key] += mapping.count(line.get(f"{key}_quantity"))
    return list(rows.values())


def _user_name(till: Till, user_id: str) -> str:
    user = till.reference("users", lambda row: row.get("id") == user_id)
    return str((user or {}).get("display_name") or (user or {}).get("username") or user_id)


def sku_of(till: Till, product_id: str) -> str | None:
    """Our SKU of one of the till's products, asked of the till and remembered when it is new to us."""
    known = till.memory.ours("product", product_id)
    if known is not None:
        return known
    sku = str((till.get_or_none(f"products/{product_id}") or {}).get("sku") or "")
    if sku and till.memory.external("product", sku) is None:
        till.memory.bind("product", sku, product_id)
    return sku or None


# Payments


def expect_payments(till: Till, sale_id: str, ids: Iterable[str]) -> None:
    """Remember payments as our own, before they are made: what comes back of them is no news."""
    key = f"payments:{sale_id}"
    known = list(till.memory.get(key) or ())
    till.memory.put(key, known + [id for id in ids if id not in known])


def _payments(till: Till, order: str, sale: Mapping[str, Any]) -> list[NewEvent]:
    """The payments that others made. The total paid is counted up to each payment, so that a later one changes nothing
    about what was said of an earlier one."""
    ours = set(till.memory.get(f"payments:{sale['id']}") or ())
    paid, found = mapping.amount(0), []
    for payment in sorted(mapping.payments(sale), key=lambda each: (str(each.get("date")), str(each.get("id")))):
        value = mapping.amount(payment.get("amount"))
        paid += value
        if str(payment.get("id")) not in ours and value:
            type = "payment.received" if value > 0 else "payment.refunded"
            found.append(_payment(till, order, sale, payment, type, mapping.money(paid)))
    return found


def _refunds(till: Till, sale: Mapping[str, Any], original: str) -> list[NewEvent]:
    """A closed return sale of one of our sales: its payments are what the customer got back (LS-34)."""
    order = till.memory.ours("order", original) if original else None
    if order is None or sale.get("state") != "closed":
        return []
    first = till.sale(original) or {}
    paid = mapping.money(
        sum((mapping.amount(each.get("amount")) for each in mapping.payments(first)), mapping.amount(0))
    )
    return [_payment(till, order, sale, payment, "payment.refunded", paid) for payment in mapping.payments(sale)]


def _payment(
    till: Till, order: str, sale: Mapping[str, Any], payment: Mapping[str, Any], type: str, paid: str
) -> NewEvent:
    """One payment as staff see it. One made at a register went through the sell screen (LS-36), the rest was typed in
    Sales history (LS-48) and moved no money."""
    source, kind = payment.get("source") or {}, payment.get("type") or {}
    attributes: Mapping[str, Any] = next(iter(payment.get("external_attributes") or ()), {})
    name = str(kind.get("name") or "")
    return NewEvent(
        id=f"payment:{payment['id']}",
        type=type,
        subject=f"order:{order}",
        time=mapping.moment(payment.get("date") or sale.get("updated_at")),
        data={
            "order": {"id": order},
            "amount": mapping.money(abs(mapping.amount(payment.get("amount")))),
            "currency": currency_of(till, sale),
            "method": name,
            "processor": str(attributes.get("source") or name),
            "screen": "sell_screen" if source.get("register_id") else "sales_history",
            "reference": str(source.get("id") or attributes.get("transaction_id") or payment["id"]),
            "paid_total": paid,
        },
    )


def currency_of(till: Till, sale: Mapping[str, Any]) -> str:
    """The sale's currency (ISO 4217): that of its outlet, since a sale does not name one."""
    outlet_id = str((sale.get("source") or {}).get("outlet_id") or "")
    rows = till.reference_list("outlets")
    outlet = next((row for row in rows if row.get("id") == outlet_id), None) or next(iter(rows), {})
    return str(outlet.get("currency") or "")


# Tracking

_QUIET = re2.Options()
_QUIET.log_errors = False


def _tracking(till: Till, order: str, sale: Mapping[str, Any]) -> list[NewEvent]:
    """Tracking numbers staff typed in the sale's note (LS-62): the till has no field for them."""
    try:
        pattern = re2.compile(str(setting(till.connection, "tracking_pattern")), _QUIET)
        found = list(pattern.finditer(str(sale.get("note") or "")))
        rows = {match.group("number"): match.groupdict() for match in found}
    except (re2.error, IndexError) as error:
        raise Refused(
            f"The setting tracking_pattern is no usable pattern with a group named number ({error})."
        ) from error
    found = []
    for number, row in rows.items():
        data = {
            "order": {"id": order},
            "number": number,
            "url": row.get("url") or "",
            "carrier": row.get("carrier") or "",
        }
        found.append(
            NewEvent(
                id=identity(f"tracking:{sale['id']}:{number}", data), type="shipment.tracking_added",
                subject=f"order:{order}", time=mapping.moment(sale.get("updated_at")), data=data,
            )
        )  # fmt: skip
    return found


# Stock


def of_stock(till: Till, records: Iterable[Mapping[str, Any]], *, ask: bool = True) -> list[NewEvent]:
    """Stock records of linked outlets as absolute levels. Products new to us are asked for, unless `ask` is False:
    a poll of the whole stock leaves them out, `read_products` is what makes them known."""
    events = []
    for record in records:
        outlet = till.memory.ours("outlet", str(record.get("outlet_id")))
        if outlet is None or record.get("deleted_at"):
            continue
        product = str(record["product_id"])
        sku = sku_of(till, product) if ask else till.memory.ours("product", product)
        if sku is None:
            continue
        version = int(record.get("version") or 0)
        data = {"outlet": outlet, "sku": sku, "on_hand": mapping.count(record.get("current_inventory_level"))}
        name = f"stock:{record.get('id') or product}:{version}"
        events.append(
            NewEvent(
                id=identity(name, data), type="stock.changed", subject=f"stock:{outlet}:{sku}",
                time=mapping.moment(record.get("updated_at")), sequence=version, data=data,
            )
        )  # fmt: skip
    return events
