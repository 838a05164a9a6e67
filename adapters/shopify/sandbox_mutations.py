"""The root of the sandbox's mutations: who may do what, idempotency keys, and user errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from graphql import GraphQLDirective, GraphQLError
from graphql.execution.values import get_directive_values

from adapters.sandbox import to_json
from adapters.shopify.sandbox_articles import Node
from adapters.shopify.sandbox_book import Row, ShopError, gid, moment, number_of
from adapters.shopify.sandbox_fulfilling import Portion
from adapters.shopify.sandbox_queries import Queries
from adapters.shopify.sandbox_stocking import Stocking

FULFIL = "write_merchant_managed_fulfillment_orders"
SCOPES: Mapping[str, str] = {
    "fulfillmentCancel": FULFIL, "fulfillmentCreate": FULFIL, "fulfillmentTrackingInfoUpdate": FULFIL,
    "fulfillmentEventCreate": "write_fulfillments", "fulfillmentOrderHold": FULFIL, "fulfillmentOrderMove": FULFIL,
    "fulfillmentOrderLineItemsPreparedForPickup": FULFIL, "fulfillmentOrderOpen": FULFIL,
    "fulfillmentOrderReleaseHold": FULFIL, "fulfillmentOrderReportProgress": FULFIL, "fulfillmentOrderSplit": FULFIL,
    "inventoryActivate": "write_inventory", "inventorySetQuantities": "write_inventory", "orderCancel": "write_orders",
    "orderClose": "write_orders", "orderMarkAsPaid": "write_orders", "orderOpen": "write_orders",
    "orderUpdate": "write_orders", "refundCreate": "write_orders", "tagsAdd": "write_orders",
    "webhookSubscriptionCreate": "", "webhookSubscriptionDelete": "", "webhookSubscriptionUpdate": "",
}  # fmt: skip
"""The scope each mutation needs."""

KEYED = ("inventoryActivate", "inventorySetQuantities", "refundCreate")
"""Mutations that must carry an idempotency key since version 2026-04."""

_TOPIC_SCOPES = {
    "ORDERS": "read_orders", "ORDER": "read_orders", "REFUNDS": "read_orders", "FULFILLMENTS": "read_fulfillments",
    "FULFILLMENT": "read_merchant_managed_fulfillment_orders", "INVENTORY": "read_inventory", "LOCATIONS": "read_locations",
    "PRODUCTS": "read_products",
}  # fmt: skip


class Mutations(Stocking, Queries):
    """`changes()` is what the executor of a mutation starts from."""

    version = "2026-07"
    directive: GraphQLDirective

    def changes(self) -> Node:
        return {name: partial(self._carry_out, name) for name in SCOPES}

    def _carry_out(self, name: str, info: Any, **args: Any) -> Node:
        scope = SCOPES[name]
        if scope:
            self.demand(name, scope)
        do: Callable[..., Node] = getattr(self, f"m_{name}")
        errors = "orderCancelUserErrors" if name == "orderCancel" else "userErrors"
        key = self._key(info)
        if key is None and name in KEYED and self.version >= "2026-04":
            raise GraphQLError(
                "The @idempotent directive is required for this mutation but was not provided.",
                extensions={"code": "BAD_REQUEST"},
            )
        try:
            with self.shop.change():
                return self._once(name, key, args, do) if key else {errors: [], **do(**args)}
        except ShopError as problem:
            if key:
                self.shop.state.put("idempotency", f"{name}:{key}", {"print": to_json(args), "failed": True})
            return {errors: [{"field": problem.field, "message": problem.message, "code": problem.code}]}

    def _key(self, info: Any) -> str | None:
        values = get_directive_values(self.directive, info.field_nodes[0], info.variable_values)
        return str(values["key"]) if values else None

    def _once(self, name: str, key: str, args: Mapping[str, Any], do: Callable[..., Node]) -> Node:
        """Carry out once per key; the same again gets the first answer, made anew from what it did."""
        kept = self.shop.state.get("idempotency", f"{name}:{key}")
        if kept is not None:
            if kept["print"] != to_json(args):
                return _spent(name, "The same idempotency key was used with other parameters.", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
            if kept["failed"]:
                return _spent(name, "The previous attempt with this key failed.", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
            return {"userErrors": [], **getattr(self, f"show_{name}")(json.loads(kept["did"], parse_float=Decimal))}
        did = do(**args)
        self.shop.state.put("idempotency", f"{name}:{key}", {"print": to_json(args), "failed": False, "did": to_json(did)})
        return {"userErrors": [], **getattr(self, f"show_{name}")(did)}

    # Fulfilment orders

    def m_fulfillmentOrderMove(self, id: str, newLocationId: str, fulfillmentOrderLineItems: Any = None) -> Node:  # noqa: N802, N803
        number = number_of("FulfillmentOrder", id)
        original, moved = self.shop.move(number, number_of("Location", newLocationId), _portion(fulfillmentOrderLineItems))
        return {"movedFulfillmentOrder": self._part(moved), "originalFulfillmentOrder": self._part(original),
                "remainingFulfillmentOrder": None if original is moved else self._part(original)}  # fmt: skip

    def m_fulfillmentOrderSplit(self, fulfillmentOrderSplits: Sequence[Mapping[str, Any]]) -> Node:  # noqa: N802, N803
        found = []
        for each in fulfillmentOrderSplits:
            number = number_of("FulfillmentOrder", each["fulfillmentOrderId"])
            original, new = self.shop.split(number, _portion(each["fulfillmentOrderLineItems"]) or ())
            found.append({"fulfillmentOrder": self._part(original), "remainingFulfillmentOrder": self._part(new),
                          "replacementFulfillmentOrder": None})  # fmt: skip
        return {"fulfillmentOrderSplits": found}

    def m_fulfillmentOrderHold(self, id: str, fulfillmentHold: Mapping[str, Any]) -> Node:  # noqa: N802, N803
        part, hold = self.shop.hold(
            number_of("FulfillmentOrder", id), reason=fulfillmentHold["reason"], notes=fulfillmentHold.get("reasonNotes"),
            handle=fulfillmentHold.get("handle") or "",
        )  # fmt: skip
        return {"fulfillmentHold": self.hold(hold), "fulfillmentOrder": self._part(part), "remainingFulfillmentOrder": None}

    def m_fulfillmentOrderReleaseHold(self, id: str, holdIds: Any = None, externalId: Any = None) -> Node:  # noqa: N802, N803
        holds = None if holdIds is None else [number_of("FulfillmentHold", each) for each in holdIds]
        return {"fulfillmentOrder": self._part(self.shop.release(number_of("FulfillmentOrder", id), holds))}

    def m_fulfillmentOrderReportProgress(self, id: str, progressReport: Any = None) -> Node:  # noqa: N802, N803
        return {"fulfillmentOrder": self._part(self.shop.report_progress(number_of("FulfillmentOrder", id)))}

    def m_fulfillmentOrderOpen(self, id: str) -> Node:  # noqa: N802 - the API's own name
        return {"fulfillmentOrder": self._part(self.shop.reopen(number_of("FulfillmentOrder", id)))}

    def m_fulfillmentOrderLineItemsPreparedForPickup(self, input: Mapping[str, Any]) -> Node:  # noqa: N802
        rows = input["lineItemsByFulfillmentOrder"]
        self.shop.prepare([number_of("FulfillmentOrder", each["fulfillmentOrderId"]) for each in rows])
        return {}

    def _part(self, part: Row) -> Node:
        return self.part(*self.shop.part_of(part["id"]))

    # Fulfilments

    def m_fulfillmentCreate(self, fulfillment: Mapping[str, Any], message: str | None = None) -> Node:  # noqa: N802
        parts = [
            (number_of("FulfillmentOrder", each["fulfillmentOrderId"]), _portion(each.get("fulfillmentOrderLineItems")))
            for each in fulfillment["lineItemsByFulfillmentOrder"]
        ]
        notify = bool(fulfillment.get("notifyCustomer"))
        return self._fulfilled(self.shop.fulfil(parts, fulfillment.get("trackingInfo"), notify=notify))

    def m_fulfillmentTrackingInfoUpdate(  # noqa: N802
        self, fulfillmentId: str, trackingInfoInput: Mapping[str, Any], notifyCustomer: bool | None = None  # noqa: N803
    ) -> Node:
        number = number_of("Fulfillment", fulfillmentId)
        return self._fulfilled(self.shop.track(number, trackingInfoInput, notify=bool(notifyCustomer)))

    def m_fulfillmentCancel(self, id: str) -> Node:  # noqa: N802 - the API's own name
        return self._fulfilled(self.shop.undo(number_of("Fulfillment", id)))

    def m_fulfillmentEventCreate(self, fulfillmentEvent: Mapping[str, Any]) -> Node:  # noqa: N802, N803
        did = self.shop.happen(number_of("Fulfillment", fulfillmentEvent["fulfillmentId"]), fulfillmentEvent["status"])
        return {"fulfillmentEvent": {
            "__typename": "FulfillmentEvent", "id": gid("FulfillmentEvent", did["id"]), "status": did["status"],
            "createdAt": moment(did["at"]), "happenedAt": moment(did["at"]),
        }}  # fmt: skip

    def _fulfilled(self, found: Row) -> Node:
        return {"fulfillment": self.fulfilment(*self.shop.fulfilment_of(found["id"]))}

    # Orders

    def m_orderCancel(  # noqa: N802
        self, orderId: str, reason: str, restock: bool, refundMethod: Any = None, notifyCustomer: Any = None,  # noqa: N803
        staffNote: Any = None,  # noqa: N803
    ) -> Node:  # fmt: skip
        order = self.shop.order(number_of("Order", orderId))
        if order["cancelled"]:
            raise ShopError("Order has already been cancelled.", code="INVALID", field=["orderId"])
        if any(each["status"] == "SUCCESS" and each["method"] != "NONE" for each in order["fulfilments"]):
            raise ShopError("Cannot cancel an order with outstanding fulfillments.", code="INVALID", field=["orderId"])
        number = self.shop.new_id("job", 1)
        job: Row = {
            "id": number, "ran": False, "done_at": self.shop.state.now() + float(self.shop.state.setting("job_seconds", 0)),
            "cancel": {"order_id": order["id"], "reason": reason, "restock": restock, "notify": bool(notifyCustomer),
                       "pay_back": bool((refundMethod or {}).get("originalPaymentMethodsRefund"))},
        }  # fmt: skip
        self.shop.state.put("job", number, job)
        if job["done_at"] <= self.shop.state.now():
            self._finish(job)
        return {"job": {"__typename": "Job", "id": gid("Job", number), "done": False}}

    def m_orderMarkAsPaid(self, input: Mapping[str, Any]) -> Node:  # noqa: N802 - the API's own name
        return self._order(self.shop.pay(number_of("Order", input["id"])))

    def m_orderOpen(self, input: Mapping[str, Any]) -> Node:  # noqa: N802 - the API's own name
        return self._order(self.shop.update(number_of("Order", input["id"]), closed=None))

    def m_orderClose(self, input: Mapping[str, Any]) -> Node:  # noqa: N802 - the API's own name
        return self._order(self.shop.update(number_of("Order", input["id"]), closed=self.shop.now))

    def m_orderUpdate(self, input: Mapping[str, Any]) -> Node:  # noqa: N802 - the API's own name
        fields = {name: input[name] for name in ("note", "tags") if name in input}
        return self._order(self.shop.update(number_of("Order", input["id"]), **fields))

    def m_tagsAdd(self, id: str, tags: Sequence[str]) -> Node:  # noqa: N802 - the API's own name
        order = self.shop.order(number_of("Order", id))
        return {"node": self.order(self.shop.update(order["id"], tags=sorted({*order["tags"], *tags})))}

    def _order(self, order: Row) -> Node:
        return {"order": self.order(order)}

    def m_refundCreate(self, input: Mapping[str, Any]) -> Row:  # noqa: N802 - the API's own name
        order_id = number_of("Order", input["orderId"])
        lines = [
            (number_of("LineItem", each["lineItemId"]), each["quantity"], each.get("restockType") or "NO_RESTOCK",
             number_of("Location", each["locationId"]) if each.get("locationId") else None)
            for each in input.get("refundLineItems") or ()
        ]  # fmt: skip
        payments = [
            (_amount(each["amount"]), each["gateway"],
             number_of("OrderTransaction", each["parentId"]) if each.get("parentId") else None)
            for each in input.get("transactions") or () if each["kind"] == "REFUND"
        ]  # fmt: skip
        shipping = _amount((input.get("shipping") or {}).get("amount") or "0")
        refund = self.shop.refund(
            order_id, lines=lines, payments=payments, shipping=shipping, note=input.get("note"),
            over=bool(input.get("allowOverRefunding")),
        )  # fmt: skip
        return {"order": order_id, "refund": refund["id"]}

    def show_refundCreate(self, did: Row) -> Node:  # noqa: N802 - the API's own name
        order = self.shop.order(did["order"])
        refund = next(each for each in order["refunds"] if each["id"] == did["refund"])
        return {"order": self.order(order), "refund": self.refund(order, refund)}

    # Webhooks

    def m_webhookSubscriptionCreate(self, topic: str, webhookSubscription: Mapping[str, Any]) -> Node:  # noqa: N802, N803
        family = topic.partition("_")[0]
        if family in _TOPIC_SCOPES and not self.allows(_TOPIC_SCOPES[family]):
            raise ShopError("You do not have permission to create or update webhooks with this topic.", field=["topic"])
        uri = self._uri(webhookSubscription)
        if any(each["topic"] == topic and each["uri"] == uri for each in self.shop.state.all("subscription")):
            raise ShopError("Address for this topic has already been taken", field=["webhookSubscription", "uri"])
        number = self.shop.new_id("subscription", 1011)
        row = {"id": number, "topic": topic, "uri": uri, "created": self.shop.now} | self._wanted(webhookSubscription, {})
        return {"webhookSubscription": self.subscription(self.shop.state.put("subscription", number, row))}

    def m_webhookSubscriptionUpdate(self, id: str, webhookSubscription: Mapping[str, Any]) -> Node:  # noqa: N802, N803
        row = self._subscription(id)
        row |= {"uri": self._uri(webhookSubscription, row["uri"])} | self._wanted(webhookSubscription, row)
        return {"webhookSubscription": self.subscription(self.shop.state.put("subscription", row["id"], row))}

    def m_webhookSubscriptionDelete(self, id: str) -> Node:  # noqa: N802 - the API's own name
        row = self._subscription(id)
        self.shop.state.delete("subscription", row["id"])
        return {"deletedWebhookSubscriptionId": id}

    def _wanted(self, given: Mapping[str, Any], known: Mapping[str, Any]) -> Row:
        return {
            "format": given.get("format") or known.get("format") or "JSON", "filter": given.get("filter", known.get("filter")),
            "include_fields": given.get("includeFields", known.get("include_fields")) or [],
            "name": given.get("name", known.get("name")), "updated": self.shop.now,
        }  # fmt: skip

    def _uri(self, given: Mapping[str, Any], known: str = "") -> str:
        uri = str(given.get("uri") or given.get("callbackUrl") or known)
        schemes = ("https://", "pubsub://") + (() if self.shop.box.switch("https_webhooks_only") else ("http://",))
        if not uri.startswith(schemes):
            raise ShopError("Address protocol http:// is not supported", field=["webhookSubscription", "uri"])
        return uri

    def _subscription(self, id: str) -> Row:
        found = self.shop.state.get("subscription", number_of("WebhookSubscription", id))
        if found is None:
            raise ShopError("Webhook subscription does not exist", field=["id"])
        return found


def _portion(given: Sequence[Mapping[str, Any]] | None) -> Portion | None:
    if given is None:
        return None
    return [(number_of("FulfillmentOrderLineItem", each["id"]), each["quantity"]) for each in given]


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ShopError("Amount is not valid.", field=["transactions"])
    return amount


def _spent(name: str, words: str, code: str) -> Node:
    """A key that cannot be used again: a user error where the mutation's errors have that code, else an error of GraphQL."""
    if name == "inventorySetQuantities":
        return {"userErrors": [{"field": None, "message": words, "code": code}]}
    raise GraphQLError(words, extensions={"code": code})
