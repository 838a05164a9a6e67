"""Two courses of the same past decision side by side: where they differ, and which rules made the difference.

What counts is what comes of a decision: the outcomes that stand, and for outlet assignment which outlets send what. Rules
that only weigh otherwise and arrive at the same are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.outcomes import Statement, statement_of
from engine.types import Outcome, Run
from engine.values import show
from engine.vocabulary import VOCABULARY
from workers.rule_jobs.retaking import Course, Step

Cause = tuple[str, str, str]
"""(decision, rule, role). `gained`: the rule decides in the second book only; `lost`: in the first only; `changed`: in both,
and says otherwise."""
Key = tuple[str, str, int]


@dataclass(slots=True)
class Difference:
    """What two books make of one past decision. `steps` are the answers that differ, as sentences; `causes` the rules
    behind; `same_result` says that only the reasons differ."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    same_result: bool = False


def difference(before: Course, after: Course, wanted: frozenset[str]) -> Difference:
    """Compare two courses in the rule files of `wanted` (empty: all)."""
    found = Difference()
    first, second = _by_key(before.steps), _by_key(after.steps)
    for key in dict.fromkeys([*first, *second]):
        one, other = first.get(key), second.get(key)
        if one is other or (one is not None and other is not None and one.run is other.run):
            continue
        if one is not None and other is not None:
            if _effect(one, before) == _effect(other, after):
                found.same_result |= _is_shown(key, wanted) and one.run.outcomes != other.run.outcomes
                continue
            if not found.causes or one.facts == other.facts:
                found.causes += [cause for cause in causes(one.run, other.run) if cause not in found.causes]
        if _is_shown(key, wanted):
            found.steps.append({"decision": key[0], "about": key[1], **_sides(one, other, before, after)})
    if found.steps:
        found.same_result = False
    return found


def causes(before: Run, after: Run) -> list[Cause]:
    """The rules that made the difference: those that say in one run what nobody says in the other. Where a rule only got
    its way because a stronger one came or went, it is the stronger one."""
    gained = _responsible(after, _said(before), before)
    lost = _responsible(before, _said(after), after)
    came = {rule for rule, mine in gained if mine} | {rule for rule, mine in lost if not mine}
    went = {rule for rule, mine in lost if mine} | {rule for rule, mine in gained if not mine}
    return [
        (after.decision, rule, "changed" if rule in came and rule in went else "gained" if rule in came else "lost")
        for rule in sorted(came | went)
    ]


def _responsible(run: Run, said: set[Statement], other: Run) -> list[tuple[str, bool]]:
    """Who is behind what this run says and the other does not: (rule, True) for the speaker, (rule, False) for the rule
    of the other run that outdid it there."""
    found = []
    for outcome in run.outcomes:
        says = statement_of(outcome)
        if says in said:
            continue
        outdone = [o.by for o in other.overridden if o.outcome.rule == outcome.rule and statement_of(o.outcome) == says]
        found.append((outdone[0], False) if outdone else (outcome.rule, True))
    return found


def _said(run: Run) -> set[Statement]:
    return {statement_of(outcome) for outcome in run.outcomes}


def _by_key(steps: Sequence[Step]) -> dict[Key, Step]:
    """Steps by rule file, the shop they speak of, and how often that was asked before."""
    found: dict[Key, Step] = {}
    for step in steps:
        shop = next((f.id for f in step.facts if f.type == "shop"), "") if step.run.decision == "stock_propagation" else ""
        number = 0
        while (step.run.decision, shop, number) in found:
            number += 1
        found[step.run.decision, shop, number] = step
    return found


def _is_shown(key: Key, wanted: frozenset[str]) -> bool:
    return not wanted or key[0] in wanted


def _effect(step: Step, course: Course) -> Any:
    if step.run.decision != "outlet_assignment":
        return _said(step.run)
    tags = {says for o in step.run.outcomes if o.name.startswith(("tag ", "set ")) and (says := statement_of(o))}
    if step.plan is None or course.state == "held":
        return course.state, course.why, tags
    return course.state, frozenset(step.plan.allocations), frozenset(step.plan.shortages), course.outlets, tags


def _sides(one: Step | None, other: Step | None, before: Course, after: Course) -> dict[str, list[str]]:
    """What differs between two answers, as sentences."""
    said = [_sentences(step, course) for step, course in ((one, before), (other, after))]
    return {
        "before": [line for line in said[0] if line not in said[1]] if one is not None else ["was not asked"],
        "after": [line for line in said[1] if line not in said[0]] if other is not None else ["is not asked"],
    }


def _sentences(step: Step | None, course: Course) -> list[str]:
    if step is None:
        return []
    lines = [sentence(outcome) for outcome in step.run.outcomes]
    if step.run.decision == "outlet_assignment":
        lines.insert(0, result_of(course, step))
    return lines


def result_of(course: Course, step: Step) -> str:
    """Where an order goes, in one line."""
    if course.state != "open" or step.plan is None:
        return f"the order is {course.state or 'not sourced'}: {course.why}" if course.why else f"the order is {course.state}"
    parts: dict[str, int] = dict.fromkeys(course.outlets, 0)
    for allocation in step.plan.allocations:
        parts[allocation.outlet] = parts.get(allocation.outlet, 0) + allocation.quantity
    short = f", {course.short} back-ordered" if course.short else ""
    return "sent by " + " + ".join(f"{outlet} ({units})" for outlet, units in parts.items()) + short


def sentence(outcome: Outcome) -> str:
    """An outcome as an admin would write it, with what it speaks of, its rule and its reason."""
    about = f" for {outcome.target}" if outcome.target else ""
    reason = f' because "{outcome.reason}"' if outcome.reason else ""
    return f"{label(outcome.name, outcome.arguments)}{about}{reason} ({outcome.rule})"


def label(name: str, arguments: Mapping[str, Any]) -> str:
    """An outcome's sentence with its slots filled."""
    form = _FORMS.get(name, name)
    for slot, value in arguments.items():
        form = form.replace("{" + slot + "}", show(value))
    return form


def _forms() -> Iterable[tuple[str, str]]:
    for decision in VOCABULARY.decisions.values():
        for outcome in decision.outcomes:
            yield outcome.name, outcome.form


_FORMS: Mapping[str, str] = dict(_forms())
