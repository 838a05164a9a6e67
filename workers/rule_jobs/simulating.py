"""Simulations: past decisions taken again by two rule books, slice by slice. Nothing is written but the job's own rows."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from engine import facts_json
from engine.compiled import CompiledBook, compile_book
from engine.language import load_book
from engine.language.formatter import format_decision
from engine.types import Fact, RuleBookError, Value
from engine.vocabulary import VOCABULARY
from store import books, rule_jobs, setup, stock
from store.flow_models import Decision
from workers.deciding import facts
from workers.rule_jobs.differing import difference
from workers.rule_jobs.figures import Tally
from workers.rule_jobs.outcome import summed_up
from workers.rule_jobs.pasts import Kept, Past, Place, Selection, fact_of, of_shop
from workers.rule_jobs.retaking import Course, Retaker, Shelf, World, modernised
from workers.rule_jobs.slices import CannotDo, LeaseLost, Slice

log = logging.getLogger(__name__)

BATCH = 200
"""Decisions read at once."""
MOST = 200_000
"""Decisions in one simulation: the newest of the selection."""
LISTED_ERRORS = 50
SHOWN_EVERY = 0.5
"""Seconds between two looks at how far it is."""

_compiled: OrderedDict[str, CompiledBook] = OrderedDict()
_KEPT_BOOKS = 6


def run(part: Slice) -> dict[str, Any] | None:
    """Go on with a simulation until the slice is over. Returns the result at the end, None before."""
    last = _last_part(part)
    state = _State.of(last) if last is not None else _first_state(part)
    retakers = _retakers(part, state)
    found = _Found(frozenset(part.job.parameters.get("decisions") or ()))
    is_through = _go_through(part, state, retakers, found)
    state.number += 1
    part.keep(state.number, {**found.as_dict(), "state": state.as_dict()}, state.done, max(state.total, state.done))
    if not is_through:
        return None
    with part.here.database.session(part.job.merchant_id, read_only=True) as session:
        return summed_up(rule_jobs.parts(session, part.job.id), part.job)


def _go_through(part: Slice, state: _State, retakers: tuple[Retaker, Retaker], found: _Found) -> bool:
    """Take decisions again until the slice is over, one batch at least. Returns whether there are no more."""
    shown_at = time.monotonic()
    while True:
        with part.here.database.session(part.job.merchant_id, read_only=True) as session:
            batch = state.selection.batch(session, state.place, BATCH)
        if not batch:
            return True
        for kept in batch:
            found.add(kept, state, *retakers)
        state.place, state.done = (batch[-1].at, batch[-1].id), state.done + len(batch)
        if part.is_lost():
            raise LeaseLost
        if part.is_over():
            return False
        if time.monotonic() - shown_at >= SHOWN_EVERY:
            shown_at = time.monotonic()
            part.progress(state.done, max(state.total, state.done))


@dataclass
class _State:
    """Where a simulation stands between two slices."""

    selection: Selection
    total: int
    place: Place | None
    outlets: list[Fact]
    done: int = 0
    number: int = 0
    shop: str = ""
    before: str = ""
    """The version compared with: the one that decided when the simulation began, should another be published meanwhile."""

    def as_dict(self) -> dict[str, Any]:
        chosen = self.selection
        return {
            "since": chosen.since.isoformat(), "until": chosen.until.isoformat(), "shop_id": chosen.shop_id,
            "shop": self.shop, "before": self.before, "total": self.total, "done": self.done,
            "place": [self.place[0].isoformat(), self.place[1]] if self.place else None,
            "outlets": [facts_json.encode_fact(fact) for fact in self.outlets],
        }  # fmt: skip

    @staticmethod
    def of(part: tuple[int, Mapping[str, Any]]) -> _State:
        number, content = part
        kept = content["state"]
        since, until = (datetime.fromisoformat(kept[name]) for name in ("since", "until"))
        place = (datetime.fromisoformat(kept["place"][0]), kept["place"][1]) if kept["place"] else None
        outlets = [facts_json.decode_fact(fact) for fact in kept["outlets"]]
        return _State(
            Selection(since, until, kept["shop_id"]), kept["total"], place, outlets, kept["done"], number, kept["shop"],
            kept["before"],
        )  # fmt: skip


def _last_part(part: Slice) -> tuple[int, Mapping[str, Any]] | None:
    with part.here.database.session(part.job.merchant_id, read_only=True) as session:
        found = rule_jobs.last_part(session, part.job.id)
        return None if found is None else (found.number, found.content)


def _first_state(part: Slice) -> _State:
    """What the parameters select: {from, to: ISO moments, shop: connection name, last: a number}; all may be missing."""
    wanted = part.job.parameters
    with part.here.database.session(part.job.merchant_id, read_only=True) as session:
        known = setup.of(session)
        shop = str(wanted.get("shop") or "")
        if shop and shop not in known.connection_by_name:
            raise CannotDo(f"there is no shop called {shop}: choose another one")
        selection = Selection(
            since=_moment(wanted.get("from")) or datetime(1970, 1, 1, tzinfo=UTC),
            until=min(_moment(wanted.get("to")) or part.job.created_at, part.job.created_at),
            shop_id=known.connection_by_name[shop].id if shop else "",
        )
        most = min(MOST, int(wanted.get("last") or MOST))
        total = min(most, selection.count(session))
        place = selection.newest(session, most + 1)
        outlets = facts.outlet_facts(known.outlets)
    before = str(wanted.get("before") or known.version or "")
    part.progress(0, total)
    return _State(selection, total, place, outlets, shop=shop, before=before)


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _retakers(part: Slice, state: _State) -> tuple[Retaker, Retaker]:
    with part.here.database.session(part.job.merchant_id, read_only=True) as session:
        texts = books.texts(session, state.before)
    if texts is None:
        raise CannotDo("there is no published version to compare with: publish one first, or choose another version")
    before = _book(state.before, texts)
    after = _book(part.job.texts_version, part.job.texts)
    surroundings = _Surroundings(part, state)
    world = World(
        surroundings.outlets, surroundings.stock, surroundings.till, surroundings.promised, surroundings.setup.zone
    )
    alike = [name for name in VOCABULARY.decisions if _text(before, name) == _text(after, name)]
    return (
        Retaker(before, surroundings.defaults, world),
        Retaker(after, surroundings.defaults, world, alike),
    )


def _book(version: str, texts: Mapping[str, str]) -> CompiledBook:
    """A compiled book; compiled once per process, however many slices it takes. Raises CannotDo."""
    known = _compiled.get(version)
    if known is None:
        try:
            known = compile_book(load_book(texts))
        except RuleBookError as broken:
            raise CannotDo(f"the rules cannot be read: {broken.problems[0]}") from broken
        _compiled[version] = known
        while len(_compiled) > _KEPT_BOOKS:
            _compiled.popitem(last=False)
    _compiled.move_to_end(version)
    return known


def _text(book: CompiledBook, decision: str) -> str:
    rules = book.book.decisions.get(decision)
    return format_decision(rules, book.vocabulary) if rules is not None else ""


class _Surroundings:
    """What books look up beside a decision's own facts. Asked for seldom: for orders that take another way than then."""

    def __init__(self, part: Slice, state: _State) -> None:
        self._part = part
        self._state = state
        self._defaults: dict[tuple[str, str], Mapping[str, Value] | None] = {}

    @cached_property
    def setup(self) -> setup.Setup:
        with self._part.here.database.session(self._part.job.merchant_id, read_only=True) as session:
            return setup.of(session)

    def outlets(self) -> Sequence[Fact]:
        """The outlets as the newest decision before knew them; before any, as they are now."""
        return self._state.outlets

    def till(self) -> Fact | None:
        tills = self.setup.by_role("till")
        return facts.connection_fact("till", tills[0]) if tills else None

    def stock(self, moment: datetime, skus: Collection[str]) -> Sequence[Fact]:
        with self._part.here.database.session(self._part.job.merchant_id, read_only=True) as session:
            levels = stock.as_of(session, moment, skus)
        return [
            Fact("stock", f"{outlet}/{sku}", {
                "outlet": outlet, "sku": sku, "on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved,
            })
            for (outlet, sku), (on_hand, reserved) in sorted(levels.items())
        ]  # fmt: skip

    def promised(self, decision_id: str) -> Mapping[Shelf, int]:
        with self._part.here.database.session(self._part.job.merchant_id, read_only=True) as session:
            decision = session.get(Decision, decision_id)
            return _promised(decision) if decision is not None else {}

    def defaults(self, version: str, decision: str) -> Mapping[str, Value] | None:
        if (version, decision) not in self._defaults:
            with self._part.here.database.session(self._part.job.merchant_id, read_only=True) as session:
                texts = books.texts(session, version) or {}
            try:
                known = load_book(texts).decisions
            except RuleBookError:
                known = {}
            for name in VOCABULARY.decisions:
                self._defaults[version, name] = known[name].settings if name in known else None
        return self._defaults.get((version, decision))


def _promised(decision: Decision) -> Mapping[Shelf, int]:
    """The units that a decision's sourcing took, by (outlet, sku)."""
    plan = decision.trace.get("sourcing")
    if not plan:
        return {}
    sku = {
        fact["id"]: fact["values"]["sku"]
        for asked in decision.facts if asked["decision"] == "outlet_assignment"
        for fact in asked["facts"] if fact["type"] == "line"
    }  # fmt: skip
    taken: dict[Shelf, int] = {}
    for allocation in plan["allocations"]:
        shelf = (allocation["outlet"], sku[allocation["line"]])
        taken[shelf] = taken.get(shelf, 0) + allocation["quantity"]
    return taken


class _Found:
    """What one slice finds out."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._tally = Tally(wanted)
        self._counts = {"decisions": 0, "asked": 0, "same_result": 0, "errors": 0, "reconstructed": 0}
        self._changed: list[dict[str, Any]] = []
        self._errors: list[dict[str, str]] = []
        self._warnings: dict[str, int] = {}

    def add(self, kept: Kept, state: _State, before: Retaker, after: Retaker) -> None:
        """Take one decision again by both books. What breaks is listed and stops nothing."""
        self._counts["decisions"] += 1
        try:
            past = kept.unpacked()
            past = modernised(of_shop(past, state.shop) if state.shop else past, before.world.zone)
            if not past.judged or (self._wanted and not any(j.decision in self._wanted for j in past.judged)):
                return
            first = before.take(past)
            second = after.take(past, first)
            self._compare(past, first, second)
            _remember_outlets(past, state)
        except (SQLAlchemyError, JobTimeoutException):
            raise  # the trouble is not this decision's
        except Exception as error:
            self._counts["errors"] += 1
            if len(self._errors) < LISTED_ERRORS:
                log.exception("a past decision could not be taken again", extra={"decision_id": kept.id})
                self._errors.append({"decision": kept.id, "error": f"{type(error).__name__}: {error}"[:300]})

    def _compare(self, past: Past, first: Course, second: Course) -> None:
        self._counts["asked"] += 1
        self._tally.add(past.order_id, (first, second))
        for step in second.steps:
            for warning in step.run.errors:
                self._warnings[warning] = self._warnings.get(warning, 0) + 1
        if not second.steps and not first.steps:
            return
        found = difference(first, second, self._wanted)
        self._counts["same_result"] += found.same_result
        if not found.steps:
            return
        self._counts["reconstructed"] += any(not step.asked.of_past for step in second.steps)
        order = next((fact for j in past.judged if (fact := fact_of(j.facts, "order"))), None)
        self._changed.append({
            "decision": past.id, "event": past.event_id, "order": past.order_id,
            "number": str(order.values.get("number", "")) if order else "", "at": past.at.isoformat(),
            "causes": [list(cause) for cause in found.causes], "steps": found.steps,
        })  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """The slice's findings, for keeping."""
        worst = sorted(self._warnings.items(), key=lambda item: (-item[1], item[0]))[:LISTED_ERRORS]
        return {
            "counts": self._counts, "tally": self._tally.as_dict(), "changed": self._changed, "errors": self._errors,
            "warnings": dict(worst),
        }  # fmt: skip


def _remember_outlets(past: Past, state: _State) -> None:
    """Decisions that looked at all outlets say which there were."""
    for asked in past.judged:
        if asked.decision in ("outlet_assignment", "stock_propagation"):
            state.outlets = [fact for fact in asked.facts if fact.type == "outlet"]
            return
