"""The sandbox's orders as objects of the Admin API: with fulfilment orders, fulfilments, refunds and payments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from adapters.shopify import sandbox_money as money
from adapters.shopify.sandbox_articles import Articles, Node
from adapters.shopify.sandbox_book import OPEN_STATES, Row, current, fulfilled, gid, moment, unfulfilled
from adapters.shopify.sandbox_payloads import text
from adapters.shopify.sandbox_search import listed


class Objects(Articles):
    """Orders and what belongs to them."""

    # Orders

    def order(self, order: Row) -> Node:
        order = self.shop.route_due(order)
        number, bag = order["id"], self._bags(order)

        def customer(info: Any) -> Node | None:
            self.demand("customer", "read_customers")
            return self.customer(order["customer"])

        def transactions(info: Any, first: int | None = None) -> list[Node]:
            return [self.transaction(order, each) for each in order["transactions"][:first]]

        return {
            "__typename": "Order", "id": gid("Order", number), "legacyResourceId": str(number), "name": order["name"],
            "number": order["number"] - 1000, "createdAt": moment(order["created"]), "updatedAt": moment(order["updated"]),
            "processedAt": moment(order["created"]), "cancelledAt": moment(order["cancelled"]),
            "cancelReason": order["cancel_reason"], "closed": order["closed"] is not None, "closedAt": moment(order["closed"]),
            "confirmed": True, "test": False, "sourceName": "web", "sourceIdentifier": None, "retailLocation": None,
            "displayFinancialStatus": money.financial_status(order), "returnStatus": "NO_RETURN",
            "displayFulfillmentStatus": money.fulfilment_status(order), "paymentGatewayNames": order["gateways"],
            "currencyCode": order["currency"], "presentmentCurrencyCode": order["presentment"], "taxesIncluded": order["taxes_included"], "email": order["email"],
            "phone": order["phone"], "note": order["note"], "tags": order["tags"], "customAttributes": [], "customer": customer,
            "shippingAddress": self.address(order["shipping_address"], number), "edited": order["edited"],
            "billingAddress": self.address(order["billing_address"], number), "canMarkAsPaid": self.shop.can_be_paid(order),
            "totalPriceSet": bag(money.total(order, now=False)), "originalTotalPriceSet": bag(money.total(order, now=False)),
            "currentTotalPriceSet": bag(money.total(order, now=True)), "totalReceivedSet": bag(money.received(order)),
            "totalRefundedSet": bag(money.paid_back(order)), "totalOutstandingSet": bag(money.outstanding(order)),
            "refundDiscrepancySet": bag(0), "totalTaxSet": bag(money.tax(order, now=False)),
            "currentTotalTaxSet": bag(money.tax(order, now=True)), "totalTipReceivedSet": bag(order["tip"]),
            "totalDiscountsSet": bag(sum((Decimal(each["discount"]) for each in order["lines"]), Decimal(0))),
            "currentTotalDiscountsSet": bag(
                sum((money.line_discount(each, current(order, each)) for each in order["lines"]), Decimal(0))
            ),
            "subtotalPriceSet": bag(sum((money.line_net(each, each["quantity"]) for each in order["lines"]), Decimal(0))),
            "currentSubtotalPriceSet": bag(
                sum((money.line_net(each, current(order, each)) for each in order["lines"]), Decimal(0))
            ),
            "totalShippingPriceSet": bag(sum((Decimal(each["price"]) for each in order["shipping"]), Decimal(0))),
            "currentShippingPriceSet": bag(
                sum((Decimal(each["price"]) for each in order["shipping"]), Decimal(0)) - money.shipping_refunded(order)
            ),
            "fullyPaid": money.outstanding(order) <= 0, "unpaid": money.received(order) == 0,
            "refundable": money.received(order) > money.paid_back(order), "fulfillable": money.fulfilment_status(order) != "FULFILLED",
            "taxLines": [self._tax(order, money.tax(order, now=False), Decimal(21))],
            "shippingLine": lambda info: next((self.shipping(order, each) for each in order["shipping"]), None),
            "shippingLines": listed(order["shipping"], lambda each: self.shipping(order, each)),
            "lineItems": listed(order["lines"], lambda each: self.line(order, each)), "transactions": transactions,
            "fulfillmentOrders": self._fulfilment_orders(order), "suggestedRefund": self._suggested_refund(order),
            "fulfillments": lambda info, first=None: [self.fulfilment(order, each) for each in order["fulfilments"][:first]],
            "refunds": lambda info, first=None: [self.refund(order, each) for each in order["refunds"][:first]],
        }  # fmt: skip

    def _bags(self, order: Row) -> Callable[[Any], Node]:
        currency = order["currency"]

        def bag(amount: Any) -> Node:
            one = {"amount": text(amount), "currencyCode": currency}
            return {"shopMoney": one, "presentmentMoney": one}

        return bag

    def _fulfilment_orders(self, order: Row) -> Callable[..., Node]:
        """The fulfilment orders; a token without the scope gets a shorter list and no error."""
        seen = "read_merchant_managed_fulfillment_orders"
        rows = [each for each in order["fulfilment_orders"] if self.allows(seen)]

        def field(info: Any, displayable: bool = False, query: str | None = None, **args: Any) -> Node:
            shown = [each for each in rows if not (displayable and each["replaced"])]
            return listed(shown, lambda each: self.part(order, each))(info, **args)

        return field

    def line(self, order: Row, line: Row) -> Node:
        bag = self._bags(order)
        left = unfulfilled(order, line)

        def variant(info: Any) -> Node | None:
            found = self.shop.variant(line["variant"])
            return self.variant(*found) if found else None

        def product(info: Any) -> Node | None:
            found = self.shop.state.get("product", line["product"])
            return self.product(found) if found else None

        group = line["group"]
        return {
            "__typename": "LineItem", "id": gid("LineItem", line["id"]), "sku": line["sku"], "title": line["title"],
            "name": line["title"], "variantTitle": line["variant_title"], "quantity": line["quantity"],
            "currentQuantity": current(order, line), "refundableQuantity": current(order, line), "unfulfilledQuantity": left,
            "nonFulfillableQuantity": max(line["quantity"] - left - fulfilled(order, line["id"]), 0), "taxable": True,
            "requiresShipping": line["requires_shipping"], "isGiftCard": line["gift_card"], "vendor": "Sandbox",
            "customAttributes": [], "variant": variant, "product": product,
            "originalUnitPriceSet": bag_exact(line["price"], order["currency"]),
            "originalTotalSet": bag(money.cents(Decimal(line["price"]) * line["quantity"])),
            "discountedTotalSet": bag(money.cents(Decimal(line["price"]) * line["quantity"])), "totalDiscountSet": bag(0),
            "discountAllocations": [{"allocatedAmountSet": bag(line["discount"])}] if line["discount"] else [],
            "taxLines": lambda info, first=None: [
                self._tax(order, money.line_tax(order, line, line["quantity"]), Decimal(line["tax_rate"]))
            ],
            "lineItemGroup": group and {
                "__typename": "LineItemGroup", "id": gid("LineItemGroup", group["id"]), "title": group["title"],
                "quantity": group["quantity"], "variantId": gid("ProductVariant", group["variant"]),
                "productId": gid("Product", group["product"]), "variantSku": group["sku"],
            },
        }  # fmt: skip

    def shipping(self, order: Row, line: Row) -> Node:
        bag, price = self._bags(order), Decimal(line["price"])
        return {
            "id": gid("ShippingLine", line["id"]), "title": line["title"], "code": line["code"], "source": "shopify",
            "carrierIdentifier": None, "custom": False, "deliveryCategory": None, "isRemoved": line["removed"],
            "originalPriceSet": bag(price), "discountedPriceSet": bag(price),
            "currentDiscountedPriceSet": bag(price - money.shipping_refunded(order)),
            "taxLines": [self._tax(order, money.shipping_tax(order, line), Decimal(line["tax_rate"]))],
        }  # fmt: skip

    def _tax(self, order: Row, amount: Decimal, rate: Decimal) -> Node:
        return {
            "title": "NL VAT", "rate": float(rate / 100), "ratePercentage": float(rate), "source": "shopify",
            "channelLiable": False, "priceSet": self._bags(order)(amount),
        }  # fmt: skip

    def transaction(self, order: Row, row: Mapping[str, Any]) -> Node:
        parent = next((each for each in order["transactions"] if each["id"] == row["parent"]), None)
        return {
            "__typename": "OrderTransaction", "id": gid("OrderTransaction", row["id"]), "kind": row["kind"],
            "status": row["status"], "gateway": row["gateway"], "formattedGateway": row["gateway"].replace("_", " ").title(),
            "createdAt": moment(row["created"]), "processedAt": moment(row["created"]), "test": False,
            "manualPaymentGateway": row["gateway"] in ("manual", "Bank Deposit"), "amountSet": self._bags(order)(row["amount"]),
            "parentTransaction": lambda info: self.transaction(order, parent) if parent else None,
        }  # fmt: skip

    def _suggested_refund(self, order: Row) -> Callable[..., Node]:
        """What could be paid back, and through which payments."""

        def field(info: Any, **args: Any) -> Node:
            bag = self._bags(order)
            left = money.received(order) - money.paid_back(order)
            rows = [
                {"gateway": each["gateway"], "formattedGateway": each["gateway"], "kind": "SUGGESTED_REFUND",
                 "amountSet": bag(self._open_amount(order, each)), "maximumRefundableSet": bag(self._open_amount(order, each)),
                 "parentTransaction": self.transaction(order, each)}
                for each in money.payments(order) if self._open_amount(order, each) > 0
            ]  # fmt: skip
            return {"amountSet": bag(left), "maximumRefundableSet": bag(left), "subtotalSet": bag(left), "totalTaxSet": bag(0),
                    "suggestedTransactions": rows}  # fmt: skip

        return field

    @staticmethod
    def _open_amount(order: Row, row: Mapping[str, Any]) -> Decimal:
        back = sum(
            (Decimal(each["amount"]) for each in order["transactions"] if each["kind"] == "REFUND" and each["parent"] == row["id"]),
            Decimal(0),
        )
        return Decimal(row["amount"]) - back

    def refund(self, order: Row, refund: Row) -> Node:
        bag = self._bags(order)
        lines = {line["id"]: line for line in order["lines"]}
        paid = [each for each in order["transactions"] if each["id"] in refund["transactions"]]

        def row(each: Row) -> Node:
            return {
                "id": gid("RefundLineItem", each["id"]), "quantity": each["quantity"], "restockType": each["restock"],
                "restocked": each["restock"] != "NO_RESTOCK", "priceSet": bag(lines[each["line"]]["price"]),
                "subtotalSet": bag(each["subtotal"]), "totalTaxSet": bag(each["tax"]),
                "lineItem": lambda info: self.line(order, lines[each["line"]]),
                "location": lambda info: self.location(each["location"]),
            }  # fmt: skip

        return {
            "__typename": "Refund", "id": gid("Refund", refund["id"]), "legacyResourceId": str(refund["id"]),
            "note": refund["note"], "createdAt": moment(refund["created"]), "updatedAt": moment(refund["created"]),
            "totalRefundedSet": bag(refund["amount"]), "order": lambda info: self.order(order),
            "refundLineItems": listed(refund["lines"], row),
            "transactions": listed(paid, lambda each: self.transaction(order, each)),
        }  # fmt: skip

    # Fulfilment

    def part(self, order: Row, part: Row) -> Node:
        """A fulfilment order."""
        return {
            "__typename": "FulfillmentOrder", "id": gid("FulfillmentOrder", part["id"]), "status": part["status"],
            "requestStatus": part["request_status"], "createdAt": moment(part["created"]), "updatedAt": moment(part["updated"]),
            "orderId": gid("Order", order["id"]), "orderName": order["name"], "order": lambda info: self.order(order),
            "fulfillAt": None, "fulfillBy": None,
            "supportedActions": [{"action": each, "externalUrl": None} for each in actions(part, held_may_move=self.shop.box.switch("held_may_move"))],
            "deliveryMethod": {"__typename": "DeliveryMethod", "id": gid("DeliveryMethod", part["id"]),
                               "methodType": part["method"], "presentedName": order["shipping"][0]["title"],
                               "serviceCode": order["shipping"][0]["code"]},
            "assignedLocation": self._assigned(part["location"]),
            "fulfillmentHolds": [self.hold(each) for each in part["holds"]],
            "lineItems": listed(part["lines"], lambda each: self.part_line(order, each)),
            "fulfillments": listed([each for each in order["fulfilments"] if part["id"] in each["parts"]],
                                   lambda each: self.fulfilment(order, each)),
            "locationsForMove": lambda info, **args: self._moves(part, **args),
        }  # fmt: skip

    def _assigned(self, number: int) -> Node:
        found = self.location(number) or {"name": "Removed", "address": {}}
        address = found["address"]
        return {"name": found["name"], "address1": address.get("address1"), "city": address.get("city"), "phone": None,
                "zip": address.get("zip"), "countryCode": address.get("countryCode") or "NL",
                "location": found if found.get("id") else None}  # fmt: skip

    def _moves(self, part: Row, locationIds: list[str] | None = None, **_: Any) -> Node:  # noqa: N803 - the API's own name
        rows = []
        for place in self.shop.locations():
            if locationIds and gid("Location", place["id"]) not in locationIds:
                continue
            lacking = [row for row in part["lines"] if row["item"] is not None and not self.shop.level(row["item"], place["id"])]
            here = place["id"] == part["location"]
            words = "Current location." if here else f"{len(lacking)} items are not stocked here." if lacking else None
            rows.append({"location": self.location(place["id"]), "movable": not here and not lacking, "message": words})
        return {"nodes": rows, "pageInfo": {"hasNextPage": False, "hasPreviousPage": False}}

    def hold(self, hold: Row) -> Node:
        return {
            "__typename": "FulfillmentHold", "id": gid("FulfillmentHold", hold["id"]), "handle": hold["handle"],
            "reason": hold["reason"], "reasonNotes": hold["notes"], "displayReason": hold["reason"].replace("_", " ").capitalize(),
            "heldByRequestingApp": hold["ours"], "heldByApp": None,
        }  # fmt: skip

    def part_line(self, order: Row, row: Row) -> Node:
        line = next(each for each in order["lines"] if each["id"] == row["line"])
        return {
            "__typename": "FulfillmentOrderLineItem", "id": gid("FulfillmentOrderLineItem", row["id"]), "sku": line["sku"],
            "totalQuantity": row["total"], "remainingQuantity": row["remaining"], "productTitle": line["title"],
            "variantTitle": line["variant_title"], "requiresShipping": line["requires_shipping"],
            "inventoryItemId": gid("InventoryItem", row["item"]) if row["item"] else None,
            "lineItem": lambda info: self.line(order, line),
        }  # fmt: skip

    def fulfilment(self, order: Row, found: Row) -> Node:
        lines = {line["id"]: line for line in order["lines"]}

        def row(each: Row) -> Node:
            return {"__typename": "FulfillmentLineItem", "id": gid("FulfillmentLineItem", each["id"]),
                    "quantity": each["quantity"], "lineItem": lambda info: self.line(order, lines[each["line"]])}  # fmt: skip

        parts = [each for each in order["fulfilment_orders"] if each["id"] in found["parts"]]
        shown = found["event"] or ("CANCELED" if found["status"] == "CANCELLED" else "FULFILLED")
        return {
            "__typename": "Fulfillment", "id": gid("Fulfillment", found["id"]), "legacyResourceId": str(found["id"]),
            "name": found["name"], "status": found["status"], "displayStatus": shown, "createdAt": moment(found["created"]),
            "updatedAt": moment(found["updated"]), "deliveredAt": None, "order": lambda info: self.order(order),
            "totalQuantity": sum(each["quantity"] for each in found["lines"]), "location": self.location(found["location"]),
            "trackingInfo": lambda info, first=None: [dict(each) for each in found["tracking"][:first]],
            "fulfillmentLineItems": listed(found["lines"], row),
            "fulfillmentOrders": listed(parts, lambda each: self.part(order, each)),
        }  # fmt: skip

    # Webhooks

    def subscription(self, row: Row) -> Node:
        return {
            "__typename": "WebhookSubscription", "id": gid("WebhookSubscription", row["id"]), "legacyResourceId": str(row["id"]),
            "topic": row["topic"], "uri": row["uri"], "callbackUrl": row["uri"], "format": row["format"],
            "filter": row["filter"], "includeFields": row["include_fields"], "name": row["name"],
            "createdAt": moment(row["created"]), "updatedAt": moment(row["updated"]),
            "apiVersion": {"handle": "2026-07", "displayName": "2026-07", "supported": True},
        }  # fmt: skip


def bag_exact(amount: Any, currency: str) -> Node:
    """A unit price with all its decimals."""
    value = Decimal(amount)
    shown = text(value) if value == money.cents(value) else f"{value.normalize():f}"
    one = {"amount": shown, "currencyCode": currency}
    return {"shopMoney": one, "presentmentMoney": one}


def actions(part: Row, *, held_may_move: bool = True) -> list[str]:
    """What can be done to a fulfilment order in its state."""
    if part["status"] not in OPEN_STATES:
        return []
    if part["status"] == "ON_HOLD":
        return ["RELEASE_HOLD", "HOLD", *(["MOVE"] if held_may_move else [])]
    if part["status"] == "SCHEDULED":
        return ["MARK_AS_OPEN"]
    found = ["CREATE_FULFILLMENT", "HOLD"]
    if part["method"] in ("SHIPPING", "LOCAL", "PICKUP_POINT"):
        found.append("REPORT_PROGRESS")
    if part["status"] == "IN_PROGRESS":
        return [*found, "MARK_AS_OPEN"]
    units = sum(row["remaining"] for row in part["lines"])
    return [*found, "MOVE", *(["SPLIT"] if units > 1 else [])]
