#!/usr/bin/env python3
"""Writes what is generated from a real API server's OpenAPI: the five CRDs in manifests/ (our own fields are in tools/crds/), the
embedded cluster's excerpt of built-in schemas, and the Gateway API's CRDs without their prose. Needs Go, for its module cache."""
import json
import os
import sys

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crds import analysis, go_types, openapi, rollout  # noqa: E402
from crds.fields import text  # noqa: E402
from crds.pod_template import Schemas  # noqa: E402

GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.1"
GATEWAY_KINDS = {"standard": ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants"), "experimental": ("tcproutes", "tlsroutes")}

# Group versions, and the kinds of them that the embedded cluster checks and merges by schema.
BUILTIN = {
    "v1": "Binding ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ResourceQuota Secret Service ServiceAccount",
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "Eviction PodDisruptionBudget",
    "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "storage.k8s.io/v1": "StorageClass",
    "scheduling.k8s.io/v1": "PriorityClass",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
}

# Kind: plural, short name, scope, subresources, printer columns. spec/01 §1.
AGE = ("Age", "date", ".metadata.creationTimestamp", "Time since the object was made")
STATUS = ("Status", "string", ".status.phase", "Where it stands")
KINDS = {
    "Rollout": (
        "rollouts", "ro", "Namespaced",
        {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas", "labelSelectorPath": ".status.selector"}},
        [
            ("Desired", "integer", ".spec.replicas", "Pods wanted"),
            ("Current", "integer", ".status.replicas", "Pods that have not ended"),
            ("Up-to-date", "integer", ".status.updatedReplicas", "Pods with the newest template"),
            ("Available", "integer", ".status.availableReplicas", "Pods that are available"),
            AGE,
        ],
        rollout.rollout,
    ),
    "AnalysisRun": ("analysisruns", "ar", "Namespaced", {}, [STATUS, AGE], analysis.run),
    "AnalysisTemplate": ("analysistemplates", "at", "Namespaced", {}, [AGE], analysis.template),
    "ClusterAnalysisTemplate": ("clusteranalysistemplates", "cat", "Cluster", {}, [AGE], analysis.template),
    "Experiment": ("experiments", "exp", "Namespaced", {}, [STATUS, AGE], rollout.experiment),
}  # fmt: skip


class Plain(yaml.SafeDumper):
    """No anchors: kubectl reads the files, people skim them."""

    def ignore_aliases(self, data):
        return True


def write(path, text_):
    path = os.path.join(openapi.ROOT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text_)


def definition(kind, schemas):
    plural, short, scope, subresources, columns, schema_of = KINDS[kind]
    schema = schema_of(schemas)
    schema["properties"] = {
        "apiVersion": text("Version of the schema of this object."),
        "kind": text("Kind of this object."),
        "metadata": {"type": "object"},
        **schema["properties"],
    }
    printed = [{"name": name, "type": type_, "jsonPath": path, "description": about} for name, type_, path, about in columns]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.argoproj.io", "annotations": {"controller-gen.kubebuilder.io/version": "v0.19.0"}},
        "spec": {
            "group": "argoproj.io",
            "names": {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower(), "shortNames": [short]},
            "scope": scope,
            "versions": [
                {
                    "name": "v1alpha1", "served": True, "storage": True, "additionalPrinterColumns": printed,
                    "subresources": subresources, "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }  # fmt: skip


def without_prose(value):
    if isinstance(value, dict):
        return {key: without_prose(member) for key, member in value.items() if not (key == "description" and isinstance(member, str))}
    if isinstance(value, list):
        return [without_prose(member) for member in value]
    return value


def gateway_api():
    folder = openapi.module_folder(GATEWAY_API, "tests/conformance/gatewayapi")
    for channel, plurals in GATEWAY_KINDS.items():
        for plural in plurals:
            with open(os.path.join(folder, "config", "crd", channel, f"gateway.networking.k8s.io_{plural}.yaml")) as file:
                crd = without_prose(yaml.safe_load(file))
            crd.pop("status", None)
            write(f"src/local/schemas/gateway-api/{plural}.yaml", yaml.dump(crd, Dumper=Plain, sort_keys=False, width=200))


def referenced(schemas, name, found):
    """Adds `name` and every schema that it refers to."""
    if name in found:
        return
    found[name] = schemas[name]
    for part in json.dumps(schemas[name]).split(f'"{openapi.PREFIX}')[1:]:
        referenced(schemas, part.split('"')[0], found)


def builtin():
    kinds, found = {}, {}
    schemas = {}
    for document in openapi.load(BUILTIN).values():
        schemas.update(document["components"]["schemas"])
    for group_version, names in BUILTIN.items():
        group, _, version = group_version.rpartition("/")
        for kind in names.split():
            wanted = {"group": group, "version": version, "kind": kind}
            name = next(name for name, schema in schemas.items() if wanted in schema.get("x-kubernetes-group-version-kind", []))
            kinds[f"{group_version}/{kind}"] = name
            referenced(schemas, name, found)
    go_types.mark(found)
    write("src/local/schemas/builtin.json", json.dumps({"kinds": kinds, "schemas": dict(sorted(found.items()))}, indent=0, separators=(",", ":")) + "\n")


def main():
    schemas = Schemas()
    for kind, (plural, *_) in KINDS.items():
        write(f"manifests/{plural}.yaml", yaml.dump(definition(kind, schemas), Dumper=Plain, sort_keys=False, width=200))
    builtin()
    gateway_api()


main()
