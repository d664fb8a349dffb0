#!/usr/bin/env python3
"""sec/rlwe a second time, in whole numbers of Python: from fl-protocol(7), ENCRYPTED TENSORS, not from the C.

    rlwe.py self        a small round: what is opened is the sum
    rlwe.py vectors     the values that tests/unit/test_rlwe_vectors.c holds as constants

Elements are lists of 8192 numbers modulo q; products are those of two huge numbers whose digits the
coefficients are. test_rlwe_vectors.c, and of whole messages 57-vectors-he.sh, compare the bytes.
"""
import functools
import hashlib
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

N = 8192
PRIMES = (9007199254429697, 9007199254364161, 9007199254331393, 9007199253921793)
Q = math.prod(PRIMES)


def H(key, label, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=key or b"",
                           person=label.encode().ljust(16, b"\0")).digest()


def chacha20(key, chunk, n):
    """RFC 8439, nonce LE32 0 || LE64 chunk, from block 0 on; all blocks at once, in lanes of 64 bits of huge
    whole numbers."""
    blocks = -(-n // 64)
    ones = (2**(64 * blocks) - 1) // (2**64 - 1)
    low = ones * 0xFFFFFFFF
    words = [int.from_bytes((b"expand 32-byte k" + key)[i:i + 4], "little") * ones for i in range(0, 48, 4)]
    first = words + [int.from_bytes(b"".join(i.to_bytes(8, "little") for i in range(blocks)), "little"), 0,
                     (chunk & 0xFFFFFFFF) * ones, (chunk >> 32) * ones]
    rounds = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
              (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    x = list(first)
    for _ in range(10):
        for a, b, c, d in rounds:
            for k, l, m, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[k] = x[k] + x[l] & low
                y = x[m] ^ x[k]
                x[m] = (y << turn | y >> 32 - turn) & low
    rows = [(v + f & low).to_bytes(8 * blocks, "little") for v, f in zip(x, first)]
    return b"".join(row[i:i + 4] for i in range(0, 8 * blocks, 8) for row in rows)[:n]


def crt(residues):
    """Lists of residues, one for each prime, to numbers modulo Q."""
    parts = [(Q // p) * pow(Q // p, -1, p) for p in PRIMES]
    return [sum(r * f for r, f in zip(row, parts)) % Q for row in zip(*residues)]


def packed(x):
    """Of an element: residues of 53 bits, the first lowest."""
    bits = "".join(f"{v % p:053b}" for p in reversed(PRIMES) for v in reversed(x))
    return int(bits, 2).to_bytes(53 * N * 4 // 8, "little")


def times(a, s):
    """A times S of -1, 0 and 1, modulo X^N + 1 and Q: the product of two huge numbers whose digits, of 232
    bits, are those of A and of S + 1, less A times ones."""
    def number(x):
        return int.from_bytes(b"".join(v.to_bytes(29, "little") for v in x), "little")

    product = (number(a) * number([v + 1 for v in s])).to_bytes(2 * 29 * N, "little")
    digit = [int.from_bytes(product[29 * i:29 * i + 29], "little") for i in range(2 * N)]
    once, out = -sum(a), []
    for i in range(N):
        once += 2 * a[i]
        out.append((digit[i] - digit[N + i] - once) % Q)
    return out


def add(*elements):
    return [sum(row) % Q for row in zip(*elements)]


@functools.lru_cache(maxsize=4)
def uniform(seed):
    rows = []
    for k, p in enumerate(PRIMES):
        stream = chacha20(seed, k, 8 * N + 2048)
        drawn = [int.from_bytes(stream[i:i + 8], "little") % 2**53 for i in range(0, len(stream), 8)]
        rows.append([v for v in drawn if v < p][:N])
    return crt(rows)


def ternary(key, chunk):
    digits = []
    for byte in chacha20(key, chunk, 4096):
        if byte < 243:
            digits += [byte // 3**i % 3 - 1 for i in range(5)]
    return digits[:N]


def errors(key, chunk):
    stream = chacha20(key, chunk, 8 * N)
    words = [int.from_bytes(stream[i:i + 8], "little") for i in range(0, 8 * N, 8)]
    return [bin(w % 2**21).count("1") - bin(w >> 21 & 2**21 - 1).count("1") for w in words]


def secret(seed):
    """s and e of a helper's chain."""
    key = H(seed, "fl1.he.key")
    return ternary(key, 0), errors(key, 1)


def public(seed, a):
    s, e = secret(seed)
    return [(y - x) % Q for x, y in zip(times(a, s), e)]


def encrypt(a, b, seed, index, values, bits, slots):
    u, e0, e1 = ternary(seed, 4 * index), errors(seed, 4 * index + 1), errors(seed, 4 * index + 2)
    t = 2 ** (bits * slots)
    values = list(values) + [0] * (N * slots - len(values))
    m = [sum(values[i * slots + j] << (bits * j) for j in range(slots)) % t for i in range(N)]
    scaled = [(2 * Q * x + t) // (2 * t) for x in m]
    return add(times(b, u), e0, scaled), add(times(a, u), e1)


def noise(sites, helpers):
    """ceil(9.6 * 3.24 * sqrt(S (1 + 4 N K / 3)))"""
    square = 31104**2 * sites * (3 + 4 * N * helpers)
    c = math.isqrt(square // 3000000)
    while 3000000 * c * c < square:
        c += 1
    return c


def smudging(seed, index, ct, lam):
    stream = b"".join(chacha20(seed, index << 20 | i, 65536) for i in range(3))
    words = [int.from_bytes(stream[i:i + 4], "little") for i in range(0, len(stream), 4)]
    out, at = [], 0
    for _ in range(N):
        low = sum(words[at + i] << (32 * i) for i in range(4)) % 2 ** (lam + 1)
        at += 4
        while words[at] * ct % 2**32 < 2**32 % ct:
            at += 1
        out.append((words[at] * ct >> 32 << (lam + 1)) + low - (ct << lam))
        at += 1
    return out


def share(seed, c1, smudge, index, ct, lam):
    return add(times(c1, secret(seed)[0]), smudging(smudge, index, ct, lam))


def opened(v, bits, slots, count):
    t, out = 2 ** (bits * slots), []
    for x in v:
        m = (2 * t * x + Q) // (2 * Q) % t
        for _ in range(slots):
            digit = (m + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
            out.append(digit)
            m = (m - digit) >> bits
    return out[:count]


def seed(what, number):
    return H(None, what, number.to_bytes(8, "little"))


def a_round(sites, helpers, bits, slots, lam):
    """What it is made of, with values that fill all lanes."""
    a = uniform(seed("a", 1))
    bs = [public(seed("helper", h), a) for h in range(helpers)]
    b = add(*bs)
    count, top = N * slots - 5, 2 ** (bits - 1)
    texts, sums = [], [0] * count
    for s in range(sites):
        values = [(i * 2654435761 + s * 40503) % (2 * top // sites) - top // sites
                  for i in range(count)]
        sums = [x + y for x, y in zip(sums, values)]
        texts.append(encrypt(a, b, seed("site", s), s % 3, values, bits, slots))
    ct = noise(sites, helpers)
    c1 = add(*(t[1] for t in texts))
    shares = [share(seed("helper", h), c1, seed("smudge", h), 7, ct, lam) for h in range(helpers)]
    v = add(*(t[0] for t in texts), *shares)
    return {"a": a, "b": bs[0], "c0": texts[1][0], "c1": texts[1][1], "share": shares[0], "v": v}, sums


def main(args):
    if args == ["self"]:
        assert chacha20(bytes(32), 0, 96)[60:72].hex() == "b2ee65869f07e7be5551387a"
        for shape in ((3, 2, 32, 4, 58), (2, 1, 16, 8, 57)):
            made, want = a_round(*shape)
            assert opened(made["v"], shape[2], shape[3], len(want)) == want
    elif args == ["vectors"]:
        made, want = a_round(3, 2, 32, 4, 58)
        for name in ("a", "b", "c0", "c1", "share"):
            print(name, H(None, "test", packed(made[name])).hex())
        print("sums", H(None, "test", b"".join(x.to_bytes(8, "little", signed=True) for x in want)).hex())
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
