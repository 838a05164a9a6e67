"""The structured view of one file: cards with drop-downs, made of the text and of nothing else.

`engine.language.outline` says what stands where; here every part gets the choices it has. Only the opened rule is made of
fields, the others are read, so that a file of a thousand rules stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from api.ui.rule_files import RuleFile, decision_of
from api.ui.rule_sentences import HINTS, WITH_LIST, WITHOUT_VALUE, Kind, Words, as_text, reason_of, shown
from engine.ast import DecisionRules
from engine.language import LAYER_FOLDER, is_examples
from engine.language.demands import form_parts
from engine.language.examples import read_examples
from engine.language.formatter import scalar
from engine.language.outline import outline
from engine.language.rule_file import read_layer_file, read_rule_file
from engine.language.rule_settings import setting_words
from engine.language.sentences import quote
from engine.types import Money, Value
from engine.vocabulary import VOCABULARY, OutcomeSpec

CARDS = 1_000
"""Most rules shown as cards; the text shows them all."""
LONGEST = 500_000
"""Characters up to which a text is shown and changed as cards. Larger ones are worked on as text: taking them apart again
and again would keep everybody else waiting."""
WHOLE_CARDS = 60
"""Up to so many rules, cards that are not opened show what the rule says; beyond that only its name, to stay quick."""


@dataclass
class Structure:
    """What the structured view shows. `broken` says that the text cannot be read at the moment, so that the cards shown
    before stay; `spans` are the lines of each rule; `base` are the rules of the base book that may be switched off."""

    decision: str
    kind: str
    words: Words | None
    cards: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    opened: str = ""
    settings: list[dict[str, Any]] = field(default_factory=list)
    off: list[dict[str, Any]] = field(default_factory=list)
    base: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False
    brief: bool = False
    left_out: int = 0
    too_long: bool = False

    @property
    def types(self) -> list[str]:
        """The field types for which the opened rule offers comparable fields."""
        return sorted(types_in(self.cards))

    def like(self, type_: str) -> list[str]:
        """Fields and settings that can be compared with a field of a type."""
        return self.words.like(Kind(type_)) if self.words else []

    @property
    def free_id(self) -> str:
        """An id that no rule has yet, to begin with."""
        taken = {*self.base, *(card["id"] for card in self.cards)}
        return next(name for name in (f"my-rule-{number}" for number in range(1, 100_000)) if name not in taken)


def structure(file: RuleFile, texts: Mapping[str, str], opened: str) -> Structure:
    """The structured view of a file as it stands on the screen; `texts` are all files of the draft."""
    if len(file.text) > LONGEST:
        return Structure(file.decision, file.kind, None, too_long=True)
    if file.kind == "examples":
        return _of_examples(file)
    found = outline(file.text)
    spec = VOCABULARY.decisions.get(found.get("decision") or file.decision)
    base = base_of(texts, spec.name if spec else "")
    words = Words(spec, _settings(file, base)) if spec else None
    view = Structure(spec.name if spec else file.decision, file.kind, words, settings=found["settings"], off=found["switch_off"])  # fmt: skip
    view.broken = not found["rules"] and bool(found["problems"]) and bool(file.text.strip())
    if base is not None and file.kind == "layer":
        view.base = list(dict.fromkeys(rule.table or rule.id for rule in base.rules))
        for setting in view.settings:
            setting["own"] = True
        own = {setting["name"] for setting in view.settings}
        view.settings += [{"name": name, "value": _setting_words(value), "own": False} for name, value in base.settings.items() if name not in own]
    everything = [*found["rules"], *found["invariants"]]
    for rule in everything[:CARDS]:
        view.spans.append({"id": rule["id"], "line": rule["line"], "end": rule["end_line"]})
        view.cards.append(_card(rule, words, opened))
        if rule["id"] == opened:
            view.opened = opened
    view.brief = len(everything) > WHOLE_CARDS
    view.left_out = max(0, len(everything) - CARDS)
    return view


def _of_examples(file: RuleFile) -> Structure:
    examples, problems = read_examples(file.name, file.text)
    view = Structure(file.decision, file.kind, None, broken=not examples and bool(problems))
    for number, example in enumerate(examples):
        following = examples[number + 1].place.line - 1 if number + 1 < len(examples) else file.text.count("\n") + 1
        expect = [each.text for each in example.expect] + [f"never {each.text}" for each in example.never]
        view.examples.append({"id": example.name, "line": example.place.line, "expect": expect, "only": example.only})
        view.spans.append({"id": example.name, "line": example.place.line, "end": following})
    return view


def _settings(file: RuleFile, base: DecisionRules | None) -> Mapping[str, Any]:
    """The settings a file may mention, typed: those of the base, and its own over them."""
    own = _read(file.name, file.text, base)
    return own.settings if own is not None else base.settings if base is not None else {}


def _read(name: str, text: str, base: DecisionRules | None) -> DecisionRules | None:
    if not name.startswith(LAYER_FOLDER):
        return read_rule_file(name, text, VOCABULARY).decision
    return read_layer_file(name, text, VOCABULARY, {base.name: base} if base else {}).decision


def words_of(file: RuleFile, texts: Mapping[str, str]) -> Words | None:
    """What the sentences of a file may mention; None when it names no decision."""
    spec = VOCABULARY.decisions.get(outline(file.text).get("decision") or file.decision)
    return Words(spec, _settings(file, base_of(texts, spec.name))) if spec else None


def base_of(texts: Mapping[str, str], decision: str) -> DecisionRules | None:
    """The base rules of a decision."""
    for name in sorted(texts, key=lambda name: (decision_of(name) != decision, name)):
        if not name.startswith(LAYER_FOLDER) and not is_examples(name):
            found = _base_rules(name, texts[name])
            if found is not None and found.name == decision:
                return found
    return None


@lru_cache(maxsize=64)
def _base_rules(name: str, text: str) -> DecisionRules | None:
    return read_rule_file(name, text, VOCABULARY).decision


def _setting_words(value: Value) -> str:
    """A setting's value as a file has it."""
    if isinstance(value, tuple) and not isinstance(value, Money):
        return "[" + ", ".join(scalar(item) for item in value) + "]"
    text, in_quotes = setting_words(value)
    return quote(text) if in_quotes else text


DEMANDS = (("then", "Then"), ("never", "Never"), ("always", "Always"))


def _card(rule: Mapping[str, Any], words: Words | None, opened: str) -> dict[str, Any]:
    """A rule or invariant; `lists` are its demands, each list with its key and heading."""
    card = {"priority": None, "table": None, **rule, "open": rule["id"] == opened}
    lists = [(key, heading, rule[key]) for key, heading in DEMANDS if key in rule]
    if card["open"] and words is not None:
        card["when"] = [_node(node, words) for node in rule["when"]]
        lists = [(key, heading, [_demand(demand, words) for demand in demands]) for key, heading, demands in lists]
    return {**card, "lists": lists}


def _node(node: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """A group or condition with what can be chosen for it."""
    if node["kind"] != "condition":
        return {**node, "children": [_node(child, words) for child in node["children"]]}
    kind = words.kind(as_text(node, "field"))
    operator = as_text(node, "operator")
    if kind is None or operator not in kind.operators:
        return {**node, "plain": True}
    value = as_text(node, "value")
    lower, upper = value, ""
    if operator == "between":
        lower, _, upper = value.partition(" and ")
    return {
        **node, "plain": False, "type": kind.type, "meaning": kind.meaning, "operators": kind.operators,
        "takes_value": operator not in WITHOUT_VALUE, "value": shown(lower, kind), "upper": shown(upper, kind),
        "choices": _choices(kind, operator, lower, words), "hint": _hint(kind, operator),
    }  # fmt: skip


def _choices(kind: Kind, operator: str, value: str, words: Words) -> list[str]:
    """The words of a drop-down; none where a field to type in serves better."""
    if operator in WITH_LIST or not (kind.values or kind.type == "boolean"):
        return []
    known = [*(kind.values or ("true", "false")), *words.like(kind)]
    return known if value in known else [value, *known]


def _hint(kind: Kind, operator: str) -> str:
    if operator in WITH_LIST:
        return ", ".join(kind.values[:2]) if kind.values else f"{HINTS[kind.type]}, {HINTS[kind.type]}"
    return 'a pattern, such as NL.*' if operator == "matches" else HINTS.get(kind.type, "")


def _demand(demand: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """A demand with the outcomes that can stand there and what fits into its slots."""
    spec = words.spec.by_name.get(as_text(demand, "outcome"))
    _, reason = reason_of(demand["text"])
    slots = demand.get("slots") or {}
    return {**demand, "spec": spec, "reason": reason, "parts": _parts(spec, slots, words) if spec else []}


def _parts(spec: OutcomeSpec, slots: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    by_name = {slot.name: Kind(slot.type, slot.values) for slot in spec.slots}
    parts: list[dict[str, Any]] = []
    for name, is_slot in form_parts(spec.form):
        if not is_slot:
            parts.append({"word": name})
            continue
        kind, value = by_name[name], as_text(slots, name)
        parts.append({
            "slot": name, "type": kind.type, "value": shown(value, kind), "choices": _choices(kind, "is", value, words), "hint": HINTS.get(kind.type, ""),
        })  # fmt: skip
    return parts


def types_in(cards: Sequence[Mapping[str, Any]]) -> set[str]:
    """The field types for which the opened rule needs lists of comparable fields."""

    def of(nodes: Sequence[Mapping[str, Any]]) -> set[str]:
        found: set[str] = set()
        for node in nodes:
            found |= of(node["children"]) if node["kind"] != "condition" else {node.get("type", "")}
        return found

    opened = [card for card in cards if card["open"]]
    slots = {part["type"] for card in opened for _, _, demands in card["lists"] for demand in demands for part in demand.get("parts", ()) if "slot" in part}
    return {each for card in opened for each in of(card["when"])} | slots - {""}
