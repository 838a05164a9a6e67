"""Our webhook subscriptions at the till, and its outlets as a person links them to ours.

External facts: vendor documentation, pages "Webhooks" and "Outlets" (scopes `webhooks`, `outlets:read`). One
subscription has one type; the body of a webhook does not say which, so the type stands in the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from adapters.base import Call, Result
from adapters.lightspeed_retail.client import Till, rows_of

TYPES = ("sale.update", "inventory.update")
"""What we want to hear of; see `adapters.lightspeed_retail.webhook`."""

_REMEMBERED = "webhooks.address"


def read_locations(till: Till, call: Call) -> Result:
    """The till's outlets, for people who link them to ours."""
    rows = till.reference_list("outlets", fresh=True)
    found = [
        {
            "external_id": str(row.get("id")), "name": str(row.get("name") or ""), "code": "",
            "city": str(row.get("physical_city") or ""), "postcode": str(row.get("physical_postcode") or ""),
            "country": str(row.get("physical_country_id") or ""), "active": True,
        }
        for row in rows
    ]  # fmt: skip
    return Result(f"The till has {len(found)} outlets.", data=found)


def read_webhooks(till: Till, call: Call) -> Result:
    """Our subscriptions as they are now."""
    found = [_shown(row) for row in _ours(till, str(till.memory.get(_REMEMBERED) or ""))]
    return Result(f"The till has {len(found)} of our webhooks.", data=found, did_nothing=True)


def register_webhooks(till: Till, call: Call) -> Result:
    """Have the till tell us of sales and stock: makes what is missing, mends what has a wrong address or was switched off,
    and removes twins."""
    url = str(call.payload["url"])
    before = _ours(till, url, str(till.memory.get(_REMEMBERED) or ""))
    till.memory.put(_REMEMBERED, url)
    made = mended = removed = 0
    for type_ in TYPES:
        wanted = {"type": type_, "url": f"{url}?{urlencode({'type': type_})}", "active": True}
        rows = sorted((row for row in before if row.get("type") == type_), key=lambda row: _differs(row, wanted))
        for twin in rows[1:]:
            _remove(till, twin)
            removed += 1
        if not rows:
            # 409: it is there since a moment ago, made by another process.
            till.write("POST", "webhooks", wanted, expect=(409,))
            made += 1
        elif _differs(rows[0], wanted):
            till.write("PUT", f"webhooks/{quote(str(rows[0]['id']), safe='')}", wanted)
            mended += 1
    found = [_shown(row) for row in _ours(till, url)]
    what = f"{made} made, {mended} mended, {removed} twins removed" if made or mended or removed else "nothing to mend"
    return Result(f"The till tells us of {', '.join(TYPES)}: {what}.", data=found, did_nothing=not (made or mended or removed))


def remove_webhooks(till: Till, call: Call) -> Result:
    """Have the till tell us nothing any more."""
    rows = _ours(till, str(till.memory.get(_REMEMBERED) or ""))
    for row in rows:
        _remove(till, row)
    till.memory.put(_REMEMBERED, None)
    return Result(f"{len(rows)} webhooks removed.", data=[], did_nothing=not rows)


def _ours(till: Till, *addresses: str) -> list[dict[str, Any]]:
    """The subscriptions that lead to us, by their path: it holds our connection's id, and outlasts a change of host."""
    paths = {urlsplit(address).path for address in addresses if address}
    return [row for row in rows_of(till.get("webhooks")) if urlsplit(str(row.get("url") or "")).path in paths]


def _differs(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return row.get("url") != wanted["url"] or row.get("active") is not True


def _remove(till: Till, row: Mapping[str, Any]) -> None:
    till.write("DELETE", f"webhooks/{quote(str(row['id']), safe='')}", None, expect=(404,))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "topic": str(row.get("type") or ""), "external_id": str(row.get("id") or ""),
        "state": "active" if row.get("active") else "switched off",
    }  # fmt: skip
