"""A retail workload of rules and orders: about five rules hold for one order, however many rules there are.

Rules have two to six conditions on one order: channel, countries, postcode prefixes, totals, weights, tags and the like,
drawn so that each holds for a few orders in `rules` many. All is drawn from one seed: the same on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.ast import Book, Condition, DecisionRules, Demand, Group, Literal, LiteralList, Path, Rule
from engine.types import Fact, Money, Value
from engine.vocabulary import DecisionSpec, FactType, Field, OutcomeSpec, Slot, Vocabulary

SEED = 2026
ORDERS = 20_000
"""Orders drawn, by which the rules are calibrated."""
FIRED = 6.2
"""Rules aimed at per order; narrower conditions bring it down to about five."""

Weights = dict[str, float]
CHANNELS: Weights = {
    "web": 30, "shopify": 12, "amazon": 14, "bol": 10, "zalando": 7, "ebay": 5, "pos": 8, "app": 6, "b2b": 3,
    "callcenter": 2, "tiktok": 2, "google": 1,
}  # fmt: skip
COUNTRIES: Weights = {
    "NL": 25, "DE": 20, "FR": 14, "BE": 9, "GB": 6, "ES": 5, "IT": 5, "AT": 3, "PL": 3, "SE": 2, "DK": 2, "IE": 1, "PT": 1,
    "CZ": 1, "FI": 1, "CH": 1, "LU": 0.5, "HU": 0.5, "RO": 0.5, "GR": 0.5, "SK": 0.3, "BG": 0.3, "HR": 0.3, "SI": 0.2,
    "LT": 0.2, "LV": 0.2, "EE": 0.2,
}  # fmt: skip
CURRENCIES = {"GB": "GBP", "PL": "PLN", "SE": "SEK", "DK": "DKK", "CZ": "CZK", "CH": "CHF"}
PAYMENTS: Weights = {"paid": 70, "authorized": 14, "pending": 10, "partly_refunded": 3, "refunded": 2, "voided": 1}
FULFILMENTS: Weights = {"delivery": 62, "pickup": 15, "ship_to_store": 8, "express": 9, "locker": 6}
GROUPS: Weights = {
    "retail": 60, "vip": 8, "wholesale": 6, "employee": 3, "student": 8, "press": 1, "b2b_gold": 2, "new": 12,
}  # fmt: skip
TAGS: Weights = {
    "gift": 12, "fragile": 10, "preorder": 6, "sale": 20, "bulky": 5, "hazmat": 2, "subscription": 6, "cold_chain": 2,
    "age_check": 3, "engraved": 2, **{f"campaign_{number:02}": 3 for number in range(30)},
}  # fmt: skip
TAGS_EACH: Weights = {"0": 35, "1": 30, "2": 20, "3": 10, "4": 5}
OUTLETS = [f"S{number:03}" for number in range(1, 301)]

FIELDS = (
    Field("channel", "text", "Where it was placed."),
    Field("country", "text", "Where it goes."),
    Field("currency", "text", "What it was paid in."),
    Field("payment_status", "text", "How far it is paid."),
    Field("fulfilment_type", "text", "How it gets to the customer."),
    Field("customer_group", "text", "Who ordered."),
    Field("requested_outlet", "text", "Outlet asked for."),
    Field("postcode", "text", "Postcode."),
    Field("total", "money", "What the customer pays."),
    Field("weight", "weight", "Weight."),
    Field("line_count", "integer", "Order lines."),
    Field("tags", "list", "Tags."),
)
VOCABULARY = Vocabulary(
    facts={
        "order": FactType("order", "The order.", False, FIELDS),
        "outlet": FactType("outlet", "An outlet.", True, (
            Field("country", "text", "Where it is."),
            Field("open", "boolean", "Whether it is open."),
            Field("minimum", "money", "Smallest order it takes."),
        )),
    },
    decisions={
        "handling": DecisionSpec("handling", "What is done with an order.", ("order", "outlet", "setting"), (
            OutcomeSpec("route order", "route order {route}", "", "", "route", (Slot("route", "text"),)),
            OutcomeSpec("add points", "add {points} points", "", "", "", (Slot("points", "integer"),)),
            OutcomeSpec("exclude outlet", "exclude outlet", "", "outlet", "exclude"),
        )),
    },
)  # fmt: skip


def _draw(rng: random.Random, weights: Weights) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def order(rng: random.Random) -> dict[str, Value]:
    """The values of one order."""
    country = _draw(rng, COUNTRIES)
    tags: set[str] = set()
    wanted = int(_draw(rng, TAGS_EACH))
    while len(tags) < wanted:
        tags.add(_draw(rng, TAGS))
    values: dict[str, Value] = {
        "channel": _draw(rng, CHANNELS),
        "country": country,
        "postcode": f"{rng.randrange(1000, 100_000):05}",
        "currency": CURRENCIES.get(country, "EUR"),
        "payment_status": _draw(rng, PAYMENTS),
        "fulfilment_type": _draw(rng, FULFILMENTS),
        "customer_group": _draw(rng, GROUPS),
        "line_count": min(50, 1 + int(rng.expovariate(0.5))),
        "total": Money(min(900_000, int(100 * rng.lognormvariate(4.2, 0.9))) + 1, "EUR"),
        "weight": min(400_000, int(1000 * rng.lognormvariate(0.9, 1.0))) + 10,
        "tags": tuple(sorted(tags)),
    }
    if rng.random() < 0.35:
        values["requested_outlet"] = rng.choice(OUTLETS)
    return values


def orders(count: int, seed: int = SEED) -> list[dict[str, Value]]:
    """That many orders."""
    rng = random.Random(seed)
    return [order(rng) for _ in range(count)]


@dataclass(frozen=True)
class Atom:
    """One condition on an order."""

    field: str
    operator: str
    value: Value

    @property
    def aspect(self) -> tuple[str, str]:
        """What a rule has at most one condition about: a field, or one end of its range."""
        return self.field, self.operator if self.operator in (">=", "<") else ""

    def condition(self) -> Condition:
        right = LiteralList(self.value) if self.operator == "in" else Literal(self.value)  # type: ignore[arg-type]
        return Condition(Path("order", self.field), self.operator, right)


def _money(*euros: float) -> list[Money]:
    return [Money(int(100 * amount), "EUR") for amount in euros]


def _some(rng: random.Random, pool: Sequence[str], least: int, most: int, own: Value) -> tuple[str, ...]:
    return tuple(sorted({*rng.sample(pool, rng.randint(least, most)), str(own)}))


def _own(field: str) -> Callable[[random.Random, dict[str, Value]], Atom]:
    return lambda rng, values: Atom(field, "is", values.get(field, "S001"))


_ATOMS: list[tuple[float, Callable[[random.Random, dict[str, Value]], Atom]]] = [
    (20, _own("channel")),
    (16, _own("country")),
    (10, lambda rng, v: Atom("country", "in", _some(rng, list(COUNTRIES), 2, 6, v["country"]))),
    (3, _own("currency")),
    (8, _own("payment_status")),
    (10, _own("fulfilment_type")),
    (9, _own("customer_group")),
    (5, _own("requested_outlet")),
    (9, lambda rng, v: Atom("postcode", "starts with", str(v["postcode"])[: rng.choice((1, 1, 2, 2, 3))])),
    (14, lambda rng, v: Atom("total", ">=", rng.choice([*_money(20, 50, 75, 100, 150, 250, 500), v["total"]]))),
    (9, lambda rng, v: Atom("total", "<", rng.choice([*_money(30, 50, 100, 200, 400), v["total"]]))),
    (8, lambda rng, v: Atom("weight", ">=", rng.choice([1000, 2000, 5000, 10_000, 20_000, v["weight"]]))),
    (6, lambda rng, v: Atom("weight", "<", rng.choice([1000, 2000, 5000, 10_000, 30_000, v["weight"]]))),
    (5, lambda rng, v: Atom("line_count", ">=", rng.randint(2, 6))),
    (4, lambda rng, v: Atom("line_count", "<", rng.randint(2, 10))),
    (14, lambda rng, v: Atom("tags", "contains", _draw(rng, TAGS))),
    (4, lambda rng, v: Atom("channel", "in", _some(rng, list(CHANNELS), 1, 3, v["channel"]))),
]
_WEIGHTS, _MAKERS = [weight for weight, _ in _ATOMS], [make for _, make in _ATOMS]


class _Columns:
    """All orders by field, to see in one go how many of them a condition holds for."""

    def __init__(self, drawn: Sequence[dict[str, Value]]) -> None:
        self.drawn = drawn
        texts = [f.name for f in FIELDS if f.type == "text"]
        self._fields = {name: np.array([values.get(name, "") for values in drawn]) for name in texts}
        self._fields["total"] = np.array([values["total"].minor for values in drawn])  # type: ignore[union-attr]
        for name in ("weight", "line_count"):
            self._fields[name] = np.array([values[name] for values in drawn])
        self._postcodes = self._fields["postcode"].astype(int)
        self._tags = {tag: np.array([tag in values["tags"] for values in drawn]) for tag in TAGS}  # type: ignore[operator]
        self._known: dict[Atom, Any] = {}

    def holds(self, atom: Atom) -> Any:
        """For which orders a condition holds."""
        if atom not in self._known:
            self._known[atom] = self._holds(atom)
        return self._known[atom]

    def _holds(self, atom: Atom) -> Any:
        column: Any = self._fields.get(atom.field)
        wanted = atom.value
        if isinstance(wanted, Money):
            wanted = wanted.minor
        match atom.operator:
            case "in":
                return np.isin(column, wanted)  # type: ignore[arg-type]
            case ">=":
                return column >= wanted
            case "<":
                return column < wanted
            case "starts with":
                return self._postcodes // 10 ** (5 - len(str(wanted))) == int(str(wanted))
            case "contains":
                return self._tags[str(wanted)]
        return column == wanted


def rules(count: int, drawn: Sequence[dict[str, Value]], seed: int = SEED) -> list[tuple[Atom, ...]]:
    """That many rules, as conditions that must all hold."""
    rng, columns, target = random.Random(seed + count), _Columns(drawn), FIRED / count
    found: list[tuple[Atom, ...]] = []
    while len(found) < count:
        atoms, share = _rule(rng, columns, target)
        if 0.2 * target <= share <= 2.4 * target and (count < 100 or any(a.operator not in (">=", "<") for a in atoms)):
            found.append(atoms)
    return found


def _rule(rng: random.Random, columns: _Columns, target: float) -> tuple[tuple[Atom, ...], float]:
    """One rule, and the share of orders it holds for. No condition is idle, none leaves next to nothing."""
    atoms: list[Atom] = []
    held, share = np.ones(len(columns.drawn), bool), 1.0
    for _ in range(12):
        atom = rng.choices(_MAKERS, _WEIGHTS)[0](rng, rng.choice(columns.drawn))
        if atom.aspect in {one.aspect for one in atoms}:
            continue
        now = held & columns.holds(atom)
        left = np.count_nonzero(now) / len(now)
        if left < 0.2 * target or (atoms and left > 0.97 * share):
            continue
        atoms, held, share = [*atoms, atom], now, left
        if share <= 1.6 * target or len(atoms) == 6:
            break
    return tuple(atoms), share if atoms else 0.0


def book(drawn: Sequence[tuple[Atom, ...]], joins: int = 0) -> Book:
    """A rule book of these rules, and that many rules that join the order with each outlet."""
    made = [
        Rule(f"r{number:05}", "", 10 * (number % 7), Group("all", tuple(atom.condition() for atom in atoms)),
             (_demand(number),), ("order",))
        for number, atoms in enumerate(drawn)
    ]  # fmt: skip
    made += [_join(number, drawn[number % len(drawn)][0]) for number in range(joins)]
    made.sort(key=lambda rule: (rule.priority, rule.id))
    return Book("", {"handling": DecisionRules("handling", "", {}, tuple(made))})


def _demand(number: int) -> Demand:
    if number % 2:
        return Demand("add points", {"points": Literal(number % 50)}, "it matched")
    return Demand("route order", {"route": Literal(f"route {number % 9}")})


def _join(number: int, first: Atom) -> Rule:
    abroad = Condition(Path("outlet", "country"), "is not", Path("order", "country"))
    small = Condition(Path("order", "total"), "<", Path("outlet", "minimum"))
    when = Group("all", (first.condition(), abroad if number % 2 else small))
    return Rule(f"j{number:05}", "", 50, when, (Demand("exclude outlet", {}),), ("order", "outlet"))


def facts(values: dict[str, Value], outlets: int = 0) -> tuple[Fact, ...]:
    """One order as facts, beside that many outlets."""
    places = list(COUNTRIES)
    beside = (
        Fact("outlet", f"x{n:03}", {"country": places[n % 4], "open": True, "minimum": Money(1000 * (n % 30), "EUR")})
        for n in range(outlets)
    )
    return (Fact("order", "o1", values), *beside)
