"""Django's sessions in the database, read by a query that is made once: each request asks for its own."""

from __future__ import annotations

from django.contrib.auth import BACKEND_SESSION_KEY
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


# Sessions of sites older than the backend that stands in its place.
BACKENDS_BY_THEIR_OLD_NAMES = {
    "allauth.account.auth_backends.AuthenticationBackend": "accounts.sign_in.backend.SignInBackend"
}


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, object]:
        if "\0" in (self.session_key or ""):  # a cookie may hold it, and no row does
            self._session_key = None
            return {}
        for (data,) in STANDING.rows(key=self.session_key, now=timezone.now()):
            session = self.decode(data)
            if (old := session.get(BACKEND_SESSION_KEY)) in BACKENDS_BY_THEIR_OLD_NAMES:
                session[BACKEND_SESSION_KEY] = BACKENDS_BY_THEIR_OLD_NAMES[old]
            return session
        self._session_key = None
        return {}
