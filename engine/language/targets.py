"""What an edit speaks of: its own words, and the part of the file they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from engine.language.outline import GROUPS, SECTIONS
from engine.language.sentences import HALF_CHARACTER
from engine.language.spans import Document, Span
from engine.language.splices import EditError, Lists
from engine.vocabulary import Vocabulary

TEXT_LENGTH = 20_000
"""Longest text of one edit, in characters."""
RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What an id looks like that people give; rows of tables are numbered by the reader."""
_UNSUITABLE = re.compile(r"[\ufdd0\ufdd1\ufffe\uffff]")


class Operation:
    """The words of one edit. Whatever they are, what is asked of them has the type asked for, or EditError is raised."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        if not isinstance(words, Mapping):
            raise EditError("An edit is a map with `op` and what it takes.")
        self.words = words

    def has(self, name: str) -> bool:
        """Whether something is said under this name."""
        return self.words.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text, without white space around it."""
        value = self.words.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise EditError(f"This edit needs `{name}`, a text.")
        if len(value) > TEXT_LENGTH:
            raise EditError(f"A text of more than {TEXT_LENGTH:,} characters does not belong here.")
        if HALF_CHARACTER.search(value) or _UNSUITABLE.search(value):
            raise EditError("This text holds a character that is not text.")
        return value.strip()

    def sentence(self, name: str = "text") -> str:
        """A text that says something, all on one line."""
        words = " ".join(self.text(name).split()) if "\n" in self.text(name) else self.text(name)
        if not words:
            raise EditError(f"There is nothing in `{name}`.")
        return words

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number from 0."""
        value = self.words.get(name, default)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
            raise EditError(f"This edit needs `{name}`, a whole number from 0.")
        return value

    def moved(self, at: int, last: int, name: str = "at") -> int:
        """The position, from 0 to `last`, to which something at `at` moves: `by` so many places, or to `name`."""
        by = self.words.get("by")
        if by is None:
            return min(self.number(name), last)
        if not isinstance(by, int) or isinstance(by, bool):
            raise EditError("This edit needs `by`, such as -1 or 1.")
        return max(0, min(last, at + by))

    def path(self, name: str = "path", default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Positions from the top of a rule's conditions."""
        value = self.words.get(name, default)
        if not isinstance(value, list | tuple) or len(value) > 50:
            raise EditError(f"This edit needs `{name}`, a list of positions.")
        if not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in value):
            raise EditError(f"This edit needs `{name}`, a list of positions.")
        return tuple(value)

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.words.get(name)
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise EditError(f"This edit needs `{name}`, a list of texts.")
        return [Operation({name: one}).text(name) for one in value]


class Target:
    """One edit of one file, and the parts of the file by the names the edit uses."""

    def __init__(self, document: Document, words: Operation, vocabulary: Vocabulary) -> None:
        assert document.root is not None  # `edit` saw to it
        self.document = document
        self.root: Span = document.root
        self.words = words
        self.vocabulary = vocabulary
        self.lists = Lists(document)

    @property
    def decision(self) -> str:
        """The decision the file names."""
        node = self.root.get("decision")
        return node.text if node is not None else ""

    @property
    def is_layer(self) -> bool:
        """Whether this file is a merchant's layer over base rules."""
        node = self.root.get("layer")
        return node is not None and node.text == "true"

    def all_rules(self) -> list[tuple[Span, int]]:
        """Every rule and invariant as a list of the file and a place in it."""
        sections = [self.root.get(section) for section in SECTIONS]
        return [(s, at) for s in sections if s is not None and s.kind == "list" for at, _ in enumerate(s.items)]

    def find(self, rule_id: str) -> tuple[Span, int]:
        """Where a rule stands. Raises EditError when there is none or more than one."""
        found = [(section, at) for section, at in self.all_rules() if id_of(section.items[at]) == rule_id]
        if not found:
            raise EditError(f"There is no rule `{rule_id[:60]}` in this text.")
        if len(found) > 1:
            raise EditError(f"Several rules have the id `{rule_id[:60]}`. Give them different ids first.")
        return found[0]

    @cached_property
    def rule(self) -> Span:
        """The rule that the edit names as `rule`."""
        section, at = self.find(self.words.text("rule"))
        return section.items[at]

    def node(self, path: Sequence[int]) -> tuple[Span, int]:
        """The list a condition or group stands in, and its position there."""
        if not path:
            raise EditError("This edit needs the path of a condition.")
        items = self.children(path[:-1])
        if items is None or path[-1] >= len(items.items):
            raise EditError("There is no such condition in this rule.")
        return items, path[-1]

    def children(self, path: Sequence[int]) -> Span | None:
        """The list of conditions below a group; of the rule when the path is empty, None when it has none yet."""
        when = self.rule.get("when")
        if when is None or when.empty:
            if path:
                raise EditError("There is no such group in this rule.")
            return None
        if when.kind != "list":
            raise EditError("The conditions of this rule are not a list.")
        for at in path:
            if at >= len(when.items) or not is_group(when.items[at]):
                raise EditError("There is no such group in this rule.")
            when = when.items[at].items[0]
            if when.kind != "list":
                raise EditError("The conditions of this group are not a list.")
        return when


def id_of(rule: Span) -> str:
    """The id of a rule, empty when it has none."""
    node = rule.get("id") if rule.kind == "map" else None
    return node.text if node is not None and node.kind == "scalar" else ""


def is_group(node: Span) -> bool:
    """Whether a condition is a group of conditions."""
    return node.kind == "map" and len(node.keys) == 1 and node.keys[0].text in GROUPS
