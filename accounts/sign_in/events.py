"""Signing in and out, failures, and changes of what one signs in with: each is an event of the site's log."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa import signals as mfa
from django.contrib.auth import signals as auth
from django.dispatch import Signal
from django.http import HttpRequest

from accounts.models import User
from audit import record
from audit.actors import stranger

# A code that was mailed, and a provider that vouches for the address it gives.
CONFIRMING = frozenset({"code", "socialaccount"})


def signed_in(*, user: Any, request: HttpRequest, **_: Any) -> None:
    session = getattr(request, "session", {})
    methods = [str(each.get("method")) for each in session.get("account_authentication_methods", [])]
    record(user, user, "signed in", by=methods)
    if not CONFIRMING.isdisjoint(methods):
        user.confirm_address()


def signed_out(*, user: Any, **_: Any) -> None:
    if user is not None:
        record(user, user, "signed out")


def failed(*, credentials: dict[str, object], **_: Any) -> None:
    """The address that was typed stands there as a text, which can be redacted; a password never does."""
    address = str(credentials.get("email") or credentials.get("username") or "")[:254]
    person = User.objects.filter(email__iexact=address).first() if address else None
    record(person, stranger(address), "failed to sign in")


ADDRESS_CHANGED = "changed the address"

# What a person may change of how they sign in, as the log names it.
CHANGES: dict[Signal, str] = {
    account.password_set: "set a password",
    account.password_changed: "changed the password",
    account.password_reset: "reset the password",
    account.email_changed: ADDRESS_CHANGED,
    mfa.authenticator_added: "added a second factor",
    mfa.authenticator_removed: "removed a second factor",
    mfa.authenticator_reset: "made new recovery codes",
}


# By what somebody has proved who they are who has just chosen it; see identity_proof.
PROOFS: dict[Signal, str] = {
    account.password_set: "password",
    account.password_changed: "password",
    mfa.authenticator_added: "mfa",
}


def changed(*, signal: Signal, user: Any, request: HttpRequest, **_: Any) -> None:
    record(user, user, CHANGES[signal])
    if method := PROOFS.get(signal):
        record_authentication(request, user, method=method, reauthenticated=True)
    if signal is account.password_reset:  # by a link in the mailbox
        user.confirm_address()


def connect() -> None:
    """Listen; called once when the app is ready."""
    auth.user_logged_in.connect(signed_in, dispatch_uid="trail")
    auth.user_logged_out.connect(signed_out, dispatch_uid="trail")
    auth.user_login_failed.connect(failed, dispatch_uid="trail")
    for signal in CHANGES:
        signal.connect(changed, dispatch_uid="trail")
