#!/usr/bin/env python3
"""Build programs with one rule switched off: off.py RULE... (all without arguments).

off/RULE says which programs it needs, and what is replaced in which file of lib/:

    programs fl-unmask fl-mask
    file lib/sec/near.c
    <<<<
    text that is there exactly once
    ====
    what stands there instead
    >>>>

The changed files are compiled as $BUILD was and linked before its libfl.a, so that the archive's own
members are left out. Programs go to $BUILD/off/RULE. The sources stay as they are; a text that is not
there once is an error, since the rule has moved and the attack would prove nothing.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
top = here.parent.parent
build = pathlib.Path(os.environ.get("BUILD", top / "build"))


def parse(rule):
    text = (here / "off" / rule).read_text()
    programs = re.search(r"^programs (.*)$", text, re.M)[1].split()
    changes, file = {}, None
    for m in re.finditer(r"^file (\S+)$|^<<<<\n(.*?)^====\n(.*?)^>>>>$", text, re.M | re.S):
        if m[1]:
            file = m[1]
        else:
            changes.setdefault(file, []).append((m[2], m[3]))
    if sum(map(len, changes.values())) != text.count("\n<<<<\n"):
        sys.exit(f"off.py: {rule}: has changes that are not of the form above; each mark is a line")
    return programs, changes


def run(line):
    done = subprocess.run(line, cwd=top, text=True, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"off.py: {done.stderr.strip()[-2000:]}")


def make(rule):
    programs, changes = parse(rule)
    folder = build / "off" / rule
    folder.mkdir(parents=True, exist_ok=True)
    newest = max(p.stat().st_mtime for p in [build / "libfl.a", here / "off" / rule, pathlib.Path(__file__)]
                 + [build / "bin" / p for p in programs])
    if all((folder / p).exists() and (folder / p).stat().st_mtime > newest for p in programs):
        return
    compiler = shlex.split((build / "flags").read_text().replace("-O3", "-O1")) + ["-w"]
    libraries = shlex.split(re.search(r"^LIBS\s*=(.*)$", (top / "Makefile").read_text(), re.M)[1])
    objects = []
    for file, replacements in changes.items():
        text = (top / file).read_text()
        for old, new in replacements:
            if text.count(old) != 1:
                sys.exit(f"off.py: {rule}: {file} has this {text.count(old)} times, not once; the rule has "
                         f"moved, follow it:\n{old}")
            text = text.replace(old, new)
        source = folder / pathlib.Path(file).name
        source.write_text(text)
        objects.append(str(source.with_suffix(".o")))
        run([*compiler, "-c", "-o", objects[-1], str(source)])
    for p in programs:
        run([*compiler, "-o", str(folder / p), str(build / "obj/cmd" / (p + ".o")), *objects,
             str(build / "libfl.a"), *libraries])


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(p.name for p in (here / "off").iterdir()):
        make(name)
