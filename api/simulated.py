"""Results of simulations as lists and figures for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from store import rule_jobs
from store.rule_job_models import RuleJob

Position = Sequence[int]
"""[part, how many of its changes were shown]."""
BEGINNING: Position = (1, 0)


class Page(NamedTuple):
    """Some changed decisions, and where the next page begins (None at the end)."""

    items: list[dict[str, Any]]
    following: Position | None


def changes(session: Session, job: RuleJob, position: Position, limit: int, rule: str = "") -> Page:
    """Changed decisions from a position on, only those that `rule` made different if it is given."""
    sizes: Sequence[int] = (job.result or {}).get("pages") or ()
    number, skip = position
    items: list[dict[str, Any]] = []
    while number <= len(sizes):
        content = rule_jobs.part(session, job.id, number) if sizes[number - 1] > skip else None
        for index, changed in enumerate(content["changed"] if content else ()):
            if index < skip or (rule and all(cause[1] != rule for cause in changed["causes"])):
                continue
            if len(items) == limit:
                return Page(items, (number, index))
            items.append({**changed, "part": number})
        number, skip = number + 1, 0
    return Page(items, None)


def change(session: Session, job: RuleJob, decision_id: str, number: int) -> dict[str, Any] | None:
    """One changed decision of a part, or None."""
    content: Mapping[str, Any] = rule_jobs.part(session, job.id, number) or {}
    return next((changed for changed in content.get("changed", ()) if changed["decision"] == decision_id), None)


class Figure(NamedTuple):
    """One figure before and after: as numbers, and as people read them. `unit` is percent, number (one decimal) or
    count."""

    name: str
    before: float
    after: float
    unit: str = "count"
    most: float = 0
    """What a full bar stands for; 0: the larger of the two."""

    @property
    def text(self) -> tuple[str, str, str]:
        """Before, after and the change, each as text."""
        change = self.after - self.before
        sign = "+" if change > 0 else "−" if change < 0 else "±"
        return self._words(self.before), self._words(self.after), sign + self._words(abs(change), is_change=True)

    @property
    def share(self) -> tuple[float, float]:
        """Before and after as shares of a full bar, in percent, for a picture."""
        most = self.most or max(self.before, self.after)
        return (100 * self.before / most, 100 * self.after / most) if most else (0.0, 0.0)

    def _words(self, value: float, *, is_change: bool = False) -> str:
        if self.unit == "percent":
            return f"{value:.1f} {'points' if is_change else '%'}"
        return f"{value:.2f}" if self.unit == "number" else f"{value:,.0f}"

    @property
    def differs(self) -> bool:
        return self.text[0] != self.text[1]


def key_figures(result: Mapping[str, Any]) -> list[Figure]:
    """What becomes of the orders that were taken in or sourced in the period."""
    before, after = result["figures"]["sides"]
    states = [side["states"] for side in (before, after)]

    def pair(name: str, what: str) -> Figure:
        return Figure(name, before[what], after[what])

    return [
        Figure("Split rate", _percent(before["split"], before["sourced"]), _percent(after["split"], after["sourced"]), "percent"),
        Figure("Parcels per order", _ratio(before["parcels"], before["delivered"]), _ratio(after["parcels"], after["delivered"]), "number"),
        pair("Orders sourced", "sourced"),
        Figure("Orders held", states[0].get("held", 0), states[1].get("held", 0)),
        Figure("Orders ignored", states[0].get("ignored", 0), states[1].get("ignored", 0)),
        pair("Units back-ordered", "unfilled"),
    ]


def outlet_figures(result: Mapping[str, Any]) -> list[Figure]:
    """Orders that each outlet takes part in."""
    before, after = (side["outlets"] for side in result["figures"]["sides"])
    return _together({code: (before.get(code, 0), after.get(code, 0)) for code in sorted({*before, *after})})


def told_figures(result: Mapping[str, Any]) -> list[tuple[str, list[Figure]]]:
    """What other systems are told, by decision."""
    return [
        (decision, _together(counts))
        for decision, counts in result["figures"]["told"].items()
    ]


def outcome_figures(result: Mapping[str, Any]) -> list[tuple[str, list[Figure]]]:
    """In how many answers of each decision each outcome stands."""
    return [
        (decision, _together(counts))
        for decision, counts in result["figures"]["outcomes"].items()
    ]


def _together(counts: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Figures of one kind, drawn to one scale."""
    most = max((value for pair in counts.values() for value in pair), default=0)
    return [Figure(name, before, after, most=most) for name, (before, after) in counts.items()]


def headline(result: Mapping[str, Any]) -> str:
    """The result in one sentence."""
    counts, figures = result["counts"], result["figures"]
    orders, changed = figures["seen"], counts["changed_orders"]
    if not orders:
        return f"Of {counts.get('asked', 0):,} decisions {counts['changed']:,} would have been taken differently."
    split = key_figures(result)[0]
    more = f"; split rate {split.text[0]} → {split.text[1]}" if figures["orders"] else ""
    noun = "order" if orders == 1 else "orders"
    return f"Of {orders:,} {noun} {changed or 'none'} would have been decided differently{more}."


def _percent(part: float, whole: float) -> float:
    return 100 * _ratio(part, whole)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
