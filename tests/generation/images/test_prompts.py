"""Prompt templates and lists are expanded evenly, and what cannot be read is said with its place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.images.engines.protocol import GenerationRequest, ImageSpec
from generation.images.prompts import ImageSpecError, expand, from_csv


def test_a_template_stands_for_every_combination_and_the_finding_becomes_the_label() -> None:
    image_specs = expand("{view:PA|AP} chest {modality}, {finding:normal|opacity}, {view}", modality="xray")

    assert [(spec.prompt, spec.label) for spec in image_specs] == [
        ("PA chest xray, normal, PA", "normal"),
        ("PA chest xray, opacity, PA", "opacity"),
        ("AP chest xray, normal, AP", "normal"),
        ("AP chest xray, opacity, AP", "opacity"),
    ]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(1, 60),
)
def test_any_number_of_images_is_balanced_to_within_one(sizes: list[int], total: int) -> None:
    names = ["view", "finding", "severity"]
    template = " ".join(
        "{{{}:{}}}".format(name, "|".join(f"v{number}" for number in range(size)))
        for name, size in zip(names, sizes, strict=False)
    )
    request = GenerationRequest("xray", image_specs=expand(template))

    counts = Counter(request.image_spec(index).prompt for index in range(total))

    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{view}", "Say what {view} may be"),
        ("{view:PA|}", "none may be empty"),
        ("{view:PA|PA}", "must differ"),
        ("{view:PA} {view:AP}", "twice"),
        ("a { brace", "no partner"),
        ("{Finding:a|b}", "small letters"),
        (" ".join(f"{{{chr(97 + n)}:1|2|3|4|5|6|7|8|9}}" for n in range(5)), "at most 5,000"),
    ],
)
def test_a_template_that_cannot_be_read_is_a_sentence(template: str, words: str) -> None:
    with pytest.raises(ImageSpecError) as refused:
        expand(template)

    assert words in str(refused.value)


def test_a_list_gives_prompts_labels_and_counts() -> None:
    table = 'prompt,label,count\nPA chest x-ray,normal,2\n"AP, lateral",,1\n'.encode("utf-8-sig")

    assert from_csv(table, label="unknown") == [
        ImageSpec("PA chest x-ray", "normal"),
        ImageSpec("PA chest x-ray", "normal"),
        ImageSpec("AP, lateral", "unknown"),
    ]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"text\nx\n", "column named prompt"),
        (b"prompt\n", "is empty"),
        (b"prompt,count\nx,many\n", "Row 2"),
        (b"prompt,count\nx,1\n,1\n", "Row 3"),
        (b"\xff\xfe", "UTF-8"),
        (b"prompt,count\nx,5000\ny,1\n", "more than 5,000"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(table: bytes, words: str) -> None:
    with pytest.raises(ImageSpecError, match=words):
        from_csv(table)
