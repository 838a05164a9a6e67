"""The sandbox's stock mutations: set with compare-and-set, and stock an item at a location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from adapters.shopify.sandbox_articles import Node
from adapters.shopify.sandbox_book import Row, ShopError, gid, moment, number_of
from adapters.shopify.sandbox_objects import Objects

_REASONS = {
    "correction", "received", "restock", "damaged", "shrinkage", "cycle_count_available", "other", "movement_created",
    "reservation_created", "quality_control", "safety_stock", "promotion",
}  # fmt: skip
_HIGHEST = 1_000_000_000


class Stocking(Objects):
    """Each `m_` gives what was done as JSON, its `show_` makes the answer of it."""

    version: str

    def m_inventorySetQuantities(self, input: Mapping[str, Any]) -> Row:  # noqa: N802 - the API's own name
        if self.version >= "2026-04" and any("changeFromQuantity" not in each for each in input["quantities"]):
            raise GraphQLError(
                "The changeFromQuantity argument is required but was not provided.",
                extensions={"code": "INVALID_FIELD_ARGUMENTS"},
            )
        if input["name"] not in ("available", "on_hand"):
            raise ShopError("The quantity name must be available or on_hand.", code="INVALID_NAME", field=["input", "name"])
        if input["reason"] not in _REASONS:
            raise ShopError("The reason is not valid.", code="INVALID_REASON", field=["input", "reason"])
        if len(input["quantities"]) > 250:
            raise GraphQLError("The input array is too long.", extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})
        changes = [self._set(index, input["name"], each) for index, each in enumerate(input["quantities"])]
        return {
            "id": self.shop.new_id("adjustment", 3301), "reason": input["reason"], "at": self.shop.now,
            "uri": input.get("referenceDocumentUri"), "changes": [each for group in changes for each in group],
        }  # fmt: skip

    def _set(self, index: int, name: str, wanted: Mapping[str, Any]) -> list[Row]:
        where = ["input", "quantities", str(index)]
        item, location = number_of("InventoryItem", wanted["inventoryItemId"]), number_of("Location", wanted["locationId"])
        if self.shop.item(item) is None:
            raise ShopError(
                "The specified inventory item could not be found.", code="INVALID_INVENTORY_ITEM", field=[*where, "inventoryItemId"]
            )
        self.shop.location(location)
        level = self.shop.level(item, location)
        if level is None:
            raise ShopError(
                "The specified inventory item is not stocked at the location.", code="ITEM_NOT_STOCKED_AT_LOCATION",
                field=[*where, "locationId"],
            )  # fmt: skip
        if (wanted["quantity"] < 0 and name == "on_hand") or (wanted["quantity"] < 0 and self.shop.box.switch("refuses_negatives")):
            raise ShopError("The quantity can't be negative.", code="INVALID_QUANTITY_NEGATIVE", field=[*where, "quantity"])
        if wanted["quantity"] > _HIGHEST:
            raise ShopError("The quantity is too high.", code="INVALID_QUANTITY_TOO_HIGH", field=[*where, "quantity"])
        have = level["available"] + (level["committed"] if name == "on_hand" else 0)
        expected = wanted.get("changeFromQuantity")
        if expected is not None and expected != have:
            raise ShopError(
                "The changeFromQuantity value does not match the quantity.", code="CHANGE_FROM_QUANTITY_STALE",
                field=[*where, "changeFromQuantity"],
            )  # fmt: skip
        delta = wanted["quantity"] - have
        kept = self.shop.set_level(level, available=level["available"] + delta)
        after = {"available": kept["available"], "on_hand": kept["available"] + kept["committed"]}
        return [
            {"name": each, "delta": delta, "after": after[each], "item": item, "location": location} for each in after
        ] if delta else []  # fmt: skip

    def show_inventorySetQuantities(self, did: Row) -> Node:  # noqa: N802 - the API's own name
        def item(number: int) -> Node | None:
            found = self.shop.item(number)
            return self.item(*found) if found else None

        rows = [
            {"name": each["name"], "delta": each["delta"], "quantityAfterChange": each["after"], "ledgerDocumentUri": None,
             "item": item(each["item"]), "location": self.location(each["location"])}
            for each in did["changes"]
        ]  # fmt: skip
        return {"inventoryAdjustmentGroup": {
            "__typename": "InventoryAdjustmentGroup", "id": gid("InventoryAdjustmentGroup", did["id"]),
            "reason": did["reason"], "referenceDocumentUri": did["uri"], "createdAt": moment(did["at"]), "changes": rows,
        }}  # fmt: skip

    def m_inventoryActivate(  # noqa: N802
        self, inventoryItemId: str, locationId: str, available: int | None = None, onHand: int | None = None  # noqa: N803
    ) -> Row:
        item, location = number_of("InventoryItem", inventoryItemId), number_of("Location", locationId)
        if self.shop.item(item) is None:
            raise ShopError("The inventory item could not be found.", field=["inventoryItemId"])
        self.shop.location(location)
        if self.shop.level(item, location) is not None and available is not None:
            raise ShopError("Not allowed to set available quantity when the item is already active at the location.",
                            field=["available"])  # fmt: skip
        self.shop.connect(item, location, available if available is not None else onHand or 0)
        return {"item": item, "location": location}

    def show_inventoryActivate(self, did: Row) -> Node:  # noqa: N802 - the API's own name
        level = self.shop.level(did["item"], did["location"])
        return {"inventoryLevel": self.level(level) if level else None}
