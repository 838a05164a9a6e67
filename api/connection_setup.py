"""Adding, changing and removing connections, for the API and the pages alike: everything is checked, tried on the system
itself before it is kept, and noted in the audit log without any secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from redis import RedisError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from adapters import base
from adapters.base import Adapter, Capabilities
from adapters.outbound import BadAddress
from api import connection_settings
from api.connection_calls import Answer, ScratchMemory, ask, ask_saved, memory_of
from api.problems import FieldError, Problem
from api.services import services
from store import audit, bindings, connections
from store.columns import new_id
from store.connection_memory import WEBHOOKS_ADDRESS
from store.models import Connection
from store.secrets import CannotDecrypt

DRAFT = "Not started: its credentials were not tested yet."
"""Why a draft is paused. It is started by a test that succeeds."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MOST_CHARACTERS = 4_000
HOLD_KEY = "wissel:hold:{}"
"""Where the workers remember in Redis that a connection is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection as somebody wants it, checked but not tried."""

    adapter: Adapter
    name: str
    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any]

    @property
    def capabilities(self) -> Capabilities:
        return self.adapter.capabilities


def adapter_of(platform: str) -> Adapter:
    """The adapter of a platform. Raises Problem `not-found`."""
    found = services().adapters.get(platform)
    if found is None:
        there = ", ".join(sorted(services().adapters))
        raise Problem("not-found", f"There is no platform {platform[:40]!r}. There are: {there}.")
    return found


def add(merchant_id: str, who: str, wanted: Wanted, *, draft: bool = False, reason: str = "") -> tuple[Connection, Answer | None]:
    """Keep a new connection: active when the system takes its credentials, or paused and untried as a draft.

    Raises Problem `conflict` for a name that is taken or a system that is connected already, `not-connected` when the
    system does not take it.
    """
    with services().database.session(merchant_id, read_only=True) as session:
        _check_name_is_free(session, wanted.name)
        _check_not_connected(session, wanted.capabilities, wanted.base_url, {**wanted.settings, **wanted.credentials})
    memory = ScratchMemory(dict(wanted.credentials))
    answer = None
    if not draft:
        answer = ask(merchant_id, _candidate(wanted), memory, "check")
        _must_be_ok(answer)
    with services().database.session(merchant_id) as session:
        try:
            row = connections.add(
                session, name=wanted.name, platform=wanted.capabilities.platform, role=wanted.capabilities.role,
                base_url=wanted.base_url, credentials=memory.credentials(), settings=wanted.settings, cipher=services().cipher,
            )  # fmt: skip
        except (connections.NameTaken, IntegrityError):
            raise _taken(wanted.name) from None
        for (kind, ours), theirs in memory.pairs.items():
            bindings.bind(session, row.id, kind, ours, theirs)
        if draft:
            connections.pause(session, row, DRAFT)
        what = f"{wanted.capabilities.title} at {wanted.base_url}, {'as a draft' if draft else 'tested'}"
        _note(session, who, "add connection", row, reason, what)
    return row, answer


def change(
    merchant_id: str, connection_id: str, who: str, *, base_url: str | None = None, settings: Mapping[str, Any] | None = None, reason: str = ""
) -> Connection:
    """Keep another address or other settings (already checked). At another address the system is asked first.

    Raises Problem `not-found`, `conflict` for an archived one, `not-connected`.
    """
    row = saved(merchant_id, connection_id)
    settings = dict(row.settings) if settings is None else {**_foreign(row), **settings}
    base_url = row.base_url if base_url is None else base_url
    if base_url != row.base_url:
        with services().database.session(merchant_id, read_only=True) as session:
            known = {**settings, **_credentials(row, missing_is_empty=True)}
            _check_not_connected(session, adapter_of(row.platform).capabilities, base_url, known, but=row.id)
    if base_url != row.base_url and row.paused_reason != DRAFT:
        there = base.Connection(row.id, row.name, row.platform, row.role, base_url, _credentials(row), settings)
        _must_be_ok(_tried(row, there, {}))
    with services().database.session(merchant_id) as session:
        kept = _get(session, connection_id)
        changes = [name for name in sorted({*kept.settings, *settings}) if kept.settings.get(name) != settings.get(name)]
        what = [f"address {base_url}"] if base_url != kept.base_url else []
        what += [f"settings {', '.join(changes)}"] if changes else []
        kept.base_url, kept.settings = base_url, settings
        if what:
            _note(session, who, "change connection", kept, reason, "; ".join(what))
    return kept


def test(merchant_id: str, connection_id: str, who: str, *, resume: bool = False, reason: str = "") -> Answer:
    """Ask the system whether it takes the credentials we have. With `resume` a paused connection is started when it does.

    Raises Problem `not-found`, `conflict`, `not-connected`.
    """
    row = saved(merchant_id, connection_id)
    answer = ask_saved(row, "check")
    _must_be_ok(answer)
    if resume:
        start(merchant_id, connection_id, who, reason or "tested")
    return answer


def rotate(
    merchant_id: str, connection_id: str, who: str, given: Mapping[str, str], *, cleared: Iterable[str] = (), resume: bool = False,
    reason: str = "",
) -> Answer:
    """Put new credentials in place of old ones once the system takes them. Those not given stay; optional ones can be
    cleared. A draft's are kept untried.

    Raises Problem `not-found`, `conflict`, `invalid`, `not-connected`.
    """
    row = saved(merchant_id, connection_id)
    capabilities = adapter_of(row.platform).capabilities
    given = {name: value for name, value in given.items() if value}
    cleared = [name for name in cleared if name in capabilities.optional_credentials and name not in given]
    if not given and not cleared:
        raise Problem("invalid", "No new credentials were given.", errors=[FieldError("credentials", "are missing: give at least one")])
    merged = {name: value for name, value in {**_credentials(row, missing_is_empty=True), **given}.items() if name not in cleared}
    changed = sorted({*given, *cleared})
    if row.paused_reason == DRAFT and not resume:
        _keep_credentials(merchant_id, connection_id, who, merged, changed, reason)
        return Answer("done", "Kept untried: this connection is a draft.")
    candidate = base.Connection(row.id, row.name, row.platform, row.role, row.base_url, merged, dict(row.settings))
    answer = _tried(row, candidate, given, lambda fresh: _keep_credentials(merchant_id, connection_id, who, fresh, changed, reason))
    _must_be_ok(answer)
    if resume and row.state == "paused":
        start(merchant_id, connection_id, who, reason or "new credentials")
    return answer


def _tried(row: Connection, candidate: base.Connection, given: Mapping[str, str], keep: Any = None) -> Answer:
    """Try a changed connection on its system. Credentials that the system renewed meanwhile are kept in any case, since
    the old ones are worth nothing from then on."""
    store = memory_of(row)
    memory = ScratchMemory(dict(candidate.credentials), store.lock)
    answer = ask(row.merchant_id, candidate, memory, "check")
    fresh = memory.credentials()
    if answer.ok and keep is not None:
        keep(fresh)
    elif fresh != candidate.credentials:
        renewed = {name: value for name, value in fresh.items() if value != candidate.credentials.get(name) and name not in given}
        store.replace_credentials({**store.credentials(), **renewed})
    return answer


def _keep_credentials(
    merchant_id: str, connection_id: str, who: str, credentials: Mapping[str, str], changed: Iterable[str], reason: str
) -> None:
    with services().database.session(merchant_id) as session:
        row = _get(session, connection_id)
        connections.set_credentials(row, credentials, services().cipher)
        _note(session, who, "rotate credentials", row, reason, f"credentials {', '.join(changed)}")


def start(merchant_id: str, connection_id: str, who: str, reason: str) -> None:
    """Send to a connection again, at once: whatever held it up is forgotten. Raises Problem `not-found`, `conflict`."""
    with services().database.session(merchant_id) as session:
        row = _get(session, connection_id)
        if row.state == "paused":
            connections.resume(session, row)
            _note(session, who, "resume connection", row, reason)
    with suppress(RedisError):
        services().redis.delete(HOLD_KEY.format(connection_id))
    services().bell.ring([connection_id])


def archive(merchant_id: str, connection_id: str, who: str, reason: str = "") -> str:
    """Keep a connection for its history only. Its webhooks are taken away at the system, when that still answers.
    Returns a sentence about what became of those and of the commands that waited. Raises Problem `not-found`, `conflict`."""
    row = saved(merchant_id, connection_id)
    said = _without_webhooks(row)
    with services().database.session(merchant_id) as session:
        kept = _get(session, connection_id)
        given_up = connections.archive(session, kept, reason or f"archived by {who}")
        _note(session, who, "archive connection", kept, reason, f"{given_up} waiting commands given up")
    return f"{row.name} is archived; {given_up} commands that waited were given up.{said}"


def restore(merchant_id: str, connection_id: str, who: str, reason: str = "") -> Connection:
    """Make a draft of an archived connection: it needs credentials and a test before it starts. Raises Problem
    `not-found`, `conflict`."""
    with services().database.session(merchant_id) as session:
        row = connections.get(session, connection_id)
        if row is None:
            raise _unknown(connection_id)
        if row.state != connections.ARCHIVED:
            raise Problem("conflict", f"{row.name} is not archived.")
        _check_not_connected(session, adapter_of(row.platform).capabilities, row.base_url, row.settings, but=row.id)
        connections.pause(session, row, DRAFT)
        _note(session, who, "restore connection", row, reason)
    return row


def remove(merchant_id: str, connection_id: str, who: str, reason: str = "") -> None:
    """Delete a connection that nothing depends on. Raises Problem `not-found`, or `conflict` with what does."""
    row = saved(merchant_id, connection_id, archived=True)
    with services().database.session(merchant_id, read_only=True) as session:
        found = connections.dependents(session, connection_id)
    if row.state != "active" and not found:
        _without_webhooks(row)
    with services().database.session(merchant_id) as session:
        kept = connections.get(session, connection_id)
        if kept is None:
            raise _unknown(connection_id)
        try:
            connections.remove(session, kept)
        except connections.InUse as used:
            raise Problem("conflict", f"{row.name} cannot be removed: {used}.") from None
        _note(session, who, "remove connection", row, reason)


def saved(merchant_id: str, connection_id: str, *, archived: bool = False) -> Connection:
    """A connection as it is now, detached. Raises Problem `not-found`, or `conflict` for an archived one."""
    with services().database.session(merchant_id, read_only=True) as session:
        return _get(session, connection_id, archived=archived)


def read_wanted(
    adapter: Adapter, name: str, base_url: str, credentials: Mapping[str, str], settings: Mapping[str, Any],
    errors: list[FieldError], *, draft: bool,
) -> Wanted:
    """Check what was given; `settings` were checked already, with `errors`. Raises Problem `invalid` with every error."""
    capabilities = adapter.capabilities
    found = list(errors)
    if not NAME.fullmatch(name):
        found.append(FieldError("name", "must be 1 to 40 small letters, digits, - or _, and begin with a letter or digit"))
    try:
        base_url = check_address(capabilities, base_url)
    except BadAddress as bad:
        found.append(FieldError("base_url", str(bad)))
    clean, wrong = read_credentials(capabilities, credentials)
    found += wrong
    if not draft:
        missing = [each for each in capabilities.credentials if each not in capabilities.optional_credentials and not clean.get(each)]
        refused = {error.field for error in wrong}
        found += [FieldError(f"credentials.{each}", "is missing") for each in missing if f"credentials.{each}" not in refused]
    if found:
        raise invalid(found)
    return Wanted(adapter, name, base_url, clean, settings)


def check_address(capabilities: Capabilities, base_url: str) -> str:
    """The base URL to keep: the one given, or the platform's own. Raises BadAddress."""
    return services().outbound.check(base_url.strip() or capabilities.default_base_url)


def read_credentials(capabilities: Capabilities, given: Mapping[str, Any]) -> tuple[dict[str, str], list[FieldError]]:
    """The credentials given, without space around them, and what is wrong. No message repeats a value."""
    clean: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, value in given.items():
        where = f"credentials.{str(name)[:60]}"
        if name not in capabilities.credentials:
            known = ", ".join(capabilities.credentials)
            errors.append(FieldError(where, f"is no credential of {capabilities.title}, which has: {known}"))
        elif not isinstance(value, str):
            errors.append(FieldError(where, "must be a text"))
        elif len(value) > MOST_CHARACTERS:
            errors.append(FieldError(where, f"is longer than {MOST_CHARACTERS:,} characters"))
        elif any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in value.strip()):
            errors.append(FieldError(where, "holds a line break or another character that no credential has: copy it again"))
        elif value.strip():
            clean[name] = value.strip()
    return clean, errors


def invalid(errors: list[FieldError]) -> Problem:
    """The problem that lists these errors."""
    return Problem("invalid", f"{errors[0].field} {errors[0].message}", errors=errors)


def _candidate(wanted: Wanted) -> base.Connection:
    caps = wanted.capabilities
    return base.Connection(new_id(), wanted.name, caps.platform, caps.role, wanted.base_url, wanted.credentials, dict(wanted.settings))


def _must_be_ok(answer: Answer) -> None:
    if not answer.ok:
        more: dict[str, object] = {"kind": answer.kind, "technical": answer.detail}
        raise Problem("not-connected", answer.message, more=more)


def _foreign(row: Connection) -> dict[str, Any]:
    """Settings that no form knows, such as those of an older version of the adapter: they stay."""
    known = {setting.name for setting in connection_settings.settings_of(adapter_of(row.platform).capabilities)}
    return {name: value for name, value in row.settings.items() if name not in known}


def _credentials(row: Connection, *, missing_is_empty: bool = False) -> dict[str, str]:
    try:
        return services().cipher.decrypt(row.credentials)
    except CannotDecrypt as closed:
        if missing_is_empty:
            return {}
        raise Problem("conflict", f"{row.name}: {closed}.") from None


def _without_webhooks(row: Connection) -> str:
    """Have the system send nothing any more; a sentence when it could not be told."""
    adapter = services().adapters.get(row.platform)
    wanted = memory_of(row).get(WEBHOOKS_ADDRESS)
    if adapter is None or not wanted or "remove_webhooks" not in adapter.capabilities.operations:
        return ""
    answer = ask_saved(row, "remove_webhooks")
    return "" if answer.ok else f" Its webhooks could not be removed there: {answer.message}"


def _get(session: Session, connection_id: str, *, archived: bool = False) -> Connection:
    row = connections.get(session, connection_id)
    if row is None:
        raise _unknown(connection_id)
    if row.state == connections.ARCHIVED and not archived:
        raise Problem("conflict", f"{row.name} is archived: restore it first.")
    return row


def _unknown(connection_id: str) -> Problem:
    return Problem("not-found", f"There is no connection {connection_id[:40]}.")


def _check_name_is_free(session: Session, name: str) -> None:
    if any(row.name == name for row in connections.list_all(session, archived=True)):
        raise _taken(name)


def _check_not_connected(session: Session, capabilities: Capabilities, base_url: str, known: Mapping[str, Any], but: str = "") -> None:
    """A system connected twice would have each of its orders sent twice, and one connected anew those that were still open.
    `known` holds the settings and credentials; `but` is the connection that is changed itself."""
    for row in connections.list_all(session, archived=not but):
        if (row.platform, row.base_url) != (capabilities.platform, base_url) or row.id == but:
            continue
        theirs = {**row.settings, **_credentials(row, missing_is_empty=True)}
        if all(known.get(name) == theirs.get(name) for name in capabilities.told_apart_by):
            raise _connected(row)


def _connected(row: Connection) -> Problem:
    if row.state == connections.ARCHIVED:
        field = f"is the address of {row.name}, which is archived: restore that"
        detail = f"This system was connected as {row.name}, which is archived. Restore that one: it knows which orders were taken in, a new one would take those that are open in once more."
    else:
        field = f"is the address of {row.name}, which is connected already"
        detail = f"This system is connected already, as {row.name}: twice, each of its orders would be sent twice."
    return Problem("conflict", detail, errors=[FieldError("base_url", field)])


def _taken(name: str) -> Problem:
    detail = f"There is a connection {name} already, perhaps an archived one. Choose another name."
    return Problem("conflict", detail, errors=[FieldError("name", "is taken, perhaps by an archived connection")])


def _note(session: Session, who: str, action: str, row: Connection, reason: str, what: str = "") -> None:
    text = f"{reason} ({what})" if reason and what else reason or what
    audit.record(session, who=who, action=action, about=f"connection:{row.name}", reason=text[:500])
