"""How long sourcing one order takes, beside its floor: a bare walk over the outlets by priority, which proves nothing.

Run `python -m bench.sourcing`. For each number of outlets and of order lines it prints the median and the 99th
percentile in milliseconds of processor time, the same for the walk, how many outlets each uses on average, and how
often each method gave the answer. The generator is seeded; only the times differ between runs. As in the service, an
outlet's stock holds the articles of the order at hand; making these objects is not part of the time.

The networks: outlets of one retailer, each with its own assortment out of 150 articles. Networks differ in how much an
outlet carries (8 to 90 %); one in three has a warehouse that carries most. Popular articles are ordered and stocked
more often. Stock is from 1 to 12 pieces, part of it reserved or kept back; three quarters of the lines want one piece.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from engine.sourcing import Candidate, DivideLines, Limits, OrderLine, Stock, source

ARTICLES = 150
SIZES = (10, 100, 1000)
LINES = ((1, 3), (4, 10), (11, 25))
CARRIED = (0.08, 0.15, 0.3, 0.5, 0.7, 0.9)


def network(outlets: int, carried: float, rng: random.Random) -> list[Candidate]:
    """The outlets of one retailer, who carry about this share of the articles."""
    priorities = list(range(outlets))
    rng.shuffle(priorities)
    warehouse = rng.random() < 1 / 3
    result = []
    for nth in range(outlets):
        share = 0.8 if warehouse and nth == 0 else min(0.95, carried * rng.uniform(0.4, 1.6))
        stock = {
            f"sku-{article}": Stock(rng.randint(1, 12), rng.choice((0, 0, 0, 1, 2)), rng.choice((0, 0, 1)))
            for article in range(ARTICLES)
            if rng.random() < share * (1.25 if article < ARTICLES // 3 else 0.9)
        }
        preference = 10 if warehouse and nth == 0 else rng.choice((0, 0, 0, 0, -20))
        result.append(Candidate(f"outlet-{nth:04}", stock, priorities[nth], preference))
    return result


def order(least: int, most: int, rng: random.Random) -> list[OrderLine]:
    """From `least` to `most` lines; popular articles more often, now and then one article on two lines."""
    lines = []
    for nth in range(rng.randint(least, most)):
        article = int(ARTICLES * rng.random() ** 1.5)
        lines.append(OrderLine(f"line-{nth:02}", f"sku-{article}", rng.choice((1,) * 9 + (2, 3, 10))))
    return lines


def for_order(lines: Sequence[OrderLine], outlets: Sequence[Candidate]) -> list[Candidate]:
    """The outlets with their stock of what is ordered."""
    skus = sorted({line.sku for line in lines})
    return [
        Candidate(
            outlet.id,
            {sku: outlet.stock[sku] for sku in skus if sku in outlet.stock},
            outlet.priority,
            outlet.preference,
        )
        for outlet in outlets
    ]


def priority_walk(lines: Sequence[OrderLine], outlets: Sequence[Candidate]) -> int:
    """The floor: outlets by priority, each gives what it has. Number of outlets used."""
    wanted = Counter[str]()
    for line in lines:
        wanted[line.sku] += line.quantity
    used = 0
    for outlet in sorted(outlets, key=lambda candidate: candidate.priority):
        gives = False
        for sku in list(wanted):
            stock = outlet.stock.get(sku)
            if stock is None:
                continue
            pieces = min(wanted[sku], stock.on_hand - stock.reserved - stock.buffer)
            if pieces > 0:
                gives = True
                wanted[sku] -= pieces
                if not wanted[sku]:
                    del wanted[sku]
        used += gives
        if not wanted:
            break
    return used


def least_time(function: Callable[..., Any], *arguments: object) -> tuple[float, Any]:
    """Milliseconds of the fastest of three runs, which is the run that other work on the machine disturbed least."""
    least, result = math.inf, None
    for _ in range(3):
        start = time.process_time()
        result = function(*arguments)
        least = min(least, (time.process_time() - start) * 1000)
    return least, result


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(outlets: int, lines: tuple[int, int], orders: int, divide_lines: DivideLines, most: int | None) -> str:
    """One row of the table."""
    rng = random.Random(outlets * 1000 + lines[1])  # a generator for data, not for secrets
    ours, floor, used, walked, methods = [], [], [], [], Counter[str]()
    limits = Limits(most, divide_lines)
    for carried in CARRIED:
        candidates = network(outlets, carried, rng)
        for _ in range(orders // len(CARRIED)):
            wanted = order(*lines, rng)
            asked = for_order(wanted, candidates)
            milliseconds, walk = least_time(priority_walk, wanted, asked)
            floor.append(milliseconds)
            milliseconds, plan = least_time(source, wanted, asked, limits)
            ours.append(milliseconds)
            used.append(len(plan.outlets))
            walked.append(walk)
            methods[plan.method] += 1
    shares = ", ".join(f"{method} {100 * count / len(ours):.1f} %" for method, count in methods.most_common())
    return (
        f"{outlets:>7} {lines[0]:>3}-{lines[1]:<3} {divide_lines:<12} {most or '-':>5} "
        f"{statistics.median(ours):>9.2f} {percentile(ours, 0.99):>9.2f} {max(ours):>9.2f} "
        f"{statistics.median(floor):>8.2f} {percentile(floor, 0.99):>8.2f} "
        f"{statistics.mean(used):>7.2f} {statistics.mean(walked):>7.2f}  {shares}"
    )


def main() -> None:
    """Print the table."""
    print(f"python {sys.version.split()[0]}; milliseconds of processor time per order")
    print("outlets lines  divide       limit    median       p99       max    floor  its p99  outlets   walk  method")
    for outlets in SIZES:
        for lines in LINES:
            orders = 600 if outlets < 1000 else 180
            print(measure(outlets, lines, orders, "when_needed", None), flush=True)
    for divide_lines, most in (("freely", None), ("never", None), ("when_needed", 2), ("when_needed", 5)):
        print(measure(100, (11, 25), 300, divide_lines, most), flush=True)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
