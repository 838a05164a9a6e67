"""Our webhooks at the shop: made, mended, and each there once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from adapters.base import Result
from adapters.woocommerce.auth import webhook_secret
from adapters.woocommerce.work import Work

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated")
_MARK = "webhooks.secret"
"""Where we remember which secret the shop was given, as a hash: it never tells."""


def register_webhooks(work: Work) -> Result:
    """Have every topic sent to `url`, signed with a secret of the connection's own.

    Ours are known by their name. A wrong address and a webhook that the shop switched off (it does so after seven failed
    deliveries) are mended, twins are removed. The secret is written again whenever ours changed.
    """
    url, secret = work.text("url"), webhook_secret(work.connection)
    mark = hashlib.sha256(secret.encode()).hexdigest()[:16]
    wanted = {"delivery_url": url, "status": "active"}
    renewed = {"secret": secret} if work.memory.get(_MARK) != mark else {}
    present = _ours(work)
    kept: list[Mapping[str, Any]] = []
    done: list[str] = []
    for topic in TOPICS:
        same = [each for each in present if each.get("topic") == topic]
        best = next((each for each in same if each.get("delivery_url") == url), same[0] if same else None)
        _remove(work, (each for each in same if each is not best), done)
        if best is None:
            best = work.client.add_webhook({"name": _name(work), "topic": topic, "secret": secret, **wanted})
            done.append(f"{topic} made")
        elif changes := {key: value for key, value in wanted.items() if best.get(key) != value} | renewed:
            best = work.client.update_webhook(str(best["id"]), changes)
            done.append(f"{topic} mended")
        kept.append(best)
    _remove(work, (each for each in present if each.get("topic") not in TOPICS), done)
    work.memory.put(_MARK, mark)
    said = f"Webhooks of the shop: {', '.join(done)}." if done else "All webhooks are in place."
    return Result(said, did_nothing=not done, data=_described(kept))


def read_webhooks(work: Work) -> Result:
    """Our webhooks as the shop has them."""
    present = _ours(work)
    return Result(f"The shop has {len(present)} webhooks of ours.", did_nothing=True, data=_described(present))


def remove_webhooks(work: Work) -> Result:
    """Delete our webhooks for good."""
    done: list[str] = []
    _remove(work, _ours(work), done)
    return Result(f"Removed {len(done)} webhooks.", did_nothing=not done, data=[])


def _ours(work: Work) -> list[dict[str, Any]]:
    """Our webhooks, oldest first: whoever else has webhooks at this shop is left alone."""
    return [each for each in work.client.webhooks() if each.get("name") == _name(work)]


def _remove(work: Work, webhooks: Iterable[Mapping[str, Any]], done: list[str]) -> None:
    for each in webhooks:
        work.client.delete_webhook(str(each.get("id")))
        done.append(f"{each.get('topic')} removed")


def _name(work: Work) -> str:
    """The connection's id is in it, so that two connections to one shop do not take each other's webhooks."""
    return f"Wissel {work.connection.id}"


def _described(webhooks: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {"topic": str(each.get("topic")), "external_id": str(each.get("id")), "state": str(each.get("status"))}
        for each in webhooks
    ]
