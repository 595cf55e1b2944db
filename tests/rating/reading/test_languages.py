"""The raters' pages speak English, German and Arabic."""

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from accounts.preferences import Preferences
from rating.studies.presets import TEMPLATES
from rating.studies.second_questions import second_questions
from rating.studies.study import Study
from tests.rating.cast import open_study

ROOT = Path(settings.BASE_DIR)
PAGES = [
    "rater",
    "begin",
    "display",
    "preferences",
    "read",
    "leave",
    "reading_list",
    "done",
    "washout",
    "over",
    "debriefing",
    "_debriefing",
    "_answer",
    "usability",
    "_second_answers",
    "_tools",
    "_dialogs",
    "_who",
    "_marks",
    "_stack",
    "_completion",
    "take_part",
    "closed_door",
    "stop_reminders",
]
LANGUAGES = ["de", "ar"]


def catalogue(language):
    with (ROOT / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def words_of_pages():
    for module in (
        "studies/questions",
        "reading/second_fields",
        "reading/usability",
        "reading/consent_copy",
        "views/withdrawal",
        "reading/withdrawal",
        "views/taking_part",
        "studies/outreach/reminders",
    ):
        text = (ROOT / "rating" / f"{module}.py").read_text()
        yield from re.findall(r'(?:_|gettext_lazy)\(\s*"(.+?)"\s*\)', text)
    for page in PAGES:
        text = (ROOT / "templates" / "rating" / f"{page}.html").read_text()
        for _, words in re.findall(r"{% translate (['\"])(.+?)\1 %}", text):
            yield words.replace("%", "%%")
        for words in re.findall(r"{% blocktranslate.*?%}(.+?){% endblocktranslate %}", text):
            yield re.sub(r"{{ (\w+) }}", r"%(\1)s", words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_a_raters_page_is_translated(language):
    known = catalogue(language)

    words = set(words_of_pages())

    assert len(words) > 100
    assert [word for word in words if known.gettext(word) == word and word not in SAME_IN_GERMAN] == []


def proposed_texts():
    """What a new study tells its raters where nobody wrote anything else."""
    fields = ("instructions", "first_instructions", "prevalence_note", "clues")
    yield from filter(None, (Study._meta.get_field(name).default for name in fields))
    yield from filter(
        None, (template.protocol.get(name) for template in TEMPLATES.values() for name in fields)
    )
    for template in TEMPLATES.values():
        for question in second_questions(template.protocol.get("second_questions", [])):
            yield from filter(None, (question.words, question.hint, *question.choices))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_template_tells_raters_is_translated(language):
    known = catalogue(language)

    assert [text for text in proposed_texts() if known.gettext(text) == text] == []


def test_the_version_of_what_was_agreed_to_is_the_same_in_every_language():
    study = Study()

    with override("en"):
        (english, _), version = study.told_before(1), study.consent_version()
    with override("de"):
        (german, _), german_version = study.told_before(1), study.consent_version()

    assert english == study.instructions != german
    assert german_version == version


SAME_IN_GERMAN = {"Mediastinum", "Zoom", "Pause"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_one_people_edit(language):
    text = (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    known = catalogue(language)

    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', text, re.MULTILINE)

    assert len(pairs) > 100
    assert [(words, told) for words, told in pairs if known.gettext(words) != told] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "direction", "word"),
    [("de", "ltr", "Künstlich"), ("ar", "rtl", "مزيّفة"), ("en", "ltr", "Fake")],
)
def test_a_rater_reads_in_their_own_language(client_of, rater, language, direction, word):
    study = open_study(raters=[rater])
    Preferences.objects.create(user=rater, language=language)

    page = client_of(rater).get(reverse("rating:read", args=[study.slug])).content.decode()

    assert f'<html lang="{language}" dir="{direction}"' in page
    assert word in page


@pytest.mark.django_db
def test_without_a_preference_the_browser_decides(client_of, rater):
    page = client_of(rater).get(reverse("rating:reading_list"), headers={"accept-language": "de-AT,de;q=0.9"})

    assert "Meine Studien" in page.content.decode()


@pytest.mark.django_db
def test_a_name_of_another_script_moves_nothing_around_it(client_of, rater):
    study = open_study("Real, or fake?", raters=[rater])
    Preferences.objects.create(user=rater, language="ar")

    page = client_of(rater).get(reverse("rating:leave", args=[study.slug])).content.decode()

    assert "«<bdi>Real, or fake?</bdi>»" in page
    assert f"<bdi>{rater}</bdi>." in page
