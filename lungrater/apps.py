from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class LungRaterConfig(AppConfig):
    name = "lungrater"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "LungRater"

    def ready(self) -> None:
        from lungrater import checks  # noqa: F401  (registers the system checks)

        if settings.SENTRY_DSN:
            report_errors_to(settings.SENTRY_DSN)


def report_errors_to(dsn: str) -> None:
    """Raises ImproperlyConfigured where the address is none or the library is not installed."""
    from lungrater.monitoring.versions import VERSION

    try:
        from lungrater.error_reports.sending import report_errors
    except ModuleNotFoundError as error:
        sentence = "SENTRY_DSN needs the extra “observe”: pip install 'lungrater[observe]'."
        raise ImproperlyConfigured(sentence) from error
    report_errors(dsn, release=f"lungrater@{VERSION}")
