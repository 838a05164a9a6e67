"""Drafts of rule books: texts that decide nothing yet. Nobody's work is ever overwritten.

Saving names the revision one has read; whoever saves second is told who was first, and with what. Publishing happens over
the version a draft is based on; when another one decides by now, the draft is brought up to date first (`rebase`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from store import audit, books
from store.book_files import check_files
from store.columns import now
from store.rule_models import Publication, RuleDraft

MINE, THEIRS = "mine", "theirs"


class NoDraft(LookupError):
    """The merchant has no such draft."""


class DraftClosed(Exception):
    """The draft was published or discarded; `draft` says by whom and when. Its texts can be read, and begun anew from."""

    def __init__(self, draft: RuleDraft) -> None:
        super().__init__(
            f"this draft was {draft.state} by {draft.updated_by} on {draft.updated_at:%Y-%m-%d %H:%M} UTC; start a new one"
        )
        self.draft = draft


class DraftConflict(Exception):
    """Somebody saved in between: nothing was written. `draft` is what is kept now, `yours` the revision that was read."""

    def __init__(self, draft: RuleDraft, yours: int) -> None:
        super().__init__(
            f"{draft.updated_by} saved this draft on {draft.updated_at:%Y-%m-%d %H:%M} UTC: it is at revision "
            f"{draft.revision}, you changed revision {yours}; nothing was overwritten"
        )
        self.draft = draft
        self.yours = yours


class Clash(NamedTuple):
    """A file that both sides changed since: the text both began with, the draft's and the published one. None: no such
    file."""

    file: str
    base: str | None
    mine: str | None
    theirs: str | None


class RebaseConflict(Exception):
    """Files that the draft and a publication made meanwhile both changed; nothing was written. Say for each of `clashes`
    whose text to take."""

    def __init__(self, clashes: Sequence[Clash], publication: Publication) -> None:
        files = ", ".join(clash.file for clash in clashes)
        super().__init__(
            f"{publication.by} published version {publication.number} on {publication.at:%Y-%m-%d %H:%M} UTC, and it "
            f"changes what this draft changes too: {files}; say for each file whose text to take"
        )
        self.clashes = tuple(clashes)
        self.publication = publication


@dataclass(frozen=True, slots=True)
class Rebased:
    """A draft brought up to date. `taken` are the files that came from the publication, `publication` is the one that it
    is based on now."""

    draft: RuleDraft
    publication: Publication
    taken: tuple[str, ...]


def create(session: Session, *, name: str, texts: Mapping[str, str], by: str, origin: str = "") -> RuleDraft:
    """Begin a draft with these texts (file name -> text), over the version that decides now. `origin` says in words where
    the texts are from.

    Raises BadFiles for texts that cannot be kept.
    """
    check_files(texts)
    draft = RuleDraft(
        name=_name(name), texts=dict(texts), based_on=books.current_version(session), created_by=by, updated_by=by
    )
    session.add(draft)
    session.flush()
    audit.record(session, who=by, action="create draft", about=_about(draft), reason=f"{draft.name}. {origin}".strip())
    return draft


def get(session: Session, draft_id: str) -> RuleDraft:
    """One draft, open or not. Raises NoDraft."""
    draft = session.get(RuleDraft, draft_id)
    if draft is None:
        raise NoDraft(f"there is no draft {draft_id[:40]}")
    return draft


def list_open(session: Session, limit: int = 200) -> Sequence[RuleDraft]:
    """The drafts being worked on, the one changed last first."""
    found = select(RuleDraft).where(RuleDraft.state == "open")
    return session.scalars(found.order_by(RuleDraft.updated_at.desc(), RuleDraft.id.desc()).limit(limit)).all()


def save(
    session: Session, draft_id: str, *, texts: Mapping[str, str], revision: int, by: str, name: str | None = None
) -> RuleDraft:
    """Keep new texts, and perhaps a new name, as the next revision. Saving what is there already changes nothing, so a
    save may be repeated.

    Raises NoDraft, DraftClosed, BadFiles, or DraftConflict when `revision` is not the newest.
    """
    check_files(texts)
    draft = _open(session, draft_id)
    wanted = _name(draft.name if name is None else name)
    if draft.texts == dict(texts) and draft.name == wanted:
        return draft
    draft = _write(session, draft, revision, by, texts=dict(texts), name=wanted)
    audit.record(session, who=by, action="save draft", about=_about(draft), reason=f"Revision {draft.revision}")
    return draft


def discard(session: Session, draft_id: str, *, revision: int, by: str, reason: str = "") -> RuleDraft:
    """Put a draft aside; it stays readable. Raises NoDraft, DraftClosed, or DraftConflict: what somebody else saved in
    between is not thrown away unseen."""
    draft = _write(session, _open(session, draft_id), revision, by, state="discarded")
    audit.record(session, who=by, action="discard draft", about=_about(draft), reason=reason)
    return draft


def close_published(session: Session, draft_id: str, *, revision: int, by: str) -> RuleDraft:
    """The draft became a version: called in the transaction that publishes it. Raises like `discard`."""
    return _write(session, _open(session, draft_id), revision, by, state="published")


def rebase(
    session: Session, draft_id: str, *, revision: int, by: str, choices: Mapping[str, str] | None = None
) -> Rebased:
    """Bring a draft up to date with the version that decides now, file by file: what only one side changed since is taken
    from that side. `choices` says for files that both changed whose text to take, `mine` or `theirs`.

    Raises NoDraft, DraftClosed, DraftConflict, or RebaseConflict for files without a choice: nothing is written then.
    """
    draft = _open(session, draft_id)
    if draft.revision != revision:
        raise DraftConflict(draft, revision)
    publication = books.wait_for_turn(session)
    if publication is None or publication.version == draft.based_on:
        raise AlreadyUpToDate(draft)
    base = (books.texts(session, draft.based_on) if draft.based_on else None) or {}
    theirs = books.texts(session, publication.version) or {}
    merged, clashes = merge(base, draft.texts, theirs, choices or {})
    if clashes:
        raise RebaseConflict(clashes, publication)
    taken = tuple(sorted(file for file in {*merged, *draft.texts} if merged.get(file) != draft.texts.get(file)))
    draft = _write(session, draft, revision, by, texts=merged, based_on=publication.version)
    reason = f"Onto version {publication.number}, taking from it: {', '.join(taken) or 'nothing'}"
    audit.record(session, who=by, action="rebase draft", about=_about(draft), reason=reason)
    return Rebased(draft, publication, taken)


class AlreadyUpToDate(Exception):
    """The draft is based on the version that decides now: there is nothing to bring in."""

    def __init__(self, draft: RuleDraft) -> None:
        super().__init__("this draft is based on the version that decides now; there is nothing to bring in")
        self.draft = draft


def merge(
    base: Mapping[str, str], mine: Mapping[str, str], theirs: Mapping[str, str], choices: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Clash, ...]]:
    """Both sides' changes to the files of `base`, and the files on which they clash and no choice was made."""
    merged: dict[str, str] = {}
    clashes = []
    for file in sorted({*base, *mine, *theirs}):
        began, ours, other = base.get(file), mine.get(file), theirs.get(file)
        if ours in (other, began):
            found = other
        elif other == began or choices.get(file) == MINE:
            found = ours
        elif choices.get(file) == THEIRS:
            found = other
        else:
            clashes.append(Clash(file, began, ours, other))
            continue
        if found is not None:
            merged[file] = found
    return merged, tuple(clashes)


def _open(session: Session, draft_id: str) -> RuleDraft:
    draft = get(session, draft_id)
    if draft.state != "open":
        raise DraftClosed(draft)
    return draft


def _write(session: Session, draft: RuleDraft, revision: int, by: str, **values: object) -> RuleDraft:
    """The next revision, if `revision` is still the newest one when it is written: one statement, so that of two savers
    one only gets through."""
    changed = session.execute(
        update(RuleDraft)
        .where(RuleDraft.id == draft.id, RuleDraft.revision == revision, RuleDraft.state == "open")
        .values(**values, revision=revision + 1, updated_by=by, updated_at=now()),
        execution_options={"synchronize_session": False},
    )
    session.refresh(draft)
    if cast("CursorResult[object]", changed).rowcount:
        return draft
    if draft.state != "open":
        raise DraftClosed(draft)
    raise DraftConflict(draft, revision)


def _about(draft: RuleDraft) -> str:
    return f"rule draft:{draft.id}"


def _name(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:200] or "Draft"
