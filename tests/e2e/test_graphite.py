"""Analysis by a real Graphite (spec/08 §12): its web application on a Whisper file that the test writes."""
import os
import subprocess

import pytest
from conftest import free_port, wait_for

SETTINGS = """
import os
from graphite.settings import *
HERE = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = "test"
STORAGE_DIR, LOG_DIR, WHISPER_DIR, INDEX_FILE = HERE, HERE + "/log", HERE + "/whisper", HERE + "/index"
STANDARD_DIRS = [WHISPER_DIR]
CLUSTER_SERVERS = CARBONLINK_HOSTS = []
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE + "/graphite.db"}}
"""
FILL = """
import sys, time, whisper
path, value, now = sys.argv[1], float(sys.argv[2]), int(time.time())
whisper.create(path, [(1, 3600)])
whisper.update_many(path, [(now - age, value) for age in range(600)])
"""


@pytest.fixture
def graphite(tmp_path):
    """The address of a Graphite that knows app.good (0.25) and app.bad (0.75) for ten minutes."""
    for folder in ("log", "whisper/app"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "graphite_here.py").write_text(SETTINGS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "graphite_here"}

    def python(*arguments):
        subprocess.run(["/usr/bin/python3", *arguments], env=environment, check=True, capture_output=True)

    for name, value in (("good", "0.25"), ("bad", "0.75")):
        python("-c", FILL, str(tmp_path / "whisper" / "app" / f"{name}.wsp"), value)
    python("-m", "django", "migrate", "--run-syncdb")
    port = free_port()
    process = subprocess.Popen(
        ["/usr/bin/python3", "-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: subprocess.run(["curl", "-sf", f"{url}/render?format=json"], capture_output=True).returncode == 0, 30, "Graphite")
        yield url
    finally:
        process.kill()
        process.wait()


def run_of(url, name, target):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": name},
        "spec": {
            "metrics": [
                {
                    "name": "errors",
                    "successCondition": "len(result) > 0 && all(result, {# < 0.5})",
                    "provider": {"graphite": {"address": url, "query": f"target=averageSeries({target})\n  &from=-2min"}},
                }
            ]
        },
    }


def test_graphite_answers(namespace, graphite):
    namespace.apply(run_of(graphite, "good", "app.good"), run_of(graphite, "bad", "app.bad"), run_of(graphite, "none", "app.none"))

    def result(name):
        wait_for(lambda: namespace.get("analysisrun", name).get("status", {}).get("metricResults"), 30, f"a result of {name}")
        return namespace.get("analysisrun", name)["status"]["metricResults"][0]["measurements"][0]

    good, bad, none = result("good"), result("bad"), result("none")
    assert good["phase"] == "Successful" and good["value"].startswith("[0.250000,0.250000")
    assert bad["phase"] == "Failed" and bad["value"].startswith("[0.750000")
    assert none["phase"] == "Error" and none["message"] == "no values found"
