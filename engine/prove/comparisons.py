"""Conditions as formulas: what `engine.values.judge` asks of values, asked of terms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from engine.ast import Aggregate, Condition, Group, Literal, LiteralList, Operand, Path
from engine.prove.logic import Formula
from engine.prove.texts import Strings
from engine.prove.world import Binding, Term, World, counted
from engine.types import Money, Value

PAIRS = 3_000
"""Most pairs of texts of two fields looked at for `contains` and `starts with`."""
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "before": lambda a, b: a < b, "after": lambda a, b: a > b, "is": lambda a, b: a == b,
}  # fmt: skip


class Comparisons:
    """Conditions over one world. `total` makes the term of a count or sum."""

    def __init__(self, world: World, total: Callable[[Aggregate, Binding], Term]) -> None:
        self.world = world
        self.logic = world.logic
        self._total = total
        self._guesses: dict[tuple[str, str, str], Formula] = {}

    def part(self, part: Condition | Group, bound: Binding) -> Formula:
        """Whether a condition or group holds for a combination of facts."""
        if isinstance(part, Condition):
            return self.condition(part, bound)
        parts = [self.part(child, bound) for child in part.children]
        if part.kind == "all":
            return self.logic.every(parts)
        return self.logic.some(parts) if part.kind == "any" else self.logic.no(self.logic.some(parts))

    def condition(self, condition: Condition, bound: Binding) -> Formula:
        """Whether a condition holds for a combination of facts."""
        left, operator = condition.left, condition.operator
        term = self.world.term(left, bound) if isinstance(left, Path) else self._total(left, bound)
        if operator in ("exists", "is missing"):
            return term.present if operator == "exists" else self.logic.no(term.present)
        if operator in ("in", "not in"):
            return self.logic.every((term.present, self._membership(term, operator, condition.right, bound)))
        right = self._operand(condition.right, bound, term)
        present = (term.present, right.present)
        if operator == "between":
            upper = self._operand(condition.upper, bound, term)
            ends = (self._ordered(">=", term, right), self._ordered("<=", term, upper))
            return self.logic.every((*present, upper.present, *ends, self._one_kind(right, upper)))
        return self.logic.every((*present, self._compared(operator, term, right)))

    def same_value(self, left: Term, right: Term) -> Formula:
        """Two terms, both there, have equal values."""
        return self._equal(left, right)

    def operand(self, operand: Operand, bound: Binding, strings: Strings | None = None) -> Term:
        """The term of a slot's operand; `strings` are those of the slot."""
        if isinstance(operand, Path):
            return self.world.term(operand, bound)
        assert isinstance(operand, Literal)
        return self._constant(operand.value, strings)

    def _operand(self, operand: Operand | None, bound: Binding, like: Term) -> Term:
        if isinstance(operand, Path):
            return self.world.term(operand, bound)
        assert isinstance(operand, Literal)
        return self._constant(operand.value, like.strings)

    def _constant(self, value: Value, strings: Strings | None) -> Term:
        if isinstance(value, bool):
            return Term("boolean", True, value)
        if isinstance(value, str):
            number = strings.numbers.get(value, -1) if strings else -1
            return Term("text", True, number, strings=strings, name=value)
        if isinstance(value, Money):
            currencies = self.world.survey.currencies
            return Term("money", True, value.minor, currency=currencies.index(value.currency) if value.currency in currencies else -2)
        scale = self.world.survey.scale if isinstance(value, Decimal) else 1
        of = {datetime: "moment", date: "date", time: "time"}.get(type(value), "number")
        return Term(str(of), True, counted(value, scale), scale)

    def _compared(self, operator: str, left: Term, right: Term) -> Formula:
        if operator == "contains" and left.kind == "list":
            return self.has(left, right)
        if left.kind == "text" and operator in ("contains", "starts with", "matches"):
            return self._text(operator, left, right)
        if operator == "is":
            return self._equal(left, right)
        if operator == "is not":
            return self.logic.every((self._one_kind(left, right), self.logic.no(self._equal(left, right))))
        return self._ordered(operator, left, right)

    def _one_kind(self, left: Term, right: Term) -> Formula:
        """Both are of one kind and, if money, of one currency."""
        if left.kind != right.kind:
            return False
        return self._one_currency(left, right) if left.kind == "money" else True

    def _one_currency(self, left: Term, right: Term) -> Formula:
        same = left.currency == right.currency
        return self.logic.some((left.any_currency, right.any_currency, same))

    def _equal(self, left: Term, right: Term) -> Formula:
        if left.kind != right.kind:
            return False
        if left.kind == "boolean":
            return self.logic.same(left.value, right.value)
        if left.kind == "list":
            return self._equal_lists(left, right)
        return self._ordered("is", left, right)

    def _equal_lists(self, left: Term, right: Term) -> Formula:
        assert left.holds is not None and right.holds is not None and left.strings is not None
        numbers = range(len(left.strings.texts))
        return self.logic.every(self.logic.same(left.holds(n), right.holds(n)) for n in numbers)

    def _ordered(self, operator: str, left: Term, right: Term) -> Formula:
        if left.kind != right.kind:
            return False
        scale = max(left.scale, right.scale)
        one, other = left.value * (scale // left.scale), right.value * (scale // right.scale)
        return self.logic.every((self._one_kind(left, right), _ORDER[operator](one, other)))

    def _membership(self, left: Term, operator: str, right: Operand | None, bound: Binding) -> Formula:
        if isinstance(right, Path):
            other = self.world.term(right, bound)
            inside = self.has(other, left)
            return self.logic.every((other.present, inside if operator == "in" else self.logic.no(inside)))
        assert isinstance(right, LiteralList)
        if left.kind == "text":
            assert left.strings is not None
            wanted = [left.strings.numbers[str(value)] for value in right.values if value in left.strings.numbers]
            inside = self.logic.among(left.value, wanted, left.strings.top)
            return inside if operator == "in" else self.logic.no(inside)
        items = [self._constant(value, left.strings) for value in right.values]
        if left.any_currency is not False:  # the sum of no amounts is taken to be in the currency of the first of them
            currency = self.logic.choose(left.any_currency, items[0].currency, left.currency)
            left = Term("money", left.present, left.value, currency=currency)
        equal = [self._equal(left, item) for item in items]
        if operator == "in":
            return self.logic.some(equal)
        kinds = [self._one_kind(left, item) for item in items]
        return self.logic.every((*kinds, *(self.logic.no(one) for one in equal)))

    def has(self, held: Term, text: Term) -> Formula:
        """A list holds a text."""
        if held.holds is None or text.kind != "text" or held.strings is None:
            return False
        if isinstance(text.value, int):
            return held.holds(text.value) if text.value >= 0 else False
        numbers = range(len(held.strings.texts))
        return self.logic.some(self.logic.every((text.value == n, held.holds(n))) for n in numbers)

    def _text(self, operator: str, left: Term, right: Term) -> Formula:
        strings = left.strings
        assert strings is not None
        if not isinstance(right.value, int):
            return self._two_texts(operator, left, right)
        holding = strings.holding(operator, right.name)
        if operator == "starts with":
            return self.logic.among(left.value, holding, strings.top)
        named = self.logic.among(left.value, holding & strings.named, strings.top)
        if not strings.made:
            return named
        truth = self.logic.among(left.value, holding & strings.made, strings.top)
        made = self.logic.among(left.value, strings.made, strings.top)
        guess = self._guess((operator, left.name, right.name), truth, made)
        return self.logic.some((named, self.logic.every((made, guess))))

    def _guess(self, key: tuple[str, str, str], truth: Formula, where: Formula) -> Formula:
        """What the texts at hand cannot settle: free, unless the question is asked exactly."""
        if key not in self._guesses:
            guess = self._guesses[key] = self.logic.truth(" ".join(key))
            exactly = self.logic.every((self.world.exact, where))
            self.world.add(self.logic.implies(exactly, self.logic.same(guess, truth)))
        return self._guesses[key]

    def _two_texts(self, operator: str, left: Term, right: Term) -> Formula:
        strings = left.strings
        assert strings is not None
        same = left.value == right.value
        pairs: list[Formula] = [same]
        if len(strings.texts) ** 2 <= PAIRS:
            for number, text in enumerate(strings.texts):
                holding = strings.holding(operator, text) - {number}
                pairs.append(self.logic.every((right.value == number, self.logic.among(left.value, holding, strings.top))))
        guess = self._guess((operator, left.name, right.name), self.logic.some(pairs), True)
        return self.logic.some((same, guess))

