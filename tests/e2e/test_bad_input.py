"""What a user gets wrong is named: on the object's condition, on stderr, or by the API server."""
import pytest
from manifests import rollout, service, template


def invalid(namespace, name="web"):
    """The InvalidSpec message of a rollout, once there is one."""

    def condition(current):
        return [c for c in current.get("status", {}).get("conditions", []) if c["type"] == "InvalidSpec" and c["status"] == "True"]

    current = namespace.wait_rollout(name, condition, "InvalidSpec")
    assert current["status"]["phase"] == "Degraded"
    return condition(current)[0]["message"]


def test_rollout_without_selector(namespace):
    made = rollout("web", {"canary": {}})
    del made["spec"]["selector"]
    namespace.apply(made)
    assert "Rollout has missing field '.spec.selector'" in invalid(namespace)


def test_selector_that_does_not_match_its_template(namespace):
    made = rollout("web", {"canary": {}})
    made["spec"]["template"] = template("other", "crossfade.dev/demo:v1")
    namespace.apply(made)
    assert "`selector` does not match template `labels`" in invalid(namespace)


def test_two_strategies(namespace):
    namespace.apply(service("active", "web"), rollout("web", {"canary": {}, "blueGreen": {"activeService": "active"}}))
    assert "Multiple Strategies can not be listed" in invalid(namespace)


def test_negative_replicas(namespace):
    # The scale subresource makes the API server itself refuse it.
    with pytest.raises(AssertionError, match="spec.replicas: Invalid value: -1: should be a non-negative integer"):
        namespace.apply(rollout("web", {"canary": {}}, replicas=-1))


def test_service_that_does_not_exist(namespace):
    namespace.apply(rollout("web", {"blueGreen": {"activeService": "nowhere"}}))
    message = invalid(namespace)
    assert 'spec.strategy.blueGreen.activeService: Invalid value: "nowhere": service "nowhere" not found' in message
    namespace.apply(service("nowhere", "web"))
    namespace.wait_phase("web", "Healthy", seconds=90)


def test_unknown_field_is_a_warning(namespace):
    made = rollout("web", {"canary": {}})
    made["spec"]["replicaz"] = 3
    import json

    done = namespace.kubectl("apply", "--validate=warn", "-f", "-", stdin=json.dumps(made), check=False)
    if "invalid argument" in done.stderr:
        pytest.skip("this kubectl does not know --validate=warn")
    assert done.returncode == 0, done.stderr
    assert "replicaz" in done.stderr


def test_selector_is_immutable(namespace):
    namespace.apply(rollout("web", {"canary": {}}, replicas=1))
    namespace.wait_phase("web", "Healthy")
    changed = namespace.kubectl(
        "patch", "rollout", "web", "--type", "merge", "-p", '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}', check=False
    )
    assert changed.returncode != 0
    assert ".spec.selector is immutable" in changed.stderr


def test_command_on_a_rollout_that_does_not_exist(namespace):
    done = namespace.crossfade("promote", "nowhere", check=False)
    assert done.returncode == 1
    assert done.stderr == 'Error: rollouts.argoproj.io "nowhere" not found\n'


def test_kubeconfig_that_does_not_exist(cluster):
    from conftest import CROSSFADE

    done = cluster.run(CROSSFADE, "list", "rollouts", "--kubeconfig", "/nowhere/kubeconfig", check=False)
    assert done.returncode == 1
    assert "/nowhere/kubeconfig" in done.stderr
