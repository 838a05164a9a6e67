"""The status matrix for people: what each shop is told of every step, and what the till does about every status of a shop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session

from api.status_matrix import NoMatrix, connected, of_draft, of_version
from api.ui import blueprint, words
from api.ui.frame import page, reading, show
from api.ui.rule_files import the_draft
from api.ui.rules import published
from engine.platforms import PLATFORM, SHOPS
from store import books

KINDS = ("delivery", "pickup")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a person asked to see. `shops` is a platform, `all`, or empty for the merchant's own."""

    kind: str
    shops: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row as it is shown: for one kind of order, or for both where every cell is the same. `before` holds the cells
    of the published book that say otherwise, by platform."""

    title: str
    kinds: tuple[str, ...]
    cells: Json
    before: Json


@blueprint.get("/rules/matrix")
@page
def status_matrix() -> Any:
    """The matrix of the rules that decide now. `type` is delivery or pickup, `shops` a platform or `all`."""
    book = published()
    with reading() as session:
        matrix = of_version(session, book.version)
        return _show(session, matrix, now=books.newest(session), version=book.version)


@blueprint.get("/rules/drafts/<draft_id>/matrix")
@page
def rule_draft_matrix(draft_id: str) -> Any:
    """The matrix that a draft would give, with the cells marked that differ from what decides now."""
    with reading() as session:
        draft = the_draft(session, draft_id)
        version = books.current_version(session)
        try:
            matrix, problems = of_draft(session, draft), ()
        except NoMatrix as missing:
            return show(session, "matrix", draft=draft, problems=missing.problems, tables=[], wanted=None, now=None)
        before = of_version(session, version) if version else None
        return _show(session, matrix, before, draft=draft, problems=problems, now=books.newest(session), version=version)


def _show(session: Session, matrix: Json, before: Json | None = None, *, draft: Any = None, **more: Any) -> Any:
    own = connected(session)
    wanted = _wanted(own)
    tables = [
        (name, title, lead, _groups(matrix[name], before[name] if before else None, wanted))
        for name, title, lead in (
            ("to_shop", "What the shop shows", "Something happens at the till or here. This is what staff read in the shop afterwards."),
            ("to_till", "What the till does", "Something changes in the shop. This is what becomes of it at the till."),
        )
    ]
    changed = sum(len(row.before) for _, _, _, groups in tables for _, rows in groups for row in rows)
    shops = [("", "Yours"), ("all", "All"), *((name, words.platform_words(name)) for name in SHOPS)]
    return show(
        session, "matrix", draft=draft, tables=tables, wanted=wanted, own=own, changed=changed, rules=matrix["rules"],
        shops=shops if own else shops[1:], link=_links(matrix["rules"], draft), **more,
    )  # fmt: skip


def _wanted(own: Collection[str]) -> Wanted:
    kind, shops = request.args.get("type", ""), request.args.get("shops", "")
    kind = kind if kind in KINDS else ""
    if shops in SHOPS:
        return Wanted(kind, shops, (shops,))
    everything = (*own, *(name for name in SHOPS if name not in own))
    if shops == "all" or not own:
        return Wanted(kind, "all", everything)
    return Wanted(kind, "", tuple(own))


def _groups(rows: Sequence[Json], before: Sequence[Json] | None, wanted: Wanted) -> list[tuple[str, list[Row]]]:
    """Rows under their headings, in order."""
    found: dict[str, list[Row]] = {}
    for group, row in _rows(rows, before, wanted):
        found.setdefault(group, []).append(row)
    return list(found.items())


def _rows(rows: Sequence[Json], before: Sequence[Json] | None, wanted: Wanted) -> Iterator[tuple[str, Row]]:
    was = {(row["name"], row["fulfilment_type"]): row["cells"] for row in before or ()}
    by_name: dict[str, list[Row]] = {}
    groups: dict[str, str] = {}
    for row in rows:
        if wanted.kind in ("", row["fulfilment_type"]):
            cells = {name: row["cells"].get(name) for name in wanted.columns}
            old = was.get((row["name"], row["fulfilment_type"])) if before is not None else None
            by_name.setdefault(row["name"], []).append(Row(_title(row), (row["fulfilment_type"],), cells, _before(cells, old)))
            groups[row["name"]] = row["group"]
    for name, found in by_name.items():
        if not any(cell for row in found for cell in row.cells.values()):
            continue  # none of these shops ever shows it
        if len(found) > 1 and all(_alike(row, found[0]) for row in found):
            found = [Row(found[0].title, KINDS, found[0].cells, found[0].before)]
        yield from ((groups[name], row) for row in found)


def _alike(row: Row, other: Row) -> bool:
    """Whether two rows read the same. What a shop usually shows by then matters where a cell has exceptions only."""

    def read(cells: Json) -> dict[str, Any]:
        return {
            name: cell and {key: value for key, value in cell.items() if key != "usual" and (key != "word" or cell["exceptions"])}
            for name, cell in cells.items()
        }

    return row.title == other.title and read(row.cells) == read(other.cells) and read(row.before) == read(other.before)


def _title(row: Json) -> str:
    """A shop's status is named by the word that our pages have for it."""
    kind = {"Status": "shop", "Payment": "payment"}.get(row["group"])
    return words.label(kind, row["title"]).word if kind else str(row["title"])


def _before(cells: Json, old: Json | None) -> dict[str, Any]:
    """The published cells that say something else. Which rule says it, and what the shop showed before, is of no import."""
    if old is None:
        return {}
    return {name: old[name] for name, cell in cells.items() if old.get(name) and cell and _said(cell) != _said(old[name])}


def _said(cell: Any) -> Any:
    if isinstance(cell, Mapping):
        return {name: _said(value) for name, value in cell.items() if name not in ("rule", "usual", "word")}
    return [_said(each) for each in cell] if isinstance(cell, list) else cell


def _links(rules: Json, draft: Any) -> Any:
    """Where a rule can be read: on the page of its decision, or in the draft's file."""

    def link(name: str) -> str:
        rule = rules.get(name)
        if rule is None:
            return ""
        if draft is not None:
            return url_for("ui.rule_file", draft_id=draft.id, name=rule["file"])
        anchor = f"{rule['decision']}-{rule['id']}"
        anchor = f"row-{anchor}-{rule['row']}" if rule["row"] else anchor
        return url_for("ui.rules_one", decision=rule["decision"], _anchor=anchor)

    return link


_TOLD = {
    "ship fulfilment": "a shipment for the outlet that is done",
    "assign outlets in shop": "which outlet does what",
    "send tracking": "the tracking number",
    "mail customer": "the shop mails the customer",
    "complete fulfilments": "Completed",
    "pack fulfilments": "Packed",
    "cancel sale": "Sale cancelled",
    "record payment": "Payment recorded",
    "refuse change": "Refused",
}
_MAIN = ("set shop status", "complete fulfilments", "pack fulfilments", "cancel sale", "record payment", "refuse change")
"""Demands that are what a cell is about; others are added in small print."""


@blueprint.app_template_filter("told_main")
def told_main(answer: Json) -> list[dict[str, str]]:
    """The words that stand out in a cell, each with our own word where it differs: what staff of the other side read."""
    return [_main(told) for told in answer["told"] if told["demand"] in (*_MAIN, "set shop payment", "refund in shop")]


@blueprint.app_template_filter("told_also")
def told_also(answer: Json) -> list[str]:
    """What goes along with it, in words."""
    main = (*_MAIN, "set shop payment", "refund in shop")
    return [_TOLD.get(told["demand"], told["demand"]) for told in answer["told"] if told["demand"] not in main]


def _ours(kind: str, told: Json) -> str:
    """Our word, where it would not only say theirs again."""
    ours, theirs = words.label(kind, told["ours"]).word, str(told["theirs"])
    return "" if ours.lower()[:6] == theirs.lower()[:6] else ours


def _main(told: Json) -> dict[str, str]:
    if told["demand"] == "set shop status":
        return {"what": "", "word": str(told["theirs"]), "ours": _ours("shop", told)}
    if told["demand"] == "set shop payment":
        return {"what": "Payment", "word": str(told["theirs"]), "ours": _ours("payment", told)}
    if told["demand"] == "refund in shop":
        how = "the shop's provider pays it back" if told["how"] == "paid_back" else "on record, no money moves there"
        return {"what": "", "word": "Refund", "ours": how}
    return {"what": "", "word": _TOLD.get(told["demand"], str(told["demand"])), "ours": ""}


@blueprint.app_template_filter("only_when")
def only_when(exception: Json, platform: str) -> str:
    """Where a cell does not hold, as the beginning of a sentence."""
    if exception["field"] == "shop_status":
        shows = PLATFORM[platform].shows
        return "When the shop shows " + _either(shows.get(value, value) for value in exception["values"])
    if exception["field"] == "fulfilment_status":
        return "When the till is at " + _either(words.label("fulfilment", value).word for value in exception["values"])
    return "When the order is not paid"


def _either(values: Iterator[str]) -> str:
    found = list(dict.fromkeys(values))
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"
