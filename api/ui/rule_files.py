"""The files of a draft as people work on them: which there are, what they are called, and what an unwritten one begins with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from api.problems import FieldError, Problem
from api.reading import read_body, read_json
from engine.language import LAYER_FOLDER, is_examples
from engine.language.examples import SUFFIX
from engine.vocabulary import VOCABULARY
from store import drafts
from store.book_files import FILE_CHARACTERS, BadFiles, check_files
from store.rule_models import RuleDraft

LARGEST_POST = 9_000_000
"""Most bytes of one posted file with what comes along; a rule file itself has at most `FILE_CHARACTERS` characters."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file of a draft. `kind` is `base` (read only here), `layer`, or `examples`; `written` says whether the draft has
    it already, otherwise `text` is what it begins with."""

    name: str
    decision: str
    kind: str
    text: str
    written: bool

    @property
    def editable(self) -> bool:
        """The base book is ours: a merchant changes what it does in the layer over it."""
        return self.name.startswith(LAYER_FOLDER)

    @property
    def title(self) -> str:
        """What people call the file."""
        if self.kind == "examples":
            return "Your examples" if self.editable else "Base examples"
        return "Your rules" if self.editable else "Base rules"

    @property
    def fingerprint(self) -> str:
        """Names the text one began with, so that a later save can tell whether this very file changed in between."""
        return fingerprint(self.text if self.written else None)


def fingerprint(text: str | None) -> str:
    """A short name of a file's content; of a file that is not there, `none`."""
    return "none" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def find(draft: RuleDraft, name: str) -> RuleFile:
    """A file of the draft, or one of the merchant's own that is not written yet. Raises Problem `not-found`."""
    if name in draft.texts:
        return RuleFile(name, decision_of(name), _kind(name), draft.texts[name], True)
    decision = decision_of(name)
    if decision in VOCABULARY.decisions and name in (layer_of(decision), examples_of(decision)):
        return RuleFile(name, decision, _kind(name), _beginning(name, decision), False)
    raise Problem("not-found", f"This draft has no file {name[:100]}.")


def files_of(draft: RuleDraft, decision: str) -> list[RuleFile]:
    """The files of one decision: what it comes with, then the merchant's own, written or not."""
    there = [name for name in sorted(draft.texts) if decision_of(name) == decision and not name.startswith(LAYER_FOLDER)]
    own = [layer_of(decision), examples_of(decision)]
    return [find(draft, name) for name in [*sorted(there, key=is_examples), *own]]


def layer_of(decision: str) -> str:
    """The file of the merchant's own rules for a decision."""
    return f"{LAYER_FOLDER}{decision}.yaml"


def examples_of(decision: str) -> str:
    """The file of the merchant's own examples for a decision."""
    return f"{LAYER_FOLDER}{decision}{SUFFIX}"


def decision_of(name: str) -> str:
    """The decision a file is about, by its name."""
    return name.removeprefix(LAYER_FOLDER).removesuffix(".yaml").removesuffix(".yml").removesuffix(".examples")


def _kind(name: str) -> str:
    if is_examples(name):
        return "examples"
    return "layer" if name.startswith(LAYER_FOLDER) else "base"


def _beginning(name: str, decision: str) -> str:
    if is_examples(name):
        return f"decision: {decision}\nexamples: []\n"
    return f"decision: {decision}\nlayer: true\n\nrules: []\n"


def with_file(draft: RuleDraft, name: str, text: str) -> dict[str, str]:
    """The draft's texts with one of them as it stands on somebody's screen. Raises Problem for what cannot be kept."""
    texts = {**draft.texts, name: text}
    try:
        check_files(texts)
    except BadFiles as bad:
        slug = "too-large" if bad.too_large else "invalid"
        raise Problem(slug, f"{bad}.", errors=[] if bad.too_large else [FieldError("text", bad.message)]) from None
    return texts


def on_screen(draft: RuleDraft, file: RuleFile, text: str) -> dict[str, str]:
    """The draft's texts with one file as it stands on somebody's screen; a file that is not written yet and was not touched
    stays away."""
    return dict(draft.texts) if not file.written and text == file.text else with_file(draft, file.name, text)


def the_draft(session: Session, draft_id: str) -> RuleDraft:
    """A draft of the person's merchant. Raises Problem `not-found`."""
    try:
        return drafts.get(session, draft_id)
    except drafts.NoDraft:
        raise Problem("not-found", f"There is no draft {draft_id[:40]}.") from None


def save(session: Session, draft_id: str, name: str, text: str, base: str, by: str) -> RuleDraft:
    """Keep one file of a draft. `base` is the fingerprint of the text that was changed: two people may work on different
    files of one draft, but never overwrite each other in the same one.

    Raises Problem, DraftClosed or DraftConflict.
    """
    draft = the_draft(session, draft_id)
    file = find(draft, name)
    if not file.editable:
        raise Problem("not-allowed", f"{name} belongs to the base book, which is read here only. Change it in {layer_of(file.decision)}.")
    texts = with_file(draft, name, text)
    if file.fingerprint != base and not (file.written and file.text == text):
        raise drafts.DraftConflict(draft, draft.revision)
    return drafts.save(session, draft_id, texts=texts, revision=draft.revision, by=by)


def posted() -> Mapping[str, Any]:
    """The JSON object the editor sent. Raises Problem for anything else, and for one that is too long."""
    document = read_json(read_body(request, LARGEST_POST))
    if not isinstance(document, dict):
        raise Problem("invalid", "A JSON object was expected.")
    return document


def word(document: Mapping[str, Any], name: str, default: str | None = None, longest: int = 2_000) -> str:
    """A text of the posted object. Raises Problem `invalid` when it is not there, or is none."""
    value = document.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise Problem("invalid", "The editor's message makes no sense.", errors=[FieldError(name, f"must be text of at most {longest:,} characters")])
    return value


def text_in(document: Mapping[str, Any]) -> str:
    """The text on the screen, with the line ends of rule files."""
    return word(document, "text", longest=FILE_CHARACTERS + 1).replace("\r\n", "\n")
