from django.apps import AppConfig


class LungRaterConfig(AppConfig):
    name = "lungrater"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "LungRater"

    def ready(self) -> None:
        from lungrater import checks  # noqa: F401  (registers the system checks)
