"""What every adapter has in common, whichever system it talks to: shops and tills."""

from __future__ import annotations

import pytest
import requests

from adapters.base import Adapter, AdapterError, Call, Connection, Refused, WebhookRejected
from adapters.lightspeed_retail import LightspeedRetail
from engine.platforms import ABILITIES, PLATFORM, Platform
from engine.vocabulary import FULFILMENT_STATUSES, PAYMENT_STATUSES, SHOP_STATUSES
from tests.adapters.conformance import secrets_of
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs import RIGS, rig_of

TILLS = {"lightspeed_retail": LightspeedRetail}
OURS = {
    "shop_status": frozenset(SHOP_STATUSES),
    "payment_status": frozenset(PAYMENT_STATUSES),
    "fulfilment_status": frozenset(FULFILMENT_STATUSES),
}
OPERATIONS = {
    "ship fulfilment": "ship_fulfilment",
    "assign outlets in shop": "assign_fulfilments",
    "refund in shop": "refund_order",
}
"""What rules can demand of a shop, and the operation that does it."""

SHOP_OPERATIONS = frozenset({
    "check", "read_order", "read_orders", "read_product", "read_products", "read_page", "read_customer", "read_locations",
    "register_webhooks", "read_webhooks", "remove_webhooks", "set_order_status", "ship_fulfilment", "assign_fulfilments",
    "refund_order", "set_stock", "set_outlet_stock",
})  # fmt: skip
LEAST_OPERATIONS = frozenset({"check", "read_order", "read_orders", "set_order_status", "set_stock"})


@pytest.fixture(params=(*RIGS, *TILLS))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return TILLS[request.param]() if request.param in TILLS else rig_of(request.param).adapter


@pytest.fixture(params=RIGS)
def shop(request: pytest.FixtureRequest) -> tuple[Adapter, Platform]:
    """A shop's adapter and what engine/platforms.py declares of it."""
    return rig_of(request.param).adapter, rig_of(request.param).declared()


def connection(adapter: Adapter, **credentials: str) -> Connection:
    found = adapter.capabilities
    return Connection("c1", "one", found.platform, found.role, "http://127.0.0.1:9", credentials)


def credentials(adapter: Adapter) -> dict[str, str]:
    return {name: f"secret-{name}" for name in adapter.capabilities.credentials}


def test_capabilities_say_what_a_connection_can_do(adapter: Adapter) -> None:
    found = adapter.capabilities
    assert found.platform in {*PLATFORM, "toy"}
    assert found.role in {"shop", "till", "warehouse"}
    assert found.title
    assert "check" in found.operations
    assert found.credentials
    assert set(found.optional_credentials) <= set(found.credentials)
    assert set(found.credential_hints) <= set(found.credentials)
    assert found.default_base_url.startswith("https://") or not found.default_base_url
    assert found.rate_per_minute > 0


def test_statuses_are_words_of_ours_and_each_has_a_label_of_theirs(adapter: Adapter) -> None:
    found = adapter.capabilities
    for kind, words in found.statuses.items():
        assert words <= OURS[kind]
    for kind, labels in found.labels.items():
        assert set(labels) == found.statuses[kind]
        assert all(labels.values())


def test_every_setting_is_explained_in_a_sentence_and_has_a_default(adapter: Adapter) -> None:
    for name, (meaning, _default) in adapter.capabilities.settings.items():
        assert name == name.lower()
        assert meaning[0].isupper()
        assert meaning.endswith(".")
        assert len(meaning) > 20


def test_an_admin_is_told_where_each_credential_is_found(shop: tuple[Adapter, Platform]) -> None:
    found = shop[0].capabilities
    assert found.guide
    assert set(found.credential_hints) == set(found.credentials)
    assert all(hint.endswith(".") for hint in found.credential_hints.values())


def test_the_rule_checker_knows_exactly_the_statuses_the_adapter_can_write(shop: tuple[Adapter, Platform]) -> None:
    adapter, declared = shop
    found = adapter.capabilities
    assert (found.platform, found.role, found.title) == (declared.name, declared.role, declared.title)
    assert found.statuses["shop_status"] == set(declared.shop_statuses)
    assert found.statuses["payment_status"] == set(declared.payment_statuses)
    assert found.labels["shop_status"] == declared.shop_statuses
    assert found.labels["payment_status"] == declared.payment_statuses


def test_the_rule_checker_knows_exactly_the_demands_the_adapter_can_meet(shop: tuple[Adapter, Platform]) -> None:
    adapter, declared = shop
    operations = adapter.capabilities.operations
    assert LEAST_OPERATIONS <= operations <= SHOP_OPERATIONS
    assert set(OPERATIONS) == ABILITIES
    assert {demand for demand, operation in OPERATIONS.items() if operation in operations} == set(declared.outcomes)
    assert declared.stock_per_outlet == ("set_outlet_stock" in operations) == ("read_locations" in operations)


def test_webhook_operations_come_together(shop: tuple[Adapter, Platform]) -> None:
    family = {"register_webhooks", "read_webhooks", "remove_webhooks"}
    assert len(family & shop[0].capabilities.operations) in (0, 3)


def test_an_unknown_operation_is_refused_with_the_known_ones(adapter: Adapter) -> None:
    with requests.Session() as http, pytest.raises(Refused) as caught:
        adapter.execute(
            Call("fly", {}, "k"), connection(adapter, **credentials(adapter)), LocalMemory(credentials(adapter)), http
        )
    assert "check" in caught.value.message


def test_every_operation_of_an_unreachable_system_is_an_adapter_error_without_a_secret(adapter: Adapter) -> None:
    for operation in sorted(adapter.capabilities.operations):
        memory = LocalMemory(credentials(adapter))
        with requests.Session() as http, pytest.raises(AdapterError) as caught:
            adapter.execute(Call(operation, {}, "k"), connection(adapter, **credentials(adapter)), memory, http)
        assert caught.value.message
        said = caught.value.message + caught.value.detail
        assert not [secret for secret in secrets_of(credentials(adapter)) if secret in said]


def test_missing_credentials_are_named_or_refused_and_never_a_crash(adapter: Adapter) -> None:
    with requests.Session() as http, pytest.raises(AdapterError):
        adapter.execute(Call("check", {}, "k"), connection(adapter), LocalMemory(), http)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"payload=%7B%7D", b"{" * 10_000])
def test_an_unsigned_webhook_is_rejected(adapter: Adapter, body: bytes) -> None:
    with pytest.raises(WebhookRejected) as caught:
        adapter.verify(body, {}, {}, connection(adapter, **credentials(adapter)))
    assert caught.value.status in (400, 401)
