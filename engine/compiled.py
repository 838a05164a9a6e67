"""The front door of matching: a compiled rule book that decides.

Compiling turns each decision's rules into a predicate index (level one, `index`) and networks (level two, `joins`).
Running gives exactly the `Run` that the plain evaluator (`explain.run_plain`) gives, only sooner; `compare` has both
decide and holds them against each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal, get_args

from engine import explain
from engine.ast import Book, DecisionRules, Rule
from engine.ast import Literal as Constant
from engine.branches import Branch, branches
from engine.explain import Explanation
from engine.index import PredicateIndex
from engine.joins import Joins, plain_is_better
from engine.matching import COMBINATIONS, Bound, TooManyCombinationsError, given_up, matches
from engine.outcomes import Statement, changed, demands, derive, effective_settings, resolve, statement_of
from engine.totals import Known, counts, too_wide
from engine.types import Fact, Firing, Outcome, Overridden, RuleTrace, Run, Value
from engine.values import fits
from engine.vocabulary import VOCABULARY, DecisionSpec, Vocabulary

Compare = Literal["off", "sample", "always"]
SAMPLE = 100
"""Of how many runs one is compared under `sample`."""

_Key = tuple[int, tuple[str, ...]]
"""Where a firing stands on the agenda: the rule's rank, then the ids of the facts bound, in order of their types."""

log = logging.getLogger(__name__)


class UnknownDecisionError(LookupError):
    """The rule book has no decision of that name."""


def compile_book(
    book: Book,
    vocabulary: Vocabulary = VOCABULARY,
    compare: Compare = "off",
    on_incident: Callable[[str], None] = log.error,
) -> CompiledBook:
    """A rule book ready to decide. Thousands of rules take about a second, once per version.

    `compare` says how often the plain evaluator decides as well: never, at every hundredth run, or always; should the
    two disagree, the plain answer is used and `Run.errors` says so. `on_incident` hears of every disagreement and of
    every network that failed and was replaced by a plain search. Raises ValueError for another word in `compare`.
    """
    if compare not in get_args(Compare):
        raise ValueError(f"compare is {compare!r}; it must be one of {', '.join(get_args(Compare))}")
    return CompiledBook(book, vocabulary, compare, on_incident)


class CompiledBook:
    """A compiled rule book. May be shared by threads and survives a fork; it has no state but caches."""

    def __init__(
        self, book: Book, vocabulary: Vocabulary, compare: Compare, on_incident: Callable[[str], None]
    ) -> None:
        self.book = book
        self.vocabulary = vocabulary
        self.compare = compare
        self._on_incident = on_incident
        self._runs = count(1)
        self._decisions = {name: _Decision(rules, vocabulary, on_incident) for name, rules in book.decisions.items()}

    def run(self, decision: str, facts: Sequence[Fact], settings: Mapping[str, Value] | None = None) -> Run:
        """What a decision says about some facts.

        Fact ids are unique within their type; the order of facts is of no import. `settings` are a merchant's values
        over the rule file's defaults. What had to be left out is reported in `Run.errors`.
        Raises UnknownDecisionError.
        """
        compiled = self._decision(decision)
        if len(facts) > COMBINATIONS // 4:  # so many that the plain search may have to give rules up
            return explain.run_plain(compiled.rules, compiled.spec, facts, settings)
        run = compiled.run(facts, settings or {})
        if self.compare == "off" or (self.compare == "sample" and next(self._runs) % SAMPLE):
            return run
        return self._compared(run, explain.run_plain(compiled.rules, compiled.spec, facts, settings))

    def _compared(self, run: Run, plain: Run) -> Run:
        if run == plain:
            return run
        message = f"{run.decision}: the network and the plain evaluator disagree ({_difference(run, plain)})"
        self._on_incident(message)
        return replace(plain, errors=(*plain.errors, f"{message}; the plain evaluator's answer was used"))

    def explain(
        self, decision: str, facts: Sequence[Fact], settings: Mapping[str, Value] | None = None
    ) -> tuple[RuleTrace, ...]:
        """Every rule against the facts, in agenda order, by the plain evaluator. Raises UnknownDecisionError."""
        explanation = self.explanation(decision, facts, settings)
        return tuple(explanation.trace(rule) for rule in explanation.rules.rules)

    def explanation(
        self, decision: str, facts: Sequence[Fact], settings: Mapping[str, Value] | None = None
    ) -> Explanation:
        """One decision taken by the plain evaluator, to ask about each rule. Raises UnknownDecisionError."""
        compiled = self._decision(decision)
        return Explanation(
            compiled.rules, compiled.spec, facts, settings, vocabulary=self.vocabulary, texts=compiled.texts
        )

    def _decision(self, name: str) -> _Decision:
        try:
            return self._decisions[name]
        except KeyError:
            known = ", ".join(sorted(self._decisions)) or "none"
            raise UnknownDecisionError(f"The rule book has no decision `{name}`. It has: {known}.") from None


def _difference(run: Run, plain: Run) -> str:
    """The first part in which two runs differ, in a few words."""
    for part in ("firings", "outcomes", "overridden", "derived", "errors"):
        ours, theirs = getattr(run, part), getattr(plain, part)
        if ours != theirs:
            extra = [repr(one) for one in ours if one not in theirs] or ["nothing"]
            lacking = [repr(one) for one in theirs if one not in ours] or ["nothing"]
            return f"{part}: only the network has {extra[0]:.200}, only the plain evaluator has {lacking[0]:.200}"
    return "decision"


class _Speaker:
    """What a rule says when it holds. Demands whose slots are all constants are prepared once.

    `same` is what it says if that does not depend on the facts, `ways` into how many branches it was multiplied out.
    """

    def __init__(self, rule: Rule, spec: DecisionSpec) -> None:
        self.rule = rule
        self.id = rule.id
        self.ways = 0
        self.same: tuple[Outcome, ...] | None = None
        self._spec = spec
        self._prepared: list[tuple[str, dict[str, Value], str, str]] | None = []
        for demand in rule.then:
            outcome = spec.by_name[demand.outcome]
            arguments: dict[str, Value] = {}
            for slot in outcome.slots:
                operand = demand.slots[slot.name]
                if not isinstance(operand, Constant) or not fits(operand.value, slot.type, slot.values):
                    self._prepared = None
                    return
                arguments[slot.name] = operand.value
            self._prepared.append((demand.outcome, arguments, demand.reason, outcome.target))
        if not any(target for *_, target in self._prepared):
            self.same = tuple(Outcome(name, "", given, rule.id, why) for name, given, why, _ in self._prepared)

    def speak(self, bound: Bound, settings: Mapping[str, Value]) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
        """The outcomes for one combination of facts, and errors about demands that had to be dropped."""
        if self._prepared is None:
            return demands(self.rule, self._spec, bound, settings)
        if self.same is not None:
            return self.same, ()
        rule = self.rule.id
        said = [
            Outcome(name, bound[target].id if target else "", given, rule, why)
            for name, given, why, target in self._prepared
        ]
        return tuple(said), ()


@dataclass(slots=True)
class _Stage:
    """One stratum of a decision: rules that may be judged at the same time. `counting` are those that count or add up
    facts, with their ranks; `first` names, by rank, the tables of which only the first row that holds counts."""

    index: PredicateIndex
    joins: Joins
    counting: list[tuple[int, Rule]]
    first: dict[int, str]


class _Said:
    """What has been said so far in one run."""

    def __init__(self) -> None:
        self.firings: list[tuple[_Key, Firing]] = []
        self.errors: list[tuple[_Key, str]] = []
        self.fired: set[_Key] = set()

    def keep_first_hits(self, tables: Mapping[int, str]) -> None:
        """Of the rows of these tables (rank to table), only the first that holds for a combination of facts speaks.
        Firings are in agenda order, and all rows of a table bind the same types."""
        hits: dict[tuple[str, tuple[str, ...]], int] = {}
        for (rank, ids), _ in self.firings:
            if rank in tables:
                hits.setdefault((tables[rank], ids), rank)

        def stands(key: _Key) -> bool:
            rank, ids = key
            return rank not in tables or hits.get((tables[rank], ids), rank) == rank

        self.firings = [keyed for keyed in self.firings if stands(keyed[0])]
        self.errors = [keyed for keyed in self.errors if stands(keyed[0])]


class _Decision:
    """One decision's rules, compiled."""

    def __init__(self, rules: DecisionRules, vocabulary: Vocabulary, on_incident: Callable[[str], None]) -> None:
        self.rules = rules
        self.spec = vocabulary.decisions[rules.name]
        self.texts = explain.RuleTexts(rules, vocabulary)
        agenda = sorted(rules.rules, key=lambda rule: rule.key)
        self._speakers = [_Speaker(rule, self.spec) for rule in agenda]
        prepared = [outcome for speaker in self._speakers for outcome in speaker.same or ()]
        self._statements = {id(outcome): statement_of(outcome) for outcome in prepared}
        self._derives = any(outcome.derives for outcome in self.spec.outcomes)
        self._stages = []
        for stratum in sorted({rule.stratum for rule in agenda}):
            ways = [way for rank, rule in enumerate(agenda) if rule.stratum == stratum for way in branches(rule, rank)]
            for way in ways:
                self._speakers[way.rank].ways += 1
            several = [way for way in ways if len(way.rule.binds) > 1]
            counting = [(rank, rule) for rank, rule in enumerate(agenda) if rule.stratum == stratum and counts(rule)]
            first = {rank: r.table for rank, r in enumerate(agenda) if r.stratum == stratum and r.hit == "first"}
            self._stages.append(_Stage(PredicateIndex(ways), Joins(several, vocabulary, on_incident), counting, first))

    def run(self, facts: Sequence[Fact], overrides: Mapping[str, Value]) -> Run:
        if overrides:
            settings, setting_errors = effective_settings(self.rules.settings, overrides)
        else:
            settings, setting_errors = dict(self.rules.settings), ()
        said = _Said()
        facts = current = tuple(sorted(facts, key=_type_and_id)) if len(facts) > 1 else tuple(facts)
        outcomes: tuple[Outcome, ...] = ()
        overridden: tuple[Overridden, ...] = ()
        for stage in self._stages:
            self._judge(stage, current, settings, said)
            said.firings.sort(key=_first)
            if stage.first:
                said.keep_first_hits(stage.first)
            outcomes, overridden = resolve(self.spec, [firing for _, firing in said.firings], self._statement)
            if self._derives:
                current = derive(self.spec, facts, outcomes)
        derived = changed(facts, current) if self._derives else ()
        errors = (*setting_errors, *(text for _, text in sorted(said.errors))) if said.errors else setting_errors
        return Run(self.rules.name, tuple([f for _, f in said.firings]), outcomes, overridden, derived, errors)

    def _statement(self, outcome: Outcome) -> Statement:
        return self._statements.get(id(outcome)) or statement_of(outcome)

    def _judge(self, stage: _Stage, facts: Sequence[Fact], settings: Mapping[str, Value], said: _Said) -> None:
        by_type: dict[str, list[Fact]] = {}
        for fact in facts:
            by_type.setdefault(fact.type, []).append(fact)
        if stage.counting:
            settings = Known(settings, by_type)
        decided, candidates = stage.index.match(by_type, settings)
        if stage.counting:
            wide = {rank: rule for rank, rule in stage.counting if too_wide(rule, by_type)}
            said.errors += (((rank, ()), given_up(rule)) for rank, rule in wide.items())
            decided = [one for one in decided if one[0].rank not in wide]
            candidates = [one for one in candidates if one[0].rank not in wide]
        if decided:
            self._fire_single(decided, settings, said)
        if not candidates:
            return
        networked = []
        searched: dict[int, Rule] = {}
        for candidate in candidates:
            rule = candidate[0].rule
            if plain_is_better([len(by_type[fact_type]) for fact_type in rule.binds]):
                searched[candidate[0].rank] = rule
            else:
                networked.append(candidate)
        for branch, bound in stage.joins.solve(networked, settings):
            self._fire(branch.rank, bound, settings, said)
        for rank, rule in searched.items():
            self._search(rank, rule, by_type, settings, said)

    def _fire_single(
        self, decided: Sequence[tuple[Branch, Fact | None]], settings: Mapping[str, Value], said: _Said
    ) -> None:
        """Notes firings for one fact each. Most firings are of this kind, and most rules always say the same."""
        speakers, firings = self._speakers, said.firings
        fact: Fact | None = None
        bound: Bound = {}
        names: dict[str, str] = {}
        ids: tuple[str, ...] = ()
        for branch, single in decided:
            speaker = speakers[branch.rank]
            if single is not fact and single is not None:
                bound, names, ids = {single.type: single}, {single.type: single.id}, (single.id,)
                fact = single
            if speaker.same is None or speaker.ways > 1 or single is None:
                self._fire(branch.rank, bound if single is not None else {}, settings, said)
            else:
                firings.append(((branch.rank, ids), Firing(speaker.id, names, speaker.same)))

    def _search(
        self, rank: int, rule: Rule, facts: Mapping[str, Sequence[Fact]], settings: Mapping[str, Value], said: _Said
    ) -> None:
        try:
            found = matches(rule, facts, settings)
        except TooManyCombinationsError:
            said.errors.append(((rank, ()), given_up(rule)))
            return
        for bound in found:
            self._fire(rank, bound, settings, said)

    def _fire(self, rank: int, bound: Bound, settings: Mapping[str, Value], said: _Said) -> None:
        """Notes a firing, unless another branch of the same rule has fired for the same facts."""
        speaker = self._speakers[rank]
        key = rank, tuple([bound[fact_type].id for fact_type in speaker.rule.binds])
        if speaker.ways > 1:
            if key in said.fired:
                return
            said.fired.add(key)
        outcomes, errors = speaker.speak(bound, settings)
        ids = {fact_type: fact.id for fact_type, fact in bound.items()}
        said.firings.append((key, Firing(speaker.rule.id, ids, outcomes)))
        for error in errors:
            said.errors.append((key, error))


def _type_and_id(fact: Fact) -> tuple[str, str]:
    return fact.type, fact.id


def _first(keyed: tuple[_Key, Firing]) -> _Key:
    return keyed[0]
