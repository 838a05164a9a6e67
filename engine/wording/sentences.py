"""Rules as sentences: *If the order is delivered and the outlet's country is not the customer's country, then 20 points
are taken from the outlet.* Deterministic, from the typed rule and the words of a language alone.

A field or outcome that a language has no words for (a vocabulary of one's own) is named as it is written in rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.ast import Aggregate, Condition, DecisionRules, Demand, Group, Literal, LiteralList, Operand, Path, Rule
from engine.language.checker import setting_type
from engine.types import Value
from engine.values import Right
from engine.vocabulary import VOCABULARY, DecisionSpec, OutcomeSpec, Slot, Vocabulary
from engine.wording.values import value_words
from engine.wording.words import Clause, Compared, Language


class Speaker:
    """Says the parts of one decision's rules in one language."""

    def __init__(self, rules: DecisionRules, language: Language, vocabulary: Vocabulary = VOCABULARY) -> None:
        self.language = language
        self.vocabulary = vocabulary
        self.settings: Mapping[str, Value] = rules.settings
        self.spec: DecisionSpec = vocabulary.decisions[rules.name]

    def rule(self, rule: Rule) -> str:
        """A whole rule as one sentence."""
        then = self.then(rule)
        several = len(rule.when.children) > 1
        parts = [(self._nested(child) if several else self.when(child)).when for child in rule.when.children]
        if rule.hit == "first" and rule.row > 1:
            parts.insert(0, self.language.phrases["first"])
        if not parts:
            return sentence(self.language.phrases["always"].format(then=then))
        return sentence(self.language.phrases["rule"].format(when=self.language.both(parts), then=then))

    def then(self, rule: Rule) -> str:
        """What a rule demands, in the order of words that follows *then*."""
        return self.language.both([self.demand(demand) for demand in rule.then])

    def demand(self, demand: Demand) -> str:
        """What one demand does, with the reason its author gave."""
        spec = self.spec.by_name[demand.outcome]
        literals = {name: op.value for name, op in demand.slots.items() if isinstance(op, Literal)}
        words = {slot.name: self._slot(demand.slots[slot.name], slot, spec) for slot in spec.slots}
        fields = any(isinstance(operand, Path) for operand in demand.slots.values())
        return self._outcome(spec, literals, words, demand.reason, "field" if fields else "")

    def outcome(self, name: str, arguments: Mapping[str, Value], reason: str = "") -> str:
        """What an outcome that came out does, in the order of words that follows *then*."""
        spec = self.spec.by_name[name]
        words = {s.name: self._value(arguments[s.name], s.type, spec) for s in spec.slots if s.name in arguments}
        return self._outcome(spec, arguments, words, reason)

    def _outcome(
        self, spec: OutcomeSpec, literals: Mapping[str, Value], words: Mapping[str, str], reason: str, key: str = ""
    ) -> str:
        text = fill(self.language.outcomes.get(f"{spec.name}/{key}") or self._template(spec, literals), words)
        return text + fill(self.language.phrases["because"], {"reason": reason}) if reason else text

    def _template(self, spec: OutcomeSpec, literals: Mapping[str, Value]) -> str:
        """The words of an outcome, or those for the value in its slot where there are any."""
        for value in literals.values():
            keys = [str(value)] if isinstance(value, str) else []
            if isinstance(value, int) and not isinstance(value, bool):
                keys = ["negative"] if value < 0 else ["one"] if value == 1 else []
            for key in keys:
                if found := self.language.outcomes.get(f"{spec.name}/{key}"):
                    return found
        return self.language.outcomes.get(spec.name, spec.form)

    def _slot(self, operand: Operand, slot: Slot, spec: OutcomeSpec) -> str:
        if isinstance(operand, Literal):
            return self._value(operand.value, slot.type, spec)
        return self.operand(operand, slot.type)

    def _value(self, value: Value, of: str, spec: OutcomeSpec) -> str:
        """A slot's value; the words for negative numbers say themselves that something is taken away."""
        says_so = isinstance(value, int) and not isinstance(value, bool) and value < 0
        says_so = says_so and f"{spec.name}/negative" in self.language.outcomes
        return value_words(self.language, -value if says_so and isinstance(value, int) else value, of)

    def when(self, part: Condition | Group) -> Clause:
        """A condition or group, after *if* and by itself."""
        if isinstance(part, Group):
            return self._group(part)
        return self.compared(part) if (known := self._meant(part)) is None else known

    def _group(self, group: Group) -> Clause:
        phrases, clauses = self.language.phrases, [self._nested(child) for child in group.children]
        join = self.language.both if group.kind == "all" else self.language.either
        when, alone = join([clause.when for clause in clauses]), join([clause.main for clause in clauses])
        if group.kind != "none":
            return Clause(when, alone)
        inner = when if len(clauses) == 1 else phrases["nested"].format(inner=when)
        return Clause(
            phrases["not so"].format(when=inner), phrases.get("not so alone", phrases["not so"]).format(when=inner)
        )

    def _nested(self, child: Condition | Group) -> Clause:
        clause = self.when(child)
        if not isinstance(child, Group) or len(child.children) < 2 or child.kind == "none":
            return clause
        nested = self.language.phrases["nested"]
        return Clause(nested.format(inner=clause.when), nested.format(inner=clause.main))

    def _meant(self, condition: Condition) -> Clause | None:
        """What a condition means, where the language has words of its own for it: a boolean, or a known choice."""
        left, right = condition.left, condition.right
        if not isinstance(left, Path) or not isinstance(right, Literal) or condition.operator not in ("is", "is not"):
            return None
        is_so = condition.operator == "is"
        if isinstance(right.value, bool):
            return self.state(left, right.value is is_so)
        choice = self.language.choices.get(str(left), {}).get(str(right.value))
        return None if choice is None else choice.yes if is_so else choice.no

    def state(self, path: Path, value: Value) -> Clause | None:
        """What a value of a field says of its fact, where the language has words for it."""
        if isinstance(value, bool):
            if path.type == "setting":
                key, phrases = "on" if value else "off", self.language.phrases
                noun = self.noun(path)
                return Clause(
                    phrases[key].format(setting=noun), phrases.get(f"{key} alone", phrases[key]).format(setting=noun)
                )
            flag = self.language.flags.get(str(path))
            return None if flag is None else flag.yes if value else flag.no
        choice = self.language.choices.get(str(path), {}).get(str(value))
        return None if choice is None else choice.yes

    def compared(self, condition: Condition) -> Clause:
        """A condition said plainly: what stands left, the operator, what stands right."""
        operator, words = self._operator(condition), self._sides(condition)
        return Clause(fill(operator.when, words), fill(operator.alone or operator.when, words))

    def must(self, condition: Condition) -> str:
        """What had to be, for the condition to be met."""
        return fill(self._operator(condition).must, self._sides(condition))

    def _operator(self, condition: Condition) -> Compared:
        names = condition.operator in ("in", "not in") and isinstance(condition.right, Path)
        return self.language.operators[f"{condition.operator} list" if names else condition.operator]

    def _sides(self, condition: Condition) -> dict[str, str]:
        of, path = self.type_of(condition.left), str(condition.left)
        sides = {"left": self.noun(condition.left)}
        if condition.right is not None:
            sides["right"] = self.operand(condition.right, of, path)
        if condition.upper is not None:
            sides["upper"] = self.operand(condition.upper, of, path)
        return sides

    def operand(self, operand: Operand, of: str, path: str = "") -> str:
        """The right side of a condition, or what fills a slot."""
        if isinstance(operand, Path):
            return self.noun(operand)
        value: Right = operand.values if isinstance(operand, LiteralList) else operand.value
        return self.value(value, of, path)

    def value(self, value: Right, of: str, path: str = "", *, either: bool = True) -> str:
        """A value of a field type in words; several are joined by *or*, or by *and* when `either` is false."""
        return value_words(self.language, value, of, path, either=either)

    def noun(self, of: Path | Aggregate) -> str:
        """What a field, setting, count or sum is called."""
        if isinstance(of, Aggregate):
            return self._total(of)
        if of.type == "setting":
            return fill(self.language.phrases["setting"], {"name": of.field.replace("_", " ")})
        return self.language.nouns.get(str(of), str(of))

    def _total(self, aggregate: Aggregate) -> str:
        noun = self.noun(Path(aggregate.type, aggregate.field)) if aggregate.field else ""
        text = fill(self.language.phrases[aggregate.kind], {"many": self.many(aggregate.type), "noun": noun})
        if not aggregate.where:
            return text
        where = self.language.both([self.when(condition).when for condition in aggregate.where])
        return text + fill(self.language.phrases["where"], {"when": where})

    def would_add(self, fact_type: str) -> str:
        """That there would have to be one more fact of a type."""
        return fill(self.language.phrases["would add"], {"many": self.many(fact_type)})

    def many(self, fact_type: str) -> str:
        """Several facts of a type: *order lines*."""
        thing = self.language.things.get(fact_type)
        return thing.many if thing else self.vocabulary.facts[fact_type].many

    def would(self, path: Path, before: Value | None, after: Value | None) -> str:
        """What would have to be otherwise: a field that was `before` would have to be `after` (None: not known)."""
        phrases, noun = self.language.phrases, self.noun(path)
        if after is None:
            return fill(phrases["would unknown"], {"left": noun})
        if state := self.state(path, after):
            return fill(phrases["would so"], {"when": state.when})
        of = self.type_of(path)
        words = {"left": noun, "value": self.value(after, of, str(path), either=False)}
        if before is None:
            return fill(phrases["would"], words)
        return fill(phrases["would instead"], {**words, "before": self.value(before, of, str(path), either=False)})

    def type_of(self, left: Path | Aggregate) -> str:
        """The field type of what stands left in a condition."""
        if isinstance(left, Aggregate):
            return "integer" if left.kind == "count" else self.type_of(Path(left.type, left.field))
        if left.type == "setting":
            return setting_type(self.settings[left.field])
        return self.vocabulary.facts[left.type].by_name[left.field].type


_HOLE = re.compile(r"\{(\w+)\}")


def fill(template: str, words: Mapping[str, str]) -> str:
    """A template with its holes filled; braces in the words themselves mean nothing."""
    return _HOLE.sub(lambda hole: words.get(hole[1], hole[0]), template)


def sentence(text: str) -> str:
    """With a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
