"""Products: the articles a merchant sells, known by SKU."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from store.columns import new_id
from store.isolation import merchant_of
from store.models import Product
from store.prepared import prepared, rows
from store.upsert import insert_into


def by_sku(session: Session, skus: Collection[str]) -> dict[str, Product]:
    """The known ones of these articles, by SKU."""
    if not skus:
        return {}
    return {
        product.sku: product for product in session.scalars(select(Product).where(Product.sku.in_(sorted(set(skus)))))
    }


class Article(NamedTuple):
    """What rules may ask about an article; None where it is not known."""

    weight_grams: int | None
    hazardous: bool | None


_ARTICLES = prepared(
    select(Product.__table__.c.sku, Product.__table__.c.weight_grams, Product.__table__.c.hazardous).where(
        Product.__table__.c.sku.in_(bindparam("skus", expanding=True))
    )
)


def articles(session: Session, skus: Collection[str]) -> dict[str, Article]:
    """The known ones of these articles, by SKU."""
    found = rows(session, _ARTICLES, skus=sorted(set(skus)))
    return {row.sku: Article(row.weight_grams, row.hazardous) for row in found}


def list_all(session: Session, *, after: str = "", limit: int = 100) -> Sequence[Product]:
    """A page of articles by SKU; `after` is the last SKU of the page before."""
    return session.scalars(select(Product).where(Product.sku > after).order_by(Product.sku).limit(limit)).all()


def put(
    session: Session,
    sku: str,
    *,
    name: str | None = None,
    weight_grams: int | None = None,
    hazardous: bool | None = None,
) -> Product:
    """Create the article or change what is given; None leaves what is known."""
    given = {"name": name, "weight_grams": weight_grams, "hazardous": hazardous}
    changes = {field: value for field, value in given.items() if value is not None}
    new = insert_into(session, Product).values(
        id=new_id(), merchant_id=merchant_of(session), sku=sku, **{"name": "", **changes}
    )
    keys = ["merchant_id", "sku"]
    written = (
        new.on_conflict_do_update(index_elements=keys, set_=changes)
        if changes
        else new.on_conflict_do_nothing(index_elements=keys)
    )
    session.execute(written)
    found = select(Product).where(Product.sku == sku).execution_options(populate_existing=True)
    return session.scalars(found).one()
