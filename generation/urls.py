from django.http import HttpResponse
from django.urls import path

app_name = "generation"
urlpatterns = [path(n, lambda r: HttpResponse(), name=n) for n in ("jobs", "trainings", "create")]
