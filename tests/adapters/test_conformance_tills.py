"""What every till's adapter promises: a command that is cut off anywhere is finished by its next attempt, once.

As for shops (test_conformance_twice.py): in the n-th round a fault strikes the n-th call of a command.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.base import AdapterError, RetryLater, Throttled
from tests.adapters.conformance import insist, sabotaged
from tests.adapters.rigs.lightspeed_retail import LightspeedRetailRig, open_rig

_numbers = itertools.count(1)

Command = tuple[str, str, dict[str, Any]]
"""Our order id, operation, payload."""


@pytest.fixture(params=["lightspeed_retail"])
def till() -> Iterator[LightspeedRetailRig]:
    with open_rig() as opened:
        yield opened


def placing(till: LightspeedRetailRig) -> Command:
    order = till.order(next(_numbers))
    return order["order"]["id"], "place_sale", order


def placing_paid(till: LightspeedRetailRig) -> Command:
    order = till.order(next(_numbers))
    payment = {"amount": "50.00", "method": "Card", "processor": "Mollie", "reference": f"p{order['order']['id']}"}
    return order["order"]["id"], "place_sale", {**order, "payments": [payment]}


def _placed(till: LightspeedRetailRig, make: Callable[[LightspeedRetailRig], Command] = placing) -> dict[str, str]:
    id, operation, payload = make(till)
    insist(till, operation, payload, f"place {id}")
    return {"id": id, "number": payload["order"]["number"]}


def paying(till: LightspeedRetailRig) -> Command:
    order = _placed(till)
    return (
        order["id"],
        "add_payment",
        {"order": order, "amount": "12.50", "method": "Cash", "reference": f"p{order['id']}"},
    )


def packing(till: LightspeedRetailRig) -> Command:
    order = _placed(till)
    return order["id"], "pack_fulfilments", {"order": order}


def completing(till: LightspeedRetailRig) -> Command:
    order = _placed(till, placing_paid)
    return order["id"], "complete_fulfilments", {"order": order}


def voiding(till: LightspeedRetailRig) -> Command:
    order = _placed(till)
    return order["id"], "void_sale", {"order": order}


SPOILT = (("drop", True), ("half_json", True), ("500", False), ("html", False))
"""A fault of each sort: no answer and half an answer to what was done, an error and nonsense for what was not."""

COMMANDS = (placing, placing_paid, paying, packing, completing, voiding)


def counted(till: LightspeedRetailRig, act: Callable[[], Any]) -> dict[str, int]:
    """What an action changed in all."""
    before = till.counts()
    act()
    after = till.counts()
    return {name: after[name] - before[name] for name in after}


@pytest.mark.parametrize("make", COMMANDS, ids=lambda make: make.__name__)
def test_a_command_cut_off_anywhere_has_the_effect_of_once(
    till: LightspeedRetailRig, make: Callable[[LightspeedRetailRig], Command]
) -> None:
    _placed(till)  # the customer is known from now on
    id, operation, payload = make(till)
    usual = counted(till, lambda: insist(till, operation, payload, f"k {id}"))
    wanted = till.state_of(id)
    for kind, after in SPOILT:
        for nth in itertools.count(1):
            id, operation, payload = make(till)
            struck: list[bool] = []

            def cut_off_and_repeated() -> None:
                with sabotaged(till, nth, kind, after_effect=after) as saboteur:  # noqa: B023 - called at once
                    try:
                        till.do(operation, payload, key=f"k {id}")  # noqa: B023
                    except AdapterError as error:
                        assert isinstance(error, RetryLater | Throttled), error.message
                struck.append(saboteur.struck)  # noqa: B023
                insist(till, operation, payload, f"k {id}")  # noqa: B023

            assert counted(till, cut_off_and_repeated) == usual, f"{kind} at call {nth}, {after=}"
            assert till.state_of(id) == wanted, f"{kind} at call {nth}, {after=}"
            if not struck[0]:
                break


@pytest.mark.parametrize("make", COMMANDS, ids=lambda make: make.__name__)
def test_another_command_with_nothing_new_to_tell_changes_nothing(
    till: LightspeedRetailRig, make: Callable[[LightspeedRetailRig], Command]
) -> None:
    id, operation, payload = make(till)
    insist(till, operation, payload, "one")
    state = till.state_of(id)
    assert set(counted(till, lambda: insist(till, operation, payload, "two")).values()) == {0}
    assert till.state_of(id) == state
