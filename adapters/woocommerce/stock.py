"""Tells the shop how many it may sell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import text
from adapters.woocommerce.products import KIND, counted
from adapters.woocommerce.settings import flag_setting
from adapters.woocommerce.work import Work


def set_stock(work: Work) -> Result:
    """Write the absolute number of one article; below zero is fine there.

    The shop ignores numbers for articles that it does not count, and for variations that share their parent's number,
    without a word. Then this refuses, or has it count with the setting `start_counting`.
    """
    sku, wanted = work.text("sku"), work.payload.get("quantity")
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise Refused(f"The command set_stock needs a whole quantity, not {wanted!r}.")
    external_id, item = find(work, sku)
    present, fields = counted(item), {"stock_quantity": wanted}
    if present == wanted:
        return Result(f"The shop already has {wanted} of {sku}.", did_nothing=True)
    if item.get("manage_stock") is not True:
        if not flag_setting(work.connection, "start_counting"):
            raise Refused(_not_counted(sku, item))
        fields = {"manage_stock": True, **fields}
    after = work.client.update_product(external_id, fields)
    if counted(after) != wanted:
        raise Refused(
            f"The shop took the number of {sku} and shows {after.get('stock_quantity')!r} instead of {wanted}: look at the "
            "article in the shop; an extension may keep its stock."
        )
    return Result(f"Set the stock of {sku} in the shop from {'uncounted' if present is None else present} to {wanted}.")


def find(work: Work, sku: str) -> tuple[str, Mapping[str, Any]]:
    """Where a sku lives in the shop: the article we remember if it still has that sku, or else a search. Raises Refused
    when there is none, or more than one."""
    remembered = work.memory.external(KIND, sku)
    if remembered is not None:
        item = work.client.product(remembered)
        if item is not None and text(item, "sku") == sku:
            return remembered, item
    # A comma would be read as a list of skus; what comes back is compared anyhow.
    found = [item for item in work.client.products(sku=sku, status="any", per_page=100).items if text(item, "sku") == sku]
    if not found:
        raise Refused(f"The shop has no article with sku {sku}: add it there, or correct the sku.")
    if len(found) > 1:
        ids = ", ".join(str(item.get("id")) for item in found)
        raise Refused(f"The shop has {len(found)} articles with sku {sku} (ids {ids}): give each a sku of its own there.")
    (item,) = found
    parent = item.get("parent_id") if item.get("type") == "variation" else None
    external_id = f"{parent}/{item['id']}" if parent else str(item["id"])
    work.memory.bind(KIND, sku, external_id)
    return external_id, item


def _not_counted(sku: str, item: Mapping[str, Any]) -> str:
    if item.get("manage_stock") == "parent":
        return (
            f"The shop counts {sku} together with its other variations: switch on “Manage stock?” for this variation there, "
            "or the setting start_counting of the connection."
        )
    return (
        f"The shop does not count the stock of {sku}: switch on “Track stock quantity” for it there, or the setting "
        "start_counting of the connection."
    )
