"""Orders for which a decision says nothing about what it promises to settle, and combinations that a table forgets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.ast import Condition, Group, Literal, Path, Place, Rule
from engine.prove.checking import held
from engine.prove.encoding import Saying
from engine.prove.logic import Formula
from engine.prove.questions import Case
from engine.prove.shrinking import mentioned
from engine.prove.task import Task
from engine.prove.words import listed, under


def gaps(task: Task, group: str) -> None:
    """Report an order (of outcomes about a fact, a fact) for which the decision gives no outcome of a group."""
    targets = {outcome.target for outcome in task.lean.survey.spec.outcomes if outcome.group == group}
    for target in sorted(targets):
        _gap(task, group, target)


def _gap(task: Task, group: str, target: str) -> None:
    encoding = task.encoding
    sayings = encoding.groups.get((group, target), ())
    choice = listed([o.name for o in task.lean.survey.spec.outcomes if o.group == group], "or")
    there: list[Formula] = [encoding.world.there(target, 0)] if target in encoding.world.slots else []
    if target and not there:
        task.note(f"No rule of {task.name} says {choice}, although it promises to.")
        return
    wanted = [*there, *(encoding.not_given(saying) for saying in sayings)]
    fields = list(mentioned((saying.rule.when, saying.rule.then) for saying in sayings))
    answer = task.example(task.lean, wanted, partial(_says_nothing, task, group, target), fields)
    subject = f"each {target}" if target else "every order"
    if answer.impossible:
        task.proved.append(f"{task.name} always says {choice} for {subject}.")
    elif answer.case is None:
        task.note(f"Whether {task.name} always says {choice} for {subject} is not settled: {answer.open}.")
    else:
        what = f"{'an' if target[:1] in 'aeiou' else 'a'} {target}" if target else "an order"
        message = f"There is {what} for which {task.name} says neither {choice}{under(answer.case.settings)}."
        if "or" not in choice:
            message = f"There is {what} for which {task.name} does not say {choice}{under(answer.case.settings)}."
        place = sayings[-1].rule.place if sayings else Place()
        task.found("gap", _concerned(sayings), message, "Add a rule for what is left, with a high priority number.", place, answer.case)


def _concerned(sayings: Sequence[Saying]) -> list[str]:
    return list(dict.fromkeys(saying.rule.table or saying.rule.id for saying in sayings))


def _says_nothing(task: Task, group: str, target: str, case: Case) -> bool:
    names = {outcome.name for outcome in task.lean.survey.spec.outcomes if (outcome.group, outcome.target) == (group, target)}
    said = {outcome.target for outcome in case.run.outcomes if outcome.name in names}
    if not target:
        return not said
    return any(fact.type == target and fact.id not in said for fact in case.facts)


def missing_rows(task: Task, table: str) -> None:
    """Report a combination of its columns that no row of a first-hit table covers."""
    encoding = task.encoding
    whole = encoding.tables[table]
    if whole[0].hit != "first":
        return
    common = [child for child in whole[0].when.children if all(child in row.when.children for row in whole)]
    around = Group("all", tuple(common))
    columns = list(dict.fromkeys(_columns(whole, common)))
    bound = encoding.first(whole[0].binds)
    wanted = [
        *(encoding.world.there(name, bound[name]) for name in whole[0].binds),
        encoding.comparisons.part(around, bound),
        *(encoding.world.term(path, bound).present for path in columns),
        *(encoding.logic.no(encoding.holds(row, bound)) for row in whole),
    ]
    answer = task.example(task.lean, wanted, partial(_falls_through, task, whole, around, columns), _all_of(whole))
    if answer.case is not None:
        message = f"No row of `{table}` is for {_combination(task, columns, answer.case)}{under(answer.case.settings)}."
        hint = "Add a row for it, or a last row of `any`."
        task.found("gap", [table], message, hint, whole[-1].place, answer.case)
    elif answer.impossible:
        task.proved.append(f"The rows of {table} cover every combination.")
    else:
        task.note(f"Whether the rows of `{table}` cover every combination is not settled: {answer.open}.", table)


def _all_of(rows: Sequence[Rule]) -> list[Path]:
    return list(mentioned((row.when, row.then) for row in rows))


def _columns(rows: Sequence[Rule], common: Sequence[Condition | Group]) -> list[Path]:
    return [
        child.left
        for row in rows
        for child in row.when.children
        if child not in common and isinstance(child, Condition) and isinstance(child.left, Path)
    ]


def _falls_through(task: Task, rows: Sequence[Rule], around: Group, columns: Sequence[Path], case: Case) -> bool:
    """The table is asked about facts for which its columns have values, and no row holds for them."""
    asked = Group("all", (*around.children, *(Condition(path, "exists") for path in columns)))
    covered = [ids for row in rows for ids in held(task, row.when, row.binds, case)]
    return any(ids not in covered for ids in held(task, asked, rows[0].binds, case))


def _combination(task: Task, columns: Sequence[Path], case: Case) -> str:
    values = {(fact.type, name): value for fact in case.facts for name, value in fact.values.items()}
    conditions = [
        task.words.writer.condition(Condition(path, "is", Literal(values[path.type, path.field])))
        for path in columns
        if (path.type, path.field) in values and not isinstance(values[path.type, path.field], tuple)
    ]
    return listed(conditions) or "this order"
