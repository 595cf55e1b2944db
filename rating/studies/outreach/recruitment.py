"""An open door to a study for people whom a recruitment site sends, and the way back there once they have finished."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models, transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.sign_in.addresses import RECRUITED_DOMAIN
from audit import record
from audit.actors import rater
from rating.studies.enrolment import Enrolment
from rating.studies.randomness import random_token
from rating.studies.study import NotPossibleError, Study

CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")  # what a code of a recruitment site may be
NAME = RegexValidator(r"^[A-Za-z][A-Za-z0-9_]{0,39}$", "Letters, digits and _, a letter first, 40 at most.")


class Recruitment(models.Model):
    """What a study has agreed with a recruitment site; no part of the protocol, so it may change."""

    study = models.OneToOneField(
        Study, on_delete=models.CASCADE, related_name="recruitment", primary_key=True
    )
    token = models.CharField(max_length=100, unique=True, default=random_token, editable=False)
    is_open = models.BooleanField(
        "let people in by this link", default=False, help_text="Only while the study is open for rating."
    )
    places = models.PositiveSmallIntegerField(
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How many may come in by the link in all.",
    )
    participant_name = models.CharField(
        "parameter with the participant's code", max_length=40, default="PROLIFIC_PID", validators=[NAME]
    )
    outer_study_name = models.CharField(
        "parameter with the study's code there", max_length=40, default="STUDY_ID", validators=[NAME]
    )
    outer_session_name = models.CharField(
        "parameter with the session's code there", max_length=40, default="SESSION_ID", validators=[NAME]
    )
    completion_url = models.CharField(
        "completion link",
        max_length=300,
        blank=True,
        validators=[URLValidator(schemes=["https"])],
        help_text="Where whoever has finished goes back to, https alone.",
    )
    completion_code = models.CharField(
        max_length=64,
        blank=True,
        validators=[RegexValidator(rf"^{CODE.pattern}$", "Letters, digits, dots, _ and -, 64 at most.")],
        help_text="Shown to whoever has finished.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(completion_url="") | models.Q(completion_url__startswith="https://"),
                name="completion_link_is_https",
            )
        ]

    def __str__(self) -> str:
        return f"recruitment to {self.study}"

    @property
    def names(self) -> tuple[str, str, str]:
        return self.participant_name, self.outer_study_name, self.outer_session_name

    def clean(self) -> None:
        super().clean()
        if len(set(self.names)) < len(self.names):
            raise ValidationError({"outer_session_name": "Each parameter has a name of its own."})

    @property
    def has_room(self) -> bool:
        return self.is_open and self.study.is_open and self.recruits.count() < self.places


class Recruit(models.Model):
    """Whom a recruitment site calls this rater: codes that say nothing here, kept to match them there."""

    enrolment = models.OneToOneField(
        Enrolment, on_delete=models.CASCADE, related_name="recruit", primary_key=True
    )
    recruitment = models.ForeignKey(Recruitment, on_delete=models.CASCADE, related_name="recruits")
    participant = models.CharField(max_length=64)
    outer_study = models.CharField(max_length=64, blank=True)
    outer_session = models.CharField(max_length=64, blank=True)
    came_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recruitment", "participant"], name="participant_once_per_study")
        ]

    def __str__(self) -> str:
        return f"recruit of {self.recruitment_id}"


class RecruitmentForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = Recruitment
        fields = [
            "is_open",
            "places",
            "participant_name",
            "outer_study_name",
            "outer_session_name",
            "completion_url",
            "completion_code",
        ]
        widgets = {"completion_url": forms.URLInput}

    def save_for(self, study: Study, *, by: Any) -> Recruitment:
        self.instance.study = study
        recruitment: Recruitment = self.save()
        record(study, by, "set recruitment by link", is_open=recruitment.is_open, places=recruitment.places)
        return recruitment


def recruitment_of(study: Study) -> Recruitment:
    """The study's, or one that lets nobody in."""
    return Recruitment.objects.filter(study=study).first() or Recruitment(study=study)


@dataclass(frozen=True, slots=True)
class Codes:
    """What the address of somebody sent here says."""

    participant: str
    outer_study: str = ""
    outer_session: str = ""


def codes_in(recruitment: Recruitment, parameters: Mapping[str, str]) -> Codes | None:
    """The codes of an address; None without a participant's, or where one is not a code at all."""
    values = [parameters.get(name, "") for name in recruitment.names]
    is_readable = all(CODE.fullmatch(value) for value in values if value)
    return Codes(*values) if values[0] and is_readable else None


@transaction.atomic
def take_in(recruitment: Recruitment, codes: Codes, user: User | None) -> Enrolment:
    """Enrol somebody sent here, as a new person without a mailbox, or keep the codes of a rater who is signed in.

    Raises NotPossibleError, or IntegrityError for a participant who has come already.
    """
    recruitment = Recruitment.objects.select_for_update().select_related("study").get(pk=recruitment.pk)
    study = recruitment.study
    if not recruitment.has_room:
        raise NotPossibleError("The study takes nobody in by this link now.")
    if user is None:
        person = User.objects.create_user(f"{uuid.uuid4()}@{RECRUITED_DOMAIN}")
        enrolment = Enrolment.enrol(study, person)
    else:
        enrolment = study.enrolments.get(user=user, withdrawn_at=None)
    Recruit.objects.create(
        enrolment=enrolment,
        recruitment=recruitment,
        participant=codes.participant,
        outer_study=codes.outer_study,
        outer_session=codes.outer_session,
    )
    record(study, rater(enrolment.pseudonym), "came by the recruitment link", rater=enrolment.pseudonym)
    return enrolment


@dataclass(frozen=True, slots=True)
class Completion:
    """The way back for whoever has finished."""

    url: str
    code: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def completion_of(enrolment: Enrolment) -> Completion | None:
    """Of a rater who was sent here and has read all sessions to their end."""
    recruit = Recruit.objects.filter(enrolment=enrolment).select_related("recruitment").first()
    if recruit is None or enrolment.sittings.standing().exclude(next_position=None).exists():
        return None
    recruitment = recruit.recruitment
    if not (recruitment.completion_url or recruitment.completion_code):
        return None
    return Completion(recruitment.completion_url, recruitment.completion_code)
