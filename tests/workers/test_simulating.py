"""Past decisions taken again by a draft: what changes, which rule changed it, and that nothing else happens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import func, select

from engine.language import load_book
from store import books, outlets, stock
from store.columns import now
from store.flow_models import Decision
from store.models import AuditEntry, Base
from store.rule_job_models import RuleJob, RuleJobPart
from store.session import Database
from tests.workers.simulations import NO_WAREHOUSE, SMALL_ORDERS, House, MakeMerchant, opened
from workers.rule_jobs.runner import run_slice


@pytest.fixture
def house(sqlite_database: Database, redis_server: Redis, make_merchant: MakeMerchant) -> House:
    return opened(sqlite_database, redis_server, make_merchant)


@pytest.fixture
def either_house(database: Database, redis_server: Redis, make_merchant: MakeMerchant) -> House:
    """On both databases, one after the other."""
    return opened(database, redis_server, make_merchant)


def causes(result: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    return {(group["rule"], group["role"]): group["count"] for group in result["groups"]}


def side(result: Mapping[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = result["figures"]["sides"][number]
    return found


def test_the_rules_that_decided_change_nothing(house: House) -> None:
    house.desk.order("1", {"A": 2})
    house.desk.order("2", {"A": 1, "B": 1})
    house.desk.tell("stock.changed", {"outlet": "utrecht", "sku": "B", "on_hand": 3})
    house.desk.tell("fulfilment.status_changed", {"order": {"number": "1"}, "outlet": "warehouse", "status": "packed"})

    result = house.simulate()

    assert result["counts"]["decisions"] == 4
    assert result["counts"]["changed"] == 0
    assert result["groups"] == []
    assert side(result, 0) == side(result, 1)


def test_taking_everything_again_by_rules_that_mean_the_same_gives_what_really_happened(house: House) -> None:
    house.desk.order("1", {"A": 2, "B": 1, "C": 1})
    house.desk.order("2", {"NOBODY-KNOWS": 1})
    house.desk.order("3", {"A": 900})
    house.desk.order("4", {"A": 1}, payment_status="unpaid", payment={})
    house.desk.tell("payment.received", {"order": {"number": "4"}, "amount": "10.00", "method": "cash"})
    house.desk.tell("payment.refunded", {"order": {"number": "4"}, "amount": "4.00", "method": "cash"})
    house.desk.tell("fulfilment.status_changed", {"order": {"number": "1"}, "outlet": "utrecht", "status": "completed"})
    house.desk.tell("product.changed", {"sku": "NOBODY-KNOWS"})
    house.desk.order("1", {"A": 2, "B": 1, "C": 1}, shop_status="processing")
    house.desk.order("4", {"A": 1}, payment_status="cancelled")
    house.desk.tell("order.cancelled", {"order": {"number": "1"}})
    never = "\nrules:\n  - id: never-{}\n    description: x\n    priority: 1\n    when:\n      - event.type is never\n    then:\n      - {}\n\n"
    demands = {
        "order_intake": "import order", "outlet_assignment": "hold shortage", "payment_gating": "tag order never",
        "fulfilment_gating": "release order", "status_to_shop": "leave shop status", "status_to_till": "leave fulfilments",
        "stock_propagation": "push stock", "staff_notification": "tag order never", "customer_matching": "create customer",
    }  # fmt: skip

    result = house.simulate(*((f"{name}.yaml", "\nrules:\n", never.format(name, said)) for name, said in demands.items()))

    assert result["counts"]["asked"] == 10
    assert (result["counts"]["changed"], result["counts"]["same_result"], result["counts"]["errors"]) == (0, 0, 0)
    assert house.stored_steps() == house.taken_again()


def test_the_shops_stock_is_seen_with_what_the_draft_promises_elsewhere(house: House) -> None:
    house.desk.order("1", {"A": 2})

    job = house.start((
        "outlet_assignment.yaml", "\nrules:\n", "\nrules:\n  - id: never-the-warehouse\n    description: x\n    priority: 1\n"
        "    when:\n      - outlet.kind is warehouse\n    then:\n      - exclude outlet\n\n",
    ), (
        "stock_propagation.yaml", "\nrules:\n", "\nrules:\n  - id: little-left\n    description: x\n    priority: 1\n"
        "    when:\n      - stock.outlet is amsterdam\n      - stock.available < 8\n    then:\n      - withhold stock\n\n",
    ))  # fmt: skip
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]

    assert house.job(job).result["figures"]["outcomes"]["stock_propagation"]["withhold stock"] == [0, 1]


def test_the_figures_before_are_what_really_happened(house: House) -> None:
    house.desk.order("1", {"A": 2})
    house.desk.order("2", {"A": 1, "B": 1, "C": 1})
    house.desk.order("3", {"NOBODY-KNOWS": 1})
    house.desk.tell("fulfilment.status_changed", {"order": {"number": "1"}, "outlet": "warehouse", "status": "completed"})

    result = house.simulate()

    assert side(result, 0) == {
        "states": {"open": 2, "held": 1}, "sourced": 2, "split": 1, "delivered": 2, "parcels": 3,
        "outlets": {"amsterdam": 1, "utrecht": 1, "warehouse": 1}, "unfilled": 0,
    }  # fmt: skip
    told = [c.payload["shop_status"] for c in house.desk.commands("set_order_status") if "shop_status" in c.payload]
    counted = result["figures"]["told"]["status_to_shop"]
    assert {name: pair[0] for name, pair in counted.items() if name.startswith("set shop status")} == {
        f"set shop status {status}": told.count(status) for status in told
    }


def test_an_order_that_a_draft_holds_is_neither_sourced_nor_passed_on(house: House) -> None:
    house.desk.order("1", {"A": 4})
    house.desk.order("2", {"A": 1})

    result = house.simulate(SMALL_ORDERS)

    assert causes(result) == {("unusually-large", "gained"): 1}
    assert side(result, 0)["sourced"] == 2
    assert side(result, 1)["sourced"] == 1
    assert side(result, 1)["states"] == {"open": 1, "held": 1}
    sample = result["groups"][0]["samples"][0]
    assert sample["number"] == "1"
    assert [step["after"] for step in sample["steps"] if step["decision"] == "staff_notification"] == [["is not asked"]]


def test_where_an_order_goes_instead_is_put_down_to_the_rule_behind_it(house: House) -> None:
    house.desk.order("1", {"A": 2})

    job = house.start(
        ("outlet_assignment.yaml", "\nrules:\n", "\nrules:\n  - id: never-the-warehouse\n    description: x\n    priority: 1\n"
         "    when:\n      - outlet.kind is warehouse\n    then:\n      - exclude outlet because \"it moves\"\n\n"),
    )  # fmt: skip
    outlets_with_kind(house)
    house.desk.order("2", {"A": 1})
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]
    result = house.job(job).result

    assert ("never-the-warehouse", "gained") in causes(result)
    assert side(result, 0)["outlets"] == {"warehouse": 1}
    assert side(result, 1)["outlets"] == {"amsterdam": 1}
    (changed,) = house.changed(job)
    (assignment,) = [step for step in changed["steps"] if step["decision"] == "outlet_assignment"]
    assert assignment["before"][0] == "sent by warehouse (2)"
    assert assignment["after"][0] == "sent by amsterdam (2)"


def outlets_with_kind(house: House) -> None:
    """Later changes of outlets must not reach into the past."""
    with house.database.session(house.desk.merchant_id) as session:
        outlets.put(session, code="amsterdam", kind="store", open=False)


def test_a_rule_that_is_taken_away_is_the_one_that_made_the_difference(house: House) -> None:
    house.desk.order("1", {"NOBODY-KNOWS": 1})
    texts = house.texts()["order_intake.yaml"]
    end = texts.index("\n  - id: ", texts.index("hold_unknown_articles is true"))
    start = texts.rindex("  - id: ", 0, end)
    rule = texts[start:end].split("id: ")[1].splitlines()[0]

    result = house.simulate(("order_intake.yaml", texts[start:end] + "\n", ""))

    assert causes(result) == {(rule, "lost"): 1}


def test_an_order_that_would_now_be_taken_in_is_sourced_with_the_stock_of_that_time(either_house: House) -> None:
    house = either_house
    house.desk.order("1", {"A": 2, "NEW": 1})
    house.desk.put_stock({("amsterdam", "NEW"): 7})
    with house.database.session(house.desk.merchant_id) as session:
        stock.move(session, "warehouse", "A", -10, reason="sold", event_id=None, at=now() + timedelta(hours=1))

    job = house.start(("order_intake.yaml", "hold_unknown_articles: true", "hold_unknown_articles: false"),
                      ("outlet_assignment.yaml", "when_short: hold ", "when_short: back_order "))  # fmt: skip
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]
    result = house.job(job).result
    (changed,) = house.changed(job)

    assert side(result, 0)["states"] == {"held": 1}
    assert side(result, 1)["states"] == {"open": 1}
    assert result["counts"]["reconstructed"] == 1
    asked = {step["decision"]: step for step in changed["steps"]}
    assert asked["outlet_assignment"]["before"] == ["was not asked"]
    assert "sent by " in asked["outlet_assignment"]["after"][0]
    assert "staff_notification" in asked


def test_a_setting_that_was_the_default_follows_the_new_default_and_one_of_the_merchants_own_stays(house: House) -> None:
    house.desk.order("1", {"A": 4})
    with house.database.session(house.desk.merchant_id) as session:
        books.set_setting(session, "order_intake", "largest_order", "35.00 EUR")
    house.desk.order("2", {"A": 2})
    house.desk.order("3", {"A": 4})

    result = house.simulate(SMALL_ORDERS)

    assert causes(result) == {("unusually-large", "gained"): 1}
    assert result["groups"][0]["samples"][0]["number"] == "1"


def test_new_settings_take_the_drafts_default(house: House) -> None:
    house.desk.order("1", {"A": 4})

    result = house.simulate(
        ("order_intake.yaml", "settings:\n", "settings:\n  most_units: 3\n"),
        ("order_intake.yaml", "\nrules:\n", "\nrules:\n  - id: many-units\n    description: x\n    priority: 1\n    when:\n"
         "      - order.unit_count > setting.most_units\n    then:\n      - hold order because \"many\"\n\n"),
    )  # fmt: skip

    assert causes(result) == {("many-units", "gained"): 1}


def test_tags_that_a_draft_sets_are_seen_by_the_decisions_after_it(house: House) -> None:
    house.desk.order("1", {"A": 2})

    result = house.simulate(
        ("order_intake.yaml", "\nrules:\n", "\nrules:\n  - id: tags-it\n    description: x\n    priority: 1\n    when:\n"
         "      - order.unit_count >= 2\n    then:\n      - tag order careful\n\n"),
        ("fulfilment_gating.yaml", "\nrules:\n", "\nrules:\n  - id: careful-waits\n    description: x\n    priority: 1\n    when:\n"
         "      - order.tags contains careful\n    then:\n      - block order because \"careful\"\n\n"),
    )  # fmt: skip

    assert result["figures"]["outcomes"]["fulfilment_gating"]["block order"] == [0, 1]


def test_other_points_that_lead_to_the_same_outlet_are_no_change(house: House) -> None:
    house.desk.order("1", {"A": 2})

    result = house.simulate(NO_WAREHOUSE)

    assert result["counts"]["changed"] == 0
    assert result["counts"]["same_result"] == 1


def test_a_payment_that_no_longer_counts_leaves_the_order_unpaid_for_what_follows(house: House) -> None:
    house.desk.order("1", {"A": 2}, payment_status="unpaid", payment={})
    house.desk.tell("payment.received", {"order": {"number": "1"}, "amount": "20.00", "method": "cash", "screen": "till"}, by="till")

    result = house.simulate(
        ("payment_gating.yaml", "\nrules:\n", "\nrules:\n  - id: no-cash\n    description: x\n    priority: 1\n    when:\n"
         "      - payment.method is cash\n    then:\n      - disregard payment because \"cash\"\n\n"),
    )  # fmt: skip

    assert ("no-cash", "gained") in causes(result)
    assert result["figures"]["outcomes"]["fulfilment_gating"]["block order"] == [1, 2]


def test_a_shop_change_that_now_cancels_the_sale_ends_the_event_there(house: House) -> None:
    house.desk.order("1", {"A": 2})
    house.desk.order("1", {"A": 2}, shop_status="processing")

    job = house.start(
        ("status_to_till.yaml", "\nrules:\n", "\nrules:\n  - id: stops-it\n    description: x\n    priority: 1\n    when:\n"
         "      - order.shop_status is processing\n    then:\n      - cancel sale because \"stop\"\n\n"),
    )  # fmt: skip
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]
    result = house.job(job).result
    (changed,) = house.changed(job)

    assert ("stops-it", "gained") in causes(result)
    assert result["figures"]["told"]["status_to_till"]["cancel sale"] == [0, 1]
    assert [step["after"] for step in changed["steps"] if step["decision"] == "fulfilment_gating"] == [["is not asked"]]


@pytest.mark.parametrize(("parameters", "numbers"), [
    ({"last": 1}, {"3"}), ({"last": 2}, {"2", "3"}), ({}, {"1", "2", "3"}), ({"shop": "shop"}, {"1", "3"}),
    ({"decisions": ["stock_propagation"]}, {"1", "2", "3"}), ({"to": "2020-01-01T00:00:00+00:00"}, set()),
])  # fmt: skip
def test_the_selection_says_which_decisions_are_taken_again(either_house: House, parameters: dict[str, Any], numbers: set[str]) -> None:
    house = either_house
    house.desk.order("1", {"A": 4})
    house.desk.order("2", {"A": 4}, by="api")
    house.desk.order("3", {"A": 4})

    job = house.start(SMALL_ORDERS, **parameters)
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]

    assert {changed["number"] for changed in house.changed(job)} == numbers
    assert house.job(job).done == house.job(job).total


def test_any_version_can_be_the_one_compared_with(house: House) -> None:
    house.desk.order("1", {"A": 4})
    old = load_book(house.texts()).version
    newer = house.texts(SMALL_ORDERS)
    with house.database.session(house.desk.merchant_id) as session:
        books.publish(session, newer, load_book(newer).version, by="ada")

    assert house.simulate()["counts"]["changed"] == 0
    assert house.simulate(before=old)["counts"]["changed"] == 1


def test_a_decision_that_cannot_be_read_is_listed_and_stops_nothing(house: House) -> None:
    house.desk.order("1", {"A": 1})
    broken = house.desk.order("2", {"A": 1})
    house.desk.order("3", {"A": 1})
    with house.database.system_session() as session:
        decision = session.get_one(Decision, broken.decision_id)
        whole, decision.facts = decision.facts, [{"decision": "order_intake", "facts": [{"type": "order"}], "settings": {}}]

    result = house.simulate()
    with house.database.system_session() as session:
        session.get_one(Decision, broken.decision_id).facts = whole

    assert result["counts"]["errors"] == 1
    assert [error["decision"] for error in result["errors"]] == [broken.decision_id]
    assert result["counts"]["asked"] == 2


def test_nothing_is_written_but_the_jobs_own_rows(either_house: House) -> None:
    house = either_house
    house.desk.order("1", {"A": 2})
    house.desk.order("2", {"NOBODY-KNOWS": 1})
    house.desk.tell("payment.received", {"order": {"number": "1"}, "amount": "1.00", "method": "cash"})
    job = house.start(SMALL_ORDERS, ("order_intake.yaml", "hold_unknown_articles: true", "hold_unknown_articles: false"))
    before = everything(house.database)
    keys = set(house.redis.keys("*"))

    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]

    assert house.job(job).state == "done"
    assert everything(house.database) == before
    assert set(house.redis.keys("*")) <= keys


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of every table but those of jobs."""
    own = {RuleJob.__tablename__, RuleJobPart.__tablename__}
    with database.system_session(read_only=True) as session:
        return {
            name: sorted(map(repr, session.execute(select(table))))
            for name, table in Base.metadata.tables.items() if name not in own
        }  # fmt: skip


def test_a_simulation_of_many_slices_finds_the_same_as_one_of_one(either_house: House) -> None:
    house = either_house
    for number in range(7):
        house.desk.order(str(number), {"A": 1 + number % 4} if number % 3 else {"NEW": 1})
    whole = house.simulate(SMALL_ORDERS, ("order_intake.yaml", "hold_unknown_articles: true", "hold_unknown_articles: false"))

    job = house.start(SMALL_ORDERS, ("order_intake.yaml", "hold_unknown_articles: true", "hold_unknown_articles: false"))
    in_small_batches(house, job)
    sliced = house.job(job)

    assert sliced.state == "done"
    assert len(sliced.result["pages"]) > 2
    assert {**sliced.result, "pages": 0, "groups": 0, "until": 0} == {**whole, "pages": 0, "groups": 0, "until": 0}
    assert causes(sliced.result) == causes(whole)


def in_small_batches(house: House, job_id: str) -> None:
    """Two decisions a slice."""
    from workers.rule_jobs import simulating

    full, simulating.BATCH = simulating.BATCH, 2
    try:
        for _ in range(20):
            run_slice(house, house.desk.merchant_id, job_id, seconds=0.000001)  # type: ignore[arg-type]
            if house.job(job_id).state == "done":
                return
    finally:
        simulating.BATCH = full


def test_who_asked_for_it_is_on_record(house: House) -> None:
    job = house.start()
    with house.database.session(house.desk.merchant_id, read_only=True) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.about == f"rule job:{job}")).one()
        assert (entry.who, entry.action) == ("ada", "simulate")
        assert session.scalar(select(func.count()).select_from(RuleJob)) == 1
