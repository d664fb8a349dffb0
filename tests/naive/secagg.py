#!/usr/bin/env python3
"""The protocol of fl-protocol(7) a second time, from its text and slowly, to compare bytes with.

    secagg.py self                               published vectors of what is implemented here
    secagg.py make DIR BITS                      model.flt and updates u0.flt u1.flt u2.flt; the values
                                                 of u0 and u2 are beyond every clip
    secagg.py roster ROSTER WORDS                are these the fingerprint's words?
    secagg.py plan ROSTER PLAN HUBKEY MODEL KEY=VALUE...
                                                 is the plan this one, signed, byte for byte?
    secagg.py upload ROSTER PLAN INDEX CTR PREV UPDATE UPLOAD KEY NEWKEY...
                                                 is this the upload of site INDEX, byte for byte? KEYs
                                                 are the sites' before they accepted, NEWKEY its own
                                                 after; PREV is a file or "none"
    secagg.py mean PLAN MEAN UPDATE...           is MEAN the mean of the encoded updates, to the bit?
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

tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(tests / "vectors"), str(tests / "cli")]
import make  # noqa: E402
from make import Object, ed25519  # noqa: E402
from updates import read  # noqa: E402

plain_item = make.item
make.item = lambda key, value: plain_item(key, value) if value != () else \
    make.sized("H", key.encode()) + struct.pack("<BI", 7, 0)  # an empty list of texts

HUB = 0xFFFFFFFF
CHUNK = 8192
SHAPES = [("embed", [40, 7]), ("layer.weight", [301]), ("none", [0, 3]), ("scale", []), ("large", [9001])]
CAPS = {"examples": 1e6, "uniform": 1.0, "loss": 100.0, "dynamic": 1000.0}


def H(key, label, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=key or b"",
                           person=label.encode()).digest()


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


def chacha20(key, chunk, n):
    """N bytes of RFC 8439's stream: nonce LE32 0 || LE64 CHUNK, counter from 0."""
    m, out = 0xFFFFFFFF, bytearray()
    rounds = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
              (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for counter in range((n + 63) // 64):
        first = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), counter, 0,
                 chunk & m, chunk >> 32]
        s = first[:]
        for _ in range(10):
            for a, b, c, d in rounds:
                w, x, y, z = s[a], s[b], s[c], s[d]
                w = w + x & m
                z = ((z ^ w) << 16 | (z ^ w) >> 16) & m
                y = y + z & m
                x = ((x ^ y) << 12 | (x ^ y) >> 20) & m
                w = w + x & m
                z = ((z ^ w) << 8 | (z ^ w) >> 24) & m
                y = y + z & m
                x = ((x ^ y) << 7 | (x ^ y) >> 25) & m
                s[a], s[b], s[c], s[d] = w, x, y, z
        out += struct.pack("<16I", *(i + j & m for i, j in zip(s, first)))
    return bytes(out[:n])


def self_test():
    a = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    b = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    nine = bytes([9]) + bytes(31)
    assert x25519(a, nine).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert x25519(a, x25519(b, nine)) == x25519(b, x25519(a, nine)) == bytes.fromhex(
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert chacha20(bytes(32), 0, 96)[60:72].hex() == "b2ee65869f07e7be5551387a"
    assert chacha20(bytes(32), 2 << 56, 8).hex() == "c2c64d378cd53637"


# ---- people and their agreement ----

def key_file(path):
    lines = [line.split() for line in open(path).read().splitlines()]
    assert lines[0] == ["fl-key-v1"] and lines[-1][0] == "check"
    text = open(path, "rb").read()
    assert lines[-1][1] == H(None, "fl1.vault", text[:text.rindex(b"check ")]).hex()
    return {k: v if k in ("name", "epoch") else bytes.fromhex(v) for k, v, *_ in lines[1:-1]}


def signature(seed, kind, rd, signer, root):
    return ed25519(seed, b"fl-sig-v1\0" + kind.encode() + b"\0" + rd + le32(signer) + root)


def public_line(key):
    x = x25519(key["dh"], bytes([9]) + bytes(31))
    ed = ed25519(key["sign"], b"")[0]
    text = f"fl1 {key['name']} {key['epoch']} {ed.hex()} {x.hex()} {H(None, 'fl1.reveal', key['reveal']).hex()}"
    root = H(None, "fl1.line", text.encode())
    return text + " " + signature(key["sign"], "line", bytes(32), 0, root)[1].hex()


def scalar(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def yaml(path):
    """As much of YAML as the tests' rosters use: values are JSON, or text."""
    top, inner = {}, None
    for line in open(path):
        body = line.split(" #")[0].strip()
        if not body:
            continue
        if body.startswith("- "):
            inner.append(body[2:])
            continue
        key, _, value = body.partition(":")
        value = scalar(value.strip())
        into = inner if line.startswith(" ") else top
        if value == "" and into is top:
            top[key] = inner = {} if key == "policy" else []
        else:
            into[key] = value
    return top


def roster(path):
    """Canonical bytes, their digest, and the lines of the sites taken apart."""
    y = yaml(path)
    p = y.get("policy", {})
    names = [line.split()[1] for line in y["sites"]]
    n, committee = len(names), y.get("committee", names)
    weights = p.get("weights", CAPS)
    rules = [r for r in CAPS if r in weights]
    items = {
        "federation": y["federation"], "epoch": int(y["epoch"]),
        "first_round": int(y.get("first_round", 0)), "psk": int(y.get("psk", False)),
        "sites": tuple(y["sites"]), "hub": y["hub"], "committee": tuple(committee),
        "threshold": y.get("threshold", 2 * len(committee) // 3 + 1),
        "min_sum": y.get("min_sum", max(3, -(-2 * n // 3))),
        "policy.bits": tuple(p.get("bits", [8, 64])),
        "policy.caps": tuple(float(weights[r]) for r in rules),
        "policy.clip": tuple(float(c) for c in p.get("clip", [1e-6, 1000.0])),
        "policy.max_skip": p.get("max_skip", 4096), "policy.noise": "none",
        "policy.plain": tuple(p.get("plain", [])),
        "policy.protection": tuple(p.get("protection", ["pairwise", "double"])),
        "policy.spread": float(p.get("spread", 16)), "policy.weights": tuple(rules),
    }
    if p.get("vary"):
        items["policy.vary"] = 1
    data = make.metadata(items)
    return data, H(None, "fl1.roster", le64(len(data)), data), [line.split() for line in y["sites"]]


def words(rd):
    h = H(None, "fl1.words", rd)
    return " ".join(
        "".join(("bdfghjklmnprstvz", "aiou")[i % 2][v >> s & (15, 3)[i % 2]]
                for i, s in enumerate((12, 10, 6, 4, 0)))
        for v in struct.unpack(">12H", h[:24]))


# ---- a round ----

class Plan:
    def __init__(self, path):
        kind, self.meta, tensors = read(path)
        assert kind == "plan" and list(tensors) == ["roster"]
        self.roster = tensors["roster"][2]
        self.rd = H(None, "fl1.roster", le64(len(self.roster)), self.roster)
        o = Object("plan", self.meta).tensor("roster", "u8", [len(self.roster)], self.roster).done()
        self.object, self.sid = o, H(None, "fl1.sid", self.rd, o.digest)
        m, at = self.meta, 0
        self.bits, self.lanes = m["encoding.bits"], 64 // m["encoding.bits"]
        self.tensors = {}
        for name in m["tensors.names"]:
            rank = m["tensors.shapes"][at]
            self.tensors[name] = list(m["tensors.shapes"][at + 1:at + 1 + rank])
            at += 1 + rank

    def order(self):
        """Tensors as they stand in an upload; None is the weight's."""
        plain = set(self.meta["tensors.plain"])
        return [t for t in self.tensors if t not in plain] + [None] + [t for t in self.tensors if t in plain]

    def weight(self, update):
        rule, loss = self.meta["weight.rule"], update.get("loss.first", 0.0)
        w = {"uniform": 1.0, "examples": float(update.get("examples", 0)), "loss": loss,
             "dynamic": loss / (update.get("tokens", 1) / 1e6)}[rule]
        return min(round(w * 2**40) / 2**40 / self.meta["weight.cap"], 1.0)

    def encode(self, index, path):
        """The integers of every tensor, and q times 2^40."""
        _, meta, tensors = read(path)
        clip, scale, n = self.meta["encoding.clip"], self.meta["encoding.scale"], CHUNK * self.lanes
        q = round(self.weight(meta) * 2**40)
        factor = q * (scale / 2**40)
        key = H(None, "fl1.rounding", self.sid, le32(index))
        streams, at, out = {}, 0, {}
        for name in self.order():
            if name is None:
                at += 1
                continue
            count = math.prod(self.tensors[name])
            values, out[name] = struct.unpack(f"<{count}f", tensors[name][2]), []
            for i, u in enumerate(values):
                v = min(max(u, -clip), clip) * factor
                lane = at * self.lanes + i
                if self.meta["encoding.rounding"] == "stochastic":
                    if lane // n not in streams:
                        streams[lane // n] = struct.unpack(f"<{n}I", chacha20(key, lane // n, 4 * n))
                    below = math.floor(v)
                    out[name].append(below + (v - below > (streams[lane // n][lane % n] + 0.5) / 2**32))
                else:
                    out[name].append(round(v))
            at += -(-count // self.lanes)
        return out, q

    def words(self, integers, q):
        """Words of the masked tensors and the weight, then of the plain ones, in a row; and bounds."""
        out, spans, mask = [], [], (1 << self.bits) - 1
        for name in self.order():
            x, first = ([q], len(out)) if name is None else (integers[name], len(out))
            if name is None:
                out.append(q)
            for i in range(0, len(x) if name is not None else 0, self.lanes):
                out.append(sum((v & mask) << (self.bits * k) for k, v in enumerate(x[i:i + self.lanes])))
            spans.append((name, first, len(out)))
        return out, spans


def pair_key(keys, lines, i, j, rd, first, r, sid):
    """k of the pair in round R, from I's secret."""
    lo, hi = sorted((i, j))
    xs = [bytes.fromhex(line[4]) for line in lines]
    ck = H(None, "fl1.root", x25519(keys[i]["dh"], xs[j]), rd, le32(lo), le32(hi), xs[lo], xs[hi])
    for at in range(first, r):
        ck = H(ck, "fl1.step", rd, le64(at + 1))
    rk = H(ck, "fl1.rk", le64(r))
    where = sid + le32(lo) + le32(hi)
    k = H(rk, "fl1.pair", where)
    return H(k, "fl1.mask", where), H(k, "fl1.tag", where)


def add_words(a, b, bits, sign):
    """In every lane, one after the other."""
    out, mask = 0, (1 << bits) - 1
    for s in range(0, 64 // bits * bits, bits):
        out |= ((a >> s & mask) + sign * (b >> s & mask) & mask) << s
    return out


def upload(plan, roster_path, index, ctr, prev, update, keys, new_key):
    data, rd, lines = roster(roster_path)
    assert data == plan.roster and rd == plan.rd, "canonical roster"
    integers, q = plan.encode(index, update)
    out, spans = plan.words(integers, q)
    masked = [end for name, _, end in spans if name is None][0]
    tags, r = b"", plan.meta["round"]
    for j in range(len(lines)):
        if j == index:
            continue
        key, tag = pair_key(keys, lines, index, j, rd, int(yaml(roster_path).get("first_round", 0)), r,
                            plan.sid)
        tags += tag
        for at in range(0, masked, CHUNK):
            n = min(CHUNK, masked - at)
            for i, m in enumerate(struct.unpack(f"<{n}Q", chacha20(key, at // CHUNK, 8 * n))):
                bits = 64 if at + i == masked - 1 else plan.bits
                out[at + i] = add_words(out[at + i], m, bits, 1 if index < j else -1)
    o = Object("masked", {
        "base": plan.meta["base"], "base.round": plan.meta["base.round"], "ctr": ctr,
        "next": public_line(new_key), "prev": prev, "roster": rd, "round": r, "sid": plan.sid,
        "site": lines[index][1], "site.index": index, "tags": tags})
    for name, start, end in spans:
        count = 1 if name is None else math.prod(plan.tensors[name])
        plain = name in plan.meta["tensors.plain"]
        o.tensor(name or "sum.weight", "u64", [end - start], out[start:end], role=int(not plain),
                 attributes={"lane.bits": 64 if name is None else plan.bits, "lane.count": count})
    o.done()
    o.sign(index, lines[index][1], new_key["sign"], rd)
    return o


# ---- commands ----

def cmd_make(folder, bits):
    folder, rng = pathlib.Path(folder), random.Random(int(bits))
    model = Object("model", {"round": 4, "arch.family": "llama"})
    for name, dims in SHAPES:
        model.tensor(name, "f32", dims, [rng.gauss(0, 1) for _ in range(math.prod(dims))])
    model.tensor("tokenizer.json", "u8", [2], b"{}").done()
    (folder / "model.flt").write_bytes(model.data)
    for i in range(3):
        o = Object("update", {"base": model.digest, "base.round": 4, "site": "abc"[i], "steps": 20,
                              "examples": (1000, 37, 411)[i], "tokens": 5000 + i, "loss.first": 3.5 - i})
        for name, dims in SHAPES:
            n = math.prod(dims)
            usual = [rng.choice((rng.gauss(0, 1e-2), 0.0, rng.uniform(-1, 1))) for _ in range(n)]
            extreme = [(1e30, -1e30)[rng.randrange(2) if i else k % 2] for k in range(n)]
            o.tensor(name, "f32", dims, usual if i == 1 else extreme if name == "layer.weight" else usual)
        (folder / f"u{i}.flt").write_bytes(o.done().data)


def cmd_roster(path, typed):
    assert words(roster(path)[1]) == " ".join(open(typed).read().split()), words(roster(path)[1])


def cmd_plan(roster_path, path, hub, model, *values):
    plan, key = Plan(path), key_file(hub)
    data, rd, _ = roster(roster_path)
    kind, model_meta, tensors = read(model)
    o = Object(kind, model_meta)
    for name, (dtype, dims, payload, _) in tensors.items():
        o.tensor(name, dtype, dims, payload)
    names = [t for t in tensors if tensors[t][0] == "f32"]
    want = {
        "base": o.done().digest, "base.round": 4, "encoding.bits": 32, "encoding.clip": 1.0,
        "encoding.rounding": "stochastic", "encoding.scale": 2.0**29, "noise": "none",
        "protection": "pairwise", "round": 1, "tensors.names": tuple(names), "tensors.plain": (),
        "tensors.shapes": tuple(v for t in names for v in (len(tensors[t][1]), *tensors[t][1])),
        "weight.alpha": 0.0, "weight.cap": 1e6, "weight.rule": "examples"}
    want.update((k, scalar(v)) for k, v in (value.split("=", 1) for value in values))
    p = Object("plan", want).tensor("roster", "u8", [len(data)], data).done()
    p.sign(HUB, key["name"], key["sign"], rd)
    assert p.data == open(path, "rb").read(), {k: (plan.meta.get(k), v) for k, v in want.items()
                                               if plan.meta.get(k) != v}


def digest(path):
    data, at, leaves, header = open(path, "rb").read(), 0, b"", b""
    while True:
        tag, (_, size, payload) = data[at:at + 4], struct.unpack_from("<I2Q", data, at + 4)
        body, at = data[at + 64:at + 64 + size], at + 64 + (size + 63) // 64 * 64
        if tag == b"DONE":
            kind = kind.encode()
            return make.blake(b"fl1.obj", le64(len(kind)) + kind + make.blake(b"fl1.header", header)
                              + make.blake(b"fl1.payload", leaves))
        if tag == b"FLT1":
            kind = body[6:6 + struct.unpack_from("<H", body, 4)[0]].decode()
        header += le64(size) + body
        for i in range(0, payload, 1 << 20):
            leaves += make.blake(b"fl1.leaf", data[at + i:at + min(payload, i + (1 << 20))])
        if payload:
            at += (payload + 7) // 8 * 8 + (payload + (1 << 20) - 1 >> 20) * 8
            at += -at % 64


def cmd_upload(roster_path, path, index, ctr, prev, update, got, *keys):
    *keys, new_key = [key_file(k) for k in keys]
    prev = bytes(32) if prev == "none" else digest(prev)
    o = upload(Plan(path), roster_path, int(index), int(ctr), prev, update, keys, new_key)
    data = open(got, "rb").read()
    if o.data != data:
        at = next((i for i, (a, b) in enumerate(zip(o.data, data)) if a != b), min(len(o.data), len(data)))
        sys.exit(f"{got}: differs at byte {at} of {len(o.data)}: {data[at:at + 16].hex()} where "
                 f"{o.data[at:at + 16].hex()} is right")


def cmd_mean(path, mean, *updates):
    plan = Plan(path)
    encoded = [plan.encode(i, u) for i, u in enumerate(updates)]
    total = sum(q for _, q in encoded)
    divisor = total * (plan.meta["encoding.scale"] / 2**40)
    _, meta, tensors = read(mean)
    assert list(tensors) == list(plan.tensors)
    for name in plan.tensors:
        sums = [sum(x) for x in zip(*(e[name] for e, _ in encoded))]
        want = struct.pack(f"<{len(sums)}f", *(x / divisor for x in sums))
        assert tensors[name][2] == want, name
    assert meta["sum.weight"] == total / 2**40 * plan.meta["weight.cap"], meta["sum.weight"]
    assert meta["sum.sites"] == ("a", "b", "c") and meta["base"] == plan.meta["base"]
    # and near the mean of the clipped values: n units of the encoding, and one rounding to f32
    clip, n = plan.meta["encoding.clip"], len(updates)
    for name in plan.tensors:
        count = math.prod(plan.tensors[name])
        rows = [struct.unpack(f"<{count}f", read(u)[2][name][2]) for u in updates]
        got = struct.unpack(f"<{count}f", tensors[name][2])
        for i in range(count):
            exact = sum(q * min(max(row[i], -clip), clip) for (_, q), row in zip(encoded, rows)) / total
            assert abs(got[i] - exact) <= n / divisor + abs(exact) * 2**-22, (name, i, got[i], exact)


def chi_square(data):
    expected = len(data) / 256
    return sum((data.count(bytes([b])) - expected)**2 / expected for b in range(256))


def cmd_noise(path, index, update, *uploads):
    plan = Plan(path)
    assert plan.bits == 32
    own, total = None, None
    for i, u in enumerate(uploads):
        payload = b"".join(t[2] for t in read(u)[2].values())
        lanes = struct.unpack(f"<{len(payload) // 4}I", payload)
        own = own or lanes
        total = lanes if total is None else [a + b & 0xFFFFFFFF for a, b in zip(total, lanes)]
        chi = chi_square(payload)
        assert abs(chi - 255) < 6 * math.sqrt(2 * 255), f"{u}: chi-square {chi} with 255 degrees"
    if len(uploads) > 1:
        chi = chi_square(struct.pack(f"<{len(total)}I", *total))
        assert abs(chi - 255) < 6 * math.sqrt(2 * 255), f"sum: chi-square {chi}"
    encoded = plan.words(*plan.encode(int(index), update))[0]
    bare = struct.unpack(f"<{2 * len(encoded)}I", struct.pack(f"<{len(encoded)}Q", *encoded))
    same = sum(a == b for a, b in zip(bare, own))
    assert same <= 2 + len(bare) // 100, f"{same} of {len(bare)} lanes are as if there were no mask"


def cmd_forge(source, target, key, index, *changes):
    kind, meta, tensors = read(source)
    key, index, rd = key_file(key), int(index), meta["roster"]
    signer = index
    for change in changes:
        what, _, value = change.partition("=")
        if what == "tag":
            at = 32 * (int(value) - (int(value) > index))
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
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, role=1, attributes=attributes)
    o.done().sign(signer, key["name"], key["sign"], rd)
    open(target, "wb").write(o.data)


def main(command, *args):
    commands = dict(self=self_test, make=cmd_make, roster=cmd_roster, plan=cmd_plan, upload=cmd_upload,
                    mean=cmd_mean, noise=cmd_noise, forge=cmd_forge,
                    digest=lambda path: print(digest(path).hex()))
    commands[command](*args)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as e:
        import traceback
        traceback.print_exc()
        sys.exit(f"secagg.py: {e}")
