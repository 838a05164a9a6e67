"""Shows tracking numbers: WooCommerce itself has no place for them, so a setting says where they go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.fields import text
from adapters.woocommerce.mapping import OWN_TRACKING, parcels_of
from adapters.woocommerce.notes import say, wording
from adapters.woocommerce.settings import choice_setting, table_setting
from adapters.woocommerce.work import Work, order_id


def show_parcel(work: Work, order: Mapping[str, Any], parcel: Mapping[str, Any]) -> str | None:
    """Show one tracking number unless it is shown. Returns what was written, None when nothing was."""
    number, url, carrier = (text(parcel, key) for key in ("number", "url", "carrier"))
    way = choice_setting(work.connection, "tracking")
    fields = table_setting(work.connection, "tracking_meta")
    if number is None or (way != "extension" and number in {each["number"] for each in parcels_of(order, fields)}):
        return None
    told = {"number": number, "url": url or "", "carrier": carrier or ""}
    if way == "extension":
        return _in_extension(work, order, told)
    if way == "meta":
        return _in_fields(work, order, told, fields)
    to_customer = work.payload.get("notify_customer") is True
    say(work, order_id(order), wording(work, "tracking", **told), to_customer=to_customer)
    kept = [each for each in parcels_of({"meta_data": _own(order)}, {}) if each["number"]]
    work.client.update_order(order_id(order), {"meta_data": [{"key": OWN_TRACKING, "value": [*kept, told]}]})
    return f"tracking {number} in a note"


def _in_extension(work: Work, order: Mapping[str, Any], told: Mapping[str, str]) -> str | None:
    if any(each.get("tracking_number") == told["number"] for each in work.client.parcels(order_id(order))):
        return None
    work.client.add_parcel(order_id(order), {
        "custom_tracking_provider": told["carrier"] or "Carrier", "custom_tracking_link": told["url"],
        "tracking_number": told["number"], "date_shipped": datetime.now(UTC).strftime("%Y-%m-%d"),
    })  # fmt: skip
    return f"tracking {told['number']}"


def _in_fields(work: Work, order: Mapping[str, Any], told: Mapping[str, str], fields: Mapping[str, str]) -> str:
    """Several numbers share a field, separated by commas."""
    meta = {str(each.get("key")): each.get("value") for each in order.get("meta_data") or () if isinstance(each, Mapping)}
    changes = []
    for name, key in fields.items():
        value, before = told.get(name), meta.get(key)
        if value and key:
            joined = f"{before}, {value}" if before and name != "carrier" else value
            changes.append({"key": key, "value": joined})
    work.client.update_order(order_id(order), {"meta_data": changes})
    return f"tracking {told['number']}"


def _own(order: Mapping[str, Any]) -> list[Any]:
    return [each for each in order.get("meta_data") or () if isinstance(each, Mapping) and each.get("key") == OWN_TRACKING]
