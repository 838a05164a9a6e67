"""Trying a draft: any decision that was taken, or facts written by hand, answered by the text on the screen. Writes nothing
but examples, and those only when asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_login import current_user
from sqlalchemy.orm import Session

from api.problems import Problem
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, as_json, page, reading, writing
from api.ui.rule_files import RuleFile, the_draft
from api.ui.rules import published
from engine import facts_json
from engine.aside import find_problems, try_examples
from engine.ast import Book
from engine.examples import ExampleError, append_example, example_text, outcome_sentence
from engine.explain import explain, run_plain
from engine.language import LAYER_FOLDER, load_book
from engine.language.examples import Example, book_examples, read_examples
from engine.types import Fact, Run, Value
from engine.vocabulary import VOCABULARY
from store import decisions, drafts, orders
from store.flow_models import Decision

FACTS = 200_000
"""Most characters of facts that are tried at once."""
CASES = 40
"""Most decisions offered at once."""
SEARCHED_ORDERS = 20
LINES_BEFORE_FACTS = 4
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Case:
    """Something a draft can be tried with. `id` names it in the list: a decision, or an example of the book."""

    id: str
    title: str
    facts: Sequence[Fact]
    settings: Mapping[str, Value]


@blueprint.post("/rules/drafts/<draft_id>/cases.json")
@page
def rule_cases(draft_id: str) -> Any:
    """What the draft can be tried with: decisions of this kind, found by order, and the examples."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        rows = _decisions(session, file.decision, rule_files.word(posted, "query", "").strip())
        examples = [each.name for each in book_examples(rule_files.on_screen(draft, file, rule_files.text_in(posted)))[0] if each.decision == file.decision]
        return as_json({"html": render_template("rule_editor/_cases.html", rows=rows, examples=examples[:200])})


def _decisions(session: Session, decision: str, query: str) -> list[tuple[Decision, str]]:
    """(decision, order number) of the newest decisions in which this rule file was asked."""
    if not query:
        rows = decisions.recent(session, limit=3 * CASES, whole=True)
    else:
        found = orders.search(session, query, limit=SEARCHED_ORDERS).orders
        rows = [row for order in found for row in reversed(decisions.list_for_order(session, order.id))]
    asked = [row for row in rows if any(part["decision"] == decision for part in row.facts)][:CASES]
    numbers = {row.order_id: order.number for row in asked if row.order_id and (order := orders.get(session, row.order_id))}
    return [(row, numbers.get(row.order_id or "", "")) for row in asked]


@blueprint.post("/rules/drafts/<draft_id>/case.json")
@page
def rule_case(draft_id: str) -> Any:
    """One case's facts, written so that they can be changed."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        case = _case(session, draft.texts, file, rule_files.word(posted, "case", ""))
    return as_json({"facts": _written(file.decision, case), "name": case.title})


def _case(session: Session, texts: Mapping[str, str], file: RuleFile, case_id: str) -> Case:
    kind, _, rest = case_id.partition(":")
    if kind == "decision":
        row = decisions.get(session, rest)
        judged = next((part for part in row.facts if part["decision"] == file.decision), None) if row else None
        if row is None or judged is None:
            raise Problem("not-found", f"There is no such decision about {file.decision}.")
        facts = [facts_json.decode_fact(fact) for fact in judged["facts"]]
        order = orders.get(session, row.order_id) if row.order_id else None
        return Case(case_id, f"Order {order.number}" if order else row.summary, facts, facts_json.decode_values(judged["settings"]))
    examples = [each for each in book_examples(texts)[0] if each.decision == file.decision]
    for example in examples:
        if kind == "example" and example.name == rest:
            return Case(case_id, example.name, example.facts, example.settings)
    first = examples[0] if examples else None
    return Case("", "A case made by hand", first.facts if first else (), first.settings if first else {})


def _written(decision: str, case: Case) -> str:
    """Settings and facts as an example has them, without the example around them."""
    if not case.facts:
        return "facts:\n  order: {}\n"
    try:
        text = example_text(decision, "case", case.facts, case.settings, Run(decision, (), ()))
    except ExampleError as error:
        return f"# {error}\nfacts:\n  order: {{}}\n"
    lines = text.splitlines()[3:]
    end = next((at for at, line in enumerate(lines) if line.startswith("    expect:")), len(lines))
    return "".join(f"{line.removeprefix(_INDENT)}\n" for line in lines[:end])


@blueprint.post("/rules/drafts/<draft_id>/try.json")
@page
def rule_try(draft_id: str) -> Any:
    """What the text on the screen says about some facts, condition by condition, and what decides now says."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
    example, wrong = _hand_made(file.decision, posted)
    if example is None:
        return as_json({"html": render_template("rule_editor/_tried.html", wrong=wrong, rule_problems=0)})
    texts = rule_files.on_screen(draft, file, rule_files.text_in(posted))
    errors = find_problems(texts).errors
    if errors:
        return as_json({"html": render_template("rule_editor/_tried.html", wrong=(), rule_problems=len(errors))})
    return as_json({"html": render_template("rule_editor/_tried.html", wrong=(), rule_problems=0, **_tried(load_book(texts), example))})


def _hand_made(decision: str, posted: Mapping[str, Any]) -> tuple[Example | None, tuple[str, ...]]:
    """The facts on the screen, or what is wrong with them, by line."""
    written = rule_files.word(posted, "facts", "", FACTS).replace("\r\n", "\n")
    body = "".join(f"{_INDENT}{line}\n" if line.strip() else "\n" for line in written.split("\n"))
    text = f"decision: {decision}\nexamples:\n  - name: case\n    only: true\n{body}"
    examples, problems = read_examples("", text)
    said = tuple(f"Line {max(1, each.line - LINES_BEFORE_FACTS)}: {each.message} {each.hint}".strip() for each in problems if each.severity == "error")
    return (examples[0] if examples and not said else None), said


def _tried(book: Book, example: Example) -> dict[str, Any]:
    rules, spec = book.decisions[example.decision], VOCABULARY.decisions[example.decision]
    run = run_plain(rules, spec, example.facts, example.settings)
    before = published().decisions.get(example.decision)
    old = run_plain(before, spec, example.facts, example.settings) if before else None
    traces = explain(rules, spec, example.facts, example.settings)
    mine = {rule.id: rule for rule in rules.rules}
    ordered = sorted(traces, key=lambda trace: (not mine[trace.rule].layer, not trace.fired_for))
    lost: dict[str, list[str]] = {}
    for entry in run.overridden:
        lost.setdefault(entry.outcome.rule, []).append(f"{outcome_sentence(entry.outcome, spec)}: rule {entry.by} came first")
    return {
        "outcomes": said(run, example.decision), "errors": run.errors, "traces": ordered, "rules": mine, "lost": lost,
        "changes": _changes(said(old, example.decision) if old else [], said(run, example.decision)),
        "fired": sum(bool(trace.fired_for) for trace in traces),
    }  # fmt: skip


def said(run: Run, decision: str) -> list[tuple[str, str]]:
    """(sentence, rules) of each outcome, once."""
    spec = VOCABULARY.decisions[decision]
    found: dict[str, list[str]] = {}
    for outcome in run.outcomes:
        rules = found.setdefault(outcome_sentence(outcome, spec), [])
        if outcome.rule not in rules:
            rules.append(outcome.rule)
    return [(sentence, ", ".join(rules)) for sentence, rules in found.items()]


def _changes(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(what becomes of it, sentence, rules) of every outcome that only one side has."""
    before, after = {sentence for sentence, _ in old}, {sentence for sentence, _ in new}
    gone = [("no longer", sentence, rules) for sentence, rules in old if sentence not in after]
    return gone + [("new", sentence, rules) for sentence, rules in new if sentence not in before]


@blueprint.post("/rules/drafts/<draft_id>/keep.json")
@admin_page
def rule_keep(draft_id: str) -> Any:
    """Keep the facts on the screen as an example that expects what the draft answers."""
    posted = rule_files.posted()
    name = " ".join(rule_files.word(posted, "name", "", 200).split()) or "A case"
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
    example, wrong = _hand_made(file.decision, posted)
    if example is None:
        raise Problem("invalid", f"These facts cannot be kept. {' '.join(wrong)}")
    texts = rule_files.on_screen(draft, file, rule_files.text_in(posted))
    if find_problems(texts).errors:
        raise Problem("invalid", "The rules have errors, so nobody knows what to expect. Mend them first.")
    rules = load_book(texts).decisions[example.decision]
    run = run_plain(rules, VOCABULARY.decisions[example.decision], example.facts, example.settings)
    return add_example(draft_id, file, posted, example_text(example.decision, name, example.facts, example.settings, run), name)


@blueprint.post("/rules/drafts/<draft_id>/restate.json")
@admin_page
def rule_restate(draft_id: str) -> Any:
    """Say that an example of the base book shall from now on expect what the draft answers: an example of the same name
    among the merchant's own takes its place."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        texts = rule_files.on_screen(draft, file, rule_files.text_in(posted))
    name = rule_files.word(posted, "name")
    example = next((each for each in book_examples(texts)[0] if each.decision == file.decision and each.name == name), None)
    if example is None or example.place.file.startswith(LAYER_FOLDER):
        raise Problem("conflict", f"The base book has no example “{name[:100]}” that could be restated. Change your own in its text.")
    if find_problems(texts).errors:
        raise Problem("invalid", "The rules have errors, so nobody knows what to expect. Mend them first.")
    rules = load_book(texts).decisions[example.decision]
    run = run_plain(rules, VOCABULARY.decisions[example.decision], example.facts, example.settings)
    return add_example(draft_id, file, posted, example_text(example.decision, name, example.facts, example.settings, run), name)


def add_example(draft_id: str, file: RuleFile, posted: Mapping[str, Any], example: str, name: str) -> Any:
    """Add an example to the merchant's file of examples: in the text on the screen when that is the file, otherwise in the
    draft. Raises Problem when it cannot be added."""
    target = rule_files.examples_of(file.decision)
    try:
        if target == file.name:
            text, revision = append_example(rule_files.text_in(posted), example), None
        else:
            with writing() as session:
                there = rule_files.find(the_draft(session, draft_id), target)
                text = append_example(there.text, example)
                revision = rule_files.save(session, draft_id, target, text, there.fingerprint, current_user.who).revision
    except ExampleError as error:
        raise Problem("conflict", str(error)) from None
    except (drafts.DraftClosed, drafts.DraftConflict) as late:
        raise Problem("conflict", f"{late}. Try again.") from None
    html = render_template("rule_editor/_kept.html", draft_id=draft_id, target=target, name=name, saved=revision is not None)
    return as_json({"html": html, "file": target, "text": text, "revision": revision})


@blueprint.post("/rules/drafts/<draft_id>/test.json")
@page
def rule_test(draft_id: str) -> Any:
    """Run all examples of the draft, with the file on the screen as it stands there."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
    found = try_examples(rule_files.on_screen(draft, file, rule_files.text_in(posted)))
    may_edit = current_user.role == "admin" and draft.state == "open"
    html = render_template(
        "rule_editor/_tests.html", found=found, report=found.report, draft=draft, decision=file.decision, may_edit_draft=may_edit
    )
    return as_json({"html": html})
