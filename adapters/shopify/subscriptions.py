"""Webhook subscriptions: made, mended and removed over the API.

The API lists only those this app made. An app's configuration file may have others, which it does not show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from adapters.base import Refused, Result
from adapters.fields import text
from adapters.shopify.client import UserErrors, number_of
from adapters.shopify.mutations import RESUBSCRIBE, SUBSCRIBE, UNSUBSCRIBE
from adapters.shopify.queries import SUBSCRIPTIONS
from adapters.shopify.webhook import TOPICS
from adapters.shopify.work import Work

_PATH = "/v1/hooks/"
"""Our own addresses are known by this, whatever host they had."""

_ADDRESS = "webhooks.url"
"""Under which key a connection's memory keeps the address its webhooks go to."""


def register_webhooks(work: Work) -> Result:
    """Have every topic we read come to `url`, once each: what is missing is made, what goes to an old address of ours, in
    another format or only in part is mended, what is there twice is removed."""
    url = work.text("url")
    if not urlsplit(url).hostname:
        raise Refused(f"{url!r} is not an address that webhooks can be sent to.")
    before = str(work.memory.get(_ADDRESS) or "")
    work.memory.put(_ADDRESS, url)
    ours: dict[str, list[Mapping[str, Any]]] = {}
    for each in _subscriptions(work):
        if _is_ours(each, url) or _is_ours(each, before):
            ours.setdefault(_topic(each), []).append(each)
    made = mended = removed = 0
    problems: list[str] = []
    for topic in TOPICS:
        right = [each for each in ours.get(topic, ()) if _is_right(each, url)]
        keep = next(iter(right or ours.get(topic, [])), None)
        extra = [each for each in ours.get(topic, ()) if each is not keep]
        for each in extra:
            work.client.change(UNSUBSCRIBE, id=str(each.get("id")))
            removed += 1
        wanted: dict[str, Any] = {"uri": url, "format": "JSON", "filter": None, "includeFields": []}
        try:
            if keep is None:
                work.client.change(SUBSCRIBE, topic=_enum(topic), subscription=wanted)
                made += 1
            elif not right:
                work.client.change(RESUBSCRIBE, id=str(keep.get("id")), subscription=wanted)
                mended += 1
        except UserErrors as problem:
            problems.append(f"{topic}: {problem.message}")
    if problems:
        raise Refused(f"Not all webhooks could be registered. {' '.join(problems)}")
    told = ", ".join(f"{count} {word}" for count, word in ((made, "made"), (mended, "mended"), (removed, "removed")) if count)
    return Result(
        f"Shopify tells us about {len(TOPICS)} topics ({told or 'nothing to change'}).", data=_states(work, url),
        did_nothing=not told,
    )  # fmt: skip


def read_webhooks(work: Work) -> Result:
    """The subscriptions this app has, without changing anything."""
    rows = _states(work, str(work.memory.get(_ADDRESS) or ""))
    return Result(f"Shopify tells us about {len(rows)} topics.", data=rows)


def remove_webhooks(work: Work) -> Result:
    """Remove the subscriptions that come to us."""
    url = str(work.memory.get(_ADDRESS) or "")
    found = [each for each in _subscriptions(work) if url and _is_ours(each, url)]
    for each in found:
        work.client.change(UNSUBSCRIBE, id=str(each.get("id")))
    return Result(f"Removed {len(found)} webhook subscriptions from Shopify.", data=[], did_nothing=not found)


def _states(work: Work, url: str) -> list[dict[str, str]]:
    return [
        {"topic": _topic(each), "external_id": number_of(each.get("id")),
         "state": "active" if not url or each.get("uri") == url else f"goes to {each.get('uri')}"}
        for each in _subscriptions(work)
    ]  # fmt: skip


def _subscriptions(work: Work) -> list[Mapping[str, Any]]:
    return list(work.client.pages(SUBSCRIPTIONS, "webhookSubscriptions"))


def _is_ours(subscription: Mapping[str, Any], url: str) -> bool:
    """Whether a subscription comes to us: at this address, or at this path of another host. Empty: to nobody."""
    uri = str(subscription.get("uri"))
    return uri == url or (_PATH in url and urlsplit(uri).path == urlsplit(url).path)


def _is_right(subscription: Mapping[str, Any], url: str) -> bool:
    return (
        subscription.get("uri") == url
        and subscription.get("format") == "JSON"
        and not subscription.get("filter")
        and not subscription.get("includeFields")
    )


def _enum(topic: str) -> str:
    return topic.upper().replace("/", "_")


_WORDS = {_enum(topic): topic for topic in TOPICS}


def _topic(subscription: Mapping[str, Any]) -> str:
    """The topic as webhooks name it: `orders/create`."""
    word = text(subscription, "topic") or ""
    return _WORDS.get(word, word.lower())
