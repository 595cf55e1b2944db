from django.urls import path, re_path

from rating.views import (
    analysis,
    blinding,
    check_table,
    consent,
    export,
    images,
    images_and_remarks,
    planner,
    rater_management,
    sitting,
    studies,
)

app_name = "rating"

urlpatterns = [
    # Raters
    path("reading/", sitting.reading_list, name="reading_list"),
    path("preferences/", consent.preferences, name="preferences"),
    path("reading/<slug:slug>/", sitting.read, name="read"),
    path("reading/<slug:slug>/begin/", consent.begin, name="begin"),
    path("reading/<slug:slug>/display/", consent.display, name="display"),
    path("reading/<slug:slug>/ahead/", sitting.upcoming, name="ahead"),
    path("reading/<slug:slug>/<int:position>/", sitting.at, name="at"),
    path("reading/<slug:slug>/rate/<slug:token>/", sitting.rate, name="rate"),
    path("i/<slug:token>", images.presented, name="picture"),
    path("i/<slug:token>/<int:place>", images.presented, name="picture_of_set"),
    path("check-table/", check_table.page, name="check_table"),
    # Organisers
    path("studies/", studies.study_list, name="studies"),
    path("planner/", planner.page, name="planner"),
    path("planner/<slug:what>.svg", planner.figure, name="planner_figure"),
    path("studies/new/", studies.create, name="create"),
    path("studies/<slug:slug>/", studies.detail, name="study"),
    path("studies/<slug:slug>/edit/", studies.edit, name="edit"),
    path("studies/<slug:slug>/freeze/", studies.freeze, name="freeze"),
    path("studies/<slug:slug>/freezing/", studies.freezing, name="freezing"),
    path("studies/<slug:slug>/copy/", studies.copy, name="copy"),
    path("studies/<slug:slug>/audit/", blinding.run, name="audit"),
    path("studies/<slug:slug>/auditing/", blinding.progress, name="auditing"),
    path("studies/<slug:slug>/override/", blinding.override, name="override"),
    path("studies/<slug:slug>/raters/", rater_management.raters, name="raters"),
    path("studies/<slug:slug>/raters/<int:number>/reset/", rater_management.reset, name="reset"),
    path("studies/<slug:slug>/raters/<int:number>/withdraw/", rater_management.withdraw, name="withdraw"),
    path("studies/<slug:slug>/raters/<int:number>/replace/", rater_management.replace, name="replace"),
    path(
        "studies/<slug:slug>/raters/<int:number>/unblinded/",
        rater_management.mark_unblinded,
        name="mark_unblinded",
    ),
    path("studies/<slug:slug>/open/", studies.open_study, name="open"),
    path("studies/<slug:slug>/let-copies-in/", studies.let_copies_in, name="let_copies_in"),
    path("studies/<slug:slug>/close/", studies.close, name="close"),
    path("studies/<slug:slug>/unblind/", studies.unblind, name="unblind"),
    # What came of it
    path("studies/<slug:slug>/analysis/", analysis.overview, name="analysis"),
    path("studies/<slug:slug>/analysis/images/", images_and_remarks.images, name="analysis_images"),
    path("studies/<slug:slug>/analysis/remarks/", images_and_remarks.remarks, name="analysis_remarks"),
    path("studies/<slug:slug>/analysis/remarks.csv", images_and_remarks.remarks_csv, name="remarks_csv"),
    re_path(
        r"^studies/(?P<slug>[-\w]+)/analysis/(?P<name>[a-z-]+)\.(?P<kind>svg|pdf|png|csv)$",
        analysis.figure,
        name="analysis_figure",
    ),
    path("studies/<slug:slug>/analysis/<slug:name>/", analysis.question, name="analysis_question"),
    path("studies/<slug:slug>/images/<slug:code>.png", images.of_study, name="study_picture"),
    path("studies/<slug:slug>/ratings.csv", export.ratings, name="ratings_csv"),
    path("studies/<slug:slug>/bundle.zip", export.bundle, name="bundle"),
    re_path(r"^studies/(?P<slug>[-\w]+)/report\.(?P<kind>html|pdf)$", export.report, name="report"),
    path("studies/<slug:slug>/codebook.csv", export.codebook, name="codebook"),
]
