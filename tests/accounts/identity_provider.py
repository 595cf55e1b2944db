"""A house's identity provider, as a process of its own: allauth's, on a database in a folder that goes with it.

`python -m tests.accounts.identity_provider FOLDER CALLBACK` prints one line of JSON once it serves, and serves until it is ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

PASSWORD = "a long enough password"
# address: (groups, whether the provider vouches for the address)
PEOPLE: dict[str, tuple[list[str], bool]] = {
    "ada@example.org": (["readers", "lungrater-researchers"], True),
    "boss@example.org": (["lungrater-admins", "lungrater-researchers"], True),
    "rita@example.org": (["readers"], True),
    "unsure@example.org": (["lungrater-admins"], False),
}
CLIENT = {"client_id": "lungrater", "secret": "the secret of the client"}


def key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def configure(folder: Path) -> None:
    apps = ["auth", "contenttypes", "sessions", "messages"]
    settings.configure(
        SECRET_KEY="the provider's own",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "people.db")}},
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in apps),
            *("allauth", "allauth.account", "allauth.idp.oidc"),
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        ACCOUNT_LOGIN_METHODS={"email"},
        ACCOUNT_EMAIL_VERIFICATION="none",
        ROOT_URLCONF="tests.accounts.identity_provider_urls",
        LOGIN_REDIRECT_URL="/",
        IDP_OIDC_PRIVATE_KEY=key(),
        IDP_OIDC_ADAPTER="tests.accounts.identity_provider_urls.GroupsAdapter",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()


def fill(callback: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for address, (groups, is_confirmed) in PEOPLE.items():
        person = User.objects.create_user(address.split("@")[0], address, PASSWORD, first_name="Pat")
        person.groups.set([Group.objects.get_or_create(name=name)[0] for name in groups])
        EmailAddress.objects.create(user=person, email=address, primary=True, verified=is_confirmed)
    client = Client(id=CLIENT["client_id"], name="LungRater", redirect_uris=callback, skip_consent=True)
    client.scopes = client.default_scopes = "openid\nprofile\nemail"
    client.set_secret(CLIENT["secret"])
    client.save()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Nothing: the test's output is its own."""


def main(folder: str, callback: str) -> None:
    configure(Path(folder))
    fill(callback)
    from django.core.wsgi import get_wsgi_application

    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", **CLIENT}) + "\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
