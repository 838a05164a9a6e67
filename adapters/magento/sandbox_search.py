"""`searchCriteria` as Magento reads it: groups of filters, sorting, pages with their quirks, and `fields`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fnmatch import translate
from typing import Any

from werkzeug.datastructures import MultiDict

from adapters.magento.sandbox_stock import ShopError

_PATH = re.compile(r"\[([^\[\]]*)\]")
_SPELLINGS = {
    "filterGroups": "filter_groups", "conditionType": "condition_type", "sortOrders": "sort_orders", "pageSize": "page_size",
    "currentPage": "current_page",
}  # fmt: skip


def parse(query: MultiDict[str, str]) -> dict[str, Any]:
    """The criteria in the query, in either spelling. Raises ShopError when there are none at all."""
    if not any(name == "searchCriteria" or name.startswith("searchCriteria[") for name in query):
        raise ShopError('"%fieldName" is required. Enter and try again.', parameters={"fieldName": "searchCriteria"})
    tree: dict[str, Any] = {}
    for name, value in query.items(multi=True):
        if not name.startswith("searchCriteria["):
            continue
        path = [_SPELLINGS.get(step, step) for step in _PATH.findall(name)]
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise ShopError("The search criteria make no sense.")
        node[path[-1]] = value
    groups = [{"filters": list(_listed(group.get("filters")))} for group in _listed(tree.get("filter_groups"))]
    return {
        "filter_groups": [group for group in groups if group["filters"]],
        **({"sort_orders": sort} if (sort := list(_listed(tree.get("sort_orders")))) else {}),
        **{name: _count(tree[name]) for name in ("page_size", "current_page") if tree.get(name) not in (None, "")},
    }


def search(rows: Iterable[dict[str, Any]], criteria: Mapping[str, Any], *, last_page_repeats: bool) -> dict[str, Any]:
    """The page the criteria ask for. A page past the end is the last one again on many versions; without a size
    everything is on one page."""
    found = [row for row in rows if all(_fits(row, group["filters"]) for group in criteria["filter_groups"])]
    for order in reversed(criteria.get("sort_orders", [])):
        field = str(order.get("field"))
        found.sort(key=lambda row, field=field: _sortable(row.get(field)), reverse=str(order.get("direction")).upper() == "DESC")  # type: ignore[misc]
    size, page = criteria.get("page_size") or len(found) or 1, max(1, criteria.get("current_page", 1))
    last = max(1, -(-len(found) // size))
    if page > last and last_page_repeats:
        page = last
    return {"items": found[(page - 1) * size : page * size], "search_criteria": dict(criteria), "total_count": len(found)}


def only(value: Any, fields: str) -> Any:
    """The parts of an answer that `fields` names: `items[entity_id,payment[method]],total_count`."""
    wanted, rest = _fields(fields)
    if rest:
        raise ShopError("The fields parameter makes no sense.")
    return _project(value, wanted)


def _fields(text: str) -> tuple[dict[str, Any], str]:
    wanted: dict[str, Any] = {}
    while text:
        found = re.match(r"\s*([A-Za-z0-9_]+)", text)
        if found is None:
            break
        text = text[found.end() :]
        inside: dict[str, Any] = {}
        if text.startswith("["):
            inside, text = _fields(text[1:])
            if not text.startswith("]"):
                raise ShopError("The fields parameter makes no sense.")
            text = text[1:]
        wanted[found[1]] = inside
        if not text.startswith(","):
            break
        text = text[1:]
    return wanted, text


def _project(value: Any, wanted: Mapping[str, Any]) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_project(each, wanted) for each in value]
    if isinstance(value, dict):
        return {name: _project(value[name], inside) for name, inside in wanted.items() if name in value}
    return value


def _fits(row: Mapping[str, Any], filters: Sequence[Mapping[str, Any]]) -> bool:
    return any(_holds(row.get(str(each.get("field"))), str(each.get("condition_type") or "eq"), str(each.get("value", ""))) for each in filters)


def _holds(value: Any, condition: str, wanted: str) -> bool:
    check = _CONDITIONS.get(condition)
    if check is None:
        raise ShopError('"%1" is not a condition that can be searched with.', parameters=[condition])
    return check(value, wanted)


def _compare(value: Any, wanted: str) -> int | None:
    """Less, equal or more; None when there is nothing to compare. Texts without regard to case, as the database does."""
    if value is None:
        return None
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int | float | Decimal):
        try:
            other = Decimal(wanted)
        except InvalidOperation:
            return None
        return (Decimal(str(value)) > other) - (Decimal(str(value)) < other)
    left, right = str(value).casefold(), wanted.casefold()
    return (left > right) - (left < right)


def _like(value: Any, wanted: str) -> bool:
    pattern = translate(wanted.replace("%", "*").replace("_", "?"))
    return value is not None and re.match(pattern, str(value), re.IGNORECASE) is not None


def _in(value: Any, wanted: str) -> bool:
    return any(_compare(value, each.strip()) == 0 for each in wanted.split(","))


_CONDITIONS: dict[str, Callable[[Any, str], bool]] = {
    "eq": lambda value, wanted: _compare(value, wanted) == 0,
    "neq": lambda value, wanted: value is not None and _compare(value, wanted) != 0,
    "gt": lambda value, wanted: _compare(value, wanted) == 1,
    "gteq": lambda value, wanted: _compare(value, wanted) in (0, 1),
    "moreq": lambda value, wanted: _compare(value, wanted) in (0, 1),
    "from": lambda value, wanted: _compare(value, wanted) in (0, 1),
    "lt": lambda value, wanted: _compare(value, wanted) == -1,
    "lteq": lambda value, wanted: _compare(value, wanted) in (0, -1),
    "to": lambda value, wanted: _compare(value, wanted) in (0, -1),
    "like": _like,
    "nlike": lambda value, wanted: not _like(value, wanted),
    "in": _in,
    "nin": lambda value, wanted: value is not None and not _in(value, wanted),
    "null": lambda value, wanted: value is None,
    "notnull": lambda value, wanted: value is not None,
    "finset": lambda value, wanted: wanted in str(value or "").split(","),
    "nfinset": lambda value, wanted: wanted not in str(value or "").split(","),
}


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, Decimal(str(value))) if isinstance(value, int | float | Decimal) else (2, str(value).casefold())


def _listed(node: Any) -> Iterable[dict[str, Any]]:
    if isinstance(node, dict):
        yield from (each for _, each in sorted(node.items(), key=lambda pair: pair[0].zfill(9)) if isinstance(each, dict))


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", str(text)):
        raise ShopError("The search criteria make no sense.")
    return int(text)
