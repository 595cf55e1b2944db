"""Machines that rate: blinded like people, marked for good, and in no number about people."""

import io
import json
import zipfile

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.urls import reverse

from audit.models import Event
from lungrater.machines.model_folder import NotAModelError, looker_of
from lungrater.machines.vision_model import opinion_in
from pool.canonical.pixels import decode_png
from pool.canonical.typed_json import as_json
from rating.models import Enrolment, Freeze, Rating, Study
from rating.reading.machine_raters import NoOpinionError, Opinion, enrol_machine, opinion_of, read
from rating.results.build_report import report_on, results_of
from rating.results.export.ratings_csv import rating_facts
from rating.studies.study import NotPossibleError
from tests.generation.images_api import Answer, error, serving
from tests.rating.bundles import bundle
from tests.rating.cast import draft_study, frozen_study, open_study, organiser, presentations, rate_all

pytestmark = pytest.mark.django_db
KEY = "sk-canary-1234567890"


class Guess:
    """A machine that keeps what it was shown and answers by a rule."""

    name, facts = "a rule", {"rule": "mean grey"}

    def __init__(self, rule=lambda image: float(image.mean() / 255)):
        self.seen, self.rule = [], rule

    def look(self, image):
        self.seen.append(image)
        return opinion_of(self.rule(image))


def read_by(study: Study, looker) -> Enrolment:
    enrolment = enrol_machine(study, looker)
    for _ in read(enrolment, looker):
        pass
    return enrolment


def test_a_machine_sees_the_blinded_images_and_nothing_else_in_its_own_stored_order(rater):
    study = open_study(raters=[rater], real=4, fake=4)
    looker = Guess()

    enrolment = read_by(study, looker)

    shown = presentations(study, enrolment.user)
    for presentation, image in zip(shown, looker.seen, strict=True):
        with presentation.study_image.derivative.open("rb") as derivative:
            assert np.array_equal(decode_png(derivative.read()), image)
        assert image.dtype == np.uint8
    assert [one.study_image.code for one in shown] != [
        one.study_image.code for one in presentations(study, rater)
    ]
    assert enrolment.sittings.get().order_sha256


def test_a_machine_counts_in_no_number_about_people(rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=4, fake=4)
    read_by(study, Guess(lambda _image: 0.9))
    for one in (rater, other_rater):
        rate_all(study, one, "real")
    study.close(organiser())
    study.unblind(organiser(), "All have finished.")

    numbers = results_of(study)

    assert numbers.agreement.raters == 2
    assert "M03" not in json.dumps({**as_json(numbers), "machines": []})
    assert {row.rater for row in numbers.known_truth.per_rater} == {"R01", "R02"}
    assert {row["rater"] for row in rating_facts(study)} == {"R01", "R02"}
    assert Study.objects.with_progress().get(pk=study.pk).rater_count == 2
    machine = numbers.machines[0]
    assert (machine.rater, machine.name) == ("M03", "a rule")
    assert machine.counts == {"real": 0, "fake": 8, "unsure": 0}
    assert machine.with_most_raters.same.estimate == 0
    assert machine.truth
    assert machine.truth.fool_rate.estimate == 0
    assert machine.auc
    assert machine.auc.estimate == 0.5


def test_machines_stand_beside_people_on_a_page_and_in_the_report(client_of, researcher, rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=4, fake=4)
    truth = {}
    for one in study.images.select_related("image"):
        with one.derivative.open("rb") as derivative:
            truth[derivative.read()] = one.image.origin == "synthetic"
    fakes = [decode_png(png) for png, is_fake in truth.items() if is_fake]
    read_by(study, Guess(lambda image: 0.8 if any(np.array_equal(image, fake) for fake in fakes) else 0.3))
    for one in (rater, other_rater):
        rate_all(study, one, "real")
    study.close(organiser())
    address = reverse("rating:analysis_question", args=[study.slug, "machines"])

    blinded = client_of(researcher).get(address).content.decode()
    study.unblind(organiser(), "All have finished.")
    told = client_of(researcher).get(address).content.decode()
    titles = [
        piece.title for s in report_on(study, results_of(study), "2026-01-31").sections for piece in s.pieces
    ]

    assert "M03</td>" in blinded
    assert "Sensitivity" not in blinded
    assert "a rule" in told
    assert "People</td>" in told
    auc = results_of(study).machines[0].auc
    assert auc
    assert auc.estimate == 1
    assert "Machines beside people" in titles


def test_a_machine_takes_no_block_from_people_and_stays_a_machine(rater, other_rater):
    study = draft_study(real=4, fake=4)
    study.blocks, study.anchors = 2, 2
    study.save()
    Enrolment.enrol(study, rater)
    Freeze.objects.create(study=study).perform()
    study.refresh_from_db()
    study.open(organiser())
    machine = read_by(study, Guess())
    late = Enrolment.enrol(study, other_rater)

    assert (machine.slot, late.slot, late.pseudonym) == (1, 2, "R03")
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        Enrolment.objects.filter(pk=machine.pk).update(machine="")


def test_the_same_machine_goes_on_where_it_stopped(rater):
    study = open_study(raters=[rater], real=3, fake=3)
    looker = Guess()
    enrolment = enrol_machine(study, looker)
    steps = read(enrolment, looker)
    for _ in range(3):
        next(steps)

    again = read_by(study, looker)

    assert again == enrolment
    assert len(looker.seen) == 6
    assert Rating.objects.filter(presentation__sitting__enrolment=enrolment).count() == 6


def test_a_machine_stops_in_words_when_the_study_closes_under_it(rater):
    study = open_study(raters=[rater], real=2, fake=2)
    looker = Guess()
    enrolment = enrol_machine(study, looker)
    steps = read(enrolment, looker)
    next(steps)
    next(steps)
    study.close(organiser())

    with pytest.raises(NotPossibleError, match="was closed"):
        next(steps)

    assert Rating.objects.count() == 1


def test_the_same_machine_in_two_windows_rates_each_image_once(rater):
    study = open_study(raters=[rater], real=2, fake=2)
    looker = Guess()
    enrolment = enrol_machine(study, looker)
    first, second = read(enrolment, looker), read(enrolment, looker)
    next(first)
    next(second)

    for _ in range(4):
        next(first)
        next(second)

    assert Rating.objects.count() == 4


def test_a_machine_rates_only_while_the_study_is_open(rater):
    study = frozen_study(raters=[rater])

    with pytest.raises(NotPossibleError, match="is frozen"):
        enrol_machine(study, Guess())
    assert not Enrolment.objects.machines().exists()


def test_a_machine_is_no_persons_progress(rater):
    study = open_study(raters=[rater], real=2, fake=2)
    read_by(study, Guess())

    counted = Study.objects.with_progress().get()

    assert (counted.rater_count, counted.presentation_count, counted.rated_count) == (1, 4, 0)


def test_the_bundle_keeps_machines_and_who_left_apart(rater, other_rater):
    study = open_study(raters=[rater, other_rater], real=2, fake=2)
    study.enrolments.get(user=other_rater).withdraw(organiser(), "Has left.")
    read_by(study, Guess())
    rate_all(study, rater, "real")
    study.close(organiser())

    with zipfile.ZipFile(io.BytesIO(bundle(study, "2026-01-31"))) as archive:
        people, machines = (archive.read(name).decode() for name in ("ratings.csv", "machines.csv"))
        manifest = json.loads(archive.read("manifest.json"))
        sequences = archive.read("sequences.csv").decode().splitlines()

    assert people.count("R01") == 4
    assert "R02" not in people
    assert "M03" not in people
    assert machines.count("M03") == 4
    assert manifest["machines"] == {"M03": "a rule"}
    assert manifest["left_out"] == ["R02"]
    assert [line[-2:] for line in sequences[1:]] == [",1", ",0", ",0"]


@pytest.mark.parametrize(
    ("p", "label", "confidence"),
    [
        (0.0, "real", 5),
        (0.45, "real", 1),
        (0.5, "unsure", 1),
        (0.55, "fake", 1),
        (0.81, "fake", 4),
        (1.0, "fake", 5),
    ],
)
def test_a_probability_becomes_a_label_and_how_sure_it_is(p, label, confidence):
    assert opinion_of(p) == Opinion(label, confidence, p_fake=p)
    assert opinion_of(0.55, unsure=0.1).label == "unsure"


@pytest.fixture
def scripted(tmp_path):
    """A TorchScript model in a folder: the logit of fake grows with the mean grey."""
    import torch

    class Mean(torch.nn.Module):
        def forward(self, x):
            return (x.mean(dim=(1, 2, 3)) - 0.5) * 10

    torch.jit.script(Mean()).save(str(tmp_path / "model.pt"))
    (tmp_path / "machine.json").write_text(json.dumps({"side": 32, "name": "mean grey"}))
    return tmp_path


def test_a_torchscript_folder_reads_a_study_by_command(scripted, rater, capsys):
    study = open_study(raters=[rater], real=2, fake=2)

    call_command("machine-rater", study.name, folder=scripted, json=True)

    report = json.loads(capsys.readouterr().out)
    assert (report["rater"], report["rated"], report["without_answer"]) == ("M02", 4, 0)
    assert report["machine"].startswith("mean grey (")
    states = Rating.objects.filter(presentation__sitting__enrolment__machine=report["machine"])
    assert all(0 < state["p_fake"] < 1 for state in states.values_list("view_state", flat=True))
    white, black = np.full((40, 40), 255, np.uint8), np.zeros((40, 40), np.uint8)
    looker = looker_of(scripted)
    assert (looker.look(white).label, looker.look(black).label) == ("fake", "real")


def test_the_same_model_with_another_threshold_is_another_rater(scripted, rater):
    study = open_study(raters=[rater])

    places = [enrol_machine(study, looker_of(scripted, unsure=unsure)) for unsure in (0, 0.1, 0.1)]

    assert [place.pseudonym for place in places] == ["M02", "M03", "M03"]


def test_a_classifier_trained_here_reads_by_its_class_named_fake(tmp_path):
    from generation.classifiers.classifier import Classifier, Description, fresh

    description = Description("tiny-resnet", ("real", "synthetic"), 32)
    classifier = Classifier(description, fresh(description))
    classifier.save(tmp_path)
    image = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)

    opinion = looker_of(tmp_path).look(image)

    assert opinion.p_fake == pytest.approx(classifier.probabilities([image])[0, 1], abs=1e-5)
    Classifier(Description("tiny-resnet", ("normal", "pneumonia"), 32), classifier.network).save(tmp_path)
    with pytest.raises(NotAModelError, match="none of these is fake"):
        looker_of(tmp_path)


def test_a_folder_without_a_usable_model_is_refused_in_words(tmp_path, scripted, rater):
    study = open_study(raters=[rater])
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(CommandError, match=r"neither model.pt"):
        call_command("machine-rater", study.name, folder=empty)
    (scripted / "machine.json").write_text('{"output": "probabilities", "side": 32}')
    with pytest.raises(CommandError, match="gives logits"):
        call_command("machine-rater", study.name, folder=scripted)
    (scripted / "model.pt").write_bytes(b"not a model")
    with pytest.raises(CommandError, match="not TorchScript"):
        call_command("machine-rater", study.name, folder=scripted)
    assert not Enrolment.objects.machines().exists()


def said(content):
    """A chat completion with this answer."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return Answer(
        body={"id": "1", "object": "chat.completion", "created": 1, "model": "see", "choices": [choice]}
    )


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving() as server:
        yield server


def test_a_vision_model_is_asked_with_one_prompt_and_only_the_image(api, rater, capsys):
    study = open_study(raters=[rater], real=2, fake=2)
    api.script = [said('```json\n{"label": "Fake", "confidence": 4, "remark": "Odd ribs."}\n```')] * 4

    call_command("machine-rater", study.name, model="see-1", base_url=api.url, json=True)

    reading = json.loads(capsys.readouterr().out)
    machine = Enrolment.objects.machines().get()
    assert (reading["rated"], machine.machine) == (4, "see-1 at 127.0.0.1")
    ratings = Rating.objects.filter(presentation__sitting__enrolment=machine)
    assert set(ratings.values_list("label", "confidence", "remark")) == {("fake", 4, "Odd ribs.")}
    for asked in api.asked:
        system, user = asked["messages"]
        assert study.instructions in system["content"]
        assert [part["type"] for part in user["content"]] == ["image_url"]
        assert user["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert len({asked["messages"][0]["content"] for asked in api.asked}) == 1
    codes = study.images.values_list("code", flat=True)
    assert not any(code in json.dumps(api.asked) for code in codes)


def test_what_a_model_does_not_answer_stays_unrated_and_is_asked_again(api, rater, capsys):
    study = open_study(raters=[rater], real=1, fake=1)
    api.script = [said("I cannot help with that."), said('{"label": "real", "confidence": 9}')]

    with pytest.raises(CommandError, match="1 of 2 images have no answer"):
        call_command("machine-rater", study.name, model="see-1", base_url=api.url)
    api.script = [said('{"label": "unsure"}')]
    call_command("machine-rater", study.name, model="see-1", base_url=api.url)

    assert sorted(Rating.objects.values_list("label", flat=True)) == ["real", "unsure"]
    assert not Rating.objects.exclude(confidence=None).exists()


def test_a_refused_key_ends_the_reading_and_the_key_is_nowhere(api, rater, capsys):
    study = open_study(raters=[rater], real=1, fake=1)
    api.script = [error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}")]
    log = io.StringIO()

    with pytest.raises(CommandError, match="key was not accepted") as refused:
        call_command("machine-rater", study.name, model="see-1", base_url=api.url, stdout=log)

    assert api.keys == [f"Bearer {KEY}"]
    texts = [log.getvalue(), str(refused.value), *capsys.readouterr()]
    texts += [str(vars(row)) for table in (Event, Enrolment, Rating) for row in table.objects.all()]
    assert KEY not in "".join(texts)


def test_an_answer_is_understood_only_when_it_names_a_label():
    assert opinion_in('{"label": "real", "confidence": true}') == Opinion("real")
    for text in ("", "fake", '{"label": "maybe"}', '["fake"]', '{"label": fake}'):
        with pytest.raises(NoOpinionError):
            opinion_in(text)


def test_nobody_can_sign_in_as_a_machine_or_make_one_of_a_person(rater, other_rater):
    study = open_study(raters=[rater])

    machine = read_by(study, Guess())

    assert not machine.user.is_active
    assert not machine.user.has_usable_password()
    with pytest.raises(NotPossibleError, match="never under a person's"):
        Enrolment.enrol(study, other_rater, machine="a rule")
