"""A merchant whose orders have been through something: for looking at the pages, and for tests that need every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.base import NewEvent
from api.schemas.envelope import load_event
from store import connections
from tests.api.house import Shopkeeper, cloud_event, placed

_PEOPLE = (
    ("Jo Visser", "jo@example.com"), ("Annelies de Groot-van den Heuvel", "annelies@example.org"), ("Åsa Öberg", "asa@example.se"),
    ("", "no-name@example.com"), ("Mohamed El Idrissi", "mo@example.net"), ("Eva Jansen", "eva@example.nl"),
)  # fmt: skip


def seed(keeper: Shopkeeper) -> dict[str, str]:
    """Stock, and orders in every state: id by what happened to it."""
    keeper.put_stock({
        ("warehouse", "MUG-BLUE"): 40, ("amsterdam", "MUG-BLUE"): 3, ("utrecht", "MUG-BLUE"): 2, ("warehouse", "LAMP"): 0,
        ("utrecht", "LAMP"): 4, ("amsterdam", "RUG-160"): 2, ("warehouse", "VASE"): 6, ("utrecht", "CHAIR"): 1,
    })  # fmt: skip
    shop, till = ("tulip-shop", keeper.shop), ("tulip-till", keeper.till)
    made: dict[str, str] = {}
    made["plain"] = _order(keeper, shop, "7Q2XK", {"MUG-BLUE": 2}, 0)
    made["split"] = _order(keeper, shop, "7Q2XM", {"LAMP": 2, "RUG-160": 1, "MUG-BLUE": 1}, 1)
    made["held"] = _order(keeper, shop, "7Q2XP", {"CHAIR": 5}, 2)
    made["pickup"] = _order(
        keeper, shop, "7Q2XR", {"RUG-160": 1}, 3, fulfilment_type="pickup", payment_status="unpaid",
        shipping_method={"id": "7", "name": "Collect in Amsterdam", "outlet": "amsterdam"},
    )  # fmt: skip
    made["dead"] = _order(keeper, shop, "7Q2XT", {"VASE": 1}, 4)
    _sales(keeper, made)
    for name, outlet in (("plain", "warehouse"), ("split", "utrecht"), ("split", "amsterdam")):
        _tell(keeper, till, "fulfilment.status_changed", {"order": {"id": made[name]}, "outlet": outlet, "status": "packed"})
    _tell(keeper, till, "fulfilment.status_changed", {"order": {"id": made["plain"]}, "outlet": "warehouse", "status": "completed"})
    tracking = {"order": {"id": made["plain"]}, "number": "3SWISL0001", "carrier": "PostNL", "url": "https://tracking.example/3SWISL0001"}
    _tell(keeper, till, "shipment.tracking_added", tracking)
    keeper.fail(keeper.shop, "The shop did not answer within 30 seconds.", kind="retry", dead=False, exchanges=[_exchange(0)])
    _tell(keeper, ("web", None), "order.cancelled", {"order": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "reason": "changed their mind"})
    _tell(keeper, ("web", None), "payment.received", {"order": {"number": "LATER"}, "amount": "10.00", "currency": "EUR", "reference": "x"})
    return made


def pause_till(keeper: Shopkeeper) -> None:
    """The till refused our credentials."""
    with keeper.house.database.session(keeper.merchant.id) as session:
        till = connections.get(session, keeper.till)
        assert till is not None
        connections.pause(session, till, "401 from the till: the token has expired. Enter a new one.")


def _order(keeper: Shopkeeper, source: tuple[str, str | None], number: str, basket: dict[str, int], who: int, **more: Any) -> str:
    name, email = _PEOPLE[who % len(_PEOPLE)]
    at = (datetime.now(UTC) - timedelta(minutes=50 - 9 * who)).isoformat()
    data = placed(number, basket, customer={"email": email, "name": name}, placed_at=at, updated_at=at, **more)
    taken = _tell(keeper, source, "order.placed", data)
    assert taken.order_id, taken
    return str(taken.order_id)


def _tell(keeper: Shopkeeper, source: tuple[str, str | None], type_: str, data: dict[str, Any]) -> Any:
    event = load_event(cloud_event(type_, data)).event
    event = replace(event, time=datetime.now(UTC) - timedelta(minutes=5))
    return keeper.house.intake.take_in(keeper.merchant.id, source[0], event, connection_id=source[1])


def _sales(keeper: Shopkeeper, made: dict[str, str]) -> None:
    """The till takes over what it is told, except the vase."""
    for number, name in enumerate(("plain", "split", "pickup"), 1041):
        command = keeper.succeed(keeper.till, f"Sale {number} was made in the till.", [_exchange(201)])
        event = NewEvent(
            f"sale-{number}", "sale.placed", f"order:{made[name]}", datetime.now(UTC),
            {"order": {"id": made[name]}, "sale_id": f"0af7b241-{number}", "receipt_number": str(number), "stock_deducted": True},
        )  # fmt: skip
        keeper.house.intake.take_in(keeper.merchant.id, "tulip-till", event, connection_id=keeper.till, caused_by=command)
    keeper.fail(keeper.till, "422: product VASE is archived in the till.", exchanges=[_exchange(422)])


def _exchange(status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(), "method": "POST", "url": "https://till.example/api/2.0/register_sales", "ms": 182,
        "request": {"headers": {"Content-Type": "application/json"}, "body": {"customer": {"email": "•••"}, "source_id": "7Q2XK"}},
    }  # fmt: skip
    if status:
        answer = {"error": "product is archived"} if status == 422 else {"id": "0af7b241"}
        entry |= {"status": status, "response": {"headers": {"Content-Type": "application/json"}, "body": answer}}
    else:
        entry["error"] = "ReadTimeout: no answer within 30 seconds"
    return entry
