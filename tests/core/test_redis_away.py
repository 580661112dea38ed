"""Redis frozen, killed and back again: nobody waits twice, nothing that matters is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from redis import Redis

from core import limits, live, redis
from core.ids import uuid7
from tests.core.valkeys import OwnValkey


@pytest.fixture
def valkey(tmp_path: Path, settings: Any) -> Iterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    redis.forget_failure()
    yield server
    server.thaw()
    server.kill()
    redis.forget_failure()


def test_a_frozen_server_is_asked_once_and_not_by_everybody(valkey: OwnValkey) -> None:
    assert redis.run(lambda client: client.ping())
    valkey.freeze()
    asked: list[int] = []

    def ping(client: Redis) -> Any:
        asked.append(1)
        return client.ping()

    for _ in range(20):
        with pytest.raises(redis.RedisAway):
            redis.run(ping)

    assert len(asked) == 1


def test_after_a_restart_the_first_command_succeeds_although_its_connection_is_dead(
    valkey: OwnValkey,
) -> None:
    assert redis.run(lambda client: client.set("known", "1"))
    valkey.kill()
    with pytest.raises(redis.RedisAway):
        redis.run(lambda client: client.ping())
    valkey.start()
    redis.forget_failure()

    assert redis.run(lambda client: client.ping())


def test_limits_hold_in_the_process_while_the_server_is_frozen_and_in_redis_afterwards(
    valkey: OwnValkey, settings: Any
) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "3/h"}
    valkey.freeze()
    assert [limits.hit_shared("bulk", "u1") > 0 for _ in range(4)] == [False, False, False, True]

    valkey.thaw()
    redis.forget_failure()

    assert limits.hit_shared("bulk", "u1") == 0.0
    assert redis.run(lambda client: client.exists("throttle:bulk:u1")) == 1


def test_a_script_is_sent_again_to_a_server_that_forgot_it(valkey: OwnValkey, settings: Any) -> None:
    settings.CAMPUSHUB_THROTTLE_RATES = {"bulk": "2/h"}
    limits.hit_shared("bulk", "u2")
    redis.run(lambda client: client.script_flush())

    assert limits.hit_shared("bulk", "u2") == 0.0
    assert limits.hit_shared("bulk", "u2") > 0


@pytest.mark.django_db(transaction=True)
def test_news_go_through_postgresql_when_redis_is_away(valkey: OwnValkey) -> None:
    changed = uuid7()
    values = connection.settings_dict
    with psycopg.connect(
        host=values["HOST"], port=values["PORT"], user=values["USER"], password=values["PASSWORD"],
        dbname=values["NAME"], autocommit=True,
    ) as listener:  # fmt: skip
        listener.execute(f"LISTEN {live.CHANNEL}")
        valkey.kill()

        live.announce([changed])

        heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    assert heard == [str(changed)]


def test_news_go_through_redis_when_it_is_there(valkey: OwnValkey) -> None:
    changed = uuid7()
    ears = Redis.from_url(valkey.url).pubsub(ignore_subscribe_messages=True)
    ears.subscribe(live.CHANNEL)
    ears.get_message(timeout=5)

    live.announce([changed])

    heard = ears.get_message(timeout=5)
    ears.close()
    assert heard
    assert heard["data"] == str(changed).encode()
