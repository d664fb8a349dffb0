"""The weighted mean of updates as people write it with numpy, sums in double: prints its seconds.
Usage: numpy_mean.py COUNT WEIGHT FILE...     file number i, from 1 on, counts i times WEIGHT

Each FILE is taken for COUNT values of f32 from byte 64 on; which ones they are does not matter here.
"""

import sys
import time

import numpy as np


def main():
    count, weight, paths = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    began = time.perf_counter()
    total = np.zeros(count)
    with np.errstate(all="ignore"):
        for i, path in enumerate(paths, 1):
            total += i * weight * np.fromfile(path, dtype=np.float32, count=count, offset=64)
        total /= weight * sum(range(1, len(paths) + 1))
        total.astype(np.float32).tofile("/dev/null")
    print(time.perf_counter() - began)


main()
