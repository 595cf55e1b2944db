"""The room's pages, mounted at /generation/."""

from django.urls import path, register_converter

from generation.images import review_views
from generation.images import views as images
from generation.models import GenerationJob
from generation.quality import views as quality
from generation.training import checkpoint_views
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
    path("", images.jobs, name="jobs"),
    path("new/", images.create, name="create"),
    path("new/<engine:engine>/", images.create, name="create_with"),
    path("jobs/<int:pk>/", images.job, name="job"),
    path("jobs/<int:pk>/progress", images.job_progress, name="job_progress"),
    path("jobs/<int:pk>/cancel", images.cancel, name="cancel"),
    path("jobs/<int:pk>/go-on", images.go_on, name="go_on"),
    path("jobs/<int:pk>/again", images.again, name="again"),
    path("jobs/<int:pk>/review", review_views.review, name="review"),
    path("jobs/<int:pk>/sheet.png", review_views.sheet, name="sheet"),
    path("images/<uuid:pk>/more", images.more_like, name="more_like"),
    path("compare/", review_views.compare, name="compare"),
    path("quality/", quality.reports, name="quality_reports"),
    path("quality/new/", quality.create, name="quality_create"),
    path("quality/<int:pk>/", quality.report, name="quality_report"),
    path("quality/<int:pk>/progress", quality.progress, name="quality_progress"),
    path("quality/<int:pk>/cancel", quality.cancel, name="quality_cancel"),
    path("quality/<int:pk>/figures/<slug:name>.svg", quality.figure, name="quality_figure"),
    path("quality/<int:pk>/saliency.png", quality.saliency, name="quality_saliency"),
    path("quality/<int:pk>/numbers.<kind:kind>", quality.download, name="quality_download"),
    path("training/", training.trainings, name="trainings"),
    path("training/new/", training.train, name="train"),
    path("training/fine-tune/", training.finetune, name="finetune"),
    path("training/<int:pk>/", training.training, name="training"),
    path("training/<int:pk>/progress", training.training_progress, name="training_progress"),
    path("training/<int:pk>/cancel", training.cancel_training, name="cancel_training"),
    path("training/<int:pk>/go-on", training.continue_training, name="continue_training"),
    path("training/<int:pk>/fidelity.svg", checkpoint_views.course_figure, name="course_figure"),
    path("training/<int:pk>/loss.svg", checkpoint_views.loss_figure, name="loss_figure"),
    path("training/<int:pk>/config.toml", training.config_file, name="training_config"),
    path("training/<int:pk>/course.csv", checkpoint_views.course_table, name="course_table"),
    path("checkpoints/<int:pk>/", checkpoint_views.checkpoint, name="checkpoint"),
    path("checkpoints/<int:pk>/card.md", checkpoint_views.card, name="card"),
    path("checkpoints/<int:pk>/samples.png", checkpoint_views.samples, name="samples"),
    path("checkpoints/<int:pk>/grid.png", checkpoint_views.grid, name="grid"),
    path("checkpoints/<int:pk>/neighbours.png", checkpoint_views.neighbours, name="neighbours"),
    path("utility/", utility.experiments, name="utility_experiments"),
    path("utility/new/", utility.new, name="new_utility"),
    path("utility/<int:pk>/", utility.experiment, name="utility_experiment"),
    path("utility/<int:pk>/progress", utility.progress, name="utility_progress"),
    path("utility/<int:pk>/cancel", utility.cancel, name="cancel_utility"),
    path("utility/<int:pk>/go-on", utility.go_on, name="continue_utility"),
    path("utility/<int:pk>/report.json", utility.report_json, name="utility_json"),
    path("utility/<int:pk>/<slug:name>.<slug:kind>", utility.figure, name="utility_figure"),
    path("utility/maps/<int:pk>.png", utility.explanation, name="utility_map"),
]
