"""Trying a rule book out where it can do no harm: in a process of its own, with a limit on time and memory.

Rules that pass the checker may still make the matching library crash or go on for ever: it has done both. So before a
version goes live, its rules are compiled and run on made-up facts in a child process. Whatever happens there, the
caller gets sentences to show to the admin.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.ast import DecisionRules, Literal, LiteralList
from engine.compiled import compile_book
from engine.language import load_book
from engine.language.strata import every_condition_of
from engine.types import Fact, Money, Problem, RuleBookError, Value
from engine.vocabulary import VOCABULARY, FactType, Field

MEMORY = 1 << 30
"""Address space the child may take, in bytes."""
TRIALS = 40
"""Sets of made-up facts each decision is run on."""
REPEATED = 3
"""Facts of each repeated type in a set."""

_HINT = "Nothing was published. Take out the rules you changed last, one by one, to find the one that does it."


def exercise(texts: Mapping[str, str], seconds: float = 10, program: Sequence[str] = ()) -> tuple[Problem, ...]:
    """What goes wrong when these rule files (file name to text) are compiled and run; nothing if all is well.

    Takes at most about `seconds`, and no harm comes to the caller whatever the rules do. `program` is what to run in
    the child instead of the trial itself.
    """
    command = list(program) or [sys.executable, "-m", "engine.guard"]
    request = json.dumps({"texts": dict(texts)}).encode()
    home = Path(__file__).resolve().parent.parent
    try:
        child = subprocess.run(command, input=request, capture_output=True, timeout=seconds, cwd=home, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as expired:
        trying, _, _ = _report(expired.stdout or b"")
        return (_failure(trying, f"the rules did not finish within {seconds:g} seconds"),)
    trying, problems, done = _report(child.stdout)
    if done:
        return problems
    return (*problems, _failure(trying, _ending(child.returncode, child.stderr)))


def _report(output: bytes) -> tuple[str, tuple[Problem, ...], bool]:
    """What the child was trying last, the problems it reported, and whether it came to its end."""
    trying, problems, done = "", [], False
    for line in output.decode(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # a line cut off in the middle
        if not isinstance(said, dict):
            continue
        trying = said.get("trying", trying)
        done = done or said.get("done", False)
        if "problem" in said:
            problems.append(Problem(**said["problem"]))
    return trying, tuple(problems), done


def _ending(returncode: int, errors: bytes) -> str:
    if returncode < 0:
        return f"the rules crashed the matching engine ({_signal(-returncode)})"
    last = errors.decode(errors="replace").strip().rsplit("\n", 1)[-1]
    if "MemoryError" in last:
        return f"the rules took more than {MEMORY >> 20} MB of memory"
    return f"the trial of the rules failed: {last[:300] or f'it ended with {returncode}'}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failure(trying: str, what: str) -> Problem:
    where = f"While {trying}, " if trying else "While they were being tried, "
    return Problem("", 1, 1, f"{where}{what}.", _HINT)


def _trial(texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Runs in the child: compiles, then runs every decision by both evaluators. Yields what to report."""
    yield {"trying": "reading the rules"}
    try:
        book = load_book(texts)
    except RuleBookError as error:
        yield from ({"problem": asdict(problem)} for problem in error.problems)
        return
    yield {"trying": "compiling the rules"}
    incidents: list[str] = []
    compiled = compile_book(book, compare="always", on_incident=incidents.append)
    for name, rules in book.decisions.items():
        yield {"trying": f"running {name}"}
        for facts in made_up_facts(rules):
            compiled.run(name, facts)
            if incidents:
                yield {"problem": asdict(Problem("", 1, 1, f"{incidents[0]}.", _HINT))}
                return


def made_up_facts(rules: DecisionRules) -> Iterator[tuple[Fact, ...]]:
    """Sets of facts that touch what these rules ask about: their own constants and values just beside them.

    Fields of one type share their values, so that facts agree in many of them. Always the same for the same rules.
    """
    rng = random.Random(rules.name)  # noqa: S311  # nothing here is a secret
    pools = _pools(rules)
    sees = [VOCABULARY.facts[name] for name in VOCABULARY.decisions[rules.name].sees if name != "setting"]
    for _ in range(TRIALS):
        yield tuple(
            Fact(fact_type.name, f"{fact_type.name}-{number}", _values(fact_type, pools, rng))
            for fact_type in sees
            for number in range(REPEATED if fact_type.repeated else 1)
        )


def _values(fact_type: FactType, pools: Mapping[str, Sequence[Value]], rng: random.Random) -> dict[str, Value]:
    return {f.name: rng.choice(_pool(f, pools)) for f in fact_type.fields if rng.random() < 0.85}


def _pool(field: Field, pools: Mapping[str, Sequence[Value]]) -> Sequence[Value]:
    return field.values if field.type == "enum" else pools[field.type]


def _pools(rules: DecisionRules) -> dict[str, list[Value]]:
    """Values by field type: a few of our own, the constants the rules mention, and their neighbours."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    pools: dict[str, list[Value]] = defaultdict(list)
    pools |= {
        "text": ["a", "b", "NL"], "boolean": [True, False], "integer": [0, 1, 2], "number": [Decimal(0), Decimal("1.5")],
        "money": [Money(0, "EUR"), Money(5000, "EUR"), Money(5000, "USD")], "weight": [0, 1000], "duration": [0, 3600],
        "moment": [now, now + timedelta(days=1)], "date": [now.date()], "time": [now.time()], "list": [(), ("a",)],
    }  # fmt: skip
    for value in (*_constants(rules), *rules.settings.values()):
        for of, neighbours in _neighbours(value):
            pools[of] += neighbours
    return pools


def _constants(rules: DecisionRules) -> Iterator[Value]:
    for condition in (condition for rule in rules.rules for condition in every_condition_of(rule.when)):
        for side in (condition.right, condition.upper):
            if isinstance(side, Literal):
                yield side.value
            elif isinstance(side, LiteralList):
                yield from side.values


def _neighbours(value: Value) -> Iterator[tuple[str, list[Value]]]:
    match value:
        case bool():
            return
        case int():
            for of in ("integer", "weight", "duration"):
                yield of, [value - 1, value, value + 1]
        case Decimal():
            yield "number", [value - 1, value, value + 1]
        case Money(minor, currency):
            yield "money", [Money(minor - 1, currency), value, Money(minor + 1, currency)]
        case str():
            yield "text", [value, f"{value}x"]
            yield "list", [(value,), (value, "a")]
        case datetime():
            yield "moment", list(_around(value, timedelta(seconds=1)))
        case date():
            yield "date", list(_around(value, timedelta(days=1)))
        case time():
            yield "time", [value, value.replace(second=(value.second + 1) % 60)]


def _around(value: date, step: timedelta) -> Iterator[Value]:
    for beside in (-step, timedelta(0), step):
        with suppress(OverflowError):  # the calendar ends here
            yield value + beside


def limit_memory() -> None:
    """For the child: take no more than `MEMORY`, and leave no core file behind."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The child's part: reads rule files from standard input, writes one JSON object per line about what it does."""
    limit_memory()
    request = json.load(sys.stdin)
    for report in _trial(request["texts"]):
        print(json.dumps(report), flush=True)
    print(json.dumps({"done": True}), flush=True)
    os._exit(0)  # all has been said; taking a large rule book apart would only use up the time allowed


if __name__ == "__main__":
    main()
