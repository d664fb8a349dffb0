# shellcheck shell=sh
# fl-round(1), what people are told and the journal keeps: what a round takes before it begins, the loss of
# each model, no room at a site, at the hub and in an inbox, a wrong clock; each one line with what to do.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model && federation a b c && rounds=2 parties a b c || exit 1
seq 900 1200 | fl-harmonize -q -t model.flt -o public.flt || exit 1
cd ..
column() { awk -F '\t' -v e="$2" -v c="$3" '$4 == e { print $c }' "work.$1"/journal/*.tsv; }   # PARTY EVENT N

# ---- the hub measures each model on its own public text ----
fresh
echo 'valid: public.flt' >>hub.yaml
until_closed 2 hub a b c
calm
fl-eval -q -m "srv/pub/model/$(last_model).flt" public.flt >table
loss=$(awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "loss") c = i } END { print $c }' table)
check "the loss of the last model" [ "${#loss}" -gt 3 ]
check "  is what the journal has" [ "$(column hub valid 7 | tail -n 1)" = "$loss" ]
check "  for each model, by its digest" [ "$(column hub valid 8 | tr '\n' ' ')" = "$(cut -f 4 srv/pub/chain.tsv | tr '\n' ' ')" ]
check "  and what the hub's page of charts says" grep -qF ">$loss" work.hub/report.html
check "  no site has it, nor the hub's folder" sh -c '! grep -rq valid work.[abc]/journal && ! grep -rqF "$0" srv' "$loss"
# What it takes was said before.
check "what a round takes is said before it begins" [ "$(column hub need 3 | tr '\n' ' ')" = "0 1 " ]
check "  in that order" sh -c 'cut -f 3,4 work.hub/journal/*.tsv | grep -n . | grep -e need -e taken | head -n 2 | cut -f 2 | tr "\n" " " | grep -qx "need taken "'
up=$(stat -c %s srv/pub/round/1/up/a.flt) model=$(stat -c %s model.flt)
disk=$(column hub need 6 | tail -n 1)
check "  at the hub: uploads and three models" [ "$disk" -ge $((3 * up + 3 * model)) -a "$disk" -le $((4 * up + 4 * model)) ]
check "  and what comes over its link" [ "$(column hub need 7 | tail -n 1)" -ge $((3 * up)) ]
used=$(du -sbc work.a a.key.state | tail -n 1 | cut -f 1)
check "  at a site, disk" [ "$(column a need 6 | tail -n 1)" -ge "$((used / 2))" ]
check "    and memory" [ "$(column a need 7 | tail -n 1)" -gt $((4 * model)) ]
cd ..

# ---- no room ----
if small_disk 3000; then
    fresh
    echo 'patience: 0s' >>a.yaml
    mkdir "$work/small/w" && ln -s "$work/small/w" work.a
    turn hub
    status 1 "a site whose disk is too small for the round" turn a
    says '^fl-round: a: /.*/work.a: has no room for [0-9]* bytes; make room, then it goes on$'
    check "  has not begun to train" [ "$(event a train).$(ls work.a/update | wc -l)" = 0.0 ]
    cd ..
    small_disk 1500 && fresh
    sed -i 's/^work: /patience: 0s\nwork: /' hub.yaml
    mv srv "$work/small/srv" && ln -s "$work/small/srv" srv
    status 1 "a hub whose disk is too small for the round" turn hub
    says '^fl-round: hub: /.*/srv: has no room for [0-9]* bytes; make room, then it goes on$'
    check "  has not opened it" [ ! -e srv/pub/round/0 ]
    cd ..
    small_disk 4000 && fresh
    echo 'patience: 0s' >>a.yaml
    mv srv "$work/small/srv" && ln -s "$work/small/srv" srv
    turn hub && head -c 20000000 /dev/zero >"$work/small/fill" 2>/dev/null
    status 1 "an inbox without room" turn a
    says '^fl-round: a: fl-gate: it is not whole: the connection broke, or the hub has no room; make room there$'
    rm "$work/small/fill" && at_once a
    check "  goes on when there is" turn a
    check "    (it did)" [ -e srv/in/a/0.up.flt ]
    # The place for temporary files: the hub's plan waits for room, a site needs none.
    cd .. && small_disk 100 && fresh
    sed -i 's/^work: /patience: 0s\nwork: /' hub.yaml
    head -c 2000000 /dev/zero >"$work/small/fill" 2>/dev/null
    status 1 "no room in TMPDIR" env TMPDIR="$work/small" fl-round hub hub.yaml
    says '^fl-round: hub: fl-plan: temporary file: cannot write: No space left'
    check "  opens no round" [ ! -e srv/pub/round/0 ]
    check "  which is opened when there is" turn hub
    check "  a site's turn needs none" env TMPDIR="$work/small" fl-round site a.yaml
    check "    (it was whole)" [ -e srv/in/a/0.up.flt ]
    check "  and the round ends as it would" until_closed 1 hub a b c
    same "  it"
    cd .. && umount "$work/small"
else
    skip "no room" "no tmpfs can be mounted"
fi
# Folders of which one cannot be written: the journal, the key's state, the place for temporary files.
if fault_library; then
    fresh
    turn hub b c
    echo 'patience: 0s' >>a.yaml
    mkdir -p work.a/journal && ln -s /dev/full "work.a/journal/$(date -u +%Y-%m).tsv"
    status 1 "a journal without room" turn a
    says 'work.a/journal/.*.tsv: cannot be written'
    check "  keeps nothing from being sent" [ -e srv/in/a/0.up.flt ]
    cd .. && fresh
    turn hub b c
    status 1 "no folder for temporary files, though none is needed" sh -c '! TMPDIR=/nowhere fl-round site a.yaml'
    cd ..
fi

# ---- clocks ----
faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ]; then
    fresh
    # The hub's gate has the right time.
    mkdir "$work/clocks" && cp "$top/cmd/fl-round" "$work/clocks"
    printf '#!/bin/sh\nexec env -u LD_PRELOAD %s "$@"\n' "$(command -v fl-gate)" >"$work/clocks/fl-gate"
    chmod +x "$work/clocks/fl-gate"
    echo 'due: 9d' >>hub.yaml
    turn hub
    at() { _by=$1 && shift && env LD_PRELOAD="$faketime" FAKETIME="$_by" FAKETIME_DONT_RESET=1 "$@"; }
    status 1 "a clock that is a day ahead" at +1d "$work/clocks/fl-round" site a.yaml
    says "^fl-round: a: the clock here is 8[0-9]* s ahead of the hub's; set it, or tell the hub's people"
    check "  is journalled" [ "$(column a skew 7 | head -n 1 | cut -c 1)" = 8 ]
    check "  shown by status" sh -c 'fl-round status a.yaml | grep -q "skew"'
    check "  and keeps nothing from being sent" [ -e srv/in/a/0.up.flt ]
    status 1 "one of 400 days ago" at -400d "$work/clocks/fl-round" site b.yaml
    says "the clock here is -345[0-9]* s ahead"
    check "    sends too" [ -e srv/in/b/0.up.flt ]
    at +400d "$work/clocks/fl-round" site c.yaml >/dev/null 2>&1
    check "all three are in, the hub's clock is one day behind" at -1d fl-round hub hub.yaml
    check "  it closes the round, and opens the next once" [ "$(closed).$(event hub open)" = 1.2 ]
    check "  set right again" turn hub
    check "    it is opened no second time" [ "$(event hub open)" = 2 ]
    # Set back while a turn runs: a fault of before lies ahead.
    echo "$(($(date +%s) + 9000000)) $(($(date +%s) + 9000000)) 1 0" >work.a/fault
    echo 'patience: 0s' >>a.yaml && mv srv away
    status 1 "a fault of after the clock was set back is told all the same" turn a
    mv away srv && at_once a
    check "  and all goes on" until_closed 2 hub a b c
    same "wrong clocks"
    cd ..
else
    skip "clocks" "there is no libfaketime"
fi
finish
