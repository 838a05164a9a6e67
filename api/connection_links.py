"""What ties a connection to its system: its webhooks there, and which of our outlets its locations are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from api.connection_calls import Answer, ask_saved, memory_of
from api.connection_setup import saved
from api.problems import FieldError, Problem
from api.services import services
from store import audit, bindings, connections, outlets
from store.connection_memory import LOCATIONS_SEEN, SEEN_AS, WEBHOOKS_ADDRESS, WEBHOOKS_SEEN, as_seen, values_of
from store.models import Connection, Outlet
from store.terms import fold, words


def hooks_address(connection_id: str) -> str:
    """Where a system sends its webhooks for a connection."""
    return f"{services().config.public_url.rstrip('/')}/v1/hooks/{connection_id}"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What we know of a connection's webhooks. `address` is empty until they were registered from here."""

    supported: bool
    address: str
    seen_at: str | None
    topics: Sequence[Mapping[str, Any]]

    @property
    def registered(self) -> bool:
        return bool(self.address)

    @property
    def in_order(self) -> bool:
        return self.registered and bool(self.topics) and all(topic["state"] == "active" for topic in self.topics)


def webhooks_of(session: Session, row: Connection) -> Webhooks:
    """A connection's webhooks as last seen; its system is not asked."""
    adapter = services().adapters.get(row.platform)
    kept = values_of(session, row.id, (WEBHOOKS_ADDRESS, WEBHOOKS_SEEN))
    seen = kept.get(WEBHOOKS_SEEN) or {}
    return Webhooks(
        supported=adapter is not None and "register_webhooks" in adapter.capabilities.operations,
        address=str(kept.get(WEBHOOKS_ADDRESS) or ""), seen_at=seen.get("at"), topics=seen.get("data") or [],
    )  # fmt: skip


def register_webhooks(merchant_id: str, connection_id: str, who: str, reason: str = "") -> Answer:
    """Have the system send its webhooks here; from then on they are looked after. Raises Problem."""
    url = hooks_address(connection_id)
    answer = _ask(merchant_id, connection_id, "register_webhooks", {"url": url})
    memory_of(saved(merchant_id, connection_id)).put(WEBHOOKS_ADDRESS, url)
    _note(merchant_id, connection_id, who, "register webhooks", reason or url)
    return answer


def read_webhooks(merchant_id: str, connection_id: str) -> Answer:
    """Ask the system which webhooks it sends us. Raises Problem."""
    return _ask(merchant_id, connection_id, "read_webhooks", {})


def remove_webhooks(merchant_id: str, connection_id: str, who: str, reason: str = "") -> Answer:
    """Have the system send us nothing any more. Raises Problem."""
    answer = _ask(merchant_id, connection_id, "remove_webhooks", {})
    memory_of(saved(merchant_id, connection_id)).put(WEBHOOKS_ADDRESS, None)
    _note(merchant_id, connection_id, who, "remove webhooks", reason)
    return answer


def read_locations(merchant_id: str, connection_id: str) -> Answer:
    """Ask the system which locations it has. Raises Problem."""
    return _ask(merchant_id, connection_id, "read_locations", {})


def _ask(merchant_id: str, connection_id: str, operation: str, payload: Mapping[str, Any]) -> Answer:
    """Ask, and remember what was said."""
    row = saved(merchant_id, connection_id)
    answer = ask_saved(row, operation, payload)
    if not answer.ok:
        raise Problem("not-connected", answer.message, more={"kind": answer.kind, "technical": answer.detail})
    seen = as_seen(answer.data, datetime.now(UTC))
    memory_of(row).put(SEEN_AS[operation], seen)
    return Answer(answer.kind, answer.message, answer.detail, seen["data"])


@dataclass(frozen=True, slots=True)
class Link:
    """One of our outlets and what it is in the system: `linked` as kept, `proposed` when something speaks for it
    (`because`). `by_setting` says that the connection's setting `outlets` names it."""

    outlet: Outlet
    linked: str
    proposed: str
    because: str
    by_setting: str


@dataclass(frozen=True, slots=True)
class Links:
    """All of a connection's outlets. `locations` are as last seen, `seen_at` when; `gone` are linked ids that the system
    no longer names."""

    supported: bool
    seen_at: str | None
    locations: Sequence[Mapping[str, Any]]
    rows: Sequence[Link]
    gone: Sequence[str]

    @property
    def linked(self) -> int:
        return sum(bool(row.linked) for row in self.rows)

    @property
    def proposals(self) -> int:
        return sum(bool(row.proposed) for row in self.rows)


def links_of(session: Session, row: Connection) -> Links:
    """Which outlet is which location, and proposals for those that are not linked."""
    adapter = services().adapters.get(row.platform)
    seen = values_of(session, row.id, (LOCATIONS_SEEN,)).get(LOCATIONS_SEEN) or {}
    locations = [each for each in seen.get("data") or [] if each.get("external_id")]
    bound = bindings.all_of(session, row.id, "outlet")
    ours = outlets.list_all(session)
    named = row.settings.get("outlets")
    by_setting = named if isinstance(named, Mapping) else {}
    proposed = propose([each for each in ours if each.code not in bound], locations, set(bound.values()))
    known = {each["external_id"] for each in locations}
    return Links(
        supported=adapter is not None and "read_locations" in adapter.capabilities.operations,
        seen_at=seen.get("at"),
        locations=locations,
        rows=[
            Link(each, bound.get(each.code, ""), *proposed.get(each.code, ("", "")), str(by_setting.get(each.code, "")))
            for each in ours
        ],
        gone=[external for external in bound.values() if locations and external not in known],
    )


def propose(ours: Sequence[Outlet], locations: Sequence[Mapping[str, Any]], taken: set[str]) -> dict[str, tuple[str, str]]:
    """For each outlet the location that is most likely the same, and why: the strongest sign first, and by each only what
    it says of exactly one outlet and one location. What two could be equally is left to people."""
    left = {str(each["external_id"]): each for each in locations if each["external_id"] not in taken and each.get("active") is not False}
    found: dict[str, tuple[str, str]] = {}
    for sign in _SIGNS:
        theirs: dict[str, set[str]] = {}
        for external, location in left.items():
            for word in sign.theirs(location):
                theirs.setdefault(word, set()).add(external)
        pairs = {
            outlet.code: {external: word for word in sign.ours(outlet) for external in theirs.get(word, ()) if _same_country(outlet, left[external])}
            for outlet in ours
            if outlet.code not in found
        }
        claims = Counter(external for candidates in pairs.values() for external in candidates)
        for outlet in ours:
            candidates = pairs.get(outlet.code, {})
            if len(candidates) == 1:
                ((external, _),) = candidates.items()
                if claims[external] == 1:
                    found[outlet.code] = (external, sign.because(outlet, left[external]))
        for external, _ in found.values():
            left.pop(external, None)
    return found


@dataclass(frozen=True, slots=True)
class _Sign:
    """Something that speaks for an outlet being a location: the words it is looked for by on each side."""

    ours: Callable[[Outlet], set[str]]
    theirs: Callable[[Mapping[str, Any]], set[str]]
    because: Callable[[Outlet, Mapping[str, Any]], str]


def _folded(*texts: Any) -> set[str]:
    return {fold(str(text or "")) for text in texts} - {""}


def _telling(*texts: Any) -> set[str]:
    """The words of names that tell places apart."""
    return {word for text in texts for word in words(str(text or ""))} - _COMMON_WORDS


def _named(outlet: Outlet, location: Mapping[str, Any]) -> str:
    name = str(location["name"])
    return f"both are called {name}" if fold(name) == fold(outlet.name) else f"it is called {name}, which is our code"


_SIGNS = (
    _Sign(lambda o: _folded(o.code), lambda t: _folded(t.get("code")), lambda o, t: f"both have the code {o.code}"),
    _Sign(lambda o: _folded(o.name, o.code), lambda t: _folded(t.get("name")), _named),
    _Sign(lambda o: _folded(o.postcode), lambda t: _folded(t.get("postcode")), lambda o, t: f"both have the postcode {o.postcode}"),
    _Sign(lambda o: _telling(o.name, o.code), lambda t: _folded(t.get("city")), lambda o, t: f"it is in {t['city']}, which our name has too"),
    _Sign(
        lambda o: _telling(o.name, o.code),
        lambda t: _telling(t.get("name")),
        lambda o, t: f"both names have the word {max(_telling(o.name, o.code) & _telling(t.get('name')), key=len)}",
    ),
)
"""The strongest first."""


def _same_country(outlet: Outlet, location: Mapping[str, Any]) -> bool:
    country = str(location.get("country") or "")
    return len(country) != 2 or country.upper() == outlet.country.upper()


_COMMON_WORDS = frozenset({"store", "shop", "winkel", "butik", "warehouse", "magazijn", "lager", "filiaal", "the", "de", "het", "online", "outlet", "location"})


def link(merchant_id: str, connection_id: str, who: str, wanted: Mapping[str, str | None], reason: str = "") -> None:
    """Link outlets (code -> location id over there, None or empty: none). Outlets not named stay as they are. What is
    linked here no longer follows from the connection's setting `outlets`.

    Raises Problem `not-found`, or `invalid` for an unknown outlet, an unknown location or a location named twice.
    """
    saved(merchant_id, connection_id)
    with services().database.session(merchant_id) as session:
        row = connections.get(session, connection_id)
        assert row is not None
        found = links_of(session, row)
        after = {each.outlet.code: each.linked for each in found.rows} | {code: external or "" for code, external in wanted.items()}
        _check(found, wanted, after)
        before = {each.outlet.code: each.linked for each in found.rows}
        changed = {code: external for code, external in after.items() if external != before[code]}
        for code in changed:
            bindings.unbind(session, connection_id, "outlet", code)
        for code, external in changed.items():
            if external:
                bindings.bind(session, connection_id, "outlet", code, external)
        named = row.settings.get("outlets")
        if isinstance(named, Mapping) and set(named) & set(changed):
            row.settings = {**row.settings, "outlets": {code: value for code, value in named.items() if code not in changed}}
        if changed:
            what = ", ".join(f"{code}: {external or 'none'}" for code, external in changed.items())
            text = f"{reason} ({what})" if reason else what
            audit.record(session, who=who, action="link outlets", about=f"connection:{row.name}", reason=text[:500])


def _check(found: Links, wanted: Mapping[str, str | None], after: Mapping[str, str]) -> None:
    ours = {each.outlet.code for each in found.rows}
    linked = {each.linked for each in found.rows}
    known = {each["external_id"] for each in found.locations}
    errors = [FieldError(f"links.{code[:40]}", f"is none of our outlets, which are: {', '.join(sorted(ours))}") for code in wanted if code not in ours]
    for code, external in wanted.items():
        if external and external not in known and external not in linked:
            hint = "read the locations first" if not known else "choose one of those listed"
            errors.append(FieldError(f"links.{code[:40]}", f"names a location that the system does not have: {hint}"))
    used: dict[str, str] = {}
    for code, external in after.items():
        if external and external in used and code in ours:
            errors.append(FieldError(f"links.{code}", f"is the same location as that of {used[external]}: one place cannot be two outlets"))
        used.setdefault(external, code)
    if errors:
        raise Problem("invalid", f"{errors[0].field} {errors[0].message}", errors=errors)


def _note(merchant_id: str, connection_id: str, who: str, action: str, reason: str) -> None:
    with services().database.session(merchant_id) as session:
        row = connections.get(session, connection_id)
        if row is not None:
            audit.record(session, who=who, action=action, about=f"connection:{row.name}", reason=reason[:500])
