"""Facts as JSON: what a decision saw, kept so that it can be taken again, and facts that people write by hand.

*Kept* facts say of every value what it is, so that they stay readable when the vocabulary moves on. Text, whole numbers
and booleans are written as they are, lists of text as arrays, and what JSON has no type for says so:
`{"money": [1250, "EUR"]}`, `{"number": "2.5"}`, `{"moment": "2026-11-22T10:00:00+00:00"}`, `{"date": "2026-11-22"}`, `{"time": "09:30:00"}`.
The same facts always give the same text, so that it can be hashed.

*Written* facts (`read_facts`) are typed by the vocabulary and may use the words of the rule language instead:
`"12.50 EUR"`, `"2 kg"`, `"3 days"`, `"2026-11-22T10:00Z"`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from engine.language.literals import NAMES, literal_value, read_moment
from engine.language.sentences import HALF_CHARACTER, SentenceError, nearest, parse_value
from engine.money import LARGEST
from engine.types import Fact, Money, Value
from engine.values import fits
from engine.vocabulary import VOCABULARY, FactType, Field, Vocabulary

FACTS = 10_000
"""Most facts read at once by `read_facts`."""


class FactsError(ValueError):
    """Facts that cannot be used. `problems` says what is wrong with each, and what to write instead."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def encode_value(value: Value) -> Any:
    """One value as JSON. Raises TypeError for what no fact may hold."""
    match value:
        case str() | int():  # a boolean is an int too, and JSON knows both
            return value
        case Money():
            return {"money": [value.minor, value.currency]}
        case Decimal() if value.is_finite():
            return {"number": f"{value.normalize():f}"}  # 2.50 and 2.5 are one number
        case datetime() if value.tzinfo is not None:
            return {"moment": value.astimezone(UTC).isoformat()}
        case date() if not isinstance(value, datetime):
            return {"date": value.isoformat()}
        case time() if value.tzinfo is None:
            return {"time": value.isoformat()}
        case tuple() if all(isinstance(item, str) for item in value):
            return list(value)
    raise TypeError(f"{value!r} is not a value that facts may hold")


def decode_value(document: Any) -> Value:
    """The value that `encode_value` wrote. Raises ValueError for anything else."""
    match document:
        case str() | int():
            return document
        case list() if all(isinstance(item, str) for item in document):
            return tuple(document)
        case dict() if len(document) != 1:
            pass
        case {"money": [int(minor), str(currency)]} if not isinstance(minor, bool):
            return Money(minor, currency)
        case {"number": str(text)}:
            return _number(text)
        case {"moment": str(text)}:
            return _moment(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"time": str(text)}:
            return _time(text)
    raise ValueError(f"{document!r} is not a value written by Wissel")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _moment(text: str) -> datetime:
    moment = read_moment(text)
    if moment is None:
        raise ValueError(f"{text!r} is not a moment with its time zone")
    return moment


def _time(text: str) -> time:
    found = time.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(f"{text!r} is not a time of day")
    return found


def encode_values(values: Mapping[str, Value]) -> dict[str, Any]:
    """Named values as JSON, in the order of their names."""
    return {name: encode_value(values[name]) for name in sorted(values)}


def decode_values(document: Mapping[str, Any]) -> dict[str, Value]:
    """The values that `encode_values` wrote. Raises ValueError."""
    return {name: decode_value(value) for name, value in document.items()}


def encode_fact(fact: Fact) -> dict[str, Any]:
    """One fact as JSON."""
    return {"type": fact.type, "id": fact.id, "values": encode_values(fact.values)}


def decode_fact(document: Mapping[str, Any]) -> Fact:
    """The fact that `encode_fact` wrote. Raises ValueError, or KeyError when a part is missing."""
    return Fact(document["type"], document["id"], decode_values(document["values"]))


def encode_facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts as JSON, by type and id, whatever their order."""
    return [encode_fact(fact) for fact in sorted(facts, key=lambda fact: (fact.type, fact.id))]


def canonical_hash(document: Any) -> str:
    """SHA-256, in hexadecimal, of a JSON document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def facts_hash(facts: Iterable[Fact]) -> str:
    """SHA-256, in hexadecimal, of facts, whatever their order and that of their fields."""
    return canonical_hash(encode_facts(facts))


def read_facts(document: Any, vocabulary: Vocabulary = VOCABULARY) -> tuple[Fact, ...]:
    """Facts as people write them: a list of `{"type": ..., "id": ..., "values": {field: value}}`.

    Every value is checked against its field's type; kept values are understood too. Raises FactsError with everything
    that is wrong.
    """
    if not isinstance(document, list):
        raise FactsError(("Facts must be a list.",))
    if len(document) > FACTS:
        raise FactsError((f"There are {len(document):,} facts; at most {FACTS:,} are read at once.",))
    problems: list[str] = []
    facts: dict[tuple[str, str], Fact] = {}
    for number, item in enumerate(document, 1):
        fact = _fact(item, f"fact {number}", vocabulary, problems)
        if fact is None:
            continue
        if (fact.type, fact.id) in facts:
            problems.append(f"fact {number}: {fact.type} {fact.id} is there already; give every {fact.type} its own id.")
        facts[fact.type, fact.id] = fact
    if problems:
        raise FactsError(tuple(problems))
    return tuple(facts.values())


def _fact(item: Any, where: str, vocabulary: Vocabulary, problems: list[str]) -> Fact | None:
    match item:
        case {"type": str(name), "id": str(fact_id), "values": dict(values)} if len(item) == 3:
            fact_type = vocabulary.facts.get(name)
            where = f"{where} ({name} {fact_id})"
            if HALF_CHARACTER.search(fact_id):
                problems.append(f"{where}: the id holds half a character (U+D800 to U+DFFF).")
        case _:
            problems.append(f'{where}: it must have a "type", an "id" (text) and "values", and nothing else.')
            return None
    if fact_type is None:
        problems.append(f"{where}: there is no fact `{name}`.{_did_you_mean(name, vocabulary.facts)}")
        return None
    return Fact(name, fact_id, _values(values, fact_type, where, problems))


def _values(values: Mapping[Any, Any], fact_type: FactType, where: str, problems: list[str]) -> dict[str, Value]:
    read: dict[str, Value] = {}
    for name, written in values.items():
        field = fact_type.by_name.get(name)
        if field is None:
            better = _did_you_mean(str(name), fact_type.by_name)
            problems.append(f"{where}: `{fact_type.name}` has no field `{name}`.{better}")
            continue
        try:
            read[field.name] = _value(written, field, f"{fact_type.name}.{field.name}")
        except SentenceError as error:
            problems.append(f"{where}: {error.message} {error.hint}".rstrip())
    return read


def _value(written: Any, field: Field, subject: str) -> Value:
    try:
        value = decode_value(written)
    except ValueError:
        raise SentenceError(0, f"`{written}` is not a value for {subject}, which is {NAMES[field.type]}.") from None
    if isinstance(value, int) and not isinstance(value, bool) and field.type == "number":
        value = Decimal(value)
    if isinstance(value, str) and field.type not in ("text", "enum"):
        return literal_value(parse_value(value), field.type, field.values, subject)
    if not fits(value, field.type, field.values) or not _is_storable(value):
        values = f" Its values are: {', '.join(field.values)}." if field.values else ""
        raise SentenceError(0, f"`{written}` is not a value for {subject}, which is {NAMES[field.type]}.{values}")
    return value


def _is_storable(value: Value) -> bool:
    """Whether a value survives being kept: whole characters only, and numbers of a size that means something."""
    if isinstance(value, int):
        return abs(value) <= LARGEST
    texts = value if isinstance(value, tuple) else (value,)
    return not any(isinstance(text, str) and HALF_CHARACTER.search(text) for text in texts)


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = nearest(name, names)
    return f" Did you mean `{close}`?" if close else f" There are: {', '.join(names)}."
