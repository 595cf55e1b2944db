"""The room's pages, mounted at /generation/."""

from django.urls import path, register_converter

from generation.images import review_views
from generation.images import views as images
from generation.models import GenerationJob
from generation.quality import views as quality
from generation.training import checkpoint_views, model_views
from generation.training import views as training
from generation.utility import views as utility

app_name = "generation"


class EngineConverter:
    regex = "|".join(GenerationJob.Engine.values)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return str(value)


class TableConverter(EngineConverter):
    regex = "csv|json"


register_converter(EngineConverter, "engine")
register_converter(TableConverter, "kind")

urlpatterns = [
    *images.pages.urls("jobs/", list_at=""),
    *training.pages.urls("training/"),
    *quality.pages.urls("quality/"),
    *utility.pages.urls("utility/"),
    path("new/", images.create, name="create"),
    path("new/<engine:engine>/", images.create, name="create_with"),
    path("jobs/<int:pk>/again", images.duplicate, name="duplicate"),
    path("jobs/<int:pk>/review", review_views.review, name="review"),
    path("jobs/<int:pk>/sheet.png", review_views.sheet, name="sheet"),
    path("images/<uuid:pk>/more", images.more_like, name="more_like"),
    path("compare/", review_views.compare, name="compare"),
    path("quality/new/", quality.create, name="quality_create"),
    path("quality/<int:pk>/figures/<slug:name>.svg", quality.figure, name="quality_figure"),
    path("quality/<int:pk>/saliency.png", quality.saliency, name="quality_saliency"),
    path("quality/<int:pk>/numbers.<kind:kind>", quality.download, name="quality_download"),
    path("training/new/", training.train, name="train"),
    path("training/import/", training.import_model, name="import_model"),
    path("training/fine-tune/", training.finetune, name="finetune"),
    path("training/<int:pk>/fidelity.svg", checkpoint_views.course_figure, name="course_figure"),
    path("training/<int:pk>/loss.svg", checkpoint_views.loss_figure, name="loss_figure"),
    path("training/<int:pk>/config.toml", training.config_file, name="training_config"),
    path("training/<int:pk>/course.csv", checkpoint_views.course_table, name="course_table"),
    path("checkpoints/<int:pk>/", checkpoint_views.checkpoint, name="checkpoint"),
    path("checkpoints/<int:pk>/name", checkpoint_views.rename, name="rename_checkpoint"),
    path("checkpoints/<int:pk>/members", model_views.members, name="model_members"),
    path("checkpoints/<int:pk>/members/join", model_views.join, name="join_model"),
    path("checkpoints/<int:pk>/remove", model_views.remove, name="remove_model"),
    path("checkpoints/<int:pk>/card.md", checkpoint_views.card, name="card"),
    path("checkpoints/<int:pk>/pipeline.zip", checkpoint_views.pipeline_zip, name="pipeline_zip"),
    path("checkpoints/<int:pk>/samples.png", checkpoint_views.samples, name="samples"),
    path("checkpoints/<int:pk>/grid.png", checkpoint_views.grid, name="grid"),
    path("checkpoints/<int:pk>/neighbours.png", checkpoint_views.neighbours, name="neighbours"),
    path("utility/new/", utility.new, name="new_utility"),
    path("utility/<int:pk>/report.json", utility.report_json, name="utility_json"),
    path("utility/<int:pk>/scores.csv", utility.score_table, name="utility_csv"),
    path("utility/<int:pk>/<slug:name>.<slug:kind>", utility.figure, name="utility_figure"),
    path("utility/maps/<int:pk>.png", utility.explanation, name="utility_map"),
]
