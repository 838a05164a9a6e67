"""What every adapter has in common, whichever system it talks to."""

from __future__ import annotations

import pytest
import requests

from adapters.base import Adapter, AdapterError, Call, Connection, Refused, WebhookRejected
from adapters.lightspeed_ecom import LightspeedEcom
from adapters.lightspeed_retail import LightspeedRetail
from tests.adapters.memory import LocalMemory

ADAPTERS: list[Adapter] = [LightspeedEcom(), LightspeedRetail()]
PLATFORMS = {
    "lightspeed_ecom",
    "lightspeed_retail",
    "shopify",
    "bigcommerce",
    "woocommerce",
    "magento",
    "picqer",
    "goedgepickt",
}
OURS = {
    "shop_status": {
        "awaiting_processing", "processing", "ready_for_pickup", "out_for_delivery", "shipped", "delivered", "returned",
        "will_not_deliver", "custom",
    },
    "payment_status": {
        "incomplete", "unpaid", "partly_paid", "paid", "partly_refunded", "refunded", "cancelled", "custom",
    },
    "fulfilment_status": {"new", "in_progress", "packed", "completed", "cancelled"},
}  # fmt: skip

each = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.capabilities.platform)


def connection(adapter: Adapter, **credentials: str) -> Connection:
    found = adapter.capabilities
    return Connection("c1", "one", found.platform, found.role, "http://127.0.0.1:9", credentials)


def credentials(adapter: Adapter) -> dict[str, str]:
    return dict.fromkeys(adapter.capabilities.credentials, "1")


@each
def test_capabilities_say_what_a_connection_can_do(adapter: Adapter) -> None:
    found = adapter.capabilities
    assert found.platform in PLATFORMS
    assert found.role in {"shop", "till", "warehouse"}
    assert found.title
    assert "check" in found.operations
    assert found.credentials
    assert found.rate_per_minute > 0


@each
def test_statuses_are_words_of_ours(adapter: Adapter) -> None:
    for kind, words in adapter.capabilities.statuses.items():
        assert words <= OURS[kind]


@each
def test_every_setting_is_explained_in_a_sentence_and_has_a_default(adapter: Adapter) -> None:
    for name, (meaning, _default) in adapter.capabilities.settings.items():
        assert name == name.lower()
        assert meaning[0].isupper()
        assert meaning.endswith(".")
        assert len(meaning) > 20


@each
def test_an_unknown_operation_is_refused_with_the_known_ones(adapter: Adapter) -> None:
    with requests.Session() as http, pytest.raises(Refused) as caught:
        adapter.execute(
            Call("fly", {}, "k"), connection(adapter, **credentials(adapter)), LocalMemory(credentials(adapter)), http
        )
    assert "check" in caught.value.message


@each
def test_every_operation_of_an_unreachable_system_is_an_adapter_error(adapter: Adapter) -> None:
    for operation in sorted(adapter.capabilities.operations):
        memory = LocalMemory(credentials(adapter))
        with requests.Session() as http, pytest.raises(AdapterError) as caught:
            adapter.execute(Call(operation, {}, "k"), connection(adapter, **credentials(adapter)), memory, http)
        assert caught.value.message


@each
def test_missing_credentials_are_named_or_refused_and_never_a_crash(adapter: Adapter) -> None:
    with requests.Session() as http, pytest.raises(AdapterError):
        adapter.execute(Call("check", {}, "k"), connection(adapter), LocalMemory(), http)


@each
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"payload=%7B%7D", b"{" * 10_000])
def test_an_unsigned_webhook_is_rejected(adapter: Adapter, body: bytes) -> None:
    with pytest.raises(WebhookRejected) as caught:
        adapter.verify(body, {}, {}, connection(adapter, **credentials(adapter)))
    assert caught.value.status in (400, 401)
