#!/usr/bin/env python3
"""The protocol of fl-protocol(7) a second time, from its text and slowly, to compare bytes with.

    secagg.py self                               published vectors of what is implemented here
    secagg.py vectors                            the values that the unit tests hold as constants
    secagg.py make DIR SEED                      model.flt and updates u0.flt .. u4.flt of sites a .. e;
                                                 one tensor of all but u1 is beyond every clip
    secagg.py roster ROSTER WORDS                are these the fingerprint's words?
    secagg.py plan ROSTER PLAN HUBKEY MODEL KEY=VALUE...
                                                 is the plan this one, signed, byte for byte? Values are
                                                 JSON, bHEX or text; "last" is the hexadecimal tensor
    secagg.py upload ROSTER PLAN INDEX CTR PREV UPDATE UPLOAD KEY... NEWKEY
                                                 is this the upload of site INDEX, byte for byte? The KEYs
                                                 are of before the roster was accepted, its own among them,
                                                 NEWKEY its own after; PREV is a file or "none", UPDATE
                                                 may be "zero". A site that is a helper gives its state of
                                                 before too, as one of the KEYs; so does any under noise
    secagg.py request PLAN REQUEST HUBKEY UPLOAD...
                                                 is it the request for these uploads, byte for byte?
    secagg.py answer PLAN REQUEST CTR PREV ANSWER KEY... NEWKEY
                                                 the same of a helper's answer to it
    secagg.py ready PLAN REQUEST READY KEY BAD...   and of whether it is ready; BAD are names of sites
    secagg.py sum PLAN SUM UPLOAD...             and of the sum of uploads, still masked
    secagg.py mean PLAN MEAN UPDATE...           is MEAN the mean of the encoded updates, to the bit?
    secagg.py opened PLAN MEAN SUM ANSWER...     is it what the files make, byte for byte?
    secagg.py noise PLAN INDEX UPDATE UPLOAD...  do the uploads, and the sum of them, look like noise?
    secagg.py forge IN OUT KEY INDEX CHANGE...   change an upload and sign it again: tag=J flips that tag,
                                                 word=TENSOR:I:XOR, signer=I, meta keys as KEY=bHEX|iN|tTEXT
    secagg.py digest FILE                        of its one object

Needs python3-xxhash, for the check values of the stream.
"""
import hashlib
import json
import math
import pathlib
import random
import struct
import sys
from fractions import Fraction

tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(tests / "vectors"), str(tests / "cli"), str(tests / "naive")]
import make  # noqa: E402
import secagg_he  # noqa: E402
import secagg_noise  # noqa: E402
from make import DTYPES, Object, ed25519  # noqa: E402
from rlwe import chacha20  # noqa: E402
from updates import Body, read  # noqa: E402

HUB = 0xFFFFFFFF
CHUNK = 8192
WEIGHT = "sum.weight"
SHAPES = [("embed", [40, 7]), ("layer.weight", [301]), ("none", [0, 3]), ("scale", []), ("large", [9001])]
WORDS = dict(f64=1, f32=2, f16=3, bf16=4)


class Empty(tuple):
    """A list without values, of a kind that cannot be seen: 5 whole numbers, 6 floats, 7 texts."""
    kind = 7


class NoNumbers(Empty):
    kind = 5


plain_item = make.item
make.item = lambda key, value: plain_item(key, value) if value != () else \
    make.sized("H", key.encode()) + struct.pack("<BI", getattr(value, "kind", 7), 0)


def H(key, label, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=key or b"",
                           person=label.encode()).digest()


def le16(v):
    return struct.pack("<H", v)


def le32(v):
    return struct.pack("<I", v)


def le64(v):
    return struct.pack("<Q", v)


def x25519(scalar, point):
    """RFC 7748, section 5: the ladder, nothing else."""
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | 1 << 254
    u = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
        e = aa - bb
        x3, z3 = (da + cb)**2 % p, u * (da - cb)**2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def public(secret):
    return x25519(secret, bytes([9]) + bytes(31))


def self_test():
    a = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    b = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    assert public(a).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert x25519(a, public(b)) == x25519(b, public(a)) == bytes.fromhex(
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert chacha20(bytes(32), 0, 96)[60:72].hex() == "b2ee65869f07e7be5551387a"
    assert chacha20(bytes(32), 2 << 56, 8).hex() == "c2c64d378cd53637"
    assert round_even(Fraction(5, 2)) == 2 and round_even(Fraction(-7, 2)) == -4
    assert scale(3, 8, 1.0) == 32 and scale(128, 8, 1.0) == 0 and scale(3, 16, 0.2) == 2.0**15
    y = yaml('federation: x\nweights: {rule: loss, floor: 0.5, hide: true}\nhelpers: [a, "b c"]\n'
             'tensors:  # rules\n  - {match: "*", bits: 8}\nhub: fl1 hub 1 00\napply:\n  rule: sgd\n')
    assert y == {"federation": "x", "weights": {"rule": "loss", "floor": 0.5, "hide": True},
                 "helpers": ["a", "b c"], "tensors": [{"match": "*", "bits": 8}], "hub": "fl1 hub 1 00",
                 "apply": {"rule": "sgd"}}, y


# ---- people and their agreement ----

def vault(path):
    """The lines of a file of secrets, its check value compared."""
    text = open(path, "rb").read()
    lines = [line.split(" ") for line in text.decode().splitlines()]
    assert lines[-1] == ["check", H(None, "fl1.vault", text[:text.rindex(b"check ")]).hex()]
    return lines


def key_file(path):
    lines = vault(path)
    assert lines[0] == ["fl-key-v2"]
    return {k: v if k in ("name", "epoch") else bytes.fromhex(v) for k, v, *_ in lines[1:-1]
            if k in ("name", "epoch", "sign", "dh", "hedge", "roster")}


def self_chain(path, rd, kind, row):
    """ROW of the chains of KIND, up or down, or that of noise, under the roster RD in a state; its round."""
    section, rounds = None, None
    for word, *values in vault(path)[1:-1]:
        if word == "roster":
            section = values[0]
        if word == "shape" and section == rd.hex():
            rounds = dict(up=int(values[3]), down=int(values[4]))
        if word == kind == "noise" and section == rd.hex():
            return bytes.fromhex(values[0]), rounds["down"]
        if word == kind and section == rd.hex() and int(values[0]) == row:
            return bytes.fromhex(values[1]), rounds[kind]
    raise AssertionError(f"{path}: no chain of its own")


def signature(seed, kind, rd, signer, root):
    return ed25519(seed, b"fl-sig-v1\0" + kind.encode() + b"\0" + rd + le32(signer) + root)


def public_line(key):
    ed = ed25519(key["sign"], b"")[0]
    text = f"fl1 {key['name']} {key['epoch']} {ed.hex()} {public(key['dh']).hex()}"
    root = H(None, "fl1.line", text.encode())
    return text + " " + signature(key["sign"], "line", bytes(32), 0, root)[1].hex()


def scalar(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def flow(text):
    """A value as rosters have it: {key: value, ...}, [value, ...], or one word or number."""
    def value(at):
        while text[at] == " ":
            at += 1
        if text[at] in "{[":
            end, items, at = "}]"["{[".index(text[at])], [], at + 1
            while text[at] != end:
                key = None
                if end == "}":
                    stop = text.index(":", at)
                    key, at = text[at:stop].strip(" ,"), stop + 1
                item, at = value(at)
                items.append((key, item) if key else item)
                while text[at] in " ,":
                    at += 1
            return (dict(items) if end == "}" else items), at + 1
        stop = text.index('"', at + 1) + 1 if text[at] == '"' else at
        while stop < len(text) and text[stop] not in ",]}":
            stop += 1
        return scalar(text[at:stop].strip()), stop
    return value(0)[0]


def yaml(text):
    """As much of YAML as rosters use: keys with values in a line, or with lines of a list or mapping."""
    top, inner = {}, None
    for line in text.splitlines():
        body = line.split(" #")[0].rstrip()
        if not body.strip():
            continue
        item = body.strip()
        if item.startswith("- "):
            if not isinstance(top[inner], list):
                top[inner] = []
            top[inner].append(flow(item[2:]) if item[2] in "{[" else scalar(item[2:].strip()))
            continue
        key, _, value = item.partition(":")
        value = value.strip()
        if line[0] == " ":
            if not isinstance(top[inner], dict):
                top[inner] = {}
            top[inner][key] = scalar(value)
        else:
            inner = key
            top[key] = flow(value) if value[:1] in ("{", "[") else scalar(value)
    return top


FLOATS = ("lr", "min_lr", "weight_decay", "beta1", "beta2", "clip", "dp_clip", "dp_noise",
          "dp_rate")   # of a recipe


def canonical(y):
    """Canonical bytes of a roster that was read from YAML."""
    names = y["sites"]
    apply, weights, rules = y.get("apply", {}), y.get("weights", {}), y["tensors"]
    return make.metadata({
        "federation": y["federation"], "epoch": int(y["epoch"]),
        "first_round": int(y.get("first_round", 0)), "psk": int(y.get("psk", False)),
        "model": bytes.fromhex(str(y["model"])),
        "apply.rule": apply.get("rule", "sgd"), "apply.lr": float(apply.get("lr", 1)),
        "apply.momentum": float(apply.get("momentum", 0)),
        "sites": tuple(names), "hub": y["hub"], "protection": y.get("protection", "pairwise"),
        "helpers": tuple(y.get("helpers", ())), "replay": tuple(y.get("replay", ())),
        "min_sum": y.get("min_sum", len(names)),
        "weights.rule": weights.get("rule", "uniform"), "weights.floor": float(weights.get("floor", 1)),
        "weights.cap": float(weights.get("cap", 1)), "weights.alpha": float(weights.get("alpha", 0.5)),
        "weights.tokens": float(weights.get("tokens", 1e6)),
        "weights.mbit": float(weights.get("mbit", 100)), "weights.unit": float(weights.get("unit", 1000)),
        "weights.hide": int(weights.get("hide", False)),
        "tensors.match": tuple(r["match"] for r in rules),
        "tensors.protect": tuple(r["protect"] for r in rules),
        "tensors.bits": tuple(int(r.get("bits", 0)) for r in rules),
        "tensors.clip": tuple(float(r.get("clip", 0)) for r in rules),
        "steps": float(y.get("steps", 64)), "move": float(y.get("move", 1 / 64)),
        **secagg_noise.canonical(y), **{k: tuple(y[k]) for k in ("he",) if y.get(k)},
        "max_open": y.get("max_open", 4), "max_skip": y.get("max_skip", 1024),
        "max_age": y.get("max_age", 1000), **{k: y[k] for k in ("delay", "stale") if y.get(k)},
        **{"recipe." + k: float(v) if k in FLOATS else int(v) if isinstance(v, bool) else v
           for k, v in y.get("recipe", {}).items() if v is not False}})


def roster_digest(data):
    return H(None, "fl1.roster", le64(len(data)), data)


def words(rd):
    h = H(None, "fl1.words", rd)
    return " ".join(
        "".join(("bdfghjklmnprstvz", "aiou")[i % 2][v >> s & (15, 3)[i % 2]]
                for i, s in enumerate((12, 10, 6, 4, 0)))
        for v in struct.unpack(">12H", h[:24]))


def scale(n, bits, clip):
    """The largest power of two with which no sum of N sites wraps; by trying them all, exactly."""
    for e in range(80, -61, -1):
        if n * math.ceil(Fraction(clip) * Fraction(2)**e) <= 2**(bits - 1) - 1:
            return 2.0**e
    return 0


def glob(pattern, name):
    """`*` and `?` only."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(glob(pattern[1:], name[i:]) for i in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and glob(pattern[1:], name[1:])


class Rule:
    def __init__(self, n, match, protect, bits, clip):
        self.match, self.protect, self.bits, self.clip = match, protect, bits, clip
        if bits:
            self.lanes, self.scale = 64 // bits, scale(n, bits, clip)


class Roster:
    """From its canonical bytes."""
    def __init__(self, data):
        self.data, self.rd, m = data, roster_digest(data), Body(data).metadata()
        assert make.metadata(m) == data
        self.meta, self.n = m, len(m["sites"])
        self.lines = [line.split() for line in m["sites"]]
        self.helpers = []
        for h in m["helpers"]:
            names = [line[1] for line in self.lines]
            self.helpers.append(names.index(h) if h in names else len(self.lines))
            if " " in h:
                self.lines.append(h.split())
        self.m, self.helped = len(self.helpers), m["protection"] == "helpers"
        self.rules = [Rule(self.n, *r) for r in zip(*(m["tensors." + k] for k in
                                                      ("match", "protect", "bits", "clip")))]

    def name(self, party):
        return self.lines[party][1]

    def x(self, party):
        return bytes.fromhex(self.lines[party][4])

    def rule(self, name):
        return next((r for r in self.rules if glob(r.match, name)), None)


def roster(path):
    """Of a file that people wrote."""
    return Roster(canonical(yaml(open(path).read())))


# ---- keys ----

def chain_root(helpers, secret, peer, rd, a, b, x_a, x_b, psk=None):
    label = ("fl1.h" if helpers else "fl1.") + ("rootpsk" if psk else "root")
    return H(psk, label, x25519(secret, peer), rd, le32(a), le32(b), x_a, x_b)


def chain_to(helpers, ck, rd, at, r):
    """CK of round AT at round R."""
    for k in range(at, r):
        ck = H(ck, "fl1.hstep" if helpers else "fl1.step", rd, le64(k + 1))
    return ck


def round_keys(helpers, ck, r, sid, a, b, nonce=b""):
    """Of the chain at round R: key of the mask, and the tag."""
    h = "fl1.h" if helpers else "fl1."
    k = H(H(ck, "fl1.hk" if helpers else "fl1.rk", le64(r)), h + "pair", sid, le32(a), le32(b))
    where = sid + le32(a) + le32(b) + nonce
    return H(k, h + "mask", where), H(k, h + "tag", where)


def set_digest(sid, members):
    """MEMBERS: (site, digest of its upload), ascending."""
    return H(None, "fl1.set", sid, le32(len(members)), *(le32(i) + d for i, d in members))


def leaves(payload):
    return b"".join(make.blake(b"fl1.leaf", payload[i:i + (1 << 20)])
                    for i in range(0, len(payload), 1 << 20))


def params(tensors):
    """Digest of the numbers of a model, as read() gives it."""
    schema, payloads = b"", b""
    for name, (dtype, dims, payload, _) in tensors.items():
        if "f" in dtype:
            schema += make.sized("H", name.encode()) + struct.pack("<HB", DTYPES[dtype][0], len(dims)) \
                + b"".join(map(le64, dims))
            payloads += leaves(payload)
    return H(None, "fl1.params", H(None, "fl1.schema", schema), H(None, "fl1.payload", payloads))


# ---- a round ----

def round_even(v):
    """The nearest whole number, ties to even, of an exact value."""
    below = math.floor(v)
    up = v - below
    return below + (up > Fraction(1, 2) or (up == Fraction(1, 2) and below % 2))


def weight(policy, update, mbit=None):
    """What a site counts under the roster's rule, and that as Q times 2^40."""
    rule, nan = policy["weights.rule"], math.nan
    number = {k: float(update[k]) if isinstance(update.get(k), (int, float)) else nan
              for k in ("examples", "loss.first", "tokens")}
    speed = ((mbit or policy["weights.mbit"]) / policy["weights.mbit"])**policy["weights.alpha"]
    tokens = number["tokens"] / policy["weights.tokens"] * speed
    raw = {"uniform": 1.0, "examples": number["examples"] / policy["weights.unit"],
           "loss": number["loss.first"],
           "dynamic": number["loss.first"] / tokens if tokens else nan}[rule]
    floor, cap = policy["weights.floor"], policy["weights.cap"]
    w = min(raw, cap) if raw >= floor else floor
    return raw, round_even(Fraction(w / cap) * 2**40)


def encode(rule, q, values):
    """clip(u) * (q * scale) to nearest: the product in one double, as q * scale is exact."""
    factor, out = q * (rule.scale / 2**40), []
    for u in values:
        u = 0.0 if math.isnan(u) else min(max(u, -rule.clip), rule.clip)
        out.append(round_even(Fraction(u * factor)))
    return out


def pack_lanes(bits, integers):
    lanes, mask = 64 // bits, (1 << bits) - 1
    return [sum((v & mask) << (bits * k) for k, v in enumerate(integers[i:i + lanes]))
            for i in range(0, len(integers), lanes)]


def unpack_lanes(bits, words, n):
    lanes, out = 64 // bits, []
    for w in words:
        out += [(w >> bits * k & (1 << bits) - 1) for k in range(lanes)]
        assert w >> bits * lanes == 0
    assert not any(out[n:])
    return [v - (1 << bits) if v >> bits - 1 else v for v in out[:n]]


class Plan:
    def __init__(self, path):
        kind, self.meta, tensors = read(path)
        assert kind == "plan" and list(tensors)[:2] == ["roster", "last"]
        assert all(t.startswith("he.") for t in list(tensors)[2:])  # keys of encryption
        self.roster = Roster(tensors["roster"][2])
        self.rd, m = self.roster.rd, self.meta
        self.object = digest(path)
        self.sid = H(None, "fl1.sid", self.rd, self.object)
        self.shapes, self.rules, at = {}, {}, 0
        for name, trained in zip(m["tensors.names"], m["tensors.trained"]):
            rank = m["tensors.shapes"][at]
            shape, at = list(m["tensors.shapes"][at + 1:at + 1 + rank]), at + 1 + rank
            rule = self.roster.rule(name)
            if trained and rule.protect != "frozen":
                self.shapes[name], self.rules[name] = shape, rule
        self.noise = secagg_noise.Noise(self) if self.roster.meta["noise"] == "site" else None
        self.keys = [tensors["he." + self.roster.name(h)][2] for h in self.roster.helpers if len(tensors) > 2]
        self.he = secagg_he.Layout(self) if self.keys else None
        self.he_round = m["round"] - self.roster.meta["first_round"]

    def count(self, name):
        return math.prod(self.shapes[name])

    def order(self):
        """Tensors as they stand in an upload; None is the weight's."""
        masked, plain = ([t for t in self.rules if self.rules[t].protect == p] for p in ("mask", "plain"))
        return masked + [None] + plain

    def session(self):
        return {"roster": self.rd, "sid": self.sid, "round": self.meta["round"]}

    def encode(self, path, hidden=None):
        """
        The integers of every tensor of an update, and its q times 2^40; "zero" at the floor. HIDDEN: of the
        site's state, for rounding by chance under noise.
        """
        if path == "zero":
            return {t: [0] * self.count(t) for t in self.rules}, weight(self.roster.meta, {})[1]
        _, meta, tensors = read(path)
        q = weight(self.roster.meta, meta)[1]
        if self.noise:
            def chance(attempt, tensor, n):
                key = H(hidden, "fl1.rounding", H(hidden, "fl1.input", params(tensors)))
                key, got = H(key, "fl1.bounded", le32(attempt)), []
                for at in range(0, n, 8192):
                    m = min(8192, n - at)
                    got += struct.unpack(f"<{m}Q", chacha20(key, tensor << 40 | at // 8192, 8 * m))
                return got
            return self.noise.encode(self, tensors, round_even, chance), q
        return {t: encode(self.rules[t], q, struct.unpack(f"<{self.count(t)}f", tensors[t][2]))
                for t in self.rules}, q

    def words(self, integers, q):
        """Words in the order of an upload, in a row; and where each tensor lies: name, first, end."""
        out, spans = [], []
        for name in self.order():
            first = len(out)
            out += [q] if name is None else pack_lanes(self.rules[name].bits, integers[name])
            spans.append((name, first, len(out)))
        return out, spans

    def bits(self, spans):
        """Of the lanes of each word that is masked."""
        return [64 if name is None else self.rules[name].bits for name, first, end in spans
                for _ in range(first, end) if name is None or self.rules[name].protect == "mask"]

    def add_mask(self, out, bits, key, sign):
        for at in range(0, len(bits), CHUNK):
            n = min(CHUNK, len(bits) - at)
            for i, m in enumerate(struct.unpack(f"<{n}Q", chacha20(key, at // CHUNK, 8 * n)), at):
                out[i] = add_words(out[i], m, bits[i], sign)

    def write(self, o, out, spans, masked_only=False, ciphers=None):
        """The tensors of an upload, an answer or a sum; CIPHERS: the elements of its last, if any."""
        for name, first, end in spans:
            masked = name is None or self.rules[name].protect == "mask"
            if masked or not masked_only:
                o.tensor(name or WEIGHT, "u64", [end - first], out[first:end], role=int(masked),
                         attributes={"lane.bits": 64 if name is None else self.rules[name].bits,
                                     "lane.count": 1 if name is None else self.count(name)})
        if self.he:
            self.he.tensor(o, secagg_he.TENSOR, ciphers)
        return o.done()

    def zeros(self):
        return self.words({t: [0] * self.count(t) for t in self.rules}, 0)


def add_words(a, b, bits, sign):
    """In every lane, one after the other."""
    out, mask = 0, (1 << bits) - 1
    for s in range(0, 64 // bits * bits, bits):
        out |= ((a >> s & mask) + sign * (b >> s & mask) & mask) << s
    return out


def chain_of(roster, a, b, own, keys, states, kind, psk=None):
    """CK of parties A and B, and its round; of one with itself, as its state has it for KIND."""
    if a == b:
        return self_chain(states[0], roster.rd, kind, roster.helpers.index(b) if kind == "up" else a)
    peer = b if a == own else a
    return chain_root(roster.helped, keys[roster.name(own)]["dh"], roster.x(peer), roster.rd, a, b,
                      roster.x(a), roster.x(b), psk), roster.meta["first_round"]


def upload(plan, index, ctr, prev, update, nonce, keys, states, new_key, ledger={}, seed=None):
    """The upload of site INDEX, with this nonce where there are helpers, and what it says of its LEDGER; SEED
    is that of ciphertexts, if there are any."""
    r, rd, roster = plan.meta["round"], plan.rd, plan.roster
    hidden = [bytes.fromhex(v[0]) for w, *v in vault(states[0])[1:-1] if w == "hidden"][0] if states else None
    integers, q = plan.encode(update, hidden)
    out, spans = plan.words(integers, q)
    bits, tags = plan.bits(spans), b""
    for peer in roster.helpers if roster.helped else range(roster.n):
        if peer == index and not roster.helped:
            continue
        a, b = (index, peer) if roster.helped else sorted((index, peer))
        ck, at = chain_of(roster, a, b, index, keys, states, "up")
        key, tag = round_keys(roster.helped, chain_to(roster.helped, ck, rd, at, r), r, plan.sid, a, b,
                              nonce)
        tags += tag
        plan.add_mask(out, bits, key, 1 if roster.helped or index < peer else -1)
    meta = dict(plan.session(), base=plan.meta["base"], params=plan.meta["params"], ctr=ctr, prev=prev,
                next=public_line(new_key), site=roster.name(index), tags=tags, **ledger)
    meta["base.round"], meta["site.index"] = plan.meta["base.round"], index
    if roster.helped:
        meta["nonce"] = nonce
    first, c0 = b"", None
    if plan.he:
        c0, c1 = secagg_he.encrypt(plan, plan.keys, integers, seed)
        second = Object("cipher", dict(plan.session(), **{k: meta[k] for k in ("site", "site.index")}))
        first = plan.he.tensor(second, secagg_he.C1, c1).done().data
        meta["cipher"] = second.digest
    o = plan.write(Object("masked", meta), out, spans, ciphers=c0)
    o.sign(index, roster.name(index), new_key["sign"], rd)
    o.data = first + o.data
    return o


class Upload:
    """One that was made: what a request shows of it, and its words."""
    def __init__(self, path):
        data = open(path, "rb").read()
        if read(data)[0] == "cipher":   # of two objects the second
            self.c1 = read(data)[2][secagg_he.C1][2]
            data = data[data.index(data[:8], 8):]
        self.kind, self.meta, self.tensors = read(data)
        size = struct.unpack_from("<Q", data, 8)[0]
        self.head = data[64:64 + size]
        self.payload = H(None, "fl1.payload", *(leaves(t[2]) for t in self.tensors.values()))
        self.digest, at = digest(data), data.rindex(b"SIGN")
        size = struct.unpack_from("<Q", data, at + 8)[0]
        self.sign = data[at + 64 + size - 64:at + 64 + size]


def members(uploads):
    return sorted((u.meta["site.index"], u.digest) for u in uploads)


def request(plan, uploads, hub):
    uploads = sorted(uploads, key=lambda u: u.meta["site.index"])
    meta = dict(plan.session(), params=plan.meta["params"], count=len(uploads),
                set=set_digest(plan.sid, members(uploads)))
    heads = b"".join(le32(len(u.head)) + u.head for u in uploads)
    o = Object("request", meta)
    o.tensor("sites", "u32", [len(uploads)], [u.meta["site.index"] for u in uploads])
    o.tensor("heads", "u8", [len(heads)], heads)
    o.tensor("payloads", "u8", [32 * len(uploads)], b"".join(u.payload for u in uploads))
    o.tensor("signs", "u8", [64 * len(uploads)], b"".join(u.sign for u in uploads))
    return o.done().sign(HUB, hub["name"], hub["sign"], plan.rd)


def shown(path):
    """Set and (site, nonce) of each upload that a request shows."""
    kind, meta, tensors = read(path)
    heads, at, out = tensors["heads"][2], 0, []
    for _ in range(meta["count"]):
        size = struct.unpack_from("<I", heads, at)[0]
        b = Body(heads[at + 4:at + 4 + size])
        b.get("I"), b.take(b.get("H"))
        m = b.metadata()
        out.append((m["site.index"], m["nonce"]))
        at += 4 + size
    return meta["set"], out


def answer(plan, path, party, ctr, prev, keys, states, new_key, rk=None, c1s=()):
    """The answer of helper PARTY to a request; RK is its round key of encryption, C1S what the uploads' sites
    sent."""
    r, rd, roster = plan.meta["round"], plan.rd, plan.roster
    asked, uploads = shown(path)
    out, spans = plan.zeros()
    bits = plan.bits(spans)
    for site, nonce in uploads:
        ck, at = chain_of(roster, site, party, party, keys, states, "down")
        key, _ = round_keys(True, chain_to(True, ck, rd, at, r), r, plan.sid, site, party, nonce)
        plan.add_mask(out, bits, key, 1)
    if plan.noise:
        dn, at = self_chain(states[0], roster.rd, "noise", None)
        of_round = H(chain_to(True, dn, rd, at, r), "fl1.hnoise", le64(r))
        plan.noise.subtract(plan, out, spans, H(of_round, "fl1.hnkey", plan.sid, asked), CHUNK, chacha20)
    meta = dict(plan.session(), set=asked, ctr=ctr, prev=prev, next=public_line(new_key), party=party,
                helper=roster.name(party))
    ciphers = secagg_he.shares(plan, rk, asked, [secagg_he.elements(c1) for c1 in c1s]) if plan.he else None
    o = plan.write(Object("answer", meta), out, spans, masked_only=True, ciphers=ciphers)
    return o.sign(party, roster.name(party), new_key["sign"], rd)


def ready(plan, path, party, bad, key):
    meta = dict(plan.session(), set=shown(path)[0], party=party, helper=plan.roster.name(party),
                bad=tuple(sorted(bad)) or NoNumbers())
    return Object("ready", meta).done().sign(party, plan.roster.name(party), key["sign"], plan.rd)


def counted(prefix, messages):
    spent = tuple(m.meta.get("ledger.count", 0) for m in messages)
    return {f"sum.{prefix}": b"".join(m.digest for m in messages),
            f"sum.{prefix}.ctr": tuple(m.meta["ctr"] for m in messages),
            **({f"sum.{prefix}.spent": spent} if any(spent) else {})}


def add_up(plan, uploads, answers=()):
    """Words of the uploads minus those of the answers, lane by lane."""
    out, spans = plan.zeros()
    for message, sign in [(u, 1) for u in uploads] + [(a, -1) for a in answers]:
        for name, first, end in spans:
            if name is not None and plan.rules[name].protect == "plain" and sign < 0:
                continue
            bits = 64 if name is None else plan.rules[name].bits
            for i, w in enumerate(struct.unpack(f"<{end - first}Q", message.tensors[name or WEIGHT][2])):
                out[first + i] = add_words(out[first + i], w, bits, sign)
    return out, spans


def ciphers_of(messages):
    return [secagg_he.elements(m.tensors[secagg_he.TENSOR][2]) for m in messages]


def partial(plan, uploads):
    uploads = sorted(uploads, key=lambda u: u.meta["site.index"])
    meta = dict(plan.session(), params=plan.meta["params"], set=set_digest(plan.sid, members(uploads)),
                **counted("uploads", uploads))
    meta["sum.parties"] = tuple(u.meta["site.index"] for u in uploads)
    return plan.write(Object("sum", meta), *add_up(plan, uploads),
                      ciphers=plan.he and secagg_he.add_up(ciphers_of(uploads)))


def opened(plan, uploads, answers):
    """The mean that the files make: an object of kind update, not signed."""
    roster, m = plan.roster, plan.roster.meta
    uploads = sorted(uploads, key=lambda u: u.meta["site.index"])
    answers = sorted(answers, key=lambda a: roster.helpers.index(a.meta["party"]))
    out, spans = add_up(plan, uploads, answers)
    total = [out[first] for name, first, _ in spans if name is None][0]
    meta = {"base": plan.meta["base"], "base.params": plan.meta["params"],
            "base.round": plan.meta["base.round"], "sum.round": plan.meta["round"], "sum.rule": "mean",
            "sum.set": set_digest(plan.sid, members(uploads)), "sum.sid": plan.sid,
            "sum.sites": tuple(sorted(roster.name(u.meta["site.index"]) for u in uploads)),
            "sum.weight": total / 2**40 * m["weights.cap"], "sum.weights": m["weights.rule"],
            "sum.parties": tuple(u.meta["site.index"] for u in uploads), **counted("uploads", uploads)}
    if m["weights.rule"] == "dynamic":
        meta["sum.alpha"] = m["weights.alpha"]
    if plan.noise:
        meta["sum.noise"] = plan.noise.length(len(uploads))
    if answers:
        meta.update(counted("answers", answers))
    o, at = Object("update", meta), {name: (first, end) for name, first, end in spans}
    encrypted = plan.he.opened(secagg_he.add_up(ciphers_of([*uploads, *answers]))) if plan.he else {}
    for name, rule in plan.rules.items():
        if rule.protect == "he":
            sums = encrypted.get(name, [])
        else:
            first, end = at[name]
            sums = unpack_lanes(rule.bits, out[first:end], plan.count(name))
        divisor = total * (rule.scale / 2**40)
        o.tensor(name, "f32", plan.shapes[name], struct.pack(f"<{len(sums)}f", *(x / divisor for x in sums)))
    return o.done()


# ---- commands ----

def cmd_make(folder, seed):
    folder, rng = pathlib.Path(folder), random.Random(int(seed))
    model = Object("model", {"round": 4, "arch.family": "llama"})
    for name, dims in SHAPES:
        model.tensor(name, "f32", dims, [rng.gauss(0, 1) for _ in range(math.prod(dims))])
    model.tensor("tokenizer.json", "u8", [2], b"{}").done()
    (folder / "model.flt").write_bytes(model.data)
    numbers = params(read(folder / "model.flt")[2])
    for i in range(5):
        o = Object("update", {"base": model.digest, "base.params": numbers, "base.round": 4, "site": "abcde"[i], "steps": 20,
                              "examples": (1000, 37, 411, 650, 90)[i], "tokens": 5000 + i,
                              "loss.first": 3.5 - i / 2})
        for name, dims in SHAPES:
            n = math.prod(dims)
            usual = [rng.choice((rng.gauss(0, 1e-2), 0.0, rng.uniform(-1, 1))) for _ in range(n)]
            extreme = [(1e30, -1e30)[rng.randrange(2) if i else k % 2] for k in range(n)]
            o.tensor(name, "f32", dims, usual if i == 1 else extreme if name == "layer.weight" else usual)
        (folder / f"u{i}.flt").write_bytes(o.done().data)


def cmd_roster(path, typed):
    assert words(roster(path).rd) == " ".join(open(typed).read().split()), words(roster(path).rd)


def given(value):
    """A value of a command line."""
    return bytes.fromhex(value[1:]) if value[:1] == "b" and len(value) == 65 else scalar(value)


def same(path, o):
    """PATH holds the object that was built here, to the byte."""
    data = open(path, "rb").read()
    if o.data != data:
        at = next((i for i, (a, b) in enumerate(zip(o.data, data)) if a != b), min(len(o.data), len(data)))
        sys.exit(f"{path}: differs at byte {at} of {len(o.data)}: {data[at:at + 16].hex()} where "
                 f"{o.data[at:at + 16].hex()} is right")


def cmd_plan(roster_path, path, hub, model, *values):
    people, key = roster(roster_path), key_file(hub)
    kind, model_meta, tensors = read(model)
    floats = [t for t in tensors if "f" in tensors[t][0]]
    parties = people.n + people.m
    want = {
        "base": digest(model), "params": params(tensors), "base.round": model_meta["round"], "round": 1,
        "software": Plan(path).meta["software"], "last.ctr": (0,) * parties,
        "tensors.names": tuple(floats),
        "tensors.shapes": tuple(v for t in floats for v in (len(tensors[t][1]), *tensors[t][1])),
        "tensors.dtypes": tuple(WORDS[tensors[t][0]] for t in floats), "tensors.trained": (1,) * len(floats)}
    last = bytes(32 * parties)
    for k, v in (value.split("=", 1) for value in values):
        if k == "last":
            last = bytes.fromhex(v)
        else:
            v = given(v)
            want[k] = tuple(v) if isinstance(v, list) else v
    p = Object("plan", want).tensor("roster", "u8", [len(people.data)], people.data)
    p.tensor("last", "u8", [len(last)], last).done()
    same(path, p.sign(HUB, key["name"], key["sign"], people.rd))


def digest(path):
    """Of the first object of a file, or of bytes."""
    data, at, leaf, header = path if isinstance(path, bytes) else open(path, "rb").read(), 0, b"", b""
    while True:
        tag, (_, size, payload) = data[at:at + 4], struct.unpack_from("<I2Q", data, at + 4)
        body, at = data[at + 64:at + 64 + size], at + 64 + (size + 63) // 64 * 64
        if tag == b"DONE":
            kind = kind.encode()
            return make.blake(b"fl1.obj", le64(len(kind)) + kind + make.blake(b"fl1.header", header)
                              + make.blake(b"fl1.payload", leaf))
        if tag == b"FLT1":
            kind = body[6:6 + struct.unpack_from("<H", body, 4)[0]].decode()
        header += le64(size) + body
        leaf += leaves(data[at:at + payload])
        if payload:
            at += (payload + 7) // 8 * 8 + (payload + (1 << 20) - 1 >> 20) * 8
            at += -at % 64


def before(prev):
    return bytes(32) if prev == "none" else digest(prev)


def people(paths):
    """Keys by name, and states, of files that may be either."""
    states = [p for p in paths if open(p, "rb").read(8) == b"fl-state"]
    return {k["name"]: k for k in (key_file(p) for p in paths if p not in states)}, states


def cmd_upload(roster_path, path, index, ctr, prev, update, got, *keys):
    plan, new_key = Plan(path), key_file(keys[-1])
    assert roster(roster_path).data == plan.roster.data, "canonical roster"
    says = read(got)[1]
    nonce, ledger = says.get("nonce", b""), {k: v for k, v in says.items() if k.startswith("ledger.")}
    assert nonce != bytes(32) and len(nonce) == 32 * plan.roster.helped
    same(got, upload(plan, int(index), int(ctr), before(prev), update, nonce, *people(keys[:-1]), new_key, ledger))


def cmd_request(path, got, hub, *uploads):
    same(got, request(Plan(path), [Upload(u) for u in uploads], key_file(hub)))


def cmd_answer(path, asked, ctr, prev, got, *keys):
    plan, new_key = Plan(path), key_file(keys[-1])
    party = [line[1] for line in plan.roster.lines].index(new_key["name"])
    same(got, answer(plan, asked, party, int(ctr), before(prev), *people(keys[:-1]), new_key))


def cmd_ready(path, asked, got, key, *bad):
    plan, key = Plan(path), key_file(key)
    names = [line[1] for line in plan.roster.lines]
    same(got, ready(plan, asked, names.index(key["name"]), [names.index(b) for b in bad], key))


def cmd_sum(path, got, *uploads):
    same(got, partial(Plan(path), [Upload(u) for u in uploads]))


def cmd_opened(path, mean, total, *answers):
    """The uploads are known to the sum by their digests only, so it stands for them."""
    plan, kind = Plan(path), read(total)
    meta, tensors = kind[1], kind[2]

    class Of:
        pass
    uploads = []
    for k, site in enumerate(meta["sum.parties"]):
        u = Of()
        u.digest = meta["sum.uploads"][32 * k:32 * k + 32]
        u.meta = {"site.index": site, "ctr": meta["sum.uploads.ctr"][k],
                  "ledger.count": meta["sum.uploads.spent"][k] if "sum.uploads.spent" in meta else 0}
        u.tensors = tensors if k == 0 else {n: (d, s, bytes(len(p)), a)
                                            for n, (d, s, p, a) in tensors.items()}
        uploads.append(u)
    same(mean, opened(plan, uploads, [Upload(a) for a in answers]))


def cmd_mean(path, mean, *updates):
    plan = Plan(path)
    encoded = [plan.encode(u) for u in updates]
    total = sum(q for _, q in encoded)
    _, meta, tensors = read(mean)
    assert list(tensors) == list(plan.rules)
    for name, rule in plan.rules.items():
        sums = [sum(x) for x in zip(*(e[name] for e, _ in encoded))]
        divisor = total * (rule.scale / 2**40)
        want = struct.pack(f"<{len(sums)}f", *(x / divisor for x in sums))
        assert tensors[name][2] == want, name
    assert meta["sum.weight"] == total / 2**40 * plan.roster.meta["weights.cap"], meta["sum.weight"]
    assert meta["sum.sites"] == tuple(sorted(read(u)[1]["site"] for u in updates))
    assert meta["base"] == plan.meta["base"] and meta["base.params"] == plan.meta["params"]
    # and near the mean of the clipped values: n / 2 units of the encoding, and one rounding to f32
    for name, rule in plan.rules.items():
        divisor, count = total * (rule.scale / 2**40), plan.count(name)
        rows = [struct.unpack(f"<{count}f", read(u)[2][name][2]) for u in updates]
        got = struct.unpack(f"<{count}f", tensors[name][2])
        for i in range(count):
            exact = sum(q * min(max(row[i], -rule.clip), rule.clip)
                        for (_, q), row in zip(encoded, rows)) / total
            assert abs(got[i] - exact) <= len(updates) / 2 / divisor + abs(exact) * 2**-22, \
                (name, i, got[i], exact)


def chi_square(data):
    expected = len(data) / 256
    return sum((data.count(bytes([b])) - expected)**2 / expected for b in range(256))


def cmd_noise(path, index, update, *uploads):
    plan = Plan(path)
    masked = [t or WEIGHT for t in plan.order() if t is None or plan.rules[t].protect == "mask"]
    bits = {plan.rules[t].bits for t in masked if t != WEIGHT}
    assert len(bits) == 1 and 64 % min(bits) == 0, "one width without spare bits"
    lane = (1 << min(bits)) - 1
    own, total = None, None
    for u in uploads:
        tensors = read(u)[2]
        payload = b"".join(tensors[t][2] for t in masked)
        words = struct.unpack(f"<{len(payload) // 8}Q", payload)
        own = own or words
        total = words if total is None else [add_words(a, b, min(bits), 1) for a, b in zip(total, words)]
        chi = chi_square(payload)
        assert abs(chi - 255) < 6 * math.sqrt(2 * 255), f"{u}: chi-square {chi} with 255 degrees"
    if len(uploads) > 1:
        chi = chi_square(struct.pack(f"<{len(total)}Q", *total))
        assert abs(chi - 255) < 6 * math.sqrt(2 * 255), f"sum: chi-square {chi}"
    bare = plan.words(*plan.encode(update))[0][:len(own)]
    equal = sum((a ^ b) >> s & lane == 0 for a, b in zip(bare, own) for s in range(0, 64, min(bits)))
    lanes = len(own) * (64 // min(bits))
    assert equal <= 2 + lanes // 100, f"{equal} of {lanes} lanes are as if there were no mask"


def cmd_forge(source, target, key, index, *changes):
    kind, meta, tensors = read(source)
    key, index, rd = key_file(key), int(index), meta["roster"]
    signer = index
    for change in changes:
        what, _, value = change.partition("=")
        if what == "tag":
            at = 32 * (int(value) if "nonce" in meta else int(value) - (int(value) > index))
            tags = bytearray(meta["tags"])
            tags[at] ^= 1
            meta["tags"] = bytes(tags)
        elif what == "word":
            name, i, xor = value.split(":")
            dtype, dims, payload, attributes = tensors[name]
            w = list(struct.unpack(f"<{dims[0]}Q", payload))
            w[int(i)] ^= int(xor, 0)
            tensors[name] = dtype, dims, struct.pack(f"<{dims[0]}Q", *w), attributes
        elif what == "signer":
            signer = int(value)
        elif what == "kind":
            kind = value
        else:
            meta[what] = {"b": bytes.fromhex, "i": int, "t": str}[value[0]](value[1:])
    o = Object(kind, meta)
    plain = set(list(tensors)[list(tensors).index(WEIGHT) + 1:])
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, role=int(name not in plain), attributes=attributes)
    o.done().sign(signer, key["name"], key["sign"], rd)
    open(target, "wb").write(o.data)


# ---- constants of the unit tests ----

def cmd_vectors():
    """Keys, sets and rosters of fixed secrets: see tests/unit/test_pair.c, _set.c, _roster.c."""
    a = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    b = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    rd, sid, psk, nonce = b"R" * 32, b"S" * 32, b"P" * 32, b"N" * 32
    for helpers, (i, j) in ((False, (2, 5)), (True, (2, 5)), (True, (5, 2))):
        name = f"{'helpers' if helpers else 'pairwise'} {i} {j}"
        first, second = (a, b) if i == 2 else (b, a)
        x = public(first), public(second)
        print(name, "root, psk", chain_root(helpers, first, x[1], rd, i, j, *x, psk).hex())
        ck = chain_root(helpers, first, x[1], rd, i, j, *x)
        print(name, "root", ck.hex())
        ck = chain_to(helpers, ck, rd, 7, 1000)
        print(name, "chain", ck.hex())
        h = "fl1.h" if helpers else "fl1."
        rk = H(ck, "fl1.hk" if helpers else "fl1.rk", le64(1000))
        print(name, "round", rk.hex())
        print(name, "pair", H(rk, h + "pair", sid, le32(i), le32(j)).hex())
        for what, value in zip(("mask", "tag"), round_keys(helpers, ck, 1000, sid, i, j,
                                                           nonce if helpers else b"")):
            print(name, what, value.hex())
    print("set", set_digest(sid, [(0, b"a" * 32), (3, b"d" * 32), (70000, b"z" * 32)]).hex())
    print("empty set", set_digest(sid, []).hex())
    keys = [dict(name=n, epoch=3, sign=bytes([i + 1]) * 32, dh=bytes([i + 65]) * 32)
            for i, n in enumerate(("a", "b", "c", "d", "aux", "hub"))]
    lines = [public_line(k) for k in keys]
    for more, text in ((0, "pairwise"), (1, "helpers")):
        y = {"federation": "vectors", "epoch": 3, "model": "0f" * 32, "sites": lines[:4],
             "hub": lines[5], "tensors": [{"match": "*", "protect": "mask", "bits": 16, "clip": 0.2}]}
        if more:
            y.update(first_round=9, psk=True, apply={"rule": "nesterov", "lr": 0.7, "momentum": 0.9},
                     protection="helpers", helpers=["b", lines[4]], replay=["aux", "c"], min_sum=3,
                     weights={"rule": "dynamic", "floor": 0.5, "cap": 1, "hide": True},
                     tensors=[{"match": "*norm*", "protect": "mask", "bits": 32, "clip": 0.05},
                              {"match": "embed", "protect": "frozen"},
                              {"match": "head*", "protect": "plain", "bits": 64, "clip": 8},
                              {"match": "*", "protect": "mask", "bits": 21, "clip": 0.2}],
                     steps=100, move=0, max_open=2, max_skip=64, max_age=12)
        data = canonical(y)
        print("roster", text, len(data), roster_digest(data).hex())
        print("roster", text, words(roster_digest(data)))
        print("roster", text, "scales", [Roster(data).rules[i].scale for i in range(len(y["tensors"]))
                                         if y["tensors"][i]["protect"] != "frozen"])


def main(command, *args):
    commands = {name[4:]: call for name, call in globals().items() if name.startswith("cmd_")}
    commands["self"], commands["digest"] = self_test, lambda path: print(digest(path).hex())
    commands[command](*args)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as e:
        import traceback
        traceback.print_exc()
        sys.exit(f"secagg.py: {e}")
