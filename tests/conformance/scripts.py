"""What is asked of both servers, by subject."""
import base64
import json

from differential import APPLY, JSON_PATCH, MERGE, STRATEGIC, Step, Watch

CORE = "/api/v1/namespaces/{ns}"
APPS = "/apis/apps/v1/namespaces/{ns}"
ARGO = "/apis/argoproj.io/v1alpha1/namespaces/{ns}"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
PARTIAL = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
PARTIAL_LIST = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {"a": "1"}}


def pod_template(**labels):
    return {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "one", "image": "img:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}, {"name": "two", "image": "img:2"}]},
    }  # fmt: skip


def replica_set(name, **spec):
    return {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": pod_template(app=name), **spec},
    }  # fmt: skip


def rollout(name, **spec):
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": pod_template(app=name), "strategy": {"canary": {}}, **spec},
    }  # fmt: skip


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}], **spec}}


def get(path, **options):
    return Step("GET", path, **options)


def create(path, body, **options):
    return Step("POST", path, body, **options)


def put(path, body, **options):
    return Step("PUT", path, body, **options)


def patch(path, body, kind=MERGE, **options):
    return Step("PATCH", path, body, kind, **options)


def delete(path, body=None, **options):
    return Step("DELETE", path, body, **options)


def reads():
    steps = [create(f"{CORE}/configmaps", config_map(f"cm-{index}", labels={"tier": tier, "n": str(index)})) for index, tier in enumerate(["web", "web", "db", "cache", "db"])]
    steps += [create(f"{CORE}/configmaps", config_map("bare"))]
    paths = [f"{CORE}/configmaps/cm-0", f"{CORE}/configmaps/none", f"{CORE}/nothing", f"{CORE}/configmaps/cm-0/status", "/api/v1/nothing", "/apis/none/v1", "/apis/apps/v9/replicasets", "/nothing", "/api/v1/namespaces/none/configmaps/x"]
    selectors = ["tier=web", "tier==web", "tier!=web", "tier in (web,db)", "tier notin (web)", "tier", "!tier", "tier=web,n=1", "n in (0,1,2),tier=db", "tier=", "=x", "tier in web", "tier=a=b", "-bad=1", "tier in ()"]
    fields = ["metadata.name=cm-1", "metadata.name!=cm-1", "metadata.namespace={ns}", "metadata.name=none", "data.a=1", "metadata.name", "metadata.name=a,metadata.name=b"]
    from urllib.parse import quote

    steps += [get(path) for path in paths]
    steps += [get(f"{CORE}/configmaps?labelSelector={quote(selector)}") for selector in selectors]
    steps += [get(f"{CORE}/configmaps?fieldSelector={quote(field, safe='{}')}") for field in fields]
    steps += [get(f"{CORE}/configmaps?limit=2", save="page"), get(f"{CORE}/configmaps?limit=2&continue=@page.metadata.continue@", save="page2")]
    steps += [get(f"{CORE}/configmaps?limit=x"), get(f"{CORE}/configmaps?continue=garbage"), get(f"{CORE}/configmaps?resourceVersion=0"), get(f"{CORE}/configmaps?resourceVersion=abc")]
    steps += [get(f"{CORE}/configmaps", headers=TABLE), get(f"{CORE}/configmaps/cm-0", headers=TABLE), get(f"{CORE}/configmaps?includeObject=None", headers=TABLE)]
    steps += [get(f"{CORE}/configmaps/cm-0", headers=PARTIAL), get(f"{CORE}/configmaps", headers=PARTIAL_LIST)]
    steps += [get(f"{CORE}/configmaps", headers={"Accept": "text/html"}), get(f"{CORE}/configmaps", headers={"Accept": "*/*"})]
    steps += [Step("PUT", f"{CORE}/configmaps", config_map("x")), Step("POST", f"{CORE}/configmaps/cm-0", config_map("x")), Step("PATCH", f"{CORE}/configmaps", {}, MERGE)]
    steps += [get(f"{CORE}/configmaps?resourceVersionMatch=Exact"), get(f"{CORE}/pods?fieldSelector=status.phase=Running"), get(f"{CORE}/pods?fieldSelector=spec.nothing=1"), get(f"{CORE}/secrets?fieldSelector=type=Opaque")]
    return steps


def creates():
    bodies = [
        config_map("fine"), config_map("fine"), config_map("Bad_Name"), config_map(""), config_map("a" * 254), config_map("x", labels={"bad key!": "v"}),
        config_map("x", labels={"k": "bad value!"}), config_map("x", annotations={"bad key!": "v"}), config_map("x", namespace="other"),
        config_map("x", finalizers=["bad"]), config_map("fin", finalizers=["example.com/hold"]), config_map("x", resourceVersion="5"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "x"}},
        {"kind": "ConfigMap", "metadata": {"name": "nokind"}}, {"apiVersion": "v1", "metadata": {"name": "nokind2"}}, {"metadata": {"name": "neither"}},
        config_map("x", data={"bad key!": "v"}), config_map("x", ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "fine"}]),
    ]  # fmt: skip
    ignore = ("metadata.name", "metadata.managedFields")
    steps = [create(f"{CORE}/configmaps", body, ignore=ignore) for body in bodies]
    for text in ["{", "", "[]", "null", "5", '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":5}}', '{"apiVersion":"v1","kind":"ConfigMap","metadata":"x"}', '{"apiVersion":"v1","kind":"ConfigMap","data":[]}']:
        steps.append(Step("POST", f"{CORE}/configmaps", text))
    steps += [Step("POST", f"{CORE}/configmaps", "a: b", "application/xml"), Step("POST", f"{CORE}/configmaps", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\n", "application/yaml")]
    for validation in ("Ignore", "Warn", "Strict", "Nonsense"):
        steps.append(create(f"{CORE}/configmaps?fieldValidation={validation}", {**config_map(f"v-{validation.lower()}"), "spec": {"x": 1}, "other": 2}))
    steps += [create(f"{CORE}/configmaps?dryRun=All", config_map("dry")), get(f"{CORE}/configmaps/dry"), create(f"{CORE}/configmaps?dryRun=Some", config_map("dry"))]
    steps += [create(f"{CORE}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}), create(f"{CORE}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s2"}, "data": {"a": "not base64!"}})]
    steps += [create("/api/v1/namespaces/none-of-that/configmaps", config_map("x"))]
    return steps


def updates():
    path = f"{CORE}/configmaps/c"
    return [
        create(f"{CORE}/configmaps", config_map("c"), save="first"),
        put(path, config_map("c", {"a": "2"}), save="second"),
        put(path, config_map("c", {"a": "3"}, resourceVersion="@first.metadata.resourceVersion@")),
        put(path, config_map("c", {"a": "3"}, resourceVersion="@second.metadata.resourceVersion@"), save="third"),
        put(path, config_map("c", {"a": "3"})),
        put(path, config_map("other")), put(path, config_map("c", uid="00000000-0000-0000-0000-000000000000")), put(f"{CORE}/configmaps/none", config_map("none")),
        put(path, {**config_map("c"), "kind": "Secret"}), put(path, "{"), put(f"{path}?dryRun=All", config_map("c", {"a": "dry"})), get(path),
        put(path, {**config_map("c"), "immutable": True}), put(path, config_map("c", {"a": "9"})), delete(path),
        create(f"{APPS}/replicasets", replica_set("rs"), save="rs", ignore=("status",)),
        put(f"{APPS}/replicasets/rs", replica_set("rs", minReadySeconds=5), ignore=("status",)),
        put(f"{APPS}/replicasets/rs", replica_set("rs", selector={"matchLabels": {"app": "y"}}), ignore=("status",)),
        put(f"{APPS}/replicasets/rs", replica_set("rs", replicas=-1), ignore=("status",)),
    ]  # fmt: skip


def patches():
    path = f"{CORE}/configmaps/c"
    steps = [create(f"{CORE}/configmaps", config_map("c", {"a": "1", "b": "2"}, labels={"l": "1"}))]
    for body in [
        [{"op": "replace", "path": "/data/a", "value": "x"}], [{"op": "add", "path": "/data/n~1ew", "value": "x"}], [{"op": "remove", "path": "/data/b"}], [{"op": "remove", "path": "/data/none"}],
        [{"op": "test", "path": "/data/a", "value": "x"}], [{"op": "test", "path": "/data/a", "value": "y"}], [{"op": "replace", "path": "/data/none/deep", "value": 1}],
        [{"op": "copy", "from": "/data/a", "path": "/data/copy"}], [{"op": "move", "from": "/data/copy", "path": "/data/moved"}], [{"op": "nonsense", "path": "/data"}],
        [{"op": "add", "path": "/metadata/labels/new", "value": "v"}, {"op": "test", "path": "/metadata/labels/new", "value": "v"}], [{"op": "replace", "path": "/metadata/name", "value": "z"}], {"op": "add"}, [],
        [{"op": "replace", "path": "/data/a", "value": 5}],
    ]:  # fmt: skip
        steps.append(patch(path, body, JSON_PATCH))
    for body in [{"data": {"a": "m", "gone": None}}, {"data": {"a": None}}, {"metadata": {"labels": None}}, {}, {"data": 5}, [], {"metadata": {"name": "z"}}, {"kind": "Secret"}, {"metadata": {"resourceVersion": "1"}, "data": {"a": "z"}}, {"metadata": {"uid": "x"}}]:
        steps.append(patch(path, body, MERGE))
    steps += [Step("PATCH", path, "{", MERGE), Step("PATCH", path, "{}", "application/json"), patch(f"{CORE}/configmaps/none", {"data": {}}), patch(path, {"data": {"s": "1"}}, STRATEGIC)]
    steps += [patch(f"{path}?dryRun=All", {"data": {"dry": "1"}}), patch(f"{path}?fieldManager=me", {"data": {"me": "1"}}), get(path)]
    return steps


def strategic():
    path = f"{APPS}/replicasets/rs"
    ignore = ("status",)
    steps = [create(f"{APPS}/replicasets", replica_set("rs"), ignore=ignore)]
    containers = lambda *items, **more: {"spec": {"template": {"spec": {"containers": list(items), **more}}}}  # noqa: E731
    for body in [
        containers({"name": "one", "image": "img:9"}), containers({"name": "three", "image": "img:3"}), containers({"name": "two", "$patch": "delete"}),
        containers({"name": "one", "env": [{"name": "A", "value": "9"}, {"name": "C", "value": "3"}]}), containers({"name": "one", "env": [{"name": "B", "$patch": "delete"}]}),
        containers({"name": "one", "ports": [{"containerPort": 81}]}), containers({"name": "one", "ports": [{"containerPort": 80, "name": "http"}]}),
        containers({"$patch": "replace"}, {"name": "only", "image": "x:1"}), {"spec": {"template": {"metadata": {"annotations": {"x": "1"}}}}}, {"spec": {"template": {"metadata": {"annotations": {"x": None}}}}},
        {"metadata": {"labels": {"$patch": "replace", "app": "rs", "z": "1"}}}, {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "new"}, {"name": "only"}], "containers": [{"name": "new", "image": "n:1"}]}}}},
        {"metadata": {"finalizers": ["example.com/a"]}}, {"metadata": {"finalizers": ["example.com/b"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a", "example.com/b"]}},
        {"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}}}, {"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": None, "configMap": {"name": "c"}, "$retainKeys": ["name", "configMap"]}]}}}},
        {"spec": {"replicas": "x"}}, {"spec": {"template": {"spec": {"containers": "x"}}}}, containers({"image": "noname"}),
    ]:  # fmt: skip
        steps.append(patch(path, body, STRATEGIC, ignore=ignore))
    steps += [create(f"{ARGO}/rollouts", rollout("ro")), patch(f"{ARGO}/rollouts/ro", {"spec": {"paused": True}}, STRATEGIC)]
    return steps


def server_side_apply():
    path = f"{APPS}/replicasets/rs"
    ignore = ("status",)

    def apply(body, manager="one", extra="", target=path, **options):
        return Step("PATCH", f"{target}?fieldManager={manager}{extra}", json.dumps(body), APPLY, ignore=ignore, **options)

    spec = replica_set("rs")
    changed = replica_set("rs", minReadySeconds=3)
    smaller = replica_set("rs")
    smaller["spec"]["template"]["spec"]["containers"].pop()
    container = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "rs"}, "spec": {"template": {"spec": {"containers": [{"name": "one", "image": "img:7"}]}}}}
    return [
        apply(spec), apply(spec), apply(changed), apply(changed, "two"), apply(replica_set("rs", minReadySeconds=9), "two"), apply(replica_set("rs", minReadySeconds=9), "two", "&force=true"),
        apply(container, "three"), apply(container, "three", "&force=true"), apply(smaller), apply(spec, ""), Step("PATCH", path, json.dumps(spec), APPLY),
        apply({**spec, "kind": "Deployment"}), apply({**spec, "metadata": {"name": "other"}}), apply({**spec, "spec": {**spec["spec"], "replicaz": 1}}), Step("PATCH", f"{path}?fieldManager=x", "{", APPLY),
        patch(path, {"metadata": {"annotations": {"by": "hand"}}}, ignore=ignore), patch(f"{path}/scale", {"spec": {"replicas": 0}}), get(path, ignore=ignore),
        apply(config_map("c", {"a": "1", "b": "2"}), target=f"{CORE}/configmaps/c"), apply(config_map("c", {"a": "1"}), target=f"{CORE}/configmaps/c"), apply(config_map("c", {"a": "5"}), "two", target=f"{CORE}/configmaps/c"),
        apply(rollout("ro"), target=f"{ARGO}/rollouts/ro"), apply(rollout("ro", replicas=3), "two", target=f"{ARGO}/rollouts/ro"), apply(rollout("ro", replicas=3), "two", "&force=true", target=f"{ARGO}/rollouts/ro"),
        apply(rollout("ro", paused=True), target=f"{ARGO}/rollouts/ro"), apply({**rollout("ro"), "spec": {"strategy": {"canary": {}}}}, target=f"{ARGO}/rollouts/ro", extra="&force=true"),
    ]  # fmt: skip


def custom_resources():
    path = f"{ARGO}/rollouts"
    bad = [
        rollout("r1", replicas="x"), rollout("r1", replicas=1.5), rollout("r1", strategy={"blueGreen": {}}), rollout("r1", strategy=5), rollout("r1", selector={"matchLabels": {"a": 1}}),
        rollout("r1", template={"spec": {"containers": [{"image": "x"}]}}), rollout("r1", template={"spec": {}}), rollout("r1", strategy={"canary": {"steps": [{"setHeaderRoute": {"match": [{}]}}]}}),
        rollout("r1", strategy={"canary": {"steps": [{"pause": {"duration": True}}]}}), rollout("r1", restartAt="yesterday"), {**rollout("r1"), "spec": None},
        rollout("r1", strategy={"canary": {"trafficRouting": {"alb": {}}}}), rollout("r1", strategy={"canary": {"maxSurge": 1.5}}), rollout("r1", template={"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "x"}]}}),
    ]  # fmt: skip
    good = [
        rollout("g1"), rollout("g2", replicas=-1), rollout("g3", unknown=1), rollout("g4", strategy={"canary": {"steps": [{"pause": None}, {"setWeight": 10}]}}),
        rollout("g5", template={"metadata": {"labels": {"a": "b"}, "name": "dropped"}, "spec": {"containers": [{"name": "a", "image": "x", "resources": {"limits": {"cpu": 2, "memory": "1Gi", "odd": {}}}, "ports": [{"containerPort": 80}]}]}}),
        rollout("g6", strategy={"canary": {"trafficRouting": {"plugins": {"x/y": {"anything": [1, 2]}}}}}), {**rollout("g7"), "status": {"phase": "Healthy"}}, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "g8"}, "spec": {}},
    ]  # fmt: skip
    steps = [create(path, body) for body in bad + good]
    steps += [create(f"{path}?fieldValidation=Strict", rollout("s1", unknown=1)), create(f"{path}?fieldValidation=Warn", rollout("s2", unknown=1, strategy={"canary": {"steps": [{"setWeigth": 1}]}}))]
    ro = f"{path}/g1"
    steps += [
        get(ro), patch(ro, {"status": {"phase": "Ignored"}}), patch(f"{ro}/status", {"status": {"phase": "Healthy", "selector": "app=g1", "HPAReplicas": 2}, "spec": {"replicas": 7}}), get(f"{ro}/status"),
        get(f"{ro}/scale"), put(f"{ro}/scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "g1", "namespace": "{ns}"}, "spec": {"replicas": 4}}), patch(f"{ro}/scale", {"spec": {"replicas": 5}}), get(ro),
        patch(ro, {"spec": {"selector": {"matchLabels": {"app": "other"}}}}), patch(ro, {"spec": {"selector": None}}), patch(ro, {"spec": {"replicas": "x"}}), patch(f"{ro}/status", {"status": {"phase": 5}}),
        put(ro, rollout("g1")), get(f"{path}?limit=3", headers=TABLE), get(ro, headers=TABLE), get(f"{path}?fieldSelector=metadata.name%3Dg1"), get(f"{path}?fieldSelector=spec.replicas%3D1"),
        create(f"{ARGO}/analysisruns", {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "a"}, "spec": {"metrics": []}}),
        patch(f"{ARGO}/analysisruns/a", {"status": {"phase": "Running"}}), patch(f"{ARGO}/analysisruns/a/status", {"status": {"phase": "Running"}}), create(f"{ARGO}/analysisruns", {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "b"}, "spec": {}}),
        create(f"{ARGO}/experiments", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment", "metadata": {"name": "e"}, "spec": {}}), get(f"{ARGO}/nothing"),
        delete(f"{path}/g2"), delete(f"{path}/g2"),
    ]  # fmt: skip
    return steps


def deletes():
    hold = {"finalizers": ["example.com/hold"]}
    steps = [create(f"{CORE}/configmaps", config_map(f"d{index}", labels={"group": str(index % 2)})) for index in range(6)]
    steps += [
        create(f"{CORE}/configmaps", config_map("held", **hold), save="held"), delete(f"{CORE}/configmaps/held"), get(f"{CORE}/configmaps/held"), delete(f"{CORE}/configmaps/held"),
        patch(f"{CORE}/configmaps/held", {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}), patch(f"{CORE}/configmaps/held", {"data": {"still": "writable"}}),
        patch(f"{CORE}/configmaps/held", {"metadata": {"finalizers": None}}), get(f"{CORE}/configmaps/held"), delete(f"{CORE}/configmaps/none"),
        delete(f"{CORE}/configmaps/d0", {"preconditions": {"uid": "wrong"}}), delete(f"{CORE}/configmaps/d0", {"preconditions": {"resourceVersion": "1"}}), delete(f"{CORE}/configmaps/d0?dryRun=All"), get(f"{CORE}/configmaps/d0"),
        delete(f"{CORE}/configmaps/d0", {"apiVersion": "v1", "kind": "DeleteOptions"}), delete(f"{CORE}/configmaps/d1?propagationPolicy=Nonsense"), delete(f"{CORE}/configmaps/d1", "{"),
        delete(f"{CORE}/configmaps/d1", {"propagationPolicy": "Foreground"}, ignore=("metadata.managedFields",)), delete(f"{CORE}/configmaps?labelSelector=group%3D0"), get(f"{CORE}/configmaps?labelSelector=group"),
        delete(f"{CORE}/configmaps/d3?gracePeriodSeconds=0"), delete(f"{CORE}/configmaps/d5?gracePeriodSeconds=-1"),
    ]  # fmt: skip
    return steps


def services_and_others():
    steps = [
        create(f"{CORE}/services", service("s1")), create(f"{CORE}/services", service("s2", ports=[])), create(f"{CORE}/services", service("s3", ports=[{"port": 0}])), create(f"{CORE}/services", service("s4", ports=[{"port": 80}, {"port": 81}])),
        create(f"{CORE}/services", service("s5", clusterIP="None")), create(f"{CORE}/services", service("Bad")), patch(f"{CORE}/services/s1", {"spec": {"selector": {"rollouts-pod-template-hash": "abc"}}}), patch(f"{CORE}/services/s1", {"spec": {"selector": {"rollouts-pod-template-hash": None}}}),
        patch(f"{CORE}/services/s1", {"spec": {"ports": [{"port": 80, "name": "http"}, {"port": 81, "name": "other"}]}}, STRATEGIC), get(f"{CORE}/services", headers=TABLE, ignore=("rows.cells",)),
        create("/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15, "renewTime": "2024-01-01T00:00:00.000000Z"}}),
        create("/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l2"}, "spec": {"leaseDurationSeconds": 0}}),
        create(f"{CORE}/events", {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e.1"}, "involvedObject": {"kind": "Pod", "namespace": "{ns}", "name": "p"}, "reason": "R", "message": "m", "type": "Normal", "source": {"component": "c"}, "count": 1}),
        get(f"{CORE}/events?fieldSelector=involvedObject.name%3Dp"), get(f"{CORE}/events?fieldSelector=reason%3DX"), patch(f"{CORE}/events/e.1", {"count": 2}, STRATEGIC),
        create(f"{APPS}/deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 0, "paused": True, "selector": {"matchLabels": {"app": "d"}}, "template": pod_template(app="d")}}, ignore=("status",)),
        create(f"{APPS}/deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d2"}, "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": pod_template(app="d")}}),
        create(f"{APPS}/deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d3"}, "spec": {"template": pod_template(app="d")}}),
        create(f"{APPS}/replicasets", {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "r"}}, "template": {"metadata": {"labels": {"app": "r"}}, "spec": {"containers": []}}}}),
        create(f"{CORE}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}), create(f"{CORE}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "C!", "image": "x"}]}}),
        get(f"{CORE}/pods/none/log"), create("/apis/batch/v1/namespaces/{ns}/jobs", {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"suspend": True, "template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}}),
        create("/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers", {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": {"minReplicas": 2, "maxReplicas": 1, "scaleTargetRef": {"kind": "Rollout", "name": "x", "apiVersion": "argoproj.io/v1alpha1"}}}),
        create("/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets", {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p"}, "spec": {"minAvailable": 1, "maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}}}),
        create("/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes", {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "h"}, "spec": {"rules": [{"backendRefs": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "weight": 0}]}]}}),
        patch("/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes/h", {"spec": {"rules": [{"backendRefs": [{"name": "a", "port": 80, "weight": -1}]}]}}),
        create("/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        create(f"{CORE}/serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "sa"}}), get("/apis/argoproj.io"), get("/apis/argoproj.io/v1alpha1"), get("/api"), get("/version", ignore=("*",)),
    ]  # fmt: skip
    return [step if "/api" != step.target else Step("GET", "/api", ignore=("serverAddressByClientCIDRs",)) for step in steps]


def watches():
    configs = f"{CORE}/configmaps"
    change = [create(configs, config_map("w1", labels={"on": "1"})), patch(f"{configs}/w1", {"data": {"a": "2"}}), patch(f"{configs}/w1", {"metadata": {"labels": {"on": None}}}), patch(f"{configs}/w1", {"metadata": {"labels": {"on": "1"}}}), delete(f"{configs}/w1")]
    from_now = "&resourceVersion=@list.metadata.resourceVersion@&timeoutSeconds=2"
    return [
        create(configs, config_map("before", labels={"on": "1"})), get(configs, save="list"),
        Watch(f"{configs}?watch=true{from_now}", change), get(configs, save="list"), Watch(f"{configs}?watch=true&labelSelector=on{from_now}", change), get(configs, save="list"),
        Watch(f"{configs}?watch=true&fieldSelector=metadata.name%3Dw1{from_now}", change), Watch(f"{configs}?watch=1&timeoutSeconds=2&labelSelector=on", []), Watch(f"{configs}?watch=true&resourceVersion=0&timeoutSeconds=2&labelSelector=on", []),
        Watch(f"{configs}?watch=true&resourceVersion=abc", []), Watch(f"{configs}?watch=true&sendInitialEvents=true&timeoutSeconds=2", []),
        Watch(f"{configs}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=2&labelSelector=on", []),
        get(configs, save="list"), Watch(f"{configs}?watch=true{from_now}", [create(configs, config_map("t")), delete(f"{configs}/t")], headers=TABLE), get(configs, save="list"), Watch(f"{configs}?watch=true{from_now}", [create(configs, config_map("t")), delete(f"{configs}/t")], headers=PARTIAL),
        get(f"{ARGO}/rollouts", save="list"), Watch(f"{ARGO}/rollouts?watch=true{from_now}", [create(f"{ARGO}/rollouts", rollout("w")), patch(f"{ARGO}/rollouts/w/status", {"status": {"phase": "Healthy"}}), patch(f"{ARGO}/rollouts/w", {"spec": {"replicas": 2}}), delete(f"{ARGO}/rollouts/w")]),
    ]  # fmt: skip


def label_selectors():
    """Selectors of queries and of objects, most of them wrong in one way."""
    from urllib.parse import quote

    queries = [
        "!", "!-bad", "a b", "a,,b", "a,", "a in (x", "a in (x,", "a in (,x)", "a in (,)", "a notin ()", "a==", "a!=", "a=-bad", "a=b_", "a in (b_)", "a in (b_,-c)", "x/y/z=1", "UPPER.com/a=1",
        "a=1 b=2", "(a)", "a)", "in", "in=x", "notin in (in)", "a in (x y)", ",", "a,b,", "a" * 64 + "=1", "a=" + "b" * 64, "ä=1", "a=ä", "a ! b", "a=!b", "!a=1", "a notin x,b", "a=>", "a=(x)",
    ]  # fmt: skip
    steps = [get(f"{CORE}/configmaps?labelSelector={quote(query)}") for query in queries]
    expressions = [("-bad", "Exists", None), ("app", "Nope", None), ("app", "In", None), ("app", "Exists", ["x"]), ("app", "In", ["-bad"])]
    objects = [{"matchLabels": {"-bad": "1"}}, {"matchLabels": {"app": "-bad"}}, {}, None]
    objects += [{"matchExpressions": [{"key": key, "operator": operator, **({"values": values} if values else {})}]} for key, operator, values in expressions]
    for index, selector in enumerate(objects):
        steps.append(create(f"{APPS}/replicasets", replica_set("r", selector=selector)))
        steps.append(create("/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets", {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": f"p{index}"}, "spec": {"minAvailable": 1, "selector": selector}}))
    return steps + [create(f"{CORE}/services", service("s", selector=selector)) for selector in ({"-bad": "1"}, {"a": "-bad"})]


def sizes():
    """Objects at the limits: of a kind, of the store, of a request."""
    mebibyte = 1 << 20
    ignore = ("data", "spec")

    def secret(name, size):
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"a": base64.b64encode(b"x" * size).decode()}}

    def large(name, size):
        made = rollout(name)
        made["spec"]["template"]["spec"]["containers"][0]["args"] = ["x" * size]
        return made

    def text(name, size, **more):
        return {**config_map(name, {"a": "x" * size}), **more}

    steps = [create(f"{CORE}/configmaps", text(f"c{size}", size), ignore=ignore) for size in (mebibyte, mebibyte + 1, 1_600_000, 2_000_000, 3 * mebibyte - 200, 3 * mebibyte + 1)]
    steps += [create(f"{CORE}/secrets", secret(f"s{size}", size), ignore=ignore) for size in (mebibyte, mebibyte + 1, 2_000_000)]
    steps += [create(f"{CORE}/configmaps", text("mixed", mebibyte // 2, binaryData={"b": base64.b64encode(b"x" * (mebibyte // 2 + 1)).decode()}), ignore=ignore)]
    steps += [create(f"{CORE}/configmaps", config_map("noted", annotations={"x": "x" * size}), ignore=ignore) for size in (mebibyte // 4, mebibyte // 4 - 1)]
    steps += [create(f"{ARGO}/rollouts", large(f"r{size}", size), ignore=ignore) for size in (1_000_000, 1_600_000, 2_000_000, 4_000_000)]
    path = f"{CORE}/configmaps/u"
    steps += [create(f"{CORE}/configmaps", config_map("u")), put(path, text("u", mebibyte + 1), ignore=ignore)]
    steps += [patch(path, {"data": {"b": "x" * size}}, kind, ignore=ignore) for size in (mebibyte, 3 * mebibyte) for kind in (MERGE, STRATEGIC)]
    steps += [Step("PATCH", f"{path}?fieldManager=x&force=true", json.dumps(text("u", size)), APPLY, ignore=ignore) for size in (mebibyte + 1, 3 * mebibyte)]
    return steps + [Step("POST", f"{CORE}/configmaps", "{" + " " * 3 * mebibyte + "}"), Step("DELETE", path, "{" + " " * 3 * mebibyte + "}")]


def statuses():
    """Writes to the status of custom resources that don't fit their schema."""
    path = f"{ARGO}/rollouts/g"
    routes = "/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes"
    bad = [{"phase": 5}, "x", 5, {"conditions": [{"type": 5}]}, {"conditions": [{"type": "a"}]}, {"readyReplicas": 1.5}, {"alb": "x"}, {"pauseConditions": [{"reason": "x"}]}, {"unknown": 1}, None, {"observedGeneration": 5}]
    parents = [{"parentRef": {"name": "x"}, "controllerName": "x"}, {"parentRef": {"name": ""}, "controllerName": "a.b/x"}, {"parentRef": {"name": "x"}, "controllerName": "a.b/x", "conditions": [{"type": "A"}]}]
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "h"}, "spec": {"rules": [{"backendRefs": [{"name": "a", "port": 80}]}]}}
    run = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "metadata": {"name": "a"}, "spec": {"metrics": []}}
    applied = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "g"}}
    steps = [create(f"{ARGO}/rollouts", rollout("g"))] + [patch(f"{path}/status", {"status": status}) for status in bad]
    steps += [put(f"{path}/status", {**rollout("g"), "status": {"phase": 5}}), put(f"{path}/status", {**rollout("g", replicas="x"), "status": {"phase": "x"}})]
    steps += [Step("PATCH", f"{path}/status?fieldManager=a", json.dumps({**applied, "status": status}), APPLY) for status in ({"phase": 5}, {"conditions": [{"type": "x"}]})]
    steps += [Step("PATCH", f"{path}?fieldManager=a", json.dumps({**applied, "spec": {"replicas": replicas}}), APPLY) for replicas in ("x", ["x"], True, 1.5)]
    steps += [create(routes, route)] + [patch(f"{routes}/h/status", {"status": {"parents": [parent]}}) for parent in parents]
    return steps + [create(f"{ARGO}/analysisruns", run), patch(f"{ARGO}/analysisruns/a/status", {"status": {"metricResults": [{"name": 1}]}}), patch(f"{ARGO}/analysisruns/a", {"status": {"phase": 5}})]


def odds():
    """What is asked of logs, base64 that isn't, and YAML that is no object."""
    log = f"{CORE}/pods/none/log"
    queries = ["tailLines=-1", "tailLines=x", "limitBytes=0", "limitBytes=-1&tailLines=-1", "sinceSeconds=0", "sinceSeconds=1&sinceTime=2024-01-01T00:00:00Z", "sinceTime=yesterday", "sinceSeconds=1.5", "timestamps=x", "follow=maybe", "previous=true"]
    texts = ["abc", "YQ=", "YQ==YQ==", "Y", "====", "YWJj\nYWJj", "YW Jj", "YWJ_", "YQ==x", "YQ=\n="]
    steps = [get(f"{log}?{query}") for query in queries]
    steps += [create(f"{CORE}/secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s{index}"}, "data": {"a": text}}) for index, text in enumerate(texts)]
    return steps + [Step("PATCH", f"{CORE}/configmaps/y?fieldManager=x", text, APPLY) for text in ("", "x", "[]", "a: &x", "? a")]


SCRIPTS = {
    "reads": reads, "creates": creates, "updates": updates, "patches": patches, "strategic": strategic, "server-side-apply": server_side_apply,
    "custom-resources": custom_resources, "deletes": deletes, "others": services_and_others, "watches": watches,
    "label-selectors": label_selectors, "sizes": sizes, "statuses": statuses, "odds": odds,
}  # fmt: skip
