"""A decision's page: why, why not, in three languages; replay; and how a decision becomes an example."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from api.ui.decisions import NEAREST
from engine.compiled import compile_book
from engine.examples import read_examples, run_examples
from engine.language import load_book
from store import books, decisions, drafts
from store.models import Merchant
from tests.api.house import House, Shopkeeper, cloud_event, open_shop, placed, post, sign_in, token


@pytest.fixture
def decision(client: FlaskClient, keeper: Shopkeeper) -> str:
    """A decision about an order placed at a shop, with an outlet that has it."""
    keeper.put_stock({("amsterdam", "MUG-BLUE"): 5})
    return str(post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop")).json["decision"])


def text_of(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def part(page: str, name: str) -> str:
    """What a page says about one rule file."""
    return page.split(f'id="{name}"')[1].split('class="file"')[0]


def test_it_says_why_in_a_sentence_with_the_values_found(admin: FlaskClient, decision: str) -> None:
    assignment = part(text_of(admin, f"/decisions/{decision}"), "outlet_assignment")
    assert "Because the outlet is a store, 0 pieces of each article are kept back at the outlet." in assignment
    assert "In every case the order is split over at most 5 outlets." in assignment
    assert "Did not hold, because the outlet takes orders today." in assignment


def test_the_nearest_misses_come_first_and_the_rest_on_demand(admin: FlaskClient, decision: str) -> None:
    page = text_of(admin, f"/decisions/{decision}")
    assignment = part(page, "outlet_assignment")
    assert assignment.count("Not met") == NEAREST
    assert "Show 1 more that did not fire" in assignment

    others = text_of(admin, f"/decisions/{decision}/others?decision=outlet_assignment")
    assert others.count("Not met") == 1 and "<html" in others
    fragment = admin.get(f"/decisions/{decision}/others?decision=outlet_assignment", headers={"HX-Request": "true"})
    assert "<html" not in fragment.get_data(as_text=True)
    assert "Not met" in fragment.get_data(as_text=True)

    everything = part(text_of(admin, f"/decisions/{decision}?rules=all"), "outlet_assignment")
    assert everything.count("Not met") == NEAREST + 1


def test_reasons_come_in_the_language_asked_for_which_is_remembered(admin: FlaskClient, decision: str) -> None:
    dutch = text_of(admin, f"/decisions/{decision}?lang=nl")
    assert "Omdat de vestiging een winkel is" in dutch and 'lang="nl"' in dutch
    assert "Omdat de vestiging een winkel is" in text_of(admin, f"/decisions/{decision}")
    assert "Eftersom filialen är en butik" in text_of(admin, f"/decisions/{decision}?lang=sv")
    assert "Eftersom filialen är en butik" in text_of(admin, f"/decisions/{decision}?lang=klingon")
    assert "Because the outlet is a store" in text_of(admin, f"/decisions/{decision}?lang=en")


def test_the_api_says_the_same_in_the_same_order(client: FlaskClient, keeper: Shopkeeper, decision: str) -> None:
    document = client.get(f"/v1/decisions/{decision}?lang=nl", headers=keeper.bearer).json
    assert document["language"] == "nl"
    (assignment,) = [each for each in document["why"] if each["decision"] == "outlet_assignment"]
    rules = assignment["rules"]
    assert [rule["fired"] for rule in rules] == sorted((rule["fired"] for rule in rules), reverse=True)
    missed = [rule["misses"] for rule in rules if not rule["fired"]]
    assert missed == sorted(missed) and missed[0] >= 1
    closed = next(rule for rule in rules if rule["rule"] == "outlet-closed")
    assert closed["sentence"].startswith(
        "Als de vestiging vandaag geen bestellingen aanneemt, dan valt de vestiging af"
    )
    assert closed["why"] == "Ging niet op, want de vestiging neemt vandaag bestellingen aan."
    assert client.get(f"/v1/decisions/{decision}?lang=xx", headers=keeper.bearer).status_code == 422


def test_what_was_said_in_vain_names_who_won(client: FlaskClient, admin: FlaskClient, keeper: Shopkeeper) -> None:
    unpaid = placed("7Q2XZ", payment_status="cancelled")
    decision = post(client, keeper, cloud_event("order.placed", unpaid, source="tulip-shop")).json["decision"]
    intake = part(text_of(admin, f"/decisions/{decision}"), "order_intake")
    assert "Overridden" in intake
    assert "It wanted that the order is taken in, but cancelled-before-we-knew-it had already said otherwise." in intake
    document = client.get(f"/v1/decisions/{decision}", headers=keeper.bearer).json
    (intake_rules,) = [each["rules"] for each in document["why"] if each["decision"] == "order_intake"]
    (take_in,) = [rule for rule in intake_rules if rule["rule"] == "take-in"]
    assert len(take_in["lost"]) == 1


def test_a_replay_shows_that_the_result_is_identical(
    admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, decision: str
) -> None:
    assert "Identical" in text_of(admin, f"/decisions/{decision}/replay")
    assert client.get(f"/v1/decisions/{decision}/replay", headers=keeper.bearer).json["same"] is True

    with keeper.house.database.session(keeper.merchant.id) as session:
        row = decisions.get(session, decision)
        assert row is not None
        row.result_hash = "0" * 64
    assert "Not the same" in text_of(admin, f"/decisions/{decision}/replay")
    assert client.get(f"/v1/decisions/{decision}/replay", headers=keeper.bearer).json["same"] is False


def test_what_would_have_to_change_is_worked_out_on_demand(admin: FlaskClient, decision: str) -> None:
    address = f"/decisions/{decision}/change?decision=outlet_assignment&rule=outlet-closed"
    page = text_of(admin, f"{address}&lang=en")
    assert "<html" in page
    assert re.search(r"<li>It would have to be so that the outlet takes no orders today \(\w+\)\.</li>", page)
    fragment = admin.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in fragment and "takes no orders today" in fragment
    assert "Het zou zo moeten zijn dat de vestiging vandaag geen bestellingen aanneemt" in text_of(
        admin, f"{address}&lang=nl"
    )
    fired = f"/decisions/{decision}/change?decision=outlet_assignment&rule=limit-the-parcels"
    assert "Nothing: the rule fired." in text_of(admin, fired)


def test_the_api_tells_what_would_have_to_change_too(client: FlaskClient, keeper: Shopkeeper, decision: str) -> None:
    address = f"/v1/decisions/{decision}/change"
    query = {"decision": "order_intake", "rule": "unusually-large", "lang": "sv"}
    found = client.get(address, query_string=query, headers=keeper.bearer).json
    assert (found["possible"], found["fired"], found["but"]) == (True, False, "")
    assert len(found["changes"]) == 1 and "summa" in found["changes"][0]
    assert client.get(address, headers=keeper.bearer).status_code == 422
    for wrong in ({**query, "rule": "none"}, {**query, "decision": "none"}):
        assert client.get(address, query_string=wrong, headers=keeper.bearer).status_code == 404
    assert client.get("/v1/decisions/none/change", query_string=query, headers=keeper.bearer).status_code == 404


def test_a_decision_of_a_lost_rule_book_says_so_everywhere(
    admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, decision: str
) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        row = decisions.get(session, decision)
        assert row is not None
        row.version = "gone"
    assert "cannot be read any more" in text_of(admin, f"/decisions/{decision}")
    assert admin.get(f"/decisions/{decision}/replay").status_code == 409
    assert admin.get(f"/decisions/{decision}/change?decision=outlet_assignment&rule=outlet-closed").status_code == 404
    assert admin.get(f"/decisions/{decision}/example?decision=outlet_assignment").status_code == 404
    assert client.get(f"/v1/decisions/{decision}/replay", headers=keeper.bearer).status_code == 409


def test_a_decision_can_be_taken_away_as_an_example_that_passes(
    admin: FlaskClient, keeper: Shopkeeper, decision: str
) -> None:
    answer = admin.get(f"/decisions/{decision}/example.yaml?decision=outlet_assignment&name=As+it+was")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="outlet_assignment.examples.yaml"'
    examples, problems = read_examples("x", answer.get_data(as_text=True))
    assert problems == () and examples[0].name == "As it was"
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        texts = books.texts(session, str(books.current_version(session)))
    assert texts is not None
    assert run_examples(compile_book(load_book(texts)), examples).failed == ()


def test_an_example_does_not_tell_who_the_customer_is_unless_asked(admin: FlaskClient, decision: str) -> None:
    address = f"/decisions/{decision}/example?decision=customer_matching"
    masked, open_ = text_of(admin, address), text_of(admin, f"{address}&personal=1")
    assert "jo@example.com" not in masked and "Jo Visser" not in masked and "customer@example.org" in masked
    assert "jo@example.com" in open_ and "Jo Visser" in open_


def test_an_admin_keeps_a_decision_as_an_example_in_a_draft(
    admin: FlaskClient, keeper: Shopkeeper, decision: str
) -> None:
    address = f"/decisions/{decision}/example"
    form = {
        "decision": "outlet_assignment",
        "name": "As it was",
        "csrf_token": token(admin, f"{address}?decision=outlet_assignment"),
    }
    answer = admin.post(address, data=form)
    assert answer.status_code == 303
    draft_id = answer.headers["Location"].rsplit("/", 1)[1]
    admin.post(address, data={**form, "draft": draft_id})

    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        draft = drafts.get(session, draft_id)
        kept, problems = read_examples("x", draft.texts["layer/outlet_assignment.examples.yaml"])
        assert "outlet_assignment.yaml" in draft.texts
    assert problems == ()
    assert [example.name for example in kept] == ["As it was", "As it was (2)"]
    assert run_examples(compile_book(load_book(draft.texts)), kept).failed == ()


def test_support_may_read_an_example_but_not_keep_it(client: FlaskClient, keeper: Shopkeeper, decision: str) -> None:
    sign_in(client, "support@tulip.example")
    address = f"/decisions/{decision}/example"
    page = text_of(client, f"{address}?decision=outlet_assignment")
    assert "An admin can keep it" in page and "decision: outlet_assignment" in page
    form = {"decision": "outlet_assignment", "csrf_token": token(client, "/connections")}
    assert client.post(address, data=form).status_code == 403
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        assert drafts.list_open(session) == []


def test_asking_for_what_is_not_there_is_answered_plainly(admin: FlaskClient, decision: str) -> None:
    for address in (
        "/decisions/none/replay", "/decisions/none/others", "/decisions/none/change", "/decisions/none/example",
        f"/decisions/{decision}/others?decision=nothing", f"/decisions/{decision}/change?decision=nothing&rule=x",
        f"/decisions/{decision}/change?decision=outlet_assignment&rule=x", f"/decisions/{decision}/example?decision=../x",
        f"/decisions/{decision}/example?decision=status_to_shop", f"/decisions/{decision}/example.yaml",
    ):  # fmt: skip
        assert admin.get(address).status_code == 404, address
    form = {
        "decision": "outlet_assignment",
        "draft": "nowhere",
        "csrf_token": token(admin, f"/decisions/{decision}/example?decision=outlet_assignment"),
    }
    assert admin.post(f"/decisions/{decision}/example", data=form).status_code == 404


def test_other_merchants_cannot_reach_any_of_it(
    client: FlaskClient, house: House, make_merchant: Callable[..., Merchant], decision: str
) -> None:
    open_shop(house, make_merchant, "rose")
    sign_in(client, "admin@rose.example")
    for address in ("", "/replay", "/others?decision=outlet_assignment", "/example?decision=outlet_assignment",
                    "/example.yaml?decision=outlet_assignment", "/change?decision=outlet_assignment&rule=outlet-closed"):  # fmt: skip
        assert client.get(f"/decisions/{decision}{address}").status_code == 404, address
    assert not re.search("Jo Visser", client.get(f"/decisions/{decision}").get_data(as_text=True))
