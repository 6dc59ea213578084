"""The vocabulary in which our CRDs are written down: one call a field, its meaning as the description."""
from .openapi import INT_OR_STRING


def field(kind, text="", **more):
    return {**({"description": text} if text else {}), "type": kind, **more}


def text(description="", **more):
    return field("string", description, **more)


def flag(description=""):
    return field("boolean", description)


def int32(description=""):
    return field("integer", description, format="int32")


def int64(description=""):
    return field("integer", description, format="int64")


def time(description=""):
    return field("string", description, format="date-time")


def int_or_string(description=""):
    return {**({"description": description} if description else {}), **INT_OR_STRING}


def opaque(description=""):
    """An object whose members are somebody else's."""
    return field("object", description, **{"x-kubernetes-preserve-unknown-fields": True})


def string_map(description=""):
    return field("object", description, additionalProperties={"type": "string"})


def list_of(item, description=""):
    return field("array", description, items=item)


def obj(description="", required=(), **properties):
    """Property names that Python keeps for itself end in an underscore here."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    return {
        **({"description": description} if description else {}),
        **({"required": sorted(required)} if required else {}),
        "type": "object",
        "properties": dict(sorted(named.items())),
    }
