"""What only the authors can say of a study, for its reporting checklists: ethics, registration, funding, limitations …"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from rating.studies.study import Study

MOST_LETTERS = 4000
# Topic, and what the page asks for. Items of checklists name the topic that speaks to them.
TOPICS = {
    "title": "Kind of study and of AI, as the title says it",
    "abstract": "Abstract: design, methods, results, conclusions",
    "background": "Background: what is known, why this study, what the generated images are meant for",
    "aims": "Aims and hypotheses",
    "ethics": "Ethics approval and consent, or why none was needed",
    "registration": "Registry and number, or that the study is not registered",
    "sample_size": "Why so many images and raters",
    "collection": "How, when and where the images were collected",
    "datasets": "Why these datasets and strata; by which rules images were let in",
    "patients": "Patients behind the images: age, sex, findings, and whom they stand for",
    "acquisition": "Scanners and acquisition, where no DICOM header says it",
    "deidentification": "How it was seen that no file name or image identifies a patient",
    "raters": "How raters were chosen, whom they stand for, how they were instructed",
    "models": "Models trained or reached elsewhere: maker, version, data, training, access, computing",
    "checkpoint_choice": "How the model or checkpoint that was read was chosen",
    "prompts": "How prompts were written and changed, by whom, in how many attempts",
    "machines": "Machine raters: version, maker, access, settings, overlap with their training data",
    "external_data": "External data: which dataset is external, and how it differs",
    "failures": "What the images that fooled, and those that did not, have in common",
    "limitations": "Limitations: bias, uncertainty, generalisability",
    "implications": "Implications for practice, intended use and users",
    "fairness": "Fairness, safety, misuse, and how data are protected",
    "protocol": "Where the full protocol is published",
    "availability": "Where data, code and models are, on which terms",
    "funding": "Who paid, and what part payers had",
    "interests": "Commercial and other interests",
}


class AuthorStatement(models.Model):
    """What a person wrote on one topic; the log keeps each change."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="statements")
    topic = models.CharField(max_length=20)
    text = models.TextField(max_length=MOST_LETTERS)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "topic"], name="author_statement_once_per_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.topic}"
