"""First imports as people and programs start, watch and steer them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from adapters.base import NewEvent, Result
from store import connections, imports, leases
from store.models import AuditEntry, Merchant
from tests.api.house import Shopkeeper, open_shop, placed, token
from workers.imports import Pages, decide_slice
from workers.settings import WorkerSettings


class Worker:
    """Reads pages as the shop's worker does, and decides what they brought, in this process."""

    def __init__(self, keeper: Shopkeeper) -> None:
        house = keeper.house
        self.database, self.redis, self.bell, self.intake = house.database, house.redis, house.bell, house.intake
        self.worker_settings = WorkerSettings()
        self.keeper = keeper

    def read(self, *orders: dict[str, Any], total: int | None = None, last: bool = False) -> None:
        """The next page is read, and has these orders."""
        at = datetime.now(UTC)
        with self.database.system_session() as session:
            held = leases.lease(session, self.keeper.shop, at=at, seconds=30, limit=1, retry_at=lambda failures: at)
            row = connections.get(session, self.keeper.shop)
        (command,) = held.commands
        assert row is not None
        events = [
            NewEvent(f"order:{order['order']['number']}", "order.placed", f"order:{order['order']['number']}", at, order) for order in orders
        ]
        then = None if last else {**command.payload, "cursor": command.payload["page"] + 1}
        Pages(self.database, self.bell, row, lambda: at).take_in(  # type: ignore[arg-type]
            command, Result("Read.", events, then=then, progress=(len(orders), total))
        )
        with self.database.system_session() as session:
            leases.finish(session, held.token, [leases.Tried(command, "done", "done", "Read.", at, datetime.now(UTC))])

    def decide(self, import_id: str) -> None:
        decide_slice(self, self.keeper.merchant.id, import_id, seconds=30)  # type: ignore[arg-type]

    def fail(self, import_id: str, error: str) -> None:
        self.keeper.fail(self.keeper.shop, error)
        with self.database.system_session() as session:
            imports.fail(session, import_id, error)


@pytest.fixture
def worker(keeper: Shopkeeper) -> Worker:
    return Worker(keeper)


def started(client: FlaskClient, keeper: Shopkeeper, **body: Any) -> Any:
    return client.post("/v1/imports", json={"connection": "tulip-shop", "kind": "orders", **body}, headers=keeper.bearer)


def order(number: str, status: str = "awaiting_processing") -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return placed(number, shop_status=status, external_id=number, placed_at=now, updated_at=now)


def text(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def address(keeper: Shopkeeper) -> str:
    return f"/connections/{keeper.shop}/import"


def submit(browser: FlaskClient, page: str, to: str, **fields: str) -> Any:
    return browser.post(to, data={"csrf_token": token(browser, page), **fields})


def test_a_program_starts_an_import_and_follows_it_to_its_end(client: FlaskClient, keeper: Shopkeeper, worker: Worker) -> None:
    asked = started(client, keeper)
    assert asked.status_code == 202
    href = asked.headers["Location"]
    assert (asked.json["state"], asked.json["connection"], asked.json["total"]) == ("waiting", "tulip-shop", None)

    worker.read(order("A1"), order("A2", "shipped"), total=3)
    half = client.get(href, headers=keeper.bearer).json
    assert (half["state"], half["done"], half["total"], half["undecided"]) == ("running", 2, 3, 2)

    worker.read(order("A3"), total=3, last=True)
    worker.decide(asked.json["id"])
    done = client.get(href, headers=keeper.bearer).json
    assert (done["state"], done["done"], done["undecided"], done["failed"]) == ("done", 3, 0, 0)
    assert done["orders"] == {"open": 2, "ignored": 1}
    assert done["per_minute"] > 0
    listed = client.get("/v1/imports?connection=tulip-shop", headers=keeper.bearer).json
    assert [each["id"] for each in listed["items"]] == [asked.json["id"]]


def test_an_import_is_paused_resumed_and_cancelled_on_record(client: FlaskClient, keeper: Shopkeeper) -> None:
    href = started(client, keeper).headers["Location"]
    states = [client.post(f"{href}/{act}", headers=keeper.bearer).json["state"] for act in ("pause", "resume", "cancel")]
    assert states == ["paused", "waiting", "cancelled"]
    again = client.post(f"{href}/resume", headers=keeper.bearer)
    assert (again.status_code, again.json["detail"]) == (
        409, "The import is cancelled: only one that is paused or failed can be resumed.",
    )  # fmt: skip
    with keeper.house.database.session(keeper.merchant.id) as session:
        audit = session.scalars(select(AuditEntry.action).order_by(AuditEntry.at)).all()
    assert audit == ["import", "pause import", "resume import", "cancel import"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"connection": "tulip-till"}, 422, "connection tulip-till cannot be read page by page"),
        ({"connection": "nobody"}, 422, "is not one of your connections"),
        ({"kind": "customers"}, 422, "Must be one of"),
        ({"since": "2026-13-01"}, 422, "since"),
        ({"since": "2026-01-01T00:00:00"}, 422, "since"),
        ({"since": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, 422, "lies in the future"),
        ({"speed": 9}, 422, "Unknown field"),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_with_what_is_wrong(
    client: FlaskClient, keeper: Shopkeeper, body: dict[str, Any], status: int, said: str
) -> None:
    answer = started(client, keeper, **body)
    assert (answer.status_code, said in answer.get_data(as_text=True)) == (status, True), answer.get_data(as_text=True)


def test_a_second_import_of_the_same_kind_is_pointed_to_the_first(client: FlaskClient, keeper: Shopkeeper) -> None:
    first = started(client, keeper).json["id"]
    second = started(client, keeper)
    assert (second.status_code, second.json["import"]) == (409, first)
    assert started(client, keeper, kind="products").status_code == 202


def test_a_paused_connection_is_made_to_work_first(client: FlaskClient, keeper: Shopkeeper) -> None:
    client.post(f"/v1/connections/{keeper.shop}/pause", json={"reason": "moving"}, headers=keeper.bearer)
    answer = started(client, keeper)
    assert answer.status_code == 409
    assert "make it work first" in answer.json["detail"]


def test_only_admins_start_and_steer_imports(client: FlaskClient, keeper: Shopkeeper, support: FlaskClient) -> None:
    href = started(client, keeper).headers["Location"]
    for role in ("support", "events"):
        wanted = {"connection": "tulip-shop", "kind": "products"}
        assert client.post("/v1/imports", json=wanted, headers=keeper.headers(role)).status_code == 403
        assert client.post(f"{href}/cancel", headers=keeper.headers(role)).status_code == 403
    assert client.get(href, headers=keeper.headers("support")).status_code == 200
    shown = text(support.get(address(keeper)))
    assert "Waiting for a worker" in shown
    assert "Cancel" not in shown
    assert submit(support, "/", f"{href.replace('/v1', '')}/cancel").status_code == 403


def test_merchants_never_see_each_others_imports(
    client: FlaskClient, keeper: Shopkeeper, make_merchant: Callable[..., Merchant]
) -> None:
    href = started(client, keeper).headers["Location"]
    other = open_shop(keeper.house, make_merchant, "rose")
    assert client.get(href, headers=other.bearer).status_code == 404
    assert client.post(f"{href}/cancel", headers=other.bearer).status_code == 404
    assert client.get("/v1/imports", headers=other.bearer).json["items"] == []
    assert started(client, other, connection=keeper.shop).status_code == 422


def test_an_admin_starts_an_import_from_the_form_and_watches_it(admin: FlaskClient, keeper: Shopkeeper, worker: Worker) -> None:
    page = address(keeper)
    assert submit(admin, page, page, kind="orders").status_code == 303
    worker.read(order("A1"), total=2)
    running = text(admin.get(page))
    assert '<progress id="how-far-' in running
    assert 'value="1" max="2"' in running
    assert 'hx-trigger="every 2s"' in running
    worker.read(order("A2", "shipped"), total=2, last=True)
    with keeper.house.database.session(keeper.merchant.id) as session:
        (row,) = imports.recent(session)
    worker.decide(row.id)
    done = text(admin.get(page))
    assert "hx-trigger" not in done
    assert "Imports before" in done
    assert f"/events?import={row.id}" in done
    assert "What changed since the last import began" in done
    told = text(admin.get(f"/events?import={row.id}"))
    assert "2 events" in told
    assert "Only what one first import told" in told


def test_a_form_without_its_token_starts_nothing(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert admin.post(address(keeper), data={"kind": "orders"}).status_code == 400
    assert "Waiting for a worker" not in text(admin.get(address(keeper)))


def test_catching_up_begins_an_hour_before_the_last_import(admin: FlaskClient, keeper: Shopkeeper, worker: Worker) -> None:
    page = address(keeper)
    submit(admin, page, page, kind="orders")
    worker.read(last=True)
    assert submit(admin, page, page, kind="orders", **{"from": "import"}).status_code == 303
    with keeper.house.database.session(keeper.merchant.id) as session:
        second, first = imports.recent(session)
    assert second.since == first.created_at - timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "everything"}, "must be one of orders, products"),
        ({"kind": "orders", "from": "success"}, "must be one of those listed"),
        ({"kind": "orders", "from": "day", "day": "yesterday"}, "must be a day"),
        ({"kind": "orders", "from": "day", "day": "0001-01-01"}, "must be a day"),
        ({"kind": "orders", "from": "day", "day": "2999-01-01"}, "lies in the future"),
    ],
)
def test_a_form_that_makes_no_sense_says_so_beside_the_field(
    admin: FlaskClient, keeper: Shopkeeper, fields: dict[str, str], said: str
) -> None:
    answer = submit(admin, address(keeper), address(keeper), **fields)
    assert answer.status_code == 422
    assert said in text(answer)


def test_a_failed_import_says_why_and_goes_on_when_resumed(admin: FlaskClient, keeper: Shopkeeper, worker: Worker) -> None:
    page = address(keeper)
    submit(admin, page, page, kind="orders")
    with keeper.house.database.session(keeper.merchant.id) as session:
        (row,) = imports.recent(session)
    worker.fail(row.id, "A single <order> over there is too large.")
    shown = text(admin.get(page))
    assert "A single &lt;order&gt; over there is too large." in shown
    assert submit(admin, page, f"/imports/{row.id}/resume").status_code == 303
    worker.read(order("A1"), last=True)
    worker.decide(row.id)
    assert "Imports before" in text(admin.get(page))


def test_an_unknown_act_or_import_is_not_found(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert submit(admin, "/", "/imports/nothing/cancel").status_code == 404
    assert submit(admin, "/", "/imports/nothing/explode").status_code == 404
    assert admin.get("/connections/nothing/import").status_code == 404
