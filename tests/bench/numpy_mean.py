"""The weighted mean of updates with numpy, in two ways: prints the seconds of each.
Usage: numpy_mean.py COUNT WEIGHT FILE...     file number i, from 1 on, counts i times WEIGHT

  numpy.average of all files, as the library has it
  a loop that adds one file after the other in double, the fastest that a user can write

Each FILE is taken for COUNT values of f32 from byte 64 on; which ones they are does not matter here.
"""

import sys
import time

import numpy as np


def read(path, count):
    return np.fromfile(path, dtype=np.float32, count=count, offset=64)


def average(paths, weights, count):
    return np.average([read(path, count) for path in paths], axis=0, weights=weights)


def loop(paths, weights, count):
    total = np.zeros(count)
    for path, weight in zip(paths, weights):
        total += weight * read(path, count)
    total /= sum(weights)
    return total


def main():
    count, weight, paths = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    weights = [weight * i for i in range(1, len(paths) + 1)]
    for mean in average, loop:
        began = time.perf_counter()
        with np.errstate(all="ignore"):
            mean(paths, weights, count).astype(np.float32).tofile("/dev/null")
        print(time.perf_counter() - began)


main()
