"""How soon a rule book is checked while somebody types: all errors and all advice about style, at 100 to 10,000 rules.

Beside it stand the floor, which is reading the same text as YAML events and doing nothing with them, and what else an
editor asks for: the outline of a file, its good form, one edit, and what could be written at the caret. Then comes what
must be refused quickly. Processor time, the median of some passes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import yaml

from engine.language import check
from engine.language.canonical import canonical_sentence
from engine.language.completion import complete
from engine.language.edit import edit
from engine.language.layout import formatted
from engine.language.outline import condition_parts, outline
from engine.language.sentences import kept_sentence
from engine.language.yaml_nodes import EVENTS

SIZES = (100, 1000, 10_000)
PASSES = 5
"""The median of so many passes is reported; of 3 where one takes long."""
_GROUPS = ("consumer", "staff", "retail", "trade", "press")
_METHODS = ("post", "courier", "bike", "locker", "freight", "express", "evening")


def rule(number: int) -> str:
    """One rule of an outlet assignment: five conditions, two of them in a group, and a demand with its reason."""
    return f"""  - id: rule-{number}
    description: Near {number}.
    priority: {10 + number % 90}
    when:
      - order.fulfilment_type is delivery
      - order.total between {number + 1}.50 EUR and {number + 50} EUR
      - any:
          - order.customer.group in [{_GROUPS[number % 5]}, {_GROUPS[(number + 1) % 5]}]
          - order.shipping_method.name is "{_METHODS[number % 7]} {number}"
      - outlet.country is order.shipping_address.country
    then:
      - prefer outlet by {number % 40 - 20} because "x"
"""


def book(size: int) -> str:
    """A rule file of so many rules."""
    head = "decision: outlet_assignment\ndescription: Generated.\n\nrules:\n"
    return head + "\n".join(rule(number) for number in range(size))


def median(act: Callable[[], object], passes: int = PASSES) -> float:
    """Milliseconds of processor time."""
    taken = []
    for _ in range(passes):
        start = time.process_time()
        act()
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def events(text: str) -> None:
    """The floor: libyaml reads the text, and nobody looks at what it finds."""
    for _ in yaml.parse(text, Loader=EVENTS):
        pass


def _for_the_first_time(act: Callable[[], object]) -> None:
    """With nothing kept from before."""
    kept_sentence.cache_clear()
    condition_parts.cache_clear()
    canonical_sentence.cache_clear()
    act()


def _row(size: int) -> str:
    text = book(size)
    problems = check({"outlet_assignment.yaml": text})
    if problems:
        raise SystemExit(f"The generated book is not as it should be: {problems[0]}")
    passes = PASSES if size <= 1000 else 3
    last = text.count("\n") - 6
    figures = (
        median(lambda: _for_the_first_time(lambda: check({"outlet_assignment.yaml": text})), passes),
        median(lambda: check({"outlet_assignment.yaml": text}), passes),
        median(lambda: events(text), passes),
        median(lambda: _for_the_first_time(lambda: outline(text)), passes),
        median(lambda: _for_the_first_time(lambda: formatted(text)), passes),
        median(lambda: edit(text, {"op": "set_priority", "rule": f"rule-{size - 1}", "text": "5"}), passes),
        median(lambda: complete(text, last, 15), passes),
    )
    return f"| {size:,} | " + " | ".join(f"{figure:,.1f}" for figure in figures) + " |"


def _refusals() -> list[str]:
    bomb = "a: &a [x, x, x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
    circle = "".join(
        f"  - id: r{n}\n    when: [order.tags contains t{n}]\n    then: [tag order t{(n + 1) % 1000}]\n" for n in range(1000)
    )
    head = "decision: outlet_assignment\nrules:\n"
    bad = {
        "10 MB of text": "# x\n" * 2_600_000,
        "100,000 rules": head + "  - {id: a, then: [x]}\n" * 100_000,
        "aliases within aliases": bomb,
        "1,000 rules with one id": head + "  - {id: a, then: [exclude outlet]}\n" * 1000,
        "1,000 derived facts in a circle": head + circle,
        "100,000 brackets": "[" * 100_000,
    }
    rows = []
    for name, text in bad.items():
        (first, *_) = check({"outlet_assignment.yaml": text})
        taken = median(lambda text=text: check({"outlet_assignment.yaml": text}), 3)  # type: ignore[misc]
        rows.append(f"| {name} | {taken:,.1f} | {first.message} |")
    return rows


def main() -> None:
    """Prints the tables."""
    print("| rules | first check, ms | again, ms | floor (YAML events), ms | outline, ms | format, ms | one edit, ms | completion, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        print(_row(size), flush=True)
    print()
    print("| refused | ms | said |")
    print("|---|---|---|")
    print("\n".join(_refusals()))


if __name__ == "__main__":
    main()
