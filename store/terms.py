"""What an order can be found by: any number it has anywhere, e-mail address, words of the customer's name.

Whoever stores such a row need not think of search: sessions write the terms themselves while they flush.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, UOWTransaction

from store.dialects import insert_unless_known
from store.models import Base
from store.order_models import Fulfilment, Invoice, Order, OrderNumber, OrderTerm, Payment, Tracking

LONGEST = 200

NUMBERS: dict[type[Base], tuple[str, ...]] = {
    Order: ("number", "external_id", "customer_email"),
    OrderNumber: ("number",),
    Fulfilment: ("external_id", "receipt_number"),
    Payment: ("reference",),
    Tracking: ("number",),
    Invoice: ("number",),
}
"""Columns whose whole content is one term."""

WORDS: dict[type[Base], tuple[str, ...]] = {Order: ("customer_name",)}
"""Columns each word of which is a term."""


def fold(text: str) -> str:
    """Text as it is compared in search: no case, no accents, no spaces or punctuation except in e-mail addresses.

    >>> fold("#2024-0017"), fold("Café Zoë"), fold("Ann.Lee@Example.com")
    ('20240017', 'cafezoe', 'ann.lee@example.com')
    """
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).casefold()
    if "@" in plain:
        return "".join(plain.split())[:LONGEST]
    return "".join(char for char in plain if char.isalnum())[:LONGEST]


def words(text: str) -> list[str]:
    """The folded words of a text, without empty ones."""
    return [folded for folded in map(fold, text.replace("-", " ").split()) if folded]


def write(session: Session, rows: Iterable[Base]) -> None:
    """Write all terms of these rows; rows that no order is found by are passed over."""
    _insert(session, [term for row in rows for term in _terms(row, changed_only=False)])


def write_flushed(session: Session, context: UOWTransaction) -> None:
    """Write the terms of what a session has just flushed. An old number goes on finding the order."""
    _insert(session, [term for row in (*session.new, *session.dirty) for term in _terms(row, changed_only=True)])


def rebuild(session: Session) -> None:
    """Write the terms of everything there is, for rows that came in past the session (bulk inserts)."""
    for model in NUMBERS:
        for rows in session.scalars(select(model).execution_options(yield_per=500)).partitions():
            write(session, rows)


def _terms(row: Base, *, changed_only: bool) -> Iterator[dict[str, str]]:
    model = type(row)
    if model not in NUMBERS:
        return
    state = inspect(row)
    columns = [*((column, _whole) for column in NUMBERS[model]), *((column, words) for column in WORDS.get(model, ()))]
    values: dict[str, Any] = {column: getattr(row, column) for column, _ in columns}
    found = {
        term
        for column, split in columns
        if values[column] and (not changed_only or state.attrs[column].history.has_changes())
        for term in split(values[column])
    }
    owner = row.id if isinstance(row, Order) else getattr(row, "order_id")  # noqa: B009 - every other model has one
    for term in sorted(found - {""}):
        yield {"merchant_id": getattr(row, "merchant_id"), "term": term, "order_id": owner}  # noqa: B009


def _whole(text: str) -> list[str]:
    return [fold(text)]


def _insert(session: Session, terms: list[dict[str, str]]) -> None:
    if terms:
        session.connection().execute(insert_unless_known(session, OrderTerm), terms)
