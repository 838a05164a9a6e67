"""Rules that can hold together and demand opposite things with nothing but their ids to decide between them, and rows of
one table that do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine.ast import Rule
from engine.prove.checking import held
from engine.prove.encoding import Encoding, Saying
from engine.prove.logic import Formula
from engine.prove.questions import POSSIBLE, Case
from engine.prove.shrinking import mentioned, shrink
from engine.prove.task import Task

PARTNERS = 3
"""Most conflicts reported for one rule."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A demand, a later one that contradicts it, and a formula that both are made for one target."""

    one: Saying
    other: Saying
    together: Formula


def conflicts(task: Task, rule: Rule) -> None:
    """Report later rules of the same priority that may hold together with this one and demand otherwise."""
    if rule.id in task.dead:
        return
    for saying in task.wide.encoding.sayings:
        if saying.rule.id == rule.id and saying.spec.group:
            _of_saying(task, saying)


def _of_saying(task: Task, saying: Saying) -> None:
    encoding = task.wide.encoding
    pairs = [pair for other in _rivals(task, encoding, saying) for pair in _pairs(encoding, saying, other)]
    if not pairs:
        return
    before = [encoding.not_given(one) for one in _before(encoding, saying)]
    for _ in range(PARTNERS):
        any_of = encoding.named("rivals", encoding.logic.some(pair.together for pair in pairs))
        found = _one(task, saying, pairs, [any_of, *before])
        if found is None:
            return
        pairs = [pair for pair in pairs if pair.other.rule.id != found]
        if not pairs:
            return
    task.note(f"Conflicts of `{saying.rule.id}` with more than {PARTNERS} rules were not looked for.", saying.rule.id)


def _one(task: Task, saying: Saying, pairs: Sequence[Pair], wanted: Sequence[Formula]) -> str | None:
    """Report one conflict; the id of the other rule, or None when there is none or it is not settled."""
    by_rule = {pair.other.rule.id: pair.other for pair in pairs}
    seen: list[str] = []

    def confirm(case: Case) -> bool:
        rival = seen[0] if seen else next((name for name in by_rule if _contradict(saying, by_rule[name], case)), None)
        if rival is None or not _contradict(saying, by_rule[rival], case):
            return False
        seen[:] = [rival]
        return True

    answer = task.wide.find(wanted, confirm)
    if answer.case is None:
        if answer.open:
            task.note(f"Whether `{saying.rule.id}` conflicts with others is not settled: {answer.open}.", saying.rule.id)
        return None
    other = by_rule[seen[0]]
    fields = mentioned((rule.when, rule.then) for rule in (saying.rule, other.rule))
    _report(task, saying, other, shrink(task.wide, answer.case, confirm, fields))
    return other.rule.id


def _contradict(one: Saying, other: Saying, case: Case) -> bool:
    """Both rules fired, the first one's outcome stands and the other's is overridden by it."""
    stands = {(o.name, o.target) for o in case.run.outcomes if o.rule == one.rule.id and o.name == one.spec.name}
    lost = {
        over.outcome.target
        for over in case.run.overridden
        if over.by == one.rule.id and over.outcome.rule == other.rule.id and over.outcome.name == other.spec.name
    }
    return any(target in lost for _, target in stands)


def _rivals(task: Task, encoding: Encoding, saying: Saying) -> Iterator[Saying]:
    """Later demands of other rules of this priority that would settle the same otherwise."""
    for other in encoding.groups[saying.spec.group, saying.spec.target]:
        if other.rank <= saying.rank or other.rule.priority != saying.rule.priority or other.rule.id in task.dead:
            continue
        in_table = other.rule.table and other.rule.table == saying.rule.table
        if in_table and other.rule.hit == "first":
            continue
        if not encoding.disjoint(saying.rule, other.rule, saying.spec.target):
            yield other


def _pairs(encoding: Encoding, one: Saying, other: Saying) -> Iterator[Pair]:
    """Both are made for the first fact of their target: with the same other facts, or with others."""
    here = encoding.first(one.rule.binds)
    places: list[Mapping[str, int]] = [encoding.first(other.rule.binds)]
    if (elsewhere := encoding.second(other.rule.binds, one.spec.target)) not in places:
        places.append(elsewhere)
    for there in places:
        differ = encoding.logic.no(encoding.same_statement(one, here, other, there))
        both = encoding.logic.every((encoding.given(one, here), encoding.given(other, there), differ))
        if both is not False:
            yield Pair(one, other, both)


def _before(encoding: Encoding, saying: Saying) -> Iterator[Saying]:
    for other in encoding.groups[saying.spec.group, saying.spec.target]:
        if other.key >= saying.key:
            return
        if other.rule is saying.rule or not encoding.disjoint(other.rule, saying.rule, saying.spec.target):
            yield other


def _report(task: Task, one: Saying, other: Saying, case: Case) -> None:
    said, against = task.words.demand(one.demand), task.words.demand(other.demand)
    if one.rule.table and one.rule.table == other.rule.table:
        message = (
            f"Rows {one.rule.row} and {other.rule.row} of `{one.rule.table}` can hold for the same order and demand "
            f"different things: `{said}` and `{against}`."
        )
        hint = "Make the rows exclude each other, or write `hit: first` if their order is meant to decide."
        task.found("overlap", [one.rule.id, other.rule.id], message, hint, other.rule.place, case)
        return
    message = (
        f"`{one.rule.id}` and `{other.rule.id}` can hold together, both with priority {one.rule.priority}, and demand "
        f"different things: `{said}` and `{against}`. Only their ids decide that the first one wins."
    )
    hint = "Give the rule that shall win a lower priority number, or make their conditions exclude each other."
    task.found("conflict", [one.rule.id, other.rule.id], message, hint, other.rule.place, case)


def rows(task: Task, table: str) -> None:
    """Report rows of a first-hit table that cut into one another: the later one is meant for more than the earlier one
    leaves it, but is not the general case behind an exception."""
    encoding = task.encoding
    whole = list(encoding.tables[table])
    if not whole or whole[0].hit != "first":
        return
    reached = [row for row in whole if row.id not in task.dead | task.silenced]
    for number, row in enumerate(reached):
        _cut(task, row, [one for one in reached[number + 1 :] if not encoding.disjoint(row, one)])


def _cut(task: Task, row: Rule, later: Sequence[Rule]) -> None:
    encoding, reported = task.encoding, 0
    bound = encoding.first(row.binds)
    for other in later:
        if _says_the_same(row, other):
            continue
        alone = [encoding.holds(row, bound), encoding.logic.no(encoding.holds(other, bound))]
        if task.lean.ask(alone, exact=True) != POSSIBLE:
            continue  # the earlier row is an exception to the later one
        fires = encoding.fires(row, bound)
        answer = task.example(
            task.lean,
            [fires, encoding.holds(other, bound)],
            partial(_cuts, task, row, other),
            mentioned((rule.when, rule.then) for rule in (row, other)),
        )
        if answer.case is not None:
            message = (
                f"Rows {row.row} and {other.row} of `{row.table}` overlap and demand different things; neither is a special "
                f"case of the other, and row {row.row} wins."
            )
            hint = "Make the rows exclude each other, or add a row for what they have in common."
            task.found("overlap", [row.id, other.id], message, hint, other.place, answer.case)
            reported += 1
        elif answer.open:
            task.note(f"Whether `{row.id}` and `{other.id}` overlap is not settled: {answer.open}.", row.id, other.id)
        if reported == PARTNERS:
            task.note(f"Overlaps of `{row.id}` with more than {PARTNERS} rows were not looked for.", row.id)
            return


def _says_the_same(one: Rule, other: Rule) -> bool:
    return [(d.outcome, dict(d.slots)) for d in one.then] == [(d.outcome, dict(d.slots)) for d in other.then]


def _cuts(task: Task, row: Rule, other: Rule, case: Case) -> bool:
    fired = [dict(firing.bound) for firing in case.run.firings if firing.rule == row.id]
    return any(ids in fired for ids in held(task, other.when, other.binds, case))
