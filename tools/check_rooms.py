#!/usr/bin/env python3
"""Holds the law of the house: a room includes only rooms that CMakeLists.txt lets it know, Beast only inside net/,
the heavy headers in no header, and no file beyond its length. Prints what breaks it; exit code 1 when something does."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_LINES = 700  # "about 600"
HEAVY = re.compile(r"<(boost/beast|boost/asio/(co_spawn|ssl|ip/|experimental)|CLI/|yaml-cpp/|spdlog/|prometheus/)")


def rooms():
    known = {}
    for line in open(os.path.join(ROOT, "CMakeLists.txt")):
        if match := re.match(r"room\((\w+)([\w ]*)\)", line):
            known[match.group(1)] = {match.group(1), *match.group(2).split()}
    return known


def check(room, path, allowed):
    name = os.path.relpath(path, ROOT)
    lines = open(path, encoding="utf-8").read().splitlines()
    if len(lines) > MAX_LINES:
        yield f"{name}: {len(lines)} lines; a file has one subject (limit {MAX_LINES})"
    for number, line in enumerate(lines, 1):
        if match := re.match(r'#include "(\w+)/', line):
            if match.group(1) not in allowed:
                yield f"{name}:{number}: {room}/ may not know {match.group(1)}/"
        if re.match(r"#include <boost/beast", line) and room != "net":
            yield f"{name}:{number}: Beast belongs into net/"
        if path.endswith(".hpp") and re.match(r"#include " + HEAVY.pattern, line):
            yield f"{name}:{number}: too heavy for a header: {line}"


def main():
    found = []
    known = rooms()
    for room in sorted(os.listdir(os.path.join(ROOT, "src"))):
        folder = os.path.join(ROOT, "src", room)
        if not os.path.isdir(folder):
            continue
        for base, _, files in os.walk(folder):
            for file in sorted(files):
                if file.endswith((".hpp", ".cpp")):
                    found += check(room, os.path.join(base, file), known.get(room, set()))
    print("\n".join(found) if found else "rooms: every include is allowed")
    return 1 if found else 0


sys.exit(main())
