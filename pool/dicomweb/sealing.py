"""Passwords for other servers, as the database may hold them: readable only with the site's secret key."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from django.utils.crypto import salted_hmac


class UnreadableSecretError(Exception):
    """The site's secret key is another one than the secret was sealed with."""


def seal(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """Raises UnreadableSecretError."""
    if not sealed:
        return ""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise UnreadableSecretError from error


def _fernet() -> Fernet:
    key = salted_hmac("pool.dicomweb.sealing", "", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
