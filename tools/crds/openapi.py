"""A real kube-apiserver's OpenAPI v3, from the k8s.io/kubernetes module that the conformance tier pins, and what becomes of its
schemas inside a CustomResourceDefinition."""
import copy
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFIX = "#/components/schemas/"

QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INT_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}


def module_folder(module, where="tests/conformance/controlplane"):
    """The folder of a Go module in the module cache, downloaded when it isn't there."""
    folder = os.path.join(ROOT, where)
    subprocess.run(["go", "mod", "download", module], cwd=folder, check=True)
    listed = subprocess.run(["go", "list", "-m", "-f", "{{.Dir}}", module.split("@")[0]], cwd=folder, check=True, capture_output=True, text=True)
    return listed.stdout.strip()


def load(group_versions):
    """{"apps/v1", "v1", …} to {group version: document}."""
    folder = os.path.join(module_folder("k8s.io/kubernetes"), "api", "openapi-spec", "v3")
    documents = {}
    for group_version in group_versions:
        name = "apis__" + group_version.replace("/", "__") if "/" in group_version else "api__" + group_version
        with open(os.path.join(folder, name + "_openapi.json")) as file:
            documents[group_version] = json.load(file)
    return documents


def structural(schemas, schema):
    """A published schema as a structural one: references resolved, defaults and merge hints left out (spec/01 §1.4)."""
    if "allOf" in schema and len(schema["allOf"]) == 1 and "$ref" in schema["allOf"][0]:
        made = structural(schemas, schema["allOf"][0])
        if "description" in schema:
            made["description"] = schema["description"]
        return made
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        if name.endswith(".resource.Quantity"):
            return {**copy.deepcopy(INT_OR_STRING), "pattern": QUANTITY_PATTERN}
        if name.endswith(".intstr.IntOrString"):
            return copy.deepcopy(INT_OR_STRING)
        return structural(schemas, schemas[name])
    made = {}
    for key in ("description", "type", "format", "required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"):
        if key in schema:
            made[key] = copy.deepcopy(schema[key])
    if "properties" in schema:
        made["properties"] = {name: structural(schemas, member) for name, member in sorted(schema["properties"].items())}
    for key in ("items", "additionalProperties"):
        if key in schema:
            made[key] = structural(schemas, schema[key])
    return made


def schema_of(documents, name):
    """The structural schema of a named type of the loaded documents."""
    for document in documents.values():
        schemas = document["components"]["schemas"]
        if name in schemas:
            return structural(schemas, schemas[name])
    raise KeyError(name)
