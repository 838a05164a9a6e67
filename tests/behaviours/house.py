"""A whole house for one test: sandboxes on real ports, the API on a real port, and RQ workers run until all is quiet."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from rq import Queue, SimpleWorker
from sqlalchemy import func, select
from werkzeug.serving import WSGIRequestHandler, make_server

import config
import demo
import wiring
from adapters.lightspeed_ecom import sandbox as shop_sandbox
from adapters.lightspeed_ecom.sandbox_seed import seed as seed_shop
from adapters.lightspeed_retail import sandbox as till_sandbox
from adapters.sandbox import SandboxState, running
from api import create_app
from store import books, commands, connections
from store.columns import now
from store.flow_models import Command, Event
from store.models import Merchant
from workers import services as worker_services
from workers.bell import DECIDE_QUEUE, drain_queue
from workers.settings import WorkerSettings

SECONDS = 60
BLOCKED = "has not been fully paid"
"""What the till says instead of fulfilling an unpaid order."""


class Shop:
    """The web shop's sandbox, used as customers and shop staff use it: through its pages."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self.state: SandboxState = box.state

    def place(
        self,
        basket: Mapping[str, int],
        *,
        shipping: str = "parcel",
        payment: str = "online",
        name: str = "Sanne de Wit",
        email: str = "sanne@example.org",
        comment: str = "",
    ) -> str:
        """A customer places an order. `payment` is online (paid), bank, unpaid or cart. Returns the order's number."""
        products = {p["sku"]: p["id"] for p in self.state.all("product")}
        form = {f"quantity:{products[sku]}": quantity for sku, quantity in basket.items()}
        answer = requests.post(f"{self.box.url}/orders", allow_redirects=False, timeout=10, data={
            **form, "shipping_method": shipping, "payment": payment, "name": name, "email": email, "street": "Dorpsstraat 1",
            "city": "Utrecht", "postalCode": "3511 AA", "countryCode": "NL", "comment": comment,
        })  # fmt: skip
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    def order(self, number: str) -> dict[str, Any]:
        found = self.state.get("order", number)
        assert found is not None
        return found

    def statuses(self, number: str) -> tuple[str, str]:
        """(payment status, fulfilment status), in the shop's own words."""
        order = self.order(number)
        return order["paymentStatus"], order["fulfillmentStatus"]

    def change(self, number: str, **fields: str) -> requests.Response:
        """Staff change `paymentStatus` or `fulfillmentStatus` on the order's page."""
        return requests.post(
            f"{self.box.url}/admin/orders/status", data={"order": number, **fields}, allow_redirects=False, timeout=10
        )

    def stock(self, sku: str) -> int:
        return int(next(p["quantity"] for p in self.state.all("product") if p["sku"] == sku))


class Till:
    """The till's sandbox, used as staff use it: through its pages."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self.state: SandboxState = box.state

    def sales(self) -> list[dict[str, Any]]:
        return self.state.all("sale")

    def sale(self, number: str) -> dict[str, Any]:
        """The sale of a shop order."""
        found = [sale for sale in self.sales() if number in str(sale.get("note", "")) or number in str(sale["source"].get("id", ""))]
        assert len(found) == 1, f"{len(found)} sales for order {number}"
        return found[0]

    def fulfilments(self, number: str) -> dict[str, dict[str, Any]]:
        """The fulfilments of a shop order by the name of their outlet."""
        sale = self.sale(number)
        names = {o["id"]: o["name"] for o in self.state.all("outlet")}
        return {names[f["outlet_id"]]: f for f in self.state.all("fulfilment") if f["sale_id"] == sale["id"]}

    def states(self, number: str) -> dict[str, str]:
        return {outlet: f["state"] for outlet, f in self.fulfilments(number).items()}

    def page(self, path: str = "/") -> str:
        return requests.get(self.box.url + path, timeout=10).text

    def step(self, number: str, step: str, outlet: str | None = None) -> str:
        """Press start, pack or done (shipped, picked up) for the order's fulfilments, or for one outlet's. Returns what
        the page says afterwards."""
        shown = ""
        for name, fulfilment in self.fulfilments(number).items():
            if outlet is None or name == outlet:
                shown = words(requests.post(f"{self.box.url}/fulfilments/{fulfilment['id']}/{step}", timeout=10).text)
        return shown

    def pay_at_sell_screen(self, number: str) -> None:
        register = next(r["id"] for r in self.state.all("register"))
        self.post("/sell/pay", sale=self.sale(number)["id"], type=self._payment_type("Cash"), register=register)

    def pay_in_sales_history(self, number: str, amount: str) -> None:
        self.post(f"/sales/{self.sale(number)['id']}/payment", amount=amount, type=self._payment_type("Cash"))

    def note(self, number: str, text: str) -> None:
        sale = self.sale(number)
        self.post(f"/sales/{sale['id']}/note", note=f"{sale.get('note', '')}\n{text}")

    def void(self, number: str) -> None:
        self.post(f"/sales/{self.sale(number)['id']}/void")

    def refund(self, number: str) -> None:
        self.post(f"/sales/{self.sale(number)['id']}/refund")

    def sell_in_store(self, sku: str, quantity: int, outlet: str) -> None:
        place = next(o["id"] for o in self.state.all("outlet") if o["name"] == outlet)
        register = next(r["id"] for r in self.state.all("register") if r["outlet_id"] == place)
        self.post(
            "/sell/counter", register=register, product=self.product(sku), quantity=str(quantity), type=self._payment_type("Cash")
        )

    def adjust(self, sku: str, outlet: str, by: int) -> None:
        place = next(o["id"] for o in self.state.all("outlet") if o["name"] == outlet)
        self.post("/stock", product=self.product(sku), outlet=place, quantity=str(by))

    def level(self, sku: str, outlet: str) -> int:
        place = next(o["id"] for o in self.state.all("outlet") if o["name"] == outlet)
        return int(
            next(
                i["current_inventory_level"]
                for i in self.state.all("inventory")
                if i["product_id"] == self.product(sku) and i["outlet_id"] == place
            )
        )

    def product(self, sku: str) -> str:
        return str(next(p["id"] for p in self.state.all("product") if p["sku"] == sku))

    def post(self, path: str, **form: str) -> requests.Response:
        return requests.post(self.box.url + path, data=form, allow_redirects=False, timeout=10)

    def _payment_type(self, name: str) -> str:
        return str(next(p["id"] for p in self.state.all("payment_type") if p["name"] == name))


class _Worker(SimpleWorker):
    """A worker that listens to nobody: leaving the channel on which RQ stops workers takes it a tenth of a second."""

    def subscribe(self) -> None:
        self.pubsub_thread = None

    def unsubscribe(self) -> None:
        return None


class House:
    """Everything together, for one merchant."""

    def __init__(
        self, services: wiring.Services, shop: Any, till: Till, url: str, key: str, merchant_id: str, ids: Mapping[str, str]
    ) -> None:
        self.services, self.shop, self.till = services, shop, till
        self.url, self.key, self.merchant_id = url, key, merchant_id
        self.ids = ids
        """The connections' ids by name."""

    def settle(self) -> None:
        """Let webhooks arrive and workers work until nothing is left to do."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            self.shop.box.sandbox.courier.settle(10)
            self.till.box.sandbox.courier.settle(10)
            worked = self._work()
            if not worked and not self._open() and self._couriers_idle():
                return
        raise AssertionError(f"the house does not come to rest: {self.pending()}")

    def _couriers_idle(self) -> bool:
        return self.shop.box.sandbox.courier.settle(0.01) and self.till.box.sandbox.courier.settle(0.01)

    def _work(self) -> bool:
        with self.services.database.system_session(read_only=True) as session:
            due = session.scalars(
                select(Command.connection_id).where(Command.status.in_(("waiting", "leased"))).distinct()
            ).all()
        self.services.bell.ring(due)
        names = [DECIDE_QUEUE, *(drain_queue(connection) for connection in self._connections())]
        queues = [Queue(name, connection=self.services.redis) for name in names]
        if not any(len(queue) for queue in queues):
            return False
        _Worker(queues, connection=self.services.redis).work(burst=True, logging_level="WARNING")
        return True

    def _connections(self) -> list[str]:
        with self.services.database.session(self.merchant_id, read_only=True) as session:
            return [c.id for c in connections.list_all(session)]

    def _open(self) -> int:
        with self.services.database.system_session(read_only=True) as session:
            waiting = select(func.count()).select_from(Command).where(
                Command.status.in_(("waiting", "leased")), Command.due_at <= now()
            )  # fmt: skip
            received = select(func.count()).select_from(Event).where(Event.status == "received")
            return int(session.scalar(waiting) or 0) + int(session.scalar(received) or 0)

    def pending(self) -> list[str]:
        with self.services.database.system_session(read_only=True) as session:
            return [
                f"{c.id} {c.operation} {c.status} {c.error_kind} {c.error}"
                for c in session.scalars(select(Command).where(Command.status.not_in(("done", "superseded"))))
            ]

    def ask(self, connection_id: str, operation: str) -> None:
        """Put a read into the outbox, as the schedule does."""
        with self.services.database.session(self.merchant_id) as session:
            subject = operation.replace("_", ":")
            commands.put(session, connection_id=connection_id, operation=operation, subject=subject, payload={})

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, headers={"Authorization": f"Bearer {self.key}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, path: str, email: str = "support@demo.example") -> str:
        """A page as somebody who signed in sees it."""
        with requests.Session() as browser:
            form = browser.get(f"{self.url}/sign-in", timeout=10).text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
            assert token is not None
            answer = browser.post(
                f"{self.url}/sign-in", data={"csrf_token": token[1], "email": email, "password": demo.PASSWORD}, timeout=10
            )
            assert answer.status_code == 200, answer.text
            shown = browser.get(self.url + path, timeout=10)
            assert shown.status_code == 200, shown.text
            return shown.text

    def post_event(self, event_type: str, data: Mapping[str, Any], *, id: str | None = None, **envelope: Any) -> requests.Response:
        """An external system posts an event."""
        body = {
            "specversion": "1.0", "type": event_type, "source": "test", "id": id or f"e{time.monotonic_ns()}",
            "time": now().isoformat(), "data": data, **envelope,
        }  # fmt: skip
        return requests.post(
            self.url + "/v1/events", json=body, headers={"Authorization": f"Bearer {self.key}"}, timeout=30
        )

    def post_order(self, number: str, basket: Mapping[str, int], **more: Any) -> str:
        """An external system posts a paid order of the shop, whatever the shop's own page would say about stock."""
        prices = {a.sku: a.price for a in demo.ARTICLES}
        total = sum((Decimal(prices[sku]) * n for sku, n in basket.items()), Decimal(0))
        order = {
            "number": number, "external_id": number, "placed_at": "2026-09-21T14:13:20Z", "updated_at": "2026-09-21T14:13:20Z",
            "currency": "EUR", "total": str(total), "payment_status": "paid", "shop_status": "awaiting_processing",
            "payment": {"method": "Card", "processor": "Lightspeed Payments"}, "fulfilment_type": "delivery",
            "customer": {"email": "piet@example.org", "name": "Piet Post"},
            "shipping_address": {"name": "Piet Post", "street": "Kade 2", "city": "Almere", "postcode": "1327 AB", "country": "NL"},
            "lines": [
                {"id": str(i), "sku": sku, "name": sku, "quantity": n, "unit_price": prices[sku], "tax_rate": "21"}
                for i, (sku, n) in enumerate(basket.items(), 1)
            ],
            **more,
        }  # fmt: skip
        answer = self.post_event("order.placed", {"order": order}, source="webshop")
        assert answer.status_code == 201, answer.text
        return number

    def order(self, number: str) -> dict[str, Any]:
        """The order as the API shows it."""
        found = self.get(f"/v1/orders?q={number}")["items"]
        assert len(found) == 1, f"{len(found)} orders with number {number}"
        return dict(self.get(f"/v1/orders/{found[0]['id']}"))

    def set(self, decision: str, **settings: Any) -> None:
        """The merchant changes settings of a rule file."""
        with self.services.database.session(self.merchant_id) as session:
            for name, value in settings.items():
                books.set_setting(session, decision, name, value)

    def commands(self, operation: str = "") -> list[Command]:
        with self.services.database.session(self.merchant_id, read_only=True) as session:
            found = session.scalars(select(Command).order_by(Command.id)).all()
            return [c for c in found if not operation or c.operation == operation]

    def notes(self, number: str) -> str:
        """Everything the order's decisions noted, for asserting on reasons."""
        order = self.order(number)
        decisions = [self.get(f"/v1/decisions/{d['id']}") for d in order["decisions"]]
        return "\n".join(note for d in decisions for note in d["trace"]["notes"])


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


@contextmanager
def serve(app: Any, port: int = 0) -> Iterator[str]:
    """Serve a WSGI application on a free port until the block ends."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


class Furniture:
    """What stands in a house, and how it is put there: the demo's shop and till. Other houses have another shop."""

    worker_settings = WorkerSettings(retry_delays=(0.05,), breaker_failures=50, throttle_delay=0.05)

    def seed(self, shop: SandboxState, till: SandboxState) -> None:
        """Fill the two sandboxes, which are empty."""
        seed_shop(shop, **demo.shop_seed())
        till_sandbox.seed(till, **demo.till_seed())

    def shop_app(self, state: SandboxState) -> Any:
        return shop_sandbox.create_app(state, requests_per_minute=0)

    def shop(self, box: Any) -> Any:
        """The shop as customers and staff use it; it must have the `box`."""
        return Shop(box)

    def till(self, box: Any) -> Till:
        return Till(box)

    def services(self, services: wiring.Services) -> wiring.Services:
        """The services of the house, with quick workers."""
        return replace(services, worker_settings=self.worker_settings)

    def load(self, services: wiring.Services, shop: Any, till: Till) -> Mapping[str, str]:
        """Make the merchant or bring it up to date. Returns the ids of the connections by name."""
        return demo.load(services, shop.box.url, till.box.url)

    def subscribe(self, shop: Any, url: str) -> None:
        """Have the shop send its webhooks to `url`."""
        shop.state.set_setting("webhook_url", url)


@contextmanager
def open_house(folder: Path, database_url: str, redis_url: str, furniture: Furniture | None = None) -> Iterator[House]:
    """Open the house whose keys, sandboxes and (with SQLite) database are kept in `folder`; make it when it is empty.

    It has the demo's merchant, outlets, articles and stock unless furnished otherwise, and is at rest.
    """
    furniture = furniture or Furniture()
    environment = {"WISSEL_DATA_DIR": str(folder), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "WISSEL_DEMO": "1", "WISSEL_ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
    settings = config.from_environment(environment)
    is_new = not (folder / "shop.db").exists()
    if is_new:
        wiring.prepare(settings)
    services = furniture.services(wiring.build(settings))
    worker_services.install(services)
    shop_state, till_state = SandboxState(folder / "shop.db"), SandboxState(folder / "till.db")
    if is_new:
        furniture.seed(shop_state, till_state)
    till_app = till_sandbox.create_app(till_state, requests_per_minute=0)
    with running(furniture.shop_app(shop_state)) as shop_box, running(till_app) as till_box, serve(create_app(services)) as url:
        shop, till = furniture.shop(shop_box), furniture.till(till_box)
        ids = furniture.load(services, shop, till)
        furniture.subscribe(shop, f"{url}/v1/hooks/{ids[demo.SHOP]}")
        till_state.set_setting("webhook_url", f"{url}/v1/hooks/{ids[demo.TILL]}")
        key = demo.key_for_posting(services, folder / "key")
        house = House(services, shop, till, url, key, _merchant(services), ids)
        if is_new:
            _read_the_till(house, ids[demo.TILL])
        yield house
    for state in (shop_state, till_state):
        state.close()
    services.redis.flushall()
    services.redis.close()
    services.database.close()


def _merchant(services: wiring.Services) -> str:
    with services.database.system_session(read_only=True) as session:
        return session.scalars(select(Merchant.id).where(Merchant.slug == demo.MERCHANT)).one()


def _read_the_till(house: House, till_id: str) -> None:
    """What the schedule does first of all in a real house."""
    house.ask(till_id, "read_changes")
    house.settle()


def words(page: str) -> str:
    """The text of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
