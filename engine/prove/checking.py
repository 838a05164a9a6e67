"""What the plain evaluator says about an order that is to show something: the real thing, without the solver."""

from __future__ import annotations

from engine.ast import Demand, Group, Rule
from engine.matching import Bound, TooManyCombinationsError, by_type, matches
from engine.outcomes import demands, effective_settings, statement_of
from engine.prove.questions import Case
from engine.prove.task import Task
from engine.totals import Known
from engine.types import Fact, Outcome


def final_facts(case: Case) -> tuple[Fact, ...]:
    """The facts as they stand after the run, derived fields included."""
    derived = {(fact.type, fact.id): fact for fact in case.run.derived}
    return tuple(derived.get((fact.type, fact.id), fact) for fact in case.facts)


def known(task: Task, case: Case) -> Known:
    """The settings and facts that conditions look at."""
    settings, _ = effective_settings(task.lean.decision.settings, case.settings)
    return Known(settings, by_type(final_facts(case)))


def combinations(task: Task, when: Group, binds: tuple[str, ...], case: Case) -> list[Bound]:
    """The combinations of facts that meet some conditions."""
    rule = Rule("", "", 0, when, (), binds)
    try:
        return matches(rule, by_type(final_facts(case)), known(task, case))
    except TooManyCombinationsError:
        return []


def held(task: Task, when: Group, binds: tuple[str, ...], case: Case) -> list[dict[str, str]]:
    """The combinations of facts that meet some conditions, type to id."""
    return [{name: fact.id for name, fact in bound.items()} for bound in combinations(task, when, binds, case)]


def demanded(task: Task, demand: Demand, bound: Bound, case: Case) -> Outcome | None:
    """The outcome that a demand asks for, for a combination of facts; None when a value is missing."""
    rule = Rule("", "", 0, Group("all", ()), (demand,), ())
    outcomes, _ = demands(rule, task.lean.survey.spec, bound, known(task, case))
    return outcomes[0] if outcomes else None


def is_given(outcome: Outcome | None, case: Case) -> bool:
    """Whether the engine gave this outcome."""
    return outcome is not None and any(statement_of(outcome) == statement_of(one) for one in case.run.outcomes)
