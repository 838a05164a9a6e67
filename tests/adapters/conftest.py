"""What adapter tests share: a memory, a session, and sandboxes being served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from adapters.lightspeed_ecom.sandbox import create_app, seed
from adapters.sandbox import SandboxState, running
from tests.adapters.ecom import CLIENT_SECRET, METHODS, PRODUCTS, STORE, TOKEN, Ecom
from tests.adapters.inbox import Inbox, open_inbox
from tests.adapters.memory import LocalMemory


@pytest.fixture
def memory() -> LocalMemory:
    return LocalMemory()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ecom(memory: LocalMemory, http: requests.Session) -> Iterator[Ecom]:
    """An E-Series shop with `tests.adapters.ecom.PRODUCTS`, and the adapter pointed at it."""
    state = SandboxState()
    seed(state, PRODUCTS, METHODS)
    app = create_app(state, store_id=STORE, token=TOKEN, secret=CLIENT_SECRET, webhook_retries=(0.05,))
    with running(app) as box:
        yield Ecom(box, memory, http)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened
