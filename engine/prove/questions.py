"""Questions to the solver: bounded in time and work, the same answer every time, and no order shown that the real engine
does not confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import z3

from engine.ast import DecisionRules
from engine.compiled import CompiledBook
from engine.prove.encoding import Encoding
from engine.prove.logic import Formula, Logic
from engine.prove.survey import Survey
from engine.prove.world import World
from engine.types import Fact, Run, Value

MILLISECONDS = 3_000
"""Longest time for one question."""
WORK = 40_000_000
"""Most work on one question, in the solver's own unit (some seconds)."""
MEGABYTES = 1_000
"""Most memory of the solver."""
TRIES = 5
"""Orders looked at for one finding before it is given up."""

IMPOSSIBLE, POSSIBLE, UNKNOWN = "impossible", "possible", "unknown"
OPEN_TIME = "the solver did not come to an answer in the time allowed"
OPEN_INEXACT = "it depends on patterns, parts of texts, counts or sums, which are not analysed completely"
OPEN_UNCONFIRMED = "no order was found that the engine confirms"


class OutOfTime(Exception):
    """The time for the proofs is used up."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How long the proofs may go on."""

    deadline: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    def part(self, share: float) -> Clock:
        """A clock that runs for a share of what is left."""
        return Clock(time.monotonic() + max(0.0, self.left) * share)

    def check(self) -> None:
        """Raises OutOfTime when it is over."""
        if self.left <= 0:
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class Case:
    """An order that shows something: facts, settings where they are not the defaults, and what the engine answers."""

    facts: tuple[Fact, ...]
    settings: Mapping[str, Value]
    run: Run


@dataclass(frozen=True, slots=True)
class Answer:
    """`impossible`: nothing of the kind exists, whatever the order. `case` shows one otherwise; without it, `open` says
    why nothing is claimed."""

    impossible: bool = False
    case: Case | None = None
    open: str = ""


Confirm = Callable[[Case], bool]


class Questions:
    """One decision, one world, one solver."""

    def __init__(
        self,
        survey: Survey,
        clock: Clock,
        engine: CompiledBook,
        sizes: Mapping[str, int],
        merchant: Mapping[str, Value],
        bare: bool = False,
    ) -> None:
        self.survey = survey
        self.clock = clock
        self.engine = engine
        self.merchant = dict(merchant)
        self.decision: DecisionRules = survey.decision
        self.logic = Logic()
        self.solver = z3.SimpleSolver(ctx=self.logic.context)
        self.solver.set("random_seed", 1)
        self.solver.set("max_memory", MEGABYTES)
        self.world = World(survey, self.logic, self._add, sizes, {**self.decision.settings, **merchant}, bare)
        self.encoding = Encoding(survey, self.world)
        self.core: tuple[Any, ...] = ()

    def _add(self, formula: Any) -> None:
        self.clock.check()
        self.solver.add(formula)

    def ask(self, assumptions: Sequence[Formula], exact: bool = False) -> str:
        """Whether all of these can be. After `impossible`, `core` are those that exclude each other."""
        self.clock.check()
        self.core = ()
        if any(one is False for one in assumptions):
            self.core = tuple(one for one in assumptions if one is False)
            return IMPOSSIBLE
        wanted = [one for one in assumptions if one is not True]
        wanted += [self.world.exact] if exact else []
        self.solver.set("timeout", max(1, min(MILLISECONDS, int(self.clock.left * 1000))))
        self.solver.set("rlimit", WORK)
        try:
            answer = self.solver.check(*wanted)
        except z3.Z3Exception:
            return UNKNOWN
        if answer == z3.unsat:
            self.core = tuple(self.solver.unsat_core())
            return IMPOSSIBLE
        return POSSIBLE if answer == z3.sat else UNKNOWN

    def least_core(self, assumptions: Sequence[Formula]) -> list[int]:
        """Which of these assumptions, by number, exclude each other, and none of which could be left out. They must be
        impossible together."""
        kept = [number for number, one in enumerate(assumptions) if one is not True]
        if self.ask([assumptions[number] for number in kept]) == IMPOSSIBLE and self.core:
            names = {one.get_id() for one in self.core if not isinstance(one, bool)}
            kept = [n for n in kept if isinstance(assumptions[n], bool) or assumptions[n].get_id() in names]
        for number in reversed(kept):  # what comes first is named first
            fewer = [other for other in kept if other != number]
            if self.ask([assumptions[other] for other in fewer]) == IMPOSSIBLE:
                kept = fewer
        return kept

    def find(self, assumptions: Sequence[Formula], confirm: Confirm) -> Answer:
        """An order for which all of these hold and which the engine confirms, or that there is none."""
        answer = self.ask(assumptions)
        if answer == IMPOSSIBLE:
            return Answer(impossible=True)
        if answer == UNKNOWN:
            return Answer(open=OPEN_TIME)
        return self.show(assumptions, confirm)

    def show(self, assumptions: Sequence[Formula], confirm: Confirm) -> Answer:
        """An order for which all of these hold and which the engine confirms, the most ordinary one first."""
        world, tries = self.world, 0
        with self.apart():
            for likely in ((world.likely, world.usual), (world.likely,), (world.usual,), ()):
                while (answer := self.ask([*assumptions, *likely], exact=True)) == POSSIBLE:
                    case = self._case()
                    if confirm(case):
                        return Answer(case=case)
                    tries += 1
                    if tries == TRIES:
                        return Answer(open=OPEN_UNCONFIRMED)
                    self._block()
                if answer == UNKNOWN:
                    return Answer(open=OPEN_TIME)
        return Answer(open=OPEN_UNCONFIRMED if tries else OPEN_INEXACT)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Whatever is added within is forgotten afterwards. Formulas are not to be named within."""
        self.solver.push()
        try:
            yield
        finally:
            self.solver.pop()

    def answered(self, facts: Sequence[Fact], settings: Mapping[str, Value]) -> Case:
        """What the real engine says about some facts. `settings` are over the merchant's."""
        chosen = {**self.merchant, **settings}
        run = self.engine.run(self.decision.name, facts, chosen)
        defaults = self.decision.settings
        return Case(tuple(facts), {name: value for name, value in sorted(chosen.items()) if value != defaults.get(name)}, run)

    def _case(self) -> Case:
        model = self.solver.model()
        facts, settings = self.world.facts(model), self.world.chosen_settings(model)
        self._last = model
        return self.answered(facts, settings)

    def _block(self) -> None:
        """Not this order again."""
        model = self._last
        terms = [term for slots in self.world.slots.values() for slot in slots for term in slot.terms.values()]
        formulas = [one for term in terms for one in (term.present, term.value) if isinstance(one, z3.ExprRef)]
        if formulas:
            self.solver.add(z3.Or(*[one != model.eval(one, model_completion=True) for one in formulas]))
