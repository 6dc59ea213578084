"""Blue-green releases (spec/03 §13)."""
import threading

import pytest
from conftest import wait_for
from manifests import rollout, service, set_image
from stand_in import StandIn

MANUAL = {"autoPromotionEnabled": False}
V2 = set_image("crossfade.dev/demo:v2")
V3 = set_image("crossfade.dev/demo:v3")


def selected(namespace, name):
    return namespace.get("service", name)["spec"]["selector"].get("rollouts-pod-template-hash")


def blue_green(spec=None, **options):
    """The Rollout "web" of three pods, with its Services. `options`: of the strategy; by default a person promotes."""
    strategy = {"activeService": "active", "previewService": "preview", "scaleDownDelaySeconds": 2, **MANUAL, **options}
    return [service("active", "web"), service("preview", "web"), rollout("web", {"blueGreen": strategy}, replicas=3, **(spec or {}))]


def deploy(namespace, *more, spec=None, **options):
    namespace.apply(*more, *blue_green(spec, **options))
    return namespace.wait_phase("web", "Healthy")["status"]["stableRS"]


def update(namespace, patch=V2, phase="Paused"):
    """Another template; its hash, once the rollout has reached `phase` with it."""
    before = namespace.rollout("web")["status"]["currentPodHash"]
    namespace.patch("rollout", "web", patch)

    def reached(rollout):
        return rollout["status"]["currentPodHash"] != before and rollout["status"]["phase"] == phase

    return namespace.wait_rollout("web", reached, f"{phase} with the new template")["status"]["currentPodHash"]


def wait_active(namespace, wanted):
    namespace.wait_rollout("web", lambda r: selected(namespace, "active") == wanted, f"the active Service on {wanted}")


def wait_sizes(namespace, sizes):
    namespace.wait_rollout("web", lambda r: namespace.replica_sets("web") == sizes, f"the sizes {sizes}")


class Verdicts:
    """A metric source in the words of Prometheus. It doesn't answer a query before the case has decided on it."""

    def __init__(self):
        self.decided = threading.Condition()
        self.values = {}
        self.server = StandIn(self.answer)

    def answer(self, request):
        query = next(name for name in ("smoke", "load") if name in request.path + request.body)
        with self.decided:
            self.decided.wait_for(lambda: query in self.values)
            result = [{"metric": {}, "value": [0, str(self.values[query])]}]
        return {"status": "success", "data": {"resultType": "vector", "result": result}}

    def decide(self, query, value):
        """1 is good, 0 is bad, anything else neither. None: the next one waits again."""
        with self.decided:
            if value is None:
                self.values.pop(query, None)
            else:
                self.values[query] = value
            self.decided.notify_all()

    def template(self, name):
        prometheus = {"address": f"http://{self.server.address}", "query": name}
        conditions = {"successCondition": "result[0] == 1", "failureCondition": "result[0] == 0"}
        metric = {"name": name, **conditions, "provider": {"prometheus": prometheus}}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": name},
            "spec": {"metrics": [metric]},
        }

    def analyses(self, *when):
        """Templates, and members of the strategy: `pre` asks for "smoke", `post` for "load"."""
        names = {"pre": "smoke", "post": "load"}
        members = {f"{one}PromotionAnalysis": {"templates": [{"templateName": names[one]}]} for one in when}
        return [self.template(names[one]) for one in when], members


@pytest.fixture
def verdicts():
    made = Verdicts()
    yield made
    made.decide("smoke", 1)
    made.decide("load", 1)
    made.server.close()


def wait_run(namespace, name):
    """Waits until an AnalysisRun of that name is being measured."""
    wait_for(lambda: any(run["metadata"]["name"] == name for run in namespace.list("analysisruns")), 30, f"AnalysisRun {name}")


class Place:
    """A label on the nodes: pods that ask for it run only where they were started while it was there."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.key = f"crossfade.dev/{name}"

    def open(self):
        self.cluster.kubectl("label", "nodes", "--all", f"{self.key}=open", "--overwrite")

    def close(self):
        self.cluster.kubectl("label", "nodes", "--all", f"{self.key}-")

    def needed_by(self, image):
        """A patch of the rollout: this image, and in this place."""
        patch = set_image(image)
        patch["spec"]["template"]["spec"]["nodeSelector"] = {self.key: "open"}
        return patch


@pytest.fixture
def place(cluster, namespace):
    made = Place(cluster, namespace.name)
    yield made
    made.close()


def test_promote_by_hand(namespace):
    blue = deploy(namespace)
    assert selected(namespace, "active") == blue
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    status = namespace.wait_phase("web", "Paused")["status"]
    green = status["currentPodHash"]
    assert status["message"] == "BlueGreenPause"
    assert status["blueGreen"] == {"activeSelector": blue, "previewSelector": green}
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (blue, green)
    assert namespace.replica_sets("web") == {blue: 3, green: 3}
    namespace.crossfade("promote", "web")
    namespace.wait_phase("web", "Healthy")
    assert selected(namespace, "active") == green
    namespace.wait_rollout("web", lambda r: namespace.replica_sets("web") == {blue: 0, green: 3}, "blue's scale-down")


def test_auto_promotion(namespace):
    blue = deploy(namespace, autoPromotionEnabled=True)
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    done = namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != blue and r["status"]["phase"] == "Healthy", "promotion")
    assert selected(namespace, "active") == done["status"]["stableRS"]


def test_preview_replica_count(namespace):
    blue = deploy(namespace, previewReplicaCount=1)
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    green = namespace.wait_phase("web", "Paused")["status"]["currentPodHash"]
    assert namespace.replica_sets("web") == {blue: 3, green: 1}
    namespace.crossfade("promote", "web")
    namespace.wait_phase("web", "Healthy")
    assert namespace.replica_sets("web")[green] == 3
    assert selected(namespace, "active") == green


def test_abort_before_the_switch(namespace):
    blue = deploy(namespace, abortScaleDownDelaySeconds=1)
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    green = namespace.wait_phase("web", "Paused")["status"]["currentPodHash"]
    namespace.crossfade("abort", "web")
    namespace.wait_phase("web", "Degraded")
    assert selected(namespace, "active") == blue
    namespace.wait_rollout("web", lambda r: namespace.replica_sets("web") == {blue: 3, green: 0}, "green's scale-down")


def test_rollback_within_the_scale_down_delay_is_a_switch(namespace):
    blue = deploy(namespace, scaleDownDelaySeconds=300)
    namespace.let_a_second_pass()  # a rollback is to an older ReplicaSet
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    green = namespace.wait_phase("web", "Paused")["status"]["currentPodHash"]
    namespace.crossfade("promote", "web")
    namespace.wait_phase("web", "Healthy")
    assert namespace.replica_sets("web") == {blue: 3, green: 3}
    namespace.crossfade("undo", "web")
    namespace.wait_rollout("web", lambda r: selected(namespace, "active") == blue, "the switch back to blue")


def test_first_deployment_has_no_gates(namespace, verdicts, place):
    """spec/03 §13.1 life: neither has the second version while the first has never served."""
    templates, analyses = verdicts.analyses("pre", "post")
    objects = blue_green(previewReplicaCount=1, **analyses)
    objects[-1]["spec"]["template"]["spec"].update(place.needed_by("crossfade.dev/demo:v1")["spec"]["template"]["spec"])
    namespace.apply(*templates, *objects)
    status = namespace.wait_rollout("web", lambda r: r.get("status", {}).get("updatedReplicas") == 3, "the first pods")["status"]
    first = status["currentPodHash"]
    assert status["stableRS"] == first
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (None, first)
    namespace.patch("rollout", "web", {"spec": {"template": {"spec": {**V2["spec"]["template"]["spec"], "nodeSelector": None}}}})
    status = namespace.wait_phase("web", "Healthy")["status"]
    assert status["stableRS"] == status["currentPodHash"] != first
    assert selected(namespace, "active") == status["stableRS"]
    assert namespace.list("analysisruns") == []


def test_every_gate(namespace, verdicts):
    """spec/03 §13.6 life: a preview of one pod, an analysis, a person, all pods, and another analysis."""
    templates, analyses = verdicts.analyses("pre", "post")
    blue = deploy(namespace, *templates, previewReplicaCount=1, **analyses)
    namespace.patch("rollout", "web", V2)
    green = namespace.wait_rollout("web", lambda r: r["status"]["currentPodHash"] != blue, "the update")["status"]["currentPodHash"]
    wait_run(namespace, f"web-{green}-2-pre")
    assert namespace.replica_sets("web") == {blue: 3, green: 1}
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (blue, green)
    assert namespace.rollout("web")["status"]["phase"] == "Progressing"
    verdicts.decide("smoke", 1)
    namespace.wait_phase("web", "Paused")
    assert namespace.rollout("web")["status"]["message"] == "BlueGreenPause"
    namespace.crossfade("promote", "web")
    wait_run(namespace, f"web-{green}-2-post")
    status = namespace.rollout("web")["status"]
    assert (status["stableRS"], status["blueGreen"]["activeSelector"]) == (blue, green)
    assert status["message"] == "waiting for analysis to complete"
    assert namespace.replica_sets("web") == {blue: 3, green: 3}
    verdicts.decide("load", 1)
    status = namespace.wait_phase("web", "Healthy")["status"]
    assert status["stableRS"] == green
    assert "scaleUpPreviewCheckPoint" not in status["blueGreen"]
    wait_sizes(namespace, {blue: 0, green: 3})


def test_new_template_while_paused(namespace):
    """spec/03 §13.2 life: the version between goes after its delay; a new strategy counts at once."""
    blue = deploy(namespace)
    green = update(namespace)
    red = update(namespace, V3)
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (blue, red)
    wait_sizes(namespace, {blue: 3, green: 0, red: 3})
    namespace.patch("rollout", "web", {"spec": {"strategy": {"blueGreen": {"autoPromotionEnabled": True}}}})
    assert namespace.wait_phase("web", "Healthy")["status"]["stableRS"] == red
    assert selected(namespace, "active") == red


def test_new_template_after_the_switch(namespace, verdicts):
    """spec/03 §13.2 life: the version between serves until the newest may, and its analysis ends."""
    templates, analyses = verdicts.analyses("post")
    blue = deploy(namespace, *templates, autoPromotionEnabled=True, **analyses)
    green = update(namespace, phase="Progressing")
    wait_run(namespace, f"web-{green}-2-post")
    namespace.patch("rollout", "web", {"spec": {"strategy": {"blueGreen": MANUAL}}})
    red = update(namespace, V3)
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (green, red)
    assert namespace.replica_sets("web") == {blue: 3, green: 3, red: 3}
    (run,) = namespace.list("analysisruns")
    assert run["spec"]["terminate"] is True
    verdicts.decide("load", 1)
    namespace.crossfade("promote", "web")
    assert namespace.wait_phase("web", "Healthy")["status"]["stableRS"] == red
    wait_sizes(namespace, {blue: 0, green: 0, red: 3})


def test_failed_analysis_takes_the_traffic_back_from_broken_pods(namespace, verdicts, place):
    """spec/03 §13.3 life, and its retry with analyses of its own."""
    templates, analyses = verdicts.analyses("pre", "post")
    blue = deploy(namespace, *templates, autoPromotionEnabled=True, abortScaleDownDelaySeconds=1, **analyses)
    verdicts.decide("smoke", 1)
    place.open()
    green = update(namespace, place.needed_by("crossfade.dev/demo:v2"), phase="Progressing")
    wait_run(namespace, f"web-{green}-2-post")
    place.close()
    namespace.kubectl("delete", "pods", "-l", f"rollouts-pod-template-hash={green}", "--wait=false")
    namespace.wait_rollout("web", lambda r: r["status"].get("availableReplicas", 0) < 3, "green's pods to be missing")
    verdicts.decide("load", 0)
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert "aborted update to revision 2: Blue/green post-promotion analysis phase error/failed" in status["message"]
    wait_active(namespace, blue)
    wait_sizes(namespace, {blue: 3, green: 0})
    assert selected(namespace, "preview") == green

    place.open()
    verdicts.decide("load", 1)
    namespace.crossfade("retry", "rollout", "web")
    assert namespace.wait_phase("web", "Healthy")["status"]["stableRS"] == green
    names = {run["metadata"]["name"] for run in namespace.list("analysisruns")}
    assert {f"web-{green}-2-pre.1", f"web-{green}-2-post.1"} <= names


def test_inconclusive_analysis_asks_a_person(namespace, verdicts):
    """spec/03 §13.5 life: who promotes, asks the analysis again."""
    templates, analyses = verdicts.analyses("pre")
    blue = deploy(namespace, *templates, autoPromotionEnabled=True, **analyses)
    verdicts.decide("smoke", 7)
    green = update(namespace)
    assert namespace.rollout("web")["status"]["message"] == "InconclusiveAnalysisRun"
    assert selected(namespace, "active") == blue
    verdicts.decide("smoke", 1)
    namespace.crossfade("promote", "web")
    assert namespace.wait_phase("web", "Healthy")["status"]["stableRS"] == green
    assert len(namespace.list("analysisruns")) == 2


def test_missed_deadline_aborts(namespace, place):
    """spec/03 §13.3 life."""
    blue = deploy(namespace, spec={"progressDeadlineSeconds": 2, "progressDeadlineAbort": True}, abortScaleDownDelaySeconds=1)
    green = update(namespace, place.needed_by("crossfade.dev/demo:v2"), phase="Degraded")
    status = namespace.rollout("web")["status"]
    assert f'ReplicaSet "web-{green}" has timed out progressing.' in status["message"]
    assert status["abort"] is True
    assert selected(namespace, "active") == blue
    wait_sizes(namespace, {blue: 3, green: 0})


def test_back_to_stable_in_the_middle(namespace, verdicts):
    """spec/03 §13.4 life: after the switch, and with a preview that is smaller than the whole."""
    templates, analyses = verdicts.analyses("post")
    blue = deploy(namespace, *templates, autoPromotionEnabled=True, previewReplicaCount=1, **analyses)
    green = update(namespace, phase="Progressing")
    wait_active(namespace, green)
    namespace.crossfade("undo", "web")
    status = namespace.wait_phase("web", "Healthy")["status"]
    assert status["stableRS"] == status["currentPodHash"] == blue
    wait_active(namespace, blue)
    wait_sizes(namespace, {blue: 3, green: 0})


def test_rollback_within_the_window(namespace):
    """spec/03 §13.4 life: its pods come again, and no one is asked; beyond the window it is an update like others."""
    blue = deploy(namespace, spec={"rollbackWindow": {"revisions": 1}}, scaleDownDelaySeconds=1)
    namespace.let_a_second_pass()  # a rollback is to an older ReplicaSet
    green = update(namespace)
    namespace.crossfade("promote", "web")
    wait_sizes(namespace, {blue: 0, green: 3})
    namespace.crossfade("undo", "web")
    wait_active(namespace, blue)
    assert namespace.wait_phase("web", "Healthy")["status"]["stableRS"] == blue
    wait_sizes(namespace, {blue: 3, green: 0})
    namespace.patch("rollout", "web", {"spec": {"rollbackWindow": None}})
    namespace.crossfade("undo", "web")
    namespace.wait_phase("web", "Paused")
    assert selected(namespace, "active") == blue


def test_promote_in_full_pause_and_restart(namespace):
    """spec/03 §13.5 life."""
    blue = deploy(namespace, previewReplicaCount=1)
    namespace.crossfade("pause", "web")
    namespace.patch("rollout", "web", V2)
    namespace.wait_rollout("web", lambda r: r["status"]["phase"] == "Paused" and len(namespace.replica_sets("web")) == 2, "the pause")
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (blue, blue)
    namespace.crossfade("promote", "web", "--full")
    status = namespace.wait_phase("web", "Healthy")["status"]
    green = status["stableRS"]
    assert green != blue and "promoteFull" not in status
    assert (selected(namespace, "active"), selected(namespace, "preview")) == (green, green)
    wait_sizes(namespace, {blue: 0, green: 3})

    def pods():
        return {pod["metadata"]["uid"] for pod in namespace.list("pods", f"rollouts-pod-template-hash={green}")}

    before = pods()
    namespace.crossfade("restart", "web")
    namespace.wait_rollout("web", lambda r: r["status"].get("restartedAt") == r["spec"].get("restartAt"), "the restart's end")
    assert not before & pods()
