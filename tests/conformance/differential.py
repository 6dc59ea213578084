"""The same requests to two API servers, and what differs between their answers. A script is a list of steps; `run` plays it on one
server and returns the answers with everything taken out that no two servers can share (times, uids, versions, addresses)."""
import copy
import http.client
import json
import re
import ssl
import threading
import urllib.parse

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

# Where servers differ by their nature.
VOLATILE = {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "time", "selfLink", "continue", "remainingItemCount"}
ADDRESSES = {"clusterIP", "clusterIPs", "healthCheckNodePort", "nodePort"}


class Server:
    """One API server. `credentials` are header fields."""

    def __init__(self, name, url, credentials=None):
        self.name = name
        self.url = urllib.parse.urlsplit(url)
        self.credentials = credentials or {}

    def connect(self, timeout=30):
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(self.url.hostname, self.url.port, context=ssl._create_unverified_context(), timeout=timeout)
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=timeout)

    def request(self, method, target, body=None, content_type="application/json", headers=None):
        connection = self.connect()
        try:
            data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            given = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "differential/1.0", **self.credentials, **(headers or {})}
            connection.request(method, target, data, given)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = text
            return response.status, parsed, response.headers.get_all("Warning") or []
        finally:
            connection.close()


class Step:
    """One request. `{ns}` in the target is the script's namespace; `@name.path` values in the body or the target refer to an earlier answer
    saved under `name`. `ignore`: dotted paths that are not compared ("status", "metadata.annotations.x")."""

    def __init__(self, method, target, body=None, content_type="application/json", headers=None, save=None, ignore=()):
        self.method, self.target, self.body, self.content_type = method, target, body, content_type
        self.headers, self.save, self.ignore = headers, save, ignore

    def __str__(self):
        return f"{self.method} {self.target}"


class Watch:
    """Opens a watch, plays steps, and collects the events until `events` have come (or two seconds without one)."""

    def __init__(self, target, steps, headers=None, ignore=()):
        self.target, self.steps, self.headers, self.ignore = target, steps, headers, ignore

    def __str__(self):
        return f"WATCH {self.target}"


def lookup(value, path):
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def fill(value, saved, ns):
    if isinstance(value, dict):
        return {key: fill(member, saved, ns) for key, member in value.items()}
    if isinstance(value, list):
        return [fill(member, saved, ns) for member in value]
    if not isinstance(value, str):
        return value
    value = value.replace("{ns}", ns)
    return re.sub(r"@(\w+)\.([\w.]+)@", lambda match: str(lookup(saved[match.group(1)], match.group(2))), value)


def drop(value, path):
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        for member in value:
            drop(member, path)
    elif isinstance(value, dict):
        if not rest:
            value.pop(head, None)
        elif head == "*":
            for member in value.values():
                drop(member, rest)
        elif head in value:
            drop(value[head], rest)


def made_by_controllers(member):
    """True for the ConfigMap that a real controller manager makes in every namespace some time after its creation: an item or a row."""
    if not isinstance(member, dict):
        return False
    return (member.get("metadata") or {}).get("name") == "kube-root-ca.crt" or (member.get("cells") or [""])[0] == "kube-root-ca.crt"


def normal(value, key=""):
    """Without what differs by nature; lists of managers, of their conflicts and of a group's resources (a map's order, in a real server) in
    a fixed order."""
    if isinstance(value, dict):
        if "cells" in value and "object" in value:  # a row: ages are times
            return {"cells": [re.sub(r"^(\d+[smhd])+$|^<invalid>$", "AGE", cell) if isinstance(cell, str) else cell for cell in value["cells"]], "object": normal(value["object"])}
        made = {}
        for name, member in value.items():
            if name in VOLATILE or name in ADDRESSES:
                made[name] = "SET" if member not in ("", None) else member
            elif name == "managedFields":
                made[name] = sorted((normal(entry) for entry in member), key=lambda entry: json.dumps(entry, sort_keys=True))
            elif name == "causes" and any(cause.get("reason") == "FieldManagerConflict" for cause in member):
                made[name] = sorted((normal(cause) for cause in member), key=lambda cause: (cause["field"], cause["message"]))
            elif name == "resources" and value.get("kind") == "APIResourceList":
                made[name] = sorted((normal(resource) for resource in member), key=lambda resource: resource["name"])
            else:
                made[name] = normal(member, name)
        return made
    if isinstance(value, list):
        return [normal(member) for member in value if not made_by_controllers(member)]
    if isinstance(value, str):
        value = re.sub(r'"\{\\"(?:[^"\\]|\\.)*"', shown_object, value)
        value = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID", value)
        value = re.sub(r"(in record \()\d+", r"\1VERSION", value)
        value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", value)
    return value


def shown_object(match):
    """An object that a message shows as a quoted JSON text: normal, with its members sorted. Their order means nothing."""
    try:
        return json.dumps(json.dumps(normal(json.loads(json.loads(match.group(0)))), sort_keys=True))
    except ValueError:
        return match.group(0)


def cleaned(answer, ignore):
    answer = copy.deepcopy(answer)
    for path in ignore:
        drop(answer, path)
    return normal(answer)


def watch(server, step, saved, ns):
    """The events of a watch while its steps are played."""
    connection = server.connect(timeout=2)
    target = fill(step.target, saved, ns)
    connection.request("GET", target, None, {"Accept": "application/json", **server.credentials, **(step.headers or {})})
    response = connection.getresponse()
    if response.status != 200:
        text = response.read()
        connection.close()
        return {"status": response.status, "body": cleaned(json.loads(text), step.ignore)}
    events, done = [], threading.Event()

    def read():
        try:
            for line in response:
                if line.strip():
                    events.append(json.loads(line))
        except (OSError, http.client.HTTPException, ValueError):
            pass
        done.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    answers = [play(server, inner, saved, ns) for inner in step.steps]
    done.wait(20)
    connection.close()
    return {"answers": answers, "events": [{"type": event["type"], "object": cleaned(event["object"], step.ignore)} for event in events]}


def play(server, step, saved, ns):
    if isinstance(step, Watch):
        return watch(server, step, saved, ns)
    status, body, warnings = server.request(
        step.method, fill(step.target, saved, ns), fill(step.body, saved, ns) if not isinstance(step.body, bytes) else step.body, step.content_type, step.headers
    )
    if step.save:
        saved[step.save] = body
    return {"status": status, "body": cleaned(body, step.ignore), "warnings": warnings}


def run(server, steps, ns):
    """Plays the steps in a namespace of their own; the answers in order."""
    server.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ns}})
    saved = {}
    try:
        return [play(server, step, saved, ns) for step in steps]
    finally:
        server.request("DELETE", f"/api/v1/namespaces/{ns}")


def differences(one, other, path=""):
    """Lines that say where two answers differ."""
    if type(one) is not type(other):
        return [f"{path or '.'}: {short(one)} != {short(other)}"]
    if isinstance(one, dict):
        found = []
        for key in sorted(one.keys() | other.keys()):
            if key not in one or key not in other:
                found.append(f"{path}.{key}: {short(one.get(key, '(absent)'))} != {short(other.get(key, '(absent)'))}")
            else:
                found += differences(one[key], other[key], f"{path}.{key}")
        return found
    if isinstance(one, list):
        if len(one) != len(other):
            return [f"{path}: {len(one)} elements {short(one)} != {len(other)} elements {short(other)}"]
        return [line for index, pair in enumerate(zip(one, other)) for line in differences(*pair, f"{path}[{index}]")]
    return [] if one == other else [f"{path}: {short(one)} != {short(other)}"]


def short(value):
    text = json.dumps(value)
    return text if len(text) < 400 else text[:400] + "…"
