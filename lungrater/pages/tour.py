"""A tour of the first page for whoever is new: what to do first, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.preferences import Preferences
from rating.views.raters import wants_json

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the page, by its CSS selector, and what it is for."""

    target: Words
    title: Words
    text: Words
    permission: str


def _link(name: str) -> Words:
    """The first link on the page that leads there."""
    return format_lazy('a[href="{}"]', reverse_lazy(name))


# A step is left out where its target is not on the page. Those of raters tell nothing of what a study is after.
STEPS = (
    Step(
        _link("people"),
        "People",
        "Invite researchers and admins here. Raters are better invited on their study's page.",
        "accounts.view_user",
    ),
    Step(
        _link("health"),
        "Health and backup",
        "Says of each part of the site whether it is well, and what to do. Back up now is at its top.",
        "accounts.view_user",
    ),
    Step(_link("log"), "Log", "Who did what to what, when and why.", "accounts.view_user"),
    Step(
        _link("pool:upload"),
        "Import images",
        "Images come in as files or archives, into a dataset with its origin, licence and citation.",
        "pool.add_image",
    ),
    Step(
        _link("generation:job_list"),
        "Generation",
        "Have a model make synthetic images, then look through what it made.",
        "generation.view_generationjob",
    ),
    Step(
        _link("rating:create"),
        "New study",
        "Choose images and what raters are asked. Then freeze the study, invite raters and open it.",
        "rating.add_study",
    ),
    Step(
        _link("rating:studies"),
        "Studies and their analysis",
        "A study's page says what comes next. Once it is closed, analysis and report are there.",
        "rating.view_study",
    ),
    Step(
        "[data-tour=study]",
        _("Your study"),
        _("What you are asked to do, and how far you are."),
        "rating.rate",
    ),
    Step(
        "[data-tour=begin]",
        _("To the images"),
        _("Opens the next image. There a digit chooses an answer, Enter saves it, and ? shows all keys."),
        "rating.rate",
    ),
    Step(
        "[data-tour=progress]",
        _("A break"),
        _(
            "Press Pause or close the window whenever you like. Come back here, and you go on where you stopped."
        ),
        "rating.rate",
    ),
    Step(
        _link("rating:preferences"),
        _("Preferences"),
        _("The language, dark or light, and whether an answer moves on at once."),
        "rating.rate",
    ),
    Step(
        _link("account"),
        _("Your account"),
        _("How you sign in, and what is kept of you. This tour is there again, too."),
        "rating.rate",
    ),
)


def steps_for(has_perm: Callable[[str], bool]) -> list[Step]:
    return [step for step in STEPS if has_perm(step.permission)]


@require_POST
def end_tour(request: HttpRequest) -> HttpResponse:
    """It was taken or declined: the first page offers it no more, on any device."""
    Preferences.end_tour(request.user)
    if wants_json(request):
        return HttpResponse(status=204)
    messages.info(request, gettext("The tour is there again under “Your account”."))
    return redirect("home")
