"""What of a rule book its examples cover: rules that fired, conditions seen met and not met, rows of tables that fired.

A condition counts by itself, whatever the others of its rule say, and within an aggregate for each fact gone through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from engine.ast import Aggregate, Condition, Group, Rule
from engine.compiled import CompiledBook
from engine.explain import Evaluation
from engine.language.examples import Example
from engine.language.formatter import RuleWriter
from engine.matching import FactsByType, types_of
from engine.totals import Known
from engine.types import Fact
from engine.values import MET, judge

COMBINATIONS = 2_000
"""Most combinations of facts of one example that one condition is asked of."""


@dataclass(frozen=True, slots=True)
class ConditionCoverage:
    """One condition of one rule: seen met, seen not met, in some example. `line` is where it stands in `file`."""

    decision: str
    rule: str
    text: str
    file: str
    line: int
    met: bool
    not_met: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """`fired` says for every rule id in how many examples the rule fired; rows of tables are rules of their own, and
    `tables` names the rows of each table (by decision and id). `conditions` are in the order of their rules."""

    fired: Mapping[str, int]
    decisions: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, tuple[str, ...]]
    conditions: tuple[ConditionCoverage, ...]

    @property
    def silent(self) -> tuple[str, ...]:
        """Rules that fired in no example, in agenda order."""
        return tuple(rule for rule, times in self.fired.items() if not times)

    @property
    def one_sided(self) -> tuple[ConditionCoverage, ...]:
        """Conditions that were not seen both met and not met."""
        return tuple(condition for condition in self.conditions if not (condition.met and condition.not_met))

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON, with shares between 0 and 1 (1 when there is nothing to cover)."""
        rows = [row for table in self.tables.values() for row in table]
        return {
            "rules": _share(len(self.fired) - len(self.silent), len(self.fired)),
            "conditions": _share(len(self.conditions) - len(self.one_sided), len(self.conditions)),
            "rows": _share(sum(self.fired[row] > 0 for row in rows), len(rows)),
            "silent_rules": list(self.silent),
            "one_sided": [
                {
                    "decision": c.decision, "rule": c.rule, "condition": c.text, "file": c.file, "line": c.line,
                    "never": [word for word, seen in (("met", c.met), ("not met", c.not_met)) if not seen],
                }
                for c in self.one_sided
            ],
            "fired": dict(self.fired),
        }  # fmt: skip


def _share(covered: int, of: int) -> dict[str, Any]:
    return {"covered": covered, "of": of, "share": round(covered / of, 4) if of else 1.0}


@dataclass
class _Seen:
    condition: Condition
    decision: str
    rule: str
    text: str
    met: bool = False
    not_met: bool = False


@dataclass
class _Watched:
    """The rules of one decision with all their conditions, each of which remembers what it was seen to be."""

    rules: list[tuple[Rule, list[_Seen]]] = field(default_factory=list)


class Gatherer:
    """Runs examples and remembers what was seen of the rules."""

    def __init__(self, book: CompiledBook) -> None:
        self.book = book
        self.fired: dict[str, int] = {}
        self.watched: dict[str, _Watched] = {}
        for decision in book.book.decisions.values():
            writer = RuleWriter(decision, book.vocabulary)
            watched = self.watched[decision.name] = _Watched()
            for rule in decision.rules:
                self.fired[rule.id] = 0
                seen = [
                    _Seen(condition, decision.name, rule.id, writer.condition(condition))
                    for condition in _conditions(rule.when)
                ]
                watched.rules.append((rule, seen))

    def add(self, example: Example) -> None:
        """Look at one more example."""
        rules = self.book.book.decisions[example.decision]
        spec = self.book.vocabulary.decisions[example.decision]
        evaluation = Evaluation(rules, spec, example.facts, example.settings)
        for rule_id in {firing.rule for firing in evaluation.run().firings}:
            self.fired[rule_id] += 1
        for rule, seen in self.watched[example.decision].rules:
            facts, known = evaluation.seen[rule.stratum], evaluation.known[rule.stratum]
            for one in seen:
                if not (one.met and one.not_met):
                    _ask(one, facts, known)

    def coverage(self) -> Coverage:
        """What was seen so far."""
        tables: dict[str, list[str]] = {}
        decisions: dict[str, tuple[str, ...]] = {}
        conditions: list[ConditionCoverage] = []
        for name, watched in self.watched.items():
            decisions[name] = tuple(rule.id for rule, _ in watched.rules)
            for rule, seen in watched.rules:
                if rule.table:
                    tables.setdefault(f"{name}: {rule.table}", []).append(rule.id)
                conditions += (
                    ConditionCoverage(
                        one.decision,
                        one.rule,
                        one.text,
                        rule.place.file,
                        one.condition.place.line,
                        one.met,
                        one.not_met,
                    )
                    for one in seen
                )
        return Coverage(self.fired, decisions, {name: tuple(rows) for name, rows in tables.items()}, tuple(conditions))


def _conditions(part: Condition | Group) -> Iterator[Condition]:
    if isinstance(part, Group):
        for child in part.children:
            yield from _conditions(child)
        return
    yield part
    if isinstance(part.left, Aggregate):
        yield from part.left.where


def _ask(one: _Seen, facts: FactsByType, known: Known) -> None:
    """Ask a condition of every combination of the facts it speaks of, until it was seen both ways."""
    types = sorted(types_of(one.condition))
    pools: list[list[Fact]] = [list(facts.get(name, ())) for name in types]
    for chosen in islice(product(*pools), COMBINATIONS):
        if judge(one.condition, dict(zip(types, chosen, strict=True)), known) == MET:
            one.met = True
        else:
            one.not_met = True
        if one.met and one.not_met:
            return
