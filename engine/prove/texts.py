"""Texts as numbers: fields that are compared with one another share a finite set of strings that stands for all texts.

The set holds every text the rules name, and for whatever else the rules can tell apart (beginnings, parts, patterns)
texts that show it, several of each where fields are compared. What a rule asks of a text is asked of each of them by
`engine.values.compare`, so that what the solver finds always is about real texts. They are numbered in alphabetical
order: a beginning is then one range.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import product

from engine.prove.samples import samples
from engine.values import compare

MOST_COMBINATIONS = 400
"""Most made-up texts that hold several parts at once."""
_PLAUSIBLE = {
    "country": ("NL", "BE", "DE", "SE", "FR", "DK"),
    "postcode": ("1011 AB", "9712 CP", "3511 LN"),
    "city": ("Amsterdam", "Utrecht", "Groningen"),
    "email": ("jan@example.org", "mia@example.org", "bo@example.org"),
    "outlet": ("amsterdam", "utrecht", "groningen", "zwolle"),
    "code": ("amsterdam", "utrecht", "groningen", "zwolle"),
    "sku": ("SKU-1", "SKU-2", "SKU-3"),
    "number": ("1001", "1002", "1003"),
    "name": ("Jansen", "De Vries", "Bakker"),
    "type": ("something.else", "something.other"),
    "tags": ("other", "another"),
}
"""What texts of some fields look like; others are `other`, `another` and so on."""
_OTHERS = ("other", "another", "something else")


@dataclass
class Family:
    """Fields whose texts are compared with one another, and what is asked of them."""

    words: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    looks: set[str] = field(default_factory=set)
    closed: bool = True
    compared: bool = False
    holders: int = 0

    def strings(self) -> Strings:
        """The texts that stand for all."""
        return Strings(self)


class Strings:
    """The texts of one family, numbered. `named` are the numbers of texts the rules name themselves."""

    def __init__(self, family: Family) -> None:
        words = set(family.words)
        made = set() if family.closed else self._made_up(family) - words
        self.texts: Sequence[str] = sorted(words | made) or [""]
        self.numbers = {text: number for number, text in enumerate(self.texts)}
        self.named = frozenset(self.numbers[word] for word in words)
        self.made = frozenset(range(len(self.texts))) - self.named
        self.top = len(self.texts) - 1
        self._known: dict[tuple[str, str], frozenset[int]] = {}

    def holding(self, operator: str, value: str) -> frozenset[int]:
        """The numbers of the texts for which `text operator value` holds."""
        key = operator, value
        if key not in self._known:
            self._known[key] = self._holding(operator, value)
        return self._known[key]

    def _holding(self, operator: str, value: str) -> frozenset[int]:
        if operator == "is":
            return frozenset((self.numbers[value],)) if value in self.numbers else frozenset()
        if operator == "starts with" and value:
            first = bisect_left(self.texts, value)
            last = first
            while last < len(self.texts) and self.texts[last].startswith(value):
                last += 1
            return frozenset(range(first, last))
        return frozenset(n for n, text in enumerate(self.texts) if compare(operator, text, value))

    def _made_up(self, family: Family) -> set[str]:
        """Texts the rules do not name: for each way of answering what is asked of them, as many as can differ."""
        made: set[str] = set()
        each = max(1, min(family.holders, 12)) if family.compared else 1
        for beginning in ("", *sorted(family.beginnings)):
            made.update(self._fresh(family, beginning, each, made))
        seeds = [*sorted(family.parts), *(text for pattern in sorted(family.patterns) for text in samples(pattern))]
        for beginning, seed in product(("", *sorted(family.beginnings)), seeds):
            made.update((beginning + seed, f"{beginning} {seed}", seed + beginning))
            if len(made) > MOST_COMBINATIONS:
                break
        for one, other in product(seeds, seeds):
            if len(made) > MOST_COMBINATIONS:
                break
            made.add(f"{one} {other}")
        return made

    @staticmethod
    def _fresh(family: Family, beginning: str, count: int, taken: Collection[str]) -> list[str]:
        """Texts with this beginning and no longer one that is asked about. They answer no to everything else that is
        asked, where that can be had."""
        parts = [part for part in family.parts if part not in beginning]
        looks = [text for look in sorted(family.looks) for text in _PLAUSIBLE.get(look, ())]
        numbered = (f"{kind}{number}" for number in range(1, 60 + count) for kind in ("other-", "~", "0", "é"))
        plain: list[str] = []
        peculiar: list[str] = []
        for ending in (*looks, *_OTHERS, *numbered):
            text = beginning + ending
            if text in family.words or text in taken or any(text[:end] in family.beginnings for end in range(len(beginning) + 1, len(text) + 1)):
                continue
            asked = any(part in text for part in parts) or any(compare("matches", text, p) for p in family.patterns)
            (peculiar if asked else plain).append(text)
            if len(plain) == count:
                break
        return [*plain, *peculiar][:count]
