"""One rule file: a decision's base rules, or a merchant's layer over them, checked against the vocabulary.

A layer (`layer: true`) changes the base of the same decision: it adds rules, replaces some and switches some off by
their ids, and gives settings other defaults. What comes out is one set of rules, as if they had been written together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.ast import DecisionRules, Invariant, Place, Rule
from engine.language.checker import Scope, setting_type
from engine.language.literals import NAMES
from engine.language.reading import EnoughError
from engine.language.rule_reader import ID_LENGTH, RULES, RuleReader
from engine.language.rule_settings import setting_value
from engine.language.sentences import SentenceError, nearest
from engine.language.yaml_nodes import PROBLEMS, ListNode, MapNode, Node, ScalarNode, read
from engine.types import Problem, Value
from engine.vocabulary import Vocabulary

SETTINGS = 500
"""Most settings of one decision."""
LAYER = "layer"
"""What `Rule.layer` says of a rule that a layer added or replaced."""

_FILE_KEYS = ("decision", "description", "layer", "settings", "rules", "invariants")
_LAYER_KEYS = ("decision", "description", "layer", "settings", "switch_off", "replace", "rules", "invariants")
_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class RuleFile:
    """What came out of one file: its decision when it could be made out, and everything wrong with it.

    `place` is where the decision is named; `ids` are the ids this file gives to rules and invariants, with their
    places, those of broken rules too. Of a layer, `decision` is the base with the layer over it. Rules are in agenda
    order, not yet stratified.
    """

    decision: DecisionRules | None
    place: Place
    ids: Mapping[str, Place]
    problems: tuple[Problem, ...]


def read_rule_file(file: str, content: str | bytes, vocabulary: Vocabulary) -> RuleFile:
    """Reads and checks one base file. Never raises."""
    return _read(file, content, vocabulary, None)


def read_layer_file(
    file: str, content: str | bytes, vocabulary: Vocabulary, bases: Mapping[str, DecisionRules]
) -> RuleFile:
    """Reads and checks one layer over the base rules (decision name to rules). Never raises."""
    return _read(file, content, vocabulary, bases)


def _read(
    file: str, content: str | bytes, vocabulary: Vocabulary, bases: Mapping[str, DecisionRules] | None
) -> RuleFile:
    root, problems = read(file, content)
    reader = _FileReader(file, vocabulary, list(problems))
    decision = None
    try:
        if root is not None:
            text = content if isinstance(content, str) else content.decode()
            decision = reader.base(root, text) if bases is None else reader.over(root, bases)
        elif not problems:
            reader.report(Place(file, 1, 1), "The file is empty.", "Begin with `decision:` and its name.")
    except EnoughError:
        decision = None
    problems = tuple(dict.fromkeys(reader.problems))  # a wrong heading of a table is found again in every row
    return RuleFile(decision, reader.place, reader.ids, problems[:PROBLEMS])


@dataclass
class _FileReader(RuleReader):
    """Reads a whole file, base or layer."""

    def base(self, root: Node, text: str) -> DecisionRules | None:
        entries = self.entries(root, _FILE_KEYS, "A rule file")
        spec = self.spec(entries.get("decision"), root.place)
        if "layer" in entries:
            hint = "Layers lie in the folder `layer/`, under the name of the file they change."
            self.report(entries["layer"].place, "This file of the base book calls itself a layer.", hint)
        settings = self._settings(entries.get("settings"), {})
        if "rules" not in entries:
            self.report(root.place, "The file has no `rules:`.", "Add a list of rules.")
        if spec is None:
            return None
        scope = Scope(self.vocabulary, spec, settings)
        rules = self.rules(entries.get("rules"), scope)
        invariants = self.invariants(entries.get("invariants"), scope)
        description = self.description(entries.get("description"))
        return DecisionRules(spec.name, description, settings, _agenda(rules), text, tuple(invariants))

    def over(self, root: Node, bases: Mapping[str, DecisionRules]) -> DecisionRules | None:
        entries = self.entries(root, _LAYER_KEYS, "A layer")
        spec = self.spec(entries.get("decision"), root.place)
        self._says_layer(entries.get("layer"), root.place)
        base = bases.get(spec.name) if spec else None
        if spec is None or base is None:
            if spec is not None:
                hint = f"The base book has: {', '.join(bases) or 'none'}."
                self.report(self.place, f"There are no base rules for {spec.name} that this layer could change.", hint)
            return None
        scope = Scope(self.vocabulary, spec, self._settings(entries.get("settings"), base.settings))
        known = _ids_of(base)
        off = self._switched_off(entries.get("switch_off"), known)
        replacing = self.rules(entries.get("replace"), scope, "replace")
        self._must_exist(replacing, known, off)
        adding = self.rules(entries.get("rules"), scope)
        self._must_be_new(adding, known)
        invariants = self.invariants(entries.get("invariants"), scope)
        gone = {*off, *map(_owner, replacing)}
        kept = [rule for rule in base.rules if _owner(rule) not in gone]
        ours = [replace(rule, layer=LAYER) for rule in (*replacing, *adding)]
        if len(kept) + len(ours) > RULES:
            self.report(self.place, f"A decision has at most {RULES:,} rules, its layer included.")
        description = self.description(entries.get("description")) or base.description
        self.ids = {i: place for i, place in self.ids.items() if i.partition("#")[0] not in known}
        stated = self._stated(base.invariants, invariants)
        return DecisionRules(spec.name, description, scope.settings, _agenda([*kept, *ours]), base.text, stated)

    def _says_layer(self, node: Node | None, place: Place) -> None:
        if not isinstance(node, ScalarNode) or node.text != "true":
            where = place if node is None else node.place
            self.report(where, "A file in `layer/` begins with `layer: true`.", "Add the line below `decision:`.")

    def _settings(self, node: Node | None, base: Mapping[str, Value]) -> dict[str, Value]:
        """The settings of a file over those of the base."""
        settings = dict(base)
        if node is None or self.is_empty(node):
            return settings
        if not isinstance(node, MapNode):
            self.report(node.place, "`settings:` must be lines of `name: value`.")
            return settings
        if len(node.entries) > SETTINGS:
            self.report(node.place, f"A decision has at most {SETTINGS} settings.")
            return settings
        for key, value in node.entries:
            if not _SETTING_NAME.fullmatch(key.text) or len(key.text) > ID_LENGTH:
                hint = "Use small letters, digits and `_`, such as `safety_stock`."
                self.report(key.place, f"`{key.text[:40]}` is not a name for a setting.", hint)
                continue
            try:
                settings[key.text] = setting_value(value)
            except SentenceError as error:
                self.report(value.place, error.message, error.hint)
                continue
            self._same_type(value.place, key.text, settings[key.text], base.get(key.text))
        return settings

    def _same_type(self, place: Place, name: str, value: Value, base: Value | None) -> None:
        if base is not None and setting_type(value) != setting_type(base):
            wanted, found = NAMES[setting_type(base)], NAMES[setting_type(value)]
            self.report(place, f"`{name}` is {wanted} in the base rules, not {found}.", "Give it a value of that type.")

    def _switched_off(self, node: Node | None, known: Mapping[str, str]) -> set[str]:
        """The ids of base rules that are switched off."""
        off: set[str] = set()
        if node is None or self.is_empty(node):
            return off
        if not isinstance(node, ListNode):
            self.report(node.place, "`switch_off:` must be a list of rule ids.", "Write `switch_off: [outlet-closed]`.")
            return off
        for item in node.items:
            rule_id = self.text(item, "The id of a rule")
            if rule_id is not None and rule_id in known:
                off.add(rule_id)
            elif rule_id is not None:
                self._unknown(item.place, rule_id, known, "switched off")
        return off

    def _unknown(self, place: Place, rule_id: str, known: Mapping[str, str], verb: str) -> None:
        if "#" in rule_id and rule_id.partition("#")[0] in known:
            hint = f"Rows have no ids of their own: replace the whole table `{rule_id.partition('#')[0]}`."
        elif close := nearest(rule_id, known):
            hint = f"Did you mean `{close}`?"
        else:
            hint = "It may have been renamed or removed there; remove it here, or add a rule of your own."
        self.report(place, f"The base rules have no `{rule_id[:60]}` that could be {verb}.", hint)

    def _must_exist(self, rules: Iterable[Rule], known: Mapping[str, str], off: set[str]) -> None:
        for owner, rule in {_owner(rule): rule for rule in rules}.items():
            if owner not in known:
                self._unknown(rule.place, owner, known, "replaced")
            elif owner in off:
                self.report(rule.place, f"`{owner}` is switched off and replaced at once.", "Do one of both.")

    def _must_be_new(self, rules: Iterable[Rule], known: Mapping[str, str]) -> None:
        for owner, rule in {_owner(rule): rule for rule in rules}.items():
            if owner in known:
                message = f"The base rules have a rule `{owner}` already."
                self.report(rule.place, message, "Write it under `replace:`, or give it another id.")

    def _stated(self, base: Sequence[Invariant], ours: Sequence[Invariant]) -> tuple[Invariant, ...]:
        taken = {invariant.id for invariant in base}
        for invariant in ours:
            if invariant.id in taken:
                message = f"The base rules have an invariant `{invariant.id}` already."
                self.report(invariant.place, message, "Give it another id.")
        return (*base, *ours)


def _owner(rule: Rule) -> str:
    """The id under which a layer speaks of a rule: its own, or that of the table it is a row of."""
    return rule.table or rule.id


def _ids_of(rules: DecisionRules) -> dict[str, str]:
    return {_owner(rule): rule.description for rule in rules.rules}


def _agenda(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(sorted(rules, key=lambda rule: rule.key))
