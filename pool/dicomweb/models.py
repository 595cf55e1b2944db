"""The servers that an admin lets people import from."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit import record
from outbound.dicomweb import DicomwebError, DicomwebServer
from pool.dicomweb.sealing import UnreadableSecretError, seal, unseal


class DicomwebSource(models.Model):
    """A DICOMweb service and by what it lets this site in; the secret never leaves but towards that service."""

    class Authentication(models.TextChoices):
        NONE = "none", "Nothing"
        BASIC = "basic", "A name and a password"
        BEARER = "bearer", "A bearer token"

    name = models.CharField(max_length=100, unique=True)
    base_url = models.CharField(
        "address", max_length=500, help_text="Of its DICOMweb service: https://pacs.example.org/dicom-web"
    )
    authentication = models.CharField(
        "it asks for", max_length=6, choices=Authentication, default=Authentication.NONE
    )
    user_name = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField(blank=True, editable=False)
    in_private_network = models.BooleanField(
        "it lies in a private network",
        default=False,
        help_text="Only then are addresses of your own network, or of this machine, asked.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        app_label = "pool"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(authentication__in=["none", "basic", "bearer"]),
                name="dicomweb_authentication_known",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_secret(self) -> bool:
        return bool(self.sealed_secret)

    def keep_secret(self, secret: str) -> None:
        """Seal a new password or token; the row is not saved."""
        self.sealed_secret = seal(secret)

    @property
    def server(self) -> DicomwebServer:
        """What the client needs. Raises DicomwebError where the secret cannot be read any more."""
        return DicomwebServer(
            self.base_url, self._headers(), self.in_private_network or settings.IMPORT_FROM_PRIVATE_NETWORKS
        )

    def remove(self, *, by: Any) -> None:
        """Forget it; what was imported from it stays, and says by its name where it came from."""
        record(self, by, "removed a DICOMweb source", name=self.name)
        self.delete()

    def _headers(self) -> dict[str, str]:
        try:
            secret = unseal(self.sealed_secret)
        except UnreadableSecretError as error:
            raise DicomwebError(
                f"The password of “{self.name}” was kept under another secret key of this site: an admin gives it again."
            ) from error
        if self.authentication == self.Authentication.BASIC:
            pair = base64.b64encode(f"{self.user_name}:{secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if self.authentication == self.Authentication.BEARER:
            return {"Authorization": f"Bearer {secret}"}
        return {}
