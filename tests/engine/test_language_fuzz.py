"""Nothing that can be put into a file makes the language crash or hang: it is read, or refused in words, in its place."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import check, load_book
from engine.language.completion import complete
from engine.language.edit import EditError, edit
from engine.language.examples import read_examples
from engine.language.layout import format_text, formatted
from engine.language.outline import outline
from engine.language.spans import BREAK
from engine.language.yaml_nodes import PROBLEMS
from engine.types import Problem, RuleBookError

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = {path.name: path.read_bytes() for path in sorted(RULES.rglob("*.yaml"))}
BASE = SHIPPED["outlet_assignment.yaml"].decode()
LAYER = """decision: outlet_assignment
layer: true
settings: {safety_stock: 2}
switch_off: [foreign-outlet]
replace:
  - id: warehouse-first
    description: Ours.
    when: [outlet.kind is warehouse, count of lines where line.hazardous is true > 0]
    then: [prefer outlet by 5]
rules:
  - id: ours
    table:
      hit: first
      when: [outlet.kind, order.total]
      then: [exclude outlet, because]
      rows:
        - [store, "< 50 EUR", yes, small]
        - [any, any, ~, ~]
invariants:
  - id: closed
    when: [outlet.open is false]
    never: [prefer outlet by 5]
"""
NAMES = ("outlet_assignment.yaml", "layer/outlet_assignment.yaml", "outlet_assignment.examples.yaml")
relaxed = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def everything(name: str, content: bytes | str) -> None:
    """Puts a file through all that reads files; fails on any exception that is not documented."""
    texts: dict[str, str | bytes] = {"outlet_assignment.yaml": BASE, "layer/outlet_assignment.yaml": LAYER, name: content}
    problems = check(texts)
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    within(problems, name, text)
    try:
        load_book(texts)
    except RuleBookError as refusal:
        assert {p for p in problems if p.severity == "error"} >= {p for p in refusal.problems if p.severity == "error"}
    read_examples(name, text)
    of_the_text(text)


def of_the_text(text: str) -> None:
    found = outline(text)
    json.dumps(found)
    new, refused = formatted(text)
    assert new == text if refused else format_text(new) == new
    lines = text.count("\n") + 1
    for line in {1, lines // 2 + 1, lines}:
        complete(text, line, 1 + len(text.split("\n")[line - 1]))
    for operation in ({"op": "set_description", "rule": "outlet-closed", "text": "New."}, {"op": "add_rule", "id": "new"}):
        try:
            edit(text, operation)
        except EditError as refusal:
            assert str(refusal)


def within(problems: tuple[Problem, ...], name: str, text: str) -> None:
    """Every problem of a file says something and stands in it."""
    lines = BREAK.split(text.removeprefix("\ufeff"))
    for problem in problems:
        assert problem.message and problem.severity in ("error", "warning")
        if problem.file == name:
            assert 1 <= problem.line <= len(lines), problem
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 2, problem


@relaxed
@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_bytes(name: str, content: bytes) -> None:
    everything(name, content)


@relaxed
@given(st.sampled_from(NAMES), st.text(max_size=200))
def test_any_text(name: str, content: str) -> None:
    everything(name, content)


_WORDS = ("decision: outlet_assignment", "layer: true", "settings:", "switch_off:", "replace:", "rules:", "invariants:", "examples:", "- id: a", "when:", "then:",
          "table:", "hit: first", "rows:", "- any:", "- outlet.open is false", "- exclude outlet", "- count of lines > 1", "expect:", "facts:", "[", "]", "{", "}", ",", '"', "'", "|", ">-",
          "&a", "*a", "!t", "#c", "~", "- ", ": ", "?", "%", "\t", "---", "...", "\u2028", "\x85", "\r")  # fmt: skip


@relaxed
@given(st.sampled_from(NAMES), st.lists(st.tuples(st.sampled_from(("\n", " ", "", "\n  ", "\n    ", "\n      ")), st.sampled_from(_WORDS)), max_size=20))
def test_any_heap_of_words(name: str, words: list[tuple[str, str]]) -> None:
    everything(name, "".join(gap + word for gap, word in words))


def mutations(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """The content with a few bytes flipped, taken out, put in, or a slice written twice or elsewhere."""
    chance = random.Random(seed)
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(changed) + 1)
            end = min(len(changed), at + chance.randint(1, 30))
            match chance.randrange(5):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << chance.randrange(8)
                case 1:
                    del changed[at:end]
                case 2:
                    changed[at:at] = chance.choice((b"\n", b" ", b"  ", b"-", b": ", b"[", b"]", b'"', b"'", b"#", b"{", b"\t", b"&", b"*", b"\x00", b"\xff", b"\r"))
                case 3:
                    changed[at:at] = changed[at:end]
                case _:
                    slice_ = changed[at:end]
                    del changed[at:end]
                    to = chance.randrange(len(changed) + 1)
                    changed[to:to] = slice_
        yield bytes(changed)


@pytest.mark.parametrize("name", [*SHIPPED, "layer/outlet_assignment.yaml"])
def test_shipped_files_damaged_byte_by_byte(name: str) -> None:
    content = SHIPPED.get(name) or LAYER.encode()
    for changed in mutations(content, seed=len(content), count=12):
        everything(name, changed)


def test_every_beginning_of_a_file() -> None:
    for cut in range(0, len(LAYER), 7):
        everything("layer/outlet_assignment.yaml", LAYER[:cut])


# What is meant to be too much. Each is refused before it costs anything; how long it takes is measured by bench/checking.py.


def errors(content: bytes | str, name: str = "outlet_assignment.yaml") -> list[str]:
    return [problem.message for problem in check({name: content}) if problem.severity == "error"]


def test_a_file_of_ten_megabytes_is_refused() -> None:
    large = BASE + "# x" * 3_500_000

    assert errors(large) == ["The file is longer than 4,000,000 characters."]
    assert format_text(large) == large
    assert outline(large)["problems"][0]["message"] == "The file is longer than 4,000,000 characters."
    with pytest.raises(EditError, match="longer than"):
        edit(large, {"op": "add_rule", "id": "a"})


def test_a_hundred_thousand_rules_are_refused() -> None:
    rules = "decision: outlet_assignment\nrules:\n" + "  - {id: a, then: [x]}\n" * 100_000

    assert errors(rules) == ["Here stand more than 25,000 items."]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))

    assert set(errors(bomb)) >= {"Anchors (`&name`) are not allowed.", "Aliases (`*name`) are not allowed."}
    assert format_text(bomb) == bomb
    assert outline(bomb)["problems"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [ls]", "!x y", "!!binary aGVsbG8="])
def test_tags_are_refused(tag: str) -> None:
    assert "Tags (`!name`) are not allowed." in errors(f"decision: outlet_assignment\nrules: {tag}\n")


def test_repeated_ids_are_refused_each_in_its_place() -> None:
    rules = "decision: outlet_assignment\nrules:\n" + "  - {id: a, then: [exclude outlet]}\n" * 1000

    assert set(errors(rules)) == {"The rule id `a` is taken on line 3."}
    assert len(errors(rules)) == PROBLEMS


def test_derived_facts_in_a_circle_are_refused() -> None:
    rule = "  - id: r{0}\n    when: [order.tags contains t{0}]\n    then: [tag order t{1}]\n"
    rules = "".join(rule.format(number, (number + 1) % 500) for number in range(500))

    (said,) = errors(f"decision: outlet_assignment\nrules:\n{rules}")

    assert said.startswith("These rules wait for one another's derived facts: r0 -> r499 ->")
    assert said.endswith(" -> 493 more -> r0.")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", "(.*)*x", "(a{1000}){1000}", "a{2,1}", "(?=a)b", "\\1", "("])
def test_a_pattern_that_explodes_elsewhere_is_linear_or_refused(pattern: str) -> None:
    text = f"decision: order_intake\nrules:\n  - id: a\n    when:\n      - 'order.comment matches \"{pattern}\"'\n    then: [hold order]\n"

    for said in errors(text):
        assert said.startswith("This pattern cannot be used")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000, "{" * 50_000, "- " * 50_000, "a: " * 50_000, "? " * 50_000, '"' * 50_001, "'" * 50_001, "#" * 100_000,
        "- " + '"a' * 30_000, "rules:\n" + "  - id: a\n" * 4000, "rules: [" + "a, " * 10_000, "x:\n" * 10_000,
        "decision: outlet_assignment\nrules:\n  - id: a\n    when:\n      - " + "order.total " * 1500,
        "decision: outlet_assignment\nrules:\n  - id: a\n    when:\n      - order.number in [" + "a, " * 6000,
        "decision: outlet_assignment\nrules:\n  - id: a\n    when:\n      - " + "count of lines where " * 900,
        "decision: outlet_assignment\nrules:\n  - id: a\n    then:\n      - " + '"' * 19_000,
        "a: |\n" + "  x\n" * 20_000, "\n" * 100_000, "\r" * 100_000, " " * 100_000 + "a", "\t" * 1000, "---\n" * 20_000, "%YAML 9.9\n---\na: b\n",
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_much_of_one_thing(text: str) -> None:
    check({"a.yaml": text})
    of_the_text(text)
