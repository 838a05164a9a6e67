"""One rule file: its keys, settings and rules, checked against the vocabulary. Sentences are left to their checkers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.ast import Condition, DecisionRules, Demand, Group, Path, Place, Rule
from engine.language.checker import At, Scope, check_condition
from engine.language.demands import Forms, check_demand
from engine.language.literals import read_integer
from engine.language.rule_settings import setting_value
from engine.language.rule_table import read_table
from engine.language.sentences import SentenceError, nearest
from engine.language.strata import conditions_of, stratify
from engine.language.yaml_nodes import PROBLEMS, ListNode, MapNode, Node, ScalarNode, read
from engine.types import Problem, Value
from engine.vocabulary import DecisionSpec, Vocabulary

RULES = 20_000
"""Most rules of one decision."""
SENTENCES = 100_000
"""Most conditions and demands of one decision, those of the rows of its tables included."""
CONDITIONS = 200
"""Most conditions of one rule, groups included."""
DEMANDS = 50
"""Most `then` lines of one rule."""
SETTINGS = 500
"""Most settings of one decision."""
ID_LENGTH = 100
DESCRIPTION_LENGTH = 2000
PRIORITY = 100
"""A rule's priority when it names none."""
PRIORITY_LIMIT = 1_000_000

_FILE_KEYS = ("decision", "description", "settings", "rules")
_RULE_KEYS = ("id", "description", "priority", "when", "then", "table")
_GROUPS = ("all", "any", "none")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(#[1-9][0-9]*)?")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*")

_Checked = TypeVar("_Checked", Condition, Demand)


@dataclass(frozen=True)
class RuleFile:
    """What came out of one file: its decision when it could be made out, and everything wrong with it.

    `place` is where the decision is named; `ids` are the rule ids with their places, those of broken rules too.
    """

    decision: DecisionRules | None
    place: Place
    ids: Mapping[str, Place]
    problems: tuple[Problem, ...]


def read_rule_file(file: str, content: str | bytes, vocabulary: Vocabulary) -> RuleFile:
    """Reads and checks one rule file. Never raises."""
    root, problems = read(file, content)
    reader = _Reader(file, vocabulary, list(problems))
    decision = None
    try:
        if root is not None:
            decision = reader.decision(root, content if isinstance(content, str) else content.decode())
        elif not problems:
            reader.report(Place(file, 1, 1), "The file is empty.", "Begin with `decision:` and its name.")
    except _Enough:
        decision = None
    problems = tuple(dict.fromkeys(reader.problems))  # a wrong heading of a table is found again in every row
    return RuleFile(decision, reader.place, reader.ids, problems[:PROBLEMS])


class _Enough(Exception):  # it ends the reading of one file, it is not an error by itself
    """So much is wrong, or the file is so large, that reading on helps nobody."""


@dataclass
class _Reader:
    file: str
    vocabulary: Vocabulary
    problems: list[Problem]
    ids: dict[str, Place] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    sentences: int = 0

    def report(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, place.line, place.column, message, hint))
        if len(self.problems) >= PROBLEMS:
            raise _Enough

    def decision(self, root: Node, text: str) -> DecisionRules | None:
        entries = self._entries(root, _FILE_KEYS, "A rule file")
        spec = self._spec(entries.get("decision"), root.place)
        settings = self._settings(entries.get("settings"))
        rules_node = entries.get("rules")
        if rules_node is None:
            self.report(root.place, "The file has no `rules:`.", "Add a list of rules.")
        if spec is None:
            return None
        rules = self._rules(rules_node, Scope(self.vocabulary, spec, settings))
        ordered = sorted(rules, key=lambda rule: (rule.priority, rule.id))
        stratified, cycles = stratify(ordered, spec)
        self.problems += cycles
        return DecisionRules(spec.name, self._description(entries.get("description")), settings, stratified, text)

    def _spec(self, node: Node | None, place: Place) -> DecisionSpec | None:
        self.place = place if node is None else node.place
        known = ", ".join(self.vocabulary.decisions)
        if node is None:
            self.report(place, "The file does not name its decision.", f"Begin with `decision:` and one of: {known}.")
            return None
        name = self._text(node, "The name of the decision")
        if name is None:
            return None
        spec = self.vocabulary.decisions.get(name)
        if spec is None:
            close = nearest(name, self.vocabulary.decisions)
            better = f"Did you mean `{close}`? " if close else ""
            self.report(node.place, f"There is no decision `{name}`.", f"{better}There are: {known}.")
        return spec

    def _settings(self, node: Node | None) -> dict[str, Value]:
        settings: dict[str, Value] = {}
        if node is None or self._is_empty(node):
            return settings
        if not isinstance(node, MapNode):
            self.report(node.place, "`settings:` must be lines of `name: value`.")
            return settings
        if len(node.entries) > SETTINGS:
            self.report(node.place, f"A decision has at most {SETTINGS} settings.")
            return settings
        for key, value in node.entries:
            if not _SETTING_NAME.fullmatch(key.text) or len(key.text) > ID_LENGTH:
                self.report(
                    key.place,
                    f"`{key.text[:40]}` is not a name for a setting.",
                    "Use small letters, digits and `_`, such as `safety_stock`.",
                )
                continue
            try:
                settings[key.text] = setting_value(value)
            except SentenceError as error:
                self.report(value.place, error.message, error.hint)
        return settings

    def _rules(self, node: Node | None, scope: Scope) -> list[Rule]:
        if node is None or self._is_empty(node):
            return []
        if not isinstance(node, ListNode):
            self.report(node.place, "`rules:` must be a list.", "Begin each rule with `- id:`.")
            return []
        if len(node.items) > RULES:
            self.report(node.place, f"A decision has at most {RULES:,} rules; this one has {len(node.items):,}.")
            return []
        forms = Forms(scope.spec, self.vocabulary)
        return [rule for item in node.items for rule in self._rules_of(item, scope, forms)]

    def _rules_of(self, node: Node, scope: Scope, forms: Forms) -> Iterator[Rule]:
        """The rule written here, or one for each row of its table. None of them when something is wrong."""
        before = len(self.problems)
        entries = self._entries(node, _RULE_KEYS, "A rule")
        place = entries["id"].place if "id" in entries else node.place
        rule_id = self._id(entries.get("id"), node.place)
        description = self._description(entries.get("description"))
        priority = self._priority(entries.get("priority"))
        when = self._when(entries.get("when"), scope, place)
        table = entries.get("table")
        if table is None:
            variants = [(rule_id, place, when, self._then(entries.get("then"), scope, forms, place))]
        else:
            variants = self._rows(rule_id, table, entries.get("then"), when, scope, forms)
        if len(self.problems) > before:
            return
        for each_id, where, conditions, then in variants:
            binds = _binds(conditions, then, scope.spec)
            yield Rule(each_id, description, priority, conditions, then, binds, 0, where)

    def _rows(
        self, rule_id: str, table: Node, then: Node | None, when: Group, scope: Scope, forms: Forms
    ) -> list[tuple[str, Place, Group, tuple[Demand, ...]]]:
        """The rows of a table: the id of its rule, its place, all its conditions, its demands."""
        if then is not None:
            self.report(then.place, "A rule with a table has no `then:` of its own.", "Add a column to the table.")
        rows = []
        for row in read_table(table, scope.spec, self.report):
            conditions = [
                self._checked(s.text, s.at, lambda text, at: check_condition(text, scope, at)) for s in row.when
            ]
            demands = [
                self._checked(s.text, s.at, lambda text, at: check_demand(text, scope, forms, at)) for s in row.then
            ]
            if not row.then:
                self.report(row.place, f"Row {row.number} demands nothing.", "Fill a column under `then`.")
            group = Group("all", (*when.children, *(c for c in conditions if c)), row.place)
            self._take(f"{rule_id}#{row.number}", row.place)
            rows.append((f"{rule_id}#{row.number}", row.place, group, tuple(d for d in demands if d)))
        return rows

    def _id(self, node: Node | None, place: Place) -> str:
        if node is None:
            self.report(place, "The rule has no `id:`.", "Give it a short name, such as `outlet-closed`.")
            return ""
        rule_id = self._text(node, "The id of a rule")
        if rule_id is None:
            return ""
        if not _ID.fullmatch(rule_id) or len(rule_id) > ID_LENGTH:
            self.report(
                node.place,
                f"`{rule_id[:40]}` is not a rule id.",
                f"Use letters, digits, `-` and `_`, at most {ID_LENGTH}, such as `outlet-closed`.",
            )
        else:
            self._take(rule_id, node.place)
        return rule_id

    def _take(self, rule_id: str, place: Place) -> None:
        """Keeps an id, or reports who has it already."""
        first = self.ids.setdefault(rule_id, place)
        if first is not place:
            message = f"The rule id `{rule_id}` is taken on line {first.line}."
            self.report(place, message, "Rule ids are unique in the whole book.")

    def _description(self, node: Node | None) -> str:
        text = "" if node is None else (self._text(node, "A description") or "").strip()
        if node is not None and len(text) > DESCRIPTION_LENGTH:
            self.report(node.place, f"A description has at most {DESCRIPTION_LENGTH} characters.")
        return text

    def _priority(self, node: Node | None) -> int:
        if node is None:
            return PRIORITY
        number = read_integer(node.text) if isinstance(node, ScalarNode) and node.plain else None
        if number is None or abs(number) > PRIORITY_LIMIT:
            self.report(node.place, "A priority is a whole number.", "Lower comes first; 100 is the default.")
            return PRIORITY
        return number

    def _when(self, node: Node | None, scope: Scope, place: Place) -> Group:
        if node is None or self._is_empty(node):
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
                condition = self._sentence(item, lambda text, at: check_condition(text, scope, at))
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
        found = (self._sentence(item, lambda text, at: check_demand(text, scope, forms, at)) for item in node.items)
        return tuple(demand for demand in found if demand is not None)

    def _sentence(self, node: Node, check: Callable[[str, At], _Checked]) -> _Checked | None:
        if not isinstance(node, ScalarNode):
            self.report(node.place, "Here must stand one sentence.", "Put a sentence with a colon in it in quotes.")
            return None
        return self._checked(node.text, node.at, check)

    def _checked(self, text: str, at: At, check: Callable[[str, At], _Checked]) -> _Checked | None:
        self.sentences += 1
        if self.sentences > SENTENCES:
            self.report(at(0), f"A decision has at most {SENTENCES:,} conditions and demands.", "Use `in [...]`.")
            raise _Enough
        try:
            return check(text, at)
        except SentenceError as error:
            self.report(at(error.start), error.message, error.hint)
            return None

    def _entries(self, node: Node, known: tuple[str, ...], subject: str) -> dict[str, Node]:
        """The values of a map by key; unknown keys are reported and left out."""
        if not isinstance(node, MapNode):
            self.report(node.place, f"{subject} must be lines of `name: value`.", f"Its names are: {', '.join(known)}.")
            return {}
        entries: dict[str, Node] = {}
        for key, value in node.entries:
            if key.text in known:
                entries[key.text] = value
            else:
                close = nearest(key.text, known)
                hint = f"Did you mean `{close}`?" if close else f"Its names are: {', '.join(known)}."
                self.report(key.place, f"{subject} has no `{key.text[:60]}`.", hint)
        return entries

    def _text(self, node: Node, subject: str) -> str | None:
        if isinstance(node, ScalarNode):
            return node.text
        self.report(node.place, f"{subject} must be text.")
        return None

    @staticmethod
    def _is_empty(node: Node) -> bool:
        """Whether a key was written with nothing behind it."""
        return isinstance(node, ScalarNode) and node.plain and node.text in ("", "~", "null")


def _size(group: Group) -> int:
    return sum(1 + (_size(child) if isinstance(child, Group) else 0) for child in group.children)


def _binds(when: Group, then: tuple[Demand, ...], spec: DecisionSpec) -> tuple[str, ...]:
    """The fact types a rule speaks of: in its conditions, its slots, and as the target of what it demands."""
    paths = [side for c in conditions_of(when) for side in (c.left, c.right, c.upper) if isinstance(side, Path)]
    paths += [slot for demand in then for slot in demand.slots.values() if isinstance(slot, Path)]
    types = {path.type for path in paths} | {spec.by_name[demand.outcome].target for demand in then}
    return tuple(sorted(types - {"", "setting"}))
