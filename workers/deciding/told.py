"""How commands name an order, and the memory of what each side was told about it."""

from __future__ import annotations

from typing import Any

from store.order_models import Order


def order_subject(order: Order) -> str:
    """Commands about one order keep their order under this subject."""
    return f"order:{order.id}"


def order_reference(order: Order) -> dict[str, str]:
    """How commands name an order."""
    return {"id": order.id, "number": order.number}


def remember(order: Order, **told: Any) -> None:
    """Keep what a side was told. JSON columns notice only a new dict."""
    order.told = {**order.told, **told}


def forget(order: Order, *names: str) -> None:
    """Drop what a side was told, because it now says otherwise."""
    order.told = {name: value for name, value in order.told.items() if name not in names}
