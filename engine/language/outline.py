"""A rule file as an editor shows it: rules, conditions, tables and settings with the lines they stand on.

The outline is made from the text alone, so that it can be had while the text is wrong: what can be made out is shown,
the rest stays as its raw words. Everything in it is plain JSON. Lines count from 1, paths and indexes from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from engine.language.cells import cell_words
from engine.language.demands import Forms
from engine.language.formatter import scalar
from engine.language.literals import read_integer
from engine.language.pieces import read_in_pieces
from engine.language.sentences import (
    ConditionSentence,
    DemandSentence,
    SentenceError,
    Term,
    parse_condition,
    parse_demand,
    quote,
)
from engine.language.spans import Document, Span, read_document
from engine.vocabulary import VOCABULARY, Vocabulary

SECTIONS = ("rules", "replace", "invariants")
"""The lists of a rule file whose items have an `id` and conditions."""
GROUPS = ("all", "any", "none")
DEMANDS = ("then", "never", "always")
DEFAULT_PRIORITY = 100


def outline(text: str, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """What a rule file says, by its parts. Never raises.

    Keys: `decision`, `description`, `layer`, `settings` (name, value in the words of the file, line), `rules` (those
    under `rules:` and under `replace:`), `switch_off`, `invariants`, and `problems` with the YAML of the file. A rule
    has `id`, `section`, `line`, `end_line`, `description`, `priority` (None when it names none), `when` (nodes), `then`
    (demands) and `table`. A node is a condition (`text`, and `field`, `operator`, `value` when it reads as one) or a
    group (`kind`, `children`); its `path` counts positions from the top. A demand has its `outcome` and `slots` when
    the decision knows it. Cells of a table are in the words of `engine.language.cells`.
    """
    document = read_document(text)
    root = document.root if not document.problems else read_in_pieces(document)
    found = _Outliner(document, vocabulary)
    return found.file(root if root is not None and root.kind == "map" else Span("map", 0, 0, 0, 0))


def settings_words(value: Span) -> str:
    """A setting's value as its admin says it: text in quotes only where it would be read as something else."""
    if value.kind == "list":
        return "[" + ", ".join(settings_words(item) for item in value.items) + "]"
    if value.kind == "map":
        return ""
    if value.plain:
        return value.text
    return scalar(value.text) if value.style in ("|", ">") else quote(value.text)


class _Outliner:
    def __init__(self, document: Document, vocabulary: Vocabulary) -> None:
        self.document = document
        self.vocabulary = vocabulary
        self.forms: Forms | None = None

    def file(self, root: Span) -> dict[str, Any]:
        decision = _text(root.get("decision"))
        spec = self.vocabulary.decisions.get(decision)
        self.forms = Forms(spec, self.vocabulary) if spec else None
        return {
            "decision": decision,
            "description": _text(root.get("description")),
            "layer": _text(root.get("layer")) == "true",
            "settings": self._settings(root.get("settings")),
            "rules": [rule for section in ("rules", "replace") for rule in self._rules(root.get(section), section)],
            "switch_off": [{"id": _text(item), "line": item.line + 1} for item in _items(root.get("switch_off"))],
            "invariants": list(self._rules(root.get("invariants"), "invariants")),
            "problems": [
                {"line": p.line, "column": p.column, "message": p.message, "hint": p.hint, "severity": p.severity}
                for p in self.document.problems
            ],
        }

    def _settings(self, node: Span | None) -> list[dict[str, Any]]:
        if node is None or node.kind != "map":
            return []
        return [{"name": k.text, "value": settings_words(v), "line": k.line + 1} for k, v in node.entries]

    def _rules(self, node: Span | None, section: str) -> list[dict[str, Any]]:
        return [self._rule(item, section) for item in _items(node) if item.kind == "map"]

    def _rule(self, node: Span, section: str) -> dict[str, Any]:
        rule: dict[str, Any] = {
            "id": _text(node.get("id")),
            "section": section,
            "line": node.line + 1,
            "end_line": self.document.last_line(node) + 1,
            "description": _text(node.get("description")),
            "when": [self._node(child, [at]) for at, child in enumerate(_items(node.get("when")))],
        }
        if section == "invariants":
            rule |= {key: self._demands(node.get(key)) for key in ("never", "always")}
            return rule
        priority = node.get("priority")
        rule["priority"] = read_integer(priority.text) if priority is not None and priority.plain else None
        rule["then"] = self._demands(node.get("then"))
        rule["table"] = self._table(node.get("table"))
        return rule

    def _node(self, node: Span, path: list[int]) -> dict[str, Any]:
        if node.kind == "map" and len(node.keys) == 1 and node.keys[0].text in GROUPS:
            children = [self._node(child, [*path, at]) for at, child in enumerate(_items(node.items[0]))]
            return {"kind": node.keys[0].text, "path": path, "line": node.line + 1, "children": children}
        text = node.text if node.kind == "scalar" else self._source(node)
        field, operator, value = condition_parts(text)
        return {
            "kind": "condition", "path": path, "line": node.line + 1, "text": text,
            "field": field, "operator": operator, "value": value,
        }  # fmt: skip

    def _source(self, node: Span) -> str:
        return " ".join(self.document.text[node.start : node.end].split())

    def _demands(self, node: Span | None) -> list[dict[str, Any]]:
        found = []
        for item in _items(node):
            text = item.text if item.kind == "scalar" else self._source(item)
            outcome, slots, reason = demand_parts(text, self.forms)
            found.append({"text": text, "line": item.line + 1, "outcome": outcome, "slots": slots, "reason": reason})
        return found

    def _table(self, node: Span | None) -> dict[str, Any] | None:
        if node is None or node.kind != "map":
            return None
        when, then = [[_text(item) for item in _items(node.get(key))] for key in ("when", "then")]
        headings = [*when, *then]
        rows = []
        for row in _items(node.get("rows")):
            cells = [cell_words(cell, *headings[at : at + 1]) for at, cell in enumerate(_items(row))]
            rows.append({"line": row.line + 1, "cells": cells})
        return {"hit": _text(node.get("hit")) or "every", "line": node.line + 1, "when": when, "then": then, "rows": rows}


def _text(node: Span | None) -> str:
    return node.text if node is not None and node.kind == "scalar" and not node.empty else ""


def _items(node: Span | None) -> Sequence[Span]:
    return node.items if node is not None and node.kind == "list" else ()


@lru_cache(maxsize=20_000)
def condition_parts(text: str) -> tuple[str, str, str]:
    """Field, operator and value of a condition, each as written; all empty when it does not read as one.

    The field of a count or sum is all of it, such as `count of lines where line.hazardous is true`.
    """
    try:
        parsed: ConditionSentence = parse_condition(text)
    except SentenceError:
        return "", "", ""
    field = " ".join(text[: parsed.operator_start].split())
    value = text[parsed.right.start :].strip() if parsed.right is not None else ""
    return field, parsed.operator, value


@lru_cache(maxsize=20_000)
def _parsed_demand(text: str) -> DemandSentence | None:
    try:
        return parse_demand(text)
    except SentenceError:
        return None


def demand_parts(text: str, forms: Forms | None) -> tuple[str, dict[str, str], str]:
    """The outcome a demand states, what stands in its slots, and its reason; empty where the decision knows none."""
    parsed = _parsed_demand(text)
    if parsed is None or forms is None:
        return "", {}, ""
    try:
        outcome, slots = forms.recognise(parsed.terms)
    except SentenceError:
        return "", {}, parsed.reason
    return outcome.name, {name: term_words(term) for name, term in slots.items()}, parsed.reason


def term_words(term: Term) -> str:
    """A value as it is written in a sentence."""
    if term.kind == "text":
        return quote(term.text)
    if term.kind == "items":
        return "[" + ", ".join(term_words(item) for item in term.items) + "]"
    return f"{term.text} {term.unit}" if term.unit else term.text
