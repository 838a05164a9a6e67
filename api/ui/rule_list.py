"""The rules of a book as rows for people: in the order in which they speak, each with what it asks, what it demands and
where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from api.ui.rule_files import decision_of, layer_of
from engine.aside import try_examples
from engine.ast import Book, Condition, DecisionRules, Group, Rule
from engine.language import LAYER_FOLDER, is_examples
from engine.language.formatter import RuleWriter
from engine.language.rule_file import read_rule_file
from engine.vocabulary import VOCABULARY

ROWS_SHOWN = 200
"""Most rows of one table that a page lists."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a rule's conditions: a sentence, or the word of a group, so many groups deep."""

    text: str
    depth: int = 0


@dataclass(frozen=True)
class RuleRow:
    """One rule, or one table with all its rows. `state` is base, replaced, added or off."""

    id: str
    description: str
    priority: int
    state: str
    when: tuple[Line, ...]
    then: tuple[str, ...]
    rows: tuple[tuple[tuple[Line, ...], tuple[str, ...]], ...] = ()
    hit: str = ""

    def holds(self, words: str) -> bool:
        """Whether every one of these words occurs somewhere in the rule."""
        texts = [self.id, self.description, *(line.text for line in self.when), *self.then]
        texts += [text for when, then in self.rows for text in (*(line.text for line in when), *then)]
        whole = " ".join(texts).lower().replace("_", " ")
        return all(word.replace("_", " ") in whole for word in words.lower().split())


@dataclass(frozen=True)
class DecisionRow:
    """One decision with all its rules, those switched off included at the end."""

    rules: DecisionRules
    rows: tuple[RuleRow, ...]

    @property
    def name(self) -> str:
        return self.rules.name

    @property
    def changed(self) -> int:
        """How many rules are the merchant's own doing."""
        return sum(row.state != "base" for row in self.rows)


def decisions_of(book: Book) -> list[DecisionRow]:
    """All decisions of a book, in the order in which orders meet them."""
    names = [name for name in VOCABULARY.decisions if name in book.decisions]
    return [decision_row(book, name) for name in names]


def decision_row(book: Book, name: str) -> DecisionRow:
    """One decision of a book. Raises KeyError when it has none of that name."""
    rules = book.decisions[name]
    base = _base(book.texts, name)
    known = {(rule.table or rule.id) for rule in base.rules} if base else set()
    rows = list(_rows(rules, known))
    there = {row.id for row in rows}
    if base is not None:
        rows += [row for row in _rows(base, known, "off") if row.id not in there]
    return DecisionRow(rules, tuple(rows))


def _base(texts: Mapping[str, str], name: str) -> DecisionRules | None:
    """The base rules of a decision, when a layer changes them."""
    if layer_of(name) not in texts:
        return None
    files = [file for file in texts if not file.startswith(LAYER_FOLDER) and not is_examples(file)]
    files.sort(key=lambda file: decision_of(file) != name)  # its own name first, but any file may hold it
    for file in files:
        found = read_rule_file(file, texts[file], VOCABULARY).decision
        if found is not None and found.name == name:
            return found
    return None


def _rows(rules: DecisionRules, base: set[str], state: str = "") -> Iterator[RuleRow]:
    writer = RuleWriter(rules, VOCABULARY)
    tables: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        if rule.table:
            tables.setdefault(rule.table, []).append(rule)
    for rule in rules.rules:
        said = state or _state(rule, base)
        if not rule.table:
            yield RuleRow(rule.id, rule.description, rule.priority, said, _when(rule.when, writer), _then(rule, writer))
        elif rule is tables[rule.table][0]:
            parts = [(_when(row.when, writer), _then(row, writer)) for row in tables[rule.table]]
            yield RuleRow(rule.table, rule.description, rule.priority, said, (), (), tuple(parts), rule.hit)


def _state(rule: Rule, base: set[str]) -> str:
    if not rule.layer:
        return "base"
    return "replaced" if (rule.table or rule.id) in base else "added"


def _when(group: Group, writer: RuleWriter) -> tuple[Line, ...]:
    return tuple(_lines(group, writer, 0))


def _lines(group: Group, writer: RuleWriter, depth: int) -> Iterator[Line]:
    for child in group.children:
        if isinstance(child, Condition):
            yield Line(writer.condition(child), depth)
        else:
            yield Line({"any": "any of", "all": "all of", "none": "none of"}[child.kind], depth)
            yield from _lines(child, writer, depth + 1)


def _then(rule: Rule, writer: RuleWriter) -> tuple[str, ...]:
    return tuple(writer.demand(demand) for demand in rule.then)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts as the key of what is known of them: their version names them exactly."""

    version: str
    files: Mapping[str, str] = field(compare=False)


class _NoReportError(Exception):  # raised so that it is not kept: the next time there may be enough time for it
    pass


@lru_cache(maxsize=32)
def _report(texts: _Texts) -> Mapping[str, Any]:
    report = try_examples(texts.files).report
    if report is None:
        raise _NoReportError
    return report


def examples_report(version: str, texts: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What the examples of these texts come to (see `engine.examples.Report.as_dict`), None when the rules do not load
    or there was no time for it. Run once for each version of the texts."""
    try:
        return _report(_Texts(version, texts))
    except _NoReportError:
        return None
