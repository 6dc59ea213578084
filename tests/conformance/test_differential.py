"""The embedded cluster answers as a real API server does: the same scripts are played on both, and every answer is compared."""
import json
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.dirname(os.path.abspath(__file__))]

import differential  # noqa: E402
import scripts  # noqa: E402
import yaml  # noqa: E402
from control_plane import TOKEN, ControlPlane, wait_for  # noqa: E402

CROSSFADE = os.environ.get("CROSSFADE", os.path.join(ROOT, "build", "release", "crossfade"))
DEFINITIONS = ("manifests/", "src/local/schemas/gateway-api/")


def install(kubeconfig):
    environment = {**os.environ, "KUBECONFIG": kubeconfig}
    kubectl = os.path.join(ROOT, "build", "controlplane", "kubectl")
    for folder in DEFINITIONS:
        subprocess.run([kubectl, "apply", "--server-side", "-f", folder], env=environment, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([kubectl, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    plane = ControlPlane(str(tmp_path_factory.mktemp("plane")), kwok=False)
    try:
        plane.start()
        install(plane.kubeconfig)
        yield differential.Server("real", plane.url, {"Authorization": f"Bearer {TOKEN}"})
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    kubeconfig = str(folder / "kubeconfig")
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([CROSSFADE, "local", "--no-gateway", "--no-crds", "--kubeconfig", kubeconfig], stdout=log, stderr=log)
        try:
            wait_for(lambda: os.path.exists(kubeconfig), 30, "crossfade local")
            config = yaml.safe_load(open(kubeconfig))
            server = differential.Server("embedded", config["clusters"][0]["cluster"]["server"], credentials(config))
            wait_for(lambda: answers(server), 30, "the embedded cluster")
            install(kubeconfig)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def credentials(config):
    token = config["users"][0]["user"].get("token") if config.get("users") else None
    return {"Authorization": f"Bearer {token}"} if token else {}


def answers(server):
    try:
        return server.request("GET", "/readyz")[0] == 200
    except OSError:
        return False


def known(name):
    """Differences that are there and known, each with why it stays: {index of the step: [paths]}. A list that only gets shorter."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "known_differences.json")) as file:
        return {int(index): difference["paths"] for index, difference in json.load(file).get(name, {}).items() if difference["why"]}


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_both_servers_answer_alike(name, real, embedded):
    steps = scripts.SCRIPTS[name]()
    expected = differential.run(real, steps, f"diff-{name}")
    found = differential.run(embedded, steps, f"diff-{name}")
    allowed, report, differing = known(name), [], {}
    for index, (step, one, other) in enumerate(zip(steps, expected, found)):
        lines = differential.differences(one, other)
        paths = [line.split(": ")[0] for line in lines]
        if lines:
            differing[index] = paths
        lines = [line for line, path in zip(lines, paths) if path not in allowed.get(index, [])]
        lines += [f"{path}: no longer differs: take it off known_differences.json" for path in allowed.get(index, []) if path not in paths]
        if lines:
            report.append(f"{index}: {step}  {differential.short(getattr(step, 'body', None))}\n    " + "\n    ".join(lines[:8]))
    report += [f"{index}: there is no such request: take it off known_differences.json" for index in allowed if index >= len(steps)]
    if record := os.environ.get("CROSSFADE_RECORD_DIFFERENCES"):
        with open(record, "a") as file:
            file.write(json.dumps({name: differing}) + "\n")
    print(f"{name}: {len(steps)} requests, {len(differing)} answered differently in known ways")
    assert not report, f"{len(report)} of {len(steps)} requests differ (real != embedded), or are said to and don't:\n" + "\n".join(report)
