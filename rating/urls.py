from django.urls import path

from rating.views import analysis, around, export, pictures, sitting, studies

app_name = "rating"

urlpatterns = [
    # Raters
    path("reading/", sitting.reading_list, name="reading_list"),
    path("preferences/", around.preferences, name="preferences"),
    path("reading/<slug:slug>/", sitting.read, name="read"),
    path("reading/<slug:slug>/begin/", around.begin, name="begin"),
    path("reading/<slug:slug>/display/", around.display, name="display"),
    path("reading/<slug:slug>/ahead/", sitting.ahead, name="ahead"),
    path("reading/<slug:slug>/<int:position>/", sitting.at, name="at"),
    path("reading/<slug:slug>/rate/<str:token>/", sitting.rate, name="rate"),
    path("i/<str:token>", pictures.presented, name="picture"),
    # Organisers
    path("studies/", studies.study_list, name="studies"),
    path("studies/new/", studies.create, name="create"),
    path("studies/<slug:slug>/", studies.detail, name="study"),
    path("studies/<slug:slug>/edit/", studies.edit, name="edit"),
    path("studies/<slug:slug>/freeze/", studies.freeze, name="freeze"),
    path("studies/<slug:slug>/freezing/", studies.freezing, name="freezing"),
    path("studies/<slug:slug>/open/", studies.open_study, name="open"),
    path("studies/<slug:slug>/close/", studies.close, name="close"),
    path("studies/<slug:slug>/unblind/", studies.unblind, name="unblind"),
    # What came of it
    path("studies/<slug:slug>/analysis/", analysis.overview, name="analysis"),
    path("studies/<slug:slug>/images/<slug:code>.png", pictures.of_study, name="study_picture"),
    path("studies/<slug:slug>/ratings.csv", export.ratings, name="ratings_csv"),
    path("studies/<slug:slug>/codebook.csv", export.codebook, name="codebook"),
]
