"""Pickup records: what lies ready for a customer, and what was collected.

Records only: they change no status and move no stock. One record covers one pickup consignment, that is one location.
Source: vendor OpenAPI pickup.v3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.bigcommerce.client import data_rows
from adapters.bigcommerce.mapping import lines_of, parents_of, pickups_of
from adapters.bigcommerce.progress import units
from adapters.bigcommerce.work import Work
from adapters.fields import objects

MOST_RECORDS = 100
"""The most that one call makes."""


def make_ready(work: Work, order: Mapping[str, Any]) -> int:
    """Record every pickup consignment as ready that is not yet. Returns how many records were made."""
    recorded = _recorded(work.pickups(int(order["id"])))
    now = _now()
    wanted = [_record(order, each, recorded, ready_at=now) for each in pickups_of(order)]
    missing = [each for each in wanted if each["pickup_items"]]
    if missing:
        _create(work, missing)
    return len(missing)


def collect(work: Work, order: Mapping[str, Any], lines: Sequence[tuple[str, int]] | None = None) -> int:
    """Record units as collected: those of `lines`, or all of the order.

    A record is collected as a whole, so one whose goods were handed over in part waits for the rest. What has no record
    yet gets one. Returns how many records were made or changed.
    """
    order_id = int(order["id"])
    records = work.pickups(order_id)
    handed = _handed_over(work, order_id, lines)
    now = _now()
    changes = [
        {"id": each["id"], "pickup_id": each["id"], "ready_at": each.get("ready_at") or now, "collected_at": now}
        for each in records
        if _open(each) and (handed is None or _covers(handed, each))
    ]
    recorded = _recorded(records)
    wanted = [_record(order, each, recorded, ready_at=now, collected_at=now, only=handed) for each in pickups_of(order)]
    missing = [each for each in wanted if each["pickup_items"]]
    if changes:
        work.client.write("PUT", "v3/orders/pickups", changes)
    if missing:
        _create(work, missing)
    return len(changes) + len(missing)


def _create(work: Work, records: list[dict[str, Any]]) -> None:
    for start in range(0, len(records), MOST_RECORDS):
        data_rows(
            work.client.write("POST", "v3/orders/pickups", records[start : start + MOST_RECORDS]), "orders/pickups"
        )


def _record(
    order: Mapping[str, Any], consignment: Mapping[str, Any], recorded: Mapping[str, int], *,
    only: Mapping[str, int] | None = None, **times: str,
) -> dict[str, Any]:  # fmt: skip
    """A new record of what of a consignment is in none yet."""
    parents = parents_of(lines_of(order))
    open_units = {
        str(item["id"]): units(item.get("quantity")) - recorded.get(str(item["id"]), 0)
        for item in objects(consignment, "line_items")
        if str(item.get("id")) not in parents
    }
    if only is not None:
        open_units = {line: min(count, only.get(line, 0)) for line, count in open_units.items()}
    return {
        "pickup_method_id": units(consignment.get("pickup_method_id")), "order_id": int(order["id"]), **times,
        "pickup_items": [{"order_product_id": int(line), "quantity": count} for line, count in open_units.items() if count > 0],
    }  # fmt: skip


def _handed_over(work: Work, order_id: int, lines: Sequence[tuple[str, int]] | None) -> dict[str, int] | None:
    """Units collected so far by line, the new ones among them, each part of the order counted once. None: all."""
    if lines is None:
        return None
    key = f"collected:{order_id}"
    fulfilment = work.call.payload.get("fulfilment")
    part = str(fulfilment.get("id")) if isinstance(fulfilment, Mapping) else ""
    kept = work.memory.get(key)
    parts: dict[str, dict[str, int]] = dict(kept) if isinstance(kept, dict) else {}
    sums: dict[str, int] = {}
    for line, count in lines:
        sums[line] = sums.get(line, 0) + count
    if parts.get(part) != sums:
        parts[part] = sums
        work.memory.put(key, parts)
    return {
        line: sum(each.get(line, 0) for each in parts.values())
        for line in {line for each in parts.values() for line in each}
    }


def _recorded(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in records:
        for item in objects(each, "pickup_items"):
            line = str(item.get("order_product_id"))
            sums[line] = sums.get(line, 0) + units(item.get("quantity"))
    return sums


def _open(record: Mapping[str, Any]) -> bool:
    return any(
        not item.get("collected_at") and item.get("status") != "COLLECTED" for item in objects(record, "pickup_items")
    )


def _covers(handed: Mapping[str, int], record: Mapping[str, Any]) -> bool:
    return all(
        handed.get(str(item.get("order_product_id")), 0) >= units(item.get("quantity"))
        for item in objects(record, "pickup_items")
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
