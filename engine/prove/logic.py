"""Formulas for the solver. What is known to be true or false stays a Python truth value, so that formulas stay small.

Every proof has a context of its own: two of them may run in two threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import z3

Formula = Any
"""A z3 truth value, or True or False."""
Number = Any
"""A z3 whole number, or an int."""


class Logic:
    """Makes formulas in one context."""

    def __init__(self) -> None:
        self.context = z3.Context()
        self._fresh = 0

    def truth(self, name: str) -> Formula:
        """A truth value the solver may choose."""
        return z3.Bool(self._named(name), ctx=self.context)

    def number(self, name: str) -> Number:
        """A whole number the solver may choose."""
        return z3.Int(self._named(name), ctx=self.context)

    def _named(self, name: str) -> str:
        self._fresh += 1
        return f"{name}!{self._fresh}"

    def every(self, parts: Iterable[Formula]) -> Formula:
        """All of them hold."""
        kept = []
        for part in parts:
            if part is False:
                return False
            if part is not True:
                kept.append(part)
        if len(kept) < 2:
            return kept[0] if kept else True
        return z3.And(*kept)

    def some(self, parts: Iterable[Formula]) -> Formula:
        """At least one of them holds."""
        kept = []
        for part in parts:
            if part is True:
                return True
            if part is not False:
                kept.append(part)
        if len(kept) < 2:
            return kept[0] if kept else False
        return z3.Or(*kept)

    @staticmethod
    def no(part: Formula) -> Formula:
        """It does not hold."""
        return (not part) if isinstance(part, bool) else z3.Not(part)

    def implies(self, if_: Formula, then: Formula) -> Formula:
        return self.some((self.no(if_), then))

    def same(self, left: Formula, right: Formula) -> Formula:
        """Both hold, or neither does."""
        if isinstance(left, bool):
            return right if left else self.no(right)
        if isinstance(right, bool):
            return left if right else self.no(left)
        return left == right

    def choose(self, if_: Formula, then: Number, otherwise: Number) -> Number:
        """A number that depends on a truth value."""
        if isinstance(if_, bool):
            return then if if_ else otherwise
        return z3.If(if_, self.whole(then), self.whole(otherwise))

    def whole(self, value: Number) -> Any:
        """A number as the solver's."""
        return z3.IntVal(value, ctx=self.context) if isinstance(value, int) else value

    def whether(self, value: Formula) -> Any:
        """A truth value as the solver's."""
        return z3.BoolVal(value, ctx=self.context) if isinstance(value, bool) else value

    def among(self, number: Number, wanted: Iterable[int], top: int) -> Formula:
        """A number between 0 and `top`, both included, is one of some. Runs of neighbours become one range."""
        ordered = sorted(set(wanted))
        if isinstance(number, int):
            return number in ordered
        runs: list[tuple[int, int]] = []
        for value in ordered:
            if runs and runs[-1][1] == value - 1:
                runs[-1] = (runs[-1][0], value)
            else:
                runs.append((value, value))
        return self.some(self._within(number, low, high, top) for low, high in runs)

    def _within(self, number: Number, low: int, high: int, top: int) -> Formula:
        if low == high:
            return number == low
        return self.every((low <= 0 or number >= low, high >= top or number <= high))
