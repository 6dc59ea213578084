"""What a user gets wrong is named: on the object's condition, on stderr, or by the API server."""
import json
import ssl
import subprocess

import pytest
from conftest import CROSSFADE
from manifests import rollout, service, template
from stand_in import StandIn


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
    done = cluster.run(CROSSFADE, "list", "rollouts", "--kubeconfig", "/nowhere/kubeconfig", check=False)
    assert done.returncode == 1
    assert "/nowhere/kubeconfig" in done.stderr


def refuse(_):
    """Of an API server that knows nobody."""
    return 401, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}


@pytest.fixture
def refusing(tmp_path):
    """A TLS server that refuses every token, and a function that writes a kubeconfig for it."""
    for name in ("server", "other"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
            + ["-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"],
            check=True,
            capture_output=True,
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server = StandIn(refuse, context)

    def kubeconfig(authority):
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "clusters": [{"name": "x", "cluster": {"server": f"https://{server.address}", "certificate-authority": str(tmp_path / f"{authority}.pem")}}],
            "users": [{"name": "x", "user": {"token": "expired"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        return str(path)

    yield kubeconfig
    server.close()


def test_kubeconfig_with_a_wrong_authority(cluster, refusing):
    done = cluster.run(CROSSFADE, "list", "rollouts", "--kubeconfig", refusing("other"), check=False)
    assert done.returncode == 1
    assert "certificate" in done.stderr and "127.0.0.1" in done.stderr, done.stderr


def test_kubeconfig_with_an_expired_token(cluster, refusing):
    kubeconfig = refusing("server")
    done = cluster.run(CROSSFADE, "list", "rollouts", "--kubeconfig", kubeconfig, check=False)
    assert done.returncode == 1
    assert "Unauthorized" in done.stderr and kubeconfig in done.stderr, done.stderr


def test_objects_that_are_too_large(namespace):
    def refusal(made):
        done = namespace.kubectl("create", "-f", "-", stdin=json.dumps(made), check=False)
        assert done.returncode != 0
        return done.stderr

    def config_map(size):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "x" * size}}

    def large(size):
        made = rollout("web", {"canary": {}})
        made["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * size]
        return made

    assert 'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes' in refusal(config_map((1 << 20) + 1))
    assert 'ConfigMap "big" is invalid: []: Too long' in refusal(config_map(2_000_000))
    assert "etcdserver: request is too large" in refusal(large(2_000_000))
    assert "Request entity too large: limit is 3145728" in refusal(large(4_000_000))
