"""`lungrater migrate`: Django's own, as the tables' owner; afterwards the site's role gets its rights on them."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from lungrater.embedded.owner import as_owner, grant_to_site


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with as_owner():
            super().handle(*args, **options)
            grant_to_site()
