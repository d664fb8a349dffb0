#!/usr/bin/env python3
"""Hugging Face folders of models, without the library. For tests/cli/70-import.sh.

    hf.py make MODEL DIR [WHAT...]   MODEL as config.json, model.safetensors and tokenizer.json
    hf.py round MODEL OUT DTYPE      the same model with values as F16 or BF16 would have kept them

WHAT is one of: dtype=F16 or BF16 or F64, drop=TENSOR, add=TENSOR, nan=TENSOR, flat=TENSOR (of rank 1),
bare (names without "model."), reversed (tensors in the other order), head (a lm_head to a tied model),
KEY=JSON (in config.json; KEY= drops it)
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


def safetensors(tensors, dtype):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dims, payload) in tensors.items():
        header[name] = dict(dtype=dtype, shape=dims, data_offsets=[len(data), len(data) + len(payload)])
        data += payload
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def make(model, folder, *what):
    kind, meta, tensors = read(model)
    how = dict(w.partition("=")[::2] for w in what)
    dtype = how.pop("dtype", "F32")
    marks = {k: how.pop(k) for k in ("drop", "add", "nan", "flat") if k in how}
    bare, back, head = (how.pop(k, None) is not None for k in ("bare", "reversed", "head"))
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
    if head:
        out["lm_head.weight"] = out["model.embed_tokens.weight"]
    if "add" in marks:
        out[marks["add"]] = [2], bytes(2 * len(narrow(bytes(4), dtype)))
    if back:
        out = dict(reversed(out.items()))
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config(meta, tied, how), f)
    open(f"{folder}/model.safetensors", "wb").write(safetensors(out, dtype))
    open(f"{folder}/tokenizer.json", "wb").write(tokenizer)


def rounded(model, out, dtype):
    kind, meta, tensors = read(model)
    for name, (kept, dims, payload, attributes) in tensors.items():
        if kept == "f32":
            tensors[name] = kept, dims, widen(narrow(payload, dtype), dtype), attributes
    write(out, kind, meta, tensors)


{"make": make, "round": rounded}[sys.argv[1]](*sys.argv[2:])
