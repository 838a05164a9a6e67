"""Tells the shop how far an order is, without ever taking a step back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import text
from adapters.progress import leads_on
from adapters.woocommerce.notes import say, wording
from adapters.woocommerce.progress import MAY_FOLLOW, NO_ORDERS, PLATFORM_NAME, TRASHED
from adapters.woocommerce.refunds import pay_back_everything
from adapters.woocommerce.settings import flag_setting
from adapters.woocommerce.tracking import show_parcel
from adapters.woocommerce.work import TITLE, Work, order_id
from engine.platforms import PLATFORM

_PAYMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {"unpaid": frozenset({"paid"})}
_PAYS_ITSELF = frozenset({"pending", "failed"})
"""Statuses in which `set_paid` works; everywhere else it is ignored without a word."""

_FOR_CUSTOMERS = frozenset({"ready_for_pickup", "partly_shipped", "shipped"})
"""Words whose note a customer may get."""


def set_order_status(work: Work) -> Result:
    """Write the wanted statuses and tracking, as far as they lead on from what the shop has now.

    Reads first. Equal, a step back, a status of the shop's own, the bin and a cancelled order change nothing; the summary
    says which it was. A word that the shop has no status for becomes a note, once. Refused for an unknown order and for a
    status this shop cannot express.
    """
    wanted_payment = _known(work.payload, "payment_status", PLATFORM[PLATFORM_NAME].payment_statuses)
    wanted_status = _known(work.payload, "shop_status", PLATFORM[PLATFORM_NAME].shop_statuses)
    order = work.order()
    remarks: list[str] = []
    done: list[str] = []
    if order.get("status") in {TRASHED, *NO_ORDERS}:
        remarks.append("it lies in the bin" if order.get("status") == TRASHED else "it is not yet an order")
        return _result(order, done, remarks)
    if wanted_payment:
        order = _set_payment(work, order, done, remarks)
    if wanted_status:
        order = _set_status(work, order, wanted_status, done, remarks)
    parcel = work.payload.get("tracking")
    if isinstance(parcel, Mapping) and work.words.shop_status(order) != "cancelled":
        shown = show_parcel(work, order, parcel)
        (done if shown else remarks).append(shown or "its tracking is shown already")
    return _result(order, done, remarks)


def _set_payment(work: Work, order: Mapping[str, Any], done: list[str], remarks: list[str]) -> dict[str, Any]:
    present = work.words.payment_status(order)
    if not leads_on("payment", present, "paid", _PAYMENT_MAY_FOLLOW, remarks):
        return dict(order)
    slug = text(order, "status") or ""
    fields: dict[str, Any] = {"set_paid": True}
    if slug == "on-hold":
        fields = {"status": "processing"}
    elif slug not in _PAYS_ITSELF:
        # Cash on delivery is processed before it is paid: what tells is a transaction.
        fields = {"transaction_id": work.payload.get("reference") or "paid"}
    after = work.client.update_order(order_id(order), fields)
    if work.words.payment_status(after) != "paid":
        raise Refused(
            f"The shop cannot take a payment for order {order.get('number')} while its status is {slug}: change its status "
            "in the shop's admin first."
        )
    done.append("payment paid")
    return after


def _set_status(
    work: Work, order: Mapping[str, Any], wanted: str, done: list[str], remarks: list[str]
) -> dict[str, Any]:
    slug = work.words.slug(wanted)
    if slug is not None and order.get("status") == slug:
        remarks.append(f"its status is {slug} already")
        return dict(order)
    keep = not flag_setting(work.connection, "replace_custom_status")
    if not leads_on("status", _present(work, order), wanted, MAY_FOLLOW, remarks, keep_custom=keep):
        return dict(order)
    if slug is None:
        _note(work, order, wanted, done, remarks)
        return dict(order)
    return _write(work, order, wanted, slug, done)


def _write(work: Work, order: Mapping[str, Any], wanted: str, slug: str, done: list[str]) -> dict[str, Any]:
    """Write one status. A cancelled order may be paid back besides, as the settings say."""
    reason = work.payload.get("reason")
    if wanted in ("on_hold", "cancelled") and isinstance(reason, str) and reason.strip():
        say(work, order_id(order), wording(work, wanted, reason=reason))
    failure = None
    if wanted == "cancelled" and flag_setting(work.connection, "refund_on_cancel"):
        try:
            done += pay_back_everything(work, order)
        except Refused as error:
            failure = error
    after = work.client.update_order(order_id(order), {"status": slug})
    if failure is not None:
        raise Refused(f"The order is cancelled in the shop, but was not paid back: {failure.message}", detail=failure.detail)
    if after.get("status") != slug:
        raise Refused(
            f"The shop took the status {slug} of order {order.get('number')} and shows {after.get('status')}: look for an "
            "extension that changes statuses."
        )
    done.append(f"status {slug}")
    return after


def _note(work: Work, order: Mapping[str, Any], wanted: str, done: list[str], remarks: list[str]) -> None:
    to_customer = work.payload.get("notify_customer") is True and wanted in _FOR_CUSTOMERS
    said = say(work, order_id(order), wording(work, wanted), to_customer=to_customer)
    work.memory.put(_noted(order), {"word": wanted, "slug": order.get("status")})
    if said:
        done.append(f"a note to the customer, {wanted}" if to_customer else f"a note, {wanted}")
    else:
        remarks.append(f"a note says {wanted} already")


def _present(work: Work, order: Mapping[str, Any]) -> str:
    """How far the order is: its status, or what we noted while it had that very status."""
    noted = work.memory.get(_noted(order))
    if isinstance(noted, Mapping) and noted.get("slug") == order.get("status"):
        return str(noted.get("word"))
    return work.words.shop_status(order)


def _noted(order: Mapping[str, Any]) -> str:
    return f"noted:{order_id(order)}"


def _known(payload: Mapping[str, Any], name: str, words: Mapping[str, str]) -> str | None:
    wanted = payload.get(name)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"{TITLE} cannot express {name} {wanted!r}. It can: {', '.join(sorted(words))}.")


def _result(order: Mapping[str, Any], done: list[str], remarks: list[str]) -> Result:
    name = text(order, "number")
    if not done:
        said = "; ".join(remarks) or "nothing to change"
        return Result(f"Order {name} in the shop was left as it is: {said}.", did_nothing=True)
    return Result(f"Order {name} in the shop now has {', '.join(done)}{' (' + '; '.join(remarks) + ')' if remarks else ''}.")
