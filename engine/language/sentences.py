"""Sentences of rules, parsed but not yet understood: what the grammar sees before the vocabulary is asked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from engine.ast import OPERATORS

SENTENCE_LENGTH = 20_000
"""Longest condition or demand, in characters."""
_KEPT_LENGTH = 300
"""Longest sentence that is kept after it was parsed."""


@dataclass(frozen=True, slots=True)
class Term:
    """One value or name in a sentence.

    `kind` is `path`, `text` (quoted; `text` holds it unquoted), `word`, `number`, `quantity` (with its `unit`),
    `date`, `time`, `moment` or `items` (a list, with its `items`); `start` is the offset in the sentence.
    """

    kind: str
    text: str
    start: int
    unit: str = ""
    items: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateSentence:
    """`count of lines where ...` or `sum of line.quantity where ...`: `kind` is `count` or `sum`."""

    kind: str
    of: Term
    where: tuple[ConditionSentence, ...]
    start: int


@dataclass(frozen=True, slots=True)
class ConditionSentence:
    """`left operator right`, with `and upper` for `between`."""

    left: Term | AggregateSentence
    operator: str
    operator_start: int
    right: Term | None = None
    upper: Term | None = None


@dataclass(frozen=True, slots=True)
class DemandSentence:
    """The words and values of a demand, and the reason after `because`."""

    terms: tuple[Term, ...]
    reason: str = ""


class SentenceError(ValueError):
    """A sentence the grammar does not know: what is wrong, at which offset, and what to write instead."""

    def __init__(self, start: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.start, self.message, self.hint = start, message, hint


def parse_condition(sentence: str) -> ConditionSentence:
    """A condition's parts. Raises SentenceError."""
    parsed: ConditionSentence = _parse("total" if _TOTAL.match(sentence) else "condition", sentence)
    return parsed


def parse_demand(sentence: str) -> DemandSentence:
    """A demand's parts. Raises SentenceError."""
    parsed: DemandSentence = _parse("demand", sentence)
    return parsed


def parse_value(sentence: str) -> Term:
    """A value by itself, such as `50 EUR`. Raises SentenceError."""
    parsed: Term = _parse("value", sentence)
    return parsed


def nearest(word: str, names: Iterable[str]) -> str:
    """The name most like `word`, or empty when none is close."""
    matches = difflib.get_close_matches(word[:100], list(names), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def _parse(start: str, sentence: str) -> Any:
    """What a sentence says. Books say the same things over and over, and an editor asks about the same book at every key."""
    return kept_sentence(start, sentence) if len(sentence) <= _KEPT_LENGTH else _parse_anew(start, sentence)


@lru_cache(maxsize=10_000)
def kept_sentence(start: str, sentence: str) -> Any:
    """A sentence parsed before; everything in it is immutable. What is wrong is found anew each time."""
    return _parse_anew(start, sentence)


def _parse_anew(start: str, sentence: str) -> Any:
    if not sentence.strip():
        raise SentenceError(0, f"This {start} is empty.", _EXAMPLES[start])
    if len(sentence) > SENTENCE_LENGTH:
        raise SentenceError(0, f"This {start} is longer than {SENTENCE_LENGTH:,} characters.", "Divide it.")
    try:
        return _PARSERS[start].parse(sentence)
    except (UnexpectedCharacters, UnexpectedToken) as error:
        raise _failure(start, sentence, error) from None


class _Builder(Transformer[Token, Any]):  # type: ignore[misc]  # Lark is read without its types
    """Turns what the grammar finds into terms and sentences, without a tree in between."""

    def path(self, parts: list[Token]) -> Term:
        return _term("path", parts[0])

    def word(self, parts: list[Token]) -> Term:
        return _term("word", parts[0])

    def number(self, parts: list[Token]) -> Term:
        return _term("number", parts[0])

    def date(self, parts: list[Token]) -> Term:
        return _term("date", parts[0])

    def time(self, parts: list[Token]) -> Term:
        return _term("time", parts[0])

    def moment(self, parts: list[Token]) -> Term:
        return _term("moment", parts[0])

    def quantity(self, parts: list[Token]) -> Term:
        return Term("quantity", str(parts[0]), _start(parts[0]), str(parts[1]))

    def string(self, parts: list[Token]) -> Term:
        return Term("text", _unquoted(parts[0]), _start(parts[0]))

    def items(self, parts: list[Any]) -> Term:
        bracket, *items = parts
        return Term("items", "", _start(bracket), "", tuple(item for item in items if item is not None))

    def aggregate(self, parts: list[Any]) -> AggregateSentence:
        name, of, *where = parts
        return AggregateSentence(name.split()[0], of, tuple(where), _start(name))

    def existence(self, parts: list[Any]) -> ConditionSentence:
        return ConditionSentence(parts[0], _operator(parts[1]), _start(parts[1]))

    def comparison(self, parts: list[Any]) -> ConditionSentence:
        return ConditionSentence(parts[0], _operator(parts[1]), _start(parts[1]), parts[2])

    def between(self, parts: list[Any]) -> ConditionSentence:
        return ConditionSentence(parts[0], "between", _start(parts[1]), parts[2], parts[3])

    def value(self, parts: list[Any]) -> Term:
        term: Term = parts[0]
        return term

    def demand(self, parts: list[Any]) -> DemandSentence:
        *terms, reason = parts
        return DemandSentence(tuple(terms), reason.text if reason is not None else "")


def _term(kind: str, token: Token) -> Term:
    return Term(kind, str(token), _start(token))


def _start(token: Token) -> int:
    return token.start_pos or 0


def _operator(token: Token) -> str:
    return " ".join(token.split())


def unquote(quoted: str) -> str:
    """The text a quoted text stands for. A backslash escapes a quote, a backslash, or a code point in four digits
    (`\\u00e9`); before anything else it is itself, so that patterns like `"\\d+"` can be written as they are."""
    return _ESCAPE.sub(lambda found: chr(int(found[1][1:], 16)) if len(found[1]) > 1 else found[1], quoted[1:-1])


def quote(text: str) -> str:
    """The quoted text that stands for `text`; characters a rule file cannot hold become code points."""
    return '"' + _MUST_ESCAPE.sub(lambda found: escape(found[0]), text) + '"'


def escape(character: str) -> str:
    """One character as an escape of quoted text."""
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"


HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
"""Half of a pair of surrogates: no text, and nothing that can be stored."""
_UNPRINTABLE = r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
UNPRINTABLE = re.compile(_UNPRINTABLE)
"""What a rule file cannot hold as it is: control characters, line breaks of any kind, code points that are not text."""
_ESCAPE = re.compile(r"\\([\"\\]|u[0-9a-fA-F]{4})")
_MUST_ESCAPE = re.compile(rf"\"|\\(?=[\"\\u]|\Z|{_UNPRINTABLE})|{_UNPRINTABLE}")


def _unquoted(token: Token) -> str:
    text = unquote(token)
    if HALF_CHARACTER.search(text):
        raise SentenceError(_start(token), "This quoted text holds half a character (U+D800 to U+DFFF).", "Remove it.")
    return text


_GRAMMAR = (FilePath(__file__).parent / "grammar.lark").read_text(encoding="utf-8")
_PARSERS = {
    # One parser each: in a shared one, operators would be recognised after any field, in demands as well.
    start: Lark(
        _GRAMMAR, start=start, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=True
    )
    for start in ("condition", "total", "demand", "value")
}
_TOTAL = re.compile(r"\s*(count|sum)\s+of\b")

_EXAMPLES = {
    "condition": "Write a field, an operator and a value, such as `order.total < 50 EUR`.",
    "total": "Write what is counted, an operator and a value, such as `count of lines where line.quantity > 1 is 0`.",
    "demand": "Write what shall happen, such as `hold order`.",
    "value": "Write a value, such as `50 EUR`.",
}
_SYNONYMS = {
    "==": "is", "=": "is", "equals": "is", "equal": "is", "eq": "is", "are": "is", "was": "is", "has": "contains",
    "!=": "is not", "<>": "is not", "isnt": "is not", "isn't": "is not", "=<": "<=", "=>": ">=", "includes": "contains",
    "exist": "exists", "missing": "is missing", "empty": "is missing", "begins": "starts with", "starts": "starts with",
    "startswith": "starts with", "like": "matches", "match": "matches", "contain": "contains", "under": "<", "over": ">",
    "below": "<", "above": ">", "less": "<", "more": ">", "greater": ">",
}  # fmt: skip


def _failure(start: str, sentence: str, error: Any) -> SentenceError:
    """What went wrong where, in an admin's words."""
    if isinstance(error, UnexpectedCharacters):
        at, expected = error.pos_in_stream, set(error.allowed)
    else:
        ended = error.token.type == "$END"
        at, expected = len(sentence.rstrip()) if ended else error.token.start_pos, set(error.expected)
    found = re.match(r"\S*", sentence[at:])
    word = found[0] if found else ""
    if "OPERATOR" in expected and start == "total" and not re.search(r"\b(of|where|and)\s+\S+\s*$", sentence[:at]):
        what = f"`{word}` is neither `and` nor an operator." if word else "An operator and a value are missing at its end."
        hint = "What is counted is followed by an operator and a value: `count of lines where ... > 0`."
        return SentenceError(at, what, hint)
    if "OPERATOR" in expected:
        return _operator_failure(sentence, at, word)
    if '"' in word and not word.endswith('"'):
        return SentenceError(at, "A quoted text is not closed.", 'Put a " at its end.')
    if word[:1] in ("'", "“", "”", "‘", "’", "„", "`"):
        return SentenceError(at, f"`{word[0]}` is not a quote here.", 'Write text as "text".')
    if at == 0 and start == "condition":
        return SentenceError(at, f"A condition cannot begin with `{word}`.", _EXAMPLES["condition"])
    if not word:
        return SentenceError(at, f"This {start} ends too early.", _missing(expected))
    if re.match(r"[+-]?[\d.,]+[^\W\d]", word):
        return SentenceError(
            at, f"`{word}` is not a value.", 'Put a space before a unit (`2 kg`); write text as "text".'
        )
    if previous := re.search(r"\bis\s+(not\s+)?in\s*$", sentence[:at]):
        better = "not in" if previous[1] else "in"
        return SentenceError(previous.start(), f"`{previous[0].strip()}` is not an operator.", f"Write `{better}`.")
    if re.search(r"\bbecause\s*$", sentence[:at]):
        return SentenceError(at, "The reason after `because` must stand in quotes.", 'Write `because "..."`.')
    if re.match(r",\d", word):
        return SentenceError(at, "Numbers are written without thousands separators.", "Write `1000.50`.")
    if "WORD" not in expected:
        return SentenceError(
            at, f"`{word}` is one word too many.", 'Text of more than one word must stand in quotes: "two words".'
        )
    return SentenceError(at, f"`{word}` is not a value.", 'Write text that is not a plain word in quotes: "text".')


def _missing(expected: set[str]) -> str:
    if "_AND" in expected and "COMMA" not in expected:
        return "`between` needs two values: `between 1 and 5`."
    if "RSQB" in expected:
        return "Close the list with `]`."
    return "A value is missing at its end." if "STRING" in expected else ""


def _operator_failure(sentence: str, at: int, word: str) -> SentenceError:
    known = "Operators are: " + ", ".join(OPERATORS) + "."
    if not word:
        return SentenceError(at, "An operator is missing after the field.", known)
    operator = re.match(r"[<>=!]+|[\w'-]+", word)
    name = operator[0] if operator else word
    better = _SYNONYMS.get(name.lower(), "") or nearest(name.lower(), OPERATORS)
    return SentenceError(at, f"`{name}` is not an operator.", f"Write `{better}`." if better else known)
