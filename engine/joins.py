"""Level two of matching: branches about several facts, joined in the network.

Level one has named the candidates and, for each, the facts that may stand for each type. Candidates of one shard go to
one network together; what the network cannot express is asked of each combination it finds. Where a network fails, or
so many facts are about that it would take too much memory, the plain search answers instead: never a wrong answer,
never a hang.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product
from math import prod

from engine.branches import Branch
from engine.encoding import Encoding, Plan, plan, shards
from engine.index import Candidate
from engine.matching import COMBINATIONS, Bound
from engine.network import NetworkCache, NetworkError
from engine.types import Fact, Value
from engine.vocabulary import Vocabulary

NETWORKS = 32
"""Networks one thread keeps at most, over all rule books: about 15 MB."""
MOST_MESSAGES = 2000
"""Facts one network is given at most: each takes 10 kB for as long as the evaluation lasts."""

Settings = Mapping[str, Value]
Holding = tuple[Branch, Bound]
"""A branch and one combination of facts it holds for."""

_tokens = count()


class _Threads(threading.local):
    """The networks of each thread."""

    process = 0
    networks = NetworkCache(0)


_threads = _Threads()


def networks_of_this_thread() -> NetworkCache:
    """The calling thread's networks. After a fork the child starts afresh: the parent's are not its to touch."""
    if _threads.process != os.getpid():
        _threads.process, _threads.networks = os.getpid(), NetworkCache(NETWORKS)
    return _threads.networks


@dataclass(slots=True)
class _Shard:
    token: int
    encoding: Encoding


def plain_is_better(sizes: Sequence[int]) -> bool:
    """Whether so many facts of each type are better searched plainly than in a network.

    So it is when they would take the network too much memory, and when the plain search might come upon too many
    combinations to go on, for then it has to say so.
    """
    combinations = prod(max(1, size) for size in sizes)
    return sum(sizes) > MOST_MESSAGES or sum(sizes) + len(sizes) * combinations > COMBINATIONS


class Joins:
    """The branches of one stratum that speak of several fact types, sharded into networks."""

    def __init__(self, branches: Sequence[Branch], vocabulary: Vocabulary, on_failure: Callable[[str], None]) -> None:
        self._on_failure = on_failure
        self._plans = {id(branch): plan(branch, vocabulary) for branch in branches}
        self._home: dict[int, tuple[_Shard, str]] = {}
        for together in shards(one for one in self._plans.values() if one.joins):
            shard = _Shard(next(_tokens), Encoding(together))
            for flag, one in zip(shard.encoding.flags, shard.encoding.plans, strict=True):
                self._home[id(one.branch)] = shard, flag

    def solve(self, candidates: Sequence[Candidate], settings: Settings) -> Iterator[Holding]:
        """Every combination of facts that a candidate holds for, in no particular order."""
        shards: dict[int, tuple[_Shard, dict[str, Candidate]]] = {}
        for branch, facts in candidates:
            home = self._home.get(id(branch))
            if home is None:
                yield from self._try_all(branch, facts, settings)
            else:
                shard, flag = home
                shards.setdefault(shard.token, (shard, {}))[1][flag] = branch, facts
        for shard, live in shards.values():
            yield from self._ask(shard, live, settings)

    def _ask(self, shard: _Shard, live: Mapping[str, Candidate], settings: Settings) -> Iterator[Holding]:
        facts: dict[tuple[str, str], tuple[Fact, list[str]]] = {}
        for flag, (branch, by_type) in live.items():
            for fact_type in self._plans[id(branch)].types:
                for fact in by_type[fact_type]:
                    facts.setdefault((fact_type, fact.id), (fact, []))[1].append(flag)
        try:
            network = networks_of_this_thread().get(shard.token, shard.encoding.definition)
            firings = network.matches(shard.encoding.messages(facts.values()), COMBINATIONS)
        except (NetworkError, TypeError) as failure:
            self._on_failure(f"the plain search took over for {len(live)} rules: {failure}")
            for branch, by_type in live.values():
                yield from self._try_all(branch, by_type, settings)
            return
        in_order = [fact for fact, _ in facts.values()]
        for flag, patterns in firings:
            branch, by_type = live[flag]
            one = self._plans[id(branch)]
            bound = {fact_type: in_order[patterns[place]] for place, fact_type in enumerate(one.types)}
            yield from self._complete(one, bound, by_type, settings)

    @staticmethod
    def _complete(
        one: Plan, bound: Bound, by_type: Mapping[str, Sequence[Fact]], settings: Settings
    ) -> Iterator[Holding]:
        """Adds the facts no join speaks of, and asks what the network could not be asked."""
        if not one.beside and not one.rest:
            yield one.branch, bound
            return
        for chosen in product(*(by_type[fact_type] for fact_type in one.beside)):
            extended = {**bound, **dict(zip(one.beside, chosen, strict=True))}
            if all(test.passes(extended, settings) for test in one.rest):
                yield one.branch, extended

    @staticmethod
    def _try_all(branch: Branch, by_type: Mapping[str, Sequence[Fact]], settings: Settings) -> Iterator[Holding]:
        tests = (*branch.joins, *branch.crossing)
        for chosen in product(*by_type.values()):
            bound = dict(zip(by_type, chosen, strict=True))
            if all(test.passes(bound, settings) for test in tests):
                yield branch, bound
