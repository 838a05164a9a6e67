"""What would have to be otherwise for a rule to fire: the smallest set of changes of what was known, found by a solver and
confirmed by running the rules with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product

import z3

from engine.ast import Path, Rule
from engine.compiled import CompiledBook
from engine.language.example_facts import natural_id
from engine.language.strata import aggregates_of, conditions_of
from engine.matching import holds
from engine.outcomes import effective_settings
from engine.prove.encoding import Encoding, Saying
from engine.prove.logic import Formula
from engine.prove.questions import IMPOSSIBLE, OPEN_TIME, POSSIBLE, UNKNOWN, Clock, OutOfTime, Questions
from engine.prove.shrinking import near
from engine.prove.survey import SETTING, survey
from engine.prove.world import Term
from engine.totals import Known
from engine.types import Fact, Run, Value
from engine.values import fits, kind, show

SECONDS = 1.5
"""How long one search may take."""
MOST_CHANGES = 12
MORE_TO_STAND = 2
"""Changes more that are worth it when the rule then is not overridden."""
NEAREST, LOOKED_AT = 6, 2_000
"""Combinations of facts the solver tries, and those that are looked at to choose them."""
COUNTED = 12
"""Most facts of a type that is counted or added up."""
TRIES = 6

_Slots = Mapping[str, Sequence[Fact | None]]
"""The facts of the solver's world by type; None is one that is not there yet."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one fact that would have to be otherwise; `before` None: it was missing, `after` None: it would have to
    be. A setting is of type `setting`, without id. `repeated`: there may be several facts of its type."""

    type: str
    id: str
    field: str
    before: Value | None
    after: Value | None
    repeated: bool = False

    def __str__(self) -> str:
        where = f"{self.type}.{self.field}" + (f" of {self.type} {self.id}" if self.repeated else "")
        if self.after is None:
            return f"{where} would have to be missing; it is {show(self.before)}."
        return f"{where} would have to be {show(self.after)}; it is {show(self.before) if self.before is not None else 'missing'}."


@dataclass(frozen=True, slots=True)
class Change:
    """With these changes the rule fires; no smaller set was found. Empty when it fired already.

    `added` are facts that would have to be there besides. `stands` says whether its first demand then stands;
    `overridden_by` is the rule that otherwise comes before it. `facts` and `settings` are those of the run that confirmed it.
    """

    rule: str
    changes: tuple[FieldChange, ...] = ()
    added: tuple[Fact, ...] = ()
    stands: bool = True
    overridden_by: str = ""
    facts: tuple[Fact, ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The changes in plain English."""
        added = [f"There would have to be a {fact.type} more." for fact in self.added]
        return (*added, *(str(change) for change in self.changes))


@dataclass(frozen=True, slots=True)
class Impossible:
    """Nothing was found that makes the rule fire, and why."""

    reason: str


def what_would_change(
    book: CompiledBook,
    decision: str,
    rule_id: str,
    facts: Sequence[Fact],
    settings: Mapping[str, Value],
    seconds: float = SECONDS,
) -> Change | None:
    """The smallest set of changes with which a rule would have fired for these facts; None when none was found (`search`
    says why). `settings` are the merchant's. Raises LookupError for an unknown decision or rule."""
    found = search(book, decision, rule_id, facts, settings, seconds)
    return found if isinstance(found, Change) else None


def search(
    book: CompiledBook,
    decision: str,
    rule_id: str,
    facts: Sequence[Fact],
    settings: Mapping[str, Value],
    seconds: float = SECONDS,
) -> Change | Impossible:
    """The smallest set of changes with which a rule would have fired, or why none was found. Raises LookupError for an
    unknown decision or rule."""
    rules = book.book.decisions[decision]
    rule = next((rule for rule in rules.rules if rule.id == rule_id), None)
    if rule is None:
        raise LookupError(f"{decision} has no rule `{rule_id}`")
    run = book.run(decision, facts, settings)
    if _fired(run, rule):
        return _described(rule, run, Change(rule.id, (), (), facts=tuple(facts), settings=dict(settings)))
    try:
        return _Search(book, decision, rule, tuple(facts), settings, Clock.of(seconds)).run()
    except OutOfTime:
        return Impossible(f"Not settled: {OPEN_TIME}.")


def _fired(run: Run, rule: Rule) -> bool:
    return any(firing.rule == rule.id for firing in run.firings)


def _described(rule: Rule, run: Run, change: Change) -> Change:
    """Whether the rule's first demand stands, or who comes before it."""
    first = rule.then[0].outcome
    if any(outcome.rule == rule.id and outcome.name == first for outcome in run.outcomes):
        return replace(change, stands=True)
    by = next((lost.by for lost in run.overridden if lost.outcome.rule == rule.id and lost.outcome.name == first), "")
    return replace(change, stands=False, overridden_by=by)


def _in_order(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """The items of `after`, those that were there already first and as they were."""
    return (*(item for item in before if item in after), *(item for item in after if item not in before))


class _Search:
    """A solver's world with the stored facts, in which as little as possible may be otherwise."""

    def __init__(
        self,
        book: CompiledBook,
        decision: str,
        rule: Rule,
        facts: tuple[Fact, ...],
        settings: Mapping[str, Value],
        clock: Clock,
    ) -> None:
        self.book, self.rule, self.facts, self.given = book, rule, facts, settings
        rules, vocabulary = book.book.decisions[decision], book.vocabulary
        self.in_force, _ = effective_settings(rules.settings, settings)
        self.decision = decision
        self.by_type: dict[str, list[Fact]] = {}
        for fact in facts:
            self.by_type.setdefault(fact.type, []).append(fact)
        self.slots, self.bindings = self._choose()
        found = survey(rules, vocabulary.decisions[decision], vocabulary, self.in_force, facts, len(facts))
        sizes = {name: max(1, len(self.slots.get(name, ()))) for name in found.types}
        self.questions = Questions(found, clock, book, sizes, self.in_force, bare=True)
        self.encoding: Encoding = self.questions.encoding
        self.world = self.questions.world
        self.keeps: dict[tuple[str, int, str], Formula] = {}

    # The facts looked at

    def _choose(self) -> tuple[_Slots, list[dict[str, int]]]:
        """The facts of the world, and the combinations the rule is tried for: those with the fewest misses."""
        counted = {aggregate.type for aggregate in aggregates_of(self.rule.when)}
        present: dict[str, Sequence[Fact | None]] = {name: self.by_type.get(name) or [None] for name in self.rule.binds}
        combinations = islice(product(*present.values()), LOOKED_AT)
        known = Known(self.in_force, self.by_type)
        nearest = sorted(combinations, key=lambda chosen: self._misses(chosen, known))[:NEAREST]
        slots: dict[str, list[Fact | None]] = {}
        for place, name in enumerate(present):
            slots[name] = list({fact.id if fact else "": fact for fact in (chosen[place] for chosen in nearest)}.values())
        for name in counted:
            more = [fact for fact in self.by_type.get(name, ())[:COUNTED] if fact not in slots.get(name, ())]
            slots[name] = [*slots.get(name, ()), *more, None]
        for name, held in self.by_type.items():
            if name not in slots:
                slots[name] = list(held[:1])
        bindings = [
            {name: slots[name].index(fact) for name, fact in zip(present, chosen, strict=True)} for chosen in nearest
        ]
        return slots, bindings

    def _misses(self, chosen: Sequence[Fact | None], known: Known) -> int:
        bound = {fact.type: fact for fact in chosen if fact is not None}
        return sum(not holds(child, bound, known) for child in self.rule.when.children)

    # The search

    def run(self) -> Change | Impossible:
        self._fix()
        firing = [self.encoding.fires(self.rule, bound) for bound in self.bindings]
        fires = self.encoding.named("fires", self.encoding.logic.some(firing))
        stands = self.encoding.named("stands", self.encoding.logic.some(self._standing()))
        for settings in ([self.world.usual], []):
            least = self._least(fires, settings)
            if isinstance(least, Impossible):
                return least
            if least is None:
                continue
            more = range(least, min(MOST_CHANGES, least + MORE_TO_STAND) + 1)
            attempts = [(stands, most) for most in more] if stands is not False else []
            for wanted, most in (*attempts, (fires, least), (fires, least + 1)):
                change = self._confirmed(wanted, most, settings)
                if change is not None and (change.stands or wanted is not stands):
                    return change
        return Impossible(self._reason(fires))

    def _fix(self) -> None:
        """Stored facts are there; what is otherwise in them is a change."""
        logic = self.encoding.logic
        for name, slots in self.world.slots.items():
            stored = self.slots.get(name, ())
            for number, slot in enumerate(slots):
                fact = stored[number] if number < len(stored) else None
                if fact is not None:
                    self.world.add(slot.there)
                elif name not in self.slots:
                    self.world.add(logic.no(slot.there))
                else:
                    self.keeps[name, number, ""] = logic.no(slot.there)
                for field_name, term in slot.terms.items():
                    self._keep((name, number, field_name), fact, term)
        for name, term in self.world.settings.items():
            kept = self.world.has(term, self.in_force[name])
            self.keeps[SETTING, 0, name] = self.encoding.named("kept", kept)

    def _keep(self, key: tuple[str, int, str], fact: Fact | None, term: Term) -> None:
        name, _, field_name = key
        known = self.book.vocabulary.facts[name].by_name[field_name]
        held = fact.values.get(field_name) if fact is not None else None
        if held is not None and not fits(held, known.type, known.values):
            held = None  # it compares with nothing
        self.keeps[key] = self.encoding.named("kept", self.world.has(term, held))

    def _standing(self) -> Iterator[Formula]:
        """Ways in which the rule fires and its first demand is not overridden by what is known here."""
        saying = next(one for one in self.encoding.sayings if one.rule is self.rule)
        for bound in self.bindings:
            yield self.encoding.logic.every((self.encoding.given(saying, bound), *self._nobody_before(saying, bound)))

    def _nobody_before(self, saying: Saying, bound: Mapping[str, int]) -> Iterator[Formula]:
        target = saying.spec.target
        for other in self.encoding.groups.get((saying.spec.group, target), ()) if saying.spec.group else ():
            if other.key >= saying.key:
                return
            for where in self.encoding.combinations(other.rule.binds):
                if not target or where[target] == bound[target]:
                    yield self.encoding.logic.no(self.encoding.given(other, where))

    def _within(self, most: int) -> Formula:
        changed = [self.encoding.logic.whether(self.encoding.logic.no(kept)) for kept in self.keeps.values()]
        return z3.AtMost(*changed, most) if changed else True

    def _least(self, wanted: Formula, settings: list[Formula]) -> int | Impossible | None:
        """The fewest changes that do; None when none do."""
        if self.questions.ask([wanted, *settings], exact=True) == IMPOSSIBLE:
            return None
        for most in range(1, MOST_CHANGES + 1):
            with self.questions.apart():
                self.questions.solver.add(self._within(most))
                answer = self.questions.ask([wanted, *settings], exact=True)
            if answer == POSSIBLE:
                return most
            if answer == UNKNOWN:
                return Impossible(f"Not settled: {OPEN_TIME}.")
        return Impossible(f"More than {MOST_CHANGES} changes would be needed.")

    def _confirmed(self, wanted: Formula, most: int, settings: list[Formula]) -> Change | None:
        """A change within so many fields that makes the rule fire when the rules are run."""
        with self.questions.apart():
            self.questions.solver.add(self._within(most))
            for _ in range(TRIES):
                if self.questions.ask([wanted, *settings], exact=True) != POSSIBLE:
                    return None
                change = self._apply(self._read())
                run = self.book.run(self.decision, change.facts, change.settings)
                if _fired(run, self.rule):
                    return _described(self.rule, run, self._nearer(change))
                self.questions.solver.add(self._differently())
        return None

    # What the solver says

    def _read(self) -> tuple[FieldChange, ...]:
        self.model = self.questions.solver.model()
        found = []
        for (name, number, field_name), kept in self.keeps.items():
            if not field_name or self._is_true(kept):
                continue
            path, bound = Path(name, field_name), {name: number}
            after = self.world.value(self.model, path, bound)
            fact = self._fact(name, number)
            before = self.in_force[field_name] if name == SETTING else fact.values.get(field_name) if fact else None
            if kind(before) == kind(after) == "list":
                after = _in_order(before, after)  # type: ignore[arg-type]  # both are lists
            if before != after:
                fact_id = fact.id if fact else "" if name == SETTING else f"+{number}"
                repeated = name != SETTING and self.book.vocabulary.facts[name].repeated
                found.append(FieldChange(name, fact_id, field_name, before, after, repeated))
        return tuple(found)

    def _fact(self, name: str, number: int) -> Fact | None:
        return None if name == SETTING else self.slots[name][number]

    def _is_true(self, formula: Formula) -> bool:
        return formula if isinstance(formula, bool) else z3.is_true(self.model.eval(formula, model_completion=True))

    def _differently(self) -> Formula:
        """Not these very changes again."""
        changed = [kept for kept in self.keeps.values() if not isinstance(kept, bool) and not self._is_true(kept)]
        return self.encoding.logic.whether(self.encoding.logic.some(changed))

    def _apply(self, changes: Sequence[FieldChange]) -> Change:
        """The stored facts and settings with these changes, and facts that were not there."""
        new = [key for key, kept in self.keeps.items() if not key[2] and not self._is_true(kept)]
        added = []
        for name, number, _ in new:
            values = {c.field: c.after for c in changes if (c.type, c.id) == (name, f"+{number}") and c.after is not None}
            fact_id = natural_id(self.book.vocabulary.facts[name], values, number + 1)
            taken = {fact.id for fact in self.by_type.get(name, ())}
            added.append(Fact(name, f"{fact_id}-new" if fact_id in taken else fact_id, values))
        ids = {(fact.type, f"+{number}"): fact.id for fact, (_, number, _) in zip(added, new, strict=True)}
        changes = [replace(c, id=ids.get((c.type, c.id), c.id)) for c in changes]
        return self._with(Change(self.rule.id, tuple(changes), tuple(added)))

    def _with(self, change: Change) -> Change:
        """The change with the facts and settings it leads to."""
        settings = {**self.given, **{c.field: c.after for c in change.changes if c.type == SETTING and c.after is not None}}
        facts = []
        for fact in (*self.facts, *change.added):
            values = dict(fact.values)
            for one in change.changes:
                if (one.type, one.id) == (fact.type, fact.id):
                    values.pop(one.field, None)
                    values |= {} if one.after is None else {one.field: one.after}
            facts.append(Fact(fact.type, fact.id, values))
        return replace(change, facts=tuple(facts), settings=settings)

    def _nearer(self, change: Change) -> Change:
        """The same fields, with values nearer to what they were, where the rule still fires."""
        stands = _described(self.rule, self.book.run(self.decision, change.facts, change.settings), change).stands
        for number, one in enumerate(change.changes):
            constants = self.questions.survey.constants.get((one.type, one.field), [])
            for value in near(one.before, one.after, constants):
                changes = (*change.changes[:number], replace(one, after=value), *change.changes[number + 1 :])
                tried = self._with(replace(change, changes=changes))
                run = self.book.run(self.decision, tried.facts, tried.settings)
                if _fired(run, self.rule) and _described(self.rule, run, tried).stands >= stands:
                    change = tried
                    break
        return change

    def _reason(self, fires: Formula) -> str:
        answer = self.questions.ask([fires])
        if answer == IMPOSSIBLE:
            return "Its conditions exclude each other, or it waits for facts there cannot be."
        if any(c.operator in ("matches", "contains", "starts with") for c in conditions_of(self.rule.when)):
            return "It depends on a pattern or a part of a text for which no text was found."
        return "No change was found that makes it fire."

