"""Sourcing against an oracle that tries everything, and the promises that hold for every plan."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sourcing import Candidate, Effort, Limits, OrderLine, Sourcing, Stock, source
from engine.sourcing.types import METHODS
from tests.engine.sourcing_oracle import best_key, has, may_divide

SKUS = "ABCD"
Question = tuple[list[OrderLine], list[Candidate], Limits]


@st.composite
def questions(draw: st.DrawFn, skus: str = SKUS) -> Question:
    """Up to 4 lines over few articles, so that lines share them, and up to 5 outlets that mostly need splitting."""
    quantities = st.integers(1, 4)
    lines = [
        OrderLine(f"line-{nth}", draw(st.sampled_from(skus)), draw(quantities))
        for nth in range(draw(st.integers(1, 4)))
    ]
    stock = st.builds(Stock, st.integers(-1, 5), st.integers(0, 1), st.integers(0, 1))
    outlets = [
        Candidate(
            f"outlet-{nth}",
            draw(st.dictionaries(st.sampled_from(skus), stock, max_size=len(skus))),
            priority=draw(st.integers(0, 2)),
            preference=draw(st.sampled_from([0, 0, 5, -1])),
            excluded=draw(st.sampled_from([False] * 7 + [True])),
            required=draw(st.sampled_from([False] * 11 + [True])),
        )
        for nth in range(draw(st.integers(1, 5)))
    ]
    limits = Limits(
        draw(st.sampled_from([None, None, 1, 2, 3])), draw(st.sampled_from(["when_needed", "never", "freely"]))
    )
    return lines, outlets, limits


def must_be_exact_and_honest(question: Question, effort: Effort) -> Sourcing:
    lines, outlets, limits = question
    plan = source(lines, outlets, limits, effort)
    assert plan.score.key == best_key(lines, outlets, limits)
    assert plan.optimal
    assert plan.method in METHODS
    must_keep_its_promises(question, plan)
    return plan


def must_keep_its_promises(question: Question, plan: Sourcing) -> None:
    lines, outlets, limits = question
    of_line = {line.id: line for line in lines}
    fulfilled, parts, taken = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for name, outlet, quantity in plan.allocations:
        assert quantity > 0
        fulfilled[name] += quantity
        parts[name] += 1
        taken[outlet, of_line[name].sku] += quantity
    short = {shortage.line: shortage.quantity for shortage in plan.shortages}
    assert all(quantity > 0 for quantity in short.values())
    for line in lines:
        assert fulfilled[line.id] + short.get(line.id, 0) == line.quantity
        assert may_divide(line, outlets, limits) or parts[line.id] <= 1
    able = {outlet.id: outlet for outlet in outlets}
    assert all(quantity <= has(able[outlet], sku) for (outlet, sku), quantity in taken.items())
    assert {outlet for outlet, _ in taken} == set(plan.outlets)
    assert plan.score.units == sum(fulfilled.values())
    assert plan.bound.outlets <= len(plan.outlets)
    assert not plan.optimal or plan.bound.outlets == len(plan.outlets)


@settings(max_examples=500, deadline=None)
@given(questions())
def test_the_plan_is_the_best_there_is(question: Question) -> None:
    must_be_exact_and_honest(question, Effort())


@settings(max_examples=250, deadline=None)
@given(questions(skus="AB"))
def test_lines_that_share_an_article_get_the_best_plan_and_never_the_same_piece(question: Question) -> None:
    must_be_exact_and_honest(question, Effort())


@settings(max_examples=150, deadline=None)
@given(questions(), st.sampled_from([0, 2, 5]))
def test_highs_gives_the_same_answer_when_our_search_is_out_of_steps(question: Question, search_steps: int) -> None:
    plan = must_be_exact_and_honest(question, Effort(search_steps=search_steps))
    ours = source(*question)
    assert plan.score == ours.score


@settings(max_examples=150, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_does_not_matter(question: Question, random: Random) -> None:
    lines, outlets, limits = question
    plan = source(lines, outlets, limits)
    shuffled_lines, shuffled_outlets = list(lines), list(outlets)
    random.shuffle(shuffled_lines)
    random.shuffle(shuffled_outlets)
    assert source(shuffled_lines, shuffled_outlets, limits) == plan
    assert source(shuffled_lines, shuffled_outlets, limits).as_dict() == plan.as_dict()


@st.composite
def covers(draw: st.DrawFn) -> Question:
    """Eight single pieces over eight outlets: set covers in which several plans tie on the number of outlets."""
    skus = "ABCDEFGH"
    lines = [OrderLine(sku.lower(), sku, 1) for sku in skus]
    outlets = [
        Candidate(
            f"outlet-{nth}",
            {sku: Stock(1) for sku in draw(st.sets(st.sampled_from(skus), min_size=1, max_size=5))},
            priority=draw(st.integers(0, 9)),
            preference=draw(st.sampled_from([0, 0, 0, 10, -20])),
        )
        for nth in range(8)
    ]
    return lines, outlets, Limits(draw(st.sampled_from([None, None, 2, 3])))


@settings(max_examples=120, deadline=None)
@given(covers())
def test_among_plans_with_as_few_outlets_the_best_one_wins(question: Question) -> None:
    must_be_exact_and_honest(question, Effort())


def larger_question(random: Random) -> Question:
    """Beyond trying everything: up to 30 outlets and 15 lines, thin assortments, now and then an article twice."""
    articles = random.randint(6, 15)
    most = random.choice([1, 2, 6])
    carried = random.choice([0.15, 0.25, 0.4])
    lines = [
        OrderLine(f"line-{nth:02}", f"sku-{random.randrange(articles)}", random.randint(1, most))
        for nth in range(articles)
    ]
    outlets = [
        Candidate(
            f"outlet-{nth:02}",
            {f"sku-{sku}": Stock(random.randint(1, most + 1)) for sku in range(articles) if random.random() < carried},
            priority=random.randint(0, 12),
            preference=random.choice([0, 0, 0, 10, -20]),
        )
        for nth in range(random.randint(12, 30))
    ]
    limits = Limits(random.choice([None, None, 2, 3, 4]), random.choice(["when_needed", "never", "freely"]))
    return lines, outlets, limits


@pytest.mark.parametrize("seed", range(60))
def test_both_searches_agree_on_orders_too_large_to_try_everything(seed: int) -> None:
    question = larger_question(Random(seed))  # data, not secrets
    ours, theirs = source(*question), source(*question, Effort(search_steps=0))
    assert ours.optimal
    assert theirs.optimal
    assert ours.score == theirs.score
    must_keep_its_promises(question, ours)
    must_keep_its_promises(question, theirs)


@pytest.mark.parametrize("seed", range(4))
def test_both_searches_agree_on_which_of_many_outlets_cover_many_articles(seed: int) -> None:
    random = Random(seed)
    lines = [OrderLine(f"line-{nth:02}", f"sku-{nth}", 1) for nth in range(24)]
    outlets = [
        Candidate(
            f"outlet-{nth:02}",
            {f"sku-{sku}": Stock(1) for sku in range(24) if random.random() < 0.18},
            priority=random.randint(0, 30),
            preference=random.choice([0, 0, 0, 10]),
        )
        for nth in range(60)
    ]
    ours, theirs = source(lines, outlets), source(lines, outlets, effort=Effort(search_steps=0))
    assert ours.method == "search"
    assert ours.score == theirs.score
    assert len(ours.outlets) == ours.bound.outlets > 3
