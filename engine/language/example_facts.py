"""The facts of an example: typed by the vocabulary, written as `order: {total: 12.50 EUR}` or as a list of such maps.

`id` names a fact. Left out, an outlet is named by its code, a fulfilment by its outlet, stock by both outlet and article,
other facts of a type that occurs once by the type, and any other by its number in the list. Where a type has a field
`id` of its own (a line), `id` is that field as well, and `fact_id` names the fact should the two differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine import facts_json
from engine.language.literals import NAMES, literal_value
from engine.language.sentences import HALF_CHARACTER, SentenceError, Term, nearest, parse_value
from engine.language.yaml_nodes import ListNode, MapNode, Node, ScalarNode
from engine.types import Fact, Value
from engine.values import fits
from engine.vocabulary import DecisionSpec, FactType, Field, Vocabulary

NATURAL_IDS = {"outlet": ("code",), "fulfilment": ("outlet",), "stock": ("outlet", "sku")}
"""The fields that name a fact of a type when its example gives no `id`; several are joined by a stroke."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_KEPT = ("money", "number", "moment", "date", "time")

Report = Callable[..., None]
"""`report(place, message, hint="", severity="error")`."""


def natural_id(fact_type: FactType, values: dict[str, Value], number: int) -> str:
    """What a fact is called when its example gives no id. `number` is its place in the list, from 1."""
    if not fact_type.repeated:
        return fact_type.name
    if fact_type.by_name.get("id") is not None and isinstance(values.get("id"), str):
        return str(values["id"])
    parts = [values.get(name) for name in NATURAL_IDS.get(fact_type.name, ())]
    if parts and all(isinstance(part, str) and part for part in parts):
        return "/".join(str(part) for part in parts)
    return str(number)


class FactReader:
    """Reads the `facts:` of one example and reports what is wrong with them."""

    def __init__(self, vocabulary: Vocabulary, spec: DecisionSpec, report: Report) -> None:
        self.vocabulary = vocabulary
        self.spec = spec
        self.report = report

    def facts(self, node: Node | None) -> tuple[Fact, ...]:
        """The facts written here; those with a problem are left out."""
        if node is None or (isinstance(node, ScalarNode) and node.plain and node.text in ("", "~", "null")):
            return ()
        if not isinstance(node, MapNode):
            self.report(node.place, "`facts:` must be lines of a fact type and its fields.", "`order: {total: 50 EUR}`")
            return ()
        found: list[Fact] = []
        for key, value in node.entries:
            fact_type = self._type(key)
            if fact_type is not None:
                found += self._of_type(fact_type, value)
        return tuple(found)

    def _type(self, key: ScalarNode) -> FactType | None:
        fact_type = self.vocabulary.facts.get(key.text)
        if fact_type is None:
            known = [name for name in self.spec.sees if name in self.vocabulary.facts]
            close = nearest(key.text, self.vocabulary.facts)
            hint = f"Did you mean `{close}`?" if close else f"There are: {', '.join(known)}."
            self.report(key.place, f"There is no fact `{key.text[:60]}`.", hint)
        elif key.text not in self.spec.sees:
            seen = ", ".join(name for name in self.spec.sees if name != "setting")
            message = f"{self.spec.name} does not look at `{key.text}`."
            self.report(key.place, message, f"It looks at: {seen}.", "warning")
        return fact_type

    def _of_type(self, fact_type: FactType, node: Node) -> list[Fact]:
        if isinstance(node, MapNode):
            nodes: tuple[Node, ...] = (node,)
        elif isinstance(node, ListNode):
            nodes = node.items
        else:
            hint = f"Write `{fact_type.name}: {{{fact_type.fields[0].name}: ...}}`, or a list of such maps."
            self.report(node.place, f"`{fact_type.name}` needs its fields.", hint)
            return []
        if not fact_type.repeated and len(nodes) > 1:
            self.report(node.place, f"There is only one {fact_type.name}.", "Keep one.")
            return []
        found: dict[str, Fact] = {}
        for number, item in enumerate(nodes, 1):
            fact = self._fact(fact_type, item, number)
            if fact is not None and fact.id in found:
                message = f"The {fact_type.name} `{fact.id[:60]}` is there already."
                self.report(item.place, message, f"Give every {fact_type.name} an `id` of its own.")
            elif fact is not None:
                found[fact.id] = fact
        return list(found.values())

    def _fact(self, fact_type: FactType, node: Node, number: int) -> Fact | None:
        if not isinstance(node, MapNode):
            self.report(node.place, f"A {fact_type.name} must be lines of `field: value`.")
            return None
        values: dict[str, Value] = {}
        ids: dict[str, str] = {}
        for key, value in node.entries:
            if key.text in ("id", "fact_id"):
                text = self._id(fact_type, value)
                if text is not None:
                    ids[key.text] = text
                if key.text == "fact_id" or fact_type.by_name.get("id") is None:
                    continue
            self._field(fact_type, key, value, values)
        fact_id = ids.get("fact_id", ids.get("id", natural_id(fact_type, values, number)))
        return Fact(fact_type.name, fact_id, values)

    def _id(self, fact_type: FactType, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and not HALF_CHARACTER.search(node.text):
            return node.text
        self.report(node.place, f"The id of a {fact_type.name} is text.")
        return None

    def _field(self, fact_type: FactType, key: ScalarNode, node: Node, values: dict[str, Value]) -> None:
        field = fact_type.by_name.get(key.text)
        if field is None:
            close = nearest(key.text, fact_type.by_name)
            hint = f"Did you mean `{close}`?" if close else f"There are: {', '.join(fact_type.by_name)}."
            self.report(key.place, f"`{fact_type.name}` has no field `{key.text[:60]}`.", hint)
            return
        try:
            values[field.name] = field_value(node, field, f"{fact_type.name}.{field.name}")
        except SentenceError as error:
            place = node.at(error.start) if isinstance(node, ScalarNode) else node.place
            self.report(place, error.message, error.hint)


def field_value(node: Node, field: Field, subject: str) -> Value:
    """The value written for a field. Raises SentenceError when it is none."""
    value = _kept(node) if isinstance(node, MapNode) else _written(node, field, subject)
    if value is None or not fits(value, field.type, field.values):
        values = f" Its values are: {', '.join(field.values)}." if field.values else ""
        raise SentenceError(0, f"{subject} is {NAMES[field.type]}, and this is not.{values}")
    texts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(text, str) and HALF_CHARACTER.search(text) for text in texts):
        raise SentenceError(0, f"The text of {subject} holds half a character (U+D800 to U+DFFF).", "Remove it.")
    return value


def _written(node: Node, field: Field, subject: str) -> Value | None:
    if isinstance(node, ListNode):
        items = [item.text for item in node.items if isinstance(item, ScalarNode)]
        return tuple(items) if field.type == "list" and len(items) == len(node.items) else None
    if not isinstance(node, ScalarNode):
        return None
    if node.plain and node.text in ("", "~", "null"):
        raise SentenceError(0, f"{subject} has no value.", "Leave the field out when it is missing.")
    if field.type == "text":
        return node.text
    if field.type == "list":
        raise SentenceError(0, f"{subject} is a list of text.", f"Write `[{node.text[:40]}]`.")
    if field.type == "enum":
        return literal_value(Term("text", node.text, 0), "enum", field.values, subject)
    if field.type == "integer" and _WHOLE.fullmatch(node.text):
        return int(node.text)
    return literal_value(parse_value(node.text), field.type, field.values, subject)


def _kept(node: MapNode) -> Value | None:
    """A value in the form that facts are kept in, for what the rule language has no words for: `{money: [5, EUR]}`."""
    if len(node.entries) != 1 or node.entries[0][0].text not in _KEPT:
        return None
    key, held = node.entries[0]
    document: Any = None
    if isinstance(held, ScalarNode):
        document = held.text
    elif isinstance(held, ListNode) and len(held.items) == 2 and all(isinstance(i, ScalarNode) for i in held.items):
        first, second = (item.text for item in held.items if isinstance(item, ScalarNode))
        document = [int(first) if _WHOLE.fullmatch(first) else first, second]
    try:
        return facts_json.decode_value({key.text: document})
    except ValueError:
        return None
