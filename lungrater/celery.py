"""The Celery application: it only rings doorbells, the job rows hold the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
# Celery would throw away what Django's checks say, and they read every page's code: a third of a worker's start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("lungrater")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    [
        "accounts.tokens",
        "audit",
        "jobs",
        "pool.imports",
        "pool.publication",
        "pool.uploads",
        *(f"generation.{kind}" for kind in ("images", "training", "quality", "utility")),
        "rating.blinding",
        "rating.results.computation",
        "rating.results.export",
        "rating.studies.trail",
        "lungrater.backup",
        "lungrater.demo",
        "lungrater.machines",
        "lungrater.privacy",
        "lungrater.reminders",
    ]
)
