"""Stock: what is where, now or at a moment gone by; and what outlets were told of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api import paging, shapes
from api.auth import caller, requires
from api.schemas import answers
from api.services import services
from store import notifications as notification_rows
from store import overview, stock

blueprint = Blueprint("stock", __name__, url_prefix="/v1", description="Stock levels and notifications.")


@blueprint.get("/stock")
@blueprint.arguments(answers.StockListing, location="query")
@blueprint.response(200, answers.page_of(answers.StockAnswer))
@requires("read")
def levels(arguments: dict[str, Any]) -> dict[str, Any]:
    """Pieces on hand, promised and available per article and outlet; with `as_of` as they were then.

    `as_of` answers all articles (or the one whose SKU is given in full) on one page.
    """
    position = paging.position_of("stock", arguments["cursor"])
    limit = arguments["limit"]
    with services().database.session(caller().merchant_id, read_only=True) as session:
        if arguments["as_of"] is not None:
            return paging.page(levels_then(session, arguments["as_of"], arguments["sku"]), None)
        items, following = levels_now(session, arguments["sku"] or "", position, limit)
    return paging.page(items, paging.cursor_for("stock", following))


def levels_now(session: Session, sku: str, after: list[str] | None, limit: int) -> tuple[list[dict[str, Any]], list[str] | None]:
    """A page of present levels of articles whose SKU begins with `sku`, and where the next page begins."""
    position = (after[0], after[1]) if after else None
    rows = overview.stock_levels(session, sku, after=position, limit=limit + 1)
    items = [_level(row.outlet, row.sku, row.on_hand, row.reserved) for row in rows[:limit]]
    return items, [items[-1]["sku"], items[-1]["outlet"]] if len(rows) > limit else None


def levels_then(session: Session, moment: datetime, sku: str | None) -> list[dict[str, Any]]:
    """Levels as recorded up to a moment, by (sku, outlet)."""
    found = stock.as_of(session, moment.astimezone(UTC), [sku] if sku else None)
    places = sorted(found, key=lambda place: (place[1], place[0]))
    return [_level(outlet, article, *found[outlet, article]) for outlet, article in places]


def _level(outlet: str, sku: str, on_hand: int, reserved: int) -> dict[str, Any]:
    return {"outlet": outlet, "sku": sku, "on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved}


@blueprint.get("/notifications")
@blueprint.arguments(answers.NotificationListing, location="query")
@blueprint.response(200, answers.page_of(answers.NotificationAnswer))
@requires("read")
def notifications(arguments: dict[str, Any]) -> dict[str, Any]:
    """The newest notifications of new orders, newest first."""
    outlets = [arguments["outlet"]] if arguments["outlet"] else None
    with services().database.session(caller().merchant_id, read_only=True) as session:
        rows = notification_rows.newest(session, outlets, arguments["limit"])
        return paging.page([shapes.notification(row) for row in rows], None)
