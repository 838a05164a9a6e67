"""Typed rules back into text: the canonical form, which reads as the same rules again.

Comments and the order of rules in a file are not part of the typed rules, so the formatter does not keep them; rules
come in agenda order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from engine.ast import Aggregate, Condition, DecisionRules, Demand, Group, Invariant, LiteralList, Operand, Path, Rule
from engine.language.checker import setting_type
from engine.language.demands import Forms, form_parts
from engine.language.literals import literal_text
from engine.language.rule_settings import setting_words
from engine.language.sentences import UNPRINTABLE, escape, quote
from engine.types import Value
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

_PLAIN = re.compile(r"[^\W_](?:[^#:]|(?<=\S)#|:(?=\S))*(?<=[^\s:])")


def format_decision(decision: DecisionRules, vocabulary: Vocabulary = VOCABULARY) -> str:
    """The canonical YAML text of a decision."""
    return "".join(f"{line}\n" for line in RuleWriter(decision, vocabulary).lines())


class RuleWriter:
    """Writes the parts of one decision in its admin's words."""

    def __init__(self, decision: DecisionRules, vocabulary: Vocabulary) -> None:
        self.decision = decision
        self.vocabulary = vocabulary
        self.spec: DecisionSpec = vocabulary.decisions[decision.name]
        self.words = Forms(self.spec, vocabulary).words

    def lines(self) -> Iterator[str]:
        yield f"decision: {self.decision.name}"
        if self.decision.description:
            yield f"description: {scalar(self.decision.description)}"
        if self.decision.settings:
            yield "settings:"
            for name, value in self.decision.settings.items():
                yield from setting_lines(name, value)
        yield "rules:" if self.decision.rules else "rules: []"
        for rule in self.decision.rules:
            yield from self.rule(rule)
        if self.decision.invariants:
            yield "invariants:"
        for invariant in sorted(self.decision.invariants, key=lambda one: one.id):
            yield from self.invariant(invariant)

    def rule(self, rule: Rule) -> Iterator[str]:
        yield f"  - id: {scalar(rule.id)}"
        if rule.description:
            yield f"    description: {scalar(rule.description)}"
        yield f"    priority: {rule.priority}"
        if rule.hit != "every":
            yield f"    hit: {rule.hit}"
        yield from self._when(rule.when)
        yield from self._demands("then", rule.then)

    def invariant(self, invariant: Invariant) -> Iterator[str]:
        yield f"  - id: {scalar(invariant.id)}"
        if invariant.description:
            yield f"    description: {scalar(invariant.description)}"
        yield from self._when(invariant.when)
        yield from self._demands("never", invariant.never)
        yield from self._demands("always", invariant.always)

    def _when(self, when: Group) -> Iterator[str]:
        if when.children:
            yield "    when:"
            yield from self._children(when, "      ")

    def _demands(self, key: str, demands: Sequence[Demand]) -> Iterator[str]:
        if demands:
            yield f"    {key}:"
        for demand in demands:
            yield f"      - {scalar(self.demand(demand))}"

    def _children(self, group: Group, indent: str) -> Iterator[str]:
        for child in group.children:
            if isinstance(child, Group):
                yield f"{indent}- {child.kind}:"
                yield from self._children(child, indent + "    ")
            else:
                yield f"{indent}- {scalar(self.condition(child))}"

    def condition(self, condition: Condition) -> str:
        """One condition as a sentence."""
        words = [self.subject(condition.left), condition.operator]
        of = self.type_of(condition.left)
        if condition.right is not None:
            words.append(self._operand(condition.right, of, condition.operator))
        if condition.upper is not None:
            words += ["and", self._operand(condition.upper, of, condition.operator)]
        return " ".join(words)

    def subject(self, subject: Path | Aggregate) -> str:
        """What a condition asks about, in words."""
        if isinstance(subject, Path):
            return str(subject)
        of = f"{subject.type}.{subject.field}" if subject.field else self.vocabulary.facts[subject.type].many
        where = " and ".join(self.condition(condition) for condition in subject.where)
        return f"{subject.kind} of {of}" + (f" where {where}" if where else "")

    def _operand(self, operand: Operand, of: str, operator: str) -> str:
        if isinstance(operand, Path):
            return str(operand)
        if isinstance(operand, LiteralList):
            return "[" + ", ".join(literal_text(value, of) for value in operand.values) + "]"
        if operator == "matches":
            return quote(str(operand.value))
        return literal_text(operand.value, of)

    def type_of(self, path: Path | Aggregate) -> str:
        """The field type of a path, count or sum; a setting's is that of its default."""
        if isinstance(path, Aggregate):
            return path.result
        if path.type == "setting":
            return setting_type(self.decision.settings[path.field])
        return self.vocabulary.facts[path.type].by_name[path.field].type

    def demand(self, demand: Demand) -> str:
        """One demand as a sentence, with its reason."""
        outcome = self.spec.by_name[demand.outcome]
        types = {slot.name: slot.type for slot in outcome.slots}
        words = [
            self._slot(demand.slots[name], types[name]) if is_slot else name
            for name, is_slot in form_parts(outcome.form)
        ]
        return " ".join(words) + (f" because {quote(demand.reason)}" if demand.reason else "")

    def _slot(self, operand: Operand, of: str) -> str:
        text = self._operand(operand, of, "")
        return quote(text) if text in self.words and not isinstance(operand, Path) else text


def setting_lines(name: str, value: Value) -> Iterator[str]:
    """A setting and its default, as lines below `settings:`."""
    if isinstance(value, tuple) and not hasattr(value, "currency"):
        yield f"  {name}:" if value else f"  {name}: []"
        yield from (f"    - {scalar(item)}" for item in value)
        return
    words, quoted = setting_words(value)
    yield f"  {name}: {_double_quoted(words) if quoted else (scalar(words) if isinstance(value, str) else words)}"


def scalar(text: str) -> str:
    """Text as a YAML scalar that every YAML reader takes for this text: plain where that is safe."""
    if UNPRINTABLE.search(text):
        return _double_quoted(text)
    if _PLAIN.fullmatch(text) and _is_text(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _double_quoted(text: str) -> str:
    return '"' + _DOUBLE.sub(lambda found: escape(found[0]), text) + '"'


_DOUBLE = re.compile(rf'["\\]|{UNPRINTABLE.pattern}')
_RESOLVER = yaml.resolver.Resolver()


def _is_text(plain: str) -> bool:
    """Whether YAML takes a plain scalar for text, and not for a number, a date or a truth value."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, plain, (True, False))  # type: ignore[no-untyped-call]
    return tag == "tag:yaml.org,2002:str"
