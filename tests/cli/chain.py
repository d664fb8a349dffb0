#!/usr/bin/env python3
"""Hugging Face folders of tiny models whose every next token is known. For tests/cli/.

    chain.py DIR [bytes|spm] [ID,ID,...] [FILE:KEY=JSON...]

After the first ID of the list the model writes the second, and so on (a list without a given id:
id 0 follows). bytes: a byte-level tokenizer, byte b is id b, then 256 <s>, 257 </s>, 258 <stop>,
all special, 259 two spaces, 260 [X]. spm: characters with byte fallback, a space put in front: 0 <unk>,
1 <s>, 2 </s>, 3 to 258 the bytes, then a space's mark, "l", "o" and pairs of them. FILE:KEY=JSON sets a key of a JSON
file of the folder (KEY= drops it); "added_tokens+" in tokenizer.json adds to the list.
"""
import json
import os
import struct
import sys

MARK = "\u2581"


def alphabet():
    """The characters that stand for bytes in byte-level vocabularies."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    names, n = {}, 0
    for b in range(256):
        names[b] = chr(b) if b in plain else chr(256 + n)
        n += b not in plain
    return names


def added(ident, content, special, **flags):
    token = dict(id=ident, content=content, single_word=False, lstrip=False, rstrip=False,
                 normalized=False, special=special)
    token.update(flags)
    return token


def template(before, after):
    """Marks around a text, and what no program here looks at: those around a pair."""
    def names(marks):
        return [{"SpecialToken": {"id": m, "type_id": 0}} for m in marks]
    single = names(before) + [{"Sequence": {"id": "A", "type_id": 0}}] + names(after)
    return dict(type="TemplateProcessing", single=single,
                pair=single + [{"Sequence": {"id": "B", "type_id": 1}}] + names(after),
                special_tokens={m: dict(id=m, ids=[i], tokens=[m]) for m, i in IDS.items()})


def tokenizer(kind):
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    model = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None,
                 end_of_word_suffix=None, fuse_unk=False, byte_fallback=kind == "spm", merges=[])
    t = dict(version="1.0", truncation=None, padding=None, normalizer=None, pre_tokenizer=level,
             post_processor=template(["<s>"], []), decoder=level, model=model)
    special = [added(i, m, True) for m, i in IDS.items() if m != "<unk>"]
    if kind == "bytes":
        model["vocab"] = {c: b for b, c in alphabet().items()}
        t["added_tokens"] = special + [added(259, "  ", False, normalized=True), added(260, "[X]", False)]
        return t
    model["vocab"] = {"<unk>": 0, "<s>": 1, "</s>": 2}
    for b in range(256):
        model["vocab"][f"<0x{b:02X}>"] = 3 + b
    for name in MARK, "l", "o", MARK + "l", "lo", "oo":
        model["vocab"][name] = len(model["vocab"])
    model.update(unk_token="<unk>", fuse_unk=True, merges=[MARK + " l", "l o", "o o"])
    t.update(added_tokens=[added(0, "<unk>", True)] + special, pre_tokenizer=None,
             normalizer=dict(type="Sequence", normalizers=[
                 dict(type="Prepend", prepend=MARK),
                 dict(type="Replace", pattern={"String": " "}, content=MARK)]),
             decoder=dict(type="Sequence", decoders=[
                 dict(type="Replace", pattern={"String": MARK}, content=" "),
                 dict(type="ByteFallback"), dict(type="Fuse"),
                 dict(type="Strip", content=" ", start=1, stop=0)]))
    return t


def weights(vocab, chain):
    following = dict(zip(chain, chain[1:]))
    hot = [[0.0] * vocab for _ in range(vocab)]
    head = [[0.0] * vocab for _ in range(vocab)]
    for i in range(vocab):
        hot[i][i] = 1.0
        head[following.get(i, 0)][i] = 9.0
    zero, layer = {"q_proj": 2, "k_proj": 2, "v_proj": 2}, "model.layers.0."
    out = {"model.embed_tokens.weight": hot, "lm_head.weight": head,
           "model.norm.weight": [1.0] * vocab, layer + "input_layernorm.weight": [1.0] * vocab,
           layer + "post_attention_layernorm.weight": [1.0] * vocab,
           layer + "self_attn.o_proj.weight": [[0.0] * 2] * vocab,
           layer + "mlp.gate_proj.weight": [[0.0] * vocab] * 8,
           layer + "mlp.up_proj.weight": [[0.0] * vocab] * 8,
           layer + "mlp.down_proj.weight": [[0.0] * 8] * vocab}
    for name, rows in zero.items():
        out[layer + f"self_attn.{name}.weight"] = [[0.0] * vocab] * rows
    return out


def safetensors(tensors):
    header, data = {}, b""
    for name, rows in tensors.items():
        flat = [v for row in rows for v in row] if isinstance(rows[0], list) else rows
        shape = [len(rows), len(rows[0])] if isinstance(rows[0], list) else [len(rows)]
        payload = struct.pack(f"<{len(flat)}f", *flat)
        header[name] = dict(dtype="F32", shape=shape, data_offsets=[len(data), len(data) + len(payload)])
        data += payload
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def main(folder, *args):
    global IDS
    args = list(args)
    kind = args.pop(0) if args and args[0] in ("bytes", "spm") else "bytes"
    IDS = {"<s>": 256, "</s>": 257, "<stop>": 258} if kind == "bytes" else {"<unk>": 0, "<s>": 1, "</s>": 2}
    chain = [int(i) for i in args.pop(0).split(",")] if args and ":" not in args[0] else []
    vocab = 270
    files = {"tokenizer.json": tokenizer(kind), "config.json": dict(
        model_type="llama", vocab_size=vocab, hidden_size=vocab, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1, head_dim=2, max_position_embeddings=64,
        rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu", tie_word_embeddings=False)}
    for arg in args:
        name, _, rest = arg.partition(":")
        key, _, value = rest.partition("=")
        of = files.setdefault(name, {})
        if key == "added_tokens+":
            of["added_tokens"] += [added(**t) for t in json.loads(value)]
        elif key == "template":
            of["post_processor"] = template(*json.loads(value))
        elif value:
            of[key] = json.loads(value)
        else:
            of.pop(key, None)
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.unlink(f"{folder}/{name}")
    for name, value in files.items():
        with open(f"{folder}/{name}", "w") as f:
            json.dump(value, f)
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(safetensors(weights(vocab, chain)))


main(*sys.argv[1:])
