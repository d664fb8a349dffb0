#!/usr/bin/env python3
"""Are reports what their pages say? For tests/cli/13-reports.sh.

    reports.py headings PAGE...          PROGRAM: HEADING of every table and record of these pages
    reports.py check PAGE HEADING TSV JSON [KEY...]
                                         the keys of both files are those of that page, in its order,
                                         the values of its types, and the same in both but for these
                                         keys, which are other numbers in every run
    reports.py safe FILE...              no byte in them could act on a terminal
"""
import json
import re
import sys

KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
WORD = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|[tn\\,])")
NAMED = {"t": "\t", "n": "\n", "\\": "\\", ",": ","}


def plain(text):
    return text.replace("\\-", "-")


def documented(page):
    """HEADING: (table, {key: type}) of the section OUTPUT."""
    found, inside, heading = {}, False, None
    for line in open(page, encoding="utf-8").read().split("\n"):
        if line.startswith(".Sh "):
            inside = line == ".Sh OUTPUT"
        elif inside and line.startswith(".Ss "):
            heading, kind = plain(line[4:]).rsplit(": a ", 1)
            found[heading] = (kind == "table", {})
        elif inside and line.startswith(".It Cm "):
            key, kind = line[7:].split(" Ta ")[:2]
            assert KEY.fullmatch(key), f"{page}: {key} is no key"
            assert key not in found[heading][1], f"{page}: {key} is there twice"
            found[heading][1][key] = kind
    return found


def is_a(value, kind):
    if kind.endswith(" or null"):
        return value is None or is_a(value, kind[:-8])
    if kind.startswith("list of "):
        item = {"text": "text", "integers": "integer", "numbers": "number"}[kind[8:]]
        return isinstance(value, list) and all(is_a(v, item) for v in value)
    if kind == "any":
        return True
    types = {"text": str, "integer": int, "number": (int, float), "boolean": bool}[kind]
    return isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))


def unescape(cell):
    return WORD.sub(lambda m: NAMED.get(m[1]) or chr(int(m[1][1:], 16)), cell)


def items_of(cell):
    """The items of a list: commas are between them, those of an item follow a backslash."""
    return re.findall(r"((?:[^\\,]|\\.)*)(?:,|$)", cell + ",")[:-1] if cell else []


def same(cell, value):
    """Does a tab-separated cell say what the JSON value says?"""
    if value is None:
        return cell in ("-", "nan", "inf", "-inf")
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, (int, float)):
        return json.loads(cell) == value
    if isinstance(value, str):
        return unescape(cell) == value
    items = items_of(cell)
    return len(items) == len(value) and all(map(same, items, value))


def rows_of(tsv, table, keys, bare):
    lines = open(tsv, encoding="utf-8", newline="\n").read().split("\n")
    assert lines.pop() == "", f"{tsv}: its last line has no end"
    if bare:
        return [line.split("  ", len(keys) - 1) for line in lines]
    cells = [line.split("\t") for line in lines]
    if table:
        assert cells[0] == keys, f"{tsv}: the header {cells[0]} is not {keys}"
        return cells[1:]
    assert cells[0] == ["key", "value"], f"{tsv}: begins with {cells[0]}"
    assert [c[0] for c in cells[1:]] == keys, f"{tsv}: the keys {[c[0] for c in cells[1:]]} are not {keys}"
    return [[c[1] for c in cells[1:]]]


def check(page, heading, tsv, js, *varying):
    table, kinds = documented(page)[heading]
    keys = list(kinds)
    cells = rows_of(tsv, table, keys, heading in ("--digest", "--get"))
    rows = [json.loads(line) for line in open(js, encoding="utf-8", newline="\n").read().split("\n")[:-1]]
    assert len(rows) == len(cells) and (table or len(rows) == 1), f"{len(rows)} and {len(cells)} rows"
    for row, line in zip(rows, cells):
        assert list(row) == keys, f"{js}: the keys {list(row)} are not {keys}"
        for (key, value), cell in zip(row.items(), line):
            assert is_a(value, kinds[key]), f"{js}: {key} is {value!r}, which is not {kinds[key]}"
            if key in varying:
                numbers = items_of(cell) if isinstance(value, list) else [cell]
                assert cell == "-" or all(is_a(json.loads(n), "number") for n in numbers), f"{key} is {cell!r} in {tsv}"
                continue
            assert same(cell, value), f"{key} is {cell!r} in {tsv} and {value!r} in {js}"


def safe(path):
    found = ACTS.search(open(path, "rb").read().decode("utf-8"))  # not UTF-8: an error too
    assert not found, f"{path}: holds U+{ord(found[0]):04X}"


def main(what, *args):
    if what == "check":
        check(*args)
    elif what == "safe":
        for path in args:
            safe(path)
    for page in args if what == "headings" else ():
        for heading in documented(page):
            print(re.sub(r".*/(.*)\.1", r"\1", page) + ": " + heading)


try:
    main(*sys.argv[1:])
except AssertionError as e:
    sys.exit(str(e))
