"""Django's sessions in the database, read by a query that is made once: each request asks for its own."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from accounts.prepared_query import Parameter, PreparedValues

STANDING = PreparedValues(
    lambda: (
        SessionStore.get_model_class()
        .objects.filter(
            session_key=Parameter("key", CharField()), expire_date__gt=Parameter("now", DateTimeField())
        )
        .values_list("session_data")
    )
)


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, object]:
        if "\0" in (self.session_key or ""):  # a cookie may hold it, and no row does
            self._session_key = None
            return {}
        for (data,) in STANDING.rows(key=self.session_key, now=timezone.now()):
            return self.decode(data)
        self._session_key = None
        return {}
