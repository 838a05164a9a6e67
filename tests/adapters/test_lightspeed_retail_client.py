"""How the till is spoken to: tokens, versions, headers, and what each mishap turns into."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
from lightspeed_retail_till import Till, open_till, with_settings

from adapters.base import AdapterError, Memory, Refused, RetryLater, Throttled, Unauthorised

SKU = {"sku": "MUG-BLUE"}


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        opened.do("read_products")
        yield opened


def expire(till: Till) -> None:
    """Let the access token die over there, and let us know its time."""
    till.state.set_setting("token_expires", int(time.time()) - 1)
    till.memory.replace_credentials({**till.memory.credentials(), "expires": str(int(time.time()) - 1)})


def test_an_expired_token_is_renewed_and_the_new_pair_is_kept(till: Till) -> None:
    old = dict(till.memory.credentials())
    expire(till)
    till.do("read_stock", **SKU)
    new = till.memory.credentials()
    assert new["access_token"] != old["access_token"] and new["refresh_token"] != old["refresh_token"]
    assert float(new["expires"]) > time.time() + 3600
    assert new["client_secret"] == old["client_secret"]


def test_a_token_that_died_before_its_time_is_renewed_too(till: Till) -> None:
    till.state.set_setting("access_token", "another")
    assert till.do("read_stock", **SKU).events
    assert till.state.counter("tokens_issued") == 1


def test_many_threads_with_a_dead_token_renew_it_once(till: Till) -> None:
    expire(till)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: till.do("read_stock", **SKU), range(6)))
    assert all(result.events for result in results)
    assert till.state.counter("tokens_issued") == 1


def test_two_threads_told_401_at_once_renew_once(till: Till) -> None:
    till.state.set_setting("access_token", "another")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: till.do("read_stock", **SKU), range(2)))
    assert till.state.counter("tokens_issued") == 1


def test_a_refused_renewal_is_unauthorised(till: Till) -> None:
    expire(till)
    till.memory.replace_credentials({**till.memory.credentials(), "refresh_token": "used before"})
    with pytest.raises(Unauthorised, match="connect till to it again"):
        till.do("read_stock", **SKU)


def test_a_personal_token_is_not_renewed_but_refused(till: Till) -> None:
    till.memory.replace_credentials({"access_token": "personal"})
    with pytest.raises(Unauthorised, match="The access token is not valid"):
        till.do("read_stock", **SKU)
    assert not till.state.requests("POST", "/token")


@pytest.mark.parametrize("given", [{}, {"refresh_token": "r"}])
def test_credentials_that_cannot_work_say_what_is_missing(till: Till, given: dict) -> None:
    till.memory.replace_credentials(given)
    with pytest.raises(Unauthorised, match=r"no access token|client_id, client_secret"):
        till.do("read_stock", **SKU)


def test_a_renewal_answered_without_a_token_is_tried_later_and_keeps_what_we_have(till: Till) -> None:
    expire(till)
    before = dict(till.memory.credentials())
    till.box.sandbox.faults.add("500", match="/token")
    with pytest.raises(RetryLater):
        till.do("read_stock", **SKU)
    assert till.memory.credentials() == before


def test_an_expiry_written_as_a_date_is_understood(till: Till) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    till.memory.replace_credentials({**till.memory.credentials(), "expires": soon})
    till.do("read_stock", **SKU)
    assert till.state.counter("tokens_issued") == 1


def test_the_version_in_the_settings_is_part_of_every_address(till: Till) -> None:
    till.state.clear_requests()
    with_settings(till, api_version="2026-04").do("read_stock", **SKU)
    assert {entry.path.split("/")[2] for entry in till.state.requests()} == {"2026-04"}


def test_every_request_says_who_we_are(till: Till) -> None:
    seen = []
    till.http.hooks["response"].append(lambda response, **_: seen.append(response.request.headers["User-Agent"]))
    expire(till)
    till.place()
    assert len(seen) > 5 and all(agent.startswith("Wissel/") for agent in seen)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", Throttled),
        ("500", RetryLater),
        ("drop", RetryLater),
        ("html", RetryLater),
        ("half_json", RetryLater),
        ("empty", RetryLater),
    ],
)
@pytest.mark.parametrize(
    "match",
    ["GET /api/2026-07/sales/", "POST /api/2026-07/sales", "POST /api/2026-07/customers", "GET /api/2026-07/inventory"],
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_each_fault_is_one_of_the_four_errors_and_passes(
    till: Till, fault: str, kind: type[AdapterError], match: str, after_effect: bool
) -> None:
    till.box.sandbox.faults.add(fault, match=match, after_effect=after_effect)
    with pytest.raises(kind):
        till.place()
    till.place()
    assert (till.state.counter("sales_created"), till.state.counter("customers_created")) == (1, 1)


def test_throttling_says_until_when_from_an_http_date(till: Till) -> None:
    till.box.sandbox.faults.add("429", seconds=30)
    with pytest.raises(Throttled) as throttled:
        till.do("read_stock", **SKU)
    assert throttled.value.until is not None
    assert timedelta(seconds=20) < throttled.value.until - datetime.now(UTC) <= timedelta(seconds=31)


def test_the_tills_own_words_reach_people_and_no_token_does(till: Till) -> None:
    with pytest.raises(Refused) as refused:
        till.do("read_stock", product_id="00000000-0000-0000-0000-00000000dead")
    assert "There is no product" in refused.value.message
    assert till.memory.credentials()["access_token"] not in refused.value.message + refused.value.detail


def test_reference_lists_are_kept_for_a_while_and_read_afresh_when_something_is_missing(till: Till) -> None:
    till.place()
    till.state.clear_requests()
    till.place(id="order-2", number="2")
    assert not till.state.requests("GET", "/taxes")
    with pytest.raises(Refused, match="no payment type"):
        with_settings(till, payment_type_default="Bitcoin").place(
            id="o3", number="3", payments=[{"amount": "50.00", "method": "x"}]
        )
    assert till.state.requests("GET", "/payment_types")
