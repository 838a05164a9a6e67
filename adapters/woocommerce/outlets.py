"""Shows which outlet does which part of an order, which WooCommerce has no word for: in a field and in a note to staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import objects, text
from adapters.woocommerce.notes import say, wording
from adapters.woocommerce.work import Work, order_id

FIELD = "_wissel_outlets"
"""Field of the order: `[{"outlet": code, "lines": [{"line", "sku", "quantity"}]}]`."""


def assign_fulfilments(work: Work) -> Result:
    """Write who does what. Once; another division replaces it, and a new note says so."""
    order = work.order()
    parts = _parts(work.payload)
    if _same(_shown(order), parts):
        return Result(f"Order {text(order, 'number')} in the shop shows its outlets already.", did_nothing=True)
    words = "; ".join(_sentence(part) for part in parts)
    say(work, order_id(order), wording(work, "outlets", parts=words))
    work.client.update_order(order_id(order), {"meta_data": [{"key": FIELD, "value": parts}]})
    return Result(f"Order {text(order, 'number')} in the shop shows its outlets: {words}.")


def _parts(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = [each for each in payload.get("fulfilments") or () if isinstance(each, Mapping)]
    if not given:
        raise Refused("The command assign_fulfilments names no fulfilments.")
    return [
        {
            "outlet": text(each, "outlet") or "",
            "lines": [
                {"line": text(line, "line") or "", "sku": text(line, "sku") or "", "quantity": line.get("quantity")}
                for line in objects({"lines": list(each.get("lines") or ())}, "lines")
            ],
        }
        for each in given
    ]


def _shown(order: Mapping[str, Any]) -> object:
    return next((each.get("value") for each in objects(order, "meta_data") if each.get("key") == FIELD), None)


def _same(shown: object, parts: list[dict[str, Any]]) -> bool:
    """WordPress may give numbers back as text."""
    return isinstance(shown, list) and [_sentence(each) for each in shown if isinstance(each, Mapping)] == [
        _sentence(part) for part in parts
    ]


def _sentence(part: Mapping[str, Any]) -> str:
    lines = ", ".join(f"{line.get('quantity')} × {line.get('sku')}" for line in objects(part, "lines"))
    return f"{part.get('outlet')} {lines}"
