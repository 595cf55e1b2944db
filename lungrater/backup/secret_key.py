"""The secret key in a backup: sealed with a passphrase, or not in it at all; and a fingerprint that knows it again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from lungrater.backup.errors import RefusedError

SALT_BYTES = 16
# 64 MB and about a quarter of a second for each guess (RFC 7914; N, r, p).
COST = {"n": 2**16, "r": 8, "p": 1}


def seal(key: str, passphrase: str) -> bytes:
    """The key as only whoever has the passphrase reads it: a salt, and Fernet's token under what scrypt makes of both."""
    salt = os.urandom(SALT_BYTES)
    return salt + Fernet(_stretched(passphrase, salt)).encrypt(key.encode())


def unseal(sealed: bytes, passphrase: str) -> str:
    """Raises RefusedError where this is not the passphrase."""
    salt, token = sealed[:SALT_BYTES], sealed[SALT_BYTES:]
    try:
        return Fernet(_stretched(passphrase, salt)).decrypt(token).decode()
    except InvalidToken as error:
        raise RefusedError("The passphrase does not open the secret key of this backup.") from error


def fingerprint(key: str) -> str:
    """Says whether two keys are the same and nothing else of either."""
    return hmac.new(key.strip().encode(), b"lungrater backup", hashlib.sha256).hexdigest()


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode()))
