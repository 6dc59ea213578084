"""The embedded cluster answers as a real API server does: the same scripts are played on both, and every answer is compared."""
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


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_both_servers_answer_alike(name, real, embedded):
    steps = scripts.SCRIPTS[name]()
    expected = differential.run(real, steps, f"diff-{name}")
    found = differential.run(embedded, steps, f"diff-{name}")
    report = []
    for step, one, other in zip(steps, expected, found):
        if lines := differential.differences(one, other):
            report.append(f"{step}  {differential.short(getattr(step, 'body', None))}\n    " + "\n    ".join(lines[:8]))
    assert not report, f"{len(report)} of {len(steps)} requests differ (real != embedded):\n" + "\n".join(report)
