"""The pool's pages, mounted at /pool/."""

from django.urls import URLPattern

app_name = "pool"

urlpatterns: list[URLPattern] = []
