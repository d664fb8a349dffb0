#!/usr/bin/env python3
"""Hugging Face folders that another trainer could have made of a stream, without the library. For
tests/cli/44-folders.sh.

    folder.py make MODEL DIR [WHAT...]   MODEL as config.json, model.safetensors and tokenizer.json
    folder.py round MODEL OUT DTYPE      the same model with values as F16 or BF16 would have kept them

WHAT is one of: dtype=F16 or BF16 or F64, drop=TENSOR, add=TENSOR, nan=TENSOR, flat=TENSOR (of rank 1),
bare (names without "model."), reversed (tensors in the other order), head (a lm_head to a tied model)
or head=VALUE (one that differs there), twice=TENSOR (with the other spelling too), twin=TENSOR (whose
last value differs), frequencies=NAME (rotary ones under that name) or NAME,FACTOR (times that),
says=TENSOR,DTYPE (in the header), FILE.json:KEY=JSON (in a file of that name), KEY=JSON (in config.json;
KEY= drops it)
"""
import json
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from updates import read, write, size  # noqa: E402

KEYS = dict(vocab_size="vocab", hidden_size="channels", intermediate_size="ffn",
            num_hidden_layers="layers", num_attention_heads="heads", num_key_value_heads="kv_heads",
            head_dim="head_dim", max_position_embeddings="ctx", rms_norm_eps="norm_eps",
            rope_theta="rope_base")


def narrow(payload, dtype):
    values = struct.unpack(f"<{len(payload) // 4}f", payload)
    if dtype == "BF16":  # upper halves: cut, not rounded
        return b"".join(payload[i + 2:i + 4] for i in range(0, len(payload), 4))
    return struct.pack(f"<{len(values)}{dict(F16='e', F32='f', F64='d')[dtype]}", *values)


def widen(payload, dtype):
    if dtype == "BF16":
        return b"".join(b"\0\0" + payload[i:i + 2] for i in range(0, len(payload), 2))
    n = len(payload) // 2
    return struct.pack(f"<{n}f", *struct.unpack(f"<{n}e", payload))


def config(meta, tied, changes):
    c = {key: meta["arch." + own] for key, own in KEYS.items()}
    c.update(model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu",
             attention_bias=False, mlp_bias=False, rope_scaling=None, tie_word_embeddings=tied)
    for key, value in changes.items():
        if value:
            c[key] = json.loads(value)
        else:
            c.pop(key, None)
    return c


def changed(payload, at):
    return payload[:at] + struct.pack("<f", struct.unpack_from("<f", payload, at)[0] + 1) + payload[at + 4:]


def safetensors(tensors, dtype, says):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dims, payload) in tensors.items():
        header[name] = dict(dtype=says.get(name, dtype), shape=dims, data_offsets=[len(data), len(data) + len(payload)])
        data += payload
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def make(model, folder, *what):
    kind, meta, tensors = read(model)
    how = dict(w.partition("=")[::2] for w in what)
    dtype = how.pop("dtype", "F32")
    marks = {k: how.pop(k) for k in ("drop", "add", "nan", "flat", "head", "twice", "twin", "frequencies",
                                     "says") if k in how}
    bare, back = (how.pop(k, None) is not None for k in ("bare", "reversed"))
    files = {k: how.pop(k) for k in list(how) if ":" in k}
    os.makedirs(folder, exist_ok=True)
    tokenizer = tensors.pop("tokenizer.json")[2]
    tied = meta["arch.tied"] == 1
    out = {}
    for name, (_, dims, payload, _) in tensors.items():
        if name == marks.get("drop"):
            continue
        if name == marks.get("nan"):
            payload = payload[:8] + struct.pack("<f", float("nan")) + payload[12:]
        if name == marks.get("flat"):
            dims = [size(dims)]
        full = name if bare or name == "lm_head.weight" else "model." + name
        out[full] = dims, narrow(payload, dtype)
    if "head" in marks:
        dims, payload = out["model.embed_tokens.weight"]
        at = 4 * int(marks["head"] or 0)
        out["lm_head.weight"] = dims, changed(payload, at) if marks["head"] else payload
    for key in "twice", "twin":
        if key in marks:
            name = marks[key]
            dims, payload = out[name]
            other = name[6:] if name.startswith("model.") else "model." + name
            out[other] = dims, payload if key == "twice" else changed(payload, len(payload) - 4)
    if "frequencies" in marks:
        name, _, factor = marks["frequencies"].partition(",")
        n = meta["arch.head_dim"] // 2
        values = [meta["arch.rope_base"] ** (-i / n) * float(factor or 1) for i in range(n)]
        out[name] = [n], narrow(struct.pack(f"<{n}f", *values), dtype)
    if "add" in marks:
        out[marks["add"]] = [2], bytes(2 * len(narrow(bytes(4), dtype)))
    if back:
        out = dict(reversed(out.items()))
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config(meta, tied, how), f)
    says = dict([marks["says"].split(",")]) if "says" in marks else {}
    open(f"{folder}/model.safetensors", "wb").write(safetensors(out, dtype, says))
    for where, value in files.items():
        name, _, key = where.partition(":")
        with open(f"{folder}/{name}", "w") as f:
            json.dump({key: json.loads(value)}, f)
    open(f"{folder}/tokenizer.json", "wb").write(tokenizer)


def rounded(model, out, dtype):
    kind, meta, tensors = read(model)
    for name, (kept, dims, payload, attributes) in tensors.items():
        if kept == "f32":
            tensors[name] = kept, dims, widen(narrow(payload, dtype), dtype), attributes
    write(out, kind, meta, tensors)


{"make": make, "round": rounded}[sys.argv[1]](*sys.argv[2:])
