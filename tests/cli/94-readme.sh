#!/bin/sh
# README's "Rounds to the letter" is extracted from the page and followed: the first line of a block,
# as "# hub" or "# each site", says where. Machines are folders; ssh, scp and rsync are stand-ins that
# reach the hub's. What a reader is told to change is changed, and nothing else. The pipeline at the
# top of the page is a last round.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

sites="north south west"
mkdir stand hub aux
for p in ssh scp rsync; do
    cat >stand/$p <<'END'
#!/bin/sh
# HOST:PATH is PATH below that host's folder; what follows is done here.
set -eu
hosts=${0%/stand/*}
if [ "${0##*/}" = ssh ]; then
    host=$1
    shift
    cd "$hosts/$host" && exec sh -c "$*"
fi
recursive='' from=''
for a in "$@"; do
    case $a in
    -*r*) recursive=yes ;;
    -*) ;;
    *)
        case $a in hub:*) a=$hosts/hub/${a#hub:} ;; esac
        [ -z "${to-}" ] || from=$to
        to=$a ;;
    esac
done
if [ -n "$recursive" ]; then
    case $from in */) ;; *) exit 23 ;; esac   # the contents of the folder, and not it
    exec cp -Rp "$from." "$to"
fi
[ ! -d "$to" ] || to=${to%/}/${from##*/}
case ${0##*/} in
rsync) cp -p "$from" "${to%/*}/.${to##*/}.Xk3f9a" && mv "${to%/*}/.${to##*/}.Xk3f9a" "$to" ;;
scp) cp "$from" "$to" ;;
esac
END
done
chmod +x stand/*
compare_words stand
PATH=$work/stand:$PATH

prose() {   # SEED LINES
    awk -v s="$1" -v n="$2" 'BEGIN {
        srand(s)
        split("the patient a of was in ward note river winter letter doctor small quiet night came", w, " ")
        for (i = 0; i < n; i++) {
            line = "on day " i
            for (k = 0; k < 9; k++) line = line " " w[1 + int(rand() * 16)]
            print line "."
            if (i % 20 == 19) print ""
        }
    }'
}
mkdir -p hub/fed/public
prose 1 900 >hub/fed/public/book.txt
for s in $sites east coast; do
    mkdir -p "$s/fed/notes"
    seed=$(printf '%s' "$s" | cksum | cut -c 1-6)
    prose "$seed" 600 >"$s/fed/notes/july.txt"
    prose "1$seed" 200 | sed '/./!d; s/.*/{"text": "&"}/' >"$s/fed/notes/august.jsonl"
done
for host in hub aux $sites east coast; do echo "cd '$work/$host'" >"$host/state"; done

# The blocks of the section, one file each: of the federation of three, and of that with helpers.
awk '/^## / { on = /^## Rounds to the letter/ }
    /^### / { if (!n || /helpers/) n = 0; kind = /helpers/ ? "helpers" : "three" }
    !on || !/^(    .*)?$/ { open = blank = 0; next }
    /^$/ { blank++; next }
    /^    # (hub|each .*|.* and [a-z]*)$/ || !open { open = ++n; blank = 0; file = kind "." n }
    { for (; blank > 0; blank--) print "" >file; print substr($0, 5) >file }' "$top/README.md"
# The commands of the pipeline, in the form of such blocks.
awk '/^As a pipeline/ { on = 1; next }
    on && /^## / { exit }
    !on || /^$/ { next }
    { held = held substr($0, 5) "\n" }
    sub(/ +# .*/, "", held) { match($0, /# .*/); printf "%s\n%s", substr($0, RSTART), held >("pipeline." ++n); held = "" }' \
    "$top/README.md"

at() {   # HOST BLOCK: in the shell that was there before, as far as its folder and variables go
    { cat "$1/state"; sed "s/^site=[a-z]* /site=$1 /" "$2"; printf '\n%s\n' \
        "{ echo \"cd '\$PWD'\"; set | grep -E '^(site|r|p)=' || :; } >'$work/$1/state'"; } >"$1/typed"
    env HOME="$work/$1" sh -eu "$1/typed"
}
follow() {   # BLOCK
    case $(head -n 1 "$1") in
    "# hub") set -- "$1" hub ;;
    "# each site") set -- "$1" $sites ;;
    "# each site, and aux") set -- "$1" $sites aux ;;
    "# each helper") set -- "$1" north aux ;;
    "# north, south and west") set -- "$1" north south west ;;
    "# east, coast and aux") set -- "$1" east coast aux ;;
    "# east and coast") set -- "$1" east coast ;;
    *) echo "the first line of a block says where it is typed" >&2; return 1 ;;
    esac
    _block=$1
    shift
    for _host; do at "$_host" "$_block" || return 1; done
}

n=0
while [ -e three.$((n += 1)) ]; do
    check "block $n: $(sed -n 2p three.$n)" follow three.$n
    last=$n
    grep -q '^r=2 p=1' three.$n && second="${second-} $n"
done
check "there is a first round and a second one" [ "$(echo "${second-}" | wc -w)" = 2 ]

# "the next one begins with r=3 p=2": the blocks from the first of the second round on, once more.
first=$(echo "$second" | awk '{ print $1 }')
for n in $(seq "$first" "$last"); do
    sed 's/^r=2 p=1/r=3 p=2/' "three.$n" >again
    check "a third round, block $n" follow again
done

loss() { fl-eval -q -m "hub/fed/out/model-$2.flt" "$1/fed/valid.flt" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { print $c["loss"] }'; }
for s in $sites; do
    # (From the second round on this text, which is short and of few words, is learnt by heart.)
    check "$s: the rounds make a better model" \
        awk "BEGIN { exit !($(loss "$s" 0) > 2 * $(loss "$s" 1) && $(loss "$s" 0) > 2 * $(loss "$s" 2) && $(loss "$s" 0) > $(loss "$s" 3)) }"
    check "$s: its inbox has its line and one file a round" \
        [ "$(cd "hub/fed/in/$s" && echo .[!.]* *)" = ".[!.]* 1.flt 2.flt 3.flt $s.pub" ]
done
status 4 "half a file that scp left is not taken: the hub waits" sh -c \
    'cd hub/fed && mv in/west/3.flt in/west/3.part && fl-aggregate -p out/3/plan.flt -r out/roster.yaml -o x.flt in/*/3.flt'
says west
mv hub/fed/in/west/3.part hub/fed/in/west/3.flt

# The federation with helpers goes on from there, so its first round is the fourth. Coast is late.
n=0
while [ -e helpers.$((n += 1)) ]; do
    sed 's/^r=3 p=2/r=4 p=3/' helpers.$n >again
    ! grep -q '^fl-plan' again || first=$n
    ! grep -q -e '--request' again || mv hub/fed/in/coast/4.flt late.flt
    check "helpers, block $n: $(sed -n 2p again)" follow again
    ! grep -q '^fl-info .*ready' again || check "  both helpers are ready" \
        [ "$(awk -F '\t' '$2 == "bad" { print $7 ";" }' out | tr -d '\n')" = ";;" ]
    [ "$(head -n 1 again)" != "# east, coast and aux" ] || sites="$sites east coast"
    last=$n
done
mv late.flt hub/fed/in/coast/4.flt
sum() { fl-info "hub/fed/out/$1/mean.flt" | awk -F '\t' '$2 == "sum.sites" { print $7 }'; }
check "it is of the sites that were there" [ "$(sum 4)" = east,north,south,west ]

# "in every further one it has": the round once more.
for host in hub aux $sites; do echo "r=5 p=4" >>"$host/state"; done
for n in $(seq "$first" "$last"); do
    sed 's,--round $r ,&--after out/$p/mean.flt ,' "helpers.$n" >again
    check "a further round with helpers, block $n" follow again
done
check "it is of all" [ "$(sum 5)" = coast,east,north,south,west ]
for s in $sites; do
    check "$s: these rounds make a better model" \
        awk "BEGIN { exit !($(loss "$s" 0) > $(loss "$s" 4) && $(loss "$s" 0) > $(loss "$s" 5)) }"
done
for s in north aux; do
    check "$s answered once a round" sh -c \
        "fl-unmask --show -k $s/fed/$s.key | grep -q '^answers	2\$'"
done

# The pipeline has rounds 6 and 7; what a site and a helper do stands there for one of them.
fetch() { for _host in aux $sites; do cp -Rp hub/fed/out/. "$_host/fed"; done; }
cp -R hub/fed/out/5 hub/fed/out/6
cp hub/fed/out/model-5.flt hub/fed/out/model-6.flt
mkdir hub/fed/out/7
n=0
while [ -e pipeline.$((n += 1)) ]; do
    case $(head -n 1 pipeline.$n) in
    "# every site") hosts=$sites ;;
    "# every helper") hosts="north aux" ;;
    *) hosts=hub ;;
    esac
    for host in $hosts; do
        sed "s/north/$host/g; s/aux/$host/g" pipeline.$n >again
        check "the pipeline, at $host: $(sed -n 2p again)" at "$host" again
    done
    fetch
done
check "the pipeline made the next model" [ "$(sum 7)" = coast,east,north,south,west -a -s hub/fed/out/model-7.flt ]
finish
