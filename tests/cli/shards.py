#!/usr/bin/env python3
"""Token shards and looks into models and updates, without the library. For tests/cli/3*.sh.

    shards.py bytes MODEL OUT FILE...    a shard of the byte tokenizer in MODEL, a document a FILE
    shards.py ids MODEL OUT ID...        a shard of these ids (KEY=VALUE before them changes metadata)
    shards.py tokens FILE                number of tokens in a shard
    shards.py model FILE                 is it a model as fl-init promises? prints its number of parameters
    shards.py update UPDATE MODEL        is it an update of MODEL, by names, shapes, order and digest?
    shards.py fill MODEL OUT X           the same model with every weight X
"""
import hashlib
import math
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from updates import read, write, size  # noqa: E402
from make import Object  # noqa: E402

EOT = 256


def tokenizer_digest(model):
    return hashlib.blake2b(read(model)[2]["tokenizer.json"][2], digest_size=32,
                           person=b"fl1.tokenizer").digest()


def shard(model, out, ids, **change):
    meta = {"tokenizer": tokenizer_digest(model), "vocab": 257, "eot": EOT}
    meta.update(change)
    o = Object("tokens", meta)
    each = 1000  # several tensors, so that windows cross them
    for n, at in enumerate(range(0, len(ids), each)):
        part = ids[at:at + each]
        o.tensor(f"tokens/{n:06}", "u16", [len(part)], part)
    open(out, "wb").write(o.done().data)


def tensors_of(config):
    """Names and shapes in the order that a model has them."""
    get = {k: config["arch." + k] for k in
           ("vocab", "channels", "layers", "heads", "kv_heads", "head_dim", "ffn", "tied")}
    c, q, kv = get["channels"], get["heads"] * get["head_dim"], get["kv_heads"] * get["head_dim"]
    yield "embed_tokens.weight", [get["vocab"], c]
    for i in range(get["layers"]):
        for name, dims in [("input_layernorm", [c]), ("self_attn.q_proj", [q, c]),
                           ("self_attn.k_proj", [kv, c]), ("self_attn.v_proj", [kv, c]),
                           ("self_attn.o_proj", [c, q]), ("post_attention_layernorm", [c]),
                           ("mlp.gate_proj", [get["ffn"], c]), ("mlp.up_proj", [get["ffn"], c]),
                           ("mlp.down_proj", [c, get["ffn"]])]:
            yield f"layers.{i}.{name}.weight", dims
    yield "norm.weight", [c]
    if not get["tied"]:
        yield "lm_head.weight", [get["vocab"], c]


def floats(payload):
    return struct.unpack(f"<{len(payload) // 4}f", payload)


def check_model(path):
    kind, meta, tensors = read(path)
    assert kind == "model" and meta["round"] == 0 and "parent" not in meta
    assert meta["arch.family"] == "llama" and meta["arch.norm"] == "rmsnorm"
    assert meta["arch.act"] == "silu" and meta["arch.bias"] == 0
    want = list(tensors_of(meta)) + [("tokenizer.json", [len(tensors["tokenizer.json"][2])])]
    assert [(name, t[1]) for name, t in tensors.items()] == want
    count = 0
    for name, (dtype, dims, payload, _) in tensors.items():
        if name == "tokenizer.json":
            assert dtype == "u8"
            continue
        assert dtype == "f32"
        x, n = floats(payload), size(dims)
        count += n
        if len(dims) == 1:
            assert all(v == 1 for v in x)
        else:  # normal with the deviation that belongs to it
            want = 0.02 * math.sqrt(768 / meta["arch.channels"]) / (math.sqrt(2 * meta["arch.layers"]) if name.endswith(
                ("o_proj.weight", "down_proj.weight")) else 1)
            mean, std = sum(x) / n, math.sqrt(sum(v * v for v in x) / n)
            assert abs(mean) < 5 * want / math.sqrt(n), name
            assert abs(std / want - 1) < 5 / math.sqrt(2 * n), name
    print(count)


def check_update(path, model):
    kind, meta, tensors = read(path)
    _, base, weights = read(model)
    o = Object("model", base)
    for name, (dtype, dims, payload, attributes) in weights.items():
        o.tensor(name, dtype, dims, payload, attributes=attributes)
    o.done()
    assert kind == "update" and meta["base"] == o.digest and meta["base.round"] == base["round"]
    del weights["tokenizer.json"]
    assert [(n, t[:2]) for n, t in tensors.items()] == [(n, t[:2]) for n, t in weights.items()]
    for key in ("examples", "tokens", "tokens.seen", "steps"):
        assert type(meta[key]) is int and meta[key] >= 0, key
    for key in ("loss.first", "loss.last"):
        assert type(meta[key]) is float and math.isfinite(meta[key]) and meta[key] > 0, key
    for name, (_, _, payload, _) in tensors.items():
        assert all(map(math.isfinite, floats(payload))), name
    assert meta["steps"] == 0 or any(any(floats(t[2])) for t in tensors.values())


def fill(model, out, x):
    kind, meta, tensors = read(model)
    for name, (dtype, dims, payload, attributes) in tensors.items():
        if dtype == "f32":
            tensors[name] = dtype, dims, struct.pack("<f", float(x)) * size(dims), attributes
    write(out, kind, meta, tensors)


def main(what, *args):
    if what == "bytes":
        ids = []
        for path in args[2:]:
            ids += list(open(path, "rb").read()) + [EOT]
        shard(args[0], args[1], ids)
    elif what == "ids":
        change = {}
        args = list(args)
        while len(args) > 2 and "=" in args[2]:
            key, value = args.pop(2).split("=")
            change[key] = (bytes.fromhex(value) if key == "tokenizer" else
                           value if key in ("unit", "split") else int(value))
        shard(args[0], args[1], [int(i) for i in args[2:]], **change)
    elif what == "tokens":
        print(sum(size(t[1]) for t in read(args[0])[2].values()))
    else:
        {"model": check_model, "update": check_update, "fill": fill}[what](*args)


if __name__ == "__main__":
    main(*sys.argv[1:])
