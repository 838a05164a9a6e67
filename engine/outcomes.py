"""What rules demand, once they hold: slots filled, conflicts settled, derived facts applied. Shared by both evaluators.

The order in which rules speak is the *agenda*: lower priority first, then rule id (rows of a table by number), then the
ids of the facts bound.
It covers the whole run, whichever stratum a rule is judged in, so that one order settles every conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.ast import Demand, Rule
from engine.types import Fact, Firing, Outcome, Overridden, Value
from engine.values import fits, kind, operand_value, show
from engine.vocabulary import DecisionSpec, OutcomeSpec, Slot

AgendaKey = tuple[int, str, int, tuple[str, ...]]


def agenda_key(rule: Rule, bound: Mapping[str, str]) -> AgendaKey:
    """Where a firing stands on the agenda. `bound` maps fact type to fact id, in any order."""
    return *rule.key, tuple(bound[fact_type] for fact_type in sorted(bound))


def demands(
    rule: Rule, spec: DecisionSpec, bound: Mapping[str, Fact], settings: Mapping[str, Value]
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """The outcomes of a rule that holds for `bound` (fact type to fact), and errors about demands that had to be dropped.

    A demand is dropped when a slot's value is missing, or is not one the slot takes.
    """
    outcomes: list[Outcome] = []
    errors: list[str] = []
    for demand in rule.then:
        outcome_spec = spec.by_name[demand.outcome]
        arguments, error = _arguments(demand, outcome_spec, bound, settings)
        if error:
            errors.append(f"rule {rule.id}: `{demand.outcome}` was dropped{_for(bound)}: {error}")
            continue
        target = bound[outcome_spec.target].id if outcome_spec.target else ""
        outcomes.append(Outcome(demand.outcome, target, arguments, rule.id, demand.reason))
    return tuple(outcomes), tuple(errors)


def _arguments(
    demand: Demand, spec: OutcomeSpec, bound: Mapping[str, Fact], settings: Mapping[str, Value]
) -> tuple[dict[str, Value], str]:
    arguments: dict[str, Value] = {}
    for slot in spec.slots:
        operand = demand.slots[slot.name]
        value = operand_value(operand, bound, settings)
        if value is None:
            return {}, f"{operand} is missing"
        if not fits(value, slot.type, slot.values):
            return {}, f"{operand} is {show(value)}, which is not {_expected(slot)}"
        arguments[slot.name] = value  # type: ignore[assignment]  # fits() has just refused lists of anything but text
    return arguments, ""


def _expected(slot: Slot) -> str:
    return "one of " + ", ".join(slot.values) if slot.values else f"a value of type {slot.type}"


def _for(bound: Mapping[str, Fact]) -> str:
    combination = ", ".join(f"{fact_type} {bound[fact_type].id}" for fact_type in sorted(bound))
    return f" for {combination}" if combination else ""


Statement = tuple[object, ...]


def statement_of(outcome: Outcome) -> Statement:
    """What an outcome says, apart from who says it and why. Kinds are included, for Python holds that True == 1."""
    if not outcome.arguments:
        return outcome.name, outcome.target
    arguments = tuple((name, kind(value), value) for name, value in sorted(outcome.arguments.items()))
    return outcome.name, outcome.target, arguments


def resolve(
    spec: DecisionSpec, firings: Iterable[Firing], statement: Callable[[Outcome], Statement] = statement_of
) -> tuple[tuple[Outcome, ...], tuple[Overridden, ...]]:
    """Settles conflicts among firings given in agenda order; returns what stands and what was overridden.

    Outcomes of one group exclude each other for one target: the first wins, a later one that says the same is
    silently dropped, one that says otherwise is overridden. Outcomes without a group all stand, but a rule says the
    same thing about the same target only once, however many combinations of other facts it held for. `statement` may
    remember what `statement_of` says of outcomes that are made once and said often.
    """
    outcomes: list[Outcome] = []
    overridden: list[Overridden] = []
    winners: dict[tuple[str, str], Outcome] = {}
    said: set[tuple[str, Statement]] = set()
    for outcome in (o for firing in firings for o in firing.outcomes):
        group = spec.by_name[outcome.name].group
        says = statement(outcome)
        if (outcome.rule, says) in said:
            continue
        said.add((outcome.rule, says))
        winner = winners.setdefault((group, outcome.target), outcome) if group else outcome
        if winner is outcome:
            outcomes.append(outcome)
        elif statement(winner) != says:
            overridden.append(Overridden(outcome, winner.rule))
    return tuple(outcomes), tuple(overridden)


def derive(spec: DecisionSpec, facts: Sequence[Fact], outcomes: Iterable[Outcome]) -> tuple[Fact, ...]:
    """The facts as they stand after the derivations among `outcomes` (resolved, in agenda order), in the given order.

    A list field gets the value appended unless it holds it already; any other field is set. A derivation about a fact
    that is not there has no effect.
    """
    values: dict[tuple[str, str], dict[str, Value]] = {}
    for outcome in outcomes:
        derives = spec.by_name[outcome.name].derives
        if not derives:
            continue
        fact_type, _, field = derives.partition(".")
        argument = next(iter(outcome.arguments.values()))
        for fact in facts:
            if fact.type == fact_type and outcome.target in ("", fact.id):
                held = values.setdefault((fact.type, fact.id), dict(fact.values))
                held[field] = _derived(held.get(field), argument, _adds(outcome, spec))
    return tuple(Fact(f.type, f.id, values[f.type, f.id]) if (f.type, f.id) in values else f for f in facts)


def _adds(outcome: Outcome, spec: DecisionSpec) -> bool:
    """Whether a derivation adds to a list. Outcomes that exclude each other set one value; all others add to many."""
    return not spec.by_name[outcome.name].group


def _derived(held: Value | None, argument: Value, adds: bool) -> Value:
    if not adds:
        return argument
    items = held if isinstance(held, tuple) and kind(held) == "list" else ()
    return items if argument in items else (*items, str(argument))


def changed(before: Sequence[Fact], after: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts that a run derived something about, as they stand after it."""
    return tuple(new for old, new in zip(before, after, strict=True) if new is not old)


def effective_settings(
    defaults: Mapping[str, Value], overrides: Mapping[str, Value]
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """A merchant's settings over the rule file's defaults, and errors about overrides that had to be left out.

    An override must be of the same kind as the default it replaces: a whole number for a whole number, money for money
    (in any currency), text for text.
    """
    settings = dict(defaults)
    errors: list[str] = []
    for name in sorted(overrides):
        value = overrides[name]
        if name not in defaults:
            errors.append(f"setting.{name} does not exist; the value {show(value)} was ignored")
        elif not same_setting_type(defaults[name], value):
            errors.append(
                f"setting.{name} is {show(value)}, which is not of the type of its default {show(defaults[name])}; "
                "the default was used"
            )
        else:
            settings[name] = value
    return settings, tuple(errors)


def same_setting_type(default: Value, value: Value) -> bool:
    """Whether a value may replace a setting's default."""
    of, wanted = kind(value).split(" ")[0], kind(default).split(" ")[0]
    if not of or of != wanted:
        return False
    if wanted == "list":
        return fits(value, "list")
    return not isinstance(default, int) or isinstance(value, int)
