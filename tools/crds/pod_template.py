"""The pod template, Job and label selector inside our CRDs: the real API server's schemas with the exceptions of spec/01 §1.4."""
import copy

from . import openapi
from .fields import obj, string_map

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


def metadata():
    return obj("Labels and annotations; nothing else of the metadata is kept.", annotations=string_map(), labels=string_map())


def with_defaults(container):
    """The defaults that these schemas have: they are part of what a template's hash is computed from."""
    fields = container["properties"]
    fields["ports"]["items"]["properties"]["protocol"]["default"] = "TCP"
    value_from = fields["env"]["items"]["properties"]["valueFrom"]["properties"]
    for source in ("configMapKeyRef", "secretKeyRef"):
        value_from[source]["properties"]["name"]["default"] = ""
    if "fileKeyRef" in value_from:
        value_from["fileKeyRef"]["properties"]["optional"]["default"] = False
    for source in ("configMapRef", "secretRef"):
        fields["envFrom"]["items"]["properties"][source]["properties"]["name"]["default"] = ""
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        fields[probe]["properties"]["grpc"]["properties"]["service"]["default"] = ""
    for quantity in ("limits", "requests"):
        fields["resources"]["properties"][quantity] = dict(PRESERVE)


def relax(template):
    template["properties"]["metadata"] = metadata()
    spec = template["properties"]["spec"]["properties"]
    for kind in CONTAINERS:
        with_defaults(spec[kind]["items"])
    spec["imagePullSecrets"]["items"]["properties"]["name"]["default"] = ""
    spec["volumes"] = dict(PRESERVE)
    return template


class Schemas:
    def __init__(self):
        self.documents = openapi.load(["v1", "apps/v1", "batch/v1"])

    def named(self, name):
        return openapi.schema_of(self.documents, name)

    def pod_template(self):
        return relax(self.named("io.k8s.api.core.v1.PodTemplateSpec"))

    def job_spec(self):
        spec = self.named("io.k8s.api.batch.v1.JobSpec")
        relax(spec["properties"]["template"])
        return spec

    def label_selector(self, description):
        return {**copy.deepcopy(self.named("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")), "description": description}
