"""The rules of a file: ids, priorities, conditions, demands, tables and invariants. Sentences are left to their checkers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.ast import Condition, Demand, Group, Invariant, Path, Place, Rule
from engine.language.checker import Scope, check_condition
from engine.language.demands import Forms, check_demand
from engine.language.literals import read_integer
from engine.language.reading import Reader
from engine.language.rule_table import EVERY, read_hit, read_table
from engine.language.strata import conditions_of, paths_of
from engine.language.yaml_nodes import ListNode, MapNode, Node, ScalarNode
from engine.vocabulary import DecisionSpec

RULES = 20_000
"""Most rules of one decision."""
INVARIANTS = 200
"""Most invariants of one decision."""
CONDITIONS = 200
"""Most conditions of one rule, groups included."""
DEMANDS = 50
"""Most `then` lines of one rule."""
ID_LENGTH = 100
PRIORITY = 100
"""A rule's priority when it names none."""
PRIORITY_LIMIT = 1_000_000

_RULE_KEYS = ("id", "description", "priority", "when", "then", "table", "hit")
_INVARIANT_KEYS = ("id", "description", "when", "never", "always")
_GROUPS = ("all", "any", "none")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(#[1-9][0-9]{0,8})?")


@dataclass(frozen=True, slots=True)
class _Row:
    """A rule before it is typed: one that stands by itself, or a row of a table."""

    id: str
    place: Place
    when: Group
    then: tuple[Demand, ...]
    hit: str


@dataclass
class RuleReader(Reader):
    """Reads rules and invariants. `ids` are the ids taken in this file, with their places; those of broken rules too."""

    ids: dict[str, Place] = field(default_factory=dict)

    def rules(self, node: Node | None, scope: Scope, key: str = "rules") -> list[Rule]:
        """The rules of a list, in the order they are written. None of a rule that has something wrong."""
        if node is None or self.is_empty(node):
            return []
        if not isinstance(node, ListNode):
            self.report(node.place, f"`{key}:` must be a list.", "Begin each rule with `- id:`.")
            return []
        if len(node.items) > RULES:
            self.report(node.place, f"A decision has at most {RULES:,} rules; this one has {len(node.items):,}.")
            return []
        forms = Forms(scope.spec, self.vocabulary)
        return self._even_tables([rule for item in node.items for rule in self._rules_of(item, scope, forms)])

    def invariants(self, node: Node | None, scope: Scope) -> list[Invariant]:
        """What the file says must always hold."""
        if node is None or self.is_empty(node):
            return []
        if not isinstance(node, ListNode) or len(node.items) > INVARIANTS:
            self.report(node.place, f"`invariants:` must be a list of at most {INVARIANTS}.", "Begin each with `- id:`.")
            return []
        forms = Forms(scope.spec, self.vocabulary)
        return [found for item in node.items for found in self._invariant(item, scope, forms)]

    def _invariant(self, node: Node, scope: Scope, forms: Forms) -> Iterator[Invariant]:
        before = len(self.problems)
        entries = self.entries(node, _INVARIANT_KEYS, "An invariant")
        place = entries["id"].place if "id" in entries else node.place
        invariant_id = self._id(entries.get("id"), node.place, "An invariant")
        description = self.description(entries.get("description"))
        when = self._when(entries.get("when"), scope, place)
        never, always = (
            self._then(entries[key], scope, forms, place) if key in entries else () for key in ("never", "always")
        )
        if not never and not always and len(self.problems) == before:
            hint = "Add `never:` or `always:` with a list of outcomes."
            self.report(place, "The invariant says nothing.", hint)
        if len(self.problems) == before:
            binds = _binds(when, (*never, *always), scope.spec)
            yield Invariant(invariant_id, description, when, never, always, binds, place)

    def _even_tables(self, rules: list[Rule]) -> list[Rule]:
        """Rows of a table of which the first hit counts speak of the same fact types: those of all rows together."""
        binds: dict[str, set[str]] = {}
        for rule in rules:
            if rule.hit == "first":
                binds.setdefault(rule.table, set()).update(rule.binds)
        if not binds:
            return rules
        self._same_priority(rule for rule in rules if rule.hit == "first" or rule.table in binds)
        return [replace(rule, binds=tuple(sorted(binds[rule.table]))) if rule.hit == "first" else rule for rule in rules]

    def _same_priority(self, rows: Iterable[Rule]) -> None:
        first: dict[str, Rule] = {}
        for row in rows:
            other = first.setdefault(row.table, row)
            if (row.priority, row.hit) != (other.priority, other.hit):
                message = f"The rows of {row.table} have different priorities or hit policies."
                self.report(row.place, message, "All rows of a table share them.")

    def _rules_of(self, node: Node, scope: Scope, forms: Forms) -> Iterator[Rule]:
        """The rule written here, or one for each row of its table. None of them when something is wrong."""
        before = len(self.problems)
        entries = self.entries(node, _RULE_KEYS, "A rule")
        place = entries["id"].place if "id" in entries else node.place
        rule_id = self._id(entries.get("id"), node.place)
        description = self.description(entries.get("description"))
        priority = self._priority(entries.get("priority"))
        when = self._when(entries.get("when"), scope, place)
        if (table := entries.get("table")) is None:
            hit = self._hit(entries.get("hit"), rule_id)
            rows = [_Row(rule_id, place, when, self._then(entries.get("then"), scope, forms, place), hit)]
        else:
            rows = self._rows(rule_id, table, entries, when, scope, forms)
        if len(self.problems) > before:
            return
        for row in rows:
            binds = _binds(row.when, row.then, scope.spec)
            of, _, number = row.id.partition("#")
            yield Rule(
                row.id, description, priority, row.when, row.then, binds, 0, row.place,
                of if number else "", int(number or 0), row.hit,
            )  # fmt: skip

    def _rows(
        self, rule_id: str, node: Node, entries: Mapping[str, Node], when: Group, scope: Scope, forms: Forms
    ) -> list[_Row]:
        """The rows of a table, each a rule of its own."""
        for key in ("then", "hit"):
            if key in entries:
                hint = "Add a column to the table." if key == "then" else "Write it below `table:`."
                self.report(entries[key].place, f"A rule with a table has no `{key}:` of its own.", hint)
        table = read_table(node, scope.spec, self.report)
        rows = []
        for row in table.rows:
            conditions = [
                self.checked(s.text, s.at, lambda text, at: check_condition(text, scope, at)) for s in row.when
            ]
            demands = [
                self.checked(s.text, s.at, lambda text, at: check_demand(text, scope, forms, at)) for s in row.then
            ]
            if not row.then:
                self.report(row.place, f"Row {row.number} demands nothing.", "Fill a column under `then`.")
            group = Group("all", (*when.children, *(c for c in conditions if c)), row.place)
            self.take(f"{rule_id}#{row.number}", row.place)
            then = tuple(demand for demand in demands if demand)
            rows.append(_Row(f"{rule_id}#{row.number}", row.place, group, then, table.hit))
        return rows

    def _hit(self, node: Node | None, rule_id: str) -> str:
        """The hit policy of a row that is written as a rule by itself, as the formatter writes it."""
        if node is None:
            return EVERY
        if "#" not in rule_id:
            self.report(node.place, "Only a table has a hit policy.", "Write `hit:` below `table:`.")
            return EVERY
        return read_hit(node, self.report)

    def _id(self, node: Node | None, place: Place, subject: str = "A rule") -> str:
        if node is None:
            self.report(place, "The rule has no `id:`." if subject == "A rule" else f"{subject} needs an `id:`.", "Give it a short name, such as `outlet-closed`.")
            return ""
        rule_id = self.text(node, f"The id of {subject.lower()}")
        if rule_id is None:
            return ""
        if not _ID.fullmatch(rule_id) or len(rule_id) > ID_LENGTH:
            self.report(
                node.place,
                f"`{rule_id[:40]}` is not a rule id.",
                f"Use letters, digits, `-` and `_`, at most {ID_LENGTH}, such as `outlet-closed`.",
            )
        else:
            self.take(rule_id, node.place)
        return rule_id

    def take(self, rule_id: str, place: Place) -> None:
        """Keeps an id, or reports who has it already."""
        first = self.ids.setdefault(rule_id, place)
        if first is not place:
            message = f"The rule id `{rule_id}` is taken on line {first.line}."
            self.report(place, message, "Give this one another id: they are unique in the whole book.")

    def _priority(self, node: Node | None) -> int:
        if node is None:
            return PRIORITY
        number = read_integer(node.text) if isinstance(node, ScalarNode) and node.plain else None
        if number is None or abs(number) > PRIORITY_LIMIT:
            self.report(node.place, "A priority is a whole number.", "Lower comes first; 100 is the default.")
            return PRIORITY
        return number

    def _when(self, node: Node | None, scope: Scope, place: Place) -> Group:
        if node is None or self.is_empty(node):
            return Group("all", (), place)
        if not isinstance(node, ListNode):
            self.report(node.place, "`when:` must be a list.", "Begin each condition with `- `.")
            return Group("all", (), place)
        before = len(self.problems)
        group = self._group("all", node, scope, node.place)
        if len(self.problems) == before and _size(group) > CONDITIONS:
            self.report(node.place, f"A rule has at most {CONDITIONS} conditions.", "Divide it, or use `in [...]`.")
        return group

    def _group(self, kind: str, node: ListNode, scope: Scope, place: Place) -> Group:
        children: list[Condition | Group] = []
        for item in node.items:
            if isinstance(item, ScalarNode):
                condition = self.sentence(item, lambda text, at: check_condition(text, scope, at))
                children += [condition] if condition else []
            elif group := self._nested(item):
                key, nested = group
                children.append(self._group(key.text, nested, scope, key.place))
        return Group(kind, tuple(children), place)

    def _nested(self, item: Node) -> tuple[ScalarNode, ListNode] | None:
        """The key and the items of `all:`, `any:` or `none:`."""
        if not isinstance(item, MapNode) or len(item.entries) != 1:
            self.report(
                item.place,
                "Here stands neither a condition nor a group.",
                "A group is `- any:`, `- all:` or `- none:` with a list below it.",
            )
            return None
        ((key, value),) = item.entries
        if key.text not in _GROUPS:
            hint = "Put a condition with a colon in it in quotes; a group is `any:`, `all:` or `none:`."
            self.report(key.place, f"`{key.text[:60]}:` is not a group.", hint)
            return None
        if not isinstance(value, ListNode) or not value.items:
            self.report(value.place, f"`{key.text}:` needs a list of conditions.", "Begin each condition with `- `.")
            return None
        return key, value

    def _then(self, node: Node | None, scope: Scope, forms: Forms, place: Place) -> tuple[Demand, ...]:
        if node is None or not isinstance(node, ListNode) or not node.items:
            self.report(
                place if node is None else node.place,
                "The rule demands nothing.",
                "Add `then:` with a list, such as `- hold order`.",
            )
            return ()
        if len(node.items) > DEMANDS:
            self.report(node.place, f"A rule has at most {DEMANDS} `then` lines.")
            return ()
        found = (self.sentence(item, lambda text, at: check_demand(text, scope, forms, at)) for item in node.items)
        return tuple(demand for demand in found if demand is not None)


def _size(group: Group) -> int:
    return sum(1 + (_size(child) if isinstance(child, Group) else 0) for child in group.children)


def _binds(when: Group, then: tuple[Demand, ...], spec: DecisionSpec) -> tuple[str, ...]:
    """The fact types a rule speaks of: in its conditions, its slots, and as the target of what it demands."""
    types = {path.type for condition in conditions_of(when) for path in paths_of(condition)}
    types |= {slot.type for demand in then for slot in demand.slots.values() if isinstance(slot, Path)}
    types |= {spec.by_name[demand.outcome].target for demand in then}
    return tuple(sorted(types - {"", "setting"}))
