"""Tables of people, connections and settings. Orders stand in `order_models`, events and commands in `flow_models`, rule
books in `rule_models`.

Every row of business data carries its merchant; `session.py` filters by it in one place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from store.columns import UtcDateTime, new_id, now

Id = String(26)
Word = String(40)
Name = String(200)


class Base(DeclarativeBase):
    """Root of all tables. Constraints get names, so that migrations can speak of them on every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON, str: Text}


class MerchantOwned:
    """Mixin of every table whose rows belong to one merchant. It brings no index of its own: tables that are listed by
    merchant have one that begins with it, the others are reached through what they belong to."""

    merchant_id: Mapped[str] = mapped_column(Id, ForeignKey("merchants.id"))


class Merchant(Base):
    """A retailer: the tenant everything belongs to. `setup` is a random text that database triggers renew whenever an
    outlet, connection, setting or publication of the merchant changes; see `store.setup`."""

    __tablename__ = "merchants"
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Word, unique=True)
    name: Mapped[str] = mapped_column(Name)
    time_zone: Mapped[str] = mapped_column(Word, default="Europe/Amsterdam")
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    setup: Mapped[str] = mapped_column(Id, default=new_id, server_default="new")
    created_at: Mapped[datetime] = mapped_column(default=now)


class User(MerchantOwned, Base):
    """Someone who signs in. `role` is admin or support; `outlets` lists the outlet codes the person is authorised for,
    None meaning all."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_merchant", "merchant_id", "email"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Name, unique=True)
    name: Mapped[str] = mapped_column(Name)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(Word)
    outlets: Mapped[list[Any] | None]
    active: Mapped[bool] = mapped_column(default=True)
    session_epoch: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ApiKey(MerchantOwned, Base):
    """A key external systems post events with. Only a hash is kept; `prefix` finds the row, `role` is events (post
    events), support (read) or admin (both)."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_merchant", "merchant_id", "id"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    key_hash: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(Word, default="events")
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Connection(MerchantOwned, Base):
    """One configured external system. `credentials` is encrypted, `credentials_since` says when each was last entered
    (name -> RFC 3339); `state` is active, paused (with the reason) or archived (kept for its history only)."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("merchant_id", "name"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Word)
    platform: Mapped[str] = mapped_column(Word)
    role: Mapped[str] = mapped_column(Word)
    base_url: Mapped[str] = mapped_column(Name)
    credentials: Mapped[bytes | None]
    credentials_since: Mapped[dict[str, Any] | None] = mapped_column(default=dict)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(Word, default="active")
    paused_reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class ConnectionMemory(MerchantOwned, Base):
    """What an adapter asked us to remember between calls: cursors, change markers."""

    __tablename__ = "connection_memory"
    connection_id: Mapped[str] = mapped_column(Id, ForeignKey("connections.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Name, primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class Binding(MerchantOwned, Base):
    """Our id and theirs for the same thing at one connection; unique both ways."""

    __tablename__ = "bindings"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "ours"),
        UniqueConstraint("connection_id", "kind", "external"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    connection_id: Mapped[str] = mapped_column(Id, ForeignKey("connections.id"))
    kind: Mapped[str] = mapped_column(Word)
    ours: Mapped[str] = mapped_column(Name)
    external: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Outlet(MerchantOwned, Base):
    """A store or a warehouse. `online` says whether it is linked to the web shop."""

    __tablename__ = "outlets"
    __table_args__ = (UniqueConstraint("merchant_id", "code"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Word, default="store")
    country: Mapped[str] = mapped_column(String(2), default="NL")
    postcode: Mapped[str] = mapped_column(Word, default="")
    open: Mapped[bool] = mapped_column(default=True)
    online: Mapped[bool] = mapped_column(default=True)
    offers_pickup: Mapped[bool] = mapped_column(default=True)
    priority: Mapped[int] = mapped_column(default=100)


class Product(MerchantOwned, Base):
    """An article the merchant sells, known by its SKU. `hazardous` says whether it is dangerous goods, if anybody said."""

    __tablename__ = "products"
    __table_args__ = (UniqueConstraint("merchant_id", "sku"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sku: Mapped[str] = mapped_column(Name)
    name: Mapped[str] = mapped_column(Name, default="")
    weight_grams: Mapped[int | None]
    hazardous: Mapped[bool | None]


class Customer(MerchantOwned, Base):
    """A customer by e-mail address (lower case). Names already known are never overwritten by an order."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("merchant_id", "email"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(Name)
    name: Mapped[str] = mapped_column(Name, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Setting(MerchantOwned, Base):
    """A merchant's own value for a named setting of a rule file."""

    __tablename__ = "settings"
    __table_args__ = (UniqueConstraint("merchant_id", "decision", "name"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    decision: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(Word)
    value: Mapped[Any] = mapped_column(JSON)


class AuditEntry(MerchantOwned, Base):
    """Who did what, when: retried a command, paused a connection, changed a setting."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_merchant_at", "merchant_id", "at"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    who: Mapped[str] = mapped_column(Name)
    action: Mapped[str] = mapped_column(Word)
    about: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=now)
