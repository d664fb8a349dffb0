#!/usr/bin/env python3
"""Write FLT streams without the library: make.py good DIR | make.py bad DIR.

"good" writes the golden vectors that are kept beside this file. "bad" writes streams whose check
values are right and whose content is not allowed, each with the words that its refusal must contain
in NAME.want. Written from flt(5); the Ed25519 below is RFC 8032's arithmetic, for tests only.
"""
import hashlib
import math
import pathlib
import struct
import subprocess
import sys

from xxhash import xxh3_64_intdigest as check

DTYPES = dict(f64=(1, "d"), f32=(2, "f"), f16=(3, "e"), bf16=(4, "H"), i64=(5, "q"), i32=(6, "i"),
              i16=(7, "h"), i8=(8, "b"), u64=(9, "Q"), u32=(10, "I"), u16=(11, "H"), u8=(12, "B"))
BLOCK = 1 << 20
Q8_0 = 13    # blocks of 32 values: f16 d, 32 bytes q; value i is d q[i]


def blake(label, data):
    return hashlib.blake2b(data, digest_size=32, person=label).digest()


def sized(form, data):
    return struct.pack("<" + form, len(data)) + data


def item(key, value):
    """Bytes of one metadata item; a tuple of one type is a list."""
    one = {int: (1, lambda v: struct.pack("<q", v)), float: (2, lambda v: struct.pack("<d", v)),
           str: (3, lambda v: sized("I", v.encode())), bytes: (4, lambda v: sized("I", v))}
    if isinstance(value, tuple):
        kind, pack = one[type(value[0])]
        body = struct.pack("<BI", kind + 4, len(value)) + b"".join(map(pack, value))
    else:
        kind, pack = one[type(value)]
        body = struct.pack("<B", kind) + pack(value)
    return sized("H", key.encode()) + body


def metadata(items):
    keys = sorted(items, key=str.encode)
    return struct.pack("<I", len(keys)) + b"".join(item(k, items[k]) for k in keys)


def record(tag, place, body, payload=0, stored=b"", table=b"", flags=0, header=None):
    """One record; HEADER overrides fields to make bad ones."""
    f = dict(flags=flags, body=len(body), payload=payload, stored=0 if flags & 1 else payload, zero=0,
             check=check(body), place=place)
    f.update(header or {})
    head = tag + struct.pack("<I6Q", f["flags"], f["body"], f["payload"], f["stored"], f["zero"],
                             f["check"], f["place"])
    out = head + struct.pack("<Q", check(head)) + body
    out += bytes(-len(out) % 64)
    if payload:
        out += stored
        out += bytes(-len(out) % 8) + table
        out += bytes(-len(out) % 64)
    return out


def head_body(kind, items, version=1):
    return struct.pack("<HH", version, 0) + sized("H", kind.encode()) + metadata(items)


def tensor_body(name, dtype, dims, role=0, attributes=None):
    code = dtype if isinstance(dtype, int) else DTYPES[dtype][0]
    return struct.pack("<HBB", code, role, len(dims)) + b"".join(struct.pack("<Q", d) for d in dims) \
        + sized("H", name.encode()) + metadata(attributes or {})


def block(stored, raw_bit=0):
    """One block of a compressed tensor."""
    return struct.pack("<II", len(stored) | raw_bit, check(stored) & 0xFFFFFFFF) + stored


def pack_blocks(blocks, dtype):
    """Blocks as a compressed tensor stores them, by the zstd command."""
    out = b""
    for data in blocks:
        planes = struct.calcsize(DTYPES[dtype][1]) if "f" in str(dtype) else 1
        split = b"".join(data[i::planes] for i in range(planes))
        small = subprocess.run(["zstd", "-3", "-cq", "--no-check"], input=split,
                               stdout=subprocess.PIPE, check=True).stdout
        out += block(small) if len(small) < len(data) else block(data, 1 << 31)
    return out


class Object:
    def __init__(self, kind, items):
        body = head_body(kind, items)
        self.kind, self.count, self.total, self.names = kind, 1, 0, []
        self.header = struct.pack("<Q", len(body)) + body
        self.chain, self.leaves = struct.pack("<Q", check(body)), b""
        self.data = record(b"FLT1", 0, body)

    def tensor(self, name, dtype, dims, values, role=0, attributes=None, packed=False, body=None):
        """VALUES are numbers, or bytes as they are. BODY overrides the record's body."""
        body = body or tensor_body(name, dtype, dims, role, attributes)
        raw = values if isinstance(values, bytes) else \
            struct.pack(f"<{len(values)}{DTYPES[dtype][1]}", *values)
        blocks = [raw[i:i + BLOCK] for i in range(0, len(raw), BLOCK)]
        table = b"".join(struct.pack("<Q", check(b)) for b in blocks)
        self.header += struct.pack("<Q", len(body)) + body
        self.chain += struct.pack("<Q", check(body)) + table
        self.leaves += b"".join(blake(b"fl1.leaf", b) for b in blocks)
        self.data += record(b"TENS", self.count, body, len(raw),
                            pack_blocks(blocks, dtype) if packed else raw, table, int(packed))
        self.count += 1
        self.total += len(raw)
        return self

    def done(self, records=0, payload=0, chain=0):
        """The arguments are added to what is right."""
        self.count += 1
        self.data += record(b"DONE", self.count - 1,
                            struct.pack("<QQQ", self.count + records, self.total + payload,
                                        check(self.chain) ^ chain))
        kind = self.kind.encode()
        self.digest = blake(b"fl1.obj", struct.pack("<Q", len(kind)) + kind
                            + blake(b"fl1.header", self.header) + blake(b"fl1.payload", self.leaves))
        return self

    def sign(self, signer, name, seed, roster=bytes(32), place=0):
        key, signature = ed25519(seed, b"fl-sig-v1\0" + self.kind.encode() + b"\0" + roster
                                 + struct.pack("<I", signer) + self.digest)
        body = struct.pack("<I", signer) + sized("H", name.encode()) + key + roster + signature
        self.data += record(b"SIGN", self.count + place, body)
        return self


P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    """Sum of two points of the curve in affine coordinates."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def times(n, point):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def base_point():
    y = 4 * pow(5, -1, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x, y)


def ed25519(seed, message):
    """Public key and signature of MESSAGE by the 32-byte SEED."""
    def encode(point):
        return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")

    def number(*parts):
        return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")
    base, h = base_point(), hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    key, r = encode(times(a, base)), number(h[32:], message) % Q
    point = encode(times(r, base))
    s = (r + number(point, key, message) * a) % Q
    return key, point + s.to_bytes(32, "little")


def good():
    """Name and object of every golden vector."""
    yield "empty", Object("model", {}).done()
    yield "signed", Object("update", {"base": bytes(range(32)), "site": "aws"}) \
        .tensor("w", "f32", [2, 3], [0.0, 1.0, -1.0, 0.5, 1e-3, 65504.0]).done() \
        .sign(0, "aws", bytes(range(32))).sign(0xFFFFFFFF, "hub", bytes(range(32, 64)), b"R" * 32)
    everything = Object("model", {"i": -7, "f": 0.1, "text": "h\u00e9llo\n", "bytes": b"\x00\xff",
                                  "ii": (1, -2, 2**62), "ff": (0.5, -1e300),
                                  "tt": ("a", "", "\u4e2d\u6587"), "empty.text": "",
                                  "empty.bytes": b""})
    for name in DTYPES:
        least = {"i": -1 << (8 * struct.calcsize(DTYPES[name][1]) - 1)}.get(name[0], 0)
        everything.tensor(f"t.{name}", name, [3], [1, 0, least])
    everything.tensor("scalar", "f64", [], [math.pi]).tensor("none", "f32", [4, 0, 2], []) \
        .tensor("rank8", "u8", [1, 2, 1, 2, 1, 2, 1, 2], list(range(16)), role=1) \
        .tensor("\u00fcn\u00ef", "i8", [1], [-128], role=2, attributes={"scale": 0.25, "lane": 3}).done()
    yield "everything", everything
    two = Object("tokens", {"vocab": 257}).tensor("tokens/000000", "u16", [5], [104, 105, 256, 0, 256])
    two.done().sign(1, "azure", bytes(32))
    second = Object("tokens", {}).done()
    two.data += second.data
    yield "two", two
    q = [i - 16 if i else -127 for i in range(32)]
    yield "blocks", Object("model", {}).tensor("w", Q8_0, [3, 64], b"".join(
        struct.pack("<e32b", d, *(s * v for v in q)) for d, s in ((0.5, 1), (0.25, -1), (1, 1), (2**-14, 1), (2**-24, -1), (0, 0)))) \
        .tensor("none", Q8_0, [0, 32], b"").done()
    values = [(i % 50) / 8 - 3 for i in range(BLOCK // 4 + 1000)]
    noise = hashlib.shake_128(b"fl").digest(300)
    yield "packed", Object("update", {}).tensor("wave", "f32", [len(values)], values, packed=True) \
        .tensor("noise", "u8", [300], noise, packed=True) \
        .tensor("none", "f16", [0], [], packed=True) \
        .tensor("counts", "i32", [1000], [i // 10 for i in range(1000)], packed=True).done()


def bad():
    """Name, words of the refusal, bytes: right check values around what is not allowed."""
    def one(**changes):
        return Object("model", {}).tensor("t", "u8", [4], b"abcd", **changes)

    def with_head(body):
        o = Object("model", {})
        o.data = record(b"FLT1", 0, body)
        o.chain = struct.pack("<Q", check(body))
        return o.done().data

    def with_meta(items):   # raw bytes of the metadata
        return with_head(struct.pack("<HH", 1, 0) + sized("H", b"model") + items)

    def raw_item(key, kind, value=b""):
        return struct.pack("<I", 1) + sized("H", key) + bytes([kind]) + value

    ok, empty = one().done().data, Object("model", {}).done()
    head = Object("model", {}).data
    yield "nothing", "empty", b""
    yield "text", "not an FLT stream", b"hello, this is no stream\n" * 10
    yield "head-only", "cut", head
    yield "trailing", "header", ok + bytes(64)
    yield "trailing-short", "cut", ok + b"x"
    yield "sign-first", "FLT stream", record(b"SIGN", 0, b"")
    yield "sign-inside", "record is missing", head + record(b"SIGN", 1, b"")
    yield "sign-place", "record is missing", one().done().sign(0, "a", bytes(32), place=1).data
    yield "head-inside", "record is missing", head + ok
    yield "unknown-tag", "tag", head + record(b"WHAT", 1, b"")
    yield "unknown-flag", "flags", head + record(b"TENS", 1, tensor_body("t", "u8", [0]), flags=2)
    yield "packed-head", "", record(b"FLT1", 0, head_body("model", {}), flags=1)
    yield "reserved", "", record(b"FLT1", 0, head_body("model", {}), header=dict(zero=1))
    yield "place", "record is missing", record(b"FLT1", 1, head_body("model", {}))
    yield "skipped", "record is missing", head + record(b"TENS", 2, tensor_body("t", "u8", [0]))
    yield "body-huge", "impossible", record(b"FLT1", 0, b"", header=dict(body=1 << 60))
    yield "body-17M", "impossible", record(b"FLT1", 0, b"", header=dict(body=17 << 20))
    yield "body-far", "cut", record(b"FLT1", 0, b"", header=dict(body=16 << 20))
    yield "tens-body-huge", "impossible", head + record(b"TENS", 1, b"", header=dict(body=65537))
    yield "payload-huge", "", head + record(b"TENS", 1, tensor_body("t", "u8", [1 << 59]))
    huge = tensor_body("t", "u8", [1 << 59])
    h = b"TENS" + struct.pack("<I6Q", 0, len(huge), 1 << 59, 1 << 59, 0, check(huge), 1)
    huge = h + struct.pack("<Q", check(h)) + huge
    yield "payload-far", "", head + huge + bytes(-len(huge) % 64)
    yield "payload-done", "impossible", head + record(b"DONE", 1, bytes(24), 8, bytes(8), bytes(8))
    yield "stored", "impossible", head + record(b"TENS", 1, tensor_body("t", "u8", [4]), 4, b"abcd",
                                                struct.pack("<Q", check(b"abcd")), 0, dict(stored=5))
    yield "dims-overflow", "", one(body=tensor_body("t", "u8", [1 << 33, 1 << 33])).done().data
    yield "dims-differ", "shape", one(body=tensor_body("t", "u8", [5])).done().data
    yield "dims-zero-huge", "shape", one(body=tensor_body("t", "f64", [0, 1 << 62])).done().data
    yield "rank-9", "", one(body=tensor_body("t", "u8", [1] * 9)).done().data
    yield "dtype-0", "", one(body=tensor_body("t", 0, [4])).done().data
    yield "dtype-14", "", one(body=tensor_body("t", 14, [4])).done().data
    for name, dims in (("none", []), ("few", [34]), ("column", [32, 1]), ("half", [2, 48])):
        yield f"blocks-{name}", "whole blocks", \
            Object("model", {}).tensor("t", Q8_0, dims, bytes(max(math.prod(dims) // 32, 1) * 34)).done().data
    yield "blocks-short", "shape", Object("model", {}).tensor("t", Q8_0, [2, 32], bytes(64)).done().data
    yield "role-3", "", one(body=tensor_body("t", "u8", [4], role=3)).done().data
    yield "no-name", "", one(body=tensor_body("", "u8", [4])).done().data
    yield "long-name", "", one(body=tensor_body("n" * 256, "u8", [4])).done().data
    yield "zero-name", "", one(body=tensor_body("a\0b", "u8", [4])).done().data
    yield "name-not-utf8", "", one(body=tensor_body("XX", "u8", [4]).replace(b"XX", b"\xc3\x28")) \
        .done().data
    yield "name-surrogate", "", one(body=tensor_body("XXX", "u8", [4])
                                    .replace(b"XXX", b"\xed\xa0\x80")).done().data
    yield "same-name", "twice", one().tensor("t", "u8", [4], b"abcd").done().data
    yield "needed-attribute", "lacks", one(attributes={"!scale": 1}).done().data
    yield "tensor-tail", "", one(body=tensor_body("t", "u8", [4]) + b"\0").done().data
    yield "tensor-short", "", one(body=tensor_body("t", "u8", [4])[:-1]).done().data
    yield "tensor-none", "", one(body=b"\x0c").done().data
    yield "version-2", "version", with_head(head_body("model", {}, version=2))
    yield "no-kind", "", with_head(head_body("", {}))
    yield "long-kind", "", with_head(head_body("k" * 64, {}))
    yield "head-none", "", with_head(b"")
    yield "head-tail", "", with_head(head_body("model", {}) + b"\0")
    yield "key-twice", "order", with_meta(struct.pack("<I", 2) + item("a", 1) + item("a", 1))
    yield "key-order", "order", with_meta(struct.pack("<I", 2) + item("b", 1) + item("a", 1))
    yield "key-empty", "key", with_meta(raw_item(b"", 1, bytes(8)))
    yield "key-long", "key", with_meta(raw_item(b"k" * 256, 1, bytes(8)))
    yield "key-zero", "", with_meta(raw_item(b"a\0", 1, bytes(8)))
    yield "meta-type-0", "type", with_meta(raw_item(b"a", 0, bytes(8)))
    yield "meta-type-8", "type", with_meta(raw_item(b"a", 8, bytes(8)))
    yield "meta-count", "", with_meta(struct.pack("<I", 0xFFFFFFFF))
    yield "meta-text-far", "", with_meta(raw_item(b"a", 3, struct.pack("<I", 0xFFFFFFFF)))
    yield "meta-text-zero", "", with_meta(raw_item(b"a", 3, sized("I", b"x\0y")))
    yield "meta-text-utf8", "", with_meta(raw_item(b"a", 3, sized("I", b"\xff")))
    for kind in (5, 6, 7):
        yield f"meta-list-far-{kind}", "", with_meta(raw_item(b"a", kind, struct.pack("<I", 1 << 31)))
    yield "done-records", "records", one().done(records=1).data
    yield "done-payload", "records", one().done(payload=1).data
    yield "done-chain", "objects", one().done(chain=1).data
    yield "done-short", "length", head + record(b"DONE", 1, bytes(23))
    yield "done-long", "length", head + record(b"DONE", 1, bytes(25))
    yield "two-objects-mixed", "objects", \
        one().data + Object("model", {}).tensor("t", "u8", [4], b"abcd").done(chain=5).data[-128:]
    yield "sign-short", "signature", empty.data + record(b"SIGN", 2, bytes(20))
    yield "sign-no-name", "signature", empty.data + record(b"SIGN", 2, bytes(4 + 2 + 128))
    for name, stored in (("long", block(b"abcde")), ("same", block(b"abcd")), ("none", block(b"")),
                         ("raw", block(b"abc", 1 << 31)), ("zstd", block(b"abc")),
                         ("far", struct.pack("<II", 1 << 30, 0)),
                         ("sum", struct.pack("<II", 4 | 1 << 31, 0) + b"abcd")):
        yield f"packed-{name}", "compressed block", \
            head + record(b"TENS", 1, tensor_body("t", "u8", [4]), 4, stored,
                          struct.pack("<Q", check(b"abcd")), 1) + bytes(64)


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "good":
        for name, o in good():
            (folder / f"{name}.flt").write_bytes(o.data)
    else:
        for name, words, data in bad():
            (folder / f"{name}.flt").write_bytes(data)
            (folder / f"{name}.want").write_text(words)


if __name__ == "__main__":
    main()
