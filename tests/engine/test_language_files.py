"""What is said about rule files that are wrong as files: their YAML, their keys, their ids."""

from __future__ import annotations

import pytest

from engine.language import FILES, check, load_book
from engine.language import rule_reader as limits
from engine.language.yaml_nodes import FILE_LENGTH, PROBLEMS
from engine.types import RuleBookError
from tests.engine.rule_texts import problems_of

HEAD = "decision: order_intake\n"
RULE = "rules:\n  - id: a\n    then: [hold order]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["1:1: The file is empty. Begin with `decision:` and its name."]),
        ("# nothing\n", ["1:1: The file is empty. Begin with `decision:` and its name."]),
        (
            "just text",
            [
                "1:1: A rule file must be lines of `name: value`. Its names are: decision, description, layer, settings, rules, invariants.",
                "1:1: The file does not name its decision. Begin with `decision:` and one of: order_intake, customer_matching, "
                "payment_gating, fulfilment_gating, outlet_assignment, status_to_shop, status_to_till, stock_propagation, "
                "staff_notification.",
                "1:1: The file has no `rules:`. Add a list of rules.",
            ],
        ),
        (
            f"decision: order_intak\n{RULE}",
            [
                "1:11: There is no decision `order_intak`. Did you mean `order_intake`? There are: order_intake, "
                "customer_matching, payment_gating, fulfilment_gating, outlet_assignment, status_to_shop, status_to_till, "
                "stock_propagation, staff_notification."
            ],
        ),
        (f"decision: [order_intake]\n{RULE}", ["1:11: The name of the decision must be text."]),
        (f"{HEAD}settings: 5\n{RULE}", ["2:11: `settings:` must be lines of `name: value`."]),
        (f"{HEAD}settings:\nrules:\n", []),
        (f"{HEAD}rule: []\n{RULE}", ["2:1: A rule file has no `rule`. Did you mean `rules`?"]),
        (f"{HEAD}rules: text\n", ["2:8: `rules:` must be a list. Begin each rule with `- id:`."]),
        (f"{HEAD}{HEAD}{RULE}", ["2:1: The key `decision` stands here a second time; the first is on line 1. Remove one of them."]),
        (
            f"{HEAD}rules:\n  - id: &a x\n    description: *a\n    then: [!!str hold order]\n",
            [
                "3:9: Anchors (`&name`) are not allowed. Write the text without `&`, or in quotes.",
                "4:18: Aliases (`*name`) are not allowed. Write the text out.",
                "5:12: Tags (`!name`) are not allowed. Write the text without `!`, or in quotes.",
            ],
        ),
        (f"{HEAD}---\n{RULE}", ["2:1: The file holds more than one document. Remove the line `---`."]),
        (
            f"{HEAD}rules:\n\t- id: a\n",
            [
                "3:1: This is not valid YAML: while scanning for the next token, found character that cannot start any "
                "token. Indent with spaces, not tabs; text that begins with a special character must stand in quotes."
            ],
        ),
        (
            f"{HEAD}description: a: b\n{RULE}",
            [
                "2:15: This is not valid YAML: mapping values are not allowed in this context. Text with a colon followed "
                "by a space must stand in quotes; also check the indentation."
            ],
        ),
        ("\x00", ["1:1: The file is not text: control characters are not allowed. Save it as plain UTF-8 text."]),
        ("a\nb\ud800", ["2:2: The character U+D800 is not text. Remove it."]),
        (f"{HEAD}? [a]\n: b\n{RULE}", ["2:3: A key must be a word."]),
    ],
)
def test_a_file_that_is_no_rule_file_is_refused(text: str, said: list[str]) -> None:
    assert problems_of(text) == said


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    assert problems_of(b"decision: \xff") == ["1:1: The file is not UTF-8 text (byte 10). Save it as plain UTF-8 text."]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert problems_of(b"\xef\xbb\xbf" + (HEAD + RULE).encode()) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("then: [hold order]", ["3:5: The rule has no `id:`. Give it a short name, such as `outlet-closed`."]),
        ("id: a b\n    then: [hold order]", ["3:9: `a b` is not a rule id. Use letters, digits, `-` and `_`, at most 100, such as `outlet-closed`."]),
        ("id: [a]\n    then: [hold order]", ["3:9: The id of a rule must be text."]),
        ("id: a", ["3:9: The rule demands nothing. Add `then:` with a list, such as `- hold order`."]),
        ("id: a\n    then: hold order", ["4:11: The rule demands nothing. Add `then:` with a list, such as `- hold order`."]),
        ("id: a\n    than: [hold order]\n    then: [hold order]", ["4:5: A rule has no `than`. Did you mean `then`?"]),
        ("id: a\n    priority: high\n    then: [hold order]", ["4:15: A priority is a whole number. Lower comes first; 100 is the default."]),
        ("id: a\n    priority: 1000001\n    then: [hold order]", ["4:15: A priority is a whole number. Lower comes first; 100 is the default."]),
        ('id: a\n    priority: "5"\n    then: [hold order]', ["4:15: A priority is a whole number. Lower comes first; 100 is the default."]),
        ("id: a\n    when: order.split is true\n    then: [hold order]", ["4:11: `when:` must be a list. Begin each condition with `- `."]),
        ("id: a\n    when: [yes]\n    then: [hold order]", ["4:12: A condition cannot begin with `yes`. Write a field, an operator and a value, such as `order.total < 50 EUR`."]),
        ("id: a\n    when: [[order.split is true]]\n    then: [hold order]", ["4:12: Here stands neither a condition nor a group. A group is `- any:`, `- all:` or `- none:` with a list below it."]),
        ("id: a\n    when: [some: [order.split is true]]\n    then: [hold order]", ["4:12: `some:` is not a group. Put a condition with a colon in it in quotes; a group is `any:`, `all:` or `none:`."]),
        ("id: a\n    when: [any: []]\n    then: [hold order]", ["4:17: `any:` needs a list of conditions. Begin each condition with `- `."]),
        ("id: a\n    when: [any: order.split is true]\n    then: [hold order]", ["4:17: `any:` needs a list of conditions. Begin each condition with `- `."]),
        ("just text", ["3:5: A rule must be lines of `name: value`. Its names are: id, description, priority, when, then, table, hit."]),
    ],
)  # fmt: skip
def test_a_rule_that_is_no_rule_is_refused(rule: str, said: list[str]) -> None:
    assert problems_of(f"{HEAD}rules:\n  - {rule}\n")[: len(said)] == said


def test_every_problem_is_found_not_only_the_first() -> None:
    text = f"""{HEAD}settings:
  Limit: 3
rules:
  - id: a
    when:
      - order.totl < 50 EUR
      - any:
          - order.split is 1
    then:
      - hold ordr
  - id: a
    then: [ignore order]
"""

    assert [message.split(": ")[0] for message in problems_of(text)] == ["3:3", "7:9", "9:28", "11:9", "12:9"]


def test_problems_of_all_files_are_raised_at_once() -> None:
    with pytest.raises(RuleBookError) as refusal:
        load_book({"b.yaml": "decision: x\nrules: []\n", "a.yaml": ""})

    assert [(p.file, p.line) for p in refusal.value.problems] == [("a.yaml", 1), ("b.yaml", 1)]
    assert "a.yaml:1:1: error: The file is empty." in str(refusal.value)


def test_rule_ids_are_unique_in_the_whole_book() -> None:
    found = check({"a.yaml": HEAD + RULE, "b.yaml": RULE.replace("hold", "release") + "decision: fulfilment_gating\n"})

    assert [str(p) for p in found] == [
        "b.yaml:2:9: error: The rule id `a` is taken in a.yaml, line 3. Give this one another id: they are unique in the whole book."
    ]


def test_a_decision_has_one_file() -> None:
    found = check({"a.yaml": HEAD + RULE, "b.yaml": "rules: []\n" + HEAD})

    assert [str(p) for p in found] == [
        "b.yaml:2:11: error: The decision `order_intake` has a file already: a.yaml. Put all its rules into one file."
    ]


def test_colons_and_hashes_in_a_quoted_reason_are_text() -> None:
    text = HEAD + 'rules:\n  - id: a\n    then:\n      - hold order because "not paid: see #5"   # a comment\n'

    (rule,) = load_book({"a.yaml": text}).decisions["order_intake"].rules

    assert rule.then[0].reason == "not paid: see #5"


def test_a_mistake_behind_quoted_text_is_reported_in_its_column() -> None:
    text = HEAD + 'rules:\n  - id: a\n    when:\n      - order.number in ["a: #", 5]\n    then: [hold order]\n'

    assert problems_of(text) == ['5:34: `5` is a number, but order.number takes text. Write `"5"`.']


def test_a_mistake_in_a_sentence_within_yaml_quotes_is_reported_in_its_column() -> None:
    text = HEAD + "rules:\n  - id: a\n    when:\n      - 'order.number is 5'\n    then: [hold order]\n"

    assert problems_of(text) == ['5:26: `5` is a number, but order.number takes text. Write `"5"`.']


def test_rules_come_in_agenda_order() -> None:
    rules = "".join(
        f"  - {{id: {name}, priority: {number}, then: [hold order]}}\n"
        for name, number in (("b", 5), ("c", -1), ("a", 5))
    )

    decision = load_book({"a.yaml": f"{HEAD}rules:\n{rules}"}).decisions["order_intake"]

    assert [rule.id for rule in decision.rules] == ["c", "a", "b"]


def test_the_version_names_the_texts_to_the_letter() -> None:
    plain = load_book({"a.yaml": HEAD + RULE})

    assert load_book({"a.yaml": HEAD + RULE}).version == plain.version
    assert load_book({"a.yaml": f"# note\n{HEAD}{RULE}"}).version != plain.version
    assert load_book({"b.yaml": HEAD + RULE}).version != plain.version
    assert load_book({"a.yaml": HEAD + RULE, "a.examples.yaml": ""}).version != plain.version


def test_the_meaning_changes_with_what_can_change_a_decision_and_with_nothing_else() -> None:
    def version(text: str) -> str:
        return load_book({"a.yaml": text}).meaning

    plain = version(HEAD + RULE)

    assert version(f"# note\n{HEAD}\n\n{RULE}") == plain
    assert version(HEAD + RULE.replace("[hold order]", "\n      - hold   order   # why")) == plain
    assert version(RULE + HEAD) == plain
    assert version(HEAD + RULE.replace("hold order", "ignore order")) != plain
    assert version(HEAD + RULE.replace("hold order", 'hold order because "x"')) != plain
    assert version(f"{HEAD}settings: {{a: 1}}\n{RULE}") != version(f"{HEAD}settings: {{a: 1.0}}\n{RULE}")


def test_texts_are_kept_to_the_letter() -> None:
    text = f"# note\n{HEAD}{RULE}"

    assert load_book({"a.yaml": text.encode()}).texts == {"a.yaml": text}
    assert load_book({"a.yaml": text}).decisions["order_intake"].text == text


def test_reading_stops_when_very_much_is_wrong() -> None:
    rules = "".join(f"  - {{id: r{n}, then: [hold ordr]}}\n" for n in range(1000))

    assert len(problems_of(f"{HEAD}rules:\n{rules}")) == PROBLEMS


def test_sizes_are_limited() -> None:
    wide_rule = "  - {{id: r{}, when: [" + "setting.a is 1," * 150 + "], then: [hold order]}}\n"
    many_sentences = "settings: {a: 1}\nrules:\n" + "".join(wide_rule.format(n) for n in range(670))
    many_rules = "rules:\n" + "".join(f"  - {{id: r{n}, then: [hold order]}}\n" for n in range(limits.RULES + 1))
    conditions = "      - order.split is true\n" * (limits.CONDITIONS + 1)
    many_conditions = f"rules:\n  - id: a\n    when:\n{conditions}    then: [hold order]\n"

    assert problems_of("#" * (FILE_LENGTH + 1)) == [
        "1:1: The file is longer than 4,000,000 characters. Divide it, or use fewer rules."
    ]
    assert problems_of(HEAD + many_rules) == ["3:3: A decision has at most 20,000 rules; this one has 20,001."]
    assert problems_of(HEAD + many_conditions) == [
        "5:7: A rule has at most 200 conditions. Divide it, or use `in [...]`."
    ]
    assert problems_of(HEAD + "settings:\n" + "".join(f"  s{n}: 1\n" for n in range(501)) + RULE) == [
        "3:3: A decision has at most 500 settings."
    ]
    assert problems_of(f"{HEAD}settings:\n  a: [{'x,' * 10_001}]\n{RULE}") == [
        "3:6: A list setting has at most 10,000 items."
    ]
    assert problems_of(f"{HEAD}{RULE}    description: {'x' * 2001}\n") == [
        "5:18: A description has at most 2000 characters."
    ]
    assert problems_of(f"{HEAD}rules: [{{id: a, then: [{'hold order,' * 51}]}}]\n") == [
        "2:23: A rule has at most 50 `then` lines."
    ]
    assert problems_of(f"{HEAD}rules: [{{id: a, then: [hold {'x' * 20_000}]}}]\n") == [
        "2:24: This demand is longer than 20,000 characters. Divide it."
    ]
    (said,) = problems_of(HEAD + many_sentences)
    assert said.endswith("A decision has at most 100,000 conditions and demands. Use `in [...]`.")
    assert problems_of("[" * 100_000) == ["1:25: Nested deeper than 24 levels. Divide the rule."]
    assert problems_of("- " * 100_000) == ["1:49: Nested deeper than 24 levels. Divide the rule."]
    assert len(check(dict.fromkeys(map(str, range(FILES + 1)), ""))) == 1
