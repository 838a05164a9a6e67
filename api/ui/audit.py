"""Who did what, when, and why: everything people and keys did that changes what happens with orders."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api import paging
from api.problems import FieldError, Problem
from api.ui import blueprint
from api.ui.frame import page, reading, show
from store import audit
from store.models import AuditEntry, Merchant

PER_PAGE = 50
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PAGES = {
    "rules version": ("ui.rule_version", "version"), "rule draft": ("ui.rule_draft", "draft_id"), "command": ("ui.delivery", "command_id"),
    "event": ("ui.event", "event_id"), "order": ("ui.order", "order_id"),
}  # fmt: skip
"""Where a thing that an entry is about can be looked at: its page, and how the page calls its id."""


@blueprint.get("/audit")
@page
def audit_log() -> Any:
    """The newest entries, or those that fit the filters."""
    chosen = {name: request.args.get(name, "").replace("\x00", "").strip()[:200] for name in ("who", "action", "about", "q", "from", "to")}
    with reading() as session:
        zone = _zone(session)
        rows = audit.entries(
            session, who=chosen["who"] or None, action=chosen["action"] or None, about=chosen["about"] or None, text=chosen["q"],
            since=_day("from", chosen["from"], zone), until=_day("to", chosen["to"], zone, days=1), before=_position(),
            limit=PER_PAGE + 1,
        )  # fmt: skip
        cursor = _cursor(rows[PER_PAGE - 1]) if len(rows) > PER_PAGE else None
        people, actions = audit.known(session)
        return show(
            session, "audit", "table", rows=[(row, _address(row.about)) for row in rows[:PER_PAGE]], chosen=chosen,
            people=people, actions=actions, cursor=cursor, filtered=any(chosen.values()),
        )  # fmt: skip


def _zone(session: Session) -> ZoneInfo:
    merchant = session.get(Merchant, current_user.merchant_id)
    return ZoneInfo(merchant.time_zone if merchant else "UTC")


def _day(field: str, text: str, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """The beginning of a day, or of a day after it, where the merchant lives. Raises Problem `invalid`."""
    if not text:
        return None
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).replace(tzinfo=zone) + timedelta(days=days)
    except (ValueError, OverflowError):
        message = "must be a day such as 2026-11-22"
        raise Problem("invalid", f"{field} {message}.", errors=[FieldError(field, message)]) from None


def _position() -> tuple[datetime, str] | None:
    found = paging.position_of("audit-page", request.args.get("cursor"))
    return None if found is None else (datetime.fromisoformat(found[0]), found[1])


def _cursor(row: AuditEntry) -> str | None:
    return paging.cursor_for("audit-page", [row.at.isoformat(), row.id])


def _address(about: str) -> str | None:
    """The page of what an entry is about, when there is one."""
    kind, _, name = about.partition(":")
    if kind not in _PAGES or not name or (kind == "command" and not (name.isascii() and name.isdigit())):
        return None
    endpoint, argument = _PAGES[kind]
    values: dict[str, Any] = {argument: name}
    return url_for(endpoint, **values)
