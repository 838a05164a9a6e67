"""Shipments: what each outlet sent, one shipment for each delivery part, and which outlet does what as own data.

There are no idempotency keys: a shipment of ours is found again by what we remember or by the fulfilment's id in its
comment, and units that were sent already are not sent again. Source: vendor OpenAPI orders.v2, metafields of orders.v3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.base import Refused, Result, RetryLater
from adapters.bigcommerce.client import number_id
from adapters.bigcommerce.mapping import is_sent, lines_of, parents_of, sent_of
from adapters.bigcommerce.pickups import collect
from adapters.bigcommerce.progress import (
    CANCELLED,
    DECLINED,
    MAY_FOLLOW,
    PARTLY_SHIPPED,
    REFUNDED,
    SHIPPED,
    UNFINISHED,
    status_id,
    units,
)
from adapters.bigcommerce.settings import flag_setting, table_setting
from adapters.bigcommerce.work import Work
from adapters.fields import objects, text
from adapters.http import read_json

NAMESPACE, KEY = "wissel", "outlets"
"""Where an order's own data says which outlet does what."""

_CARRIERS = {
    "postnl": "postnl", "dhl": "dhl", "dhl parcel": "dhl-benelux", "dpd": "dpd", "gls": "gls", "ups": "ups", "fedex": "fedex",
    "usps": "usps", "bpost": "bpost", "postnord": "postnord", "royal mail": "royal-mail", "budbee": "budbee", "instabox": "instabox",
    "bring": "bring", "dpd be": "dpd", "hermes": "hermes-de", "colissimo": "colissimo",
}  # fmt: skip
"""AfterShip courier codes; a name that is not here goes without one, since a wrong code is refused."""


def ship_fulfilment(work: Work) -> Result:
    """What one outlet sent becomes a shipment, what it handed over a collected pickup; later tracking is added to it."""
    part = work.object("fulfilment")
    if not part.get("id"):
        raise Refused("The command ship_fulfilment names no fulfilment.")
    order_id = work.order_id()
    order = work.order(order_id)
    if status_id(order) in (CANCELLED, DECLINED) or status_id(order) in UNFINISHED:
        return Result(
            f"Order {order_id} in the shop is {text(order, 'status')}: nothing is sent there.", did_nothing=True
        )
    if part.get("pickup") is True:
        changed = collect(work, order, work.lines())
        done = f"{changed} pickup record{'s' if changed != 1 else ''} of order {order_id} are collected now"
        return Result(
            f"{done}." if changed else f"The pickup of order {order_id} was recorded already.", did_nothing=not changed
        )
    said = _ship(work, order, part)
    moved = move_on(work, order_id)
    if not said and not moved:
        return Result(f"The shipment of order {order_id} is in the shop already.", did_nothing=True)
    return Result(f"Order {order_id} in the shop: {'; '.join([*said, *moved])}.")


def _ship(work: Work, order: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Make the shipment, or bring its tracking up to date. Returns what was done."""
    order_id, mark = int(order["id"]), str(part["id"])
    shipments = work.shipments(order_id)
    ours = _ours(work, shipments, mark)
    if ours:
        _remember(work, mark, ours)
        return [each for shipment in ours if (each := add_tracking(work, order_id, shipment))]
    wanted = open_units(order, work.lines(), bundle_parent_ships=flag_setting(work.connection, "bundle_parent_ships"))
    if not wanted:
        lonely = [each for each in shipments if not text(each, "tracking_number")]
        return [each for each in [add_tracking(work, order_id, lonely[0])] if each] if len(lonely) == 1 else []
    made = [_create(work, order_id, address, items, part) for address, items in _by_address(order, wanted).items()]
    _remember(work, mark, made)
    sent = sum(count for _, count in wanted)
    return [f"{sent} unit{'s' if sent != 1 else ''} from {part.get('outlet') or 'an outlet'} shipped"]


def open_units(
    order: Mapping[str, Any], lines: Sequence[tuple[str, int]], *, bundle_parent_ships: bool = False
) -> list[tuple[Mapping[str, Any], int]]:
    """(line, units) still to be sent of the lines asked for, and the bundles that are complete with them.

    A line without a delivery address (a pickup, a download) cannot be in a shipment and is left out.
    """
    items = {str(item.get("id")): item for item in lines_of(order)}
    left = {line: _open(item) for line, item in items.items()}
    wanted: list[tuple[Mapping[str, Any], int]] = []
    for line, count in lines:
        if line not in items:
            raise Refused(f"Order {order.get('id')} has no line {line} any more: look at the order in the shop.")
        sent = min(count, left[line])
        if sent > 0:
            left[line] -= sent
            wanted.append((items[line], sent))
    parents = set() if bundle_parent_ships else parents_of(item for item, _ in wanted)
    for parent in sorted(parents):
        parts = [line for line, item in items.items() if str(item.get("parent_order_product_id") or "") == parent]
        if left.get(parent, 0) > 0 and not any(left[line] for line in parts):
            wanted.append((items[parent], left[parent]))
    return wanted


def _open(item: Mapping[str, Any]) -> int:
    """Units of a line that a shipment can still hold."""
    return max(0, units(item.get("quantity")) - units(item.get("quantity_shipped"))) if is_sent(item) else 0


def _by_address(
    order: Mapping[str, Any], wanted: Sequence[tuple[Mapping[str, Any], int]]
) -> dict[int, list[dict[str, int]]]:
    found: dict[int, list[dict[str, int]]] = {}
    for item, count in wanted:
        items = found.setdefault(units(item.get("order_address_id")), [])
        items.append({"order_product_id": units(item.get("id")), "quantity": count})
    return found


def _create(
    work: Work, order_id: int, address: int, items: list[dict[str, int]], part: Mapping[str, Any]
) -> Mapping[str, Any]:
    body = {
        "order_address_id": address,
        "items": items,
        "comments": _comment(part),
        "shipping_provider": "",
        **tracking_fields(work),
    }
    made = work.client.write("POST", f"v2/orders/{order_id}/shipments", body)
    return made if isinstance(made, Mapping) else {}


def _comment(part: Mapping[str, Any]) -> str:
    return f"Sent by {part.get('outlet') or 'an outlet'} ({part['id']})"


def _ours(work: Work, shipments: Sequence[Mapping[str, Any]], mark: str) -> list[Mapping[str, Any]]:
    """Our shipments of this fulfilment: those we remember, or that bear its id in their comment."""
    bound = set((work.memory.external("fulfilment", mark) or "").split(","))
    return [each for each in shipments if str(each.get("id")) in bound or f"({mark})" in (text(each, "comments") or "")]


def _remember(work: Work, mark: str, shipments: Sequence[Mapping[str, Any]]) -> None:
    ids = ",".join(str(each["id"]) for each in shipments if each.get("id"))
    if ids and work.memory.external("fulfilment", mark) != ids:
        work.memory.bind("fulfilment", mark, ids)


def tracking_fields(work: Work) -> dict[str, str]:
    """Tracking as shipments take it. The carrier's code makes a link where no address was given."""
    tracking = work.call.payload.get("tracking")
    given: Mapping[str, Any] = tracking if isinstance(tracking, Mapping) else {}
    number = text(given, "number")
    if not number:
        return {}
    name = text(given, "carrier") or ""
    code = table_setting(work.connection, "carriers").get(name) or _CARRIERS.get(name.lower(), "")
    link = text(given, "url")
    return {"tracking_number": number, "tracking_carrier": code, **({"tracking_link": link} if link else {})}


def add_tracking(work: Work, order_id: int, shipment: Mapping[str, Any]) -> str:
    """Write the payload's tracking into a shipment unless it is there. Returns what was done."""
    fields = tracking_fields(work)
    if not fields or all((text(shipment, name) or "") == value for name, value in fields.items() if value):
        return ""
    work.client.write("PUT", f"v2/orders/{order_id}/shipments/{number_id(shipment.get('id'))}", fields)
    return f"tracking {fields['tracking_number']} added to shipment {shipment.get('id')}"


def move_on(work: Work, order_id: int) -> list[str]:
    """Set Shipped or Partially Shipped when the shop did not do it by itself. Returns what was done.

    Whether a shipment made over the API moves the order is not documented, so the order is read afterwards.
    """
    order = work.order(order_id)
    sent, whole = sent_of(order, bundle_parent_ships=flag_setting(work.connection, "bundle_parent_ships"))
    wanted, status = ("shipped", SHIPPED) if sent >= whole else ("partly_shipped", PARTLY_SHIPPED)
    if sent <= 0 or status_id(order) == REFUNDED or wanted not in MAY_FOLLOW.get(work.present(order)[0], frozenset()):
        return []
    work.client.write("PUT", f"v2/orders/{order_id}", {"status_id": status})
    return [f"status {wanted}"]


def assign_fulfilments(work: Work) -> Result:
    """Keep with the order which outlet does which part: BigCommerce itself has no place for it."""
    order_id = work.order_id()
    value = _plan(work)
    path = f"orders/{order_id}/metafields"
    kept = next(
        (each for each in work.client.v3_all(path, namespace=NAMESPACE, key=KEY) if (each.get("namespace"), each.get("key")) == (NAMESPACE, KEY)),
        None,
    )  # fmt: skip
    if kept is not None and kept.get("value") == value:
        return Result(f"Order {order_id} in the shop shows these outlets already.", did_nothing=True)
    body = {
        "permission_set": "read",
        "namespace": NAMESPACE,
        "key": KEY,
        "value": value,
        "description": "Which outlet does which part",
    }
    if kept is None:
        answer = work.client.call("POST", f"v3/{path}", json=body, expect=(409,))
        if answer.status_code == 409:
            raise RetryLater(
                "The order's own data was made by somebody else at the same moment.", detail=f"POST v3/{path}"
            )
        read_json(answer)
    else:
        work.client.write("PUT", f"v3/{path}/{number_id(kept.get('id'))}", body)
    return Result(
        f"Order {order_id} in the shop now shows: {', '.join(each['outlet'] for each in json.loads(value)) or 'no outlet'}."
    )


def _plan(work: Work) -> str:
    """The parts as JSON, always in the same order so that equal plans are equal texts."""
    parts = [
        {
            "outlet": str(part.get("outlet") or ""), "fulfilment": str(part.get("id") or ""),
            "lines": [
                {"line": str(each.get("line")), "sku": text(each, "sku") or "", "quantity": units(each.get("quantity"))}
                for each in sorted(objects(part, "lines"), key=lambda each: str(each.get("line")))
            ],
        }
        for part in objects(work.call.payload, "fulfilments")
    ]  # fmt: skip
    return json.dumps(
        sorted(parts, key=lambda part: (part["outlet"], part["fulfilment"])), ensure_ascii=False, separators=(",", ":")
    )
