"""The words and symbols of support's pages. A state is always a word with a symbol; colour only repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.money import to_text
from store.flow_models import Command


class Label(NamedTuple):
    """How a state is shown: symbol, word, and tone (good, warn, bad, busy or idle)."""

    symbol: str
    word: str
    tone: str = "idle"


_ORDER = {
    "received": Label("○", "Received"),
    "ignored": Label("–", "Ignored"),
    "held": Label("‖", "Held", "warn"),
    "open": Label("▸", "Open", "busy"),
    "completed": Label("✓", "Completed", "good"),
    "cancelled": Label("✕", "Cancelled"),
}
_EVENT = {
    "received": Label("◷", "Being decided", "busy"),
    "waiting": Label("◷", "Waits for its order", "warn"),
    "decided": Label("✓", "Decided", "good"),
    "failed": Label("!", "Failed", "bad"),
}
_COMMAND = {
    "waiting": Label("◷", "Waiting", "busy"),
    "leased": Label("▸", "Under way", "busy"),
    "done": Label("✓", "Done", "good"),
    "superseded": Label("↷", "Replaced by a newer one"),
    "dead": Label("!", "Given up", "bad"),
    "cancelled": Label("✕", "Cancelled"),
}
_ATTEMPT = {
    "done": Label("✓", "Done", "good"),
    "retry": Label("↻", "Failed, tried again later", "warn"),
    "throttled": Label("◷", "Asked to slow down", "warn"),
    "refused": Label("✕", "Refused", "bad"),
    "unauthorised": Label("!", "Credentials refused", "bad"),
    "lost": Label("?", "Worker died", "warn"),
    "": Label("▸", "Under way", "busy"),
}
_RULE_JOB = {
    "waiting": Label("◷", "Waiting", "busy"),
    "running": Label("▸", "Running", "busy"),
    "done": Label("✓", "Done", "good"),
    "failed": Label("!", "Failed", "bad"),
    "cancelled": Label("✕", "Cancelled"),
}
_IMPORT = {**_RULE_JOB, "paused": Label("‖", "Paused", "warn")}
_FULFILMENT = {
    "new": Label("○", "New"),
    "in_progress": Label("▸", "In progress", "busy"),
    "packed": Label("▣", "Packed", "busy"),
    "completed": Label("✓", "Completed", "good"),
    "cancelled": Label("✕", "Cancelled"),
}
_PAYMENT = {
    "incomplete": Label("○", "Incomplete", "warn"),
    "unpaid": Label("○", "Unpaid", "warn"),
    "partly_paid": Label("◐", "Partly paid", "warn"),
    "paid": Label("✓", "Paid", "good"),
    "partly_refunded": Label("↩", "Partly refunded"),
    "refunded": Label("↩", "Refunded"),
    "cancelled": Label("✕", "Cancelled"),
    "custom": Label("?", "Other"),
}
_SHOP = {
    "awaiting_processing": Label("○", "Awaiting processing"),
    "on_hold": Label("‖", "On hold", "warn"),
    "processing": Label("▸", "Processing", "busy"),
    "awaiting_shipment": Label("▣", "Awaiting shipment", "busy"),
    "ready_for_pickup": Label("▣", "Ready for pickup", "busy"),
    "out_for_delivery": Label("→", "Out for delivery", "busy"),
    "partly_shipped": Label("◐", "Partly shipped", "busy"),
    "shipped": Label("✓", "Shipped", "good"),
    "delivered": Label("✓", "Delivered", "good"),
    "completed": Label("✓", "Completed", "good"),
    "returned": Label("↩", "Returned"),
    "cancelled": Label("✕", "Cancelled"),
    "will_not_deliver": Label("✕", "Will not be delivered"),
    "custom": Label("?", "Other"),
}
_CONNECTION = {
    "active": Label("✓", "Active", "good"),
    "paused": Label("‖", "Paused", "bad"),
    "archived": Label("–", "Archived"),
}
_CIRCUIT = {
    "closed": Label("✓", "Answers", "good"),
    "open": Label("!", "Does not answer; left in peace", "bad"),
    "half-open": Label("↻", "Being tried again", "warn"),
    "unknown": Label("?", "Not known (Redis is away)", "warn"),
}
_AGREEMENT = {
    "agree": Label("✓", "Agree", "good"),
    "under_way": Label("◷", "Being told", "busy"),
    "differ": Label("≠", "Differ", "warn"),
    "stuck": Label("!", "Could not be told", "bad"),
    "alone": Label("–", "One side only"),
}
_CONDITION = {"met": Label("✓", "met", "good"), "not met": Label("✕", "not met", "bad"), "missing": Label("?", "missing", "warn")}

LABELS: Mapping[str, Mapping[str, Label]] = {
    "order": _ORDER, "rule_job": _RULE_JOB, "import": _IMPORT, "event": _EVENT, "command": _COMMAND, "attempt": _ATTEMPT, "fulfilment": _FULFILMENT,
    "payment": _PAYMENT, "shop": _SHOP, "connection": _CONNECTION, "circuit": _CIRCUIT, "agreement": _AGREEMENT,
    "condition": _CONDITION,
}  # fmt: skip

EVENT_WORDS: Mapping[str, str] = {
    "order.placed": "Order placed",
    "order.updated": "Order changed",
    "order.cancelled": "Order cancelled",
    "payment.received": "Payment received",
    "payment.refunded": "Payment refunded",
    "stock.changed": "Stock changed",
    "fulfilment.status_changed": "Fulfilment changed",
    "shipment.tracking_added": "Tracking number added",
    "customer.changed": "Customer changed",
    "invoice.created": "Invoice created",
    "product.changed": "Article changed",
    "sale.placed": "Taken over by the till",
    "hook.received": "Webhook received",
}
OPERATION_WORDS: Mapping[str, str] = {
    "check": "check the credentials",
    "read_order": "give the order",
    "read_orders": "give new orders",
    "read_product": "give the article",
    "read_products": "give its articles",
    "read_sale": "give the sale",
    "read_changes": "give what changed",
    "read_stock": "give the stock",
    "set_order_status": "set the order's status",
    "set_stock": "set the stock",
    "set_outlet_stock": "set the stock of each location",
    "ship_fulfilment": "show what an outlet sent",
    "assign_fulfilments": "show which outlet does what",
    "refund_order": "record the refund",
    "read_page": "give the next page of a first import",
    "read_customer": "give the customer",
    "read_locations": "give its locations",
    "register_webhooks": "send us webhooks",
    "read_webhooks": "say which webhooks it sends",
    "remove_webhooks": "stop sending webhooks",
    "place_sale": "take the order over",
    "add_payment": "record the payment",
    "void_sale": "cancel the sale",
    "complete_fulfilments": "complete the fulfilments",
    "pack_fulfilments": "mark the fulfilments as packed",
}
PLATFORM_WORDS: Mapping[str, str] = {
    "lightspeed_ecom": "Lightspeed eCom",
    "lightspeed_retail": "Lightspeed Retail",
    "shopify": "Shopify",
    "bigcommerce": "BigCommerce",
    "woocommerce": "WooCommerce",
    "magento": "Magento",
    "picqer": "Picqer",
    "goedgepickt": "GoedGepickt",
}


def label(kind: str, state: str) -> Label:
    """How a state is shown; an unknown one is shown as it is."""
    return LABELS[kind].get(state, Label("?", sentence(state) or "Unknown"))


def sentence(name: str) -> str:
    """A name from the code as words: `set_order_status` -> `Set order status`."""
    words = name.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def readable(value: str) -> str:
    """A value from a trace for people: `awaiting_processing` -> `Awaiting processing`, `50.00 EUR` as it is."""
    words = value.replace("_", " ")
    return words[:1].upper() + words[1:]


def event_words(type_: str) -> str:
    """An event type in words."""
    return EVENT_WORDS.get(type_, sentence(type_))


def command_words(command: Command) -> str:
    """What a system is told, in words that follow its name: `set the stock of VASE to 5`."""
    told = OPERATION_WORDS.get(command.operation, command.operation.replace("_", " "))
    payload = command.payload
    if command.operation == "set_stock" and "sku" in payload:
        return f"{told} of {payload['sku']} to {payload.get('quantity')}"
    if command.operation == "set_outlet_stock" and "sku" in payload:
        levels = ", ".join(f"{level.get('quantity')} at {level.get('outlet')}" for level in payload.get("levels") or [])
        return f"set the stock of {payload['sku']} to {levels or 'nothing'}"
    if command.operation == "ship_fulfilment" and isinstance(payload.get("fulfilment"), Mapping):
        done = "handed over" if payload["fulfilment"].get("pickup") else "sent"
        return f"show what {payload['fulfilment'].get('outlet')} {done}"
    if command.operation == "refund_order" and "amount" in payload:
        return f"{'pay back' if payload.get('pay_back') else 'record the refund of'} {payload['amount']}"
    if command.operation == "set_order_status":
        parts = [f"set the status to {label('shop', payload['shop_status']).word.lower()}"] if payload.get("shop_status") else []
        parts += [f"set the payment to {label('payment', payload['payment_status']).word.lower()}"] if payload.get("payment_status") else []
        parts += ["pass the tracking number on"] if payload.get("tracking") else []
        return " and ".join(parts) or told
    if command.operation == "add_payment" and "amount" in payload:
        return f"{told} of {payload['amount']}"
    return told


def platform_words(platform: str) -> str:
    """A platform by the name people know."""
    return PLATFORM_WORDS.get(platform, sentence(platform))


def zone(name: str) -> tzinfo:
    """The merchant's time zone; UTC when its name is unknown here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def absolute(at: datetime, zone_name: str) -> str:
    """`22 Nov 2026, 09:30:05 CET`."""
    there = at.astimezone(zone(zone_name))
    return f"{there.day} {there:%b %Y, %H:%M:%S %Z}"


def relative(at: datetime, now: datetime) -> str:
    """`3 min ago`, `in 2 h`; nearer than a second is `now`."""
    seconds = (now - at).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if size >= length:
            amount = f"{int(size // length)} {unit}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "now"


def duration(microseconds: int) -> str:
    """`0.8 ms`, `1.2 s`."""
    taken = timedelta(microseconds=microseconds).total_seconds()
    return f"{taken:.1f} s" if taken >= 1 else f"{taken * 1000:.1f} ms"


def money(minor: int, currency: str) -> str:
    """`€ 29.95`, `SEK 310.00`."""
    sign = "−" if minor < 0 else ""
    symbol = {"EUR": "€", "GBP": "£", "USD": "$"}.get(currency, currency)
    return f"{sign}{symbol} {Decimal(to_text(abs(minor), currency)):,}"
