"""What a researcher does from a script: images in, studies through their life, ratings out."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lungrater.client.operations import Operations
from lungrater.client.transport import JSONObject, Transport, wait_of

AT_ONCE = 50  # files in one upload
MOST_DIGESTS = 1000
JOBS = {
    "import": "/imports",
    "generation": "/generation-jobs",
    "training": "/training-runs",
    "quality": "/quality-reports",
    "utility": "/utility-experiments",
    "release": "/releases",
    "freeze": "/freezes",
    "audit": "/audits",
    "machine reading": "/machine-readings",
    "bundle": "/bundles",
}
AT_WORK = frozenset({"queued", "running"})


class Client:
    """One site, as the person whose token it is; `operations` has a typed method for each of the API's own."""

    def __init__(self, url: str, token: str, **how: Any) -> None:
        self.transport = Transport(url, token, **how)
        self.operations = Operations(self.transport)

    def me(self) -> JSONObject:
        return dict(self.transport.get("/me").json())

    def datasets(self) -> list[JSONObject]:
        return list(self.transport.pages("/datasets"))

    def dataset(self, name: str, **described: Any) -> JSONObject:
        """The dataset of this name, made if there is none: then with origin, modality and what else describes it."""
        there = next((row for row in self.datasets() if row["name"] == name), None)
        return there or dict(self.transport.create("/datasets", json={"name": name, **described}))

    def push_images(
        self, name: str, files: Iterable[str | Path], *, with_outcomes: bool = False, **described: Any
    ) -> list[int]:
        """Send files into the dataset of this name; what it holds already is not sent. The numbers of the imports.

        After a failure call it again: it goes on with what is missing. Files that an import refused for what they are,
        or took for duplicates, are sent again only `with_outcomes`: once a new version may read them, for example.
        """
        key = self.dataset(name, **described)["id"]
        by_digest = {_sha256(Path(file)): Path(file) for file in files}
        missing = self._missing(key, list(by_digest), with_outcomes=with_outcomes)
        imports = []
        for start in range(0, len(missing), AT_ONCE):
            paths = [by_digest[digest] for digest in missing[start : start + AT_ONCE]]
            uploads = [("uploads", (path.name, path.read_bytes())) for path in paths]
            imports.append(int(self.transport.create(f"/datasets/{key}/images", files=uploads)["id"]))
        return imports

    def wait(self, kind: str, key: int, *, seconds: float = 3600.0) -> JSONObject:
        """The job of this kind (a key of `JOBS`) once it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            response = self.transport.get(f"{JOBS[kind]}/{key}")
            job: JSONObject = response.json()
            if job["state"] not in AT_WORK:
                return job
            if time.monotonic() > deadline:
                raise TimeoutError(f"The {kind} {key} is still {job['state']}.")
            self.transport.pause(wait_of(response, default=2.0))

    def create_study(self, protocol: Mapping[str, object]) -> str:
        """A draft of this protocol, as a protocol file holds it; its slug, by which the other calls name it."""
        return str(self.transport.create("/studies", json=dict(protocol))["slug"])

    def study(self, slug: str) -> JSONObject:
        return dict(self.transport.get(f"/studies/{slug}").json())

    def protocol(self, slug: str) -> JSONObject:
        return dict(self.transport.get(f"/studies/{slug}/protocol").json())

    def invite(self, slug: str, emails: Sequence[str]) -> JSONObject:
        return dict(self.transport.act(f"/studies/{slug}/invitations", {"emails": "\n".join(emails)}))

    def freeze(self, slug: str) -> str:
        return self._act(slug, "freeze")

    def open(self, slug: str) -> str:
        return self._act(slug, "open")

    def close(self, slug: str, *, name: str, act_token: str) -> str:
        """Take no more ratings, for good; `name` is the study's."""
        return self._act(slug, "close", {"confirm": name}, act_token)

    def unblind(self, slug: str, *, reason: str, act_token: str) -> str:
        return self._act(slug, "unblind", {"reason": reason}, act_token)

    def progress(self, slug: str) -> list[JSONObject]:
        """Each rater by pseudonym: how many images they have rated, and of how many."""
        return list(self.transport.get(f"/studies/{slug}/raters").json())

    def results(self, slug: str) -> JSONObject:
        return dict(self.transport.get(f"/studies/{slug}/results").json())

    def ratings_csv(self, slug: str) -> str:
        return str(self.transport.get(f"/studies/{slug}/ratings.csv").text)

    def ratings(self, slug: str) -> Any:
        """The ratings as a DataFrame; without pandas use `ratings_csv`."""
        import pandas

        return pandas.read_csv(io.StringIO(self.ratings_csv(slug)))

    def _act(self, slug: str, act: str, body: Any = None, act_token: str = "") -> str:
        return str(self.transport.act(f"/studies/{slug}/{act}", body, act_token=act_token)["sentence"])

    def _missing(self, key: int, digests: list[str], *, with_outcomes: bool) -> list[str]:
        missing: list[str] = []
        for start in range(0, len(digests), MOST_DIGESTS):
            body = {"sha256": digests[start : start + MOST_DIGESTS], "with_outcomes": with_outcomes}
            missing += self.transport.act(f"/datasets/{key}/images/missing", body)["sha256"]
        return missing


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
