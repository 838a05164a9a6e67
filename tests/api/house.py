"""The whole service as the API sees it, with real parts, and a merchant whose orders have been through something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from adapters.lightspeed_ecom.adapter import LightspeedEcom
from adapters.lightspeed_retail.adapter import LightspeedRetail
from adapters.outbound import Outbound
from api import create_app
from engine.language import load_book
from store import books, connections, leases, people, products, stock
from store.models import Merchant
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake

RULES = Path(__file__).parents[2] / "rules"
PASSWORD = "correct horse battery"
_numbers = count(1)


@dataclass
class Settings:
    """How the API under test runs."""

    secret_key: str = "a secret that is long enough for tests"
    https: bool = False
    demo: bool = False
    max_body_bytes: int = 1_000_000
    metrics_token: str = ""
    public_url: str = "https://wissel.example"
    poll_seconds: int = 30


@dataclass
class House:
    """Services built from real parts, and helpers to use them."""

    database: Database
    redis: Redis
    config: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.cipher = Cipher(Cipher.new_key())
        self.adapters = {adapter.capabilities.platform: adapter for adapter in (LightspeedEcom(), LightspeedRetail())}
        self.outbound = Outbound.of(["127.0.0.1"])
        self.books = CompiledBooks(self.database)
        self.bell = Bell(self.redis)
        self.intake = Intake(self.database, self.books, self.bell)

    def app(self) -> Flask:
        return create_app(self)


@dataclass
class Shopkeeper:
    """One merchant with published rules, a shop, a till, stock, keys and people."""

    house: House
    merchant: Merchant
    shop: str
    till: str
    keys: dict[str, str]

    @property
    def bearer(self) -> dict[str, str]:
        return self.headers("admin")

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def put_stock(self, levels: Mapping[tuple[str, str], int]) -> None:
        with self.house.database.session(self.merchant.id) as session:
            for (outlet, sku), pieces in levels.items():
                products.put(session, sku, name=NAMES.get(sku, sku))
                stock.set_level(session, outlet, sku, pieces, at=datetime.now(UTC) - timedelta(days=1), event_id=None)

    def fail(self, connection_id: str, message: str, *, kind: str = "refused", dead: bool = True, exchanges: Any = ()) -> int:
        """The next due command of a connection is tried and fails. Returns its id."""
        return self._try(connection_id, kind, message, None if dead else timedelta(minutes=5), exchanges)

    def succeed(self, connection_id: str, message: str, exchanges: Any = ()) -> int:
        """The next due command of a connection is carried out. Returns its id."""
        return self._try(connection_id, "done", message, None, exchanges)

    def _try(self, connection_id: str, outcome: str, message: str, again: timedelta | None, exchanges: Any) -> int:
        at = datetime.now(UTC)
        with self.house.database.system_session() as session:
            held = leases.lease(session, connection_id, at=at, seconds=30, limit=1, retry_at=lambda failures: at)
            (command,) = held.commands
            failures = 0 if outcome == "done" else 1
            tried = leases.Tried(
                command, outcome, outcome, message, at, at, failures=failures, retry_at=at + again if again else None,
                exchanges=exchanges,
            )  # fmt: skip
            leases.finish(session, held.token, [tried])
        return command.id


NAMES = {"MUG-BLUE": "Mug, blue", "LAMP": "Desk lamp", "RUG-160": "Rug 160 × 230", "VASE": "Vase, stoneware", "CHAIR": "Chair, oak"}


def open_shop(house: House, make_merchant: Callable[..., Merchant], slug: str = "tulip") -> Shopkeeper:
    """A merchant with everything it needs to take orders, one key per role and one person per role."""
    merchant = make_merchant(house.database, slug)
    texts = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}
    keys = {}
    with house.database.session(merchant.id) as session:
        books.publish(session, texts, load_book(texts).version, by="tests", comment="as shipped")
        for role in people.KEY_ROLES:
            keys[role] = people.create_api_key(session, name=f"{role} key", role=role)[1]
        people.create_user(session, email=f"admin@{slug}.example", name="Ada Admin", password=PASSWORD, role="admin")
        people.create_user(
            session, email=f"support@{slug}.example", name="Sam Support", password=PASSWORD, role="support", outlets=["amsterdam"]
        )
        shop = _connect(session, house, f"{slug}-shop", "lightspeed_ecom", "shop", {"client_secret": "shop secret"})
        till = _connect(session, house, f"{slug}-till", "lightspeed_retail", "till", {"client_secret": "till secret"})
    return Shopkeeper(house, merchant, shop, till, keys)


def _connect(session: Any, house: House, name: str, platform: str, role: str, credentials: dict[str, str]) -> str:
    made = connections.add(
        session, name=name, platform=platform, role=role, base_url="http://127.0.0.1:9", credentials=credentials, cipher=house.cipher
    )
    return made.id


def cloud_event(type_: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A CloudEvent with an id of its own."""
    return {
        "specversion": "1.0", "id": f"event-{next(_numbers)}", "source": "web", "type": type_,
        "time": "2026-11-22T09:30:00Z", "data": data, **more,
    }  # fmt: skip


def placed(number: str = "7Q2XK", basket: Mapping[str, int] | None = None, **more: Any) -> dict[str, Any]:
    """An order as a shop tells it; every article costs 12.50."""
    basket = basket or {"MUG-BLUE": 2}
    lines = [
        {"id": str(index), "sku": sku, "name": NAMES.get(sku, sku), "quantity": pieces, "unit_price": "12.50", "tax_rate": "21"}
        for index, (sku, pieces) in enumerate(basket.items(), 1)
    ]
    total = f"{12.5 * sum(basket.values()):.2f}"
    return {
        "order": {
            "number": number, "currency": "EUR", "total": total, "payment_status": "paid", "lines": lines,
            "payment": {"method": "iDEAL", "processor": "Lightspeed Payments"},
            "customer": {"email": "jo@example.com", "name": "Jo Visser"},
            "shipping_address": {"street": "Dam 1", "city": "Amsterdam", "postcode": "1012JS", "country": "NL"}, **more,
        }
    }  # fmt: skip


def post(client: FlaskClient, keeper: Shopkeeper, event: Mapping[str, Any], **headers: str) -> Any:
    """Post one structured CloudEvent."""
    return client.post(
        "/v1/events", json=event, headers={**keeper.bearer, **headers}, content_type="application/cloudevents+json"
    )


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> Any:
    """Sign in as a person does: with the form's token."""
    return client.post("/sign-in", data={"email": email, "password": password, "csrf_token": token(client, "/sign-in")})


def token(client: FlaskClient, page: str) -> str:
    """The token of the forms on a page."""
    text = client.get(page).get_data(as_text=True)
    return text.split('name="csrf_token" value="')[1].split('"')[0]
