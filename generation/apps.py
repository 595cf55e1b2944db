from importlib import import_module

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module(
            "generation.images.image_flow"
        )  # models can be loaded from here on; it registers itself
