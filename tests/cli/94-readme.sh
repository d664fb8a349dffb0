#!/bin/sh
# README's "Rounds to the letter" is extracted from the page and followed: a block whose first line is
# "# hub" at the hub, one with "# each site" at all three. Machines are folders; ssh, scp and rsync are
# stand-ins that reach the hub's. What a reader is told to change is changed, and nothing else.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

sites="north south west"
mkdir stand hub
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
for s in $sites; do
    mkdir -p "$s/fed/notes"
    seed=$(printf '%s' "$s" | cksum | cut -d ' ' -f 1)
    prose "$seed" 600 >"$s/fed/notes/july.txt"
    prose "1$seed" 200 | sed '/./!d; s/.*/{"text": "&"}/' >"$s/fed/notes/august.jsonl"
done
for host in hub $sites; do echo "cd '$work/$host'" >"$host/state"; done

# The blocks of the section, one file each.
awk '/^## / { on = /^## Rounds to the letter/ }
    !on || !/^(    .*)?$/ { open = blank = 0; next }
    /^$/ { blank++; next }
    /^    # (hub|each site)$/ || !open { open = ++n; blank = 0 }
    { for (; blank > 0; blank--) print "" >(n ".block"); print substr($0, 5) >(n ".block") }' "$top/README.md"

at() {   # HOST BLOCK: in the shell that was there before, as far as its folder and variables go
    { cat "$1/state"; sed "s/^site=north /site=$1 /" "$2"; printf '\n%s\n' \
        "{ echo \"cd '\$PWD'\"; set | grep -E '^(site|r|p)=' || :; } >'$work/$1/state'"; } >"$1/typed"
    env HOME="$work/$1" sh -eu "$1/typed"
}
follow() {   # BLOCK
    case $(head -n 1 "$1") in
    "# hub") at hub "$1" ;;
    "# each site") for _s in $sites; do at "$_s" "$1" || return 1; done ;;
    *) echo "the first line of a block says where it is typed" >&2; return 1 ;;
    esac
}

n=0
while [ -e $((n += 1)).block ]; do
    check "block $n: $(sed -n 2p $n.block)" follow $n.block
    last=$n
    grep -q '^r=2 p=1' $n.block && second="${second-} $n"
done
check "there is a first round and a second one" [ "$(echo "${second-}" | wc -w)" = 2 ]

# "the next one begins with r=3 p=2": the blocks from the first of the second round on, once more.
first=$(echo "$second" | awk '{ print $1 }')
for n in $(seq "$first" "$last"); do
    sed 's/^r=2 p=1/r=3 p=2/' "$n.block" >again
    check "a third round, block $n" follow again
done

loss() { fl-eval -q -m "hub/fed/out/model-$2.flt" "$1/fed/valid.flt" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } END { print $c["loss"] }'; }
for s in $sites; do
    # (In the third round this text, which is short and of few words, is learnt by heart.)
    check "$s: the rounds make a better model" \
        awk "BEGIN { exit !($(loss "$s" 0) > $(loss "$s" 1) && $(loss "$s" 1) > $(loss "$s" 2) && $(loss "$s" 0) > $(loss "$s" 3)) }"
    check "$s: its inbox has its line and one file a round" \
        [ "$(cd "hub/fed/in/$s" && echo .[!.]* *)" = ".[!.]* 1.flt 2.flt 3.flt $s.pub" ]
done
status 4 "half a file that scp left is not taken: the hub waits" sh -c \
    'cd hub/fed && mv in/west/3.flt in/west/3.part && fl-aggregate -p out/3/plan.flt -r out/roster.yaml -o x.flt in/*/3.flt'
says west
finish
