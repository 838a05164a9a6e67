"""The plain typed evaluator: what a decision says, and why each rule held or did not.

It is the oracle the network is compared with, and the author of traces. It reads the same typed rules and shares
only the meaning of values and outcomes with the network, none of its machinery.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod

from engine.ast import Condition, DecisionRules, Group, Rule
from engine.language.formatter import RuleWriter
from engine.language.literals import literal_text
from engine.matching import Bound, FactsByType, TooManyCombinationsError, by_type, given_up, holds, matches
from engine.outcomes import AgendaKey, agenda_key, changed, demands, derive, effective_settings, resolve
from engine.totals import Known
from engine.types import ConditionTrace, Fact, Firing, Outcome, Overridden, RuleTrace, Run, Value
from engine.values import MET, NOT_MET, Right, judge, show, sides
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

NEAREST_LIMIT = 2000
"""Most combinations of facts looked at for the nearest miss of one rule."""


def run_plain(
    rules: DecisionRules, spec: DecisionSpec, facts: Sequence[Fact], settings: Mapping[str, Value] | None = None
) -> Run:
    """What a decision says about some facts; fact ids are unique within their type, the order of facts is of no import.

    `settings` are a merchant's values over the defaults. Demands that had to be dropped, settings that do not fit and
    rules that had to be given up are reported in `Run.errors`, in agenda order; none of them stops the run.
    """
    return Evaluation(rules, spec, facts, settings or {}).run()


def explain(
    rules: DecisionRules,
    spec: DecisionSpec,
    facts: Sequence[Fact],
    settings: Mapping[str, Value] | None = None,
    limit: int = NEAREST_LIMIT,
    vocabulary: Vocabulary = VOCABULARY,
) -> tuple[RuleTrace, ...]:
    """Every rule against the facts, in agenda order: for which facts it fired, or its nearest miss.

    The nearest miss is the combination of facts with the fewest failing conditions, the first by fact ids among
    equals. Of a rule with more than `limit` combinations only the first `limit` are looked at; its note says so.
    """
    evaluation = Evaluation(rules, spec, facts, settings or {})
    evaluation.run()
    tracer = _Tracer(rules, evaluation, limit, vocabulary)
    return tuple(tracer.rule(rule) for rule in rules.rules)


class Evaluation:
    """One run, stratum by stratum. Keeps what each stratum saw, so that it can be explained afterwards."""

    def __init__(
        self, rules: DecisionRules, spec: DecisionSpec, facts: Sequence[Fact], settings: Mapping[str, Value]
    ) -> None:
        self.rules = rules
        self.spec = spec
        self.facts = tuple(sorted(facts, key=lambda fact: (fact.type, fact.id)))
        self.settings, self.setting_errors = effective_settings(rules.settings, settings)
        self.seen: dict[int, FactsByType] = {}
        self.known: dict[int, Known] = {}
        self.fired: dict[str, list[Bound]] = {}
        self.silenced: dict[str, list[Bound]] = {}
        self.given_up: set[str] = set()
        self._hits: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._firings: list[tuple[AgendaKey, Firing]] = []
        self._errors: list[tuple[AgendaKey, str]] = []

    def run(self) -> Run:
        facts = self.facts
        outcomes: tuple[Outcome, ...] = ()
        overridden: tuple[Overridden, ...] = ()
        for stratum in sorted({rule.stratum for rule in self.rules.rules}):
            self.seen[stratum] = by_type(facts)
            self.known[stratum] = Known(self.settings, self.seen[stratum])
            for rule in self.rules.rules:
                if rule.stratum == stratum:
                    self._judge(rule)
            self._firings.sort(key=lambda keyed: keyed[0])
            outcomes, overridden = resolve(self.spec, (firing for _, firing in self._firings))
            facts = derive(self.spec, self.facts, outcomes)
        errors = (*self.setting_errors, *(text for _, text in sorted(self._errors)))
        firings = tuple(firing for _, firing in self._firings)
        return Run(self.rules.name, firings, outcomes, overridden, changed(self.facts, facts), errors)

    def _judge(self, rule: Rule) -> None:
        known = self.known[rule.stratum]
        try:
            combinations = matches(rule, self.seen[rule.stratum], known)
        except TooManyCombinationsError:
            combinations = []
            self.given_up.add(rule.id)
            self._errors.append(((*rule.key, ()), given_up(rule)))
        if rule.hit == "first":
            combinations = self._first_hits(rule, combinations)
        self.fired[rule.id] = combinations
        for bound in combinations:
            ids = _ids(bound)
            key = agenda_key(rule, ids)
            outcomes, errors = demands(rule, self.spec, bound, known)
            self._firings.append((key, Firing(rule.id, ids, outcomes)))
            self._errors += ((key, error) for error in errors)

    def _first_hits(self, rule: Rule, combinations: Sequence[Bound]) -> list[Bound]:
        """The combinations no earlier row of the table held for. Rows come in order, and all bind the same types."""
        hits = self._hits[rule.table]
        kept: list[Bound] = []
        silenced: list[Bound] = []
        for bound in combinations:
            ids = tuple(_ids(bound).values())
            (silenced if ids in hits else kept).append(bound)
            hits.add(ids)
        self.silenced[rule.id] = silenced
        return kept


class _Tracer:
    def __init__(self, rules: DecisionRules, evaluation: Evaluation, limit: int, vocabulary: Vocabulary) -> None:
        self.evaluation = evaluation
        self.settings: Mapping[str, Value] = evaluation.settings
        self.limit = limit
        self.writer = RuleWriter(rules, vocabulary)

    def rule(self, rule: Rule) -> RuleTrace:
        facts, self.settings = self.evaluation.seen[rule.stratum], self.evaluation.known[rule.stratum]
        fired = self.evaluation.fired[rule.id]
        silenced = self.evaluation.silenced.get(rule.id, ())
        nearest: Bound = fired[0] if fired else silenced[0] if silenced else self._nearest(rule, facts)
        return RuleTrace(
            rule.id,
            rule.description,
            rule.priority,
            tuple(_ids(bound) for bound in fired),
            {} if fired else _ids(nearest),
            tuple(self._lines(rule.when, nearest, "")),
            _count(rule, facts),
            tuple(self.writer.demand(demand) for demand in rule.then),
            self._note(rule, facts, bool(fired)),
        )

    def _nearest(self, rule: Rule, facts: FactsByType) -> Bound:
        present = [name for name in rule.binds if facts.get(name)]
        combinations = product(*(facts[name] for name in present))
        bounds = (dict(zip(present, chosen, strict=True)) for chosen in islice(combinations, self.limit))
        return min(bounds, key=lambda bound: self._misses(rule.when, bound), default={})

    def _misses(self, part: Condition | Group, bound: Bound) -> int:
        """How many conditions would have to change for this part to hold."""
        if isinstance(part, Condition):
            return 0 if judge(part, bound, self.settings) == MET else 1
        if part.kind == "none":
            return sum(holds(child, bound, self.settings) for child in part.children)
        misses = [self._misses(child, bound) for child in part.children]
        return min(misses) if part.kind == "any" else sum(misses)

    def _note(self, rule: Rule, facts: FactsByType, fired: bool) -> str:
        if rule.id in self.evaluation.given_up:
            return "It was left out: there are too many combinations of facts to try."
        if not fired and self.evaluation.silenced.get(rule.id):
            return f"An earlier row of {rule.table} held, and only the first row that holds counts."
        absent = [name for name in rule.binds if not facts.get(name)]
        if absent:
            return f"It speaks of {', '.join(absent)}, of which there is none here."
        if not fired and _count(rule, facts) > self.limit:
            return f"Only the first {self.limit:,} combinations of facts were looked at for the nearest miss."
        return ""

    def _lines(self, group: Group, bound: Bound, indent: str) -> Iterator[ConditionTrace]:
        for child in group.children:
            if isinstance(child, Group):
                result = MET if holds(child, bound, self.settings) else NOT_MET
                yield ConditionTrace(f"{indent}{child.kind}:", result, line=child.place.line)
                yield from self._lines(child, bound, indent + "  ")
            else:
                yield self._line(child, bound, indent)

    def _line(self, condition: Condition, bound: Bound, indent: str) -> ConditionTrace:
        of = self.writer.type_of(condition.left)
        found, *others = sides(condition, bound, self.settings)
        asked = zip((condition.right, condition.upper), others, strict=True)
        wanted = [self._shown(value, of) for side, value in asked if side is not None]
        return ConditionTrace(
            indent + self.writer.condition(condition),
            judge(condition, bound, self.settings),
            self._shown(found, of),
            " and ".join(wanted),
            condition.place.line,
        )

    @staticmethod
    def _shown(value: Right | None, of: str) -> str:
        """A value with its unit; empty when it is missing."""
        if value is None:
            return ""
        if of in ("weight", "duration") and isinstance(value, int):
            return literal_text(value, of)
        if of in ("weight", "duration") and isinstance(value, tuple):
            return "[" + ", ".join(literal_text(item, of) for item in value if not isinstance(item, tuple)) + "]"
        return show(value)


def _ids(bound: Bound) -> dict[str, str]:
    return {name: bound[name].id for name in sorted(bound)}


def _count(rule: Rule, facts: FactsByType) -> int:
    return prod(len(facts.get(name, ())) for name in rule.binds)
