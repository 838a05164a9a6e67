"""What adapter tests share: a memory, a session, and sandboxes being served."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
import requests

from adapters.lightspeed_ecom.sandbox import create_app, seed
from adapters.sandbox import SandboxState, running
from tests.adapters.ecom import CLIENT_SECRET, METHODS, PRODUCTS, STORE, TOKEN, Ecom
from tests.adapters.inbox import Inbox, open_inbox
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs import RIGS, rig_of
from tests.adapters.rigs.base import Lacks, Rig


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """What a platform does not have is no failure; the report says what it was."""
    try:
        yield
    except Lacks as lack:
        pytest.skip(str(lack))


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A fresh shop of every platform in turn: see `tests.adapters.rigs`."""
    with rig_of(request.param).open() as opened:
        yield opened


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
