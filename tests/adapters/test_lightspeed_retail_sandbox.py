"""The sandbox till itself: its wire protocol and its webhooks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from lightspeed_retail_till import Till, open_till

from adapters.base import Memory
from adapters.lightspeed_retail import LightspeedRetail, mapping, sandbox
from adapters.sandbox import SandboxState, running

ORDER_REF = {"id": "order-1"}
SALE_ID = mapping.sale_id("order-1")
CASH = sandbox.seeded_id("payment_type", "Cash")
MUG = sandbox.seeded_id("product", "MUG-BLUE")
UTRECHT = sandbox.seeded_id("outlet", "Utrecht")


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


class Receiver:
    """A web server that keeps what is posted to it."""

    def __init__(self) -> None:
        received: list[tuple[bytes, dict[str, str], dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
                received.append((body, dict(self.headers.items()), query))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return None

        self.received = received
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def sale_body(**changes: Any) -> dict[str, Any]:
    line = {
        "product": {"id": MUG},
        "quantity": 1,
        "pricing": {"price": 10.33},
        "tax": {"id": sandbox.seeded_id("tax", "VAT 21%"), "amount": 2.17},
    }
    source = {"author_id": sandbox.seeded_id("user", "wissel"), "register_id": sandbox.seeded_id("register", "Online")}
    return {"state": "pending", "attributes": ["delivery"], "source": source, "line_items": [line], **changes}


# Protocol


def test_errors_have_a_title_and_a_message(till: Till) -> None:
    answer = till.api("GET", "sales/nope")
    assert answer.status_code == 404 and answer.json() == {"error": "Not Found", "message": "There is no sale nope."}


def test_no_or_a_wrong_token_is_401(till: Till) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        assert requests.get(f"{till.box.url}/api/2026-07/outlets", headers=headers, timeout=5).status_code == 401


def test_the_limit_is_300_per_register_and_50_and_says_when_to_come_back(till: Till) -> None:
    first = till.api("GET", "outlets")
    assert first.headers["X-RateLimit-Limit"] == "950"
    left = int(first.headers["X-RateLimit-Remaining"])
    for _ in range(left):
        till.api("GET", "webhooks")
    refused = till.api("GET", "outlets")
    assert refused.status_code == 429
    assert refused.json() == {"error": "Too Many Requests", "message": "Rate limiting enforced"}
    assert parsedate_to_datetime(refused.headers["Retry-After"]).tzinfo is not None


def test_lists_are_paged_by_version_and_end_empty(till: Till) -> None:
    after, seen = 0, []
    while rows := (page := till.api("GET", f"products?after={after}&page_size=2").json())["data"]:
        assert len(rows) <= 2 and page["version"]["max"] == rows[-1]["version"]
        seen += [row["sku"] for row in rows]
        after = page["version"]["max"]
    assert sorted(seen) == ["MUG-BLUE", "POT-CAST", "SHIPPING", "TEA-EARL"]
    assert page["version"] == {"min": None, "max": None}


def test_inventory_is_a_bare_array_newest_first_unless_asked_otherwise(till: Till) -> None:
    newest = till.api("POST", "inventory", json={"size": 2}).json()
    oldest = till.api("POST", "inventory", json={"size": 2, "sort_direction": "asc"}).json()
    assert newest[0]["version"] > newest[1]["version"] and oldest[0]["version"] < oldest[1]["version"]


def test_ids_are_text_where_a_number_would_lose_digits(till: Till) -> None:
    till.place()
    row = till.api("GET", "fulfillments").json()["data"][0]
    assert isinstance(row["id"], str) and int(row["id"]) > 2**53
    assert "hidden" not in row


def test_one_version_grows_over_everything(till: Till) -> None:
    before = max(row["version"] for row in till.api("POST", "inventory", json={}).json())
    till.place()
    after = till.api("GET", f"sales/{SALE_ID}").json()["data"]["_metadata"]["version"]
    assert after > before


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": "dreaming"}, 422),
        ({"source": {}}, 422),
        ({"attributes": ["pickup", "delivery"]}, 422),
        ({"attributes": ["teleport"]}, 422),
        ({"customer_id": "nobody"}, 422),
        ({"line_items": [{}]}, 422),
        ({"line_items": ["x"]}, 422),
        ({"payments": [{"amount": 1, "type": {"config_id": "x"}}]}, 422),
        ({"state": "closed"}, 422),
    ],
)
def test_a_sale_that_makes_no_sense_is_refused(till: Till, changes: dict, status: int) -> None:
    assert till.api("POST", "sales", json=sale_body(**changes)).status_code == status
    assert not till.state.all("sale") and till.level("MUG-BLUE", "ams") == 12


def test_a_second_sale_with_the_same_id_is_409_or_replaces_the_first(till: Till) -> None:
    body = sale_body(id=str(uuid.uuid4()))
    assert [till.api("POST", "sales", json=body).status_code for _ in range(2)] == [200, 409]
    till.box.sandbox.set_switch("same_id_conflicts", False)
    assert till.api("POST", "sales", json={**body, "note": "new"}).json()["data"]["note"] == "new"
    assert len(till.state.all("sale")) == 1


def test_lines_left_out_of_an_update_are_gone_with_their_stock_and_fulfilment(till: Till) -> None:
    till.place()
    sale = till.api("GET", f"sales/{SALE_ID}").json()["data"]
    body = {**mapping.whole_sale(sale, []), "line_items": sale["line_items"][:1]}
    till.api("PUT", f"sales/{SALE_ID}", json=body).raise_for_status()
    assert len(till.sale()["line_items"]) == 1 and till.level("POT-CAST", "utr") == 3


def test_a_line_that_an_update_sends_without_its_outlet_moves_to_the_sales_own(till: Till) -> None:
    till.place()
    sale = till.api("GET", f"sales/{SALE_ID}").json()["data"]
    till.api("PUT", f"sales/{SALE_ID}", json=mapping.whole_sale(sale, [])).raise_for_status()
    (row,) = till.api("GET", "fulfillments").json()["data"]
    assert row["outlet_id"] == sandbox.seeded_id("outlet", "Amsterdam") and len(row["line_items"]) == 2
    assert (till.level("POT-CAST", "ams"), till.level("POT-CAST", "utr")) == (-1, 3)


def test_a_closed_sale_only_becomes_voided(till: Till) -> None:
    till.place()
    till.do("add_payment", order=ORDER_REF, amount="50.00", method="Cash")
    till.do("complete_fulfilments", order=ORDER_REF)
    body = mapping.whole_sale(till.sale(), [])
    assert till.api("PUT", f"sales/{SALE_ID}", json={**body, "state": "pending"}).status_code == 409
    assert till.api("PUT", f"sales/{SALE_ID}", json={**body, "state": "voided"}).json()["data"]["state"] == "voided"
    assert till.api("PUT", f"sales/{SALE_ID}", json=body).status_code == 409


def step(till: Till, row: dict[str, Any], name: str, quantity: Any, **more: Any) -> requests.Response:
    line = {"sale_line_item_id": row["line_items"][0]["sale_line_item_id"], "quantity": quantity, **more}
    return till.api("POST", f"fulfillments/{row['id']}/{name}", json={"version": row["version"], "line_items": [line]})


def test_pick_and_pack_move_units_line_by_line_and_a_stale_version_is_409(till: Till) -> None:
    till.place()
    row = till.fulfilments()[0]
    assert step(till, row, "pick", 1).json()["data"] == {"id": row["id"], "version": 2}
    assert step(till, row, "pack", 1).status_code == 409
    row = till.fulfilments()[0]
    assert row["state"] == "STARTED"
    assert step(till, row, "pack", 3).status_code == 422
    breakdown = {"quantity_from_picked": 1, "quantity_from_not_started": 1}
    assert step(till, row, "pack", 2, source_breakdown={**breakdown, "quantity_from_picked": 2}).status_code == 422
    assert step(till, row, "pack", 2, source_breakdown=breakdown).status_code == 200
    assert till.fulfilments()[0]["state"] == "PACKED"
    assert step(till, till.fulfilments()[0], "pack", -1).status_code == 200
    assert till.fulfilments()[0]["state"] == "STARTED"
    history = till.api("GET", f"fulfillments/{row['id']}/history").json()["data"]
    assert [(entry["event_type"], entry["packed_quantity_delta"]) for entry in history] == [
        ("CREATED", "0.00"), ("PICKED", "0.00"), ("PACKED", "2.00"), ("PACKED", "-1.00")]  # fmt: skip


def test_an_unpaid_sale_is_not_fulfilled(till: Till) -> None:
    till.place()
    assert step(till, till.fulfilments()[0], "fulfill", 2).status_code == 409
    answer = till.api("POST", "fulfillments/fulfill", json={"sale_id": SALE_ID})
    assert answer.status_code == 409 and "Take the customer's payment first" in answer.json()["message"]


def test_a_sale_on_account_may_be_fulfilled(till: Till) -> None:
    made = till.api("POST", "sales", json=sale_body(attributes=["delivery", "onaccount"])).json()["data"]
    assert till.api("POST", "fulfillments/fulfill", json={"sale_id": made["id"]}).status_code == 200


@pytest.mark.parametrize(
    ("quantity", "reason", "status", "level"),
    [
        ("-3", "DAMAGE", 201, 2),
        ("4", "STOCK_FOUND", 201, 9),
        ("3", "DAMAGE", 422, 5),
        ("-3", "STOCK_FOUND", 422, 5),
        ("0", "CUSTOM", 422, 5),
        ("x", "DAMAGE", 422, 5),
    ],
)
def test_stock_adjustments_are_relative_and_their_sign_fits_the_reason(
    till: Till, quantity: str, reason: str, status: int, level: int
) -> None:
    row = {"product_id": MUG, "outlet_id": UTRECHT, "quantity": quantity, "reason": reason}
    assert till.api("POST", "stock_adjustments", json={"stock_adjustments": [row]}).status_code == status
    assert till.level("MUG-BLUE", "utr") == level


def test_customer_names_are_required_but_may_be_null(till: Till) -> None:
    assert till.api("POST", "customers", json={"email": "a@b.c"}).status_code == 422
    assert till.api("POST", "customers", json={"first_name": None, "last_name": None}).status_code == 201


def test_a_code_can_be_exchanged_for_tokens_and_a_refresh_token_works_once(till: Till) -> None:
    form = {
        "client_id": sandbox.CLIENT_ID,
        "client_secret": "sandbox-secret",
        "grant_type": "authorization_code",
        "code": "sandbox-code",
    }
    granted = till.http.post(f"{till.box.url}/api/1.0/token", data=form).json()
    assert granted["token_type"] == "Bearer" and granted["domain_prefix"] == "democorner"
    form |= {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    assert [till.http.post(f"{till.box.url}/api/1.0/token", data=form).status_code for _ in range(2)] == [200, 400]


def test_the_books_survive_a_restart(tmp_path, memory: Memory, http: requests.Session) -> None:
    state = SandboxState(tmp_path / "till.db")
    sandbox.seed_demo(state)
    memory.replace_credentials(sandbox.connection_credentials())
    with running(sandbox.create_app(state)) as box:
        Till(box, memory, http).place()
    state.close()
    again = SandboxState(tmp_path / "till.db")
    with running(sandbox.create_app(again)) as box:
        assert Till(box, memory, http).place().did_nothing
    again.close()


# Webhooks


def test_a_subscription_is_unique_by_type_and_url(till: Till) -> None:
    wanted = {"active": True, "type": "sale.update", "url": "http://127.0.0.1:9/x"}
    assert [till.api("POST", "webhooks", json=wanted).status_code for _ in range(2)] == [201, 409]
    (made,) = till.api("GET", "webhooks").json()["data"]
    assert till.api("PUT", f"webhooks/{made['id']}", json={**wanted, "active": False}).json()["data"]["active"] is False
    assert till.api("DELETE", f"webhooks/{made['id']}").status_code == 204
    assert till.api("POST", "webhooks", json={**wanted, "type": "moon.rise"}).status_code == 422


@pytest.mark.parametrize("switch", ["", "signs_base64"])
def test_webhooks_are_signed_forms_in_the_old_shape_that_the_adapter_understands(
    till: Till, receiver: Receiver, switch: str
) -> None:
    if switch:
        till.box.sandbox.set_switch(switch, True)
    till.state.set_setting("webhook_url", receiver.url)
    till.place()
    assert till.box.sandbox.courier.settle()
    hints = [
        hint
        for body, headers, query in receiver.received
        for hint in LightspeedRetail().verify(body, headers, query, till.connection)
    ]
    reads = {(hint.operation, *hint.payload.values()) for hint in hints}
    assert ("read_sale", SALE_ID) in reads and ("read_stock", MUG) in reads
    bodies = [parse_qs(body.decode())["payload"][0] for body, *_ in receiver.received]
    assert any('"status": "AWAITING_DISPATCH"' in body and "register_sale_products" in body for body in bodies)
    assert any('"count": 10' in body for body in bodies)


def test_a_webhook_over_the_payload_passes_with_the_setting(till: Till, receiver: Receiver) -> None:
    till.box.sandbox.set_switch("signs_payload", True)
    till.api("POST", "webhooks", json={"active": True, "type": "sale.update", "url": receiver.url})
    till.place()
    assert till.box.sandbox.courier.settle()
    till.settings["signature_over"] = "payload"
    body, headers, query = receiver.received[0]
    (hint,) = LightspeedRetail().verify(body, headers, query, till.connection)
    assert hint.native_type == "sale.update"
