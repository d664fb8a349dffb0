#!/usr/bin/env python3
"""Make updates, and compute their mean exactly, without the library. For tests/cli/4*.sh.

    updates.py make DIR COUNT SEED       DIR/u0.flt ... and DIR/model.flt, their base
    updates.py big COUNT SITES           SITES updates of COUNT values of usual sizes, in a row
    updates.py edit IN OUT WHAT...       KEY=VALUE (i:1 f:2.5 t:text b:hex l:a,b, "KEY=" drops it), kind=KIND,
                                         TENSOR[I]=FLOAT, -TENSOR (drop it), swap (first two tensors)
    updates.py mean MEAN RULE IN...      is MEAN the weighted mean of IN, to the bit? RULE as in --weights,
                                         and RULE:AGE,AGE,... with the age of each, for --lineage
    updates.py nudge MODEL OUT SEED      a model as if trained from MODEL
    updates.py diff UPDATE BASE TRAINED  is UPDATE their difference, to the bit?
    updates.py step NEW MODEL UPDATE RULE LR MOMENTUM [STATE NEWSTATE [TRAINED]]
                                         is NEW the model that fl-apply should make, and NEWSTATE the
                                         state that it should leave ("" for STATE: none before)? TRAINED is
                                         the model of the update, where the step is of another (delay: 1)
    updates.py meta FILE KEY             print a value
"""
import math
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vectors"))
from make import DTYPES, Object  # noqa: E402

SHAPES = [("embed.weight", [40, 7]), ("layer.weight", [300]), ("none", [0, 3]), ("scale", []),
          ("large", [262144 + 60])]
CHECKED = 200  # values from each end of a large tensor


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def get(self, form):
        v = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return v

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def metadata(self):
        one = [lambda: self.get("q"), lambda: self.get("d"),
               lambda: self.take(self.get("I")).decode(), lambda: self.take(self.get("I"))]
        items = {}
        for _ in range(self.get("I")):
            key, kind = self.take(self.get("H")).decode(), self.get("B")
            items[key] = one[kind - 1]() if kind < 5 else \
                tuple(one[kind - 5]() for _ in range(self.get("I")))
        return items


def read(path):
    """Kind, metadata and tensors (name: (dtype, dims, payload, attributes)) of the first object, of a file or
    of bytes."""
    data, at, tensors = path if isinstance(path, bytes) else open(path, "rb").read(), 0, {}
    while True:
        tag, (_, size, payload) = data[at:at + 4], struct.unpack_from("<I2Q", data, at + 4)
        b, at = Body(data[at + 64:at + 64 + size]), at + 64 + (size + 63) // 64 * 64
        if tag == b"FLT1":
            b.get("I")
            kind, meta = b.take(b.get("H")).decode(), b.metadata()
        elif tag == b"DONE":
            return kind, meta, tensors
        else:
            code, _, rank = b.get("H"), b.get("B"), b.get("B")
            dims = [b.get("Q") for _ in range(rank)]
            name = b.take(b.get("H")).decode()
            dtype = [n for n in DTYPES if DTYPES[n][0] == code][0]
            tensors[name] = (dtype, dims, data[at:at + payload], b.metadata())
            at += (payload + 7) // 8 * 8 + (payload + (1 << 20) - 1 >> 20) * 8
            at += -at % 64


def write(path, kind, meta, tensors):
    o = Object(kind, meta)
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, attributes=attributes)
    open(path, "wb").write(o.done().data)


def size(dims):
    n = 1
    for d in dims:
        n *= d
    return n


def draw(rng, kind):
    """Bits of one f32: any that are finite and below 2^24, subnormals, ties, or of usual size."""
    while True:
        bits = rng.getrandbits(32)
        if kind == 1:
            bits &= 0x807FFFFF
        elif kind == 2:
            bits = struct.unpack("<I", struct.pack("<f", rng.randrange(-9, 10)))[0]
        elif kind == 3:
            bits = struct.unpack("<I", struct.pack("<f", rng.gauss(0, 1e-3)))[0]
        if bits >> 23 & 255 < 127 + 24:
            return bits


def values(rng, n):
    few = [draw(rng, rng.randrange(4)) for _ in range(min(n, 2 * CHECKED))]
    middle = bytes(4 * (n - len(few)))
    half = len(few) // 2
    return struct.pack(f"<{half}I", *few[:half]) + middle + \
        struct.pack(f"<{len(few) - half}I", *few[half:])


def make(folder, count, seed):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "naive"))
    from secagg import params
    folder, rng = pathlib.Path(folder), random.Random(int(seed))
    model = Object("model", {"round": 4, "arch.family": "llama"})
    numbers = {name: ("f32", dims, values(rng, size(dims)), {}) for name, dims in SHAPES}
    for name, (dtype, dims, payload, _) in numbers.items():
        model.tensor(name, dtype, dims, payload)
    model.tensor("tokenizer.json", "u8", [2], b"{}").done()
    (folder / "model.flt").write_bytes(model.data)
    for i in range(int(count)):
        meta = {"base": model.digest, "base.params": params(numbers), "base.round": 4, "site": f"site-{i}", "steps": 20,
                "examples": rng.randrange(1, 5000), "tokens": rng.randrange(10000, 10**7),
                "loss.first": rng.uniform(1, 9), "loss.last": rng.uniform(0.5, 4)}
        write(folder / f"u{i}.flt", "update", meta,
              {name: ("f32", dims, values(rng, size(dims)), {}) for name, dims in SHAPES})


def big(count, sites):
    """On standard output."""
    rng, n = random.Random(1), int(count)
    piece = struct.pack("<65536f", *(rng.gauss(0, 1e-3) for _ in range(65536)))
    payload = (piece * (n // 65536 + 1))[:4 * n]
    for i in range(int(sites)):
        o = Object("update", {"base": bytes(32), "site": f"site-{i}", "examples": 1 + i})
        sys.stdout.buffer.write(o.tensor("w", "f32", [n], payload).done().data)


def edit(source, target, *changes):
    kind, meta, tensors = read(source)
    forms = {"i": int, "f": float, "t": str, "b": bytes.fromhex, "l": lambda text: tuple(text.split(","))}
    for change in changes:
        key, _, value = change.partition("=")
        if change == "swap":
            names = list(tensors)
            names[:2] = names[1::-1]
            tensors = {n: tensors[n] for n in names}
        elif change.startswith("-"):
            del tensors[change[1:]]
        elif key == "kind":
            kind = value
        elif key.endswith("]"):
            name, _, index = key[:-1].partition("[")
            dtype, dims, payload, attributes = tensors[name]
            i, form = int(index), DTYPES[dtype][1]
            width = struct.calcsize(form)
            number = struct.pack("<" + form, float(value) if form in "fd" else int(value))
            tensors[name] = dtype, dims, payload[:i * width] + number + payload[(i + 1) * width:], \
                attributes
        elif not value:
            del meta[key]
        else:
            meta[key] = forms[value[0]](value[2:])
    write(target, kind, meta, tensors)


def units(bits):
    """A finite f32 as a whole number of 2^-149."""
    e, m = bits >> 23 & 255, bits & 0x7FFFFF
    n = (m | 1 << 23) << (e - 1) if e else m
    return -n if bits >> 31 else n


def nearest(a, b):
    """Bits of the f32 nearest to a/b units of 2^-149, ties to even; a zero is +0. a, b whole."""
    sign, a = (1 << 31 if a < 0 else 0), abs(a)
    shift = max(0, (a // b).bit_length() - 24)
    q, r = divmod(a, b << shift)
    if 2 * r > b << shift or (2 * r == b << shift and q & 1):
        q += 1
    if q >> 24:
        q, shift = q >> 1, shift + 1
    bits = q if q < 1 << 23 else (q & 0x7FFFFF) | (shift + 1) << 23
    return bits and bits | sign


def weight(meta, rule, age):
    """In units of 2^-40."""
    raw = {"uniform": 1, "examples": meta.get("examples"), "loss": meta.get("loss.first"),
           "alpha0": meta.get("loss.first", 0) / (meta.get("tokens", 1) / 1e6)}[rule]
    return round(round(raw * 2**40) / math.sqrt(1 + age))


def mean(path, rule, *sources):
    _, got_meta, got = read(path)
    inputs = [read(s) for s in sources]
    rule, _, ages = rule.partition(":")
    ages = [int(a) for a in ages.split(",")] if ages else [0] * len(inputs)
    weights = [weight(meta, rule, age) for (_, meta, _), age in zip(inputs, ages)]
    total, wrong = sum(weights), 0
    assert list(got) == list(inputs[0][2]), "tensors differ"
    for name, (_, dims, payload, _) in got.items():
        n = size(dims)
        assert dims == inputs[0][2][name][1] and len(payload) == 4 * n
        rows = [struct.unpack(f"<{n}I", t[name][2]) for _, _, t in inputs]
        result = struct.unpack(f"<{n}I", payload)
        for i in list(range(min(n, CHECKED))) + list(range(max(CHECKED, n - CHECKED), n)):
            want = nearest(sum(w * units(row[i]) for w, row in zip(weights, rows)), total)
            if want != result[i]:
                wrong += 1
                if wrong < 4:
                    print(f"# {name}[{i}] is {result[i]:08x}, not {want:08x}")
    newest = inputs[ages.index(0)][1]
    expected = {"sum.weight": total / 2**40, "base": newest["base"], "sum.rule": "mean",
                "sum.stale": max(ages) or None,
                "sum.sites": tuple(sorted({m["site"] for _, m, _ in inputs})),
                "examples": sum(m["examples"] for _, m, _ in inputs),
                "tokens": sum(m["tokens"] for _, m, _ in inputs), "steps": inputs[0][1]["steps"],
                "base.round": None if max(ages) and "sum.round" not in got_meta else newest["base.round"]}
    for which in ("loss.first", "loss.last"):
        losses = [units(struct.unpack("<I", struct.pack("<f", m[which]))[0]) for _, m, _ in inputs]
        bits = nearest(sum(w * x for w, x in zip(weights, losses)), total)
        expected[which] = struct.unpack("<f", struct.pack("<I", bits))[0]
    for key, value in expected.items():
        if got_meta.get(key) != value:
            print(f"# {key} is {got_meta.get(key)}, not {value}")
            wrong += 1
    for key in ("site", "sum.total", "sum.loss.first"):
        if key in got_meta:
            print(f"# {key} has no place in a mean")
            wrong += 1
    sys.exit(wrong != 0)


def floats(tensors, name):
    n = size(tensors[name][1])
    return struct.unpack(f"<{n}f", tensors[name][2])


def nudge(source, target, seed):
    kind, meta, tensors = read(source)
    rng = random.Random(int(seed))
    for name, (dtype, dims, payload, attributes) in tensors.items():
        if dtype != "f32":
            continue
        v = list(floats(tensors, name))
        for i in list(range(min(len(v), CHECKED))) + list(range(max(0, len(v) - CHECKED), len(v))):
            v[i] += rng.choice((0, 1e-3, 1e-40, v[i] / 7, 1e5)) * rng.uniform(-1, 1)
        tensors[name] = dtype, dims, struct.pack(f"<{len(v)}f", *v), attributes
    write(target, kind, meta, tensors)


def digest(path):
    """By the writer here, of the one object in PATH."""
    kind, meta, tensors = read(path)
    o = Object(kind, meta)
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, attributes=attributes)
    return o.done().digest


def same_values(what, got, name, want):
    """WANT: doubles, each to be rounded once."""
    if got[name][2] != struct.pack(f"<{len(want)}f", *want):
        sys.exit(f"# {what}: {name} differs")


def same_meta(what, got, want):
    if got != want:
        sys.exit(f"# {what}: metadata is {got}, not {want}")


def diff(path, base, trained):
    _, meta, got = read(path)
    _, base_meta, b = read(base)
    t = read(trained)[2]
    same_meta(path, {k: meta[k] for k in ("base", "base.round")},
              {"base": digest(base), "base.round": base_meta["round"]})
    assert list(got) == [n for n in b if b[n][0] == "f32"]
    for name in got:
        same_values(path, got, name, [y - x for x, y in zip(floats(b, name), floats(t, name))])


def step(path, model, update, rule, lr, mu, state=None, new_state=None, base=None):
    kind, meta, got = read(path)
    _, model_meta, b = read(model)
    u, lr, mu = read(update)[2], float(lr), float(mu)
    more = {"step.base": digest(base)} if base else {}
    same_meta(path, meta, dict(model_meta, round=model_meta["round"] + 1, parent=digest(model), **more))
    assert kind == read(model)[0] and list(got) == list(b) and \
        got.get("tokenizer.json") == b.get("tokenizer.json")
    v, new_v = read(state)[2] if state else None, {}
    for name in u:
        us = floats(u, name)
        vs = us
        if v:
            vs = struct.unpack(f"<{len(us)}f", struct.pack(
                f"<{len(us)}f", *(mu * p + q for p, q in zip(floats(v, name), us))))
        new_v[name] = vs
        move = {"sgd": lambda p, q: p, "momentum": lambda p, q: q,
                "nesterov": lambda p, q: p + mu * q}[rule]
        same_values(path, got, name,
                    [x + lr * move(p, q) for x, p, q in zip(floats(b, name), us, vs)])
    if new_state:
        kind, meta, got = read(new_state)
        assert kind == "optimizer" and list(got) == list(new_v)
        same_meta(new_state, meta, {"optimizer": rule, "lr": lr, "momentum": mu, "model": digest(path),
                                    "parent": digest(model), "update": digest(update)})
        for name, vs in new_v.items():
            same_values(new_state, got, name, vs)


def meta(path, key):
    value = read(path)[1][key]
    print(value.hex() if isinstance(value, bytes) else value)


if __name__ == "__main__":
    commands = {f.__name__: f for f in (make, big, edit, mean, nudge, diff, step, meta)}
    commands[sys.argv[1]](*sys.argv[2:])
