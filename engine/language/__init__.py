"""The rule language: rule files in, a checked rule book out, with every problem found on the way.

`docs/rule-language.md` describes the language for admins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from engine.ast import Book, DecisionRules, Place
from engine.language.formatter import format_decision
from engine.language.rule_file import RuleFile, read_rule_file
from engine.types import Problem, RuleBookError
from engine.vocabulary import VOCABULARY, Vocabulary

FILES = 100
"""Most rule files of one book."""


def load_book(texts: Mapping[str, str | bytes], vocabulary: Vocabulary = VOCABULARY) -> Book:
    """The checked rule book made from rule files (file name to content), one file per decision.

    `Book.version` is the SHA-256 of the canonical text of all decisions: comments, spacing and the order in which
    rules are written do not change it, everything that can change a decision or its explanation does.
    Raises RuleBookError with every problem of every file.
    """
    decisions, problems = _read(texts, vocabulary)
    if problems:
        raise RuleBookError(problems)
    kept = {name: content.decode() if isinstance(content, bytes) else content for name, content in texts.items()}
    return Book(book_version(decisions, vocabulary), decisions, kept)


def check(texts: Mapping[str, str | bytes], vocabulary: Vocabulary = VOCABULARY) -> tuple[Problem, ...]:
    """Every problem of these rule files, by file, line and column. Never raises, whatever the content."""
    return _read(texts, vocabulary)[1]


def book_version(decisions: Mapping[str, DecisionRules], vocabulary: Vocabulary = VOCABULARY) -> str:
    """SHA-256, in hexadecimal, over the canonical text of all decisions in order of their names."""
    digest = hashlib.sha256()
    for name in sorted(decisions):
        digest.update(format_decision(decisions[name], vocabulary).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _read(
    texts: Mapping[str, str | bytes], vocabulary: Vocabulary
) -> tuple[dict[str, DecisionRules], tuple[Problem, ...]]:
    if len(texts) > FILES:
        return {}, (Problem("", 1, 1, f"A rule book has at most {FILES} files; this one has {len(texts)}."),)
    problems: list[Problem] = []
    decisions: dict[str, DecisionRules] = {}
    places: dict[str, Place] = {}
    ids: dict[str, Place] = {}
    for file in sorted(texts):
        found = read_rule_file(file, texts[file], vocabulary)
        problems += found.problems
        problems += _taken_ids(found.ids, ids)
        if found.decision is None:
            continue
        if first := places.get(found.decision.name):
            problems.append(_second_file(found, first))
        else:
            places[found.decision.name] = found.place
            decisions[found.decision.name] = found.decision
    return decisions, tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column, p.message)))


def _second_file(found: RuleFile, first: Place) -> Problem:
    name = found.decision.name if found.decision else ""
    message = f"The decision `{name}` has a file already: {first.file}."
    return Problem(found.place.file, found.place.line, found.place.column, message, "Put all its rules into one file.")


def _taken_ids(ids: Mapping[str, Place], taken: dict[str, Place]) -> list[Problem]:
    """Rule ids that another file uses. Within a file its own reader has seen to them. Adds the new ones to `taken`."""
    problems = []
    for rule_id, place in ids.items():
        first = taken.setdefault(rule_id, place)
        if first is not place:
            message = f"The rule id `{rule_id}` is taken in {first.file}, line {first.line}."
            problems.append(
                Problem(place.file, place.line, place.column, message, "Rule ids are unique in the whole book.")
            )
    return problems
