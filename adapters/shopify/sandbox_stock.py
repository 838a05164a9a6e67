"""The sandbox shop's articles and what each location has of them.

`available` may be sold, `committed` is promised to orders that were not sent yet, `on_hand` is both together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.shopify.sandbox_book import Book, Row, ShopError, gid, moment
from adapters.shopify.sandbox_payloads import order_payload, product_payload


class Stock(Book):
    """Articles (products with variants, one inventory item each), locations and levels."""

    # Locations

    def locations(self) -> list[Row]:
        return self.state.all("location")

    def location(self, number: int) -> Row:
        """One location. Raises ShopError when there is none."""
        found = self.state.get("location", number)
        if found is None:
            raise ShopError("The specified location could not be found.", code="INVALID_LOCATION", field=["locationId"])
        return found

    # Articles

    def variants(self) -> Iterator[tuple[Row, Row]]:
        """Every variant with its product."""
        for product in self.state.all("product"):
            for variant in product["variants"]:
                yield product, variant

    def variant(self, variant_id: int | None) -> tuple[Row, Row] | None:
        """A variant with its product."""
        home = self.state.get("variant", variant_id) if variant_id is not None else None
        return self._at_home(home, "id", variant_id)

    def item(self, item_id: int) -> tuple[Row, Row] | None:
        """The variant of an inventory item, with its product."""
        return self._at_home(self.state.get("item", item_id), "item", item_id)

    def variant_by_sku(self, sku: str) -> tuple[Row, Row]:
        """Raises ShopError when no variant has it."""
        for product, variant in self.variants():
            if variant["sku"] == sku:
                return product, variant
        raise ShopError(f"There is no article {sku[:60]}.")

    def _at_home(self, home: Row | None, key: str, wanted: int | None) -> tuple[Row, Row] | None:
        product = self.state.get("product", home["product"]) if home else None
        for variant in product["variants"] if product else ():
            if variant[key] == wanted and product:
                return product, variant
        return None

    def save_product(self, product: Row) -> Row:
        """Keep a new or changed product."""
        known = self.state.get("product", product["id"]) is not None
        product["updated"] = self.now
        for variant in product["variants"]:
            variant["updated"] = self.now
            self.state.put("variant", variant["id"], {"product": product["id"]})
            self.state.put("item", variant["item"], {"product": product["id"]})
        kept = self.state.put("product", product["id"], product)
        topic = "products/update" if known else "products/create"
        self.tell(topic, str(product["id"]), lambda: self.product_payload(product["id"]))
        return kept

    def change_variant(self, variant_id: int, **fields: Any) -> None:
        """Staff change an article: its sku, price or title."""
        with self.change():
            found = self.variant(variant_id)
            if found is None:
                raise ShopError("Product variant does not exist")
            product, variant = found
            variant |= fields
            self.save_product(product)

    def delete_product(self, product_id: int) -> None:
        with self.change():
            self.state.delete("product", product_id)
            self.tell("products/delete", str(product_id), lambda: {"id": product_id})

    def product_payload(self, product_id: int) -> Mapping[str, Any]:
        found = self.state.get("product", product_id)
        if found is None:
            raise ShopError("Product does not exist")
        return product_payload(self, found)

    def order_payload(self, order_id: int) -> Mapping[str, Any]:
        """The order as webhooks carry it."""
        return order_payload(self, self.order(order_id))

    # Levels

    def level(self, item: int, location: int) -> Row | None:
        """What a location has of an item; None when it does not stock it."""
        return self.state.get("level", f"{item}:{location}")

    def levels(self, item: int) -> list[Row]:
        """The levels of an item, in the order of the locations."""
        found = (self.level(item, each["id"]) for each in self.locations())
        return [each for each in found if each is not None]

    def available(self, item: int) -> int:
        return sum(each["available"] for each in self.levels(item))

    def connect(self, item: int, location: int, available: int) -> Row:
        """Have a location stock an item from now on; what is there already stays."""
        found = self.level(item, location)
        if found is not None:
            return found
        with self.change():
            kept = self.state.put("level", f"{item}:{location}", {
                "item": item, "location": location, "available": available, "committed": 0, "updated": self.now,
                "created": self.now,
            })  # fmt: skip
            self._tell_level("connect", kept)
            self._touch_product(item)
        return kept

    def shift(self, item: int, location: int, *, available: int = 0, committed: int = 0) -> None:
        """Change a level by so many; an item that is not counted, or not stocked there, has none to change."""
        found, level = self.item(item), self.level(item, location)
        if found is None or level is None or not found[1]["tracked"]:
            return
        self.set_level(level, available=level["available"] + available, committed=level["committed"] + committed)

    def set_level(self, level: Row, *, available: int, committed: int | None = None) -> Row:
        with self.change():
            changed = level | {"available": available, "updated": self.now}
            changed["committed"] = level["committed"] if committed is None else committed
            kept = self.state.put("level", f"{level['item']}:{level['location']}", changed)
            self.state.count("stock_writes")
            if available != level["available"]:
                self._tell_level("update", kept)
                self._touch_product(level["item"])
        return kept

    def _touch_product(self, item: int) -> None:
        found = self.item(item)
        if found is not None:
            product, variant = found
            product["updated"] = variant["updated"] = self.now
            self.state.put("product", product["id"], product)

    def _tell_level(self, what: str, level: Mapping[str, Any]) -> None:
        payload = {
            "inventory_item_id": level["item"], "location_id": level["location"], "available": level["available"],
            "updated_at": moment(level["updated"]),
            "admin_graphql_api_id": f"{gid('InventoryLevel', level['location'])}?inventory_item_id={level['item']}",
        }  # fmt: skip
        self.tell(f"inventory_levels/{what}", f"{level['item']}:{level['location']}", lambda: payload)
