"""What lists of the sandbox filter and sort by, kept in a table of its own, so that a page of a hundred among a hundred
thousand orders does not read them all. Triggers keep it true, whoever writes a document."""

# ruff: noqa: S608 - the statements are put together from our own words; values are bound
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.sandbox import SandboxState

_KINDS = "('order', 'product', 'note', 'refund', 'mail')"
_HEAD = """
    SELECT {row}.kind, CAST({row}.id AS INTEGER), json_extract({row}.body, '$.modified'), json_extract({row}.body, '$.created'),
        json_extract({row}.body, '$.status'), json_extract({row}.body, '$.sku'),
        coalesce(json_extract({row}.body, '$.order'), json_extract({row}.body, '$.parent_id'), 0)"""
_FORGET = "DELETE FROM heads WHERE kind = {row}.kind AND id = CAST({row}.id AS INTEGER);"
_RENEW = f"{_FORGET.format(row='NEW')} INSERT INTO heads {_HEAD.format(row='NEW')};"
_WATCHED = f"WHEN NEW.kind IN {_KINDS}"
_STATEMENTS = (
    """CREATE TABLE IF NOT EXISTS heads (kind TEXT, id INTEGER, modified INTEGER, created INTEGER, status TEXT, sku TEXT,
        owner INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS heads_by_modified ON heads (kind, modified, id, status, created)",
    "CREATE INDEX IF NOT EXISTS heads_by_owner ON heads (kind, owner)",
    "CREATE INDEX IF NOT EXISTS heads_by_sku ON heads (kind, sku)",
    # Not INSERT OR REPLACE: within a trigger the policy of the statement that set it off would count instead.
    f"CREATE TRIGGER IF NOT EXISTS head_made AFTER INSERT ON documents {_WATCHED} BEGIN {_RENEW} END",
    f"CREATE TRIGGER IF NOT EXISTS head_changed AFTER UPDATE ON documents {_WATCHED} BEGIN {_RENEW} END",
    f"CREATE TRIGGER IF NOT EXISTS head_gone AFTER DELETE ON documents BEGIN {_FORGET.format(row='OLD')} END",
    "DELETE FROM heads",
    f"INSERT INTO heads {_HEAD.format(row='documents')} FROM documents WHERE kind IN {_KINDS}",
)

Condition = tuple[str, Sequence[Any]]
"""A piece of SQL over `kind`, `id`, `modified`, `created`, `status`, `sku` and `owner`, and its values."""


def prepare(state: SandboxState) -> None:
    """Make the table, or bring it up to date."""
    for statement in _STATEMENTS:
        state.sql(statement)


def matching(
    state: SandboxState, kind: str, conditions: Sequence[Condition], order: str, limit: int, offset: int
) -> tuple[list[dict[str, Any]], int]:
    """One page of the documents that fulfil all conditions, and how many do. `order` is SQL too; none of it may come
    from outside."""
    where = " AND ".join(["kind = ?", *(sql for sql, _ in conditions)])
    values = [kind, *(value for _, values in conditions for value in values)]
    ((total,),) = state.sql(f"SELECT COUNT(*) FROM heads WHERE {where}", *values)
    ids = state.sql(f"SELECT id FROM heads WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", *values, limit, offset)
    found = (state.get(kind, id) for (id,) in ids)
    return [document for document in found if document is not None], int(total)


def owned(state: SandboxState, kind: str, owner: int) -> list[dict[str, Any]]:
    """The notes, refunds or mails of an order, or the variations of a product, oldest first."""
    return matching(state, kind, [("owner = ?", [owner])], "id", -1, 0)[0]


def among(column: str, values: Sequence[Any], *, no: bool = False) -> Condition:
    """Whether a column has one of these values, or none of them."""
    return f"{column} {'NOT ' if no else ''}IN ({', '.join('?' * len(values))})", values
