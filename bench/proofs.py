"""How long it takes to prove a rule book, and to say what would have to change for one rule to fire.

The generated rules are those of `workload`, a tenth as many joins beside them. Every finding shown was confirmed by the
engine, so its time is in the figures.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from pathlib import Path

from bench import workload
from engine.compiled import compile_book
from engine.counterfactual import Change, search
from engine.guard import made_up_facts
from engine.language import load_book
from engine.prove import Proofs, prove

RULES = Path(__file__).parent.parent / "rules"
SIZES = (30, 100, 300, 600)
SECONDS = 120.0
TRIALS = 4
"""Sets of made-up facts for which every shipped rule is asked what would have to change."""


def _line(name: str, found: Proofs) -> str:
    kinds = Counter(finding.kind for finding in found.findings)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no findings"
    timed_out = sum("time" in note.message for note in found.not_analysed)
    unsettled = f"; {timed_out} ran out of time" if timed_out else ""
    return f"  {name:24}{found.seconds:8.2f} s   {said}; {len(found.proved)} promises hold{unsettled}"


def _shipped() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}


def _changes() -> str:
    book, taken, found = compile_book(load_book(_shipped())), [], 0
    for name, rules in book.book.decisions.items():
        for _, facts in zip(range(TRIALS), made_up_facts(rules), strict=False):
            for rule in rules.rules:
                began = time.monotonic()
                found += isinstance(search(book, name, rule.id, facts, {}), Change)
                taken.append(1000 * (time.monotonic() - began))
    median, worst = statistics.median(taken), max(taken)
    return f"  {len(taken)} questions: median {median:.1f} ms, longest {worst:.0f} ms, {found} answered with a change"


def main() -> None:
    """Print the figures."""
    print("Proofs")
    print(_line("shipped book", prove(load_book(_shipped()), seconds=SECONDS)))
    drawn = workload.orders(workload.ORDERS)
    for size in SIZES:
        book = workload.book(workload.rules(size, drawn), size // 10)
        print(_line(f"{size} generated rules", prove(book, seconds=SECONDS, vocabulary=workload.VOCABULARY)), flush=True)
    print("What would have to change for a shipped rule to fire")
    print(_changes())


if __name__ == "__main__":
    main()
