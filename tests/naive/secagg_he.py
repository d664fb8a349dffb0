"""What encrypted tensors add to secagg.py: keys of helpers, ciphertexts, shares, opening (fl-protocol(7),
ENCRYPTED TENSORS), with the elements of rlwe.py.

    secagg_he.py leaves FEDERATION EPOCH ED25519 SEED FILE
                            the 1024 leaves of a helper's tree, in numpy: some minutes, once for tests/vectors
"""
import math
import struct
import sys

import rlwe
from rlwe import N, Q, H

ROUNDS, DEPTH, WORDS, ROLE = 1024, 10, 53 * N * 4 // 64, 2
C1, TENSOR = "c1", "sum.cipher"


def le64(v):
    return struct.pack("<Q", v)


def sized(text):
    return le64(len(text)) + text.encode()


# ---- keys ----

def seed_of_a(federation, epoch, k):
    return H(None, "fl1.he.a", sized(federation), le64(epoch), le64(k))


def common(federation, epoch, k):
    return rlwe.uniform(seed_of_a(federation, epoch, k))


def chain_to(hs, at, k):
    for i in range(at, k):
        hs = H(hs, "fl1.he.step", le64(i + 1))
    return hs


def round_key(hs, k):
    return H(hs, "fl1.he.round", le64(k))


def public(federation, epoch, rk, k):
    """b of a helper in round K, packed."""
    return rlwe.packed(rlwe.public(H(rk, "fl1.he.key"), common(federation, epoch, k)))


def leaf(federation, epoch, ed25519, k, b):
    return H(None, "fl1.he.leaf", sized(federation), le64(epoch), ed25519, le64(k), b)


def tree(leaves, k):
    """The root, and the siblings of leaf K on the way to it."""
    row, path = [leaves[i:i + 32] for i in range(0, len(leaves), 32)], b""
    while len(row) > 1:
        path += row[k ^ 1]
        row, k = [H(None, "fl1.he.node", row[i], row[i + 1]) for i in range(0, len(row), 2)], k // 2
    return row[0], path


def line(federation, name, epoch, secret, root, ed25519):
    """ED25519 signs: of a seed and bytes its key and the signature."""
    front = f"fl1-he {federation} {name} {epoch} {ed25519(secret, b'')[0].hex()} {root.hex()}"
    text = H(None, "fl1.heline", front.encode())
    signed = ed25519(secret, b"fl-sig-v1\0heline\0" + bytes(32) + bytes(4) + text)[1]
    return f"{front} {signed.hex()}"


def unpacked(data):
    bits = bin(int.from_bytes(data, "little") | 1 << 53 * N * 4)[3:]
    numbers = [int(bits[i:i + 53], 2) for i in range(0, len(bits), 53)][::-1]
    rows = [numbers[N * k:N * (k + 1)] for k in range(4)]
    assert all(v < p for row, p in zip(rows, rlwe.PRIMES) for v in row)
    return rlwe.crt(rows)


# ---- ciphertexts of a plan ----

class Layout:
    """Which ciphertexts there are, and what each holds."""
    def __init__(self, plan):
        self.plan, self.parts, self.tensors = plan, {}, {}
        roster = plan.roster
        for name, rule in plan.rules.items():
            if rule.protect == "he" and plan.count(name):
                self.parts.setdefault(rule.bits, []).append(name)
        counts = {bits: sum(plan.count(t) for t in names) for bits, names in self.parts.items()}
        self.ct, self.lam = rlwe.noise(roster.n, roster.m), 52
        while True:
            self.lam += 1
            left, bits = self.ct + roster.m * 2**self.lam * self.ct + roster.n, 0
            while 2 * 2**(bits + 1) * left < Q and bits < 192:
                bits += 1
            self.slots = {b: bits // b for b in self.parts}
            self.texts = {b: -(-counts[b] // (N * self.slots[b])) for b in self.parts}
            if sum(self.texts.values()) * N <= 2**(self.lam - 40):
                break
        self.count = sum(self.texts.values())
        self.attributes = {"he.n": N, "he.primes": 4, "he.slots": tuple(self.slots.values()),
                           "lane.bits": tuple(self.parts), "lane.count": tuple(counts.values())}

    def tensor(self, o, name, elements):
        return o.tensor(name, "u64", [self.count, WORDS], b"".join(map(rlwe.packed, elements)), role=ROLE,
                        attributes=self.attributes)

    def values(self, integers):
        """Of each ciphertext: bits, slots, and its numbers."""
        for bits, names in self.parts.items():
            row = [v for t in names for v in integers[t]]
            capacity = N * self.slots[bits]
            for at in range(0, len(row), capacity):
                yield bits, self.slots[bits], row[at:at + capacity]

    def opened(self, v):
        """The integers of each tensor, of the sums of c0 and shares."""
        out, index = {}, 0
        for bits, names in self.parts.items():
            capacity = N * self.slots[bits]
            total, row = sum(self.plan.count(t) for t in names), []
            for at in range(0, total, capacity):
                row += rlwe.opened(v[index], bits, self.slots[bits], min(capacity, total - at))
                index += 1
            for t in names:
                out[t], row = row[:self.plan.count(t)], row[self.plan.count(t):]
        return out


def encrypt(plan, keys, integers, seed):
    """c0 and c1 of all ciphertexts; KEYS: packed, of each helper."""
    r, layout = plan.roster, plan.he
    a = common(r.meta["federation"], r.meta["epoch"], plan.he_round)
    b = rlwe.add(*map(unpacked, keys))
    texts = [rlwe.encrypt(a, b, seed, index, values, bits, slots)
             for index, (bits, slots, values) in enumerate(layout.values(integers))]
    return [t[0] for t in texts], [t[1] for t in texts]


def shares(plan, rk, asked, c1s):
    """Of one helper; C1S: of each upload the elements that it sent."""
    secret, smudge = H(rk, "fl1.he.key"), H(rk, "fl1.he.smudge", plan.sid, asked)
    return [rlwe.share(secret, rlwe.add(*row), smudge, index, plan.he.ct, plan.he.lam)
            for index, row in enumerate(zip(*c1s))]


def elements(payload):
    return [unpacked(payload[i:i + 8 * WORDS]) for i in range(0, len(payload), 8 * WORDS)]


def add_up(rows):
    return [rlwe.add(*row) for row in zip(*rows)]


# ---- all leaves, in numpy ----

def fast(numpy):
    """b of a round as rlwe.public makes it, with streams of all blocks at once and products by FFT."""
    u32, u64 = numpy.uint32, numpy.uint64
    rounds = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
              (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    twist = numpy.exp(1j * math.pi * numpy.arange(N) / N)

    def stream(key, chunk, n):
        first = numpy.empty((16, -(-n // 64)), u32)
        first[:4] = numpy.frombuffer(b"expand 32-byte k", "<u4")[:, None]
        first[4:12] = numpy.frombuffer(key, "<u4")[:, None]
        first[12] = numpy.arange(first.shape[1])
        first[13], first[14], first[15] = 0, chunk & 0xFFFFFFFF, chunk >> 32
        x = first.copy()
        for _ in range(10):
            for a, b, c, d in rounds:
                for k, l, m, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                    x[k] += x[l]
                    y = x[m] ^ x[k]
                    x[m] = y << u32(turn) | y >> u32(32 - turn)
        return (x + first).T.astype("<u4").tobytes()[:n]

    def transform(x):
        return numpy.fft.fft(x * twist)

    def public(rk, seed):
        key = H(H(rk, "fl1.he.key"), "fl1.he.key")
        byte = numpy.frombuffer(stream(key, 0, 4096), numpy.uint8)
        byte = byte[byte < 243].astype(numpy.int64)
        s = numpy.stack([byte // 3**i % 3 - 1 for i in range(5)], 1).ravel()[:N]
        word = numpy.frombuffer(stream(key, 1, 8 * N), "<u8")
        bits = (word[:, None] >> numpy.arange(42, dtype=u64) & u64(1)).astype(numpy.int64)
        e = bits[:, :21].sum(1) - bits[:, 21:].sum(1)
        ts, out = transform(s.astype(float)), []
        for k, p in enumerate(rlwe.PRIMES):
            a = numpy.frombuffer(stream(seed, k, 8 * N + 2048), "<u8") & u64(2**53 - 1)
            a = a[a < p][:N].astype(numpy.int64)
            total = e.copy()
            for piece in range(3):   # 18 bits each: sums below 2^31, exact in doubles
                part = transform((a >> 18 * piece & 2**18 - 1).astype(float))
                product = numpy.rint((numpy.fft.ifft(part * ts) / twist).real).astype(numpy.int64)
                for _ in range(piece):   # times 2^18
                    product = product % p
                    for _ in range(3):
                        product = product * 64 % p
                total = (total - product) % p
            out.append(total)
        bits = numpy.concatenate(out).astype(u64)[:, None] >> numpy.arange(53, dtype=u64) & u64(1)
        return numpy.packbits(bits.astype(numpy.uint8).ravel(), bitorder="little").tobytes()

    return public


def cmd_leaves(federation, epoch, ed25519, seed, path):
    import numpy
    make, hs, out = fast(numpy), bytes.fromhex(seed), b""
    epoch, ed25519 = int(epoch), bytes.fromhex(ed25519)
    assert make(round_key(hs, 0), seed_of_a(federation, epoch, 0)) == public(federation, epoch, round_key(hs, 0), 0)
    for k in range(ROUNDS):
        out += leaf(federation, epoch, ed25519, k,
                    make(round_key(hs, k), seed_of_a(federation, epoch, k)))
        hs = chain_to(hs, k, k + 1)
    open(path, "wb").write(out)


if __name__ == "__main__":
    cmd_leaves(*sys.argv[2:]) if sys.argv[1:2] == ["leaves"] else sys.exit(__doc__)
