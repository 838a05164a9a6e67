"""Invariants: proved, or answered with an order that breaks them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from engine.ast import Demand, Invariant, Path, Rule
from engine.prove.checking import combinations, demanded, is_given
from engine.prove.encoding import Encoding, Saying
from engine.prove.logic import Formula
from engine.prove.questions import Case
from engine.prove.shrinking import mentioned
from engine.prove.task import Task
from engine.prove.words import under


def invariant(task: Task, stated: Invariant) -> None:
    """Prove an invariant, demand by demand, or report an order that breaks it."""
    holds = True
    for demand in stated.never:
        holds = _one(task, stated, demand, never=True) and holds
    for demand in stated.always:
        holds = _one(task, stated, demand, never=False) and holds
    if holds:
        task.proved.append(f"{stated.id}: {stated.description or _sentence(task, stated)}")


def _one(task: Task, stated: Invariant, demand: Demand, never: bool) -> bool:
    encoding = task.wide.encoding
    as_rule = Rule(stated.id, "", 0, stated.when, (demand,), stated.binds)
    saying = Saying(-1, as_rule, 0, demand, task.lean.survey.spec.by_name[demand.outcome])
    bound = encoding.first(stated.binds)
    met = encoding.holds(as_rule, bound)
    if never:
        broken = encoding.logic.some(_outcomes(encoding, saying, never=True))
    else:
        broken = encoding.logic.no(encoding.logic.some(_outcomes(encoding, saying, never=False)))
        slots = (encoding.fits(saying, slot, bound) for slot in saying.spec.slots)
        broken = encoding.logic.every((broken, *slots))
    wanted = [met, encoding.named("broken", broken)]
    confirm = partial(_breaks, task, stated, demand, never)
    rules = [other.rule for other in encoding.sayings if other.spec.name == demand.outcome]
    fields = mentioned([(stated.when, (demand,)), *((rule.when, ()) for rule in rules)])
    answer = task.example(task.wide, wanted, confirm, fields)
    if answer.impossible:
        return True
    if answer.case is None:
        task.note(f"Whether `{stated.id}` holds is not settled: {answer.open}.", stated.id)
        return False
    _report(task, stated, demand, never, answer.case)
    return False


def _outcomes(encoding: Encoding, wanted: Saying, never: bool) -> Iterator[Formula]:
    """Ways in which the wanted demand comes out for the first fact of its target.

    What is claimed must hold whichever fact comes first where one rule says different things for different facts: such a
    demand may come out (`never`), but is not sure to (`always`).
    """
    here = encoding.first(wanted.rule.binds)
    nobody_yet: Formula = True
    group = wanted.spec.group
    for saying in encoding.groups[group, wanted.spec.target] if group else encoding.sayings:
        if saying.spec.name == wanted.spec.name and (never or _says_one_thing(encoding, saying)):
            for bound in encoding.combinations(saying.rule.binds, saying.spec.target):
                same = encoding.same_statement(saying, bound, wanted, here)
                slots = [encoding.fits(wanted, slot, here) for slot in wanted.spec.slots]
                yield encoding.logic.every((nobody_yet, encoding.given(saying, bound), same, *slots))
        if group:
            first = encoding.logic.every((nobody_yet, encoding.not_given(saying)))
            nobody_yet = encoding.named("nobody yet", first)


def _says_one_thing(encoding: Encoding, saying: Saying) -> bool:
    """Whether a demand is the same for whichever facts its rule holds."""
    facts = encoding.survey.vocabulary.facts
    paths = [slot for slot in saying.demand.slots.values() if isinstance(slot, Path) and slot.type != "setting"]
    return all(path.type == saying.spec.target or not facts[path.type].repeated for path in paths)


def _breaks(task: Task, stated: Invariant, demand: Demand, never: bool, case: Case) -> bool:
    """Whether the real engine breaks the invariant for these facts."""
    for bound in combinations(task, stated.when, stated.binds, case):
        outcome = demanded(task, demand, bound, case)
        if outcome is not None and is_given(outcome, case) == never:
            return True
    return False


def _report(task: Task, stated: Invariant, demand: Demand, never: bool, case: Case) -> None:
    said = task.words.demand(demand)
    given = [o.rule for o in case.run.outcomes if o.name == demand.outcome] if never else []
    meaning = stated.description or _sentence(task, stated)
    what = f"there is an order for which it says `{said}`" if never else f"there is an order for which it does not say `{said}`"
    message = f"{task.name} breaks `{stated.id}` ({meaning.rstrip('.')}): {what}{under(case.settings)}."
    hint = f"The rule {', '.join(f'`{rule}`' for rule in dict.fromkeys(given))} says so." if given else "Add a rule that says it."
    task.found("invariant", [stated.id, *dict.fromkeys(given)], message, hint, stated.place, case)


def _sentence(task: Task, stated: Invariant) -> str:
    when = task.words.parts(stated.when.children) or "always"
    never = [f"never {task.words.demand(demand)}" for demand in stated.never]
    always = [f"always {task.words.demand(demand)}" for demand in stated.always]
    return f"when {when}: {', '.join((*never, *always))}"
