"""The same rules and orders in other engines: all must fire the same rules; printed is how long each takes.

What can be installed is compared (`bench/requirements-peers.txt`; json-rules-engine needs node and npm), what cannot is
named and left out. Matching only: no engine joins facts, explains, or settles conflicts here, while ours does all three.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import workload
from bench.workload import Atom
from engine.compiled import compile_book
from engine.types import Money, Value

SIZES = (10, 100, 1_000)
CHECKED = 200
"""Orders by which the engines are held against one another."""
PASSES = 3
SECONDS = 2.0
"""A pass ends after so long, whatever the number of orders seen."""
DECISION = "handling"
FOLDER = Path(__file__).parents[1] / "var" / "peers"
"""Where `make bench` installs them, apart from what the service runs on."""

Rules = Sequence[tuple[Atom, ...]]
Values = Mapping[str, Any]
Fire = Callable[[Values], set[int]]


class MissingPeer(Exception):
    """This engine cannot be had on this machine."""


def plain(value: Value) -> Any:
    """A value as every engine knows it: amounts in cents, lists of text."""
    return value.minor if isinstance(value, Money) else list(value) if isinstance(value, tuple) else value


def _ours(rules: Rules) -> Fire:
    compiled = compile_book(workload.book(rules), workload.VOCABULARY)
    return lambda values: {int(f.rule[1:]) for f in compiled.run(DECISION, values["facts"]).firings}


def _cel(rules: Rules) -> Fire:
    try:
        import cel
    except ImportError:
        raise MissingPeer("common-expression-language is not installed") from None
    programs = [cel.compile(" && ".join(map(_cel_text, atoms))) for atoms in rules]

    def fire(values: Values) -> set[int]:
        context = cel.Context(variables=values["padded"])
        return {number for number, program in enumerate(programs) if program.execute(context)}

    return fire


def _cel_text(atom: Atom) -> str:
    value = json.dumps(plain(atom.value))
    match atom.operator:
        case "is":
            return f"{atom.field} == {value}"
        case "in":
            return f"{atom.field} in {value}"
        case "starts with":
            return f"{atom.field}.startsWith({value})"
        case "contains":
            return f"{value} in {atom.field}"
    return f"{atom.field} {atom.operator} {value}"


def _zen(rules: Rules) -> Fire:
    try:
        import zen
    except ImportError:
        raise MissingPeer("zen-engine is not installed") from None
    fields = [field.name for field in workload.FIELDS]
    inputs = [{"id": name, "name": name, "type": "expression", "field": name} for name in fields]
    table = {
        "hitPolicy": "collect",
        "inputs": inputs,
        "outputs": [{"id": "rule", "name": "rule", "type": "expression", "field": "rule"}],
        "rules": [
            {"_id": str(number), "rule": str(number), **{name: _zen_cell(name, atoms) for name in fields}}
            for number, atoms in enumerate(rules)
        ],
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "table", "type": "decisionTableNode", "name": "table", "content": table},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    return lambda values: {int(row["rule"]) for row in decision.evaluate(values["plain"])["result"]}


def _zen_cell(field: str, atoms: Sequence[Atom]) -> str:
    return " and ".join(_zen_text(atom) for atom in atoms if atom.field == field)


def _zen_text(atom: Atom) -> str:
    value = plain(atom.value)
    match atom.operator:
        case "is":
            return f"$ == {json.dumps(value)}"
        case "in":
            return f"$ in {json.dumps(value)}"
        case "starts with":
            return f"startsWith($, {json.dumps(value)})"
        case "contains":
            return f"contains($, {json.dumps(value)})"
    return f"$ {atom.operator} {value}"


def _clips(rules: Rules) -> Fire:
    try:
        import clips
    except ImportError:
        raise MissingPeer("clipspy is not installed") from None
    fired: set[int] = set()
    engine = clips.Environment()
    engine.define_function(fired.add, "fired")
    slots = " ".join(f"({'multislot' if f.type == 'list' else 'slot'} {f.name})" for f in workload.FIELDS)
    engine.build(f"(deftemplate order {slots})")
    for number, atoms in enumerate(rules):
        engine.build(f"(defrule r{number} (order {_clips_pattern(atoms)}) => (fired {number}))")
    template = engine.find_template("order")

    def fire(values: Values) -> set[int]:
        fired.clear()
        fact = template.assert_fact(**values["plain"])
        engine.run()
        fact.retract()
        return set(fired)

    return fire


def _clips_pattern(atoms: Sequence[Atom]) -> str:
    by_field: dict[str, list[Atom]] = {}
    for atom in atoms:
        by_field.setdefault(atom.field, []).append(atom)
    return " ".join(f"({field} {_clips_slot(field, of)})" for field, of in by_field.items())


def _clips_slot(field: str, atoms: Sequence[Atom]) -> str:
    first = plain(atoms[0].value)
    if atoms[0].operator == "contains":
        return f"$? {json.dumps(first)} $?"
    if atoms[0].operator == "is":
        return json.dumps(first)
    if atoms[0].operator == "in":
        return "|".join(json.dumps(item) for item in first)
    if atoms[0].operator == "starts with":
        return f"?{field}&:(eq (sub-string 1 {len(first)} ?{field}) {json.dumps(first)})"
    return f"?{field}" + "".join(f"&:({atom.operator} ?{field} {plain(atom.value)})" for atom in atoms)


_NODE = """
const { Engine } = require('json-rules-engine');
const { rules, orders, seconds, passes, checked } = JSON.parse(require('fs').readFileSync(0));
const engine = new Engine([], { allowUndefinedFacts: true });
engine.addOperator('startsWith', (value, start) => typeof value === 'string' && value.startsWith(start));
for (const [number, all] of rules.entries()) engine.addRule({ conditions: { all }, event: { type: String(number) } });
(async () => {
  const fired = [];
  for (const order of orders.slice(0, checked)) fired.push((await engine.run(order)).events.map(e => +e.type));
  const times = [];
  for (let pass = 0; pass < passes; pass++) {
    const started = process.hrtime.bigint(); let count = 0;
    do { await engine.run(orders[count++ % orders.length]); } while (Number(process.hrtime.bigint() - started) < seconds * 1e9);
    times.push(Number(process.hrtime.bigint() - started) / count / 1000);
  }
  console.log(JSON.stringify({ fired, times }));
})();
"""
_NODE_OPERATORS = {
    "is": "equal", "in": "in", "contains": "contains", "starts with": "startsWith", ">=": "greaterThanInclusive",
    "<": "lessThan",
}  # fmt: skip


def _json_rules(rules: Rules, orders: Sequence[Values]) -> tuple[list[set[int]], float]:
    """What json-rules-engine fires for the first orders, and its microseconds per order."""
    if not shutil.which("node") or not (FOLDER / "node_modules" / "json-rules-engine").exists():
        raise MissingPeer("json-rules-engine is not installed (node and npm are needed)")
    conditions = [
        [{"fact": a.field, "operator": _NODE_OPERATORS[a.operator], "value": plain(a.value)} for a in atoms]
        for atoms in rules
    ]
    request = {
        "rules": conditions, "orders": [values["plain"] for values in orders], "seconds": SECONDS, "passes": PASSES,
        "checked": CHECKED if len(rules) < 1_000 else 20,
    }  # fmt: skip
    done = subprocess.run(
        ["node", "-e", _NODE], input=json.dumps(request), capture_output=True, text=True, check=True, cwd=FOLDER
    )
    answer = json.loads(done.stdout)
    return [set(one) for one in answer["fired"]], statistics.median(answer["times"])


def _timed(fire: Fire, orders: Sequence[Values]) -> float:
    """Microseconds per order, the median of several passes."""
    times = []
    for _ in range(PASSES):
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < SECONDS and count < 4 * len(orders):
            for values in orders[(count % len(orders)) : (count % len(orders)) + 20]:
                fire(values)
            count += 20
        times.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(times)


PEERS: Mapping[str, Callable[[Rules], Fire]] = {
    "Wissel, trace included": _ours, "zen-engine, one table": _zen, "CLIPS (clipspy)": _clips, "CEL, rule by rule": _cel,
}  # fmt: skip


def measure(size: int) -> list[tuple[str, float | str]]:
    """Each engine's microseconds per order at that many rules, or why it is not there.

    Raises AssertionError when two engines do not fire the same rules.
    """
    drawn = workload.orders(workload.ORDERS)
    rules = workload.rules(size, drawn)
    orders = [_order(values) for values in drawn[:1000]]
    expected = [_ours(rules)(values) for values in orders[:CHECKED]]
    found: list[tuple[str, float | str]] = []
    for name, prepare in PEERS.items():
        try:
            fire = prepare(rules)
        except MissingPeer as missing:
            found.append((name, str(missing)))
            continue
        _agree(name, expected, [fire(values) for values in orders[:CHECKED]])
        found.append((name, _timed(fire, orders)))
    try:
        fired, took = _json_rules(rules, orders)
    except MissingPeer as missing:
        return [*found, ("json-rules-engine", str(missing))]
    _agree("json-rules-engine", expected, fired)
    return [*found, ("json-rules-engine", took)]


def _order(values: Mapping[str, Value]) -> Values:
    """One order in each engine's terms: as our facts, as plain JSON, and with a null for every field that is missing."""
    known = {name: plain(value) for name, value in values.items()}
    padded = {**dict.fromkeys((field.name for field in workload.FIELDS), None), **known}
    return {"facts": workload.facts(dict(values)), "plain": known, "padded": padded}


def _agree(name: str, expected: Sequence[set[int]], fired: Sequence[set[int]]) -> None:
    for number, (ours, theirs) in enumerate(zip(expected, fired, strict=False)):
        assert ours == theirs, f"order {number}: {name} fires {sorted(theirs)}, we fire {sorted(ours)}"


def main() -> None:
    """Print the table: microseconds per order, and how many times ours that is."""
    sys.path.append(str(FOLDER / "python"))
    print("\nThe same rules in other engines: microseconds per order (times ours). All fire the same rules.")
    for size in SIZES:
        found = measure(size)
        ours = float(found[0][1])
        print(f"  {size:,} rules")
        for name, took in found:
            shown = f"{took:>12,.0f}  x {took / ours:,.1f}" if isinstance(took, float) else f"   {took}"
            print(f"    {name:<24}{shown}", flush=True)


if __name__ == "__main__":
    main()
