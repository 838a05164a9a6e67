"""Random rule books, facts and settings, for properties that must hold whatever an admin writes.

`books()` draws checked rule books, `facts()` facts of the same vocabulary, `overrides()` a merchant's settings. Values
come from small pools, so that equalities, joins and conflicts do happen. All take a vocabulary and the name of a
decision; by default they use SMALL, which has a field of every type, joins, derived facts and every kind of outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from hypothesis import strategies as st

from engine.ast import (
    Aggregate,
    Book,
    Condition,
    DecisionRules,
    Demand,
    Group,
    Literal,
    LiteralList,
    Operand,
    Path,
    Rule,
)
from engine.language import load_book
from engine.language.checker import OPERATORS_OF, setting_type
from engine.language.formatter import format_decision
from engine.types import Fact, Money, Value
from engine.vocabulary import DecisionSpec, FactType, Field, OutcomeSpec, Slot, Vocabulary

_EVERY_TYPE = (
    Field("name", "text", "Text."),
    Field("other.name", "text", "More text."),
    Field("state", "enum", "A word.", ("new", "open", "done")),
    Field("kind", "enum", "Another word.", ("open", "shut")),
    Field("ready", "boolean", "A truth value."),
    Field("count", "integer", "A whole number."),
    Field("other.count", "integer", "Another whole number."),
    Field("ratio", "number", "A number."),
    Field("total", "money", "An amount."),
    Field("paid", "money", "Another amount."),
    Field("mass", "weight", "A weight."),
    Field("wait", "duration", "A duration."),
    Field("at", "moment", "A moment."),
    Field("until", "moment", "Another moment."),
    Field("day", "date", "A date."),
    Field("hour", "time", "A time of day."),
    Field("labels", "list", "A list."),
)
_DERIVED = (Field("tags", "list", "Derived.", (), True), Field("risk", "enum", "Derived.", ("low", "high"), True))
_LINKED = (
    Field("code", "text", "Joins with name."),
    Field("ready", "boolean", "A truth value."),
    Field("count", "integer", "A whole number."),
    Field("kind", "enum", "A word.", ("open", "shut")),
)

SMALL = Vocabulary(
    facts={
        "order": FactType("order", "One of it.", False, (*_EVERY_TYPE, *_DERIVED)),
        "item": FactType("item", "Some of it.", True, (*_LINKED, Field("tags", "list", "Derived.", (), True))),
        "place": FactType("place", "Some of it.", True, (*_LINKED, Field("total", "money", "An amount."))),
    },
    decisions={
        "trial": DecisionSpec("trial", "Tries everything.", ("order", "item", "place", "setting"), (
            OutcomeSpec("hold", "hold", "", "", "gate"),
            OutcomeSpec("release", "release", "", "", "gate"),
            OutcomeSpec("exclude place", "exclude place", "", "place", "exclude"),
            OutcomeSpec("prefer place", "prefer place by {points}", "", "place", "", (Slot("points", "integer"),)),
            OutcomeSpec("keep back", "keep {pieces} pieces back", "", "place", "buffer", (Slot("pieces", "integer"),)),
            OutcomeSpec("set state", "set state {state}", "", "", "state", (Slot("state", "enum", ("new", "open", "done")),)),
            OutcomeSpec("say", "say {text} after {wait}", "", "", "", (Slot("text", "text"), Slot("wait", "duration"))),
            OutcomeSpec("charge", "charge {amount} for item", "", "item", "charge", (Slot("amount", "money"),)),
            OutcomeSpec("tag order", "tag order {tag}", "", "", "", (Slot("tag", "text"),), "order.tags"),
            OutcomeSpec("tag item", "tag item {tag}", "", "item", "", (Slot("tag", "text"),), "item.tags"),
            OutcomeSpec("set order risk", "set order risk {risk}", "", "", "risk", (Slot("risk", "enum", ("low", "high")),), "order.risk"),
        )),
    },
)  # fmt: skip
"""A vocabulary with a field of every type and an outcome of every kind."""

_TEXTS = ("a", "b", "A", "ab", "1", "true", "", "two words", 'say "no: #1"', "a\\d", "tab\there", "é")
_POOLS: Mapping[str, Sequence[Value]] = {
    "text": _TEXTS,
    "boolean": (True, False),
    "integer": (-1, 0, 1, 2, 3, 1000),
    "number": tuple(Decimal(text) for text in ("-1.5", "0", "1", "1.25", "3")),
    "money": tuple(Money(minor, currency) for minor in (-50, 0, 1, 5000, 5001) for currency in ("EUR", "USD")),
    "weight": (0, 1, 500, 1000, 1500),
    "duration": (0, 1, 60, 90, 3600, 86_400, 604_800),
    "moment": (datetime(2026, 11, 22, 10, 0, tzinfo=UTC), datetime(2026, 11, 22, 10, 0, 1, 5, tzinfo=UTC)),
    "date": (date(2026, 11, 22), date(2026, 11, 23)),
    "time": (time(9), time(9, 30), time(9, 30, 5)),
    "list": ((), ("a",), ("a", "b"), ("1", "two words")),
}
PATTERNS = ("a", "a.*", "[0-9]+", r"\d", r"a\\d", '"', "(?i)a")
"""Patterns for `matches`."""
SETTINGS: Mapping[str, Value] = {
    "flag": True, "limit": 2, "share": Decimal("1.25"), "most": Money(5000, "EUR"), "word": "open", "words": ("open", "a"),
    "since": datetime(2026, 11, 22, 10, 0, tzinfo=UTC), "day": date(2026, 11, 22),
    "from": time(9, 30),
}  # fmt: skip
"""The settings every drawn decision has."""


def values_of(field: Field | Slot) -> st.SearchStrategy[Value]:
    """A value that fits a field or slot."""
    return st.sampled_from(field.values if field.type == "enum" else _POOLS[field.type])


@st.composite
def facts(draw: st.DrawFn, vocabulary: Vocabulary = SMALL, most: int = 3, odd: bool = False) -> tuple[Fact, ...]:
    """Facts of every type, singular types at most once; fields come and go. With `odd`, values may be of a wrong type."""
    drawn: list[Fact] = []
    for fact_type in vocabulary.facts.values():
        for number in range(draw(st.integers(0, most if fact_type.repeated else 1))):
            values: dict[str, Value] = {}
            for field in fact_type.fields:
                if draw(st.integers(0, 4)):
                    wrong = odd and draw(st.integers(0, 9)) == 0
                    pool = st.sampled_from(_POOLS[draw(st.sampled_from(sorted(_POOLS)))]) if wrong else values_of(field)
                    values[field.name] = draw(pool)
            drawn.append(Fact(fact_type.name, f"{fact_type.name[0]}{number}", values))
    return tuple(draw(st.permutations(drawn)))


@st.composite
def overrides(draw: st.DrawFn, wrong: bool = False) -> dict[str, Value]:
    """A merchant's own values for some of SETTINGS; with `wrong`, some of a wrong type."""
    chosen = draw(st.lists(st.sampled_from(sorted(SETTINGS)), unique=True, max_size=3))
    pools = {
        name: _POOLS[draw(st.sampled_from(sorted(_POOLS))) if wrong else setting_type(SETTINGS[name])]
        for name in chosen
    }
    return {name: draw(st.sampled_from(pool)) for name, pool in pools.items()}


@st.composite
def books(draw: st.DrawFn, vocabulary: Vocabulary = SMALL, decision: str = "trial", most: int = 6) -> Book:
    """A checked book with one decision of up to `most` rules, loaded from its text."""
    rules = draw(decisions(vocabulary, decision, most))
    return load_book({f"{decision}.yaml": format_decision(rules, vocabulary)}, vocabulary)


@st.composite
def decisions(draw: st.DrawFn, vocabulary: Vocabulary = SMALL, decision: str = "trial", most: int = 6) -> DecisionRules:
    """A decision's rules as trees, not yet loaded: `binds` and `stratum` are empty, and rules are not in agenda order.

    No rule waits for itself: rule number n asks only about tags that rules before it set, and from a drawn number on
    rules ask about risk, while those before it set it.
    """
    drawer = _RuleDrawer(draw, vocabulary, vocabulary.decisions[decision])
    count = draw(st.integers(min(1, most), most))
    risky_until = draw(st.integers(0, count))
    rules = tuple(drawer.rule(number, risky_until) for number in range(count))
    description = draw(
        st.sampled_from(("", "Plain.", "With: colon # and hash", "'quoted'", '"', "two\nlines", "- dash", "1.5"))
    )
    return DecisionRules(decision, description, SETTINGS, rules)


class _RuleDrawer:
    def __init__(self, draw: st.DrawFn, vocabulary: Vocabulary, spec: DecisionSpec) -> None:
        self.draw = draw
        self.vocabulary = vocabulary
        self.spec = spec
        self.types = [name for name in spec.sees if name != "setting"]

    def rule(self, number: int, risky_until: int) -> Rule:
        names = self.draw(st.sampled_from(("r", "s", "u")))
        row = {"table": "t", "row": number + 1, "hit": "first"} if self.draw(st.integers(0, 3)) == 0 else {}
        self.in_table = bool(row)  # rows are judged together, so that none may wait for another
        self.number, self.may_ask_risk = number, number >= risky_until and not row
        children = tuple(self.part(0) for _ in range(self.draw(st.sampled_from((0, 1, 1, 2, 3)))))
        demands = tuple(self.demand() for _ in range(self.draw(st.integers(1, 3))))
        priority = self.draw(st.sampled_from((-5, 10, 100)))
        rule_id, priority = (f"t#{number + 1}", 10) if row else (f"{names}{number}", priority)
        why = self.draw(st.sampled_from(("", "Why.")))
        return Rule(rule_id, why, priority, Group("all", children), demands, (), **row)

    def part(self, depth: int) -> Condition | Group:
        if depth < 2 and self.draw(st.integers(0, 3)) == 0:
            kind = self.draw(st.sampled_from(("all", "any", "none")))
            return Group(kind, tuple(self.part(depth + 1) for _ in range(self.draw(st.integers(1, 3)))))
        return self.condition()

    def fields(self) -> list[tuple[Path, Field]]:
        """Everything a condition may begin with."""
        known = [
            (Path(name, field.name), field)
            for name in self.types
            for field in self.vocabulary.facts[name].fields
            if not field.derived or field.type == "list" or self.may_ask_risk
        ]
        return known + [
            (Path("setting", name), Field(name, setting_type(value), "")) for name, value in SETTINGS.items()
        ]

    def total(self) -> Condition:
        """A condition about a count or a sum, which may look at other facts too."""
        name = self.draw(st.sampled_from([name for name in self.types if self.vocabulary.facts[name].repeated]))
        summed = [f for f in self.vocabulary.facts[name].fields if f.type in ("integer", "money", "weight")]
        field = self.draw(st.sampled_from([None, *summed]))
        where = tuple(self.about(name) for _ in range(self.draw(st.integers(0, 2))))
        of = Field("", field.type if field else "integer", "")
        subject = Aggregate("sum" if field else "count", name, field.name if field else "", where, of.type)
        operator = self.draw(st.sampled_from(("is", "is not", "<", ">=", "in")))
        return Condition(subject, operator, self.right(of, operator))

    def about(self, name: str) -> Condition:
        """A condition about the facts that are counted: of themselves, or compared with a fact of another type."""
        fields = [f for f in self.vocabulary.facts[name].fields if not f.derived]
        if self.draw(st.booleans()):
            field = self.draw(st.sampled_from(fields))
            others = [path for path in self.like(field) if isinstance(path, Path) and path.type not in (name, "setting")]
            if others:
                return Condition(Path(name, field.name), self.draw(st.sampled_from(("is", "is not"))), self.draw(st.sampled_from(others)))
        field = self.draw(st.sampled_from(fields))
        if self.draw(st.integers(0, 3)) == 0:
            return Condition(Path(name, field.name), self.draw(st.sampled_from(("exists", "is missing"))))
        return Condition(Path(name, field.name), "is", Literal(self.draw(values_of(field))))

    def condition(self) -> Condition:
        if self.draw(st.integers(0, 7)) == 0:
            return self.total()
        tag_fields = [path for path, field in self.fields() if field.derived and field.type == "list"]
        if self.number and tag_fields and not self.in_table and self.draw(st.integers(0, 3)) == 0:
            tag = f"t{self.draw(st.integers(0, self.number - 1))}"
            return Condition(self.draw(st.sampled_from(tag_fields)), "contains", Literal(tag))
        plain = [known for known in self.fields() if known[0] not in tag_fields]
        path, field = self.draw(st.sampled_from(plain))
        operator = self.draw(st.sampled_from(OPERATORS_OF[field.type]))
        if operator in ("exists", "is missing"):
            return Condition(path, operator)
        if operator == "between":
            low, high = sorted((self.draw(values_of(field)), self.draw(values_of(field))))
            if isinstance(low, Money) and isinstance(high, Money):
                high = Money(max(low.minor, high.minor), low.currency)
            return Condition(path, operator, Literal(low), Literal(high))
        return Condition(path, operator, self.right(field, operator))

    def right(self, field: Field, operator: str) -> Operand:
        if operator == "matches":
            return Literal(self.draw(st.sampled_from(PATTERNS)))
        if operator in ("in", "not in"):
            if field.type == "text" and self.draw(st.integers(0, 3)) == 0:
                lists = [path for path, other in self.fields() if other.type == "list" and not other.derived]
                return self.draw(st.sampled_from(lists))
            return LiteralList(tuple(self.draw(st.lists(values_of(field), min_size=1, max_size=3))))
        if operator in ("contains", "starts with"):
            field = Field(field.name, "text", "")
        if self.draw(st.booleans()):
            return Literal(self.draw(values_of(field)))
        return self.draw(st.sampled_from(self.like(field) or [Literal(self.draw(values_of(field)))]))

    def like(self, field: Field | Slot) -> list[Operand]:
        """The fields that may stand where this one does."""
        return [
            path
            for path, other in self.fields()
            if other.type == field.type and not other.derived and set(field.values) == set(other.values)
        ]

    def demand(self) -> Demand:
        allowed = [
            outcome
            for outcome in self.spec.outcomes
            if not (outcome.derives and self.in_table) and (outcome.derives != "order.risk" or not self.may_ask_risk)
        ]
        deriving = [outcome for outcome in allowed if outcome.derives]
        outcome = self.draw(st.sampled_from(deriving if deriving and self.draw(st.booleans()) else allowed))
        slots = {slot.name: self.slot(outcome, slot) for slot in outcome.slots}
        return Demand(outcome.name, slots, self.draw(st.sampled_from(("", "why", 'a "b": #c'))))

    def slot(self, outcome: OutcomeSpec, slot: Slot) -> Operand:
        if outcome.derives:
            return Literal(f"t{self.number}" if slot.type == "text" else self.draw(values_of(slot)))
        if self.draw(st.integers(0, 3)):
            return Literal(self.draw(values_of(slot)))
        return self.draw(st.sampled_from(self.like(slot) or [Literal(self.draw(values_of(slot)))]))
