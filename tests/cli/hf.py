#!/usr/bin/env python3
"""Hugging Face folders of tiny models with random weights, and what must become of them, without the
library. For tests/cli/7*.sh.

    hf.py new DIR FAMILY TOKENIZER [WHAT...]  a folder; TOKENIZER is its tokenizer.json
    hf.py want DIR OUT                        the stream that fl-import should make of DIR, to the byte
    hf.py same DIR OTHER                      have both the same tensors, to the bit, and the same files?
    hf.py model A B                           are these streams one model but for the files that they carry?
    hf.py halves IN OUT TENSOR                the stream with that tensor in f16
    hf.py files DIR                           names of its weights' files and tensors, in their order
    hf.py sparse DIR TOKENIZER GIB [turned]   about so many GiB of zeros (gpt2's when turned), in a file with
                                              holes; 3 when this file system has none
    hf.py peak KIB COMMAND...                 does it take at most so many KiB of resident memory?

WHAT is one of: seed=N, dtype=F32, F16, BF16, F64 or MIXED, drop=TENSOR, add=TENSOR, nan=TENSOR, flat=TENSOR
(of rank 1), bare (names without the prefix), reversed (tensors in the other order), head (a lm_head to a
tied model) or head=VALUE (one that differs there), twice=TENSOR (with the other spelling too), twin=TENSOR
(whose last value differs), frequencies=NAME (rotary ones under that name) or NAME,FACTOR (times that),
says=TENSOR,DTYPE (in the header), masks=DTYPE (causal ones of a gpt2 model) or DTYPE,ROW,COLUMN (with that
value flipped) or DTYPE,big (for more positions), note:KEY=TEXT (in "__metadata__"), shards=N (files and an
index), FILE.json:KEY=JSON (in a file of that name), KEY=JSON (in config.json, also when it is called as one of these and JSON is a text; KEY= drops it). TENSOR is a
name in full. Changes to what lies in several files, after that:

    hf.py index DIR NAME=FILE...              the index says that tensor NAME is in FILE ("" forgets it)
"""
import json
import math
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from updates import read, write, size  # noqa: E402

CARRIED = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
           "config.json", "generation_config.json"]
WIDTH = dict(F64=8, F32=4, F16=2, BF16=2, BOOL=1, U8=1)
PREFIX = dict(gpt2="transformer.")
LLAMA = dict(vocab_size=257, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=6, max_position_embeddings=32, rms_norm_eps=1e-6,
             hidden_act="silu", rope_theta=500000.0, tie_word_embeddings=False)
CONFIGS = {
    "llama": dict(LLAMA, architectures=["LlamaForCausalLM"], attention_bias=False, mlp_bias=False,
                  rope_scaling=None),
    "mistral": dict(LLAMA, architectures=["MistralForCausalLM"], sliding_window=5, rope_theta=10000.0),
    "qwen2": dict({k: v for k, v in LLAMA.items() if k != "head_dim"}, architectures=["Qwen2ForCausalLM"],
                  tie_word_embeddings=True, use_sliding_window=False, sliding_window=5, max_window_layers=2),
    "qwen3": dict(LLAMA, architectures=["Qwen3ForCausalLM"], head_dim=10, attention_bias=False,
                  num_key_value_heads=1, use_sliding_window=False, sliding_window=None),
    "gpt2": dict(architectures=["GPT2LMHeadModel"], vocab_size=257, n_embd=12, n_layer=2, n_head=3, n_inner=None,
                 n_positions=32, n_ctx=32, activation_function="gelu_new", layer_norm_epsilon=1e-5,
                 summary_type="cls_index", tie_word_embeddings=True),
}


# ---- what a configuration means (transformers, configuration_*.py) ----

def rope(c):
    """Base, scaling and share of a head, in the form of transformers 4 or 5."""
    new, old = c.get("rope_parameters") or {}, c.get("rope_scaling") or {}
    scaling = new or old
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    base = new.get("rope_theta") or c.get("rope_theta") or 10000.0
    part = new.get("partial_rotary_factor", c.get("partial_rotary_factor", 1.0))
    return float(base), dict(scaling, rope_type=kind), part


def sizes(c):
    """The sizes under the names of llama, for every family; WINDOW is 0 when there is none."""
    family = c["model_type"]
    if family == "gpt2":
        n, h = c["n_embd"], c["n_head"]
        return dict(vocab=c["vocab_size"], ctx=c.get("n_positions", 1024), layers=c["n_layer"], channels=n,
                    heads=h, kv_heads=h, head_dim=n // h, ffn=c.get("n_inner") or 4 * n, window=0,
                    eps=c.get("layer_norm_epsilon", 1e-5), tied=c.get("tie_word_embeddings", True))
    heads, window = c["num_attention_heads"], 0
    if family == "mistral":
        window = c.get("sliding_window", 4096) or 0
    elif family in ("qwen2", "qwen3") and c.get("use_sliding_window") and \
            ("layer_types" not in c or "sliding_attention" in c["layer_types"]) and \
            (c.get("max_window_layers", 28) == 0 or "layer_types" in c):
        window = c.get("sliding_window", 4096)
    kv = dict(llama=heads, mistral=8, qwen2=32, qwen3=32)[family]
    ctx = dict(llama=2048, mistral=131072, qwen2=32768, qwen3=32768)[family]
    dim = c.get("head_dim", 128 if family == "qwen3" else None)
    return dict(vocab=c["vocab_size"], ctx=c.get("max_position_embeddings", ctx), layers=c["num_hidden_layers"],
                channels=c["hidden_size"], heads=heads, kv_heads=c.get("num_key_value_heads", kv) or heads,
                head_dim=dim or c["hidden_size"] // heads, ffn=c["intermediate_size"], window=window,
                eps=c.get("rms_norm_eps", 1e-6), tied=c.get("tie_word_embeddings", False))


def biased(c):
    """Which of the maps of attention's inputs, its output and the feed-forward part have biases."""
    family = c["model_type"]
    if family in ("gpt2", "qwen2"):
        return True, family == "gpt2", family == "gpt2"
    flag = family != "mistral" and c.get("attention_bias", False)
    return flag, flag, family == "llama" and c.get("mlp_bias", False)


def shapes(c):
    """Tensors of the family's files by name without prefix, as transformers saves them."""
    s, (qkv, o, ffn), out = sizes(c), biased(c), {}
    n, f, q, kv = s["channels"], s["ffn"], s["heads"] * s["head_dim"], s["kv_heads"] * s["head_dim"]

    def put(name, rows, columns, bias):
        out[name + ".weight"] = [rows, columns] if columns else [rows]
        if bias:
            out[name + ".bias"] = [rows]
    if c["model_type"] == "gpt2":
        out["wte.weight"], out["wpe.weight"] = [s["vocab"], n], [s["ctx"], n]
        for i in range(s["layers"]):
            for name, rows, columns in (("ln_1", n, 0), ("attn.c_attn", 3 * n, n), ("attn.c_proj", n, n), ("ln_2", n, 0),
                                        ("mlp.c_fc", f, n), ("mlp.c_proj", n, f)):
                put(f"h.{i}.{name}", rows, columns, True)
                if columns:  # Conv1D: [in,out]
                    out[f"h.{i}.{name}.weight"].reverse()
        put("ln_f", n, 0, True)
    else:
        put("embed_tokens", s["vocab"], n, False)
        for i in range(s["layers"]):
            at = f"layers.{i}."
            put(at + "input_layernorm", n, 0, False)
            put(at + "self_attn.q_proj", q, n, qkv)
            put(at + "self_attn.k_proj", kv, n, qkv)
            put(at + "self_attn.v_proj", kv, n, qkv)
            put(at + "self_attn.o_proj", n, q, o)
            if c["model_type"] == "qwen3":
                put(at + "self_attn.q_norm", s["head_dim"], 0, False)
                put(at + "self_attn.k_norm", s["head_dim"], 0, False)
            put(at + "post_attention_layernorm", n, 0, False)
            put(at + "mlp.gate_proj", f, n, ffn)
            put(at + "mlp.up_proj", f, n, ffn)
            put(at + "mlp.down_proj", n, f, ffn)
        put("norm", n, 0, False)
    if not s["tied"]:
        put("lm_head", s["vocab"], n, False)
    return out


# ---- files ----

def pack(values, dtype):
    if dtype == "BF16":  # upper halves: cut, not rounded
        full = struct.pack(f"<{len(values)}f", *values)
        return b"".join(full[i + 2:i + 4] for i in range(0, len(full), 4))
    return struct.pack(f"<{len(values)}{dict(F16='e', F32='f', F64='d', BOOL='B', U8='B')[dtype]}", *values)


def unpack(payload, dtype):
    if dtype == "BF16":
        payload, dtype = b"".join(b"\0\0" + payload[i:i + 2] for i in range(0, len(payload), 2)), "F32"
    form = dict(F16="e", F32="f", F64="d", BOOL="B", U8="B")[dtype]
    return list(struct.unpack(f"<{len(payload) // WIDTH[dtype]}{form}", payload))


def safetensors(path, tensors, notes, says):
    header, at = {"__metadata__": dict({"format": "pt"}, **notes)}, 0
    for name, (dtype, dims, payload) in tensors.items():
        header[name] = dict(dtype=says.get(name, dtype), shape=dims, data_offsets=[at, at + len(payload)])
        at += len(payload)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(p for _, _, p in tensors.values()))


def read_safetensors(path):
    data = open(path, "rb").read()
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + n])
    notes = header.pop("__metadata__", {})
    return notes, {name: (e["dtype"], e["shape"], data[8 + n + e["data_offsets"][0]:8 + n + e["data_offsets"][1]])
                   for name, e in sorted(header.items(), key=lambda x: x[1]["data_offsets"])}


def load(folder):
    """Configuration, notes of the first file, and tensors by name in full: (dtype, dims, payload)."""
    config = json.load(open(f"{folder}/config.json"))
    if os.path.exists(f"{folder}/model.safetensors"):
        return config, *read_safetensors(f"{folder}/model.safetensors")
    where = json.load(open(f"{folder}/model.safetensors.index.json"))["weight_map"]
    notes, tensors = None, {}
    for file in dict.fromkeys(where.values()):
        n, t = read_safetensors(f"{folder}/{file}")
        assert not set(t) & set(tensors) and {k for k in where if where[k] == file} == set(t)
        notes, tensors = notes or n, dict(tensors, **t)
    return config, notes, tensors


def bare(config, tensors):
    """The tensors by their names without prefix."""
    prefix = PREFIX.get(config["model_type"], "model.")
    return {n[len(prefix):] if n.startswith(prefix) else n: t for n, t in tensors.items()}


# ---- new ----

def write_files(folder, out, how, notes, says):
    shards = int(how.get("shards", 1))
    if shards == 1:
        safetensors(f"{folder}/model.safetensors", out, notes, says)
        return
    names, where = list(out), {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = names[i * len(names) // shards:(i + 1) * len(names) // shards]
        where.update(dict.fromkeys(part, file))
        safetensors(f"{folder}/{file}", {n: out[n] for n in part}, notes, says)
    with open(f"{folder}/model.safetensors.index.json", "w") as f:
        json.dump({"metadata": {"total_size": sum(len(t[2]) for t in out.values())}, "weight_map": where}, f)


def values_of(name, count, rng):
    gain = "norm" in name and name.endswith(".weight") or ".ln_" in name or name.startswith("ln_f")
    middle = 1 if gain and name.endswith(".weight") else 0
    return [rng.gauss(middle, 0.3) for _ in range(count)]


def changed(t, at):
    dtype, dims, payload = t
    values = unpack(payload, dtype)
    values[at] += 1
    return dtype, dims, pack(values, dtype)


def add_masks(out, c, prefix, mask):
    dtype, *flip = mask.split(",")
    for i in range(c["n_layer"]):
        n = c["n_positions"] + (flip == ["big"])
        values = [int(column <= row) for row in range(n) for column in range(n)]
        if len(flip) == 2:
            at = int(flip[0]) * n + int(flip[1])
            values[at] = 1 - values[at]
        out[f"{prefix}h.{i}.attn.bias"] = dtype, [1, 1, n, n], pack(values, dtype)
        if dtype != "BOOL":
            out[f"{prefix}h.{i}.attn.masked_bias"] = "F32", [], pack([-1e4], "F32")


def add_twins(out, marks, prefix):
    for key in "twice", "twin":
        if key in marks:
            name = marks[key]
            other = name[len(prefix):] if name.startswith(prefix) else prefix + name
            out[other] = out[name] if key == "twice" else changed(out[name], -1)


def add_frequencies(out, c, mark, dtype):
    name, _, factor = mark.partition(",")
    base, scaling, part = rope(c)
    n = int(sizes(c)["head_dim"] * part)
    values = [f * float(factor or 1) for f in frequencies(base, scaling, n)]
    out[name] = dtype, [n // 2], pack(values, dtype)


def frequencies(base, scaling, n):
    """transformers, modeling_rope_utils: the default, linear and llama3."""
    out = []
    for i in range(0, n, 2):
        f = 1 / base ** (i / n)
        if scaling["rope_type"] == "linear":
            f /= scaling["factor"]
        if scaling["rope_type"] == "llama3":
            wave, old = 2 * math.pi / f, scaling["original_max_position_embeddings"]
            low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
            if wave > old / low:
                f /= scaling["factor"]
            elif wave >= old / high:
                smooth = (old / wave - low) / (high - low)
                f = (1 - smooth) * f / scaling["factor"] + smooth * f
        out.append(f)
    return out


def new(folder, family, tokenizer, *what):
    how = dict(w.partition("=")[::2] for w in what)
    marks = {k: how.pop(k) for k in ("drop", "add", "nan", "flat", "head", "twice", "twin", "frequencies", "says",
                                     "masks", "seed", "dtype", "shards", "bare", "reversed")
             if k in how and not how[k].startswith('"')}
    notes = {k[5:]: how.pop(k) for k in list(how) if k.startswith("note:")}
    files = {k: how.pop(k) for k in list(how) if ":" in k}
    rng = random.Random(int(marks.get("seed", 1)))
    c = {"model_type": family, **CONFIGS[family]}
    right = dict(c)
    for key, value in how.items():
        try:
            c[key] = json.loads(value) if value else None
        except ValueError:
            sys.exit(f"hf.py: {key} is no JSON: {value}")
        if not value:
            c.pop(key)
    # A configuration that is wrong on purpose comes with the weights of the right one.
    try:
        want = shapes(c) if "as" not in c else shapes(right)
        assert sum(size(d) for d in want.values()) < 1e6
    except (KeyError, TypeError, ValueError, AssertionError, ZeroDivisionError):
        want = shapes(right)
    c.pop("as", None)
    prefix = PREFIX.get(family, "model.")
    out = {}
    for name, dims in want.items():
        dtype = marks.get("dtype", "F32")
        if dtype == "MIXED":
            dtype = "F32" if len(dims) == 1 else "F16" if "embed" in name or "wte" in name else "BF16"
        full = name if "bare" in marks or name.startswith("lm_head") else prefix + name
        values = values_of(name, size(dims), rng)
        if full == marks.get("nan"):
            values[2] = math.nan
        if full != marks.get("drop"):
            out[full] = dtype, [size(dims)] if full == marks.get("flat") else dims, pack(values, dtype)
    embedding = next(iter(out.values()))
    if "head" in marks:
        out["lm_head.weight"] = changed(embedding, int(marks["head"])) if marks["head"] else embedding
    add_twins(out, marks, prefix)
    if "frequencies" in marks:
        add_frequencies(out, c, marks["frequencies"], embedding[0])
    if "masks" in marks:
        add_masks(out, c, "" if "bare" in marks else prefix, marks["masks"])
    if "add" in marks:
        out[marks["add"]] = embedding[0], [2], pack([0, 0], embedding[0])
    if "reversed" in marks:
        out = dict(reversed(out.items()))
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/config.json", "w") as f:
        json.dump(c, f)
    for where, value in files.items():
        name, _, key = where.partition(":")
        old = json.load(open(f"{folder}/{name}")) if os.path.exists(f"{folder}/{name}") else {}
        with open(f"{folder}/{name}", "w") as f:
            json.dump(dict(old, **{key: json.loads(value)}), f)
    with open(f"{folder}/tokenizer.json", "wb") as f:
        f.write(open(tokenizer, "rb").read())
    write_files(folder, out, marks, notes, dict([marks["says"].split(",")]) if "says" in marks else {})


def index(folder, *what):
    path = f"{folder}/model.safetensors.index.json"
    file = json.load(open(path))
    for w in what:
        name, _, value = w.partition("=")
        file["weight_map"][name] = value
        if not value:
            del file["weight_map"][name]
    with open(path, "w") as f:
        json.dump(file, f)


# ---- want ----

def turned(dims, payload, width, first, n):
    """Columns FIRST to FIRST + N - 1 of a matrix, as rows."""
    rows, columns = dims
    return b"".join(payload[(r * columns + c) * width:(r * columns + c + 1) * width]
                    for c in range(first, first + n) for r in range(rows))


def own_tensors(c, tensors):
    """(name, (dtype, dims, payload)) in the order of lib/nn/layout.h."""
    t, s = bare(c, tensors), sizes(c)
    n = s["channels"]

    def part(name, first, rows):
        """A third of a fused map or its bias."""
        dtype, dims, payload = t[name]
        w = WIDTH[dtype]
        if len(dims) == 1:
            return dtype, [rows], payload[first * w:(first + rows) * w]
        return dtype, [rows, dims[0]], turned(dims, payload, w, first, rows)

    def whole(name):
        return part(name, 0, t[name][1][-1])
    if c["model_type"] != "gpt2":
        order = ["embed_tokens"]
        for i in range(s["layers"]):
            order += [f"layers.{i}.{x}" for x in (
                "input_layernorm", "self_attn.q_proj|self_attn.k_proj|self_attn.v_proj", "self_attn.q_norm", "self_attn.k_norm",
                "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj|mlp.up_proj", "mlp.down_proj")]
        for group in order + ["norm"] + ["lm_head"] * (not s["tied"]):
            at = group[:group.index(".", 7) + 1] if group.startswith("layers.") else ""
            names = [at + x for x in group[len(at):].split("|")]
            for end in ".weight", ".bias":
                for name in names:
                    if name + end in t:
                        yield name + end, t[name + end]
        return
    yield "embed_tokens.weight", t["wte.weight"]
    yield "embed_positions.weight", t["wpe.weight"]
    for i in range(s["layers"]):
        a, b = f"h.{i}.", f"layers.{i}."
        for end in "weight", "bias":
            yield b + "input_layernorm." + end, t[f"{a}ln_1.{end}"]
        for end in "weight", "bias":
            for k, x in enumerate("qkv"):
                yield f"{b}self_attn.{x}_proj.{end}", part(f"{a}attn.c_attn.{end}", k * n, n)
        for end in "weight", "bias":
            yield f"{b}self_attn.o_proj.{end}", whole(f"{a}attn.c_proj.{end}")
        for end in "weight", "bias":
            yield b + "post_attention_layernorm." + end, t[f"{a}ln_2.{end}"]
        for mine, theirs in ("up", "c_fc"), ("down", "c_proj"):
            for end in "weight", "bias":
                yield f"{b}mlp.{mine}_proj.{end}", whole(f"{a}mlp.{theirs}.{end}")
    for end in "weight", "bias":
        yield "norm." + end, t["ln_f." + end]
    if not s["tied"]:
        yield "lm_head.weight", t["lm_head.weight"]


def arch(c):
    s, (qkv, o, ffn), gpt2 = sizes(c), biased(c), c["model_type"] == "gpt2"
    meta = {"arch." + k: s[k] for k in ("vocab", "ctx", "layers", "channels", "heads", "kv_heads", "head_dim", "ffn")}
    act = c.get("activation_function", "gelu_new")
    meta.update({"arch.family": "llama", "arch.norm": "layernorm" if gpt2 else "rmsnorm",
                 "arch.act": "silu" if not gpt2 else "gelu" if act == "gelu" else "gelu_tanh",
                 "arch.norm_eps": float(s["eps"]), "arch.tied": int(s["tied"]), "arch.bias": qkv + 2 * o + 4 * ffn})
    if s["window"]:
        meta["arch.window"] = s["window"]
    if gpt2:
        return dict(meta, **{"arch.positions": "learned"})
    if c["model_type"] == "qwen3":
        meta["arch.qk_norm"] = 1
    base, scaling, share = rope(c)
    meta["arch.rope_base"] = base
    if share < 1:
        meta["arch.rope_dim"] = int(s["head_dim"] * share)
    if scaling["rope_type"] != "default":
        meta["arch.rope_scaling"], meta["arch.rope_factor"] = scaling["rope_type"], float(scaling["factor"])
    if scaling["rope_type"] == "llama3":
        meta.update({"arch.rope_low": float(scaling["low_freq_factor"]), "arch.rope_high": float(scaling["high_freq_factor"]),
                     "arch.rope_ctx": scaling["original_max_position_embeddings"]})
    return meta


def stops(folder):
    files = {f: json.load(open(f"{folder}/{f}")) for f in CARRIED if f.endswith(".json") and os.path.exists(f"{folder}/{f}")}
    ids = []
    for file in "generation_config.json", "config.json":
        got = files.get(file, {}).get("eos_token_id")
        ids += got if isinstance(got, list) else [got] if got is not None else []
    name = files.get("tokenizer_config.json", {}).get("eos_token") or files.get("special_tokens_map.json", {}).get("eos_token")
    if name:
        name = name["content"] if isinstance(name, dict) else name
        ids += [t["id"] for t in files["tokenizer.json"]["added_tokens"] if t["content"] == name]
    return tuple(dict.fromkeys(ids))


def want(folder, out):
    c, notes, tensors = load(folder)
    meta = dict(arch(c), round=int(notes.get("fl.round", 0)))
    if "fl.parent" in notes:
        meta["parent"] = bytes.fromhex(notes["fl.parent"])
    if stops(folder):
        meta["tokenizer.eos"] = stops(folder)
    result = {name: (dtype.lower(), dims, payload, {}) for name, (dtype, dims, payload) in own_tensors(c, tensors)}
    for file in CARRIED:
        if os.path.exists(f"{folder}/{file}"):
            data = open(f"{folder}/{file}", "rb").read()
            result[file] = "u8", [len(data)], data, {}
    write(out, "model", meta, result)


# ---- same, and the others ----

def same(folder, other):
    (c, _, a), (d, _, b) = load(folder), load(other)
    prefix = PREFIX.get(d["model_type"], "model.")
    wrong = [n for n in b if not n.startswith((prefix, "lm_head."))]  # what is written has the prefix
    a, b = bare(c, a), bare(d, b)
    wrong += [n for n in {**a, **b} if a.get(n) != b.get(n)]
    wrong += [f for f in CARRIED if os.path.exists(f"{folder}/{f}") and
              open(f"{folder}/{f}", "rb").read() != open(f"{other}/{f}", "rb").read()]
    got, known = set(os.listdir(other)), set(CARRIED)
    wrong += [f for f in got - known if not f.startswith("model")]
    wrong += [f for f in (got & known) - set(os.listdir(folder))]
    sys.exit(f"# other: {' '.join(wrong)}" if wrong else 0)


def model(a, b):
    a, b = read(a), read(b)
    a[1].setdefault("tokenizer.eos", b[1].get("tokenizer.eos"))  # which a folder says, always
    for x in a, b:
        for file in CARRIED[1:]:
            x[2].pop(file, None)
    sys.exit(a != b or list(a[2]) != list(b[2]))


def halves(source, target, name):
    kind, meta, tensors = read(source)
    dtype, dims, payload, attributes = tensors[name]
    tensors[name] = "f16", dims, pack(unpack(payload, dtype.upper()), "F16"), attributes
    write(target, kind, meta, tensors)


def files(folder):
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".safetensors")):
        with open(f"{folder}/{file}", "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        header.pop("__metadata__", None)
        print(file, *sorted(header, key=lambda n: header[n]["data_offsets"]))


def sparse(folder, tokenizer, gib, family="llama"):
    """Few large tensors in bfloat16."""
    if family == "turned":
        c = {"model_type": "gpt2", **CONFIGS["gpt2"], "n_embd": 4096, "n_head": 32, "n_layer": 1}
        per = sum(2 * size(d) for n, d in shapes(c).items() if n.startswith("h."))
        c["n_layer"] = max(1, int(float(gib) * 2**30 / per))
    else:
        n = 16384
        c = {"model_type": "llama", **CONFIGS["llama"], "hidden_size": n, "num_attention_heads": 128, "head_dim": 128,
             "num_key_value_heads": 8, "intermediate_size": 53248, "num_hidden_layers": 1}
        per = sum(2 * size(d) for name, d in shapes(c).items() if name.startswith("layers."))
        c["num_hidden_layers"] = max(1, int(float(gib) * 2**30 / per))
        if c["num_hidden_layers"] == 1:
            c["intermediate_size"] = max(1, int((float(gib) * 2**30 / 2 - 2.2 * n * n) / 3 / n))
    header, at = {}, 0
    for name, dims in shapes(c).items():
        prefix = "" if name.startswith("lm_head") else PREFIX.get(c["model_type"], "model.")
        header[prefix + name] = dict(dtype="BF16", shape=dims, data_offsets=[at, at := at + 2 * size(dims)])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + at)
    with open(f"{folder}/config.json", "w") as f:
        json.dump(c, f)
    with open(f"{folder}/tokenizer.json", "wb") as f:
        f.write(open(tokenizer, "rb").read())
    held = os.stat(f"{folder}/model.safetensors").st_blocks * 512
    print(at)
    sys.exit(0 if held < at // 100 else 3)


def peak(most, *command):
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    got = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"# {got} KiB resident at most")
    sys.exit(status or got > int(most))


if __name__ == "__main__":
    commands = {f.__name__: f for f in (new, index, want, same, model, halves, files, sparse, peak)}
    commands[sys.argv[1]](*sys.argv[2:])
