#!/usr/bin/env python3
"""Logits of a Hugging Face folder, in doubles, by numpy alone: what transformers computes, written from its
modeling_{llama,mistral,qwen2,qwen3,gpt2}.py and modeling_rope_utils.py, without a line of the library.

    hf_forward.py oracle DIR ORACLE     are they those of ORACLE/oracle.json, within 1e-4?
    hf_forward.py tokens DIR ROWS [KEY=JSON...]
                                        are log-probabilities those of ROWS (fl-eval --per-token --json) within
                                        1e-4? KEY=JSON overrides config.json, to see that a switch matters.
    hf_forward.py adapter DIR PEFT ROWS MAPS
                                        the same with PEFT's folder beside it, which has an adapter for MAPS maps
    hf_forward.py gradient DIR PEFT IDS LOSS NORM
                                        the ids, a ring (nn/order.h), have LOSS from one place on: is NORM that of the
                                        gradient of its A and B there, within 1e-4 of itself?
"""
import json
import math
import os
import sys

import numpy as np


def tensor(kind, data, shape):
    if kind == "BF16":
        values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(data, dict(F64="<f8", F32="<f4", F16="<f2", U8="u1", BOOL="u1")[kind])
    return values.astype(np.float64).reshape(shape)


def weights(folder):
    path = f"{folder}/model.safetensors"
    if os.path.exists(path):
        files = ["model.safetensors"]
    else:
        files = sorted(set(json.load(open(path + ".index.json"))["weight_map"].values()))
    out = {}
    for file in files:
        data = open(f"{folder}/{file}", "rb").read()
        start = 8 + int.from_bytes(data[:8], "little")
        for name, e in json.loads(data[8:start]).items():
            if name != "__metadata__":
                a, b = e["data_offsets"]
                out[name.removeprefix("model.").removeprefix("transformer.")] = tensor(e["dtype"], data[start + a:start + b], e["shape"])
    return out


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rms(x, gain, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gain


def layer_norm(x, gain, bias, eps):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gain + bias


def attention(q, k, v, window):
    """q [T,H,D]; k and v [T,K,D], each of which serves H/K heads. A token sees WINDOW, itself the last."""
    T, heads, D = q.shape
    k, v = (np.repeat(x, heads // x.shape[1], axis=1) for x in (k, v))
    scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(D)
    i, j = np.arange(T)[:, None], np.arange(T)[None]
    seen = (j <= i) & ((j > i - window) if window else True)
    return np.einsum("hij,jhd->ihd", softmax(np.where(seen, scores, -np.inf)), v).reshape(T, heads * D)


# ---- rotary positions ----

def inverse_frequencies(c, head_dim):
    said = c.get("rope_parameters") or c.get("rope_scaling") or {}
    kind = said.get("rope_type", said.get("type", "default"))
    base = (c.get("rope_parameters") or {}).get("rope_theta") or c.get("rope_theta") or 10000.0
    share = (c.get("rope_parameters") or {}).get("partial_rotary_factor") or c.get("partial_rotary_factor") or 1.0
    dim = int(head_dim * share)
    f = 1.0 / base ** (np.arange(0, dim, 2) / dim)
    if kind == "linear":
        return f / said["factor"]
    if kind == "llama3":
        old, low, high = (said[x] for x in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor"))
        wave = 2 * math.pi / f
        scaled = np.where(wave > old / low, f / said["factor"], f)
        smooth = (old / wave - low) / (high - low)
        smoothed = (1 - smooth) * scaled / said["factor"] + smooth * scaled
        return np.where(~(wave < old / high) & ~(wave > old / low), smoothed, scaled)
    assert kind == "default", kind
    return f


def rotate(x, f):
    """The first 2 len(f) channels: halves against each other (rotate_half)."""
    n = len(f)
    angle = np.arange(x.shape[0])[:, None, None] * f
    a, b, rest = x[..., :n], x[..., n:2 * n], x[..., 2 * n:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle), rest], -1)


# ---- families ----

def window_of(c):
    if c["model_type"] == "mistral":
        return c.get("sliding_window", 4096)
    if c["model_type"] in ("qwen2", "qwen3") and c.get("use_sliding_window"):
        first = 0 if c.get("layer_types", ["full_attention"])[0] == "sliding_attention" else c.get("max_window_layers", 28)
        return c.get("sliding_window", 4096) if first == 0 else None
    return None


def llama(c, w, ids):
    heads = c["num_attention_heads"]
    usual = dict(llama=heads, mistral=8, qwen2=32, qwen3=32)[c["model_type"]]
    kv = c.get("num_key_value_heads", usual) or heads
    D = c.get("head_dim") or (128 if c["model_type"] == "qwen3" else c["hidden_size"] // heads)
    eps, f, T = c.get("rms_norm_eps", 1e-6), inverse_frequencies(c, D), len(ids)

    def linear(x, name):
        return x @ w[name + ".weight"].T + w.get(name + ".bias", 0)
    x = w["embed_tokens.weight"][ids]
    for i in range(c["num_hidden_layers"]):
        at = f"layers.{i}."
        y = rms(x, w[at + "input_layernorm.weight"], eps)
        q = linear(y, at + "self_attn.q_proj").reshape(T, heads, D)
        k = linear(y, at + "self_attn.k_proj").reshape(T, kv, D)
        v = linear(y, at + "self_attn.v_proj").reshape(T, kv, D)
        if c["model_type"] == "qwen3":
            q = rms(q, w[at + "self_attn.q_norm.weight"], eps)
            k = rms(k, w[at + "self_attn.k_norm.weight"], eps)
        x = x + linear(attention(rotate(q, f), rotate(k, f), v, window_of(c)), at + "self_attn.o_proj")
        y = rms(x, w[at + "post_attention_layernorm.weight"], eps)
        gate = linear(y, at + "mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, at + "mlp.up_proj"), at + "mlp.down_proj")
    x = rms(x, w["norm.weight"], eps)
    return x @ w["embed_tokens.weight" if c.get("tie_word_embeddings", False) else "lm_head.weight"].T


def gelu(x, kind):
    if kind == "gelu":
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gpt2(c, w, ids):
    T, n, heads, eps = len(ids), c["n_embd"], c["n_head"], c.get("layer_norm_epsilon", 1e-5)

    def conv(x, name):  # Conv1D
        return x @ w[name + ".weight"] + w[name + ".bias"]

    def norm(x, name):
        return layer_norm(x, w[name + ".weight"], w[name + ".bias"], eps)
    x = w["wte.weight"][ids] + w["wpe.weight"][:T]
    for i in range(c["n_layer"]):
        at = f"h.{i}."
        q, k, v = (y.reshape(T, heads, n // heads) for y in np.split(conv(norm(x, at + "ln_1"), at + "attn.c_attn"), 3, -1))
        x = x + conv(attention(q, k, v, None), at + "attn.c_proj")
        y = conv(norm(x, at + "ln_2"), at + "mlp.c_fc")
        x = x + conv(gelu(y, c.get("activation_function", "gelu_new")), at + "mlp.c_proj")
    x = norm(x, "ln_f")
    return x @ w["wte.weight" if c.get("tie_word_embeddings", True) else "lm_head.weight"].T


def logits(c, w, ids):
    return (gpt2 if c["model_type"] == "gpt2" else llama)(c, w, np.array(ids))


def adapted(c, w, peft):
    """W + s B A for every pair of PEFT's folder; of gpt2, whose maps lie turned, W + s (B A)'."""
    config = json.load(open(f"{peft}/adapter_config.json"))
    data, out, seen = open(f"{peft}/adapter_model.safetensors", "rb").read(), dict(w), 0
    start = 8 + int.from_bytes(data[:8], "little")
    pairs = {}
    for name, e in json.loads(data[8:start]).items():
        if name != "__metadata__":
            where, which = name.removeprefix("base_model.model.").removeprefix("model.").removeprefix("transformer.").split(".lora_")
            a, b = e["data_offsets"]
            pairs.setdefault(where + ".weight", {})[which[0]] = tensor(e["dtype"], data[start + a:start + b], e["shape"])
    for name, p in pairs.items():
        rank = len(p["A"])
        change = config["lora_alpha"] / (math.sqrt(rank) if config["use_rslora"] else rank) * p["B"] @ p["A"]
        out[name] = w[name] + (change.T if c["model_type"] == "gpt2" else change)
    return out, pairs, config


def judge(worst, what):
    print(f"# {what} are off by {worst:.2g}")
    sys.exit(not worst < 1e-4)


def oracle(folder, where):
    c, w, worst = json.load(open(f"{folder}/config.json")), weights(folder), 0.0
    for p in json.load(open(f"{where}/oracle.json"))["prompts"]:
        right = np.load(f"{where}/{p['logits_file']}")
        worst = max(worst, np.abs(logits(c, w, p["ids"]) - right).max())
    judge(worst, "logits")


def tokens(folder, rows, *overrides):
    c, w = json.load(open(f"{folder}/config.json")), weights(folder)
    c.update({k: json.loads(v) for k, v in (o.split("=", 1) for o in overrides)})
    rows = [json.loads(line) for line in open(rows)]
    ids = [r["id"] for r in rows]
    got = np.log(softmax(logits(c, w, ids)))
    assert len(rows) > 20
    judge(max(abs(got[i - 1, ids[i]] - rows[i]["logprob"]) for i in range(1, len(rows))), "log-probabilities")


def adapter(folder, peft, rows, maps):
    c, w = json.load(open(f"{folder}/config.json")), weights(folder)
    rows = [json.loads(line) for line in open(rows)]
    ids = [r["id"] for r in rows]
    plain = np.log(softmax(logits(c, w, ids)))
    w, pairs, _ = adapted(c, w, peft)
    got = np.log(softmax(logits(c, w, ids)))
    assert len(rows) > 20 and len(pairs) == int(maps), (len(rows), sorted(pairs))
    assert np.abs(plain - got).max() > 1e-2, "the adapter changes nothing"
    judge(max(abs(got[i - 1, ids[i]] - rows[i]["logprob"]) for i in range(1, len(rows))), "log-probabilities")


def gradient(folder, peft, file, right, norm):
    """By differences of every value of A and B."""
    c, w = json.load(open(f"{folder}/config.json")), weights(folder)
    ids = np.array(json.load(open(file)))
    _, pairs, config = adapted(c, w, peft)
    h, squares = 1e-5, 0.0

    def loss():
        out = dict(w)
        for name, p in pairs.items():
            out[name] = w[name] + config["lora_alpha"] / (math.sqrt(len(p["A"])) if config["use_rslora"] else len(p["A"])) * p["B"] @ p["A"]
        p = softmax(logits(c, out, ids[:-1]))
        return -np.log(p[np.arange(len(ids) - 1), ids[1:]]).mean()
    ring = ids
    for first in range(len(ring)):
        ids = np.roll(ring, -first)
        if abs(loss() - float(right)) < 2e-5:
            break
    else:
        sys.exit("# no place of the ring has this loss")
    for p in pairs.values():
        for m in p.values():
            for i in np.ndindex(*m.shape):
                old, sides = m[i], []
                for side in (h, -h):
                    m[i] = old + side
                    sides.append(loss())
                m[i] = old
                squares += ((sides[0] - sides[1]) / (2 * h)) ** 2
    judge(abs(math.sqrt(squares) / float(norm) - 1), "the norm of the gradient, in parts of itself,")


if __name__ == "__main__":
    commands = {f.__name__: f for f in (oracle, tokens, adapter, gradient)}
    commands[sys.argv[1]](*sys.argv[2:])
