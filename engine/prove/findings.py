"""What a proof says: findings, what holds, and what was not analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.ast import Place
from engine.facts_json import decode_fact, decode_values, encode_facts, encode_values
from engine.types import Fact, Value

KINDS = ("never", "hidden", "conflict", "gap", "overlap", "invariant")
"""A rule that can never hold; one that never says anything; two that contradict each other at one priority; an order for
which a decision says nothing; rows of a table that contradict each other; a broken invariant."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a rule book.

    `rules` are the ids concerned, the one to look at first (for `invariant`, the invariant's own). `example` are facts
    that show it, with `settings` where they differ from the defaults, and `outcomes` what the engine then answers, as
    sentences; None where no order can show it (a rule that never holds). `confirmed` says that the engine was run on the
    example and did what the finding says.
    """

    kind: str
    decision: str
    rules: tuple[str, ...]
    message: str
    hint: str = ""
    example: tuple[Fact, ...] | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)
    outcomes: tuple[str, ...] = ()
    place: Place = field(default_factory=Place)
    confirmed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON; facts and settings in the words of `engine.facts_json`."""
        return {
            "kind": self.kind,
            "decision": self.decision,
            "rules": list(self.rules),
            "message": self.message,
            "hint": self.hint,
            "example": None if self.example is None else encode_facts(self.example),
            "settings": encode_values(self.settings),
            "outcomes": list(self.outcomes),
            "place": {"file": self.place.file, "line": self.place.line, "column": self.place.column},
            "confirmed": self.confirmed,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Finding:
        """What `as_dict` gave. Raises KeyError or ValueError for anything else."""
        example = document["example"]
        return cls(
            document["kind"],
            document["decision"],
            tuple(document["rules"]),
            document["message"],
            document["hint"],
            None if example is None else tuple(decode_fact(fact) for fact in example),
            decode_values(document["settings"]),
            tuple(document["outcomes"]),
            Place(**document["place"]),
            document["confirmed"],
        )


@dataclass(frozen=True, slots=True)
class Note:
    """Something a proof did not settle, and why. `rules` may be empty: then it is about the decision."""

    decision: str
    message: str
    rules: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"decision": self.decision, "rules": list(self.rules), "message": self.message}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Note:
        """What `as_dict` gave. Raises KeyError for anything else."""
        return cls(document["decision"], document["message"], tuple(document["rules"]))


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is known of a rule book: `findings`, in order of decisions and rules; `proved`, sentences about what holds for
    every order; `not_analysed`, what nothing is claimed about. `seconds` is how long it took."""

    findings: tuple[Finding, ...] = ()
    proved: tuple[str, ...] = ()
    not_analysed: tuple[Note, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "findings": [finding.as_dict() for finding in self.findings],
            "proved": list(self.proved),
            "not_analysed": [note.as_dict() for note in self.not_analysed],
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Proofs:
        """What `as_dict` gave. Raises KeyError or ValueError for anything else."""
        return cls(
            tuple(Finding.from_dict(finding) for finding in document["findings"]),
            tuple(document["proved"]),
            tuple(Note.from_dict(note) for note in document["not_analysed"]),
            float(document["seconds"]),
        )
