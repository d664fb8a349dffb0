#!/usr/bin/env python3
"""Run a program with a non-blocking pipe or socket, as node and ssh hand them on.

    nonblock.py out|err pipe|socket COMMAND...   what it writes there comes out on standard output, slowly read
    nonblock.py in pipe|socket COMMAND...        standard input is handed on, slowly

The exit status is the program's. That the stream was full (or empty) at least once, so that there was
something to wait for, is checked: 90 when not.
"""
import fcntl
import os
import select
import socket
import subprocess
import sys
import time

what, kind, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def pair():
    """Descriptors to read from and to write to."""
    if kind == "pipe":
        r, w = os.pipe()
        fcntl.fcntl(w, 1031, 4096)  # F_SETPIPE_SZ
    else:
        a, b = socket.socketpair()
        b.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        r, w = a.detach(), b.detach()
    return r, w


r, w = pair()
theirs, ours = (r, w) if what == "in" else (w, r)
os.set_blocking(theirs, False)
stream = {"in": "stdin", "out": "stdout", "err": "stderr"}[what]
data = sys.stdin.buffer.read() if what == "in" else b""
child = subprocess.Popen(command, **{stream: theirs}, **({} if what == "in" else {"stdin": subprocess.DEVNULL}))
waited = False
if what == "in":
    os.close(theirs)
    for at in range(0, len(data), 1 << 18):
        time.sleep(0.005)
        waited = True  # it is there, and has nothing to read
        try:
            os.write(ours, data[at:at + (1 << 18)])
        except BrokenPipeError:
            break
    os.close(ours)
else:
    while child.poll() is None and not waited:
        time.sleep(0.02)
        waited = not select.select([], [theirs], [], 0)[1]  # there is no room
    os.close(theirs)
    while part := os.read(ours, 1 << 16):
        time.sleep(0.0005)
        sys.stdout.buffer.write(part)
sys.stdout.flush()
status = child.wait()
sys.exit(90 if not waited and not status else status if status >= 0 else 128 - status)
