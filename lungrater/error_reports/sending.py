"""Which errors leave this site, and how: what is logged as an error, once, cut down to where it happened."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from django.core.exceptions import ImproperlyConfigured
from sentry_sdk.consts import EndpointType
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import BaseHttpTransport
from sentry_sdk.utils import BadDsn

from lungrater.error_reports.scrubbing import dropped, scrubbed
from outbound.transport import Bounds, api_client

# Of one report as a whole, whatever the other side does; the next ones wait in memory, QUEUE_LENGTH of them.
SENDING = Bounds(total_seconds=10.0, most_bytes=2**16, connect_seconds=3.0, read_seconds=5.0)
QUEUE_LENGTH = 50
AT_EXIT_SECONDS = 2


class Reply:
    """What the SDK asks of an answer."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers, self.data = status, headers, b""

    def close(self) -> None:
        """It was read to its end."""


class BoundedSending(BaseHttpTransport):
    """Sends in a thread of its own, by the house's client; what finds the queue full is let go."""

    def _make_pool(self) -> Any:
        """Each report makes its own connection: they are rare, and processes part after this."""
        return None

    def _request(
        self, method: str, endpoint_type: EndpointType, body: Any, headers: Mapping[str, str]
    ) -> Any:
        url = self._auth.get_api_url(endpoint_type)
        with api_client(url, SENDING) as client:
            response = client.request(method, url, content=body, headers=dict(headers))
        return Reply(response.status_code, response.headers)


def report_errors(dsn: str, *, release: str) -> None:
    """From now on, what this process logs as an error is reported there. Raises ImproperlyConfigured."""
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=release,
            transport=BoundedSending,
            transport_queue_size=QUEUE_LENGTH,
            shutdown_timeout=AT_EXIT_SECONDS,
            # Others look at requests, queries, tasks and command lines; nothing of those is to leave.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
                DedupeIntegration(),
                AtexitIntegration(callback=lambda _pending, _seconds: None),
            ],
            before_send=scrubbed,
            before_send_transaction=dropped,
            before_breadcrumb=dropped,
            max_breadcrumbs=0,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            server_name="",
            traces_sample_rate=None,
            auto_session_tracking=False,
            send_client_reports=False,
            spotlight=False,
            debug=False,
            # By naming a level, gzip; else Brotli where that happens to be installed, which not every server reads.
            _experiments={"transport_compression_level": 6},
        )
    except BadDsn as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is an address like https://KEY@sentry.example.org/1."
        ) from error
