"""All that the site holds on one person, as a zip: JSON, the same as CSV, each consent word for word, and a README."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import models
from django.utils.translation import gettext as _

from accounts.models import LoginLink, PersonalToken, User
from accounts.preferences import Preferences
from audit.models import Event
from pool.canonical.guarding import guarded
from rating.models import Enrolment, RatingRevision, Recruit, UsabilityAnswer
from rating.reading.consent_copy import consent_text

Row = Mapping[str, object]
AT_ONCE = 2000
IN_MEMORY = 8 * 2**20  # a larger zip is written to a temporary file
OF_A_TOKEN = (
    "name",
    "hint",
    "scopes",
    "is_act_token",
    "proof",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
)
SAVE = (
    *("label", "confidence", "remark", "reasons", "second_answers", "second_texts"),
    *("active_ms", "idle_ms", "view_state"),
)


def my_data(person: User) -> IO[bytes]:
    """The zip, at its beginning. Rows are read and written in turn: what it needs of memory does not grow with them."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (whoever sends it closes it)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(person))
        for name, rows in _tables(person):
            _write(archive, name, rows)
        for enrolment in _enrolments(person):
            if text := consent_text(enrolment):
                archive.writestr(f"consents/{enrolment.study.slug}.txt", text)
    file.seek(0)
    return file


def _readme(person: User) -> str:
    lines = [
        _("All that this site holds on %(person)s") % {"person": person.identity},
        _("Each table is here twice: as .json without loss, and as .csv for a spreadsheet."),
        _(
            "account, sessions, identity_providers, sign_in_links: who you are to this site and how and where you sign in."
        ),
        _(
            "enrolments: the studies you read, your pseudonym, your consent and what you said of yourself and your display."
        ),
        _("consents: what you agreed to, word for word."),
        _("ratings: every answer you saved, in every version. Which images are real is not in it."),
        _("usability: what you thought of the site, where a study asked."),
        _("events: what the log says of you. references: where else the site points to your account."),
        _("Mails that were sent to you are not stored here."),
        _(
            "Of a study that is not closed, image codes, repeats and the reasons that organisers wrote are left out, as they "
            "could tell what must not be known before."
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _tables(person: User) -> Iterator[tuple[str, Iterable[Row]]]:
    yield "account", [_account(person)]
    sessions = UserSession.objects.filter(user=person).order_by("pk")
    yield "sessions", sessions.values("created_at", "last_seen_at", "ip", "user_agent").iterator(AT_ONCE)
    providers = SocialAccount.objects.filter(user=person).order_by("pk")
    yield (
        "identity_providers",
        providers.values("provider", "uid", "date_joined", "last_login", "extra_data").iterator(AT_ONCE),
    )
    links = LoginLink.objects.filter(user=person).order_by("pk")
    yield "sign_in_links", links.values("created_at", "expires_at", "used_at").iterator(AT_ONCE)
    tokens = PersonalToken.objects.filter(user=person).order_by("pk")
    if tokens.exists():  # raters have none
        yield "tokens", tokens.values(*OF_A_TOKEN).iterator(AT_ONCE)
    yield "enrolments", map(_enrolment, _enrolments(person))
    yield "ratings", _ratings(person)
    yield "usability", _usability(person)
    yield "events", _events(person)
    yield "references", _references(person)


def _account(person: User) -> Row:
    preferences = Preferences.of(person)
    return {
        "uuid": person.uuid,
        "address": person.email,
        "other_addresses": list(EmailAddress.objects.filter(user=person).values_list("email", flat=True)),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "role": person.role,
        "groups": [group.name for group in person.groups.all()],
        "joined_at": person.date_joined,
        "address_confirmed_at": person.address_confirmed_at,
        "last_signed_in_at": person.last_login,
        "has_password": person.has_usable_password(),
        "second_factors": list(
            Authenticator.objects.filter(user=person).values("type", "created_at", "last_used_at")
        ),
        "language": preferences.language,
        "theme": preferences.theme,
        "auto_advance": preferences.auto_advance,
        "single_keys": preferences.single_keys,
        "offers_tour": preferences.offers_tour,
    }


def _enrolments(person: User) -> Iterator[Enrolment]:
    yield from Enrolment.objects.filter(user=person).select_related("study", "user").order_by("pk")


def _enrolment(enrolment: Enrolment) -> Row:
    names = (
        "created_at",
        "consented_at",
        "consent_version",
        "informed_at",
        "withdrawn_at",
        "ratings_removed_at",
        "reminders_stopped_at",
    )
    recruit = Recruit.objects.filter(enrolment=enrolment).values(
        "participant", "outer_study", "outer_session"
    )
    displays = enrolment.sittings.exclude(display={}).values("session", "attempt", "display")
    profile = ("years", "subspecialty", "ai_knowledge")
    return {
        "study": enrolment.study.name,
        "pseudonym": enrolment.pseudonym,
        **{name: getattr(enrolment, name) for name in (*names, *profile)},
        "displays": list(displays),
        "recruited_as": recruit.first() or None,
        "reminded_at": list(enrolment.reminders.values_list("sent_at", flat=True)),
    }


def _ratings(person: User) -> Iterator[Row]:
    """Each save. While a study goes on a row names no image: two of the same code would tell that one comes back."""
    revisions = (
        RatingRevision.objects.filter(sitting__enrolment__user=person)
        .select_related("sitting__enrolment__study", "rating__presentation__study_image")
        .order_by("sitting", "chain_number")
    )
    for revision in revisions.iterator(AT_ONCE):
        presentation, sitting = revision.rating.presentation, revision.sitting
        assert sitting is not None  # noqa: S101  (the filter's)
        study = sitting.enrolment.study
        yield {
            "study": study.name,
            "session": sitting.session,
            "attempt": sitting.attempt,
            "position": presentation.position,
            "image": presentation.study_image.code if study.is_over else None,
            "kind": str(presentation.kind) if study.is_over else None,
            "first_shown_at": presentation.first_shown_at,
            "revision": revision.number,
            "stands": revision.number == revision.rating.revision,
            "saved_at": revision.saved_at,
            **{name: getattr(revision, name) for name in SAVE},
            "reason_of_the_change": revision.reason,
        }


def _usability(person: User) -> Iterator[Row]:
    """What they thought of the site, at the end of a sitting."""
    answers = UsabilityAnswer.objects.filter(sitting__enrolment__user=person).order_by("pk")
    for answer in answers.select_related("sitting__enrolment__study"):
        sitting = answer.sitting
        yield {
            "study": sitting.enrolment.study.name,
            "session": sitting.session,
            "answered_at": answer.answered_at,
            "items": answer.items,
        }


def _events(person: User) -> Iterator[Row]:
    """What they did and what was done to them, also under their pseudonyms; who else acted is not theirs to have."""
    about_them = models.Q(actor=person.uuid) | models.Q(subject_kind="user", subject_key=str(person.uuid))
    about_them |= models.Q(identity__icontains=person.email)
    for event in Event.objects.filter(about_them).order_by("pk").iterator(AT_ONCE):
        yield _event(event, reason=event.reason if event.actor == person.uuid else None)
    for enrolment in _enrolments(person):
        study = enrolment.study
        for event in study.events.filter(detail__rater=enrolment.pseudonym).order_by("pk").iterator(AT_ONCE):
            yield _event(event, reason=event.reason if study.is_over else None)


def _event(event: Event, *, reason: str | None) -> Row:
    return {
        "at": event.at,
        "chain": event.chain,
        "number": event.number,
        "subject": event.subject_kind,
        "action": event.action,
        "by": event.actor_kind,
        "reason": reason,
    }


def _references(person: User) -> Iterator[Row]:
    """Every other row of the site that points to this person: what they made, asked for or have a part in."""
    for relation in User._meta.related_objects:
        related: Any = relation.related_model
        for key in related._base_manager.filter(**{relation.field.name: person}).values_list("pk", flat=True):
            yield {"table": related._meta.db_table, "row": key, "as": relation.field.name}


def _write(archive: zipfile.ZipFile, name: str, rows: Iterable[Row]) -> None:
    """Both forms of a table in one pass over its rows; the JSON one waits in a file of its own."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as lossless,
        archive.open(f"{name}.csv", "w", force_zip64=True) as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text, lineterminator="\r\n")
        lossless.write("[")
        for number, row in enumerate(rows):
            if number == 0:
                writer.writerow(row)
            writer.writerow(_cell(value) for value in row.values())
            lossless.write((",\n" if number else "\n") + _json(row))
        lossless.write("\n]\n")
        text.flush()
        text.close()
        lossless.seek(0)
        with archive.open(f"{name}.json", "w", force_zip64=True) as entry:
            while piece := lossless.read(2**16):
                entry.write(piece.encode())


def _json(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return guarded(_json(value) if isinstance(value, dict | list) else str(value))
