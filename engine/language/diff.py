"""What differs between two rule books, in the rule language: by decision, and there by setting, rule, invariant and example.

Compared is what the rules mean, not how they are laid out: rules in their canonical words, a table as one rule with a line
per row, and the merchant's layer laid over the base. Files whose text differs without a difference of meaning, and books
that cannot be loaded, are compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from engine.ast import Book, DecisionRules, Rule
from engine.language import LAYER_FOLDER, is_examples, load_book
from engine.language.examples import read_examples
from engine.language.formatter import RuleWriter, setting_lines
from engine.types import Problem, RuleBookError
from engine.vocabulary import VOCABULARY, Vocabulary

NAMED = 3
"""So many changes of one kind are named in a sentence; more are counted."""
CONTEXT = 3
"""Unchanged lines shown around a change of a long text."""
WORK = 4_000_000
"""Pairs of lines up to which two texts are compared line by line; beyond, only their common ends are found."""
_DECISION = re.compile(r"^decision:[ \t]*[\"']?(\w+)", re.MULTILINE)

KINDS: Mapping[str, str] = {
    "added": "new", "removed": "removed", "changed": "changed", "moved": "moved in priority", "reworded": "described in other words",
    "switched off": "switched off", "switched on": "switched on again", "replaced": "replaced by the layer",
    "restored": "back to the base rule",
}  # fmt: skip
"""What can have happened to something, in the words people read."""


class Line(NamedTuple):
    """One line of a comparison. `mark` is `-` (only before), `+` (only after), a space (both), or `…`: `text` says how many
    unchanged lines are left out."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. `section` is setting, rule, invariant, example or description; `kind` one of KINDS;
    `parts` names what of a rule differs. `old` and `new` are its canonical lines, empty when it was or is not there."""

    section: str
    id: str
    kind: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    parts: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Both texts as one, line by line."""
        return compare_lines(self.old, self.new)

    @property
    def words(self) -> str:
        """The change as part of a sentence: `rule outlet-closed changed (when)`."""
        of = f" ({', '.join(self.parts)})" if self.kind in ("changed", "replaced") and self.parts else ""
        if self.section == "setting" and self.kind == "changed" and len(self.old) == len(self.new) == 1:
            of = f" from {_value(self.old[0])} to {_value(self.new[0])}"
        name = f" “{self.id}”" if self.section == "example" else f" {self.id}" if self.id else ""
        return f"{self.section}{name} {KINDS[self.kind]}{of}"

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "section": self.section, "id": self.id, "kind": self.kind, "parts": list(self.parts), "old": list(self.old),
            "new": list(self.new), "lines": [line._asdict() for line in self.lines], "words": self.words,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecisionDiff:
    """What differs in one decision. `kind` is added, removed or changed."""

    decision: str
    kind: str
    changes: tuple[Change, ...]

    @property
    def words(self) -> str:
        """The changes in one breath; many of one kind are only counted."""
        alike: dict[tuple[str, str], list[Change]] = {}
        for change in self.changes:
            alike.setdefault((change.section, change.kind), []).append(change)
        said: list[str] = []
        for (section, kind), found in alike.items():
            few = len(found) <= NAMED
            said += [change.words for change in found] if few else [f"{len(found)} {section}s {KINDS[kind]}"]
        return ", ".join(said)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"decision": self.decision, "kind": self.kind, "changes": [change.as_dict() for change in self.changes]}


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file whose text differs, and how; `kind` is added, removed or changed. `explained` says that the changes of its
    decision say already what the difference means."""

    file: str
    kind: str
    explained: bool
    lines: tuple[Line, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "file": self.file, "kind": self.kind, "explained": self.explained, "lines": [line._asdict() for line in self.lines],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookDiff:
    """What differs between two books. `decides_the_same` is None when one of them cannot be loaded: then `problems` of
    that book says why, and only `files` are compared."""

    decisions: tuple[DecisionDiff, ...]
    files: tuple[FileDiff, ...]
    decides_the_same: bool | None
    problems: tuple[Problem, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files)

    @property
    def words(self) -> tuple[str, ...]:
        """One sentence per decision, and one for files that differ in nothing but comments and layout."""
        said = [f"{one.decision}: {one.words}." for one in self.decisions]
        if layout := [file.file for file in self.files if not file.explained]:
            what = "text differs" if self.decides_the_same is None else "only comments or layout differ"
            said.append(f"{_list(layout)}: {what}.")
        return tuple(said)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "decides_the_same": self.decides_the_same,
            "words": list(self.words),
            "decisions": [decision.as_dict() for decision in self.decisions],
            "files": [file.as_dict() for file in self.files],
            "problems": [str(problem) for problem in self.problems],
        }

    def text(self) -> str:
        """The same for a terminal."""
        return "".join(f"{line}\n" for line in self._text())

    def _text(self) -> Iterator[str]:
        if not self:
            yield "No difference."
        for decision in self.decisions:
            yield f"{decision.decision}" + ("" if decision.kind == "changed" else f" ({KINDS[decision.kind]})")
            for change in decision.changes:
                yield f"  {change.words}"
                yield from (f"    {line.mark} {line.text}".rstrip() for line in change.lines)
        for file in self.files:
            if not file.explained:
                yield f"{file.file} ({KINDS[file.kind]} as text)"
                yield from (f"    {line.mark} {line.text}".rstrip() for line in file.lines)
        yield from (f"! {problem}" for problem in self.problems)


def diff_texts(old: Mapping[str, str], new: Mapping[str, str], vocabulary: Vocabulary = VOCABULARY) -> BookDiff:
    """What differs between two books (file name to text). Never raises: what cannot be loaded is compared as text."""
    try:
        before, after = _Side(old, vocabulary), _Side(new, vocabulary)
    except RuleBookError as error:
        return BookDiff((), tuple(_files(old, new, frozenset())), None, tuple(error.problems))
    names = [*before.book.decisions, *(name for name in after.book.decisions if name not in before.book.decisions)]
    decisions = [found for name in names if (found := _decision(name, before, after)).changes]
    explained = frozenset(one.decision for one in decisions)
    return BookDiff(tuple(decisions), tuple(_files(old, new, explained)), before.book.meaning == after.book.meaning)


def compare_lines(old: Sequence[str], new: Sequence[str]) -> tuple[Line, ...]:
    """Two texts as one. Long stretches without a change are left out of long ones."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    most = min(len(old), len(new)) - start
    tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    left, right = old[start : len(old) - tail], new[start : len(new) - tail]
    lines = [Line(" ", text) for text in old[:start]]
    lines += _middle(left, right)
    lines += [Line(" ", text) for text in old[len(old) - tail :]]
    return tuple(_folded(lines) if len(lines) > 40 else lines)


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    if len(old) * len(new) > WORK:
        yield from (Line("-", text) for text in old)
        yield from (Line("+", text) for text in new)
        return
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Line(" ", text) for text in old[a:b])
        else:
            yield from (Line("-", text) for text in old[a:b])
            yield from (Line("+", text) for text in new[c:d])


def _folded(lines: Sequence[Line]) -> Iterator[Line]:
    near = {i + step for i, line in enumerate(lines) if line.mark != " " for step in range(-CONTEXT, CONTEXT + 1)}
    left_out = 0
    for number, line in enumerate(lines):
        if number in near:
            if left_out:
                yield Line("…", f"{left_out} lines are the same")
            left_out = 0
            yield line
        else:
            left_out += 1
    if left_out:
        yield Line("…", f"{left_out} lines are the same")


class _Side:
    """One of the two books, ready to be compared."""

    def __init__(self, texts: Mapping[str, str], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.book: Book = load_book(texts, vocabulary)
        layered = any(name.startswith(LAYER_FOLDER) and not is_examples(name) for name in texts)
        base = {name: text for name, text in texts.items() if not name.startswith(LAYER_FOLDER)}
        self.base: Book = load_book(base, vocabulary) if layered else self.book
        self.examples = _examples(texts, vocabulary)

    def rules(self, decision: str) -> dict[str, list[Rule]]:
        """Rules by id, in agenda order; a table's rows together."""
        return _units(self.book.decisions.get(decision))

    def base_ids(self, decision: str) -> frozenset[str]:
        return frozenset(_units(self.base.decisions.get(decision)))


def _units(decision: DecisionRules | None) -> dict[str, list[Rule]]:
    units: dict[str, list[Rule]] = {}
    for rule in decision.rules if decision else ():
        units.setdefault(rule.table or rule.id, []).append(rule)
    return units


def _decision(name: str, before: _Side, after: _Side) -> DecisionDiff:
    old, new = before.book.decisions.get(name), after.book.decisions.get(name)
    kind = "added" if old is None else "removed" if new is None else "changed"
    changes = [
        *_plain("description", _description(old), _description(new)),
        *_plain("setting", _settings(old), _settings(new)),
        *_rules(name, before, after),
        *_plain("invariant", _invariants(old, before.vocabulary), _invariants(new, after.vocabulary)),
        *_plain("example", before.examples.get(name, {}), after.examples.get(name, {})),
    ]
    return DecisionDiff(name, kind, tuple(changes))


_Texts = Mapping[str, tuple[str, ...]]


def _plain(section: str, old: _Texts, new: _Texts) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, ()), new.get(name, ())
        if before != after:
            yield Change(section, name, "added" if name not in old else "changed" if name in new else "removed", before, after)


def _description(decision: DecisionRules | None) -> _Texts:
    return {"": (decision.description,)} if decision and decision.description else {}


def _settings(decision: DecisionRules | None) -> _Texts:
    if decision is None:
        return {}
    return {name: tuple(line[2:] for line in setting_lines(name, value)) for name, value in decision.settings.items()}


def _invariants(decision: DecisionRules | None, vocabulary: Vocabulary) -> _Texts:
    if decision is None:
        return {}
    writer = RuleWriter(decision, vocabulary)
    return {one.id: _dedented(writer.invariant(one)) for one in decision.invariants}


def _rules(name: str, before: _Side, after: _Side) -> Iterator[Change]:
    old, new = before.rules(name), after.rules(name)
    writers = {side: RuleWriter(side.book.decisions[name], side.vocabulary) for side in (before, after) if name in side.book.decisions}
    for rule_id in dict.fromkeys((*old, *new)):
        was = _unit_lines(writers[before], old[rule_id]) if rule_id in old else {}
        now = _unit_lines(writers[after], new[rule_id]) if rule_id in new else {}
        parts = tuple(part for part in dict.fromkeys((*was, *now)) if was.get(part) != now.get(part))
        kind = _kind(rule_id, old.get(rule_id), new.get(rule_id), parts, before.base_ids(name), after.base_ids(name))
        if kind:
            yield Change("rule", rule_id, kind, _joined(was), _joined(now), parts if was and now else ())


def _kind(
    rule_id: str, old: list[Rule] | None, new: list[Rule] | None, parts: tuple[str, ...], was_base: frozenset[str], is_base: frozenset[str]
) -> str:  # fmt: skip
    if old is None:
        return "switched on" if rule_id in was_base else "added"
    if new is None:
        return "switched off" if rule_id in is_base else "removed"
    if bool(old[0].layer) != bool(new[0].layer) and rule_id in (is_base if new[0].layer else was_base):
        return "replaced" if new[0].layer else "restored"
    return {(): "", ("priority",): "moved", ("description",): "reworded"}.get(parts, "changed")


def _unit_lines(writer: RuleWriter, rules: Sequence[Rule]) -> dict[str, tuple[str, ...]]:
    """The canonical lines of a rule by part. The rows of a table stand on a line each, so that they can be compared."""
    if not rules[0].table:
        return _parts(_dedented(writer.rule(rules[0])))
    first = rules[0]
    head = _parts(_dedented(writer.rule(first)))
    found = {"id": (f"id: {first.table}",)} | {part: head[part] for part in ("description", "priority") if part in head}
    return {**found, "hit": (f"hit: {first.hit}",), "rows": ("rows:", *(_row(writer, rule) for rule in rules))}


def _row(writer: RuleWriter, rule: Rule) -> str:
    parts = _parts(_dedented(writer.rule(rule)))
    conditions = " and ".join(line.strip().removeprefix("- ") for line in parts.get("when", ())[1:])
    demands = ", ".join(line.strip().removeprefix("- ") for line in parts.get("then", ())[1:])
    return f"  - {conditions or 'always'} → {demands}"


def _parts(lines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """A rule's lines by their key; a deeper line belongs to the key above it."""
    found: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        if not line.startswith(" "):
            key = line.partition(":")[0]
        found.setdefault(key, []).append(line)
    return {part: tuple(texts) for part, texts in found.items()}


def _joined(parts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(line for lines in parts.values() for line in lines)


def _dedented(lines: Iterable[str]) -> tuple[str, ...]:
    """The item of a list (`  - id: x`, then deeper lines) as lines of its own."""
    return tuple(line[4:] for line in lines)


def _examples(texts: Mapping[str, str], vocabulary: Vocabulary) -> dict[str, dict[str, tuple[str, ...]]]:
    """decision -> name of the example -> its lines as they are written."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for file in sorted(filter(is_examples, texts)):
        lines = texts[file].splitlines()
        examples = sorted(read_examples(file, texts[file], vocabulary)[0], key=lambda example: example.place.line)
        ends = [*(example.place.line - 1 for example in examples[1:]), len(lines)]
        for example, end in zip(examples, ends, strict=True):
            written = [line.rstrip() for line in lines[example.place.line - 1 : end]]
            found.setdefault(example.decision, {})[example.name] = tuple(line for line in written if _says_something(line))
    return found


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _files(old: Mapping[str, str], new: Mapping[str, str], explained: frozenset[str]) -> Iterator[FileDiff]:
    for file in sorted({*old, *new}):
        before, after = old.get(file), new.get(file)
        if before == after:
            continue
        kind = "added" if before is None else "removed" if after is None else "changed"
        named = _DECISION.search(after or before or "")
        lines = compare_lines(*(tuple(_shown_lines(text or "")) for text in (before, after)))
        yield FileDiff(file, kind, named is not None and named[1] in explained, lines)


def _shown_lines(text: str) -> Iterator[str]:
    """The lines of a file; what cannot be seen at the end of a line, but differs, is shown."""
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        ending = line[len(body) :]
        yield body + {"\n": "", "": " (no line end)", "\r\n": " (CRLF)"}.get(ending, " (CR)")


def _value(line: str) -> str:
    return line.partition(": ")[2]


def _list(items: Iterable[str], most: int = 6) -> str:
    found = list(items)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
