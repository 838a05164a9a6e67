"""Stock: how much there is, how much of it is promised, and the ledger that says why.

`StockMovement` and `StockReservation` are append-only; `StockLevel` is their sum, and the row that is locked while stock
is promised. Every change here writes both, so that the two never part. Rows are locked in the order (sku, outlet), which
keeps two orders that want the same articles from waiting for each other.

`at` is the moment of recording, which makes `as_of` say what Wissel knew at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, SessionTransaction

from store.columns import new_id
from store.isolation import merchant_of
from store.order_models import StockLevel, StockMovement, StockReservation
from store.prepared import append
from store.upsert import insert_into

Place = tuple[str, str]
"""(outlet code, sku)."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """What could not be promised: `wanted` units of an article at an outlet that has only `available` free ones."""

    outlet: str
    sku: str
    wanted: int
    available: int


class NotEnoughStock(Exception):
    """There is less free stock than was to be reserved. Nothing was reserved."""

    def __init__(self, shortages: list[Shortage]) -> None:
        self.shortages = shortages
        super().__init__(
            "; ".join(f"{s.outlet} has {s.available} of {s.sku} free, {s.wanted} wanted" for s in shortages)
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A level that does not equal its ledger: a bug, or someone changed rows by hand. Pairs are (level, ledger)."""

    outlet: str
    sku: str
    on_hand: tuple[int, int]
    reserved: tuple[int, int]


def levels(session: Session, skus: Collection[str], *, lock: bool = False) -> dict[Place, StockLevel]:
    """The known levels of these articles at all outlets, by (outlet, sku). With `lock` they stay as they are until the
    session ends, and are read afresh unless this session holds the locks already."""
    if not skus:
        return {}
    held = _locks(session)
    if not held.skus >= set(skus):
        wanted = select(StockLevel).where(StockLevel.sku.in_(sorted(set(skus)))).order_by(StockLevel.sku, StockLevel.outlet)
        if not lock:
            return _by_place(session.scalars(wanted))
        if any(isinstance(row, StockLevel) for row in session.dirty):
            session.flush()  # or reading afresh would undo what was changed
        wanted = wanted.with_for_update(key_share=True).execution_options(populate_existing=True, autoflush=False)
        held.levels.update(_by_place(session.scalars(wanted)))
        held.skus.update(skus)
    return {place: level for place, level in held.levels.items() if place[1] in set(skus)}


def set_level(
    session: Session,
    outlet: str,
    sku: str,
    on_hand: int,
    *,
    sequence: int | None = None,
    at: datetime,
    event_id: str | None,
    reason: str = "count",
    counted_at: datetime | None = None,
) -> bool:
    """Take over the number of units that the system of record reports.

    A report is older than what is known, and changes nothing (False), when its `sequence` does not exceed the known one
    or, without one, when `counted_at` (the moment over there; by default `at`) lies before the known one.
    """
    counted_at = counted_at or at
    level = _locked(session, [(outlet, sku)])[outlet, sku]
    if _is_old(level, sequence, counted_at):
        return False
    _post_movement(session, [(level, on_hand - level.on_hand)], reason, event_id, None, at)
    level.sequence = level.sequence if sequence is None else sequence
    level.known_at = counted_at
    return True


def move(
    session: Session,
    outlet: str,
    sku: str,
    delta: int,
    *,
    reason: str,
    event_id: str | None,
    order_id: str | None = None,
    at: datetime,
) -> StockLevel:
    """Units came (positive) or went. The level may become negative: tills sell what they have not counted in."""
    level = _locked(session, [(outlet, sku)])[outlet, sku]
    _post_movement(session, [(level, delta)], reason, event_id, order_id, at)
    return level


def reserve(
    session: Session, order_id: str, wants: Iterable[tuple[str, str, int]], *, event_id: str | None, at: datetime
) -> None:
    """Promise units (outlet, sku, quantity) to an order: all of them, or none.

    Raises NotEnoughStock when an outlet has fewer free units (on hand less reserved) than wanted; ValueError for a
    quantity below one.
    """
    total: Counter[Place] = Counter()
    for outlet, sku, quantity in wants:
        if quantity < 1:
            raise ValueError(f"cannot reserve {quantity} of {sku} at {outlet}: reserve at least one unit")
        total[outlet, sku] += quantity
    known = levels(session, {sku for _, sku in total}, lock=True)
    free = {place: known[place].on_hand - known[place].reserved if place in known else 0 for place in total}
    short = [
        Shortage(*place, wanted=total[place], available=free[place])
        for place in sorted(total)
        if free[place] < total[place]
    ]
    if short:
        raise NotEnoughStock(short)
    promises = [(known[place], quantity) for place, quantity in total.items()]
    _post_reservation(session, promises, "reserved", order_id, event_id, at)


def release(
    session: Session, order_id: str, *, outlet: str | None = None, reason: str, event_id: str | None, at: datetime
) -> dict[Place, int]:
    """End an order's promises, at one outlet or everywhere. Returns what was released; nothing reserved is fine."""
    held, known = _held_and_locked(session, order_id, outlet)
    _post_reservation(session, [(known[p], -quantity) for p, quantity in held.items()], reason, order_id, event_id, at)
    return held


def take(
    session: Session,
    order_id: str,
    *,
    outlet: str | None = None,
    event_id: str | None,
    at: datetime,
    reason: str = "sale",
    sold_at: datetime | None = None,
) -> dict[Place, int]:
    """An order's promised units left, at one outlet or everywhere: each promise becomes a movement. Returns what was
    taken; doing it twice takes nothing the second time.

    `sold_at` is when the system of record deducted them, by its own clock. Where it has reported the level since (see
    `set_level`), the report has them out already: there the promise ends without another movement. Should that be
    mistaken, its next report of the level puts it right, for the deduction makes one; the other way round nothing would.
    """
    held, known = _held_and_locked(session, order_id, outlet)
    gone = [(known[place], -quantity) for place, quantity in held.items()]
    _post_reservation(session, gone, reason, order_id, event_id, at)
    _post_movement(session, [one for one in gone if not _reported_since(one[0], sold_at)], reason, event_id, order_id, at)
    return held


def reported_since(session: Session, order_id: str, moment: datetime) -> list[str]:
    """The articles promised to an order whose level was reported since a moment, in order: taking them (`take`) ends the
    promise and so leaves more to sell than before."""
    held, known = _held_and_locked(session, order_id, None)
    return sorted({sku for outlet, sku in held if _reported_since(known[outlet, sku], moment)})


def _reported_since(level: StockLevel, moment: datetime | None) -> bool:
    return moment is not None and level.known_at is not None and level.known_at > moment


def reserved_by(session: Session, order_id: str) -> dict[Place, int]:
    """Units promised to an order now, by (outlet, sku)."""
    return _held(session, order_id, None)


def as_of(session: Session, moment: datetime, skus: Collection[str] | None = None) -> dict[Place, tuple[int, int]]:
    """(on hand, reserved) by (outlet, sku) as recorded up to and including `moment`, from the ledger."""
    on_hand = _sums(session, StockMovement, moment, skus)
    reserved = _sums(session, StockReservation, moment, skus)
    return {place: (on_hand.get(place, 0), reserved.get(place, 0)) for place in on_hand.keys() | reserved.keys()}


def audit(session: Session) -> list[Difference]:
    """Levels that do not equal the sum of their ledger. Empty unless something is wrong."""
    on_hand, reserved = _sums(session, StockMovement), _sums(session, StockReservation)
    rows = session.execute(select(StockLevel.outlet, StockLevel.sku, StockLevel.on_hand, StockLevel.reserved))
    known = {(outlet, sku): (units, promised) for outlet, sku, units, promised in rows}
    found = []
    for place in sorted(known.keys() | on_hand.keys() | reserved.keys()):
        level, ledger = known.get(place, (0, 0)), (on_hand.get(place, 0), reserved.get(place, 0))
        if level != ledger:
            found.append(Difference(*place, on_hand=(level[0], ledger[0]), reserved=(level[1], ledger[1])))
    return found


@dataclass(slots=True)
class _Locks:
    """The levels that a transaction has locked, and the articles all of whose levels it has."""

    transaction: SessionTransaction | None
    skus: set[str] = field(default_factory=set)
    levels: dict[Place, StockLevel] = field(default_factory=dict)


def _locks(session: Session) -> _Locks:
    """The locks of the innermost transaction. Those of an outer one still hold, but rolling back to a savepoint gives up
    what was locked since, so each level keeps its own list."""
    session.connection()
    transaction = session.get_nested_transaction() or session.get_transaction()
    found: _Locks | None = session.info.get("stock locks")
    if found is None or found.transaction is not transaction:
        found = session.info["stock locks"] = _Locks(transaction)
    return found


def _by_place(rows: Iterable[StockLevel]) -> dict[Place, StockLevel]:
    return {(level.outlet, level.sku): level for level in rows}


def _is_old(level: StockLevel, sequence: int | None, counted_at: datetime) -> bool:
    if sequence is not None and level.sequence is not None:
        return sequence <= level.sequence
    return level.known_at is not None and counted_at < level.known_at


def _locked(session: Session, places: Collection[Place]) -> Mapping[Place, StockLevel]:
    """The levels of these places, locked; those that nobody has heard of yet begin at nothing."""
    known = levels(session, {sku for _, sku in places}, lock=True)
    missing = sorted(set(places) - known.keys())
    if not missing:
        return known
    merchant_id = merchant_of(session)
    rows = [
        {"id": new_id(), "merchant_id": merchant_id, "outlet": outlet, "sku": sku, "on_hand": 0, "reserved": 0}
        for outlet, sku in missing
    ]
    session.execute(insert_into(session, StockLevel).on_conflict_do_nothing(), rows)
    _locks(session).skus.difference_update(sku for _, sku in missing)
    return levels(session, {sku for _, sku in places}, lock=True)


def _post_movement(
    session: Session,
    moves: Iterable[tuple[StockLevel, int]],
    reason: str,
    event_id: str | None,
    order_id: str | None,
    at: datetime,
) -> None:
    """Units came or went at these levels."""
    posted = [(level, delta) for level, delta in moves if delta]
    for level, delta in posted:
        level.on_hand += delta
    common = {"reason": reason, "event_id": event_id, "order_id": order_id, "at": at}
    append(session, StockMovement, [{"outlet": lv.outlet, "sku": lv.sku, "delta": delta, **common} for lv, delta in posted])


def _post_reservation(
    session: Session,
    promises: Iterable[tuple[StockLevel, int]],
    reason: str,
    order_id: str,
    event_id: str | None,
    at: datetime,
) -> None:
    """Units of these levels were promised to an order, or the promise ended."""
    posted = list(promises)
    for level, delta in posted:
        level.reserved += delta
    common = {"reason": reason, "event_id": event_id, "order_id": order_id, "at": at}
    append(session, StockReservation, [{"outlet": lv.outlet, "sku": lv.sku, "delta": delta, **common} for lv, delta in posted])


def _held(session: Session, order_id: str, outlet: str | None) -> dict[Place, int]:
    total = func.sum(StockReservation.delta)
    held = select(StockReservation.outlet, StockReservation.sku, total).where(StockReservation.order_id == order_id)
    if outlet is not None:
        held = held.where(StockReservation.outlet == outlet)
    rows = session.execute(held.group_by(StockReservation.outlet, StockReservation.sku).having(total > 0))
    return {(at_outlet, sku): int(quantity) for at_outlet, sku, quantity in rows}


def _held_and_locked(
    session: Session, order_id: str, outlet: str | None
) -> tuple[dict[Place, int], Mapping[Place, StockLevel]]:
    """What is promised to an order and the locked levels it is promised from. Asked again after locking: somebody may
    have ended the promise while this waited for the lock."""
    held = _held(session, order_id, outlet)
    if not held:
        return {}, {}
    known = _locked(session, held)
    return _held(session, order_id, outlet), known


def _sums(
    session: Session,
    ledger: type[StockMovement] | type[StockReservation],
    moment: datetime | None = None,
    skus: Collection[str] | None = None,
) -> dict[Place, int]:
    total = select(ledger.outlet, ledger.sku, func.sum(ledger.delta)).group_by(ledger.outlet, ledger.sku)
    if moment is not None:
        total = total.where(ledger.at <= moment)
    if skus is not None:
        total = total.where(ledger.sku.in_(sorted(set(skus))))
    return {(outlet, sku): int(units) for outlet, sku, units in session.execute(total)}
