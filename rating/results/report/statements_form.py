"""What takes the authors' part of a study's reporting checklists, on the page and by program."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.db.models.functions import Now

from audit import record
from rating.results.report.checklists import checklists, topics_asked_for
from rating.studies.statements import MOST_LETTERS, TOPICS, AuthorStatement
from rating.studies.study import Study


class StatementsForm(forms.Form):
    """One box for each topic; each says which items of which lists ask for it."""

    def __init__(self, data: Any = None, files: Any = None, *, study: Study) -> None:
        self.study = study
        self.texts = dict(study.statements.values_list("topic", "text"))
        super().__init__(data, files, initial=self.texts)
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
