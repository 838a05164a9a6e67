"""A whole house with the shop of any platform: its sandbox, the till's, the API and the workers, at rest between steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy import func, select

import demo
import wiring
from adapters.lightspeed_retail import mapping as till_words
from adapters.lightspeed_retail import sandbox as till_sandbox
from adapters.sandbox import SandboxState
from api import publishing
from store import bindings, books, commands, connections, outlets
from store.flow_models import Command, Event
from store.models import Merchant
from store.order_models import Order
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs import rig_of
from tests.adapters.rigs.base import OUTLETS, Article, Rig
from tests.behaviours.house import Furniture, House, Till, open_house
from workers.settings import WorkerSettings

ARTICLES = (
    Article("CUP", "Cup", "12.50", "21", {"amsterdam": 1000, "utrecht": 0}),
    Article("SAUCER", "Saucer", "8.95", "9", {"amsterdam": 0, "utrecht": 1000}),
    Article("SPOON", "Spoon", "4.50", "21", {"amsterdam": 1000, "utrecht": 1000}),
    Article("VOUCHER", "Gift card of 25", "25.00", "0", {}, gift_card=True),
    Article("PAIR", "Cup and saucer", "19.95", "21", {}, parts={"CUP": 1, "SAUCER": 1}),
)
"""Cups and saucers are in one outlet each, so an order of both is always split; spoons are anywhere. The till knows
gift cards and bundles too, since whatever costs something stands on its sales."""

WHERE = {"CUP": "amsterdam", "SAUCER": "utrecht"}
NAMES = {str(outlet["code"]): str(outlet["name"]) for outlet in OUTLETS}


class Trouble:
    """Strikes every call to the shop the first time that it is made: reads fail, writes take effect and lose their answer.

    Several kinds of fault take turns, among reads and among writes. What a call is, is told by its method, path and body;
    so each call of a whole story fails once, and every repetition succeeds sooner or later. That a write which had no
    effect is repeated as well, and each kind at each call, the conformance suite shows.
    """

    def __init__(self) -> None:
        self.shop: Rig | None = None
        self.struck: Counter[str] = Counter()
        self._kinds: tuple[str, ...] = ()
        self._seen: set[str] = set()
        self._turns: Counter[bool] = Counter()

    def start(self, *kinds: str) -> None:
        self._kinds = kinds
        for kept in (self.struck, self._seen, self._turns):
            kept.clear()

    def stop(self) -> None:
        self._kinds = ()

    def session(self, usual: Callable[[], requests.Session]) -> requests.Session:
        """A session like the usual one, but for the trouble."""
        http = usual()
        plain = http.request

        def request(method: str, url: str, **options: Any) -> requests.Response:
            if self._strike(method, url, options) == "timeout":
                options["timeout"] = (3.05, 0.05)
            return plain(method, url, **options)

        http.request = request  # type: ignore[method-assign, assignment]
        return http

    def _strike(self, method: str, url: str, options: Mapping[str, Any]) -> str:
        """Switch a fault on for this call if it is the first of its like. Returns its kind, empty for none."""
        if not self._kinds or self.shop is None or urlsplit(url).netloc != urlsplit(self.shop.box.url).netloc:
            return ""
        body = json.dumps([options.get("json"), str(options.get("data"))], default=str, sort_keys=True)
        call = f"{method} {urlsplit(url).path} {body}"
        if call in self._seen:
            return ""
        self._seen.add(call)
        writes = method not in ("GET", "HEAD") and '{"query": "query' not in body
        kind = self._kinds[self._turns[writes] % len(self._kinds)]
        self._turns[writes] += 1
        self.struck[kind] += 1
        self.shop.fault(kind, after_effect=writes, seconds={"timeout": 0.1, "slow": 0.01}.get(kind, 0))
        return kind


class PlatformTill(Till):
    """A till that knows our orders by our ids: numbers of shops may be parts of each other."""

    def __init__(self, box: Any) -> None:
        super().__init__(box)
        self.numbers: dict[str, str] = {}

    def sale(self, number: str) -> dict[str, Any]:
        found = self.state.get("sale", till_words.sale_id(number))
        assert found is not None, f"the till has no sale of order {number}"
        return found


class PlatformFurniture(Furniture):
    """Two outlets, two articles, the demo's till, and the shop of one platform."""

    worker_settings = WorkerSettings(
        retry_delays=(0.01,), max_failures=1000, breaker_failures=1000, throttle_delay=0.01, longest_pause=60
    )

    def __init__(self, rig: type[Rig], trouble: Trouble) -> None:
        self.rig, self.trouble = rig, trouble

    def seed(self, shop: SandboxState, till: SandboxState) -> None:
        self.rig.seed(shop, ARTICLES, OUTLETS)
        till_sandbox.seed(
            till,
            [{"name": name, "city": name} for name in NAMES.values()],
            [{"sku": a.sku, "name": a.name, "price": a.price, "tax_rate": a.tax_rate} for a in ARTICLES],
            {a.sku: {NAMES[code]: units for code, units in a.stock.items()} for a in ARTICLES},
        )
        _count_no_stock(till, [article.sku for article in ARTICLES if not article.stock])

    def shop_app(self, state: SandboxState) -> Any:
        return self.rig.app(state, requests_per_minute=0, webhook_retries=(0.05,))

    def shop(self, box: Any) -> Rig:
        http = requests.Session()
        http.trust_env = False
        rig = self.rig(box, LocalMemory(), http)
        rig.memory.replace_credentials(rig.connection.credentials)
        box.sandbox.courier.held_at_most = 0.05
        self.trouble.shop = rig
        return rig

    def till(self, box: Any) -> PlatformTill:
        return PlatformTill(box)

    def services(self, services: wiring.Services) -> wiring.Services:
        usual = services.http_session_factory
        return replace(
            super().services(services),
            adapters={**services.adapters, self.rig.platform: self.rig.adapter},
            http_session_factory=lambda: self.trouble.session(usual),
        )

    def load(self, services: wiring.Services, shop: Any, till: Till) -> Mapping[str, str]:
        with services.database.system_session() as session:
            merchant = session.scalar(select(Merchant).where(Merchant.slug == demo.MERCHANT))
            is_new = merchant is None
            if merchant is None:
                merchant = Merchant(slug=demo.MERCHANT, name="The Potters")
                session.add(merchant)
                session.flush()
            merchant_id = merchant.id
        with services.database.session(merchant_id) as session:
            if is_new:
                self._move_in(services, session, shop, till)
            found = {each.name: each for each in connections.list_all(session)}
            found[demo.SHOP].base_url, found[demo.TILL].base_url = shop.connection.base_url, till.box.url
            return {name: each.id for name, each in found.items()}

    def _move_in(self, services: wiring.Services, session: Any, shop: Rig, till: Till) -> None:
        _publish_shipped(session, services.config.rules_dir)
        for priority, outlet in enumerate(OUTLETS, 1):
            outlets.put(session, priority=10 * priority, **outlet)
        connected = shop.connection
        # The sandboxes take any number of calls; how we keep to real limits is tested elsewhere.
        at_shop = connections.add(
            session, name=demo.SHOP, platform=connected.platform, role="shop", base_url=connected.base_url,
            credentials=connected.credentials, cipher=services.cipher, settings={**connected.settings, "rate_per_minute": 0},
        )  # fmt: skip
        at_till = connections.add(
            session, name=demo.TILL, platform="lightspeed_retail", role="till", base_url=till.box.url,
            credentials=till_sandbox.connection_credentials(), cipher=services.cipher,
            settings={**till_sandbox.connection_settings(NAMES), "rate_per_minute": 0},
        )  # fmt: skip
        for code, location in shop.locations().items():
            bindings.bind(session, at_shop.id, "outlet", code, location)
        for connection in (at_shop, at_till):
            commands.put(
                session, connection_id=connection.id, operation="read_products", subject="read:products", payload={}
            )

    def subscribe(self, shop: Any, url: str) -> None:
        if "webhooks" not in shop.lacks:
            shop.subscribe(url)


def _count_no_stock(till: SandboxState, skus: Collection[str]) -> None:
    """Vouchers and bundles are sold at a till without being counted."""
    for product in till.all("product"):
        if product["sku"] in skus:
            till.put("product", product["id"], product | {"has_inventory": False})
            for record in till.all("inventory"):
                if record["product_id"] == product["id"]:
                    till.delete("inventory", f"{product['id']}:{record['outlet_id']}")


@cache
def _judged(rules_dir: Path) -> tuple[dict[str, str], Any]:
    """The shipped rules, and what judging them found, which takes longer than an order's whole life."""
    texts = {path.name: path.read_text() for path in sorted(rules_dir.glob("*.yaml"))}
    return texts, publishing.judge(texts)


def _publish_shipped(session: Any, rules_dir: Path) -> None:
    """As `demo.publish_shipped` does it."""
    texts, judged = _judged(rules_dir)
    books.publish(
        session, texts, judged.book.version, by=demo.PUBLISHER, comment="The shipped rule book", meaning=judged.book.meaning,
        evidence=judged.evidence,
    )  # fmt: skip


class PlatformHouse:
    """A house, its shop's rig, and what a story in it comes to."""

    def __init__(self, house: House, trouble: Trouble) -> None:
        self.house, self.trouble = house, trouble
        self.shop: Rig = house.shop
        self.till = house.till

    def rest(self) -> None:
        """Let everything happen that has to; then ask the shop for news as the schedule does, and let that happen too."""
        self._settle()
        self.house.ask(self.house.ids[demo.SHOP], "read_orders")
        self._settle()

    def _settle(self) -> None:
        self.house.settle()
        while self._waiting():
            self.house.settle()

    def _waiting(self) -> bool:
        """Whether a command waits for its next attempt, or an event for a worker."""
        with self.house.services.database.system_session(read_only=True) as session:
            open_ = select(func.count()).select_from(Command).where(Command.status.in_(("waiting", "leased")))
            received = select(func.count()).select_from(Event).where(Event.status == "received")
            return bool(session.scalar(open_) or session.scalar(received))

    def orders(self, external: str) -> list[str]:
        """Our ids of an order of the shop; there must be one."""
        with self.house.services.database.session(self.house.merchant_id, read_only=True) as session:
            return list(session.scalars(select(Order.id).where(Order.external_id == external)))

    def order(self, external: str) -> dict[str, Any]:
        (id,) = self.orders(external)
        return dict(self.house.get(f"/v1/orders/{id}"))

    def levels(self) -> dict[str, int]:
        """Units at the till of each article, where it is."""
        return {sku: self.till.level(sku, NAMES[outlet]) for sku, outlet in WHERE.items()}

    def shop_levels(self) -> dict[str, int]:
        """Units that the shop shows of each article, at the outlet where it is, or in all."""
        per_outlet = self.shop.can("set_outlet_stock")
        return {sku: self.shop.stock(sku, outlet if per_outlet else None) for sku, outlet in WHERE.items()}


@contextmanager
def open_platform_house(folder: Path, platform: str, redis_url: str) -> Iterator[PlatformHouse]:
    """Open the house of a platform that is kept in `folder`, made when it is empty."""
    trouble = Trouble()
    furniture = PlatformFurniture(rig_of(platform), trouble)
    with open_house(folder, f"sqlite:///{folder / 'wissel.db'}", redis_url, furniture) as house:
        yield PlatformHouse(house, trouble)
