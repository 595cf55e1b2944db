"""The project: settings, people, servers, command line. Apps never import from here."""

from lungrater.celery import app as celery_app

__all__ = ["celery_app"]
