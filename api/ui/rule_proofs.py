"""Proofs of a draft, asked for on its pages: started, followed, their findings shown at their lines and kept as examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, render_template, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api.problems import Problem
from api.services import services
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, as_json, back_to, page, reading, writing
from api.ui.rule_draft_state import proofs_in
from api.ui.rule_files import RuleFile, the_draft
from api.ui.rule_trial import add_example
from engine import facts_json
from engine.examples import ExampleError, example_text
from engine.explain import run_plain
from engine.language import load_book, text_version
from engine.language.formatter import RuleWriter, scalar
from engine.types import Money, RuleBookError
from engine.types import Problem as RuleProblem
from engine.values import show
from engine.vocabulary import VOCABULARY
from store import rule_jobs
from store.rule_job_models import RuleJob

UNFINISHED = rule_jobs.UNFINISHED


@blueprint.app_template_filter("kept")
def kept(value: Any) -> str:
    """A kept value as rules write it."""
    typed = facts_json.decode_value(value)
    return "[" + ", ".join(typed) + "]" if isinstance(typed, tuple) and not isinstance(typed, Money) else show(typed)


def marks(session: Session, draft_id: str, file: str, version: str) -> list[RuleProblem]:
    """The findings of the newest proof of these very texts that stand in one file, as warnings at their lines."""
    found = proofs_in(rule_jobs.latest(session, draft_id, "prove", version)).get("findings", ())
    return [
        RuleProblem(file, finding["place"]["line"], finding["place"]["column"], finding["message"], finding["hint"], "warning")
        for finding in found
        if finding["place"]["file"] == file
    ]


@blueprint.post("/rules/drafts/<draft_id>/prove")
@admin_page
def rule_draft_prove(draft_id: str) -> Any:
    """Prove a draft as it is saved."""
    with reading() as session:
        texts = the_draft(session, draft_id).texts
    _start(draft_id, texts)
    flash("The proof was started. Reload the page to see how far it is.", "good")
    return back_to(url_for("ui.rule_draft", draft_id=draft_id, _anchor="proof"))


@blueprint.post("/rules/drafts/<draft_id>/prove.json")
@admin_page
def rule_prove(draft_id: str) -> Any:
    """Prove the draft with the file on the screen as it stands there."""
    _, file, texts = _on_screen(draft_id)
    _start(draft_id, texts)
    return _shown(draft_id, file, texts)


@blueprint.post("/rules/drafts/<draft_id>/proof.json")
@page
def rule_proof(draft_id: str) -> Any:
    """How far the newest proof is, and what it found."""
    _, file, texts = _on_screen(draft_id)
    return _shown(draft_id, file, texts)


def _on_screen(draft_id: str) -> tuple[Mapping[str, Any], RuleFile, dict[str, str]]:
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        return posted, file, rule_files.on_screen(draft, file, rule_files.text_in(posted))


def _start(draft_id: str, texts: Mapping[str, str]) -> None:
    """Ask for a proof; one that is under way is joined."""
    try:
        load_book(texts)
    except RuleBookError as broken:
        raise Problem("invalid", f"The rules have {len(broken.problems)} errors; they can be proved when those are gone.") from None
    try:
        with writing() as session:
            the_draft(session, draft_id)
            job = rule_jobs.start(
                session, kind="prove", texts=texts, texts_version=text_version(texts), by=current_user.who, draft_id=draft_id
            )
    except rule_jobs.AlreadyRunning:
        return
    services().bell.ring_rule_job(current_user.merchant_id, job.id)


def _shown(draft_id: str, file: RuleFile, texts: Mapping[str, str]) -> Any:
    with reading() as session:
        draft = the_draft(session, draft_id)
        job = rule_jobs.latest(session, draft_id, "prove")
        current = job is not None and job.texts_version == text_version(texts)
        startable = current_user.role == "admin" and draft.state == "open"
        html = render_template("rule_editor/_proof.html", job=job, current=current, startable=startable, file=file, draft=draft)
    return as_json({"html": html, "running": job is not None and job.state in UNFINISHED, "said": _said(job)})


def _said(job: RuleJob | None) -> str:
    if job is None or job.state != "done":
        return "The proof ended without a result"
    count = len(proofs_in(job).get("findings", ()))
    return f"The proof is done: {count or 'no'} {'finding' if count == 1 else 'findings'}"


@blueprint.post("/rules/drafts/<draft_id>/finding.json")
@admin_page
def rule_finding(draft_id: str) -> Any:
    """Keep the order that a finding shows as an example. Of an invariant that is broken, the example says what the
    invariant demands, so that it fails until the rules are mended."""
    posted, file, texts = _on_screen(draft_id)
    with reading() as session:
        the_draft(session, draft_id)
        finding = _finding(session, draft_id, posted)
    decision, facts = finding["decision"], [facts_json.decode_fact(fact) for fact in finding["example"]]
    settings = facts_json.decode_values(finding.get("settings") or {})
    rules = load_book(texts).decisions[decision]
    run = run_plain(rules, VOCABULARY.decisions[decision], facts, settings)
    name = f"{finding['message'][:150]}"
    try:
        example = example_text(decision, name, facts, settings, run)
    except ExampleError as error:
        raise Problem("conflict", str(error)) from None
    if finding["kind"] == "invariant":
        example = _as_demanded(example, RuleWriter(rules, VOCABULARY), finding["rules"])
    target = RuleFile(rule_files.examples_of(decision), decision, "examples", "", False)
    return add_example(draft_id, file if file.decision == decision else target, posted, example, name)


def _finding(session: Session, draft_id: str, posted: Mapping[str, Any]) -> Mapping[str, Any]:
    number = posted.get("finding")
    job = rule_jobs.latest(session, draft_id, "prove")
    findings: Sequence[Mapping[str, Any]] = proofs_in(job).get("findings", ())
    if job is None or posted.get("job") != job.id or not isinstance(number, int) or not 0 <= number < len(findings):
        raise Problem("not-found", "This proof is no longer the newest one. Look at it again.")
    if not findings[number].get("example"):
        raise Problem("conflict", "This finding shows no order.")
    return findings[number]


def _as_demanded(example: str, writer: RuleWriter, ids: Sequence[str]) -> str:
    """The example with what the broken invariants demand instead of what came out."""
    head = example[: example.index("    expect:")]
    stated = [each for each in writer.decision.invariants if each.id in ids]
    always = [writer.demand(demand) for each in stated for demand in each.always]
    never = [writer.demand(demand) for each in stated for demand in each.never]
    lines = [line for key, texts in (("expect", always), ("never", never)) if texts for line in (f"    {key}:", *(f"      - {scalar(text)}" for text in texts))]
    return head + "".join(f"{line}\n" for line in lines)
