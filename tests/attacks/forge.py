#!/usr/bin/env python3
"""Forged ledgers, tables, YAML and blocks for tests/cli/68-attempts.sh, in the folder at hand.

    forge.py yaml                          bomb.yaml, deep.yaml, ...: none of them a good file
    forge.py ledger OUT UNIT EVENT...      a ledger of these lines, hashed as it should be; "signed" at the
                                           end: the last line names a signer, whose signature is not his
    forge.py flips LEDGER                  writes a copy for each byte, one bit turned; prints their names
    forge.py spoil LEDGER OUT HOW
    forge.py flip FILE AT                  one bit, in its place
    forge.py page                          tables for fl-report
    forge.py acts HTML                     exits 0 when it has what a page of ours has not
    forge.py q8 MODEL                      q8-*.flt, models with blocks that are none, and q8.tokens
    forge.py key CHECKPOINT                its key, in hexadecimal digits
    forge.py holds HEX FILE...             exits 0 when one of them holds it, as bytes or digits
"""
import hashlib
import html.parser
import pathlib
import struct
import sys

ME = pathlib.Path(__file__).resolve().parent


def formats():
    sys.path.insert(0, str(ME.parent / "cli"))
    sys.path.insert(0, str(ME.parent / "vectors"))
    import make
    import updates
    return make, updates


def write(name, data):
    open(name, "wb").write(data if isinstance(data, bytes) else data.encode())


def yaml():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for i in range(9):
        bomb += "%c: &%c [%s]\n" % (98 + i, 98 + i, ",".join(["*%c" % (97 + i)] * 9))
    write("bomb.yaml", bomb)
    write("anchor.yaml", "contract: &c x\nsteps: &s [gauss:nm=1]\n")
    write("deep.yaml", "steps: " + "[" * 100000 + "]" * 100000 + "\n")
    write("twice_key.yaml", "steps: [gauss:nm=1]\nsteps: [gauss:nm=2]\ncontract: a\ncontract: b\n")
    write("huge.yaml", "steps:\n" + "- gauss:nm=1\n" * 800000)
    write("nul.yaml", b"steps: [gauss:nm=1\0]\n")
    write("utf16.yaml", "steps: [gauss:nm=1]\n".encode("utf-16"))


def H(label, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=32, person=label).digest()


def ledger(out, *words):
    signed = words[-1] == "signed"
    words = words[:-1] if signed else words
    ident = head = H(b"id", out.encode())
    text = b"fl-ledger-v1 " + ident.hex().encode() + b"\n"
    for n in range(len(words) // 2):
        line = "%d round %s %s %s %s 2026-11-27T00:00:00Z" % (n + 1, "aa" * 32, "bb" * 32, words[2 * n], words[2 * n + 1])
        last = signed and n + 1 == len(words) // 2
        line += " %s.%s.1 %s" % ("11" * 32, "22" * 32, "33" * 64) if last else " - -"
        line = line.encode()
        head = H(b"fl1.ledger", ident, head, struct.pack("<Q", len(line)), line)
        text += line + b" " + head.hex().encode() + b"\n"
    write(out, text)


def flips(path):
    data = open(path, "rb").read()
    for i in range(0, len(data), 7):
        bad = bytearray(data)
        bad[i] ^= 1 << i % 7
        write("flip-%04d.ledger" % i, bytes(bad))
        print("flip-%04d.ledger" % i)


def spoil(path, out, how):
    lines = open(path, "rb").read().splitlines(True)
    first = lines[1].rstrip(b"\n")
    write(out, b"".join({
        "dropped": [lines[0]] + lines[2:], "doubled": lines[:2] + lines[1:],
        "swapped": [lines[0], lines[2], lines[1]] + lines[3:], "cut": lines[:-1] + [lines[-1][:-1]],
        "upper": [lines[0], first[:-64] + first[-64:].upper() + b"\n"] + lines[2:],
        "crlf": [line.replace(b"\n", b"\r\n") for line in lines], "zero": lines + [b"\0\n"],
        "tabs": [lines[0], lines[1].replace(b" ", b"\t")] + lines[2:], "tail": lines[:-1]}[how]))


def flip(path, at):
    data = bytearray(open(path, "rb").read())
    data[int(at)] ^= 4
    write(path, bytes(data))


JOURNAL = "time\tparty\tround\tevent\tseconds\tbytes\tvalue\tdetail\n"
NOW = "2026-11-27T00:00:0%dZ\t"
MARKUP = ["<script>alert(1)</script>", "\"><svg onload=alert(1)>", "'><img src=x onerror=y>", "</title><script>", "</style><b>",
          "--><u>", "]]><i>", "&#60;script&#62;", "<!--", "</td></table><h1>x", "javascript:alert(1)", "1<b>", "&lt;s&gt;"]


def page():
    write("clean.tsv", "step\tloss\n1\t2\n2\t1\n")
    write("cleanj.tsv", JOURNAL + (NOW % 1) + "hub\t1\topen\t-\t-\t-\t-\n" + (NOW % 2) + "hub\t1\ttaken\t1\t9\t-\ta up\n"
          + (NOW % 3) + "hub\t1\tbad\t-\t-\t-\tb up\n" + (NOW % 3) + "hub\t1\tvalid\t-\t-\t3\t-\n" + (NOW % 4) + "a\t1\tsend\t1\t9\t-\t-\n")
    write("cells.tsv", "step\tloss\n" + "".join("%s\t%d\n" % (m, i) for i, m in enumerate(MARKUP)) + "1\t2\n")
    write("header.tsv", "step\tloss\t" + "\t".join(MARKUP) + "\n1\t2" + "\tx" * len(MARKUP) + "\n")
    rows = ""
    for m in MARKUP:
        rows += (NOW % 1) + m + "\t1\topen\t1\t1\t2\t-\n" + (NOW % 2) + m + "\t1\ttaken\t1\t9\t-\t" + m.replace(" ", "_") + " up\n"
        rows += (NOW % 3) + m + "\t1\tvalid\t-\t-\t3\t" + m + "\n" + (NOW % 4) + m + "\t1\tbad\t1\t1\t1\t" + m + "\n"
        rows += (NOW % 4) + m + "\t1\t" + m + "-failed\t1\t1\t1\t" + m + "\n" + (NOW % 5) + m + "\t1\tsend\t2\t9\t-\t-\n"
    write("journal.tsv", JOURNAL + rows)
    write("chart.tsv", "<b onclick=x>\t\"y><i>\t</svg><u>\n1\t2\t</text><script>x\n2\t3\t\" onload=\"x\n")
    write("bytes.tsv", b"step\tloss\n1\t2\n\xff\xfe\t\x1b[2J\n\xc0\xaf\t\xe2\x80\xae\n\xed\xa0\x80\t\x7f\xc2\x9b\n")
    write("tiny.tsv", "step\tloss\n1\t2.2250738585072014e-308\n2\t2.2250738585072019e-308\n3\t5e-324\n")
    write("near.tsv", "step\tloss\n1\t1e300\n2\t1.0000000000000002e300\n")
    write("large.tsv", "step\tloss\n-1e300\t-1e300\n1e300\t1e300\n0\t1e999\n1\tNaN\n2\tInfinity\n")
    write("rates.tsv", JOURNAL + (NOW % 1) + "a\t1\tsend\t1e-300\t1e300\t-\tx\n" + (NOW % 2) + "a\t1e300\tsend\t1e300\t1e-300\t-\tx\n")
    write("wide.tsv", "\t".join("c%d" % i for i in range(1000000)) + "\n")
    write("ragged.tsv", "a\tb\n1\t2\n1\n")
    write("zero.tsv", b"a\tb\n1\t\0\n")
    write("two_names.tsv", "a\ta\n1\t2\n")
    write("no_end.tsv", "a\tb")
    write("rows.tsv", "step\tloss\n" + "".join("%d\t%d\n" % (i, i % 7) for i in range(1000000)))


class Page(html.parser.HTMLParser):
    TAGS = set("html head meta link title style body main h1 h2 p div table caption thead tbody tr th td figure figcaption svg desc "
               "path text rect details summary".split())
    ATTRIBUTES = set("lang charset name content rel href scope class viewbox role x y text-anchor d transform style "
                     "stroke-dasharray width height".split())

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.TAGS:
            self.found.append(tag)
        for key, value in attrs:
            if key not in self.ATTRIBUTES or (key == "href" and value != "data:,") or \
                    (key == "style" and not value.startswith(("stroke:var(", "fill:var("))):
                self.found.append((tag, key, value))

    def handle_comment(self, data):
        self.found.append(("comment", data))

    def unknown_decl(self, data):
        self.found.append(("declaration", data))


def acts(path):
    text = open(path, encoding="utf-8").read()
    p = Page()
    p.feed(text)
    p.close()
    for tag in ("html", "head", "title", "style", "body", "main", "h1"):
        if text.count("<%s>" % tag) + text.count("<%s " % tag) > 1 and tag not in ("title",):
            p.found.append(("twice", tag))
    if text.count("</style>") != 1:
        p.found.append("</style>")
    print(p.found[:5])
    sys.exit(0 if p.found else 1)


def q8(model):
    make, updates = formats()
    kind, meta, tensors = updates.read(model)
    name = next(n for n in tensors if n.endswith("q_proj.weight"))
    dims = tensors[name][1]
    count = dims[0] * dims[1]
    block = struct.pack("<e", 0.001) + bytes(32)
    good = block * (count // 32)
    forms = {"short": (dims, good[:-34]), "long": (dims, good + block), "odd": ([dims[0], dims[1] - 1], good),
             "rank0": ([], block), "nan": (dims, b"\x00\x7e" + good[2:]), "inf": (dims, b"\x00\x7c\x01" + good[3:])}
    for how, (shape, payload) in forms.items():
        o = make.Object(kind, meta)
        for n, (dtype, d, data, attributes) in tensors.items():
            if n == name:
                o.tensor(n, make.Q8_0, shape, payload, attributes=attributes)
            else:
                o.tensor(n, dtype, d, data, attributes=attributes)
        write("q8-%s.flt" % how, o.done().data)
    import shards
    shards.shard(model, "q8.tokens", [97] * 300 + [256])


def key(path):
    print(formats()[1].read(path)[1]["dp.key"].hex())


def holds(path, *files):
    digits = open(path).read().strip()
    for f in files:
        data = open(f, "rb").read()
        if bytes.fromhex(digits) in data or digits.encode() in data.lower():
            print(f)
            return
    sys.exit(1)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
