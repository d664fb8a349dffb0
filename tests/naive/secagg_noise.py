"""Noise of helpers a second time, from the section NOISE of fl-protocol(7): for secagg.py.

Square roots and logarithms are decimal numbers of 120 digits, the bound one fraction after the other;
nothing is taken from lib/priv. What a helper draws is its own affair: here as fl draws it, down to where
it looks at more bits.
"""
import math
import struct
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction

PIECE, BATCH, BUFFER = 2520, 512, 65536
STEPS = [math.exp(-k * k / 2) for k in range(17)]
SURE = 512
EDGES = [sum(STEPS[:k + 1]) / sum(STEPS) * 2**32 for k in range(6)]   # k is above that one


def canonical(y):
    """Items of a roster's canonical form, from its YAML."""
    noise, budget = y.get("noise", "none"), y.get("budget", {})
    if noise == "none":
        return {"noise": "none"}
    (kind, terms), = noise.items()

    def text(v):
        return f"{Decimal(str(v)).normalize():f}"
    out = {"noise": kind, "budget.accountant": budget.get("accountant", "rdp"),
           "budget.epsilon": text(budget["epsilon"]), "budget.delta": text(budget["delta"])}
    for k, v in terms.items():
        out[f"noise.{kind}.{k}"] = v if k == "steps" else text(v)
    return out


def exact(x):
    return Decimal(x.numerator) / Decimal(x.denominator)


def bound(c, d):
    """floor(min(c^2 + D/4 + c + sqrt(D)/2, (c + sqrt(D))^2))"""
    with localcontext() as ctx:
        ctx.prec = 120
        c, root = exact(c), Decimal(d).sqrt()
        least = min(c * c + Decimal(d) / 4 + c + root / 2, (c + root)**2)
        return int(least.to_integral_value(ROUND_FLOOR))


def reach(sigma, m, d):
    """T: ceil(sqrt(2 m sigma^2 ln(2^41 d)))"""
    with localcontext() as ctx:
        ctx.prec = 60
        return int((2 * m * sigma**2 * (Decimal(2)**41 * d).ln()).sqrt().to_integral_value(ROUND_CEILING))


class Noise:
    """Of a plan whose rules have the scales without it; they have those with it afterwards."""
    def __init__(self, plan):
        meta = plan.roster.meta
        self.n, self.m = plan.roster.n, plan.roster.m
        self.clip, z = (Fraction(meta["noise.site." + k]) for k in ("clip", "multiplier"))
        self.rules = [r for r in plan.roster.rules if r.protect == "mask"]
        self.d = {r: sum(plan.count(t) for t, of in plan.rules.items() if of is r) for r in self.rules}
        total, wrong = sum(self.d.values()), True
        while wrong:
            finest = max(r.scale for r in self.rules)
            self.r = {r: int(finest / r.scale) for r in self.rules}
            self.b2 = bound(self.clip * Fraction(finest), sum(self.d[r] * self.r[r]**2 for r in self.rules))
            square = z**2 * self.b2
            self.sigma = math.isqrt(math.ceil(square) - 1) + 1
            assert self.sigma**2 >= square > (self.sigma - 1)**2
            self.of = {r: -(-self.sigma // self.r[r]) for r in self.rules}
            self.reach = {r: reach(self.of[r], self.m, total) for r in self.rules}
            wrong = [r for r in self.rules
                     if self.n * math.ceil(Fraction(r.clip) * Fraction(r.scale)) + self.reach[r]
                     > 2**(r.bits - 1) - 1]
            for r in wrong:
                r.scale /= 2

    def encode(self, plan, tensors, round_even, chance):
        """The integers of an update; CHANCE(attempt, tensor, n) gives n bits of 64, where one is needed."""
        def cut(rule, u):
            return 0.0 if math.isnan(u) else min(max(u, -rule.clip), rule.clip)
        values = {t: [cut(rule, u) for u in struct.unpack(f"<{plan.count(t)}f", tensors[t][2])]
                  for t, rule in plan.rules.items()}
        square = 0.0
        for v in values.values():
            for at in range(0, len(v), 8192):
                chunk = 0.0
                for u in v[at:at + 8192]:
                    chunk += u * u
                square += chunk
        norm = math.sqrt(square)
        f = min(1.0, float(self.clip) * (1 - 2.0**-40) / norm) if norm else 1.0
        v = {t: [f * u * rule.scale for u in values[t]] for t, rule in plan.rules.items()}
        for attempt in range(65):
            if attempt == 0:
                out = {t: [round_even(Fraction(x)) for x in v[t]] for t in v}
            else:
                out = {t: [math.floor(x) + ((drawn >> 11) * 2.0**-53 < x - math.floor(x))
                           for x, drawn in zip(v[t], chance(attempt, i, len(v[t])))] for i, t in enumerate(v)}
            if sum(self.r[plan.rules[t]]**2 * x * x for t in out for x in out[t]) <= self.b2:
                return out
        raise AssertionError("towards zero: not made here")

    def length(self, sites):
        """sum.noise, as doubles give it."""
        square = 0.0
        for r in self.rules:
            sigma = self.of[r] / r.scale
            square += self.d[r] * sigma * sigma
        clip = float(self.clip)
        return math.sqrt(square * self.m) / sites / clip * clip

    def subtract(self, plan, out, spans, key, chunk_words, chacha20):
        """From the words OUT of an answer, chunk by chunk."""
        for name, first, end in spans:
            if name is None:
                break
            rule, left, word = plan.rules[name], plan.count(name), first
            while word < end:
                if word % chunk_words == 0 or word == 0:
                    draws = Draws(key, word // chunk_words, chacha20)
                stop = min(end, (word // chunk_words + 1) * chunk_words)
                n = min(left, (stop - word) * rule.lanes)
                x = [v for at in range(0, n, PIECE) for v in draws.fill(self.of[rule], min(PIECE, n - at))]
                mask = (1 << rule.bits) - 1
                for k, v in enumerate(x):
                    i, shift = word + k // rule.lanes, k % rule.lanes * rule.bits
                    lane = (out[i] >> shift) - v & mask
                    out[i] = out[i] & ~(mask << shift) | lane << shift
                left, word = left - n, stop


def near(k, j, sigma):
    """exp(-k j / sigma - j^2 / 2 sigma^2) in 2^-31 and about: where the doubt begins is in these bits."""
    def high(a, b):
        return a * b >> 32
    shift = 32 - sigma.bit_length()
    t = (j << shift) * ((2**63 - 1) // (sigma << shift)) >> 31
    y = high(k * (t >> 3) + (t * t >> 36), 3098164009)
    f = y << 4 & 2**32 - 1
    h = 0x53b871 - high(f, 0x7346c)
    for c in (0x273fae0, 0xe34be42, 0x3d7f5dde, 0xb1721670):
        h = c - high(f, h)
    return (0x80000000 - (high(f, h) >> 1)) >> (y >> 28)


class Draws:
    """Discrete Gaussians from one chunk's stream."""
    def __init__(self, key, chunk, chacha20):
        self.key, self.chunk, self.chacha20, self.block, self.bytes = key, chunk, chacha20, 0, b""

    def words(self, n):
        while len(self.bytes) < 4 * n:   # as much of a buffer as is needed, since this is slow
            self.bytes += self.chacha20(self.key, self.chunk << 20 | self.block, BUFFER)
            self.block += 1
        got, self.bytes = self.bytes[:4 * n], self.bytes[4 * n:]
        return struct.unpack(f"<{n}I", got)

    def below(self, coin, k, j, sigma):
        """A coin whose first 31 bits are at hand, to 256: below exp(-g)?"""
        drawn = self.words(8)
        u = coin << 1 | drawn[0] & 1
        for w in drawn[1:]:
            u = u << 32 | w
        with localcontext() as ctx:
            ctx.prec = 120
            g = Decimal(2 * k * j * sigma + j * j) / (2 * sigma * sigma)
            return u < (-g).exp() * Decimal(2)**256

    def fill(self, sigma, count):
        """Candidates come in batches; more bits are drawn where 31 come near exp(-g), as near() has it."""
        out = []
        while len(out) < count:
            n = min(BATCH, (count - len(out)) * 3 // 2 + 8)
            for k_bits, j_bits, coin in zip(self.words(n), self.words(n), self.words(n)):
                if len(out) == count:
                    break
                assert min(abs(k_bits - e) for e in EDGES) > 1 and k_bits < 2**32 - 1, "once in 2^28"
                k = sum(k_bits > e for e in EDGES)
                j, low = divmod(j_bits * sigma, 2**32)
                coin, sign, p = coin >> 1, coin & 1, near(k, j, sigma)
                if low < 2**32 % sigma or (sign and k == j == 0):
                    continue
                if p - SURE <= coin < p + SURE:
                    self.words(1)   # the bits of k that were not needed
                    taken = self.below(coin, k, j, sigma)
                else:
                    taken = coin < p
                if taken:
                    out.append(-(k * sigma + j) if sign else k * sigma + j)
        return out
