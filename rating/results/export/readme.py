"""What a bundle holds and what it leaves out, in words."""

from __future__ import annotations

from rating.studies.study import Study

HOLDS = """{name}: what LungRater exports of a study

The zip is an RO-Crate 1.1: ro-crate-metadata.json describes every file for programs.

ratings.csv       one row per presentation that counts; codebook.csv explains the columns; of several sessions
                  `lungrater agreement ratings.csv --session N` reads one
ratings.json      the same without loss
{table}raters.csv        who read, by pseudonym, with their profile
displays.csv      the display check of each sitting: squares seen, millimetres, the light in the room
remarks.csv       what raters wrote, by image
usability.csv     what each rater answered to the System Usability Scale, where the study asks it, and the score
numbers.json      every number of the report with its interval or the reason why there is none
report.html/.pdf  the report
galleries.csv     the images of each gallery with every label and remark
images/           {images};
                  images/LOST.txt names those whose file is lost, if there are any
manifest.json     protocol, images with their sha256, raters of whom no session counts, and of each file of
                  this zip its bytes, its sha256 and the rows of a table
sequences.csv     the seed and the digest of every order
imrmc.imrmc       input of the FDA's iMRMC (unblinded studies with both kinds of image; there is none of one kind). Where not
                  everybody read everything, the variances in numbers.json are the centred ones, never negative where iMRMC's can be
machines.csv      the machines' answers, where any was enrolled; in no other file but the report's tables of machines
recompute.py      recomputes the primary result with its interval, and the main numbers, with numpy alone: python recompute.py
recompute.R       recomputes the primary result with its interval from primary.csv, in base R: Rscript recompute.R
log.csv           the study's log, each row chained to the one before by SHA-256; who acted by uuid
revisions.csv     every save of every rating, chained likewise for each sitting
recompute_log.py  recomputes both chains: python recompute_log.py
"""
TABLE = "ratings.parquet   the same with the types of its columns, for pandas, R (arrow), DuckDB\n"
EVERY = "every image of the study as raters saw it"
FIRST = "the first images of each gallery as raters saw them"
LEFT_OUT = "\nWhat is left out: {reasons}.\n"
ALWAYS = (
    "names and addresses of people (who is who stays on the site)",
    (
        "raters who have withdrawn, and sessions that were started over or unblinded; their saves stay in revisions.csv "
        "where they were not removed"
    ),
    "drafts that were never saved",
    "the source images before blinding, and the datasets they come from",
)
BLINDED = "which images are real, their datasets and findings: the study was not unblinded when this was made"
OTHER_IMAGES = "images that no gallery begins with (a bundle with all images has them)"
NO_TABLE = "the ratings as Parquet: pyarrow was not installed"


def readme_of(study: Study, *, with_images: bool, has_table: bool) -> str:
    """README.txt of this study's bundle."""
    table, images = TABLE if has_table else "", EVERY if with_images else FIRST
    reasons = [
        *ALWAYS,
        *([] if study.is_unblinded else [BLINDED]),
        *([] if with_images else [OTHER_IMAGES]),
        *([] if has_table else [NO_TABLE]),
    ]
    words = HOLDS.format(name=study.name, table=table, images=images)
    return words + LEFT_OUT.format(reasons="; ".join(reasons))
