"""Whether a sentence makes sense in the words of the vocabulary: from parsed sentences to typed conditions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from engine.ast import Aggregate, Condition, Literal, LiteralList, Operand, Path, Place
from engine.language.literals import NAMES, literal_value
from engine.language.sentences import (
    AggregateSentence,
    ConditionSentence,
    SentenceError,
    Term,
    nearest,
    parse_condition,
)
from engine.types import Money, Value
from engine.values import compile_pattern
from engine.vocabulary import DecisionSpec, Field, Vocabulary

_EQUALITY = ("is", "is not", "in", "not in", "exists", "is missing")
_ORDER = ("<", "<=", ">", ">=", "between")
_TIME = ("before", "after", "between")
OPERATORS_OF: Mapping[str, tuple[str, ...]] = {
    "text": (*_EQUALITY, "contains", "starts with", "matches"),
    "enum": _EQUALITY,
    "boolean": ("is", "is not", "exists", "is missing"),
    "integer": (*_EQUALITY, *_ORDER),
    "number": (*_EQUALITY, *_ORDER),
    "money": (*_EQUALITY, *_ORDER),
    "weight": (*_EQUALITY, *_ORDER),
    "duration": (*_EQUALITY, *_ORDER),
    "moment": (*_EQUALITY, *_TIME),
    "date": (*_EQUALITY, *_TIME),
    "time": (*_EQUALITY, *_TIME),
    "list": ("contains", "exists", "is missing"),
}
"""Which operators a field of each type takes."""

_BETTER_OPERATOR = {
    **{(of, "<"): "before" for of in ("moment", "date", "time")},
    **{(of, ">"): "after" for of in ("moment", "date", "time")},
    **{(of, sign): "between" for of in ("moment", "date", "time") for sign in ("<=", ">=")},
    ("list", "is"): "contains", ("list", "in"): "contains", ("list", "matches"): "contains",
    **{(of, "before"): "<" for of in ("integer", "number", "money", "weight", "duration")},
    **{(of, "after"): ">" for of in ("integer", "number", "money", "weight", "duration")},
}  # fmt: skip
_SETTING_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"), (int, "integer"), (Decimal, "number"), (Money, "money"), (datetime, "moment"), (date, "date"),
    (time, "time"), (tuple, "list"), (str, "text"),
)  # fmt: skip
_NUMBERS = ("integer", "number")
_COUNTED = ("integer", "number", "weight", "duration")
_SUMMED = ("integer", "number", "money", "weight", "duration")
"""Field types whose values can be added up."""

At = Callable[[int], Place]
"""Where the character at an offset of the sentence stands in the file."""


@dataclass(frozen=True)
class Scope:
    """What the sentences of one rule file may mention."""

    vocabulary: Vocabulary
    spec: DecisionSpec
    settings: Mapping[str, Value]

    def path(self, term: Term, place: Place) -> tuple[Path, Field]:
        """The field a path names. Raises SentenceError with the nearest name when there is none."""
        fact_type, _, name = term.text.partition(".")
        if fact_type == "setting":
            return Path("setting", name, place), self.setting(term, name)
        return Path(fact_type, name, place), self._field(term, fact_type, name)

    def setting(self, term: Term, name: str) -> Field:
        """A setting as a field, typed by its default."""
        if name in self.settings:
            return Field(name, setting_type(self.settings[name]), "")
        raise SentenceError(
            term.start,
            f"There is no setting `{name}` in this file.",
            _did_you_mean(name, self.settings, "setting.") or "Add it under `settings:` with its default.",
        )

    def _field(self, term: Term, fact_type: str, name: str) -> Field:
        if fact_type not in self.spec.sees:
            known = fact_type in self.vocabulary.facts
            message = f"{self.spec.name} does not see `{fact_type}`." if known else f"There is no fact `{fact_type}`."
            better = "" if known else _did_you_mean(fact_type, self.spec.sees)
            raise SentenceError(term.start, message, f"{better} It sees: {', '.join(self.spec.sees)}.".strip())
        fields = self.vocabulary.facts[fact_type].by_name
        if name in fields:
            return fields[name]
        endings = [known for known in fields if known.endswith(f".{name}")]
        better = (
            f"Did you mean `{fact_type}.{endings[0]}`?" if endings else _did_you_mean(name, fields, f"{fact_type}.")
        )
        raise SentenceError(
            term.start,
            f"`{fact_type}` has no field `{name}`.",
            better or f"Its fields are: {', '.join(fields)}.",
        )


def _did_you_mean(name: str, names: Mapping[str, object] | tuple[str, ...], prefix: str = "") -> str:
    close = nearest(name, names)
    return f"Did you mean `{prefix}{close}`?" if close else ""


def setting_type(value: Value) -> str:
    """The field type of a setting with this default."""
    return next(name for kind, name in _SETTING_TYPES if isinstance(value, kind))


def check_condition(sentence: str, scope: Scope, at: At) -> Condition:
    """The condition a sentence states. Raises SentenceError when it makes no sense."""
    return _condition(parse_condition(sentence), scope, at)


def _condition(parsed: ConditionSentence, scope: Scope, at: At) -> Condition:
    subject: Path | Aggregate
    if isinstance(parsed.left, Term):
        subject, field = scope.path(parsed.left, at(parsed.left.start))
        allowed = OPERATORS_OF[field.type]
    else:
        subject, field = _aggregate(parsed.left, scope, at)
        allowed = tuple(o for o in OPERATORS_OF[field.type] if subject.kind == "sum" or o not in ("exists", "is missing"))
    if parsed.operator not in allowed:
        better = _BETTER_OPERATOR.get((field.type, parsed.operator))
        raise SentenceError(
            parsed.operator_start,
            f"`{parsed.operator}` cannot be asked of {subject}, which is {NAMES[field.type]}.",
            f"Write `{better}`." if better else f"It takes: {', '.join(allowed)}.",
        )
    right = _right(parsed, subject, field, scope, at)
    upper = _operand(parsed.upper, subject, field, scope, at) if parsed.upper else None
    _check_range(parsed, right, upper)
    return Condition(subject, parsed.operator, right, upper, at(parsed.left.start))


def _aggregate(parsed: AggregateSentence, scope: Scope, at: At) -> tuple[Aggregate, Field]:
    """What is counted or added up, and the field type of the result."""
    if parsed.kind == "count":
        fact_type = _counted(parsed.of, scope)
        name, field = "", Field("", "integer", "")
    else:
        path, field = scope.path(parsed.of, at(parsed.of.start))
        fact_type, name = path.type, path.field
        if fact_type == "setting" or not scope.vocabulary.facts[fact_type].repeated:
            raise SentenceError(parsed.of.start, f"There is only one {fact_type}: {path} needs no sum.", f"Write `{path}`.")
        if field.type not in _SUMMED:
            raise SentenceError(
                parsed.of.start,
                f"{path} is {NAMES[field.type]}, which cannot be added up.",
                "Write `count of ...` to count facts.",
            )
    where = tuple(_where(one, fact_type, scope, at) for one in parsed.where)
    return Aggregate(parsed.kind, fact_type, name, where, field.type, at(parsed.start)), field


def _counted(term: Term, scope: Scope) -> str:
    """The fact type that a word such as `lines` means."""
    counted = {scope.vocabulary.facts[name].many: name for name in scope.spec.sees if name in scope.vocabulary.facts}
    counted = {many: name for many, name in counted.items() if scope.vocabulary.facts[name].repeated}
    for many, name in counted.items():
        if term.text in (many, name):
            return name
    close = nearest(term.text, counted)
    hint = f"Did you mean `{close}`?" if close else f"It can count: {', '.join(counted) or 'nothing'}."
    raise SentenceError(term.start, f"{scope.spec.name} cannot count `{term.text}`.", hint)


def _where(parsed: ConditionSentence, fact_type: str, scope: Scope, at: At) -> Condition:
    condition = _condition(parsed, scope, at)
    sides = (condition.left, condition.right, condition.upper)
    if not any(isinstance(side, Path) and side.type == fact_type for side in sides):
        raise SentenceError(
            parsed.left.start,
            f"This condition says nothing about the {fact_type} that is looked at.",
            "Make it a condition of the rule.",
        )
    return condition


def _right(parsed: ConditionSentence, path: Path | Aggregate, field: Field, scope: Scope, at: At) -> Operand | None:
    term = parsed.right
    if term is None:
        return None
    if parsed.operator in ("in", "not in"):
        return _members(term, path, field, scope, at)
    if parsed.operator == "matches":
        return _pattern(term, at)
    if term.kind == "items":
        better = {"is": "in", "is not": "not in"}.get(parsed.operator)
        raise SentenceError(
            term.start, f"`{parsed.operator}` takes one value, not a list.", f"Write `{better}`." if better else ""
        )
    if parsed.operator in ("contains", "starts with"):
        field = Field(field.name, "text", "")
    return _operand(term, path, field, scope, at)


def _operand(term: Term, path: Path | Aggregate, field: Field, scope: Scope, at: At) -> Operand:
    """One value, or another field of the same type."""
    if term.kind != "path":
        return Literal(literal_value(term, field.type, field.values, str(path)), at(term.start))
    other, other_field = _named(term, field, scope, at)
    if not comparable(field, other_field, scope, path, other):
        raise SentenceError(term.start, _unlike(path, field, other, other_field))
    return other


def _named(term: Term, field: Field, scope: Scope, at: At) -> tuple[Path, Field]:
    """The field named on the right side, where an unknown one may have been meant as text."""
    try:
        return scope.path(term, at(term.start))
    except SentenceError as error:
        if field.type in ("text", "list"):
            error.hint += f' If you mean this text, write `"{term.text}"`.'
            error.hint = error.hint.strip()
        raise


def _unlike(path: Path | Aggregate, field: Field, other: Path, other_field: Field) -> str:
    if field.type == other_field.type == "enum":
        return f"{path} and {other} have no value in common, so they can never be equal."
    return f"{path} is {NAMES[field.type]} and {other} is {NAMES[other_field.type]}: they cannot be compared."


def comparable(left: Field, right: Field, scope: Scope, left_path: Path | Aggregate, right_path: Path) -> bool:
    """Whether two fields can hold the same value. A setting takes on the type its default allows it to have."""
    if left.type == right.type:
        return left.type != "enum" or bool(set(left.values) & set(right.values))
    if left.type in _NUMBERS and right.type in _NUMBERS:
        return True
    if right_path.type == "setting":
        return setting_serves(scope.settings[right_path.field], left.type, left.values)
    is_setting = isinstance(left_path, Path) and left_path.type == "setting"
    return is_setting and setting_serves(scope.settings[left_path.field], right.type, right.values)


def setting_serves(default: Value, field_type: str, values: tuple[str, ...]) -> bool:
    """Whether a setting may stand where a field type is wanted: weights and durations may be whole numbers (of grams
    and seconds), words of an enum may be text."""
    own = setting_type(default)
    if own == field_type:
        return True
    if own == "integer":
        return field_type in _COUNTED
    return own == "text" and field_type == "enum" and default in values


def _members(term: Term, path: Path | Aggregate, field: Field, scope: Scope, at: At) -> Operand:
    """The right side of `in` and `not in`: a list of constants, or a field that is a list of text."""
    if term.kind == "items":
        if not term.items:
            raise SentenceError(term.start, "An empty list holds nothing.", "Name at least one value.")
        return LiteralList(tuple(_member(item, path, field) for item in term.items), at(term.start))
    if term.kind != "path":
        raise SentenceError(term.start, "`in` and `not in` take a list.", f"Write `[{term.text}]`.")
    other, other_field = _named(term, field, scope, at)
    if other_field.type != "list":
        raise SentenceError(
            term.start,
            f"{other} is {NAMES[other_field.type]}, not a list.",
            "Write `is` or `is not` to compare with it.",
        )
    default = scope.settings[other.field] if other.type == "setting" else ()
    if field.type == "enum" and other.type == "setting" and isinstance(default, tuple):
        unknown = [str(item) for item in default if item not in field.values]
        if unknown:
            raise SentenceError(
                term.start,
                f"{other} holds `{unknown[0]}`, which is not a value of {path}.",
                f"Its values are: {', '.join(field.values)}.",
            )
    elif field.type != "text":
        raise SentenceError(term.start, f"{path} is {NAMES[field.type]} and {other} is a list of text.")
    return other


def _member(item: Term, path: Path | Aggregate, field: Field) -> Value:
    if item.kind == "path":
        raise SentenceError(
            item.start,
            "A list holds constants, not fields.",
            f'Write text as `"{item.text}"`, or use `any:` with a line for each field.',
        )
    return literal_value(item, field.type, field.values, str(path))


def _pattern(term: Term, at: At) -> Literal:
    if term.kind != "text":
        raise SentenceError(term.start, "`matches` takes a pattern in quotes.", 'Write, for example, `matches "NL.*"`.')
    try:
        compile_pattern(term.text)
    except ValueError as error:
        raise SentenceError(
            term.start,
            f"This pattern cannot be used: {error}.",
            "Patterns follow RE2; a \\ before a sign takes it literally.",
        ) from None
    return Literal(term.text, at(term.start))


def _check_range(parsed: ConditionSentence, lower: Operand | None, upper: Operand | None) -> None:
    if parsed.upper is None or not isinstance(lower, Literal) or not isinstance(upper, Literal):
        return
    low, high = lower.value, upper.value
    if isinstance(low, Money) and isinstance(high, Money) and low.currency != high.currency:
        raise SentenceError(parsed.upper.start, "Both ends must be in the same currency.")
    if low > high:  # type: ignore[operator]  # both were read as the same, ordered, field type
        raise SentenceError(
            parsed.upper.start, "The upper end is below the lower end.", "Write the smaller value first."
        )
