"""The first page of each role says what needs a hand, and costs the same for few and for many."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.membership.models import Part
from accounts.models import User
from accounts.sign_in.context import site
from lungrater.pages import front_page
from lungrater.pages.front_page import next_step
from pool.models import ImportJob
from rating.models import BlindingAudit, Study
from tests.factories import make_dataset
from tests.rating.cast import draft_study, frozen_study, open_study, over_study

pytestmark = pytest.mark.django_db


def test_a_rater_comes_to_their_readings(client_of, rater):
    assert client_of(rater).get(reverse("home")).url == reverse("rating:reading_list")


def test_an_admin_sees_what_is_not_well_what_failed_and_who_waits(client_of, admin, rater, monkeypatch):
    monkeypatch.setattr("lungrater.monitoring.overview.is_guarded", lambda: False)
    job = ImportJob.objects.create(dataset=make_dataset())
    ImportJob.objects.filter(pk=job.pk).update(state="failed", finished_at=timezone.now())

    page = client_of(admin).get(reverse("home"))

    sentences = " ".join(task.sentence for task in page.context["tasks"])
    assert "Queue cpu: no worker serves it" in sentences
    assert "Trail: The site's database role owns the log" in sentences
    assert "lungrater backup FILE" in sentences  # what to do, not only that nothing was done
    assert "1 job failed in the last week." in sentences
    assert "1 person has been invited and never signed in." in sentences


def test_whoever_came_by_a_link_that_worked_once_learns_at_home_how_to_come_back(
    client_of, researcher, settings
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    researcher.set_unusable_password()
    researcher.save()
    warning = "Your link worked once."

    assert warning in client_of(researcher).get(reverse("home")).content.decode()

    researcher.set_password("a-long-phrase-of-one-researcher")
    researcher.save()
    assert warning not in client_of(researcher).get(reverse("home")).content.decode()


def test_a_site_that_is_well_says_so(client_of, admin, monkeypatch):
    monkeypatch.setattr(front_page, "parts", lambda _site: [])

    assert "every part of the site is well" in client_of(admin).get(reverse("home")).content.decode()


def test_a_researcher_sees_no_operations_and_only_studies_with_a_part(client_of, researcher):
    mine, other = draft_study("Mine"), draft_study("Not mine")
    for study in (mine, other):
        study.memberships.all().delete()
    mine.share_with(researcher, Part.EDITOR)

    page = client_of(researcher).get(reverse("home"))

    assert "tasks" not in page.context
    assert [line.study for line in page.context["studies"]] == [mine]


def test_each_state_of_a_study_has_its_next_step(rater):
    draft_study("Draft")
    frozen_study("Frozen")
    open_study("Open", raters=[rater])

    steps = {study.name: next_step(study) for study in Study.objects.with_progress()}

    assert "freeze it" in steps["Draft"]
    assert "open it" in steps["Frozen"]
    assert "0 of" in steps["Open"]


@pytest.mark.parametrize(("override", "sentence"), [("", "audit is red"), ("It is accepted.", "open it")])
def test_a_study_that_its_audit_stops_is_not_said_to_be_opened_next(
    client_of, researcher, override, sentence
):
    study = frozen_study("Frozen")
    study.share_with(researcher, Part.OWNER)
    times = {"overridden_at": timezone.now(), "overridden_by": researcher} if override else {}
    BlindingAudit.objects.filter(study=study).delete()
    BlindingAudit.objects.create(
        study=study, verdict="red", state="succeeded", override_reason=override, **times
    )

    page = client_of(researcher).get(reverse("home"))

    assert sentence in page.context["studies"][0].next_step


@pytest.mark.parametrize(("raters", "step"), [(0, "Freeze it, then invite raters"), (2, "Freeze it")])
def test_a_draft_with_its_images_wants_to_be_frozen(raters, step):
    study = Study(state=Study.State.DRAFT)
    vars(study).update(rater_count=raters, has_images=True)  # as the page's query counts and looks for them

    assert next_step(study) == step


def test_an_open_study_whose_raters_have_all_left_wants_new_ones():
    study = Study(state=Study.State.OPEN)
    study.rater_count = 0  # as `with_progress` counts them

    assert next_step(study) == "Invite raters"


def test_the_jobs_are_the_persons_own_and_under_way(client_of, researcher, admin):
    dataset = make_dataset()
    mine = ImportJob.objects.create(dataset=dataset, requested_by=researcher)
    ImportJob.objects.create(dataset=dataset, requested_by=admin)
    over = ImportJob.objects.create(dataset=dataset, requested_by=researcher)
    ImportJob.objects.filter(pk=over.pk).update(state="succeeded")

    page = client_of(researcher).get(reverse("home"))

    assert [line.job for line in page.context["jobs"]] == [mine]


def test_few_or_many_people_studies_and_jobs_cost_the_same_queries(client_of, admin):
    browser = client_of(admin)

    def queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("home"))
        return len(queries)

    def more(count: int) -> None:
        dataset = make_dataset()
        User.objects.bulk_create(User(email=f"{count}-{each}@example.org") for each in range(count))
        for each in range(count):
            study = draft_study(f"Study {count} {each}")
            study.share_with(admin, Part.OWNER)
            ImportJob.objects.create(dataset=dataset, requested_by=admin)

    more(2)
    browser.get(reverse("home"))
    few = queries()
    more(8)

    assert queries() == few


def test_few_or_many_wishes_to_unblind_cost_the_same_queries(client_of, researcher, admin, rater):
    browser = client_of(researcher)

    def queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "waits for a second person" in browser.get(reverse("home")).text
        return len(queries)

    def one_more() -> None:
        study = over_study(f"Study {Study.objects.count()}", raters=[rater], four_eyes=True)
        study.share_with(researcher, Part.OWNER)
        study.unblind(admin, "All have read.")

    one_more()
    queries()
    few = queries()
    one_more()

    assert queries() == few


def test_a_page_drawn_before_anybody_is_known_asks_for_nobody(rf):
    """Such as a refusal of a middleware that stands before the one that signs in."""
    assert "has_way_back" in site(rf.get("/"))
