"""The plain typed evaluator: what a decision says, and why each rule held or did not.

It is the oracle the network is compared with, and the author of traces. It reads the same typed rules and shares
only the meaning of values and outcomes with the network, none of its machinery.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from engine.ast import Condition, DecisionRules, Group, Rule
from engine.language.formatter import RuleWriter
from engine.language.literals import literal_text
from engine.matching import Bound, FactsByType, TooManyCombinationsError, by_type, given_up, holds, matches, types_of
from engine.outcomes import AgendaKey, agenda_key, changed, demands, derive, effective_settings, resolve
from engine.totals import Known
from engine.types import ConditionTrace, Fact, Firing, Outcome, Overridden, RuleTrace, Run, Value
from engine.values import MET, NOT_MET, Right, judge, show, verdict
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
    """Every rule against the facts, in agenda order: for which facts it fired, or its nearest miss (see `Explanation`)."""
    explanation = Explanation(rules, spec, facts, settings, limit, vocabulary)
    return tuple(explanation.trace(rule) for rule in rules.rules)


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


@dataclass(frozen=True, slots=True)
class Nearest:
    """The combination of facts that a rule is shown with, and how many of its conditions fail for it."""

    bound: Bound
    misses: int


class Explanation:
    """One decision explained, rule by rule. It decides once; a rule is looked at when somebody asks about it.

    The nearest miss of a rule that did not hold is the combination of facts with the fewest failing conditions, the
    first by fact ids among equals. Where conditions join facts and there are more than `limit` combinations, only the
    first `limit` are looked at; the trace's note says so. `texts` may be shared by all explanations of one rule book.
    """

    def __init__(
        self,
        rules: DecisionRules,
        spec: DecisionSpec,
        facts: Sequence[Fact],
        settings: Mapping[str, Value] | None = None,
        limit: int = NEAREST_LIMIT,
        vocabulary: Vocabulary = VOCABULARY,
        texts: RuleTexts | None = None,
    ) -> None:
        self.rules = rules
        self.limit = limit
        self.vocabulary = vocabulary
        self._evaluation = Evaluation(rules, spec, facts, settings or {})
        self.run = self._evaluation.run()
        self.texts = texts or RuleTexts(rules, vocabulary)
        self._found: dict[str, Nearest] = {}
        self._lost: dict[str, list[Overridden]] = defaultdict(list)
        for overridden in self.run.overridden:
            self._lost[overridden.outcome.rule].append(overridden)

    def fired(self, rule: Rule) -> Sequence[Bound]:
        """Every combination of facts the rule held for, in agenda order."""
        return self._evaluation.fired[rule.id]

    def known(self, rule: Rule) -> Known:
        """The settings and totals that the rule's conditions were asked with."""
        return self._evaluation.known[rule.stratum]

    def earlier_row(self, rule: Rule) -> str:
        """The row of the same table that fired instead, for a row that held but came too late; otherwise empty."""
        silenced = self._evaluation.silenced.get(rule.id)
        if not silenced or self.fired(rule):
            return ""
        ids = _ids(silenced[0])
        rows = (row for row in self.rules.rules if row.table == rule.table and row.row < rule.row)
        return next((row.id for row in rows if any(_ids(bound) == ids for bound in self.fired(row))), rule.table)

    def given_up(self, rule: Rule) -> bool:
        """Whether there were too many combinations of facts to try."""
        return rule.id in self._evaluation.given_up

    def absent(self, rule: Rule) -> tuple[str, ...]:
        """The fact types the rule speaks of, of which there is no fact."""
        facts = self._evaluation.seen[rule.stratum]
        return tuple(name for name in rule.binds if not facts.get(name))

    def nearest(self, rule: Rule) -> Nearest:
        """The first combination the rule fired for, or its nearest miss."""
        if rule.id not in self._found:
            shown = self.fired(rule) or self._evaluation.silenced.get(rule.id)
            facts = self._evaluation.seen[rule.stratum]
            self._found[rule.id] = (
                Nearest(shown[0], 0) if shown else _Search(rule, facts, self.known(rule), self.limit).nearest()
            )
        return self._found[rule.id]

    def nearest_first(self) -> tuple[Rule, ...]:
        """Rules that fired in agenda order, then the others: the fewest failing conditions first, then by agenda. Of
        those, rules that speak of facts that are not there, or were given up, come last."""

        def rank(rule: Rule) -> tuple[bool, bool, int]:
            if self.fired(rule):
                return False, False, 0
            return True, self.given_up(rule) or bool(self.absent(rule)), self.nearest(rule).misses

        return tuple(sorted(self.rules.rules, key=rank))

    def trace(self, rule: Rule) -> RuleTrace:
        """One rule, with every condition."""
        fired, nearest = self.fired(rule), self.nearest(rule)
        combinations = _count(rule, self._evaluation.seen[rule.stratum])
        return RuleTrace(
            rule.id,
            rule.description,
            rule.priority,
            tuple([_ids(bound) for bound in fired]),
            {} if fired else _ids(nearest.bound),
            tuple(self._lines(rule.when, nearest.bound, self.known(rule), "")),
            combinations,
            self.texts.demands(rule),
            self._note(rule, combinations),
            nearest.misses,
            tuple(self._lost.get(rule.id, ())),
        )

    def _note(self, rule: Rule, combinations: int) -> str:
        if self.given_up(rule):
            return "It was left out: there are too many combinations of facts to try."
        if row := self.earlier_row(rule):
            return f"An earlier row held ({row}), and only the first row of {rule.table} that holds counts."
        if absent := self.absent(rule):
            return f"It speaks of {', '.join(absent)}, of which there is none here."
        if not self.fired(rule) and combinations > self.limit and _joins(rule):
            return f"Only the first {self.limit:,} combinations of facts were looked at for the nearest miss."
        return ""

    def _lines(self, group: Group, bound: Bound, known: Known, indent: str) -> Iterator[ConditionTrace]:
        for child in group.children:
            if isinstance(child, Group):
                result = MET if holds(child, bound, known) else NOT_MET
                yield ConditionTrace(f"{indent}{child.kind}:", result, line=child.place.line)
                yield from self._lines(child, bound, known, indent + "  ")
            else:
                text, of = self.texts.condition(child)
                result, (found, *others) = verdict(child, bound, known)
                asked = zip((child.right, child.upper), others, strict=True)
                wanted = " and ".join([_shown(value, of) for side, value in asked if side is not None])
                yield ConditionTrace(indent + text, result, _shown(found, of), wanted, child.place.line)


class RuleTexts:
    """The words of one decision's rules, written once and kept. `sentences` are whole rules as sentences, by the identity
    of the rule and the code of the language."""

    def __init__(self, rules: DecisionRules, vocabulary: Vocabulary) -> None:
        self._writer = RuleWriter(rules, vocabulary)
        self._conditions: dict[int, tuple[str, str]] = {}
        self._demands: dict[int, tuple[str, ...]] = {}
        self.sentences: dict[tuple[int, str], str] = {}
        self._rules = rules  # keeps the conditions alive, by whose identity they are found

    def condition(self, condition: Condition) -> tuple[str, str]:
        """A condition as a sentence, and the field type of what stands left in it."""
        found = self._conditions.get(id(condition))
        if found is None:
            found = self._writer.condition(condition), self._writer.type_of(condition.left)
            self._conditions[id(condition)] = found
        return found

    def demands(self, rule: Rule) -> tuple[str, ...]:
        """What a rule demands, one sentence each."""
        found = self._demands.get(id(rule))
        if found is None:
            found = self._demands[id(rule)] = tuple([self._writer.demand(demand) for demand in rule.then])
        return found


class _Search:
    """Looks for the combination of facts that fails the fewest conditions of a rule.

    A condition about one fact type is asked once of each fact. Only those that join facts are asked of combinations,
    and only of combinations that could still be nearer than the best one so far.
    """

    def __init__(self, rule: Rule, facts: FactsByType, known: Known, limit: int) -> None:
        self.known = known
        self.limit = limit
        self.names = [name for name in rule.binds if facts.get(name)]
        self.facts = [facts[name] for name in self.names]
        self.alone: dict[str, list[Condition | Group]] = {name: [] for name in self.names}
        self.joining: list[Condition | Group] = []
        self.always = 0
        for child in rule.when.children:
            types = types_of(child).intersection(self.names)
            if len(types) == 1:
                self.alone[next(iter(types))].append(child)
            elif types:
                self.joining.append(child)
            else:
                self.always += self._misses(child, {})

    def nearest(self) -> Nearest:
        costs = [
            [sum(self._misses(child, {name: fact}) for child in self.alone[name]) for fact in facts]
            for name, facts in zip(self.names, self.facts, strict=True)
        ]
        if not self.joining:
            chosen = [min(range(len(each)), key=each.__getitem__) for each in costs]
            return self._at(chosen, sum(each[n] for each, n in zip(costs, chosen, strict=True)))
        best: tuple[int, Sequence[int]] | None = None
        for chosen_ in islice(product(*(range(len(each)) for each in costs)), self.limit):
            misses = sum(each[n] for each, n in zip(costs, chosen_, strict=True))
            if best is not None and misses >= best[0]:
                continue
            bound = self._bound(chosen_)
            misses += sum(self._misses(child, bound) for child in self.joining)
            if best is None or misses < best[0]:
                best = misses, chosen_
        return Nearest({}, self.always) if best is None else self._at(best[1], best[0])

    def _at(self, chosen: Sequence[int], misses: int) -> Nearest:
        return Nearest(self._bound(chosen), self.always + misses)

    def _bound(self, chosen: Sequence[int]) -> Bound:
        return {name: facts[n] for name, facts, n in zip(self.names, self.facts, chosen, strict=True)}

    def _misses(self, part: Condition | Group, bound: Bound) -> int:
        """How many conditions would have to change for this part to hold."""
        if isinstance(part, Condition):
            return 0 if judge(part, bound, self.known) == MET else 1
        if part.kind == "none":
            return sum(holds(child, bound, self.known) for child in part.children)
        misses = [self._misses(child, bound) for child in part.children]
        return min(misses) if part.kind == "any" else sum(misses)


def _joins(rule: Rule) -> bool:
    """Whether some condition of a rule speaks of several facts at once."""
    return any(len(types_of(child)) > 1 for child in rule.when.children)


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
