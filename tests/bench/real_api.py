"""Measured on a real API server: what one release costs in requests, how fast 500 and 2,000 simultaneous updates are noticed, and what a
restart with 2,000 and with 10,000 Rollouts (three ReplicaSets each) takes, writes and keeps in memory. `./dev bench [BURST,... [ROLLOUTS,...]]`
runs it; figures are printed, nothing is asserted."""
import http.client
import json
import os
import queue
import ssl
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "e2e")]

from control_plane import TOKEN, ControlPlane, free_port, wait_for  # noqa: E402
from manifests import rollout, set_image  # noqa: E402

CROSSFADE = os.environ.get("CROSSFADE", os.path.join(ROOT, "build", "release", "crossfade"))
API = "/apis/argoproj.io/v1alpha1/namespaces/{}/rollouts"
WRITES = ("create", "update", "patch", "delete")


class Connection:
    """A kept-alive connection to the API server."""

    def __init__(self, plane):
        self.connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=ssl._create_unverified_context(), timeout=60)

    def request(self, method, target, body=None, content_type="application/json"):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type, "User-Agent": "bench"}
        self.connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {target}: {response.status} {text[:300]}")
        return json.loads(text)


def each(plane, items, action, threads=16):
    """Calls action(connection, item) for all items, several at once."""
    waiting = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def work():
        connection = Connection(plane)
        while True:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            action(connection, item)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def namespace(plane, name):
    Connection(plane).request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def create(plane, ns, names, strategy, replicas):
    each(plane, names, lambda connection, name: connection.request("POST", API.format(ns), rollout(name, strategy, replicas=replicas)))


def healthy(plane, ns, count, image=None):
    """True once `count` rollouts are Healthy with what their spec says."""
    items = Connection(plane).request("GET", API.format(ns) + "?resourceVersion=0")["items"]

    def done(item):
        status = item.get("status", {})
        same = status.get("observedGeneration") == str(item["metadata"]["generation"])
        promoted = status.get("stableRS") == status.get("currentPodHash")
        wanted = image is None or item["spec"]["template"]["spec"]["containers"][0]["image"] == image
        return same and promoted and wanted and status.get("phase") == "Healthy"

    return sum(map(done, items)) >= count


def audit(plane, since):
    """The controller's requests in the audit log behind byte `since`: (verb, resource) to count."""
    counts = {}
    with open(plane.audit_log) as log:
        log.seek(since)
        for line in log:
            event = json.loads(line)
            if not event.get("userAgent", "").startswith("crossfade/") or event["stage"] != "ResponseComplete":
                continue
            reference = event.get("objectRef", {})
            resource = reference.get("resource", "?") + ("/" + reference["subresource"] if "subresource" in reference else "")
            key = (event["verb"], resource)
            counts[key] = counts.get(key, 0) + 1
    return counts


def one_release(plane):
    ns = namespace(plane, "one-release")
    steps = []
    for weight in (20, 40, 60, 80):
        steps += [{"setWeight": weight}, {"pause": {"duration": "1s"}}]
    create(plane, ns, ["web"], {"canary": {"steps": steps}}, replicas=5)
    wait_for(lambda: healthy(plane, ns, 1), 60, "the first deployment")
    time.sleep(10)  # its last events
    since = os.path.getsize(plane.audit_log)
    Connection(plane).request("PATCH", API.format(ns) + "/web", set_image("crossfade.dev/demo:v2"), "application/merge-patch+json")
    wait_for(lambda: healthy(plane, ns, 1, "crossfade.dev/demo:v2"), 120, "the release")
    time.sleep(10)
    counts = audit(plane, since)
    writes = {key: count for key, count in counts.items() if key[0] in WRITES and key[1] != "leases"}
    print(f"one release: {sum(writes.values())} writes")
    for (verb, resource), count in sorted(writes.items(), key=lambda item: -item[1]):
        print(f"    {count:3} {verb} {resource}")


def burst(plane, count):
    ns = namespace(plane, f"burst-{count}")
    names = [f"web-{index}" for index in range(count)]
    create(plane, ns, names, {"canary": {}}, replicas=1)
    wait_for(lambda: healthy(plane, ns, count), 600, "the first deployments")
    patched, made = {}, {}

    def watch():
        connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=ssl._create_unverified_context(), timeout=300)
        target = f"/apis/apps/v1/namespaces/{ns}/replicasets?watch=true&resourceVersion={version}"
        connection.request("GET", target, headers={"Authorization": f"Bearer {TOKEN}"})
        for line in connection.getresponse():
            event = json.loads(line)
            if event["type"] == "ADDED":
                made[event["object"]["metadata"]["ownerReferences"][0]["name"]] = time.monotonic()

    version = Connection(plane).request("GET", f"/apis/apps/v1/namespaces/{ns}/replicasets?limit=1")["metadata"]["resourceVersion"]
    threading.Thread(target=watch, daemon=True).start()
    time.sleep(1)

    def update(connection, name):
        connection.request("PATCH", API.format(ns) + f"/{name}", set_image("crossfade.dev/demo:v2"), "application/merge-patch+json")
        patched[name] = time.monotonic()

    began = time.monotonic()
    each(plane, names, update)
    took = time.monotonic() - began
    wait_for(lambda: len(made) == count, 120, "all new ReplicaSets")
    wait_for(lambda: healthy(plane, ns, count, "crossfade.dev/demo:v2"), 600, "all Healthy")
    all_healthy = time.monotonic() - began
    delays = sorted(made[name] - patched[name] for name in names)
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99) - 1]
    print(f"{count} updates at once (sent in {took:.1f} s): new ReplicaSet after p50 {p50:.3f} s, p99 {p99:.3f} s; all Healthy after {all_healthy:.0f} s")


CONTAINER = {
    "name": "app",
    "image": "crossfade.dev/demo:v1",
    "ports": [{"name": "http", "containerPort": 8080}],
    "env": [{"name": "MODE", "value": "production"}, {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
    "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5},
}


def settled(plane, ns):
    """A Rollout that has gone through three revisions, and its three ReplicaSets: what the copies are made of."""
    connection = Connection(plane)
    made = rollout("settled", {"canary": {"steps": [{"setWeight": 20}, {"setWeight": 60}]}}, replicas=0)
    made["spec"]["template"]["spec"]["containers"] = [CONTAINER]
    connection.request("POST", API.format(ns), made)
    for version in ("v1", "v2", "v3"):
        image = f"crossfade.dev/demo:{version}"
        patch = {"spec": {"template": {"spec": {"containers": [{**CONTAINER, "image": image}]}}}}
        connection.request("PATCH", API.format(ns) + "/settled", patch, "application/merge-patch+json")
        wait_for(lambda: healthy(plane, ns, 1, image), 60, image)
    time.sleep(3)
    return (
        connection.request("GET", API.format(ns) + "/settled"),
        connection.request("GET", f"/apis/apps/v1/namespaces/{ns}/replicasets")["items"],
    )


def copy_settled(plane, ns, source, first, last):
    """Copies of it, as a controller would have left them."""
    original, sets = source

    def bare(thing):
        metadata = {key: thing["metadata"][key] for key in ("labels", "annotations") if key in thing["metadata"]}
        return {**{key: thing[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata}

    def make(connection, index):
        name = f"copy-{index}"
        wanted = bare(original)
        wanted["metadata"]["name"] = name
        made = connection.request("POST", API.format(ns), wanted)
        status = {**original["status"], "observedGeneration": str(made["metadata"]["generation"])}
        connection.request("PATCH", API.format(ns) + f"/{name}/status", {"status": status}, "application/merge-patch+json")
        for one in sets:
            wanted = {"apiVersion": "apps/v1", "kind": "ReplicaSet", **bare({"apiVersion": "apps/v1", "kind": "ReplicaSet", **one})}
            wanted["metadata"]["name"] = one["metadata"]["name"].replace("settled", name)
            owner = {**one["metadata"]["ownerReferences"][0], "name": name, "uid": made["metadata"]["uid"]}
            wanted["metadata"]["ownerReferences"] = [owner]
            connection.request("POST", f"/apis/apps/v1/namespaces/{ns}/replicasets", wanted)

    each(plane, range(first, last), make)


class Controller:
    def __init__(self, plane):
        self.log = open(os.path.join(plane.folder, "controller.log"), "a")
        self.metrics_port = free_port()
        self.began = time.monotonic()
        command = [CROSSFADE, "controller", "--kubeconfig", plane.kubeconfig, "--metricsPort", str(self.metrics_port), "--healthzPort", str(free_port()), "--loglevel", "warn", "--leader-elect=false"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def reconciled(self):
        """How many Rollouts it has looked at."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=60)
            connection.request("GET", "/metrics")
            return sum(line.startswith("rollout_reconcile_count{") for line in connection.getresponse().read().decode().splitlines())
        except OSError:
            return 0

    def stop(self):
        self.process.terminate()
        self.process.wait()


def restart(plane, count):
    since = os.path.getsize(plane.audit_log)
    controller = Controller(plane)
    wait_for(lambda: controller.reconciled() >= count, 300, "a look at every Rollout")
    took = time.monotonic() - controller.began
    time.sleep(12)  # whatever it would still write, and give back to the system
    writes = sum(number for (verb, resource), number in audit(plane, since).items() if verb in WRITES and resource != "leases")
    print(f"restart with {count} Rollouts of 3 ReplicaSets: all looked at after {took:.1f} s, {writes} writes, RSS {controller.resident():.0f} MB")
    controller.stop()


def sizes(position, default):
    return [int(value) for value in (sys.argv[position] if len(sys.argv) > position else default).split(",") if value]


def main():
    bursts, scales = sizes(1, "500,2000"), sizes(2, "2000,10000")
    plane = ControlPlane()
    controller = None
    try:
        plane.start()
        environment = {**os.environ, "KUBECONFIG": plane.kubeconfig}
        kubectl = os.path.join(ROOT, "build", "controlplane", "kubectl")
        subprocess.run([kubectl, "apply", "--server-side", "-f", "manifests/"], cwd=ROOT, env=environment, check=True, capture_output=True)
        subprocess.run([kubectl, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], env=environment, check=True, capture_output=True)
        controller = Controller(plane)
        time.sleep(3)
        print(f"idle: RSS {controller.resident():.1f} MB")
        one_release(plane)
        source = settled(plane, namespace(plane, "scale")) if scales else None
        for count in bursts:
            burst(plane, count)
            subprocess.run([kubectl, "delete", "namespace", f"burst-{count}", "--wait=false"], env=environment, check=True, capture_output=True)
            wait_for(lambda: not Connection(plane).request("GET", API.format(f"burst-{count}"))["items"], 600, "an empty namespace")
        controller.stop()
        made = 0
        for count in scales:
            copy_settled(plane, "scale", source, made, count)
            made = count
            restart(plane, count)
    finally:
        if controller is not None:
            controller.stop()
        plane.stop()


main()
