# shellcheck shell=sh
# fl-gate(1) attacked: the script itself; tests/attacks/README.md says what was tried and what came of it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/attacks/gate.sh"

words='/^case \$request in/d'
numbers='/^number()/s/.*/number() { :; }/'
plain="s/ -o -name '.?\*'.*/) \&\&/"   # the inbox may have links and pipes
place='s/ && \[ "\$PWD" = "\$inbox" \]//'

# ---- words ----
runs() { ask "$1" </dev/null >/dev/null; [ -e owned ] || [ -e srv/owned ] || [ -e srv/in/north/owned ]; }
a_command() {
    any runs 'touch owned' 'ls; touch owned' 'ls 7;touch owned' 'ls && touch owned' 'ls | touch owned' 'ls & touch owned' \
        'ls $(touch owned)' 'get `touch owned` 0' 'sh -c touch\ owned' '>owned' 'ls >owned' '${x:=$(touch owned)}' "ls
touch owned" "ls$(printf '\r')touch owned" 'eval touch owned' '. touch owned' "' ; touch owned ; '" '" ; touch owned ; "' \
        'ls) ; touch owned ; case x in x' 'put up 7 $((a[$(touch owned)])) 0'
}
attempt a_command "a command within a request" "$words; s/^set -- \$request/eval \"set -- \$request\"/"
answers() { ask "$1" </dev/null >/dev/null; }
answers_escaped() { answers "$(printf "$1")"; }
bytes=$(for _b in $(seq 1 255); do case $_b in 10 | 32 | 4[5-9] | 5[0-7] | 6[5-9] | [78]? | 90 | 95 | 9[7-9] | 10? | 11? | 12[0-2]) ;; *) printf 'ls\\%03o7\n' "$_b" ;; esac; done)
a_byte() { any answers_escaped $bytes || answers 'ls
7'; }
attempt a_byte "a tab, CR, LF, any of the 188 bytes that are in no request, for a blank" "$words"
a_lookalike() {   # full-width dots and strokes, overlong forms, a blank that does not break, percent signs
    any told "$(printf 'get roster/\357\274\216\357\274\216/\357\274\216\357\274\216/secret.yaml 0')" \
        "$(printf 'get roster/\300\256\300\256/\300\256\300\256/secret.yaml 0')" "$(printf 'get\302\240secret\302\2400')" \
        'get roster/%2e%2e/%2e%2e/secret.yaml 0' 'get roster/..%2f../secret.yaml 0' 'get \x2e\x2e/secret.yaml 0'
}
attempt a_lookalike "letters that look like a dot, a stroke or a blank"
a_pattern() { echo x >srv/in/north/7 && any answers 'ls *' 'ls [0-9]' 'ls ?' 'ls {7,8}' 'ls ~'; }
attempt a_pattern "a pattern of files" "$words; s/^set -fu/set -u/"
an_option() {
    any answers -h --help -V --version 'ls -delete' 'ls --help' 'get --help 0' 'get -f 0' 'get --pid=1 0' 'get -n+1 0' 'get round/7/plan.flt --help' 'put --help 7 5 0' 'put up 7 5 -1'
}
attempt an_option "an option for a program that the gate runs" "$numbers"
another_program() {
    any answers '' sh /bin/sh 'scp -t .' 'scp -f .' 'rsync --server --sender . .' sftp internal-sftp /usr/lib/openssh/sftp-server 'git-upload-pack srv' 'LS' 'ls.1' 'ls 1 2' 'get round/7/plan.flt' 'put up 7 5 0 0'
}
attempt another_program "another program, another number of words"
environment() {   # what a login might let in; sshd itself takes LANG and LC_* (below)
    for _p in find date sed grep stat head tail id flock realpath timeout sync mv; do printf '#!/bin/sh\ntouch "%s/owned"\n' "$PWD" >bin/$_p; done
    chmod +x bin/* && cp bin/find bin/env.sh
    for _v in "PATH=$PWD/bin:$PATH" "ENV=$PWD/bin/env.sh" "BASH_ENV=$PWD/bin/env.sh" "IFS=s/" "IFS=." "CDPATH=$PWD/home" LC_ALL=zh_CN.GB18030 LC_ALL=../../.. POSIXLY_CORRECT=1 PS4='$(touch owned)' party=south since=99 odd=x pub=/etc inbox=/etc; do
        for _q in ls 'get round/7/up/south.flt 0' 'get round/7/have/south/up 0' 'get secret 0'; do
            env "$_v" SSH_ORIGINAL_COMMAND="$_q" "$gate" north "$PWD/srv" 2>/dev/null </dev/null | grep -q -e secret -e have/south -e 7/up && return
        done
    done
    [ -e owned ]
}
attempt environment "variables: PATH, ENV, IFS, CDPATH, LC_ALL, the script's own" 's/ PATH=[^ ]*$//'
too_long() {   # ends by itself, soon, with a refusal
    for _w in ls x 'get round/7/plan.flt' ../ -; do
        _t=$(date +%s)
        ask "$(yes -- "$_w " | tr -d '\n' | head -c 130000)" </dev/null >/dev/null
        [ $? = 3 ] && [ $(($(date +%s) - _t)) -lt 4 ] || return 0
    done
    return 1
}
attempt too_long "requests of 130,000 bytes"

# ---- numbers ----
odd_numbers='-0 -1 +5 00 08 010 0x10 1e2 5. .5 5/1 5-1 0/0 1000000000000000 9223372036854775807 9223372036854775808 18446744073709551621 99999999999999999999999999'
got_at() { ask "get round/7/plan.flt $1" </dev/null >/dev/null; }
an_offset() { any got_at $odd_numbers; }
attempt an_offset "offsets with signs, zeros, hex, above 15 digits" "$numbers"
put_of() { head -c 3000 /dev/zero | ask "put up 7 $1 0"; holds; }
a_size() { any put_of $odd_numbers; }
attempt a_size "sizes of that kind" "$numbers; s/ && \[ \"\$5\" -lt \"\$4\" \]//"
put_round() { echo 12345 | ask "put up $1 5 0"; holds; }
a_round() { any put_round $odd_numbers 6 10 7/ 7/. ../round/7 ./7 ../../pub/round/7 -; }
attempt a_round "rounds of that kind, paths, and rounds that do not exist" "$numbers"
beyond() { head -c 20 /dev/zero | ask 'put up 7 30 0'; head -c 3000000 /dev/zero | ask 'put up 7 10 20'; filled; }
attempt beyond "an offset above SIZE, where head -c counts from the end" 's/ && \[ "\$5" -lt "\$4" \]//'
too_large() { head -c 5000 /dev/zero | ask 'put up 7 1001 0' || head -c 5000 /dev/zero | ask 'put ready.1 7 101 0'; filled; }
attempt too_large "one byte above the round's limit" 's/\[ "\$4" -le "\$most" \] && //'
nothing() { ask 'put up 7 0 0' </dev/null || ask 'put up 7 5 5' </dev/null; holds; }
attempt nothing "a file of no bytes" 's/ && \[ "\$5" -lt "\$4" \]//'
endless() { head -c 3000000 /dev/zero | ask 'put up 7 10 0'; filled; }
attempt endless "input that does not end" 's/head -c "[^"]*"/cat/'

# ---- a file of the inbox: whole, once, and by one at a time ----
stops() { printf 12345 | ask 'put up 7 9 0'; [ -e srv/in/north/7.up.flt ]; }
attempt stops "input that stops" 's/ && \[ "\$(stat -c %s "\$part")" = "\$4" \]//'
no_input() { ask 'put up 7 9 0' <&-; ask 'put up 7 9 0' </dev/null; ask ls >&-; ask 'get round/7/plan.flt 0' >&-; [ -e srv/in/north/7.up.flt ]; }
attempt no_input "no input, no output"
opens() {   # REQUEST: a connection in the background, which gets what is written to descriptor 7
    rm -f hold && mkfifo hold && exec 7<>hold
    SSH_ORIGINAL_COMMAND=$1 "$gate" north "$PWD/srv" <hold 7>&- 2>/dev/null &
    them="$them $!" opened=$!
}
half() { opens 'put up 7 20000 0' && head -c 10000 zeros >&7 && await '[ -s "$(ls srv/in/north/*7.up.* srv/in/north/.7.up.* 2>/dev/null)" ]'; }
large() { echo 'up 20000' >srv/pub/round/7/limit; }   # head(1) writes blocks
killed() {   # by each signal, in the middle of a put
    for _s in HUP INT TERM PIPE KILL; do
        large && half
        env kill -"$_s" $opened 2>/dev/null
        closes && await 'flock -n srv/in/north/.slot0 true' || return 0
        [ ! -e srv/in/north/7.up.flt ] || return 0
        rm -f srv/in/north/.7.up.part
    done
    return 1
}
attempt killed "a put that is killed: a part under its final name, a lock that stays" 's/ part=\.\$3\.\$2\.part/ part=$3.$2.flt/; /\[ ! -e "\$final" \]/d'
one_more() {   # the first waits with half of it; another makes it whole; then the first goes on
    large && half
    ${1-:} $opened
    _at=$(stat -c %s srv/in/north/.7.up.part)
    tail -c +$((_at + 1)) zeros | ask "put up 7 20000 $_at"
    head -c 10000 zeros >&7 && closes && sleep 0.2
    [ "$(stat -c %s srv/in/north/7.up.flt 2>/dev/null || echo 0)" -gt 20000 ]
}
attempt one_more "two puts of one file at once, one of which writes after the name is final" '/exec 9>>/d'
orphan() { one_more 'env kill -9'; }
attempt orphan "the same, the first one's shell killed: its child goes on" 's/>>"\$part" &&/>>"$part" 9>\&- \&\&/'
again() { echo mine >srv/in/north/7.up.flt && printf 12345 | ask 'put up 7 5 0'; [ "$(cat srv/in/north/7.up.flt)" != mine ]; }
attempt again "another file for one that waits for the hub" '/\[ ! -e "\$final" \]/d'
receipt() { mkdir -p srv/pub/round/7/have/north && echo "d3 $1" >srv/pub/round/7/have/north/up; }
taken() { receipt taken && printf 12345 | ask 'put up 7 5 0' || { receipt late && printf 12345 | ask 'put up 7 5 0'; }; holds; }
attempt taken "another file for one that was taken, or is late" '/grep -Eqs/d'
taking() {   # the hub takes it between the gate's two looks, at the file and at the receipt
    echo mine >srv/in/north/7.up.flt
    _first=$(grep -n -m 1 -e 'grep -Eqs' -e '! -e "$final"' "$gate" | cut -d : -f 1)
    sed "${_first}a echo 'd3 taken' >\$at/have/north/up; mv -f 7.up.flt ../../work/" "$gate" >gate.1 && chmod +x gate.1
    printf 12345 | SSH_ORIGINAL_COMMAND='put up 7 5 0' ./gate.1 north "$PWD/srv" 2>said
    [ "$(cat srv/in/north/7.up.flt 2>/dev/null)" = 12345 ]
}
attempt taking "the same while the hub takes it" '/\[ ! -e "\$final" \]/{h;d}; /grep -Eqs/G'
puts() { printf 12345 | ask "put $1 5 0"; holds; }
given_up() { puts 'up 8'; }
attempt given_up "a round that was given up" 's/ && \[ ! -e "\$at\/void" \]//'
over() { any puts 'up 9' 'answer 9' 'ready.1 9'; }
attempt over "a round that is closed" '/"\$at\/closed" \]/d'
unasked() { any puts 'answer 7' 'ready.1 7' 'ready.0 7' 'opened 7' 'up 6'; }
attempt unasked "what nobody asks for: an answer before go, ready without a request" 's/\[ -e "\$at\/\$asked" \] && //'
other_kind() { any puts 'plan 7' 'mean 7' 'u. 7' '.* 7' '../up 7' '.part 7' 'up.part 7' 'ready. 7' 'ready.x 7' 'ready.1.2 7' 'ready.-1 7' 'ready.../1 7' 'ready.ready.1 7' '.slot0 7' 'UP 7'; }
attempt other_kind "kinds that are none, patterns for the limit, a .part"

# ---- names ----
a_path() {
    any told 'get ../secret.yaml 0' 'get roster/../../secret.yaml 0' 'get roster/./../../secret.yaml 0' 'get round/7/../../../secret.yaml 0' \
        'get model/../secret.flt 0' "get $PWD/srv/secret.yaml 0" 'get //secret.yaml 0' 'get roster//../../secret.yaml 0' 'get roster/... 0' 'get .. 0' \
        'get round/7/have/north/../south/up 0' 'get round/7/request./../up/south.flt 0' 'get round/7/ready.x/../up/south.flt 0' 'get model/../../in/south/7.up.flt 0'
}
dots='s/^    case \/\$2 in.*/:/' real='s/ && \[ "\$(realpath[^]]*\]//'
attempt a_path "paths that lead up and out" "$dots; $real"
gate=$work/gate.1
for _rule in "$dots" "$real"; do
    copy "$gate" "$_rule" && tree && ! a_path
    report $? "  one of the two rules is enough"
done
a_link() {
    ln -s ../../../home/key srv/pub/model/a.flt && ln -s ../../../home srv/pub/roster/home && echo secret >home/1.yaml
    ln -s ../../../../../home/key srv/pub/round/7/have/north/key && ln -s up/south.flt srv/pub/round/7/request.1.flt && ln -s ../../in/south srv/pub/model/south
    any told 'get model/a.flt 0' 'get roster/home/1.yaml 0' 'get round/7/have/north/key 0' 'get round/7/request.1.flt 0' 'get model/south/7.up.flt 0'
}
attempt a_link "links below pub/, of files and of folders" "$real"
no_file() {
    mkfifo srv/pub/model/a.flt && mkdir srv/pub/model/b.flt && ln -s /dev/zero srv/pub/model/c.flt
    for _n in a b c; do ask "get model/$_n.flt 0" </dev/null | head -c 10 >told && [ -s told ] && return; grep -q fl-gate said || return 0; done
    return 1
}
attempt no_file "a pipe, a folder, a device for a file: it must not wait" 's/\[ -f "\$pub\/\$2" \] && //'
others='get round/7/have/south/up 0'
anothers() { mkdir srv/pub/round/7/have/north.b && echo secret >srv/pub/round/7/have/north.b/up && any told "$others" 'get round/7/have/north.b/up 0' 'get in/south/7.up.flt 0' 'get round/7/have//south/up 0'; }
attempt anothers "what another party has: receipts, its inbox" 's/"have\/\$party\/"\*/have\/*/'
early() { any told 'get round/7/up/south.flt 0' 'get round/8/up/south.flt 0' 'get round/8/up/south.flt 3' && return; told 'get round/9/up/south.flt 0' && return 1; }
attempt early "an upload before there is a mean" 's/else \[ -e "\$at\/mean.flt" \] &&/else/'
answering() { mkdir -p srv/pub/round/7/answer srv/pub/round/7/ready.1 && echo secret >srv/pub/round/7/answer/south.flt && printf '1\nsouth:7\n' >srv/pub/round/7/go; }
helped() { answering && touch srv/pub/round/7/ready.1/south.flt srv/pub/round/7/ready.1/north.flt.flt && any told 'get round/7/up/south.flt 0' 'get round/7/up/south.flt 0 7'; }
attempt helped "after go an upload, by who is no helper" 's/if \[ -e "\$at\/ready.\$go\/\$party.flt" \]/if [ "$go" ]/'
other_answer() { answering && touch srv/pub/round/7/ready.1/north.flt && { told 'get round/7/up/south.flt 0' || return 1; } && any told 'get round/7/answer/south.flt 0'; }
attempt other_answer "by a helper, another's answer before its own" 's/\[ -z "\${in##up\/\*}" \] || \[ -e "\$at\/mean.flt" \]/:/'
keyed() { answering && echo 'keys 9' >>srv/pub/round/7/limit && touch srv/pub/round/7/mean.flt && any told 'get round/7/answer/south.flt 0' 'get round/7/up/south.flt 0'; }
attempt keyed "with the mean, by a site, an upload or answer of an encrypted round" "s/ && ! grep -qs '^keys \[1-9\]' \"\$at\/limit\"//"
unlisted() { any told 'get secret 0' 'get secret.flt 0' 'get work/hub.key 0' 'get ../work/hub.key 0' 'get up/south.flt 0' 'get round/x/plan.flt 0' 'get round/07/plan.flt 0'; }
attempt unlisted "files that lie below ROOT and are nobody's: a key, work/" 's/ \*) return 1 ;; esac; }/ esac; }/'
a_list() {
    echo x >"srv/pub/round/7/up/a b.flt" && echo x >"srv/in/south/.7.up.part"
    for _q in ls 'ls 0' 'ls 7' ' ls' 'ls 0 sums'; do ask "$_q" </dev/null | grep -v 'round/9/up/' | grep -q -e secret -e south -e 'up/' -e work && return; done
    return 1
}
attempt a_list "the listing of what others have" 's/"have\/\$party\/"\*/have\/*/; s/-name have -o //' 's/else \[ -e "\$at\/mean.flt" \] &&/else/'

# ---- who prepares the folder: a stick, a shared disk ----
another_inbox() { rm -r srv/in/north srv/in/south/* && ln -s south srv/in/north && printf 12345 | ask 'put up 7 5 0'; [ -e srv/in/south/7.up.flt ]; }
attempt another_inbox "an inbox that is a link to another's" "$place"
another_in() { mv srv/in elsewhere && ln -s "$PWD/elsewhere" srv/in && printf 12345 | ask 'put up 7 5 0'; [ -e elsewhere/north/7.up.flt ]; _got=$?; rm -rf elsewhere; return $_got; }
attempt another_in "in/ itself a link" "$place"
not_alone() { chmod 777 srv/in/north && puts 'up 7'; }
attempt not_alone "an inbox that everybody may write to" 's/ -o -perm -002//'
emptied() { ln -s "$PWD/home/key" "srv/in/north/.slot$1" && ask ls </dev/null >/dev/null; printf 12345 | ask 'put up 7 5 0'; changed; }
slot_link() { any emptied 0 1; }
attempt slot_link "a lock that is a link to a file of the account: it must not be emptied" "$plain; s/>>\.slot/>.slot/"
slot_pipe() { mkfifo srv/in/north/.slot1; ask ls </dev/null >/dev/null; [ $? = 124 ]; }
attempt slot_pipe "a lock that is a pipe: it must not wait" "$plain; s/8>>\.slot/8>.slot/"
part_link() { ln -s ../../../home/key srv/in/north/.7.up.part && printf 12345 | ask 'put up 7 99 17'; printf 12345 | ask 'put up 7 99 7'; changed; }
attempt part_link "a part that is a link: its own size, its file's size as OFFSET" "$plain"
part_hard() { ln home/key srv/in/north/.7.up.part && printf 12345 | ask 'put up 7 99 7'; changed; }
attempt part_hard "a part that is a second name of a file" "$plain"
swapped() {   # the folder's place is taken by a link between the check and the use
    sed "/^set -- /i mv ../../in/north ../../in/old && ln -s $PWD/home ../../in/north" "$gate" >gate.1 && chmod +x gate.1
    printf 12345 | SSH_ORIGINAL_COMMAND='put up 7 5 0' ./gate.1 north "$PWD/srv" 2>said
    [ "$(ls home)" != key ]
}
attempt swapped "a link takes the inbox's place between check and use" 's/^put\.5.*/&\ncd -- "$inbox"/'
swapping() {   # in a loop, whenever it comes
    mkdir srv/in/real && rmdir srv/in/north && echo 0 >stop.not
    (while [ -e stop.not ]; do mv -T srv/in/real srv/in/north; mv -T srv/in/north srv/in/real; ln -s "$PWD/home" srv/in/north; rm srv/in/north; done) 2>/dev/null &
    them=$!
    for _i in $(seq "${swaps:-25}"); do printf 12345 | ask 'put up 7 5 0'; rm -f srv/in/*/7.up.flt 2>/dev/null; done
    rm stop.not && wait $them && them=''
    [ "$(ls -A home)" != key ]
}
attempt swapping "the same, in a loop"

# ---- connections and room ----
hold_four() {   # slow ones: a put that sends nothing, three gets that nobody reads
    cp zeros srv/pub/model/z.flt && opens 'put up 7 9 0'
    for _i in 1 2 3; do
        rm -f out.$_i && mkfifo out.$_i && { (exec <out.$_i && exec sleep 20) & } && them="$them $!"
        SSH_ORIGINAL_COMMAND='get model/z.flt 0' "$gate" north "$PWD/srv" >out.$_i 2>/dev/null 7>&- &
        them="$them $!"
    done
    await '[ -e srv/in/north/.slot4 ] || [ -e srv/in/.slot4 ]' && sleep 0.1
}
locked_out() { hold_four; ! ask ls south </dev/null >/dev/null; _got=$?; closes; return $_got; }
attempt locked_out "four slow connections: another party must be let in" 's/8>>\.slot/8>>..\/.slot/'
a_fifth() { hold_four; ask ls </dev/null >/dev/null; _got=$?; closes; return $_got; }
attempt a_fifth "a fifth connection" 's/ || no 4 "four connections already"//'
stalled() {   # TIME of the gate's clock is a second here
    sed 's/timeout 6h/timeout 1/' "$gate" >gate.1 && chmod +x gate.1
    rm -f hold && mkfifo hold && exec 7<>hold
    SSH_ORIGINAL_COMMAND='put up 7 9 0' timeout 2 ./gate.1 north "$PWD/srv" <hold 2>/dev/null
    [ $? = 124 ]; _got=$?; closes; return $_got
}
attempt stalled "input that never comes: it must end" 's/timeout 6h head/head/'
hoard() {   # one part of each round that nobody finishes
    for _r in 11 12 13 14 15; do
        mkdir -p srv/pub/round/$_r && sleep 0.02 && cp srv/pub/round/7/limit srv/pub/round/$_r && touch srv/pub/round/$_r/go
        head -c 999 /dev/zero | ask "put up $_r 1000 0"
        head -c 999 /dev/zero | ask "put answer $_r 1000 0"
        touch srv/pub/round/$_r/closed
    done
    [ "$(cat srv/in/north/.*.part | wc -c)" -gt 2000 ]
}
attempt hoard "unfinished parts of all rounds, until the account's quota is full" '/^    find . -name/d'
full() {   # the disk is full in a put
    small_disk 300 || return 1
    cp -a srv small/ && mv srv srv.large && ln -s small/srv srv
    echo 'up 900000' >srv/pub/round/7/limit
    head -c 900000 /dev/zero | ask 'put up 7 900000 0'
    [ -e srv/in/north/7.up.flt ] || ! ask ls south </dev/null >/dev/null; _got=$?
    rm -rf srv srv.large && umount small
    return $_got
}
attempt full "a disk that is full: no part under a final name, and others are answered" 's/ && \[ "\$(stat -c %s "\$part")" = "\$4" \] ||/; :/; /it is not whole/d'
finish
