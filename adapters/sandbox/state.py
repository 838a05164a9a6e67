"""What a sandbox knows: JSON documents by kind, settings, sequences, counters and a request log, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

_KEPT_REQUESTS = 2000
"""How many requests the log keeps; counters keep counting."""

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    body TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL, fault TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One API call the sandbox received. `status` is 0 when the connection was dropped, `fault` names the fault that
    hit it; `body` and `answer` are text. Headers are not kept: they hold the token."""

    id: int
    at: float
    method: str
    path: str
    query: str
    body: str
    status: int
    answer: str
    fault: str


class SandboxState:
    """The memory of one sandbox; safe to use from several threads, survives a restart when given a path.

    Documents are plain JSON objects, numbers with a point come back as Decimal. `with state.transaction():` makes
    several reads and writes one step that either happens or does not.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file. The state cannot be used afterwards."""
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is one step; nests. An exception undoes the outermost transaction."""
        with self.lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    # Documents

    def get(self, kind: str, id: str | int) -> dict[str, Any] | None:
        """One document, or None."""
        rows = self._all("SELECT body FROM documents WHERE kind = ? AND id = ?", kind, str(id))
        return from_json(rows[0][0]) if rows else None

    def put(self, kind: str, id: str | int, body: dict[str, Any]) -> dict[str, Any]:
        """Write a document, new or over the old one (which keeps its place in `all`). Gives it back as stored."""
        text = to_json(body)
        self._all(
            "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            kind,
            str(id),
            text,
        )
        return dict(from_json(text))

    def delete(self, kind: str, id: str | int) -> None:
        """Forget a document; not having it is fine."""
        self._all("DELETE FROM documents WHERE kind = ? AND id = ?", kind, str(id))

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every document of a kind, oldest first."""
        return [
            from_json(row[0]) for row in self._all("SELECT body FROM documents WHERE kind = ? ORDER BY position", kind)
        ]

    # Settings, sequences, counters

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of the sandbox, switched on its pages or through its control API."""
        rows = self._all("SELECT value FROM settings WHERE name = ?", name)
        return from_json(rows[0][0]) if rows else default

    def now(self) -> float:
        """The sandbox's clock in UNIX seconds. The setting `clock_offset` (seconds) makes it wrong on purpose."""
        return time.time() + float(self.setting("clock_offset", 0))

    def set_setting(self, name: str, value: Any) -> None:
        """Set a setting; any JSON value."""
        self._all(
            "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            to_json(value),
        )

    def next(self, sequence: str, start: int = 1) -> int:
        """The next number of a sequence, the first being `start`."""
        return start - 1 + self.count(f"sequence:{sequence}")

    def count(self, name: str, by: int = 1) -> int:
        """Count an effect (`orders_created`) and give the new number."""
        with self.lock:
            self._all(
                "INSERT INTO counters (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                name,
                by,
            )
            return self.counter(name)

    def counter(self, name: str) -> int:
        """How often an effect was counted."""
        rows = self._all("SELECT value FROM counters WHERE name = ?", name)
        return int(rows[0][0]) if rows else 0

    def counters(self) -> dict[str, int]:
        """Every counted effect; sequences are left out."""
        rows = self._all("SELECT name, value FROM counters WHERE name NOT LIKE 'sequence:%' ORDER BY name")
        return dict(rows)

    # Request log

    def log(self, *, method: str, path: str, query: str, body: str, status: int, answer: str, fault: str) -> None:
        """Remember one API call."""
        with self.lock:
            self._all(
                "INSERT INTO requests (at, method, path, query, body, status, answer, fault) VALUES (?,?,?,?,?,?,?,?)",
                time.time(),
                method,
                path,
                query,
                body,
                status,
                answer,
                fault,
            )
            self._all("DELETE FROM requests WHERE id <= (SELECT MAX(id) FROM requests) - ?", _KEPT_REQUESTS)

    def requests(self, method: str = "", path: str = "") -> list[LoggedRequest]:
        """Logged calls, oldest first, of that method and with `path` as a part of their path."""
        rows = self._all("SELECT id, at, method, path, query, body, status, answer, fault FROM requests ORDER BY id")
        logged = (LoggedRequest(*row) for row in rows)
        return [entry for entry in logged if (not method or entry.method == method) and path in entry.path]

    def clear_requests(self) -> None:
        """Empty the request log."""
        self._all("DELETE FROM requests")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement: for a sandbox that keeps a table or an index of its own beside the documents."""
        return self._all(statement, *values)

    def _all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._db.execute(sql, values).fetchall()


def to_json(value: Any) -> str:
    """JSON text; a Decimal becomes a JSON number (exact for amounts of up to 15 digits)."""
    return json.dumps(value, default=_number, ensure_ascii=False)


def from_json(text: str) -> Any:
    """The reverse of `to_json`: numbers with a point come back as Decimal."""
    return json.loads(text, parse_float=Decimal)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
