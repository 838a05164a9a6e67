"""Who is calling the API, and what that key may do. People who sign in to the pages stand in `api.ui.session`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import g, request

from api.problems import Problem
from api.services import services
from store import people

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "events": frozenset({"post"}),
    "support": frozenset({"read", "repair"}),
    "admin": frozenset({"post", "read", "repair", "administer"}),
}
"""What each role of a key may do: post events, read, repair (retry, cancel, reprocess), administer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The key a request came with. Everything the request sees belongs to `merchant_id`."""

    merchant_id: str
    name: str
    role: str
    setup: str
    """The stamp of the merchant's setup when the key was looked up; see `store.setup`."""

    @property
    def who(self) -> str:
        """How the audit log names the caller."""
        return f"key {self.name}"


def states(permission: str) -> Callable[[Any], Any]:
    """Note on a view who may use it. Every view says so, and a test sees that none forgot."""

    def decorate(view: Any) -> Any:
        view.permission = permission
        return view

    return decorate


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A view that answers only keys with this permission.

    Raises Problem `no-key` (401) or `not-allowed` (403).
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @states(permission)
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.caller = _caller()
            if permission not in PERMISSIONS.get(g.caller.role, frozenset()):
                able = [role for role, permissions in PERMISSIONS.items() if permission in permissions]
                detail = f'This key has the role "{g.caller.role}"; this needs a key with the role {" or ".join(able)}.'
                raise Problem("not-allowed", detail)
            return view(*args, **kwargs)

        return guarded  # type: ignore[no-any-return]

    return decorate


def caller() -> Caller:
    """The caller of the present request; only inside a view that `requires` something."""
    found: Caller = g.caller
    return found


def _caller() -> Caller:
    scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not plain.strip():
        raise _no_key("No API key came with this request.")
    with services().database.system_session(read_only=True) as session:
        key = people.known_key(session, plain.strip())
    if key is None:
        raise _no_key("This API key is unknown or was revoked.")
    if key.use_is_due:
        with services().database.system_session() as session:
            people.find_api_key(session, plain.strip())  # A writing session notes the use.
    return Caller(key.merchant_id, key.name, key.role, key.setup)


def _no_key(detail: str) -> Problem:
    return Problem("no-key", detail, headers={"WWW-Authenticate": 'Bearer realm="wissel"'})
