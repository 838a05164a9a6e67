"""The front door: a compiled rule book decides as the plain evaluator does, and says so when the two ever differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import compiled as compiled_module
from engine.compiled import CompiledBook, UnknownDecisionError, compile_book
from engine.explain import explain, run_plain
from engine.language import load_book
from engine.matching import COMBINATIONS
from engine.types import Fact, Money, Run
from engine.vocabulary import VOCABULARY
from tests.engine.strategies import SMALL

RULES = Path(__file__).resolve().parents[2] / "rules"
SPEC = SMALL.decisions["trial"]

TEXT = """
decision: trial
settings:
  limit: 10
  most: 50.00 EUR
rules:
  - id: heavy
    priority: 10
    when:
      - order.count > setting.limit
    then:
      - tag order heavy
  - id: heavy-is-risky
    priority: 5
    when:
      - order.tags contains heavy
    then:
      - set order risk high
  - id: risky-is-held
    priority: 1
    when:
      - order.risk is high
      - item.code is order.name
    then:
      - hold because "it is risky"
  - id: release-the-rest
    priority: 90
    when: []
    then:
      - release
  - id: dear-place
    priority: 20
    when:
      - any:
          - place.total > setting.most
          - place.total is order.total
    then:
      - exclude place
      - keep order.count pieces back
"""


@pytest.fixture
def book() -> CompiledBook:
    return compile_book(load_book({"trial.yaml": TEXT}, SMALL), SMALL, on_incident=pytest.fail)


def order(**values) -> Fact:
    return Fact("order", "o", values)


def test_derived_facts_feed_the_rules_that_ask_about_them_however_long_the_chain(book):
    run = book.run("trial", [order(count=11, name="x"), Fact("item", "i", {"code": "x"})])
    assert [firing.rule for firing in run.firings] == ["risky-is-held", "heavy-is-risky", "heavy", "release-the-rest"]
    assert run.first("hold").reason == "it is risky"
    assert [lost.outcome.name for lost in run.overridden] == ["release"]
    assert run.derived == (Fact("order", "o", {"count": 11, "name": "x", "tags": ("heavy",), "risk": "high"}),)


def test_a_merchants_settings_count_and_those_that_do_not_fit_are_reported(book):
    facts = [order(count=11)]
    assert book.run("trial", facts, {"limit": 11}).first("tag order") is None
    run = book.run("trial", facts, {"limit": "many", "unheard-of": 1})
    assert run.first("tag order") is not None
    assert len(run.errors) == 2
    assert run == run_plain(book.book.decisions["trial"], SPEC, facts, {"limit": "many", "unheard-of": 1})


def test_a_rule_that_holds_in_two_ways_fires_once_for_each_place(book):
    amount = Money(9000, "EUR")
    run = book.run(
        "trial", [order(total=amount, count=2), *(Fact("place", f"p{n}", {"total": amount}) for n in range(3))]
    )
    assert [(firing.rule, firing.bound["place"]) for firing in run.firings if "place" in firing.bound] == [
        ("dear-place", f"p{n}") for n in range(3)
    ]
    assert run.targets("keep back")["p1"].arguments == {"pieces": 2}


def test_a_demand_whose_value_is_missing_is_dropped_and_reported(book):
    run = book.run("trial", [order(total=Money(9000, "EUR")), Fact("place", "p", {"total": Money(9000, "EUR")})])
    assert run.all("exclude place") and not run.all("keep back")
    assert len(run.errors) == 1 and "order.count is missing" in run.errors[0]


def test_the_order_in_which_facts_come_makes_no_difference(book):
    facts = [order(count=11, name="x"), *(Fact("item", f"i{n}", {"code": "x"}) for n in range(12))]
    assert book.run("trial", facts) == book.run("trial", facts[::-1])


def test_without_facts_only_rules_that_need_none_hold(book):
    assert [firing.rule for firing in book.run("trial", []).firings] == ["release-the-rest"]


def test_an_unknown_decision_is_named_with_those_there_are(book):
    for act in (book.run, book.explain):
        with pytest.raises(UnknownDecisionError, match=r"no decision `triall`. It has: trial"):
            act("triall", [])


def test_explaining_is_the_plain_evaluators_work(book):
    facts = [order(count=11), Fact("item", "i", {})]
    assert book.explain("trial", facts, {"limit": 1}) == explain(
        book.book.decisions["trial"], SPEC, facts, {"limit": 1}, vocabulary=SMALL
    )


def test_so_many_facts_that_rules_may_have_to_be_given_up_are_left_to_the_plain_evaluator(book):
    facts = [Fact("place", f"p{n:06}", {"total": Money(n, "EUR")}) for n in range(COMBINATIONS // 4 + 1)]
    run = book.run("trial", [order(count=1), *facts])
    assert len(run.all("exclude place")) == COMBINATIONS // 4 - 5000


class Tampered(CompiledBook):
    """A book whose fast side has lost a rule, so that the two evaluators disagree."""

    def __init__(self, compare, heard) -> None:
        text = TEXT.replace("order.count > setting.limit", "order.count > 1000")
        super().__init__(load_book({"trial.yaml": text}, SMALL), SMALL, compare, heard)
        for name, rules in load_book({"trial.yaml": TEXT}, SMALL).decisions.items():
            self._decisions[name].rules = rules


def test_when_the_evaluators_disagree_the_plain_answer_is_used_and_it_is_said():
    heard: list[str] = []
    book = Tampered("always", heard.append)
    run = book.run("trial", [order(count=11)])
    assert run.first("tag order") is not None
    assert len(run.errors) == 1 and "the plain evaluator's answer was used" in run.errors[0]
    assert "trial: the network and the plain evaluator disagree (firings: only the network has nothing" in heard[0]
    assert Tampered("off", heard.append).run("trial", [order(count=11)]).first("tag order") is None
    assert len(heard) == 1


def test_a_sample_compares_every_hundredth_run():
    heard: list[str] = []
    book = Tampered("sample", heard.append)
    runs = [book.run("trial", [order(count=11)]) for _ in range(200)]
    assert [number for number, run in enumerate(runs, start=1) if run.errors] == [100, 200]
    assert compiled_module.SAMPLE == 100


def test_a_word_that_compare_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"compare is 'often'; it must be one of off, sample, always"):
        compile_book(load_book({"trial.yaml": TEXT}, SMALL), SMALL, "often")


def test_runs_that_agree_are_given_as_they_are():
    compiled = compile_book(load_book({"trial.yaml": TEXT}, SMALL), SMALL, "always", on_incident=pytest.fail)
    run = compiled.run("trial", [order(count=11)])
    assert run.errors == () and run.first("tag order") is not None


def shipped() -> CompiledBook:
    texts = {path.name: path.read_text() for path in RULES.glob("*.yaml") if not path.name.endswith(".examples.yaml")}
    return compile_book(load_book(texts), compare="always", on_incident=pytest.fail)


def test_the_shipped_rule_book_decides_alike_in_both_evaluators():
    book = shipped()
    euros = Money(12_000, "EUR")
    known = [
        Fact(
            "order",
            "o",
            {"fulfilment_type": "delivery", "shipping_address.country": "NL", "total": euros, "state": "open"},
        ),
        *(
            Fact("outlet", f"x{n}", {"open": n % 3 > 0, "country": "NL" if n % 2 else "BE", "kind": "store"})
            for n in range(6)
        ),
        Fact("line", "1", {"sku": "a", "quantity": 1}),
        Fact("stock", "s", {"outlet": "x1", "sku": "a", "available": 3}),
    ]
    for name in book.book.decisions:
        sees = VOCABULARY.decisions[name].sees
        run = book.run(name, [fact for fact in known if fact.type in sees])
        assert isinstance(run, Run) and run.decision == name and run.errors == ()
    assert book.run("outlet_assignment", known).targets("exclude outlet").keys() == {"x0", "x3"}
