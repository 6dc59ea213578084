"""Canary releases, with and without a router (spec/04)."""
from manifests import http_route, rollout, service, set_image

FIVE_STEPS = [
    {"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {"duration": 1}}, {"setWeight": 60},
    {"pause": {"duration": "1s"}}, {"setWeight": 80}, {"pause": {"duration": 1}},
]  # fmt: skip


def weights(namespace, name):
    backends = namespace.get("httproute", name)["spec"]["rules"][0]["backendRefs"]
    return {backend["name"]: backend.get("weight", 1) for backend in backends}


def routed(name, steps, **spec):
    strategy = {
        "canaryService": f"{name}-canary",
        "stableService": f"{name}-stable",
        "trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": name, "namespace": "default"}}},
        "steps": steps,
    }
    return strategy


def deploy_routed(namespace, name, steps, replicas=5, **strategy_options):
    strategy = routed(name, steps)
    strategy["trafficRouting"]["plugins"]["argoproj-labs/gatewayAPI"]["namespace"] = namespace.name
    strategy.update(strategy_options)
    namespace.apply(
        service(f"{name}-stable", name),
        service(f"{name}-canary", name),
        http_route(name, f"{name}-stable", f"{name}-canary"),
        rollout(name, {"canary": strategy}, replicas=replicas),
    )
    return namespace.wait_phase(name, "Healthy")


def test_first_deployment_becomes_healthy(namespace):
    namespace.apply(rollout("web", {"canary": {"steps": FIVE_STEPS}}, replicas=3))
    status = namespace.wait_phase("web", "Healthy")["status"]
    assert status["stableRS"] == status["currentPodHash"]
    assert status["currentStepIndex"] == len(FIVE_STEPS)
    assert status["availableReplicas"] == 3
    assert namespace.replica_sets("web") == {status["stableRS"]: 3}


def test_steps_without_router_shift_replicas(namespace):
    namespace.apply(rollout("web", {"canary": {"steps": FIVE_STEPS}}, replicas=5))
    stable = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    status = namespace.wait_phase("web", "Paused")["status"]
    assert status["currentStepIndex"] == 1
    assert status["message"] == "CanaryPauseStep"
    assert status["pauseConditions"][0]["reason"] == "CanaryPauseStep"
    assert namespace.replica_sets("web") == {stable: 4, status["currentPodHash"]: 1}
    namespace.crossfade("promote", "web")
    done = namespace.wait_phase("web", "Healthy")["status"]
    assert done["stableRS"] == status["currentPodHash"]
    assert namespace.replica_sets("web") == {stable: 0, done["stableRS"]: 5}


def test_router_follows_the_steps(namespace):
    """spec/04 §30.2."""
    stable = deploy_routed(namespace, "web", [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}])["status"]["stableRS"]
    assert weights(namespace, "web") == {"web-stable": 100, "web-canary": 0}
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    status = namespace.wait_phase("web", "Paused")["status"]
    assert weights(namespace, "web") == {"web-stable": 80, "web-canary": 20}
    assert status["canary"]["weights"]["canary"]["weight"] == 20
    assert namespace.get("service", "web-canary")["spec"]["selector"]["rollouts-pod-template-hash"] == status["currentPodHash"]
    assert namespace.get("service", "web-stable")["spec"]["selector"]["rollouts-pod-template-hash"] == stable
    assert namespace.replica_sets("web") == {stable: 5, status["currentPodHash"]: 1}
    namespace.crossfade("promote", "web")
    namespace.wait_rollout("web", lambda r: r["status"].get("currentStepIndex") == 3 and r["status"]["phase"] == "Paused", "step 3")
    assert weights(namespace, "web") == {"web-stable": 40, "web-canary": 60}
    namespace.crossfade("promote", "web")
    done = namespace.wait_phase("web", "Healthy")["status"]
    assert done["stableRS"] == status["currentPodHash"]
    namespace.wait_rollout("web", lambda r: weights(namespace, "web") == {"web-stable": 100, "web-canary": 0}, "route on stable")
    assert namespace.get("service", "web-stable")["spec"]["selector"]["rollouts-pod-template-hash"] == done["stableRS"]


def test_abort_brings_the_traffic_back_and_retry_starts_again(namespace):
    stable = deploy_routed(namespace, "web", [{"setWeight": 40}, {"pause": {}}])["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    namespace.wait_phase("web", "Paused")
    namespace.crossfade("abort", "web")
    status = namespace.wait_phase("web", "Degraded")["status"]
    assert status["abort"] is True
    assert "RolloutAborted: Rollout aborted update to revision 2" in status["message"]
    namespace.wait_rollout("web", lambda r: weights(namespace, "web") == {"web-stable": 100, "web-canary": 0}, "route on stable")
    assert status["stableRS"] == stable
    namespace.crossfade("retry", "rollout", "web")
    namespace.wait_phase("web", "Paused")
    assert weights(namespace, "web") == {"web-stable": 60, "web-canary": 40}
    namespace.crossfade("promote", "web", "--full")
    namespace.wait_phase("web", "Healthy")


def test_undo_returns_to_the_revision_before(namespace):
    namespace.apply(rollout("web", {"canary": {}}, replicas=2))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.crossfade("set", "image", "web", "app=crossfade.dev/demo:v2")
    second = namespace.wait_rollout(
        "web", lambda r: r["status"].get("phase") == "Healthy" and r["status"]["stableRS"] != first, "revision 2"
    )["status"]["stableRS"]
    namespace.crossfade("undo", "web")
    namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] == first and r["status"]["phase"] == "Healthy", "revision 1 again")
    assert namespace.replica_sets("web") == {first: 2, second: 0}
    assert namespace.rollout("web")["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "3"


def test_rolling_update_without_steps(namespace):
    namespace.apply(rollout("web", {"canary": {"maxSurge": 1, "maxUnavailable": 0}}, replicas=4))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    done = namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    assert namespace.replica_sets("web") == {first: 0, done["status"]["stableRS"]: 4}


def test_new_image_in_the_middle_starts_again_at_step_0(namespace):
    stable = deploy_routed(namespace, "web", [{"setWeight": 20}, {"pause": {}}])["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    second = namespace.wait_phase("web", "Paused")["status"]["currentPodHash"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v3"))
    status = namespace.wait_rollout(
        "web", lambda r: r["status"]["currentPodHash"] not in (stable, second) and r["status"]["phase"] == "Paused", "pause of v3"
    )["status"]
    assert status["stableRS"] == stable
    assert status["currentStepIndex"] == 1


def test_scaling_through_the_subresource(namespace):
    namespace.apply(rollout("web", {"canary": {}}, replicas=2))
    namespace.wait_phase("web", "Healthy")
    namespace.kubectl("scale", "rollout/web", "--replicas=5")
    namespace.wait_rollout("web", lambda r: r["status"].get("availableReplicas") == 5, "five pods")
    assert namespace.rollout("web")["status"]["HPAReplicas"] == 5


def test_controller_killed_in_the_middle_goes_on(namespace, controller):
    namespace.apply(rollout("web", {"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": 3}}]}}, replicas=4))
    first = namespace.wait_phase("web", "Healthy")["status"]["stableRS"]
    namespace.patch("rollout", "web", set_image("crossfade.dev/demo:v2"))
    namespace.wait_rollout("web", lambda r: r["status"].get("currentPodHash") != first, "the update's start")
    controller.stop(kill=True)
    controller.start()
    done = namespace.wait_rollout("web", lambda r: r["status"]["stableRS"] != first and r["status"]["phase"] == "Healthy", "promotion")
    assert namespace.replica_sets("web") == {first: 0, done["status"]["stableRS"]: 4}
