"""People, programs and forged messages, for the attacks beside this file.

A Federation is a folder with keys, roster, model and updates whose private values are known here, so
that what an attack recovers is compared with the truth. Programs are those of $BUILD/bin, or for a rule
that is switched off those of $BUILD/off/RULE. Messages are forged by tests/naive/secagg.py, which was
written from fl-protocol(7).
"""
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys

tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(tests / "naive"), str(tests / "vectors"), str(tests / "cli")]
import secagg as s  # noqa: E402
from make import Object  # noqa: E402
from updates import read  # noqa: E402

SHAPES = [("embed", [30, 7]), ("layer", [150]), ("norm", [9])]
BUILD = pathlib.Path(os.environ.get("BUILD", tests.parent / "build"))
RULE = '  - {match: "*", protect: mask, bits: 16, clip: 0.05}\n'
CLIP = 0.05


class Refused(Exception):
    """A program that the attack needed did not do what it was asked."""


def write(o, path):
    path.write_bytes(o.data)
    return path


def rewrite(kind, meta, tensors, roles=None):
    """The object again, unsigned; a reader does not say roles, so ROLES does."""
    o = Object(kind, meta)
    for name, (dtype, dims, payload, attributes) in tensors.items():
        o.tensor(name, dtype, dims, payload, role=(roles or {}).get(name, 0), attributes=attributes)
    return o.done()


class Federation:
    def __init__(self, folder, off, sites="abcdef", helpers=("b", "+aux"), min_sum=5, terms=""):
        """OFF: the rule that is switched off, or None. HELPERS as names, "+" for one that is no site."""
        self.dir, self.off, self.terms = pathlib.Path(folder), off, terms
        self.dir.mkdir(parents=True)
        self.sites, self.helpers, self.min_sum = list(sites), list(helpers), min_sum
        self.outside = [h[1:] for h in helpers if h[0] == "+"]
        self.names = self.sites + self.outside + ["hub"]
        self.model = self.make_model(self["model.flt"], 1)
        for n in self.names:
            self[n + ".pub"].write_text(self.out("fl-keygen", "-n", n, "-o", n + ".key"))
            shutil.copy(self[n + ".key"], self[n + ".old"])
        self.accept(1, self.model)

    def __getitem__(self, name):
        return self.dir / name

    # ---- programs ----

    def program(self, name):
        other = BUILD / "off" / (self.off or "none") / name
        return str(other if other.exists() else BUILD / "bin" / name)

    def run(self, name, *args):
        return subprocess.run([self.program(name), *map(str, args)], cwd=self.dir, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace")

    def status(self, name, *args):
        done = self.run(name, *args)
        self.said = done.stderr.strip()
        return done.returncode

    def out(self, name, *args):
        done = self.run(name, *args)
        if done.returncode:
            raise Refused(f"{name} {' '.join(map(str, args))}: {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # ---- people ----

    def accept(self, epoch, model, sites=None, first_round=0, who=None, args=()):
        sites = sites or self.sites
        text = f"federation: demo\nepoch: {epoch}\nfirst_round: {first_round}\n"
        text += f"model: {s.digest(model).hex()}\nsites:\n"
        line = {n: self[n + ".pub"].read_text().strip() for n in self.names}
        text += "".join(f"  - {line[n]}\n" for n in sites) + f"hub: {line['hub']}\n"
        if self.helpers:
            text += "protection: helpers\nhelpers:\n"
            text += "".join(f"  - {line[h[1:]] if h[0] == '+' else h}\n" for h in self.helpers)
            text += f"min_sum: {self.min_sum}\n"
        text += self.terms if "tensors:" in self.terms else self.terms + "tensors:\n" + RULE
        self["roster.yaml"].write_text(text)
        self["words"].write_text(self.out("fl-keygen", "--show", "roster.yaml"))
        for n in who or (sites + self.outside + ["hub"]):
            more = args if n in [h.strip("+") for h in self.helpers] else ()
            self.out("fl-keygen", "--accept", "roster.yaml", "-k", n + ".key", "--words", "words", *more)
            self[n + ".pub"].write_text(self.out("fl-keygen", "--public", "-k", n + ".key"))

    def make_model(self, path, seed, meta=None, shift=None):
        rng = random.Random(seed)
        o = Object("model", {"round": 0, "arch.family": "llama", **(meta or {})})
        for name, dims in SHAPES:
            n = 1
            for d in dims:
                n *= d
            values = [rng.gauss(0, 1) for _ in range(n)]
            o.tensor(name, "f32", dims, values if not shift else shift(name, values))
        return write(o.tensor("tokenizer.json", "u8", [2], b"{}").done(), path)

    def update(self, path, model, seed, size=3, **meta):
        """A private update: normal values, SIZE standard deviations up to the clip."""
        rng, tensors = random.Random(seed), read(model)[2]
        numbers = {"base": s.digest(model), "base.params": s.params(tensors), "base.round": 0,
                   "examples": 1000, "tokens": 5000, "loss.first": 3.0, **meta}
        o = Object("update", {k: v for k, v in numbers.items() if v is not None})
        for name, dims in SHAPES:
            n = len(tensors[name][2]) // 4
            o.tensor(name, "f32", dims, [rng.gauss(0, CLIP / size) for _ in range(n)])
        return write(o.done(), self[path])

    def key(self, name):
        return s.key_file(self[name + ".key"])

    def clone(self, name, to):
        """What a thief, or a backup, has of a party."""
        self[to].mkdir(exist_ok=True)
        shutil.copy(self[name + ".key"], self[to] / (name + ".key"))
        shutil.copytree(self[name + ".key.state"], self[to] / (name + ".key.state"))
        return f"{to}/{name}"

    # ---- a round, by an honest hub unless a forged plan is given ----

    def plan(self, r, model=None, *args):
        for sub in ("up", "answer"):
            (self[str(r)] / sub).mkdir(parents=True, exist_ok=True)
        self.out("fl-plan", "-r", "roster.yaml", "-k", "hub.key", "--round", r, "-m", model or self.model,
                 "-o", f"{r}/plan.flt", *args)
        return s.Plan(self[f"{r}/plan.flt"])

    def forge_plan(self, r, model, **meta):
        """A plan that the hub signs with its true key and none of its program's checks."""
        for sub in ("up", "answer"):
            (self[str(r)] / sub).mkdir(parents=True, exist_ok=True)
        people, tensors, key = s.roster(self["roster.yaml"]), read(model)[2], self.key("hub")
        floats, parties = [t for t in tensors if "f" in tensors[t][0]], people.n + people.m
        want = {"base": s.digest(model), "params": s.params(tensors), "base.round": 0, "round": r,
                "software": "fl-plan", "last.ctr": (0,) * parties, "tensors.names": tuple(floats),
                "tensors.shapes": tuple(v for t in floats for v in (len(tensors[t][1]), *tensors[t][1])),
                "tensors.dtypes": tuple(s.WORDS[tensors[t][0]] for t in floats),
                "tensors.trained": (1,) * len(floats), **meta}
        last = want.pop("last", bytes(32 * parties))
        p = Object("plan", want).tensor("roster", "u8", [len(people.data)], people.data)
        p.tensor("last", "u8", [len(last)], last).done().sign(s.HUB, key["name"], key["sign"], people.rd)
        write(p, self[f"{r}/plan.flt"])
        return s.Plan(self[f"{r}/plan.flt"])

    def purse(self, name):
        return []

    def mask(self, r, name, update, key=None, to=None):
        to = to or f"{r}/up/{name}.flt"
        self.out("fl-mask", "-q", "-k", (key or name) + ".key", "-p", f"{r}/plan.flt", "-o", to, *self.purse(name),
                 *([update] if update != "zero" else ["--zero"]))
        return s.Upload(self[to])

    def mask_all(self, r, updates):
        return {n: self.mask(r, n, u) for n, u in updates.items()}

    def request(self, r, uploads, to="request.flt"):
        """What a hub asks for that keeps to no rule."""
        write(s.request(s.Plan(self[f"{r}/plan.flt"]), list(uploads), self.key("hub")), self[f"{r}/{to}"])
        return f"{r}/{to}"

    def ready(self, r, name, request):
        return self.status("fl-unmask", "-q", "--ready", "-k", name + ".key", "-p", f"{r}/plan.flt", "-o",
                           self[f"{r}/ready.flt"], request)

    def answer(self, r, name, request, to=None, key=None):
        """The answer of a helper, or None when it refuses."""
        to = to or f"{r}/answer/{name}.flt"
        if self.status("fl-unmask", "-q", "-k", (key or name) + ".key", "-p", f"{r}/plan.flt", "-o", to,
                       request):
            return None
        return s.Upload(self[to])

    def opened(self, r, uploads, request, tag=""):
        """The words of the sum over these uploads, opened by every helper, or None when one refuses."""
        answers = [self.answer(r, h.strip("+"), request, f"{r}/answer/{h.strip('+')}{tag}.flt")
                   for h in self.helpers]
        if None in answers:
            return None
        return integers(s.Plan(self[f"{r}/plan.flt"]), *s.add_up(s.Plan(self[f"{r}/plan.flt"]),
                                                                 list(uploads), answers))

    def truth(self, r, update):
        """The integers and the weight that a site's update is encoded as: what nobody may see."""
        plan = s.Plan(self[f"{r}/plan.flt"])
        values, q = plan.encode(self[update] if update != "zero" else "zero")
        return [v for name in plan.order() if name for v in values[name]] + [q]


class Noisy(Federation):
    """Helpers add noise for whole sites, which pay in ledgers. Values are 24 bits, updates CLIP long."""
    def __init__(self, folder, off, epsilon=1000, **more):
        terms = (f"noise: {{site: {{clip: {CLIP}, multiplier: 1}}}}\nbudget: {{epsilon: {epsilon}, delta: 1e-6}}\n"
                 f'max_open: 16\ntensors:\n  - {{match: "*", protect: mask, bits: 24, clip: {CLIP}}}\n')
        super().__init__(folder, off, terms=terms, **more)
        for n in self.sites:
            self.out("fl-account", "--new-ledger", n + ".ledger")

    def purse(self, name):
        return ["--ledger", name + ".ledger"]

    def values(self, r, updates):
        """The sum of these updates' values, in the order of an upload."""
        plan, total = s.Plan(self[f"{r}/plan.flt"]), None
        for u in updates:
            tensors = read(self[u])[2]
            v = [x for t in plan.order() if t for x in struct.unpack(f"<{plan.count(t)}f", tensors[t][2])]
            total = v if total is None else [a + b for a, b in zip(total, v)]
        return total


def alike(a, b):
    """The cosine of the angle between two rows of numbers; of two unlike ones about the root of 1/369."""
    def dot(x, y):
        return sum(p * q for p, q in zip(x, y))
    return dot(a, b) / (dot(a, a) * dot(b, b))**.5


def integers(plan, words, spans):
    """All lanes of a sum, in the order of an upload, the weight's last."""
    out, weight = [], 0
    for name, first, end in spans:
        if name is None:
            weight = words[first] - (1 << 64) * (words[first] >> 63)
        else:
            rule, n = plan.rules[name], plan.count(name)
            mask = (1 << rule.bits) - 1
            lanes = [w >> rule.bits * k & mask for w in words[first:end] for k in range(rule.lanes)][:n]
            out += [v - (1 << rule.bits) if v >> rule.bits - 1 else v for v in lanes]
    return out + [weight]


def lanes_of(plan, message):
    """Those of a message as it travels."""
    words, spans = [], []
    for name in plan.order():
        first = len(words)
        payload = message.tensors[name or s.WEIGHT][2]
        words += struct.unpack(f"<{len(payload) // 8}Q", payload)
        spans.append((name, first, len(words)))
    return integers(plan, words, spans)


def minus(plan, a, b):
    """Lane by lane, as signed numbers of the lane's width."""
    widths = [plan.rules[n].bits for n in plan.order() if n for _ in range(plan.count(n))] + [64]
    out = []
    for x, y, bits in zip(a, b, widths):
        v = (x - y) & ((1 << bits) - 1)
        out.append(v - (1 << bits) if v >> bits - 1 else v)
    return out


def plus(plan, a, b):
    return minus(plan, a, [-v for v in b])


def found(got, truth, within=1):
    """Was a private thing recovered, to one step of the encoding? (Values; the weight comes last.)"""
    return got is not None and all(abs(x - y) <= within for x, y in zip(got[:-1], truth[:-1]))
