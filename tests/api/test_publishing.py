"""The gate in front of publishing: everything that stands in the way is said, what was published stays, and what is newly
published decides at once, everywhere, from the next event on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from api import publishing
from engine.language import text_version
from store import books, drafts, rule_jobs
from store.flow_models import Decision
from store.models import Merchant
from store.rule_models import Publication
from store.session import Database
from tests.api.house import House, Shopkeeper, cloud_event, open_shop, placed, post
from tests.api.rule_making import FAILING, LAYER, SHIPPED, current, put, with_layer
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake

HOLD_ALL = 'decision: order_intake\nlayer: true\nrules:\n  - id: hold-all\n    priority: 1\n    then:\n      - hold order because "everything"\n'
WITHOUT_EXAMPLES = {name: text for name, text in SHIPPED.items() if not name.endswith(".examples.yaml")}
HOLDING = {**WITHOUT_EXAMPLES, "layer/order_intake.yaml": HOLD_ALL}
INVARIANT = LAYER.format("very-large") + (
    "invariants:\n  - id: never-ignored\n    when:\n      - order.total > 1 EUR\n    never:\n      - ignore order\n"
)


def refusal(keeper: Shopkeeper, texts: dict[str, str], comment: str = "a change") -> tuple[publishing.Reason, ...]:
    """Why these files are not published. Sees that what decided before still does."""
    before = current(keeper)
    with pytest.raises(publishing.Refused) as refused:
        publish(keeper, texts, comment)
    assert current(keeper) == before
    return refused.value.reasons


def publish(keeper: Shopkeeper, texts: dict[str, str], comment: str = "a change") -> Publication:
    return publishing.publish_texts(
        keeper.house.database, keeper.merchant.id, texts, who="ann", comment=comment, origin="test"
    )


def draft_of(keeper: Shopkeeper, texts: dict[str, str]) -> str:
    with keeper.house.database.session(keeper.merchant.id) as session:
        return drafts.create(session, name="Draft", texts=texts, by="ann").id


def test_every_error_is_a_reason_with_its_place(keeper: Shopkeeper) -> None:
    wrong = LAYER.format("a").replace("order.total", "order.totl") + "  - id: b\n    then:\n      - hold ordr\n"
    reasons = refusal(keeper, {**SHIPPED, "layer/order_intake.yaml": wrong})
    assert [(reason.kind, reason.file, reason.line) for reason in reasons] == [
        ("rules", "layer/order_intake.yaml", 6), ("rules", "layer/order_intake.yaml", 11),
    ]  # fmt: skip
    assert "order.total" in str(reasons[0])


def test_a_layer_that_replaces_a_rule_which_is_no_longer_there_is_refused(keeper: Shopkeeper) -> None:
    layer = 'decision: order_intake\nlayer: true\nreplace:\n  - id: gone\n    then:\n      - hold order because "x"\n'
    (reason,) = refusal(keeper, {**SHIPPED, "layer/order_intake.yaml": layer})
    assert reason.kind == "rules" and "gone" in reason.message and reason.line == 4


def test_a_base_book_that_takes_away_what_a_layer_switches_off_is_refused(keeper: Shopkeeper) -> None:
    first = SHIPPED["order_intake.yaml"].split("- id: ")[1].split("\n")[0]
    layer = f"decision: order_intake\nlayer: true\nswitch_off: [{first}]\n"
    publish(keeper, {**WITHOUT_EXAMPLES, "layer/order_intake.yaml": layer})
    without = SHIPPED["order_intake.yaml"].replace(f"id: {first}\n", "id: renamed\n")
    reasons = refusal(keeper, {**SHIPPED, "order_intake.yaml": without, "layer/order_intake.yaml": layer})
    assert any(first in reason.message and reason.file.startswith("layer/") for reason in reasons)


def test_every_failing_example_is_a_reason(keeper: Shopkeeper) -> None:
    twice = FAILING + FAILING.split("examples:\n")[1].replace("Every order", "Each order")
    reasons = refusal(keeper, {**SHIPPED, "more.examples.yaml": twice})
    assert [(reason.kind, reason.file) for reason in reasons] == [("examples", "more.examples.yaml")] * 2
    assert "“Every order is ignored” fails" in reasons[0].message and "“Each order is ignored” fails" in reasons[1].message


def test_a_merchant_restates_an_example_of_the_base_book_that_is_meant_to_have_another_answer(keeper: Shopkeeper) -> None:
    base = {**SHIPPED, "layer/order_intake.yaml": HOLD_ALL, "order_intake.examples.yaml": FAILING.replace("[ignore order]", "[import order]")}
    (reason,) = (reason for reason in refusal(keeper, base) if reason.file == "order_intake.examples.yaml")
    assert "an example of the same name" in reason.hint and "layer/order_intake.examples.yaml" in reason.hint
    own = FAILING.replace("[ignore order]", "[hold order]")
    others = {name: text for name, text in base.items() if not name.endswith(".examples.yaml") or name.startswith("order_intake")}
    made = publish(keeper, {**others, "layer/order_intake.examples.yaml": own})
    assert (made.evidence or {})["examples"] == {"passed": 1, "failed": 0}


def test_an_example_that_cannot_be_read_is_a_reason(keeper: Shopkeeper) -> None:
    (reason,) = refusal(keeper, {**SHIPPED, "more.examples.yaml": FAILING.replace("payment_status: paid", "payment_status: payed")})
    assert reason.file == "more.examples.yaml" and reason.line == 5


def test_what_else_stands_in_the_way(keeper: Shopkeeper) -> None:
    for texts, comment, kind in (
        (with_layer(), "  ", "comment"),
        (SHIPPED, "again", "nothing-new"),
        ({}, "nothing", "files"),
        ({"a.examples.yaml": FAILING}, "examples only", "files"),
        ({"../a.yaml": ""}, "a path", "files"),
        ({"a.yaml": "x" * 4_000_001}, "large", "files"),
        ({"a.yaml": "a: &a [*a, *a]"}, "bomb", "rules"),
    ):
        assert {reason.kind for reason in refusal(keeper, texts, comment)} == {kind}, comment


def test_an_invariant_that_a_finished_proof_of_these_files_broke_is_a_reason(keeper: Shopkeeper) -> None:
    texts = {**SHIPPED, "layer/order_intake.yaml": INVARIANT}
    message = "The invariant never-ignored does not hold: an order is ignored."
    finding = {"kind": "invariant", "message": message, "hint": "", "place": {"file": "layer/order_intake.yaml", "line": 9, "column": 9}}
    _prove(keeper, texts, [finding, {"kind": "hidden", "message": "x", "hint": "", "place": {}}])
    (reason,) = refusal(keeper, texts)
    assert (reason.kind, reason.message, reason.line) == ("proof", message, 9)
    changed = {**texts, "layer/order_intake.yaml": INVARIANT + "# changed\n"}
    assert publish(keeper, changed).evidence is not None  # the proof was about other files


def test_what_a_finished_proof_found_is_kept_with_the_version(keeper: Shopkeeper) -> None:
    _prove(keeper, with_layer(), [{"kind": "hidden", "message": "x", "hint": "", "place": {}}])
    evidence = publish(keeper, with_layer()).evidence or {}
    assert (evidence["proof"]["findings"], evidence["proof"]["proved"]) == (1, 1)
    assert evidence["changes"] == ["order_intake: rule very-large new."]
    assert evidence["from"] == {"files": "test"} and evidence["examples"]["failed"] == 0


def _prove(keeper: Shopkeeper, texts: dict[str, str], findings: list[dict[str, Any]]) -> None:
    """A finished proof of these files, with these findings."""
    with keeper.house.database.session(keeper.merchant.id) as session:
        job = rule_jobs.start(session, kind="prove", texts=texts, texts_version=text_version(texts), by="ann")
        held = rule_jobs.claim(session, job.id, seconds=60)
        assert held is not None and held.lease is not None
        proofs = {"findings": findings, "proved": ["something"], "not_analysed": [], "seconds": 1}
        assert rule_jobs.finish(session, job.id, held.lease, {"texts_version": text_version(texts), "proofs": proofs})


class Meanwhile(str):
    """A comment during whose reading somebody else does something: the gate reads it after it looked at what decides."""

    do: Callable[[], Any]

    def replace(self, *arguments: Any) -> str:
        self.do()
        return str.replace(self, *arguments)


def test_who_is_overtaken_while_the_rules_are_judged_is_told_and_nothing_is_lost(keeper: Shopkeeper) -> None:
    draft_id, comment = draft_of(keeper, with_layer("mine")), Meanwhile("mine")
    comment.do = lambda: put(keeper, with_layer("theirs"), "theirs")
    house = keeper.house
    with pytest.raises(publishing.Superseded, match="key admin key published version 2") as late:
        publishing.publish_draft(house.database, keeper.merchant.id, draft_id, revision=1, who="bob", comment=comment)
    assert late.value.publication is not None and late.value.publication.comment == "theirs"
    assert current(keeper) == text_version(with_layer("theirs"))
    with house.database.session(keeper.merchant.id, read_only=True) as session:
        kept = drafts.get(session, draft_id)
    assert (kept.state, kept.texts, kept.revision) == ("open", with_layer("mine"), 1)


def test_a_draft_saved_while_it_is_judged_is_not_published(keeper: Shopkeeper) -> None:
    draft_id, comment, before = draft_of(keeper, with_layer("mine")), Meanwhile("mine"), current(keeper)

    def save() -> None:
        with keeper.house.database.session(keeper.merchant.id) as session:
            drafts.save(session, draft_id, texts=with_layer("better"), revision=1, by="cas")

    comment.do = save
    with pytest.raises(drafts.DraftConflict, match="cas saved this draft"):
        publishing.publish_draft(keeper.house.database, keeper.merchant.id, draft_id, revision=1, who="bob", comment=comment)
    assert current(keeper) == before


def test_going_back_over_a_version_published_meanwhile_is_refused(keeper: Shopkeeper) -> None:
    put(keeper, with_layer("one"))
    reason = Meanwhile("a mistake")
    reason.do = lambda: put(keeper, with_layer("two"), "meanwhile")
    with pytest.raises(publishing.Superseded):
        publishing.roll_back(keeper.house.database, keeper.merchant.id, "1", who="bob", reason=reason)
    assert current(keeper) == text_version(with_layer("two"))


def test_going_back_does_not_fail_over_an_example(keeper: Shopkeeper) -> None:
    odd = {**SHIPPED, "more.examples.yaml": FAILING}
    with keeper.house.database.session(keeper.merchant.id) as session:
        books.publish(session, odd, text_version(odd), "before there was a gate")
        books.publish(session, with_layer(), text_version(with_layer()), "ann")
    made = publishing.roll_back(keeper.house.database, keeper.merchant.id, "2", who="bob", reason="back")
    assert (made.number, made.version, made.kind) == (4, text_version(odd), "rollback")


def test_going_back_to_what_can_no_longer_be_loaded_is_refused(keeper: Shopkeeper) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        books.publish(session, {"order_intake.yaml": "decision: ["}, "f" * 64, "long ago")
        books.publish(session, with_layer(), text_version(with_layer()), "ann")
    with pytest.raises(publishing.Refused):
        publishing.roll_back(keeper.house.database, keeper.merchant.id, "2", who="bob", reason="back")
    assert current(keeper) == text_version(with_layer())


def decided_by(keeper: Shopkeeper, decision_id: str | None) -> str:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return session.get_one(Decision, decision_id).version


def test_a_published_version_decides_the_next_event_in_every_process_that_runs(
    database: Database, redis_server: Redis, redis_url: str, make_merchant: Callable[..., Merchant]
) -> None:
    keeper = open_shop(House(database, redis_server), make_merchant)
    other = _Other(database.url, redis_url, keeper.merchant.id)
    try:
        first = current(keeper)
        assert other.decide() == first
        client = House(Database(database.url), redis_server).app().test_client()  # a second API process
        published = publish(keeper, HOLDING).version
        assert other.decide() == published
        answer = post(client, keeper, cloud_event("order.placed", placed("B1"))).json
        assert decided_by(keeper, answer["decision"]) == published
        publishing.roll_back(database, keeper.merchant.id, "1", who="bob", reason="enough")
        assert other.decide() == first
    finally:
        other.close()


class _Other:
    """A worker process that goes on running: it decides an order whenever it is told to, and says by which version."""

    def __init__(self, *arguments: str) -> None:
        program = [sys.executable, "-c", OTHER, *arguments]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])

    def decide(self) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        print("decide", file=self._process.stdin, flush=True)
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


OTHER = """
import json, os, sys
from redis import Redis
from store.flow_models import Decision
from store.session import Database
from tests.api.house import House, cloud_event, placed
from tests.api.test_publishing import told
house = House(Database(sys.argv[1]), Redis.from_url(sys.argv[2]))
for number, _ in enumerate(sys.stdin):
    taken = told(house, sys.argv[3], f"{os.getpid()}-{number}")
    with house.database.session(sys.argv[3], read_only=True) as session:
        print(json.dumps(session.get_one(Decision, taken.decision_id).version), flush=True)
"""


def told(house: House, merchant_id: str, number: str, intake: Intake | None = None) -> Any:
    """What becomes of an order with this number."""
    from dataclasses import replace

    from api.schemas.envelope import load_event

    event = load_event(cloud_event("order.placed", placed(number))).event
    event = replace(event, id=f"event-{number}", time=datetime.now(UTC))
    return (intake or house.intake).take_in(merchant_id, "web", event)


def test_a_decision_under_way_finishes_on_the_version_it_began_with(
    database: Database, redis_server: Redis, make_merchant: Callable[..., Merchant]
) -> None:
    keeper = open_shop(House(database, redis_server), make_merchant)
    first, house = current(keeper), keeper.house
    publisher = threading.Thread(target=publish, args=[keeper, HOLDING])

    class Interrupted(CompiledBooks):
        """Somebody publishes when the decision has its rules and has not used them yet."""

        def compiled(self, session: Any, version: str | None) -> Any:
            found = super().compiled(session, version)
            if publisher.ident is None:
                publisher.start()
                if database.dialect == "postgresql":
                    publisher.join()  # SQLite lets one write at a time: there the publication waits for the decision
            return found

    under_way = told(house, keeper.merchant.id, "A1", Intake(database, Interrupted(database), house.bell))
    publisher.join()
    assert decided_by(keeper, under_way.decision_id) == first
    published = current(keeper)
    assert published != first
    assert decided_by(keeper, told(house, keeper.merchant.id, "A2").decision_id) == published
