"""What we do to sales in the till: place, pay, void, pack, complete. Each may be repeated without a second effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Call, NewEvent, Refused, Result, RetryLater
from adapters.http import error_text
from adapters.lightspeed_retail import events, links, mapping
from adapters.lightspeed_retail.client import Till, data_of, understood
from adapters.lightspeed_retail.customers import delivery_address, profile_for
from adapters.lightspeed_retail.pricing import PricedLine, decimal, price_lines
from adapters.lightspeed_retail.settings import required, setting


def place_sale(till: Till, call: Call) -> Result:
    """Place our order as a sale whose lines are fulfilled by the outlets they name.

    The sale's id is made from the order's id, and the till is asked for it first: whatever was lost on the way, there
    is one sale. Raises Refused when the till holds another order under that id, or cannot take this one.
    """
    payload, order = call.payload, call.payload["order"]
    id = mapping.sale_id(str(order["id"]))
    with till.memory.lock(f"sale:{id}"):
        sale, remark = till.sale(id), ""
        repeated = sale is not None
        if sale is None:
            start_feed(till)
            body, remark = _new_sale(till, id, payload)
            sale = _create(till, id, body)
        _must_be_of(sale, str(order["number"]))
        till.memory.bind("order", str(order["id"]), id)
        watch(till, id)
    found = list(till.fulfilments(sale_id=id))
    deducted = setting(till.connection, "stock_moves") == "at_sale"
    learned = [
        events.of_placed(str(order["id"]), sale, deducted=deducted),
        *events.of_sale(till, sale, found),
        *stock_of(till, sale),
    ]
    verb = "was already placed" if repeated else "placed"
    difference = mapping.total(sale) - decimal(order["total"], "total")
    if difference:
        remark = f"{remark} The till reckons {mapping.money(mapping.total(sale))} where the order says {order['total']}.".strip()
    summary = f"Order {order['number']} {verb} as sale {events.receipt(sale) or id} with {len(found)} fulfilment(s)."
    return Result(f"{summary} {remark}".strip(), learned, did_nothing=repeated)


def _must_be_of(sale: Mapping[str, Any], number: str) -> None:
    theirs = str((sale.get("source") or {}).get("id") or number)
    if theirs != number:
        raise Refused(
            f"The till already holds sale {events.receipt(sale)} under the id of this order, but for order {theirs}. "
            "Void or rename that sale in the till; it was not made by this installation."
        )


def _create(till: Till, id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Post the sale. A till that already knows the id says 409: then the sale is there."""
    response = till.write("POST", "sales", body, expect=(409,))
    if response.status_code != 409:
        return data_of(response)
    sale = till.sale(id)
    if sale is None:
        raise RetryLater(f"The till refuses the sale for now ({error_text(response)}) and does not have it yet.")
    return sale


def _new_sale(till: Till, id: str, payload: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The sale as the till wants it, and a remark for people about what could not be done just so."""
    order = payload["order"]
    customer, address = payload.get("customer") or {}, payload.get("address") or {}
    kind = str(order.get("fulfilment_type") or "delivery")
    if kind not in mapping.FULFILMENT_METHOD:
        raise Refused(f"The till fulfils orders by delivery or pickup, not by {kind!r}.")
    priced = price_lines(
        order, payload.get("lines") or (), str(setting(till.connection, "shipping_product_sku")),
        setting(till.connection, "shipping_tax_rate"),
    )  # fmt: skip
    outlets = links.outlet_ids(till, _outlets(priced))
    links.check_currency(till, outlets, str(order["currency"]))
    products = links.product_ids(till, (line.sku for line in priced))
    taxes = links.tax_ids(till, (line.rate for line in priced))
    body: dict[str, Any] = {
        "id": id,
        "state": "pending",
        "attributes": [kind],
        "source": {
            "author_id": required(till.connection, "author_id"),
            "register_id": required(till.connection, "register_id"),
            "id": str(order["number"]),
            "type": mapping.SOURCE_TYPE.get(str(order.get("shop_platform") or ""), "WISSEL"),
        },
        "note": mapping.sale_note(order, customer, address, str(payload.get("note") or "")),
        "fulfillment_outlet_id": outlets[mapping.main_outlet(priced)],
        "line_items": mapping.sale_lines(priced, products, taxes, outlets, kind),
        "payments": _payments(till, id, payload.get("payments") or (), decimal(order["total"], "total")),
    }
    if order.get("placed_at"):
        body["date"] = str(order["placed_at"])
    details, remark = {"type": mapping.FULFILMENT_METHOD[kind], "note": str(order.get("comment") or "")}, ""
    profile = profile_for(till, customer, str(order["number"]))
    if profile:
        body["customer_id"] = profile
        if kind == "delivery":
            address_id, remark = delivery_address(till, profile, address)
            details |= {"shipping_address_id": address_id} if address_id else {}
    body["fulfillment_details"] = [details]
    return body, remark


def _outlets(priced: Sequence[PricedLine]) -> list[str]:
    """The outlets the lines name. Raises Refused for a line without one."""
    homeless = [line.sku for line in priced if not line.outlet and line.line]
    if homeless:
        raise Refused(f"No outlet is chosen for {', '.join(homeless)}; the till needs one for every line.")
    return [line.outlet for line in priced if line.outlet]


def _payments(till: Till, sale_id: str, payments: Sequence[Mapping[str, Any]], rest: Decimal) -> list[dict[str, Any]]:
    """Payments known when the order is placed, together at most `rest`, under ids of ours so that they are not taken
    for news later."""
    rows = []
    for index, payment in enumerate(payments):
        value = min(_positive(payment.get("amount")), rest)
        if value > 0:
            rows.append(_payment(till, sale_id, payment, value, str(payment.get("reference") or index)))
            rest -= value
    events.expect_payments(till, sale_id, (row["id"] for row in rows))
    return rows


def _positive(amount: Any) -> Decimal:
    value = decimal(amount, "payment")
    if value <= 0:
        raise Refused(f"A payment of {amount} cannot be booked in the till; it must be above zero.")
    return value


def _payment(till: Till, sale_id: str, payment: Mapping[str, Any], value: Decimal, reference: str) -> dict[str, Any]:
    row = {
        "id": mapping.payment_id(sale_id, reference),
        "amount": mapping.plain(value),
        "type": {
            "config_id": links.payment_type_id(
                till, str(payment.get("method") or ""), str(payment.get("processor") or "")
            )
        },
    }
    return {**row, "date": str(payment["at"])} if payment.get("at") else row


def add_payment(till: Till, call: Call) -> Result:
    """Record a payment the shop took (LS-35), up to what is still outstanding. It moves no money.

    The whole sale goes back with the payment added, since what an update leaves out may be deleted.
    """
    id = sale_id_of(till, call)
    with till.memory.lock(f"sale:{id}"):
        sale = _sale(till, id)
        if sale.get("state") == "voided":
            raise Refused("The sale is voided in the till, so no payment can be added to it.")
        rest = mapping.outstanding(sale)
        wanted = _positive(call.payload["amount"])
        row = _payment(
            till, id, call.payload, min(wanted, rest), str(call.payload.get("reference") or call.idempotency_key)
        )
        earlier = _earlier(sale, row, wanted)
        if earlier is not None:
            events.expect_payments(till, id, [earlier])
        if rest <= 0 or earlier is not None:
            return Result(f"Nothing to add: {mapping.money(max(rest, Decimal(0)))} is outstanding.", did_nothing=True)
        events.expect_payments(till, id, [row["id"]])
        fulfilments = list(till.fulfilments(sale_id=id))
        body = mapping.whole_sale(sale, fulfilments)
        before = {payment.get("id") for payment in mapping.payments(sale)}
        sale = till.put_sale(id, {**body, "payments": [*body["payments"], row]})
        # A till that gives payments ids of its own must not make us take ours for somebody else's.
        events.expect_payments(
            till, id, (str(p["id"]) for p in mapping.payments(sale)
                       if p.get("id") not in before and mapping.amount(p.get("amount")) == mapping.amount(row["amount"]))
        )  # fmt: skip
    left = mapping.money(mapping.outstanding(sale))
    return Result(f"Payment of {mapping.money(row['amount'])} added to sale {events.receipt(sale)}; {left} remains.")


def _earlier(sale: Mapping[str, Any], row: Mapping[str, Any], wanted: Decimal) -> str | None:
    """The payment that an earlier attempt already added: one with the same id, or with the same moment and amount."""
    for payment in mapping.payments(sale):
        same_amount = mapping.amount(payment.get("amount")) in (wanted, mapping.amount(row["amount"]))
        same_moment = row.get("date") and mapping.moment(payment.get("date")) == mapping.moment(row["date"])
        if payment.get("id") == row["id"] or (same_amount and same_moment):
            return str(payment.get("id"))
    return None


def void_sale(till: Till, call: Call) -> Result:
    """Void the sale; the till puts its goods back into stock. An order that never reached the till needs nothing."""
    id = sale_id_of(till, call)
    with till.memory.lock(f"sale:{id}"):
        sale = till.sale(id)
        if sale is None:
            return Result("The order was never placed in the till, so there is nothing to void.", did_nothing=True)
        fulfilments = list(till.fulfilments(sale_id=id))
        already = sale.get("state") == "voided"
        if not already:
            sale = till.put_sale(id, mapping.whole_sale(sale, fulfilments, state="voided"))
    order = events.order_of(till, sale)
    learned: list[NewEvent] = [events.of_fulfilment(till, order, sale, row) for row in fulfilments] if order else []
    verb = "was already voided" if already else "voided"
    return Result(f"Sale {events.receipt(sale)} {verb}.", [*learned, *stock_of(till, sale)], did_nothing=already)


def complete_fulfilments(till: Till, call: Call) -> Result:
    """Mark every fulfilment of the sale as done and close the sale. The till does this only for paid sales (LS-54)."""
    id = sale_id_of(till, call)
    with till.memory.lock(f"sale:{id}"):
        sale = _sale(till, id)
        if sale.get("state") == "voided":
            raise Refused("The sale is voided in the till, so it cannot be fulfilled.")
        already = sale.get("state") == "closed"
        if not already:
            _fulfil(till, sale)
            sale = _sale(till, id)
            if sale.get("state") == "pending" and mapping.outstanding(sale) <= 0:
                sale = till.put_sale(id, mapping.whole_sale(sale, till.fulfilments(sale_id=id), state="closed"))
    learned = events.of_sale(till, sale, till.fulfilments(sale_id=id))
    if already:
        return Result(f"Sale {events.receipt(sale)} was already completed.", learned, did_nothing=True)
    return Result(f"Sale {events.receipt(sale)} completed.", [*learned, *stock_of(till, sale)])


def _fulfil(till: Till, sale: Mapping[str, Any]) -> None:
    try:
        understood(till.write("POST", "fulfillments/fulfill", {"sale_id": sale["id"]}))
    except Refused as refusal:
        rest = mapping.outstanding(sale)
        if rest <= 0:
            raise
        raise Refused(
            f"The till fulfils only paid sales: {mapping.money(rest)} of sale {events.receipt(sale)} is outstanding. Take the "
            f"customer's payment first. (The till said: {refusal.message})",
            detail=refusal.detail,
        ) from refusal


def sale_id_of(till: Till, call: Call) -> str:
    """The till's id of the order the call is about. Raises Refused when the payload does not say which."""
    order = call.payload.get("order") or {}
    if not order.get("id"):
        raise Refused("The command does not say which order it is about (order.id is missing).")
    return till.memory.external("order", str(order["id"])) or mapping.sale_id(str(order["id"]))


def _sale(till: Till, id: str) -> dict[str, Any]:
    sale = till.sale(id)
    if sale is None:
        raise Refused("The till has no sale for this order. Place it first, or look whether it was deleted there.")
    return sale


def stock_of(till: Till, sale: Mapping[str, Any]) -> list[NewEvent]:
    """The stock of a sale's products, read again."""
    learned = []
    for product in dict.fromkeys(str(line["product"]["id"]) for line in sale.get("line_items") or ()):
        learned += events.of_stock(till, till.inventory_of(product))
    return learned


def start_feed(till: Till) -> None:
    """Let the feed of changed sales begin now, if it has not begun: what was sold before we came is not ours, but
    everything that happens to a sale of ours is. Versions count over all of a retailer's data, so the newest stock
    record's version will do."""
    if till.memory.get("feed:start") is None:
        newest = till.inventory(0, size=1, newest_first=True)
        till.memory.put("feed:start", int(newest[0].get("version") or 0) if newest else 0)


# Open sales, watched by the poll because not every step of a fulfilment shows on its sale

_WATCHED = "sales:open"


def watched(till: Till) -> list[str]:
    """Our sales that are not yet known to be done."""
    return list(till.memory.get(_WATCHED) or ())


def watch(till: Till, sale_id: str) -> None:
    """Let the poll look at this sale's fulfilments from now on."""
    with till.memory.lock(_WATCHED):
        known = watched(till)
        if sale_id not in known:
            till.memory.put(_WATCHED, [*known, sale_id])


def unwatch(till: Till, sale_ids: Collection[str]) -> None:
    """Look at these sales no longer."""
    if sale_ids:
        with till.memory.lock(_WATCHED):
            till.memory.put(_WATCHED, [id for id in watched(till) if id not in sale_ids])
