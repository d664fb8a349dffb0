#!/usr/bin/env python3
"""Attempts to get a single site's update out of the built programs: attempts.py [NAME...].

Each is made on the programs as they are, where it must get nothing, and again on programs without the
rule that stops it (off.py, off/RULE), where it must get the private numbers: an attack that gets
nothing there would prove nothing here. "Get" is: every value to one step of the encoding. What the
protocol does not prevent is an attempt too, with limit=True: it succeeds, as fl-protocol(7) says.
Prints TAP. README.md has the list.
"""
import fcntl
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback

import off
from federation import (CLIP, SHAPES, Federation, Noisy, Refused, alike, found, integers, lanes_of, minus, plus,
                        rewrite, s, write)
from make import Object
from updates import read

ATTEMPTS = []


def attempt(who, what, off=(), holds=(), limit=False):
    """OFF: rules without which it succeeds; HOLDS: without which it still fails."""
    def add(call):
        ATTEMPTS.append((call, who, what, tuple(off), tuple(holds), limit))
        return call
    return add


def updates(f, sites=None, model=None, size=3, tag=""):
    """A private update of each site; the same again for the same tag."""
    return {n: f.update(f"{n}{tag}.upd", model or f.model, f"{n}{tag}", size).name for n in sites or f.sites}


def sum_of(f, r, names):
    total = None
    for u in names:
        t = f.truth(r, u)
        total = t if total is None else [a + b for a, b in zip(total, t)]
    return total


def pairwise(folder, off, sites="abcd"):
    return Federation(folder, off, sites, helpers=(), min_sum=len(sites))


# ---- the hub: sets ----

@attempt("hub", "all six, then over the same model all but d", off=["sets"])
def leave_one_out(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    f.forge_plan(2, f.model)
    y = f.mask_all(2, {n: u[n] for n in u if n != "d"})
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(minus(plan, first, second), f.truth(1, u["d"]))


@attempt("hub", "all of 11, 5 of them, 5 others: one is left", off=["pairs-of-sets", "sets"])
def three_sets(folder, off):
    f = Federation(folder, off, "abcdefghijk", helpers=("+aux", "+gcp"))
    u, sums = updates(f), []
    for r, names in enumerate(("abcdefghijk", "abcde", "ghijk"), 1):
        plan = f.forge_plan(r, f.model)
        y = f.mask_all(r, {n: u[n] for n in names})
        sums.append(f.opened(r, y.values(), f.request(r, y.values())))
    return None not in sums and found(minus(plan, minus(plan, sums[0], sums[1]), sums[2]), f.truth(1, u["f"]))


def advance(f, r, model, to):
    for h in (n.strip("+") for n in f.helpers):
        f.out("fl-unmask", "-q", "--advance", "-k", h + ".key", "-p", f"{r}/plan.flt", "-m", model, "-o",
              f"{h}.{to}", str(r))
    return f[f"{f.helpers[0].strip('+')}.{to}"]


def cancel(f, path, model, others, push=None):
    """What a bad site sends that knows the sum of the others, which train repeatably: minus that."""
    tensors = [read(f[u])[2] for u in others]
    o = Object("update", {"base": s.digest(model), "base.params": s.params(read(model)[2]), "base.round": 0,
                          "examples": 1, "tokens": 1, "loss.first": 1.0})
    for name, dims in SHAPES:
        rows = [struct.unpack(f"<{len(t[name][2]) // 4}f", t[name][2]) for t in tensors]
        o.tensor(name, "f32", dims, [push if push and name == "norm" else -sum(v) for v in zip(*rows)])
    write(o.done(), f[path])
    return path


@attempt("hub and a site", "site f cancels the mean; over the next model, nearly the same, d is left out",
         off=["near", "sets"])
def cancelled_mean(f):
    u = updates(f, size=10)
    plan = f.plan(1)
    honest = [u[n] for n in "abcde"]
    y = f.mask_all(1, dict(u, f=cancel(f, "f.upd", f.model, honest)))
    first = f.opened(1, y.values(), f.request(1, y.values()))
    model = advance(f, 1, f.model, "next")
    assert s.digest(model) != s.digest(f.model)
    v = updates(f, "abcef", model, size=10)   # training gives the same values again
    f.forge_plan(2, model, after=read(f["1/request.flt"])[1]["set"], **{"base.round": 1})
    y = f.mask_all(2, dict(v, f=cancel(f, "f.2", model, honest)))
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(minus(plan, first, second), f.truth(1, u["d"]))


@attempt("hub", "keeps the model from d, whose script then sends zeros; the round is made again, with d's update",
         off=["same-update"])
def starved(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, dict(u, d="zero"))
    first = f.opened(1, y.values(), f.request(1, y.values()))
    f.forge_plan(2, f.model)
    y = f.mask_all(2, u)
    second = f.opened(2, y.values(), f.request(2, y.values()))
    assert f.off or second == first   # zeros again, and nobody outside sees that it was given an update
    return second and found(minus(plan, second, first), f.truth(1, u["d"]))


@attempt("hub", "makes a round again, before which d alone failed, or has new text", off=["same-update"])
def trained_again(f):
    u, v = updates(f), updates(f, tag="2")
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    for r, second_of_d in ((2, "zero"), (3, v["d"])):
        f.forge_plan(r, f.model)
        try:
            y = f.mask_all(r, dict(u, d=second_of_d))
        except Refused:
            continue
        second = f.opened(r, y.values(), f.request(r, y.values()))
        if second and found(minus(plan, first, second), minus(plan, f.truth(1, u["d"]), f.truth(r, second_of_d))):
            return True
    return False


def far(f, size=10):
    """d is in the sum over one model and not in that over the next, in which only "norm" differs."""
    u = updates(f, size=size)
    plan = f.plan(1)
    honest = [u[n] for n in "abcde"]
    y = f.mask_all(1, dict(u, f=cancel(f, "f.upd", f.model, honest, push=CLIP)))
    first = f.opened(1, y.values(), f.request(1, y.values()))
    model = advance(f, 1, f.model, "next")
    v = updates(f, "abcef", model, size=size)
    f.forge_plan(2, model, after=read(f["1/request.flt"])[1]["set"], **{"base.round": 1})
    y = f.mask_all(2, dict(v, f=cancel(f, "f.2", model, honest, push=CLIP)))
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(minus(plan, first, second), f.truth(1, u["d"]))


@attempt("hub and a site", "site f cancels the mean but for 9 of 369 values, which alone make the next model far",
         limit=True)
def far_by_few_values(f):
    return far(f)


@attempt("hub and a site", "the same, where the roster says hide: all models of the epoch are near", off=["sets"])
def far_but_hidden(folder, off):
    return far(Federation(folder, off, terms="weights: {rule: uniform, floor: 1, cap: 1, hide: true}\n"))


@attempt("hub", "a request for one site", off=["min-sum"])
def single(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    return found(f.opened(1, [y["d"]], f.request(1, [y["d"]])), f.truth(1, u["d"]))


@attempt("hub", "a request in which one site stands five times", off=["twice"])
def five_times(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    got = f.opened(1, [y["d"]] * 5, f.request(1, [y["d"]] * 5))
    if got is None:
        return False
    fifth = [v * pow(5, -1, 1 << 16) for v in got[:-1]] + got[-1:]
    return found(minus(plan, fifth, [0] * len(got)), f.truth(1, u["d"]))


@attempt("hub", "a model of the hub's own, over which the same six are summed", off=["follow"])
def planted_model(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    f.opened(1, y.values(), f.request(1, y.values()))
    model = f.make_model(f["planted.flt"], 2)
    w = updates(f, model=model)
    f.forge_plan(2, model, after=read(f["1/request.flt"])[1]["set"])
    y = f.mask_all(2, w)
    return found(f.opened(2, y.values(), f.request(2, y.values())), sum_of(f, 2, w.values()))


@attempt("hub and a site", "the round is made again, and f turns the sum that it now knows into a model of the hub's",
         limit=True)
def planted_by_a_site(f):
    """Helpers follow: the mean is a true one. No value moves by more than the clip in one round."""
    u = updates(f, size=10)
    plan = f.plan(1)
    y = f.mask_all(1, dict(u, f="zero"))
    known = f.opened(1, y.values(), f.request(1, y.values()))
    plan = f.forge_plan(2, f.model)
    y = f.mask_all(2, dict(u, f="zero"))
    scale, wanted, at = plan.rules["embed"].scale, {}, 0
    for name, dims in SHAPES:
        n = math.prod(dims)
        wanted[name] = [(0.9 if (at + i) % 2 else -0.9) * CLIP for i in range(n)]
        at += n
    at, more = 0, {}
    for name in wanted:
        more[name] = [round(6 * scale * d) - known[at + i] for i, d in enumerate(wanted[name])]
        at += len(more[name])
    words, spans = plan.words(more, 0)
    change = {name: (lambda w, a=a, b=b: [s.add_words(x, v, 16, 1) for x, v in zip(w, words[a:b])])
              for name, a, b in spans if name}
    y["f"] = forged(f, 2, "f", change)
    assert f.opened(2, y.values(), f.request(2, y.values()))
    before, after = read(f.model)[2], read(advance(f, 2, f.model, "next"))[2]

    def values(tensors, name):
        return struct.unpack(f"<{len(wanted[name])}f", tensors[name][2])
    return all(abs(q - p - d) <= 1 / scale for name in wanted
               for p, q, d in zip(values(before, name), values(after, name), wanted[name]))


# ---- copies ----

@attempt("hub and a thief", "the stolen state of d sends zeros in the same round; helpers are asked for both sets",
         off=["answer"])
def two_answers(f):
    u = updates(f)
    plan = f.plan(1)
    copy = f.clone("d", "stolen")
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    zero = f.mask(1, "d", "zero", key=copy, to="1/up/zero.flt")
    others = [zero if n == "d" else y[n] for n in y]
    second = f.opened(1, others, f.request(1, others, "request.2.flt"), ".2")
    return second and found(minus(plan, first, second), f.truth(1, u["d"]))


@attempt("hub and a thief", "the two uploads of a copied state, subtracted", off=["nonce"])
def two_nonces(f):
    u = updates(f)
    plan = f.plan(1)
    copy = f.clone("d", "stolen")
    first, second = f.mask(1, "d", u["d"]), f.mask(1, "d", "zero", key=copy, to="1/up/zero.flt")
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, second)), f.truth(1, u["d"]))


@attempt("hub", "two updates of one site for one plan", off=["upload"])
def two_uploads(folder, off):
    f = pairwise(folder, off)
    u, v = updates(f), updates(f, tag="2")
    plan = f.plan(1)
    first = f.mask(1, "d", u["d"])
    second = f.mask(1, "d", v["d"], to="1/up/second.flt")
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, second)),
                 minus(plan, f.truth(1, u["d"]), f.truth(1, v["d"])))


def next_model(f, r, model, to):
    f.out("fl-aggregate", "-q", "-p", f"{r}/plan.flt", "-o", f"{r}/mean.flt",
          *[f"{r}/up/{n}.flt" for n in f.sites])
    f.out("fl-apply", "-q", "-p", f"{r}/plan.flt", "-m", model, "-o", to, f"{r}/mean.flt")
    return f[to]


@attempt("a backup", "d is restored from before round 1, and masks beside the true one in round 2", off=["fork"])
def restored(folder, off):
    f = pairwise(folder, off)
    f.plan(1)
    copy = f.clone("d", "backup")
    f.mask_all(1, updates(f))
    model = next_model(f, 1, f.model, "next.flt")
    plan = f.plan(2, model, "--after", "1/mean.flt")
    u, v = updates(f, "d", model, tag="2"), updates(f, "d", model, tag="3")
    first = f.mask(2, "d", u["d"])
    second = f.mask(2, "d", v["d"], key=copy, to="2/up/copy.flt")
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, second)),
                 minus(plan, f.truth(2, u["d"]), f.truth(2, v["d"])))


@attempt("a copy", "two copies of d's key, whose own programs ask nobody, go on side by side unseen by the hub",
         off=["order"])
def two_copies(f):
    """Each continues the chain of uploads that it knows; both are signed, and of the right round."""
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    assert mean_of(f, 1, y)
    model = f["next.flt"]
    f.out("fl-apply", "-q", "-p", "1/plan.flt", "-m", f.model, "-o", model, "1/mean.flt")
    plan = f.plan(2, model, "--after", "1/mean.flt")
    unseen = []
    for ctr, prev in ((1, bytes(32)), (2, bytes(32)), (1, y["d"].digest)):
        o = rewrite("masked", {**y["d"].meta, **plan.session(), "base": plan.meta["base"], "ctr": ctr, "prev": prev,
                               "params": plan.meta["params"], "base.round": plan.meta["base.round"]},
                    y["d"].tensors, {t: 1 for t in y["d"].tensors})
        write(o.sign(3, "d", f.key("d")["sign"], plan.rd), f["2/up/d.flt"])
        status = f.status("fl-aggregate", "-p", "2/plan.flt", "--check", "2/up/d.flt")
        assert status in (3, 4), status     # 4: it is good, and the others are missing
        unseen.append(status == 4)
    return all(unseen)


@attempt("hub and a thief", "pairwise: a copy of key and state masks another update for the same plan", limit=True)
def pairwise_copy(folder, off):
    f = pairwise(folder, off)
    u, v = updates(f), updates(f, tag="2")
    plan = f.plan(1)
    copy = f.clone("d", "stolen")
    first = f.mask(1, "d", u["d"])
    second = f.mask(1, "d", v["d"], key=copy, to="1/up/copy.flt")
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, second)),
                 minus(plan, f.truth(1, u["d"]), f.truth(1, v["d"])))


@attempt("a backup", "the state alone is restored (--state COPY), and masks another update for the same plan")
def state_alone(folder, off):
    f = pairwise(folder, off)
    u, v = updates(f), updates(f, tag="2")
    plan = f.plan(1)
    f.clone("d", "backup")
    first = f.mask(1, "d", u["d"])
    f.out("fl-mask", "-q", "-k", "d.key", "--state", "backup/d.key.state", "-p", "1/plan.flt", "-o",
          "1/up/copy.flt", v["d"])
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, s.Upload(f["1/up/copy.flt"]))),
                 minus(plan, f.truth(1, u["d"]), f.truth(1, v["d"])))


@attempt("a backup", "the same while another run with the true state has read the key and waits", off=["lock"])
def state_alone_at_once(folder, off):
    f = pairwise(folder, off)
    u, v = updates(f), updates(f, tag="2")
    plan = f.plan(1)
    f.clone("d", "backup")
    os.mkfifo(f["slow"])   # an output that nobody reads yet
    slow = subprocess.Popen([f.program("fl-mask"), "-q", "-k", "d.key", "-p", "1/plan.flt", "-o", "slow", u["d"]],
                            cwd=f.dir, stderr=subprocess.PIPE)
    lock = open(f["d.key.state/lock"], "w")
    while True:   # it has read the key once it holds the lock of its state
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_UN)
            time.sleep(0.01)
        except BlockingIOError:
            break
    status = f.status("fl-mask", "-q", "-k", "d.key", "--state", "backup/d.key.state", "-p", "1/plan.flt", "-o",
                      "1/up/copy.flt", v["d"])
    f["1/up/d.flt"].write_bytes(f["slow"].read_bytes())
    slow.communicate()
    return status == 0 and found(minus(plan, lanes_of(plan, s.Upload(f["1/up/d.flt"])),
                                       lanes_of(plan, s.Upload(f["1/up/copy.flt"]))),
                                 minus(plan, f.truth(1, u["d"]), f.truth(1, v["d"])))


@attempt("hub and a thief", "the state of d, stolen after round 1, sends zeros when that round is made again", limit=True)
def stolen_afterwards(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    copy = f.clone("d", "stolen")   # the thief's program does not ask what was masked over the model
    state = f["stolen/d.key.state/state"]
    lines = [w for w in state.read_text().splitlines(True) if w.split()[0] not in ("masked", "check")]
    text = "".join(lines).encode()
    state.write_bytes(text + b"check " + s.H(None, "fl1.vault", text).hex().encode() + b"\n")
    f.forge_plan(2, f.model)
    y = f.mask_all(2, {n: u[n] for n in "abcef"})
    y["d"] = f.mask(2, "d", "zero", key=copy)
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(minus(plan, first, second), f.truth(1, u["d"]))


# ---- models and epochs ----

@attempt("hub", "d leaves; the next epoch begins with the same numbers under another digest", off=["params"])
def metadata_base(folder, off):
    f = pairwise(folder, off)
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = integers(plan, *s.add_up(plan, y.values()))
    model = f.make_model(f["other.flt"], 1, {"note": "one byte more"})
    f.accept(2, model, list("abc"), 2)
    plan = f.plan(2, model)
    y = f.mask_all(2, updates(f, "abc", model))
    second = integers(plan, *s.add_up(plan, y.values()))
    return found(scaled(first, 1), plus_scaled(f, second, u["d"], 1))


def scaled(a, by):
    return [v * by for v in a]


def plus_scaled(f, a, update, r):
    return [x + y for x, y in zip(a, f.truth(r, update))]


@attempt("hub", "pairwise: d leaves; the next epoch's model differs in one low bit", limit=True)
def low_bit_base(folder, off):
    f = pairwise(folder, off)
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = integers(plan, *s.add_up(plan, y.values()))

    def shift(name, values):
        return [values[0] * (1 + 2**-22)] + values[1:] if name == "norm" else values
    model = f.make_model(f["other.flt"], 1, shift=shift)
    f.accept(2, model, list("abc"), 2)
    plan = f.plan(2, model)
    y = f.mask_all(2, updates(f, "abc", model))
    second = integers(plan, *s.add_up(plan, y.values()))
    return found(first, plus_scaled(f, second, u["d"], 1))


@attempt("hub", "the same with helpers who are all new, and know no sets", limit=True)
def new_helpers(folder, off):
    f = Federation(folder, off, "abcdef", helpers=("+aux", "+gcp"))
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))

    def shift(name, values):
        return [values[0] * (1 + 2**-22)] + values[1:] if name == "norm" else values
    model = f.make_model(f["other.flt"], 1, shift=shift)
    f.outside, f.helpers = ["new", "other"], ["+new", "+other"]
    f.names += f.outside
    for n in f.outside:
        f[n + ".pub"].write_text(f.out("fl-keygen", "-n", n, "--epoch", 2, "-o", n + ".key"))
    f.accept(2, model, list("abcef"), 2)
    f.plan(2, model)
    y = f.mask_all(2, updates(f, "abcef", model))
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(first, plus_scaled(f, second, u["d"], 1))


@attempt("hub", "helpers: d leaves; the next epoch's model differs in one low bit", off=["sets", "near"])
def epoch_with_helpers(folder, off):
    f = Federation(folder, off, "abcdef", helpers=("+aux", "+gcp"))
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    advance(f, 1, f.model, "next")    # helpers have seen the model and left it

    def shift(name, values):
        return [values[0] * (1 + 2**-22)] + values[1:] if name == "norm" else values
    model = f.make_model(f["other.flt"], 1, shift=shift)
    f.accept(2, model, list("abcef"), 2, args=["-m", model])
    f.plan(2, model)
    y = f.mask_all(2, updates(f, "abcef", model))
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and found(first, plus_scaled(f, second, u["d"], 1))


# ---- keys ----

def stream(plan, key, i, h, own, nonce, undirected=False):
    """The words that site I shares with helper H, by the secret of OWN, one of them."""
    a, b = (min(i, h), max(i, h)) if undirected else (i, h)
    r = plan.roster
    ck = s.chain_root(True, key["dh"], r.x(h if own == i else i), plan.rd, a, b, r.x(a), r.x(b))
    ck = s.chain_to(True, ck, plan.rd, r.meta["first_round"], plan.meta["round"])
    return mask_words(plan, s.round_keys(True, ck, plan.meta["round"], plan.sid, a, b, nonce)[0])


def mask_words(plan, key):
    out, spans = plan.zeros()
    plan.add_mask(out, plan.bits(spans), key, 1)
    return integers(plan, out, spans)


@attempt("hub and two sites", "helpers a and b are sites; the answer of a takes the mask off a's own upload",
         off=["direction"], holds=["nonce"])
def undirected(folder, off):
    f = Federation(folder, off, "abcd", helpers=("a", "b"), min_sum=4)
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    answer = f.answer(1, "a", f.request(1, y.values()))
    got = minus(plan, lanes_of(plan, y["a"]), lanes_of(plan, answer))
    for i, bad in ((2, "c"), (3, "d")):   # streams that the bad sites know
        got = plus(plan, got, stream(plan, s.key_file(f[bad + ".old"]), i, 0, i, y[bad].meta["nonce"],
                                     off == "direction"))
    return found(got, f.truth(1, u["a"]))


@attempt("hub", "uploads of two rounds subtracted", off=["round"])
def two_rounds(folder, off):
    f = pairwise(folder, off)
    model = f.make_model(f["second.flt"], 2)
    u, v = updates(f), updates(f, model=model, tag="2")
    plan = f.plan(1)
    first = f.mask(1, "d", u["d"])
    f.forge_plan(2, model, after=bytes(32))
    second = f.mask(2, "d", v["d"])
    return found(minus(plan, lanes_of(plan, first), lanes_of(plan, second)),
                 minus(plan, f.truth(1, u["d"]), f.truth(2, v["d"])))


@attempt("thief of all helpers' disks", "d was late in a round that is answered", off=["wipe"])
def helpers_disks(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    five = [y[n] for n in y if n != "d"]
    assert f.opened(1, five, f.request(1, five))
    got = lanes_of(plan, y["d"])
    for party, name in ((1, "b"), (6, "aux")):
        rows = {int(w[2]): bytes.fromhex(w[3]) for w in s.vault(f[name + ".key.state/state"])
                if w[0] == "open" and w[1] == "1"}
        if 3 not in rows:
            return False
        k = s.H(rows[3], "fl1.hpair", plan.sid, s.le32(3), s.le32(party))
        key = s.H(k, "fl1.hmask", plan.sid, s.le32(3), s.le32(party), y["d"].meta["nonce"])
        got = minus(plan, got, mask_words(plan, key))
    return found(got, f.truth(1, u["d"]))


@attempt("thief of a site's disk", "the chains of d after its upload, and the upload", off=["upload"])
def sites_disk(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask(1, "d", u["d"])
    got = lanes_of(plan, y)
    for j, party in ((0, 1), (1, 6)):
        ck, at = s.self_chain(f["d.key.state/state"], plan.rd, "up", j)
        ck = s.chain_to(True, ck, plan.rd, at, 1)
        key, _ = s.round_keys(True, ck, 1, plan.sid, 3, party, y.meta["nonce"])
        got = minus(plan, got, mask_words(plan, key))
    return found(got, f.truth(1, u["d"]))


@attempt("hub and one of two helpers", "aux tells all its streams; b has answered for other sites")
def all_but_one(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    aux = s.key_file(f["aux.old"])
    mine = {n: stream(plan, aux, i, 6, 6, y[n].meta["nonce"]) for i, n in enumerate(f.sites)}
    answer = f.answer(1, "b", f.request(1, y.values()))
    five = [n for n in y if n != "d"]
    got, alone = [0] * len(mine["a"]), minus(plan, lanes_of(plan, y["d"]), mine["d"])
    for n in five:
        got = plus(plan, got, minus(plan, lanes_of(plan, y[n]), mine[n]))
    got = minus(plan, got, lanes_of(plan, answer))
    whole = plus(plan, got, alone)   # the set that was answered: so the streams are the right ones
    assert found(whole, sum_of(f, 1, u.values()), 0)
    f.request(1, [y[n] for n in five], "second.flt")
    assert f.answer(1, "b", "1/second.flt", "1/answer/second.flt") is None
    for words in (got, alone):   # 16 bits, uniform: their low bytes have 255 degrees of freedom
        data = bytes(v & 255 for v in words[:-1]) + bytes(v >> 8 & 255 for v in words[:-1])
        assert abs(s.chi_square(data) - 255) < 6 * math.sqrt(510), "an answer left something in lanes"
    return found(got, sum_of(f, 1, [u[n] for n in five])) or found(alone, f.truth(1, u["d"]))


@attempt("hub and all helpers", "all tell their streams with d, who is in no sum", limit=True)
def all_helpers(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask(1, "d", u["d"])
    got = lanes_of(plan, y)
    for party, name in ((1, "b"), (6, "aux")):
        got = minus(plan, got, stream(plan, s.key_file(f[name + ".old"]), 3, party, party, y.meta["nonce"]))
    return found(got, f.truth(1, u["d"]))


# ---- the site that refuses, and what a hub sees ----

def seen_of_site(f, r, name, update):
    """All that anybody outside sees: exit status, size of the upload; and names and sizes in the state."""
    status = f.status("fl-mask", "-q", "-k", name + ".key", "-p", f"{r}/plan.flt", "-o", f"{r}/up/{name}.flt",
                      *(["--zero"] if update == "zero" else [update]))
    up = f[f"{r}/up/{name}.flt"]
    state = sorted((p.name, p.stat().st_size) for p in f[name + ".key.state"].iterdir())
    return status, up.stat().st_size if up.exists() else None, state


@attempt("observer", "whose weight is outside floor and cap? counts, losses, NaN, zero, negative", off=["clamp"])
def weight_oracle(folder, off):
    private = [dict(examples=n) for n in (1, 499, 500, 1000, 2000, 2001, 10**12, 0, -5)] + \
        [dict(examples=float("nan")), dict(examples=1e300), dict(examples="many"), dict(examples=None)]
    sites = [f"s{i:02}" for i in range(len(private))]
    f = Federation(folder, off, sites, ("+aux", "+gcp"), 10,
                   "weights: {rule: examples, floor: 0.5, cap: 2}\ntensors:\n"
                   '  - {match: "*", protect: mask, bits: 32, clip: 0.05}\n')
    f.plan(1)
    seen = []
    for n, meta in zip(sites, private):
        seen.append(seen_of_site(f, 1, n, f.update(n + ".upd", f.model, n, **meta)))
    inside = [m["examples"] in (500, 1000, 2000) for m in private]
    return len({str(x) for x in seen}) > 1 and [x[0] == 0 for x in seen] == inside


@attempt("observer", "values: NaN, infinite, all zero, all beyond the clip, a zero upload")
def value_oracle(f):
    f.plan(1)
    rows = [lambda i: math.nan, lambda i: math.inf, lambda i: 0.0, lambda i: -1e30, lambda i: i * 1e-4]
    seen = []
    for n, row in zip("acde", rows):
        o = Object("update", {"base": s.digest(f.model), "base.params": s.params(read(f.model)[2]), "base.round": 0})
        for name, dims in SHAPES:
            o.tensor(name, "f32", dims, [row(i) for i in range(math.prod(dims))])
        write(o.done(), f[n + ".upd"])
        seen.append(seen_of_site(f, 1, n, n + ".upd"))
    seen.append(seen_of_site(f, 1, "f", "zero"))
    return len({str(x) for x in seen}) > 1


CALLS = "openat,write,pwrite64,fsync,fdatasync,rename,renameat2,unlink,unlinkat,ftruncate,mkdir,exit_group"


def calls(f, r, name, update):
    """What fl-mask does to files, in order, with sizes; names of temporary files are random."""
    f.run_traced = f.dir / "traced"
    subprocess.run(["strace", "-o", f.run_traced, "-e", "trace=" + CALLS, f.program("fl-mask"), "-q", "-j", "1", "-k",
                    name + ".key", "-p", f"{r}/plan.flt", "-o", f"{r}/up/{name}.flt", update], cwd=f.dir,
                   stderr=subprocess.PIPE)
    out = []
    for line in f.run_traced.read_text().splitlines():
        call, result = line.split("(")[0], line.rsplit("= ", 1)[-1]
        if call == "openat" and "O_WRONLY" not in line and "O_RDWR" not in line and "O_CREAT" not in line:
            continue
        if not line.startswith("write(2,"):   # standard error is the site's own
            out.append((call, result if call in ("write", "pwrite64", "exit_group") else ""))
    return out


@attempt("observer", "calls that write, their order and sizes, for every private weight and value", off=["clamp"])
def write_oracle(folder, off):
    if not shutil.which("strace"):
        raise Skip("strace is not here")
    private = [dict(examples=n) for n in (1, 1000, 10**12)] + [dict(examples=float("nan")), dict(examples=None)]
    sites = [f"s{i:02}" for i in range(len(private))]
    f = Federation(folder, off, sites, ("+aux", "+gcp"), 3,
                   "weights: {rule: examples, floor: 0.5, cap: 1}\ntensors:\n"
                   '  - {match: "*", protect: mask, bits: 32, clip: 0.05}\n')
    f.plan(1)
    seen = [calls(f, 1, n, f.update(n + ".upd", f.model, n, size=i + 1, **m).name)
            for i, (n, m) in enumerate(zip(sites, private))]
    assert off or sum(c == "write" or c == "fsync" for c, _ in seen[0]) > 5, seen[0]
    return len({str(x) for x in seen}) > 1


# ---- bad sites and helpers ----

def forged(f, r, name, change, tags=None, sub="up"):
    """The upload of a bad site (SUB answer: of a bad helper), with other words, signed by it again."""
    kind, meta, tensors = read(f[f"{r}/{sub}/{name}.flt"])
    plan, key = s.Plan(f[f"{r}/plan.flt"]), f.key(name)
    for tensor, call in change.items():
        dtype, dims, payload, attributes = tensors[tensor]
        words = call(list(struct.unpack(f"<{dims[0]}Q", payload)))
        tensors[tensor] = dtype, dims, struct.pack(f"<{dims[0]}Q", *words), attributes
    if tags:
        meta["tags"] = tags(meta["tags"])
    o = rewrite(kind, meta, tensors, {t: 1 for t in tensors})
    write(o.sign(meta.get("site.index", meta.get("party")), name, key["sign"], plan.rd), f[f"{r}/{sub}/{name}.flt"])
    return s.Upload(f[f"{r}/{sub}/{name}.flt"])


def mean_of(f, r, y):
    """The mean as the programs open it; None when they refuse."""
    for n in y:
        shutil.copy(f[f"{r}/up/{n}.flt"], f[f"{r}/{n}.flt"])
    f.out("fl-aggregate", "-q", "-p", f"{r}/plan.flt", "-k", "hub.key", "--request", f"{r}/request.flt", "-o",
          f"{r}/sum.flt", *[f"{r}/{n}.flt" for n in y])
    answers = [f.answer(r, h.strip("+"), f"{r}/request.flt") for h in f.helpers]
    if None in answers or f.status("fl-aggregate", "-q", "-p", f"{r}/plan.flt", "-o", f"{r}/mean.flt",
                                   f"{r}/sum.flt", *[f"{r}/answer/{h.strip('+')}.flt" for h in f.helpers]):
        return None
    tensors = read(f[f"{r}/mean.flt"])[2]
    return [v for name, _ in SHAPES for v in struct.unpack(f"<{len(tensors[name][2]) // 4}f", tensors[name][2])]


@attempt("a site", "moves the mean of one value beyond the clip", off=["range"])
def poison(f):
    u = updates(f, size=10)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    more = int(1.4 * 6 * CLIP * plan.rules["embed"].scale)   # a lane holds 1.6 times what six may sum to
    y["f"] = forged(f, 1, "f", {"embed": lambda w: [s.add_words(w[0], more & 0xFFFF, 16, 1)] + w[1:]})
    mean = mean_of(f, 1, y)
    return mean is not None and mean[0] > 1.2 * CLIP


@attempt("a helper", "adds to one value of its answer, within the range of a sum: no program sees it", limit=True)
def false_answer(f):
    u = updates(f, size=10)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    before = mean_of(f, 1, y)
    more = int(6 * CLIP * plan.rules["embed"].scale / 2)
    forged(f, 1, "aux", {"embed": lambda w: [s.add_words(w[0], more, 16, -1)] + w[1:]}, sub="answer")
    f.out("fl-aggregate", "-q", "-p", "1/plan.flt", "-o", "1/mean.flt", "1/sum.flt", "1/answer/b.flt", "1/answer/aux.flt")
    f.out("fl-aggregate", "--verify", "1", "-r", "roster.yaml")
    after = struct.unpack_from("<f", read(f["1/mean.flt"])[2]["embed"][2])[0]
    return abs(after - before[0] - CLIP / 2) < CLIP / 1000


@attempt("a site", "a weight of -1.5, so that the mean is larger", off=["weight"])
def false_weight(f):
    u = updates(f, size=10)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    y["f"] = forged(f, 1, "f", {s.WEIGHT: lambda w: [(w[0] - 5 * (1 << 39)) % 2**64]})
    mean = mean_of(f, 1, y)
    truth = sum_of(f, 1, u.values())[0] / (3.5 * plan.rules["embed"].scale)
    return mean is not None and abs(mean[0] - truth) < 1e-6


@attempt("a site", "wrong masks and a wrong tag for aux, to kill the round without being named", off=["tags"])
def wrong_tag(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    y["f"] = forged(f, 1, "f", {"layer": lambda w: [x ^ 0x123456789ABCDEF for x in w]},
                    lambda t: t[:32] + bytes(32))
    request = f.request(1, y.values())
    assert f.ready(1, "b", request) == 0   # its own tag is right
    assert f.ready(1, "aux", request) == 0
    bad = read(f["1/ready.flt"])[1]["bad"]
    if bad:
        assert bad == (5,)
        assert f.answer(1, "aux", request) is None
    first = None if bad else f.opened(1, y.values(), request)
    five = {n: y[n] for n in y if n != "f"}
    second = f.opened(1, five.values(), f.request(1, five.values(), "request.2.flt"), ".2")
    if bad:
        assert found(second, sum_of(f, 1, [u[n] for n in five]), 0)
    return second is None and not found(first, sum_of(f, 1, u.values()), 100)


@attempt("a site", "pairwise: no key in common with d, so that no sum opens and nobody is named",
         off=["pairwise-tags"])
def pairwise_tag(folder, off):
    f = pairwise(folder, off)
    f.plan(1)
    f.mask_all(1, updates(f))
    forged(f, 1, "c", {"layer": lambda w: [x ^ 0x123456789ABCDEF for x in w]}, lambda t: t[:64] + bytes(32))
    status = f.status("fl-aggregate", "-q", "-p", "1/plan.flt", "-o", "1/mean.flt",
                      *[f"1/up/{n}.flt" for n in f.sites])
    assert status == 1
    return '"c"' not in f.said


@attempt("a site", "sends the upload of another as its own")
def copied_upload(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    shutil.copy(f["1/up/d.flt"], f["1/up/f.flt"])
    twice = f.status("fl-aggregate", "-q", "-p", "1/plan.flt", "-k", "hub.key", "--request", "1/r.flt", "-o", "1/s",
                     *[f"1/up/{n}.flt" for n in f.sites])
    assert twice == 3 and "counts once" in f.said, f.said
    data = read(f["1/up/d.flt"])[2]
    y["f"].meta["site"] = "f"
    o = rewrite("masked", y["f"].meta, data, {t: 1 for t in data})   # its words under a head of f
    o.sign(5, "f", f.key("f")["sign"], s.Plan(f["1/plan.flt"]).rd)
    write(o, f["1/up/f.flt"])
    y["f"] = s.Upload(f["1/up/f.flt"])
    return mean_of(f, 1, y) is not None


@attempt("a site", "sends minus the upload of d, so that d's update and mask leave the sum")
def cancelled_upload(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    words = {n: list(struct.unpack(f"<{t[1][0]}Q", t[2])) for n, t in y["d"].tensors.items()}
    y["f"] = forged(f, 1, "f", {n: (lambda w, n=n: [s.add_words(0, v, 64 if n == s.WEIGHT else 16, -1)
                                                    for v in words[n]]) for n in words})
    got = f.opened(1, y.values(), f.request(1, y.values()))
    four = sum_of(f, 1, [u[n] for n in "abce"])
    six = sum_of(f, 1, u.values())
    return found(got, four) or found(minus(plan, six, got), f.truth(1, u["d"]))


@attempt("a site", "a second upload in a round, of the same key, by its own program")
def second_upload(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    o = rewrite("masked", dict(y["f"].meta, ctr=2, prev=y["f"].digest), y["f"].tensors, {t: 1 for t in y["f"].tensors})
    write(o.sign(5, "f", f.key("f")["sign"], s.Plan(f["1/plan.flt"]).rd), f["1/up/g.flt"])
    status = f.status("fl-aggregate", "-q", "-p", "1/plan.flt", "-k", "hub.key", "--request", "1/r.flt", "-o", "1/s",
                      *[f"1/up/{n}.flt" for n in "abcdefg"])
    assert "counts once" in f.said, f.said
    return status != 3


# ---- what the roster says ----

@attempt("hub", "a roster in which d weighs all, and the others' values round to zero", off=["share"])
def muted(folder, off):
    f = Federation(folder, off, terms="weights: {rule: examples, floor: 1e-5, cap: 1, unit: 1e6}\n")
    u = {n: f.update(n + ".upd", f.model, n, examples=10**6 if n == "d" else 1).name for n in f.sites}
    f.plan(1)
    y = f.mask_all(1, u)
    return found(f.opened(1, y.values(), f.request(1, y.values())), f.truth(1, u["d"]))


@attempt("hub", "a plan that carries a roster of its own, in which nearly all is plain", off=["roster"])
def other_roster(f):
    u = updates(f)
    text = f["roster.yaml"].read_text().replace(
        "tensors:", 'tensors:\n  - {match: "norm", protect: mask, bits: 16, clip: 0.05}').replace(
        'match: "*", protect: mask', 'match: "*", protect: plain')
    f["roster.yaml"].write_text(text)
    plan = f.forge_plan(1, f.model)
    y = f.mask(1, "d", u["d"])
    return found(lanes_of(plan, y)[9:], f.truth(1, u["d"])[9:])


def two_weights(f):
    """All six; then, over a model that is far, all but d: the summed weights subtract."""
    u = {n: f.update(n + ".upd", f.model, n, examples=500 + 100 * i).name for i, n in enumerate(f.sites)}
    f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    model = advance(f, 1, f.model, "next")
    v = {n: f.update(n + "2.upd", model, n, examples=500 + 100 * i).name for i, n in enumerate(f.sites)}
    f.forge_plan(2, model, after=read(f["1/request.flt"])[1]["set"], **{"base.round": 1})
    y = f.mask_all(2, {n: v[n] for n in "abcef"})
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return second and first[-1] - second[-1] == f.truth(1, u["d"])[-1]


WEIGHTED = "weights: {rule: examples, floor: 0.5, cap: 1, hide: %s}\n"


@attempt("hub", "weights by examples: two sums over far models, with and without d, show d's weight", limit=True)
def weight_shows(folder, off):
    return two_weights(Federation(folder, off, terms=WEIGHTED % "false"))


@attempt("hub", "the same, where the roster says hide", off=["sets"])
def weight_hidden(folder, off):
    return two_weights(Federation(folder, off, terms=WEIGHTED % "true"))


@attempt("hub", "the same updates in four rounds: sums that differ would be more equations")
def four_rounds(f):
    u, sums = updates(f), []
    for r in range(1, 5):
        f.forge_plan(r, f.model)
        y = f.mask_all(r, u)
        sums.append(f.opened(r, y.values(), f.request(r, y.values())))
    assert sums[0] == sum_of(f, 1, u.values())
    return any(x != sums[0] for x in sums)


# ---- what is signed, and for what ----

@attempt("a site", "asks helpers itself, so that a round is used up", off=["hub"])
def asks_itself(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    plan, o = s.Plan(f["1/plan.flt"]), s.request(s.Plan(f["1/plan.flt"]), list(y.values()), f.key("hub"))
    o = rewrite("request", {"roster": plan.rd, "sid": plan.sid, "params": plan.meta["params"], "count": 6,
                            "round": 1, "set": s.set_digest(plan.sid, s.members(y.values()))},
                read(write(o, f["1/request.flt"]))[2])
    write(o.sign(5, "f", f.key("f")["sign"], plan.rd), f["1/request.flt"])
    return f.answer(1, "aux", "1/request.flt") is not None


@attempt("a site", "signs a plan in the hub's place")
def plans_itself(f):
    u = updates(f)
    f.forge_plan(1, f.model)
    kind, meta, tensors = read(f["1/plan.flt"])
    rd, got = s.Plan(f["1/plan.flt"]).rd, []
    for signer, name in ((s.HUB, "hub"), (5, "f")):
        write(rewrite(kind, meta, tensors).sign(signer, name, f.key("f")["sign"], rd), f["1/plan.flt"])
        got.append(f.status("fl-mask", "-q", "-k", "d.key", "-p", "1/plan.flt", "-o", "x", u["d"]))
    assert all(status in (1, 3) for status in got), got
    return 0 in got


@attempt("hub", "another nonce in the head that a request shows, under d's signature")
def false_head(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    at = y["d"].head.index(y["d"].meta["nonce"])
    y["d"].head = y["d"].head[:at] + bytes(32) + y["d"].head[at + 32:]
    got = f.opened(1, y.values(), f.request(1, y.values()))
    assert "did not sign" in f.said or "another set" in f.said, f.said
    return got is not None


@attempt("network", "uploads of round 1 in round 2; of another epoch; twice; in another order; under other names")
def replayed(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    f.forge_plan(2, f.model)
    z = f.mask_all(2, u)
    old = [y["d"] if n == "d" else z[n] for n in z]
    assert f.answer(2, "aux", f.request(2, old)) is None
    files = [f"2/up/{n}.flt" for n in f.sites if n != "d"]
    assert f.status("fl-aggregate", "-p", "2/plan.flt", "--check", "1/up/d.flt", *files) == 3
    assert f.status("fl-aggregate", "-p", "2/plan.flt", "-o", "x", "--partial", "2/up/a.flt", "2/up/a.flt") == 3
    shutil.copy(f["2/up/a.flt"], f["named-b.flt"])    # a file's name says nothing
    for to, order in (("p1", ["2/up/a.flt", "2/up/b.flt"]), ("p2", ["2/up/b.flt", "named-b.flt"])):
        f.out("fl-aggregate", "-q", "-p", "2/plan.flt", "-o", to, "--partial", *order)
    return f["p1"].read_bytes() != f["p2"].read_bytes()


@attempt("hub", "two plans of a round, one for each half; then a request that mixes them")
def two_plans(f):
    u = updates(f)
    f.plan(1)
    y = {n: f.mask(1, n, u[n]) for n in "abc"}
    f.forge_plan(1, f.model, deadline="2031-01-01T00:00:00Z")
    y |= {n: f.mask(1, n, u[n]) for n in "def"}
    assert f.status("fl-mask", "-k", "a.key", "-p", "1/plan.flt", "-o", "again", u["a"]) == 3
    mixed = f.opened(1, y.values(), f.request(1, y.values()))
    half = [y[n] for n in "def"]
    return mixed is not None or f.opened(1, half, f.request(1, half)) is not None


@attempt("hub", "asks helper b for one set and aux for another")
def two_requests(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    five = [y[n] for n in y if n != "d"]
    b = f.answer(1, "b", f.request(1, y.values()))
    aux = f.answer(1, "aux", f.request(1, five, "request.2.flt"))
    assert b and aux
    for uploads, truth in ((y.values(), u.values()), (five, [u[n] for n in u if n != "d"])):
        got = integers(plan, *s.add_up(plan, list(uploads), [b, aux]))
        if found(got, sum_of(f, 1, truth)):
            return True
    return found(minus(plan, lanes_of(plan, y["d"]), minus(plan, lanes_of(plan, b), lanes_of(plan, aux))),
                 f.truth(1, u["d"]))


@attempt("hub", "restores its own old state and signs another plan of the round; says that it counted more or less")
def hub_restored(f):
    u = updates(f)
    copy = f.clone("hub", "old")
    f.plan(1)
    f.mask_all(1, u)
    f.out("fl-plan", "-r", "roster.yaml", "-k", copy + ".key", "--round", 1, "-m", f.model, "-o", "1/plan.flt",
          "--deadline", "2031-01-01T00:00:00Z")
    assert f.status("fl-mask", "-k", "d.key", "-p", "1/plan.flt", "-o", "again", u["d"]) == 3
    f.forge_plan(2, f.model, **{"last.ctr": (0, 0, 0, 9, 0, 0, 0, 0)})
    assert f.status("fl-mask", "-k", "d.key", "-p", "2/plan.flt", "-o", "again", u["d"]) == 3
    assert "counted upload 9" in f.said
    f.forge_plan(3, f.model)      # nothing counted: not what a hub says that saw round 1, but no secret
    f.mask(3, "d", u["d"])
    return f.status("fl-mask", "-k", "d.key", "-p", "2/plan.flt", "-o", "again", u["d"]) == 0


@attempt("hub", "says other params of the model than it has, so that the model looks new")
def false_params(f):
    u = updates(f)
    f.forge_plan(1, f.model, params=bytes(32))
    assert f.status("fl-mask", "--check", "-k", "d.key", "-p", "1/plan.flt", "-m", f.model) == 3
    return f.status("fl-mask", "-q", "-k", "d.key", "-p", "1/plan.flt", "-o", "x", u["d"]) == 0


@attempt("hub", "the same for an update that does not say of which params it is, and whose site checked nothing")
def false_params_unsaid(f):
    u = f.update("d.upd", f.model, 1, **{"base.params": None}).name
    f.forge_plan(1, f.model, params=bytes(32))
    return f.status("fl-mask", "-q", "-k", "d.key", "-p", "1/plan.flt", "-o", "x", u) == 0


@attempt("hub", "gives a helper the folder of another sum to follow: other uploads, other words, a sum in their place")
def false_folder(f):
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    assert f.opened(1, y.values(), f.request(1, y.values()))
    true = f["1/up/a.flt"].read_bytes()
    _, meta, tensors = read(f["1/up/a.flt"])
    plan, followed = s.Plan(f["1/plan.flt"]), []

    def follow(data):
        f["1/up/a.flt"].write_bytes(data)
        followed.append(f.status("fl-unmask", "-q", "--advance", "-k", "aux.key", "-p", "1/plan.flt", "-m", f.model,
                                 "-o", "next", "1") == 0)
    forged(f, 1, "a", {"layer": lambda w: [s.add_words(x, 1, 16, 1) for x in w]})
    follow(f["1/up/a.flt"].read_bytes())
    of = {"roster": plan.rd, "sid": plan.sid, "params": plan.meta["params"], "set": bytes(32), "round": 1,
          "sum.parties": (0,), "sum.uploads": y["a"].digest, "sum.uploads.ctr": (1,)}
    lie = rewrite("sum", of, tensors, {t: 1 for t in tensors}).data
    for data in (lie, lie + true, true + lie, f["1/up/c.flt"].read_bytes(), b""):
        follow(data)
    assert not any(followed), followed
    follow(true)
    return not followed[-1]


@attempt("hub", "signs in place of who replays, to lead a helper to a model of its own")
def false_replay(folder, off):
    f = Federation(folder, off, "abcdef", ("b", "+aux"), 5, "replay: [c]\n")
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    assert f.opened(1, y.values(), f.request(1, y.values()))
    asked = read(f["1/request.flt"])[1]["set"]
    o = Object("opened", {"roster": plan.rd, "sid": plan.sid, "set": asked, "params": plan.meta["params"],
                          "next.params": bytes(32), "next.base": bytes(32), "round": 1, "distance": 1.0,
                          "replay": "c", "party": 2}).done()
    f["1/opened"].mkdir()
    write(o.sign(2, "c", f.key("hub")["sign"], plan.rd), f["1/opened/c.flt"])
    shutil.copy(f.update("mean.upd", f.model, 1), f["1/mean.flt"])
    return f.status("fl-unmask", "-q", "--advance", "-k", "aux.key", "-p", "1/plan.flt", "-m", f.model, "-o",
                    "next", "1") == 0


@attempt("whoever reads the spool", "all uploads of a round, added and subtracted")
def spool(f):
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    total = [0] * len(f.truth(1, u["a"]))
    for n in y:
        total = plus(plan, total, lanes_of(plan, y[n]))
        if found(lanes_of(plan, y[n]), f.truth(1, u[n]), 1000):
            return True
    return found(total, sum_of(f, 1, u.values()), 1000)


# ---- noise of helpers: nobody sees more than the honest one's noise leaves ----

@attempt("hub", "twelve rounds over one model, whose noise is averaged away", off=["noise-budget"])
def averaged(folder, off):
    f = Noisy(folder, off, epsilon=6)
    u = {n: f.update(n + ".upd", f.model, "same", 20).name for n in f.sites}
    total = None
    for r in range(1, 13):
        plan = f.forge_plan(r, f.model, **{"base.round": 0})
        y = f.mask_all(r, u)
        got = f.opened(r, y.values(), f.request(r, y.values()))
        if got is None:
            return False
        total = got if total is None else [a + b for a, b in zip(total, got)]
    return alike(total[:-1], f.values(1, u.values())) > .45


@attempt("a site", "d's update is sixteen times as long as the noise is made for, and stands out", off=["noise-bound"])
def too_long(folder, off):
    f = Noisy(folder, off)
    u = dict(updates(f, size=100), d=f.update("d.upd", f.model, "d", 1).name)
    f.plan(1)
    y = f.mask_all(1, u)
    got = f.opened(1, y.values(), f.request(1, y.values()))
    return alike(got[:-1], f.values(1, [u["d"]])) > .3


@attempt("hub and a helper", "aux adds no noise, and its answer is made of masks alone", off=["noise"])
def one_helper(folder, rule):
    f = Noisy(folder, rule)
    u = updates(f)
    f.plan(1)
    y = f.mask_all(1, u)
    request = f.request(1, y.values())
    first = f.answer(1, "b", request)
    off.make("noise")
    f.off = "noise"
    second = f.answer(1, "aux", request)
    plan = s.Plan(f["1/plan.flt"])
    got = integers(plan, *s.add_up(plan, list(y.values()), [first, second]))
    return alike(got[:-1], f.values(1, u.values())) > .5


@attempt("hub and all sites but d", "d's update in one round, zeros of all in the next: less the same noise",
         off=["noise-again"])
def same_noise(folder, off):
    f = Noisy(folder, off)
    u = dict({n: "zero" for n in f.sites}, d=f.update("d.upd", f.model, "d").name)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    first = f.opened(1, y.values(), f.request(1, y.values()))
    model = advance(f, 1, f.model, "next")
    f.forge_plan(2, model, after=read(f["1/request.flt"])[1]["set"], **{"base.round": 1})
    y = f.mask_all(2, {n: "zero" for n in f.sites})
    second = f.opened(2, y.values(), f.request(2, y.values()))
    return alike(minus(plan, first, second)[:-1], f.values(1, [u["d"]])) > .9


@attempt("hub and old copies of the helpers", "they answer for all, then the copies for all but d: the noise is of the set",
         off=["noise-again"])
def copies_of_helpers(folder, off):
    f = Noisy(folder, off)
    u = updates(f)
    plan = f.plan(1)
    y = f.mask_all(1, u)
    old = {h: f.clone(h, "old") for h in ("b", "aux")}
    first = f.opened(1, y.values(), f.request(1, y.values()))
    rest = [y[n] for n in y if n != "d"]
    request = f.request(1, rest, "again.flt")
    answers = [f.answer(1, h, request, f"1/answer/{h}.old", key=old[h]) for h in old]
    second = integers(plan, *s.add_up(plan, rest, answers))
    return alike(minus(plan, first, second)[:-1], f.values(1, [u["d"]])) > .9


# ---- running them ----

def make(call, rule):
    """True: it got what it was after. A program that refused on the way ends it."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None   # programs flush at every step
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        try:
            if call.__code__.co_argcount == 2:
                return bool(call(folder + "/f", rule)), ""
            return bool(call(Federation(folder + "/f", rule))), ""
        except Refused as e:
            return False, str(e)


class Skip(Exception):
    pass


def main(names):
    number = failures = 0
    for call, who, what, off_rules, holds, limit in ATTEMPTS:
        if names and call.__name__ not in names:
            continue
        for rule in (None, *off_rules, *holds):
            want = limit or rule in off_rules
            try:
                if rule:
                    off.make(rule)
                got, why = make(call, rule)
            except Skip as e:
                number += 1
                print("ok", number, "-", call.__name__, "# skip", e)
                continue
            except Exception:   # an assertion of the attack itself, too
                got, why = None, traceback.format_exc()
            number += 1
            failures += got is not want
            name = f"{call.__name__}: {who}: {what}" if rule is None else f"  {call.__name__} without {rule}"
            outcome = "gets it" if want else "gets nothing"
            if os.environ.get("WHY"):
                name += f" [{why}]"
            print("ok" if got is want else "not ok", number, "-", f"{name}: {outcome}")
            if got is not want:
                print("".join(f"# {line}\n" for line in why.splitlines()), end="")
            sys.stdout.flush()
    print(f"1..{number}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
