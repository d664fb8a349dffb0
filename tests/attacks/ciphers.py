#!/usr/bin/env python3
"""Attempts on encrypted tensors, made and judged as in attempts.py: ciphers.py [NAME...].

The site whose update is looked for is d or a; "layer" is encrypted, the rest is masked. Helper b is honest
where nothing else is said, aux tells the hub all it has. Arithmetic is that of tests/naive.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import attempts
from attempts import Skip, attempt, main, updates
from federation import Federation, Object, Refused, read, s, tests, write
import rlwe
import secagg_he as he
from rlwe import N, Q

TERMS = ("tensors:\n  - {match: layer, protect: he, bits: 16, clip: 0.05}\n"
         '  - {match: "*", protect: mask, bits: 16, clip: 0.05}\nhe:\n')


class Encrypted(Federation):
    """Five sites, made once: making the keys of an epoch takes seconds."""
    first = environment = None

    def __init__(self, folder, off):
        if not Encrypted.first:
            Encrypted.home = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
            super().__init__(Encrypted.home.name + "/f", None, "abcde", ("b", "+aux"), 4)
            Encrypted.first = dict(self.__dict__)
        self.__dict__.update(Encrypted.first)
        shutil.copytree(self.dir, folder)
        self.dir, self.off = pathlib.Path(folder), off
        self.model = self["model.flt"]

    def accept(self, *args, **more):
        self.terms = TERMS + "".join(f"  - {self.out('fl-keygen', '--he', 'demo', '-k', h + '.key')}"
                                     for h in ("b", "aux"))
        super().accept(*args, **more)

    def run(self, name, *args):
        return subprocess.run([self.program(name), *map(str, args)], cwd=self.dir, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)

    def plan(self, r, *args):
        for h in ("b", "aux"):
            self.out("fl-keygen", "--he-key", r, "-k", h + ".key", "-o", f"{h}.hekey")
        return super().plan(r, None, "--he-keys", "b.hekey", "--he-keys", "aux.hekey", *args)

    def show_keys(self, r, keys):
        """A plan of round R with these keys and paths, that the hub signs."""
        kind, meta, tensors = read(self[f"{r}/plan.flt"])
        o, hub = Object(kind, meta), self.key("hub")
        for name, (dtype, dims, payload, attributes) in tensors.items():
            if name[3:] in keys:
                payload, attributes = keys[name[3:]][0], {"he.path": keys[name[3:]][1]}
            o.tensor(name, dtype, dims, payload, attributes=attributes)
        write(o.done().sign(s.HUB, "hub", hub["sign"], s.roster(self["roster.yaml"]).rd), self[f"{r}/plan.flt"])
        return s.Plan(self[f"{r}/plan.flt"])

    def answer(self, r, name, request, to=None, ups=None):
        """With these files, or all uploads."""
        to = to or f"{r}/answer/{name}.flt"
        files = ups or [f"{r}/up/{n}.flt" for n in self.sites if (self[f"{r}/up/{n}.flt"]).exists()]
        if self.status("fl-unmask", "-q", "-k", name + ".key", "-p", f"{r}/plan.flt", "-o", to, request, *files):
            return None
        return s.Upload(self[to])

    def round_key(self, name, r):
        """What a party's state tells of its key of round R, or None: RK."""
        rk, hs = None, None
        for word, *v in s.vault(self[name + ".key.state/state"])[1:-1]:
            if word == "he":
                hs = int(v[0]), bytes.fromhex(v[1])
            if word == "shape":
                at = int(v[4])
            if word == "heopen" and int(v[0]) == r:
                rk = bytes.fromhex(v[1])
        return rk or (he.round_key(he.chain_to(hs[1], at, r), r) if at <= r else None)

    def secret(self, name, r):
        """The ternary secret of a helper that tells what it has; None if it has it no more."""
        rk = self.round_key(name, r)
        return rk and rlwe.secret(s.H(rk, "fl1.he.key"))[0]

    def truth(self, r, update):
        plan = s.Plan(self[f"{r}/plan.flt"])
        return plan.encode(self[update] if update != "zero" else "zero")[0]["layer"]


def sum_of(rows):
    return [sum(row) for row in zip(*rows)]


def element(payload):
    return he.elements(payload)[0]


def c0(message):
    return element(message.tensors[he.TENSOR][2])


def decrypt(plan, upload, secrets):
    """The one ciphertext of an upload, by secrets whose sum the key is of."""
    products = [rlwe.times(element(upload.c1), t) for t in secrets]
    return plan.he.opened([rlwe.add(c0(upload), *products)])["layer"]


def opened(plan, *elements):
    return plan.he.opened([rlwe.add(*elements)])["layer"]


def same(got, truth):
    return got is not None and all(abs(x - y) <= 1 for x, y in zip(got, truth))


# ---- answers ----

def opened_for(f, plan, uploads, request, tag):
    answers = [f.answer(1, h, request, f"1/answer/{h}{tag}.flt", [u.path for u in uploads]) for h in ("b", "aux")]
    return None if None in answers else opened(plan, *(c0(m) for m in (*uploads, *answers)))


def at(f, path, upload):
    upload.path = path
    return upload


def mask_all(f, r, u):
    return {n: at(f, f"{r}/up/{n}.flt", y) for n, y in f.mask_all(r, u).items()}


@attempt("hub and a thief", "the stolen state of d sends zeros in the same round; helpers are asked for both sets",
         off=["answer"])
def two_sums(f):
    u = updates(f)
    plan, copy = f.plan(1), f.clone("d", "stolen")
    y = mask_all(f, 1, u)
    first = opened_for(f, plan, y.values(), f.request(1, y.values()), "")
    zero = at(f, "1/up/zero.flt", f.mask(1, "d", "zero", key=copy, to="1/up/zero.flt"))
    others = [zero if n == "d" else y[n] for n in y]
    second = opened_for(f, plan, others, f.request(1, others, "request.2.flt"), ".2")
    return second and same([a - b for a, b in zip(first, second)], f.truth(1, u["d"]))


@attempt("hub, aux and two sites", "c, e and a tell what they sent; with them d alone is in a set", off=["min-sum"])
def starved_set(f):
    u = updates(f)
    plan = f.plan(1)
    y = mask_all(f, 1, {n: u[n] for n in "ade"})
    got = opened_for(f, plan, y.values(), f.request(1, y.values()), "")
    known = sum_of(f.truth(1, u[n]) for n in "ae")
    return got and same([a - b for a, b in zip(got, known)], f.truth(1, u["d"]))


@attempt("hub, aux and three sites", "min_sum - 1 sites tell what they sent: d is left of a set", limit=True)
def all_but_d(f):
    u = updates(f)
    plan = f.plan(1)
    y = mask_all(f, 1, {n: u[n] for n in "abde"})
    got = opened_for(f, plan, y.values(), f.request(1, y.values()), "")
    known = sum_of(f.truth(1, u[n]) for n in "abe")
    return same([a - b for a, b in zip(got, known)], f.truth(1, u["d"]))


@attempt("hub and aux", "the ciphertexts that b adds are those of a, and zeros under the names of others",
         off=["cipher-signed"])
def zeros_for_others(f):
    u = updates(f)
    plan, told = f.plan(1), f.secret("aux", 1)
    y = mask_all(f, 1, u)
    files = [y["a"].path]
    for n in "bcde":
        o = Object("cipher", {**plan.session(), "site": n, "site.index": y[n].meta["site.index"]})
        write(plan.he.tensor(o, he.C1, [[0] * N]).done(), f[f"{n}.zeros.flt"])
        files.append(f"{n}.zeros.flt")
    share = f.answer(1, "b", f.request(1, y.values()), ups=files)
    return share and same(opened(plan, c0(y["a"]), c0(share), rlwe.times(element(y["a"].c1), told)),
                          f.truth(1, u["a"]))


def quotient(a, b):
    """A / B modulo X^N + 1 and the first prime: by values at the odd powers of a root of order 2N."""
    p = rlwe.PRIMES[0]
    root = next(w for w in (pow(g, (p - 1) // (2 * N), p) for g in range(2, 99)) if pow(w, N, p) == p - 1)

    def transform(x, w):
        if len(x) == 1:
            return x
        even, odd, half, t = transform(x[::2], w * w % p), transform(x[1::2], w * w % p), len(x) // 2, 1
        out = [0] * len(x)
        for i in range(half):
            v = t * odd[i] % p
            out[i], out[i + half], t = (even[i] + v) % p, (even[i] - v) % p, t * w % p
        return out

    def values(x):
        turned, t = [], 1
        for v in x:
            turned.append(v * t % p)
            t = t * root % p
        return transform(turned, root * root % p)

    found = transform([v * pow(w, -1, p) % p for v, w in zip(values(a), values(b))], pow(root, -2, p))
    less, n, back = 1, pow(N, -1, p), pow(root, -1, p)
    for i in range(N):
        found[i], less = found[i] * n * less % p, less * back % p
    return [v - p if v > p // 2 else v for v in found]


@attempt("hub and aux", "divides b's share by the sum that it is a share of", off=["smudge"])
def divided(f):
    u = updates(f)
    plan, told = f.plan(1), f.secret("aux", 1)
    y = mask_all(f, 1, u)
    share = f.answer(1, "b", f.request(1, y.values()))
    secret = quotient(c0(share), rlwe.add(*(element(m.c1) for m in y.values())))
    return max(map(abs, secret)) <= 1 and same(decrypt(plan, y["a"], [secret, told]), f.truth(1, u["a"]))


# ---- keys ----

@attempt("hub and aux", "aux shows its key less b's, which it saw: the sum is aux's own", off=["he-path"])
def less_the_others(f):
    u = updates(f)
    plan, told = f.plan(1), f.secret("aux", 1)
    b, own = map(he.unpacked, plan.keys)
    rogue = rlwe.packed([(x - y) % Q for x, y in zip(own, b)])
    plan = f.show_keys(1, {"aux": (rogue, bytes(320))})
    return same(decrypt(plan, f.mask(1, "a", u["a"]), [told]), f.truth(1, u["a"]))


@attempt("hub and a thief", "the keys of round 0, whose secret is known, are shown in round 1 with their paths; "
         "a round has a polynomial of its own too", holds=["he-path"])
def keys_of_before(f):
    u = updates(f)
    f.plan(0)
    old, known = {}, [f.secret(h, 0) for h in ("b", "aux")]
    for h in ("b", "aux"):
        tensor = read(f[h + ".hekey"])[2]["he.0"]
        old[h] = tensor[2], tensor[3]["he.path"]
    f.plan(1)
    plan = f.show_keys(1, old)
    return same(decrypt(plan, f.mask(1, "a", u["a"]), known), f.truth(1, u["a"]))


@attempt("thief of all helpers' disks", "d was late in a round that is answered", off=["wipe"])
def late(f):
    u = updates(f)
    plan = f.plan(1)
    y = mask_all(f, 1, {n: u[n] for n in "abce"})
    assert opened_for(f, plan, y.values(), f.request(1, y.values()), "")
    told = [f.secret(h, 1) for h in ("b", "aux")]
    return None not in told and same(decrypt(plan, f.mask(1, "d", u["d"]), told), f.truth(1, u["d"]))


# ---- sites ----

@attempt("a backup", "a machine of d is restored with its generator, and encrypts other values", off=["he-draw"])
def same_draw(f):
    fixed = f["fixed.so"]
    if subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", fixed,
                       tests / "vectors/fixed.c", "-lsodium"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("no compiler is here")
    u = updates(f)
    plan, copy = f.plan(1), f.clone("d", "restored")
    f.environment = {**os.environ, "FIXED": "the same", "LD_PRELOAD": str(fixed)}
    first, second = f.mask(1, "d", u["d"]), f.mask(1, "d", "zero", key=copy, to="1/up/zero.flt")
    return same(opened(plan, c0(first), [-v % Q for v in c0(second)]), f.truth(1, u["d"]))


def send(f, r, name, first, second=None):
    """The upload of a bad site with another c1 (FIRST: packed), or c0, signed by it."""
    path = f[f"{r}/up/{name}.flt"]
    data = path.read_bytes()
    _, head, _ = read(data)
    plan, key = s.Plan(f[f"{r}/plan.flt"]), f.key(name)
    o = Object("cipher", head)
    o.tensor(he.C1, "u64", [1, he.WORDS], first, role=he.ROLE, attributes=plan.he.attributes).done()
    kind, meta, tensors = read(data[data.index(data[:8], 8):])
    up = Object(kind, {**meta, "cipher": o.digest})
    for t, (dtype, dims, payload, attributes) in tensors.items():
        ciphers = t == he.TENSOR
        up.tensor(t, dtype, dims, second if ciphers and second else payload, role=2 if ciphers else 1,
                  attributes=attributes)
    up.done().sign(meta["site.index"], name, key["sign"], plan.rd)
    path.write_bytes(o.data + up.data)
    return at(f, f"{r}/up/{name}.flt", s.Upload(path))


@attempt("a site", "residues that are none, so that helpers who add them stop a round that the hub began",
         off=["residues"])
def no_residues(f):
    f.plan(1)
    f.mask(1, "e", updates(f)["e"])
    y, high, taken = s.Upload(f["1/up/e.flt"]), b"\xff" * 8, 0
    c0, c1 = y.tensors[he.TENSOR][2], y.c1
    for first, second in ((c1, high + c0[8:]), (high + c1[8:], c0)):
        send(f, 1, "e", first, second)
        taken += not f.status("fl-aggregate", "-q", "--check", "-p", "1/plan.flt", "1/up/e.flt", "--as", "e/up")
    return taken


def by_programs(f, y):
    """The hub asks, helpers answer, the sum opens; the status of that, and the answers."""
    up = [m.path for m in y.values()]
    f.out("fl-aggregate", "-q", "--check", "-p", "1/plan.flt", *up)
    f.out("fl-aggregate", "-q", "-k", "hub.key", "-p", "1/plan.flt", "--request", "1/request.flt", "-o", "1/sum.flt",
          *up)
    answers = [f.answer(1, h, "1/request.flt") for h in ("b", "aux")]
    return f.status("fl-aggregate", "-q", "-p", "1/plan.flt", "-o", "1/mean.flt", "1/sum.flt", "1/answer/b.flt",
                    "1/answer/aux.flt"), answers


@attempt("a site", "moves the mean of one value beyond the clip", off=["range"])
def poison(f):
    u = updates(f)
    plan = f.plan(1)
    y = mask_all(f, 1, u)
    first = c0(y["e"])
    first[0] += (3 << 13) * Q >> 16 * plan.he.slots[16]   # three quarters of what a lane holds, in the lowest
    y["e"] = send(f, 1, "e", y["e"].c1, rlwe.packed(first))
    return by_programs(f, y)[0] == 0


@attempt("a site", "a constant in its ciphertext, which no mean shows: whoever has uploads and answers reads d",
         limit=True)
def constant(f):
    u = updates(f)
    plan = f.plan(1)
    y = mask_all(f, 1, u)
    noise = plan.roster.m * plan.he.ct << plan.he.lam + 1   # what hides shares is shorter
    step = 1 << noise.bit_length() + 1
    c1 = element(y["e"].c1)
    y["e"] = send(f, 1, "e", rlwe.packed([c1[0] + step, *c1[1:]]))
    status, answers = by_programs(f, y)
    assert status == 0
    assert same(opened(plan, *(c0(m) for m in (*y.values(), *answers))), sum_of(f.truth(1, n) for n in u.values()))

    v = rlwe.add(*(c0(m) for m in (*y.values(), *answers)))
    bits = 16 * plan.he.slots[16]
    rest = [x - (((x << bits) + Q // 2) // Q * Q >> bits) for x in v]
    secret = [(x + step // 2) // step for x in rest]
    assert max(map(abs, secret)) <= 2
    halves = [max(-1, min(1, x)) for x in secret]
    return same(decrypt(plan, y["d"], [halves, [x - h for x, h in zip(secret, halves)]]), f.truth(1, u["d"]))


def make(call, rule):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        try:
            return bool(call(Encrypted(folder + "/f", rule))), ""
        except Refused as e:
            return False, str(e)


if __name__ == "__main__":
    mine = [a for a in attempts.ATTEMPTS if a[0].__module__ == "__main__"]
    attempts.ATTEMPTS[:], attempts.make = mine, make
    sys.exit(main(sys.argv[1:]))
