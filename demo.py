"""The demo merchant of `make run`: two stores and a warehouse, a web shop and a till, with stock to sell."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.lightspeed_ecom import sandbox as ecom_sandbox
from adapters.lightspeed_retail import sandbox as retail_sandbox
from adapters.sandbox.app import DEFAULT_SECRET
from api import connection_links, create_app, publishing
from engine.language import text_version
from store import books, commands, connections, outlets, people
from store.models import Connection, Merchant
from store.order_models import StockLevel
from wiring import Services

MERCHANT = "demo"
PUBLISHER = "make run"
"""Who published the shipped rules, as the history of versions says it."""
PASSWORD = "wissel-demo"  # noqa: S105 - the demo listens to this machine only, and says so on its sign-in page
USERS = (
    ("admin@demo.example", "Ada Admin", "admin", None),
    ("support@demo.example", "Sam Support", "support", None),
    ("utrecht@demo.example", "Ulla of Utrecht", "support", ["utrecht"]),
)
SHOP, TILL = "webshop", "till"
OTHER_SHOPS = ("shopify", "bigcommerce", "woocommerce", "magento")
"""The other shops of the demo: each is called like its platform."""

OUTLETS = (
    {"code": "warehouse", "name": "Warehouse Almere", "kind": "warehouse", "postcode": "1327 AA", "offers_pickup": False, "priority": 10},
    {"code": "amsterdam", "name": "Amsterdam store", "kind": "store", "postcode": "1012 JS", "offers_pickup": True, "priority": 20},
    {"code": "utrecht", "name": "Utrecht store", "kind": "store", "postcode": "3511 AA", "offers_pickup": True, "priority": 30},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the demo: price with tax, tax rate in percent, units per outlet."""

    sku: str
    name: str
    price: str
    tax_rate: str
    stock: Mapping[str, int]


ARTICLES = (
    Article("MUG-RED", "Mug, red", "12.50", "21", {"warehouse": 24, "amsterdam": 6, "utrecht": 4}),
    Article("MUG-BLUE", "Mug, blue", "12.50", "21", {"warehouse": 0, "amsterdam": 8, "utrecht": 2}),
    Article("POT-CAST", "Cast iron teapot", "49.00", "21", {"warehouse": 3, "amsterdam": 0, "utrecht": 2}),
    Article("POT-GLASS", "Glass teapot", "27.95", "21", {"warehouse": 0, "amsterdam": 3, "utrecht": 0}),
    Article("TEA-EARL", "Earl Grey, 100 g", "8.95", "9", {"warehouse": 120, "amsterdam": 30, "utrecht": 18}),
    Article("TEA-MINT", "Mint tea, 50 g", "5.25", "9", {"warehouse": 80, "amsterdam": 12, "utrecht": 12}),
    Article("TEA-OOLONG", "Oolong, 50 g", "14.75", "9", {"warehouse": 0, "amsterdam": 0, "utrecht": 9}),
    Article("TRAY-OAK", "Tray, oak", "34.50", "21", {"warehouse": 5, "amsterdam": 1, "utrecht": 1}),
    Article("SPOON-SET", "Six spoons", "19.95", "21", {"warehouse": 0, "amsterdam": 2, "utrecht": 2}),
)

SHIPPING_METHODS = (
    {"id": "parcel", "title": "Parcel post", "type": "shipping", "price": "0.00"},
    {"id": "courier", "title": "Courier, today", "type": "delivery", "price": "0.00"},
    {"id": "pickup-any", "title": "Pick up in a store", "type": "pickup", "price": "0.00"},
    {"id": "pickup-utrecht", "title": "Pick up in Utrecht", "type": "pickup", "price": "0.00", "location_id": "loc-utrecht"},
)  # fmt: skip


def write_seeds(directory: Path) -> tuple[Path, Path]:
    """Write what the sandboxes are filled with on their first start. Returns the files of shop and till."""
    shop, till = directory / "sandbox-shop.json", directory / "sandbox-till.json"
    shop.write_text(json.dumps(shop_seed()))
    till.write_text(json.dumps(till_seed()))
    for name in OTHER_SHOPS:
        (directory / f"sandbox-{name}.json").write_text(json.dumps(_sandbox_of(name).demo_seed(ARTICLES, OUTLETS)))
    return shop, till


def _sandbox_of(platform: str) -> Any:
    """The module of a platform's sandbox."""
    return importlib.import_module(f"adapters.{platform}.sandbox")


def shop_seed() -> dict[str, Any]:
    """What the shop sells."""
    return {
        "products": [
            {"sku": a.sku, "name": a.name, "price": a.price, "tax_rate": int(a.tax_rate), "quantity": sum(a.stock.values())}
            for a in ARTICLES
        ],
        "shipping_methods": SHIPPING_METHODS,
        "store_name": "The Teahouse",
    }


def till_seed() -> dict[str, Any]:
    """What the till knows: outlets, articles, and how many of each are where."""
    return {
        "outlets": [{"name": o["name"], "city": o["name"]} for o in OUTLETS],
        "products": [{"sku": a.sku, "name": a.name, "price": a.price, "tax_rate": a.tax_rate} for a in ARTICLES],
        "stock": {a.sku: {_outlet_name(code): units for code, units in a.stock.items()} for a in ARTICLES},
    }


def _outlet_name(code: str) -> str:
    return next(str(o["name"]) for o in OUTLETS if o["code"] == code)


def load(services: Services, shop_url: str, till_url: str, others: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Make the demo merchant, or bring it up to date: published rules, people, outlets, connections. `others` are the
    addresses of further shops by name (see `OTHER_SHOPS`).

    Returns the ids of the connections by name. Called at every start; what is there stays.
    """
    with services.database.system_session() as session:
        merchant = session.scalar(select(Merchant).where(Merchant.slug == MERCHANT))
        if merchant is None:
            merchant = Merchant(slug=MERCHANT, name="The Teahouse")
            session.add(merchant)
            session.flush()
        merchant_id = merchant.id
    with services.database.session(merchant_id) as session:
        publish_shipped(session, services.config.rules_dir)
        _people(session)
        for outlet in OUTLETS:
            if outlets.by_code(session, str(outlet["code"])) is None:
                outlets.put(session, **outlet)  # type: ignore[arg-type]
        shop = _connection(session, services, SHOP, "lightspeed_ecom", "shop", shop_url, _shop_access(), {"outlet_by_location": {"loc-utrecht": "utrecht"}})
        till = _connection(session, services, TILL, "lightspeed_retail", "till", till_url, *_till_access())
        made = {SHOP: shop.id, TILL: till.id}
        for name, url in (others or {}).items():
            access = _sandbox_of(name).connection_credentials()
            made[name] = _connection(session, services, name, name, "shop", url, access, _shop_settings(name)).id
        return made


def introduce(services: Services, others: Iterable[str]) -> None:
    """Do for these shops what an admin does when connecting one: have it send webhooks here, and link its locations to
    our outlets as proposed. Called once their sandboxes answer; what was done before stays as it is."""
    with services.database.system_session(read_only=True) as session:
        merchant_id = session.scalars(select(Merchant.id).where(Merchant.slug == MERCHANT)).one()
    with create_app(services).app_context():
        for name in others:
            with services.database.session(merchant_id, read_only=True) as session:
                row = connections.by_name(session, name)
                abilities = services.adapters[row.platform].capabilities.operations
            if "register_webhooks" in abilities:
                connection_links.register_webhooks(merchant_id, row.id, PUBLISHER)
            if "read_locations" in abilities:
                connection_links.read_locations(merchant_id, row.id)
                _link_as_proposed(services, merchant_id, row.id)


def _link_as_proposed(services: Services, merchant_id: str, connection_id: str) -> None:
    with services.database.session(merchant_id, read_only=True) as session:
        found = connection_links.links_of(session, connections.get(session, connection_id))  # type: ignore[arg-type]
    wanted = {link.outlet.code: link.proposed for link in found.rows if link.proposed and not link.linked}
    if wanted:
        connection_links.link(merchant_id, connection_id, PUBLISHER, wanted)


def key_for_posting(services: Services, path: Path) -> str:
    """An API key to try the events API with, made once and kept in a file only the owner can read."""
    if path.exists():
        return path.read_text().strip()
    with services.database.system_session(read_only=True) as session:
        merchant_id = session.scalars(select(Merchant.id).where(Merchant.slug == MERCHANT)).one()
    with services.database.session(merchant_id) as session:
        _, key = people.create_api_key(session, name="demo", role="admin")
    path.touch(mode=0o600)
    path.write_text(key)
    return key


def is_stocked(services: Services) -> bool:
    """Whether the stock of every article was read from the till."""
    with services.database.system_session(read_only=True) as session:
        known = set(session.scalars(select(StockLevel.sku).distinct()))
    return {article.sku for article in ARTICLES} <= known


def publish_shipped(session: Any, rules_dir: Path) -> None:
    """Publish the shipped rule book when nothing is published, or when the files were changed since. What a person has
    published is never replaced."""
    newest = next(iter(books.publications(session, limit=1)), None)
    if newest is not None and newest.by != PUBLISHER:
        return
    texts = {path.name: path.read_text() for path in sorted(rules_dir.glob("*.yaml"))}
    if newest is None or newest.version != text_version(texts):
        judged = publishing.judge(texts)
        books.publish(
            session, texts, judged.book.version, by=PUBLISHER, comment="The shipped rule book", meaning=judged.book.meaning,
            evidence=judged.evidence,
        )  # fmt: skip


def _people(session: Any) -> None:
    for email, name, role, authorised in USERS:
        if people.by_email(session, email) is None:
            people.create_user(session, email=email, name=name, password=PASSWORD, role=role, outlets=authorised)


def _shop_access() -> dict[str, str]:
    return {
        "store_id": str(ecom_sandbox.STORE_ID),
        "token": ecom_sandbox.TOKEN,
        "client_secret": DEFAULT_SECRET,
    }


def _till_access() -> tuple[dict[str, str], dict[str, Any]]:
    names = {str(o["code"]): str(o["name"]) for o in OUTLETS}
    return retail_sandbox.connection_credentials(), retail_sandbox.connection_settings(names)


def _shop_settings(platform: str) -> dict[str, Any]:
    """What an admin would set by hand: WooCommerce has no locations to link, so its pickup places are named."""
    if platform != "woocommerce":
        return {}
    return {"outlet_by_pickup_location": {str(o["name"]): o["code"] for o in OUTLETS if o["offers_pickup"]}}


def _connection(
    session: Any, services: Services, name: str, platform: str, role: str, url: str, access: dict[str, str], settings: dict[str, Any]
) -> Connection:
    found = next((c for c in connections.list_all(session) if c.name == name), None)
    if found is None:
        found = connections.add(
            session, name=name, platform=platform, role=role, base_url=url, credentials=access, settings=settings, cipher=services.cipher
        )
        commands.put(session, connection_id=found.id, operation="read_products", subject="read:products", payload={})
    found.base_url = url
    return found
