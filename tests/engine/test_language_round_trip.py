"""Typed rules to text and back; and nothing that anybody can post makes reading a rule file crash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.ast import Book, DecisionRules
from engine.language import check, load_book
from engine.language.formatter import format_decision, scalar
from engine.language.sentences import quote, unquote
from engine.language.yaml_nodes import ListNode, ScalarNode, read
from tests.engine.strategies import SMALL, books, decisions

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(RULES.glob("*.yaml"))
    if not path.name.endswith(".examples.yaml")
}
relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufdd1"))


@relaxed
@given(decisions())
def test_formatted_rules_read_as_the_same_rules(drawn: DecisionRules) -> None:
    formatted = format_decision(drawn, SMALL)

    read_back = load_book({"trial.yaml": formatted}, SMALL).decisions["trial"]

    def bare(decision: DecisionRules) -> DecisionRules:
        """Without what loading adds: agenda order, bound types, strata."""
        rules = (replace(rule, binds=(), stratum=0) for rule in decision.rules)
        return replace(decision, rules=tuple(sorted(rules, key=lambda rule: (rule.priority, rule.id))))

    assert bare(read_back) == bare(drawn)


@relaxed
@given(books())
def test_formatting_twice_changes_nothing(book: Book) -> None:
    formatted = format_decision(book.decisions["trial"], SMALL)

    again = load_book({"trial.yaml": formatted}, SMALL)

    assert again.decisions == book.decisions
    assert again.meaning == book.meaning
    assert format_decision(again.decisions["trial"], SMALL) == formatted


def test_the_shipped_rule_book_reads_without_problems_and_survives_formatting() -> None:
    book = load_book(SHIPPED)

    again = load_book({name: format_decision(decision) for name, decision in book.decisions.items()})

    assert again == book
    assert len(book.decisions) == len(SHIPPED)


@given(text)
@example("a\\u0041")
@example('\\"')
@example("\ufdd0")
def test_quoted_text_stands_for_itself(value: str) -> None:
    assert unquote(quote(value)) == value


@given(text)
@example("- a")
@example("a: b")
@example("a #b")
@example("1.5")
@example("null")
@example("a:")
@example(" a ")
@example("a\nb")
@example('- say "a: b"')
def test_a_scalar_is_read_as_the_text_it_was_written_for(value: str) -> None:
    root, problems = read("a.yaml", f"- {scalar(value)}\n")

    assert problems == ()
    assert isinstance(root, ListNode)
    (node,) = root.items
    assert isinstance(node, ScalarNode)
    assert node.text == value


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert check({"a.yaml": content})


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(content: str) -> None:
    assert check({"a.yaml": content})


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A shipped rule file with a few pieces cut out, doubled, or replaced by something odd."""
    content = draw(st.sampled_from(list(SHIPPED.values())))
    odd = st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            (
                "\n",
                "  ",
                "- ",
                ": ",
                "[",
                "{",
                "}",
                '"',
                "'",
                "&a",
                "*a",
                "!!x",
                "|",
                ">",
                "\t",
                "#",
                "\x85",
                "order.",
                "is not ",
            )
        ),
    )
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        content = content[:start] + draw(st.one_of(odd, st.just(content[start:end] * 2))) + content[end:]
    return content


@relaxed
@given(damaged())
def test_a_damaged_rule_file_is_read_or_refused_with_places_within_it(content: str) -> None:
    lines = len(content.splitlines()) + 2
    for problem in check({"a.yaml": content}):
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
        assert problem.message


@relaxed
@given(st.lists(st.sampled_from(("order.total", "order.", "setting.x", "is", "not", "in", "[", "]", ",", "5", "EUR", '"', '"a"', "\\", "and",
    "between", "because", "missing", "2026-11-22", "matches", "('", "ä", "-", ".", "#", ":")), max_size=8), st.booleans())  # fmt: skip
def test_any_row_of_words_is_a_sentence_or_a_problem(words: list[str], spaced: bool) -> None:
    sentence = (" " if spaced else "").join(words).replace("'", "''")
    content = f"decision: order_intake\nrules:\n  - id: a\n    when: ['{sentence}']\n    then: ['{sentence}']\n"

    problems = check({"a.yaml": content})

    assert all(problem.line in (4, 5) for problem in problems)
    assert problems
