"""A shop of any platform and a till, as much of them as statuses need: what staff may do, what commands do, and what each
says about itself. Both are connected by the real handlers; nothing is sent over any wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.platforms import PLATFORM
from engine.status import SHOP_PROGRESS

TOTAL = 20
GONE = ("shipped", "out_for_delivery", "delivered", "completed")
"""What a shop shows once the goods have left."""
FINAL = {"cancelled", "returned", "will_not_deliver"}
NEXT_PAYMENT = (("unpaid", "paid"), ("paid", "partly_refunded"), ("partly_refunded", "refunded"))
PARTS_DONE = {"shopify": "completed", "bigcommerce": "shipped", "magento": "completed"}
"""What a platform makes of an order by itself once its last part was shipped."""


@dataclass
class Message:
    """One event on its way to us."""

    id: str
    type: str
    by: str
    data: Mapping[str, Any]
    minute: int
    sequence: int | None = None


@dataclass
class Clock:
    """Counts minutes for both sides."""

    minute: int = 0

    def tick(self) -> int:
        self.minute += 1
        return self.minute


@dataclass
class Shop:
    """One order in a shop. It moves on and never back when we say so; its staff may do as they like until it is final."""

    platform: str
    number: str
    basket: Mapping[str, int]
    fulfilment_type: str
    clock: Clock
    status: str = "awaiting_processing"
    payment: str = "paid"
    shipped: dict[str, str] = field(default_factory=dict)
    parts: int = 1
    refunds: dict[str, str] = field(default_factory=dict)
    outbox: list[Message] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    changed: int = 0

    def staff(self, choice: int) -> bool:
        """Something staff or the customer do. False when it is not possible as the order stands."""
        if self.status in FINAL or self.payment == "cancelled":
            return False
        moves = [("status", status) for status in PLATFORM[self.platform].shows if status != self.status]
        moves += [("payment", after) for before, after in NEXT_PAYMENT if before == self.payment]
        if self.platform == "lightspeed_ecom":
            moves.append(("payment", "cancelled"))
        what, value = moves[choice % len(moves)]
        return self._become(**{what: value})

    def becomes(self, status: str) -> bool:
        """Staff give the order another status."""
        return self._become(status=status)

    def reopen(self) -> bool:
        """Staff take back that the order is done."""
        return self._become(status="awaiting_processing")

    def money_moves(self) -> bool:
        """The customer pays; after that staff give a part back, and then the rest."""
        return self._become(payment=dict(NEXT_PAYMENT)[self.payment])

    def carry_out(self, operation: str, payload: Mapping[str, Any]) -> None:
        """What an adapter does: read first, write only what leads on."""
        platform = PLATFORM[self.platform]
        self.told.append((operation, str(payload.get("shop_status") or payload.get("payment_status") or "")))
        if operation == "set_order_status":
            if wanted := payload.get("shop_status"):
                assert platform.can("set shop status", wanted), f"{self.platform} was told {wanted}"
                if self.takes(wanted):
                    self._become(status=wanted)
            if wanted := payload.get("payment_status"):
                assert platform.can("set shop payment", wanted), f"{self.platform} was told payment {wanted}"
                self._become(payment=wanted)
        elif operation == "ship_fulfilment":
            assert platform.can("ship fulfilment"), f"{self.platform} was told to ship a part"
            self._ship(payload["fulfilment"]["id"])
        elif operation == "refund_order":
            assert platform.can("refund in shop"), f"{self.platform} was told of a refund"
            self._refund(payload["reference"], payload["amount"])
        else:
            assert operation == "assign_fulfilments" and platform.can("assign outlets in shop"), operation
            self.parts = len(payload["fulfilments"])

    def takes(self, wanted: str) -> bool:
        """Whether a status leads on from what the order shows: adapters never move an order back."""
        if self.status in FINAL or wanted == self.status:
            return False
        if wanted in FINAL:
            return self.status not in GONE
        if self.status in ("custom", "on_hold", "partly_shipped"):  # they say nothing of how far the order is
            return wanted in GONE or self.status != "partly_shipped"
        return SHOP_PROGRESS[wanted] > SHOP_PROGRESS[self.status] or (self.status, wanted) == ("awaiting_shipment", "ready_for_pickup")

    def _ship(self, fulfilment: str) -> None:
        if self.status in FINAL or self.status in GONE or fulfilment in self.shipped:
            return
        self.shipped[fulfilment] = ""
        done = len(self.shipped) >= self.parts
        self._become(status=PARTS_DONE[self.platform] if done else "partly_shipped")

    def _refund(self, reference: str, amount: str) -> None:
        if reference not in self.refunds and self.payment in ("paid", "partly_refunded"):
            self.refunds[reference] = amount
            whole = sum(int(float(each)) for each in self.refunds.values()) >= TOTAL
            self._become(payment="refunded" if whole else "partly_refunded")

    def _become(self, **values: str) -> bool:
        if all(getattr(self, name) == value for name, value in values.items()):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        self.changed = self.clock.tick()
        self.outbox.append(self.message())
        return True

    def message(self, again: str = "") -> Message:
        """The order as it stands, as a webhook and the read after it bring it. Polling brings the same once more."""
        shown = {"status": self.status, "payment": self.payment}
        return Message(f"{self.number}:shop:{self.changed}{again}", "order.updated", "shop", {"order": shown}, self.changed)


@dataclass
class Till:
    """One sale on the till: each outlet's part gets further and never back."""

    number: str
    clock: Clock
    parts: dict[str, str] = field(default_factory=dict)
    paid: bool = False
    refunded: bool = False
    voided: bool = False
    outbox: list[Message] = field(default_factory=list)
    _events: int = 0

    def staff(self, choice: int) -> bool:
        """Something staff do at the counter."""
        if self.voided or not self.parts:
            return False
        moves = [(outlet, status) for outlet, now in self.parts.items() for status in _FAR if _FAR[status] > _FAR[now]]
        moves = [move for move in moves if self.paid or move[1] != "completed"]
        if not self.paid:
            moves += [("pay", "sell_screen"), ("pay", "sales_history")]
        elif all(status == "completed" for status in self.parts.values()):
            moves += [] if self.refunded else [("refund", "5"), ("refund", str(TOTAL))]
        if not any(status == "completed" for status in self.parts.values()):
            moves.append(("void", ""))
        if not moves:
            return False
        what, value = moves[choice % len(moves)]
        if what == "pay":
            self.pay(value)
        elif what == "refund":
            self.refunded = True
            self._say("payment.refunded", {"amount": value, "currency": "EUR", "method": "Cash", "screen": "sell_screen"})
        elif what == "void":
            self.void()
        else:
            self._move(what, value)
        return True

    def carry_out(self, operation: str, payload: Mapping[str, Any]) -> None:
        """What an adapter does."""
        if operation == "place_sale":
            self.parts = {line["outlet"]: "new" for line in payload["lines"]}
            self.paid = sum(int(float(payment["amount"])) for payment in payload["payments"]) >= TOTAL
            self._say("sale.placed", {"sale_id": f"sale-{self.number}"})
            for outlet in self.parts:
                self._report(outlet)
        elif operation == "void_sale":
            if not self.voided:
                self.voided = True
                self._say("order.cancelled", {"reason": "voided"})
        elif self.voided:
            return
        elif operation == "add_payment":
            self.paid = True
        else:
            wanted = {"complete_fulfilments": "completed", "pack_fulfilments": "packed"}[operation]
            assert wanted != "completed" or self.paid, "the till does not complete what is not paid"
            for outlet, status in self.parts.items():
                if _FAR[wanted] > _FAR[status]:
                    self._move(outlet, wanted)

    def pay(self, screen: str) -> None:
        """The customer pays at the counter."""
        self.paid = True
        self._say("payment.received", {"amount": str(TOTAL), "currency": "EUR", "method": "Cash", "screen": screen})

    def void(self) -> None:
        """Staff void the sale."""
        self.voided = True
        self._say("order.cancelled", {"reason": "voided at the till"})

    def complete(self) -> None:
        """Every outlet sends its part."""
        for outlet in self.parts:
            self._move(outlet, "completed")

    def _move(self, outlet: str, status: str) -> None:
        self.parts[outlet] = status
        self._report(outlet)

    def _report(self, outlet: str) -> None:
        self._say("fulfilment.status_changed", {"outlet": outlet, "fulfilment": f"{self.number}-{outlet}", "status": self.parts[outlet]})

    def _say(self, type_: str, data: Mapping[str, Any]) -> None:
        self._events += 1
        minute = self.clock.tick()
        self.outbox.append(
            Message(f"{self.number}:till:{self._events}", type_, "till", {"order": {"number": self.number}, **data}, minute, self._events)
        )


_FAR = {"new": 0, "in_progress": 1, "packed": 2, "completed": 3}
