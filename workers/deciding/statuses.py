"""Statuses from one side to the other: what the rules demand becomes commands, each told only once.

The rules say what the other side *should* show; nothing is sent that it was already told. When the other side later
reports something else, the memory of what it was told is dropped, so that it is told again if the rules still say so.
"""

from __future__ import annotations

from typing import Any

from engine.money import to_text
from engine.platforms import PLATFORM
from engine.types import Run
from store.models import Connection
from store.order_models import Order, Payment, Tracking
from workers.deciding import facts, shop_parts
from workers.deciding.scene import Scene
from workers.deciding.told import order_reference, order_subject, remember


def gate(scene: Scene, order: Order, *, known: bool) -> bool:
    """Whether the order's fulfilments may be completed; the reason not to is kept on the order."""
    run = scene.judge("fulfilment_gating", [*facts.circumstances(scene.event, scene.connection, scene.shop_of(order)), facts.order_fact(order, known=known)])
    block = run.first("block order")
    order.blocked_reason = block.reason if block else ""
    return block is None


def to_shop(
    scene: Scene,
    order: Order,
    *,
    changed: dict[str, str] | None = None,
    payment: Payment | None = None,
    tracking: Tracking | None = None,
) -> None:
    """Let the rules say what the shop should show, and tell it what it was not told yet."""
    shop = scene.shop_of(order)
    if shop is None:
        scene.note("The order came from no connected shop, so no shop is told.")
        return
    run = _judge_shop(scene, order, shop, changed=changed, payment=payment, tracking=tracking)
    told_before = len(scene.told)
    shop_parts.show_outlets(scene, shop, order, run)
    shop_parts.ship(scene, shop, order, run)
    shop_parts.refund(scene, shop, order, run, payment)
    wanted = _expressible(scene, shop, _wanted_of_shop(run, order, tracking))
    if not wanted:
        if len(scene.told) == told_before:
            _note_silence(scene, run, "shop")
        return
    scene.tell(
        shop,
        "set_order_status",
        order_subject(order),
        {
            "order": order_reference(order),
            **wanted,
            "notify_customer": run.first("mail customer") is not None,
            **({"reason": order.state_reason} if wanted.get("shop_status") == "cancelled" else {}),
        },
        because=_reasons(run, ("set shop status", "set shop payment", "send tracking")),
    )
    for name, shown in (("shop_status", order.shop_status), ("payment_status", order.shop_payment_status)):
        if name in wanted:
            scene.change(f"shop is told {name.replace('_', ' ')}", shown, wanted[name])
    remember(order, **{f"shop.{name}": value for name, value in wanted.items()})


def show_in_shop(scene: Scene, order: Order) -> None:
    """Let a shop that can show more than statuses hear of an order's outlets, or that it is held. Others have nothing to
    hear yet, and no rule is asked."""
    shop = scene.shop_of(order)
    platform = PLATFORM.get(shop.platform) if shop else None
    if platform is not None and platform.outcomes:
        to_shop(scene, order)


def _judge_shop(
    scene: Scene,
    order: Order,
    shop: Connection,
    *,
    changed: dict[str, str] | None = None,
    payment: Payment | None = None,
    tracking: Tracking | None = None,
) -> Run:
    till = scene.till_of(order)
    return scene.judge("status_to_shop", [
        *facts.circumstances(scene.event, scene.connection, shop),
        *([facts.connection_fact("till", till)] if till else []),
        facts.order_fact(order, known=True, tracking=tracking),
        *facts.fulfilment_facts(order.fulfilments, changed),
        *facts.payment_facts([payment] if payment else []),
    ])  # fmt: skip


def _wanted_of_shop(run: Run, order: Order, tracking: Tracking | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if status := run.first("set shop status"):
        wanted["shop_status"] = status.arguments["status"]
    if payment := run.first("set shop payment"):
        wanted["payment_status"] = payment.arguments["status"]
    if run.first("send tracking") and tracking is not None:
        wanted["tracking"] = {"number": tracking.number, "url": tracking.url}
    return {name: value for name, value in wanted.items() if order.told.get(f"shop.{name}") != value}


def _expressible(scene: Scene, shop: Connection, wanted: dict[str, Any]) -> dict[str, Any]:
    """What a shop of this platform can be told. The check of rules leaves nothing else but what hangs on a setting."""
    platform = PLATFORM.get(shop.platform)
    for name, outcome in (("shop_status", "set shop status"), ("payment_status", "set shop payment")):
        if platform is not None and name in wanted and not platform.can(outcome, wanted[name]):
            scene.note(f"{platform.title} cannot be told {wanted[name].replace('_', ' ')}, so it is not: change the rule or its setting.")
            del wanted[name]
    return wanted


def to_till(
    scene: Scene,
    order: Order,
    *,
    known: bool,
    previous_shop_status: str | None = None,
    previous_shop_payment_status: str | None = None,
) -> Run:
    """Let the rules say what the till should do about a change in the shop, and tell it."""
    till = scene.till_of(order)
    run = scene.judge("status_to_till", [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        *([facts.connection_fact("till", till)] if till else []),
        facts.order_fact(
            order,
            known=known,
            previous_shop_status=previous_shop_status,
            previous_shop_payment_status=previous_shop_payment_status,
        ),
        *facts.fulfilment_facts(order.fulfilments),
    ])  # fmt: skip
    if till is None or run.first("refuse change") or run.first("cancel sale"):
        return run
    if run.first("record payment"):
        _record_payment(scene, order, till)
    for outcome, operation in (("complete fulfilments", "complete_fulfilments"), ("pack fulfilments", "pack_fulfilments")):
        demand = run.first(outcome)
        if demand and order.fulfilments and order.told.get("till.fulfilments") != operation:
            scene.tell(till, operation, order_subject(order), {"order": order_reference(order)}, because=demand.rule)
            scene.change("till is told", "", outcome)
            remember(order, **{"till.fulfilments": operation})
    if not scene.told:
        _note_silence(scene, run, "till")
    return run


def _record_payment(scene: Scene, order: Order, till: Connection) -> None:
    """Tell the till what the shop received and the till has not heard of."""
    already = int(order.told.get("till.paid_minor", 0))
    from_shop = [p for p in order.payments if p.counts and p.from_role != "till" and p.amount_minor > 0]
    missing = sum(p.amount_minor for p in from_shop) - already
    if missing <= 0 or not from_shop:
        return
    newest = from_shop[-1]
    scene.tell(till, "add_payment", order_subject(order), {
        "order": order_reference(order),
        "amount": to_text(missing, order.currency),
        "method": newest.processor or newest.method,
        "reference": newest.reference,
        "at": newest.at.isoformat(),
    }, because="record payment")  # fmt: skip
    scene.change("till is told", "", f"payment of {to_text(missing, order.currency)} {order.currency}")
    remember(order, **{"till.paid_minor": already + missing})


def _reasons(run: Run, names: tuple[str, ...]) -> str:
    return ", ".join(o.rule for o in run.outcomes if o.name in names)


def _note_silence(scene: Scene, run: Run, side: str) -> None:
    """Say why the other side hears nothing."""
    reasons = [o.reason for o in run.outcomes if o.name.startswith("leave ") and o.reason]
    if reasons:
        scene.note(f"The {side} is not told: {reasons[0]}.")
