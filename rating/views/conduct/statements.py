"""The page that takes the authors' part of a study's reporting checklists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from audit import record
from rating.models import AuthorStatement, Study
from rating.results.report.checklists import checklists, topics_asked_for
from rating.studies.statements import MOST_LETTERS, TOPICS


class StatementsForm(forms.Form):
    """One box for each topic; each says which items of which lists ask for it."""

    def __init__(self, data: QueryDict | None, *, study: Study) -> None:
        self.study = study
        self.texts = dict(study.statements.values_list("topic", "text"))
        super().__init__(data, initial=self.texts)
        asked_for = topics_asked_for(checklists())
        for topic, label in TOPICS.items():
            self.fields[topic] = forms.CharField(
                label=label,
                required=False,
                max_length=MOST_LETTERS,
                widget=forms.Textarea({"rows": 2}),
                help_text=f"For {', '.join(asked_for[topic])}.",
            )

    @transaction.atomic
    def save(self, person: Any) -> list[str]:
        """Keep what was changed, a line in the log for each topic; returns the topics."""
        changed = [
            topic for topic in TOPICS if self.cleaned_data[topic].strip() != self.texts.get(topic, "").strip()
        ]
        for topic in changed:
            text = self.cleaned_data[topic].strip()
            if text:
                AuthorStatement.objects.update_or_create(
                    study=self.study,
                    topic=topic,
                    defaults={"text": text, "written_by": person, "written_at": Now()},
                )
            else:
                self.study.statements.filter(topic=topic).delete()
            record(self.study, person, "wrote a statement" if text else "emptied a statement", topic=topic)
        return changed


@permission_required("rating.change_study", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def statements(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study.objects.editable_by(request.user), slug=slug)
    form = StatementsForm(request.POST if request.method == "POST" else None, study=study)
    if form.is_valid():
        changed = form.save(request.user)
        messages.success(request, f"{len(changed)} of {len(TOPICS)} statements changed.")
        return redirect("rating:statements", slug)
    context = {"study": study, "form": form, "written": len(form.texts), "topics": len(TOPICS)}
    return render(request, "rating/statements.html", context, status=422 if form.errors else 200)
