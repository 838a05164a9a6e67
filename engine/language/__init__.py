"""The rule language: rule files in, a checked rule book out, with every problem found on the way.

`docs/rule-language.md` describes the language for admins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.ast import Book, DecisionRules, Place
from engine.language.abilities import impossible
from engine.language.examples import LAYER_FOLDER, is_examples, read_examples
from engine.language.formatter import format_decision
from engine.language.rule_file import RuleFile, read_layer_file, read_rule_file
from engine.language.strata import stratify
from engine.language.style import warnings
from engine.types import Problem, RuleBookError
from engine.vocabulary import VOCABULARY, Vocabulary

__all__ = ["LAYER_FOLDER", "book_meaning", "check", "is_examples", "load_book", "text_version"]

FILES = 100
"""Most rule files of one book."""


def load_book(texts: Mapping[str, str | bytes], vocabulary: Vocabulary = VOCABULARY) -> Book:
    """The checked rule book made from its files (file name to content): one base file per decision, at most one layer
    over each, and examples, which are kept but not looked at here.

    Raises RuleBookError with every error of every file; warnings are `check`'s affair.
    """
    decisions, problems = _read(texts, vocabulary)
    if problems:
        raise RuleBookError(problems)
    kept = {name: content.decode() if isinstance(content, bytes) else content for name, content in texts.items()}
    return Book(text_version(kept), decisions, kept, book_meaning(decisions, vocabulary))


def check(texts: Mapping[str, str | bytes], vocabulary: Vocabulary = VOCABULARY) -> tuple[Problem, ...]:
    """Every error of these files, and when they can be read also what no shop could do and warnings about style; by file,
    line and column. Never raises, whatever the content."""
    decisions, errors = _read(texts, vocabulary)
    examples = (read_examples(name, texts[name], vocabulary)[1] for name in texts if is_examples(name))
    readable = {name: content for name, content in texts.items() if isinstance(content, str)}
    odd = () if errors else (*impossible(decisions), *warnings(decisions, readable, vocabulary))
    return tuple(sorted((*errors, *(problem for found in examples for problem in found), *odd), key=_by_place))


def text_version(texts: Mapping[str, str]) -> str:
    """SHA-256, in hexadecimal, over all files by name, to the letter."""
    digest = hashlib.sha256()
    for name in sorted(texts):
        for part in (name.encode(), texts[name].encode("utf-8", "surrogatepass")):
            digest.update(b"%d\0" % len(part))
            digest.update(part)
    return digest.hexdigest()


def book_meaning(decisions: Mapping[str, DecisionRules], vocabulary: Vocabulary = VOCABULARY) -> str:
    """SHA-256, in hexadecimal, over the canonical text of all decisions in order of their names: comments, spacing and
    the order in which rules are written do not change it, everything that can change a decision or its explanation does."""
    digest = hashlib.sha256()
    for name in sorted(decisions):
        digest.update(format_decision(decisions[name], vocabulary).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _by_place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.message


def _read(
    texts: Mapping[str, str | bytes], vocabulary: Vocabulary
) -> tuple[dict[str, DecisionRules], tuple[Problem, ...]]:
    if len(texts) > FILES:
        return {}, (Problem("", 1, 1, f"A rule book has at most {FILES} files; this one has {len(texts)}."),)
    problems: list[Problem] = []
    ids: dict[str, Place] = {}
    names = [name for name in sorted(texts) if not is_examples(name)]
    layers = [name for name in names if name.startswith(LAYER_FOLDER)]
    found = [read_rule_file(name, texts[name], vocabulary) for name in names if name not in layers]
    bases = _one_each(found, problems, ids)
    over = [read_layer_file(name, texts[name], vocabulary, bases) for name in layers]
    decisions = {**bases, **_one_each(over, problems, ids)}
    for name, rules in decisions.items():
        stratified, cycles = stratify(rules.rules, vocabulary.decisions[name])
        decisions[name] = replace(rules, rules=stratified)
        problems += cycles
    return decisions, tuple(sorted(problems, key=_by_place))


def _one_each(files: Iterable[RuleFile], problems: list[Problem], ids: dict[str, Place]) -> dict[str, DecisionRules]:
    """The decisions of these files, one each. Adds what is wrong to `problems` and the rule ids to `ids`."""
    decisions: dict[str, DecisionRules] = {}
    places: dict[str, Place] = {}
    for found in files:
        problems += found.problems
        if found.decision is None:
            problems += _taken_ids(found.ids, ids)
            continue
        name = found.decision.name
        if first := places.get(name):
            problems.append(_second_file(found, first))
        else:
            places[name], decisions[name] = found.place, found.decision
        problems += _taken_ids(found.ids, ids)
    return decisions


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
                Problem(place.file, place.line, place.column, message, "Give this one another id: they are unique in the whole book.")
            )
    return problems
