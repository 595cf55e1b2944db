"""The numbers of a large study are computed by a job; its pages wait for it and count nothing themselves."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.forms import ReasonForm
from pool.registers.fool_rates_by_dataset import of_dataset
from rating.models import Analysis, Rating, RatingRevision, Stratum
from rating.results.cache import ResultCache, forget, states_of
from rating.results.fool_rates_by_dataset import fool_rates
from rating.results.methods import versions
from rating.views.conduct.point_of_no_return import unblind_study
from tests.rating.cast import over_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def every_study_is_large(monkeypatch):
    for module in ("computation.queue", "fool_rates_by_dataset"):
        monkeypatch.setattr(f"rating.results.{module}.MOST_AT_ONCE", 3)


@pytest.fixture
def browser(client_of, researcher):
    return client_of(researcher)


def addresses(study):
    return [
        reverse("rating:analysis", args=[study.slug]),
        reverse("rating:analysis_question", args=[study.slug, "labels"]),
        reverse("rating:analysis_figure", args=[study.slug, "fool-rate-by-rater", "svg"]),
        reverse("rating:analysis_images", args=[study.slug]),
        reverse("rating:analysis_remarks", args=[study.slug]),
    ]


def test_pages_wait_for_one_job_and_then_show_what_it_computed(every_study_is_large, browser, rater):
    study = over_study(raters=[rater], unblinded=True)

    waiting = [browser.get(address) for address in addresses(study)]
    page_of_the_study = browser.get(study.get_absolute_url())

    assert [page.status_code for page in waiting] == [202] * len(waiting)
    assert "by a worker" in waiting[0].content.decode()
    assert page_of_the_study.context["headline"] is None
    job = Analysis.objects.get()

    job.perform()

    job.refresh_from_db()
    assert (job.state, job.done) == ("succeeded", job.total)
    assert [browser.get(address).status_code for address in addresses(study)] == [200] * len(waiting)
    assert browser.get(study.get_absolute_url()).context["headline"] is not None
    assert Analysis.objects.count() == 1


def test_the_report_of_a_large_study_comes_with_the_bundle(every_study_is_large, browser, rater):
    study = over_study(raters=[rater], unblinded=True)

    page = browser.get(reverse("rating:report", args=[study.slug, "pdf"]), follow=True)

    assert page.redirect_chain[-1][0] == reverse("rating:bundles", args=[study.slug])
    assert "made by a worker, with the bundle" in page.content.decode()


def test_while_the_job_runs_no_page_reads_a_rating(every_study_is_large, browser, rater):
    study = over_study(raters=[rater], unblinded=True)

    with CaptureQueriesContext(connection) as queries:
        for address in addresses(study):
            browser.get(address)

    assert not [
        query["sql"]
        for query in queries
        if '"rating_rating"' in str(query["sql"]) or "rating_rating r" in str(query["sql"])
    ]


def test_a_part_of_a_large_study_is_computed_by_a_job_of_its_own(
    every_study_is_large, browser, rater, other_rater
):
    study = over_study(raters=[rater, other_rater], unblinded=True)
    study.enrolments.filter(number=1).update(ai_knowledge="used")
    study.enrolments.filter(number=2).update(ai_knowledge="none")
    address = reverse("rating:analysis_question", args=[study.slug, "labels"])
    browser.get(address)
    Analysis.objects.get().perform()

    part = browser.get(address, {"knowledge": "used"})
    Analysis.objects.get(part="knowledge=used").perform()
    computed = browser.get(address, {"knowledge": "used"})

    assert (part.status_code, computed.status_code) == (202, 200)
    assert computed.context["results"].agreement.raters == 1


def test_a_study_of_usual_size_needs_no_worker(browser, rater):
    study = over_study(raters=[rater], unblinded=True)

    assert browser.get(addresses(study)[0]).status_code == 200
    assert not Analysis.objects.exists()


def test_where_a_worker_has_another_home_the_page_computes_itself(every_study_is_large, browser, rater):
    study = over_study(raters=[rater], unblinded=True)
    state = ResultCache(study).state
    Analysis.objects.create(study=study, state_of_ratings=state, state="succeeded")

    assert browser.get(addresses(study)[0]).status_code == 200


def test_a_job_that_failed_says_so_and_is_let_go_on(every_study_is_large, browser, rater):
    study = over_study(raters=[rater], unblinded=True)
    browser.get(addresses(study)[0])
    Analysis.objects.update(state="failed", error="No memory.")

    page = browser.get(addresses(study)[0]).content.decode()
    browser.post(reverse("rating:analysis_job_resume", args=[Analysis.objects.get().pk]))

    assert "No memory." in page
    assert Analysis.objects.get().state == "queued"


def test_unblinding_a_large_study_has_its_numbers_computed(every_study_is_large, researcher, rater):
    study = over_study(raters=[rater])
    form = ReasonForm({"reason": "All have finished."})
    assert form.is_valid()

    unblind_study(researcher, study, form)

    job = Analysis.objects.get()
    assert (job.study, job.state_of_ratings) == (study, ResultCache(study).state)


def test_the_state_of_many_studies_is_asked_with_the_queries_of_one(rater, other_rater):
    studies = [over_study(f"Study {n}", raters=[rater, other_rater], unblinded=True) for n in range(4)]
    with CaptureQueriesContext(connection) as of_one:
        alone = states_of(studies[:1])
    with CaptureQueriesContext(connection) as of_all:
        together = states_of(studies)

    assert len(of_all) == len(of_one)
    assert together[studies[0].pk] == alone[studies[0].pk]
    assert len({state.fingerprint for state in together.values()}) == 4


def test_rates_of_datasets_cost_no_query_a_study_once_they_are_there(rater):
    over_study("First", raters=[rater], unblinded=True)
    fool_rates()
    with CaptureQueriesContext(connection) as of_one:
        fool_rates()
    for number in range(3):
        over_study(f"Other {number}", raters=[rater], unblinded=True)
    fool_rates()
    with CaptureQueriesContext(connection) as of_four:
        rates = fool_rates()

    assert len(of_four) == len(of_one)
    assert len(rates) == 4


def test_rates_of_too_many_ratings_for_a_page_are_left_to_jobs(every_study_is_large, rater):
    over_study(raters=[rater], unblinded=True)

    before = fool_rates()
    Analysis.objects.get().perform()

    assert not before
    assert len(fool_rates()) == 1


def test_rates_of_one_dataset_ask_for_no_study_that_drew_from_others(rater, monkeypatch):
    own, _other = [over_study(name, raters=[rater], unblinded=True) for name in ("Own", "Other")]
    dataset = Stratum.objects.get(study=own, dataset__origin="synthetic").dataset
    examined = []

    def noted(studies):
        examined.extend(studies)
        return states_of(studies)

    monkeypatch.setattr("rating.results.fool_rates_by_dataset.states_of", noted)

    rates = fool_rates([dataset.pk])

    assert list(rates) == [of_dataset(dataset.pk)]
    assert examined == [own]


def test_a_list_counts_what_one_page_can_and_leaves_the_rest_to_jobs(monkeypatch, rater):
    studies = [over_study(f"Study {number}", raters=[rater], unblinded=True) for number in range(3)]
    monkeypatch.setattr("rating.results.fool_rates_by_dataset.MOST_AT_ONCE", 12)  # two studies of six ratings

    counted = fool_rates()

    assert len(counted) == 2
    assert [job.study for job in Analysis.objects.all()] == studies[2:]


def test_the_versions_are_read_from_files_once_a_process(monkeypatch):
    first = versions()
    monkeypatch.setattr("importlib.metadata.distribution", None)

    assert versions() == first


def test_a_new_answer_makes_a_new_state(rater):
    """A state follows from the end of each sitting's chain, so that a correction is one too."""
    study = over_study(raters=[rater])
    before = ResultCache(study).state
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        last = RatingRevision.objects.order_by("-chain_number").first()
        last.pk, last.number, last.chain_number = None, 2, 100
        last.client_key = "00000000-0000-4000-8000-000000000001"
        last.save()
        Rating.objects.filter(pk=last.rating_id).update(revision=2)
        cursor.execute("SET session_replication_role = DEFAULT")

    assert ResultCache(study).state != before


def test_what_others_compute_before_a_text_is_gone_for_good_goes_with_it(
    rater, django_capture_on_commit_callbacks
):
    study = over_study(raters=[rater])

    with django_capture_on_commit_callbacks(execute=True):
        forget(study.pk)
        ResultCache(study).texts(1)  # by a page that still reads the text

    assert not ResultCache(study).folder.exists()
