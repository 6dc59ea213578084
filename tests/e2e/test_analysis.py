"""Analysis by a real Prometheus (spec/06, spec/08 §4), by web services (spec/08 §8), and by Jobs (spec/08 §9)."""
import subprocess

import pytest
from conftest import free_port, wait_for
from manifests import rollout, set_image
from stand_in import StandIn

V2 = set_image("crossfade.dev/demo:v2")


class Prometheus:
    """A real one that scrapes `error_ratio` every 200 ms. It can die and come back, its data kept."""

    def __init__(self, folder):
        self.error_ratio = 0
        self.target = StandIn(lambda _: f"error_ratio {self.error_ratio}\n")
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{self.target.address}']}}]}}]\n"
        )
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self.scraped, 30, "the first scrape")

    def scraped(self):
        command = ["curl", "-sf", f"{self.url}/api/v1/query", "--data-urlencode", "query=error_ratio"]
        return '"value"' in subprocess.run(command, capture_output=True, text=True).stdout

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def prometheus(tmp_path):
    made = Prometheus(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        made.target.close()


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
    namespace.apply(template(prometheus.url), rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", V2)
    namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Successful"
    assert run["status"]["metricResults"][0]["successful"] == 3
    assert run["metadata"]["ownerReferences"][0]["name"] == "web"


def test_bad_version_is_rolled_back_by_background_analysis(namespace, prometheus):
    background = {"templates": [{"templateName": "errors"}], "startingStep": 1}
    namespace.apply(
        template(prometheus.url, count=None), rollout("web", canary({"setWeight": 50}, {"pause": {}}, analysis=background), replicas=2)
    )
    stable = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", V2)
    namespace.wait_phase("web", "Paused")
    prometheus.error_ratio = 0.4
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
    namespace.patch("rollout", "web", V2)
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert 'Metric "error-ratio" assessed Error due to consecutiveErrors (2) > consecutiveErrorLimit (1)' in status["message"]
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Error"
    assert "connect" in run["status"]["metricResults"][0]["measurements"][0]["message"]


def the_run(namespace):
    (run,) = namespace.list("analysisruns")
    return run


def result_of(namespace):
    results = the_run(namespace).get("status", {}).get("metricResults") or [{}]
    return results[0]


def start_update(namespace, *objects):
    """The first version is healthy, the second on its way with an AnalysisRun."""
    namespace.apply(*objects)
    stable = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", V2)
    wait_for(lambda: namespace.list("analysisruns"), 30, "an AnalysisRun")
    return stable


def test_no_data_is_an_error_not_a_verdict(namespace, prometheus):
    query = {"prometheus": {"address": prometheus.url, "query": "no_such_metric"}}
    start_update(
        namespace,
        template(prometheus.url, provider=query, consecutiveErrorLimit=1),
        rollout("web", canary({"setWeight": 50}, STEP), replicas=2),
    )
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert 'Metric "error-ratio" assessed Error due to consecutiveErrors (2) > consecutiveErrorLimit (1)' in status["message"]
    assert "no data returned from the metric provider" in result_of(namespace)["measurements"][0]["message"]


def test_prometheus_that_dies_in_the_middle_and_comes_back(namespace, prometheus):
    background = {"templates": [{"templateName": "errors"}]}
    start_update(
        namespace,
        template(prometheus.url, count=None, consecutiveErrorLimit=1000),
        rollout("web", canary({"setWeight": 50}, {"pause": {}}, analysis=background), replicas=2),
    )
    wait_for(lambda: result_of(namespace).get("successful", 0) >= 2, 30, "two measurements")
    prometheus.kill()
    wait_for(lambda: result_of(namespace).get("consecutiveError", 0) >= 2, 30, "two errors")
    assert the_run(namespace)["status"]["phase"] == "Running"
    successful = result_of(namespace)["successful"]
    prometheus.start()
    recovered = lambda result: result.get("consecutiveError", 0) == 0 and result["successful"] > successful  # noqa: E731
    wait_for(lambda: recovered(result_of(namespace)), 30, "measurements again")
    assert namespace.wait_phase("web", "Paused")["status"].get("abort") is None
    # … and for good: a release doesn't go on blindly.
    namespace.patch("analysistemplate", "errors", {"spec": {"metrics": template(prometheus.url, count=None, consecutiveErrorLimit=2)["spec"]["metrics"]}})
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v3"))
    wait_for(lambda: len(namespace.list("analysisruns")) == 2, 30, "the run of the third version")
    prometheus.kill()
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert 'assessed Error due to consecutiveErrors (3) > consecutiveErrorLimit (2)' in status["message"]


def test_controller_killed_in_the_middle_of_a_run_neither_repeats_nor_skips(namespace, controller, prometheus):
    start_update(namespace, template(prometheus.url, count=8), rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    for done in (2, 4):
        wait_for(lambda: result_of(namespace).get("count", 0) >= done, 30, f"{done} measurements")
        controller.stop(kill=True)
        controller.start()
    namespace.wait_phase("web", "Healthy")
    result = result_of(namespace)
    assert (result["count"], result["successful"]) == (8, 8)
    started = [measurement["startedAt"] for measurement in result["measurements"]]
    assert started == sorted(set(started)), "one in each second, none twice"


def test_inconclusive_pauses_and_dry_run_only_looks(namespace, prometheus):
    prometheus.error_ratio = 0.4
    both = template(prometheus.url, failureCondition="result[0] > 0.5", count=1)
    both["spec"]["metrics"].append({**both["spec"]["metrics"][0], "name": "watched", "failureCondition": "result[0] > 0.1"})
    both["spec"]["dryRun"] = [{"metricName": "watched"}]
    start_update(namespace, both, rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    status = namespace.wait_phase("web", "Paused")["status"]
    assert [pause["reason"] for pause in status["pauseConditions"]] == ["InconclusiveAnalysisRun"]
    run = the_run(namespace)["status"]
    assert (run["phase"], run["runSummary"]["inconclusive"], run["dryRunSummary"]["failed"]) == ("Inconclusive", 1, 1)


def test_web_metric_with_arguments_from_everywhere(namespace, cluster):
    backend = StandIn(lambda request: {"data": {"ok": True, "rate": 0.99}} if request.headers["Authorization"] == "Bearer s3cr3t" else (403, {}))
    value_from = lambda name, key: {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}  # noqa: E731
    metric = {
        "name": "rate",
        "successCondition": "result.ok && result.rate >= 0.95",
        "provider": {
            "web": {
                "url": f"http://{backend.address}/rate?new={{{{args.new}}}}&team={{{{args.team}}}}",
                "headers": [{"key": "Authorization", "value": "Bearer {{args.token}}"}],
                "jsonPath": "{$.data}",
            }
        },
    }
    analysis_template = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ClusterAnalysisTemplate",
        "metadata": {"name": f"{namespace.name}-rate"},
        "spec": {"args": [{"name": "new"}, {"name": "team"}, {"name": "token", **value_from("backend", "token")}], "metrics": [metric]},
    }
    step = {
        "analysis": {
            "templates": [{"templateName": f"{namespace.name}-rate", "clusterScope": True}],
            "args": [
                {"name": "new", "valueFrom": {"podTemplateHashValue": "Latest"}},
                {"name": "team", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}},
            ],
        }
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "backend"}, "stringData": {"token": "s3cr3t"}}
    made = rollout("web", canary({"setWeight": 50}, step), replicas=2)
    made["metadata"]["labels"] = {"team": "payments"}
    try:
        stable = start_update(namespace, analysis_template, secret, made)
        status = namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != stable and r["status"]["phase"] == "Healthy", "promotion")["status"]
        assert [request.path for request in backend.requests] == [f"/rate?new={status['stableRS']}&team=payments"]
        (measurement,) = result_of(namespace)["measurements"]
        assert measurement["value"] == '{"ok":true,"rate":0.99}'
        assert "s3cr3t" not in str(the_run(namespace)) + cluster.log_of("controller"), "a secret is read when needed, and told to nobody"
    finally:
        namespace.kubectl("delete", "clusteranalysistemplate", f"{namespace.name}-rate")
        backend.close()


def test_missing_template_is_an_invalid_spec(namespace):
    namespace.apply(rollout("web", canary(STEP), replicas=1))
    status = namespace.wait_rollout(
        "web", lambda r: any(c["type"] == "InvalidSpec" for c in r.get("status", {}).get("conditions", [])), "InvalidSpec"
    )["status"]
    assert status["phase"] == "Degraded"
    assert "AnalysisTemplate 'errors' not found" in status["message"]
    namespace.apply(template("http://127.0.0.1:9"))
    namespace.wait_phase("web", "Healthy", seconds=90)


def job_template(**spec):
    return {
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
                                **spec,
                            }
                        }
                    },
                }
            ]
        },
    }


def test_job_decides(namespace):
    namespace.apply(job_template(), rollout("web", canary({"setWeight": 50}, STEP), replicas=2))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", V2)
    namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    (run,) = namespace.list("analysisruns")
    assert run["status"]["phase"] == "Successful"
    assert run["status"]["metricResults"][0]["measurements"][0]["metadata"]["job-name"]


def test_job_that_runs_out_of_time_rolls_back(namespace):
    """No node takes its pod: the Job fails by its deadline."""
    nowhere = {"spec": {"restartPolicy": "Never", "nodeSelector": {"no": "where"}, "containers": [{"name": "test", "image": "busybox"}]}}
    start_update(
        namespace, job_template(activeDeadlineSeconds=2, template=nowhere), rollout("web", canary({"setWeight": 50}, STEP), replicas=2)
    )
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert status["abort"] is True
    assert 'Metric "smoke" assessed Failed due to failed (1) > failureLimit (0)' in status["message"]
