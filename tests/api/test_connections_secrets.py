"""No page, answer, log line, trace or audit entry ever shows a credential; and the keys they are encrypted with can be
replaced."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import audit
from store.flow_models import Attempt, Command
from store.models import Connection, ConnectionMemory
from store.secrets import Cipher
from tests.api.connecting import CANARIES, Till, connect, open_till
from tests.api.house import House, Shopkeeper, token
from tests.api.seeding import seed
from tests.api.test_connections_health import Working
from workers.drain import Drainer
from workers.errands import errand_for

WRONG = {"access_token": "canary-wrong-3b3b", "refresh_token": "canary-wrong-9e9e"}
SECRETS = (*CANARIES.values(), *WRONG.values())


@pytest.fixture
def till() -> Iterator[Till]:
    with open_till(CANARIES) as opened:
        yield opened


def leaks(text: str) -> list[str]:
    """Which secrets a text holds, as they are or thinly disguised."""
    forms = {secret: (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("="), secret[:12]) for secret in SECRETS}
    return [secret for secret, written in forms.items() if any(form in text for form in written)]


def everything(app: Flask, ids: dict[str, str]) -> list[str]:
    """Every address that answers a GET, its arguments filled in."""
    rules = [
        rule for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.arguments <= set(ids) and "static" not in rule.endpoint
    ]  # fmt: skip
    return [re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda name: ids[name[1]], rule.rule) for rule in rules]


def test_nothing_an_admin_can_open_shows_a_secret(
    app: Flask, admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = seed(keeper)
    connection = connect(client, keeper, till)
    story = client.get(f"/v1/orders/{made['plain']}", headers=keeper.bearer).json
    ids = {
        "connection_id": connection, "platform": "lightspeed_retail", "order_id": made["plain"], "event_id": story["events"][0]["id"],
        "decision_id": story["decisions"][0]["id"], "command_id": str(story["commands"][0]["id"]), "decision": "order_intake",
    }  # fmt: skip
    answers: list[str] = []

    def saw(answer: Any) -> None:
        answers.append(answer.get_data(as_text=True) + str(answer.headers))

    _go_wrong_in_every_way(admin, client, keeper, till, connection, saw)
    _let_workers_call(keeper, connection)
    addresses = everything(app, ids)
    assert len(addresses) > 40 and f"/connections/{connection}/credentials" in addresses
    for address in addresses:
        if address.startswith("/sign"):
            continue
        saw(client.get(address, headers=keeper.bearer) if address.startswith("/v1/") else admin.get(address))

    assert [found for text in answers if (found := leaks(text))] == []
    assert leaks(caplog.text) == []
    assert leaks(_stored(keeper)) == []


def _go_wrong_in_every_way(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till, connection: str, saw: Any) -> None:
    """Forms and calls that are refused, by us or by the system, with secrets in them."""
    fields = till.form(admin, name="third-till", **{f"credential_{name}": value for name, value in WRONG.items()})
    saw(admin.post("/connections/new/lightspeed_retail", data=fields))
    saw(admin.post("/connections/new/lightspeed_retail", data={**fields, "name": "No Name"}))
    saw(admin.post("/connections/new/lightspeed_retail", data={**fields, "credential_access_token": WRONG["access_token"] + "\nx"}))
    rotating = {"csrf_token": token(admin, "/connections"), **{f"credential_{name}": value for name, value in WRONG.items()}}
    saw(admin.post(f"/connections/{connection}/credentials", data=rotating))
    saw(admin.post(f"/connections/{connection}/credentials", data={**rotating, "credential_expires": "x" * 5000}))
    saw(client.post(f"/v1/connections/{connection}/rotate", json={"credentials": {**WRONG, "wrong": CANARIES["client_id"]}}, headers=keeper.bearer))
    saw(client.post(f"/v1/connections/{connection}/rotate", json={"credentials": {**CANARIES, **WRONG}}, headers=keeper.bearer))
    saw(client.post("/v1/connections", json=till.wanted(credentials={"access_token": [CANARIES["access_token"]]}), headers=keeper.bearer))
    saw(client.post("/v1/connections", json=till.wanted(base_url=f"https://{CANARIES['client_id']}:{CANARIES['client_secret']}@till.example"), headers=keeper.bearer))
    for fault in ("500", "429", "html", "drop"):
        till.box.sandbox.faults.add(fault)
        saw(client.post(f"/v1/connections/{connection}/test", json={}, headers=keeper.bearer))
    saw(client.post(f"/v1/connections/{connection}/rotate", json={"credentials": CANARIES}, headers=keeper.bearer))


def _let_workers_call(keeper: Shopkeeper, connection: str) -> None:
    from store import commands

    house = Working(keeper.house.database, keeper.house.redis)
    house.cipher = keeper.house.cipher
    with house.database.session(keeper.merchant.id) as session:
        commands.put(session, connection_id=connection, operation="check", subject="check", payload={})
        commands.put(session, connection_id=connection, operation="read_stock", subject="stock", payload={"sku": "no-such-sku"})
    with errand_for(house, connection) as errand:  # type: ignore[arg-type]
        assert errand is not None
        report = Drainer(house, errand).run()  # type: ignore[arg-type]
    assert report.done


def _stored(keeper: Shopkeeper) -> str:
    """All that is kept in readable form: audit, attempts, commands, what is remembered."""
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        rows = [f"{row.action} {row.about} {row.reason}" for row in audit.entries(session, limit=1000)]
        rows += [f"{row.message} {row.exchanges}" for row in session.query(Attempt)]
        rows += [f"{row.error} {row.result} {row.payload}" for row in session.query(Command)]
        rows += [str(row.value) for row in session.query(ConnectionMemory)]
        rows += [f"{row.base_url} {row.settings} {row.credentials_since} {row.credentials!r}" for row in session.query(Connection)]
    return "\n".join(rows)


def test_credentials_typed_into_a_form_that_failed_are_kept_for_this_person_only(
    app: Flask, admin: FlaskClient, keeper: Shopkeeper, till: Till
) -> None:
    fields = till.form(admin, name="No Name")
    page = admin.post("/connections/new/lightspeed_retail", data=fields).get_data(as_text=True)
    kept = re.search(r'name="kept" value="([^"]+)"', page)
    assert kept is not None and "Kept from your last try" in page
    without = {name: value for name, value in fields.items() if not name.startswith("credential_")}

    assert admin.post("/connections/new/lightspeed_retail", data={**without, "kept": kept[1]}).status_code == 422, "the name is still wrong"
    assert admin.post("/connections/new/lightspeed_retail", data={**without, "kept": "rubbish", "name": "third"}).status_code == 422
    assert admin.post("/connections/new/lightspeed_ecom", data={**without, "kept": kept[1], "name": "third"}).status_code == 422
    assert admin.post("/connections/new/lightspeed_retail", data={**without, "kept": kept[1], "name": "third"}).status_code == 303


def test_the_keys_are_replaced_from_the_command_line_while_everything_runs(house: House, keeper: Shopkeeper) -> None:
    old, new = house.cipher, Cipher.new_key()
    first = Cipher.new_key()
    house.cipher = Cipher(first)
    with house.database.session(keeper.merchant.id) as session:
        for row in session.query(Connection):
            row.credentials = Cipher(first).encrypt(old.decrypt(row.credentials))
    house.cipher = Cipher(f"{new},{first}")
    app = house.app()

    done = app.test_cli_runner().invoke(args=["connections", "rotate-keys"])
    assert (done.exit_code, done.output) == (0, "The credentials of 2 connections are encrypted under the first key.\n")
    house.cipher = Cipher(new)
    assert app.test_client().get(f"/v1/connections/{keeper.shop}", headers=keeper.bearer).json["credentials"][2]["set"]

    house.cipher = Cipher(Cipher.new_key())
    lost = app.test_cli_runner().invoke(args=["connections", "rotate-keys"])
    assert lost.exit_code == 1 and f"tulip-shop ({keeper.shop})" in lost.output
    assert len(Cipher(app.test_cli_runner().invoke(args=["connections", "new-key"]).output.strip()).encrypt({})) > 0
