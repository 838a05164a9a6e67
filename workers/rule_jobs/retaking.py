"""A past decision taken again by one rule book, from the facts, settings and stock of that time.

The questions are asked in the order they were asked then. What this book answers differently changes what follows within
the same event: an order that is held is not sourced, one that is now taken in is, one that goes to other outlets is split
or not. Questions that nobody asked then are put together here from the facts that were there (`Judged.of_past` is False).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from engine import assignment, facts_json, sourcing
from engine.calendar import in_time
from engine.compiled import CompiledBook
from engine.outcomes import effective_settings, same_setting_type
from engine.status import payment_roll_up
from engine.types import Fact, Money, Run, Value
from workers.rule_jobs.pasts import Judged, Past, fact_of

Defaults = Callable[[str, str], Mapping[str, Value] | None]
"""(version, decision) -> the settings' defaults of that time; None when the version cannot be read any more."""

Shelf = tuple[str, str]
"""(outlet code, sku)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule file's answer. `plan` is the sourcing that follows from it."""

    asked: Judged
    facts: Sequence[Fact]
    settings: Mapping[str, Value]
    run: Run
    plan: sourcing.Sourcing | None = None


@dataclass(slots=True)
class Course:
    """What one book makes of a past decision. `state` is what becomes of the order as far as this decision says: open,
    held, ignored, cancelled, refused, or empty. `outlets` are those that fulfil it, `short` the units back-ordered."""

    steps: list[Step] = field(default_factory=list)
    state: str = ""
    why: str = ""
    outlets: tuple[str, ...] = ()
    short: int = 0
    is_what_happened: bool = False
    """Whether this book is the one that decided then."""


@dataclass(frozen=True)
class World:
    """What a book may have to look up: the outlets known at the time, stock as of a moment (of some articles), the till."""

    outlets: Callable[[], Sequence[Fact]]
    stock: Callable[[datetime, Collection[str]], Sequence[Fact]]
    till: Callable[[], Fact | None]
    promised: Callable[[str], Mapping[Shelf, int]]
    """Decision id -> units that the decision really reserved, by (outlet, sku)."""
    zone: tzinfo


class Retaker:
    """Takes past decisions again by one book. `twin` is the course another book took on the same past: where both books
    hold the same rules and are asked the same, its answer is used (`alike` names those rule files)."""

    def __init__(self, book: CompiledBook, defaults: Defaults, world: World, alike: Collection[str] = ()) -> None:
        self.book = book
        self._defaults = defaults
        self.world = world
        self._alike = frozenset(alike)
        self._settings: dict[tuple[str, str, str], Mapping[str, Value]] = {}

    def take(self, past: Past, twin: Course | None = None) -> Course:
        """The whole course of one decision."""
        return _Retake(self, past, twin).go()

    def run(self, past: Past, asked: Judged, facts: Sequence[Fact], other: Step | None) -> Step:
        """Ask one rule file."""
        settings = self._settings_of(past.version, asked)
        if other is not None and asked.decision in self._alike and facts is other.facts and settings == other.settings:
            return other
        run = self.book.run(asked.decision, facts, settings)
        plan = assignment.plan(run, facts) if asked.decision == "outlet_assignment" and _may_source(run, facts) else None
        return Step(asked, facts, settings, run, plan)

    def knows(self, decision: str) -> bool:
        return decision in self.book.book.decisions

    def _settings_of(self, version: str, asked: Judged) -> Mapping[str, Value]:
        """The merchant's own values of that time over this book's defaults. A value that was the default then follows the
        default now."""
        key = (version, asked.decision, json.dumps(asked.settings, sort_keys=True))
        known = self._settings.get(key)
        if known is None:
            new = self.book.book.decisions[asked.decision].settings
            old = self._defaults(version, asked.decision) or {}
            kept = facts_json.decode_values(asked.settings)
            own = {
                name: value for name, value in kept.items()
                if name in new and same_setting_type(new[name], value) and (name not in old or old[name] != value)
            }  # fmt: skip
            known = self._settings[key] = effective_settings(new, own)[0]
        return known


def _may_source(run: Run, facts: Sequence[Fact]) -> bool:
    """An order that requires an outlet nobody knows is not sourced at all."""
    return assignment.required(run) <= {fact.id for fact in facts if fact.type == "outlet"}


@dataclass(slots=True)
class _Changes:
    """What this book has changed so far within the event; later questions see it."""

    tags: tuple[str, ...] | None = None
    order: dict[str, Value | None] = field(default_factory=dict)
    outlets: list[Fact] | None = None
    reserved: dict[Shelf, int] = field(default_factory=dict)


class _Retake:
    """One decision being taken again."""

    def __init__(self, by: Retaker, past: Past, twin: Course | None) -> None:
        self._by = by
        self._past = past
        self._twin = twin
        self._twins = {id(step.asked): step for step in twin.steps} if twin is not None else {}
        self._course = Course(is_what_happened=by.book.book.version == past.version)
        self._changes = _Changes()

    def go(self) -> Course:
        rest = list(self._past.judged)
        while rest:
            asked = rest.pop(0)
            if not self._by.knows(asked.decision):
                continue
            facts = self._as_now(asked)
            step = self._by.run(self._past, asked, facts, self._twins.get(id(asked)))
            self._course.steps.append(step)
            self._keep_tags(step.run, facts)
            follow = _CONSEQUENCES.get(asked.decision)
            if follow is not None:
                rest = follow(self, step, rest)
        return self._course

    def _keep_tags(self, run: Run, facts: Sequence[Fact]) -> None:
        """Tags set by rules stay on the order: later questions of the event see those of this book."""
        order = fact_of(facts, "order")
        if order is not None:
            after = next((fact for fact in run.derived if fact.type == "order"), order)
            self._changes.tags = after.values.get("tags", ())  # type: ignore[assignment]

    def _as_now(self, asked: Judged) -> list[Fact]:
        """The facts with what this book has changed. The very same list when it changed nothing."""
        order = fact_of(asked.facts, "order")
        wanted = dict(self._changes.order) if order is not None else {}
        tags = self._changes.tags
        if order is not None and tags is not None and tuple(order.values.get("tags", ())) != tags:  # type: ignore[arg-type]
            wanted["tags"] = tags or None
        facts = asked.facts
        if order is not None and wanted:
            facts = [_with(fact, wanted) if fact is order else fact for fact in facts]
        if asked.decision == "staff_notification" and self._changes.outlets is not None:
            facts = [*(fact for fact in facts if fact.type != "outlet"), *self._changes.outlets]
        if asked.decision == "stock_propagation" and self._changes.reserved:
            facts = [_with_promises(fact, self._changes.reserved) for fact in facts]
        return facts

    def after_intake(self, step: Step, rest: list[Judged]) -> list[Judged]:
        if step.run.first("import order"):
            return rest or [self._sourcing_question(step)]
        ignore, hold = step.run.first("ignore order"), step.run.first("hold order")
        reason = ignore or hold
        self._course.state = "ignored" if ignore else "held"
        self._course.why = reason.reason if reason else "no rule says what to do with it"
        return []

    def _sourcing_question(self, step: Step) -> Judged:
        """What outlet assignment would have been asked about an order that was not taken in then."""
        skus = {str(fact.values["sku"]) for fact in step.facts if fact.type == "line"}
        world = self._by.world
        facts = [*step.facts, *world.outlets(), *world.stock(self._past.at, skus)]
        return Judged("outlet_assignment", facts, of_past=False)

    def after_assignment(self, step: Step, rest: list[Judged]) -> list[Judged]:
        codes = [fact.id for fact in step.facts if fact.type == "outlet"]
        allowed = assignment.allowed(step.run, codes)
        plan = step.plan
        if plan is None:
            return self._hold("an outlet is required that nobody knows")
        if not allowed:
            return self._hold("the rules leave no outlet for it")
        short = sum(shortage.quantity for shortage in plan.shortages)
        if short and not step.run.first("back-order shortage"):
            return self._hold("all outlets together are short of it")
        self._course.state, self._course.short = "open", short
        self._course.outlets = plan.outlets or (allowed[0],)
        self._see_sourcing(step, plan, was_sourced=bool(rest))
        return rest or self._questions_of_sourced(step)

    def _hold(self, why: str) -> list[Judged]:
        self._course.state, self._course.why = "held", why
        return []

    def _see_sourcing(self, step: Step, plan: sourcing.Sourcing, *, was_sourced: bool) -> None:
        """Other outlets than then: what follows sees the order split or not, and the stock promised elsewhere."""
        if not was_sourced or self._course.is_what_happened:
            return
        promised, then = promises(plan), self._promised_then(step)
        if promised == then:
            return
        chosen = set(self._course.outlets)
        self._changes.reserved = {
            place: promised.get(place, 0) - then.get(place, 0) for place in promised.keys() | then.keys()
        }
        self._changes.order["split"] = len(chosen) > 1
        self._changes.outlets = [fact for fact in step.facts if fact.type == "outlet" and fact.id in chosen]

    def _promised_then(self, step: Step) -> Mapping[Shelf, int]:
        twin = self._twins.get(id(step.asked))
        if self._twin is not None and self._twin.is_what_happened and twin is not None and twin.plan is not None:
            return promises(twin.plan)
        return self._by.world.promised(self._past.id)

    def _questions_of_sourced(self, step: Step) -> list[Judged]:
        """What follows for an order that nobody sourced then."""
        chosen = set(self._course.outlets)
        state: dict[str, Value | None] = {"state": "open", "fulfilment_status": "new", "split": len(chosen) > 1}
        told = [fact for fact in step.facts if fact.type in ("event", "shop")]
        order = [_with(fact, state) for fact in step.facts if fact.type == "order"]
        outlets = [fact for fact in step.facts if fact.type == "outlet" and fact.id in chosen]
        till = self._by.world.till()
        questions = [
            Judged("fulfilment_gating", [*told, *order], of_past=False),
            Judged("staff_notification", [*told, *order, *outlets], of_past=False),
        ]
        if till is not None:
            questions.append(Judged("customer_matching", [*told, till, *order], of_past=False))
        return questions

    def after_payment(self, step: Step, rest: list[Judged]) -> list[Judged]:
        """Whether a payment counts makes what the order has been paid, which the questions after it see."""
        before, payment = fact_of(step.facts, "order"), fact_of(step.facts, "payment")
        after = next((found for j in rest if (found := fact_of(j.facts, "order"))), None)
        if before is None or payment is None or after is None:
            return rest
        amount, paid = payment.values.get("amount"), after.values.get("paid")
        if not isinstance(amount, Money) or not isinstance(paid, Money):
            return rest
        counted = paid != before.values.get("paid")
        counts = payment.id in step.run.targets("count payment")
        if counted != counts:
            now = Money(paid.minor + (amount.minor if counts else -amount.minor), paid.currency)
            self._changes.order.update(paid=now, payment_status=_payment_status(before, after, amount, now, counts))
        return rest

    def after_gating(self, step: Step, rest: list[Judged]) -> list[Judged]:
        """An outlet may not complete a blocked order; only a till, which has already done so, is heard all the same."""
        event = fact_of(step.facts, "event")
        is_first = len(self._course.steps) == 1
        if event is None or not is_first or event.values.get("type") != "fulfilment.status_changed":
            return rest
        block = step.run.first("block order")
        if block and event.values.get("from") != "till":
            self._course.state, self._course.why = "refused", block.reason
            return []
        return rest

    def after_till(self, step: Step, rest: list[Judged]) -> list[Judged]:
        """A change in the shop may cancel the sale, or not any more."""
        event, order = fact_of(step.facts, "event"), fact_of(step.facts, "order")
        if event is None or order is None or event.values.get("type") not in ("order.placed", "order.updated"):
            return rest
        if order.values.get("state") == "cancelled":
            return rest
        cancelled_then = not (rest and rest[0].decision == "fulfilment_gating")
        stop = step.run.first("cancel sale")
        if stop:
            self._course.state, self._course.why = "cancelled", stop.reason or "cancelled in the shop"
        if bool(stop) == cancelled_then:
            return rest
        return self._questions_of_cancelled(step) if stop else self._questions_of_kept(step)

    def _questions_of_cancelled(self, step: Step) -> list[Judged]:
        has_parts = any(fact.type == "fulfilment" for fact in step.facts)
        state: dict[str, Value | None] = {"state": "cancelled", **_ONLY_TOLD_TO_TILL}
        if has_parts:
            state["fulfilment_status"] = "cancelled"
        facts = [
            _with(fact, state) if fact.type == "order"
            else _with(fact, {"status": "cancelled"}) if fact.type == "fulfilment"
            else fact
            for fact in step.facts
        ]  # fmt: skip
        return [Judged("status_to_shop", facts, of_past=False)] if fact_of(facts, "shop") else []

    def _questions_of_kept(self, step: Step) -> list[Judged]:
        facts = [_with(fact, _ONLY_TOLD_TO_TILL) if fact.type == "order" else fact for fact in step.facts]
        gate = [fact for fact in facts if fact.type in ("event", "shop", "order")]
        questions = [Judged("fulfilment_gating", gate, of_past=False)]
        if fact_of(facts, "shop"):
            questions.append(Judged("status_to_shop", facts, of_past=False))
        return questions


_ONLY_TOLD_TO_TILL: dict[str, Value | None] = {
    "known": True, "previous_shop_status": None, "previous_shop_payment_status": None,
}  # fmt: skip
_CONSEQUENCES: Mapping[str, Callable[[_Retake, Step, list[Judged]], list[Judged]]] = {
    "order_intake": _Retake.after_intake,
    "outlet_assignment": _Retake.after_assignment,
    "payment_gating": _Retake.after_payment,
    "fulfilment_gating": _Retake.after_gating,
    "status_to_till": _Retake.after_till,
}


def promises(plan: sourcing.Sourcing) -> dict[Shelf, int]:
    """The units that a sourcing takes, by (outlet, sku)."""
    sku = {line.id: line.sku for line in plan.lines}
    taken: dict[Shelf, int] = {}
    for allocation in plan.allocations:
        shelf = (allocation.outlet, sku[allocation.line])
        taken[shelf] = taken.get(shelf, 0) + allocation.quantity
    return taken


def modernised(past: Past, zone: tzinfo) -> Past:
    """Facts of a time before moments had days, hours and weekdays get them; newer facts stay the very same."""
    event = fact_of(past.judged[0].facts, "event") if past.judged else None
    if event is None or "time.date" in event.values:
        return past
    heard = {"received_at": past.at}
    judged = [
        replace(j, facts=in_time([_with(f, heard) if f.type == "event" else f for f in j.facts], zone, past.at))
        for j in past.judged
    ]
    return replace(past, judged=tuple(judged))


def _with(fact: Fact, values: Mapping[str, Value | None]) -> Fact:
    """The fact with other values; None takes one away."""
    merged = {**fact.values, **values}
    return Fact(fact.type, fact.id, {name: value for name, value in merged.items() if value is not None})


def _with_promises(fact: Fact, reserved: Mapping[Shelf, int]) -> Fact:
    if fact.type != "stock":
        return fact
    more = reserved.get((str(fact.values["outlet"]), str(fact.values["sku"])), 0)
    if not more:
        return fact
    return _with(fact, {
        "reserved": int(fact.values["reserved"]) + more,  # type: ignore[arg-type]
        "available": int(fact.values["available"]) - more,  # type: ignore[arg-type]
    })  # fmt: skip


def _payment_status(before: Fact, after: Fact, amount: Money, paid: Money, counts: bool) -> Value | None:
    """The status that the payments amount to. With refunds from before, how much was given back is not among the facts:
    the status of then stays."""
    if before.values.get("payment_status") in ("refunded", "partly_refunded"):
        return after.values.get("payment_status")
    total = after.values.get("total")
    if not isinstance(total, Money):
        return after.values.get("payment_status")
    given_back = -amount.minor if amount.minor < 0 and counts else 0
    shop_says = str(after.values.get("shop_payment_status", ""))
    return payment_roll_up(total.minor, paid.minor + given_back, given_back, shop_says)
