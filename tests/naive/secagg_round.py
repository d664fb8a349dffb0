#!/usr/bin/env python3
"""A whole round of fl-protocol(7), its keys and states too, from nothing: tests/vectors/round.

    secagg_round.py DIR SOFTWARE           write all files of it into DIR; SOFTWARE is the plan's, as "fl 0.1.0"
    secagg_round.py DIR SOFTWARE LEAVES    the one with encrypted tensors: tests/vectors/round-he. LEAVES is a
                                           folder with the leaves of helpers' trees (secagg_he.py)

Everything random comes from fixed(): what tests/vectors/fixed.c has the programs draw.
"""
import math
import pathlib
import random
import struct
import sys

import secagg as s
import secagg_he as he
from secagg import H, Object, digest, le32, le64, params, read

SITES, HELPERS, PRESENT = "abcde", ("b", "aux"), "abce"
REPLAY = {False: ("aux", "c"), True: ("aux", "b")}   # where tensors are encrypted helpers alone
FEDERATION, EPOCH, FIRST, ROUND, MAX_OPEN = "vectors", 1, 3, 5, 4
SHAPES = [("embed", [3, 5]), ("layer.weight", [13]), ("none", [0, 3]), ("scale", []), ("norm", [6])]
LR, MOMENTUM = 0.7, 0.9
NONE = bytes(32)


def fixed(run):
    """What each draw of 32 bytes is in the program that RUN names."""
    return s.hashlib.blake2b(run.encode(), digest_size=32).digest()


def fresh(run, key, what, ctr=0, bind=bytes(96)):
    return H(fixed(run), "fl1.fresh", key["hedge"], bind, le64(ctr), le64(10**18), le64(10**12 + 1),
             le64(4711), le64(len(what)), what.encode())


def vault(lines):
    text = "".join(" ".join(v.hex() if isinstance(v, bytes) else str(v) for v in line) + "\n"
                   for line in lines)
    return text + f"check {H(None, 'fl1.vault', text.encode()).hex()}\n"


def key_text(key):
    roster = [("roster", *key["roster"])] if "roster" in key else []
    return vault([("fl-key-v2",), *((k, key[k]) for k in ("name", "epoch", "sign", "dh", "hedge")),
                  ("made", *key["made"]), *roster])


def new_key(name):
    run = f"{name} keygen"
    key = dict(name=name, epoch=EPOCH, hedge=fixed(run), made=(0, 0))
    key["sign"], key["dh"] = fresh(run, key, "sign"), fresh(run, key, "dh", EPOCH)
    return key


def public_key(key):
    return s.ed25519(key["sign"], b"")[0]


def he_seed(key):
    return fresh(f"{key['name']} he", key, "he", EPOCH)


class State:
    """What a key's state holds; LEAVES: of a helper's keys of encryption."""
    def __init__(self, key, roster, leaves=None):
        self.leaves, self.hs, self.he_open = leaves, he_seed(key), {}
        self.key, self.roster, self.made, self.near, self.hub = key, roster, [], [], []
        self.uploads, self.answers, self.masked, self.now, self.open = (0, NONE), (0, NONE), [], [], []
        name, run, lines = key["name"], f"{key['name']} accept", [line[1] for line in roster.lines]
        self.party = lines.index(name) if name in lines else "hub"
        self.hidden = fresh(run, key, "hidden")
        self.next = {"up": FIRST, "down": FIRST}
        self.rows = {"up": [], "down": []}
        site = self.party in range(roster.n)
        if site:
            self.rows["up"] = [self.root(self.party, h, run) for h in roster.helpers]
        if self.party in roster.helpers:
            self.rows["down"] = [self.root(i, self.party, run) for i in range(roster.n)]
            self.now = [("now", roster.meta["model"], "-", "-", "-")]
        if name != "hub":
            key["epoch"], key["dh"] = EPOCH + 1, fresh(run, key, "dh", EPOCH + 1)
        key["roster"] = roster.rd, EPOCH

    def root(self, i, h, run):
        r = self.roster
        if i == h:
            return fresh(run, self.key, "self", EPOCH)
        peer = h if i == self.party else i
        return s.chain_root(True, self.key["dh"], r.x(peer), r.rd, i, h, r.x(i), r.x(h))

    def row(self, kind, place):
        """Parties of the chain at this place."""
        return (self.party, self.roster.helpers[place]) if kind == "up" else (place, self.party)

    def pass_to(self, kind, r):
        """Chains to round R; a helper keeps the keys of the newest rounds that it passes."""
        for at in range(self.next[kind], r):
            if kind == "down":
                self.open += [(at, i, H(ck, "fl1.hk", le64(at))) for i, ck in enumerate(self.rows[kind])]
                self.he_open[at] = he.round_key(self.hs, at - FIRST)
                self.hs = he.chain_to(self.hs, at - FIRST, at - FIRST + 1)
            self.rows[kind] = [s.chain_to(True, ck, self.roster.rd, at, at + 1) for ck in self.rows[kind]]
        self.next[kind] = max(self.next[kind], r)
        rounds = sorted({o[0] for o in self.open})[-MAX_OPEN:]
        self.open = [o for o in self.open if o[0] in rounds]

    def encryption(self):
        if not self.leaves:
            return []
        rounds = sorted({o[0] for o in self.open})
        return [*(("heopen", r, self.he_open[r]) for r in rounds), ("he", FIRST, self.hs),
                ("leaves", self.leaves)]

    def text(self):
        r = self.roster
        return vault([
            ("fl-state-v3",), ("key", public_key(self.key)), ("hidden", self.hidden),
            ("uploads", *self.uploads), ("answers", *self.answers),
            ("roster", r.rd, EPOCH, self.party, FEDERATION),
            ("shape", "helpers", r.n, r.m, self.next["up"], self.next["down"]),
            *((kind, j, ck) for kind in ("up", "down") for j, ck in enumerate(self.rows[kind])),
            *(("open", *o) for o in self.open), *self.encryption(), *self.now, *self.made, *self.masked, *self.near, *self.hub])


def sketch(path, key):
    """256 sums of a model's numbers: the 8192 bytes of a chunk are signs of 128 blocks."""
    x, sums = [], [0.0] * 256
    for dtype, dims, payload, _ in read(path)[2].values():
        if dtype == "f32":
            x += struct.unpack(f"<{math.prod(dims)}f", payload)
    assert len(x) <= 256, "one block does here"
    x += [0.0] * (256 - len(x))
    bits = int.from_bytes(s.chacha20(key, 0, 64), "little")
    x = [-v if bits >> j & 1 else v for j, v in enumerate(x)]
    for k in range(256):
        v = math.fsum(-v if bin(j & k).count("1") % 2 else v for j, v in enumerate(x))
        sums[k] += (-v if bits >> 256 + k & 1 else v) / 16
    return struct.pack("<256d", *sums)


# ---- the files ----

def make_model(path):
    """Values of few bits, so that sums of them are exact in any order; some to be cut."""
    rng = random.Random(1)
    o = Object("model", {"round": FIRST + 1, "arch.family": "llama"})
    for name, dims in SHAPES:
        o.tensor(name, "f32", dims, [round(rng.gauss(0, 1) * 256) / 256 for _ in range(math.prod(dims))])
    path.write_bytes(o.tensor("tokenizer.json", "u8", [2], b"{}").done().data)


def make_update(path, model, site, rng):
    base = read(model)
    i = SITES.index(site)
    o = Object("update", {"base": digest(model), "base.params": params(base[2]),
                          "base.round": base[1]["round"], "site": site, "steps": 20,
                          "examples": (1000, 37, 411)[i], "tokens": 5000 + i, "loss.first": 3.5 - i / 2})
    for name, dims in SHAPES:
        values = [rng.choice((rng.gauss(0, 1e-2), 0.0, rng.uniform(-1, 1))) for _ in range(math.prod(dims))]
        if name == "norm":
            values[:4] = math.nan, math.inf, -math.inf, 1e30
        if name != "scale":   # frozen
            o.tensor(name, "f32", dims, values)
    path.write_bytes(o.done().data)


MASKED = """\
min_sum: 4
max_open: {open}
weights: {{rule: dynamic, floor: 0.5, cap: 1.5, tokens: 1500, alpha: 0.5, mbit: 80}}
tensors:
  - {{match: "la?er*", protect: mask, bits: 13, clip: 0.05}}
  - {{match: embed, protect: plain, bits: 64, clip: 1}}
  - {{match: scale, protect: frozen}}
  - {{match: "*", protect: mask, bits: 20, clip: 0.25}}
"""
ENCRYPTED = """\
min_sum: 3
max_open: {open}
weights: {{rule: dynamic, floor: 0.75, cap: 1.5, tokens: 1500, alpha: 0.5, mbit: 80}}
tensors:
  - {{match: "la?er*", protect: he, bits: 13, clip: 0.05}}
  - {{match: embed, protect: plain, bits: 64, clip: 1}}
  - {{match: scale, protect: frozen}}
  - {{match: norm, protect: he, bits: 20, clip: 0.25}}
  - {{match: "*", protect: mask, bits: 20, clip: 0.25}}
he:
{he}
"""


def roster_text(model, lines, offers):
    sites = "".join(f"  - {lines[n]}\n" for n in SITES)
    return f"""\
federation: {FEDERATION}
epoch: {EPOCH}
first_round: {FIRST}
model: {digest(model).hex()}
apply: {{rule: nesterov, lr: {LR}, momentum: {MOMENTUM}}}
hub: {lines["hub"]}
sites:
{sites}protection: helpers
helpers:
  - b
  - {lines["aux"]}
replay: [{", ".join(REPLAY[bool(offers)])}]
""" + (ENCRYPTED if offers else MASKED).format(open=MAX_OPEN, he="\n".join(f"  - {o}" for o in offers))


def f32(values):
    return struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values))


def apply(top, model, mean):
    """Nesterov's step from a velocity of zero: next.flt and velocity.flt. Their digests, and the distance."""
    kind, meta, b = read(model)
    u, step, squares = read(mean)[2], Object(kind, dict(meta, round=meta["round"] + 1, parent=digest(model))), 0.0
    velocity = []
    for name, (dtype, dims, payload, attributes) in b.items():
        if name not in u:
            step.tensor(name, dtype, dims, payload, attributes=attributes)
            continue
        n = math.prod(dims)
        old, us = struct.unpack(f"<{n}f", payload), struct.unpack(f"<{n}f", u[name][2])
        velocity.append((name, dims, us))
        new = f32([x + LR * (q + MOMENTUM * q) for x, q in zip(old, us)])
        for x, y in zip(old, new):
            squares += (y - x)**2
        step.tensor(name, "f32", dims, list(new), attributes=attributes)
    (top / "next.flt").write_bytes(step.done().data)
    o = Object("optimizer", {"optimizer": "nesterov", "lr": LR, "momentum": MOMENTUM, "model": step.digest,
                             "parent": digest(model), "update": digest(mean)})
    for name, dims, us in velocity:
        o.tensor(name, "f32", dims, list(us))
    (top / "velocity.flt").write_bytes(o.done().data)
    return step.digest, o.digest, math.sqrt(squares)


def the_plan(roster, hub, model, software, shown):
    _, meta, tensors = read(model)
    floats = [t for t in tensors if tensors[t][0] == "f32"]
    n = roster.n + roster.m
    o = Object("plan", {
        "base": digest(model), "params": params(tensors), "base.round": meta["round"], "round": ROUND,
        "software": software, "last.ctr": (0,) * n, "tensors.names": tuple(floats),
        "tensors.shapes": tuple(v for t in floats for v in (len(tensors[t][1]), *tensors[t][1])),
        "tensors.dtypes": (2,) * len(floats), "tensors.trained": (1,) * len(floats)})
    o.tensor("roster", "u8", [len(roster.data)], roster.data).tensor("last", "u8", [32 * n], bytes(32 * n))
    for name, (b, path) in shown.items():
        o.tensor("he." + name, "u64", [he.WORDS], b, attributes={"he.path": path})
    return o.done().sign(s.HUB, "hub", hub["sign"], roster.rd)


def turn(plan, state, keys, folder, top):
    """A site masks: its upload, and what its state is then."""
    name, key = state.key["name"], state.key
    source = top / f"update-{name}.flt"
    update = source if source.exists() else "zero"
    hidden = H(state.hidden, "fl1.zero", NONE) if update == "zero" else \
        H(state.hidden, "fl1.input", params(read(update)[2]))
    nonce = fresh(f"{name} mask", key, "nonce", 1, plan.rd + plan.sid + hidden)
    (top / "begin").write_text(state.text())   # where it finds a chain with itself
    seed = fresh(f"{name} mask", key, "heenc", 1, plan.rd + plan.sid + hidden)
    o = s.upload(plan, state.party, 1, NONE, update, nonce, keys, [top / "begin"], key, seed=seed)
    (top / "begin").unlink()
    (folder / "up" / f"{name}.flt").write_bytes(o.data)
    state.pass_to("up", ROUND + 1)
    state.uploads, key["made"] = (1, o.digest), (1, 0)
    state.made.append(("upload", plan.rd, EPOCH, ROUND, plan.sid, hidden, o.digest))
    state.masked.append(("masked", H(state.hidden, "fl1.masked", plan.meta["params"]), EPOCH, 1, hidden))


def answer(plan, state, keys, folder, top, uploads):
    name, key, request = state.key["name"], state.key, folder / "request.flt"
    (folder / "ready" / f"{name}.flt").write_bytes(s.ready(plan, request, state.party, [], key).data)
    (top / "begin").write_text(state.text())
    rk = he.round_key(he.chain_to(he_seed(key), 0, ROUND - FIRST), ROUND - FIRST)
    o = s.answer(plan, request, state.party, 1, NONE, keys, [top / "begin"], key, rk,
                 [u.c1 for u in uploads] if plan.he else [])
    (top / "begin").unlink()
    (folder / "answer" / f"{name}.flt").write_bytes(o.data)
    state.pass_to("down", ROUND + 1)
    state.open = [o for o in state.open if o[0] != ROUND]
    state.answers, key["made"] = (1, o.digest), (key["made"][0], 1)
    state.made.append(("answer", plan.rd, EPOCH, ROUND, plan.sid, s.shown(request)[0], o.digest))


def offer(key, leaves, keys):
    """A helper's line for the roster, and its key of the round: packed, path. Both into KEYS too."""
    name, ed25519, k = key["name"], public_key(key), ROUND - FIRST
    root, path = he.tree(leaves, k)
    b = he.public(FEDERATION, EPOCH, he.round_key(he.chain_to(he_seed(key), 0, k), k), k)
    assert leaves[32 * k:32 * k + 32] == he.leaf(FEDERATION, EPOCH, ed25519, k, b), "the leaves are of other keys"
    line = he.line(FEDERATION, name, EPOCH, key["sign"], root, s.ed25519)
    (keys / f"{name}.line").write_text(line + "\n")
    (keys / f"{name}.leaves").write_bytes(leaves)
    return line, (b, path)


def members(roster):
    return [("member", bytes.fromhex(line[3])) for line in roster.lines[:roster.n]]


def advance(plan, state, top, following, velocity, present):
    """A helper that has seen both models, and keeps no open round."""
    key = fixed(f"{state.key['name']} advance")
    state.near = [("sketch", key), *members(plan.roster),
                  ("base", plan.meta["base"], EPOCH, sketch(top / "model.flt", key)),
                  ("set", present.to_bytes(1, "little")), ("base", following, 0, sketch(top / "next.flt", key))]
    state.now = [("now", following, params(read(top / "next.flt")[2]), velocity, "-")]
    state.open = []


def main(top, software, leaves=None):
    top = pathlib.Path(top)
    present_names = "abe" if leaves else PRESENT
    folder, model = top / "5", top / "model.flt"
    for sub in ("keys", "5/up", "5/ready", "5/answer", "5/opened"):
        (top / sub).mkdir(parents=True)
    make_model(model)
    rng = random.Random(2)
    for n in "abc":   # e has none, and sends zeros; d never comes
        make_update(top / f"update-{n}.flt", model, n, rng)

    keys = {n: new_key(n) for n in (*SITES, "aux", "hub")}
    begun = {n: dict(k) for n, k in keys.items()}
    for n, key in keys.items():
        (top / "keys" / f"{n}.new").write_text(key_text(key))
        (top / "keys" / f"{n}.pub").write_text(s.public_line(key) + "\n")
    trees = {n: (pathlib.Path(leaves) / f"{n}.leaves").read_bytes() for n in HELPERS if leaves}
    offers = {n: offer(keys[n], tree, top / "keys") for n, tree in trees.items()}
    (top / "roster.yaml").write_text(roster_text(model, {n: s.public_line(k) for n, k in keys.items()},
                                                 [line for line, _ in offers.values()]))
    roster = s.roster(top / "roster.yaml")
    (top / "words").write_text(s.words(roster.rd) + "\n")
    states = {n: State(k, roster, trees.get(n)) for n, k in keys.items()}

    shown = {n: key for n, (_, key) in offers.items()}
    for n, (b, path) in shown.items():
        o = Object("hekey", {"roster": roster.rd, "party": states[n].party, "helper": n})
        o.tensor(f"he.{ROUND}", "u64", [he.WORDS], b, attributes={"he.path": path}).done()
        (top / "keys" / f"{n}.hekey").write_bytes(o.sign(states[n].party, n, keys[n]["sign"], roster.rd).data)
    (folder / "plan.flt").write_bytes(the_plan(roster, keys["hub"], model, software, shown).data)
    plan = s.Plan(folder / "plan.flt")
    for n in present_names:
        turn(plan, states[n], begun, folder, top)
    uploads = [s.Upload(folder / "up" / f"{n}.flt") for n in present_names]
    (folder / "request.flt").write_bytes(s.request(plan, uploads, keys["hub"]).data)
    (folder / "sum.flt").write_bytes(s.partial(plan, uploads).data)
    for n in HELPERS:
        answer(plan, states[n], begun, folder, top, uploads)
    answers = [s.Upload(folder / "answer" / f"{n}.flt") for n in HELPERS]
    (folder / "mean.flt").write_bytes(s.opened(plan, uploads, answers).data)
    present = sum(1 << SITES.index(n) for n in present_names)
    following, velocity, distance = apply(top, model, folder / "mean.flt")
    for n in REPLAY[bool(plan.he)]:
        o = Object("opened", {
            **plan.session(), "params": plan.meta["params"], "set": s.shown(folder / "request.flt")[0],
            "party": states[n].party, "replay": n, "distance": distance, "next.base": following,
            "next.params": params(read(top / "next.flt")[2]), "next.velocity": velocity})
        o.done().sign(states[n].party, n, keys[n]["sign"], roster.rd)
        (folder / "opened" / f"{n}.flt").write_bytes(o.data)
    for n in HELPERS:
        advance(plan, states[n], top, following, velocity, present)
    hub, key = states["hub"], fixed("hub plan")
    hub.near = [("sketch", key), *members(roster), ("base", plan.meta["base"], EPOCH, sketch(model, key)),
                ("asked", digest(folder / "plan.flt"), present.to_bytes(1, "little"))]
    hub.hub = [("plan", roster.rd, ROUND, digest(folder / "plan.flt"), plan.meta["base"],
                s.shown(folder / "request.flt")[0])]
    hub.hub += [("counted", bytes.fromhex(roster.lines[u.meta["site.index"]][3]), 1, u.digest, 0, NONE)
                for u in uploads]
    for n in keys:
        (top / "keys" / f"{n}.key").write_text(key_text(keys[n]))
        (top / "keys" / f"{n}.state").write_text(states[n].text())


if __name__ == "__main__":
    main(*sys.argv[1:])
