"""Asking a connected system something while a person waits: the test of credentials, its webhooks, its locations.

No database session is open meanwhile. A call has a time by which it is over, whatever the system does, and only a few
are made at once, so that a slow or hostile system cannot keep the pages from everybody.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters import base
from api.services import services
from store import models
from store.columns import new_id
from store.memory import StoreMemory
from store.secrets import CannotDecrypt

log = logging.getLogger(__name__)

SECONDS = 20.0
"""How long a system may take to answer a person's question, all requests together."""

GRACE_SECONDS = 5.0
AT_ONCE = 4
AT_ONCE_PER_MERCHANT = 2
MASK = "•••"
SHORTEST_SECRET = 6

Lock = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `kind` is done, or what went wrong: unauthorised, refused, throttled (`until` when), retry
    (no answer, or trouble over there), busy (too many questions at once) or bug. `message` is the system's own words
    where it gave any, without secrets."""

    kind: str
    message: str
    detail: str = ""
    data: Any = None
    until: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.kind == "done"


@dataclass
class ScratchMemory:
    """The memory of a connection that is not saved yet, or whose new credentials are not yet trusted. What an adapter
    binds and which credentials it renews can be looked at afterwards."""

    current: dict[str, str] = field(repr=False)
    locking: Lock | None = None
    values: dict[str, Any] = field(default_factory=dict)
    pairs: dict[tuple[str, str], str] = field(default_factory=dict)

    def external(self, kind: str, ours: str) -> str | None:
        return self.pairs.get((kind, ours))

    def ours(self, kind: str, external: str) -> str | None:
        return next((ours for (of, ours), theirs in self.pairs.items() if of == kind and theirs == external), None)

    def bind(self, kind: str, ours: str, external: str) -> None:
        self.pairs[kind, ours] = external

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def put(self, key: str, value: Any) -> None:
        self.values[key] = value

    def credentials(self) -> Mapping[str, str]:
        return dict(self.current)

    def replace_credentials(self, credentials: Mapping[str, str]) -> None:
        self.current = dict(credentials)

    def lock(self, name: str) -> AbstractContextManager[None]:
        return self.locking(name) if self.locking is not None else nullcontext()


def connection_of(row: models.Connection) -> base.Connection:
    """A saved connection as adapters see it. Raises store.secrets.CannotDecrypt."""
    credentials = services().cipher.decrypt(row.credentials)
    return base.Connection(row.id, row.name, row.platform, row.role, row.base_url, credentials, dict(row.settings))


def memory_of(row: models.Connection) -> StoreMemory:
    """The memory the workers use for this connection."""
    here = services()
    return StoreMemory(here.database, row.merchant_id, row.id, here.cipher, here.redis)


def ask_saved(row: models.Connection, operation: str, payload: Mapping[str, Any] | None = None) -> Answer:
    """Ask the system of a saved connection, with its own credentials and memory. The row may be detached."""
    try:
        connection = connection_of(row)
    except CannotDecrypt as closed:
        return Answer("unauthorised", _sentence(str(closed)))
    return ask(row.merchant_id, connection, memory_of(row), operation, payload)


def ask(
    merchant_id: str, connection: base.Connection, memory: base.Memory, operation: str, payload: Mapping[str, Any] | None = None
) -> Answer:
    """Have an adapter carry out one operation now. Whatever goes wrong is in the answer; nothing is raised."""
    here = services()
    adapter = here.adapters.get(connection.platform)
    if adapter is None:
        return Answer("refused", f"There is no adapter for the platform {connection.platform!r}.")
    if operation not in adapter.capabilities.operations:
        return Answer("refused", f"{adapter.capabilities.title} cannot be asked to {operation.replace('_', ' ')}.")
    call, outbound = base.Call(operation, dict(payload or {}), new_id()), here.outbound

    def act() -> base.Result:
        with outbound.session(SECONDS) as http:
            return adapter.execute(call, connection, memory, http)

    hidden = list(connection.credentials.values())
    try:
        result = _in_time(merchant_id, act)
    except base.AdapterError as error:
        hidden += list(memory.credentials().values())
        until = error.until if isinstance(error, base.Throttled) else None
        return Answer(_kind(error), masked(error.message, hidden), masked(error.detail, hidden), until=until)
    except _Busy:
        return Answer("busy", "Other systems are being asked at the moment. Try again in half a minute.")
    except TooLong:
        return Answer("retry", f"The system did not answer within {SECONDS + GRACE_SECONDS:.0f} seconds.")
    except Exception as error:  # noqa: BLE001 (whatever an adapter throws, the person gets an answer)
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("asking a system met a bug: %s\n%s", masked(f"{type(error).__name__}: {error}", hidden), where)
        return Answer("bug", "Something broke on our side while the system was asked; it is in the log.")
    return Answer("done", masked(result.summary, hidden), data=result.data)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Text for people without any of these secrets, as they are or as they stand in an address."""
    for secret in sorted({form for each in secrets for form in (each, quote(each, safe=""))}, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


class _Busy(Exception):
    """As many questions as may be asked at once are under way."""


class _Slots:
    """How many questions are under way in this process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._of: Counter[str] = Counter()

    def take(self, merchant_id: str) -> None:
        """Raises _Busy."""
        with self._guard:
            if self._of.total() >= AT_ONCE or self._of[merchant_id] >= AT_ONCE_PER_MERCHANT:
                raise _Busy
            self._of[merchant_id] += 1

    def give_back(self, merchant_id: str) -> None:
        with self._guard:
            self._of[merchant_id] -= 1

    @contextmanager
    def held(self, merchant_id: str) -> Iterator[None]:
        try:
            yield
        finally:
            self.give_back(merchant_id)


_slots = _Slots()


def _in_time(merchant_id: str, act: Callable[[], base.Result]) -> base.Result:
    """Do it in a thread of its own and wait no longer than the time it has. One that is not over by then keeps its slot
    until its sockets time out."""
    _slots.take(merchant_id)
    future: Future[base.Result] = Future()

    def run() -> None:
        with _slots.held(merchant_id):
            try:
                future.set_result(act())
            except BaseException as error:  # noqa: BLE001 (handed to the thread that waits)
                future.set_exception(error)

    threading.Thread(target=run, name="asking", daemon=True).start()
    return future.result(SECONDS + GRACE_SECONDS)


def _kind(error: base.AdapterError) -> str:
    kinds = {base.Unauthorised: "unauthorised", base.Refused: "refused", base.Throttled: "throttled"}
    return next((word for type_, word in kinds.items() if isinstance(error, type_)), "retry")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
