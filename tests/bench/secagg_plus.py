"""A site's turn in Flower's SecAgg+ as its arithmetic is: numpy arrays of int64, stochastic rounding,
a mask for each neighbour from numpy's general-purpose generator, seeded with the shared seed, and one
of its own.

    secagg_plus.py COUNT NEIGHBOURS     prints the seconds of a core for one turn, the least of three
"""
import sys
import time

import numpy as np

CLIP, TARGET, MOD = 8.0, 1 << 22, 1 << 32


def quantize(values):
    scaled = (np.clip(values, -CLIP, CLIP) + CLIP) * (TARGET / (2 * CLIP))
    whole = np.ceil(scaled).astype(np.int64)
    whole[np.random.random(len(values)) < whole - scaled] -= 1
    return whole


def mask(count, seed):
    np.random.seed(seed)
    return np.random.randint(0, MOD - 1, count, dtype=np.int64)


def turn(values, neighbours):
    words = quantize(values) + mask(len(values), 1)
    for k in range(neighbours):
        one = mask(len(values), 1000 + k)
        words = words + one if k % 2 else words - one
    return np.mod(words, MOD)


def main():
    count, neighbours = int(sys.argv[1]), int(sys.argv[2])
    values = (np.arange(count) % 1999 / 100000 - 0.01).astype(np.float32)
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        turn(values, neighbours)
        best = min(best, time.process_time() - began)
    print(best)


main()
