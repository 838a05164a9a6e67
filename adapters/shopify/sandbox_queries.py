"""The root of the sandbox's queries: who may ask for what, and how it is found."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from adapters.shopify import sandbox_money as money
from adapters.shopify.sandbox_articles import Node
from adapters.shopify.sandbox_book import Entry, Row, ShopError, gid, number_of
from adapters.shopify.sandbox_objects import Objects
from adapters.shopify.sandbox_search import MOST, decode, matches, page, seconds, terms

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
"""Versions the sandbox supports, oldest first."""

INDEX_LAG_SECONDS = 5
_ORDER_KEYS = {"updated_at", "created_at", "processed_at", "name", "email", "id"}
_FROM_INDEX = {"UPDATED_AT": 0, "CREATED_AT": 1, "PROCESSED_AT": 1}
"""Which field of an entry a list is sorted by."""


class Queries(Objects):
    """`root()` is what the executor starts from."""

    def root(self) -> Node:
        names = (
            "currentAppInstallation", "customer", "customerByIdentifier", "customers", "fulfillment", "fulfillmentOrder",
            "inventoryItem", "inventoryItems", "job", "location", "locations", "node", "nodes", "order", "orders",
            "ordersCount", "product", "products", "productVariant", "productVariants", "productVariantsCount",
            "publicApiVersions", "shop", "webhookSubscriptions",
        )  # fmt: skip
        return {name: getattr(self, f"q_{name}") for name in names}

    # The shop and the app

    def q_shop(self, info: Any) -> Node:
        state = self.shop.state
        return {
            "__typename": "Shop", "id": gid("Shop", 1), "name": state.setting("shop_name", "Sandbox shop"),
            "myshopifyDomain": self.shop.domain, "url": f"https://{self.shop.domain}", "email": "shop@example.org",
            "contactEmail": "shop@example.org", "currencyCode": state.setting("currency", "EUR"),
            "ianaTimezone": "Europe/Amsterdam", "taxesIncluded": bool(state.setting("prices_include_tax", True)),
        }  # fmt: skip

    def q_currentAppInstallation(self, info: Any) -> Node:  # noqa: N802 - the API's own name
        return {
            "__typename": "AppInstallation", "id": gid("AppInstallation", 1),
            "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(self.scopes)],
            "app": {"__typename": "App", "id": gid("App", 1), "title": "Wissel", "handle": "wissel"},
        }  # fmt: skip

    def q_publicApiVersions(self, info: Any) -> list[Node]:  # noqa: N802 - the API's own name
        return [{"handle": each, "displayName": each, "supported": True} for each in VERSIONS]

    def q_webhookSubscriptions(self, info: Any, topics: Any = None, uri: str | None = None, **args: Any) -> Node:  # noqa: N802
        rows = [
            each for each in self.shop.state.all("subscription")
            if (not topics or each["topic"] in topics) and (uri is None or each["uri"] == uri)
        ]  # fmt: skip
        return self._page(rows, self.subscription, args, key=lambda each: each["id"])

    def q_job(self, info: Any, id: str) -> Node | None:
        found = self.shop.state.get("job", id.rpartition("/")[2])
        if found is None:
            return None
        done = found["done_at"] <= self.shop.state.now()
        if done and not found["ran"]:
            self._finish(found)
        return {"__typename": "Job", "id": id, "done": done}

    def _finish(self, job: Row) -> None:
        """Do what a background job was asked to do; when it cannot be done the job ends without effect."""
        self.shop.state.put("job", job["id"], job | {"ran": True})
        try:
            self.shop.cancel(**job["cancel"])
        except ShopError:
            self.shop.state.count("jobs_failed")

    # Orders

    def q_order(self, info: Any, id: str) -> Node | None:
        self.demand("order", "read_orders")
        found = self._get("order", "Order", id)
        return self.order(found) if found else None

    def q_orders(self, info: Any, query: str | None = None, sortKey: str = "PROCESSED_AT", **args: Any) -> Node:  # noqa: N803
        self.demand("orders", "read_orders")
        since = self._only_since(query)
        if since is not None and sortKey == "UPDATED_AT" and not args.get("reverse"):
            return self._changed_page(since, args.get("first"), args.get("after"))
        return self._page(
            self._orders(query), lambda pair: self.order(self.shop.order(pair[0])), args,
            key=lambda pair: (pair[1][_FROM_INDEX[sortKey]] if sortKey in _FROM_INDEX else 0, pair[0]),
        )  # fmt: skip

    def _only_since(self, query: str | None) -> float | None:
        """The moment when a query asks for changes from then on and for nothing else. Such lists may be very long."""
        wanted = terms(query)
        if self.shop.box.switch("search_lags") or any((key, op) != ("updated_at", ">=") for key, op, _ in wanted):
            return None
        moments = [seconds(value) for _, _, value in wanted]
        return None if None in moments else max((each for each in moments if each is not None), default=0.0)

    def _changed_page(self, since: float, first: int | None, after: str | None) -> Node:
        """A page of changes, found by halving instead of looking at every order."""
        rows = self.shop.index().by_change()
        start = bisect_left(rows, (math.ceil(since), 0))
        if after is not None:
            start = max(start, bisect_right(rows, tuple(decode(after))))
        # One more than asked for tells whether there is another page.
        chosen = rows[start : start + (first or 0) + 1] if first is None or 0 < first <= MOST else []
        return page(chosen, lambda row: self.order(self.shop.order(row[1])), key=lambda row: row, first=first)

    def q_ordersCount(self, info: Any, query: str | None = None, limit: int | None = None) -> Node:  # noqa: N802
        self.demand("ordersCount", "read_orders")
        since = self._only_since(query)
        if since is not None:
            rows = self.shop.index().by_change()
            return _count(len(rows) - bisect_left(rows, (math.ceil(since), 0)), limit)
        return _count(len(self._orders(query)), limit)

    def _orders(self, query: str | None) -> list[tuple[int, Entry]]:
        """Orders found by the search index, which may lag behind."""
        wanted = terms(query)
        horizon = self.shop.state.now() - INDEX_LAG_SECONDS if self.shop.box.switch("search_lags") else None
        found = []
        for number, entry in list(self.shop.index().items()):
            if horizon is not None and entry.updated > horizon:
                continue
            values: dict[str, Any] = {
                "updated_at": entry.updated, "created_at": entry.created, "processed_at": entry.created, "name": entry.name,
                "email": entry.email, "id": number,
            }  # fmt: skip
            if any(key not in _ORDER_KEYS for key, _, _ in wanted):
                values |= self._order_values(number)
            if matches(wanted, values):
                found.append((number, entry))
        return found

    def _order_values(self, number: int) -> Mapping[str, Any]:
        order = self.shop.order(number)
        closed = "cancelled" if order["cancelled"] else "closed" if order["closed"] else "open"
        shown = money.fulfilment_status(order).lower()
        return {
            "status": [closed, "any", *([] if closed == "cancelled" else ["not_closed"] if closed == "open" else [])],
            "financial_status": money.financial_status(order).lower(), "tag": order["tags"],
            "fulfillment_status": {"fulfilled": "shipped", "partially_fulfilled": "partial"}.get(shown, shown),
            "sku": [line["sku"] for line in order["lines"]],
        }  # fmt: skip

    def q_fulfillmentOrder(self, info: Any, id: str) -> Node | None:  # noqa: N802 - the API's own name
        self.demand("fulfillmentOrder", "read_merchant_managed_fulfillment_orders")
        try:
            return self.part(*self.shop.part_of(number_of("FulfillmentOrder", id)))
        except ShopError:
            return None

    def q_fulfillment(self, info: Any, id: str) -> Node | None:
        self.demand("fulfillment", "read_orders", "read_fulfillments")
        try:
            return self.fulfilment(*self.shop.fulfilment_of(number_of("Fulfillment", id)))
        except ShopError:
            return None

    # Articles, places, customers

    def q_product(self, info: Any, id: str) -> Node | None:
        self.demand("product", "read_products")
        found = self._get("product", "Product", id)
        return self.product(found) if found else None

    def q_products(self, info: Any, query: str | None = None, sortKey: str = "ID", **args: Any) -> Node:  # noqa: N803
        self.demand("products", "read_products")
        rows = [each for each in self.shop.state.all("product") if matches(terms(query), _product_values(each))]
        by = {"UPDATED_AT": "updated", "CREATED_AT": "created", "TITLE": "title"}.get(sortKey)
        return self._page(rows, self.product, args, key=lambda each: (each[by] if by else 0, each["id"]))

    def q_productVariant(self, info: Any, id: str) -> Node | None:  # noqa: N802 - the API's own name
        self.demand("productVariant", "read_products")
        found = self.shop.variant(self._number("ProductVariant", id))
        return self.variant(*found) if found else None

    def q_productVariants(self, info: Any, query: str | None = None, sortKey: str = "ID", **args: Any) -> Node:  # noqa: N802, N803
        self.demand("productVariants", "read_products")
        by = {"SKU": "sku", "TITLE": "title"}.get(sortKey)
        return self._page(
            self._variants(query), lambda pair: self.variant(*pair), args,
            key=lambda pair: (str(pair[1][by] or "") if by else "", pair[1]["id"]),
        )  # fmt: skip

    def q_productVariantsCount(self, info: Any, query: str | None = None, limit: int | None = None) -> Node:  # noqa: N802
        self.demand("productVariantsCount", "read_products")
        return _count(len(self._variants(query)), limit)

    def _variants(self, query: str | None) -> list[tuple[Row, Row]]:
        wanted = terms(query)
        return [
            (product, variant) for product, variant in self.shop.variants()
            if matches(wanted, _product_values(product) | {"sku": variant["sku"] or "", "id": variant["id"],
                                                           "updated_at": variant["updated"]})
        ]  # fmt: skip

    def q_inventoryItem(self, info: Any, id: str) -> Node | None:  # noqa: N802 - the API's own name
        self.demand("inventoryItem", "read_inventory", "read_products")
        number = self._number("InventoryItem", id)
        found = self.shop.item(number) if number is not None else None
        return self.item(*found) if found else None

    def q_inventoryItems(self, info: Any, query: str | None = None, **args: Any) -> Node:  # noqa: N802
        self.demand("inventoryItems", "read_inventory", "read_products")
        return self._page(
            self._variants(query), lambda pair: self.item(*pair), args, key=lambda pair: pair[1]["item"]
        )

    def q_location(self, info: Any, id: str | None = None) -> Node | None:
        self.demand("location", "read_locations")
        return self.location(self._number("Location", id) if id else self.shop.locations()[0]["id"])

    def q_locations(self, info: Any, includeInactive: bool = False, query: str | None = None, **args: Any) -> Node:  # noqa: N803
        self.demand("locations", "read_locations")
        args.pop("sortKey", None)
        rows = [each for each in self.shop.locations() if includeInactive or each["active"]]
        return self._page(rows, lambda each: self.location(each["id"]), args, key=lambda each: (each["name"], each["id"]))

    def q_customer(self, info: Any, id: str) -> Node | None:
        self.demand("customer", "read_customers")
        return self.customer(self._number("Customer", id))

    def q_customerByIdentifier(self, info: Any, identifier: Mapping[str, Any]) -> Node | None:  # noqa: N802
        self.demand("customerByIdentifier", "read_customers")
        if len(identifier) != 1:
            raise GraphQLError("Exactly one identifier must be given.", extensions={"code": "BAD_REQUEST"})
        if identifier.get("id"):
            return self.customer(self._number("Customer", identifier["id"]))
        found = self.shop.state.get("customer_email", str(identifier.get("emailAddress") or "").lower())
        return self.customer(found["id"]) if found else None

    def q_customers(self, info: Any, query: str | None = None, **args: Any) -> Node:
        self.demand("customers", "read_customers")
        args.pop("sortKey", None)
        rows = [each for each in self.shop.state.all("customer") if matches(terms(query), {"email": each["email"]})]
        return self._page(rows, lambda each: self.customer(each["id"]), args, key=lambda each: each["id"])

    # Anything by its global id

    def q_node(self, info: Any, id: str) -> Node | None:
        kind = id.partition("?")[0].split("/")[-2] if id.count("/") >= 4 else ""
        readers = {
            "Order": self.q_order, "Product": self.q_product, "ProductVariant": self.q_productVariant,
            "InventoryItem": self.q_inventoryItem, "Location": self.q_location, "Customer": self.q_customer,
            "FulfillmentOrder": self.q_fulfillmentOrder, "Fulfillment": self.q_fulfillment, "Job": self.q_job,
        }  # fmt: skip
        return readers[kind](info, id) if kind in readers else None

    def q_nodes(self, info: Any, ids: Sequence[str]) -> list[Node | None]:
        return [self.q_node(info, id) for id in ids]

    # How

    def _number(self, kind: str, global_id: str) -> int | None:
        try:
            return number_of(kind, global_id)
        except ShopError:
            raise GraphQLError(f"Invalid global id '{global_id[:60]}'", extensions={"code": "RESOURCE_NOT_FOUND"}) from None

    def _get(self, document: str, kind: str, global_id: str) -> Row | None:
        number = self._number(kind, global_id)
        return self.shop.state.get(document, number) if number is not None else None

    def _page(self, rows: Sequence[Any], make: Any, args: Mapping[str, Any], *, key: Any) -> Node:
        known = {name: args[name] for name in ("first", "after", "reverse") if name in args}
        return page(rows, make, key=key, **{"first": None, **known})


def _product_values(product: Row) -> dict[str, Any]:
    return {"updated_at": product["updated"], "created_at": product["created"], "title": product["title"], "id": product["id"],
            "sku": [each["sku"] or "" for each in product["variants"]]}  # fmt: skip


def _count(found: int, limit: int | None) -> Node:
    cut = limit is not None and found > limit
    return {"count": limit if cut else found, "precision": "AT_LEAST" if cut else "EXACT"}



