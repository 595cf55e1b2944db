"""`lungrater agreement`: prints from a file alone, and says in one sentence what is wrong."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

RATINGS = "rater,image,modality,label\n" + "".join(
    f"{rater},I{n},{('xray', 'ct')[n % 2]},{label}\n"
    for rater, labels in (("A", "real fake fake unsure"), ("B", "real fake real unsure"))
    for n, label in enumerate(labels.split() * 3)
)


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    file = tmp_path / "ratings.csv"
    file.write_text(RATINGS)
    return file


def agreement(*arguments: str) -> str:
    out = StringIO()
    call_command("agreement", *arguments, stdout=out)
    return out.getvalue()


def test_json_keeps_the_contract(ratings: Path) -> None:
    report = json.loads(agreement(str(ratings), "--json"))

    assert [report[size] for size in ("raters", "images", "ratings")] == [2, 12, 24]
    assert report["labels"] == ["real", "fake", "unsure"]
    assert list(report["coefficients"]) == [
        "percent_agreement",
        "cohen_kappa",
        "fleiss_kappa",
        "krippendorff_alpha",
        "gwet_ac1",
        "brennan_prediger",
    ]
    assert report["coefficients"]["percent_agreement"]["estimate"] == pytest.approx(0.75)
    assert set(report["coefficients"]["fleiss_kappa"]) == {"estimate", "se", "ci", "reason"}
    assert report["pairs"][0]["raters"] == ["A", "B"]
    assert set(report["by"]) == {"ct", "xray"}


def test_the_table_for_people_shows_every_group_and_pair(ratings: Path) -> None:
    text = agreement(str(ratings))

    assert "All images: 2 raters, 12 images, 24 ratings" in text
    assert "xray: 2 raters" in text
    assert "Cohen's kappa" in text
    assert "A - B" in text
    assert "these two raters only" in text


def test_the_label_set_can_be_declared(ratings: Path) -> None:
    report = json.loads(agreement(str(ratings), "--json", "--labels", "real,fake,unsure,odd"))

    assert report["labels"][-1] == "odd"
    assert report["coefficients"]["brennan_prediger"]["estimate"] == pytest.approx((0.75 - 0.25) / 0.75)


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["no-such-file.csv"], "Cannot read no-such-file.csv", 2),
        (["FILE", "--by", "nothing"], "no column 'nothing'", 2),
        (["FILE", "--labels", "real"], "at least two labels.", 2),
        (["FILE", "--labels", "real,fake"], "Line 5, column 'label': it is not one of real, fake", 1),
    ],
)
def test_an_error_is_one_sentence_with_its_exit_code(
    ratings: Path, arguments: list[str], sentence: str, code: int
) -> None:
    with pytest.raises(CommandError, match=sentence) as refusal:
        agreement(*(str(ratings) if argument == "FILE" else argument for argument in arguments))

    assert refusal.value.returncode == code
    assert "\n" not in str(refusal.value)
