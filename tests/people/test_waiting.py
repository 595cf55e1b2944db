"""What waits for a researcher stands on the first page with the act that frees it, and lists show what they are of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.membership.models import Part
from pool.imports.labels import ROW_WITHOUT_FILE
from pool.imports.outcome_rows import FileOutcome
from pool.models import ImportJob
from pool.strips import LENGTH, strips
from rating.models import Freeze, Recruitment, Sitting
from rating.studies.sampling.strips import strips_of_studies
from tests.factories import make_dataset, make_image, make_pixels
from tests.rating.cast import draft_study, frozen_study, open_study, over_study, rate_all

pytestmark = pytest.mark.django_db


def titles(browser) -> list[str]:
    return [task.title for task in browser.get(reverse("home")).context["waiting"]]


def test_each_study_that_needs_its_editor_waits_with_its_act(client_of, researcher, rater):
    begun, bare = draft_study("Begun"), draft_study("Bare", real=0, fake=0)
    read = over_study("Read", raters=[rater])
    for study in (begun, bare, read):
        study.share_with(researcher, Part.OWNER)

    page = client_of(researcher).get(reverse("home"))

    acts = {task.title: (task.act, task.url) for task in page.context["waiting"]}
    assert acts == {
        "“Read” is closed": ("Unblind …", read.get_absolute_url()),
        "“Begun” is a draft": ("Go on", begun.get_absolute_url()),
        "“Bare” is a draft": ("Go on", reverse("rating:edit", args=[bare.slug])),
    }
    assert page.content.decode().count('class="tile') == len(acts)


def test_a_draft_that_is_being_frozen_waits_for_nobody(client_of, researcher):
    study = draft_study("Begun")
    study.share_with(researcher, Part.OWNER)
    Freeze.objects.create(study=study, state=Freeze.State.RUNNING)

    context = client_of(researcher).get(reverse("home")).context

    assert context["waiting"] == []
    assert [line.next_step for line in context["studies"]] == ["Wait: it is being frozen"]


def test_a_rater_who_began_and_fell_quiet_is_named_by_code(client_of, researcher, rater):
    study = open_study("Quiet", raters=[rater])
    study.share_with(researcher, Part.OWNER)
    Sitting.objects.update(rated_count=1, ended_at=timezone.now() - timedelta(days=4))

    assert titles(client_of(researcher)) == ["R01 has not rated for three days"]


def test_who_may_invite_nobody_is_led_to_the_study_that_lacks_raters(client_of, researcher):
    theirs, of_pseudonyms = (
        frozen_study(f"Nobody in it, {only}", pseudonyms_only=only) for only in (False, True)
    )
    for study in (theirs, of_pseudonyms):
        study.share_with(researcher, Part.OWNER)
    browser = client_of(researcher)

    urls = {task.url for task in browser.get(reverse("home")).context["waiting"]}

    assert urls == {reverse("invite", args=[theirs.slug]), of_pseudonyms.get_absolute_url()}
    assert browser.get(reverse("invite", args=[of_pseudonyms.slug])).status_code == 404


def test_a_viewer_is_asked_for_nothing(client_of, researcher):
    study = draft_study("Not theirs")
    study.memberships.all().delete()
    study.share_with(researcher, Part.VIEWER)

    assert titles(client_of(researcher)) == []


def test_refused_files_and_failed_jobs_of_the_last_week_wait(client_of, researcher, admin):
    dataset = make_dataset()
    for person, age in ((researcher, 1), (researcher, 9), (admin, 1)):
        job = ImportJob.objects.create(dataset=dataset, requested_by=person)
        finished = timezone.now() - timedelta(days=age)
        ImportJob.objects.filter(pk=job.pk).update(state="failed", error="No room.", finished_at=finished)
        FileOutcome.objects.create(job=job, kind="refused", file="a.png", reason="broken")
        FileOutcome.objects.create(job=job, kind="refused", file="b.png", reason=ROW_WITHOUT_FILE)

    waiting = titles(client_of(researcher))

    assert len(waiting) == 2
    assert waiting[0] == "1 file was refused"
    assert waiting[1].endswith("failed")


def test_a_strip_has_a_few_usable_images_of_what_the_person_may_see(researcher, django_assert_num_queries):
    seen, hidden = make_dataset("Seen"), make_dataset("Hidden")
    images = [make_image(seen, pixels=make_pixels(seed=n)) for n in range(LENGTH + 2)]
    make_image(hidden)
    images[0].excluded_reason = "broken"
    images[0].save()
    for dataset in (seen, hidden):
        dataset.memberships.all().delete()
    seen.share_with(researcher, Part.VIEWER)

    with django_assert_num_queries(1):
        of_dataset = strips([seen.pk, hidden.pk], researcher)

    assert list(of_dataset) == [seen.pk]
    usable = sorted(images[1:], key=lambda image: image.pixel_sha256)
    assert of_dataset[seen.pk] == [image.pk for image in usable[:LENGTH]]


def test_who_reads_in_a_study_is_shown_none_of_its_images_on_the_lists(researcher, rater):
    study = open_study("Read by one", raters=[rater])
    for person in (rater, researcher):
        for stratum in study.strata.all():
            stratum.dataset.share_with(person, Part.VIEWER)

    assert strips_of_studies([study], researcher)[study.pk]
    assert strips_of_studies([study], rater) == {}


def test_nor_by_way_of_another_study_of_the_same_images(researcher, rater):
    read = open_study("Read by one", raters=[rater])
    sibling = draft_study("Of the same images")
    for stratum in read.strata.all():
        stratum.dataset.share_with(rater, Part.VIEWER)
        stratum.dataset.share_with(researcher, Part.VIEWER)
        sibling.strata.create(dataset=stratum.dataset, count=1)
    sibling.strata.exclude(dataset__in=read.strata.values("dataset")).delete()

    assert strips_of_studies([sibling], researcher)[sibling.pk]
    assert strips_of_studies([sibling], rater) == {}


def test_a_study_that_still_lets_people_in_is_not_said_to_be_all_rated(client_of, researcher, rater):
    study = open_study("Recruits", raters=[rater])
    study.share_with(researcher, Part.OWNER)
    rate_all(study, rater, "real")
    browser = client_of(researcher)

    finished = titles(browser)
    Recruitment.objects.create(study=study, is_open=True)

    assert finished == ["All of “Recruits” is rated"]
    assert titles(browser) == []
    assert "the link is open" in browser.get(reverse("home")).content.decode()


def test_what_is_more_than_a_handful_is_counted_and_folded(client_of, researcher):
    for number in range(10):
        draft_study(f"Draft {number}", real=1, fake=0).share_with(researcher, Part.OWNER)

    page = client_of(researcher).get(reverse("home")).content.decode()

    assert "10 things wait for you" in page
    assert "<summary>2 more</summary>" in page
