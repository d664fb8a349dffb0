"""Documents that stopped a run or took for ever, and files that were taken for text.

    documents.py hostile DIR BYTES   one hostile document a file, of about so many bytes
    documents.py foreign DIR         files of other kinds, small but real where Python can make them
"""
import bz2
import gzip
import io
import lzma
import os
import pickle
import random
import sqlite3
import sys
import tarfile
import zipfile

kind, folder = sys.argv[1:3]
os.makedirs(folder, exist_ok=True)
random.seed(6)


def put(name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def many(unit, n):
    unit = unit.encode() if isinstance(unit, str) else unit
    return unit * (n // len(unit) + 1)


def hostile(n):
    put("one-word.txt", bytes(random.choice(b"abcdefghijklmnopqrstuvwxyz") for _ in range(n)))
    put("one-word.jsonl", b'{"text":"' + many("abcdefghij", n) + b'"}\n')
    put("one-letter.txt", many("a", n))
    put("capitals.txt", many("A", n))
    put("turns.txt", many("Aa", n))
    put("han.txt", "".join(chr(random.randrange(0x4e00, 0x9fff)) for _ in range(n // 3)).encode())
    put("spaces.txt", b"x" + many(" ", n) + b"x")
    put("blanks.txt", b"x" + many(" \t\r\n \r", n) + b"x")
    put("feeds.txt", many("a\f", n))
    put("marks.txt", b"".join(b"a" + "".join(chr(0x300 + random.randrange(0x34)) for _ in range(50000))
                              .encode() + b"\n" for _ in range(n // 100000 + 1)))
    put("double-marks.txt", b"a" + many("\u0f73", n))  # of class 0, and decomposed of two others
    put("expanding.txt", many("\U0001d160", n))
    put("special.txt", many("<|endoftext|", n))
    put("nested.jsonl", many(b'{"a":' + b"[" * 250 + b"]" * 250 + b',"text":"x"}\n', n))
    put("escapes.jsonl", many(b'{"text":"' + b"\\u0301" * 200 + b'"}\n', n))
    put("keys.jsonl", b"{" + many('"text":"x",', n) + b'"text":"x"}\n')


def foreign():
    text = b"a line of text, and another\n" * 40
    put("f.gz", gzip.compress(text))
    put("f.bz2", bz2.compress(text))
    put("f.xz", lzma.compress(text))
    for name, inside in (("f.zip", "text.txt"), ("f.docx", "word/document.xml"), ("f.xlsx", "xl/workbook.xml")):
        b = io.BytesIO()
        with zipfile.ZipFile(b, "w") as z:
            z.writestr(inside, text)
        put(name, b.getvalue())
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w") as t:
        entry = tarfile.TarInfo("text.txt")
        entry.size = len(text)
        t.addfile(entry, io.BytesIO(text))
    put("f.tar", b.getvalue())
    put("f.pickle", pickle.dumps(["text"] * 9, 4))
    path = os.path.join(folder, "f.sqlite")
    if os.path.exists(path):
        os.remove(path)
    base = sqlite3.connect(path)
    base.execute("create table notes (text)")
    base.executemany("insert into notes values (?)", [("one note",), ("another note",)])
    base.commit()
    base.close()
    put("f.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n")
    put("f.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6")
    put("f.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1")
    put("f.elf", b"\x7fELF\2\1\1" + bytes(57))
    put("f.hdf5", b"\x89HDF\r\n\x1a\n" + bytes(88))
    put("f.parquet", b"PAR1\x15\4\x15\x10" + text)
    put("f.feather", b"ARROW1\0\0\xff\xff\xff\xff" + text)
    put("f.npy", b"\x93NUMPY\1\0v\0{'descr': '<f4'}")
    put("f.safetensors", b"\x40\0\0\0\0\0\0\0" + b'{"a":{"dtype":"F32"}}')
    put("f.gguf", b"GGUF\3\0\0\0" + bytes(16))
    for encoding in "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be":
        put("f." + encoding, "Grüße, Welt: a text of two lines\nand ünï码。\n".encode(encoding))
    put("f.ru-utf-16-le", "Все люди рождаются свободными\n".encode("utf-16-le"))
    put("f.zeros", bytes(4096))
    put("random", bytes(random.randrange(256) for _ in range(20000)))
    put("koi8.txt", ("Все люди рождаются свободными и равными. " * 9).encode("koi8-r"))
    put("array.json", b'[\n {"text": "one"},\n {"text": "two"}\n]\n')
    put("array.txt", b'["one", "two"]\n')
    put("values.json", b'{\n "text": "one"\n}\n{\n "text": "two"\n}\n')
    put("lines.txt", b'{"text": "one"}\n{"text": "two"}\n')
    put("table.txt", b'id,text\n1,"one, and"\n2,two\n')
    put("table.csv", b"text,label\r\none,good\r\ntwo,bad\r\n")
    put("semicolons.txt", b"id;text\n1;one\n2;two\n")
    put("table.tsv", b"text\tlabel\none\tgood\ntwo\tbad\n")


if kind == "hostile":
    hostile(int(sys.argv[3]))
else:
    foreign()
