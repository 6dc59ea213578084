"""Measured on the embedded cluster with a real Prometheus: what 1,000 AnalysisRuns that measure every second take in memory and CPU, and how
late measurements are while another backend accepts every connection and never answers. `./dev bench` runs it; nothing is asserted."""
import collections
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "e2e")]

from control_plane import free_port, wait_for  # noqa: E402
from stand_in import StandIn  # noqa: E402

import http.client  # noqa: E402
import json  # noqa: E402

CROSSFADE = os.environ.get("CROSSFADE", os.path.join(ROOT, "build", "release", "crossfade"))
RUNS = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns"
SECONDS = 60


def request(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
    return json.loads(text)


def make_run(name, **addresses):
    """A run with a metric for each address, measured every second without end."""
    metrics = [
        {"name": metric, "interval": "1s", "successCondition": "result[0] >= 0.95", "provider": {"prometheus": {"address": address, "query": "vector(1)" if metric == "good" else name}}}
        for metric, address in addresses.items()
    ]
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": name}, "spec": {"metrics": metrics}}


class Controller:
    def __init__(self, folder):
        self.api, self.metrics = free_port(), free_port()
        kubeconfig = os.path.join(folder, "kubeconfig")
        log = open(os.path.join(folder, "log"), "a")
        self.local = subprocess.Popen([CROSSFADE, "local", "--port", str(self.api), "--kubeconfig", kubeconfig, "--no-gateway"], stdout=log, stderr=log)
        wait_for(lambda: os.path.exists(kubeconfig), 30, "the cluster")
        request(self.api, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argo-rollouts"}})
        command = [CROSSFADE, "controller", "--kubeconfig", kubeconfig, "--metricsPort", str(self.metrics), "--healthzPort", str(free_port()), "--loglevel", "error", "--leader-elect=false"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        for process in (self.process, self.local):
            process.terminate()
            process.wait()


def measured(port):
    """Measurements that the runs count."""
    return sum(result.get("count", 0) for run in request(port, "GET", RUNS)["items"] for result in run.get("status", {}).get("metricResults", []))


def many_runs(folder, count):
    port = free_port()
    config = os.path.join(folder, "prometheus.yml")
    open(config, "w").close()
    prometheus = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", "--query.max-concurrency=100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    controller = Controller(folder)
    try:
        time.sleep(3)
        idle = controller.resident()
        for index in range(count):
            request(controller.api, "POST", RUNS, make_run(f"run-{index}", good=f"http://127.0.0.1:{port}"))
        time.sleep(15)
        before, began, cpu = measured(controller.api), time.monotonic(), controller.cpu()
        time.sleep(SECONDS)
        took, cpu, done = time.monotonic() - began, controller.cpu() - cpu, measured(controller.api) - before
        print(f"{count} runs with an interval of 1 s: {done / took:.0f} measurements a second, {cpu / took:.2f} cores, RSS {controller.resident():.0f} MB (idle {idle:.0f})")
    finally:
        controller.stop()
        prometheus.kill()
        prometheus.wait()


def silent_server():
    """Accepts and never answers."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    held = []
    threading.Thread(target=lambda: [held.append(listening.accept()) for _ in iter(int, 1)], daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def beside_a_hanging_backend(folder, count):
    arrivals = collections.defaultdict(list)

    def answer(asked):
        arrivals[asked.body].append(time.monotonic())
        return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]}}

    backend, hanging = StandIn(answer), silent_server()
    controller = Controller(folder)
    try:
        time.sleep(3)
        for index in range(count):
            request(controller.api, "POST", RUNS, make_run(f"run-{index}", answered=f"http://{backend.address}", hangs=hanging))
        time.sleep(SECONDS)
        late = sorted(later - earlier - 1 for times in arrivals.values() for earlier, later in zip(times[2:], times[3:]))
        print(f"{count} runs, one of their two backends hangs: {len(late)} measurements by the other one, late by p50 {late[len(late) // 2]:.3f} s, p99 {late[int(len(late) * 0.99) - 1]:.3f} s")
    finally:
        controller.stop()
        backend.close()


def main():
    for case, count in ((many_runs, 1000), (beside_a_hanging_backend, 50)):
        with tempfile.TemporaryDirectory(prefix="crossfade-bench-") as folder:
            case(folder, count)


main()
