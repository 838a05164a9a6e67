"""Everything a test decided is decided once more, from what was kept, and must come out the same by hash. And every fact
it was decided by must be whole."""

from __future__ import annotations

from sqlalchemy import select

from engine.compiled import CompiledBook, compile_book
from engine.language import load_book
from engine.replaying import replayed
from engine.vocabulary import VOCABULARY
from store import books
from store.flow_models import Decision
from store.models import Merchant
from store.session import Database

_BOOKS: dict[str, CompiledBook] = {}
"""Compiled rule books of this test process, by version: most tests decide with the same one."""


def assert_everything_replays(database: Database) -> int:
    """Replay every decision of every merchant. Returns how many there were."""
    with database.system_session(read_only=True) as session:
        merchants = session.scalars(select(Merchant.id)).all()
    count = 0
    for merchant_id in merchants:
        with database.session(merchant_id, read_only=True) as session:
            for decision in session.scalars(select(Decision).order_by(Decision.id)):
                texts = None if decision.version in _BOOKS else books.texts(session, decision.version)
                if decision.version not in _BOOKS and texts is None:
                    continue  # a test that loses a rule book on purpose
                book = _book(decision.version, texts)
                again = replayed(book, decision.facts, decision.trace["sourcing"] is not None)
                assert again.hash == decision.result_hash, (
                    f"decision {decision.id} ({decision.summary}) came out otherwise when it was replayed: "
                    f"{again.steps} instead of {decision.trace['steps']}"
                )
                _assert_facts_are_whole(decision)
                count += 1
    return count


def _assert_facts_are_whole(decision: Decision) -> None:
    """Proofs count on the fields that the vocabulary says our own facts always have."""
    for fact in (fact for judged in decision.facts for fact in judged["facts"]):
        lacking = set(VOCABULARY.facts[fact["type"]].always) - set(fact["values"])
        assert not lacking, f"decision {decision.id}: {fact['type']} {fact['id']} lacks {sorted(lacking)}"


def _book(version: str, texts: dict[str, str] | None) -> CompiledBook:
    if version not in _BOOKS:
        assert texts is not None
        _BOOKS[version] = compile_book(load_book(texts))
    return _BOOKS[version]
