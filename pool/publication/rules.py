"""Whether a dataset may be given away: reasons against it, each a sentence that says what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

from pool.models import Dataset, Image, Origin


class Licence(NamedTuple):
    spdx: str
    address: str


CC = "https://creativecommons.org/"
# Licences that let a copy in another file format be passed on; those without derivatives (ND) do not.
LICENCES = {
    r"\bcc[ -]?(0|zero)\b": Licence("CC0-1.0", f"{CC}publicdomain/zero/1.0/"),
    r"\bcc[ -]by[ -]nc[ -]sa\b": Licence("CC-BY-NC-SA-4.0", f"{CC}licenses/by-nc-sa/4.0/"),
    r"\bcc[ -]by[ -]nc\b": Licence("CC-BY-NC-4.0", f"{CC}licenses/by-nc/4.0/"),
    r"\bcc[ -]by[ -]sa\b": Licence("CC-BY-SA-4.0", f"{CC}licenses/by-sa/4.0/"),
    r"\bcc[ -]by\b": Licence("CC-BY-4.0", f"{CC}licenses/by/4.0/"),
    r"\bodbl\b": Licence("ODbL-1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    r"\bodc[ -]by\b": Licence("ODC-By-1.0", "https://opendatacommons.org/licenses/by/1-0/"),
    r"\bpddl\b": Licence("PDDL-1.0", "https://opendatacommons.org/licenses/pddl/1-0/"),
    r"\bapache[ -]2": Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
    r"\bmit\b": Licence("MIT", "https://opensource.org/license/mit"),
}
PNG = "png"
OLDER = re.compile(r"\b([123]\.[05])\b")


def known_licence(text: str) -> Licence | None:
    """The licence that these words name, if it is one that lets converted copies be passed on."""
    words = text.strip().lower()
    if re.search(r"[ -]nd\b", words) or OLDER.search(words):
        # An older version, or one without derivatives, is for a person to read.
        return LICENCES[r"\bcc[ -]?(0|zero)\b"] if "cc0" in words else None
    return next((licence for pattern, licence in LICENCES.items() if re.search(pattern, words)), None)


def released_images(dataset: Dataset) -> list[Image]:
    """The images that go out: those nobody has left out, in the order of their keys."""
    return list(dataset.images.usable().order_by("pk"))


def holds_stacks(dataset: Dataset) -> bool:
    return bool(dataset.images.usable().filter(slices__gt=1).exists())


def reasons_not_to_release(dataset: Dataset, image_format: str = "") -> list[str]:
    """Sentences, none where it may go out: in this format, or else in any."""
    images = dataset.images.usable()
    reasons = []
    if not images.exists():
        reasons.append(f"“{dataset}” holds no image that anybody could be given.")
    if image_format == PNG and holds_stacks(dataset):
        reasons.append(
            f"“{dataset}” holds stacks, and a PNG holds one slice: release it as DICOM, a file a stack."
        )
    held_back = images.held_back().count()
    if held_back:
        plural = "s" if held_back > 1 else ""
        reasons.append(
            f"{held_back} image{plural} of “{dataset}” repeat{'' if held_back > 1 else 's'} a real one, and nobody has decided of "
            f"{'them' if held_back > 1 else 'it'}: look at the quality report, and leave each copy out on its page, with the reason."
        )
    if dataset.origin == Origin.REAL and known_licence(dataset.licence) is None:
        words = (
            f"“{dataset.licence}” is none that is known to"
            if dataset.licence
            else "none is written down that would"
        )
        reasons.append(
            f"The images of “{dataset}” are real, and go out only under a licence that lets copies be passed on; {words}. "
            "Write it into the dataset's licence (CC0-1.0, CC-BY-4.0, CC-BY-SA-4.0, CC-BY-NC-4.0, ODbL-1.0 …) if whoever owns the "
            "images allows it."
        )
    return reasons
