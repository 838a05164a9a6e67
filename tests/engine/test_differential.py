"""The compiled book against the plain evaluator: the same run, to the letter, whatever the rules and the facts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ast import Book, Condition, DecisionRules, Demand, Group, Literal, Path, Rule
from engine.compiled import compile_book
from engine.explain import run_plain
from engine.types import Fact, Money, Run, Value
from tests.engine.strategies import SMALL, books, facts, overrides

SPEC = SMALL.decisions["trial"]


def both(book: Book, known: tuple[Fact, ...], merchant: dict) -> tuple[Run, Run]:
    """The compiled run and the plain one; any network that fails fails the test."""
    compiled = compile_book(book, SMALL, on_incident=pytest.fail)
    return compiled.run("trial", known, merchant), run_plain(book.decisions["trial"], SPEC, known, merchant)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(books(), facts(), overrides())
def test_a_compiled_book_runs_as_the_plain_evaluator_does(book, known, merchant):
    compiled, plain = both(book, known, merchant)
    assert compiled == plain


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(books(), facts(odd=True), overrides(wrong=True))
def test_facts_and_settings_of_a_wrong_type_make_no_difference_between_the_evaluators(book, known, merchant):
    compiled, plain = both(book, known, merchant)
    assert compiled == plain


JOINABLE = {
    "text": [("order", "name"), ("order", "other.name"), ("item", "code"), ("place", "code")],
    "number": [("order", "count"), ("order", "other.count"), ("item", "count"), ("place", "count"), ("order", "ratio")],
    "money": [("order", "total"), ("order", "paid"), ("place", "total")],
    "truth": [("order", "ready"), ("item", "ready"), ("place", "ready")],
    "word": [("order", "kind"), ("item", "kind"), ("place", "kind")],
}
OPERATORS = {
    "text": ["is", "is not", "starts with", "contains"],
    "number": ["is", "is not", "<", "<=", ">", ">=", "between"],
    "money": ["is", "is not", "<", "<=", ">", ">=", "between"],
    "truth": ["is", "is not"],
    "word": ["is", "is not"],
}


@st.composite
def joining_conditions(draw: st.DrawFn) -> Condition:
    """A comparison of two fields, most often of two facts."""
    kind = draw(st.sampled_from(sorted(JOINABLE)))
    operator = draw(st.sampled_from(OPERATORS[kind]))
    left, right, upper = (Path(*draw(st.sampled_from(JOINABLE[kind]))) for _ in range(3))
    return Condition(left, operator, right, upper if operator == "between" else None)


@st.composite
def joining_groups(draw: st.DrawFn, depth: int = 0) -> Group:
    """Joins in nested groups, with an easy condition now and then."""
    parts = draw(st.lists(st.one_of(joining_conditions(), easy_conditions()), min_size=1, max_size=3))
    if depth < 2 and draw(st.booleans()):
        parts.append(draw(joining_groups(depth + 1)))
    return Group(draw(st.sampled_from(("all", "any", "none"))) if depth else "all", tuple(parts))


def easy_conditions() -> st.SearchStrategy[Condition]:
    fields = [("order", "ready"), ("item", "ready"), ("place", "ready")]
    return st.builds(
        lambda field, wanted: Condition(Path(*field), "is", Literal(wanted)), st.sampled_from(fields), st.booleans()
    )


@st.composite
def joining_books(draw: st.DrawFn) -> Book:
    """Up to forty rules that join, so that they fill several networks."""
    rules = []
    for number in range(draw(st.sampled_from((1, 3, 40)))):
        when = draw(joining_groups())
        binds = tuple(sorted({path.type for path in _paths(when)}))
        rules.append(Rule(f"r{number:02}", "", draw(st.sampled_from((1, 2))), when, (Demand("hold", {}),), binds))
    rules.sort(key=lambda rule: (rule.priority, rule.id))
    return Book("", {"trial": DecisionRules("trial", "", {}, tuple(rules))})


def _paths(group: Group):
    for child in group.children:
        if isinstance(child, Group):
            yield from _paths(child)
        else:
            yield from (side for side in (child.left, child.right, child.upper) if isinstance(side, Path))


POOLS: dict[str, list[Value]] = {
    "text": ["a", "ab", "b", ""],
    "number": [-1, 0, 1, 2, 1000, Decimal("1.5"), Decimal("1")],
    "money": [Money(minor, currency) for minor in (0, 1, 5000) for currency in ("EUR", "USD")],
    "truth": [True, False],
    "word": ["open", "shut"],
}


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Fact, ...]:
    """An order among items and places, all their joinable fields filled, but for a few that are missing or odd."""
    rng = draw(st.randoms(use_true_random=False))
    found = []
    for fact_type, count in (("order", 1), ("item", draw(st.integers(1, 6))), ("place", draw(st.integers(1, 6)))):
        fields = [(kind, name) for kind, paths in JOINABLE.items() for of, name in paths if of == fact_type]
        for number in range(count):
            values = {
                name: rng.choice(POOLS[kind if rng.random() < 0.97 else rng.choice(sorted(POOLS))])
                for kind, name in fields
                if rng.random() < 0.9
            }
            found.append(Fact(fact_type, f"{fact_type}{number}", values))
    return tuple(found)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(joining_books(), crowds())
def test_joins_run_as_the_plain_evaluator_runs_them(book, known):
    compiled, plain = both(book, known, {})
    assert compiled == plain
