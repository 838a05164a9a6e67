"""What the tests of the BigCommerce adapter share: the rig's sandbox, and orders made in odd ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import requests

from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce.sandbox import CLIENT_ID, TOKEN
from adapters.bigcommerce.sandbox_shop import Basket
from adapters.bigcommerce.scopes import SCOPES
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.bigcommerce import BigCommerceRig


def place(
    rig: BigCommerceRig, basket: Mapping[str, int], payment: str = "online", method: str = "post", **more: Any
) -> str:
    """A customer orders, paying as `sandbox_shop.PAYMENTS` names it."""
    lines = [(rig._variant(sku)["id"], units) for sku, units in basket.items()]
    return str(staff.place(rig.shop, Basket(lines, method, payment, CUSTOMER, **more))["id"])


def order_of(rig: BigCommerceRig, order: str) -> dict[str, Any]:
    """The order as the shop has it."""
    rig.shop.settle()
    return rig.shop.order(order)


def grant(rig: BigCommerceRig, scopes: Iterable[str] = SCOPES) -> None:
    """Give the token these scopes and no others."""
    rig.box.state.put("token", TOKEN, {"client_id": CLIENT_ID, "scopes": ["default", *scopes]})


def api(rig: BigCommerceRig, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    """One call as another client makes it; `path` begins with v2 or v3."""
    return rig.http.request(
        method, f"{rig.box.url}/stores/abc123/{path}", json=body, timeout=5, headers={"X-Auth-Token": TOKEN, **headers}
    )


def telling(ours: Mapping[str, str], **wanted: Any) -> dict[str, Any]:
    """A payload of set_order_status."""
    return {"order": dict(ours), "notify_customer": True, **wanted}


def sum_of(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
