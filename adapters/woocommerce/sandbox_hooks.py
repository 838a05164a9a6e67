"""The sandbox's webhooks as WooCommerce sends them.

A delivery is rendered when it is sent and not when something happened; while one for the same webhook and thing waits,
more events collapse into it; nothing is tried again; the seventh failure in a row switches the webhook off; an unsigned
ping comes until one was answered with exactly 200. Source: `class-wc-webhook.php`, measured.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import requests

from adapters.sandbox.courier import Courier
from adapters.sandbox.faults import WEBHOOK_FAULTS, Faults
from adapters.sandbox.state import SandboxState
from adapters.woocommerce.sandbox_errors import php_json
from adapters.woocommerce.sandbox_render import VERSION, home, order_json, product_json
from adapters.woocommerce.webhook import SIGNATURE_HEADER, signature

FAILURES_UNTIL_DISABLED = 7
_KIND = "_webhook"
_TIMEOUT = (3.0, 10.0)
_AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/6.9)"
_NO_RIGHTS = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot view this resource.", "data": {"status": 401}}


class HookCourier(Courier):
    """Delivers the webhooks of the shop's subscriptions (documents of kind `hook`). The address that the sandbox's own
    page sets, if any, counts as a subscription to everything, signed with the sandbox's secret."""

    def __init__(
        self, state: SandboxState, faults: Faults, *, secret: str, no_rights: Callable[[], bool], own_url: Callable[[], str]
    ) -> None:
        super().__init__(state, faults, sign=lambda body, secret: {}, secret=secret, retries=())
        self._no_rights, self._own_url = no_rights, own_url

    def announce(self, topic: str, id: int) -> None:
        """Something happened: queue it for every active webhook of this topic."""
        with self._changed:
            for hook in self._hooks():
                if hook["topic"] in (topic, "*") and hook["status"] == "active" and not self._is_queued(hook, id):
                    self._queue(hook, topic, id)
            self._changed.notify_all()

    def ping(self, hook: dict[str, Any]) -> None:
        """Queue a ping."""
        with self._changed:
            self._put(hook, "ping", 0, fault="", body=f"webhook_id={hook['id']}", state="waiting")
            self._changed.notify_all()

    def _queue(self, hook: dict[str, Any], topic: str, id: int) -> None:
        fault = self._faults.strike(WEBHOOK_FAULTS, topic)
        kind = fault.kind if fault else ""
        state = "not sent: fault no_webhooks" if kind == "no_webhooks" else "waiting"
        for _ in range(2 if kind == "duplicate_webhooks" else 1):
            self._put(hook, topic, id, fault=kind, body="", state=state)

    def _put(self, hook: dict[str, Any], topic: str, id: int, *, fault: str, body: str, state: str) -> None:
        number, now = self._state.next("webhook"), time.time()
        self._keep({
            "id": number, "label": topic, "url": hook["delivery_url"], "body": body, "headers": {}, "state": state,
            "attempts": [], "created": now, "due": now, "fault": fault, "held": fault == "reorder_webhooks",
            "hook": hook["id"], "thing": id,
        })  # fmt: skip
        self._state.delete(_KIND, number - 500)

    def _is_queued(self, hook: dict[str, Any], id: int) -> bool:
        return any(
            item["hook"] == hook["id"] and item["thing"] == id and not item["held"] and not item.get("taken")
            for item in self._waiting.values()
        )

    def _hooks(self) -> list[dict[str, Any]]:
        url = self._own_url()
        own = {"id": 0, "topic": "*", "status": "active", "delivery_url": url, "secret": self.secret, "unpinged": False}
        return [*self._state.all("hook"), *([own] if url else [])]

    def _next_due(self) -> dict[str, Any] | None:
        item = super()._next_due()
        if item is not None:
            # From here on its body is being made: what happens now is a delivery of its own.
            item["taken"] = True
        return item

    def _deliver(self, http: requests.Session, item: dict[str, Any]) -> None:
        hook = next((each for each in self._hooks() if each["id"] == item["hook"]), None)
        if hook is None or hook["status"] != "active":
            self._finish(item, "not sent: the webhook is gone or switched off")
            return
        body, headers = self._render(hook, item)
        item |= {"body": body, "headers": headers, "url": hook["delivery_url"]}
        started = time.time()
        status = self._post(http, item)
        outcome = f"HTTP {status}" if status else "no answer"
        attempts = [{"at": started, "outcome": outcome}]
        with self._changed:
            self._count(hook["id"], item["label"], status)
            self._finish(item | {"attempts": attempts}, "delivered" if 200 <= status <= 302 else "given up")

    def _post(self, http: requests.Session, item: dict[str, Any]) -> int:
        """The status of the answer, 0 without one."""
        try:
            answer = http.post(
                item["url"], data=item["body"].encode(), headers=item["headers"], timeout=_TIMEOUT, allow_redirects=False,
                stream=True,
            )  # fmt: skip
        except requests.RequestException:
            return 0
        answer.close()
        return int(answer.status_code)

    def _render(self, hook: dict[str, Any], item: dict[str, Any]) -> tuple[str, dict[str, str]]:
        agent = {"User-Agent": _AGENT}
        if item["label"] == "ping":
            return item["body"], agent | {"Content-Type": "application/x-www-form-urlencoded"}
        topic, body = item["label"], self._body(item["label"], item["thing"])
        resource, _, event = topic.partition(".")
        secret = f"not-{hook['secret']}" if item["fault"] == "bad_signature" else hook["secret"]
        second = int(self._state.now())
        return body, agent | {
            "Content-Type": "application/json", "X-WC-Webhook-Source": f"{home(self._state)}/", "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Resource": resource, "X-WC-Webhook-Event": event,
            SIGNATURE_HEADER: signature(body.encode(), secret), "X-WC-Webhook-ID": str(hook["id"]),
            # One id for everything that this webhook delivers within a second: so it is.
            "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{hook['id']}:{second}".encode(), usedforsecurity=False).hexdigest(),
        }  # fmt: skip

    def _body(self, topic: str, id: int) -> str:
        if topic.endswith(".deleted"):
            return php_json({"id": id})
        if self._no_rights():
            return php_json(_NO_RIGHTS)
        kind = topic.partition(".")[0]
        document = self._state.get(kind, id)
        if document is None:
            return php_json({"code": f"woocommerce_rest_shop_{kind}_invalid_id", "message": "Invalid ID.", "data": {"status": 404}})
        render = order_json if kind == "order" else product_json
        return php_json(render(self._state, document))

    def _count(self, hook_id: int, label: str, status: int) -> None:
        """What a delivery's answer means for its webhook."""
        hook = self._state.get("hook", hook_id)
        if hook is None:
            return
        if label == "ping":
            self._state.put("hook", hook_id, hook | ({"unpinged": False} if status == 200 else {}))
            return
        failures = 0 if 200 <= status <= 302 else hook["failures"] + 1
        disabled = {"status": "disabled"} if failures >= FAILURES_UNTIL_DISABLED else {}
        self._state.put("hook", hook_id, hook | {"failures": failures} | disabled)
        if hook["unpinged"]:
            self._put(hook, "ping", 0, fault="", body=f"webhook_id={hook_id}", state="waiting")

    def _finish(self, item: dict[str, Any], state: str) -> None:
        with self._changed:
            self._keep({key: value for key, value in item.items() if key != "taken"} | {"state": state, "held": False})
            for earlier in list(self._waiting.values()):
                if earlier["held"] and earlier["id"] < item["id"]:
                    self._keep(earlier | {"held": False})
            self._changed.notify_all()
