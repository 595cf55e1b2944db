"""How fast an API key may be used, kept in the database so that every worker that holds the key keeps to it."""

from __future__ import annotations

import environ
from django.db import connection
from django.utils.crypto import salted_hmac

TAKE_A_TURN = """
INSERT INTO generation_keypace (key, next_at) VALUES (%(key)s, clock_timestamp() + %(step)s * interval '1 second')
ON CONFLICT (key) DO UPDATE
SET next_at = GREATEST(generation_keypace.next_at, clock_timestamp()) + %(step)s * interval '1 second'
RETURNING EXTRACT(EPOCH FROM next_at - clock_timestamp())::float - %(step)s
"""


def per_minute() -> float:
    """OPENAI_IMAGES_PER_MINUTE: requests a minute with one key; 0, the default, leaves it to the server."""
    return max(0.0, float(environ.FileAwareEnv().float("OPENAI_IMAGES_PER_MINUTE", default=0.0)))


def seconds_until_turn(key: str) -> float:
    """Take the key's next free moment and say how long it is until then."""
    limit = per_minute()
    if not limit:
        return 0.0
    key_digest = salted_hmac("generation.images.rate_limit", key, algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(TAKE_A_TURN, {"key": key_digest, "step": 60 / limit})
        return max(0.0, float(cursor.fetchone()[0]))
