#!/usr/bin/env python3
"""flt_reader.py FILE...: check every byte of FLT streams, print what is in them and their digests.
Written from flt(5) alone. Needs python3-xxhash, and for compressed tensors the zstd command."""
import hashlib, math, struct, subprocess, sys
from xxhash import xxh3_64_intdigest as check
DTYPES = dict(enumerate("f64 f32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8 q8_0".split(), 1))

def need(condition, what="is not allowed"):
    if not condition:
        raise ValueError(what)
def blake(label, data):
    return hashlib.blake2b(data, digest_size=32, person=label).digest()
def le64(*values):
    return struct.pack(f"<{len(values)}Q", *values)

class Bytes:  # of a stream, or of the body of a record, from front to back
    def __init__(self, data):
        self.data, self.at = data, 0
    def take(self, n):
        need(n <= len(self.data) - self.at, "is cut")
        self.at += n
        return self.data[self.at - n:self.at]
    def get(self, *forms):
        values = [struct.unpack("<" + f, self.take(struct.calcsize("<" + f)))[0] for f in forms]
        return values if len(values) != 1 else values[0]
    def text(self, form, most=None):
        text = self.take(self.get(form))
        need(0 not in text and (not most or 0 < len(text) <= most))
        return text.decode()
    def zeros(self, align):
        need(not any(self.take(-self.at % align)), "padding is not zero")
    def value(self, kind):
        one = {1: lambda: self.get("q"), 2: lambda: self.get("d"), 3: lambda: self.text("I"),
               4: lambda: self.take(self.get("I")).hex()}
        return one[kind]() if kind < 5 else [one[kind - 4]() for _ in range(self.get("I"))]
    def metadata(self):
        items = [(self.text("H", 255), self.value(self.get("B"))) for _ in range(self.get("I"))]
        need([k for k, _ in items] == sorted({k for k, _ in items}, key=str.encode))
        return dict(items)
    def block(self, n, planes):  # as a compressed tensor has it
        size, low = self.get("I", "I")
        data = self.take(size & ~(1 << 31))
        need(low == check(data) & 0xffffffff and (size < n or size == n | 1 << 31), "is damaged")
        if size < n:  # the first bytes of all elements, then all second bytes, and so on
            data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE).stdout
            data = bytes(data[i % planes * (n // planes) + i // planes] for i in range(len(data)))
        need(len(data) == n, "a block has a wrong length")
        return data

def read(s):
    inside = count = None  # in an object? its records so far
    while inside is not False or s.at < len(s.data):
        tag, packed, size, raw, stored, zero, sum_, place, own = s.get("4s", "I", *"QQQQQQQ")
        need(own == check(s.data[s.at - 64:s.at - 8]), "a header is damaged")
        count = 0 if tag == b"FLT1" else count
        need(tag in ((b"TENS", b"DONE") if inside else (b"FLT1", b"SIGN")) and place == count)
        need(raw == packed == 0 or tag == b"TENS" and packed < 2)
        need(stored == raw * (1 - packed) and not zero and size <= 1 << (16 if count else 24))
        b = Bytes(s.take(size))
        need(check(b.data) == sum_, "a body is damaged")
        s.zeros(64)
        if tag == b"FLT1":
            version, kind, metadata = b.get("I"), b.text("H", 63), b.metadata()
            inside, names, total, bodies, chain, leaves = version == 1, [], 0, b"", b"", b""
            print("object", kind, metadata, sep="\t")
        elif tag == b"TENS":
            dtype, role, rank = DTYPES[b.get("H")], *b.get("B", "B")
            dims, name = [b.get("Q") for _ in range(rank)], b.text("H", 255)
            attributes, width, block = b.metadata(), *((34, 32) if dtype == "q8_0" else (int(dtype.strip("bfiu")) // 8, 1))
            need((dims[-1] if dims else 1) % block == 0, "has a part of a block")
            need(rank < 9 and math.prod(dims) // block * width == raw and role < 3 and name not in names)
            need(not any(key[0] == "!" for key in attributes), "needs what is not known here")
            names, total = names + [name], total + raw
            print("tensor", name, dtype, dims, role, attributes, sep="\t")
        elif tag == b"DONE":
            inside, label = False, kind.encode()
            need(b.take(24) == le64(count + 1, total, check(chain)), "has parts of two objects")
            print("digest", blake(b"fl1.obj", le64(len(label)) + label + blake(
                b"fl1.header", bodies) + blake(b"fl1.payload", leaves)).hex(), sep="\t")
        else:
            who, keys = (b.get("I"), b.text("H", 255)), (b.take(n).hex() for n in (32, 32, 64))
            print("sign", *who, *keys, sep="\t")
        need(b.at == size and (inside or tag != b"FLT1"))
        count += tag != b"SIGN"
        if inside:
            bodies, sums = bodies + le64(size) + b.data, []
            for n in (min(raw - at, 1 << 20) for at in range(0, raw, 1 << 20)):
                data = s.block(n, width if "f" in dtype else 1) if packed else s.take(n)
                sums, leaves = sums + [check(data)], leaves + blake(b"fl1.leaf", data)
            s.zeros(8)
            need(s.take(8 * len(sums)) == le64(*sums), "a block is damaged")
            s.zeros(64)
            chain += le64(sum_, *sums)

for path in sys.argv[1:]:
    stream = Bytes(open(path, "rb").read())
    try:
        read(stream)
    except (ValueError, LookupError, struct.error) as e:
        sys.exit(f"flt_reader.py: {path}: {e} (offset {stream.at})")
