# shellcheck shell=sh
# fl-gate(1), what another organisation's key may do at the hub: scripted attempts on its words, paths,
# links, sizes, offsets, connections, and on what others sent.
. "$(dirname "$0")/lib.sh"

mkdir -p srv/in/north srv/in/south srv/pub/round/7/up srv/pub/round/7/have/north srv/pub/round/7/have/south srv/pub/model \
    srv/pub/round/8 srv/pub/round/9 srv/pub/roster home
cd srv/pub || exit 1
printf 'plan seven' >round/7/plan.flt
printf 'secret of south' >round/7/up/south.flt
printf 'd1 bad no\n' >round/7/have/north/up
printf 'd2 taken\n' >round/7/have/south/up
printf 'up 1000\nanswer 1000\nready 100\nopened 100\n' | tee round/7/limit round/8/limit >round/9/limit
echo over >round/8/void
echo over >round/9/closed
echo outside | tee ../outside >../outside.yaml
echo key >../../home/key
ln -s ../../../home/key model/link.flt
ln -s /etc roster/link
echo hidden >round/7/.plan.flt
cd ../.. || exit 1
ask() { SSH_ORIGINAL_COMMAND=$1 fl-gate north "$work/srv"; }
put() { SSH_ORIGINAL_COMMAND="put $1" fl-gate north "$work/srv"; }   # WORDS, from standard input
state() { find srv home -type f -printf '%p %s\n' -o -printf '%p %y\n' | grep -v '\.slot' | sort; }
refused() {   # STATUS "what" REQUEST: and nothing was changed, nothing of it told
    state >before
    status "$1" "$2" ask "$3" </dev/null
    cp out told && cp err said && state >after
    check "  one line, and nothing changed" sh -c 'cmp before after && [ ! -s told ] && [ "$(wc -l <said)" = 1 ]'
}

check "ls" ask ls
cp out told && cut -d ' ' -f 2 out | sort >names
check "  begins with the hub's time" sh -c '[ $(($(date +%s) - $(head -n 1 told | sed -n "s/^time //p"))) -lt 60 ]'
cat >want <<'X'
pub/round/7/have/north/up
pub/round/7/limit
pub/round/7/plan.flt
pub/round/8/limit
pub/round/8/void
pub/round/9/closed
pub/round/9/limit
X
check "  has plans, limits, ends, the own receipt, and no more" sh -c 'grep pub/ names | cmp - want'
check "  of rounds from one on" sh -c 'SSH_ORIGINAL_COMMAND="ls 9" fl-gate north "$PWD/srv" | cut -d " " -f 2 | grep -c round | grep -qx 2'
check "get" ask "get round/7/plan.flt 5"
check "  goes on at the offset" [ "$(cat out)" = seven ]
check "  so many bytes" ask "get round/7/plan.flt 5 3"
check "    and no more" [ "$(cat out)" = sev ]

# ---- words: nothing of a request is run, or opens a pattern ----
touch srv/pub/x
refused 3 "no request: no shell" ''
refused 3 "a program" 'sh -i'
refused 3 "a second command" 'ls; id'
refused 3 "a substitution" "get \$(id) 0"
refused 3 "another one" "get \`id\` 0"
refused 3 "a pattern" 'get round/*/plan.flt 0'
refused 3 "a line end" "ls
id"
refused 3 "a tab" "get	round/7/plan.flt	0"
refused 3 "an option for tail" 'get -f 0'
refused 3 "an option for find" 'ls -delete'
refused 3 "scp" 'scp -t /tmp'
refused 3 "rsync" 'rsync --server --sender . .'
refused 3 "an sftp subsystem" '/usr/lib/openssh/sftp-server'
refused 3 "five words to get" 'get round/7/plan.flt 0 0 0'
refused 3 "a length that is no number" 'get round/7/plan.flt 0 -1'
refused 3 "words without end" "$(yes ls | head -n 100000 | tr '\n' ' ' | head -c 100000)"
refused 3 "bytes that are no text" "$(printf 'get \377\376 0')"

# ---- paths and links ----
refused 3 "up and out" 'get ../outside 0'
refused 3 "up from within" 'get round/7/../../../outside 0'
refused 3 "up to a name that may be had" 'get round/7/../7/plan.flt 0'
refused 3 "up from where any name may be had" 'get roster/../../outside.yaml 0'
refused 3 "from the root" 'get /etc/passwd 0'
refused 3 "a hidden file" 'get round/7/.plan.flt 0'
refused 3 "two slashes" 'get round/7//plan.flt 0'
refused 4 "a link out" 'get model/link.flt 0'
refused 3 "a folder that is a link" 'get roster/link/passwd 0'
refused 3 "a folder" 'get round/7 0'
refused 3 "a file that is not listed" 'get x 0'
refused 4 "a file that is not there" 'get model/none.flt 0'

# ---- what is others' ----
refused 3 "another's receipt" 'get round/7/have/south/up 0'
refused 3 "another's upload before the mean" 'get round/7/up/south.flt 0'
touch srv/pub/round/7/mean.flt
check "  and with it" ask 'get round/7/up/south.flt 0'
names_of() { ask "$1" | cut -d ' ' -f 2- | sort >names; }   # REQUEST
names_of 'ls 0 sums'
check "  listed too, for who asks for sums" grep -qx pub/round/7/up/south.flt names
names_of ls
check "    and for nobody else" sh -c '! grep -q /up/ names'
grown() {   # 300 sites put uploads and answers: REQUEST has the same names, and MORE
    names_of "$1" && cp names before && mkdir srv/pub/round/7/answer
    for n in $(seq 300); do mkdir srv/pub/round/7/have/s$n && for f in up/s$n.flt answer/s$n.flt have/s$n/up; do echo x >srv/pub/round/7/$f; done; done
    names_of "$1" && rm -r srv/pub/round/7/answer srv/pub/round/7/have/s* srv/pub/round/7/up/s[0-9]*
    [ $(($(wc -l <names) - $(wc -l <before))) = "$2" ]
}
check "the list of a site has as many names as before 300 others came" grown 'ls 7' 0
check "  that of who opens the sum has all" grown 'ls 7 sums' 600
refused 3 "another word than sums" 'ls 7 all'
refused 3 "a round of no number, and sums" 'ls x sums'
rm srv/pub/round/7/mean.flt
refused 3 "another's inbox" 'get in/south/7.up.flt 0'
mkdir srv/pub/round/7/have/north.b && echo other >srv/pub/round/7/have/north.b/up
refused 3 "one whose name begins as ours" 'get round/7/have/north.b/up 0'

# ---- offsets, sizes, kinds, rounds ----
for n in 08 -1 1e3 +5 0x10 1234567890123456 99999999999999999999 ''; do refused 3 "get at \"$n\"" "get round/7/plan.flt $n"; done
refused 3 "a size above the limit" 'put up 7 1001 0'
refused 3 "none" 'put up 7 0 0'
refused 3 "an offset at the size" 'put up 7 5 5'
refused 3 "an offset above it" 'put up 7 5 10'
refused 3 "a size with a zero before it" 'put up 7 010 0'
refused 3 "another kind" 'put plan 7 5 0'
refused 3 "a kind that is a path" 'put ../up 7 5 0'
refused 3 "a round that is a path" 'put up ../7 5 0'
refused 3 "no such round" 'put up 6 5 0'
refused 3 "one that was given up" 'put up 8 5 0'
refused 3 "one that is closed" 'put up 9 5 0'
refused 3 "ready for what nobody asked" 'put ready.1 7 5 0'
refused 3 "ready for a path" 'put ready./x 7 5 0'
refused 3 "ready for no number" 'put ready.x 7 5 0'
refused 4 "an offset without a beginning" 'put up 7 10 5'

endless() { head -c 50000000 /dev/zero | timeout 20 sh -c 'SSH_ORIGINAL_COMMAND="put up 7 10 0" fl-gate north "$1"' - "$work/srv"; }
check "what goes on beyond SIZE" endless
check "  is cut there" [ "$(stat -c %s srv/in/north/7.up.flt)" = 10 ]
refused 4 "a second one while it waits" 'put up 7 10 0'
rm srv/in/north/7.up.flt
put_part() { printf abc | put "up 7 9 0"; }
status 1 "a connection that breaks" put_part
check "  leaves a part, under no final name" sh -c '[ "$(cat srv/in/north/.7.up.part)" = abc ] && [ ! -e srv/in/north/7.up.flt ]'
check "  whose size is listed" sh -c 'SSH_ORIGINAL_COMMAND=ls fl-gate north "$PWD/srv" | grep -qx "3 in/north/.7.up.part"'
check "    to its own party" sh -c 'SSH_ORIGINAL_COMMAND=ls fl-gate south "$PWD/srv" >l; ! grep -q north l'
more() { printf defghi | put "up 7 9 $1"; }
status 4 "  going on elsewhere" more 2
status 4 "  and further on" more 5
check "  going on there" more 3
check "  makes it whole" [ "$(cat srv/in/north/7.up.flt)" = abcdefghi ]
rm srv/in/north/7.up.flt
ln -s ../../outside srv/in/north/.7.up.part
status 3 "a planted link for a part" more 3
check "  is not followed" [ "$(cat srv/outside)" = outside ]
rm -f srv/in/north/.7.up.part
ln -s abc srv/in/north/.7.up.part
status 3 "  nor one whose own size is OFFSET" more 3
check "    nothing was made by it" [ ! -e srv/in/north/abc ]
rm -f srv/in/north/.7.up.part
echo 'd3 taken' >srv/pub/round/7/have/north/up
refused 3 "what was taken already" 'put up 7 5 0'
rm srv/pub/round/7/have/north/up

# ---- the inbox ----
chmod 777 srv/in/north
refused 3 "an inbox that everybody may write to" ls
chmod 755 srv/in/north
mv srv/in/north srv/in/kept && ln -s south srv/in/north
refused 3 "an inbox that is a link" ls
rm srv/in/north
refused 3 "none" ls
mv srv/in/kept srv/in/north
status 2 "a party with a path" env SSH_ORIGINAL_COMMAND=ls fl-gate ../north srv
status 2 "no party" env SSH_ORIGINAL_COMMAND=ls fl-gate
status 2 "no root" env SSH_ORIGINAL_COMMAND=ls fl-gate north nowhere
mkdir bin && printf '#!/bin/sh\ntouch /%s/owned\n' "${work#/}" | tee bin/date >bin/find && chmod +x bin/*
check "the caller's PATH is not used" env PATH="$work/bin:$PATH" SSH_ORIGINAL_COMMAND=ls "$(command -v fl-gate)" north srv
check "  nothing of it ran" [ ! -e owned ]

# ---- connections: four of a party, one that puts; others are not held up ----
mkfifo hold && exec 7<>hold
SSH_ORIGINAL_COMMAND="put up 7 9 0" fl-gate north srv <hold 2>/dev/null 7>&- &
first=$!
for i in $(seq 50); do [ -e srv/in/north/.7.up.part ] && break; sleep 0.1; done
status 4 "a second put meanwhile" more 0
says 'another put is running'
held=$first
for i in 1 2 3; do (exec 8>srv/in/north/.slot$((i + 1)) && flock 8 && sleep 60) & held="$held $!"; done
sleep 0.3
status 4 "a fifth connection" ask ls
says 'four connections'
check "another party has its own" env SSH_ORIGINAL_COMMAND=ls fl-gate south srv
# shellcheck disable=SC2086  # processes
kill $held 2>/dev/null
exec 7>&-
wait 2>/dev/null
check "the gate has at most 60 lines" [ "$(wc -l <"$top/cmd/fl-gate")" -le 60 ]
check "the two scripts have at most 400" [ "$(cat "$top/cmd/fl-gate" "$top/cmd/fl-round" | wc -l)" -le 400 ]
check "  and none is longer than 100 columns" sh -c '! grep -n ".\{101\}" "$0/cmd/fl-gate" "$0/cmd/fl-round"' "$top"
finish
