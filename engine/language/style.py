"""Warnings: what a checked rule book may say, and could say better.

A warning never keeps a book from being used. Each names the place, what is odd, and what to write instead; what is a
matter of taste is left alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from engine.ast import Aggregate, Condition, DecisionRules, Demand, Group, Literal, LiteralList, Path, Place, Rule
from engine.language.table_style import table_warnings
from engine.types import Money, Problem, Value
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

MOST = 200
"""Most warnings for one file; what follows is rarely worth reading before these are dealt with."""
REPEATED = 3
"""In so many rules, the same amount in a condition deserves a name under `settings:`."""

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(#[0-9]+)?")
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|TBD)\b")
_PLAIN_PATTERN = re.compile(r"[\w @/:-]*(\.\*)?")
_ORDERLY = ("<", "<=", ">", ">=", "before", "after")
_SMALL = 2
"""Numbers up to this are seldom worth a name."""


def warnings(
    decisions: Mapping[str, DecisionRules], files: Mapping[str, str], vocabulary: Vocabulary = VOCABULARY
) -> tuple[Problem, ...]:
    """Everything odd in these checked decisions, by file, line and column; `files` are the texts they were read from."""
    found: list[Problem] = []
    for name, decision in decisions.items():
        spec = vocabulary.decisions.get(name)
        if spec is not None:
            found += _Decision(decision, spec, _texts_of(name, files)).warnings()
    found.sort(key=lambda p: (p.file, p.line, p.column, p.message))
    shown: Counter[str] = Counter()
    kept = []
    for problem in dict.fromkeys(found):
        shown[problem.file] += 1
        if shown[problem.file] <= MOST:
            kept.append(problem)
    return tuple(kept)


def _texts_of(decision: str, files: Mapping[str, str]) -> dict[str, str]:
    named = re.compile(rf"^[\"']?decision[\"']?\s*:\s*[\"']?{re.escape(decision)}\b", re.MULTILINE)
    return {file: text for file, text in files.items() if named.search(text)}


def _warning(place: Place, message: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, message, hint, "warning")


@dataclass(frozen=True)
class _Decision:
    decision: DecisionRules
    spec: DecisionSpec
    texts: Mapping[str, str]

    def warnings(self) -> Iterator[Problem]:
        rules = self.decision.rules
        yield from self._unused_settings()
        seen_tables: set[str] = set()
        for rule in rules:
            if rule.table and rule.table in seen_tables:
                continue
            seen_tables.add(rule.table)
            yield from _about_the_rule(rule)
        for rule in rules:
            yield from _sentences(rule)
        yield from self._said_twice()
        yield from self._hiding()
        yield from _repeated_amounts(rules)
        yield from _case_only(rules)
        yield from table_warnings(rules, self.texts)

    def _unused_settings(self) -> Iterator[Problem]:
        """Looked up in the texts, so that what only a switched-off rule or an example uses counts as used."""
        for name in self.decision.settings:
            used = re.compile(rf"\bsetting\.{re.escape(name)}(?![\w.-])")
            if any(used.search(text) for text in self.texts.values()):
                continue
            for file, text in self.texts.items():
                if at := re.search(rf"^[ \t]+{re.escape(name)}[ \t]*:", text, re.MULTILINE):
                    start = at.start() + len(at[0]) - len(at[0].lstrip())
                    place = Place(file, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
                    yield _warning(
                        place, f"No rule asks for the setting `{name}`.", f"Use it as `setting.{name}`, or remove it."
                    )
                    break

    def _said_twice(self) -> Iterator[Problem]:
        first: dict[tuple[object, ...], Rule] = {}
        for rule in self.decision.rules:
            key = (frozenset(rule.when.children), *(sorted(_demand_key(d) for d in rule.then)))
            same = first.setdefault(key, rule)
            if same is not rule:
                yield _warning(rule.place, f"`{rule.id}` says exactly what `{same.id}` says.", "Remove one of the two.")

    def _hiding(self) -> Iterator[Problem]:
        """A rule that always holds and settles something, before rules that could only settle the same."""
        settled: dict[str, Rule] = {}
        hidden: dict[str, list[str]] = defaultdict(list)
        for rule in self.decision.rules:
            groups = [self._group(demand) for demand in rule.then]
            owners = [settled.get(group) for group in groups]
            if owners and all(owner is not None for owner in owners):
                owner = owners[0]
                assert owner is not None  # said on the line above
                hidden[owner.id].append(rule.id)
            elif not rule.when.children and not rule.binds:
                settled.update({g: rule for g, d in zip(groups, rule.then, strict=True) if g and _constant(d)})
        by_id = {rule.id: rule for rule in self.decision.rules}
        for rule_id, ids in hidden.items():
            others = ", ".join(f"`{one}`" for one in ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
            yield _warning(
                by_id[rule_id].place,
                f"`{rule_id}` always holds and comes first, so {others} can never decide anything.",
                "Give it a priority behind them, or a condition.",
            )

    def _group(self, demand: Demand) -> str:
        """What a demand settles for the decision as a whole; empty when it settles nothing for good."""
        outcome = self.spec.by_name[demand.outcome]
        return "" if outcome.target else outcome.group


def _constant(demand: Demand) -> bool:
    """Whether none of its slots can be missing: a setting always has a value."""
    return all(not isinstance(slot, Path) or slot.type == "setting" for slot in demand.slots.values())


def _demand_key(demand: Demand) -> str:
    return repr((demand.outcome, [(name, _plain(slot)) for name, slot in sorted(demand.slots.items())], demand.reason))


def _plain(operand: object) -> str:
    return f"{operand.value!r}" if isinstance(operand, Literal) else str(operand)


def _about_the_rule(rule: Rule) -> Iterator[Problem]:
    name = rule.table or rule.id
    if not rule.description:
        yield _warning(
            rule.place,
            f"`{name}` has no description.",
            "Add `description:` with one sentence that says why; traces show it.",
        )
    elif unfinished := _UNFINISHED.search(rule.description):
        yield _warning(rule.place, f"The description of `{name}` says {unfinished[1]}.", "Finish it before publishing.")
    if not _KEBAB.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")
        yield _warning(rule.place, f"`{name}` is not written like other ids.", f"Write `{better}`.")


def _sentences(rule: Rule) -> Iterator[Problem]:
    yield from _in_group(rule.when, conjunction=True)
    said: set[str] = set()
    for demand in rule.then:
        key = _demand_key(demand)
        if key in said:
            yield _warning(demand.place, "This demand stands here twice.", "Remove one of the two.")
        said.add(key)
        if unfinished := _UNFINISHED.search(demand.reason):
            yield _warning(demand.place, f"The reason says {unfinished[1]}.", "Finish it before publishing.")


def _in_group(group: Group, *, conjunction: bool) -> Iterator[Problem]:
    seen: set[object] = set()
    for child in group.children:
        if child in seen:
            what = "group" if isinstance(child, Group) else "condition"
            yield _warning(child.place, f"This {what} stands here twice.", "Remove one of the two.")
        seen.add(child)
        if isinstance(child, Condition):
            yield from _condition(child)
            continue
        if child.kind != "none" and len(child.children) == 1:
            yield _warning(child.place, f"`{child.kind}:` with one condition is that condition.", "Write it by itself.")
        elif child.kind == "all" and conjunction:
            yield _warning(
                child.place,
                "`all:` changes nothing here: all conditions must be met anyway.",
                "Write them by themselves.",
            )
        yield from _in_group(child, conjunction=child.kind == "all")
    if conjunction:
        yield from _implied([c for c in group.children if isinstance(c, Condition)])
    if group.kind == "any":
        yield from _alternatives(group)


def _condition(condition: Condition) -> Iterator[Problem]:
    if isinstance(condition.left, Aggregate):
        for inner in condition.left.where:
            yield from _condition(inner)
    right, place, left = condition.right, condition.place, condition.left
    if isinstance(right, LiteralList):
        if len(right.values) == 1:
            better = "is" if condition.operator == "in" else "is not"
            yield _warning(
                place, f"`{condition.operator}` with one value.", f"Write `{left} {better} {_words(right.values[0])}`."
            )
        elif len(set(map(repr, right.values))) < len(right.values):
            yield _warning(place, "A value stands in this list twice.", "Remove one of the two.")
    if not isinstance(right, Literal):
        return
    if condition.operator == "is not" and isinstance(right.value, bool):
        yield _warning(
            place,
            f"`is not {_words(right.value)}` says the opposite twice.",
            f"Write `{left} is {_words(not right.value)}`.",
        )
    if condition.operator == "between" and right == condition.upper:
        yield _warning(place, "Both ends are the same.", f"Write `{left} is {_words(right.value)}`.")
    if condition.operator in ("contains", "starts with") and right.value == "":
        yield _warning(place, "Every text does this.", f"Write `{left} exists`.")
    if condition.operator == "matches" and _PLAIN_PATTERN.fullmatch(str(right.value)) and right.value:
        yield _simple_pattern(condition, str(right.value))


def _simple_pattern(condition: Condition, pattern: str) -> Problem:
    start = pattern.removesuffix(".*")
    if start == pattern:
        better = f'is "{pattern}"'
    else:
        better = f'starts with "{start}"' if start else "exists"
    return _warning(condition.place, "This pattern is plain text.", f"Write `{condition.left} {better}`.")


def _words(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def _alternatives(group: Group) -> Iterator[Problem]:
    """`any:` of several values of one field is `in`."""
    asked = [
        c for c in group.children if isinstance(c, Condition) and c.operator == "is" and isinstance(c.right, Literal)
    ]
    fields = {c.left for c in asked}
    if len(asked) == len(group.children) > 1 and len(fields) == 1 and not isinstance(asked[0].right, Path):
        if isinstance(getattr(asked[0].right, "value", None), bool):
            return
        values = ", ".join(_words(c.right.value) for c in asked if isinstance(c.right, Literal))
        yield _warning(group.place, f"These all ask for {asked[0].left}.", f"Write `{asked[0].left} in [{values}]`.")


def _implied(conditions: Sequence[Condition]) -> Iterator[Problem]:
    """Conditions that are met whenever another one of the same rule is."""
    by_field: dict[Path | Aggregate, list[Condition]] = defaultdict(list)
    for condition in conditions:
        by_field[condition.left].append(condition)
    for asked in by_field.values():
        if len(asked) == 1:
            continue
        for weaker in asked:
            stronger = next((c for c in asked if c is not weaker and c != weaker and _implies(c, weaker)), None)
            if stronger is not None:
                line = f" on line {stronger.place.line}" if stronger.place.line != weaker.place.line else ""
                yield _warning(weaker.place, f"This is met whenever the condition{line} is.", "Remove it.")


def _implies(one: Condition, other: Condition) -> bool:
    """Whether `one`, when met, makes `other` met; only what is plain to see. Never both ways for unequal conditions."""
    if other.operator == "exists":
        return one.operator not in ("exists", "is missing")
    if isinstance(one.left, Path) and one.left.type == "setting":
        return False
    mine, theirs = one.right, other.right
    if not isinstance(mine, Literal):
        return False
    if one.operator == "is" and isinstance(theirs, LiteralList):
        return (_same(mine.value, theirs.values)) == (other.operator == "in")
    if one.operator == "is" and other.operator == "is not" and isinstance(theirs, Literal):
        return (
            type(mine.value) is type(theirs.value) and mine.value != theirs.value and not isinstance(mine.value, Money)
        )
    if one.operator == other.operator and one.operator in _ORDERLY and isinstance(theirs, Literal):
        return _tighter(one.operator, mine.value, theirs.value)
    return False


def _same(value: Value, values: Sequence[Value]) -> bool:
    return any(type(value) is type(one) and value == one for one in values)


def _tighter(operator: str, mine: Value, theirs: Value) -> bool:
    if isinstance(mine, Money) and isinstance(theirs, Money) and mine.currency != theirs.currency:
        return False
    upper = operator in ("<", "<=", "before")
    low, high = (mine, theirs) if upper else (theirs, mine)
    return bool(low < high)  # type: ignore[operator]  # both are of the field's own type


def _repeated_amounts(rules: Sequence[Rule]) -> Iterator[Problem]:
    """The same amount compared with the same field in several rules. Rows of tables are data, not repetition."""
    uses: dict[tuple[object, str], list[tuple[str, Condition]]] = defaultdict(list)
    for rule in rules:
        if rule.table:
            continue
        for condition in _all_conditions(rule.when):
            for side in (condition.right, condition.upper):
                if isinstance(side, Literal) and _is_amount(side.value):
                    uses[condition.left, repr(side.value)].append((rule.id, condition))
    for (left, _), found in uses.items():
        ids = list(dict.fromkeys(rule_id for rule_id, _ in found))
        if len(ids) >= REPEATED:
            yield _warning(
                found[0][1].place,
                f"{len(ids)} rules compare {left} with the same amount.",
                "Give it a name under `settings:`, so that it is changed in one place.",
            )


def _is_amount(value: Value) -> bool:
    if isinstance(value, Money):
        return value.minor != 0
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool) and not -_SMALL <= value <= _SMALL


def _all_conditions(group: Group) -> Iterator[Condition]:
    for child in group.children:
        if isinstance(child, Group):
            yield from _all_conditions(child)
        else:
            yield child


def _case_only(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Text that differs from other text asked of the same field in capitals only: one of the two can hardly be meant."""
    uses: dict[tuple[object, str], dict[str, list[Condition]]] = defaultdict(lambda: defaultdict(list))
    for rule in rules:
        for condition in _all_conditions(rule.when):
            if condition.operator in ("matches", "contains", "starts with"):
                continue
            right = condition.right
            values = (
                right.values if isinstance(right, LiteralList) else (right.value,) if isinstance(right, Literal) else ()
            )
            for text in values:
                if isinstance(text, str):
                    uses[condition.left, text.casefold()][text].append(condition)
    for (left, _), spellings in uses.items():
        if len(spellings) < 2:
            continue
        usual = max(spellings, key=lambda text: (len(spellings[text]), text))
        together = {id(c) for c in spellings[usual]}
        for text, conditions in spellings.items():
            odd = [c for c in conditions if id(c) not in together]  # a list that names both means both
            if text != usual and odd:
                yield _warning(
                    odd[0].place,
                    f"`{text}` is `{usual}` elsewhere; {left} tells capitals apart.",
                    f"Write `{usual}`, or both as `in [{text}, {usual}]`.",
                )
