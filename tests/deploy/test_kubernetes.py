"""deploy/kubernetes: schemas, names that meet, and the query that scales."""

import asyncio
import json

import kubernetes_validate
import psycopg
import pytest
from ruamel.yaml import YAML

from service.config import ServiceSettings
from storage.analyses.records import NewAnalysis
from tests.support.databases import create_postgresql
from tests.support.images import last, words
from tests.support.pipelines import ROOT
from tests.support.storages import open_stores

FOLDER = ROOT / "deploy/kubernetes"
KUSTOMIZATION = YAML(typ="safe").load(FOLDER / "kustomization.yaml")
OBJECTS = {
    (each["kind"], each["metadata"]["name"]): each
    for name in KUSTOMIZATION["resources"]
    for each in YAML(typ="safe").load_all(FOLDER / name)
}
PODS = {
    name: each["spec"]["template"]["spec"]
    for (kind, name), each in OBJECTS.items()
    if kind in {"Deployment", "Job"}
}
CONTAINERS = {name: pod["containers"][0] for name, pod in PODS.items()}


@pytest.mark.parametrize("key", OBJECTS, ids="-".join)
def test_each_object_meets_the_schema_of_its_kind(key):
    manifest = OBJECTS[key]
    if not manifest["apiVersion"].startswith("keda.sh/"):
        newest = kubernetes_validate.latest_version()

        kubernetes_validate.validate(manifest, newest, strict=True)


def test_every_file_is_applied_and_every_image_named():
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    images = {each["name"] for each in KUSTOMIZATION["images"]}

    assert {*KUSTOMIZATION["resources"]} == files
    assert {each["image"] for each in CONTAINERS.values()} == images


@pytest.mark.parametrize("name", PODS)
def test_each_pod_has_no_rights_and_a_read_only_root(name):
    context, (container,) = PODS[name]["securityContext"], PODS[name]["containers"]
    target = container["image"].removeprefix("gradhealth-")

    assert str(context["runAsUser"]) == last(target, "USER")
    assert context["runAsNonRoot"]
    assert not PODS[name]["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", PODS)
def test_each_pod_mounts_the_secret_that_its_settings_name(name):
    settings = OBJECTS["ConfigMap", "gradhealth"]["data"]
    folder, _, key = settings["GRADHEALTH_DATABASE_URL_FILE"].rpartition("/")
    mounts = {
        each["mountPath"]: each["name"] for each in CONTAINERS[name]["volumeMounts"]
    }
    volumes = {each["name"]: each for each in PODS[name]["volumes"]}
    secret = OBJECTS["TriggerAuthentication", "gradhealth-database"]["spec"]
    (shared,) = secret["secretTargetRef"]

    assert CONTAINERS[name]["envFrom"] == [{"configMapRef": {"name": "gradhealth"}}]
    assert volumes[mounts[folder]]["secret"]["secretName"] == shared["name"]
    assert key == shared["key"]
    assert mounts.keys() >= {"/tmp", last("service", "VOLUME")}


def test_probes_ask_by_a_name_and_a_port_that_the_service_answers_to():
    (port,) = CONTAINERS["gradhealth"]["ports"]
    allowed = json.loads(
        OBJECTS["ConfigMap", "gradhealth"]["data"]["GRADHEALTH_ALLOWED_HOSTS"]
    )

    assert port["containerPort"] == ServiceSettings.model_fields["port"].default
    for kind in ("readinessProbe", "livenessProbe"):
        probe = CONTAINERS["gradhealth"][kind]["httpGet"]
        assert probe["httpHeaders"] == [{"name": "Host", "value": allowed[0]}]
        assert probe["port"] == port["name"]


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_a_worker_is_asked_what_its_image_is_asked(kind):
    probe = CONTAINERS[f"gradhealth-worker-{kind}"]["livenessProbe"]["exec"]

    assert probe["command"] == words(last("worker", "HEALTHCHECK"))


def test_gpu_workers_are_scaled_by_the_work_there_is(postgres):
    storage = create_postgresql(postgres)
    scaled = OBJECTS["ScaledObject", "gradhealth-worker-gpu"]["spec"]

    before = ask(scaled["triggers"], storage)
    asyncio.run(submit(storage, "cpu", "gpu"))

    assert ("Deployment", scaled["scaleTargetRef"]["name"]) in OBJECTS
    assert (before, ask(scaled["triggers"], storage)) == (0, 1)


def ask(triggers, storage):
    """What the scaler gets for an answer."""
    url = storage.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        return connection.execute(triggers[0]["metadata"]["query"]).fetchone()[0]


async def submit(storage, *queues):
    async with open_stores(storage) as stores:
        for queue in queues:
            new = NewAnalysis(kind="architecture", spec={}, queue=queue)
            await stores.analyses.create(new)
