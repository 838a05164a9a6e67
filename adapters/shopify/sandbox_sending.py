"""Fulfilments of the sandbox shop: what was sent or handed over, with tracking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.shopify.sandbox_book import Order, Row, ShopError
from adapters.shopify.sandbox_fulfilling import Fulfilling, Portion
from adapters.shopify.sandbox_payloads import fulfilment_payload

Tracking = Mapping[str, Any]
"""As the API's FulfillmentTrackingInput: company, number or numbers, url or urls."""


class Sending(Fulfilling):
    """Fulfilments: made from fulfilment orders of one order, one location and one delivery method."""

    def fulfil(self, parts: Sequence[tuple[int, Portion | None]], tracking: Tracking | None, *, notify: bool) -> Row:
        """Send lines of fulfilment orders; a fulfilment order without lines is sent whole."""
        with self.change():
            if not parts:
                raise ShopError("Line items by fulfillment order can't be blank.", field=["fulfillment"])
            found = [self.part_of(fo_id, None) for fo_id, _ in parts]
            orders = {order["id"] for order, _ in found}
            if len(orders) != 1:
                raise ShopError("All fulfillment orders must belong to the same order.", field=["fulfillment"])
            order = found[0][0]
            chosen = [next(each for each in order["fulfilment_orders"] if each["id"] == part["id"]) for _, part in found]
            self._same(chosen)
            lines: list[Row] = []
            for part, (_, wanted) in zip(chosen, parts, strict=True):
                lines += self._take(part, wanted)
            fulfilment = self._record(order, chosen, lines, tracking)
            whole = self.is_complete(order)
            self._tell_fulfilment("create", order, fulfilment)
            self.save(order, "orders/fulfilled" if whole else "orders/partially_fulfilled")
            if notify:
                self.mail(order, f"sent: {fulfilment['name']}")
        return fulfilment

    @staticmethod
    def _same(parts: Sequence[Row]) -> None:
        if len({part["location"] for part in parts}) != 1:
            raise ShopError("All fulfillment orders must be assigned to a single location.", field=["fulfillment"])
        if len({part["method"] for part in parts}) != 1:
            raise ShopError("All fulfillment orders must have the same delivery method type.", field=["fulfillment"])
        for part in parts:
            if part["status"] not in ("OPEN", "IN_PROGRESS"):
                raise ShopError(
                    f"Fulfillment order {part['id']} has an unfulfillable status= {part['status'].lower()}.",
                    field=["fulfillment"],
                )

    def _take(self, part: Row, wanted: Portion | None) -> list[Row]:
        taken = []
        for row, units in self._portion(part, wanted):
            row["remaining"] -= units
            self.shift(row["item"], part["location"], committed=-units)
            taken.append({"id": self.new_id("fulfilment_line", 9001), "line": row["line"], "quantity": units})
        part["updated"] = self.now
        if not any(row["remaining"] for row in part["lines"]):
            part["status"] = "CLOSED"
        return taken

    def _record(self, order: Order, parts: Sequence[Row], lines: list[Row], tracking: Tracking | None) -> Row:
        number = self.new_id("fulfilment", 5101)
        fulfilment = {
            "id": number, "name": f"{order['name']}-F{len(order['fulfilments']) + 1}", "status": "SUCCESS",
            "location": parts[0]["location"], "method": parts[0]["method"], "parts": [part["id"] for part in parts],
            "lines": lines, "tracking": _rows(tracking), "created": self.now, "updated": self.now, "event": None,
        }  # fmt: skip
        order["fulfilments"].append(fulfilment)
        self.state.put("fulfilment", number, {"order": order["id"]})
        self.state.count("fulfilments_made")
        return fulfilment

    def fulfilment_of(self, number: int) -> tuple[Order, Row]:
        """A fulfilment with its order."""
        order = self.order_of("fulfilment", number, "Fulfillment does not exist.")
        return order, next(each for each in order["fulfilments"] if each["id"] == number)

    def track(self, number: int, tracking: Tracking, *, notify: bool) -> Row:
        """Replace the tracking of a fulfilment."""
        with self.change():
            order, fulfilment = self.fulfilment_of(number)
            if fulfilment["status"] != "SUCCESS":
                raise ShopError("The fulfillment was cancelled.", field=["fulfillmentId"])
            fulfilment |= {"tracking": _rows(tracking), "updated": self.now}
            self._tell_fulfilment("update", order, fulfilment)
            self.save(order)
            if notify:
                self.mail(order, f"tracking: {fulfilment['name']}")
        return fulfilment

    def happen(self, number: int, status: str) -> Row:
        """Something happened to a shipment on its way."""
        with self.change():
            order, fulfilment = self.fulfilment_of(number)
            fulfilment |= {"event": status, "updated": self.now}
            self._tell_fulfilment("update", order, fulfilment)
            self.save(order)
            return {"id": self.new_id("fulfilment_event", 6101), "status": status, "at": self.now}

    def undo(self, number: int) -> Row:
        """Cancel a fulfilment: its units are to be sent again."""
        with self.change():
            order, fulfilment = self.fulfilment_of(number)
            if fulfilment["status"] != "SUCCESS":
                raise ShopError("The fulfillment was cancelled already.", field=["id"])
            fulfilment |= {"status": "CANCELLED", "updated": self.now}
            rows = []
            for row in fulfilment["lines"]:
                line = next(each for each in order["lines"] if each["id"] == row["line"])
                self.shift(line["item"], fulfilment["location"], committed=row["quantity"])
                rows.append(self._row(line["id"], line["item"], row["quantity"]))
            self._new_part(order, fulfilment["location"], fulfilment["method"], rows)
            self._tell_fulfilment("update", order, fulfilment)
            self.save(order)
        return fulfilment

    def _tell_fulfilment(self, what: str, order: Order, fulfilment: Row) -> None:
        order_id, number = order["id"], fulfilment["id"]

        def payload() -> Mapping[str, Any]:
            kept = self.order(order_id)
            return fulfilment_payload(self, kept, next(each for each in kept["fulfilments"] if each["id"] == number))

        self.tell(f"fulfillments/{what}", str(number), payload)


def _rows(tracking: Tracking | None) -> list[Row]:
    """One row per parcel."""
    given = tracking or {}
    numbers = list(given.get("numbers") or ([given["number"]] if given.get("number") else []))
    urls = list(given.get("urls") or ([given["url"]] if given.get("url") else []))
    company = given.get("company")
    if not numbers and not urls:
        return []
    count = max(len(numbers), len(urls))
    numbers += [None] * (count - len(numbers))
    urls += [None] * (count - len(urls))
    return [{"company": company, "number": number, "url": url} for number, url in zip(numbers, urls, strict=True)]
