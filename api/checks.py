"""What can only be checked with the database at hand: outlets that exist, currencies that agree, whose source it is."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from types import TracebackType

from api.problems import FieldError, Problem
from api.schemas.envelope import Posted
from api.schemas.fields import nearest
from api.services import services
from store import orders, setup
from store.events import OUR_SOURCE
from store.models import Connection
from store.setup import Setup


class Checks:
    """Checks over one request's events. Opens a reading session only when a check needs it, and looks once."""

    def __init__(self, merchant_id: str, stamp: str = "") -> None:
        """`stamp` is the merchant's setup stamp, when it was read with the key."""
        self._merchant_id = merchant_id
        self._stamp = stamp
        self._stack = ExitStack()

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    @cached_property
    def _setup(self) -> Setup:
        known = setup.remembered(self._merchant_id, self._stamp)
        if known is not None:
            return known
        with services().database.session(self._merchant_id, read_only=True) as session:
            return setup.of(session)

    def connection(self, source: str) -> Connection | None:
        """The connection of that name, when the sender speaks for one."""
        return self._setup.connection_by_name.get(source)

    def run(self, posted: Posted) -> None:
        """Raises Problem `invalid` naming every field that clashes with what is known."""
        errors = [*self._source(posted), *self._outlet(posted), *self._currency(posted)]
        if errors:
            raise Problem("invalid", f"{errors[0].field} {errors[0].message}.", errors=errors)

    def _source(self, posted: Posted) -> list[FieldError]:
        if posted.source.lower() == OUR_SOURCE:
            return [FieldError("source", f'may not be "{OUR_SOURCE}": that names our own events')]
        return []

    def _outlet(self, posted: Posted) -> list[FieldError]:
        data = posted.event.data
        named = {"data.outlet": data.get("outlet")}
        if "shipping_method" in data.get("order", {}):
            named["data.order.shipping_method.outlet"] = data["order"]["shipping_method"].get("outlet")
        return [
            FieldError(path, f'names no outlet of yours: "{code}".{nearest(code, self._setup.outlet_by_code)} Known: {", ".join(self._setup.outlet_by_code) or "none"}')
            for path, code in named.items()
            if code is not None and code not in self._setup.outlet_by_code
        ]

    def _currency(self, posted: Posted) -> list[FieldError]:
        currency = posted.event.data.get("currency")
        if currency is None:
            return []
        with services().database.session(self._merchant_id, read_only=True) as session:
            try:
                order = orders.by_reference(session, posted.event.data["order"])
            except (orders.UnknownOrder, orders.AmbiguousOrder):
                return []  # It may arrive later; deciding says so when it does not.
            if order.currency == currency:
                return []
            return [FieldError("data.currency", f"is {currency}, but order {order.number} is in {order.currency}")]
