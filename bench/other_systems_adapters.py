"""Label Studio and doccano for bench/other_systems.py: what a rater asks of each, how it is filled and started."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.load import Rater

# As its own container starts it, with a line more by which the client knows that uWSGI closes each connection.
UWSGI = (
    "uwsgi --http 127.0.0.1:{port} --module core.wsgi:application --master --single-interpreter --need-app"
    " --processes {processes} --threads 1 --buffer-size 65535 --http-timeout 300 --post-buffering 4096 --lazy-apps"
    " --enable-threads --thunder-lock --die-on-term --disable-logging --add-header Connection:close"
)


@dataclass
class OtherRater(Rater):
    """A rater of another system, whose project's number is `slug`."""

    images: int = 0
    done: int = 0

    def send(self, path: str, value: object) -> Any:
        return json.loads(self.ask("POST", path, json_text=json.dumps(value)))

    def receive(self, path: str) -> Any:
        return json.loads(self.ask("GET", path))


@dataclass
class LabelStudioRater(OtherRater):
    """The stream of tasks behind "Label All Tasks"; the first rater's page makes the tab that all ask through."""

    tab: int = 0

    def enter(self) -> None:
        tabs = self.receive(f"/api/dm/views?project={self.slug}")
        new = {"data": {"title": "Default", "type": "list", "target": "tasks"}, "project": self.slug}
        self.tab = (tabs[0] if tabs else self.send(f"/api/dm/views?project={self.slug}", new))["id"]

    def one_item(self) -> bool:
        if self.done >= self.images:
            return False
        selection = {"ordering": [], "selectedItems": {"all": False, "included": []}, "project": self.slug}
        with self.timing("next"):
            path = f"/api/dm/actions?id=next_task&tabID={self.tab}&project={self.slug}"
            task = self.send(path, {**selection, "filters": {"conjunction": "and", "items": []}})
            self.receive(f"/api/label_links?project={self.slug}&expand=label")
        self.timed("image", "GET", task["data"]["image"])
        choice = {"value": {"choices": ["fake"]}, "from_name": "label", "to_name": "image", "type": "choices"}
        answer = {
            "lead_time": 4.0,
            "result": [{**choice, "id": "78SPaub_q_", "origin": "manual"}],
            "draft_id": 0,
            "parent_prediction": None,
            "parent_annotation": None,
            "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "unique_id": str(uuid.uuid4()),
            "project": self.slug,
        }
        with self.timing("save"):
            saved = self.send(f"/api/tasks/{task['id']}/annotations?project={self.slug}", answer)
        if saved["result"][0]["value"] != choice["value"]:
            raise ValueError(f"not saved: {saved}")
        self.done += 1
        return True


@dataclass
class DoccanoRater(OtherRater):
    """The page of an image: a key sets the category, which is stored at once, and an arrow asks for the next."""

    label: int = 0

    def enter(self) -> None:
        types = self.receive(f"/v1/projects/{self.slug}/category-types")
        self.label = next(kind["id"] for kind in types if kind["text"] == "fake")

    def one_item(self) -> bool:
        if self.done >= self.images:
            return False
        examples = f"/v1/projects/{self.slug}/examples"
        with self.timing("next"):
            path = f"{examples}?limit=1&offset={self.done}&confirmed=&ordering=&q="
            example = self.receive(path)["results"][0]
            categories = f"{examples}/{example['id']}/categories"
            self.receive(categories)
        self.timed("image", "GET", urlsplit(example["filename"]).path)
        with self.timing("save"):
            self.send(categories, {"id": 0, "label": self.label, "user": 0})
            if [row["label"] for row in self.receive(categories)] != [self.label]:
                raise ValueError(f"not saved: {example}")
        self.done += 1
        return True


@dataclass(frozen=True)
class System:
    """How one is prepared, filled and started: words of command lines, in the folder of its own Django project."""

    rater: type[OtherRater]
    folder: Path
    environment: dict[str, str]
    prepare: Sequence[str]
    fill: str  # run by its own Python with the number of raters and the images; prints `slug` and `cookies` as JSON
    server: Sequence[str]
    page: str
    stored: str  # SQL: how many images have which rater's answer "fake"


def label_studio(venv: Path, home: Path, port: int, *, uwsgi: bool) -> System:
    start = f"label-studio start --no-browser --internal-host 127.0.0.1 --port {port}"
    production = UWSGI.format(port=port, processes=2 * (os.cpu_count() or 1))
    return System(
        rater=LabelStudioRater,
        folder=next(venv.glob("lib/python3*/site-packages/label_studio")),
        environment={
            "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
            "DJANGO_DB": "default",
            "POSTGRE_HOST": str(home / "sockets"),
            "POSTGRE_PASSWORD": "",
            "LABEL_STUDIO_BASE_DATA_DIR": str(home),
            "COLLECT_ANALYTICS": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "LATEST_VERSION_CHECK": "false",
            **({"APP_WEBSERVER": "uwsgi"} if uwsgi else {}),
        },
        prepare=["python", "manage.py", "migrate", "--verbosity", "0"],
        fill=LABEL_STUDIO_FILL,
        server=(production if uwsgi else start).split(),
        page="/user/login/",
        stored="""SELECT count(DISTINCT (task_id, completed_by_id)) FROM task_completion
            WHERE result @> '[{"value": {"choices": ["fake"]}}]'""",
    )


def doccano(venv: Path, home: Path, port: int) -> System:
    """`doccano webserver` listens on every address; this is the gunicorn it starts, on this machine's own alone."""
    workers = 2 * (os.cpu_count() or 1) + 1
    start = (
        f"gunicorn --bind 127.0.0.1:{port} --workers {workers} --capture-output --log-level info config.wsgi"
    )
    return System(
        rater=DoccanoRater,
        folder=next(venv.glob("lib/python3*/site-packages/backend")),
        environment={
            "DATABASE_URL": "postgresql:///postgres?sslmode=disable",
            "PGHOST": str(home / "sockets"),
            "PGUSER": "postgres",
            "DOCCANO_HOME": str(home),
            "MEDIA_ROOT": str(home / "media"),
            "STANDALONE": "True",
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
        },
        prepare=["doccano", "init"],
        fill=DOCCANO_FILL,
        server=start.split(),
        page="/auth",
        stored="""SELECT count(DISTINCT (example_id, user_id)) FROM labels_category
            JOIN label_types_categorytype AS kind ON kind.id = label_id WHERE kind.text = 'fake'""",
    )


LABEL_STUDIO_FILL = """
import json, sys
from importlib.metadata import version
import django; django.setup()
from django.test import Client
raters, files = int(sys.argv[1]), sys.argv[2:]
CONFIG = ('<View><Image name="image" value="$image"/><Choices name="label" toName="image" choice="single">'
          '<Choice value="real"/><Choice value="fake"/></Choices></View>')
def posted(client, path, data, status=201, **more):
    answer = client.post(path, data, **more)
    assert answer.status_code == status, (path, answer.status_code, answer.content)
    return answer
people = [Client(HTTP_HOST="127.0.0.1") for _ in range(raters)]
for number, client in enumerate(people):
    client.get("/user/signup/")
    form = {"email": f"rater{number}@example.org", "password": "a long password"}
    posted(client, "/user/signup/", {**form, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}, 302)
settings = {"title": "Load", "label_config": CONFIG, "maximum_annotations": raters}
project = posted(people[0], "/api/projects/", settings, content_type="application/json").json()["id"]
for at in range(0, len(files), 50):
    posted(people[0], f"/api/projects/{project}/import", {file: open(file, "rb") for file in files[at:at + 50]})
cookies = [{name: morsel.value for name, morsel in client.cookies.items()} for client in people]
print(json.dumps({"version": version("label-studio"), "slug": str(project), "cookies": cookies}))
"""

DOCCANO_FILL = """
import json, sys
from importlib.metadata import version
from pathlib import Path
import django; django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from examples.models import Example
from label_types.models import CategoryType
from projects.models import ImageClassificationProject, Member
from roles.models import Role
raters, files = int(sys.argv[1]), [Path(file) for file in sys.argv[2:]]
people = [User.objects.create_user(f"rater{number}", password="a long password") for number in range(raters)]
project = ImageClassificationProject.objects.create(name="Load", description="Real or fake", created_by=people[0],
    project_type="ImageClassification", single_class_classification=True)
for person in people:
    Member.objects.create(project=project, user=person, role=Role.objects.get(name=settings.ROLE_ANNOTATOR))
for word in ("real", "fake"):
    CategoryType.objects.create(project=project, text=word, suffix_key=word[0])
Path(settings.MEDIA_ROOT).mkdir(exist_ok=True)
for file in files:
    (Path(settings.MEDIA_ROOT) / file.name).write_bytes(file.read_bytes())
    Example.objects.create(project=project, filename=file.name, upload_name=file.name)
cookies = []
for person in people:
    client = Client()
    form = {"username": person.username, "password": "a long password"}
    assert client.post("/v1/auth/login/", form).status_code in (200, 204)
    cookies.append({name: morsel.value for name, morsel in client.cookies.items()})
print(json.dumps({"version": version("doccano"), "slug": str(project.id), "cookies": cookies}))
"""
