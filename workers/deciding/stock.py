"""Stock as the till reports it, the number each shop shows, and orders that waited for stock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from engine import assignment
from engine.platforms import PLATFORM
from engine.types import Run
from store import bindings, orders, products, stock
from store.models import Connection, Outlet
from store.order_models import Order, StockLevel
from workers.deciding import facts
from workers.deciding.scene import Refusal, Scene


def changed(scene: Scene) -> None:
    """`stock.changed`: units came or went at an outlet. A shop that says so is corrected: it is never the source."""
    data = scene.data
    sku = data["sku"]
    if "shop_quantity" in data:
        _correct_shop(scene, sku, data["shop_quantity"])
        return
    outlet = scene.setup.outlet_by_code.get(data["outlet"])
    if outlet is None:
        known = ", ".join(o.code for o in scene.setup.outlets)
        raise Refusal(f"no outlet has the code {data['outlet']}: we know {known}")
    learn_article(scene, sku)
    if not _record(scene, outlet, sku):
        scene.note("What was said here is older than what we know, or no news: nothing changed.")
        return
    after_change(scene, [sku])


def _record(scene: Scene, outlet: Outlet, sku: str) -> bool:
    data, before = scene.data, stock.levels(scene.session, [sku], lock=True).get((outlet.code, sku))
    was = before.on_hand if before else 0
    if "on_hand" in data:
        news = stock.set_level(
            scene.session, outlet.code, sku, data["on_hand"],
            sequence=scene.event.sequence, counted_at=scene.event.time, at=scene.at, event_id=scene.event.id,
        )  # fmt: skip
        now = data["on_hand"] if news else was
    else:
        stock.move(
            scene.session, outlet.code, sku, data["delta"],
            reason=data.get("reason") or "reported", event_id=scene.event.id, at=scene.at,
        )  # fmt: skip
        now = was + data["delta"]
    scene.change(f"stock of {sku} at {outlet.code}", was, now)
    return now != was or before is None


def after_change(scene: Scene, skus: Sequence[str]) -> None:
    """Tell the shops, and give orders that wait for these articles another chance, oldest first."""
    propagate(scene, skus)
    reconsider(scene, "stock", skus)


def counted(order: Order) -> list[str]:
    """The skus of an order that are counted: nothing is packed of gift cards and downloads, so no stock is told of them."""
    return sorted({line.sku for line in order.lines if line.needs_shipping})


def learn_article(scene: Scene, sku: str, **given: Any) -> None:
    """Keep an article with what is `given` of it: name, weight_grams, hazardous (None: not said). Orders that were held
    because nobody knew it are looked at again."""
    is_new = not products.articles(scene.session, [sku])
    if is_new or any(value is not None for value in given.values()):
        products.put(scene.session, sku, **given)
    if is_new:
        scene.change("article", "", sku)
        reconsider(scene, "rule", [sku])


def reconsider(scene: Scene, held_for: str, skus: Sequence[str]) -> None:
    """Have orders with these articles that are held looked at again, the one placed first coming first."""
    for order_id, number in orders.held(scene.session, held_for, skus):
        scene.follow(
            f"reconsider:{order_id}:{scene.event.id}", "order.reconsidered", f"order:{order_id}", {"order": {"id": order_id}}
        )
        scene.note(f"Order {number} was held: it is looked at again.")


def propagate(scene: Scene, skus: Sequence[str], *, force: Connection | None = None) -> None:
    """Let the rules say which number each shop shows for these articles, and tell the shops that show another one.

    `force` names a shop that is told even if it was told the same number last time.
    """
    shops = scene.by_role("shop")
    if not shops:
        return
    places = scene.setup.outlets
    levels = stock.levels(scene.session, skus)
    for shop in shops:
        run = scene.judge("stock_propagation", [
            *facts.circumstances(scene.event, scene.connection, shop),
            *facts.outlet_facts(places),
            *facts.stock_facts(levels.values()),
        ])  # fmt: skip
        if not run.first("push stock"):
            scene.note(f"{shop.name} is not told the new stock.")
            continue
        if not run.targets("count outlet"):
            scene.note(f"No outlet is linked to {shop.name}: its stock is not synced.")
            continue
        linked = _linked(scene, shop)
        operation = _operation(linked)
        last = scene.last_payloads(shop, operation, [_subject(sku) for sku in skus])
        for sku in skus:
            payload = {"sku": sku, **_shown(run, linked, sku, levels.values())}
            if shop is force or last.get(_subject(sku)) != payload:
                scene.tell(shop, operation, _subject(sku), payload, collapse_key=_subject(sku))


def _linked(scene: Scene, shop: Connection) -> Collection[str]:
    """The outlets linked to locations of a shop that counts stock by location; empty for a shop that has one number."""
    platform = PLATFORM.get(shop.platform)
    if platform is None or not platform.stock_per_outlet:
        return ()
    return bindings.all_of(scene.session, shop.id, "outlet").keys()


def _operation(linked: Collection[str]) -> str:
    return "set_outlet_stock" if linked else "set_stock"


def _shown(run: Run, linked: Collection[str], sku: str, levels: Iterable[StockLevel]) -> dict[str, Any]:
    """What a shop is told of an article: a number for each linked outlet, or one for all."""
    if not linked:
        return {"quantity": online_quantity(run, sku, levels)}
    sold = quantities(run, sku, levels)
    return {"levels": [{"outlet": outlet, "quantity": sold.get(outlet, 0)} for outlet in sorted(linked)]}


def _subject(sku: str) -> str:
    return f"stock:{sku}"


def online_quantity(run: Run, sku: str, levels: Iterable[StockLevel]) -> int:
    """What a shop may sell: over all counted outlets, what is on hand less what is promised and kept back."""
    return sum(quantities(run, sku, levels).values())


def quantities(run: Run, sku: str, levels: Iterable[StockLevel]) -> dict[str, int]:
    """What a shop may sell of each counted outlet: what is on hand less what is promised and kept back, never below 0."""
    counted = run.targets("count outlet")
    return {
        level.outlet: max(0, level.on_hand - level.reserved - assignment.pieces_kept_back(run, level.outlet))
        for level in levels
        if level.sku == sku and level.outlet in counted
    }


def _correct_shop(scene: Scene, sku: str, shown: int) -> None:
    """The shop shows a number. If it is higher than what it was told, ours is sent again; if it is lower, a sale of
    that shop may be on its way to us, and correcting it would sell those units twice."""
    shop = scene.connection
    if shop is None or shop.role != "shop":
        raise Refusal("shop_quantity is what a connected shop shows: post on_hand or delta for an outlet instead")
    told = _told(scene, shop, sku)
    if told is None or shown > told:
        scene.note(f"{shop.name} shows {shown} of {sku}, not {'a number of ours' if told is None else told}: the till is the source, so ours is sent.")
        propagate(scene, [sku], force=shop)
    elif shown < told:
        scene.note(f"{shop.name} shows {shown} of {sku} but was told {told}: a sale may be on its way, so nothing is sent.")
    else:
        scene.note(f"{shop.name} shows {shown} of {sku}, as it was told.")


def _told(scene: Scene, shop: Connection, sku: str) -> int | None:
    """How many a shop was last told it may sell, over all outlets; None when it was told nothing."""
    operation = _operation(_linked(scene, shop))
    last = scene.last_payloads(shop, operation, [_subject(sku)]).get(_subject(sku))
    if last is None:
        return None
    return int(last["quantity"]) if operation == "set_stock" else sum(int(level["quantity"]) for level in last["levels"])
