"""What could be written where the caret stands: names, operators, values, outcomes and keys that fit, with their meaning.

Only the lines around the caret are looked at, from it up to the section it stands in, so that the answer comes at once
however long the file, and whatever is wrong elsewhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.language.completion_words import Suggestion, Words, Written, best, said
from engine.language.rule_settings import setting_value
from engine.language.sentences import SENTENCE_LENGTH, SentenceError
from engine.language.yaml_nodes import MapNode, read
from engine.types import Value
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

_LAYER = "layer/"
_KEY = re.compile(r"^( *)((?:- +)*)([\w-]+):(?:\s|$)")
_DECISION = re.compile(r"^decision: *[\"']?([\w-]+)")
_RULE_ID = re.compile(r"^ *(?:- +)?id: *[\"']?([\w-]+)", re.MULTILINE)
_SETTINGS = re.compile(r"settings:.*\n(?:[ \t]+.*\n|\s*\n|#.*\n)*")
_TOP = ("decision", "layer", "description", "settings", "switch_off", "replace", "rules", "invariants", "examples")
_SECTION_INDENT = 2
"""How far rules are indented in a file in good form; in others every line above is looked at."""
_SECTIONS = ("rules", "replace", "invariants")
_SENTENCES = {"when": "condition", "any": "condition", "all": "condition", "none": "condition",
              "then": "demand", "never": "demand", "always": "demand", "expect": "demand"}  # fmt: skip
_KEYS: Mapping[str, Mapping[str, str]] = {
    "": {
        "decision: ": "which decision these rules are for", "description: ": "one sentence for people",
        "settings:": "named values a merchant can change", "rules:": "the rules", "invariants:": "what must always hold",
        "layer: true": "these are a merchant's rules over the base book",
        "switch_off:": "base rules that are switched off", "replace:": "base rules that are written anew",
    },
    "rules": {
        "id: ": "name of the rule", "description: ": "one sentence that says why", "priority: ": "lower comes first, 100 when absent",
        "when:": "conditions, all must be met", "then:": "what the rule demands", "table:": "many small rules as rows",
    },
    "invariants": {
        "id: ": "name of the invariant", "description: ": "one sentence that says why", "when:": "conditions, all must be met",
        "never:": "outcomes that must not come", "always:": "outcomes that must come",
    },
    "table": {
        "hit: ": "every row that holds counts, or only the first", "when: ": "headings: fields",
        "then: ": "headings: outcomes", "rows:": "one list of cells for each row",
    },
    "examples": {
        "name: ": "what it shows", "settings:": "a merchant's own values", "facts:": "what is known",
        "expect:": "outcomes that must come", "never:": "outcomes that must not come", "only: true": "no other outcomes may come",
    },
}  # fmt: skip
_KEYS = {**_KEYS, "replace": _KEYS["rules"]}
_EXAMPLE_TOP = {"decision: ": "which decision these examples try", "examples:": "given facts, expected outcomes"}


def complete(
    text: str, line: int, column: int, texts: Mapping[str, str] | None = None, vocabulary: Vocabulary = VOCABULARY
) -> list[dict[str, Any]]:
    """What fits at a line and column (both from 1), best first; `texts` are all files of the book.

    Each suggestion has `insert`, `label`, `detail`, and `replace`: the columns, start included and end not, of the
    characters on this line that it takes the place of. Never raises; nowhere to look means nothing to suggest.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    if not 1 <= line <= len(lines):
        return []
    here = lines[line - 1].rstrip("\r")
    if len(here) > SENTENCE_LENGTH:
        return []
    column = max(1, min(column, len(here) + 1))
    caret = _Caret(lines, line - 1, here, column - 1, text, texts or {}, vocabulary)
    found = best(caret.suggestions(), caret.typed)
    end = column - 1 + len(_rest(here[column - 1 :]))
    start = column - 1 - len(caret.typed)
    return [
        {"insert": one.insert, "label": one.label, "detail": one.detail, "replace": [start + 1, end + 1]} for one in found
    ]


def _rest(behind: str) -> str:
    """What is left of the word the caret stands in."""
    found = re.match(r"[\w.-]*", behind)
    return found[0] if found else ""


@dataclass
class _Caret:
    lines: list[str]
    at: int
    here: str
    column: int
    text: str
    texts: Mapping[str, str]
    vocabulary: Vocabulary
    typed: str = ""
    """The characters before the caret that a suggestion replaces; known once suggestions were asked for."""

    def suggestions(self) -> Iterable[Suggestion]:
        before = self.here[: self.column]
        if re.search(r"(^|\s)#", _without_quotes(before)):
            return []
        chain = self.chain
        key = re.match(r"^ *(?:- +)*([\w-]+): +(.*)$", before)
        if key:
            return self.value(chain, key[1], key[2])
        item = re.match(r"^ *(- +)*(.*)$", before)
        assert item is not None  # it matches any line
        dashed, words = bool(item[1]), item[2]
        if chain and chain[-1] in _SENTENCES and (dashed or not re.fullmatch(r"[\w-]*", words)):
            return self.sentence(_SENTENCES[chain[-1]], words, example=chain[0] == "examples")
        if chain and chain[-1] == "rows":
            return self.cell(words)
        if chain and chain[-1] == "switch_off" and dashed:
            return self.names(words, self.base_ids, "rule of the base book")
        return self.keys(chain, words)

    # Where the caret stands

    @cached_property
    def chain(self) -> list[str]:
        """The keys above the caret, outermost first."""
        own = re.match(r" *(?:- +)*", self.here)
        dash = self.here.find("-") if self.here.lstrip().startswith("-") else -1
        level = dash if dash >= 0 else len(own[0]) if own else 0
        if not self.here.strip():
            level = self.column
        found: list[str] = []
        for number in range(self.at - 1, -1, -1):
            if level == 0 and dash != 0:
                break
            if found and level <= _SECTION_INDENT and dash >= 0:  # all above belong to one section: no need to go on
                return [self.section(number), *found[::-1]]
            words = self.lines[number]
            stripped = words.lstrip(" ")
            indent = len(words) - len(stripped)
            if not stripped or indent > level or stripped[0] == "#" or (indent == level and dash != level):
                continue
            key = _KEY.match(words)
            if key is None:
                if stripped.startswith("-") and indent < level:
                    level, dash = indent, indent
                continue
            inner = len(key[1]) + len(key[2])
            if inner < level or (inner == level == dash and not key[2]):
                found.append(key[3])
                level, dash = inner, -1
            if key[2] and indent < level:
                level, dash = indent, indent
        return found[::-1]

    def section(self, line: int) -> str:
        """The key of the whole file under which a line stands."""
        end = sum(map(len, self.lines[: line + 1])) + line + 1
        above = "\n" + self.text.removeprefix("\ufeff")
        places = {name: above.rfind(f"\n{name}:", 0, end + 1) for name in _TOP}
        return max(places, key=lambda name: places[name])

    @property
    def siblings(self) -> set[str]:
        """The keys of the map the caret stands in that are there already."""
        level = len(self.here) - len(self.here.lstrip(" -")) if self.here.strip() else self.column
        found: set[str] = set()
        for step, start in ((-1, self.at - 1), (1, self.at + 1)):
            number = start
            item_begins = step == -1 and self.here.lstrip().startswith("- ")
            while 0 <= number < len(self.lines) and not item_begins:
                words = self.lines[number]
                stripped = words.lstrip(" ")
                key = _KEY.match(words)
                inner = len(key[1]) + len(key[2]) if key else len(words) - len(stripped)
                begins = stripped.startswith("- ") and inner == level
                if stripped and not stripped.startswith("#") and (inner < level or (begins and step == 1)):
                    break
                if key and inner == level:
                    found.add(key[3])
                item_begins = begins
                number += step
        return found

    @cached_property
    def spec(self) -> DecisionSpec | None:
        return self.vocabulary.decisions.get(_decision_of(self.text))

    @cached_property
    def base(self) -> str:
        """The text of the base file of this decision, when this is not it."""
        if self.spec is None:
            return ""
        for name, text in self.texts.items():
            is_base = not name.startswith(_LAYER) and not name.endswith(".examples.yaml")
            if is_base and _decision_of(text) == self.spec.name and text != self.text:
                return text
        return ""

    @property
    def base_ids(self) -> list[str]:
        """The rules of the base book that this file does not name yet."""
        start = _top(self.base, "rules")
        named = set(re.findall(r"[\w-]+", self.text))
        return [name for name in _RULE_ID.findall(self.base, start) if name not in named] if start >= 0 else []

    @cached_property
    def words(self) -> Words | None:
        if self.spec is None:
            return None
        return Words(self.vocabulary, self.spec, {**_settings_of(self.base), **_settings_of(self.text)})

    # What fits there

    def sentence(self, kind: str, before: str, *, example: bool = False) -> Iterable[Suggestion]:
        if self.words is None:
            return []
        quote = before[:1] in ("'", '"') and kind == "condition"
        written = Written(before[1:] if quote else before)
        continued = self.words.condition(written) if kind == "condition" else self.words.demand(written, example=example)
        found = list(continued)  # which is what finds out what was typed
        self.typed = written.typed
        return found

    def value(self, chain: list[str], key: str, before: str) -> Iterable[Suggestion]:
        """What may stand behind `key:` on the same line."""
        flow = _inside_brackets(before)
        if key in _SENTENCES and flow is not None and chain[-1:] != ["table"]:
            return self.sentence(_SENTENCES[key], flow, example=chain[:1] == ["examples"])
        if key == "decision" and not chain:
            return self.names(before, {d.name: d.meaning for d in self.vocabulary.decisions.values()})
        if key in ("layer", "only"):
            return self.names(before, ["true"])
        if key == "id" and chain == ["replace"]:
            return self.names(before, self.base_ids, "rule of the base book")
        if chain[-1:] == ["table"] and key == "hit":
            return self.names(before, {"every": "every row that holds counts", "first": "only the first row that holds counts"})
        if chain[-1:] == ["table"] and key in ("when", "then") and flow is not None and self.words is not None:
            return self.names(flow, self.words.headings(key))
        if key == "switch_off" and flow is not None:
            return self.names(flow, self.base_ids, "rule of the base book")
        if "facts" in chain and self.words is not None:
            return self.fact(key, before)
        return []

    def fact(self, fact_type: str, before: str) -> Iterable[Suggestion]:
        """Fields and values between the braces of an example's fact."""
        assert self.words is not None  # the caller looked
        at = max(before.rfind("{"), before.rfind(","))
        field, colon, value = before[at + 1 :].strip().partition(":")
        if not colon:
            return self.names(field, self.words.fields_of(fact_type))
        return self.names(value.strip(), self.words.plain_values(f"{fact_type}.{field.strip()}"))

    def cell(self, before: str) -> Iterable[Suggestion]:
        """What may stand in a cell of a row between brackets."""
        if not before.startswith("[") or self.words is None:
            return []
        column, depth, start = 0, 0, 1
        for at, sign in enumerate(_without_quotes(before)):
            depth += (sign == "[") - (sign == "]")
            if sign == "," and depth == 1:
                column, start = column + 1, at + 1
        cell = before[start:].lstrip()
        asked, given = self.headings
        in_list = "[" in cell
        cell = re.split(r"[\[,]\s*", cell)[-1] if in_list else cell
        if column < len(asked):
            return self.names(cell.lstrip('"'), self.words.cells(asked[column], in_list=in_list))
        if column - len(asked) < len(given):
            return self.names(cell, self.words.outcome_cells(given[column - len(asked)]))
        return []

    @property
    def headings(self) -> tuple[list[str], list[str]]:
        """The headings of the table the caret stands in."""
        found: dict[str, list[str]] = {}
        for number in range(self.at - 1, -1, -1):
            words = self.lines[number]
            if heading := re.match(r"^ *(when|then): *\[(.*)\]", words):
                found.setdefault(heading[1], [one.strip(" \"'") for one in heading[2].split(",") if one.strip()])
            if re.match(r"^ *table:", words):
                break
        return found.get("when", []), found.get("then", [])

    def keys(self, chain: list[str], before: str) -> Iterable[Suggestion]:
        """Keys that are not there yet."""
        if not re.fullmatch(r"[\w-]*", before):
            return []
        place = chain[-1] if chain else ""
        known: Mapping[str, str] = {}
        if len(chain) <= 1 or (chain[0] in _SECTIONS and place == "table"):
            known = _EXAMPLE_TOP if not place and _top(self.text, "examples") >= 0 else _KEYS.get(place, {})
        elif place == "facts" and self.spec is not None:
            known = {f"{name}: ": self.vocabulary.facts[name].meaning for name in self.spec.sees if name != "setting"}
        if place == "settings":
            known = {f"{name}: ": f"setting of the base rules, {said(value)}" for name, value in _settings_of(self.base).items()}
        there = self.siblings
        return self.names(before, {name: about for name, about in known.items() if name.split(":")[0] not in there})

    def names(self, before: str, names: Mapping[str, str] | Iterable[str], detail: str = "") -> Iterable[Suggestion]:
        """Names as they are, in place of what was typed."""
        self.typed = before
        told = names if isinstance(names, Mapping) else dict.fromkeys(names, detail)
        return [Suggestion(name, name.strip(), about) for name, about in told.items()]


def _without_quotes(text: str) -> str:
    """The text with everything in double quotes made blank, character for character."""
    return re.sub(r'"(?:[^"\\]|\\.)*"?', lambda found: "x" * len(found[0]), text)


def _inside_brackets(before: str) -> str | None:
    """What was written last between brackets; None when there are none open."""
    if not before.startswith("["):
        return None
    depth, start = 0, 0
    for at, sign in enumerate(_without_quotes(before)):
        depth += (sign == "[") - (sign == "]")
        if (sign == "," and depth == 1) or (sign == "[" and depth == 1):
            start = at + 1
    return before[start:].lstrip() if depth > 0 else None


def _top(text: str, key: str) -> int:
    """Where a key of the whole file begins; -1 when there is none."""
    if text.startswith(f"{key}:"):
        return 0
    return text.find(f"\n{key}:") + 1 or -1


def _decision_of(text: str) -> str:
    """The decision a text names."""
    start = _top(text.removeprefix("\ufeff"), "decision")
    named = _DECISION.match(text.removeprefix("\ufeff")[start : start + 200]) if start >= 0 else None
    return named[1] if named else ""


def _settings_of(text: str) -> dict[str, Value]:
    """The settings of a text that can be read."""
    start = _top(text, "settings")
    section = _SETTINGS.match(text if text.endswith("\n") else f"{text}\n", start) if start >= 0 else None
    root = read("", section[0])[0] if section and len(section[0]) < 100_000 else None
    node = root.entries[0][1] if isinstance(root, MapNode) and root.entries else None
    found: dict[str, Value] = {}
    for key, value in node.entries if isinstance(node, MapNode) else ():
        try:
            found[key.text] = setting_value(value)
        except SentenceError:
            continue
    return found
