#!/usr/bin/env python3
"""What tests/cli/5*.sh need of whole rounds, by the second implementation of tests/naive/secagg.py.

    rounds.py model OUT SEED NAME:DIMS[:DTYPE]...
                                       a model of these tensors (DIMS like 40x7), with a tokenizer
    rounds.py train MODEL SEED SIZE SITE=OUT...
                                       updates of MODEL, normally distributed with standard deviation SIZE
                                       and cut at 4 times that; SIZE "extreme": beyond every clip. The same
                                       model's numbers, SEED and SITE make the same update
    rounds.py odd MODEL DIR            updates that differ in what is private only, DIR/NAME.upd: counts, losses
                                       and values, NaN, zero, negative, missing and huge ones among them
    rounds.py exact FILE               each line of FILE is PLAN MEAN SUM ANSWER,... SITE=UPDATE[@MBIT],...
                                       Is SUM minus the ANSWERs in every lane the sum of the encoded updates,
                                       and MEAN what they make? ("-" for no SUM and no ANSWERs)
    rounds.py opened PLAN PARTY KEY MODEL NEXT VELOCITY SET OUT
                                       what PARTY, who recomputed the round, signs; VELOCITY is a file or "none"
    rounds.py forge IN OUT KEY SIGNER CHANGE...
                                       any message of a round changed and signed again by KEY in the place
                                       SIGNER (a number, or "hub"): KEY=bHEX|iN|tTEXT|lN,N (metadata),
                                       "KEY=" (left out), TENSOR:I:XOR (of an element), tag=I (flips that one),
                                       roster_of=PLAN (signed for its roster)
    rounds.py request PLAN OUT KEY UPLOAD... [CHANGE...]
                                       what a hub asks for that keeps to nothing: uploads stay in this order,
                                       changes are as in forge, signer=N signs in another place than the hub's
    rounds.py edit IN OUT CHANGE...    an object that nobody signs, with other metadata
    rounds.py distance MODEL MODEL     the L2 norm of what differs
"""
import math
import pathlib
import random
import struct
import sys

tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(tests / "naive"), str(tests / "vectors"), str(tests / "cli")]
import secagg as s  # noqa: E402
from make import DTYPES, Object  # noqa: E402
from updates import read, write  # noqa: E402

BF16 = "H"


def numbers(dtype, payload):
    if dtype == "bf16":
        return [struct.unpack("<f", struct.pack("<I", v << 16))[0]
                for v in struct.unpack(f"<{len(payload) // 2}H", payload)]
    form = DTYPES[dtype][1]
    return list(struct.unpack(f"<{len(payload) // struct.calcsize(form)}{form}", payload))


def cmd_model(path, seed, *tensors):
    rng, o = random.Random(int(seed)), Object("model", {"round": 0, "arch.family": "llama"})
    for t in tensors:
        name, dims, dtype = (t.split(":") + ["f32"])[:3]
        dims = [int(d) for d in dims.split("x")] if dims else []
        values = [rng.gauss(0, 1) for _ in range(math.prod(dims))]
        if dtype == "bf16":
            values = [struct.unpack("<I", struct.pack("<f", v))[0] >> 16 for v in values]
        o.tensor(name, dtype, dims, values)
    o.tensor("tokenizer.json", "u8", [2], b"{}").done()
    open(path, "wb").write(o.data)


def cmd_train(model, seed, size, *outs):
    _, meta, tensors = read(model)
    base, params = s.digest(model), s.params(tensors)
    for out in outs:
        site, _, path = out.partition("=")
        rng = random.Random(f"{params.hex()} {seed} {site}")
        o = Object("update", {"base": base, "base.params": params, "base.round": meta["round"],
                              "site": site, "examples": rng.randrange(400, 2000),
                              "tokens": rng.randrange(5 * 10**5, 2 * 10**6), "steps": 1,
                              "loss.first": rng.uniform(0.7, 1.6)})
        for name, (dtype, dims, _, _) in tensors.items():
            if "f" not in dtype:
                continue
            n = math.prod(dims)
            if size == "extreme":
                values = [rng.choice((1e30, -1e30, rng.uniform(-1, 1), math.inf, math.nan)) for _ in range(n)]
                values[:n // 2] = [1e30] * (n // 2)
            else:
                d = float(size)
                values = [max(-4 * d, min(4 * d, rng.gauss(0, d))) for _ in range(n)]
            o.tensor(name, "f32", dims, struct.pack(f"<{n}f", *values))
        open(path, "wb").write(o.done().data)


def cmd_odd(model, folder):
    _, model_meta, tensors = read(model)
    floats = {t: v for t, v in tensors.items() if "f" in v[0]}
    usual = {"base": s.digest(model), "base.params": s.params(tensors), "base.round": model_meta["round"],
             "site": "a", "examples": 1000, "tokens": 10**6, "loss.first": 1.0, "loss.last": 0.9, "steps": 3}

    def normal(rng, n):
        return [rng.gauss(0, 0.01) for _ in range(n)]

    def put(name, changes=None, values=normal):
        meta = {k: v for k, v in {**usual, **(changes or {})}.items() if v is not None}
        o, rng = Object("update", meta), random.Random(7)
        for t, (_, dims, _, _) in floats.items():
            n = math.prod(dims)
            o.tensor(t, "f32", dims, struct.pack(f"<{n}f", *values(rng, n)))
        (pathlib.Path(folder) / f"{name}.upd").write_bytes(o.done().data)

    put("usual")
    for key in "examples", "tokens":
        for n, v in dict(one=1, zero=0, negative=-5, most=2**63 - 1, least=-2**63, missing=None, text="many",
                         real=2.5, nan=math.nan).items():
            put(f"{key}-{n}", {key: v})
    for n, v in dict(zero=0.0, negative=-3.0, nan=math.nan, inf=math.inf, minus=-math.inf, huge=1e300,
                     tiny=1e-300, missing=None, text="low", whole=1).items():
        put(f"loss-{n}", {"loss.first": v})
    put("nothing-known", {k: None for k in ("examples", "tokens", "loss.first", "loss.last", "steps")})
    for n, v in dict(zero=0.0, minus=-0.0, nan=math.nan, inf=math.inf, negative=-math.inf, huge=3e38, clip=0.25,
                     small=1e-45).items():
        put(f"all-{n}", values=lambda rng, count, v=v: [v] * count)
    put("one-nan", values=lambda rng, n: [math.nan] * min(n, 1) + normal(rng, max(0, n - 1)))
    put("mixed", values=lambda rng, n: [rng.choice((0, 1, -1, math.nan, math.inf, -math.inf)) for _ in range(n)])
    put("other", values=lambda rng, n: [rng.uniform(-1, 1) for _ in range(n)])


class Encoded:
    """Integers of updates under plans, each computed once."""
    def __init__(self):
        self.plans, self.made = {}, {}

    def plan(self, path):
        if path not in self.plans:
            self.plans[path] = s.Plan(path)
        return self.plans[path]

    def of(self, path, update):
        if (path, update) not in self.made:
            plan = self.plan(path)
            file, _, mbit = update.partition("@")
            if file == "zero":
                self.made[path, update] = plan.encode("zero")
            else:
                _, meta, tensors = read(file)
                q = s.weight(plan.roster.meta, meta, float(mbit) if mbit else None)[1]
                self.made[path, update] = {
                    t: s.encode(r, q, struct.unpack(f"<{plan.count(t)}f", tensors[t][2]))
                    for t, r in plan.rules.items()}, q
        return self.made[path, update]


def lanes(plan, path):
    """The lanes of each tensor of a sum or an answer, modulo 2^bits, and the weight; of all words."""
    tensors, out = read(path)[2], {}
    for name in [*plan.rules, s.WEIGHT]:
        if name in tensors:
            words = struct.unpack(f"<{len(tensors[name][2]) // 8}Q", tensors[name][2])
            bits = 64 if name == s.WEIGHT else plan.rules[name].bits
            assert all(w >> 64 // bits * bits == 0 for w in words), f"{path}: {name}: a spare bit"
            out[name] = [w >> bits * k & (1 << bits) - 1 for w in words for k in range(64 // bits)]
    return out


def check_lanes(plan, total, answers, sums, weight):
    """The sum minus the answers against the sums of integers: equal, not only modulo something."""
    got, streams = lanes(plan, total), [lanes(plan, a) for a in answers]
    for name, values in [*sums.items(), (s.WEIGHT, [weight])]:
        bits = 64 if name == s.WEIGHT else plan.rules[name].bits
        masked = name == s.WEIGHT or plan.rules[name].protect == "mask"
        assert all((name in a) == masked for a in streams), f"{total}: {name}: who masks it"
        for i, want in enumerate(list(values) + [0] * (len(got[name]) - len(values))):
            v = got[name][i] - sum(a[name][i] for a in streams if masked)
            v = (v + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
            assert v == want, f"{total}: {name}[{i}] is {v}, not {want}"


def cmd_exact(table):
    encoded, count = Encoded(), 0
    for line in open(table):
        path, mean, total, answers, sites = line.split()
        plan = encoded.plan(path)
        pairs = [p.partition("=")[::2] for p in sites.split(",")]
        made = [encoded.of(path, update) for _, update in pairs]
        sums = {t: [sum(x) for x in zip(*(e[t] for e, _ in made))] for t in plan.rules}
        weight = sum(q for _, q in made)
        if total != "-":
            check_lanes(plan, total, answers.split(","), sums, weight)
        _, meta, tensors = read(mean)
        assert list(tensors) == list(plan.rules), f"{mean}: tensors"
        for name, rule in plan.rules.items():
            limit = (1 << rule.bits - 1) - 1
            assert all(-limit <= v <= limit for v in sums[name]), f"{name} would wrap"
            divisor = weight * (rule.scale / 2**40)
            want = struct.pack(f"<{len(sums[name])}f", *(v / divisor for v in sums[name]))
            assert tensors[name][2] == want, f"{mean}: {name}"
        assert meta["sum.sites"] == tuple(sorted(name for name, _ in pairs)), meta["sum.sites"]
        assert meta["sum.weight"] == weight / 2**40 * plan.roster.meta["weights.cap"], meta["sum.weight"]
        count += 1
    print(count)


def cmd_opened(path, party, key, model, following, velocity, what, out):
    plan, key, next_tensors = s.Plan(path), s.key_file(key), read(following)[2]
    names = [line[1] for line in plan.roster.lines]
    meta = dict(plan.session(), params=plan.meta["params"], set=bytes.fromhex(what),
                party=names.index(party), replay=party, distance=norm(model, following))
    meta["next.base"], meta["next.params"] = s.digest(following), s.params(next_tensors)
    if velocity != "none":
        meta["next.velocity"] = s.digest(velocity)
    o = Object("opened", meta).done().sign(names.index(party), party, key["sign"], plan.rd)
    open(out, "wb").write(o.data)


def norm(a, b):
    a, b = read(a)[2], read(b)[2]
    return math.sqrt(sum((x - y)**2 for t in a if "f" in a[t][0]
                         for x, y in zip(numbers(a[t][0], a[t][2]), numbers(b[t][0], b[t][2]))))


def cmd_distance(a, b):
    print(norm(a, b))


def roles(kind, tensors):
    """Of the tensors of an upload, an answer or a sum: those up to the weight are masked."""
    names = list(tensors)
    last = names.index(s.WEIGHT) if s.WEIGHT in names else -1
    return {name: int(i <= last) for i, name in enumerate(names)}


def value(text):
    return {"b": bytes.fromhex, "i": int, "t": str,
            "l": lambda v: tuple(int(x) for x in v.split(",") if x) or s.NoNumbers()}[text[0]](text[1:])


def cmd_forge(source, target, key, signer, *changes):
    kind, meta, tensors = read(source)
    key, rd = s.key_file(key), meta.get("roster")
    for change in changes:
        if ":" in change.partition("=")[0]:
            name, i, xor = change.split(":")
            dtype, dims, payload, attributes = tensors[name]
            form = f"<{len(payload) // struct.calcsize(DTYPES[dtype][1])}{DTYPES[dtype][1]}"
            w = list(struct.unpack(form, payload))
            w[int(i)] ^= int(xor, 0)
            tensors[name] = dtype, dims, struct.pack(form, *w), attributes
            continue
        what, _, text = change.partition("=")
        if what == "roster_of":   # whose roster a plan carries: signed under its digest
            rd = s.Plan(text).rd
        elif what == "tag":   # of the sender's I-th peer
            tags = bytearray(meta["tags"])
            tags[32 * int(text)] ^= 1
            meta["tags"] = bytes(tags)
        elif text == "":
            del meta[what]
        else:
            meta[what] = value(text)
            rd = meta[what] if what == "roster" else rd
    if kind == "plan":
        rd = s.Plan(source).rd
    o, role = Object(kind, meta), roles(kind, tensors)
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, role=role[name], attributes=attributes)
    o.done().sign(s.HUB if signer == "hub" else int(signer), key["name"], key["sign"], rd)
    open(target, "wb").write(o.data)


def cmd_request(path, out, key, *rest):
    plan, key = s.Plan(path), s.key_file(key)
    uploads = [s.Upload(u) for u in rest if "=" not in u]
    meta = dict(plan.session(), params=plan.meta["params"], count=len(uploads),
                set=s.set_digest(plan.sid, [(u.meta["site.index"], u.digest) for u in uploads]))
    signer = s.HUB
    for change in rest:
        what, _, text = change.partition("=")
        if what == "signer":
            signer = int(text)
        elif "=" in change:
            meta[what] = value(text)
    heads = b"".join(s.le32(len(u.head)) + u.head for u in uploads)
    o = Object("request", meta)
    o.tensor("sites", "u32", [len(uploads)], [u.meta["site.index"] for u in uploads])
    o.tensor("heads", "u8", [len(heads)], heads)
    o.tensor("payloads", "u8", [32 * len(uploads)], b"".join(u.payload for u in uploads))
    o.tensor("signs", "u8", [64 * len(uploads)], b"".join(u.sign for u in uploads))
    open(out, "wb").write(o.done().sign(signer, key["name"], key["sign"], plan.rd).data)


def cmd_edit(source, target, *changes):
    """Metadata of an object that nobody signs: KEY=VALUE as in forge, "KEY=" drops it."""
    kind, meta, tensors = read(source)
    for change in changes:
        what, _, text = change.partition("=")
        if text == "":
            meta.pop(what, None)
        else:
            meta[what] = value(text) if text[0] != "f" else float(text[1:])
    write(target, kind, meta, tensors)


def main(command, *args):
    globals()["cmd_" + command](*args)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as e:
        sys.exit(f"rounds.py: {e}")
