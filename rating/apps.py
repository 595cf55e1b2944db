from __future__ import annotations

from collections.abc import Mapping

from django.apps import AppConfig

from pool.fool_rates_by_dataset import FoolRate, register


class RatingConfig(AppConfig):
    name = "rating"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(_fool_rates)


def _fool_rates() -> Mapping[str, list[FoolRate]]:
    from rating.results.fool_rates_by_dataset import (
        fool_rates,  # statistics, which the web process need not load to start
    )

    return fool_rates()
