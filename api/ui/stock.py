"""Stock per article and outlet, now or as it was at a moment gone by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import g, request
from flask_login import current_user

from api import paging
from api.problems import Problem
from api.stock import levels_now, levels_then
from api.ui import blueprint
from api.ui.frame import page, reading, show
from api.ui.words import zone
from store import outlets, products
from store.models import Merchant

ARTICLES = 100


@blueprint.get("/stock")
@page
def stock_page() -> Any:
    """Articles down, outlets across: on hand, promised, available."""
    sku, as_of = request.args.get("sku", "")[:200].strip(), request.args.get("as_of", "")
    with reading() as session:
        merchant = session.get(Merchant, current_user.merchant_id)
        g.merchant = merchant
        moment = _moment(as_of, merchant.time_zone if merchant else "UTC")
        position = paging.position_of("stock-page", request.args.get("cursor"))
        if moment is not None:
            found, following = levels_then(session, moment, None), None
            found = [level for level in found if level["sku"].startswith(sku)]
        else:
            found, following = levels_now(session, sku, position, ARTICLES * 5)
        rows: dict[str, dict[str, Any]] = {}
        for level in found:
            rows.setdefault(level["sku"], {})[level["outlet"]] = level
        return show(
            session, "stock", "table", rows=rows, sku=sku, as_of=as_of, moment=moment, names=products.by_sku(session, list(rows)),
            outlets=outlets.list_all(session), cursor=paging.cursor_for("stock-page", following),
        )  # fmt: skip


def _moment(text: str, zone_name: str) -> datetime | None:
    """A moment as a browser's date field gives it: in the merchant's time zone unless it says otherwise."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone(zone_name))
    except ValueError:
        raise Problem("bad-request", f"{text[:40]!r} is no moment; write it as 2026-11-22T09:30.") from None
