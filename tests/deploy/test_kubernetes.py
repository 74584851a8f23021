"""The Kubernetes objects are valid, and fit the program, the image and each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed.cli import dask_scheduler, dask_worker
from jsonschema import ValidationError

import recon
from recon import config
from recon.config import environment
from tests.deploy import kubernetes_schemas
from tests.deploy.commands import DEPLOY, must_parse

KUBERNETES = DEPLOY / "kubernetes"
EXAMPLE = KUBERNETES / "overlays/example"
DOCKERFILE = (DEPLOY.parent / "Dockerfile").read_text()
#: The oldest in which all that is used is there by default, and the newest that is known.
VERSIONS = ["1.29", kubernetes_schemas.newest()]


def objects(*paths: Path) -> Iterator[dict[str, Any]]:
    for path in paths:
        yield from yaml.safe_load_all(path.read_text())


FILES = [path for path in sorted(KUBERNETES.rglob("*.yaml")) if path.name != "kustomization.yaml"]
[NIGHT] = objects(KUBERNETES / "base/night.yaml")
[COLLECT] = objects(KUBERNETES / "base/collect.yaml")
[BACKFILL] = objects(KUBERNETES / "backfill/backfill.yaml")
SERVICE, SCHEDULER = objects(KUBERNETES / "dask/scheduler.yaml")
[WORKERS] = objects(KUBERNETES / "dask/workers.yaml")
[SECRET] = objects(EXAMPLE / "secret.yaml")
JOB = NIGHT["spec"]["jobTemplate"]["spec"]
JOBS = (JOB, COLLECT["spec"], BACKFILL["spec"], SCHEDULER["spec"], WORKERS["spec"])
PODS = [one["template"]["spec"] for one in JOBS]
CONTAINERS = [each for pod in PODS for each in (*pod.get("initContainers", []), *pod["containers"])]
PROGRAMS = [each for each in CONTAINERS if "args" in each]


def must_be_valid(documents: list[dict[str, Any]]) -> None:
    assert documents
    for document in documents:
        for version in VERSIONS:
            kubernetes_schemas.must_be_valid(document, version)


def test_every_object_is_valid() -> None:
    must_be_valid(list(objects(*FILES)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_that_no_version_knows_is_an_error(version: str) -> None:
    pod = {**JOB["template"]["spec"], "restartPolice": "Never"}
    [night] = objects(KUBERNETES / "base/night.yaml")
    night["spec"]["jobTemplate"]["spec"]["template"]["spec"] = pod
    with pytest.raises(ValidationError, match="restartPolice"):
        kubernetes_schemas.must_be_valid(night, version)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here to build the overlay")
def test_the_overlay_builds_valid_objects_that_find_each_other() -> None:
    built = subprocess.run(  # noqa: S603 - our own directory
        ["kubectl", "kustomize", EXAMPLE],  # noqa: S607 - the machine's own
        check=True,
        capture_output=True,
        text=True,
    )
    made = list(yaml.safe_load_all(built.stdout))
    must_be_valid(made)
    by_kind = {one["kind"]: one for one in made}
    assert set(by_kind) == {"ConfigMap", "CronJob", "Deployment", "NetworkPolicy", "Secret"}
    name = {"app.kubernetes.io/name": "octopods-recon"}
    assert by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == name
    night = by_kind["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    assert name.items() <= night["metadata"]["labels"].items()
    mounted = {volume["name"]: volume for volume in night["spec"]["volumes"]}
    assert mounted["config"]["configMap"]["name"] == by_kind["ConfigMap"]["metadata"]["name"]
    images = re.findall(r"image: (\S+)", built.stdout)
    assert set(images) == {f"registry.example.com/octopods-recon:{recon.__version__}"}


@pytest.mark.parametrize("directory", ["base", "backfill", "dask", "overlays/example"])
def test_a_kustomization_names_each_file_beside_it(directory: str) -> None:
    [rules] = objects(KUBERNETES / directory / "kustomization.yaml")
    named = {*rules["resources"]}
    named |= {file for made in rules.get("configMapGenerator", []) for file in made["files"]}
    beside = {path.name for path in (KUBERNETES / directory).iterdir()}
    assert {name for name in named if "/" not in name} == beside - {"kustomization.yaml"}


@pytest.mark.parametrize("container", PROGRAMS, ids=lambda each: " ".join(each["args"]))
def test_arguments_and_variables_are_the_programs(container: dict[str, Any]) -> None:
    must_parse(container["args"])
    variables = {each["name"]: each.get("value", "") for each in container["env"]}
    assert variables.pop("RECON_CONFIG") == "/etc/recon/recon.toml"
    assert not environment.unused(variables, [])


def test_the_probes_ask_for_the_status() -> None:
    [collector] = PODS[1]["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        [program, *arguments] = collector[probe]["exec"]["command"]
        assert program == "recon"
        must_parse(arguments)


def test_the_example_and_its_secret_are_a_configuration() -> None:
    settings = config.load(EXAMPLE / "recon.toml", SECRET["stringData"])
    account = settings.accounts["main"]
    assert account.api_key_env in SECRET["stringData"]
    assert str(settings.timezone) == NIGHT["spec"]["timeZone"]
    assert str(settings.report.directory).startswith("/data/")
    assert not environment.unused(SECRET["stringData"], [str(account.api_key_env)])


def test_what_is_temporary_is_tried_again_hours_later_and_the_rest_fails_at_once() -> None:
    ignored, failing = JOB["podFailurePolicy"]["rules"]
    assert ignored["action"] == "Ignore"
    assert failing == {
        "action": "FailJob",
        "onExitCodes": {"operator": "NotIn", "values": [69, 75]},
    }
    assert PODS[0]["restartPolicy"] == "Never"
    waits = [waited(failures) for failures in range(JOB["backoffLimitPerIndex"] + 1)]
    assert waits == [0, 3600, 7200, 10800]
    assert sum(waits) + len(waits) * 3600 == JOB["activeDeadlineSeconds"]


def test_where_failures_are_not_counted_nothing_is_waited_for() -> None:
    assert waited(None) == 0


def waited(failures: int | None) -> int:
    """Return how many seconds the init container sleeps after so many failures."""
    [shell, option, line] = PODS[0]["initContainers"][0]["command"]
    ended = subprocess.run(  # noqa: S603 - our own line
        [f"/bin/{shell}", option, f'sleep() {{ echo "$1"; }}; {line}'],
        check=True,
        env={} if failures is None else {"FAILURES": str(failures)},
        capture_output=True,
        text=True,
    )
    return int(ended.stdout)


def test_a_bad_night_fails_the_job() -> None:
    [night] = PODS[0]["containers"]
    assert night["args"][-1] == "--exit-code"


def test_pods_run_as_the_user_of_the_image_without_rights() -> None:
    [user, group] = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[0]
    [work] = re.findall(r"^WORKDIR (/data)$", DOCKERFILE, re.MULTILINE)
    for pod in PODS:
        context = pod["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))
        assert context["runAsNonRoot"] is True
    for container in CONTAINERS:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    for container in PROGRAMS:
        assert work in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_pods_of_a_backfill_share_its_days() -> None:
    [container] = PODS[2]["containers"]
    [shell, option, line] = container["command"]
    done = subprocess.run(  # noqa: S603 - our own line
        [shell, option, line.replace("exec recon", "echo")],
        env={"PATH": "/usr/bin:/bin", "JOB_COMPLETION_INDEX": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = done.stdout.split()
    must_parse(arguments)
    assert arguments[-1] == f"3/{BACKFILL['spec']['completions']}"


def test_the_workers_find_the_scheduler_and_both_are_started_as_dask_wants() -> None:
    [scheduler], [worker] = PODS[3]["containers"], PODS[4]["containers"]
    dask, name, *options = scheduler["command"]
    assert (dask, name) == ("dask", "scheduler")
    dask_scheduler.main.make_context(name, options)
    dask, name, address, *options = worker["command"]
    assert (dask, name) == ("dask", "worker")
    dask_worker.main.make_context(name, [address, *options])
    [port] = SERVICE["spec"]["ports"]
    assert address == f"tcp://{SERVICE['metadata']['name']}:{port['port']}"
    assert scheduler["ports"][0]["containerPort"] == port["port"]
    labels = SCHEDULER["spec"]["template"]["metadata"]["labels"]
    assert SERVICE["spec"]["selector"] == SCHEDULER["spec"]["selector"]["matchLabels"] == labels


def test_only_pods_of_recon_reach_the_scheduler() -> None:
    [policy, _] = objects(KUBERNETES / "dask/network-policy.yaml")
    name = {"app.kubernetes.io/name": "octopods-recon-dask"}
    assert policy["spec"]["podSelector"]["matchLabels"] == name
    [rule] = policy["spec"]["ingress"]
    backfill = BACKFILL["spec"]["template"]["metadata"]["labels"]
    assert [one["podSelector"]["matchLabels"] for one in rule["from"]] == [name, backfill]
    for one in (SCHEDULER, WORKERS):
        assert name.items() <= one["spec"]["template"]["metadata"]["labels"].items()


def test_one_collector_at_a_time_and_one_night() -> None:
    assert (COLLECT["spec"]["replicas"], COLLECT["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert NIGHT["spec"]["concurrencyPolicy"] == "Forbid"
