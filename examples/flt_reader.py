#!/usr/bin/env python3
"""flt_reader.py FILE...: check every byte of FLT streams, print what is in them and their digests.
Written from flt(5) alone. Needs python3-xxhash, and for compressed tensors the zstd command."""
import hashlib, math, struct, subprocess, sys
from xxhash import xxh3_64_intdigest as check

DTYPES = "- f64 f32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8".split()

def need(condition, what):
    if not condition:
        raise ValueError(what)

def blake(label, data):
    return hashlib.blake2b(data, digest_size=32, person=label).digest()

def le64(*values):
    return struct.pack(f"<{len(values)}Q", *values)

class Bytes:  # of a file, or of the body of a record, from front to back
    def __init__(self, data):
        self.data, self.at = memoryview(data), 0
    def take(self, n):
        need(n <= len(self.data) - self.at, "is cut")
        self.at += n
        return bytes(self.data[self.at - n:self.at])
    def get(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]
    def text(self, form):
        return self.take(self.get(form)).decode()
    def zeros(self, align):
        need(not any(self.take(-self.at % align)), "padding is not zero")
    def metadata(self):  # always the end of a body
        one = [lambda: self.get("q"), lambda: self.get("d"), lambda: self.text("I"),
               lambda: self.take(self.get("I")).hex()]
        items = [(self.text("H"), t := self.get("B"), one[t - 1]() if t < 5 else
                  [one[t - 5]() for _ in range(self.get("I"))]) for _ in range(self.get("I"))]
        need(self.at == len(self.data), "a body has a wrong length")
        return {key: value for key, _, value in items}
    def block(self, n, planes, packed):
        stored, low = (self.get("I"), self.get("I")) if packed else (n | 1 << 31, None)
        data = self.take(stored & ~(1 << 31))
        need(not packed or low == check(data) & 0xffffffff, "a compressed block is damaged")
        if stored < 1 << 31:  # zstd: the first bytes of all numbers, then all second bytes, ...
            data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE).stdout
            data = bytes(data[i % planes * (n // planes) + i // planes] for i in range(len(data)))
        need(len(data) == n, "a block has a wrong length")
        return data

def read(s):
    inside = count = None  # in an object? its records so far
    while inside is not False or s.at < len(s.data):
        header = s.take(64)
        tag, packed, size, payload, stored, zero, sum_, place, own = struct.unpack("<4sI7Q", header)
        need(own == check(header[:56]), "a header is damaged")
        need(packed < 2 and not zero and stored == payload * (1 - packed), "a header is not allowed")
        need(tag in ((b"TENS", b"DONE") if inside else (b"FLT1", b"SIGN")) and place ==
             (0 if tag == b"FLT1" else count), "a record is missing")
        b = Bytes(s.take(size))
        need(check(b.data) == sum_, "a body is damaged")
        s.zeros(64)
        if tag == b"FLT1":
            need(b.get("I") == 1, "is of another version")
            inside, count, total, headers, chain, leaves = True, 0, 0, b"", b"", b""
            kind, meta = b.text("H"), b.metadata()
            print("object", kind, meta, sep="\t")
        elif tag == b"TENS":
            dtype, role, rank = DTYPES[b.get("H")], b.get("B"), b.get("B")
            dims, name, meta = [b.get("Q") for _ in range(rank)], b.text("H"), b.metadata()
            width = int(dtype.lstrip("bfiu")) // 8
            need(math.prod(dims) * width == payload, "shape and length do not agree")
            print("tensor", name, dtype, dims, role, meta, sep="\t")
        elif tag == b"DONE":
            inside, label = False, kind.encode()
            need(bytes(b.data) == le64(count + 1, total, check(chain)), "parts of two objects")
            print("digest", blake(b"fl1.obj", le64(len(label)) + label + blake(
                b"fl1.header", headers) + blake(b"fl1.payload", leaves)).hex(), sep="\t")
        else:
            signer, name, (*parts,) = b.get("I"), b.text("H"), (b.take(n).hex() for n in (32, 32, 64))
            print("sign", signer, name, *parts, sep="\t")
        count += tag != b"SIGN"
        if inside:
            sums, total, headers = [], total + payload, headers + le64(size) + b.data
            for at in range(0, payload, 1 << 20):
                data = s.block(min(payload - at, 1 << 20), width if "f" in dtype else 1, packed)
                sums, leaves = sums + [check(data)], leaves + blake(b"fl1.leaf", data)
            s.zeros(8)
            need(s.take(8 * len(sums)) == le64(*sums), "a block is damaged")
            s.zeros(64)
            chain += le64(sum_, *sums)

for path in sys.argv[1:]:
    stream = Bytes(open(path, "rb").read())
    try:
        read(stream)
    except (ValueError, IndexError, struct.error) as e:
        sys.exit(f"flt_reader.py: {path}: {e} (offset {stream.at})")
