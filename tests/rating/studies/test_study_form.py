"""A study is made in steps: each shows its own fields, and a step back or forth loses nothing that was typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.membership.models import Part
from accounts.models import User
from pool.models import Dataset
from rating.models import Study
from tests.factories import make_dataset, make_image
from tests.rating.cast import draft_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of: Callable[[User], Client], researcher: User) -> Client:
    return client_of(researcher)


@pytest.fixture
def datasets() -> tuple[Dataset, Dataset]:
    real, fake = make_dataset("Hospital"), make_dataset("Model", origin="synthetic")
    for dataset in (real, fake):
        for _image in range(3):
            make_image(dataset)
    return real, fake


class Form:
    """The page as a browser without scripts holds it: all its fields, hidden ones among them."""

    def __init__(self, browser: Client, address: str) -> None:
        self.browser, self.address = browser, address
        self.answer: Any = browser.get(address)

    def press(self, go: str, **typed: Any) -> Form:
        context = self.answer.context
        fields = {
            field.html_name: field.value()
            for form in (context["form"], context["strata"])
            for field in form
            if f'name="{field.html_name}"' in self.answer.text and field.value() is not None
        }
        fields = {name: value for name, value in fields.items() if value is not False}
        self.answer = self.browser.post(
            self.address, {**fields, "step": context["step"].key, "go": go, **typed}
        )
        return self

    @property
    def step(self) -> str:
        return str(self.answer.context["step"].key)

    def value(self, name: str) -> str:
        context = self.answer.context
        form = context["form"] if name in context["form"].fields else context["strata"]
        return str(form[name].value())


@pytest.fixture
def new_study(browser: Client, datasets: tuple[Dataset, Dataset]) -> Form:
    return Form(browser, reverse("rating:create"))


def test_a_study_is_made_step_by_step(new_study: Form, datasets: tuple[Dataset, Dataset]) -> None:
    real, fake = datasets
    new_study.press("next", name="Reading 1")
    new_study.press("next", **{f"dataset_{real.pk}": 2, f"dataset_{fake.pk}": 1})
    new_study.press("next", ask_confidence="on")
    new_study.press("next", sessions=2)
    assert new_study.step == "check"
    assert not Study.objects.exists()

    new_study.press("save")

    study = Study.objects.get()
    assert (study.name, study.ask_confidence, study.sessions) == ("Reading 1", True, 2)
    assert sorted(study.strata.values_list("dataset__name", "count")) == [("Hospital", 2), ("Model", 1)]


def test_a_step_back_keeps_what_was_typed_and_asks_for_nothing(new_study: Form) -> None:
    new_study.press("next", name="Reading 1").press("to:reading")

    new_study.press("to:question", instructions="", reasons="A shadow")

    assert new_study.answer.status_code == 200
    assert (new_study.step, new_study.value("name")) == ("question", "Reading 1")
    assert new_study.value("reasons") == "A shadow"
    assert "This field is required" not in new_study.answer.text


def test_a_step_is_left_only_once_its_own_fields_are_right(new_study: Form) -> None:
    new_study.press("next", name="")

    assert (new_study.answer.status_code, new_study.step) == (422, "question")
    assert "This field is required" in new_study.answer.text


def test_saving_leads_to_the_step_with_the_fault(new_study: Form) -> None:
    new_study.press("next", name="Reading 1").press("to:check")

    new_study.press("save")

    assert (new_study.answer.status_code, new_study.step) == (422, "images")
    assert "Ask for at least one image of one dataset." in new_study.answer.text


def test_a_template_keeps_the_name_and_the_numbers(
    new_study: Form, datasets: tuple[Dataset, Dataset]
) -> None:
    real, _fake = datasets
    new_study.press("next", name="Mine").press("to:question", **{f"dataset_{real.pk}": 3})

    new_study.press("template:test-retest")

    assert (new_study.value("name"), new_study.value("washout_days")) == ("Mine", "14")
    assert new_study.value(f"dataset_{real.pk}") == "3"


def test_a_template_fills_in_numbers_where_none_were_typed(
    new_study: Form, datasets: tuple[Dataset, Dataset]
) -> None:
    new_study.press("template:balanced", name="Mine")

    assert [new_study.value(f"dataset_{dataset.pk}") for dataset in datasets] == ["3", "3"]


def test_a_template_takes_the_place_of_the_one_before(new_study: Form) -> None:
    new_study.press("template:pairs", name="Mine").press("template:two-phase")
    new_study.press("to:reading", sessions=4).press("to:question")

    new_study.press("template:balanced")

    assert new_study.value("design") == "single"
    assert "two images" not in new_study.value("instructions")
    assert (new_study.value("washout_days"), new_study.value("sessions")) == ("14", "4")
    assert (new_study.value("primary_endpoint"), new_study.value("ask_confidence")) == ("accuracy", "True")


def test_going_elsewhere_or_taking_a_template_asks_the_browser_for_no_field(new_study: Form) -> None:
    buttons = re.findall(r'<button[^>]*value="(?:to|template):[^>]*>', new_study.answer.text)

    assert len(buttons) > 4
    assert all(" formnovalidate" in button for button in buttons)


def test_the_last_look_names_no_field_of_another_design(new_study: Form) -> None:
    new_study.press("next", name="Mine").press("to:check")

    summary = dict(line for _step, lines in new_study.answer.context["summary"] for line in lines)
    assert "name" in {label.lower() for label in summary}
    assert not {label for label in summary if "first, purpose-blinded" in label or "looked for" in label}


def test_the_last_look_lists_how_many_images_of_which_dataset(
    new_study: Form, datasets: tuple[Dataset, Dataset]
) -> None:
    real, fake = datasets
    new_study.press("next", name="Mine")
    new_study.press(
        "to:check", **{f"dataset_{real.pk}": 2, f"dataset_{fake.pk}": 1, f"practice_{fake.pk}": 1}
    )

    summary = dict(line for _step, lines in new_study.answer.context["summary"] for line in lines)
    assert (summary["Hospital"], summary["Model"]) == ("2 main", "1 main, 1 practice")
    assert "0" not in summary.values()


def test_only_the_fields_of_the_chosen_design_are_shown(new_study: Form) -> None:
    def fields() -> set[str]:
        return {field.name for field in new_study.answer.context["fields"]}

    new_study.press("next", name="Reading 1").press("to:reading")
    assert not {"sought", "first_instructions"} & fields()

    new_study.press("to:question").press("to:reading", design="pair")
    assert "sought" in fields()

    new_study.press("to:question").press("to:reading", design="two-phase")
    assert "first_instructions" in fields()


def test_datasets_are_searched_and_the_chosen_stay_in_view(
    new_study: Form, datasets: tuple[Dataset, Dataset]
) -> None:
    real, _fake = datasets
    for number in range(12):
        make_image(make_dataset(f"Other {number}"))
    new_study.press("next", name="Reading 1")
    assert len(new_study.answer.context["datasets"]) == 8

    new_study.press("search", search="other 11", **{f"dataset_{real.pk}": 2})

    assert [str(rows.dataset) for rows in new_study.answer.context["datasets"]] == ["Hospital", "Other 11"]
    assert new_study.press("next").step == "reading"


def test_enter_in_the_search_searches_and_enter_elsewhere_goes_on(new_study: Form) -> None:
    new_study.press("next", name="Reading 1")

    assert new_study.press("enter", search="model", searched="").step == "images"


def test_the_numbers_beside_the_form_follow_what_is_typed(
    new_study: Form, datasets: tuple[Dataset, Dataset]
) -> None:
    real, fake = datasets

    new_study.press("next", name="Reading 1").press(
        "to:raters", **{f"dataset_{real.pk}": 3, f"dataset_{fake.pk}": 3}
    )
    new_study.press("to:raters", repeats=3, sessions=2, **{f"practice_{fake.pk}": 1})

    context = new_study.answer.context
    assert (context["image_count"], context["reading_count"], context["minutes"]) == (6, 18, 6)
    assert "18, and 2 for practice" in new_study.answer.content.decode()

    new_study.press("to:raters", design="two-phase", **{f"probe_{real.pk}": 1})

    context = new_study.answer.context
    assert (context["image_count"], context["reading_count"], context["practice_count"]) == (6, 20, 1)


def test_a_draft_is_saved_from_any_step(browser: Client) -> None:
    study = draft_study("Draft")

    Form(browser, reverse("rating:edit", args=[study.slug])).press("save", name="Renamed")

    study.refresh_from_db()
    assert study.name == "Renamed"


def test_an_editor_keeps_the_images_of_datasets_they_do_not_see(
    browser: Client, researcher: User, datasets: tuple[Dataset, Dataset]
) -> None:
    real, fake = datasets
    study = draft_study("Draft")
    study.strata.all().delete()
    for dataset in datasets:
        study.strata.create(dataset=dataset, count=2)
    fake.memberships.all().delete()
    fake.share_with(User.objects.create_user("owner@example.org"), Part.OWNER)
    assert fake not in Dataset.objects.visible_to(researcher)

    Form(browser, reverse("rating:edit", args=[study.slug])).press("save", **{f"dataset_{real.pk}": 1})

    assert sorted(study.strata.values_list("dataset__name", "count")) == [("Hospital", 1), ("Model", 2)]


def test_an_editor_who_sees_none_of_its_datasets_counts_and_saves_a_draft(
    browser: Client, researcher: User, datasets: tuple[Dataset, Dataset]
) -> None:
    study = draft_study("Draft")
    study.strata.all().delete()
    for dataset in datasets:
        study.strata.create(dataset=dataset, count=2)
        dataset.memberships.all().delete()
        dataset.share_with(User.objects.create_user(f"{dataset.name}@example.org"), Part.OWNER)

    form = Form(browser, reverse("rating:edit", args=[study.slug])).press("to:images")
    image_count = form.answer.context["image_count"]
    form.press("save", name="Renamed")

    study.refresh_from_db()
    assert (image_count, study.name, study.strata.count()) == (4, "Renamed", 2)


def test_a_template_replaces_the_numbers_of_another_template(browser: Client) -> None:
    real, fake = make_dataset("Hospital"), make_dataset("Model", origin="synthetic")
    for dataset in (real, fake):
        for _image in range(30):
            make_image(dataset)

    form = Form(browser, reverse("rating:create")).press("template:pairs", name="Mine")
    form.press("template:quartets")

    assert [form.value(f"dataset_{dataset.pk}") for dataset in (real, fake)] == ["10", "30"]
