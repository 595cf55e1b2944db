"""The manifests of deploy/kubernetes: as Kubernetes' schemas ask, and with the commands and variables of the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from bench.reference.environment import variables_read
from lungrater.embedded import commands
from tests.servers.sites import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
BASE = sorted(file for file in (FOLDER / "base").glob("*.yaml") if file.name != "kustomization.yaml")
NEEDED = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "LUNGRATER_HOME", "STORAGE_URL"}
OF_OTHERS = {"HOME"}


def manifests() -> list[dict[str, Any]]:
    return [document for file in BASE for document in yaml.safe_load_all(file.read_text())]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each Job and Deployment, by its component."""
    templates = [each["spec"]["template"] for each in manifests() if "template" in each.get("spec", {})]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"] for each in templates}


def container(name: str) -> dict[str, Any]:
    [only] = pods()[name]["containers"]
    return dict(only)


def variables(name: str) -> dict[str, str]:
    [configuration] = [each["data"] for each in manifests() if each["kind"] == "ConfigMap"]
    own = {each["name"]: each["value"] for each in container(name).get("env", [])}
    return {**configuration, **own}


PODS = sorted(pods())


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}"
)
def test_a_manifest_is_as_the_schema_of_kubernetes_asks(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_a_wrong_field_would_be_refused() -> None:
    manifest = next(each for each in manifests() if each["kind"] == "Deployment")
    manifest["spec"]["replica"] = 2

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_applied() -> None:
    listed = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text())["resources"]

    assert sorted(listed) == [file.name for file in BASE]


def test_pods_run_the_commands_of_up() -> None:
    def inside(argv: list[str]) -> list[str]:
        return ["python", *argv[1:]]

    def worker(*queues: str) -> list[str]:
        return ["lungrater", "worker", "--queues", ",".join(queues)]

    assert {name: container(name)["command"] for name in PODS} == {
        "web": inside(commands.web(bind="0.0.0.0:8000")),
        "beat": inside(commands.beat(schedule=Path("/tmp/beat-schedule"))),
        "light": worker(*commands.LIGHT_QUEUES),
        "worker": worker(*commands.SAMPLING_QUEUES),
        "trainer": worker(*commands.TRAINING_QUEUES),
        "migrate": ["lungrater", "migrate"],
    }


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_the_variables_it_needs_and_none_that_nobody_reads(name: str) -> None:
    named = {variable.removesuffix("_FILE") for variable in variables(name)}

    assert named >= NEEDED
    assert named - OF_OTHERS <= set(variables_read())


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_handed_the_secrets_its_variables_name_and_no_other(name: str) -> None:
    pod = pods()[name]
    [secret] = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    [folder] = [m["mountPath"] for m in container(name)["volumeMounts"] if m["name"] == "secrets"]
    files = {value for variable, value in variables(name).items() if variable.endswith("_FILE")}
    script = (REPOSITORY / "deploy" / "make-secrets").read_text()

    assert {f"{folder}/{item['path']}" for item in secret["items"]} == files
    assert all(f"secret {item['key']} " in script for item in secret["items"])


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_a_root_that_nobody_writes(name: str) -> None:
    pod, confined = pods()[name], container(name)["securityContext"]
    account = pod["securityContext"]["runAsUser"]

    assert f"useradd --uid {account} " in (REPOSITORY / "Dockerfile").read_text()
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert confined["readOnlyRootFilesystem"]
    assert (confined["allowPrivilegeEscalation"], confined["capabilities"]) == (False, {"drop": ["ALL"]})
    assert container(name)["resources"]["limits"]["memory"]


def test_probes_ask_by_a_name_that_is_allowed() -> None:
    web = container("web")
    probes = [web[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    hosts = {header["value"] for probe in probes for header in probe["httpHeaders"]}

    assert [probe["path"] for probe in probes] == ["/livez", "/livez", "/readyz"]
    assert hosts <= set(variables("web")["ALLOWED_HOSTS"].split(","))


def test_the_overlay_for_a_gpu_changes_what_is_there() -> None:
    overlay = yaml.safe_load((FOLDER / "gpu" / "kustomization.yaml").read_text())
    changes = yaml.safe_load((FOLDER / "gpu" / "gpu.yaml").read_text())
    names = {each["metadata"]["name"]: each for each in manifests()}

    for patch in overlay["patches"]:
        for change in changes:
            place: Any = names[patch["target"]["name"]]
            *parents, _last = change["path"].strip("/").split("/")
            for part in parents:
                place = place[int(part) if part.isdigit() else part]
            assert isinstance(place, dict)
