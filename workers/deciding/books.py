"""Published rule books, compiled and kept ready."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy.orm import Session

from engine.compiled import CompiledBook, compile_book
from engine.language import load_book
from store import books
from store.session import Database

KEPT = 16
"""Compiled versions kept per process. Old ones are made again when an old decision is looked at."""


class NoRuleBook(LookupError):
    """Nothing was published for the merchant yet, or a version is not known."""


class CompiledBooks:
    """Compiled rule books by version. A new publication counts from the next event on, in every process, because the
    current version is read with each event."""

    def __init__(self, database: Database, compare: str = "off") -> None:
        self._database = database
        self._compare = compare
        self._kept: OrderedDict[str, CompiledBook] = OrderedDict()
        self._lock = threading.Lock()

    def compiled(self, session: Session, version: str | None) -> CompiledBook:
        """The compiled book of a version. Raises NoRuleBook; None stands for a merchant that has published none."""
        if version is None:
            raise NoRuleBook("no rule book is published for this merchant: publish one first")
        return self._compiled(session, version)

    def current(self, merchant_id: str) -> tuple[str, CompiledBook]:
        """The version that decides for a merchant now, and its compiled book. Raises NoRuleBook."""
        with self._database.session(merchant_id, read_only=True) as session:
            version = books.current_version(session)
            return str(version), self.compiled(session, version)

    def get(self, version: str) -> CompiledBook:
        """Any version ever published. Raises NoRuleBook."""
        with self._database.system_session(read_only=True) as session:
            return self._compiled(session, version)

    def _compiled(self, session: Session, version: str) -> CompiledBook:
        with self._lock:
            found = self._kept.get(version)
            if found is not None:
                self._kept.move_to_end(version)
                return found
        texts = books.texts(session, version)
        if texts is None:
            raise NoRuleBook(f"there is no rule book version {version}")
        compiled = compile_book(load_book(texts), compare=self._compare)  # type: ignore[arg-type]
        with self._lock:
            self._kept[version] = compiled
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return compiled
