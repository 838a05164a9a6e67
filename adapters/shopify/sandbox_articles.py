"""The sandbox's customers, locations, articles and stock as objects of the Admin API: dictionaries with the API's field
names; what takes arguments, or is dear, is a function that the executor calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from graphql import GraphQLError

from adapters.shopify.sandbox_book import Row, gid, moment
from adapters.shopify.sandbox_payloads import COUNTRIES, text
from adapters.shopify.sandbox_search import listed
from adapters.shopify.sandbox_shop import Shop

Node = dict[str, Any]


class Articles:
    """Makes objects for one request; `scopes` are those of its token."""

    def __init__(self, shop: Shop, scopes: Collection[str]) -> None:
        self.shop, self.scopes = shop, scopes

    def allows(self, *any_of: str) -> bool:
        """Whether the token has one of these scopes; a write scope includes the read scope."""
        have = set(self.scopes) | {scope.replace("write_", "read_", 1) for scope in self.scopes}
        return bool(have & set(any_of))

    def demand(self, what: str, *any_of: str) -> None:
        """Raises the API's error when the token has none of these scopes."""
        if not self.allows(*any_of):
            raise GraphQLError(
                f"Access denied for {what} field. Required access: `{any_of[0]}` access scope.",
                extensions={"code": "ACCESS_DENIED", "documentation": "https://shopify.dev/api/usage/access-scopes"},
            )

    # Shop, customers, places

    def customer(self, number: int | None) -> Node | None:
        found = self.shop.state.get("customer", number) if number is not None else None
        if found is None:
            return None
        name = " ".join(each for each in (found["first"], found["last"]) if each)
        return {
            "__typename": "Customer", "id": gid("Customer", found["id"]), "legacyResourceId": str(found["id"]),
            "firstName": found["first"], "lastName": found["last"], "displayName": name or found["email"],
            "email": found["email"], "defaultEmailAddress": {"emailAddress": found["email"]},
            "defaultPhoneNumber": {"phoneNumber": found["phone"]} if found["phone"] else None, "defaultAddress": None,
            "createdAt": moment(found["created"]), "updatedAt": moment(found["updated"]), "note": None, "tags": [],
            "numberOfOrders": "1",
        }  # fmt: skip

    def location(self, number: int | None) -> Node | None:
        found = self.shop.state.get("location", number) if number is not None else None
        if found is None:
            return None
        address = {"address1": found["address1"], "city": found["city"], "zip": found["zip"], "countryCode": found["country"],
                   "country": COUNTRIES.get(found["country"], found["country"])}  # fmt: skip
        return {
            "__typename": "Location", "id": gid("Location", found["id"]), "legacyResourceId": str(found["id"]),
            "name": found["name"], "isActive": found["active"], "fulfillsOnlineOrders": True, "shipsInventory": found["ships"],
            "isFulfillmentService": False, "address": address, "createdAt": moment(found["created"]),
            "updatedAt": moment(found["created"]),
            "localPickupSettingsV2": {"instructions": "", "pickupTime": "TWO_HOURS"} if found["pickup"] else None,
        }  # fmt: skip

    def address(self, found: Mapping[str, Any] | None, order: int) -> Node | None:
        if found is None:
            return None
        return {
            "__typename": "MailingAddress", "id": gid("MailingAddress", order), "name": found["name"],
            "firstName": found["first"], "lastName": found["last"], "address1": found["address1"],
            "address2": found["address2"], "zip": found["zip"], "city": found["city"], "phone": found["phone"],
            "countryCodeV2": found["country"] if found["country"] in COUNTRIES else "ZZ", "country": COUNTRIES.get(found["country"], found["country"]),
        }  # fmt: skip

    # Articles

    def product(self, product: Row) -> Node:
        return {
            "__typename": "Product", "id": gid("Product", product["id"]), "legacyResourceId": str(product["id"]),
            "title": product["title"], "handle": product["handle"], "isGiftCard": product["gift_card"],
            "hasOnlyDefaultVariant": len(product["variants"]) == 1 and not product["variants"][0]["title"],
            "createdAt": moment(product["created"]), "updatedAt": moment(product["updated"]), "tags": [], "vendor": "Sandbox",
            "totalInventory": lambda info: sum(self.shop.available(each["item"]) for each in product["variants"]),
            "variants": listed(product["variants"], lambda each: self.variant(product, each)),
        }  # fmt: skip

    def variant(self, product: Row, variant: Row) -> Node:
        title = variant["title"] or "Default Title"
        return {
            "__typename": "ProductVariant", "id": gid("ProductVariant", variant["id"]), "sku": variant["sku"],
            "legacyResourceId": str(variant["id"]), "title": title, "price": text(variant["price"]), "barcode": None,
            "displayName": f"{product['title']} - {title}", "position": product["variants"].index(variant) + 1,
            "createdAt": moment(product["created"]), "updatedAt": moment(variant["updated"]), "taxable": True,
            "availableForSale": lambda info: self.shop.available(variant["item"]) > 0 or not variant["tracked"],
            "inventoryQuantity": lambda info: self.shop.available(variant["item"]),
            "sellableOnlineQuantity": lambda info: self.shop.available(variant["item"]),
            "product": lambda info: self.product(product), "inventoryItem": lambda info: self.item(product, variant),
        }  # fmt: skip

    def item(self, product: Row, variant: Row) -> Node:
        number = variant["item"]

        def level(info: Any, locationId: str, **_: Any) -> Node | None:  # noqa: N803 - the API's own name
            found = self.shop.level(number, int(locationId.rpartition("/")[2]))
            return self.level(found) if found else None

        return {
            "__typename": "InventoryItem", "id": gid("InventoryItem", number), "legacyResourceId": str(number),
            "sku": variant["sku"], "tracked": variant["tracked"], "requiresShipping": variant["requires_shipping"],
            "createdAt": moment(product["created"]), "updatedAt": moment(variant["updated"]), "inventoryLevel": level,
            "inventoryLevels": lambda info, **args: listed(self.shop.levels(number), self.level)(info, **args),
            "variants": listed([variant], lambda each: self.variant(product, each)),
        }  # fmt: skip

    def level(self, level: Row) -> Node:
        number = f"{level['location']}?inventory_item_id={level['item']}"
        values = {"available": level["available"], "committed": level["committed"],
                  "on_hand": level["available"] + level["committed"]}  # fmt: skip

        def quantities(info: Any, names: list[str]) -> list[Node]:
            return [
                {"__typename": "InventoryQuantity", "id": gid("InventoryQuantity", f"{number}&name={name}"), "name": name,
                 "quantity": values.get(name, 0), "updatedAt": moment(level["updated"])}
                for name in names
            ]  # fmt: skip

        def item(info: Any) -> Node | None:
            found = self.shop.item(level["item"])
            return self.item(*found) if found else None

        return {
            "__typename": "InventoryLevel", "id": gid("InventoryLevel", number), "isActive": True, "quantities": quantities,
            "createdAt": moment(level["created"]), "updatedAt": moment(level["updated"]), "item": item,
            "location": lambda info: self.location(level["location"]),
        }  # fmt: skip
