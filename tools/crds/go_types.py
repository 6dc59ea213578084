"""What OpenAPI doesn't say of a built-in kind: which of its fields Go leaves out of JSON when they are zero, and which it writes
as null. Read from the Go sources, because `replicas: 0` (a pointer) is kept where `minReadySeconds: 0` (a number with
omitempty) vanishes."""
import glob
import os
import re

from . import openapi

# The packages that a schema's name starts with, and the modules that hold their sources.
PACKAGES = {
    "io.k8s.api.": ("k8s.io/api", ""),
    "io.k8s.apimachinery.pkg.apis.meta.v1.": ("k8s.io/apimachinery", "pkg/apis/meta/v1"),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.": ("k8s.io/apiextensions-apiserver", "pkg/apis/apiextensions/v1"),
}
SCALARS = {"string", "bool", "int", "int32", "int64", "float64"}
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
ALIAS = re.compile(r"^type (\w+) ([\w.]+)$", re.M)
FIELD = re.compile(r"^\t(?:(\w+) +)?([*\[\]\w.]+)[ \t]+`[^`]*json:\"([^\"]*)\"", re.M)


class Package:
    """The structs and the named scalars of one folder of Go sources."""

    def __init__(self, folder):
        self.structs, self.aliases = {}, {}
        for path in glob.glob(os.path.join(folder, "*.go")):
            if path.endswith(("_test.go", ".pb.go")) or "zz_generated" in path:
                continue
            with open(path) as file:
                source = file.read()
            self.structs.update(STRUCT.findall(source))
            self.aliases.update(ALIAS.findall(source))

    def is_scalar(self, go_type):
        # Of other packages only named strings are used without a pointer (types.UID, metav1.ConditionStatus).
        if "." in go_type:
            return go_type.split(".")[1] not in ("Time", "MicroTime", "Duration") and go_type.split(".")[1] in FOREIGN_STRINGS
        return go_type in SCALARS or self.aliases.get(go_type) in SCALARS

    def fields(self, struct):
        """(JSON name, Go type, JSON options) of the fields of a struct, inlined ones included."""
        for _, go_type, tag in FIELD.findall(self.structs.get(struct, "")):
            json_name, *options = tag.split(",")
            if not json_name and "inline" in options:
                yield from self.fields(go_type)
            else:
                yield json_name, go_type, options

    def omitted(self, struct):
        """The JSON names of the fields of a struct that vanish when zero."""
        return {name for name, go_type, options in self.fields(struct) if "omitempty" in options and self.is_scalar(go_type)}

    def nulls(self, struct):
        """Those that are null when nothing is in them: moments (omitempty means nothing to a struct), lists and maps."""
        return {
            name
            for name, go_type, options in self.fields(struct)
            if (go_type in MOMENTS and "omitzero" not in options)
            or (go_type.startswith(("[]", "map[")) and go_type != "[]byte" and "omitempty" not in options)
        }


MOMENTS = {"Time", "MicroTime", "metav1.Time", "metav1.MicroTime"}
FOREIGN_STRINGS = {"UID", "ConditionStatus", "LabelSelectorOperator", "NodeName", "Protocol", "PullPolicy", "ResourceName"}
_packages = {}


def package(name):
    """The package of a schema ("io.k8s.api.apps.v1.Deployment"); None where its sources are none of PACKAGES."""
    for prefix, (module, folder) in PACKAGES.items():
        if not name.startswith(prefix):
            continue
        where = folder or os.path.join(*name[len(prefix) :].split(".")[:-1])
        if (module, where) not in _packages:
            _packages[module, where] = Package(os.path.join(openapi.module_folder(module), where))
        return _packages[module, where]
    return None


def mark(schemas):
    """Adds `x-crossfade-omit-zero` and `x-crossfade-nulls` to each schema that has such fields."""
    for name, schema in schemas.items():
        found = package(name)
        struct = name.split(".")[-1]
        for key, names in (("omit-zero", found and found.omitted(struct)), ("nulls", found and found.nulls(struct))):
            known = sorted((names or set()) & set(schema.get("properties", {})))
            if known:
                schema["x-crossfade-" + key] = known
