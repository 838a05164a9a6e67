"""Every command has the effect of once: sent twice, its answer lost, and cut off at every single call it makes.

Each command is carried out many times on fresh orders. In the n-th round a fault strikes its n-th call, before or after
the call took effect, and the command is repeated with its key until it is done; rounds end when a command makes fewer
calls than n. What is then the case over there must be what an undisturbed command leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.base import AdapterError, RetryLater, Throttled
from tests.adapters.conformance import (
    SPOILING,
    assigning,
    cancelling,
    insist,
    refunding,
    sabotaged,
    shipping,
    state_of,
    telling,
    until,
)
from tests.adapters.rigs.base import Rig
from tests.adapters.test_conformance_writing import BASKET, DONE, TOTAL

_numbers = itertools.count(1)

LOST = tuple((kind, after) for kind in ("drop", "half_json") for after in (True,))
SPOILT = tuple((kind, after) for kind in SPOILING for after in (False, True) if (kind, after) not in LOST)


@dataclass(frozen=True)
class Scene:
    """An order ready for one command, and that command."""

    order: str
    operation: str
    payload: Mapping[str, Any]


def _order(rig: Rig, **options: Any) -> tuple[str, dict[str, str]]:
    order = rig.place(BASKET, **options)
    return order, rig.adopt(order)


def done(rig: Rig) -> Scene:
    order, ours = _order(rig)
    word = next(word for word in DONE if word in rig.adapter.capabilities.statuses["shop_status"])
    return Scene(order, "set_order_status", telling(ours, shop_status=word))


def held(rig: Rig) -> Scene:
    rig.need_status("shop_status", "on_hold")
    order, ours = _order(rig)
    return Scene(order, "set_order_status", telling(ours, shop_status="on_hold", reason="address unclear"))


def ready(rig: Rig) -> Scene:
    rig.need_status("shop_status", "ready_for_pickup")
    order, ours = _order(rig, pickup=True)
    return Scene(order, "set_order_status", telling(ours, shop_status="ready_for_pickup"))


def packed(rig: Rig) -> Scene:
    rig.need_status("shop_status", "awaiting_shipment")
    order, ours = _order(rig)
    return Scene(order, "set_order_status", telling(ours, shop_status="awaiting_shipment"))


def paid(rig: Rig) -> Scene:
    rig.need("place_unpaid")
    rig.need_status("payment_status", "paid")
    order, ours = _order(rig, paid=False)
    return Scene(order, "set_order_status", telling(ours, payment_status="paid"))


def cancelled(rig: Rig) -> Scene:
    order, ours = _order(rig)
    return Scene(order, "set_order_status", telling(ours, **cancelling(rig)))


def shipped(rig: Rig) -> Scene:
    rig.need_operation("ship_fulfilment")
    order, ours = _order(rig)
    id = f"f{next(_numbers)}"
    return Scene(order, "ship_fulfilment", shipping(rig, order, ours, id, "amsterdam", {"MUG": 1}, "3S001"))


def tracked(rig: Rig) -> Scene:
    rig.need_operation("ship_fulfilment")
    order, ours = _order(rig)
    id = f"f{next(_numbers)}"
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, id, "amsterdam", {"MUG": 1}), f"untracked {id}")
    return Scene(order, "ship_fulfilment", shipping(rig, order, ours, id, "amsterdam", {"MUG": 1}, "3S001"))


def assigned(rig: Rig) -> Scene:
    rig.need_operation("assign_fulfilments")
    order, ours = _order(rig)
    return Scene(
        order, "assign_fulfilments", assigning(rig, order, ours, amsterdam={"MUG": 1}, utrecht={"MUG": 1, "TEA": 1})
    )


def refunded(rig: Rig) -> Scene:
    rig.need_operation("refund_order")
    order, ours = _order(rig)
    return Scene(order, "refund_order", refunding(ours, f"r{next(_numbers)}", "12.50"))


def refunded_wholly(rig: Rig) -> Scene:
    rig.need_operation("refund_order")
    order, ours = _order(rig)
    return Scene(order, "refund_order", refunding(ours, f"r{next(_numbers)}", str(TOTAL), pay_back=True))


COMMANDS = (done, held, ready, packed, paid, cancelled, shipped, tracked, assigned, refunded, refunded_wholly)
each_command = pytest.mark.parametrize("make", COMMANDS, ids=lambda make: make.__name__)


def plenty(rig: Rig) -> None:
    """Enough in stock for every round."""
    rig.sell("MUG", -1000)
    rig.sell("TEA", -1000)


def undisturbed(rig: Rig, make: Callable[[Rig], Scene]) -> dict[str, Any]:
    """What the command leaves when nothing goes wrong."""
    scene = make(rig)
    insist(rig, scene.operation, scene.payload, f"k{next(_numbers)}")
    return settled(rig, scene.order, None)


def settled(rig: Rig, order: str, wanted: dict[str, Any] | None) -> dict[str, Any]:
    """The order's state over there, line ids left out; what the shop does in the background gets its time."""
    if wanted is not None:
        until(lambda: _comparable(rig, order) == wanted, f"{_comparable(rig, order)} becomes {wanted}")
    return _comparable(rig, order)


def _comparable(rig: Rig, order: str) -> dict[str, Any]:
    state = state_of(rig, order)
    return {**state, "lines": sorted(state["lines"].values())}


def rounds(rig: Rig, make: Callable[[Rig], Scene], kind: str, after: bool) -> Iterator[tuple[Scene, str]]:
    """One round per call that the command makes; ends when a round was not disturbed any more."""
    for nth in itertools.count(1):
        scene, key = make(rig), f"k{next(_numbers)}"
        with sabotaged(rig, nth, kind, after_effect=after) as saboteur:
            try:
                rig.do(scene.operation, scene.payload, key=key)
            except AdapterError as error:
                assert isinstance(error, RetryLater | Throttled), error.message
        if not saboteur.struck:
            return
        assert nth < 40, "the command makes more and more calls"
        yield scene, key


@each_command
def test_a_command_sent_twice_has_the_effect_of_once(rig: Rig, make: Callable[[Rig], Scene]) -> None:
    wanted = undisturbed(rig, make)
    scene = make(rig)
    for _ in range(2):
        insist(rig, scene.operation, scene.payload, "the same")
    settled(rig, scene.order, wanted)
    rig.forget_calls()
    insist(rig, scene.operation, scene.payload, "another")
    assert rig.writes() == [], "another command with nothing new to tell writes nothing"
    settled(rig, scene.order, wanted)


@each_command
@pytest.mark.parametrize(("kind", "after"), LOST)
def test_a_command_whose_answer_was_lost_has_the_effect_of_once(
    rig: Rig, make: Callable[[Rig], Scene], kind: str, after: bool
) -> None:
    plenty(rig)
    wanted = undisturbed(rig, make)
    for scene, key in rounds(rig, make, kind, after):
        insist(rig, scene.operation, scene.payload, key)
        settled(rig, scene.order, wanted)


@pytest.mark.parametrize(("kind", "after"), SPOILT)
def test_a_command_cut_off_anywhere_is_finished_by_its_next_attempt(rig: Rig, kind: str, after: bool) -> None:
    plenty(rig)
    make = next(make for make in (shipped, done) if make is done or rig.can("ship_fulfilment"))
    wanted = undisturbed(rig, make)
    for scene, key in rounds(rig, make, kind, after):
        insist(rig, scene.operation, scene.payload, key)
        settled(rig, scene.order, wanted)


def test_stock_whose_answer_was_lost_is_the_number_we_told(rig: Rig) -> None:
    operation, payload = (
        ("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "amsterdam", "quantity": 7}]})
        if rig.can("set_outlet_stock")
        else ("set_stock", {"sku": "MUG", "quantity": 7})
    )
    outlet = "amsterdam" if rig.can("set_outlet_stock") else None
    for nth, kind in itertools.product(range(1, 6), ("drop", "half_json")):
        with sabotaged(rig, nth, kind, after_effect=True) as saboteur:
            try:
                rig.do(operation, payload, key=f"{kind} {nth}")
            except AdapterError as error:
                assert isinstance(error, RetryLater | Throttled), error.message
        insist(rig, operation, payload, f"{kind} {nth}")
        until(lambda: rig.stock("MUG", outlet) == 7, "the stock is 7")
        if saboteur.struck:
            rig.sell("MUG", 1)


def test_a_system_that_does_not_answer_in_time_is_tried_again_later(rig: Rig) -> None:
    wanted = undisturbed(rig, done)
    scene = done(rig)
    name = "timeout_seconds"
    assert name in rig.adapter.capabilities.settings, "how long to wait is a setting"
    rig.settings[name] = 0.2
    rig.fault("timeout", seconds=60)
    with pytest.raises(RetryLater):
        rig.do(scene.operation, scene.payload, key="k")
    rig.calm()
    rig.settings[name] = 20
    insist(rig, scene.operation, scene.payload, "k")
    settled(rig, scene.order, wanted)
