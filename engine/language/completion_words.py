"""The words that continue a sentence: fields, operators, values and outcomes that fit behind what is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.language.checker import OPERATORS_OF, setting_serves, setting_type
from engine.language.demands import form_parts
from engine.language.literals import literal_text
from engine.language.rule_table import BECAUSE
from engine.types import Value
from engine.vocabulary import DecisionSpec, Field, OutcomeSpec, Slot, Vocabulary

MOST = 100
"""Most suggestions at one place."""
_UNITS: Mapping[str, tuple[str, ...]] = {
    "money": ("EUR", "USD", "GBP", "SEK", "DKK", "NOK", "CHF", "PLN"), "weight": ("kg", "g"),
    "duration": ("seconds", "minutes", "hours", "days", "weeks"),
}  # fmt: skip
_OPERATOR = re.compile(
    r"(is not|is missing|is|not in|in|exists|contains|starts with|matches|between|before|after|<=|>=|<|>)(?=\s|$)"
)
_PATH = r"[^\W\d][\w-]*(?:\.[\w-]+)+"
_SUBJECT = re.compile(rf"\s*(count of [\w-]+|sum of {_PATH}|{_PATH})\s+", re.DOTALL)
_WHERE = re.compile(r"\s*(count of [\w-]+|sum of [\w.-]+)\s+where\s+(?:.*\sand\s+)?", re.DOTALL)
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[+-]?\d[\w.:+-]*(?:\s+(?:kg|g|[A-Z]{3}|(?:second|minute|hour|day|week)s?)\b)?|[^\s"\[]+)'
_INNER = re.compile(
    rf"{_PATH}\s+(?:exists|is\s+missing|(?:is\s+not|is|not\s+in|in|contains|starts\s+with|matches|before|after|<=|>=|<|>)"
    rf"\s+(?!not\s|missing\b){_VALUE}|between\s+{_VALUE}\s+and\s+{_VALUE})\s+"
)
"""A whole condition behind `where`."""
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?\s+")
_LIKE_NUMBERS = ("integer", "number")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that could be written: what is put in, what is shown, and what it means."""

    insert: str
    label: str
    detail: str = ""


@dataclass(slots=True)
class Written:
    """A sentence up to the caret. `typed` are its last characters, which a suggestion replaces."""

    text: str
    typed: str = ""


def best(found: Iterable[Suggestion], typed: str) -> list[Suggestion]:
    """The suggestions that have in them what was typed, those that begin with it first."""
    wanted = typed.strip().lower()
    unique = list(dict.fromkeys(found))
    if not wanted:
        return unique[:MOST]
    beginning = [one for one in unique if one.insert.lower().startswith(wanted)]
    part_way = [
        one for one in unique if wanted in one.insert.lower() and not one.insert.lower().startswith(wanted)
    ]
    return (beginning + part_way)[:MOST]


@dataclass(frozen=True)
class Words:
    """The words of one decision."""

    vocabulary: Vocabulary
    spec: DecisionSpec
    settings: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every field its sentences may mention, by its path; settings too."""
        facts = [self.vocabulary.facts[name] for name in self.spec.sees if name in self.vocabulary.facts]
        found = {f"{fact.name}.{one.name}": one for fact in facts for one in fact.fields}
        for name, value in self.settings.items():
            found[f"setting.{name}"] = Field(name, setting_type(value), f"setting, {said(value)} by default")
        return found

    # Conditions

    def condition(self, written: Written) -> Iterator[Suggestion]:
        """What may come next in a condition."""
        text = written.text
        if inner := _WHERE.match(text):
            tail = text[inner.end() :]
            whole = _INNER.match(tail)
            if whole is None:
                yield from self._plain_condition(written, tail, inside=True)
                return
            text = f"{inner[1]} {tail[whole.end() :]}"  # as if nothing were asked of the facts gone through
            if not re.search(r"\s[<>=\w]+\s", text[len(inner[1]) :]):
                yield Suggestion("and ", "and", "asks more of each of them")
        if counting := re.fullmatch(r"\s*(count|sum) of\s+([\w.-]*)", text):
            written.typed = counting[2]
            yield from self._aggregated(counting[1])
            return
        yield from self._plain_condition(written, text, inside=False)

    def _plain_condition(self, written: Written, text: str, *, inside: bool) -> Iterator[Suggestion]:
        subject = _SUBJECT.match(text)
        if subject is None:
            written.typed = text.lstrip()
            yield from self.paths(written.typed)
            if not inside:
                yield from self._beginnings()
            return
        name, rest = " ".join(subject[1].split()), text[subject.end() :]
        field_ = self.field(name)
        if field_ is None:
            return
        operators = [one for one in OPERATORS_OF[field_.type] if not (name.startswith("count") and one in ("exists", "is missing"))]
        operator = _OPERATOR.match(rest)
        behind = rest[operator.end() :] if operator else ""
        if operator and behind and operator[1] in operators:
            yield from self._values(written, name, field_, operator[1], behind.lstrip())
            if len(behind.split()) <= 1:
                longer = [one for one in operators if one.startswith(f"{operator[1]} ")]
                yield from (Suggestion(one[len(operator[1]) + 1 :] + _space(one), one, "operator") for one in longer)
            return
        written.typed = rest
        yield from (Suggestion(one + _space(one), one, f"operator, {field_.type}") for one in operators)
        if not inside and re.match(r"(count|sum) of", name) and not rest.strip():
            yield Suggestion("where ", "where", "asks something of each of them")

    def field(self, name: str) -> Field | None:
        """The field of a path, or what a count or sum gives."""
        if name.startswith("count of "):
            return Field("", "integer", "")
        if name.startswith("sum of "):
            return self.fields.get(name.split()[2])
        return self.fields.get(name)

    def paths(self, typed: str) -> Iterator[Suggestion]:
        """Fact types while no dot was typed, then fields."""
        if "." not in typed:
            names = [*(n for n in self.spec.sees if n in self.vocabulary.facts), *(("setting",) if self.settings else ())]
            for name in names:
                fact = self.vocabulary.facts.get(name)
                yield Suggestion(f"{name}.", name, fact.meaning if fact else "Named values of this file.")
        if typed:
            yield from (Suggestion(path, path, _detail(one)) for path, one in self.fields.items())

    def _beginnings(self) -> Iterator[Suggestion]:
        yield from (
            Suggestion(f"{kind}:", f"{kind}:", said)
            for kind, said in (("any", "at least one is met"), ("all", "all are met"), ("none", "not one is met"))
        )
        if any(self.vocabulary.facts[name].repeated for name in self.spec.sees if name in self.vocabulary.facts):
            yield Suggestion("count of ", "count of", "how many facts there are")
            yield Suggestion("sum of ", "sum of", "values of many facts added up")

    def _aggregated(self, kind: str) -> Iterator[Suggestion]:
        for name in self.spec.sees:
            fact = self.vocabulary.facts.get(name)
            if fact is None or not fact.repeated:
                continue
            if kind == "count":
                yield Suggestion(f"{fact.many} ", fact.many, fact.meaning)
            else:
                summed = (one for one in fact.fields if one.type in ("integer", "number", "money", "weight", "duration"))
                yield from (Suggestion(f"{name}.{one.name} ", f"{name}.{one.name}", _detail(one)) for one in summed)

    def _values(self, written: Written, name: str, of: Field, operator: str, before: str) -> Iterator[Suggestion]:
        """What may stand behind an operator."""
        if operator in ("exists", "is missing"):
            return
        unit_is_next = of.type in _UNITS and _NUMBER.fullmatch(before)
        if operator == "between" and re.fullmatch(rf"{_VALUE}\s+", before) and not unit_is_next:
            yield Suggestion("and ", "and", "up to, included")
            return
        if operator == "between" and " and " in before:
            before = before.rpartition(" and ")[2].lstrip()
        if operator in ("in", "not in"):
            yield from self._members(written, name, of, before)
            return
        written.typed = before
        if operator == "matches":
            yield Suggestion('"', '"pattern"', "RE2, the whole text")
            return
        wanted = Field(of.name, "text", "") if operator in ("contains", "starts with") else of
        yield from self.values(written, wanted, besides=name)

    def _members(self, written: Written, name: str, of: Field, before: str) -> Iterator[Suggestion]:
        """A list, or one more item of it."""
        if "[" not in before:
            written.typed = before
            yield Suggestion("[", "[…]", "a list of values")
            lists = {path: one for path, one in self.fields.items() if one.type == "list" and path != name}
            yield from (Suggestion(path, path, _detail(one)) for path, one in lists.items())
            return
        there = {one.strip(' "') for one in re.split(r"[\[,]", before)[:-1]}
        written.typed = re.split(r"[\[,]\s*", before)[-1]
        yield from (one for one in self.values(written, of, besides=name, constant=True) if one.insert not in there)

    def values(self, written: Written, of: Field | Slot, besides: str = "", constant: bool = False) -> Iterator[Suggestion]:
        """Constants of a type, and with `constant` off fields and settings that serve."""
        if of.type in _UNITS and (number := _NUMBER.match(written.typed)):
            written.typed = written.typed[number.end() :]
            yield from (Suggestion(unit, unit, f"unit of {of.type}") for unit in _UNITS[of.type])
            return
        yield from (Suggestion(value, value, "") for value in of.values)
        if of.type == "boolean":
            yield from (Suggestion(value, value, "") for value in ("true", "false"))
        if not constant:
            for path, one in self.fields.items():
                if path != besides and self._serves(path, one, of):
                    yield Suggestion(path, path, _detail(one))

    def _serves(self, path: str, one: Field, of: Field | Slot) -> bool:
        if path.startswith("setting."):
            return setting_serves(self.settings[one.name], of.type, of.values)
        if one.type == of.type:
            return one.type != "enum" or bool(set(one.values) & set(of.values))
        return one.type in _LIKE_NUMBERS and of.type in _LIKE_NUMBERS

    # Demands

    def demand(self, written: Written, *, example: bool = False) -> Iterator[Suggestion]:
        """What may come next in a demand; in an example, the fact it speaks of may follow."""
        text = written.text
        tokens = [found[0] for found in _TOKEN.finditer(text)]
        open_word = tokens.pop() if tokens and not text[-1:].isspace() else ""
        if BECAUSE in tokens:
            if tokens[-1] == BECAUSE:
                yield Suggestion('"', '"reason"', "shown in traces and messages")
            return
        written.typed = text.lstrip() if not tokens else open_word
        for outcome in self.spec.outcomes:
            yield from self._continued(written, outcome, tokens, example=example)

    def _continued(self, written: Written, outcome: OutcomeSpec, tokens: list[str], *, example: bool) -> Iterator[Suggestion]:
        parts = form_parts(outcome.form)
        slots = {slot.name: slot for slot in outcome.slots}
        at = 0
        for token in tokens:
            if at < len(parts) and (parts[at][1] or parts[at][0] == token):
                at += 1
            elif not (at and parts[at - 1][1] and re.fullmatch(r"[^\W\d]\w*", token)):  # the unit of a quantity
                return
        if at == len(parts):
            if tokens:
                yield Suggestion('because "', "because", "the reason, shown in traces")
                if example and outcome.target and "for" not in tokens:
                    yield Suggestion("for ", "for", f"the id of one {outcome.target}")
        elif parts[at][1]:
            yield from self.values(written, slots[parts[at][0]])
        else:
            fixed = []
            for word, is_slot in parts[at:]:
                if is_slot:
                    break
                fixed.append(word)
            whole = at + len(fixed) == len(parts)
            label = outcome.form if not at else " ".join(fixed)
            yield Suggestion(" ".join(fixed) + ("" if whole else " "), label, outcome.meaning)

    # Tables and examples

    def headings(self, part: str) -> dict[str, str]:
        """What a column of a table may be headed by."""
        if part == "when":
            return {path: _detail(one) for path, one in self.fields.items()}
        fitting = {one.name: one.meaning for one in self.spec.outcomes if len(one.slots) <= 1}
        return {**fitting, BECAUSE: "the reason of the row"}

    def cells(self, heading: str, *, in_list: bool) -> dict[str, str]:
        """What a cell below a field may say."""
        of = self.fields.get(heading.split()[0] if heading.split() else "")
        if of is None:
            return {}
        found = dict.fromkeys(of.values or (("true", "false") if of.type == "boolean" else ()), "")
        if in_list:
            return found
        ordered = [one for one in OPERATORS_OF[of.type] if one in ("<", "<=", ">", ">=", "before", "after", "between")]
        signs = {f'"{one} ' if one[0] in "<>" else f"{one} ": "operator" for one in ordered if len(heading.split()) == 1}
        return {"any": "asks nothing", **found, **signs}

    def outcome_cells(self, heading: str) -> dict[str, str]:
        """What a cell below an outcome may say."""
        outcome = self.spec.by_name.get(heading)
        nothing = {"~": "not demanded by this row"}
        if outcome is None or not outcome.slots:
            return {"yes": outcome.meaning, **nothing} if outcome else nothing
        slot = outcome.slots[0]
        return {**{one.insert: one.detail for one in self.values(Written(""), slot)}, **nothing}

    def fields_of(self, fact_type: str) -> dict[str, str]:
        """The fields of a fact in an example."""
        fact = self.vocabulary.facts.get(fact_type)
        return {f"{one.name}: ": _detail(one) for one in fact.fields} if fact else {}

    def plain_values(self, path: str) -> list[str]:
        """The words a field may hold."""
        of = self.fields.get(path)
        return [] if of is None else list(of.values or (("true", "false") if of.type == "boolean" else ()))


def _space(operator: str) -> str:
    return "" if operator in ("exists", "is missing") else " "


def _detail(of: Field) -> str:
    return f"{of.type} · {of.meaning}" if of.meaning else of.type


def said(value: Value) -> str:
    """A value in the words of a rule."""
    if isinstance(value, tuple) and not hasattr(value, "currency"):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return literal_text(value, setting_type(value))
