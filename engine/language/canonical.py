"""Sentences in good form: one space between words, operators set off, lists as `[a, b]`.

The words stay those of the admin: who wrote `48 hours` thinks in hours, so it does not become `2 days`.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from engine.language.formatter import scalar
from engine.language.sentences import SentenceError, parse_condition, parse_demand
from engine.language.spans import read_document

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\],]|<=|>=|<|>|[^\s"\[\],<>]+|.', re.DOTALL)
_PARSERS = {"condition": parse_condition, "demand": parse_demand}


@lru_cache(maxsize=20_000)
def canonical_sentence(text: str, kind: str) -> str:
    """A condition or demand (`kind`) in good form; one that does not read as such only loses the blanks around it."""
    written = _spaced(text)
    if written == text:
        return text
    parse = _PARSERS[kind]
    try:
        same = _shape(parse(text)) == _shape(parse(written))
    except SentenceError:
        return text.strip()
    return written if same else text.strip()


def sentence_scalar(text: str) -> str:
    """A sentence as an item of a block list: without YAML's quotes wherever rule files do not need them, so that
    `block order because "unpaid: see #5"` stays as people write it."""
    written = scalar(text)
    if written == text or '"' not in text or "\n" in text:
        return written
    root = read_document(f"- {text}\n").root
    plain = root is not None and root.kind == "list" and len(root.items) == 1 and root.items[0].plain
    return text if plain and root is not None and root.items[0].text == text else written


def _spaced(text: str) -> str:
    words = ""
    for token in _TOKEN.findall(text):
        if token.isspace():
            continue
        together = not words or words.endswith("[") or token in (",", "]")
        words += token if together else f" {token}"
    return words


def _shape(parsed: Any) -> Any:
    """What was parsed, without where it stood."""
    if is_dataclass(parsed):
        names = (one.name for one in fields(parsed) if not one.name.endswith("start"))
        return [type(parsed).__name__, *(_shape(getattr(parsed, name)) for name in names)]
    return [_shape(one) for one in parsed] if isinstance(parsed, tuple) else parsed
