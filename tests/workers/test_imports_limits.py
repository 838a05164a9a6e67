"""First imports leave head-room in the rate limit, and never slow live commands down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from adapters.base import Call, Connection, Memory, Result
from store import models
from store.flow_models import Command
from tests.workers.parts import Parts
from workers.drain import Drainer
from workers.errands import errand_for, import_share
from workers.limits import HeldBack, Holds, Meter, OwnLimit

SHOP = Connection("c", "shop", "counting", "shop", "http://127.0.0.1:9")


def meter(redis: Redis, per_minute: int = 60, share: float = 0.5) -> Meter:
    return Meter(redis, "connection-1", per_minute, longest_pause=0, background_share=share, sleep=lambda seconds: None)


def begun(one: Meter, *, background: bool) -> int:
    """How many commands of one request each may begin at once."""
    for count in range(1000):
        try:
            one.reserve(background=background)
            one.pass_through()
        except HeldBack:
            return count
    return 1000


def test_the_background_gets_its_share_evenly_and_no_more(redis_server: Redis) -> None:
    assert begun(meter(redis_server), background=True) == 2  # half of sixty a minute is one each two seconds
    with pytest.raises(HeldBack) as held:
        meter(redis_server).reserve(background=True)
    assert held.value.until - datetime.now(UTC) < timedelta(seconds=3)


def test_live_commands_may_use_all_that_the_background_left(redis_server: Redis) -> None:
    assert begun(meter(redis_server), background=True) == 2
    assert begun(meter(redis_server), background=False) == 58


def test_the_background_waits_while_live_commands_use_more_than_its_share(redis_server: Redis) -> None:
    live = meter(redis_server)
    for _ in range(30):
        live.reserve()
        live.pass_through()
    assert begun(meter(redis_server), background=True) == 0


def test_a_command_once_begun_is_not_slowed_down(redis_server: Redis) -> None:
    one = meter(redis_server)
    one.reserve(background=True)
    for _ in range(10):
        one.pass_through()
    with pytest.raises(HeldBack) as held:
        one.reserve(background=True)
    assert held.value.until - datetime.now(UTC) > timedelta(seconds=15)


def test_without_a_limit_nothing_is_held_back(redis_server: Redis) -> None:
    assert begun(meter(redis_server, per_minute=0), background=True) == 1000


@pytest.mark.parametrize(("kept", "share"), [(20, 0.2), (100, 1.0), (0, 0.5), (101, 0.5), (None, 0.5), ("all", 0.5), (True, 0.5)])
def test_the_share_is_a_setting_of_the_connection(kept: object, share: float) -> None:
    connection = Connection(SHOP.id, SHOP.name, SHOP.platform, SHOP.role, SHOP.base_url, settings={"import_percent": kept})
    assert import_share(connection) == share


def test_a_background_command_that_is_held_back_holds_back_no_live_one(
    parts: Parts, connection: models.Connection, put: Callable[..., int], look: Callable[[int], Command]
) -> None:
    parts.counting.rate_per_minute = 2
    later = [put(f"order:{number}", background=True) for number in range(4)]
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        Drainer(parts, errand).run()
        live = put("order:live")
        Drainer(parts, errand).run()
    assert look(live).status == "done"
    held = [look(command) for command in later if look(command).status == "waiting"]
    assert len(held) == 3
    assert all(command.tries == 0 and command.due_at > datetime.now(UTC) - timedelta(seconds=5) for command in held)


@pytest.mark.parametrize("background", [True, False])
def test_only_a_live_command_that_uses_up_our_own_limit_holds_its_connection_back(
    parts: Parts, connection: models.Connection, put: Callable[..., int], look: Callable[[int], Command], background: bool
) -> None:
    until = datetime.now(UTC) + timedelta(minutes=1)

    def answer(call: Call, memory: Memory, http: object) -> Result:
        raise OwnLimit("Our own rate limit for this connection is used up.", until=until)

    parts.counting.answer = answer
    tried = put("order:1", background=background)
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        Drainer(parts, errand).run()
    assert (look(tried).status, look(tried).due_at) == ("waiting", until)
    assert (Holds(parts.redis).of(connection.id) is None) == background
