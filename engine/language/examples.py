"""Example files: what a decision must answer for some facts, in words an admin can read. They are the tests of a rule book.

```yaml
decision: status_to_shop
examples:
  - name: An unpaid order is not shipped
    settings: {tell_pickup_packed: false}
    facts:
      order: {payment_status: unpaid, total: 12.50 EUR}
      fulfilment:
        - {id: amsterdam, outlet: amsterdam, status: packed}
    expect: ["leave shop status"]
    never: ["set shop status shipped"]
    only: true
```

`docs/examples.md` describes them for admins. Nothing here runs an example: `engine.examples` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine import facts_json
from engine.ast import Literal, LiteralList, Place
from engine.calendar import in_time
from engine.language.checker import Scope
from engine.language.demands import Forms, check_demand
from engine.language.example_facts import FactReader
from engine.language.reading import EnoughError, Reader
from engine.language.rule_settings import setting_value
from engine.language.sentences import HALF_CHARACTER, SentenceError, nearest, parse_demand
from engine.language.yaml_nodes import PROBLEMS, ListNode, MapNode, Node, ScalarNode, read
from engine.types import Fact, Problem, Value
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

SUFFIX = ".examples.yaml"
"""How the name of an example file ends."""
LAYER_FOLDER = "layer/"
"""How the name of a file of the merchant's layer begins."""
EXAMPLES = 5_000
"""Most examples of one file."""
EXPECTATIONS = 200
"""Most lines under `expect` or `never` of one example."""
NAME_LENGTH = 200
SETTINGS = 500

_FILE_KEYS = ("decision", "examples")
_EXAMPLE_KEYS = ("name", "settings", "time_zone", "facts", "expect", "never", "only")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One outcome that an example expects, or must never see.

    `target` is the id of the fact it speaks of (None: of whichever), `reason` the words after `because` (empty: whatever
    they are), `text` the sentence as it is written.
    """

    outcome: str
    arguments: Mapping[str, Value]
    target: str | None
    reason: str
    text: str
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Example:
    """Facts and a merchant's settings, and what the decision must answer: every outcome of `expect`, none of `never`,
    and with `only` no other than the expected ones."""

    decision: str
    name: str
    facts: tuple[Fact, ...]
    settings: Mapping[str, Value]
    expect: tuple[Expectation, ...]
    never: tuple[Expectation, ...] = ()
    only: bool = False
    place: Place = field(default_factory=Place, compare=False)


def is_examples(name: str) -> bool:
    """Whether a file of a rule book holds examples rather than rules."""
    return name.endswith(SUFFIX)


def read_examples(
    file: str, text: str | bytes, vocabulary: Vocabulary = VOCABULARY
) -> tuple[tuple[Example, ...], tuple[Problem, ...]]:
    """The examples of one file, and everything wrong with it, by line. Never raises.

    An example with a problem of severity `error` is left out, so that it cannot pass by accident.
    """
    root, problems = read(file, text)
    reader = _Reader(file, vocabulary, list(problems))
    examples: tuple[Example, ...] = ()
    try:
        if root is not None:
            examples = reader.file_of(root)
        elif not problems:
            reader.report(Place(file, 1, 1), "The file is empty.", "Begin with `decision:` and its name.")
    except EnoughError:
        pass
    return examples, tuple(reader.problems[:PROBLEMS])


def book_examples(
    texts: Mapping[str, str | bytes], vocabulary: Vocabulary = VOCABULARY
) -> tuple[tuple[Example, ...], tuple[Problem, ...]]:
    """The examples of all `*.examples.yaml` files of a rule book (file name to text), and their problems.

    An example of the merchant's layer takes the place of the base book's with the same name: so a merchant whose rules
    mean to answer otherwise says what the answer is now.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    for name in sorted(texts):
        if is_examples(name):
            found, wrong = read_examples(name, texts[name], vocabulary)
            examples += found
            problems += wrong
    own = {(example.decision, example.name) for example in examples if example.place.file.startswith(LAYER_FOLDER)}
    kept = (e for e in examples if e.place.file.startswith(LAYER_FOLDER) or (e.decision, e.name) not in own)
    return tuple(kept), tuple(problems)


@dataclass
class _Reader(Reader):
    """Reads one file of examples."""

    def file_of(self, root: Node) -> tuple[Example, ...]:
        entries = self.entries(root, _FILE_KEYS, "An example file")
        spec = self.spec(entries.get("decision"), root.place)
        listed = entries.get("examples")
        if listed is None:
            self.report(root.place, "The file has no `examples:`.", "Add a list of examples.")
        if spec is None or listed is None or self.is_empty(listed):
            return ()
        if not isinstance(listed, ListNode):
            self.report(listed.place, "`examples:` must be a list.", "Begin each example with `- name:`.")
            return ()
        if len(listed.items) > EXAMPLES:
            self.report(listed.place, f"A file has at most {EXAMPLES:,} examples; this one has {len(listed.items):,}.")
            return ()
        names: dict[str, Place] = {}
        found = (self._example(item, spec, names) for item in listed.items)
        return tuple(example for example in found if example is not None)

    def _example(self, node: Node, spec: DecisionSpec, names: dict[str, Place]) -> Example | None:
        before = self.errors
        entries = self.entries(node, _EXAMPLE_KEYS, "An example")
        name = self._name(entries.get("name"), node.place, names)
        settings = self._settings(entries.get("settings"))
        facts = FactReader(self.vocabulary, spec, self.report).facts(entries.get("facts"))
        facts = self._in_zone(entries.get("time_zone"), facts)
        if len(facts) > facts_json.FACTS:
            self.report(node.place, f"An example has at most {facts_json.FACTS:,} facts.")
        expect = self._expectations("expect", entries.get("expect"), spec, facts)
        never = self._expectations("never", entries.get("never"), spec, facts)
        only = self._only(entries.get("only"))
        if not (expect or never or only) and self.errors == before:
            hint = "Add `expect:` with a list of outcomes, or `only: true` when there must be none."
            self.report(node.place, "The example expects nothing.", hint)
        if self.errors > before:
            return None
        return Example(spec.name, name, facts, settings, expect, never, only, node.place)

    def _name(self, node: Node | None, place: Place, names: dict[str, Place]) -> str:
        if not isinstance(node, ScalarNode) or not node.text.strip():
            where = place if node is None else node.place
            self.report(where, "The example has no `name:`.", "Name it with a sentence that says what must hold.")
            return ""
        name = node.text.strip()
        if len(name) > NAME_LENGTH or HALF_CHARACTER.search(name):
            self.report(node.place, f"A name is text of at most {NAME_LENGTH} characters.")
        first = names.setdefault(name, node.place)
        if first is not node.place:
            self.report(node.place, f"The name is taken on line {first.line}.", "Say in the name what is different.")
        return name

    def _settings(self, node: Node | None) -> dict[str, Value]:
        if node is None or self.is_empty(node):
            return {}
        if not isinstance(node, MapNode) or len(node.entries) > SETTINGS:
            self.report(node.place, f"`settings:` must be lines of `name: value`, at most {SETTINGS}.")
            return {}
        settings: dict[str, Value] = {}
        for key, value in node.entries:
            try:
                settings[key.text] = setting_value(value)
            except SentenceError as error:
                self.report(value.place, error.message, error.hint)
        return settings

    def _in_zone(self, node: Node | None, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        """The facts with the day, time and weekday of their moments in the example's time zone, where not written."""
        if node is None:
            return facts
        try:
            zone = ZoneInfo(node.text if isinstance(node, ScalarNode) else "")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.report(node.place, "There is no such time zone.", "Write one such as `Europe/Amsterdam`.")
            return facts
        told = (fact.values.get("received_at") for fact in facts if fact.type == "event")
        at = next((moment for moment in told if isinstance(moment, datetime)), None)
        filled = in_time(facts, zone, at or datetime.min.replace(tzinfo=UTC), self.vocabulary)
        return tuple(
            Fact(new.type, new.id, {
                name: value for name, value in {**new.values, **old.values}.items()
                if at is not None or name != "age" or "age" in old.values
            })
            for old, new in zip(facts, filled, strict=True)
        )  # fmt: skip

    def _only(self, node: Node | None) -> bool:
        if node is None:
            return False
        if isinstance(node, ScalarNode) and node.plain and node.text in ("true", "false"):
            return node.text == "true"
        self.report(node.place, "`only:` is `true` or `false`.", "With `true`, there may be no other outcomes.")
        return False

    def _expectations(
        self, key: str, node: Node | None, spec: DecisionSpec, facts: tuple[Fact, ...]
    ) -> tuple[Expectation, ...]:
        if node is None or self.is_empty(node):
            return ()
        if not isinstance(node, ListNode) or len(node.items) > EXPECTATIONS:
            self.report(node.place, f"`{key}:` must be a list of outcomes, at most {EXPECTATIONS}.")
            return ()
        reader = ExpectationReader(self.vocabulary, spec, facts)
        found: list[Expectation] = []
        for item in node.items:
            if not isinstance(item, ScalarNode):
                hint = "Put a sentence with a colon in it in quotes."
                self.report(item.place, "Here must stand one outcome, such as `hold order`.", hint)
                continue
            try:
                found.append(reader.read(item.text, item.at))
            except SentenceError as error:
                place = item.at(error.start)
                self.report(place, error.message, error.hint)
        return tuple(found)


class ExpectationReader:
    """Understands sentences such as `exclude outlet for amsterdam because "closed"`."""

    def __init__(self, vocabulary: Vocabulary, spec: DecisionSpec, facts: tuple[Fact, ...]) -> None:
        self.spec = spec
        self.scope = Scope(vocabulary, spec, {})
        self.forms = Forms(spec, vocabulary)
        self.ids = {name: [fact.id for fact in facts if fact.type == name] for name in spec.sees}

    def read(self, sentence: str, at: Callable[[int], Place]) -> Expectation:
        """The outcome a sentence names. Raises SentenceError."""
        parsed = parse_demand(sentence)
        terms = parsed.terms
        path = next((term for term in terms if term.kind == "path"), None)
        if path is not None:
            message = f"`{path.text}` is a field; an example says the value itself."
            raise SentenceError(path.start, message, "Write what comes out, such as `set shop status shipped`.")
        has_target = len(terms) > 2 and terms[-2].kind == "word" and terms[-2].text == "for"
        head = sentence[: terms[-2].start] if has_target else sentence
        demand = check_demand(head, self.scope, self.forms, at)
        target = terms[-1] if has_target else None
        found: str | None = None
        if target is not None:
            if target.kind not in ("word", "text", "number", "date"):
                raise SentenceError(
                    target.start, "After `for` stands the id of a fact.", 'Put it in quotes: `for "a/b"`.'
                )
            found = self._target(demand.outcome, target.text, target.start)
        arguments = {
            name: operand.value
            for name, operand in demand.slots.items()
            if isinstance(operand, Literal) and not isinstance(operand, LiteralList)
        }
        return Expectation(demand.outcome, arguments, found, parsed.reason, sentence.strip(), at(0))

    def _target(self, outcome: str, target: str, start: int) -> str:
        of = self.spec.by_name[outcome].target
        if not of:
            message = f"`{outcome}` does not speak of a fact, so nothing can stand after `for`."
            raise SentenceError(start, message, "Leave `for` and the id out.")
        known = self.ids.get(of, [])
        if target not in known:
            close = nearest(target, known)
            hint = f"Did you mean `{close}`?" if close else f"There are: {', '.join(known[:20]) or 'none'}."
            raise SentenceError(start, f"The example has no {of} `{target}`.", hint)
        return target
