"""The front door: each person is shown what they can do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def home(request: HttpRequest) -> HttpResponse:
    if request.user.has_perm("rating.view_study"):
        return redirect("rating:studies")
    return redirect("rating:reading_list")
