"""Tables of orders, what fulfils them, what pays them, and the stock they take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.columns import new_id, now
from store.models import Base, Id, MerchantOwned, Name, Word

Serial = BigInteger().with_variant(Integer, "sqlite")
Minor = BigInteger()
Term = String(200).with_variant(String(200, collation="C"), "postgresql")


class Order(MerchantOwned, Base):
    """One order, as known now. `snapshot` is the newest data of the shop (shapes as in the event), `snapshot_at` its
    time: older snapshots never overwrite it. Amounts are minor units of `currency`.

    `origin` is the shop's connection id, or the source of an order posted without one; with `external_id` it names the
    order. `held_for` is stock or rule while the state is held. `told` remembers what each side was last told, so that
    it is not told the same thing twice."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("merchant_id", "origin", "external_id"),
        Index("ix_orders_merchant_placed", "merchant_id", "placed_at", "id"),
        Index("ix_orders_merchant_number", "merchant_id", "number"),
        Index("ix_orders_merchant_state", "merchant_id", "state", "placed_at"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    shop_id: Mapped[str | None] = mapped_column(Id, ForeignKey("connections.id"))
    origin: Mapped[str] = mapped_column(Name)
    external_id: Mapped[str] = mapped_column(Name)
    number: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(Word, default="received")
    held_for: Mapped[str] = mapped_column(Word, default="")
    state_reason: Mapped[str] = mapped_column(default="")
    fulfilment_type: Mapped[str] = mapped_column(Word, default="delivery")
    fulfilment_status: Mapped[str] = mapped_column(Word, default="new")
    shop_status: Mapped[str] = mapped_column(Word, default="awaiting_processing")
    shop_payment_status: Mapped[str] = mapped_column(Word, default="unpaid")
    payment_status: Mapped[str] = mapped_column(Word, default="unpaid")
    blocked_reason: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(Minor, default=0)
    paid_minor: Mapped[int] = mapped_column(Minor, default=0)
    customer_email: Mapped[str] = mapped_column(Name, default="")
    customer_name: Mapped[str] = mapped_column(Name, default="")
    till_id: Mapped[str | None] = mapped_column(Id, ForeignKey("connections.id"))
    on_till: Mapped[bool] = mapped_column(default=False)
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)
    snapshot: Mapped[dict[str, Any]] = mapped_column(default=dict)
    snapshot_at: Mapped[datetime]
    placed_at: Mapped[datetime]
    tags: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    lines: Mapped[list[OrderLine]] = relationship(order_by="OrderLine.position", back_populates="order")
    fulfilments: Mapped[list[Fulfilment]] = relationship(order_by="Fulfilment.id", back_populates="order")
    payments: Mapped[list[Payment]] = relationship(order_by="Payment.at", back_populates="order")


class OrderLine(MerchantOwned, Base):
    """One line of an order. `line` is its id in the shop. Nothing is packed for a line that `needs_shipping` denies: a gift
    card, a download, a bundle whose parts are lines of their own."""

    __tablename__ = "order_lines"
    __table_args__ = (UniqueConstraint("order_id", "line"), CheckConstraint("quantity > 0", name="quantity"))
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    position: Mapped[int]
    line: Mapped[str] = mapped_column(Word)
    sku: Mapped[str] = mapped_column(Name)
    name: Mapped[str] = mapped_column(Name, default="")
    quantity: Mapped[int]
    unit_price_minor: Mapped[int] = mapped_column(Minor, default=0)
    tax_rate: Mapped[str] = mapped_column(Word, default="0")
    back_ordered: Mapped[int] = mapped_column(default=0)
    needs_shipping: Mapped[bool] = mapped_column(default=True, server_default=true())
    order: Mapped[Order] = relationship(back_populates="lines")


class OrderNumber(MerchantOwned, Base):
    """A number the order has anywhere: in the shop, on a receipt, a parcel, an invoice. Search looks here."""

    __tablename__ = "order_numbers"
    __table_args__ = (
        UniqueConstraint("order_id", "kind", "number"),
        Index("ix_order_numbers", "merchant_id", "number"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"))
    kind: Mapped[str] = mapped_column(Word)
    number: Mapped[str] = mapped_column(Name)


class OrderTerm(MerchantOwned, Base):
    """A word that finds an order: a number it has anywhere, its customer's e-mail address, a word of the name. Folded
    (see `store.terms`), and sorted by code point so that a prefix is a range. Written by the session, never by hand."""

    __tablename__ = "order_terms"
    __table_args__ = ({"sqlite_with_rowid": False},)
    merchant_id: Mapped[str] = mapped_column(Id, ForeignKey("merchants.id"), primary_key=True)
    term: Mapped[str] = mapped_column(Term, primary_key=True)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), primary_key=True, index=True)


class Fulfilment(MerchantOwned, Base):
    """What one outlet packs for one order. `external_id` is the till's id once it has one."""

    __tablename__ = "fulfilments"
    __table_args__ = (UniqueConstraint("order_id", "outlet"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    outlet: Mapped[str] = mapped_column(Word)
    type: Mapped[str] = mapped_column(Word)
    status: Mapped[str] = mapped_column(Word, default="new")
    status_at: Mapped[datetime] = mapped_column(default=now)
    status_sequence: Mapped[int | None] = mapped_column(BigInteger)
    external_id: Mapped[str | None] = mapped_column(Name)
    receipt_number: Mapped[str] = mapped_column(Name, default="")
    note: Mapped[str] = mapped_column(default="")
    assigned_users: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    order: Mapped[Order] = relationship(back_populates="fulfilments")
    lines: Mapped[list[FulfilmentLine]] = relationship(
        order_by="FulfilmentLine.id", back_populates="fulfilment", lazy="selectin"
    )


class FulfilmentLine(MerchantOwned, Base):
    """Units of one order line that one outlet packs, and how far it is."""

    __tablename__ = "fulfilment_lines"
    __table_args__ = (UniqueConstraint("fulfilment_id", "line"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    fulfilment_id: Mapped[str] = mapped_column(Id, ForeignKey("fulfilments.id"), index=True)
    line: Mapped[str] = mapped_column(Word)
    sku: Mapped[str] = mapped_column(Name)
    quantity: Mapped[int]
    picked: Mapped[int] = mapped_column(default=0)
    packed: Mapped[int] = mapped_column(default=0)
    fulfilled: Mapped[int] = mapped_column(default=0)
    fulfilment: Mapped[Fulfilment] = relationship(back_populates="lines")


class Payment(MerchantOwned, Base):
    """One payment or refund (negative amount) reported by a system. `counts` is what the rules said of it."""

    __tablename__ = "payments"
    __table_args__ = (UniqueConstraint("order_id", "reference"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    reference: Mapped[str] = mapped_column(Name)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    method: Mapped[str] = mapped_column(Name, default="")
    processor: Mapped[str] = mapped_column(Name, default="")
    from_role: Mapped[str] = mapped_column(Word)
    screen: Mapped[str] = mapped_column(Word, default="unknown")
    counts: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    order: Mapped[Order] = relationship(back_populates="payments")


class Tracking(MerchantOwned, Base):
    """A tracking number of a parcel of an order; `outlet` is who sent it, empty when nobody said."""

    __tablename__ = "trackings"
    __table_args__ = (UniqueConstraint("order_id", "number"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    number: Mapped[str] = mapped_column(Name)
    url: Mapped[str] = mapped_column(default="")
    carrier: Mapped[str] = mapped_column(Name, default="")
    outlet: Mapped[str] = mapped_column(Word, default="", server_default=text("''"))
    at: Mapped[datetime] = mapped_column(default=now)


class Invoice(MerchantOwned, Base):
    """An invoice or credit note that a system made for an order."""

    __tablename__ = "invoices"
    __table_args__ = (UniqueConstraint("order_id", "number"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    number: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Word)
    total_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime] = mapped_column(default=now)


class StockLevel(MerchantOwned, Base):
    """The sum of the ledger for one article at one outlet, and the row that is locked while stock is promised.

    `sequence` is the highest version number the till reported; older reports never overwrite it."""

    __tablename__ = "stock_levels"
    __table_args__ = (UniqueConstraint("merchant_id", "sku", "outlet"), CheckConstraint("reserved >= 0", name="reserved"))
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    outlet: Mapped[str] = mapped_column(Word)
    sku: Mapped[str] = mapped_column(Name)
    on_hand: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    known_at: Mapped[datetime | None]


class StockMovement(MerchantOwned, Base):
    """Units came or went. Append-only: summing `delta` up to a moment says what was there then."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index("ix_movements_article", "merchant_id", "sku", "outlet", "id"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    outlet: Mapped[str] = mapped_column(Word)
    sku: Mapped[str] = mapped_column(Name)
    delta: Mapped[int]
    reason: Mapped[str] = mapped_column(Word)
    event_id: Mapped[str | None] = mapped_column(Id)
    order_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(default=now)


class StockReservation(MerchantOwned, Base):
    """Units were promised to an order (positive) or the promise ended (negative). Append-only."""

    __tablename__ = "stock_reservations"
    __table_args__ = (Index("ix_reservations_article", "merchant_id", "sku", "outlet", "id"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    outlet: Mapped[str] = mapped_column(Word)
    sku: Mapped[str] = mapped_column(Name)
    order_id: Mapped[str] = mapped_column(Id, index=True)
    delta: Mapped[int]
    reason: Mapped[str] = mapped_column(Word)
    event_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(default=now)


class Notification(MerchantOwned, Base):
    """A new order for the staff of one outlet; links to the fulfilment."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("order_id", "outlet"),
        Index("ix_notifications_merchant_at", "merchant_id", "at"),
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(Id, ForeignKey("orders.id"))
    outlet: Mapped[str] = mapped_column(Word)
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
