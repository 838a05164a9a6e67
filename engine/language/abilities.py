"""Rules that ask a shop for what its platform cannot do are errors: nothing would ever come of them.

A rule is judged for every platform its conditions on `shop.platform` leave; one without such a condition is meant for all.
A published book that holds such a rule still decides (the shop is not told, and the trace says so), so this is looked at when
a book is checked and not when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.ast import Condition, DecisionRules, Demand, Group, Literal, LiteralList, Path, Rule
from engine.platforms import ABILITIES, PLATFORM, SHOPS
from engine.types import Problem

DECISION = "status_to_shop"
_STATUS_DEMANDS = {"set shop status": "status", "set shop payment": "payment status"}


def impossible(decisions: Mapping[str, DecisionRules]) -> Iterator[Problem]:
    """An error for each demand that some platform it is meant for cannot meet."""
    decision = decisions.get(DECISION)
    for rule in decision.rules if decision else ():
        platforms = [name for name in SHOPS if _may_hold(rule.when, name) is not False]
        for demand in rule.then:
            unable = [name for name in platforms if not _can(name, demand)]
            if unable:
                yield _problem(rule, demand, unable, platforms)


def _can(platform: str, demand: Demand) -> bool:
    if demand.outcome in _STATUS_DEMANDS:
        wanted = demand.slots.get("status")
        # A setting's value is not known here; what the shop cannot show is then noted in the trace.
        return not isinstance(wanted, Literal) or PLATFORM[platform].can(demand.outcome, str(wanted.value))
    return demand.outcome not in ABILITIES or PLATFORM[platform].can(demand.outcome)


def _may_hold(part: Condition | Group, platform: str) -> bool | None:
    """Whether the conditions are met for a shop of that platform: None when that hangs on something else."""
    if isinstance(part, Condition):
        return _holds(part, platform)
    said = [_may_hold(child, platform) for child in part.children]
    if part.kind == "all":
        return False if False in said else None if None in said else True
    if part.kind == "any":
        return True if True in said else None if None in said else False
    return False if True in said else None if None in said else True


def _holds(condition: Condition, platform: str) -> bool | None:
    left, right = condition.left, condition.right
    if not isinstance(left, Path) or (left.type, left.field) != ("shop", "platform"):
        return None
    values: Sequence[object] = ()
    if isinstance(right, Literal):
        values = (right.value,)
    elif isinstance(right, LiteralList):
        values = right.values
    else:
        return None
    if condition.operator in ("is", "in"):
        return platform in values
    return platform not in values if condition.operator in ("is not", "not in") else None


def _problem(rule: Rule, demand: Demand, unable: Sequence[str], platforms: Sequence[str]) -> Problem:
    titles = " and ".join(PLATFORM[name].title for name in unable[:2]) + (" and others" if len(unable) > 2 else "")
    wanted = demand.slots.get("status")
    if demand.outcome in _STATUS_DEMANDS and isinstance(wanted, Literal):
        message = f"{titles} cannot be told the {_STATUS_DEMANDS[demand.outcome]} {wanted.value}, which `{rule.id}` asks for."
    else:
        message = f"{titles} cannot do what `{rule.id}` asks: `{demand.outcome}`."
    place = demand.place if demand.place.line else rule.place
    return Problem(place.file, place.line, place.column, message, _hint(demand, unable, platforms))


def _hint(demand: Demand, unable: Sequence[str], platforms: Sequence[str]) -> str:
    able = [name for name in platforms if name not in unable]
    if able:
        return f"Say for which shops it is meant: `shop.platform in [{', '.join(able)}]`."
    platform = PLATFORM[unable[0]]
    known = platform.payment_statuses if demand.outcome == "set shop payment" else platform.shop_statuses
    if demand.outcome in _STATUS_DEMANDS:
        return f"{platform.title} knows: {', '.join(sorted(known)) or 'none'}."
    can = [name for name in SHOPS if _can(name, demand)]
    return f"Only {', '.join(PLATFORM[name].title for name in can)} can do that." if can else "No shop can do that."
