"""Several people at the same rules at the same moment, on both databases: one gets through, the others are told, and what is
kept is what one of them meant."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from api import publishing
from engine.language import text_version
from store import books, drafts, rule_jobs
from store.models import Merchant
from store.session import Database
from tests.api.house import House, Shopkeeper, open_shop, sign_in
from tests.api.rule_making import SHIPPED, current, with_layer

SMALL = {"order_intake.yaml": SHIPPED["order_intake.yaml"]}


@pytest.fixture
def shared(database: Database, redis_server: Redis, make_merchant: Callable[..., Merchant]) -> Shopkeeper:
    """A merchant on either database."""
    return open_shop(House(database, redis_server), make_merchant)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each of these returned or raised, when all began together."""
    barrier, outcomes = threading.Barrier(len(actions)), [None] * len(actions)

    def act(number: int) -> None:
        barrier.wait()
        try:
            outcomes[number] = actions[number]()
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=act, args=[number]) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def draft_of(keeper: Shopkeeper, texts: dict[str, str], name: str) -> str:
    with keeper.house.database.session(keeper.merchant.id) as session:
        return drafts.create(session, name=name, texts=texts, by=name).id


def kept(keeper: Shopkeeper, draft_id: str) -> drafts.RuleDraft:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return drafts.get(session, draft_id)


def small(rule: str) -> dict[str, str]:
    layer = with_layer(rule)["layer/order_intake.yaml"]
    return {**SMALL, "layer/order_intake.yaml": layer}


def test_of_two_who_publish_at_once_one_gets_through_and_the_other_is_told_who_it_was(shared: Shopkeeper) -> None:
    ids = {name: draft_of(shared, small(name), name) for name in ("ann", "bob")}
    outcomes = at_once(*(lambda name=name: publish(shared, ids[name], name) for name in ids))  # type: ignore[misc]
    (late,) = (outcome for outcome in outcomes if isinstance(outcome, publishing.Superseded))
    (made,) = (outcome for outcome in outcomes if not isinstance(outcome, Exception))
    loser = "bob" if made.by == "ann" else "ann"

    assert f"{made.by} published version 2" in str(late)
    assert current(shared) == made.version == text_version(small(made.by))
    assert (kept(shared, ids[made.by]).state, kept(shared, ids[loser]).state) == ("published", "open")
    assert kept(shared, ids[loser]).texts == small(loser)


def publish(keeper: Shopkeeper, draft_id: str, who: str) -> Any:
    return publishing.publish_draft(keeper.house.database, keeper.merchant.id, draft_id, revision=1, who=who, comment=f"{who}'s")


def test_who_saves_while_another_publishes_loses_nothing_and_publishes_nothing_unseen(shared: Shopkeeper) -> None:
    before, draft_id = current(shared), draft_of(shared, small("seen"), "ann")

    def save() -> Any:
        with shared.house.database.session(shared.merchant.id) as session:
            return drafts.save(session, draft_id, texts=small("unseen"), revision=1, by="bob")

    published, saved = at_once(lambda: publish(shared, draft_id, "ann"), save)
    if isinstance(published, drafts.DraftConflict):
        assert (saved.revision, current(shared), kept(shared, draft_id).texts) == (2, before, small("unseen"))
    else:
        assert isinstance(saved, drafts.DraftClosed | drafts.DraftConflict)
        assert (published.version, kept(shared, draft_id).texts) == (current(shared), small("seen"))


def test_of_one_who_discards_and_one_who_publishes_the_first_decides(shared: Shopkeeper) -> None:
    before, draft_id = current(shared), draft_of(shared, small("mine"), "ann")

    def discard() -> Any:
        with shared.house.database.session(shared.merchant.id) as session:
            return drafts.discard(session, draft_id, revision=1, by="bob")

    published, discarded = at_once(lambda: publish(shared, draft_id, "ann"), discard)
    failed = [outcome for outcome in (published, discarded) if isinstance(outcome, Exception)]
    assert len(failed) == 1 and isinstance(failed[0], drafts.DraftClosed | drafts.DraftConflict)
    assert kept(shared, draft_id).state == ("discarded" if failed[0] is published else "published")
    assert (current(shared) == before) == (failed[0] is published)


def test_two_who_go_back_at_once_go_back_once(shared: Shopkeeper) -> None:
    publish(shared, draft_of(shared, small("mine"), "ann"), "ann")
    database, merchant_id = shared.house.database, shared.merchant.id
    outcomes = at_once(*[lambda: publishing.roll_back(database, merchant_id, "1", who="bob", reason="a mistake")] * 2)
    assert len([each for each in outcomes if isinstance(each, publishing.Superseded | publishing.Refused)]) == 1
    with database.session(merchant_id, read_only=True) as session:
        assert [row.number for row in books.publications(session)] == [3, 2, 1]


def test_a_draft_discarded_while_its_proof_runs_keeps_its_pages(shared: Shopkeeper) -> None:
    database, draft_id, texts = shared.house.database, draft_of(shared, small("mine"), "ann"), small("mine")
    with database.session(shared.merchant.id) as session:
        job = rule_jobs.start(session, kind="prove", texts=texts, texts_version=text_version(texts), by="ann", draft_id=draft_id)
        held = rule_jobs.claim(session, job.id, seconds=60)
        assert held is not None and held.lease is not None
        lease = held.lease
    with database.session(shared.merchant.id) as session:
        drafts.discard(session, draft_id, revision=1, by="bob")
    browser = shared.house.app().test_client()
    sign_in(browser, "admin@tulip.example")
    pages = (f"/rules/drafts/{draft_id}", f"/rules/drafts/{draft_id}/layer/order_intake.yaml", "/rules/drafts", "/rules", "/rules/simulations")
    assert [browser.get(page).status_code for page in pages] == [200] * 5
    with database.session(shared.merchant.id) as session:
        rule_jobs.finish(session, job.id, lease, {"texts_version": text_version(texts), "proofs": {"findings": [], "proved": []}})
    assert [browser.get(page).status_code for page in pages] == [200] * 5
    assert browser.get(f"/v1/rule-jobs/{job.id}", headers=shared.bearer).json["state"] in ("done", "cancelled")
    refused = browser.post(
        f"/v1/rule-drafts/{draft_id}/publish", json={"comment": "x"}, headers={**shared.bearer, "If-Match": '"2"'}
    )
    assert (refused.status_code, "discarded" in refused.json["detail"]) == (409, True)
