#!/usr/bin/env python3
"""Writes src/local/schemas/protobuf.json: how the built-in kinds that clients send as protobuf are laid out, from the generated.proto
and types.go files of the Kubernetes modules in Go's module cache (version as in tests/conformance/controlplane). kubectl 1.33 and
newer create built-in kinds this way and no other.

{"kinds": {"apps/v1/Deployment": MESSAGE, ...}, "messages": {MESSAGE: {NUMBER: [JSON name, type, options], ...}}}
Types: string, int, bool, bytes, double, or a message; "[]" before: repeated; "{}" before: a map with string keys.
Options: "z": left out of JSON when zero; "i": its members stand in the object around it."""
import glob
import json
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KINDS = {
    "v1": "Binding ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate "
    "ReplicationController ResourceQuota Secret Service ServiceAccount",
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authentication.k8s.io/v1": "SelfSubjectReview TokenRequest",
    "authorization.k8s.io/v1": "SelfSubjectAccessReview SelfSubjectRulesReview",
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "networking.k8s.io/v1": "Ingress IngressClass NetworkPolicy",
    "policy/v1": "Eviction PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io/v1": "PriorityClass",
}
SCALARS = {"string": "string", "bool": "bool", "bytes": "bytes", "double": "double", "int32": "int", "int64": "int", "uint32": "int"}
META = "k8s.io.apimachinery.pkg.apis.meta.v1."
GO_FIELD = re.compile(r"^\t(?:\w+ +)?([*\[\]\w.]+)[ \t]+`json:\"([^\"]*)\" protobuf:\"\w+,(\d+),", re.M)
GO_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
PROTO_MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.M | re.S)
PROTO_FIELD = re.compile(r"^  (?:(optional|repeated) ([\w.]+)|map<string, ([\w.]+)>) (\w+) = (\d+);", re.M)


def module(name):
    folder = os.path.join(ROOT, "tests", "conformance", "controlplane")
    return subprocess.run(["go", "list", "-m", "-f", "{{.Dir}}", name], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Layouts:
    """The messages of all packages: {full name: {number: [JSON name, type, options]}}."""

    def __init__(self):
        self.messages = {}
        for name in ("k8s.io/api", "k8s.io/apimachinery"):
            for path in glob.glob(os.path.join(module(name), "**", "generated.proto"), recursive=True):
                self.read(path)

    def read(self, path):
        source = open(path).read()
        package = re.search(r"^package ([\w.]+);", source, re.M).group(1)
        go = "".join(open(file).read() for file in glob.glob(os.path.join(os.path.dirname(path), "*.go")) if not file.endswith((".pb.go", "_test.go")))
        structs = dict(GO_STRUCT.findall(go))
        for message, body in PROTO_MESSAGE.findall(source):
            tags = {number: (go_type, tag.split(",")) for go_type, tag, number in GO_FIELD.findall(structs.get(message, ""))}
            fields = {}
            for label, plain, value, name, number in PROTO_FIELD.findall(body):
                go_type, (json_name, *options) = tags.get(number, ("", [name]))
                kind = self.resolve(plain or value, package)
                flags = "i" if "inline" in options else ""
                if "omitempty" in options and label == "optional" and kind in SCALARS.values() and not go_type.startswith("*"):
                    flags += "z"
                prefix = "{}" if value else "[]" if label == "repeated" else ""
                fields[number] = [json_name or name, prefix + kind, flags]
            self.messages[f"{package}.{message}"] = fields

    @staticmethod
    def resolve(kind, package):
        if kind in SCALARS:
            return SCALARS[kind]
        return kind[1:] if kind.startswith(".") else f"{package}.{kind}"


def main():
    layouts = Layouts()
    kinds = {"v1/DeleteOptions": META + "DeleteOptions"}
    for group_version, names in KINDS.items():
        group, _, version = group_version.rpartition("/")
        folder = {"": "core", "rbac.authorization.k8s.io": "rbac"}.get(group, group.split(".")[0])
        for name in names.split():
            kinds[f"{group_version}/{name}"] = f"k8s.io.api.{folder}.{version}.{name}"
    wanted, queue = {}, list(kinds.values())
    while queue:
        message = queue.pop()
        if message in wanted:
            continue
        wanted[message] = layouts.messages[message]
        for _, kind, _ in wanted[message].values():
            if kind.lstrip("[]{}") not in SCALARS.values():
                queue.append(kind.lstrip("[]{}"))
    with open(os.path.join(ROOT, "src", "local", "schemas", "protobuf.json"), "w") as out:
        out.write('{"kinds":' + json.dumps(dict(sorted(kinds.items())), separators=(",", ":")) + ',\n"messages":{\n')
        out.write(",\n".join(json.dumps(name) + ":" + json.dumps(fields, separators=(",", ":")) for name, fields in sorted(wanted.items())))
        out.write("\n}}\n")


main()
