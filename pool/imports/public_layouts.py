"""Public data sets by name: which table in them holds the findings, and how their folders are read.

The tables themselves are read by `layouts`; here stands only where they lie, so that nobody has to point at them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import PurePosixPath

from pool.imports.archives import ImportItem, Refusal, UnreadableError, archive_kind, named_members
from pool.imports.dialects import parse
from pool.imports.labels import BadSourceError, Facts, FolderLabels, Labels, NoLabels, NoRowError
from pool.imports.tables import labels_of

AUTO = "auto"


@dataclass(frozen=True)
class PublicLayout:
    """`tables` are the names its tables go by, the likelier first, and `columns` what each of them has.

    `lists` are lists of files, a name a line, by the split that they stand for. Without tables the folders are the
    findings, and `folders` are some that it is known by. Where `each`, all its tables are read, each for what lies
    under its own folder; else the likeliest one.
    """

    title: str
    tables: tuple[str, ...] = ()
    columns: frozenset[str] = frozenset()
    lists: dict[str, str] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    each: bool = False


LAYOUTS = {
    "nih": PublicLayout(
        "NIH ChestX-ray14",
        ("Data_Entry_*.csv",),
        frozenset({"image_index", "finding_labels"}),
        {"train_val_list.txt": "train", "test_list.txt": "test"},
    ),
    "chexpert": PublicLayout(
        "CheXpert", ("train.csv", "valid.csv", "test.csv"), frozenset({"path", "no_finding"}), each=True
    ),
    "mimic": PublicLayout(
        "MIMIC-CXR",
        ("mimic-cxr-*-chexpert.csv", "mimic-cxr-*-negbio.csv"),
        frozenset({"subject_id", "study_id"}),
    ),
    "rsna": PublicLayout(
        "RSNA Pneumonia",
        ("stage_2_train_labels.csv", "*stage_2_detailed_class_info.csv"),
        frozenset({"patientid"}),
    ),
    "vindr": PublicLayout(
        "VinDr-CXR",
        ("image_labels_*.csv", "annotations_*.csv", "train.csv"),
        frozenset({"image_id"}),
    ),
    "siim": PublicLayout(
        "SIIM-ACR Pneumothorax", ("*train-rle*.csv",), frozenset({"imageid", "encodedpixels"})
    ),
    "imagefolder": PublicLayout(
        "Hugging Face image folder", ("metadata.jsonl", "metadata.csv"), frozenset({"file_name"}), each=True
    ),
    "covid19-radiography": PublicLayout(
        "COVID-19 Radiography", folders=frozenset({"COVID", "Lung_Opacity", "Viral Pneumonia"})
    ),
    "medmnist": PublicLayout("MedMNIST"),
    "kaggle": PublicLayout("Kaggle, a folder a class", folders=frozenset({"train", "test", "val"})),
}
CHOICES = [(AUTO, "whichever is there"), *((name, layout.title) for name, layout in LAYOUTS.items())]
LEAST_FOLDERS = 2


@dataclass(frozen=True)
class Reading:
    """How files are described, by which layout, and the names of the files that were read for it."""

    labels: Labels
    layout: str
    tables: frozenset[str]


class LayoutLabels:
    """Facts by the tables of a layout, each for the files under its own folder, and splits by its lists."""

    def __init__(self, tables: dict[str, Labels], splits: dict[str, str], title: str) -> None:
        self.tables, self.splits, self.title = tables, splits, title
        self._order = sorted(tables, key=lambda name: (-len(PurePosixPath(name).parts), name))

    def of(self, name: str) -> Facts:
        above = [
            table for table in self._order if PurePosixPath(name).is_relative_to(PurePosixPath(table).parent)
        ]
        for table in above:
            try:
                facts = self.tables[table].of(name)
            except NoRowError:
                if table == above[-1]:
                    raise
            else:
                split = self.splits.get(PurePosixPath(name).name, "")
                return replace(facts, split=split) if split else facts
        raise NoRowError(f"No table of {self.title} lies above this file.")

    def unused(self) -> list[str]:
        """None: the table of all is usual beside a part of the files."""
        return []


@dataclass
class Contents:
    """What was looked through once: texts that may be tables or lists by path, and the folders there are."""

    texts: dict[str, bytes] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    """Names of folders in which a folder lies, and of those that hold files."""
    outer: set[str] = field(default_factory=set)


def read_layout(name: str, items: list[ImportItem], columns: Collection[str] = ()) -> Reading:
    """How the files of these items are described by the layout of this name, with these further columns of its tables.

    Raises BadSourceError.
    """
    candidates = LAYOUTS if name == AUTO else {name: LAYOUTS[name]}
    contents = _contents(candidates.values(), items)
    for candidate, layout in candidates.items():
        if not layout.tables:
            if name != AUTO or _is_recognised(candidate, contents, items):
                if columns:
                    raise BadSourceError(f"{layout.title} has no table of which columns could be kept.")
                return Reading(FolderLabels(), candidate, frozenset())
        elif labels := _labels(layout, contents, columns):
            return Reading(labels, candidate, frozenset(contents.names))
    if name != AUTO:
        tables = " or ".join(LAYOUTS[name].tables)
        raise BadSourceError(f"What was given holds no table of {LAYOUTS[name].title} ({tables}).")
    titles = ", ".join(layout.title for layout in LAYOUTS.values())
    raise BadSourceError(
        f"None of the layouts known here was recognised ({titles}): say which, or where the labels are."
    )


def _contents(layouts: Iterable[PublicLayout], items: list[ImportItem]) -> Contents:
    """All that layouts look for, in one pass, since an archive is read from front to back."""
    contents = Contents()
    patterns = {pattern.lower() for layout in layouts for pattern in (*layout.tables, *layout.lists)}
    for entry in named_members(items, NoLabels(), several=len(items) > 1):
        path = PurePosixPath(entry.known_as)
        contents.folders.update(path.parts[:-1])
        contents.outer.update(path.parts[:-2])
        if isinstance(entry.member, Refusal) or not any(
            fnmatch(path.name.lower(), pattern) for pattern in patterns
        ):
            continue
        try:
            contents.texts[entry.known_as] = entry.member.read()
        except (UnreadableError, OSError) as error:
            raise BadSourceError(f"{entry.name} cannot be read: {error}") from error
        contents.names.add(entry.name)
    return contents


def _is_recognised(name: str, contents: Contents, items: list[ImportItem]) -> bool:
    """Whether a layout without tables is the one that lies there."""
    if name == "medmnist":
        return all(archive_kind(item) == "npz" for item in items)
    folders = contents.outer if name == "kaggle" else contents.folders
    return len(folders & LAYOUTS[name].folders) >= LEAST_FOLDERS


def _labels(layout: PublicLayout, contents: Contents, columns: Collection[str]) -> LayoutLabels | None:
    """What the tables of a layout say, None where none is there."""
    fitting: dict[str, Labels] = {}
    for pattern in layout.tables:
        for path, text in contents.texts.items():
            file = PurePosixPath(path).name
            if not fnmatch(file.lower(), pattern.lower()):
                continue
            table = parse(text, file)
            if set(table.columns) >= layout.columns:
                fitting[path] = labels_of(table, file, columns)
        if fitting and not layout.each:
            break
    splits = {
        PurePosixPath(line.strip()).name: layout.lists[PurePosixPath(path).name]
        for path, text in contents.texts.items()
        if PurePosixPath(path).name in layout.lists
        for line in text.decode("utf-8", "replace").splitlines()
    }
    return LayoutLabels(fitting, splits, layout.title) if fitting else None
