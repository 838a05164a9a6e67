"""LS-16 to LS-19: which outlet fulfils."""

from __future__ import annotations

from tests.behaviours.house import House, words


def test_ls_16_an_order_one_outlet_can_fill_goes_to_that_outlet(house: House) -> None:
    number = house.shop.place({"TEA-OOLONG": 1, "MUG-BLUE": 2})
    house.settle()

    assert set(house.till.fulfilments(number)) == {"Utrecht store"}


def test_ls_16_a_shipping_method_tied_to_an_outlet_decides(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-utrecht")
    house.settle()

    assert set(house.till.fulfilments(number)) == {"Utrecht store"}
    trace = house.get(f"/v1/decisions/{house.order(number)['decisions'][0]['id']}")["trace"]
    fired = {f["rule"] for step in trace["steps"] for f in step["firings"]}
    assert "shipping-method-names-outlet" in fired


def test_ls_17_an_order_no_single_outlet_can_fill_is_split_by_available_stock(house: House) -> None:
    number = house.shop.place({"POT-GLASS": 1, "TEA-OOLONG": 1})
    house.settle()

    parts = house.till.fulfilments(number)
    assert set(parts) == {"Amsterdam store", "Utrecht store"}
    assert {o: [(line["product_id"], line["quantity"]) for line in f["line_items"]] for o, f in parts.items()} == {
        "Amsterdam store": [(house.till.product("POT-GLASS"), "1.00")],
        "Utrecht store": [(house.till.product("TEA-OOLONG"), "1.00")],
    }


def test_ls_17_a_line_is_divided_when_no_outlet_has_all_of_it(house: House) -> None:
    number = house.shop.place({"POT-CAST": 5})
    house.settle()

    units = {o: sum(float(line["quantity"]) for line in f["line_items"]) for o, f in house.till.fulfilments(number).items()}
    assert units == {"Warehouse Almere": 3, "Utrecht store": 2}


def test_ls_17_an_order_that_all_outlets_together_cannot_fill_waits_for_stock(house: House) -> None:
    with_too_many = {"POT-GLASS": 3}
    first = house.shop.place(with_too_many)
    house.settle()
    short = house.post_order("SHORT-1", {"POT-GLASS": 2})
    house.settle()

    assert set(house.till.fulfilments(first)) == {"Amsterdam store"}
    assert house.order(short)["state"] == "held"
    assert "short of 2 of 2 POT-GLASS" in house.order(short)["state_reason"]

    house.till.adjust("POT-GLASS", "Amsterdam store", 4)
    house.settle()
    assert house.order(short)["state"] == "open"
    assert set(house.till.fulfilments(short)) == {"Amsterdam store"}


def test_ls_17_a_merchant_may_choose_to_back_order_instead(house: House) -> None:
    house.set("outlet_assignment", when_short="back_order")

    number = house.post_order("BACK-1", {"POT-GLASS": 5})
    house.settle()

    order = house.order(number)
    assert order["state"] == "open"
    assert order["lines"][0]["back_ordered"] == 2
    assert set(house.till.fulfilments(number)) == {"Amsterdam store"}


def test_ls_18_the_parts_are_separate_fulfilments_that_can_be_filtered_by_outlet(house: House) -> None:
    house.shop.place({"POT-GLASS": 1, "TEA-OOLONG": 1})
    house.settle()

    outlets = {o["name"]: o["id"] for o in house.till.state.all("outlet")}
    utrecht = words(house.till.page(f"/?outlet={outlets['Utrecht store']}"))
    assert "Oolong" in utrecht
    assert "Glass teapot" not in utrecht


def test_ls_19_one_packed_part_of_two_leaves_the_whole_order_open(house: House) -> None:
    number = house.shop.place({"POT-GLASS": 1, "TEA-OOLONG": 1}, shipping="pickup-any")
    house.settle()

    house.till.step(number, "pack", outlet="Utrecht store")
    house.settle()

    assert house.order(number)["fulfilment_status"] == "new"
    assert house.shop.statuses(number) == ("PAID", "AWAITING_PROCESSING")

    house.till.step(number, "pack", outlet="Amsterdam store")
    house.settle()
    assert house.order(number)["fulfilment_status"] == "packed"
    assert house.shop.statuses(number) == ("PAID", "READY_FOR_PICKUP")
