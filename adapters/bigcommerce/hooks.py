"""Our webhook subscriptions: made, mended, listed, removed.

Hooks belong to the API account that made them, at most one per scope and destination. BigCommerce switches a hook off
after 48 hours without an answer or 90 days without an event; registering switches it on again. Source: vendor OpenAPI
webhooks.v3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.bigcommerce.client import number_id
from adapters.bigcommerce.webhook import SECRET_HEADER, secret_of
from adapters.bigcommerce.work import Work

SCOPES = (
    "store/order/*",
    "store/shipment/*",
    "store/product/created",
    "store/product/updated",
    "store/sku/created",
    "store/sku/updated",
    "store/channel/*/inventory/product/stock_changed",
)
"""What we want to hear of. Transactions and refunds come under store/order/*."""


def register_webhooks(work: Work) -> Result:
    """Make what is missing, mend what is wrong (address, secret, switched off), remove what is double."""
    url = work.text("url")
    if not url.startswith("https://") and not _is_local(url):
        raise Refused(
            f"BigCommerce calls https addresses on port 443 only, not {url.partition('?')[0]}: use the public address."
        )
    present = _ours(work)
    changed = 0
    for scope in SCOPES:
        wanted = {
            "scope": scope,
            "destination": url,
            "is_active": True,
            "headers": {SECRET_HEADER: secret_of(work.connection)},
        }
        found = [each for each in present if each.get("scope") == scope]
        kept, surplus = (found[0] if found else None), found[1:]
        if kept is None:
            work.client.write("POST", "v3/hooks", wanted)
        elif not _is_right(kept, wanted):
            work.client.write("PUT", f"v3/hooks/{number_id(kept['id'])}", wanted)
        changed += kept is None or not _is_right(kept, wanted)
        for each in surplus:
            work.client.delete(f"v3/hooks/{number_id(each['id'])}")
            changed += 1
    said = (
        f"{changed} of {len(SCOPES)} webhooks were made or mended."
        if changed
        else "All webhooks are as they should be."
    )
    return Result(said, data=_listed(_ours(work)), did_nothing=not changed)


def read_webhooks(work: Work) -> Result:
    """Our subscriptions as they are."""
    found = _listed(_ours(work))
    return Result(f"The shop has {len(found)} of our webhooks.", data=found, did_nothing=True)


def remove_webhooks(work: Work) -> Result:
    """Remove our subscriptions."""
    present = _ours(work)
    for each in present:
        work.client.delete(f"v3/hooks/{number_id(each['id'])}")
    return Result(f"Removed {len(present)} webhooks.", data=[], did_nothing=not present)


def _ours(work: Work) -> list[dict[str, Any]]:
    """Hooks with our header: the same API account may serve other programs, whose hooks are theirs."""
    hooks = sorted(work.client.v3_all("hooks"), key=lambda each: str(each.get("id")).rjust(20))
    return [each for each in hooks if isinstance(each.get("headers"), Mapping) and _header(each) is not None]


def _header(hook: Mapping[str, Any]) -> str | None:
    """Our header's value; names may come back in another case."""
    return next(
        (str(value) for name, value in hook["headers"].items() if str(name).lower() == SECRET_HEADER.lower()), None
    )


def _is_right(hook: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return (
        hook.get("destination") == wanted["destination"]
        and hook.get("is_active") is True
        and _header(hook) == wanted["headers"][SECRET_HEADER]
    )


def _listed(hooks: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a page shows of them; never the secret."""
    return [
        {"topic": str(each.get("scope")), "external_id": str(each.get("id")), "state": "active" if each.get("is_active") is True else "switched off"}
        for each in hooks
    ]  # fmt: skip


def _is_local(url: str) -> bool:
    """A sandbox on this machine may be told a local address."""
    return url.startswith(("http://127.0.0.1", "http://localhost"))
