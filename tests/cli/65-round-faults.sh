# shellcheck shell=sh
# fl-round(1): full disks, tails that a power cut left, clocks of files, the next epoch; and the teeth of
# these tests: a script whose rules were taken out fails them.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
federation a b c || exit 1
rounds=1 parties a b c || exit 1
cd ..
cp -a set calm && cd calm || exit 1
until_closed 1 hub a b c
calm
cd ..

# ---- no room at the hub; no room at a site ----
full() { head -c 20000000 /dev/zero >"$work/small/fill" 2>/dev/null; }   # the rest of the small disk
if small_disk 4000; then
    fresh
    mv srv "$work/small/srv" && ln -s "$work/small/srv" srv
    turn hub && full
    check "the hub's disk is full" turn a
    check "  the site's turn ends, and says nothing yet" [ ! -s "$work/err" ]
    check "  it remembers the fault" [ -s work.a/fault ]
    check "  nothing half-written has a final name" [ ! -e srv/in/a/0.up.flt ]
    rm "$work/small/fill" && at_once a
    check "  there is room again: it goes on" until_closed 1 hub a b c
    same "  it"
    cd .. && small_disk 8000
    fresh
    echo 'patience: 0s' >>a.yaml
    mkdir "$work/small/w" && ln -s "$work/small/w" work.a
    turn hub && full
    status 1 "a site's disk is full" turn a
    says '^fl-round: a: .*\(has no room\|cannot be written\)'
    rm "$work/small/fill" && at_once a
    check "  there is room again: it goes on" until_closed 1 hub a b c
    same "  it"
    check "  and the fault is forgotten" [ ! -e work.a/fault ]
    cd .. && umount "$work/small"
else
    skip "full disks" "no tmpfs can be mounted"
fi

# ---- a power cut: the tails of what was on its way are zeros; dates of files say nothing ----
fresh
turn hub
base=$(digest model.flt)
mkdir -p work.a/.part
{ head -c 200000 model.flt && head -c 4096 /dev/zero; } >work.a/.part/model_$base.flt
sed -i 's/^work: /patience: 0s\nwork: /' a.yaml
status 1 "a model whose tail was lost is found" turn a
says 'came damaged; it is fetched again'
rm work.a/fault
check "  and fetched again" turn a
rm -f srv/in/a/0.up.flt && { head -c 100000 work.a/round/0/up.flt && head -c 4096 /dev/zero; } >srv/in/a/.0.up.part
turn a b c
find . -exec touch -h -d '2020-01-01 00:00:00' {} +
check "an upload whose tail was lost at the hub, and all files of one date" turn hub
check "  is bad" grep -q ' bad ' srv/pub/round/0/have/a/up
find . -exec touch -h -d '2031-01-01 00:00:00' {} +
check "  and sent again" until_closed 1 hub a b c
same "  it"
cd ..

# ---- the next epoch: west joins, c leaves, b accepts late ----
fresh
until_closed 1 hub a b c
turn a b c
fl-keygen -n west -o west.key --epoch 2 >west.pub
fl-keygen -n east -o east.key --epoch 2 >east.pub
check "the hub drafts a roster" round hub --draft-roster +west.pub +east.pub -c hub.yaml
cp ../out 2.yaml
check "  which is one" fl-keygen --show 2.yaml
check "  of the next epoch, first round and model" sh -c "grep -qx 'epoch: 2' 2.yaml && grep -qx 'first_round: 1' 2.yaml && grep -qx 'model: $want' 2.yaml"
mkdir srv/pub/roster && cp 2.yaml srv/pub/roster/2.yaml
rm -f work.a/fault
status 1 "a site is told of it" turn a
says 'epoch 2 is there: compare its words, then fl-keygen --accept /.*/work.a/roster.2.yaml'
check "  once a day" turn a
check "  and accepts nothing itself" [ "$(fl-info --conf a.yaml | sed -n 's/^epoch	//p')" = 1 ]
accept 2.yaml hub a west east || echo "# not accepted"
for p in west east; do
    mkdir srv/in/$p && cp -a shards.c shards.$p
    sed "s/^name: c/name: $p/; s/c\.key/$p.key/; s/work.c/work.$p/; s/shards.c/shards.$p/" c.yaml >$p.yaml
done
sed -i 's/^roster: .*/roster: 2.yaml/' hub.yaml a.yaml west.yaml east.yaml
check "the hub opens its first round" turn hub
check "  " [ "$(fl-info --get round srv/pub/round/1/plan.flt)" = 1 ]
turn a west east hub
status 3 "who has not accepted it is refused the plan" turn b
check "  and masks nothing" [ ! -e work.b/round/1/up.flt ]
accept 2.yaml b && sed -i 's/^roster: .*/roster: 2.yaml/' b.yaml
check "it accepts late" until_closed 2 b hub a west east
check "  and the round is of all four" [ "$(fl-info --get sum.sites srv/pub/round/1/mean.flt | tr , '\n' | sort | tr '\n' ' ')" = "a b east west " ]
turn b west
check "  both have its model" [ -e "work.b/model/$(last_model).flt" -a -e "work.west/model/$(last_model).flt" ]
check "the chain goes on" [ "$(cut -f 1 srv/pub/chain.tsv | tr '\n' ' ')" = "0 1 " ]
cd ..

# ---- teeth ----
fresh
broken 's/sync "$1" && mv -T "$1" "$2" && .*; } 2>/head -c 900 "$1" >"$2" \&\& sleep 0.4; cp -T "$1" "$2"; rm -f "$1"; } 2>/'
watcher &
watching=$!
turn hub >said 2>&1
turn a b c hub >said 2>&1
touch stop
wait $watching
check "teeth: files that are copied into place are seen half by the watcher" [ -s partial ]
cd .. && fresh
broken 's%gate put "$a" "$R" "$all" "$c" ;;%gate put "$a" "$R" "$all" "$c" \&\& echo "sent taken" >"round/$R/have.$a" ;;%'
turn hub a b c
printf damaged | dd of=srv/in/a/0.up.flt bs=1 seek=3000 conv=notrunc 2>/dev/null
status 1 "teeth: with a mark that it was sent in place of the receipt, a damaged upload is never sent again" until_closed 1 hub a b c
cd .. && fresh
broken 's%model/$(digest "$got").flt" = "$1%x%'
turn hub
mkdir -p work.a/.part && { head -c 200000 model.flt && head -c $(($(stat -c %s model.flt) - 200000)) /dev/zero; } >"work.a/.part/model_$base.flt"
turn a >said 2>&1
check "teeth: fetched without a look at its check values, a damaged model is not found at once" [ "$(event a damaged)" = 0 ]
cd .. && fresh
broken 's/ -type f -links 1)/ -type f)/'
round_program=$work/broken/fl-round turn hub a
ln srv/in/a/0.up.flt srv/in/a/second
turn hub
check "teeth: a hard link is taken where links are not counted" [ -e srv/pub/round/0/up/a.flt ]
round_program=''
cd ..

finish
