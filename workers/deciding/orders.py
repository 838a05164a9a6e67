"""Orders as shops report them: placed, changed, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.money import to_minor
from engine.platforms import PLATFORM
from store import bindings, commands, events, orders, stock
from store.order_models import Order, OrderLine
from workers.deciding import assignment, facts, payments, statuses, told
from workers.deciding import stock as stock_handlers
from workers.deciding.references import locked_order, waiting_subject
from workers.deciding.scene import Refusal, Scene

LINE_COLUMNS = ("position", "line", "sku", "name", "quantity", "unit_price_minor", "tax_rate", "needs_shipping")
"""What the shop says of a line."""

PAID = ("paid", "partly_refunded")
"""What a shop shows of an order once its money has come in."""

NOT_YET_TAKEN_IN = ("received", "ignored", "held")


def reported(scene: Scene) -> None:
    """`order.placed` and `order.updated`: a shop shows an order as it stands there.

    Both carry the whole order, so either may come first, twice, or late: the newest snapshot counts.
    """
    snapshot: Mapping[str, Any] = scene.data["order"]
    order, is_new = _find_or_create(scene, snapshot)
    scene.order = order
    if not is_new and _moment(snapshot["updated_at"]) < order.snapshot_at:
        scene.note("What the shop said here is older than what we know: it is kept, nothing changed.")
        return
    if order.state == "cancelled":
        _take_note(order, snapshot)
        _refuse(scene, order)
        return
    before = (None, None) if is_new else (order.shop_status, order.shop_payment_status)
    _merge(scene, order, snapshot, is_new=is_new)
    known = order.state not in NOT_YET_TAKEN_IN
    _payment_in_shop(scene, order, snapshot, before[1], known=known)
    payments.settle(scene, order)
    if known:
        _changed_in_shop(scene, order, before)
    else:
        _take_in(scene, order)
    if is_new:
        assignment.numbers(scene, order)
        scene.awakened += events.waiting_for(scene.session, waiting_subject(order.number))


def cancelled(scene: Scene) -> None:
    """`order.cancelled`: somebody cancelled the order, wherever that was."""
    order = locked_order(scene)
    if order.state == "cancelled":
        scene.note("The order was already cancelled.")
        return
    by_till = scene.connection is not None and scene.connection.role == "till"
    cancel(scene, order, str(scene.data.get("reason") or "cancelled"), tell_till=not by_till)


def reconsidered(scene: Scene) -> None:
    """`order.reconsidered`: stock arrived for a held order, or a person releases it.

    With `release` in its data the intake rules are passed over: a person has looked at the order.
    """
    order = locked_order(scene)
    if order.state not in NOT_YET_TAKEN_IN:
        scene.note(f"The order is {order.state}: there is nothing to reconsider.")
        return
    if scene.data.get("release"):
        scene.note(f"Released by {scene.data.get('by') or 'a person'}.")
        assignment.assign(scene, order)
    else:
        _take_in(scene, order)


def cancel(scene: Scene, order: Order, reason: str, *, tell_till: bool) -> None:
    """Cancel an order: end its promises of stock and tell the other sides. Final."""
    scene.change("order", order.state, "cancelled")
    was_sourced = bool(order.fulfilments)
    order.state, order.held_for, order.state_reason = "cancelled", "", reason
    for fulfilment in order.fulfilments:
        fulfilment.status = "cancelled"
    order.fulfilment_status = "cancelled" if was_sourced else order.fulfilment_status
    for line in order.lines:
        line.back_ordered = 0
    freed = stock.release(scene.session, order.id, reason="cancelled", event_id=scene.event.id, at=scene.at)
    till = scene.till_of(order)
    if tell_till and till is not None and order.till_id:
        scene.tell(till, "void_sale", told.order_subject(order), {"order": told.order_reference(order)}, because=reason)
    statuses.to_shop(scene, order)
    if freed:
        stock_handlers.after_change(scene, stock_handlers.counted(order))


def _take_note(order: Order, snapshot: Mapping[str, Any]) -> None:
    """Know what the shop shows of a cancelled order, so that people see whether it heard of the cancellation."""
    shown = _shown(snapshot, order.currency)
    order.shop_status, order.shop_payment_status = shown["shop_status"], shown["shop_payment_status"]
    order.snapshot_at = _moment(snapshot["updated_at"])


def _refuse(scene: Scene, order: Order) -> None:
    run = statuses.to_till(scene, order, known=True)
    refusal = run.first("refuse change")
    scene.note(f"Refused: {refusal.reason if refusal else 'the order is cancelled'}.")


def _find_or_create(scene: Scene, snapshot: Mapping[str, Any]) -> tuple[Order, bool]:
    shop = scene.connection if scene.connection is not None and scene.connection.role == "shop" else None
    origin = shop.id if shop else f"source:{scene.event.source}"
    external_id = str(snapshot.get("external_id") or snapshot["number"])
    known = orders.id_of(scene.session, origin, external_id)
    if known is not None:
        return orders.lock(scene.session, known), False
    order = _create(scene, snapshot, origin, external_id, shop.id if shop else None)
    if order is None:
        # The same new order came in at the same moment by another door, and that one was first.
        known = orders.id_of(scene.session, origin, external_id)
        if known is None:
            raise RuntimeError(f"order {external_id} was neither kept nor found: it vanished while being kept")
        return orders.lock(scene.session, known), False
    if shop is not None:
        bindings.bind(scene.session, shop.id, "order", order.id, external_id)
    return order, True


def _create(
    scene: Scene, snapshot: Mapping[str, Any], origin: str, external_id: str, shop_id: str | None
) -> Order | None:
    """A new order without lines, written at once; None when somebody else was quicker."""
    return orders.add(
        scene.session,
        shop_id=shop_id,
        origin=origin,
        external_id=external_id,
        number=str(snapshot["number"]),
        currency=snapshot["currency"],
        snapshot_at=_moment(snapshot["updated_at"]),
        placed_at=_moment(snapshot["placed_at"]),
        **_shown(snapshot, snapshot["currency"]),
    )


def _shown(snapshot: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Columns of an order as the shop shows them now."""
    customer = snapshot.get("customer") or {}
    return {
        "shop_status": snapshot.get("shop_status") or "awaiting_processing",
        "shop_payment_status": snapshot.get("payment_status") or "unpaid",
        "fulfilment_type": snapshot.get("fulfilment_type") or "delivery",
        "total_minor": to_minor(snapshot["total"], currency),
        "customer_email": str(customer.get("email") or "").strip().lower(),
        "customer_name": str(customer.get("name") or "").strip(),
        "snapshot": dict(snapshot),
    }


def _merge(scene: Scene, order: Order, snapshot: Mapping[str, Any], *, is_new: bool) -> None:
    """Take over what the shop shows now."""
    if snapshot["currency"] != order.currency:
        raise Refusal(f"order {order.number} is in {order.currency} and cannot become one in {snapshot['currency']}")
    shown = _shown(snapshot, order.currency)
    if not is_new:
        scene.change("shop status", order.shop_status, shown["shop_status"])
        scene.change("shop payment", order.shop_payment_status, shown["shop_payment_status"])
        _drop_contradicted(scene, order, shown["shop_status"], shown["shop_payment_status"])
        for name, value in shown.items():
            setattr(order, name, value)
    order.tags = sorted(set(order.tags) | set(snapshot.get("tags") or []))
    _merge_lines(scene, order, snapshot["lines"])
    order.snapshot_at = _moment(snapshot["updated_at"])


def _drop_contradicted(scene: Scene, order: Order, shop_status: str, shop_payment: str) -> None:
    """What we told the shop no longer counts as told once the shop shows something else than before and than that; or
    still shows what it did, although it was told: then somebody has undone it before we saw it done."""
    said = order.told.get("shop.shop_status")
    if shop_status not in (said, order.shop_status) or (shop_status != said and _was_undone(scene, order, said)):
        told.forget(order, "shop.shop_status", "till.fulfilments")
    if shop_payment not in (order.told.get("shop.payment_status"), order.shop_payment_status):
        told.forget(order, "shop.payment_status")


def _was_undone(scene: Scene, order: Order, said: str | None) -> bool:
    """Whether a status that the shop does not show was told all the same. Some are told as a note, and never show."""
    shop = scene.shop_of(order)
    platform = PLATFORM.get(shop.platform) if shop else None
    if said is None or shop is None or platform is None or said in platform.may_be_noted:
        return False
    return not commands.under_way(scene.session, shop.id, "set_order_status", told.order_subject(order))


def _merge_lines(scene: Scene, order: Order, lines: list[Mapping[str, Any]]) -> None:
    """Before sourcing the newest lines count. Afterwards goods may be in boxes: a change is shown to people instead."""
    wanted = [_line_values(position, line, order.currency) for position, line in enumerate(lines, start=1)]
    current = [{name: getattr(row, name) for name in LINE_COLUMNS} for row in order.lines]
    if wanted == current:
        return
    if order.state not in NOT_YET_TAKEN_IN:
        order.state_reason = "its lines were changed in the shop after it was sourced"
        scene.note(f"Mind: {order.state_reason}. The outlets go on with the lines they have; cancel the order to start again.")
        return
    if current:
        for row in list(order.lines):
            scene.session.delete(row)
        order.lines.clear()
        scene.session.flush()
    order.lines.extend(OrderLine(merchant_id=order.merchant_id, back_ordered=0, **values) for values in wanted)


def _line_values(position: int, line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "position": position,
        "line": str(line["id"]),
        "sku": line["sku"],
        "name": line.get("name") or "",
        "quantity": line["quantity"],
        "unit_price_minor": to_minor(line.get("unit_price") or "0", currency),
        "tax_rate": str(line.get("tax_rate") or "0"),
        "needs_shipping": line.get("needs_shipping") is not False,
    }


def _payment_in_shop(
    scene: Scene, order: Order, snapshot: Mapping[str, Any], previous: str | None, *, known: bool
) -> None:
    """A shop that shows an order as paid reports a payment of what was open, without saying so in an event. One that
    shows a part of the money as given back has been paid as well, though we never saw it say so."""
    if order.shop_payment_status not in PAID or previous in PAID:
        return
    counted = sum(p.amount_minor for p in order.payments if p.counts)
    outstanding = order.total_minor - counted
    if outstanding <= 0:
        return
    paid_by = snapshot.get("payment") or {}
    payments.record(
        scene,
        order,
        reference=_shop_payment(order, snapshot, "checkout" if previous is None else "later"),
        amount_minor=outstanding,
        method=str(paid_by.get("method") or ""),
        processor=str(paid_by.get("processor") or ""),
        from_role=scene.connection.role if scene.connection else "other",
        screen="shop",
        at=_moment(snapshot["updated_at"]),
        known=known or previous is not None,
    )


def _shop_payment(order: Order, snapshot: Mapping[str, Any], when: str) -> str:
    """What such a payment is known by. An order that grew after it was paid is paid once more: that is another payment."""
    reference = f"shop:{order.external_id}:{when}"
    is_known = any(p.reference == reference for p in order.payments)
    return f"{reference}:{_moment(snapshot['updated_at']).isoformat()}" if is_known else reference


def _take_in(scene: Scene, order: Order) -> None:
    """Let the intake rules say whether the order is imported, held or ignored, and source it if it is imported."""
    run = scene.judge("order_intake", [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        facts.order_fact(order, known=False),
        *facts.line_facts(order.lines, order.currency, facts.articles(scene.session, order)),
    ])  # fmt: skip
    if run.first("import order"):
        assignment.assign(scene, order)
        return
    ignore, hold = run.first("ignore order"), run.first("hold order")
    state = "ignored" if ignore else "held"
    reason = (ignore or hold).reason if (ignore or hold) else "no rule says what to do with it"  # type: ignore[union-attr]
    scene.change("order", order.state, state)
    order.state, order.held_for, order.state_reason = state, "rule" if state == "held" else "", reason
    scene.note(f"The order is {state}: {reason}.")
    if state == "held":
        statuses.show_in_shop(scene, order)


def _changed_in_shop(scene: Scene, order: Order, before: tuple[str | None, str | None]) -> None:
    """A known order changed in its shop: cancel, tell the till, and catch up with what the shop should show."""
    run = statuses.to_till(
        scene, order, known=True, previous_shop_status=before[0], previous_shop_payment_status=before[1]
    )
    stop = run.first("cancel sale")
    if stop:
        cancel(scene, order, stop.reason or "cancelled in the shop", tell_till=True)
        return
    statuses.gate(scene, order, known=True)
    statuses.to_shop(scene, order)


def _moment(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)
