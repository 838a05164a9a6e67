"""One call with everything it needs, and the few questions that most operations ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.base import Refused
from adapters.fields import objects, text
from adapters.magento.client import Client, Filter, criteria
from adapters.magento.mapping import PRODUCT_FIELDS, moment
from adapters.work import AnyWork


@dataclass(frozen=True, slots=True)
class Work(AnyWork[Client]):
    """One call with everything it needs."""

    def payload_objects(self, name: str) -> list[Mapping[str, Any]]:
        """The objects in a list of the payload."""
        return objects(self.call.payload, name)

    @property
    def notifies(self) -> bool:
        """Whether the customer is to be mailed."""
        return self.call.payload.get("notify_customer") is True

    def order(self) -> dict[str, Any]:
        """The order the command is about, read now: by the id bound to ours, else by its number. Raises Refused when
        there is none; an order number is no id in Magento."""
        reference = self.call.payload.get("order")
        given = reference if isinstance(reference, Mapping) else {}
        bound = self.memory.external("order", str(given["id"])) if given.get("id") else None
        external_id, number = bound or text(given, "external_id"), text(given, "number")
        if external_id:
            return self.client.order(external_id)
        if not number:
            raise Refused("The command names no order that Magento knows.")
        found, _ = self.client.search("orders", criteria([("increment_id", "eq", number)], size=2, fields="entity_id"))
        if len(found) != 1:
            many = "no order" if not found else "several orders"
            raise Refused(f"The shop has {many} with number {number}: read its orders first, so that the right one is bound.")
        return self.client.order(str(found[0].get("entity_id")))

    def products(self, *groups: Sequence[Filter]) -> list[dict[str, Any]]:
        """The articles a search finds, without paths: a SKU with a slash breaks the signature of a path (#37278)."""
        return self.client.search("products", criteria(*groups, size=300, fields=PRODUCT_FIELDS))[0]

    def product(self, sku: str) -> Mapping[str, Any]:
        """The article with this sku; its id is remembered. Raises Refused when there is none, naming what became of the
        article that had it. A write to an unknown sku would be accepted by many versions (#30274)."""
        found = [each for each in self.products([("sku", "eq", sku)]) if (text(each, "sku") or "").lower() == sku.lower()]
        if found:
            self.bind_product(found[0])
            return found[0]
        remembered = self.memory.external("product", sku)
        renamed = self.products([("entity_id", "eq", remembered)]) if remembered else []
        if renamed:
            raise Refused(
                f"The shop has no article with sku {sku} any more: it is called {text(renamed[0], 'sku')} there. "
                "Use that sku here too, or change it back there."
            )
        raise Refused(f"The shop has no article with sku {sku}: add it there, or correct the sku.")

    def bind_product(self, product: Mapping[str, Any]) -> None:
        """Remember the id of an article by its sku."""
        sku, product_id = text(product, "sku"), text(product, "id")
        if sku and product_id and self.memory.external("product", sku) != product_id:
            self.memory.bind("product", sku, product_id)

    def moment(self, entity: Mapping[str, Any]) -> datetime:
        """When something last changed."""
        return moment(entity, "updated_at")
