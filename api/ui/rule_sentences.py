"""Sentences of the rule language from what people choose in drop-downs, and back to what the drop-downs show.

Only words are put together here; whether they make sense is said by the checker, as for text typed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.language.checker import OPERATORS_OF, setting_serves, setting_type
from engine.language.demands import form_parts
from engine.language.literals import literal_text
from engine.language.sentences import quote, unquote
from engine.types import Value
from engine.vocabulary import VOCABULARY, DecisionSpec, OutcomeSpec

WITHOUT_VALUE = ("exists", "is missing")
WITH_LIST = ("in", "not in")
HINTS: Mapping[str, str] = {
    "text": "any text", "integer": "3", "number": "2.5", "money": "50.00 EUR", "weight": "2 kg", "duration": "3 days",
    "moment": "2026-11-22T10:00Z", "date": "2026-11-22", "time": "09:30", "list": "any text",
}  # fmt: skip
"""How a value of each type is written; shown in empty fields."""
FIRST_VALUES: Mapping[str, str] = {
    "text": '""', "boolean": "true", "integer": "1", "number": "1.0", "money": "50.00 EUR", "weight": "1 kg", "duration": "1 day",
    "moment": "2026-01-01T00:00Z", "date": "2026-01-01", "time": "12:00", "list": '""',
}  # fmt: skip
"""What a new condition compares with until somebody says what."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)', re.DOTALL)
_PATH = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds: its type, and its words when it is one out of a few."""

    type: str
    values: tuple[str, ...] = ()
    meaning: str = ""

    @property
    def operators(self) -> tuple[str, ...]:
        """What may be asked of it."""
        return OPERATORS_OF[self.type]

    @property
    def first(self) -> str:
        """Some value of it, as it is written."""
        return self.values[0] if self.values else FIRST_VALUES[self.type]


@dataclass(frozen=True)
class Words:
    """The fields one rule file may mention, its own settings included."""

    spec: DecisionSpec
    settings: Mapping[str, Value]

    def kind(self, path: str) -> Kind | None:
        """What a path stands for, None when it stands for nothing."""
        fact, _, name = path.partition(".")
        if fact == "setting":
            return Kind(setting_type(self.settings[name])) if name in self.settings else None
        if fact not in self.spec.sees or fact not in VOCABULARY.facts:
            return None
        field = VOCABULARY.facts[fact].by_name.get(name)
        return Kind(field.type, field.values, field.meaning) if field else None

    def groups(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """All fields by fact: (fact, its meaning, [(path, meaning)])."""
        found = [
            (fact, VOCABULARY.facts[fact].meaning, [(f"{fact}.{field.name}", field.meaning) for field in VOCABULARY.facts[fact].fields])
            for fact in self.spec.sees
            if fact in VOCABULARY.facts
        ]
        if self.settings:
            found.append(("setting", "Named values of this file.", [(f"setting.{name}", "") for name in self.settings]))
        return found

    def like(self, kind: Kind) -> list[str]:
        """Settings and fields that can be compared with a field of this kind."""
        settings = [f"setting.{name}" for name, value in self.settings.items() if setting_serves(value, kind.type, kind.values)]
        if kind.values or kind.type == "boolean":
            return settings
        fields = [
            f"{fact}.{field.name}"
            for fact in self.spec.sees
            if fact in VOCABULARY.facts
            for field in VOCABULARY.facts[fact].fields
            if field.type == kind.type
        ]
        return settings + fields

    def first_condition(self, besides: Iterable[str] = ()) -> str:
        """A condition to begin with, other than those there are: about a few words, so that it reads well at once."""
        taken = {text.partition(" ")[0] for text in besides}
        names = [name for name in ("order", *self.spec.sees) if name in self.spec.sees and name in VOCABULARY.facts]
        fields = [(name, field) for name in names for field in VOCABULARY.facts[name].fields if f"{name}.{field.name}" not in taken]
        for name, field in fields:
            if field.values:
                return f"{name}.{field.name} is {field.values[0]}"
        name, field = fields[0] if fields else (names[0], VOCABULARY.facts[names[0]].fields[0])
        return f"{name}.{field.name} exists"

    def first_demand(self) -> str:
        """A demand to begin with."""
        return demand(self.spec.outcomes[0], {}, "")


def condition(words: Words, chosen: Mapping[str, str]) -> str:
    """The condition that was chosen: `field`, `operator`, `value` and, for `between`, `upper`. What does not fit the new
    field or operator any more is replaced by something that does."""
    field, operator, value, upper = (chosen.get(name, "").strip() for name in ("field", "operator", "value", "upper"))
    kind = words.kind(field)
    if kind is None:
        return " ".join(part for part in (field, operator, value) if part)
    if operator not in kind.operators:
        operator = kind.operators[0]
    if operator in WITHOUT_VALUE:
        return f"{field} {operator}"
    if chosen.get("changed") == "field":
        value, upper = kind.first, kind.first
    if operator in WITH_LIST:
        return f"{field} {operator} {_list(value, kind)}"
    value = _one(value, kind)
    if operator == "matches":
        return f"{field} {operator} {value if _QUOTED.fullmatch(value) else quote(value)}"
    if operator == "between":
        return f"{field} between {value} and {_one(upper, kind) if upper else value}"
    return f"{field} {operator} {value}"


def _one(value: str, kind: Kind) -> str:
    """One value as it is written; the first one when a list stood here before."""
    if value.startswith("[") or (kind.values and "," in value):
        items = list(_items(value.strip("[]")))
        value = items[0] if items else ""
    return _written(value, kind) if value else kind.first


def _list(value: str, kind: Kind) -> str:
    if _PATH.fullmatch(value) and value.partition(".")[0] == "setting":
        return value
    items = [_written(item, kind) for item in _items(value.strip().strip("[]"))]
    return f"[{', '.join(items or [kind.first])}]"


def _items(text: str) -> Iterable[str]:
    found = (match[1].strip() for match in _ITEM.finditer(text))
    return (item for item in found if item)


def _written(value: str, kind: Kind) -> str:
    """A value typed into a field, in quotes where the language wants them."""
    if kind.type not in ("text", "list") or _QUOTED.fullmatch(value) or _PATH.fullmatch(value):
        return value
    return literal_text(value, "text")


def shown(value: str, kind: Kind | None) -> str:
    """A value of a sentence as a field shows it: text without its quotes where they go without saying."""
    text = value.strip()
    if kind is not None and text.startswith("[") and text.endswith("]"):
        return ", ".join(_bare(item) if "," not in item else item for item in _items(text[1:-1]))
    return _bare(text) if kind is not None and kind.type in ("text", "list") else text


def _bare(text: str) -> str:
    if not _QUOTED.fullmatch(text):
        return text
    bare = unquote(text)
    return text if not bare.strip() or _PATH.fullmatch(bare) or '"' in bare or "\\" in bare or bare != bare.strip() else bare


def demand(outcome: OutcomeSpec, slots: Mapping[str, str], reason: str) -> str:
    """The demand with these values in its slots; an empty slot gets some value of its type."""
    by_name = {slot.name: Kind(slot.type, slot.values) for slot in outcome.slots}
    parts = [
        (_written(slots[name].strip(), by_name[name]) if slots.get(name, "").strip() else by_name[name].first) if is_slot else name
        for name, is_slot in form_parts(outcome.form)
    ]
    return " ".join(parts) + (f" because {quote(reason.strip())}" if reason.strip() else "")


def reason_of(text: str) -> tuple[str, str]:
    """A demand's sentence without its reason, and the reason."""
    found = re.search(r'\s+because\s+("(?:[^"\\]|\\.)*")\s*$', text, re.DOTALL)
    return (text[: found.start()], unquote(found[1])) if found else (text, "")


def as_text(document: Mapping[str, Any], name: str) -> str:
    """A part of what was chosen, empty when it is none."""
    value = document.get(name, "")
    return value if isinstance(value, str) else ""
