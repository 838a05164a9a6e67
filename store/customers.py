"""Customers by e-mail address."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.columns import new_id
from store.isolation import merchant_of
from store.models import Customer
from store.upsert import insert_new


def keep(session: Session, email: str, name: str) -> None:
    """Keep a customer with this address; a new one gets `name`, one that is known keeps the name it has."""
    insert_new(session, Customer, id=new_id(), merchant_id=merchant_of(session), email=email, name=name)


def replace(session: Session, email: str, name: str) -> tuple[Customer, str]:
    """Take over the name from the system that owns the profile. Returns the customer and the name it had before."""
    added = insert_new(session, Customer, id=new_id(), merchant_id=merchant_of(session), email=email, name=name)
    if added is not None:
        return added, ""
    customer = session.scalars(select(Customer).where(Customer.email == email)).one()
    before = customer.name
    customer.name = name or before
    return customer, before
