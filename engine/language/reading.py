"""What every reader of rule files shares: reporting problems, telling known keys from unknown ones, checking sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from engine.ast import Condition, Demand, Place
from engine.language.checker import At
from engine.language.sentences import SentenceError, nearest
from engine.language.yaml_nodes import PROBLEMS, MapNode, Node, ScalarNode
from engine.types import Problem
from engine.vocabulary import DecisionSpec, Vocabulary

SENTENCES = 100_000
"""Most conditions and demands of one file, those of the rows of its tables included."""
DESCRIPTION_LENGTH = 2000

_Checked = TypeVar("_Checked", Condition, Demand)


class EnoughError(Exception):
    """So much is wrong, or the file is so large, that reading on helps nobody."""


@dataclass
class Reader:
    """Reads one file; what is wrong goes into `problems`, and reading goes on as long as that helps."""

    file: str
    vocabulary: Vocabulary
    problems: list[Problem]
    place: Place = field(default_factory=Place)
    sentences: int = 0
    errors: int = 0

    def report(self, place: Place, message: str, hint: str = "", severity: str = "error") -> None:
        """Notes something wrong. Raises EnoughError when very much is."""
        self.problems.append(Problem(self.file, place.line, place.column, message, hint, severity))
        self.errors += severity == "error"
        if len(self.problems) >= PROBLEMS:
            raise EnoughError

    def spec(self, node: Node | None, place: Place) -> DecisionSpec | None:
        """The decision a file names; keeps where it does in `place`."""
        self.place = place if node is None else node.place
        known = ", ".join(self.vocabulary.decisions)
        if node is None:
            self.report(place, "The file does not name its decision.", f"Begin with `decision:` and one of: {known}.")
            return None
        name = self.text(node, "The name of the decision")
        if name is None:
            return None
        spec = self.vocabulary.decisions.get(name)
        if spec is None:
            close = nearest(name, self.vocabulary.decisions)
            better = f"Did you mean `{close}`? " if close else ""
            self.report(node.place, f"There is no decision `{name[:60]}`.", f"{better}There are: {known}.")
        return spec

    def description(self, node: Node | None) -> str:
        """A description, stripped; empty without one."""
        text = "" if node is None else (self.text(node, "A description") or "").strip()
        if node is not None and len(text) > DESCRIPTION_LENGTH:
            self.report(node.place, f"A description has at most {DESCRIPTION_LENGTH} characters.")
        return text

    def sentence(self, node: Node, check: Callable[[str, At], _Checked]) -> _Checked | None:
        """The condition or demand a list item states."""
        if not isinstance(node, ScalarNode):
            self.report(node.place, "Here must stand one sentence.", "Put a sentence with a colon in it in quotes.")
            return None
        return self.checked(node.text, node.at, check)

    def checked(self, text: str, at: At, check: Callable[[str, At], _Checked]) -> _Checked | None:
        """The condition or demand of a sentence whose characters stand at `at`."""
        self.sentences += 1
        if self.sentences > SENTENCES:
            self.report(at(0), f"A decision has at most {SENTENCES:,} conditions and demands.", "Use `in [...]`.")
            raise EnoughError
        try:
            return check(text, at)
        except SentenceError as error:
            self.report(at(error.start), error.message, error.hint)
            return None

    def entries(self, node: Node, known: tuple[str, ...], subject: str) -> dict[str, Node]:
        """The values of a map by key; unknown keys are reported and left out."""
        if not isinstance(node, MapNode):
            self.report(node.place, f"{subject} must be lines of `name: value`.", f"Its names are: {', '.join(known)}.")
            return {}
        entries: dict[str, Node] = {}
        for key, value in node.entries:
            if key.text in known:
                entries[key.text] = value
            else:
                close = nearest(key.text, known)
                hint = f"Did you mean `{close}`?" if close else f"Its names are: {', '.join(known)}."
                self.report(key.place, f"{subject} has no `{key.text[:60]}`.", hint)
        return entries

    def text(self, node: Node, subject: str) -> str | None:
        """A scalar's text."""
        if isinstance(node, ScalarNode):
            return node.text
        self.report(node.place, f"{subject} must be text.")
        return None

    @staticmethod
    def is_empty(node: Node) -> bool:
        """Whether a key was written with nothing behind it."""
        return isinstance(node, ScalarNode) and node.plain and node.text in ("", "~", "null")
