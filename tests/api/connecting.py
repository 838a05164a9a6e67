"""A till's sandbox to connect, and what connecting it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient

from adapters.lightspeed_retail import sandbox
from adapters.sandbox import RunningSandbox, SandboxState, running
from store import audit, connections
from store.models import Connection
from tests.api.house import Shopkeeper, token

CANARIES = {"access_token": "canary-access-5d1f", "refresh_token": "canary-refresh-77aa", "client_secret": "canary-secret-0c9e", "client_id": "canary-client-41b2"}
"""Credentials that stand out wherever they turn up."""


@dataclass
class Till:
    """A sandbox being served, and the JSON that connects it."""

    box: RunningSandbox
    credentials: Mapping[str, str] = field(default_factory=sandbox.connection_credentials)
    settings: Mapping[str, Any] = field(default_factory=lambda: sandbox.connection_settings({}))

    def wanted(self, **changes: Any) -> dict[str, Any]:
        """The body of `POST /v1/connections`."""
        base = {
            "platform": "lightspeed_retail", "name": "second-till", "base_url": self.box.url,
            "credentials": dict(self.credentials), "settings": {name: value for name, value in self.settings.items() if value},
        }  # fmt: skip
        return {**base, **changes}

    def form(self, browser: FlaskClient, **changes: str) -> dict[str, str]:
        """The same as a form."""
        wanted = self.wanted()
        fields = {"name": wanted["name"], "base_url": wanted["base_url"], "act": "test", "csrf_token": token(browser, "/connections")}
        fields |= {f"credential_{name}": value for name, value in wanted["credentials"].items()}
        fields |= {f"setting_{name}": str(value) for name, value in wanted["settings"].items() if isinstance(value, str)}
        return {**fields, **changes}

    def calls(self) -> list[str]:
        """What the till was asked, since the last time."""
        found = [f"{each.method} {each.path}" for each in self.box.state.requests()]
        self.box.state.clear_requests()
        return found


@contextmanager
def open_till(credentials: Mapping[str, str] | None = None) -> Iterator[Till]:
    """A seeded till on a free port, with credentials of its own when they are given."""
    state = SandboxState()
    sandbox.seed_demo(state)
    app = sandbox.create_app(state, webhook_retries=(0.05,))
    for name, value in (credentials or {}).items():
        state.set_setting(name, value)
    with running(app) as box:
        yield Till(box, credentials or sandbox.connection_credentials())


def connect(browser: FlaskClient, keeper: Shopkeeper, till: Till, **changes: Any) -> str:
    """Connect the till through the API; its id."""
    answer = browser.post("/v1/connections", json=till.wanted(**changes), headers=keeper.bearer)
    assert answer.status_code == 201, answer.json
    return str(answer.json["connection"]["id"])


def kept(keeper: Shopkeeper, connection_id: str) -> Connection:
    """A connection as it is stored."""
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        found = connections.get(session, connection_id)
    assert found is not None
    return found


def secrets_of(keeper: Shopkeeper, connection_id: str) -> dict[str, str]:
    """Its credentials, decrypted."""
    return keeper.house.cipher.decrypt(kept(keeper, connection_id).credentials)


def noted(keeper: Shopkeeper, action: str) -> list[str]:
    """The audit entries of one kind, newest first."""
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return [f"{row.who}: {row.about}: {row.reason}" for row in audit.entries(session, action=action)]
