"""Every page of every role on a site with a million ratings: queries, rows read, time, and what the web process holds.

    python bench/pages.py [--ratings 1000000] [--images 100000] [--home FOLDER] [--only NAME …] [--json]

Fills a database of its own once (bench/pages_fill.py; `--home` keeps it for the next run), then walks every address that
is read with GET, as tests/test_permissions.py does, but at the largest study, job and import there is (`--downloads`: whole exports too). `first` is the
first answer of a web server that has just started, `ms` the slowest of the ones after it, `cpu` the processor time of the
web processes for one of those; queries and rows are counted in this process afterwards. `of the unblinded` are the same
pages of the largest unblinded study. One client, one request at a time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import processor_seconds, pss_mib, web
from bench.rating_page import home

ROLES = ("nobody", "rater", "researcher", "admin")
AGAIN = 2
SLOW = 2000.0  # milliseconds; such a page is asked for once more only
MOST_SECONDS = 120
DOWNLOADS = {
    *(
        "rating:report",
        "rating:bundle",
        "rating:ratings_csv",
        "rating:ratings_parquet",
    ),
    "generation:pipeline_zip",
}
ROWS_GIVEN = """
    SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))
    FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""


@dataclass(slots=True)
class Page:
    name: str
    role: str
    path: str
    status: int = 0
    first: float = 0
    ms: float = 0
    cpu: float = 0
    queries: int = 0
    rows: int = 0
    kib: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ratings", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--home", default="", help="a folder that keeps the filled database for the next run")
    parser.add_argument("--only", nargs="*", default=[], help="words of which the page's name has one")
    parser.add_argument("--downloads", action="store_true", help="reports, bundles and exports too")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # pages that refuse are part of the walk
    with home(options.home):
        began = time.monotonic()
        world = filled(options.ratings, options.images)
        filled_in = round(time.monotonic() - began)
        computed_in = analyses()
        pages = [
            page
            for page in addresses(world)
            if (options.downloads or page.name.partition(" ")[0] not in DOWNLOADS)
            and (not options.only or any(word in page.name for word in options.only))
        ]
        before, after = walk_over_http(pages, world["people"])
        count_in_process(pages, world["people"])
        rows = row_counts()
    pages.sort(key=lambda page: -page.ms)
    measured = {
        "filled_s": filled_in,
        "analysis_s": computed_in,
        "rows": rows,
        "web_mib_before": before,
        "web_mib_after": after,
    }
    if options.json:
        print(json.dumps({**measured, "pages": [asdict(page) for page in pages]}))
        return
    print(json.dumps(measured))
    print(
        f"{'page':<44}{'role':<12}{'status':>6}{'queries':>9}{'rows':>10}{'first':>8}{'ms':>8}{'cpu':>7}{'KiB':>7}"
    )
    for page in pages:
        print(
            f"{page.name:<44}{page.role:<12}{page.status:>6}{page.queries:>9}{page.rows:>10}"
            f"{page.first:>8.0f}{page.ms:>8.0f}{page.cpu:>7.0f}{page.kib:>7}"
        )


def filled(ratings: int, images: int) -> dict[str, Any]:
    """What the addresses are made from; the rows are there afterwards, made by this call or by one before."""
    from bench.pages_fill import fill
    from lungrater.embedded.owner import as_owner
    from pool.imports.outcome_rows import FileOutcome
    from rating.models import Study
    from tests.test_permissions import make_world

    note = Path(_home()) / "bench-world.json"
    if not note.exists():
        people = _people()
        world = make_world(people)
        FileOutcome.objects.create(job=world["import"], kind="refused", file="a.dcm", reason="No image.")
        of_table = {
            "generation_generationjob": world["job"].pk,
            "pool_importjob": world["import"].pk,
            "generation_trainingrun": world["training"].pk,
            "generation_qualityreport": world["report"].pk,
        }
        with as_owner():
            fill(ratings, images, people, of_table)
        note.write_text(json.dumps(_named(world)))
    named = json.loads(note.read_text())
    world = _loaded(named)
    world["own"] = Study.objects.get(name="Large open")
    world["over"] = Study.objects.get(name="Large unblinded")
    return world


def analyses() -> dict[str, float]:
    """Seconds of the job of each large study that is over, done here as a worker does it; none where it is done already."""
    from rating.models import Study
    from rating.results.cache import ResultCache
    from rating.results.computation.queue import analysis_to_await
    from rating.results.parts import Part

    seconds = {}
    for study in Study.objects.over().filter(name__startswith="Large"):
        began = time.monotonic()
        if job := analysis_to_await(study, Part(), ResultCache(study)):
            job.perform()
            seconds[study.name] = round(time.monotonic() - began, 1)
    return seconds


def _home() -> Path:
    from django.conf import settings

    return Path(settings.HOME.root)


def _people() -> dict[str, Any]:
    from accounts.models import User
    from accounts.roles import Role

    return {
        "rater": User.objects.create_user("rater@example.org", first_name="Rita", last_name="Rater"),
        "other rater": User.objects.create_user("other@example.org"),
        "researcher": User.objects.create_user("researcher@example.org", role=Role.RESEARCHER),
        "admin": User.objects.create_user("admin@example.org", role=Role.ADMIN),
    }


def _named(world: dict[str, Any]) -> dict[str, Any]:
    """The world as JSON: a row by its model and key."""
    named: dict[str, Any] = {}
    for key, value in world.items():
        if isinstance(value, str | int):
            named[key] = value
        elif isinstance(value, dict):
            named[key] = _named(value)
        else:
            named[key] = [value._meta.label, str(value.pk)]
    return named


def _loaded(named: dict[str, Any]) -> dict[str, Any]:
    from django.apps import apps

    world: dict[str, Any] = {}
    for key, value in named.items():
        if isinstance(value, dict):
            world[key] = _loaded(value)
        elif isinstance(value, list):
            world[key] = apps.get_model(value[0])._default_manager.get(pk=value[1])
        else:
            world[key] = value
    return world


class _World(dict[str, Any]):
    """A folder that was filled before a page was there has no row for it: the page answers 404."""

    def __missing__(self, key: str) -> Any:
        print(f"This home has no {key}; fill a new one.", file=sys.stderr)
        self[key] = SimpleNamespace(pk=0)
        return self[key]


def addresses(world: dict[str, Any]) -> list[Page]:
    """Each page of each role, at the largest rows there are."""
    from pool.models import Image
    from tests.rating.cast import presentations
    from tests.rights_table import WHO_MAY
    from tests.test_permissions import OF_STUDY, address

    people = world["people"]
    world = _World({**world, "people": {**people, "other rater": people["rater"]}})
    world["image"] = Image.objects.filter(dataset__name="Archive 01").earliest("pk")
    at = presentations(world["own"], people["rater"])
    world["token"] = at[len(at) * 9 // 10].token
    of_the_unblinded = _World({**world, "own": world["over"]})
    pages = []
    for name, (who, method) in WHO_MAY.items():
        for role in ROLES:
            if method != "get" or role not in who or (role == "nobody" and "researcher" in who):
                continue
            pages.append(Page(name, role, address(name, world)))
            if name in OF_STUDY and role == "researcher":
                pages.append(Page(f"{name} of the unblinded", role, address(name, of_the_unblinded)))
    return [*pages, *_other_pages(world)]


def _other_pages(world: dict[str, Any]) -> Iterator[Page]:
    """Last pages of long lists, and searches."""
    from django.urls import reverse

    slug = world["over"].slug
    for name, path in {
        "pool:gallery, page 500": f"{reverse('pool:gallery')}?page=500",
        "pool:gallery, of a finding": f"{reverse('pool:gallery')}?label=effusion",
        "rating:analysis_remarks, search": f"{reverse('rating:analysis_remarks', args=[slug])}?q=ribs",
        "rating:log, last page": f"{reverse('rating:log', args=[slug])}?page=100",
    }.items():
        yield Page(name, "researcher", path)


def walk_over_http(pages: list[Page], people: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Each page by a real web server; what its processes hold of memory before and after, in MiB."""
    cookies = {role: _session(people.get(role)) for role in ROLES}
    with web() as (host, master):
        before = pss_mib(master)
        for page in pages:
            page.status, page.first, page.kib = _fetched(host, page.path, cookies[page.role])
            busy = processor_seconds(master)
            again = AGAIN if page.first < SLOW else 1
            page.ms = max(_fetched(host, page.path, cookies[page.role])[1] for _ in range(again))
            page.cpu = 1000 * (processor_seconds(master) - busy) / again
            if page.first > SLOW:
                print(f"{page.name} ({page.role}): {page.first:.0f} ms", file=sys.stderr, flush=True)
        return before, pss_mib(master)


def _session(person: Any) -> str:
    from django.conf import settings
    from django.test import Client

    if person is None:
        return ""
    client = Client()
    client.force_login(person, backend="accounts.sign_in.backend.SignInBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _fetched(host: str, path: str, cookie: str) -> tuple[int, float, int]:
    """Status, milliseconds to the last byte, KiB; status 0 where no answer came in time."""
    line = http.client.HTTPConnection(host, timeout=MOST_SECONDS)
    began = time.perf_counter()
    try:
        line.request("GET", path, headers={"Accept": "text/html", "Cookie": cookie})
        answer = line.getresponse()
        body = answer.read()
        return answer.status, 1000 * (time.perf_counter() - began), len(body) // 1024
    except (OSError, http.client.HTTPException):
        return 0, 1000 * (time.perf_counter() - began), 0
    finally:
        line.close()


def count_in_process(pages: list[Page], people: dict[str, Any]) -> None:
    """Queries, and rows that tables and indexes gave for them; what a request writes is undone."""
    from django.db import connection, transaction
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    for page in pages:
        client = Client(raise_request_exception=False)
        if page.role in people:
            client.force_login(people[page.role], backend="accounts.sign_in.backend.SignInBackend")
        with transaction.atomic():
            before = _rows_given()
            with CaptureQueriesContext(connection) as queries:
                response: Any = client.get(page.path, HTTP_HOST="localhost")
                if response.streaming:
                    for _ in response:
                        pass
            page.queries = len(queries)
            page.rows = _rows_given() - before
            transaction.set_rollback(True)


def _rows_given() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(ROWS_GIVEN)
        return int(cursor.fetchone()[0])


def row_counts() -> dict[str, int]:
    from accounts.models import User
    from audit.models import Event
    from generation.models import GenerationJob
    from pool.models import Image
    from rating.models import Rating, Study

    models = (User, Study, Image, Rating, GenerationJob, Event)
    return {str(model._meta.verbose_name_plural): model._default_manager.count() for model in models}


if __name__ == "__main__":
    main()
