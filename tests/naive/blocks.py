#!/usr/bin/env python3
"""Blocks of 8 bits (q8_0) by numpy, written from flt(5) and ggml's quantize_row_q8_0_ref, without the library.

    blocks.py quantise Q8 F32       Q8 holds the values of F32 (both raw, as fl-info --raw gives them) in blocks, to the bit
    blocks.py values Q8 F32         F32 holds the values of Q8, to the bit
    blocks.py gguf FILE HEADS KV TENSOR=Q8...
                                    the q8_0 tensors of FILE, which llama.cpp wrote, are those of Q8; TENSOR is FILE's name
"""
import struct
import sys

import numpy as np


def quantise(values):
    x = values.reshape(-1, 32)
    most = np.abs(x).max(1)
    d = (most / np.float32(127)).astype(np.float32)
    with np.errstate(divide="ignore"):
        inverse = np.where(d > 0, np.float32(1) / d, np.float32(0)).astype(np.float32)
    v = (x * inverse[:, None]).astype(np.float32).astype(np.float64)
    q = np.copysign(np.floor(np.abs(v) + 0.5), v).astype(np.int8)    # exact in doubles: halves away from zero
    return np.concatenate([d.astype("<f2").view(np.uint8).reshape(-1, 2), q.view(np.uint8)], 1).tobytes()


def values(data):
    blocks = np.frombuffer(data, np.uint8).reshape(-1, 34)
    d = blocks[:, :2].copy().view("<f2").astype(np.float32)
    return d * blocks[:, 2:].view(np.int8).astype(np.float32)


class Gguf:
    """Names, shapes and bytes of the tensors of a file of version 3."""
    def __init__(self, path):
        self.data, self.at = open(path, "rb").read(), 8
        count, keys = self.get("Q"), self.get("Q")
        align = 32
        for _ in range(keys):
            key, value = self.text(), self.value(self.get("I"))
            align = value if key == "general.alignment" else align
        infos = []
        for _ in range(count):
            name, rank = self.text(), self.get("I")
            dims = [self.get("Q") for _ in range(rank)]
            infos.append((name, dims[::-1], self.get("I"), self.get("Q")))
        start = -(-self.at // align) * align
        self.blocks = {name: (dims, self.data[start + at:start + at + int(np.prod(dims)) // 32 * 34])
                       for name, dims, kind, at in infos if kind == 8}

    def get(self, form):
        self.at += struct.calcsize("<" + form)
        return struct.unpack_from("<" + form, self.data, self.at - struct.calcsize("<" + form))[0]

    def text(self):
        n = self.get("Q")
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, n = self.get("I"), self.get("Q")
            return [self.value(inner) for _ in range(n)]
        return self.get("BbHhIif?__Qqd"[kind])


def turned(data, rows, heads):
    """Rows of queries and keys in llama.cpp's order: pairs side by side."""
    return np.frombuffer(data, np.uint8).reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).tobytes()


def main(what, *args):
    if what == "quantise":
        q8, f32 = (open(path, "rb").read() for path in args)
        assert quantise(np.frombuffer(f32, "<f4")) == q8
    elif what == "values":
        q8, f32 = (open(path, "rb").read() for path in args)
        assert values(q8).astype("<f4").tobytes() == f32
    else:
        path, heads, kv, *pairs = args
        gguf, seen = Gguf(path), set()
        for pair in pairs:
            name, file = pair.split("=")
            ours, (dims, data) = open(file, "rb").read(), gguf.blocks[name]
            if "attn_q" in name or "attn_k" in name:
                ours = turned(ours, dims[0], int(heads if "attn_q" in name else kv))
            assert ours == data, name
            seen.add(name)
        assert seen == set(gguf.blocks), set(gguf.blocks) - seen


main(*sys.argv[1:])
