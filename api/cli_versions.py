"""`flask rules ...` about what is published: out to files and back in, history, differences, going back."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from api import book_folder, publishing, rule_shapes
from api.cli import complaints, group, json_option, print_json
from api.services import services
from engine.language.diff import diff_texts
from store import books, drafts
from store.models import Merchant
from store.rule_models import Publication

__all__ = ["group"]

merchant_option = click.option("--merchant", metavar="SLUG", help="Whose rules; not needed where there is one merchant.")
by_option = click.option("--by", metavar="NAME", help="Who does it, for the record; the name you are signed in with otherwise.")
folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@group.command("export")
@folder_argument
@merchant_option
@click.option("--version", "reference", default="current", show_default=True, help="Number or hash of a version.")
@click.option("--prune", is_flag=True, help="Remove rule files from FOLDER that the version has not.")
def export(folder: Path, merchant: str | None, reference: str, prune: bool) -> None:
    """Write a published version into FOLDER, to the letter."""
    with plainly():
        found, texts = _version(_merchant(merchant), reference)
        removed = book_folder.write(folder, texts, prune=prune)
    gone = f", removed {', '.join(removed)}" if removed else ""
    click.echo(f"Version {found.number} ({found.version[:rule_shapes.SHORT]}): wrote {len(texts)} files to {folder}{gone}.")


@group.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@merchant_option
@by_option
@click.option("--name", default="", help="What to call the draft.")
@click.option("--publish", "at_once", is_flag=True, help="Publish it at once; needs --comment.")
@click.option("--comment", default="", help="What changes and why.")
def import_(folder: Path, merchant: str | None, by: str | None, name: str, at_once: bool, comment: str) -> None:
    """Take the rule files of FOLDER in: as a draft, or with --publish as the version that decides."""
    with plainly():
        texts = book_folder.read([folder]).texts
        merchant_id = _merchant(merchant)
        if at_once:
            made = publishing.publish_texts(
                services().database, merchant_id, texts, who=_who(by), comment=comment, origin=str(folder)
            )
            _say_published(made)
            return
        with services().database.session(merchant_id) as session:
            draft = drafts.create(
                session, name=name or f"Import of {folder.resolve().name}", texts=texts, by=_who(by), origin=f"From {folder}"
            )
    click.echo(f"Draft {draft.id} ({draft.name}): {len(texts)} files. Publish it with: flask rules publish {draft.id}")


@group.command()
@click.argument("draft_id", metavar="DRAFT")
@merchant_option
@by_option
@click.option("--comment", default="", help="What changes and why.")
def publish(draft_id: str, merchant: str | None, by: str | None, comment: str) -> None:
    """Make a draft the version that decides."""
    with plainly():
        merchant_id = _merchant(merchant)
        with services().database.session(merchant_id, read_only=True) as session:
            revision = drafts.get(session, draft_id).revision
        made = publishing.publish_draft(
            services().database, merchant_id, draft_id, revision=revision, who=_who(by), comment=comment
        )
        _say_published(made)


@group.command()
@merchant_option
@json_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
def history(merchant: str | None, as_json: bool, limit: int) -> None:
    """The versions that were published, newest first; the first one decides."""
    with plainly(), services().database.session(_merchant(merchant), read_only=True) as session:
        rows = books.publications(session, limit)
    if as_json:
        print_json([rule_shapes.publication(row) for row in rows])
        return
    for row in rows:
        kind = "rolled back: " if row.kind == "rollback" else ""
        click.echo(f"{row.number:>4}  {row.version[:rule_shapes.SHORT]}  {row.at:%Y-%m-%d %H:%M}Z  {row.by}  {kind}{row.comment}")


@group.command()
@click.argument("old")
@click.argument("new")
@merchant_option
@json_option
def diff(old: str, new: str, merchant: str | None, as_json: bool) -> None:
    """What NEW has differently from OLD, by decision and rule. Each is a folder, or the number or hash of a version."""
    with plainly():
        found = diff_texts(_side(old, merchant), _side(new, merchant))
    if as_json:
        print_json(found.as_dict())
    else:
        click.echo(found.text(), nl=False)


@group.command()
@click.argument("version")
@merchant_option
@by_option
@click.option("--reason", default="", help="Why; kept on record.")
def rollback(version: str, merchant: str | None, by: str | None, reason: str) -> None:
    """Publish an earlier version again."""
    with plainly():
        made = publishing.roll_back(services().database, _merchant(merchant), version, who=_who(by), reason=reason)
        _say_published(made)


def _say_published(made: Publication) -> None:
    click.echo(f"Version {made.number} ({made.version[:rule_shapes.SHORT]}) decides from the next event on.")


def _side(name: str, merchant: str | None) -> dict[str, str]:
    """The texts of one side of a comparison: a folder, or a version."""
    path = Path(name)
    if path.is_dir():
        return dict(book_folder.read([path]).texts)
    return _version(_merchant(merchant), name)[1]


def _version(merchant_id: str, reference: str) -> tuple[Publication, dict[str, str]]:
    with services().database.session(merchant_id, read_only=True) as session:
        found = books.find(session, reference)
        if found is None:
            raise click.ClickException(f"There is no version {reference}; see: flask rules history")
        return found, books.texts(session, found.version) or {}


def _merchant(slug: str | None) -> str:
    """The id of the merchant that is meant."""
    with services().database.system_session(read_only=True) as session:
        known: dict[str, str] = {row.slug: row.id for row in session.execute(select(Merchant.slug, Merchant.id))}
    if slug is None and len(known) == 1:
        return next(iter(known.values()))
    if slug is None or slug not in known:
        wrong = "Which merchant?" if slug is None else f"There is no merchant {slug}."
        raise click.ClickException(f"{wrong} Give --merchant with one of: {', '.join(sorted(known)) or '(there is none)'}")
    return known[slug]


def _who(name: str | None) -> str:
    if name:
        return name[:200]
    try:
        return f"{getpass.getuser()} on the command line"
    except (KeyError, OSError):
        return "the command line"


@contextmanager
def plainly() -> Iterator[Any]:
    """Whatever stands in the way, as sentences and exit code 1."""
    try:
        with complaints():
            yield
    except publishing.Refused as refused:
        for reason in refused.reasons:
            click.echo(str(reason), err=True)
        raise click.ClickException("Nothing was published.") from None
    except (publishing.Superseded, publishing.NoVersion, drafts.NoDraft, drafts.DraftClosed, drafts.DraftConflict) as error:
        raise click.ClickException(f"{error}.") from None
    except DBAPIError as error:
        cause = str(error.orig).strip().splitlines()[0]
        raise click.ClickException(f"The database cannot be used ({cause}); start the service once, it sets it up.") from None
