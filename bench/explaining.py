"""How soon a decision is explained: milliseconds for one decision by 1,000 rules, wanted under 100.

Three figures, each the median over some orders: what a page shows first (every rule ranked by how nearly it fired, the
fired ones and five near misses with their conditions and sentences), the trace of every rule, and every rule with its
sentences, as the API gives it. The floor is one plain evaluation of the same rules, which any explanation has to make.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from bench import workload
from engine.ast import Rule
from engine.compiled import CompiledBook, compile_book
from engine.explain import Explanation, run_plain
from engine.types import Fact
from engine.wording import LANGUAGES, Reasons

RULES = 1000
JOINING_RULES = 20
OUTLETS = (0, 10, 100)
ORDERS = 40
SHOWN = 5
DECISION = "handling"
SPEC = workload.VOCABULARY.decisions[DECISION]


def typical(act: Callable[[Sequence[Fact]], object], events: Sequence[Sequence[Fact]]) -> float:
    """Milliseconds of processor time per decision, the median."""
    taken = []
    for facts in events:
        start = time.process_time()
        act(facts)
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def _page(compiled: CompiledBook, facts: Sequence[Fact]) -> None:
    explanation = compiled.explanation(DECISION, facts)
    ranked = explanation.nearest_first()
    fired = sum(1 for rule in ranked if explanation.fired(rule))
    _say(explanation, ranked[: fired + SHOWN])


def _everything(compiled: CompiledBook, facts: Sequence[Fact]) -> None:
    explanation = compiled.explanation(DECISION, facts)
    _say(explanation, explanation.nearest_first())


def _say(explanation: Explanation, rules: Sequence[Rule]) -> None:
    reasons = Reasons(explanation, LANGUAGES["nl"])
    for rule in rules:
        explanation.trace(rule)
        reasons.rule(rule)
        reasons.why(rule)


def _row(outlets: int, drawn: Sequence[dict[str, object]]) -> str:
    book = workload.book(workload.rules(RULES, drawn), JOINING_RULES if outlets else 0)  # type: ignore[arg-type]
    compiled = compile_book(book, workload.VOCABULARY)
    rules = book.decisions[DECISION]
    events = [workload.facts(values, outlets) for values in drawn[:ORDERS]]  # type: ignore[arg-type]
    floor = typical(lambda facts: run_plain(rules, SPEC, facts), events)
    page = typical(lambda facts: _page(compiled, facts), events)
    traces = typical(lambda facts: compiled.explain(DECISION, facts), events)
    whole = typical(lambda facts: _everything(compiled, facts), events)
    return f"{outlets:>8} {len(rules.rules):>7,} {floor:>12.1f} {page:>11.1f} {traces:>12.1f} {whole:>15.1f}"


def main() -> None:
    """Print the table."""
    drawn = workload.orders(workload.ORDERS)
    print(f"\nExplaining one decision. Milliseconds, the median over {ORDERS} orders; wanted: under 100.")
    print(" outlets   rules  plain pass  first page  every trace  every sentence")
    for outlets in OUTLETS:
        print(_row(outlets, drawn), flush=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
