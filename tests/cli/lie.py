#!/usr/bin/env python3
"""Change one object of a round as a liar would, well formed and perhaps signed. For tests/cli/6*.sh.

    lie.py IN OUT CHANGE... [KEY PARTY]   bit=TENSOR flips the lowest bit of its first value; add=TENSOR:N adds N
                                          to its first word; meta=KEY:N, meta=KEY:tTEXT, meta=KEY:xBYTES, meta=KEY:
                                          (none); KEY, a key file, signs it as that party (a number, or "hub"). IN's signatures
                                          are left out.
"""
import hashlib
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "vectors")]
from make import Object  # noqa: E402
from updates import read  # noqa: E402


def main(source, target, *words):
    changes = [w for w in words if "=" in w]
    signer = [w for w in words if "=" not in w]
    kind, meta, tensors = read(source)
    for what, _, value in (c.partition("=") for c in changes):
        if what == "meta":
            key, _, text = value.partition(":")
            if text:
                meta[key] = text[1:] if text[0] == "t" else bytes.fromhex(text[1:]) if text[0] == "x" else int(text)
            else:
                del meta[key]
            continue
        name, _, more = value.partition(":")
        dtype, dims, payload, attributes = tensors[name]
        first = int.from_bytes(payload[:8], "little")
        first = first ^ 1 if what == "bit" else (first + int(more)) % 2**64
        tensors[name] = (dtype, dims, first.to_bytes(8, "little") + payload[8:], attributes)
    o = Object(kind, dict(sorted(meta.items())))
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, role=int("lane.bits" in attributes), attributes=attributes)
    o.done()
    if signer:
        key = dict(line.split()[:2] for line in open(signer[0]).read().splitlines()[1:])
        roster = meta["roster"] if "roster" in meta else hashlib.blake2b(
            len(tensors["roster"][2]).to_bytes(8, "little") + tensors["roster"][2], digest_size=32,
            person=b"fl1.roster".ljust(16, b"\0")).digest()
        party = 0xFFFFFFFF if signer[1] == "hub" else int(signer[1])
        o.sign(party, key["name"], bytes.fromhex(key["sign"]), roster)
    open(target, "wb").write(o.data)


main(*sys.argv[1:])
