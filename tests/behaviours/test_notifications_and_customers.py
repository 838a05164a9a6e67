"""LS-20 to LS-29: notifications and customers."""

from __future__ import annotations

from tests.behaviours.house import House, words


def test_ls_20_every_new_order_is_notified_at_once(house: House) -> None:
    paid, unpaid = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    texts = [n["text"] for n in house.get("/v1/notifications")["items"]]
    assert any(paid in text for text in texts)
    assert any(unpaid in text for text in texts)
    assert paid in words(house.page("/notifications"))


def test_ls_21_a_notification_links_to_what_has_to_be_collected(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    assert f"/orders/{house.order(number)['id']}" in house.page("/notifications")
    assert "MUG-RED" in words(house.page(f"/orders/{house.order(number)['id']}"))


def test_ls_22_staff_see_only_notifications_of_outlets_they_are_authorised_for(house: House) -> None:
    at_warehouse, in_utrecht = house.shop.place({"MUG-RED": 1}), house.shop.place({"TEA-OOLONG": 1})
    house.settle()

    seen = words(house.page("/notifications", email="utrecht@demo.example"))
    assert in_utrecht in seen
    assert at_warehouse not in seen


def test_ls_23_a_merchant_can_switch_notifications_off(house: House) -> None:
    house.set("staff_notification", notify_staff=False)

    house.shop.place({"MUG-RED": 1})
    house.settle()

    assert house.get("/v1/notifications")["items"] == []


def _profiles(house: House) -> list[dict[str, object]]:
    return house.till.state.all("customer")


def test_ls_25_an_order_is_linked_to_the_profile_with_its_email_address(house: House) -> None:
    first = house.shop.place({"MUG-RED": 1}, email="sanne@example.org")
    house.settle()
    second = house.shop.place({"MUG-RED": 1}, email="Sanne@Example.org")
    house.settle()

    assert len(_profiles(house)) == 1
    assert house.till.sale(first)["customer_id"] == house.till.sale(second)["customer_id"] == _profiles(house)[0]["id"]


def test_ls_26_a_profile_that_is_found_keeps_its_name(house: House) -> None:
    house.shop.place({"MUG-RED": 1}, name="Sanne de Wit", email="sanne@example.org")
    house.settle()
    house.shop.place({"MUG-RED": 1}, name="S. Wit", email="sanne@example.org")
    house.settle()

    assert [(p["first_name"], p["last_name"]) for p in _profiles(house)] == [("Sanne", "de Wit")]


def test_ls_27_a_new_customer_gets_a_profile_with_email_and_name(house: House) -> None:
    house.shop.place({"MUG-RED": 1}, name="Jan Jansen", email="jan@example.org")
    house.settle()

    assert [(p["first_name"], p["last_name"], p["email"]) for p in _profiles(house)] == [("Jan", "Jansen", "jan@example.org")]


def test_ls_28_without_a_name_the_email_address_becomes_the_name(house: House) -> None:
    number = house.post_order("NAMELESS-1", {"MUG-RED": 1}, customer={"email": "nameless@example.org"})
    house.settle()

    assert [p["first_name"] for p in _profiles(house)] == ["nameless@example.org"]
    assert house.till.sale(number)["customer_id"] == _profiles(house)[0]["id"]


def test_ls_29_customers_are_mailed_only_where_the_merchant_wants_it(house: House) -> None:
    mailed, silent = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1})
    house.settle()
    house.till.step(mailed, "done")
    house.settle()
    house.set("status_to_shop", mail_customer_when_shipped=False)
    house.till.step(silent, "done")
    house.settle()

    mails = {m["order"]: m for m in house.shop.state.all("mail") if "SHIPPED" in str(m)}
    assert mailed in mails
    assert silent not in mails
