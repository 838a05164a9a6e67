"""The shop's articles: products, and the variations of those that have some. Stock is one number per article."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Memory, NewEvent
from adapters.fields import fingerprint, objects, text
from adapters.woocommerce.client import Client
from adapters.woocommerce.mapping import article_of, gmt, moment

KIND = "product"
"""What articles are bound as: sku -> `10` or `26/27`."""


@dataclass(frozen=True, slots=True)
class Article:
    """Something with a sku of its own. `quantity` is None where the shop does not count it, or only its parent;
    `virtual` says that there is nothing to pack."""

    sku: str
    external_id: str
    name: str
    quantity: int | None
    virtual: bool


def articles_of(product: Mapping[str, Any], variations: Iterable[Mapping[str, Any]] = ()) -> Iterator[Article]:
    """Every article of a product. A variation without a sku of its own shows its parent's: then the parent is it."""
    product_id, name, sku = text(product, "id") or "", text(product, "name") or "", text(product, "sku")
    if sku:
        yield Article(sku, product_id, name, counted(product), product.get("virtual") is True)
    for each in variations:
        own = text(each, "sku")
        if own and own != sku:
            options = ", ".join(filter(None, (text(option, "option") for option in objects(each, "attributes"))))
            yield Article(
                own, f"{product_id}/{each.get('id')}", f"{name} ({options})" if options else name, counted(each),
                each.get("virtual") is True,
            )  # fmt: skip


def counted(item: Mapping[str, Any]) -> int | None:
    """The shop's own number, None where it does not count. `manage_stock` of a variation may be the text `parent`."""
    quantity = item.get("stock_quantity")
    return quantity if item.get("manage_stock") is True and isinstance(quantity, int) else None


def whole(client: Client, product: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """A product with all its variations; for a variation it alone, below a parent that is no article then."""
    if product.get("type") == "variation":
        parent = client.product(text(product, "parent_id") or "0") or {"id": product.get("parent_id")}
        if text(parent, "sku") == text(product, "sku"):
            return parent, []
        return {**parent, "sku": None}, [product]
    has = product.get("type") == "variable" or product.get("variations")
    return product, list(client.variations(str(product["id"]))) if has else []


def learn(memory: Memory, articles: Iterable[Article]) -> None:
    """Bind each sku, and remember which articles are virtual."""
    for each in articles:
        if memory.external(KIND, each.sku) != each.external_id:
            memory.bind(KIND, each.sku, each.external_id)
        if bool(memory.get(_virtual(each.external_id))) != each.virtual:
            memory.put(_virtual(each.external_id), each.virtual)


def learn_unknown(client: Client, memory: Memory, orders: Iterable[Mapping[str, Any]]) -> None:
    """Read the articles in these orders that we never saw, since an order line does not say whether it is packed."""
    found = {article_of(item) for order in orders for item in objects(order, "line_items") if text(item, "sku")}
    unknown = sorted(each for each in found if each.replace("/", "").isdecimal() and memory.ours(KIND, each) is None)
    plain = [each for each in unknown if "/" not in each]
    for start in range(0, len(plain), 100):
        wanted = plain[start : start + 100]
        for product in client.products(include=",".join(wanted), per_page=len(wanted)).items:
            learn(memory, articles_of(product))
    for external_id in (each for each in unknown if "/" in each):
        variation = client.product(external_id)
        if variation is not None:
            parent = {"id": external_id.partition("/")[0], "name": text(variation, "name")}
            learn(memory, articles_of(parent, [variation]))


def known_sku(memory: Memory) -> Callable[[str], str | None]:
    """Our sku of an article that the shop has no more."""
    return lambda external_id: memory.ours(KIND, external_id)


def is_virtual(memory: Memory) -> Callable[[str], bool]:
    return lambda external_id: memory.get(_virtual(external_id)) is True


def product_events(
    product: Mapping[str, Any], variations: Iterable[Mapping[str, Any]] = (), *, with_stock: bool
) -> Iterator[NewEvent]:
    """`product.changed` for each article, and `stock.changed` with the shop's own number where it counts."""
    items = list(variations)
    times = [found for each in (product, *items) if (found := gmt(each.get("date_modified_gmt"))) is not None]
    when = max(times, default=None) or moment(product, "modified")
    version = int(when.timestamp())
    for each in articles_of(product, items):
        about = {"sku": each.sku, "name": each.name, "external_id": each.external_id}
        yield NewEvent(
            id=f"product:{each.external_id}:{version}:{fingerprint(about)}", type="product.changed",
            subject=f"product:{each.sku}", time=when, data=about, sequence=version,
        )  # fmt: skip
        if with_stock and each.quantity is not None:
            stock = {"sku": each.sku, "shop_quantity": each.quantity}
            yield NewEvent(
                id=f"stock:{each.external_id}:{version}:{fingerprint(stock)}", type="stock.changed",
                subject=f"product:{each.sku}", time=when, data=stock, sequence=version,
            )  # fmt: skip


def _virtual(external_id: str) -> str:
    return f"virtual:{external_id}"
