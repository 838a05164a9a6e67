"""The table of first imports: long reads of what a system already holds, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from store.columns import new_id, now
from store.models import Base, Id, MerchantOwned, Name, Word

IS_UNFINISHED = text("state IN ('waiting', 'running', 'paused')")


class Import(MerchantOwned, Base):
    """One first import, or one catching up after an outage, of what a connection's system holds.

    `kind` is orders or products, `since` the oldest change wanted (None: all there is). `state`: waiting (no page was
    read yet), running, paused, done (all read and decided), failed (`error` says why; can be resumed), cancelled.
    `cursor` is where the next page begins in the adapter's own terms, None before the first page; `pages` counts those
    read and is what every next one must follow on. `done` of `total` units are read; `total` is None where the system
    does not say. `taken` events were new, `duplicates` known already, `failed` could not be kept. `read_at` is when the
    last page was read, `moved_at` when any was."""

    __tablename__ = "imports"
    __table_args__ = (
        Index("ix_imports_connection", "connection_id", "id"),
        Index("ix_imports_merchant", "merchant_id", "id"),
        Index(
            "ix_imports_unfinished", "connection_id", "kind", unique=True,
            sqlite_where=IS_UNFINISHED, postgresql_where=IS_UNFINISHED,
        ),
    )  # fmt: skip
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str] = mapped_column(Id, ForeignKey("connections.id"))
    kind: Mapped[str] = mapped_column(Word)
    since: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Word, default="waiting")
    cursor: Mapped[Any] = mapped_column(JSON, nullable=True)
    pages: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    moved_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
