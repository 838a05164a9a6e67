"""Reading articles, the stock the shop itself counts, customers and locations (V3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from adapters.base import NewEvent, Refused, Result, RetryLater
from adapters.bigcommerce.client import data_rows, number_id, pagination
from adapters.bigcommerce.progress import units
from adapters.bigcommerce.settings import number_setting
from adapters.bigcommerce.work import Work
from adapters.fields import fingerprint, object_of, objects, text
from adapters.paging import grown, shrinking


def variants_of(product: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each sku of a product: sku, external id (`77/81`, product and variant), name. A product without options has one
    variant, its base variant."""
    name = text(product, "name") or ""
    for variant in objects(product, "variants"):
        sku = text(variant, "sku") or text(product, "sku")
        if sku and variant.get("id"):
            labels = [text(option, "label") or "" for option in objects(variant, "option_values")]
            yield sku, f"{product.get('id')}/{variant['id']}", f"{name} ({', '.join(labels)})" if any(labels) else name


def read_product(work: Work) -> Result:
    """Read one product: bind its skus, report names and what the shop itself can sell of each."""
    product_id = number_id(work.text("external_id").partition("/")[0])
    product = work.client.v3_object(f"catalog/products/{product_id}", include="variants")
    stock = stock_by_variant(work, product_id)
    events = list(_product_events(work, product))
    for sku, external_id, _ in variants_of(product):
        rows = stock.get(external_id.partition("/")[2])
        if rows is not None:
            events.append(_stock_event(work, sku, external_id, sellable(rows)))
    return Result(
        f"Read product {product_id} with {len(list(variants_of(product)))} skus.", events, did_nothing=not events
    )


def read_products(work: Work) -> Result:
    """Read the whole catalogue: bind every sku and report it."""
    events: list[NewEvent] = []
    after: int | None = 0
    size = most = int(number_setting(work.connection, "page_size"))
    while after is not None:
        (products, after, _), size = shrinking(partial(_page_of_products, work, after), size, one="product")
        events += [event for product in products for event in _product_events(work, product)]
        size = grown(size, most)
    return Result(f"Read {len(events)} skus.", events, did_nothing=not events)


def read_page(work: Work) -> Result:
    """One page of a first import of products, by growing id."""
    cursor = work.call.payload.get("cursor")
    kept: Mapping[str, Any] = cursor if isinstance(cursor, Mapping) else {"after": 0}
    after, most = kept.get("after"), int(number_setting(work.connection, "page_size"))
    if not isinstance(after, int) or isinstance(after, bool):
        raise Refused(f"{str(cursor)[:80]!r} is no position to go on reading from: start the import again.")
    size = min(most, max(1, units(kept.get("size") or most)))
    (products, following, found), size = shrinking(partial(_page_of_products, work, after), size, one="product")
    total, then = kept.get("total", found), None
    if following is not None:
        then = {**work.call.payload, "cursor": {"after": following, "total": total, "size": grown(size, most)}}
    events = [event for product in products for event in _product_events(work, product)]
    return Result(
        f"Read {len(products)} products with {len(events)} skus.", events, did_nothing=not events, then=then,
        progress=(len(products), total if isinstance(total, int) else None),
    )  # fmt: skip


def _page_of_products(work: Work, after: int, size: int) -> tuple[list[dict[str, Any]], int | None, Any]:
    """At most `size` products beyond an id, the id the next page goes on from (None: there is none), and how many there
    are beyond the first one."""
    answer = work.client.v3(
        "catalog/products", include="variants", limit=size, sort="id", direction="asc", **{"id:greater": after}
    )
    products = data_rows(answer, "catalog/products")
    if any(number_id(each.get("id")) <= after for each in products):
        raise RetryLater("The shop answered products that we did not ask for.", detail=f"id:greater={after}")
    following = max(number_id(each.get("id")) for each in products) if len(products) >= size else None
    return products, following, pagination(answer).get("total")


def stock_by_variant(work: Work, product_id: int) -> dict[str, list[Mapping[str, Any]]]:
    """What each variant of a product has at each location; only what the shop counts is there.

    Sums per product and the catalogue's `inventory_level` are not asked: the latter is the default location's only.
    """
    rows = work.client.v3_all("inventory/items", **{"product_id:in": product_id})
    return {text(object_of(row, "identity"), "variant_id") or "": objects(row, "locations") for row in rows}


def sellable(locations: list[Mapping[str, Any]]) -> int:
    """What can be sold of an article over all open locations, safety stock taken off."""
    return sum(units(each.get("available_to_sell")) for each in locations if each.get("location_enabled") is not False)


def _product_events(work: Work, product: Mapping[str, Any]) -> Iterator[NewEvent]:
    changed = _iso(product.get("date_modified"))
    for sku, external_id, name in variants_of(product):
        if work.memory.external("product", sku) != external_id:
            work.memory.bind("product", sku, external_id)
        about = {"sku": sku, "name": name, "external_id": external_id}
        yield NewEvent(
            id=f"product:{external_id}:{int(changed.timestamp())}:{fingerprint(about)}", type="product.changed",
            subject=f"product:{sku}", time=changed, data=about, sequence=int(changed.timestamp()),
        )  # fmt: skip


def _stock_event(work: Work, sku: str, external_id: str, quantity: int) -> NewEvent:
    """Stock has no version over there: each read is a count of its own, a repeated attempt of one read is the same."""
    read = hashlib.sha256(work.call.idempotency_key.encode()).hexdigest()[:16]
    return NewEvent(
        id=f"stock:{external_id}:{quantity}:{read}", type="stock.changed", subject=f"product:{sku}", time=datetime.now(UTC),
        data={"sku": sku, "shop_quantity": quantity},
    )  # fmt: skip


def _iso(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def read_customer(work: Work) -> Result:
    """Find the customer with this e-mail address, whatever its case."""
    email = work.text("email")
    for wanted in dict.fromkeys((email, email.lower())):
        for customer in work.client.v3_all("customers", **{"email:in": wanted}):
            found = text(customer, "email") or ""
            if found.lower() == email.lower():
                return Result(f"Found customer {customer.get('id')}.", (_customer_event(customer, found),))
    return Result("The shop has no customer with this e-mail address.", did_nothing=True)


def _customer_event(customer: Mapping[str, Any], email: str) -> NewEvent:
    names = (text(customer, "first_name"), text(customer, "last_name"))
    about = {
        "email": email,
        "name": " ".join(name for name in names if name) or None,
        "external_id": text(customer, "id"),
    }
    return NewEvent(
        id=f"customer:{about['external_id']}:{fingerprint(about)}", type="customer.changed",
        subject=f"customer:{email.lower()}", time=_iso(customer.get("date_modified")), data=about,
    )  # fmt: skip


def read_locations(work: Work) -> Result:
    """Every location, to link our outlets to."""
    found = [
        {
            "external_id": str(each.get("id")), "name": text(each, "label") or text(each, "code") or str(each.get("id")),
            "code": text(each, "code"), "city": text(object_of(each, "address"), "city"),
            "country": text(object_of(each, "address"), "country_code"), "active": each.get("enabled") is not False,
        }
        for each in work.client.v3_all("inventory/locations")
    ]  # fmt: skip
    return Result(f"The shop has {len(found)} locations.", data=found, did_nothing=True)
