"""Fulfilment orders and fulfilments of the sandbox shop: made by routing, moved, split, held, and sent.

Rules as the vendor's schema documents them (FulfillmentOrder and its mutations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.shopify import sandbox_payloads as payloads
from adapters.shopify.sandbox_book import OPEN_STATES, Order, Row, ShopError, current, fulfilled, unfulfilled
from adapters.shopify.sandbox_stock import Stock

MOST_HOLDS = 10
_NOT_FOUND = "Fulfillment order does not exist."

Portion = Sequence[tuple[int, int]]
"""(id of a fulfilment order's line, units)."""


class Fulfilling(Stock):
    """What happens to fulfilment orders. Codes in errors are those of the mutation that does it."""

    def part_of(self, fo_id: int, code: str | None = "FULFILLMENT_ORDER_NOT_FOUND") -> tuple[Order, Row]:
        """A fulfilment order with its order. Raises ShopError when there is none."""
        order = self.order_of("fo", fo_id, _NOT_FOUND, code)
        return order, next(each for each in order["fulfilment_orders"] if each["id"] == fo_id)

    # Routing

    def route_due(self, order: Order) -> Order:
        """The order with its fulfilment orders, once the shop's background work has got to it."""
        if order["route_at"] is None or order["route_at"] > self.state.now():
            return order
        with self.change():
            order = self.order(order["id"])
            if order["route_at"] is not None:
                self.route(order)
                order = self.save(order)
        return order

    def route(self, order: Order) -> None:
        """Make the fulfilment orders: what is collected at its location, what is sent where all of it is in stock, else
        split by what each location has."""
        order["route_at"] = None
        shipped = [(line, current(order, line)) for line in order["lines"] if line["requires_shipping"]]
        rest = [(line, current(order, line)) for line in order["lines"] if not line["requires_shipping"]]
        if order["method"] in ("PICK_UP", "LOCAL") and order["pickup_location"]:
            self._make(order, order["pickup_location"], order["method"], shipped)
        else:
            for location, lines in self._spread(shipped).items():
                self._make(order, location, order["method"], lines)
        self._make(order, self.locations()[0]["id"], "NONE", rest)

    def _spread(self, lines: Sequence[tuple[Row, int]]) -> dict[int, list[tuple[Row, int]]]:
        """Which location sends what: one for all if there is one, else as much as each has, the rest at the first."""
        places = [each["id"] for each in self.locations() if each["active"] and each["ships"]]
        for place in places:
            if all(self._has(line, place) >= units for line, units in lines):
                return {place: list(lines)}
        found: dict[int, list[tuple[Row, int]]] = {}
        for line, units in lines:
            left = units
            for place in places:
                take = min(left, max(self._has(line, place), 0))
                if take:
                    found.setdefault(place, []).append((line, take))
                    left -= take
            if left:
                found.setdefault(places[0], []).append((line, left))
        return found

    def _has(self, line: Row, location: int) -> int:
        variant = self.variant(line["variant"])
        if variant is None or not variant[1]["tracked"]:
            return 1_000_000
        level = self.level(line["item"], location)
        return level["available"] if level else 0

    def _make(self, order: Order, location: int, method: str, lines: Iterable[tuple[Row, int]]) -> Row | None:
        rows = [self._row(line["id"], line["item"], units) for line, units in lines if units]
        if not rows:
            return None
        for row in rows:
            self.shift(row["item"], location, available=-row["remaining"], committed=row["remaining"])
        return self._new_part(order, location, method, rows)

    def _new_part(self, order: Order, location: int, method: str, rows: list[Row]) -> Row:
        part: Row = {
            "id": self.new_id("fulfilment_order", 7801), "status": "OPEN", "request_status": "UNSUBMITTED",
            "location": location, "method": method, "holds": [], "lines": rows, "created": self.now, "updated": self.now,
            "progress": False, "prepared": False, "replaced": False,
        }  # fmt: skip
        order["fulfilment_orders"].append(part)
        self.state.put("fo", part["id"], {"order": order["id"]})
        self._tell("fulfillment_orders/order_routing_complete", part, {"fulfillment_order": payloads.brief(part)})
        return part

    def _row(self, line: int, item: int | None, units: int) -> Row:
        return {"id": self.new_id("fo_line", 7901), "line": line, "item": item, "total": units, "remaining": units}

    # Moving and splitting

    def move(self, fo_id: int, target: int, wanted: Portion | None = None) -> tuple[Row, Row]:
        """Assign a fulfilment order, or a part of it, to another location. Gives the original and the moved one."""
        with self.change():
            order, part = self.part_of(fo_id, None)
            place = self.location(target)
            self._movable(part, place)
            portion = self._portion(part, wanted)
            for row, _ in portion:
                if row["item"] is not None and self.level(row["item"], target) is None:
                    raise ShopError(f"The item is not stocked at {place['name']}.", field=["newLocationId"])
            source = part["location"]
            for row, units in portion:
                self.shift(row["item"], source, available=units, committed=-units)
                self.shift(row["item"], target, available=-units, committed=units)
            moved = self._reassign(order, part, target, portion)
            asked = [(row["id"], units) for row, units in portion]
            self._tell("fulfillment_orders/moved", part, payloads.moved_payload(part, moved, source, target, asked))
            self.save(order)
        return part, moved

    def _movable(self, part: Row, place: Row) -> None:
        if part["status"] not in OPEN_STATES:
            raise ShopError("The fulfillment order is closed and cannot be moved.", field=["id"])
        if part["status"] == "ON_HOLD" and not self.box.switch("held_may_move"):
            raise ShopError("The fulfillment order is on hold and cannot be moved.", field=["id"])
        if part["progress"] and part["status"] == "IN_PROGRESS":
            raise ShopError(
                "Cannot move a fulfillment order that has had progress reported.",
                code="CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS", field=["id"],
            )  # fmt: skip
        if part["request_status"] in ("SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED"):
            raise ShopError("The fulfillment order is with a fulfillment service.", field=["id"])
        if not place["active"]:
            raise ShopError(f"{place['name']} is not active.", field=["newLocationId"])
        if place["id"] == part["location"]:
            raise ShopError("The fulfillment order is already assigned to that location.", field=["newLocationId"])

    def _portion(self, part: Row, wanted: Portion | None) -> list[tuple[Row, int]]:
        """The lines and units asked for, all that remains when nothing is; checked."""
        if not wanted:
            return [(row, row["remaining"]) for row in part["lines"] if row["remaining"]]
        rows = {row["id"]: row for row in part["lines"]}
        for row_id, units in wanted:
            if row_id not in rows or not 0 < units <= rows[row_id]["remaining"]:
                raise ShopError("Invalid fulfillment order line item quantity requested.", code="INVALID_LINE_ITEM_QUANTITY")
        return [(rows[row_id], units) for row_id, units in wanted]

    def _reassign(self, order: Order, part: Row, target: int, portion: list[tuple[Row, int]]) -> Row:
        other = next(
            (each for each in order["fulfilment_orders"]
             if each["status"] in ("OPEN", "IN_PROGRESS") and each["location"] == target and each["method"] == part["method"]
             and each is not part),
            None,
        )  # fmt: skip
        whole = all(row["remaining"] == row["total"] == units for row, units in portion) and len(portion) == len(part["lines"])
        if whole and other is None:
            part |= {"location": target, "updated": self.now}
            return part
        rows = [self._row(row["line"], row["item"], units) for row, units in portion]
        self._take_out(part, portion)
        if other is not None:
            # One active fulfilment order per location: what was there is made anew together with what came.
            rows = [self._row(row["line"], row["item"], row["remaining"]) for row in other["lines"] if row["remaining"]] + rows
            other |= {"status": "CLOSED", "replaced": True, "updated": self.now}
            for row in other["lines"]:
                row["remaining"] = 0
        return self._new_part(order, target, part["method"], rows)

    def _take_out(self, part: Row, portion: list[tuple[Row, int]]) -> None:
        for row, units in portion:
            row["remaining"] -= units
            row["total"] -= units
        part["lines"] = [row for row in part["lines"] if row["total"]]
        part["updated"] = self.now
        if not any(row["remaining"] for row in part["lines"]):
            part |= {"status": "CLOSED", "replaced": not part["lines"]}

    def split(self, fo_id: int, wanted: Portion) -> tuple[Row, Row]:
        """Take lines out of a fulfilment order into one of their own at the same location: (original, new)."""
        with self.change():
            order, part = self.part_of(fo_id)
            if part["status"] != "OPEN":
                raise ShopError("The fulfillment order cannot be split in its state.", field=["fulfillmentOrderSplits"])
            if not wanted:
                raise ShopError("No line items were provided.", code="NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
            portion = self._portion(part, wanted)
            if sum(units for _, units in portion) >= sum(row["remaining"] for row in part["lines"]):
                raise ShopError("A split must leave something.", code="INVALID_LINE_ITEM_QUANTITY")
            rows = [self._row(row["line"], row["item"], units) for row, units in portion]
            asked = [(row["id"], units) for row, units in portion]
            self._take_out(part, portion)
            new = self._new_part(order, part["location"], part["method"], rows)
            self._tell("fulfillment_orders/split", part, payloads.split_payload(part, new, asked))
            self.save(order)
        return part, new

    # Holds, progress, pickup

    def hold(self, fo_id: int, *, reason: str, notes: str | None, handle: str, ours: bool = True) -> tuple[Row, Row]:
        """Put a fulfilment order on hold. `ours` says that the calling app does it and not somebody else."""
        with self.change():
            order, part = self.part_of(fo_id)
            if part["status"] not in OPEN_STATES:
                raise ShopError("The fulfillment order cannot be held in its state.", code="TAKEN", field=["id"])
            mine = [each for each in part["holds"] if each["ours"] == ours]
            if any(each["handle"] == handle for each in mine):
                raise ShopError("A hold with this handle exists already.", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
            if len(mine) >= MOST_HOLDS:
                raise ShopError("Too many holds.", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
            hold = {"id": self.new_id("hold", 8001), "handle": handle, "reason": reason, "notes": notes, "ours": ours}
            first = not part["holds"]
            part["holds"].append(hold)
            part |= {"status": "ON_HOLD", "progress": False, "updated": self.now}
            for topic in ("fulfillment_holds/added", *(["fulfillment_orders/placed_on_hold"] if first else [])):
                self._tell(topic, part, payloads.hold_payload(topic, part, hold))
            self.save(order)
        return part, hold

    def release(self, fo_id: int, hold_ids: Sequence[int] | None) -> Row:
        """Release these holds, or all of them, those of others too."""
        with self.change():
            order, part = self.part_of(fo_id)
            kept = [each for each in part["holds"] if hold_ids is not None and each["id"] not in hold_ids]
            for hold in part["holds"]:
                if hold not in kept:
                    payload = payloads.hold_payload("fulfillment_holds/released", part, hold)
                    self.tell("fulfillment_holds/released", f"{fo_id}/{hold['id']}", lambda payload=payload: payload)  # type: ignore[misc]
            part["holds"] = kept
            if not kept and part["status"] == "ON_HOLD":
                part |= {"status": "OPEN", "updated": self.now}
                self._tell("fulfillment_orders/hold_released", part, {"fulfillment_order": payloads.brief(part)})
            self.save(order)
        return part

    def report_progress(self, fo_id: int) -> Row:
        with self.change():
            order, part = self.part_of(fo_id)
            if part["method"] not in ("SHIPPING", "LOCAL", "PICKUP_POINT"):
                raise ShopError(
                    "Progress cannot be reported for this delivery method.",
                    code="FULFILLMENT_ORDER_INVALID_DELIVERY_METHOD", field=["id"],
                )  # fmt: skip
            if part["status"] not in ("OPEN", "IN_PROGRESS"):
                raise ShopError(
                    "The fulfillment order is not open.", code="FULFILLMENT_ORDER_STATUS_INVALID", field=["id"]
                )
            before, topic = part["status"], "fulfillment_orders/progress_reported"
            part |= {"status": "IN_PROGRESS", "progress": True, "updated": self.now}
            self._tell(topic, part, payloads.progress_payload(topic, part, before))
            self.save(order)
        return part

    def reopen(self, fo_id: int) -> Row:
        with self.change():
            order, part = self.part_of(fo_id)
            if part["status"] not in ("SCHEDULED", "IN_PROGRESS"):
                raise ShopError("The fulfillment order cannot be marked as open.", field=["id"])
            topic = "fulfillment_orders/manually_reported_progress_stopped"
            part |= {"status": "OPEN", "progress": False, "updated": self.now}
            self._tell(topic, part, payloads.progress_payload(topic, part, ""))
            self.save(order)
        return part

    def prepare(self, fo_ids: Sequence[int]) -> None:
        """Ready for pickup: all of these fulfilment orders, and the customer is mailed."""
        with self.change():
            for fo_id in fo_ids:
                order, part = self.part_of(fo_id, "FULFILLMENT_ORDER_INVALID")
                if part["method"] != "PICK_UP" or part["status"] not in ("OPEN", "IN_PROGRESS"):
                    raise ShopError("The fulfillment order cannot be prepared for pickup.", code="FULFILLMENT_ORDER_INVALID")
                if part["prepared"]:
                    raise ShopError(
                        "There is nothing left to prepare.", code="NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"
                    )
                part |= {"prepared": True, "updated": self.now}
                if self.box.switch("prepared_is_in_progress"):
                    part["status"] = "IN_PROGRESS"
                self._tell(
                    "fulfillment_orders/line_items_prepared_for_pickup", part, payloads.prepared_payload(part)
                )
                self.mail(order, "ready for pickup")
                self.save(order)

    def _tell(self, topic: str, part: Row, payload: Mapping[str, Any]) -> None:
        self.tell(topic, str(part["id"]), lambda: payload)

    def mail(self, order: Order, about: str) -> None:
        """A mail the customer gets."""
        number = self.state.count("mails_sent")
        self.state.put("mail", number, {"order": order["id"], "about": about, "at": self.now})

    def close_open_parts(self, order: Order, status: str = "CLOSED", *, restock: bool = True) -> None:
        """End what is still open: nothing of it will be sent."""
        for part in order["fulfilment_orders"]:
            if part["status"] not in OPEN_STATES:
                continue
            for row in part["lines"]:
                self.shift(row["item"], part["location"], available=row["remaining"] if restock else 0, committed=-row["remaining"])
                row["remaining"] = 0
            part |= {"status": status, "updated": self.now, "holds": []}

    @staticmethod
    def is_complete(order: Order) -> bool:
        """Whether everything was sent."""
        sent = any(fulfilled(order, line["id"]) for line in order["lines"])
        return sent and not any(unfulfilled(order, line) for line in order["lines"])
