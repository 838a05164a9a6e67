"""Whatever the rules: what a proof says never contradicts the plain evaluator."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.ast import Book, Condition, Demand, Group, Invariant, Literal, Path
from engine.explain import run_plain
from engine.matching import by_type, matches
from engine.outcomes import effective_settings
from engine.prove import Finding, prove
from engine.totals import Known
from engine.types import Fact, Run, Value
from tests.engine.strategies import SMALL, books, facts, overrides

SPEC = replace(SMALL.decisions["trial"], complete=("gate", "exclude", "state"))
PROMISING = replace(SMALL, decisions={"trial": SPEC})
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
Cases = list[tuple[tuple[Fact, ...], dict[str, Value]]]


def cases(count: int) -> st.SearchStrategy[Cases]:
    """Facts with an order among them, as a decision has one, and a merchant's settings."""
    return st.lists(st.tuples(facts().map(with_order), overrides()), min_size=count, max_size=count)


def with_order(known: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return known if any(fact.type == "order" for fact in known) else (*known, Fact("order", "o0", {}))


def run(book: Book, known: tuple[Fact, ...], merchant: dict[str, Value]) -> Run:
    return run_plain(book.decisions["trial"], SPEC, known, merchant)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(books(), cases(6))
def test_what_is_found_is_so_and_what_is_said_never_to_happen_never_does(book: Book, known: Cases) -> None:
    found = prove(book, seconds=20, vocabulary=PROMISING)
    shown = [(f.example, dict(f.settings)) for f in found.findings if f.example is not None]
    runs = [run(book, *case) for case in (*known, *shown)]
    for finding in found.findings:
        if finding.kind == "never":
            assert not any(firing.rule == finding.rules[0] for one in runs for firing in one.firings)
        if finding.kind == "hidden":
            assert not any(outcome.rule == finding.rules[0] for one in runs for outcome in one.outcomes)
        if finding.example is not None:
            assert finding.confirmed
            assert_shown(finding, run(book, finding.example, dict(finding.settings)))
    for group in SPEC.complete:
        targets = {outcome.target for outcome in SPEC.outcomes if outcome.group == group}
        names = [outcome.name for outcome in SPEC.outcomes if outcome.group == group]
        if any(sentence.startswith("trial always says") and f"`{names[0]}`" in sentence for sentence in found.proved):
            assert_complete(names, targets.pop(), known, runs)


def assert_shown(finding: Finding, shown: Run) -> None:
    first = finding.rules[0] if finding.rules else ""
    if finding.kind == "conflict":
        assert any(lost.by == first and lost.outcome.rule == finding.rules[1] for lost in shown.overridden)
    if finding.kind == "hidden" and "#" not in first:
        assert first in {firing.rule for firing in shown.firings}
    if finding.kind == "gap" and finding.rules[:1] != ("t",):
        assert finding.message.startswith("There is a")


def assert_complete(names: list[str], target: str, known: Cases, runs: list[Run]) -> None:
    for (told, _), one in zip(known, runs, strict=False):
        said = {outcome.target for outcome in one.outcomes if outcome.name in names}
        wanted = {fact.id for fact in told if fact.type == target} if target else {""}
        assert wanted <= said


INVARIANT_DEMANDS = (Demand("hold", {}), Demand("release", {}), Demand("exclude place", {}), Demand("set state", {"state": Literal("new")}))
INVARIANT_CONDITIONS = (
    Condition(Path("order", "ready"), "is", Literal(True)),
    Condition(Path("order", "count"), ">", Literal(1)),
    Condition(Path("item", "kind"), "is", Literal("open")),
    Condition(Path("item", "ready"), "is missing"),
    Condition(Path("place", "count"), "is", Path("item", "count")),
    Condition(Path("order", "tags"), "contains", Literal("t0")),
)


@st.composite
def stated(draw: st.DrawFn) -> Invariant:
    """An invariant about a few fields."""
    conditions = tuple(draw(st.lists(st.sampled_from(INVARIANT_CONDITIONS), max_size=2, unique=True)))
    demand = draw(st.sampled_from(INVARIANT_DEMANDS))
    never, always = ((demand,), ()) if draw(st.booleans()) else ((), (demand,))
    binds = {p.type for c in conditions for p in (c.left, c.right) if isinstance(p, Path)}
    binds |= {SPEC.by_name[demand.outcome].target} - {""}
    return Invariant("stated", "", Group("all", conditions), never, always, tuple(sorted(binds)))


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(books(most=4), stated(), cases(6))
def test_a_proved_invariant_holds_for_all_facts_and_a_broken_one_shows_facts_that_break_it(
    book: Book, invariant: Invariant, known: Cases
) -> None:
    rules = replace(book.decisions["trial"], invariants=(invariant,))
    book = replace(book, decisions={"trial": rules})
    found = prove(book, seconds=20, vocabulary=SMALL)
    broken = [finding for finding in found.findings if finding.kind == "invariant"]
    for finding in broken:
        assert breaks(book, invariant, finding.example or (), dict(finding.settings))
    if any(sentence.startswith("stated:") for sentence in found.proved):
        assert not broken
        assert not any(breaks(book, invariant, *case) for case in known)
    else:
        assume(broken or found.not_analysed)
        assert broken or found.not_analysed


def breaks(book: Book, invariant: Invariant, known: tuple[Fact, ...], merchant: dict[str, Value]) -> bool:
    """Whether these facts break an invariant, worked out from the run alone."""
    rules = book.decisions["trial"]
    one = run(book, known, merchant)
    derived = {(fact.type, fact.id): fact for fact in one.derived}
    final = by_type([derived.get((fact.type, fact.id), fact) for fact in known])
    chosen, _ = effective_settings(rules.settings, merchant)
    as_rule = replace(rules.rules[0], id="stated", when=invariant.when, binds=invariant.binds)
    (demand,) = invariant.never or invariant.always
    target = SPEC.by_name[demand.outcome].target
    given = {(o.name, o.target) for o in one.outcomes if not o.arguments or o.arguments == {"state": "new"}}
    return any(
        ((demand.outcome, bound[target].id if target else "") in given) == bool(invariant.never)
        for bound in matches(as_rule, final, Known(chosen, final))
    )
