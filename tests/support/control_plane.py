"""A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok
for the node and its pods. For the conformance tier; `python3 tests/support/control_plane.py` keeps one running by hand.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARIES = os.path.join(ROOT, "build", "controlplane")
TOKEN = "conformance-admin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Polls until `condition` returns something true, and returns it. Raises with `what` when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.1)


class ControlPlane:
    """`kubeconfig` is the path of an admin kubeconfig, `url` and `ca` name the server, `audit_log` counts requests."""

    def __init__(self, folder=None, kwok=True):
        self.folder = folder or tempfile.mkdtemp(prefix="crossfade-control-plane-")
        self.kwok = kwok
        self.processes = []
        self.kubeconfig = os.path.join(self.folder, "kubeconfig")
        self.audit_log = os.path.join(self.folder, "audit.log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)
        return self.path(name)

    def run(self, program, *arguments):
        log = open(self.path(program + ".log"), "ab")
        process = subprocess.Popen(
            [os.path.join(BINARIES, program), *arguments], stdout=log, stderr=log, cwd=self.folder, start_new_session=True
        )
        self.processes.append((program, process))
        return process

    def start(self):
        etcd, peer, self.port = free_port(), free_port(), free_port()
        self.run(
            "etcd", "--data-dir", self.path("etcd"), "--unsafe-no-fsync", "--log-level", "error",
            "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}",
        )  # fmt: skip
        subprocess.run(["openssl", "genrsa", "-out", self.path("sa.key"), "2048"], check=True, capture_output=True)
        self.write("tokens.csv", f'{TOKEN},admin,admin,"system:masters"\n')
        self.write(
            "audit.yaml",
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n",
        )
        certificates = self.path("certificates")
        self.run(
            "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{etcd}", "--secure-port", str(self.port),
            "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--cert-dir", certificates,
            "--service-account-key-file", self.path("sa.key"), "--service-account-signing-key-file", self.path("sa.key"),
            "--service-account-issuer", "https://kubernetes.default.svc", "--token-auth-file", self.path("tokens.csv"),
            "--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount",
            "--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none",
            "--audit-policy-file", self.path("audit.yaml"), "--audit-log-path", self.audit_log,
        )  # fmt: skip
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = os.path.join(certificates, "apiserver.crt")
        wait_for(self.ready, 120, "kube-apiserver's /readyz")
        self.write_kubeconfig()
        self.run(
            "kube-controller-manager", "--kubeconfig", self.kubeconfig, "--leader-elect=false", "--bind-address", "127.0.0.1",
            "--secure-port", str(free_port()), "--cert-dir", self.path("kcm-certificates"),
            "--service-account-private-key-file", self.path("sa.key"), "--concurrent-replicaset-syncs", "20",
            # On a busy machine the simulated node may be late: its pods are none the worse for it.
            "--node-monitor-grace-period", "1h",
            "--kube-api-qps", "500", "--kube-api-burst", "1000",
        )  # fmt: skip
        self.run(
            "kube-scheduler", "--kubeconfig", self.kubeconfig, "--leader-elect=false", "--bind-address", "127.0.0.1",
            "--secure-port", str(free_port()), "--cert-dir", self.path("scheduler-certificates"),
            "--kube-api-qps", "500", "--kube-api-burst", "1000",
        )  # fmt: skip
        if self.kwok:
            self.start_node()
        wait_for(lambda: self.request("GET", "/api/v1/namespaces/default")[0] == 200, 30, "the default namespace")
        return self

    def ready(self):
        for program, process in self.processes:
            if process.poll() is not None:
                raise RuntimeError(f"{program} ended with {process.returncode}:\n" + self.tail(program))
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def tail(self, program, lines=20):
        with open(self.path(program + ".log"), errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def request(self, method, target, body=None, content_type="application/json", headers=None):
        """One request as admin: (status, parsed body)."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            data = json.dumps(body) if body is not None and not isinstance(body, (str, bytes)) else body
            connection.request(
                method, target, data, {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type, **(headers or {})}
            )
            response = connection.getresponse()
            text = response.read()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text.decode(errors="replace")
        finally:
            connection.close()

    def write_kubeconfig(self):
        self.write(
            "kubeconfig",
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "conformance",
                    "clusters": [{"name": "conformance", "cluster": {"server": self.url, "certificate-authority": self.ca}}],
                    "users": [{"name": "admin", "user": {"token": TOKEN}}],
                    "contexts": [{"name": "conformance", "context": {"cluster": "conformance", "user": "admin"}}],
                }
            ),
        )

    def start_node(self):
        name = "node-1"
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/hostname": name}},
            "status": {
                "capacity": {"cpu": "10000", "memory": "10000Gi", "pods": "100000"},
                "allocatable": {"cpu": "10000", "memory": "10000Gi", "pods": "100000"},
            },
        }
        status, answer = self.request("POST", "/api/v1/nodes", node)
        if status not in (201, 409):
            raise RuntimeError(f"creating the node: {status} {answer}")
        self.run("kwok", "--kubeconfig", self.kubeconfig, "--manage-all-nodes=true", "--cidr", "10.0.0.0/16", "--node-ip", "127.0.0.1")

    def stop(self, keep=False):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        for _, process in self.processes:
            process.wait()
        self.processes = []
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    plane = ControlPlane(sys.argv[1] if len(sys.argv) > 1 else None)
    if plane.folder:
        os.makedirs(plane.folder, exist_ok=True)
    try:
        began = time.monotonic()
        plane.start()
        print(f"up after {time.monotonic() - began:.1f} s; KUBECONFIG={plane.kubeconfig}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        plane.stop()
