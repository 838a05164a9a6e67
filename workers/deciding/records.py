"""Events that are mostly kept: tracking, customers, invoices, articles, and webhooks that say what to read."""

from __future__ import annotations

from engine.money import to_minor
from store import customers, invoices, orders, trackings
from workers.deciding import statuses, stock
from workers.deciding.references import locked_order
from workers.deciding.scene import Refusal, Scene


def tracking_added(scene: Scene) -> None:
    """`shipment.tracking_added`: a parcel got a number; the rules say whether the shop hears it."""
    order = locked_order(scene)
    data = scene.data
    tracking, is_new = trackings.keep(
        scene.session, order.id, number=data["number"], url=data.get("url") or "", carrier=data.get("carrier") or "",
        outlet=data.get("outlet") or "",
    )  # fmt: skip
    if not is_new:
        scene.note("This tracking number was already known.")
        return
    orders.add_number(scene.session, order, "tracking", tracking.number)
    scene.change("tracking", "", tracking.number)
    statuses.to_shop(scene, order, tracking=tracking)


def customer_changed(scene: Scene) -> None:
    """`customer.changed`: a system that owns customer profiles reports one."""
    email = str(scene.data.get("email") or "").strip().lower()
    if not email:
        scene.note("The customer has no e-mail address, so no order can be matched by it.")
        return
    customer, before = customers.replace(scene.session, email, str(scene.data.get("name") or ""))
    scene.change("customer name", before, customer.name)


def invoice_created(scene: Scene) -> None:
    """`invoice.created`: another system made an invoice or a credit note for an order."""
    order = locked_order(scene)
    data = scene.data
    currency = data.get("currency") or order.currency
    if currency != order.currency:
        raise Refusal(f"the invoice is in {currency} but order {order.number} is in {order.currency}")
    is_new = invoices.keep(
        scene.session,
        order.id,
        number=data["number"],
        kind=data.get("kind") or "invoice",
        total_minor=to_minor(data["total"], currency),
        currency=currency,
    )
    if is_new:
        orders.add_number(scene.session, order, data.get("kind") or "invoice", data["number"])
        scene.change(str(data.get("kind") or "invoice").replace("_", " "), "", data["number"])
    else:
        scene.note("This invoice was already known.")


def product_changed(scene: Scene) -> None:
    """`product.changed`: an article is for sale."""
    given = {name: scene.data.get(name) for name in ("name", "weight_grams", "hazardous")}
    stock.learn_article(scene, scene.data["sku"], **given)


def hook_received(scene: Scene) -> None:
    """A native webhook says that something happened: go and read it."""
    if scene.connection is None:
        raise Refusal("the webhook belongs to no connection")
    data = scene.data
    subject = f"read:{data['subject']}"
    scene.tell(
        scene.connection, data["operation"], subject, data["payload"], because=data["native_type"], collapse_key=subject
    )
    scene.note(f"{scene.connection.name} says {data['native_type']}: we go and read it.")
