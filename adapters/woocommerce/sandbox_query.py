"""Query parameters as WordPress takes them: checked against the schema, dates compared the way they were measured."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from adapters.sandbox import SandboxState, sandbox
from adapters.woocommerce.sandbox_errors import ApiError, answer, invalid_param
from adapters.woocommerce.sandbox_index import Condition, among, matching
from adapters.woocommerce.sandbox_render import home, zone

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_ORDERS = ("asc", "desc")
_ORDERINGS = ("date", "id", "modified")
_COLUMNS = {"date": "created", "modified": "modified", "registered_date": "created"}


def whole(name: str, default: int, low: int = 0, high: int | None = None) -> int:
    """A whole number within its bounds."""
    text = request.args.get(name)
    if text is None:
        return default
    if not re.fullmatch("-?[0-9]{1,15}", text):
        raise invalid_param(name, f"{name} is not of type integer.", "rest_invalid_type")
    number = int(text)
    if number < low or (high is not None and number > high):
        bounds = f"between {low} (inclusive) and {high} (inclusive)" if high is not None else f"greater than or equal to {low}"
        raise invalid_param(name, f"{name} must be {bounds}", "rest_out_of_bounds")
    return number


def ids(name: str) -> list[int]:
    """A comma list of ids."""
    parts = [part for part in re.split("[, ]+", request.args.get(name, "")) if part]
    if not all(re.fullmatch("[0-9]{1,15}", part) for part in parts):
        raise invalid_param(name, f"{name}[0] is not of type integer.", "rest_invalid_type")
    return [int(part) for part in parts]


def choice(name: str, allowed: Sequence[str], default: str) -> str:
    value = request.args.get(name, default)
    if value not in allowed:
        raise invalid_param(name, f"{name} is not one of {', '.join(allowed)}.", "rest_not_in_enum")
    return value


def flag(name: str) -> bool:
    text = request.args.get(name, "false").lower()
    if text not in ("true", "false", "1", "0", ""):
        raise invalid_param(name, f"{name} is not of type boolean.", "rest_invalid_type")
    return text in ("true", "1")


def dates(state: SandboxState) -> list[Condition]:
    """What `after`, `before`, `modified_after` and `modified_before` ask for: strictly greater or smaller.

    A time with an offset is turned into the shop's local time, one without is taken as it stands; `dates_are_gmt` says
    which column it is compared with. So a time with `Z` and `dates_are_gmt` is wrong by the shop's own offset: measured.
    """
    column_zone = UTC if flag("dates_are_gmt") else zone(state)
    found: list[Condition] = []
    for prefix, column in (("", "created"), ("modified_", "modified")):
        for word, operator in (("after", ">"), ("before", "<")):
            moment = _date(state, f"{prefix}{word}")
            if moment is not None:
                found.append((f"{column} {operator} ?", [int(moment.replace(tzinfo=column_zone).timestamp())]))
    return found


def _date(state: SandboxState, name: str) -> datetime | None:
    text = request.args.get(name)
    if text is None:
        return None
    # A plus sign in a query is a space, as everywhere.
    if not _DATE.fullmatch(text):
        raise invalid_param(name, "Invalid date.", "rest_invalid_date")
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(zone(state)) if moment.tzinfo else moment).replace(tzinfo=None, microsecond=0)


Render = Callable[[Mapping[str, Any]], dict[str, Any]]


def indexed(
    state: SandboxState, kind: str, conditions: Sequence[Condition], render: Render, path: str,
    matches: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Response:  # fmt: skip
    """One page of a long list. `matches` looks at whole documents, which takes reading them all."""
    include, exclude = ids("include"), ids("exclude")
    conditions = [*conditions, *([among("id", include)] if include else []), *([among("id", exclude, no=True)] if exclude else [])]
    by, way = choice("orderby", (*_ORDERINGS, "include", "title", "slug"), "date"), choice("order", _ORDERS, "desc")
    order = f"{_COLUMNS.get(by, 'id')} {way}, id {way}"
    size, page, offset = _place()
    if matches is None:
        shown, total = matching(state, kind, conditions, order, size, offset)
    else:
        every = [each for each in matching(state, kind, conditions, order, -1, 0)[0] if matches(each)]
        shown, total = every[offset : offset + size], len(every)
    return _page(state, shown, total, page, size, render, path)


def listed(
    state: SandboxState, found: Iterable[Mapping[str, Any]], render: Render, path: str, *,
    orderings: Sequence[str] = ("date", "id", "modified"), orderby: str = "date", order: str = "desc",
) -> Response:  # fmt: skip
    """One page of a short list."""
    include, exclude = ids("include"), set(ids("exclude"))
    items = [each for each in found if each["id"] not in exclude and (not include or each["id"] in include)]
    by = choice("orderby", (*orderings, "include", "title", "slug"), orderby)
    column = _COLUMNS.get(by, "id")
    items.sort(key=lambda each: (each.get(column) or 0, each["id"]), reverse=choice("order", _ORDERS, order) == "desc")
    size, page, offset = _place()
    return _page(state, items[offset : offset + size], len(items), page, size, render, path)


def _place() -> tuple[int, int, int]:
    """How many, which page, from where on."""
    size, page = whole("per_page", 10, 1, 100), whole("page", 1, 1)
    return size, page, whole("offset", (page - 1) * size)


def _page(
    state: SandboxState, shown: Sequence[Mapping[str, Any]], total: int, page: int, size: int, render: Render, path: str
) -> Response:  # fmt: skip
    """A page with WordPress's headers. One past the end is empty and says that there is nothing at all."""
    total = total if shown or page == 1 else 0
    pages = math.ceil(total / size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)} | _link(state, path, page, pages)
    return answer([_only_fields(render(each)) for each in shown], headers=headers)


def body() -> dict[str, Any]:
    """The JSON object that was sent, empty when nothing was."""
    if not request.get_data():
        return {}
    value = request.get_json(force=True, silent=True)
    if not isinstance(value, dict):
        details = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise ApiError("rest_invalid_json", "Invalid JSON body passed.", 400, details)
    return value


def _link(state: SandboxState, path: str, page: int, pages: int) -> dict[str, str]:
    def to(number: int, rel: str) -> str:
        shown = {name: text for name, text in request.args.items() if not name.startswith(("oauth_", "consumer_"))}
        return f'<{home(state)}/wp-json/wc/v3/{path}?{urlencode(shown | {"page": number})}>; rel="{rel}"'

    links = [to(page - 1, "prev")] if page > 1 else []
    links += [to(page + 1, "next")] if page < pages else []
    return {"Link": ", ".join(links)} if links else {}


def _only_fields(document: dict[str, Any]) -> dict[str, Any]:
    """`_fields` names what is wanted; links come along all the same."""
    wanted = [name for name in request.args.get("_fields", "").split(",") if name]
    return {name: value for name, value in document.items() if name in wanted or name == "_links"} if wanted else document


def statuses() -> dict[str, str]:
    """Every order status of the shop, its own included: slug -> name."""
    from adapters.woocommerce.sandbox_shop import STATUSES

    return {**STATUSES, **dict(sandbox().state.setting("custom_statuses", {}))}
