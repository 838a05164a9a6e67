"""Tables of rules: versions, which one decides when, and drafts of the next one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from store.columns import Compressed, new_id, now
from store.models import Base, Id, MerchantOwned, Name, Word

Version = String(64)


class RuleBook(Base):
    """One immutable version of a rule book: the texts it was made from. Shared by merchants that use the same one. The
    database itself refuses to change a row."""

    __tablename__ = "rule_books"
    version: Mapped[str] = mapped_column(Version, primary_key=True)
    texts: Mapped[Any] = mapped_column(Compressed)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Publication(MerchantOwned, Base):
    """A version became the one that decides for a merchant. The newest publication counts, and none ever changes: the
    database refuses it.

    `number` counts the merchant's publications from 1, and is what people call "version 12". `kind` is `publish` or
    `rollback`, `replaces` the version that decided until then. `meaning` names what the rules do (see `engine.ast.Book`),
    `evidence` is what was known of the version when it was published: examples passed, coverage, proofs, simulation.
    Both are None where nobody noted them.
    """

    __tablename__ = "publications"
    __table_args__ = (
        Index("ix_publications_merchant", "merchant_id", "id"),
        Index("ix_publications_number", "merchant_id", "number", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[int] = mapped_column(server_default="0")
    version: Mapped[str] = mapped_column(Version, ForeignKey("rule_books.version"))
    meaning: Mapped[str | None] = mapped_column(Version)
    kind: Mapped[str] = mapped_column(Word, default="publish", server_default="publish")
    replaces: Mapped[str | None] = mapped_column(Version)
    by: Mapped[str] = mapped_column(Name)
    comment: Mapped[str] = mapped_column(default="")
    evidence: Mapped[dict[str, Any] | None] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class RuleDraft(MerchantOwned, Base):
    """A version in the making: texts that decide nothing yet. `based_on` is the version that decided when it was begun or
    last brought up to date; it is published over that one only. `revision` counts the saves from 1. `state` is open,
    published or discarded."""

    __tablename__ = "rule_drafts"
    __table_args__ = (Index("ix_rule_drafts_merchant", "merchant_id", "state", "updated_at"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name)
    texts: Mapped[Any] = mapped_column(Compressed)
    based_on: Mapped[str | None] = mapped_column(Version, ForeignKey("rule_books.version"))
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(Word, default="open")
    created_by: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_by: Mapped[str] = mapped_column(Name)
    updated_at: Mapped[datetime] = mapped_column(default=now)
