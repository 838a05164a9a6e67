"""Proofs of a rule book in the background."""

from __future__ import annotations

import time
from typing import Any

from engine.language import load_book
from engine.settings_json import typed_all
from engine.types import RuleBookError, Value
from store import books
from workers.rule_jobs.slices import CannotDo, LeaseLost, Slice

SECONDS = 60.0
"""How long a proof may take. What it did not get to, it says."""
SHOWN_EVERY = 0.5
"""Seconds between two looks at how far it is."""


def run(part: Slice) -> dict[str, Any]:
    """Prove the texts under the merchant's settings, in one go: a proof is short, and has its own time box."""
    try:
        book = load_book(part.job.texts)
    except RuleBookError as broken:
        raise CannotDo(f"the texts cannot be read: {broken.problems[0]}") from broken
    from engine.prove import prove  # the solver takes long to load, and most processes never prove anything

    with part.here.database.session(part.job.merchant_id, read_only=True) as session:
        own = books.all_settings(session)
    settings: dict[str, dict[str, Value]] = {
        name: typed_all(book.decisions[name].settings, kept) for name, kept in own.items() if name in book.decisions
    }
    shown_at = float("-inf")

    def progress(done: int, total: int) -> None:
        nonlocal shown_at
        if part.is_lost():
            raise LeaseLost
        if time.monotonic() - shown_at >= SHOWN_EVERY:
            shown_at = time.monotonic()
            part.progress(done, total)

    proofs = prove(book, seconds=_seconds(part), settings=settings, progress=progress)
    return {"texts_version": part.job.texts_version, "proofs": proofs.as_dict()}


def _seconds(part: Slice) -> float:
    wanted = part.job.parameters.get("seconds", SECONDS)
    return min(SECONDS, float(wanted)) if isinstance(wanted, (int, float)) and wanted > 0 else SECONDS
