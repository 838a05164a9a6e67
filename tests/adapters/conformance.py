"""What the parts of the conformance suite share: commands repeated as workers repeat them, and checks of what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

import requests

from adapters.base import NewEvent, Result, RetryLater, Throttled
from api.schemas.envelope import load_event
from tests.adapters.rigs.base import Lacks, Rig

PATIENCE = 10.0
"""Seconds until what happens in the background over there must have happened."""

SPOILING = ("429", "500", "drop", "html", "half_json", "empty")
"""Faults that spoil one call at once."""


def secrets_of(credentials: Mapping[str, str]) -> list[str]:
    """Those credentials that must be seen nowhere; names of shops and ids of apps may be."""
    return [
        value
        for name, value in credentials.items()
        if value and any(w in name for w in ("token", "secret", "password"))
    ]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.005)


class Wired(Protocol):
    """What repeating and sabotaging need of a rig, be it of a shop or of a till."""

    http: requests.Session

    def do(self, operation: str, payload: Mapping[str, Any] | None = None, key: str = "k1") -> Result: ...
    def fault(self, kind: str, **options: Any) -> None: ...
    def calm(self) -> None: ...


def insist(rig: Wired, operation: str, payload: Mapping[str, Any], key: str) -> Result:
    """Carry out a command as workers do: again, with the same key, for as long as it may work later."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return rig.do(operation, payload, key=key)
        except (RetryLater, Throttled):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def checked(event: NewEvent) -> Mapping[str, Any]:
    """The event's data as the front door takes it in: adapters may say nothing that others may not."""
    document = {
        "specversion": "1.0", "id": event.id, "source": "shop", "type": event.type, "subject": event.subject,
        "time": event.time.isoformat(), "data": event.data,
    }  # fmt: skip
    return load_event(document).event.data


def adds_up(snapshot: Mapping[str, Any]) -> None:
    """Lines + shipping - discount = total, to the cent."""
    lines = sum((Decimal(line["unit_price"]) * line["quantity"] for line in snapshot["lines"]), Decimal(0))
    assert lines + Decimal(snapshot["shipping_price"]) - Decimal(snapshot["discount"]) == Decimal(snapshot["total"]), (
        snapshot
    )


def is_cancelled(snapshot: Mapping[str, Any]) -> bool:
    return "cancelled" in (snapshot["shop_status"], snapshot["payment_status"])


def cancelled_there(rig: Rig, order: str) -> bool:
    return "cancelled" in (rig.shop_status(order), rig.payment_status(order))


def cancelling(rig: Rig) -> dict[str, str]:
    """How this shop is told that an order is cancelled."""
    for kind in ("shop_status", "payment_status"):
        if "cancelled" in rig.adapter.capabilities.statuses.get(kind, ()):
            return {kind: "cancelled"}
    raise Lacks(f"{rig.adapter.capabilities.title} cannot be told that an order is cancelled")


def is_note(rig: Rig, word: str) -> bool:
    """Whether a status word is shown to staff as a note, with the status itself left alone."""
    return rig.declared().shop_statuses[word].startswith(("a note", "a comment"))


def telling(order: Mapping[str, str], **wanted: Any) -> dict[str, Any]:
    """A payload of set_order_status."""
    return {"order": dict(order), "notify_customer": False, **wanted}


def shipping(
    rig: Rig,
    external: str,
    order: Mapping[str, str],
    id: str,
    outlet: str,
    units: Mapping[str, int],
    tracking: str = "",
    *,
    pickup: bool = False,
) -> dict[str, Any]:
    """A payload of ship_fulfilment: what one outlet sent."""
    parcel = {"number": tracking, "url": f"https://track.example/{tracking}", "carrier": "PostNL"}
    return {
        "order": dict(order), "fulfilment": {"id": id, "outlet": outlet, "pickup": pickup},
        "lines": rig.part(external, **units), "tracking": parcel if tracking else None, "notify_customer": False,
    }  # fmt: skip


def assigning(rig: Rig, external: str, order: Mapping[str, str], **outlets: Mapping[str, int]) -> dict[str, Any]:
    """A payload of assign_fulfilments: `amsterdam={"MUG": 1}`."""
    return {
        "order": dict(order),
        "fulfilments": [
            {"id": f"f-{outlet}", "outlet": outlet, "lines": rig.part(external, **units)}
            for outlet, units in outlets.items()
        ],
    }


def refunding(order: Mapping[str, str], reference: str, amount: str, **more: Any) -> dict[str, Any]:
    """A payload of refund_order."""
    return {
        "order": dict(order), "reference": reference, "amount": amount, "currency": "EUR", "lines": [],
        "reason": "came back", "restock": False, "pay_back": False, **more,
    }  # fmt: skip


def shipped_units(rig: Rig, order: str) -> dict[str, int]:
    """Units sent so far, over all shipments."""
    sent: dict[str, int] = {}
    for shipment in rig.shipments(order):
        for sku, units in shipment["lines"].items():
            sent[sku] = sent.get(sku, 0) + units
    return sent


def state_of(rig: Rig, order: str) -> dict[str, Any]:
    """Everything about an order over there that a command of ours could change, twice included."""
    shipments = sorted(
        (str(each["outlet"]), sorted(each["lines"].items()), str(each["tracking"])) for each in rig.shipments(order)
    )
    return {
        "shop_status": rig.shop_status(order), "payment_status": rig.payment_status(order), "shipments": shipments,
        "tracking": sorted(rig.tracking(order)), "refunded": rig.refunded(order), "assigned": rig.assigned(order),
        "lines": rig.lines(order),
    }  # fmt: skip


class Saboteur(requests.Session):
    """A session that switches a fault on just before its `nth` call, and has no patience with time-outs."""

    def __init__(self, rig: Wired, nth: int, kind: str, *, after_effect: bool) -> None:
        super().__init__()
        self.trust_env = False
        self.calls, self.struck = 0, False
        self._rig, self._nth, self._kind, self._after = rig, nth, kind, after_effect

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        self.calls += 1
        if self.calls == self._nth:
            self.struck = True
            self._rig.fault(self._kind, after_effect=self._after, seconds=0)
        return super().request(method, url, **options)


@contextmanager
def sabotaged(rig: Wired, nth: int, kind: str, *, after_effect: bool) -> Iterator[Saboteur]:
    """The rig's calls go through a saboteur until the block ends."""
    honest = rig.http
    with Saboteur(rig, nth, kind, after_effect=after_effect) as saboteur:
        rig.http = saboteur
        try:
            yield saboteur
        finally:
            rig.http = honest
            rig.calm()
