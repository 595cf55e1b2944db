from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.apps import AppConfig
from django.db.models import QuerySet

from pool.registers.fool_rates_by_dataset import FoolRate, register


class RatingConfig(AppConfig):
    name = "rating"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from pool.registers import fixed_images  # models, which are there only now

        register(_fool_rates)
        fixed_images.register(_images_of_frozen_studies)


def _fool_rates(datasets: Collection[int] | None) -> Mapping[str, list[FoolRate]]:
    from rating.results.fool_rates_by_dataset import (
        fool_rates,  # statistics, which the web process need not load to start
    )

    return fool_rates(datasets)


def _images_of_frozen_studies() -> QuerySet[Any]:
    from rating.models import Study, StudyImage  # as above

    return StudyImage.objects.exclude(study__state=Study.State.DRAFT)
