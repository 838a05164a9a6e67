"""What one language needs to say rules aloud. The tables are in `english`, `dutch` and `swedish`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PLATFORMS: Mapping[str, str] = {
    "lightspeed_ecom": "Lightspeed eCom", "lightspeed_retail": "Lightspeed Retail", "shopify": "Shopify",
    "bigcommerce": "BigCommerce", "woocommerce": "WooCommerce", "magento": "Magento", "picqer": "Picqer",
    "goedgepickt": "GoedGepickt",
}  # fmt: skip
"""Names that are the same in every language."""


class Clause(NamedTuple):
    """A statement, in both orders of words: `when` follows *if* or *because*, `alone` is a sentence by itself. Only Dutch
    and Swedish tell them apart; an empty `alone` is the same as `when`."""

    when: str
    alone: str = ""

    @property
    def main(self) -> str:
        return self.alone or self.when


class Compared(NamedTuple):
    """An operator: `when` and `alone` as in `Clause`, and `must`, what had to be: all with `{left}`, `{right}`, `{upper}`."""

    when: str
    alone: str
    must: str


class Thing(NamedTuple):
    """A fact type: `one` as in *the outlet*, `many` as in *outlets*."""

    one: str
    many: str


class Choice(NamedTuple):
    """What a field's value says of its fact, and what it says when it is not that value."""

    yes: Clause
    no: Clause


@dataclass(frozen=True)
class Language:
    """All words of one language.

    `nouns` names every field (`order.total`), `flags` says what true and false mean of a boolean field, `choices` what
    values of some fields mean, `values` names the words of a field (by itself, or as `field=word` where a field wants
    another name for it), `outcomes` are what a demand does, in the order of words that follows *then*; a key may end in
    `/word`, `/negative`, `/one` for such a value in its slot. `phrases` are the frames around it all.
    """

    code: str
    locale: str
    name: str
    things: Mapping[str, Thing]
    nouns: Mapping[str, str]
    flags: Mapping[str, Choice]
    choices: Mapping[str, Mapping[str, Choice]]
    values: Mapping[str, str]
    operators: Mapping[str, Compared]
    outcomes: Mapping[str, str]
    phrases: Mapping[str, str]
    quotes: tuple[str, str] = ("“", "”")
    weekdays: Mapping[str, str] = field(default_factory=dict)

    def quoted(self, text: str) -> str:
        """Text between the quotes of the language."""
        return f"{self.quotes[0]}{text}{self.quotes[1]}"

    def either(self, parts: list[str]) -> str:
        """`a, b or c`."""
        return self._joined(parts, self.phrases["or"])

    def both(self, parts: list[str]) -> str:
        """`a, b and c`."""
        return self._joined(parts, self.phrases["and"])

    @staticmethod
    def _joined(parts: list[str], word: str) -> str:
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}" if parts else ""


def moment(path: str, words: tuple[str, str, str, str]) -> dict[str, str]:
    """The nouns of a moment and its companions: the moment, its day, its time of day, its weekday."""
    return dict(zip((path, f"{path}.date", f"{path}.time", f"{path}.weekday"), words, strict=True))


def flag(yes: str, no: str) -> Choice:
    """A boolean field in a language with one order of words."""
    return Choice(Clause(yes), Clause(no))
