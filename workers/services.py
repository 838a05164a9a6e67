"""What the workers need from the rest of the house, as shapes, and where the jobs of this process find it.

`wiring` builds the real services; a worker process installs them once at its start. RQ carries ids only, so this is how
a job gets at everything else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import requests
from redis import Redis

from adapters.base import Adapter, NewEvent
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.settings import WorkerSettings


class Intake(Protocol):
    """The front door: keeps an event and decides it in one transaction."""

    def take_in(
        self,
        merchant_id: str,
        source: str,
        event: NewEvent,
        *,
        connection_id: str | None = None,
        caused_by: int | None = None,
    ) -> Any:
        """Raises store.events.EventConflict when the id was used before for other content."""
        ...

    def decide(self, merchant_id: str, event_id: str) -> Any: ...


class Services(Protocol):
    """Everything a worker process is given."""

    @property
    def worker_settings(self) -> WorkerSettings: ...
    @property
    def database(self) -> Database: ...
    @property
    def redis(self) -> Redis: ...
    @property
    def adapters(self) -> Mapping[str, Adapter]: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def bell(self) -> Bell: ...
    @property
    def http_session_factory(self) -> Callable[[], requests.Session]: ...


stopping = threading.Event()
"""Set when this process was asked to stop: finish the command under way and take no more."""

_installed: list[Services] = []


def install(services: Services) -> None:
    """Give the jobs of this process their services. Called once, when a worker process starts."""
    _installed[:] = [services]


def current() -> Services:
    """The services of this process. Raises RuntimeError in a process that is no worker."""
    if not _installed:
        raise RuntimeError("no services are installed in this process: jobs run in processes started by workers.run")
    return _installed[0]
