#!/usr/bin/env python3
"""Change a file again and again until killed: stir.py write|rename|append FILE

write: the same first byte at the same place, so that only a look at the file's times can tell;
rename: a copy takes its name, which is no change of the file that somebody has open;
append: a line more.
"""
import os
import shutil
import sys
import time

how, name = sys.argv[1:]
first = open(name, "rb").read(1)
fd = os.open(name, os.O_RDWR | (os.O_APPEND if how == "append" else 0))
print("ready", flush=True)
while os.getppid() != 1:
    if how == "rename":
        shutil.copyfile(name, name + ".new")
        os.rename(name + ".new", name)
    else:
        os.write(fd, b"one line more\n") if how == "append" else os.pwrite(fd, first, 0)
    time.sleep(0.001)
