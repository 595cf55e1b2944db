"""A measure of a checkpoint reaches the study of its images, and the study's fool rate the checkpoint's page."""

import re

import pytest
from django.urls import reverse

from generation.images.runner import _origin
from rating.reading.simulation import Readers, simulate
from tests.generation.makers import make_checkpoint, make_job
from tests.rating.cast import draft_study, open_study, organiser, over_study, rate_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of, researcher):
    return client_of(researcher)


def test_the_datasets_page_tells_how_often_raters_of_unblinded_studies_called_its_images_real(
    browser, rater, other_rater
):
    datasets = reverse("pool:datasets")
    study = over_study(raters=[rater, other_rater], real=2, fake=4)

    blinded = browser.get(datasets).content.decode()
    study.unblind(organiser(), "All have finished.")
    told = browser.get(datasets).content.decode()

    assert "4 images" not in blinded
    assert "0.50 (" in told
    assert "4 images, 2 raters), <a" in told
    assert told.count("raters), <a") == 1


def test_a_rehearsal_tells_nothing_of_a_dataset(browser):
    simulate(draft_study(real=4, fake=4), Readers(raters=2))

    assert "raters), <a" not in browser.get(reverse("pool:datasets")).content.decode()


def test_a_checkpoints_fid_stands_beside_its_fool_rate_in_the_study_and_on_its_own_page(
    browser, tmp_path, rater, other_rater
):
    checkpoint = make_checkpoint(tmp_path)
    measured = {"fid": 41.5, "kid": 0.0625, "n_real": 300, "n_fake": 200}
    checkpoint.metrics = {**measured, "extractor": {"name": "small", "dimensions": 64, "sha256": "0" * 64}}
    checkpoint.save(update_fields=["metrics"])
    study = open_study(raters=[rater, other_rater], real=2, fake=4)
    # What the filling of a job writes into each of its images:
    provenance = _origin(make_job(engine="diffusion", checkpoint=checkpoint))
    for one in study.images.filter(image__origin="synthetic"):
        one.image.provenance = provenance
        one.image.save(update_fields=["provenance"])
    rate_all(study, rater, "real")
    rate_all(study, other_rater, "fake")
    study.close(organiser())
    own_page = reverse("generation:checkpoint", args=[checkpoint.pk])

    blinded = browser.get(own_page).content.decode()
    study.unblind(organiser(), "All have finished.")
    told = browser.get(own_page).content.decode()
    generators = reverse("rating:analysis_question", args=[study.slug, "generators"])
    analysis = browser.get(generators).content.decode()

    assert "Called real by raters" not in blinded
    assert "0.50 (" in told
    assert f'<a href="{generators}">{study}</a>' in told
    assert re.search(r"41\.500</td>\s*<td class=\"number\">0\.062</td>", analysis)
    assert "fool-rate-against-fid.svg" in analysis
