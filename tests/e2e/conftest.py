"""The end-to-end tier: the real binary and the real kubectl against a cluster. Every case is written once and runs on
the embedded cluster (`--cluster local`) and on a real control plane (`--cluster real`)."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

from control_plane import ControlPlane, free_port, wait_for  # noqa: E402

CROSSFADE = os.environ.get("CROSSFADE", os.path.join(ROOT, "build", "release", "crossfade"))
KUBECTL = os.environ.get("KUBECTL", "kubectl")


def pytest_addoption(parser):
    parser.addoption("--cluster", choices=["local", "real"], default="local")


class Cluster:
    """A running cluster, and the ways to talk to it. Commands return stdout and raise with stderr when they fail."""

    def __init__(self, kind, kubeconfig, folder):
        self.kind = kind
        self.kubeconfig = kubeconfig
        self.folder = folder
        self.environment = {**os.environ, "KUBECONFIG": kubeconfig, "HOME": folder, "NO_COLOR": "1"}

    def run(self, *command, stdin=None, check=True, timeout=120):
        done = subprocess.run(
            command, input=stdin, env=self.environment, capture_output=True, text=True, timeout=timeout, cwd=ROOT
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done if not check else done.stdout

    def kubectl(self, *arguments, **options):
        return self.run(KUBECTL, *arguments, **options)

    def start_program(self, name, *command):
        log = open(os.path.join(self.folder, name + ".log"), "ab")
        return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=ROOT)

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), errors="replace") as log:
            return log.read()


class Namespace:
    """One test's namespace on the cluster; everything here is about objects in it."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.name, *arguments, **options)

    def crossfade(self, *arguments, **options):
        return self.cluster.run(CROSSFADE, *arguments, "-n", self.name, **options)

    def apply(self, *objects):
        return self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, kind, name):
        return json.loads(self.kubectl("get", kind, name, "-o", "json"))

    def list(self, kind, selector=None):
        arguments = ["get", kind, "-o", "json"] + (["-l", selector] if selector else [])
        return json.loads(self.kubectl(*arguments))["items"]

    def patch(self, kind, name, patch):
        return self.kubectl("patch", kind, name, "--type", "merge", "-p", json.dumps(patch))

    def rollout(self, name):
        return self.get("rollout", name)

    def wait_rollout(self, name, condition, what, seconds=60):
        """Waits until `condition(rollout)` holds and returns that rollout."""
        last = {}

        def check():
            nonlocal last
            last = self.rollout(name)
            return last if condition(last) else None

        try:
            return wait_for(check, seconds, what)
        except TimeoutError as error:
            tree = self.crossfade("get", "rollout", name, check=False).stdout
            raise AssertionError(f"{error}; status was {json.dumps(last.get('status'), indent=1)}\n{tree}") from None

    def wait_phase(self, name, phase, seconds=60):
        """Waits for a phase that the controller reports for the newest spec."""

        def condition(rollout):
            status = rollout.get("status", {})
            observed = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
            return observed and status.get("phase") == phase

        return self.wait_rollout(name, condition, f"phase {phase} of rollout {name}", seconds)

    def replica_sets(self, name):
        """Desired replicas of the rollout's ReplicaSets by pod-template hash."""
        return {
            rs["metadata"]["labels"]["rollouts-pod-template-hash"]: rs["spec"]["replicas"]
            for rs in self.list("replicasets")
            if any(owner["name"] == name and owner["kind"] == "Rollout" for owner in rs["metadata"].get("ownerReferences", []))
        }

    def let_a_second_pass(self):
        """Waits until a ReplicaSet made now would be younger than all that exist: creation times are whole seconds."""
        newest = max(rs["metadata"]["creationTimestamp"] for rs in self.list("replicasets"))
        wait_for(lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > newest, 5, "the next second")

    def events(self, name):
        return [
            (event["reason"], event["message"])
            for event in self.list("events")
            if event["involvedObject"].get("name") == name
        ]


@pytest.fixture(scope="session")
def cluster(request):
    kind = request.config.getoption("--cluster")
    with tempfile.TemporaryDirectory(prefix="crossfade-e2e-") as folder:
        kubeconfig = os.path.join(folder, "kubeconfig")
        if kind == "real":
            plane = ControlPlane(os.path.join(folder, "plane"))
            os.makedirs(plane.folder)
            try:
                plane.start()
                made = Cluster(kind, plane.kubeconfig, folder)
                made.plane = plane
                yield install(made)
            finally:
                plane.stop()
        else:
            made = Cluster(kind, kubeconfig, folder)
            process = made.start_program("local", CROSSFADE, "local", "--no-crds", "--kubeconfig", kubeconfig)
            try:

                def answers():
                    if process.poll() is not None:
                        raise AssertionError("crossfade local ended:\n" + made.log_of("local"))
                    return os.path.exists(kubeconfig) and made.kubectl("get", "nodes", check=False).returncode == 0

                wait_for(answers, 30, "crossfade local")
                yield install(made)
            finally:
                process.terminate()
                process.wait(20)


def install(cluster):
    """The CRDs and the controller's namespace, as a user installs them."""
    cluster.kubectl("create", "namespace", "argo-rollouts")
    cluster.kubectl("apply", "--server-side", "-f", "manifests/")
    cluster.kubectl("apply", "--server-side", "-f", "src/local/schemas/gateway-api/")
    for name in ("rollouts.argoproj.io", "analysisruns.argoproj.io", "httproutes.gateway.networking.k8s.io"):
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=60s")
    return cluster


class Controller:
    """The controller as its own process; tests may kill it and start it again."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.metrics_port = free_port()
        self.health_port = free_port()
        self.process = None

    def start(self):
        self.process = self.cluster.start_program(
            "controller", CROSSFADE, "controller", "--kubeconfig", self.cluster.kubeconfig,
            "--metricsPort", str(self.metrics_port), "--healthzPort", str(self.health_port),
        )  # fmt: skip

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        return self.process.wait(30)


@pytest.fixture(scope="session")
def controller(cluster):
    made = Controller(cluster)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def namespace(cluster, controller, request):
    name = "t-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    cluster.kubectl("create", "namespace", name)
    yield Namespace(cluster, name)
    if controller.process.poll() is not None:
        controller.start()
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed case shows what the controller said."""
    outcome = yield
    report = outcome.get_result()
    cluster = item.funcargs.get("cluster") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and cluster is not None:
        report.sections.append(("controller log (tail)", "\n".join(cluster.log_of("controller").splitlines()[-60:])))
