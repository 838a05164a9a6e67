"""The sandbox's search syntax, lists and cursors: `updated_at:>='2026-11-02T09:00:00Z' status:open`, `first`, `after`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError

MOST = 250
_TERM = re.compile(r"""(?:(?P<key>[a-z_]+):)?(?P<op>>=|<=|>|<)?(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s]+))""")


def terms(query: str | None) -> list[tuple[str, str, str]]:
    """The (field, comparison, value) of each term; all of them must hold. A term without a field has an empty one."""
    found = []
    for match in _TERM.finditer(query or ""):
        quoted = match["quoted"] if match["quoted"] is not None else match["double"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match["plain"]
        if not match["key"] and value in ("AND", "and"):
            continue
        found.append((match["key"] or "", match["op"] or "", value))
    return found


def matches(wanted: Sequence[tuple[str, str, str]], values: Mapping[str, Any]) -> bool:
    """Whether something with these values is found. As over there, unknown fields are ignored."""
    for key, op, value in wanted:
        if key == "" and not any(value.lower() in str(each).lower() for each in values.values()):
            return False
        if key in values and not _holds(values[key], op, value):
            return False
    return True


def _holds(have: Any, op: str, value: str) -> bool:
    if isinstance(have, int) and not isinstance(have, bool):
        number = seconds(value) if not value.lstrip("-").isdigit() else float(value)
        if number is None:
            return False
        return {"": have == number, ">=": have >= number, "<=": have <= number, ">": have > number, "<": have < number}[op]
    if isinstance(have, list | tuple | set):
        return value.lower() in {str(each).lower() for each in have}
    text = str(have).lower()
    wanted = value.lower()
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def seconds(value: str) -> float | None:
    """A moment in a query as UNIX seconds; None when it is none."""
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


Row = Any
Key = Callable[[Row], Any]


def page(
    rows: Sequence[Row],
    make: Callable[[Row], Any],
    *,
    key: Key,
    first: int | None,
    after: str | None = None,
    reverse: bool | None = False,
) -> dict[str, Any]:
    """A connection: `first` of the rows behind the cursor `after`, in the order of `key`, which is unique.

    The cursor holds the key of its row and not a position, so that rows which come and go meanwhile shift nothing.
    """
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 < first <= MOST:
        raise GraphQLError(f"first must be between 1 and {MOST}", extensions={"code": "BAD_REQUEST"})
    ordered = sorted(rows, key=key, reverse=bool(reverse))
    if after is not None:
        last = decode(after)
        ordered = [row for row in ordered if (_list(key(row)) < last if reverse else _list(key(row)) > last)]
    chosen = ordered[:first]
    nodes = [make(row) for row in chosen]
    cursors = [encode(key(row)) for row in chosen]
    return {
        "nodes": nodes,
        "edges": [{"node": node, "cursor": cursor} for node, cursor in zip(nodes, cursors, strict=True)],
        "pageInfo": {
            "hasNextPage": len(ordered) > first, "hasPreviousPage": after is not None,
            "startCursor": cursors[0] if cursors else None, "endCursor": cursors[-1] if cursors else None,
        },
    }  # fmt: skip


def listed(rows: Sequence[Row], make: Callable[[Row], Any]) -> Callable[..., dict[str, Any]]:
    """A connection field over rows in their own order."""

    def field(info: Any, first: int | None = None, after: str | None = None, **_: Any) -> dict[str, Any]:
        return page(list(enumerate(rows)), lambda pair: make(pair[1]), key=lambda pair: pair[0], first=first, after=after)

    return field


def encode(key: Any) -> str:
    return base64.b64encode(json.dumps(_list(key)).encode()).decode()


def decode(cursor: str) -> list[Any]:
    """Raises GraphQLError for a cursor we did not make."""
    try:
        value = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise GraphQLError("Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"})
    return value


def _list(key: Any) -> list[Any]:
    return list(key) if isinstance(key, tuple | list) else [key]
