"""Finds the sandbox's orders and documents among tens of thousands: what the shop's database has indexes for.

Triggers keep a narrow table beside the JSON documents, so that a search over its columns reads only the page it answers.
Searches over anything else are done by `sandbox_search` on all documents, with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.sandbox import SandboxState, from_json

KINDS = ("order", "shipment", "invoice", "creditmemo")

_NUMBERS = ("entity_id", "order_id", "store_id")
_TEXTS = ("updated_at", "increment_id", "state", "status", "customer_email")
_QUOTED = ", ".join(f"'{kind}'" for kind in KINDS)
_COLUMNS = (*_NUMBERS, *_TEXTS)
_OPERATORS = {"eq": "=", "gt": ">", "gteq": ">=", "moreq": ">=", "from": ">=", "lt": "<", "lteq": "<=", "to": "<="}


def prepare(state: SandboxState) -> None:
    """Make the table and its triggers, and take in what is there already."""
    columns = ", ".join([f"{name} INTEGER" for name in _NUMBERS] + [f"{name} TEXT COLLATE NOCASE" for name in _TEXTS])
    values = ", ".join(f"json_extract({{row}}.body, '$.{name}')" for name in _COLUMNS)
    insert = f"INSERT INTO magento_index (kind, id, {', '.join(_COLUMNS)})"
    # An upsert's own conflict rule would overrule OR REPLACE inside a trigger, so the old row goes first.
    forget = "DELETE FROM magento_index WHERE kind = {row}.kind AND id = {row}.id;"
    taken_in = f"{forget.format(row='NEW')} {insert} VALUES (NEW.kind, NEW.id, {values.format(row='NEW')});"
    for sql in (
        f"CREATE TABLE IF NOT EXISTS magento_index (kind TEXT NOT NULL, id TEXT NOT NULL, {columns}, PRIMARY KEY (kind, id))",
        "CREATE INDEX IF NOT EXISTS magento_index_changed ON magento_index (kind, updated_at, entity_id)",
        "CREATE INDEX IF NOT EXISTS magento_index_order ON magento_index (kind, order_id)",
        _trigger("INSERT", "NEW", taken_in),
        _trigger("UPDATE", "NEW", taken_in),
        _trigger("DELETE", "OLD", forget.format(row="OLD")),
        "DELETE FROM magento_index",
        f"{insert} SELECT d.kind, d.id, {values.format(row='d')} FROM documents d WHERE d.kind IN ({_QUOTED})",  # noqa: S608
    ):
        state._all(sql)


def _trigger(event: str, row: str, action: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS magento_{event.lower()} AFTER {event} ON documents "
        f"WHEN {row}.kind IN ({_QUOTED}) BEGIN {action} END"
    )


def search(state: SandboxState, kind: str, criteria: Mapping[str, Any], *, last_page_repeats: bool) -> dict[str, Any] | None:
    """The page the criteria ask for, as `sandbox_search.search` gives it; None when they are about other fields."""
    where, values = ["i.kind = ?"], [kind]
    for group in criteria["filter_groups"]:
        alternatives = [_condition(each, values) for each in group["filters"]]
        if None in alternatives:
            return None
        where.append("(" + " OR ".join(each for each in alternatives if each) + ")")
    order = []
    for each in criteria.get("sort_orders", []):
        if each.get("field") not in _COLUMNS:
            return None
        order.append(f"i.{each['field']} {'DESC' if str(each.get('direction')).upper() == 'DESC' else 'ASC'}")
    condition = " AND ".join(where)
    total = int(state._all(f"SELECT COUNT(*) FROM magento_index i WHERE {condition}", *values)[0][0])  # noqa: S608 - columns above
    size, page = criteria.get("page_size") or total or 1, max(1, criteria.get("current_page", 1))
    if last_page_repeats:
        page = min(page, max(1, -(-total // size)))
    rows = state._all(
        "SELECT d.body FROM magento_index i JOIN documents d ON d.kind = i.kind AND d.id = i.id "  # noqa: S608 - columns above
        f"WHERE {condition} ORDER BY {', '.join([*order, 'd.position'])} LIMIT ? OFFSET ?",
        *values, size, (page - 1) * size,
    )  # fmt: skip
    return {"items": [from_json(body) for (body,) in rows], "search_criteria": dict(criteria), "total_count": total}


def _condition(filter: Mapping[str, Any], values: list[Any]) -> str | None:
    """One filter as SQL, its values added; None when it is not one the index can answer."""
    field, kind, wanted = filter.get("field"), str(filter.get("condition_type") or "eq"), str(filter.get("value", ""))
    if field not in _COLUMNS:
        return None
    given = wanted.split(",") if kind == "in" else [wanted]
    if field in _NUMBERS:
        if not all(each.strip().isascii() and each.strip().isdigit() for each in given):
            return None
        given = [int(each) for each in given]  # type: ignore[misc]
    if kind == "in":
        values += [each.strip() if isinstance(each, str) else each for each in given]
        return f"i.{field} IN ({', '.join('?' * len(given))})"
    if kind not in _OPERATORS:
        return None
    values += given
    return f"i.{field} {_OPERATORS[kind]} ?"
