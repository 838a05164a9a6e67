"""What the tests of the Magento adapter share: a shop with every kind of article, and commands in short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.magento.sandbox_seed import put_product
from tests.adapters.conformance import telling
from tests.adapters.rigs.magento import MagentoRig

ARTICLES: tuple[dict[str, Any], ...] = (
    {"sku": "SHIRT-M", "name": "Shirt M", "price": "20.00", "stock": {"amsterdam": 5, "utrecht": 5}},
    {"sku": "SHIRT", "name": "Shirt", "price": "20.00", "type": "configurable", "children": ["SHIRT-M"]},
    {"sku": "KIT", "name": "Kit", "price": "9.00", "type": "bundle", "parts": {"MUG": 1, "TEA": 2}, "separately": True},
    {"sku": "MIX", "name": "Mix", "price": "0", "type": "bundle", "parts": {"MUG": 1, "TEA": 1}, "dynamic": True},
)
"""Besides the rig's own: a configurable article, a bundle sent part by part, and one priced by its parts."""


@contextmanager
def open_shop() -> Iterator[MagentoRig]:
    with MagentoRig.open() as rig:
        for product in ARTICLES:
            put_product(rig.box.state, product)
        yield rig


def overwrite(rig: MagentoRig, order: str, **fields: Any) -> None:
    """Write fields of an order past the shop's own logic."""
    rig.box.state.put("order", order, rig._order(order) | fields)


def tell(rig: MagentoRig, order: dict[str, str], key: str = "k", **wanted: Any) -> Any:
    """set_order_status."""
    return rig.do("set_order_status", telling(order, **wanted), key=key)


def send(rig: MagentoRig, ours: dict[str, str], id: str, outlet: str, lines: list[dict[str, Any]], **more: Any) -> Any:
    """ship_fulfilment."""
    payload = {"order": ours, "fulfilment": {"id": id, "outlet": outlet, "pickup": False}, "lines": lines, "notify_customer": False}
    return rig.do("ship_fulfilment", payload | more, key=id)
