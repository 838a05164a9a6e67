"""Rules that can never hold, and rules that never decide anything because others always come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from engine.ast import Rule
from engine.prove.checking import combinations
from engine.prove.encoding import Saying
from engine.prove.logic import Formula
from engine.prove.questions import IMPOSSIBLE, OPEN_INEXACT, OPEN_TIME, POSSIBLE, UNKNOWN, Case
from engine.prove.shrinking import mentioned
from engine.prove.task import Task
from engine.prove.words import names


def never(task: Task, rule: Rule) -> None:
    """Report the rule if it can never hold, with the conditions that exclude each other."""
    if not rule.when.children:
        return
    encoding = task.encoding
    bound = encoding.first(rule.binds)
    answer = task.lean.ask([encoding.holds(rule, bound)], exact=True)
    if answer == IMPOSSIBLE and task.lean.survey.inexact:
        answer = {IMPOSSIBLE: IMPOSSIBLE, POSSIBLE: OPEN_INEXACT, UNKNOWN: UNKNOWN}[task.lean.ask([encoding.holds(rule, bound)])]
    if answer in (UNKNOWN, OPEN_INEXACT):
        task.note(f"Whether `{rule.id}` can hold is not settled: {OPEN_TIME if answer == UNKNOWN else OPEN_INEXACT}.", rule.id)
        task.unsettled.add(rule.id)
    if answer != IMPOSSIBLE:
        return
    task.dead.add(rule.id)
    parts = [encoding.named("part", encoding.comparisons.part(child, bound)) for child in rule.when.children]
    there = [encoding.world.there(name, bound[name]) for name in rule.binds]
    core = task.lean.least_core([*parts, *there])
    guilty = [rule.when.children[number] for number in core if number < len(parts)] or list(rule.when.children)
    if len(guilty) == 1:
        message = f"`{rule.id}` can never hold: {task.words.parts(guilty)} is never met."
    else:
        message = f"`{rule.id}` can never hold: {task.words.parts(guilty)} exclude each other."
    task.found("never", [rule.id], message, "Change one of these conditions, or remove the rule.", guilty[0].place or rule.place)


def hidden(task: Task, rule: Rule) -> None:
    """Report the rule if, whenever it holds, others have decided already."""
    if rule.id in task.dead | task.unsettled:
        return
    if rule.hit == "first" and _silenced(task, rule):
        return
    sayings = [saying for saying in task.encoding.sayings if saying.rule is rule]
    if not sayings or any(not saying.spec.group for saying in sayings):
        return
    before: list[Rule] = []
    for saying in sayings:
        earlier = list(_earlier(task, saying))
        found = _always_before(task, saying, earlier)
        if found is None:
            return
        before += found
    _report_hidden(task, rule, before)


def _silenced(task: Task, rule: Rule) -> bool:
    """Report a row that earlier rows of its table always take every order from."""
    encoding = task.encoding
    bound = encoding.first(rule.binds)
    rows = [row for row in encoding.tables[rule.table] if row.row < rule.row and not encoding.disjoint(row, rule)]
    wanted = [encoding.holds(rule, bound), *(encoding.logic.no(encoding.holds(row, bound)) for row in rows)]
    if not rows or not _impossible(task, wanted, rule):
        return False
    task.silenced.add(rule.id)
    core = task.lean.least_core(wanted)
    silencers = [rows[number - 1] for number in core if number]
    message = f"`{rule.id}` is never reached: {names(silencers)} always holds first."
    if len(silencers) > 1:
        message = f"`{rule.id}` is never reached: {names(silencers)} together hold for all its orders, and come first."
    _show(task, rule, silencers, message, "Move the row up, narrow the rows before it, or remove it.")
    return True


def _earlier(task: Task, saying: Saying) -> Iterator[Saying]:
    """Demands that could be made before this one, and settle the same."""
    for other in task.encoding.groups[saying.spec.group, saying.spec.target]:
        if other.key >= saying.key:
            return
        if other.rule is saying.rule or not task.encoding.disjoint(other.rule, saying.rule, saying.spec.target):
            yield other


def _always_before(task: Task, saying: Saying, earlier: Sequence[Saying]) -> list[Rule] | None:
    """The rules one of which always speaks before this demand; None when there is an order where none does."""
    encoding = task.encoding
    wanted = [
        encoding.given(saying, encoding.first(saying.rule.binds)),
        *(encoding.not_given(other) for other in earlier),
    ]
    if not _impossible(task, wanted, saying.rule):
        return None
    return [earlier[number - 1].rule for number in task.lean.least_core(wanted) if number]


def _impossible(task: Task, wanted: Sequence[Formula], rule: Rule) -> bool:
    answer = task.lean.ask(wanted, exact=True)
    if answer == IMPOSSIBLE and task.lean.survey.inexact:
        answer = task.lean.ask(wanted)
        if answer == POSSIBLE:
            task.note(f"Whether `{rule.id}` ever decides anything is not settled: {OPEN_INEXACT}.", rule.id)
    if answer == UNKNOWN:
        task.note(f"Whether `{rule.id}` ever decides anything is not settled: {OPEN_TIME}.", rule.id)
    return answer == IMPOSSIBLE


def _report_hidden(task: Task, rule: Rule, before: Sequence[Rule]) -> None:
    others = list({other.id: other for other in before if other is not rule}.values())
    if not others:
        message = f"`{rule.id}` never decides anything: the values that its demands need are missing whenever it holds."
        task.found("hidden", [rule.id], message, "Change its conditions, or remove it.", rule.place)
        return
    if len(others) == 1:
        message = f"`{rule.id}` never decides anything: whenever it holds, {names(others)} comes first and settles the same."
    else:
        message = (
            f"`{rule.id}` never decides anything: whenever it holds, one of {names(others, 'or')} comes first and settles "
            "the same."
        )
    hint = "Give it a lower priority number, narrow the rules before it, or remove it."
    if not rule.when.children:
        hint = "As a safety net for what may be added later it does no harm; otherwise remove it."
    _show(task, rule, others, message, hint)


def _show(task: Task, rule: Rule, others: Sequence[Rule], message: str, hint: str) -> None:
    """Report with an order for which the rule's conditions are met and it says nothing."""
    encoding = task.encoding
    fields = mentioned((one.when, one.then) for one in (rule, *others))
    confirm = partial(_is_hidden, task, rule, {other.id for other in others})
    answer = task.example(task.lean, [encoding.holds(rule, encoding.first(rule.binds))], confirm, fields)
    if answer.case is None:
        task.note(f"{message} No order shows it: {answer.open or 'there is none'}.", rule.id)
        return
    task.found("hidden", [rule.id, *(other.id for other in others)], message, hint, rule.place, answer.case)


def _is_hidden(task: Task, rule: Rule, others: set[str], case: Case) -> bool:
    if any(outcome.rule == rule.id for outcome in case.run.outcomes):
        return False
    fired = {firing.rule for firing in case.run.firings}
    if rule.id in fired:
        return bool(fired & others)
    return rule.hit == "first" and bool(combinations(task, rule.when, rule.binds, case))
