"""The BigCommerce sandbox speaks the vendor's API: other clients' calls, and the vendor's own Python library unchanged."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bigcommerce.api as vendor
import pytest
import requests
from bigcommerce.exception import ClientRequestException, RateLimitingException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from adapters.bigcommerce.sandbox import CLIENT_ID, STORE_HASH, TOKEN
from adapters.bigcommerce.sandbox_limits import window
from adapters.sandbox import SandboxState
from tests.adapters.bigcommerce_shop import api, grant, order_of, place
from tests.adapters.rigs.base import ARTICLES, OUTLETS
from tests.adapters.rigs.bigcommerce import BigCommerceRig


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


# The wire


def test_v2_lists_are_bare_and_empty_ones_have_no_body(rig: BigCommerceRig) -> None:
    empty = api(rig, "GET", "v2/orders")
    assert (empty.status_code, empty.content) == (204, b"")
    order = rig.place({"MUG": 1})
    assert [each["id"] for each in api(rig, "GET", "v2/orders").json()] == [int(order)]
    assert api(rig, "GET", f"v2/orders/{order}/shipments").status_code == 204
    assert api(rig, "GET", "v2/orders?page=2").status_code == 204


def test_v3_lists_come_in_an_envelope_with_their_pages(rig: BigCommerceRig) -> None:
    answer = api(rig, "GET", "v3/catalog/products?limit=2&page=2").json()
    assert len(answer["data"]) == 2
    assert answer["meta"]["pagination"] | {"links": None} == {
        "total": 4, "count": 2, "per_page": 2, "current_page": 2, "total_pages": 2, "links": None,
    }  # fmt: skip


def test_dates_are_rfc_2822_and_money_has_four_decimals_in_v2(rig: BigCommerceRig) -> None:
    found = api(rig, "GET", f"v2/orders/{rig.place({'MUG': 2})}").json()
    assert datetime.strptime(found["date_created"], "%a, %d %b %Y %H:%M:%S %z")
    assert (found["total_inc_tax"], found["subtotal_inc_tax"], found["shipping_cost_inc_tax"]) == (
        "29.9500",
        "25.0000",
        "4.9500",
    )
    assert not [name for name in found if name.startswith("_")]


def test_errors_have_the_shape_of_their_version(rig: BigCommerceRig) -> None:
    v2, v3 = api(rig, "GET", "v2/orders/1"), api(rig, "GET", "v3/hooks/1")
    assert (v2.status_code, v2.json()[0]["status"]) == (404, 404)
    assert (v3.status_code, set(v3.json())) == (404, {"status", "title", "type", "errors"})


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_401_and_a_missing_scope_403(rig: BigCommerceRig, token: str) -> None:
    assert api(rig, "GET", "v2/orders", **{"X-Auth-Token": token}).status_code == 401
    grant(rig, {"store_v2_products_read_only"})
    assert api(rig, "GET", "v2/orders").status_code == 403
    assert api(rig, "GET", "v3/catalog/products").status_code == 200


def test_a_token_of_another_store_is_401(rig: BigCommerceRig) -> None:
    url = f"{rig.box.url}/stores/other/v2/orders"
    assert requests.get(url, headers={"X-Auth-Token": TOKEN}, timeout=5).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "v2/orders?page=x",
        "v2/orders?sort=beauty",
        "v2/orders?min_date_modified=soon",
        "v3/orders/pickups?order_id:in=x",
    ],
)
def test_senseless_filters_are_refused(rig: BigCommerceRig, path: str) -> None:
    assert api(rig, "GET", path).status_code in (400, 422)


def test_dates_in_filters_may_be_rfc_2822_or_iso_8601(rig: BigCommerceRig) -> None:
    rig.place({"MUG": 1})
    later = datetime.now(UTC) + timedelta(hours=1)
    for text in (later.strftime("%a, %d %b %Y %H:%M:%S +0000"), later.strftime("%Y-%m-%dT%H:%M:%SZ")):
        found = requests.get(
            f"{rig.box.url}/stores/{STORE_HASH}/v2/orders",
            params={"min_date_modified": text},
            headers={"X-Auth-Token": TOKEN},
            timeout=5,
        )
        assert found.status_code == 204


def test_each_answer_tells_of_the_rate_window_and_a_full_one_is_429() -> None:
    state = SandboxState()
    BigCommerceRig.seed(state, ARTICLES, OUTLETS)
    with BigCommerceRig.serve(state) as rig:
        window(rig.box.app).quota = 2
        first, second, third = (api(rig, "GET", "v2/time") for _ in range(3))
        assert [each.headers["X-Rate-Limit-Requests-Left"] for each in (first, second, third)] == ["1", "0", "0"]
        assert (first.headers["X-Rate-Limit-Requests-Quota"], first.headers["X-Rate-Limit-Time-Window-Ms"]) == (
            "2",
            "30000",
        )
        assert third.status_code == 429
        assert 0 < int(third.headers["X-Rate-Limit-Time-Reset-Ms"]) <= 30_000
        assert "Retry-After" not in third.headers


def test_the_quota_of_the_usual_plans_is_150_in_30_seconds() -> None:
    state = SandboxState()
    BigCommerceRig.seed(state, ARTICLES, OUTLETS)
    assert window(BigCommerceRig.app(state)).quota == 150
    state.close()


def test_a_first_relative_adjustment_is_refused_and_an_absolute_one_first_makes_it_possible(
    rig: BigCommerceRig,
) -> None:
    relative = {"reason": "r", "items": [{"location_id": 2, "sku": "NEW", "quantity": 1}]}
    product = rig._product("POT")
    variant = product["variants"][0] | {"id": 999, "sku": "NEW"}
    rig.box.state.put("product", 999, product | {"id": 999, "sku": "NEW", "variants": [variant]})
    refused = api(rig, "POST", "v3/inventory/adjustments/relative", relative)
    assert refused.status_code == 422
    assert refused.json()["title"] == "Items with identity: [sku NEW] requires absolute adjustment before relative"
    assert (
        api(
            rig,
            "PUT",
            "v3/inventory/adjustments/absolute",
            {"items": [{"location_id": 2, "sku": "NEW", "quantity": 4}]},
        ).status_code
        == 200
    )
    rig.shop.settle()
    assert api(rig, "POST", "v3/inventory/adjustments/relative", relative).status_code == 200
    assert rig.stock("NEW", "utrecht") == 5


def test_a_stock_write_is_seen_a_moment_later(rig: BigCommerceRig) -> None:
    body = {"items": [{"location_id": 1, "sku": "MUG", "quantity": 40}]}
    assert "transaction_id" in api(rig, "PUT", "v3/inventory/adjustments/absolute", body).json()
    assert rig.stock("MUG", "amsterdam") == 40
    rig.box.sandbox.set_switch("slow_background", False)
    body["items"][0]["quantity"] = 41
    api(rig, "PUT", "v3/inventory/adjustments/absolute", body)
    (item,) = api(rig, "GET", "v3/inventory/items?sku:in=MUG").json()["data"]
    assert [each["available_to_sell"] for each in item["locations"]] == [41, 4]


@pytest.mark.parametrize(
    ("item", "words"),
    [({"location_id": 1, "variant_id": 81, "quantity": 1}, "tracked by product"), ({"location_id": 9, "sku": "MUG", "quantity": 1}, "Location"),
     ({"location_id": 1, "sku": "NOPE", "quantity": 1}, "not found"), ({"location_id": 1, "sku": "MUG", "quantity": -1}, "invalid"),
     ({"location_id": 1, "sku": "MUG", "quantity": "1"}, "invalid"), ({"location_id": 1, "sku": "SET", "quantity": 1}, "not tracked")],
)  # fmt: skip
def test_a_wrong_adjustment_is_refused_in_the_vendors_words(
    rig: BigCommerceRig, item: dict[str, Any], words: str
) -> None:
    answer = api(rig, "PUT", "v3/inventory/adjustments/absolute", {"items": [item]})
    assert answer.status_code == 422
    assert words in answer.json()["title"]


@pytest.mark.parametrize("body", [{}, {"order_address_id": 1, "items": []}, {"order_address_id": 51, "items": [{"order_product_id": 1, "quantity": 1}]},
                                  {"order_address_id": 51, "items": [{"order_product_id": 6001, "quantity": 3}]}, {"order_address_id": 51, "items": [1]}])  # fmt: skip
def test_a_senseless_shipment_is_refused(rig: BigCommerceRig, body: Any) -> None:
    order = rig.place({"MUG": 2})
    assert api(rig, "POST", f"v2/orders/{order}/shipments", body).status_code == 400
    assert rig.shipments(order) == []


def test_a_deleted_shipment_opens_its_units_and_leaves_the_status(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    rig.ship_by_staff(order)
    shipment = api(rig, "GET", f"v2/orders/{order}/shipments").json()[0]["id"]
    assert api(rig, "DELETE", f"v2/orders/{order}/shipments/{shipment}").status_code == 204
    found = order_of(rig, order)
    assert (found["status"], found["items_shipped"]) == ("Shipped", 0)


def test_what_is_not_json_is_refused(rig: BigCommerceRig) -> None:
    url = f"{rig.box.url}/stores/{STORE_HASH}/v2/orders/{rig.place({'MUG': 1})}"
    for data, kind, status in (
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
    ):
        answer = requests.put(url, data=data, headers={"X-Auth-Token": TOKEN, "Content-Type": kind}, timeout=5)
        assert answer.status_code == status


def test_hooks_of_another_account_are_not_visible(rig: BigCommerceRig) -> None:
    rig.box.state.put("token", "other", {"client_id": "other", "scopes": ["default"]})
    body = {"scope": "store/order/*", "destination": "https://a.example/x", "is_active": True}
    assert api(rig, "POST", "v3/hooks", body, **{"X-Auth-Token": "other"}).status_code == 200
    assert api(rig, "GET", "v3/hooks").json()["data"] == []
    assert api(rig, "POST", "v3/hooks", body).status_code == 200
    assert api(rig, "POST", "v3/hooks", body).status_code == 409


def test_a_sandbox_starts_from_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "adapters.bigcommerce.sandbox", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "--store-hash" in said


# The vendor's own library


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this machine and its key, signed by itself."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(*encoding))
    return paths


@pytest.fixture
def library(
    rig: BigCommerceRig, authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[vendor.BigcommerceApi]:
    """The library as its users set it up. It speaks https only, so the same sandbox is served over TLS as well; where it is
    and whom to trust is said in the environment, as the library and requests read it."""
    server = make_server("localhost", 0, rig.box.app, threaded=True, ssl_context=(str(authority[0]), str(authority[1])))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    monkeypatch.setenv("BC_API_ENDPOINT", f"localhost:{server.server_port}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority[0]))
    monkeypatch.setenv("NO_PROXY", "localhost")
    try:
        yield vendor.BigcommerceApi(client_id=CLIENT_ID, store_hash=STORE_HASH, access_token=TOKEN)
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


def test_the_library_reads_orders_with_everything_in_them(rig: BigCommerceRig, library: vendor.BigcommerceApi) -> None:
    first, second = rig.place({"MUG": 2, "TEA": 1}), place(rig, {"POT": 1}, "bank")
    assert [order.id for order in library.Orders.all()] == [int(first), int(second)]
    assert [order.id for order in library.Orders.iterall(status_id=7)] == [int(second)]
    assert library.Orders.count() == 2
    order = library.Orders.get(int(first))
    assert (order.status, order.billing_address["email"]) == ("Awaiting Fulfillment", "sanne@example.org")
    assert [(line.sku, line.quantity) for line in order.products()] == [("MUG", 2), ("TEA", 1)]
    assert [address.city for address in order.shipping_addresses()] == ["Utrecht"]
    assert [tax.rate for tax in order.taxes()] == ["21.0000", "9.0000"]
    assert "id" not in order.coupons(), "204 is an empty object there"
    assert "id" not in order.messages()


def test_the_library_ships_an_order_and_moves_it(rig: BigCommerceRig, library: vendor.BigcommerceApi) -> None:
    order = library.Orders.get(int(rig.place({"MUG": 2})))
    assert "id" not in order.shipments()
    (line,), (address,) = order.products(), order.shipping_addresses()
    shipment = library.OrderShipments.create(
        order.id,
        order_address_id=address.id,
        tracking_number="3S1",
        items=[{"order_product_id": line.id, "quantity": 1}],
    )
    assert shipment.tracking_number == "3S1"
    assert shipment.update(tracking_number="3S2").tracking_number == "3S2"
    assert library.Orders.get(order.id).status == "Partially Shipped"
    assert [each.tracking_number for each in library.OrderShipments.all(order.id)] == ["3S2"]
    assert order.update(status_id=10).status == "Completed"
    assert order.update(staff_notes="Looked at").staff_notes == "Looked at"
    library.OrderShipments.get(order.id, shipment.id).delete()
    assert library.Orders.get(order.id).items_shipped == 0


def test_the_library_reads_statuses_and_the_store(library: vendor.BigcommerceApi) -> None:
    assert {status.id: status.name for status in library.OrderStatuses.all()}[12] == "Manual Verification Required"
    assert library.Store.all().name == "The Teahouse"
    assert abs(library.Time.all().time - datetime.now(UTC).timestamp()) < 60


def test_the_library_raises_its_own_errors(rig: BigCommerceRig, library: vendor.BigcommerceApi) -> None:
    with pytest.raises(ClientRequestException) as caught:
        library.Orders.get(4711)
    assert caught.value.status_code == 404
    rig.fault("429", seconds=3)
    with pytest.raises(RateLimitingException) as limited:
        library.Orders.all()
    assert limited.value.retry_after == "3000"


def test_the_library_learns_the_rate_limit(library: vendor.BigcommerceApi) -> None:
    library.Orders.count()
    assert library.connection.rate_limit["window_size_ms"] == 30_000
