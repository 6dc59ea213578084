#!/usr/bin/env python3
"""How many of the specification's worked cases and traps a test carries by number, section by section.

A case is a row of a table in one of the sections below (named by its own label, or "#k" for the k-th row), an item of a list of traps ("#k"),
or a whole section that is played as a life ("life"). A test carries it by naming it in its source: "spec/03 §20.1 B4", a run of rows as
"spec/04 §11.5 R1-R45". The specification lies beside the project (../shared/spec); without it there is nothing to count.

--missing prints every case that no test carries."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SPEC = os.path.join(ROOT, "..", "shared", "spec")
SECTIONS = {
    "01": r"7\.2|8\.5|8\.6|10\.\d+|11",
    "02": r"17\.\d+|18\.\d+|19",
    "03": r"13\.\d+|20\.\d+|21",
    "04": r"7\.3|8|9|10|11\.[1256]|12|13\.1|15\.[568]|30\.\d+|31|32|33",
    "06": r"3\.[14]|5|7\.[2-6]|14|14\.1|16|18|19\.\d|20",
    "07": r"A4|B12|C4|Traps",
    "08": r"9\.6|16\.\d+|18",
}
LIVES = {"02": r"17\.[1-5]", "03": r"13\.\d+", "04": r"30\.\d+"}
LABEL = re.compile(r"[A-Z]+\d+[a-z]?$")


def sections(text):
    """(number, lines) of each numbered section, without its subsections."""
    number, lines = None, []
    for line in text.splitlines():
        if match := re.match(r"#+ ([A-C]?\d+(?:\.\d+)*|Traps)(?:\.? |$)", line):
            yield number, lines
            number, lines = match.group(1), []
        elif line.startswith(("## ", "# ")):
            yield number, lines
            number, lines = None, []
        else:
            lines.append(line)
    yield number, lines


def cases(spec, number, lines):
    if re.fullmatch(LIVES.get(spec, "-"), number):
        return ["life"]
    found, in_table, anonymous, numbered = [], False, 0, False
    for line in lines:
        if line.startswith("|"):
            first = line.strip("|").split("|")[0].strip().strip("`")
            header = not in_table and not LABEL.match(first)
            in_table = True
            if header:
                numbered = first == "#"  # rows carry their numbers themselves
                continue
            if re.fullmatch(r"[\s|:-]+", line):
                continue
            anonymous += 1
            own = numbered and re.fullmatch(r"\d+[a-z]?", first)
            found.append(first if LABEL.match(first) else f"#{first}" if own else f"#{anonymous}")
            continue
        in_table = False
        if match := re.match(r"(\d+)\. ", line):
            if number in ("11", "18", "19", "20", "21", "33", "Traps"):
                found.append("#" + match.group(1))
        elif spec == "02" and number.startswith("18.") and re.match(r"\w", line) and found:
            anonymous += 1
            found.append(f"#{anonymous}")
    return found


def specified():
    """{(spec, section): [label…]} in the order of the specification."""
    found = {}
    for name in sorted(os.listdir(SPEC)):
        spec = name[:2]
        if spec not in SECTIONS:
            continue
        for number, lines in sections(open(os.path.join(SPEC, name), encoding="utf-8").read()):
            if number and re.fullmatch(SECTIONS[spec], number) and (labels := cases(spec, number, lines)):
                found[spec, number] = labels
    return found


def carried(known):
    """The cases that tests name, and the names that no section has."""
    found, unknown = set(), []
    pattern = re.compile(r"spec/(\d\d) §([A-C]?\d+(?:\.\d+)*|Traps) (life|#?\w+)(?:[-–](#?\w+))?")
    for folder, _, names in os.walk(os.path.join(ROOT, "tests")):
        for name in sorted(names):
            if not name.endswith((".cpp", ".hpp", ".py", ".yaml", ".json")):
                continue
            path = os.path.join(folder, name)
            for spec, section, first, last in pattern.findall(open(path, encoding="utf-8").read()):
                labels = known.get((spec, section), [])
                if first == "life" or LABEL.match(first) or first.startswith("#"):
                    try:
                        run = labels[labels.index(first) : labels.index(last or first) + 1]
                        found.update((spec, section, label) for label in run)
                    except ValueError:
                        # A life may also name the rows of its table that it has got to.
                        if labels != ["life"] and spec in SECTIONS and re.fullmatch(SECTIONS[spec], section):
                            unknown.append(f"{os.path.relpath(path, ROOT)}: spec/{spec} §{section} {first}{'-' + last if last else ''}")
    return found, unknown


def main():
    if not os.path.isdir(SPEC):
        print("spec coverage: the specification is not here")
        return 0
    known = specified()
    found, unknown = carried(known)
    total = covered = 0
    for (spec, section), labels in known.items():
        missing = [label for label in labels if (spec, section, label) not in found]
        total, covered = total + len(labels), covered + len(labels) - len(missing)
        rest = f"   missing: {' '.join(missing)}" if missing and "--missing" in sys.argv else ""
        print(f"spec/{spec} §{section:<6} {len(labels) - len(missing):>3} of {len(labels):>3}{rest}")
    print(f"spec coverage: {covered} of {total} cases are carried by a test")
    for name in unknown:
        print(f"spec coverage: no such case: {name}")
    return 1 if unknown else 0


sys.exit(main())
