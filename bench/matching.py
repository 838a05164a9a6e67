"""How soon a rule book decides: microseconds per order at 10 to 10,000 rules, and for orders joined with many outlets.

The figure is a whole run: which rules fired, for which facts, what they demand, what stands and what was overridden.
Beside it stand the floors: level one alone (the predicate index, no firings made) and the plain evaluator, which tries
every rule. Answers are compared with the plain evaluator's before anything is timed.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence

import psutil

from bench import workload
from engine.branches import branches
from engine.compiled import CompiledBook, compile_book
from engine.explain import run_plain
from engine.index import PredicateIndex
from engine.types import Fact, Value

SIZES = (10, 100, 1000, 10_000)
EVENTS = 2000
PASSES = 5
"""The median of so many passes is reported."""
OUTLETS = (1, 10, 100, 500)
JOINING_RULES = 20
_SECONDS_OF_PLAIN = 1.0

DECISION = "handling"
SPEC = workload.VOCABULARY.decisions[DECISION]


def typical(act: Callable[[Sequence[Fact]], object], events: Sequence[Sequence[Fact]], passes: int = PASSES) -> float:
    """Microseconds of processor time per event: the median of some passes."""
    taken = []
    for _ in range(passes):
        start = time.process_time()
        for facts in events:
            act(facts)
        taken.append(time.process_time() - start)
    return 1e6 * statistics.median(taken) / len(events)


def _megabytes() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def _agree(compiled: CompiledBook, events: Sequence[Sequence[Fact]]) -> list[Sequence[Fact]]:
    """Compares with the plain evaluator for a while; the events it got through."""
    rules = compiled.book.decisions[DECISION]
    until = time.process_time() + _SECONDS_OF_PLAIN
    seen: list[Sequence[Fact]] = []
    for facts in events:
        if compiled.run(DECISION, facts) != run_plain(rules, SPEC, facts):
            raise SystemExit(f"The evaluators disagree about {facts}.")
        seen.append(facts)
        if time.process_time() > until:
            break
    return seen


def _plain(compiled: CompiledBook, events: Sequence[Sequence[Fact]]) -> float:
    rules = compiled.book.decisions[DECISION]
    return typical(lambda facts: run_plain(rules, SPEC, facts), events, 1)


def _single(size: int, drawn: Sequence[dict[str, Value]]) -> str:
    book = workload.book(workload.rules(size, drawn))
    events = [workload.facts(values) for values in drawn[:EVENTS]]
    before, start = _megabytes(), time.process_time()
    compiled = compile_book(book, workload.VOCABULARY)
    seconds, memory = time.process_time() - start, _megabytes() - before
    tried = _agree(compiled, events)
    rules = book.decisions[DECISION].rules
    index = PredicateIndex([way for rank, rule in enumerate(rules) for way in branches(rule, rank)])
    whole = typical(lambda facts: compiled.run(DECISION, facts), events)
    alone = typical(lambda facts: index.match({"order": facts}, {}), events)
    fired = sum(len(compiled.run(DECISION, facts).firings) for facts in events) / len(events)
    return (
        f"{size:>7,} {fired:>7.2f} {whole:>9.1f} {alone:>11.1f} {_plain(compiled, tried):>12,.0f} "
        f"{seconds:>9.2f} {memory:>9.1f}"
    )


def _joined(outlets: int, drawn: Sequence[dict[str, Value]]) -> str:
    compiled = compile_book(workload.book(workload.rules(100, drawn), JOINING_RULES), workload.VOCABULARY)
    events = [workload.facts(values, outlets) for values in drawn[: max(20, 500 // outlets)]]
    tried = _agree(compiled, events)
    fired = sum(len(compiled.run(DECISION, facts).firings) for facts in events) / len(events)
    whole = typical(lambda facts: compiled.run(DECISION, facts), events)
    return f"{outlets:>7,} {fired:>7.1f} {whole:>9.0f} {_plain(compiled, tried):>12,.0f}"


def main() -> None:
    """Print both tables."""
    drawn = workload.orders(workload.ORDERS)
    print("\n(a) Matching one order. Microseconds per order, the median of", PASSES, "passes over", EVENTS, "orders.")
    print("  rules   fired  whole run  index only  plain search  compile s  memory MB")
    for size in SIZES:
        print(_single(size, drawn), flush=True)
    print(f"\nMatching one order joined with outlets: 100 rules and {JOINING_RULES} that join. Microseconds per order.")
    print("outlets   fired  whole run  plain search")
    for outlets in OUTLETS:
        print(_joined(outlets, drawn), flush=True)


if __name__ == "__main__":
    main()
