"""A study's due date, and mails that remind raters of it: never whoever has finished, withdrawn, or asked for none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core import signing
from django.core.mail import EmailMessage
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.mailing import Mailing
from accounts.models import LoginLink, SiteSettings
from accounts.preferences import Preferences
from accounts.sign_in.addresses import NO_MAILBOX, mail_is_set_up
from audit import record
from audit.actors import rater
from rating.studies.enrolment import Enrolment
from rating.studies.invitations import LIVES, way_to
from rating.studies.study import Study

logger = logging.getLogger(__name__)

SALT = "reminders"  # of the signature in the line that stops them
AT_LEAST_BETWEEN = timedelta(days=1)


class ReadingSchedule(models.Model):
    """Until when raters are to read, and when they are reminded; no part of the protocol, so it may change."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="schedule", primary_key=True)
    due_on = models.DateField(
        "please finish by", null=True, blank=True, help_text="Raters read it; nothing closes by itself."
    )
    days_before = models.PositiveSmallIntegerField(
        "remind so many days before",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text="Once. Empty: not.",
    )
    idle_days = models.PositiveSmallIntegerField(
        "remind after so many days of silence",
        null=True,
        blank=True,
        validators=[MinValueValidator(2), MaxValueValidator(60)],
        help_text="Counted from the last answer, the last reminder, or the end of the washout. Empty: not.",
    )
    most = models.PositiveSmallIntegerField(
        "reminders to one rater at most",
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
    )

    def __str__(self) -> str:
        return f"schedule of {self.study}"

    @property
    def is_past(self) -> bool:
        return self.due_on is not None and self.due_on < timezone.now().date()

    @property
    def sentence(self) -> str:
        """What a rater reads of the due date; empty where there is none."""
        if self.due_on is None:
            return ""
        date = {"date": date_format(self.due_on, "DATE_FORMAT", use_l10n=True)}
        if self.is_past:
            return _("It was to be finished by %(date)s; what is left can still be read.") % date
        return _("Please finish by %(date)s.") % date


class Reminder(models.Model):
    """A mail that reminded a rater; the number lets two clocks send it once."""

    class Occasion(models.TextChoices):
        DUE = "due", "the due date is near"
        IDLE = "idle", "nothing was heard"

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="reminders")
    number = models.PositiveSmallIntegerField()
    occasion = models.CharField(max_length=4, choices=Occasion)
    sent_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["enrolment", "number"]
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "number"], name="reminder_number_once_per_rater")
        ]

    def __str__(self) -> str:
        return f"reminder {self.number} of {self.enrolment}"


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = ReadingSchedule
        fields = ["due_on", "days_before", "idle_days", "most"]
        widgets = {"due_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("days_before") and not self.cleaned_data.get("due_on"):
            self.add_error("due_on", "Say by when, or do not remind of it.")

    def save_for(self, study: Study, *, by: Any) -> ReadingSchedule:
        self.instance.study = study
        schedule: ReadingSchedule = self.save()
        detail = {name: value for name in self.Meta.fields if (value := self.cleaned_data[name]) is not None}
        record(
            study, by, "set due date and reminders", **{name: str(value) for name, value in detail.items()}
        )
        return schedule


def schedule_of(study: Study) -> ReadingSchedule:
    """The study's, or one that says nothing."""
    return ReadingSchedule.objects.filter(study=study).first() or ReadingSchedule(study=study)


def due_reminders(now: datetime) -> Iterator[tuple[Enrolment, str]]:
    """Whom to remind now, and why."""
    schedules = ReadingSchedule.objects.filter(study__state=Study.State.OPEN, study__is_simulated=False)
    for schedule in schedules.select_related("study"):
        for enrolment in _unfinished(schedule.study):
            reminders = list(enrolment.reminders.order_by("number"))
            if len(reminders) < schedule.most and (why := _occasion(schedule, enrolment, reminders, now)):
                yield enrolment, why


def _unfinished(study: Study) -> list[Enrolment]:
    """People with a mailbox who still have images to read and have not asked for silence."""
    people = study.enrolments.people().filter(
        withdrawn_at=None, reminders_stopped_at=None, user__is_active=True, user__is_demo=False
    )
    reachable = people.exclude(user__email__endswith=NO_MAILBOX)
    counted = reachable.select_related("user", "study").with_progress()
    return [each for each in counted if each.unrated_count > 0]


def _occasion(
    schedule: ReadingSchedule, enrolment: Enrolment, reminders: list[Reminder], now: datetime
) -> str:
    last = reminders[-1].sent_at if reminders else None
    if now - (last or enrolment.created_at) < AT_LEAST_BETWEEN:  # nor a day after the invitation
        return ""
    sitting = enrolment.sittings.standing().at_hand()
    begins_at = None if sitting is None else sitting.begins_at()
    if begins_at is None or begins_at > now:  # nothing to read before the washout is over
        return ""
    if schedule.due_on and schedule.days_before:
        first_day = schedule.due_on - timedelta(days=schedule.days_before)
        is_new = not any(
            each.occasion == Reminder.Occasion.DUE and each.sent_at.date() >= first_day for each in reminders
        )
        if is_new and first_day <= now.date() <= schedule.due_on:
            return Reminder.Occasion.DUE
    moments = [begins_at, enrolment.study.opened_at, enrolment.created_at, enrolment.last_rated_at, last]
    silence = now - max(moment for moment in moments if moment is not None)
    if schedule.idle_days and silence >= timedelta(days=schedule.idle_days):
        return Reminder.Occasion.IDLE
    return ""


def send_reminders(now: datetime, absolute: Callable[[str], str]) -> int:
    """Mail all that is due, each once; how many went out. A mail that fails is tried again at the next call."""
    count = 0
    if not mail_is_set_up():
        return count
    mailing = Mailing()
    for enrolment, occasion in list(due_reminders(now)):
        if mailing.is_over:
            break  # the next call goes on with the rest
        number = enrolment.reminders.count() + 1
        try:
            with transaction.atomic():
                reminder = Reminder.objects.create(
                    enrolment=enrolment, number=number, occasion=occasion, sent_at=now
                )
        except IntegrityError:
            continue  # another clock has just sent it
        try:
            mailing.send(_reminder_mail(enrolment, absolute))
        except OSError:  # SMTP's own errors are such too
            logger.exception("a reminder could not be sent")
            reminder.delete()
            continue
        record(
            enrolment.study, None, "sent a reminder", rater=enrolment.pseudonym, number=number, why=occasion
        )
        count += 1
    return count


def _reminder_mail(enrolment: Enrolment, absolute: Callable[[str], str]) -> EmailMessage:
    """In the rater's language, with a link of their own and a line that stops these mails."""
    study, site = enrolment.study, SiteSettings.current()
    link = LoginLink.issue(enrolment.user, lives=LIVES, next_path=way_to(study))
    LoginLink.mark_mailed(link)
    stop = absolute(reverse("rating:stop_reminders", args=[stop_token(enrolment)]))
    with translation.override(Preferences.of(enrolment.user).language or translation.get_language()):
        names = {"study": study.name, "site": site.name}
        lines = [_("The study “%(study)s” (%(site)s) is open, and some of it still waits for you.") % names]
        much = {"count": enrolment.unrated_count, "minutes": enrolment.minutes_left}
        if study.shows_sets:
            lines.append(_("%(count)s sets of images are left, about %(minutes)s minutes.") % much)
        else:
            lines.append(_("%(count)s images are left, about %(minutes)s minutes.") % much)
        if due := schedule_of(study).sentence:
            lines.append(due)
        lines += [_("Your link, which works once within %s days:") % LIVES.days, absolute(link)]
        lines.append(_("No more reminders of this study: %(link)s") % {"link": stop})
        subject = _("Reminder: images of “%(study)s” wait for you") % names
    return EmailMessage(
        subject,
        "\n\n".join([*lines, site.mail_ending]),
        to=[enrolment.user.email],
        headers={"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )


def stop_token(enrolment: Enrolment) -> str:
    return signing.Signer(salt=SALT).sign_object(enrolment.pk)


def enrolment_of(token: str) -> Enrolment | None:
    """Whose reminders this token stops; None of one that this site has not made."""
    try:
        key = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    return Enrolment.objects.select_related("study", "user").filter(pk=key).first()


@transaction.atomic
def stop_reminders(enrolment: Enrolment) -> None:
    """Send this rater none of this study any more; again is harmless."""
    if Enrolment.objects.filter(pk=enrolment.pk, reminders_stopped_at=None).update(
        reminders_stopped_at=Now()
    ):
        record(enrolment.study, rater(enrolment.pseudonym), "stopped reminders", rater=enrolment.pseudonym)
