"""Blue-green releases (spec/03 §13)."""
from manifests import rollout, service, set_image


def selected(namespace, name):
    return namespace.get("service", name)["spec"]["selector"].get("rollouts-pod-template-hash")


def deploy(namespace, **options):
    strategy = {"activeService": "active", "previewService": "preview", "autoPromotionEnabled": False, "scaleDownDelaySeconds": 2}
    strategy.update(options)
    namespace.apply(service("active", "web"), service("preview", "web"), rollout("web", {"blueGreen": strategy}, replicas=3))
    return namespace.wait_phase("web", "Healthy")["status"]["stableRS"]


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
