"""What the Magento adapter makes of our statuses, in a shop that has states and comments."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from adapters.base import Refused, RetryLater
from adapters.magento import sandbox_documents as documents
from adapters.magento.sandbox_basket import Basket
from adapters.magento.sandbox_sales import set_state
from tests.adapters.conformance import shipping
from tests.adapters.magento import open_shop, overwrite, send, tell
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.magento import MagentoRig


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with open_shop() as opened:
        yield opened


# States


@pytest.mark.parametrize(("payment", "state", "word"), [("redirect", "pending_payment", "unpaid"), ("bank", "new", "unpaid")])
def test_an_order_whose_money_did_not_arrive_waits_unpaid(rig: MagentoRig, payment: str, state: str, word: str) -> None:
    order = str(rig.shop.place_order(Basket([("MUG", 1)], payment, customer=CUSTOMER))["entity_id"])
    assert rig._order(order)["state"] == state
    snapshot = rig.snapshot(order)
    assert (snapshot["payment_status"], snapshot["shop_status"]) == (word, "awaiting_processing")


def test_a_state_of_a_module_is_custom_and_its_words_are_tags(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    overwrite(rig, order, state="in_printing", status="printing")
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["tags"]) == ("custom", ["state:in_printing", "status:printing"])
    assert tell(rig, rig.adopt(order), shop_status="completed").did_nothing


def test_the_shops_own_packed_status_is_used_where_it_may_be(rig: MagentoRig) -> None:
    rig.settings["packed_status"] = "packed"
    order, unpaid = rig.place({"MUG": 1}), rig.place({"MUG": 1}, paid=False)
    tell(rig, rig.adopt(order), shop_status="awaiting_shipment")
    assert rig._order(order)["status"] == "packed"
    assert rig.snapshot(order)["shop_status"] == "awaiting_shipment"
    said = tell(rig, rig.adopt(unpaid), key="k2", shop_status="awaiting_shipment").summary
    assert "does not exist" in said
    assert rig._order(unpaid)["status"] == "pending", "a status of another state would be refused"


def test_comments_always_carry_the_status_the_order_has(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    overwrite(rig, order, status="fraud")
    tell(rig, rig.adopt(order), shop_status="awaiting_shipment")
    sent = next(call for call in rig.box.state.requests("POST") if call.path.endswith("/comments"))
    assert '"status": "fraud"' in sent.body


def test_the_customer_is_mailed_that_an_order_is_ready_and_it_is_sent_from_there(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2}, pickup=True)
    ours = rig.adopt(order)
    tell(rig, ours, shop_status="ready_for_pickup", notify_customer=True)
    assert [mail["kind"] for mail in rig.box.state.all("mail")] == ["ready for pickup"]
    assert [each["outlet"] for each in rig.shipments(order)] == ["utrecht"]
    assert rig.snapshot(order)["shop_status"] == "ready_for_pickup"
    assert tell(rig, ours, key="k2", shop_status="ready_for_pickup", notify_customer=True).did_nothing


def test_a_pickup_that_the_shop_cannot_announce_is_refused_in_its_words(rig: MagentoRig) -> None:
    rig.settings["open_orders_in_source"] = False
    order = rig.place({"MUG": 2}, pickup=True)
    rig.shop.set_source_item("MUG", "utrecht", Decimal(0), 0)
    with pytest.raises(Refused, match="not ready for pickup"):
        tell(rig, rig.adopt(order), shop_status="ready_for_pickup", notify_customer=True)


def test_handing_over_the_last_part_of_a_pickup_ends_it(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    tell(rig, ours, shop_status="ready_for_pickup", notify_customer=True)
    rig.do("ship_fulfilment", shipping(rig, order, ours, "f1", "utrecht", {"MUG": 1}, pickup=True), key="s")
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_completed_sends_each_part_from_the_outlet_it_was_assigned_to(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1})
    ours = rig.adopt(order)
    rig.do("assign_fulfilments", {"order": ours, "fulfilments": [
        {"id": "a", "outlet": "amsterdam", "lines": rig.part(order, MUG=1)},
        {"id": "b", "outlet": "utrecht", "lines": rig.part(order, MUG=1, TEA=1)},
    ]}, key="a")  # fmt: skip
    tell(rig, ours, shop_status="completed")
    assert {each["outlet"]: each["lines"] for each in rig.shipments(order)} == {
        "amsterdam": {"MUG": 1}, "utrecht": {"MUG": 1, "TEA": 1},
    }  # fmt: skip


def test_without_an_assignment_the_shops_own_proposal_decides(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 8})
    tell(rig, rig.adopt(order), shop_status="completed")
    assert {each["outlet"]: each["lines"] for each in rig.shipments(order)} == {"amsterdam": {"MUG": 6}, "utrecht": {"MUG": 2}}


def test_an_order_on_hold_is_released_before_it_is_sent(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    tell(rig, ours, shop_status="on_hold", reason="address unclear")
    assert "was released" in send(rig, ours, "f1", "amsterdam", rig.part(order, MUG=1)).summary
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_a_pickup_on_hold_is_released_when_it_is_ready(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    tell(rig, ours, key="h", shop_status="on_hold")
    tell(rig, ours, key="r", shop_status="ready_for_pickup")
    assert rig.snapshot(order)["shop_status"] == "ready_for_pickup"


@pytest.mark.parametrize("kind", ["drop", "half_json"])
@pytest.mark.parametrize("call", ["unhold", "invoice", "/hold"])
def test_a_payment_on_hold_is_booked_and_the_order_stays_on_hold(rig: MagentoRig, call: str, kind: str) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    tell(rig, ours, key="h", shop_status="on_hold")
    rig.fault(kind, match=call, after_effect=True)
    with pytest.raises(RetryLater):
        tell(rig, ours, key="p", payment_status="paid")
    tell(rig, ours, key="p", payment_status="paid")
    assert (rig.payment_status(order), rig.shop_status(order)) == ("paid", "on_hold")
    assert len(rig.box.state.all("invoice")) == 1


def test_cash_at_the_till_never_reaches_the_gateway(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    tell(rig, rig.adopt(order), payment_status="paid")
    assert rig.box.state.counter("gateway_captures") == 0


# Cancelling


def test_cancelling_an_invoiced_order_leaves_the_money_to_people(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    said = tell(rig, rig.adopt(order), shop_status="cancelled", reason="out of stock").summary
    assert "credit memo" in said
    assert rig.refunded(order) == 0
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["payment_status"]) == ("cancelled", "paid")
    assert any("out of stock" in entry["comment"] for entry in rig._order(order)["status_histories"])


def test_cancelling_records_the_refund_when_the_merchant_wants_that(rig: MagentoRig) -> None:
    rig.settings["refund_on_cancel"] = True
    order = rig.place({"MUG": 1, "TEA": 1}, discount="2.00")
    before = rig.stock("MUG")
    tell(rig, rig.adopt(order), shop_status="cancelled")
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["payment_status"]) == ("cancelled", "refunded")
    assert rig._order(order)["state"] == "closed"
    assert rig.box.state.counter("gateway_refunds") == 0
    assert rig.stock("MUG") == before + 1, "the reservation is given back"


def test_cancelling_what_is_partly_invoiced_cancels_the_rest(rig: MagentoRig) -> None:
    shop, order = rig.shop, rig.place({"MUG": 2, "TEA": 1}, paid=False)
    line = int(rig.line(order, "MUG"))
    with shop.change():
        documents.invoice(shop, shop.order(int(order)), {"items": [{"order_item_id": line, "qty": 1}]}, capture=False)
    said = tell(rig, rig.adopt(order), shop_status="cancelled").summary
    assert "as far as it is not invoiced" in said
    assert sum(item["qty_canceled"] for item in rig._order(order)["items"]) == 2
    assert rig.snapshot(order)["shop_status"] == "cancelled"


def test_an_order_in_payment_review_cannot_be_cancelled_and_says_so(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    document = rig._order(order)
    set_state(document, "payment_review")
    rig.box.state.put("order", order, document)
    with pytest.raises(Refused, match="payment_review"):
        tell(rig, rig.adopt(order), shop_status="cancelled")
