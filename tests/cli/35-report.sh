#!/bin/sh
# fl-report: the page's numbers are those of the journals; nothing in a file acts in it; it is looked at
# in a browser.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

t() { printf '%s\n' "$1" | tr ' ' '\t'; }
{
    t 'time party round event seconds bytes value detail'
    t '2026-11-01T00:00:00Z hub 1 open 2 - - -'
    printf '2026-11-01T00:10:00Z\thub\t1\ttaken\t-\t5000000\t-\taws up\n'
    printf '2026-11-01T00:30:00Z\thub\t1\ttaken\t-\t7000000\t-\tgcp up\n'
    t '2026-11-01T00:31:00Z hub 1 sum 12 - - -'
    t '2026-11-01T00:32:00Z hub 1 valid - - 5.25 -'
    t '2026-11-01T01:00:00Z hub 2 open 3 - - -'
    printf '2026-11-01T01:00:40Z\thub\t2\ttaken\t-\t5000000\t-\taws up\n'
    printf '2026-11-01T03:00:00Z\thub\t2\tlate\t-\t7000000\t-\tgcp up\n'
    t '2026-11-01T03:01:00Z hub 2 sum 13 - - -'
    t '2026-11-01T03:02:00Z hub 2 valid - - 4.75 -'
    printf '2026-11-01T03:03:00Z\thub\t2\tsend-failed\t1\t-\t-\t<script>alert(1)</script>&"\n'
} >hub.tsv
{
    t 'time party round event seconds bytes value detail'
    t '2026-11-01T00:01:00Z aws 1 train 400 - - -'
    t '2026-11-01T00:09:00Z aws 1 send 20 5000000 - -'
    t '2026-11-01T01:00:10Z aws 2 train 20 - - -'
    printf '2026-11-01T01:00'
} >aws.tsv
t 'round site loss' >losses.tsv
t '1 aws 5.5' >>losses.tsv
t '2 aws 5' >>losses.tsv

check "a page of journals and losses" fl-report --title 'North & <south>' -o page.html hub.tsv aws.tsv losses.tsv
cat >read.py <<'P'
# The tables of a page: caption -> rows of cells; and each tag with its attributes.
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tables, self.tags, self.at, self.caption = {}, [], None, ""
    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "caption": self.at, self.caption = "caption", ""
        elif tag == "tr": self.tables[self.caption].append([])
        elif tag in ("td", "th"): self.tables[self.caption][-1].append(""); self.at = "cell"
        else: self.at = None
    def handle_endtag(self, tag):
        if tag == "caption": self.tables[self.caption] = []
        self.at = None
    def handle_data(self, data):
        if self.at == "caption": self.caption += data
        elif self.at == "cell": self.tables[self.caption][-1][-1] += data.strip("\n")
page = Page()
page.feed(open(sys.argv[1]).read())
P
cat >numbers.py <<'P'
import sys
exec(open("read.py").read())
want = {
    "Loss of rounds": [["aws", "1", "5.5"], ["aws", "2", "5"], ["hub", "1", "5.25"], ["hub", "2", "4.75"]],
    "Arrivals": [["aws", "1", "600"], ["aws", "2", "40"], ["gcp", "1", "1800"]],
    "Bytes of uploads": [["aws", "1", "5"], ["aws", "2", "5"], ["gcp", "1", "7"]],
    "Speed of transfers": [["aws send", "1", "2"]],
    "Seconds by program": [["hub open", "5"], ["aws train", "420"], ["aws send", "20"], ["hub sum", "25"], ["hub send-failed", "1"]],
    "Uploads of each party, and their time after the opening":
        [["aws", "2", "0", "0", "0", "600", "600"], ["gcp", "1", "1", "0", "1", "1800", "1800"]],
    "What failed": [["2026-11-01T03:03:00Z", "hub", "send-failed", '<script>alert(1)</script>&"']],
}
for caption, rows in want.items():
    assert page.tables[caption][1:] == rows, (caption, page.tables[caption][1:])
P
check "its numbers are those of the journals" python3 numbers.py page.html
cat >safe.py <<'P'
exec(open("read.py").read())
tags = {tag for tag, _ in page.tags}
assert not tags & {"script", "iframe", "object", "img", "form", "a"}, tags
assert not any(k.startswith("on") or k in ("src",) for _, a in page.tags for k in a)
assert all(a["href"] == "data:," for t, a in page.tags if t == "link")
assert sum(t == "svg" for t, _ in page.tags) == sum(t == "details" for t, _ in page.tags) == 5
assert all(a.get("role") == "img" for t, a in page.tags if t == "svg")
P
check "no script, nothing from elsewhere; a table below each chart" python3 safe.py page.html
fl-report --title 'North & <south>' -o again.html hub.tsv aws.tsv losses.tsv
check "the same files give the same bytes" cmp page.html again.html
check "standard input" sh -c 'fl-report --title "North & <south>" hub.tsv aws.tsv - <losses.tsv | grep -c "<svg" | grep -qx 5'

t 'way bytes loss' >ways.tsv
t 'FL 100 3' >>ways.tsv
t 'HE-FL 900 3.1' >>ways.tsv
check "a chart that is asked for" fl-report --chart bytes,loss,way -o ways.html ways.tsv
check "says of what it is" grep -q '<figcaption[^>]*>loss by bytes, for each way</figcaption>' ways.html
check "has its numbers below their names" grep -q '<th scope=col>way<th scope=col class=n>bytes<th scope=col class=n>loss' ways.html
check "has a series for each value" grep -q '<td>HE-FL<td class=n>900<td class=n>3.1' ways.html
t 'group bytes loss' >others.tsv
t 'A 500 7' >>others.tsv
t '- 600 8' >>others.tsv
check "only of rows that have the series" fl-report --chart bytes,loss,group -o group.html ways.tsv others.tsv
is "  which is one point" "$(grep -o '<td>[^<]*<td class=n>[0-9]*<td class=n>[0-9.]*' group.html | head -n 1) $(grep -o '; [0-9]* values of [0-9]* series' group.html)" \
    '<td>A<td class=n>500<td class=n>7 ; 1 values of 1 series'
check "as a picture alone" fl-report --svg --chart bytes,loss,way -o ways.svg ways.tsv
cat >picture.py <<'P'
"""A well-formed picture whose two series have two points, and that loads nothing."""
import sys, xml.etree.ElementTree as tree
text = open("ways.svg").read()
svg = tree.fromstring(text)
ns = "{http://www.w3.org/2000/svg}"
assert svg.tag == ns + "svg" and svg.find(ns + "desc").text == "loss by bytes; 2 values of 2 series", svg.find(ns + "desc").text
assert len([p for p in svg.iter(ns + "path") if p.get("class") == "line"]) == 2
assert [t.text for t in svg.iter(ns + "text")][-2:] == ["FL", "HE-FL"]
assert "href" not in text and "url(" not in text and "script" not in text
P
check "  which is XML and says the same" python3 picture.py
awk 'BEGIN { print "x\ty\tline"; for (i = 0; i < 32; i++) print i "\t" i * i "\tline-with-a-long-name-" i }' >32.tsv
check "a picture of 32 lines" fl-report --svg --chart x,y,line -o 32.svg 32.tsv
cat >apart.py <<'P'
"""Colour and mark together tell 32 lines apart, and no name reaches into the next column."""
import re
marks = re.findall(r'<path style="fill:(var\(--c\d\))" d="M[\d. ]+(m[^"]*)"/><text x="[\d.]+" y="[\d.]+">([^<]*)', open("32.svg").read())
assert len(marks) == 32 == len({m[:2] for m in marks}), marks
assert all(len(m[2]) <= 19 for m in marks), marks
P
check "  told apart by colour and mark" python3 apart.py
status 2 "a picture of two charts" fl-report --svg --chart bytes,loss --chart loss,bytes ways.tsv
says 'give --chart once'
status 2 "a chart that no file has" fl-report --chart bytes,epsilon ways.tsv
says 'no file has numbers in columns "bytes" and "epsilon"'
status 2 "a chart of one column" fl-report --chart bytes ways.tsv
says 'write X,Y or X,Y,SERIES'
printf 'a\tb\n1\n' >short.tsv
status 1 "a file that is no table" fl-report -o none.html short.tsv
says 'short.tsv: line 2 has 1 cells, its header line 2'
check "leaves nothing" test ! -e none.html
: >empty.tsv
status 1 "an empty file" fl-report empty.tsv
says 'empty.tsv: has no header line'
{ cat hub.tsv; printf 'yesterday\thub\t3\topen\t1\t-\t-\t-\n'; } >when.tsv
status 1 "a journal's line without a time" fl-report when.tsv
says 'when.tsv: line 13 begins with no time'

# 200 parties: the charts have three lines, the table all parties
awk 'BEGIN { OFS = "\t"; print "time", "party", "round", "event", "seconds", "bytes", "value", "detail"
    for (r = 1; r <= 3; r++) { print "2026-11-0" r "T00:00:00Z", "hub", r, "open", 1, "-", "-", "-"
        for (s = 0; s < 200; s++) printf "2026-11-0%dT00:%02d:%02dZ\thub\t%d\ttaken\t-\t1000000\t-\ts%d up\n", r, s / 60, s % 60, r, s } }' >many.tsv
check "many parties" fl-report -o many.html many.tsv
check "are drawn as least, median and greatest" grep -q '<td>median<td class=n>3<td class=n>100' many.html
check "and told one by one" grep -q '<td>s199<td class=n>3<td class=n>0<td class=n>0<td class=n>0<td class=n>199' many.html

if command -v chromium >/dev/null; then
    browser() { timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" --enable-logging=stderr "$@" 2>log; }
    # the width of what the page holds, told by a script of this test in a copy of it
    width() {
        sed 's|</body>|<script>document.title = "width " + document.documentElement.scrollWidth</script></body>|' "$1" >copy.html
        browser --window-size=500,900 --dump-dom "data:text/html,<iframe src=x>" >/dev/null
        printf '<iframe id=f width=400 height=900 src="copy.html" onload="document.title = f.contentDocument.title"></iframe>' >frame.html
        browser --allow-file-access-from-files --virtual-time-budget=3000 --dump-dom "file://$work/frame.html" | sed -n 's|.*<title>width \([0-9]*\)</title>.*|\1|p'
    }
    check "a browser draws it" browser --screenshot="$work/page.png" --window-size=1000,3000 "file://$work/page.html"
    check "with something on it" test "$(stat -c %s page.png)" -gt 20000
    check "and says nothing" sh -c '! grep CONSOLE log'
    got=$(width page.html)
    check "at 400 pixels nothing hangs over ($got)" test "${got:-999}" -le 400
    sed 's|\.scroll{overflow-x:auto;max-height:80vh|.scroll{min-width:50rem|' page.html >wide.html
    got=$(width wide.html)
    check "a page that does is found ($got)" test "${got:-0}" -gt 400
else
    skip "the page in a browser" "there is no chromium; apt-get install chromium"
fi
finish
