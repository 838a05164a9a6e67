"""`flask rules ...`: the rules of a folder checked, tested and proved, for people with an editor and for CI.

These commands need neither database nor Redis. Those that do, because they are about what is published, stand in
`api.cli_versions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import AppGroup

from api import book_folder, rule_shapes
from api.book_folder import BookFolder
from engine.aside import find_problems, format_files, try_examples
from engine.examples import summary
from engine.language import load_book
from engine.reference import markdown, reference
from engine.types import Problem
from engine.values import show
from store.book_files import BadFiles

if TYPE_CHECKING:
    from engine.prove import Proofs

group = AppGroup("rules", short_help="Check, test, prove, publish and compare rules.")
SECONDS = 600
"""How long a check or test on the command line may take: nobody else waits for it."""

paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@group.command()
@paths_argument
@json_option
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def check(paths: tuple[Path, ...], as_json: bool, strict: bool) -> None:
    """Say everything that is wrong with rule files: with line, column and what would be right.

    PATHS is a folder with a rule book, or some of its files; the shipped rules when it is left out. Exits with 1 when there
    are errors.
    """
    book = read_book(paths)
    found = [problem for problem in find_problems(book.texts, SECONDS).problems if book.concerns(problem.file)]
    said = rule_shapes.findings(found)
    if as_json:
        print_json(said)
    else:
        print_problems(book, found)
        click.echo(f"{_count(len(book.texts), 'file')}: {_count(said['errors'], 'error')}, {_count(said['warnings'], 'warning')}.")
    finish(failed=bool(said["errors"] or (strict and said["warnings"])))


@group.command()
@paths_argument
@json_option
def test(paths: tuple[Path, ...], as_json: bool) -> None:
    """Run the examples of a rule book and show what of it they cover. Exits with 1 when one fails."""
    book = read_book(paths)
    found = try_examples(book.texts, SECONDS)
    failed = bool(found.errors)
    if as_json:
        print_json({**rule_shapes.findings(found.problems), "report": found.report})
    else:
        print_problems(book, [problem for problem in found.problems if failed or book.concerns(problem.file)])
    if found.report is not None:
        shown = [result for result in found.report["results"] if book.concerns(result["file"])]
        failed = failed or any(not result["passed"] for result in shown)
        if not as_json:
            _print_results(book, shown)
            click.echo(coverage_table(found.report["coverage"]))
            click.echo(summary(found.report))
    finish(failed=failed)


def _print_results(book: BookFolder, results: Sequence[Mapping[str, Any]]) -> None:
    for result in results:
        if not result["passed"]:
            where = f"{book.folder / result['file']}:{result['line']}"
            click.secho(f"✗ {result['name']}  {where}", fg="red")
            for reason in result["reasons"]:
                click.echo(f"    {reason}")


@group.command("format")
@paths_argument
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 1 when a file is not in good form.")
def format_(paths: tuple[Path, ...], only_check: bool) -> None:
    """Lay rule files out alike; comments and meaning stay. Exits with 1 for a file that cannot be read."""
    book = read_book(paths)
    asked = {name: text for name, text in book.texts.items() if book.concerns(name)}
    found = format_files(asked, SECONDS)
    print_problems(book, found.problems)
    changed = {name: text for name, text in (found.texts or {}).items() if text != asked[name]}
    for name, text in changed.items():
        click.echo(f"{book.folder / name}: {'not in good form' if only_check else 'formatted'}")
        if not only_check:
            with complaints():
                book_folder.rewrite(book.folder, name, text)
    click.echo(f"{_count(len(asked), 'file')}, {len(changed)} {'to format' if only_check else 'formatted'}.")
    finish(failed=bool(found.problems or (only_check and changed)))


@group.command()
@paths_argument
@json_option
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(0.1, 3600), help="When to give up looking.")
@click.option("--strict", is_flag=True, help="Fail on every finding, not on broken invariants only.")
def prove(paths: tuple[Path, ...], as_json: bool, seconds: float, strict: bool) -> None:
    """Look for what no order should meet: rules that never hold, hide or contradict one another, gaps, broken invariants.

    Every finding comes with an order that shows it, run through the engine. Exits with 1 when an invariant is broken, or
    when the rules have errors.
    """
    from engine.prove import prove as prove_book  # the solver takes a while to load, and no other command needs it

    book = read_book(paths)
    problems = find_problems(book.texts, SECONDS)
    if problems.errors:
        print_problems(book, problems.errors)
        finish(failed=True)
    proofs = prove_book(load_book(book.texts), seconds=seconds)
    broken = [finding for finding in proofs.findings if finding.kind == "invariant"]
    if as_json:
        print_json(proofs.as_dict())
    else:
        _print_proofs(book, proofs)
    finish(failed=bool(broken or (strict and proofs.findings)))


def _print_proofs(book: BookFolder, proofs: Proofs) -> None:
    for finding in proofs.findings:
        place = f"{book.folder / finding.place.file}:{finding.place.line}:{finding.place.column}: " if finding.place.file else ""
        word = click.style(finding.kind, fg="red" if finding.kind == "invariant" else "yellow")
        click.echo(f"{place}{word}: {finding.message}" + (f" {finding.hint}" if finding.hint else ""))
        for fact in finding.example or ():
            values = ", ".join(f"{name}: {show(value)}" for name, value in fact.values.items())
            click.echo(f"    {fact.type} {fact.id}: {values}")
        for outcome in finding.outcomes:
            click.echo(f"    → {outcome}")
    for sentence in proofs.proved:
        click.echo(f"✓ {sentence}")
    for note in proofs.not_analysed:
        click.echo(f"? {note.decision}: {note.message}")
    click.echo(
        f"{_count(len(proofs.findings), 'finding')}, {len(proofs.proved)} proved, {len(proofs.not_analysed)} not analysed; "
        f"{proofs.seconds:.1f} s."
    )


@group.command("reference")
@json_option
def reference_(as_json: bool) -> None:
    """Print the reference of the language: every decision, fact, field, type, unit and outcome."""
    if as_json:
        print_json(reference())
    else:
        click.echo(markdown(), nl=False)


def coverage_table(coverage: Mapping[str, Any]) -> str:
    """What the examples cover, as a table for a terminal, and what they leave out."""
    lines = [f"{'':<12}{'covered':>14}{'share':>8}"]
    for part in ("rules", "conditions", "rows"):
        share = coverage[part]
        lines.append(f"{part:<12}{share['covered']:>6} / {share['of']:<5}{share['share']:>8.0%}")
    lines += [f"  no example fires the rule {rule}" for rule in coverage["silent_rules"]]
    lines += [
        f"  {one['file']}:{one['line']}: never {' nor '.join(one['never'])}: {one['condition']}"
        for one in coverage["one_sided"]
    ]
    return "\n".join(lines)


def read_book(paths: Sequence[Path]) -> BookFolder:
    """The book people named on the command line, or the installation's own rule files."""
    with complaints():
        return book_folder.read(paths or [Path(current_app.extensions["wissel"].config.rules_dir)])


@contextmanager
def complaints() -> Iterator[None]:
    """What is wrong with files, as a sentence on the command line."""
    try:
        yield
    except BadFiles as bad:
        raise click.ClickException(f"{bad}.") from None


def print_problems(book: BookFolder, problems: Sequence[Problem]) -> None:
    """One problem per line, in the form `file:line:column: message` that editors can jump to."""
    for problem in problems:
        where = f"{book.folder / problem.file}:{problem.line}:{problem.column}: " if problem.file else ""
        word = click.style(problem.severity, fg="red" if problem.severity == "error" else "yellow")
        click.echo(f"{where}{word}: {problem.message}" + (f" {problem.hint}" if problem.hint else ""))


def print_json(document: Any) -> None:
    """For programs."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def finish(*, failed: bool) -> None:
    """End with the exit code that CI goes by."""
    if failed:
        raise click.exceptions.Exit(1)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
