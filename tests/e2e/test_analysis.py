"""Analysis by a real Prometheus (spec/06, spec/08 §4), and by Jobs (spec/08 §9)."""
import http.server
import subprocess
import threading

import pytest
from conftest import free_port, wait_for
from manifests import rollout, set_image


class Metrics(http.server.BaseHTTPRequestHandler):
    text = ""

    def do_GET(self):
        body = type(self).text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def prometheus(tmp_path):
    """A Prometheus that scrapes `error_ratio` from this process every 200 ms."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]}}]\n"
    )
    port = free_port()
    process = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    Metrics.text = "error_ratio 0\n"
    url = f"http://127.0.0.1:{port}"

    def scraped():
        command = ["curl", "-sf", f"{url}/api/v1/query", "--data-urlencode", "query=error_ratio"]
        return '"value"' in subprocess.run(command, capture_output=True, text=True).stdout

    try:
        wait_for(scraped, 30, "the first scrape")
        yield url
    finally:
        process.kill()
        process.wait()
        server.shutdown()


def template(url, **metric):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "errors"},
        "spec": {
            "args": [{"name": "limit", "value": "0.05"}],
            "metrics": [
                {
                    "name": "error-ratio",
                    "interval": "1s",
                    "count": 3,
                    "successCondition": "result[0] < {{args.limit}}",
                    "provider": {"prometheus": {"address": url, "query": "error_ratio"}},
                    **metric,
                }
            ],
        },
    }


def canary(*steps, **options):
    return {"canary": {"steps": list(steps), **options}}


STEP = {"analysis": {"templates": [{"templateName": "errors"}]}}


def test_good_version_passes_the_analysis_step(namespace, prometheus):
    namespace.apply(template(prometheus), rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Successful"
    assert run["status"]["metricResults"][0]["successful"] == 3
    assert run["metadata"]["ownerReferences"][0]["name"] == "web"


def test_bad_version_is_rolled_back_by_background_analysis(namespace, prometheus):
    background = {"templates": [{"templateName": "errors"}], "startingStep": 1}
    namespace.apply(
        template(prometheus, count=None), rollout("web", canary({"setWeight": 50}, {"pause": {}}, analysis=background), replicas=2)
    )
    stable = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    namespace.wait_phase("web", "Paused")
    Metrics.text = "error_ratio 0.4\n"
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert status["abort"] is True
    assert 'Metric "error-ratio" assessed Failed due to failed (1) > failureLimit (0)' in status["message"]
    namespace.wait_rollout("web", lambda r: namespace.replica_sets("web")[stable] == 2, "stable at full size")
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Failed"


def test_prometheus_that_is_down_is_an_error_not_a_verdict(namespace):
    namespace.apply(
        template(f"http://127.0.0.1:{free_port()}", consecutiveErrorLimit=1),
        rollout("web", canary({"setWeight": 50}, STEP), replicas=2),
    )
    namespace.wait_phase("web", "Healthy")
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert 'Metric "error-ratio" assessed Error due to consecutiveErrors (2) > consecutiveErrorLimit (1)' in status["message"]
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Error"
    assert "connect" in run["status"]["metricResults"][0]["measurements"][0]["message"]


def test_missing_template_is_an_invalid_spec(namespace):
    namespace.apply(rollout("web", canary(STEP), replicas=1))
    status = namespace.wait_rollout(
        "web", lambda r: any(c["type"] == "InvalidSpec" for c in r.get("status", {}).get("conditions", [])), "InvalidSpec"
    )["status"]
    assert status["phase"] == "Degraded"
    assert "AnalysisTemplate 'errors' not found" in status["message"]
    namespace.apply(template("http://127.0.0.1:9"))
    namespace.wait_phase("web", "Healthy", seconds=90)


def test_job_decides(namespace):
    job = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "errors"},
        "spec": {
            "metrics": [
                {
                    "name": "smoke",
                    "provider": {
                        "job": {
                            "spec": {
                                "backoffLimit": 0,
                                "template": {
                                    "spec": {"restartPolicy": "Never", "containers": [{"name": "test", "image": "busybox", "command": ["true"]}]}
                                },
                            }
                        }
                    },
                }
            ]
        },
    }
    namespace.apply(job, rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Successful"
    assert run["status"]["metricResults"][0]["measurements"][0]["metadata"]["job-name"]
