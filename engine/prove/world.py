"""A world for the solver: a few facts of each type, whose fields it may fill as it likes, and the settings.

What the fields of one fact must have to do with one another is said here: fields that our own records always have are
there, the day, time of day and weekday of a moment fit it (in some time zone), and the order and the event exist.
`exact` and `likely` are assumptions a question may make: `exact` that patterns, parts of texts, counts and sums are as in
the facts the world has, `likely` that values look like those of real orders, `usual` that settings are as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import z3

from engine.ast import Path
from engine.language.example_facts import natural_id
from engine.prove.logic import Formula, Logic, Number
from engine.prove.survey import SETTING, Key, Survey
from engine.prove.texts import Strings
from engine.types import Fact, Money, Value
from engine.values import kind
from engine.vocabulary import WEEKDAYS, Field

LARGEST = 10**15
ALWAYS_THERE = ("order", "event")
"""Fact types of which every decision that sees them has one."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, SECOND = 86_400_000_000, 1_000_000
"""In microseconds, in which moments and times of day are counted."""
_EPOCH_DAY = EPOCH.date().toordinal()
_MOMENTS = (-(_EPOCH_DAY - 2) * DAY, (date.max.toordinal() - _EPOCH_DAY - 1) * DAY)
_YEARS = (date(2020, 1, 1).toordinal(), date(2035, 12, 31).toordinal())
_LIKELY = {
    "date": _YEARS,
    "moment": tuple((year - _EPOCH_DAY) * DAY for year in _YEARS),
    "money": (0, 10_000_000),
    "number": (0, 10_000_000),
    "time": (0, DAY - SECOND),
}
_KINDS = {"text": "text", "enum": "text", "integer": "number", "weight": "number", "duration": "number"}

Binding = Mapping[str, int]
"""Which of the world's facts stands for each fact type."""


@dataclass(frozen=True, slots=True)
class Term:
    """A value for the solver. `kind` is that of `values.kind`, without the currency; numbers are multiplied by `scale`;
    of a list, `holds` says whether it has the text of a number. `any_currency`: a sum of no amounts at all."""

    kind: str
    present: Formula
    value: Any = None
    scale: int = 1
    currency: Number = -1
    any_currency: Formula = False
    strings: Strings | None = None
    holds: Callable[[int], Formula] | None = None
    name: str = ""


@dataclass
class Slot:
    """One fact of a world."""

    there: Formula
    terms: dict[str, Term] = field(default_factory=dict)
    elements: dict[str, dict[int, Formula]] = field(default_factory=dict)


class World:
    """The facts and settings of one world. `add` takes what must hold in it. `settings` are those in force. In a `bare`
    world nothing is said about what the fields of a fact have to do with one another: that of stored facts, which are as
    they are."""

    def __init__(
        self,
        survey: Survey,
        logic: Logic,
        add: Callable[[Formula], None],
        sizes: Mapping[str, int],
        settings: Mapping[str, Value],
        bare: bool = False,
    ) -> None:
        self.bare = bare
        self.survey = survey
        self.logic = logic
        self._add = add
        self.exact, self.likely, self.usual = (logic.truth(name) for name in ("exact", "likely", "usual"))
        self.settings: dict[str, Term] = {}
        self._setting_elements: dict[str, dict[int, Formula]] = {}
        self.in_force = settings
        for name in sorted(survey.settings):
            self._setting(name)
        self.slots = {
            name: [self._slot(name, number) for number in range(sizes.get(name, 1))] for name in sorted(survey.types)
        }

    def add(self, formula: Formula) -> None:
        """Something that must hold in this world."""
        if formula is not True:
            self._add(self.logic.whether(formula))

    def term(self, path: Path, bound: Binding) -> Term:
        """What a field or setting is for some combination of facts."""
        if path.type == SETTING:
            return self.settings[path.field]
        return self.slots[path.type][bound[path.type]].terms[path.field]

    def there(self, name: str, number: int) -> Formula:
        """Whether a fact is there at all."""
        return self.slots[name][number].there

    def _slot(self, name: str, number: int) -> Slot:
        logic, fact_type = self.logic, self.survey.vocabulary.facts[name]
        there = True if name in ALWAYS_THERE and not number and not self.bare else logic.truth(f"{name}{number}")
        slot = Slot(there)
        for one in self.survey.fields[name]:
            present = there if one.name in fact_type.always and not self.bare else logic.truth(f"{name}{number}.{one.name}?")
            self.add(logic.implies(present, there))
            slot.elements[one.name] = {}
            slot.terms[one.name] = self._variable((name, one.name), f"{name}{number}", present, slot.elements[one.name])
        for moment in () if self.bare else fact_type.moments:
            self._calendar(slot, moment)
        return slot

    def _setting(self, name: str) -> None:
        elements = self._setting_elements[name] = {}
        term = self.settings[name] = self._variable((SETTING, name), SETTING, True, elements)
        if name in self.in_force:
            self.add(self.logic.implies(self.usual, self.has(term, self.in_force[name])))

    def _variable(self, key: Key, owner: str, present: Formula, elements: dict[int, Formula]) -> Term:
        """A value the solver may choose, within its type."""
        logic, of, name = self.logic, self.survey.field_type(key), f"{owner}.{key[1]}"
        if of == "boolean":
            return Term("boolean", present, logic.truth(name), name=name)
        if of == "list":
            strings = self.survey.strings(key)

            def holds(number: int) -> Formula:
                if number not in elements:
                    elements[number] = logic.truth(f"{name} has {number}")
                return elements[number]

            return Term("list", present, strings=strings, holds=holds, name=name)
        value = logic.number(name)
        if of in ("text", "enum"):
            return self._text(key, of, Term("text", present, value, strings=self.survey.strings(key), name=name))
        scale = self.survey.scale if of == "number" else 1
        self._bounds(of, value, scale)
        if of != "money":
            return Term(_KINDS.get(of, of), present, value, scale, name=name)
        currency = logic.number(f"{name} in")
        self.add(logic.every((currency >= 0, currency < len(self.survey.currencies))))
        return Term("money", present, value, currency=currency, name=name)

    def _text(self, key: Key, of: str, term: Term) -> Term:
        strings = term.strings
        assert strings is not None
        numbers = range(len(strings.texts))
        if of == "enum" and key[0] != SETTING:
            values = self.survey.vocabulary.facts[key[0]].by_name[key[1]].values
            self.add(self.logic.among(term.value, [strings.numbers[value] for value in values], strings.top))
        self.add(self.logic.every((term.value >= 0, term.value < len(numbers))))
        return term

    def _bounds(self, of: str, value: Number, scale: int) -> None:
        low, high = {
            "date": (1, date.max.toordinal()), "time": (0, DAY - 1), "moment": _MOMENTS,
        }.get(of, (-LARGEST * scale, LARGEST * scale))  # fmt: skip
        self.add(self.logic.every((value >= low, value <= high)))
        low, high = _LIKELY.get(of, _LIKELY["number"])
        self.add(self.logic.implies(self.likely, self.logic.every((value >= low * scale, value <= high * scale))))

    def _calendar(self, slot: Slot, moment: str) -> None:
        """Day, time of day and weekday are those of the moment, in a zone whose offset the solver may choose."""
        logic, terms = self.logic, slot.terms
        names = [name for name in (moment, f"{moment}.date", f"{moment}.time", f"{moment}.weekday") if name in terms]
        if len(names) < 2:
            return
        for name in names[1:]:
            self.add(logic.same(terms[names[0]].present, terms[name].present))
        day = terms[f"{moment}.date"].value if f"{moment}.date" in terms else logic.number("day")
        if moment in terms:
            seconds, quarters = logic.number("seconds"), logic.number("zone")
            self.add(logic.every((quarters >= -48, quarters <= 56, seconds >= 0, seconds < DAY // SECOND)))
            clock = (day - _EPOCH_DAY) * DAY + seconds * SECOND
            there = terms[moment].value + quarters * (900 * SECOND)
            self.add(logic.every((clock <= there, there < clock + SECOND)))
            if f"{moment}.time" in terms:
                self.add(terms[f"{moment}.time"].value == seconds * SECOND)
        if f"{moment}.weekday" in terms and (moment in terms or f"{moment}.date" in terms):
            weekday = terms[f"{moment}.weekday"]
            for number, word in enumerate(WEEKDAYS):
                assert weekday.strings is not None
                self.add(logic.same((day - 1) % 7 == number, weekday.value == weekday.strings.numbers[word]))

    # Values

    def has(self, term: Term, value: Value | None) -> Formula:
        """A term has exactly this value; None: it is missing. False for what it could never hold."""
        if value is None:
            return self.logic.no(term.present)
        return self.logic.every((term.present, self._equals(term, value)))

    def _equals(self, term: Term, value: Value) -> Formula:
        if kind(value).split(" ")[0] != term.kind:
            return False
        if isinstance(value, bool):
            return self.logic.same(term.value, value)
        if term.kind == "list" and isinstance(value, tuple):
            assert term.strings is not None and term.holds is not None
            held = {term.strings.numbers[item] for item in value if item in term.strings.numbers}
            numbers = range(len(term.strings.texts))
            return self.logic.every(self.logic.same(term.holds(n), n in held) for n in numbers)
        if term.kind == "text":
            assert term.strings is not None
            number = term.strings.numbers.get(str(value))
            return False if number is None else term.value == number
        if isinstance(value, Money):
            if value.currency not in self.survey.currencies:
                return False
            currency = self.survey.currencies.index(value.currency)
            return self.logic.every((term.value == value.minor, term.currency == currency))
        return term.value == counted(value, term.scale)

    def facts(self, model: Any) -> tuple[Fact, ...]:
        """The facts of this world as a model of the solver has it."""
        found = []
        for name, slots in self.slots.items():
            fact_type = self.survey.vocabulary.facts[name]
            taken: set[str] = set()
            for number, slot in enumerate(slots):
                if not _true(model, slot.there):
                    continue
                values = dict(self._values(model, slot, self.survey.fields[name]))
                fact_id = natural_id(fact_type, values, number + 1)
                while fact_id in taken:
                    fact_id = f"{fact_id}-{number + 1}"
                taken.add(fact_id)
                found.append(Fact(name, fact_id, values))
        return tuple(found)

    def _values(self, model: Any, slot: Slot, fields: list[Field]) -> Iterator[tuple[str, Value]]:
        for one in fields:
            term = slot.terms[one.name]
            if _true(model, term.present):
                yield one.name, self._value(model, term, one.type, slot.elements[one.name])

    def value(self, model: Any, path: Path, bound: Binding) -> Value | None:
        """What a field or setting is in a model; None when it is missing."""
        term = self.term(path, bound)
        of = self.survey.field_type((path.type, path.field))
        if path.type == SETTING:
            return self._value(model, term, of, self._setting_elements[path.field])
        elements = self.slots[path.type][bound[path.type]].elements[path.field]
        return self._value(model, term, of, elements) if _true(model, term.present) else None

    def chosen_settings(self, model: Any) -> dict[str, Value]:
        """The settings a model has, where they are not those in force."""
        chosen = {}
        for name, term in self.settings.items():
            of = self.survey.field_type((SETTING, name))
            value = self._value(model, term, of, self._setting_elements[name])
            if value != self.in_force.get(name):
                chosen[name] = value
        return chosen

    def _value(self, model: Any, term: Term, of: str, elements: Mapping[int, Formula]) -> Value:
        if term.kind == "list":
            assert term.strings is not None
            return tuple(term.strings.texts[n] for n in sorted(elements) if _true(model, elements[n]))
        if term.kind == "boolean":
            return _true(model, term.value)
        number = whole(model, term.value)
        if term.kind == "text":
            assert term.strings is not None
            return term.strings.texts[number]
        if term.kind == "money":
            return Money(number, self.survey.currencies[whole(model, term.currency)])
        return uncounted(number, of, term.scale)


def _true(model: Any, formula: Formula) -> bool:
    return formula if isinstance(formula, bool) else bool(z3.is_true(model.eval(formula, model_completion=True)))


def whole(model: Any, number: Number) -> int:
    """What a model makes of a number."""
    return number if isinstance(number, int) else int(model.eval(number, model_completion=True).as_long())


def counted(value: Value, scale: int = 1) -> int:
    """A number, weight, duration, day, moment or time of day as the whole number the solver works with."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * SECOND + value.microsecond
    return int(Decimal(str(value)) * scale)


def uncounted(number: int, of: str, scale: int = 1) -> Value:
    """The value of a field type that `counted` made a whole number of."""
    if of == "moment":
        return EPOCH + timedelta(microseconds=number)
    if of == "date":
        return date.fromordinal(number)
    if of == "time":
        seconds, microseconds = divmod(number, SECOND)
        return time(seconds // 3600, seconds // 60 % 60, seconds % 60, microseconds)
    return Decimal(number) / scale if of == "number" else number
