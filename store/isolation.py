"""Keeps merchants apart: every statement of a merchant's session sees and touches that merchant's rows only.

Filtered are queries, updates and deletes in ORM terms; rows to be inserted are stamped and checked. What cannot be
filtered reliably (plain tables, SQL text, updates by a list of primary keys) is refused with a sentence that says what
to write instead. `Session.connection()` goes around all of this: it is meant for the store itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from sqlalchemy import Insert, Table, TextClause, Update, event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.visitors import ExternallyTraversible

from store.models import Merchant, MerchantOwned
from store.terms import write_flushed


class WrongMerchant(Exception):
    """A merchant's session was about to touch rows of another merchant, or could not rule it out."""


class ReadOnlySession(Exception):
    """Something was to be written in a session opened with read_only=True."""


class GuardedSession(Session):
    """A session that keeps to the `Scope` in its `info["scope"]`. It lacks SQLAlchemy's old bulk methods, which write past
    everything that checks rows."""

    def bulk_save_objects(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused."""
        raise WrongMerchant(
            "bulk methods check nothing; use session.add_all(), or session.execute(insert(Model), rows)"
        )

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects


@dataclass(frozen=True, slots=True)
class Scope:
    """On whose behalf a session works: one merchant, or all of them (None); and whether it may write."""

    merchant_id: str | None
    read_only: bool = False


def merchant_of(session: Session) -> str:
    """The merchant a session works for.

    Raises WrongMerchant in a system session: what asks this makes sense for one merchant only.
    """
    scope: Scope = session.info["scope"]
    if scope.merchant_id is None:
        raise WrongMerchant("this needs the session of one merchant; open it with database.session(merchant_id)")
    return scope.merchant_id


def check_writable(session: Session) -> None:
    """Raises ReadOnlySession in a session opened for reading only."""
    scope: Scope = session.info["scope"]
    if scope.read_only:
        raise ReadOnlySession("this session was opened for reading only; open it without read_only=True to write")


def stamp(session: Session, row: object) -> None:
    """Make a new row the session's merchant's. Raises WrongMerchant when it is another one's."""
    scope: Scope = session.info["scope"]
    if scope.merchant_id is None or not isinstance(row, MerchantOwned):
        return
    if row.merchant_id is None:
        row.merchant_id = scope.merchant_id
    _same(row.merchant_id, scope.merchant_id, type(row).__name__)


def _check_statement(state: ORMExecuteState) -> None:
    scope: Scope = state.session.info["scope"]
    if state.is_insert or state.is_update or state.is_delete:
        check_writable(state.session)
    if scope.merchant_id is None:
        return
    if not state.is_orm_statement:
        _refuse_unfiltered(state)
    elif state.is_insert:
        _stamp_inserted(state, scope.merchant_id)
    else:
        if state.is_update:
            _check_update(state)
        state.statement = state.statement.options(*_filters(state.session, scope.merchant_id))


def _refuse_unfiltered(state: ORMExecuteState) -> None:
    for part in visitors.iterate(cast(ExternallyTraversible, state.statement)):
        if isinstance(part, TextClause):
            raise WrongMerchant(
                "SQL text cannot be filtered by merchant; write it with the models, or use a system session"
            )
        if isinstance(part, Table) and "merchant_id" in part.columns:
            raise WrongMerchant(
                f"{part.name} as a plain table is not filtered by merchant; write the statement with its model"
            )


def _filters(session: Session, merchant_id: str) -> tuple[Any, ...]:
    """The conditions every statement gets. Made once per session: SQLAlchemy recognises them when it caches SQL."""
    known: tuple[Any, ...] | None = session.info.get("filters")
    if known is None:
        known = (
            with_loader_criteria(
                MerchantOwned,
                lambda cls: cls.merchant_id == merchant_id,
                include_aliases=True,
                propagate_to_loaders=False,
            ),
            with_loader_criteria(
                Merchant, lambda cls: cls.id == merchant_id, include_aliases=True, propagate_to_loaders=False
            ),
        )
        session.info["filters"] = known
    return known


def _stamp_inserted(state: ORMExecuteState, merchant_id: str) -> None:
    statement = state.statement
    mapper = state.bind_mapper
    assert isinstance(statement, Insert)
    if mapper is None or not issubclass(mapper.class_, MerchantOwned):
        return
    if statement._multi_values or statement.select is not None:
        raise WrongMerchant("rows to insert must be given as parameters or one by one, so that they can be checked")
    if statement._values:
        given = {getattr(column, "key", column): value for column, value in statement._values.items()}
        if "merchant_id" in given:
            _same(getattr(given["merchant_id"], "value", None), merchant_id, mapper.class_.__name__)
        state.statement = statement.values(merchant_id=merchant_id)
    if state.parameters:
        rows: list[Any] = [state.parameters] if isinstance(state.parameters, dict) else list(state.parameters)
        for row in rows:
            _same(row.get("merchant_id", merchant_id), merchant_id, mapper.class_.__name__)
        state.parameters = [{**row, "merchant_id": merchant_id} for row in rows]


def _check_update(state: ORMExecuteState) -> None:
    statement = state.statement
    assert isinstance(statement, Update)
    if isinstance(state.parameters, (list, tuple)):
        raise WrongMerchant(
            "an update by a list of primary keys is not filtered by merchant; change the objects, or use where()"
        )
    columns: Collection[Any] = statement._values or ()
    if any(getattr(column, "key", column) == "merchant_id" for column in columns) or "merchant_id" in (
        state.parameters or {}
    ):
        raise WrongMerchant("rows never move to another merchant")


def _check_rows(session: Session, context: UOWTransaction, instances: Any) -> None:
    scope: Scope = session.info["scope"]
    if session.new or session.deleted or session.dirty:
        check_writable(session)
    if scope.merchant_id is None:
        return
    for row in session.new:
        stamp(session, row)
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, MerchantOwned):
            _same(row.merchant_id, scope.merchant_id, type(row).__name__)


def _same(found: object, merchant_id: str, what: str) -> None:
    if found != merchant_id:
        raise WrongMerchant(f"a {what} of merchant {found} cannot be written in a session of merchant {merchant_id}")


event.listen(GuardedSession, "do_orm_execute", _check_statement)
event.listen(GuardedSession, "before_flush", _check_rows)
event.listen(GuardedSession, "after_flush", write_flushed)
