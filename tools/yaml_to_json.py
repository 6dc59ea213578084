#!/usr/bin/env python3
"""Gathers YAML files into one JSON list, so that the program needn't parse megabytes of YAML at its start: yaml_to_json.py OUTPUT FILE..."""
import json
import os
import sys

import yaml

output, files = sys.argv[1], sys.argv[2:]
items = []
for path in files:
    with open(path) as file:
        items += [document for document in yaml.load_all(file, Loader=yaml.CSafeLoader) if document]
os.makedirs(os.path.dirname(output), exist_ok=True)
with open(output, "w") as out:
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, out, separators=(",", ":"))
