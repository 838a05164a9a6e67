"""Examples written as text: any decision that was taken, or facts made by hand, becomes one example of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.language.demands import Forms, form_parts
from engine.language.example_facts import natural_id
from engine.language.examples import NAME_LENGTH, read_examples
from engine.language.formatter import scalar
from engine.language.literals import literal_text
from engine.language.rule_settings import setting_words
from engine.language.sentences import UNPRINTABLE, quote
from engine.language.yaml_nodes import ListNode, MapNode, ScalarNode, read
from engine.types import Fact, Money, Outcome, Run, Value
from engine.vocabulary import VOCABULARY, DecisionSpec, Field, Slot, Vocabulary

FLOW_LENGTH = 110
"""A fact in a list stands on one line as long as it is no longer than this."""


class ExampleError(ValueError):
    """An example cannot be written; the message says why and what to do."""


def example_text(
    decision: str,
    name: str,
    facts: Sequence[Fact],
    settings: Mapping[str, Value],
    run: Run,
    vocabulary: Vocabulary = VOCABULARY,
) -> str:
    """A file with one example: these facts and settings, and that the outcomes of `run` come out and no others.

    Reading it gives the same facts again. Fields that the vocabulary does not know any more are left out, for no rule
    can ask about them, and a comment says so. Raises ExampleError for facts that no file can hold.
    """
    spec = vocabulary.decisions[decision]
    known, forgotten = _known(facts, vocabulary)
    name = " ".join(name.split())[:NAME_LENGTH] or "A decision"
    lines = [f"decision: {decision}", "examples:", f"  - name: {scalar(name)}"]
    lines += [f"    # left out, the vocabulary has no such field: {field}" for field in forgotten]
    if settings:
        lines += ["    settings:", *(line for key in sorted(settings) for line in _setting(key, settings[key]))]
    if known:
        lines += ["    facts:", *_facts(known, vocabulary)]
    sentences = list(dict.fromkeys(outcome_sentence(outcome, spec, vocabulary) for outcome in run.outcomes))
    lines += ["    expect:" if sentences else "    expect: []", *(f"      - {scalar(text)}" for text in sentences)]
    lines.append("    only: true")
    text = "".join(f"{line}\n" for line in lines)
    examples, _ = read_examples("", text, vocabulary)
    if len(examples) != 1 or sorted(examples[0].facts, key=_key) != sorted(known, key=_key):
        raise ExampleError("These facts hold text that no file can hold. Write the example by hand, without it.")
    return text


PERSONAL: Mapping[str, str] = {
    "customer.email": "customer@example.org",
    "customer.name": "A. Customer",
    "comment": "A comment",
}
"""What stands in an example for the order's fields that tell who a customer is: examples are shared, and live long."""


def without_personal_data(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts with invented values where they would tell who a customer is. What is missing stays missing."""
    return tuple(
        Fact(fact.type, fact.id, {name: PERSONAL.get(name, value) for name, value in fact.values.items()})
        if fact.type == "order"
        else fact
        for fact in facts
    )


def outcome_sentence(outcome: Outcome, spec: DecisionSpec, vocabulary: Vocabulary = VOCABULARY) -> str:
    """An outcome as an example expects it: `exclude outlet for amsterdam because "closed"`."""
    outcome_spec = spec.by_name[outcome.name]
    slots = {slot.name: slot for slot in outcome_spec.slots}
    words = Forms(spec, vocabulary).words
    parts = [
        _slot(outcome.arguments[name], slots[name], words) if is_slot else name
        for name, is_slot in form_parts(outcome_spec.form)
    ]
    if outcome_spec.target:
        target = outcome.target if re.fullmatch(r"[^\W\d][\w-]*", outcome.target) else quote(outcome.target)
        parts += ["for", quote(outcome.target) if target in words else target]
    if outcome.reason:
        parts += ["because", quote(outcome.reason)]
    return " ".join(parts)


def append_example(text: str, example: str) -> str:
    """A file with an example added at its end; what stands there already stays as it is, comments included.

    `example` is what `example_text` gave. A name that is taken gets a number. Raises ExampleError when the file cannot
    be read, or is about another decision.
    """
    if not text.strip():
        return example
    root, problems = read("examples", text)
    if problems or not isinstance(root, MapNode):
        reason = str(problems[0]) if problems else "it is not a list of examples"
        raise ExampleError(f"The example file cannot be read: {reason} Mend it first.")
    entries = {key.text: (key, value) for key, value in root.entries}
    wanted = example.split("\n", 1)[0].removeprefix("decision: ")
    held = entries["decision"][1] if "decision" in entries else None
    if not isinstance(held, ScalarNode) or held.text != wanted:
        raise ExampleError(f"This file is not about {wanted}.")
    item = _renamed(_item(example), _names(entries["examples"][1]) if "examples" in entries else set())
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += "\n"
    if "examples" not in entries:
        return "".join([*lines, "examples:\n", *item])
    key, listed = entries["examples"]
    if isinstance(listed, ScalarNode) or (isinstance(listed, ListNode) and not listed.items):
        lines[key.place.line - 1] = f"examples:{_comment(lines[key.place.line - 1])}\n"
        return "".join([*lines[: key.place.line], *item, *lines[key.place.line :]])
    if not isinstance(listed, ListNode) or lines[listed.place.line - 1].lstrip()[:1] != "-":
        raise ExampleError("The examples of this file do not stand below one another. Begin each with `- name:`.")
    indent = " " * (listed.place.column - 1)
    after = [other.place.line for other, _ in root.entries if other.place.line > key.place.line]
    at = _end(lines, min(after) - 1 if after else len(lines))
    return "".join([*lines[:at], *(indent + line.removeprefix("  ") for line in item), *lines[at:]])


def _end(lines: Sequence[str], at: int) -> int:
    """Where the last example ends: above blank lines, and above comments of what follows."""
    while at and (not lines[at - 1].strip() or (at < len(lines) and lines[at - 1].startswith("#"))):
        at -= 1
    return at


def _comment(line: str) -> str:
    found = re.search(r"\s+#.*", line.rstrip("\r\n"))
    return found[0] if found else ""


def _item(example: str) -> list[str]:
    return example.split("examples:\n", 1)[1].splitlines(keepends=True)


def _names(listed: object) -> set[str]:
    items = listed.items if isinstance(listed, ListNode) else ()
    return {
        value.text.strip()
        for item in items
        if isinstance(item, MapNode)
        for key, value in item.entries
        if key.text == "name" and isinstance(value, ScalarNode)
    }


def _renamed(item: list[str], taken: set[str]) -> list[str]:
    root, _ = read("example", "".join(item))
    mine = _names(root)
    name = next(iter(mine), "")
    if name not in taken:
        return item
    number = 2
    while f"{name[: NAME_LENGTH - 8]} ({number})" in taken:
        number += 1
    return [f"  - name: {scalar(f'{name[: NAME_LENGTH - 8]} ({number})')}\n", *item[1:]]


def _key(fact: Fact) -> tuple[str, str]:
    return fact.type, fact.id


def _known(facts: Sequence[Fact], vocabulary: Vocabulary) -> tuple[list[Fact], list[str]]:
    """The facts as far as the vocabulary knows them, and the fields that it does not."""
    known: list[Fact] = []
    forgotten: set[str] = set()
    for fact in facts:
        fact_type = vocabulary.facts.get(fact.type)
        if fact_type is None:
            forgotten.add(fact.type)
            continue
        forgotten |= {f"{fact.type}.{name}" for name in fact.values if name not in fact_type.by_name}
        values = {name: value for name, value in fact.values.items() if name in fact_type.by_name}
        known.append(Fact(fact.type, fact.id, values))
    return known, sorted(forgotten)


def _setting(name: str, value: Value) -> Iterator[str]:
    if isinstance(value, tuple) and not isinstance(value, Money):
        yield f"      {name}: [{', '.join(_flow(item) for item in value)}]"
        return
    words, quoted = setting_words(value)
    yield f"      {name}: {_quoted(words) if quoted else _flow(words) if isinstance(value, str) else words}"


def _facts(facts: Sequence[Fact], vocabulary: Vocabulary) -> Iterator[str]:
    for fact_type in vocabulary.facts.values():
        of_type = [fact for fact in facts if fact.type == fact_type.name]
        if not of_type:
            continue
        yield f"      {fact_type.name}:"
        for number, fact in enumerate(of_type, 1):
            entries = [f"{name}: {text}" for name, text in _entries(fact, number, vocabulary)]
            flow = f"{{{', '.join(entries)}}}"
            if not fact_type.repeated and entries:
                yield from (f"        {entry}" for entry in entries)
            elif len(flow) <= FLOW_LENGTH or not entries:
                yield f"        {'- ' if fact_type.repeated else ''}{flow}"
            else:
                yield f"        - {entries[0]}"
                yield from (f"          {entry}" for entry in entries[1:])


def _entries(fact: Fact, number: int, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    fact_type = vocabulary.facts[fact.type]
    if fact.id != natural_id(fact_type, dict(fact.values), number):
        yield ("fact_id" if "id" in fact_type.by_name else "id"), _flow(fact.id)
    for name, field in fact_type.by_name.items():  # in the order of the vocabulary, which people know
        if name in fact.values:
            yield name, _value(fact.values[name], field)


def _value(value: Value, field: Field) -> str:
    if isinstance(value, tuple) and not isinstance(value, Money):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, str):
        return _flow(value)
    if isinstance(value, Money) and len(str(abs(value.minor))) > 15:
        return f"{{money: [{value.minor}, {value.currency}]}}"
    return literal_text(value, field.type)


def _flow(text: str) -> str:
    """Text as a YAML scalar that is safe within brackets too."""
    written = scalar(text)
    return _quoted(text) if written[:1] not in ("'", '"') and re.search(r"[,\[\]{}]", text) else written


def _quoted(text: str) -> str:
    """Text as a YAML scalar in quotes."""
    return scalar(text) if UNPRINTABLE.search(text) else "'" + text.replace("'", "''") + "'"


def _slot(value: Value, slot: Slot, words: frozenset[str]) -> str:
    text = literal_text(value, slot.type)
    return quote(text) if text in words else text
