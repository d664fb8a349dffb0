#!/bin/sh
# A file of the wrong kind, given to any option: one line that says what the file is and what is wanted,
# status 1 (2 for a YAML file), and the file as it was.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

seq 1 400 | sed 's/.*/line & of a small text about nothing in particular/' >text
fl-harmonize -q --train-tokenizer 300 -o tokenizer text &&
    fl-init -p nano -t tokenizer --seed 1 -o model && fl-harmonize -t model -o tokens text &&
    fl-train -q -m model --steps 1 -b 1 -l 32 --site a --checkpoint checkpoint -o update tokens &&
    fl-aggregate -q -o mean update && fl-aggregate --partial -o sum update &&
    fl-apply -q -m model --optimizer momentum --state optimizer -o next mean &&
    model=model helpers='b +aux' min_sum=3 federation a b c 2>/dev/null &&
    fl-plan -q -r roster.yaml -k hub.key --round 1 -m model -o plan &&
    for s in a b c; do fl-mask -q -k $s.key -p plan -o $s.up update 2>/dev/null || exit 1; done &&
    mv a.up masked && fl-aggregate -q -p plan -k hub.key --request request -o part masked b.up c.up &&
    fl-unmask -q --ready -k aux.key -p plan -o ready request && fl-unmask -q -k aux.key -p plan -o answer request
report $? "files of every kind are made"
cp a.key key && cp a.pub public && cp a.key.state/state state && mv roster.yaml roster && cp roster.yaml.words words
echo 'batch: 1' >recipe
echo '{"text": "one two"}' >json
gzip -c text >gzip
head -c 4000 /dev/zero >zeros
: >empty
chmod 600 ./*

streams='model tokenizer tokens update sum masked plan request ready answer optimizer checkpoint'
says_of() {   # KIND: what messages call it
    case $1 in
        key) echo 'is a secret key' ;;
        public) echo "is a member's public line" ;;
        state) echo 'is the state of a key' ;;
        gzip) echo 'is gzip data' ;;
        zeros) echo 'is data of an unknown kind' ;;
        empty) echo 'is empty' ;;
        json) echo 'is JSON text' ;;
        text | roster | recipe | words) echo 'is text' ;;
        *) echo "is .*of kind \"$1\"" ;;
    esac
}
try() {   # FILE 'what it is' 'what is wanted' command with @...
    file=$1 is=$2 wanted=$3 line=$4
    cp "$file" kept
    # shellcheck disable=SC2046,SC2086 # many words
    set -- $(echo "$line" | sed "s/@/$file/g")
    "$@" >out 2>err </dev/null
    code=$?
    { [ $code = 1 ] || [ $code = 2 ]; } && [ "$(wc -l <err)" = 1 ] && grep -q "$file: $is.*\($wanted\)" err &&
        cmp -s kept "$file" || { bad=$((bad + 1)); echo "# $line with $file: $code, not \"$is ... $wanted\""; sed 's/^/#   /' err; }
    tried=$((tried + 1))
}
matrix() {   # 'what is wanted' 'kinds that are taken' 'kinds to try' command with @
    bad=0 tried=0
    for kind in $3; do
        case " $2 " in *" $kind "*) continue ;; esac
        try "$kind" "$(says_of "$kind")" "$1" "$4"
    done
    check "$4: $tried other kinds" [ $bad = 0 ]
}
all="$streams key public state roster recipe json gzip zeros empty text"
stream() { matrix "\"$1\".* is expected" "$2" "$all" "$3"; }

stream model model 'fl-train -m @ tokens'
stream tokens tokens 'fl-train -m model --steps 1 @'
stream tokens tokens 'fl-train -m model --steps 1 --valid @ tokens'
stream model model 'fl-diff -b @ model'
stream model model 'fl-diff -b model @'
stream model model 'fl-apply -m @ mean'
stream update update 'fl-apply -m model @'
stream optimizer 'optimizer model' 'fl-apply -m model --optimizer momentum --state @ mean'
stream update 'update sum masked' 'fl-aggregate @'
stream plan plan 'fl-aggregate -p @ masked'
matrix 'an upload that fl-mask made is needed\|an FLT stream' 'masked sum answer' "$all" 'fl-aggregate -p plan @'
stream plan plan 'fl-unmask -k b.key -p @ request'
stream request request 'fl-unmask -k b.key -p plan @'
stream request request 'fl-unmask -k b.key -p plan --ready @'
stream model model 'fl-mask -k b.key -p plan --check -m @'
stream plan plan 'fl-apply -m model -p @ mean'
stream plan plan 'fl-mask -k b.key -p @ update'
stream update update 'fl-mask -k b.key -p plan @'
stream model model 'fl-plan -r roster -k hub.key --round 2 -m @'
stream update update 'fl-plan -r roster -k hub.key --round 2 -m next --after @'
stream model model 'fl-eval -m @ tokens'
stream tokens tokens 'fl-eval -m model @'
stream model model 'fl-generate -m @ hi'
for program in 'fl-init -p nano -t @ -o out.flt' 'fl-harmonize -t @ -o out.flt text' 'fl-tokenize -t @ text'; do
    matrix '"model" or "tokenizer" is expected, or a tokenizer.json' 'model tokenizer json' "$all" "$program"
    bad=0 tried=0
    try json 'is JSON without a "model"' 'a tokenizer.json is expected' "$program"
    check "  and JSON of another kind" [ $bad = 0 ]
done
matrix 'give another name to --checkpoint' 'checkpoint model tokens' "$all" \
    'fl-train -m model --steps 1 -b 1 -l 32 --checkpoint @ tokens'
matrix 'not an FLT stream\|an FLT stream is expected' "$streams" "$all" 'fl-info @'
for program in 'fl-mask -k @ -p plan update' 'fl-plan -r roster -k @ --round 2 -m model' 'fl-keygen --public -k @' \
    'fl-keygen --accept roster -k @ --words words'; do
    matrix 'a secret key is expected, which fl-keygen' key "$all" "$program"
done
yaml="$streams key public state gzip zeros"
for program in 'fl-train -m model -c @ tokens' 'fl-plan -r @ -k hub.key --round 2 -m model' 'fl-init -c @ -o out.flt' \
    'fl-aggregate -p plan -r @ masked' 'fl-keygen --show @' \
    'fl-keygen --accept @ -k b.key --words words' 'fl-info --verify @ plan'; do
    matrix 'a YAML file is expected' '' "$yaml" "$program"
    bad=0 tried=0
    for kind in recipe roster json text empty; do   # other YAML: what is not known, and what is
        case $program:$kind in
            *'-m model -c @ tokens':recipe) continue ;;
            *' -r @'*:roster | *--show*:roster | *--accept*:roster | *--verify*:roster) continue ;;
        esac
        try $kind '' 'there is no key .*known are\|must be a mapping\|it should be a YAML mapping' "$program"
    done
    check "  $tried other texts" [ $bad = 0 ]
done
own="$streams key public state"
matrix 'the words of a roster.s fingerprint are expected' '' "$own" 'fl-keygen --accept roster -k b.key --words @'
matrix 'a secret that all sites have is expected' '' "$own" 'fl-keygen --accept roster -k b.key --words words --psk @'
matrix 'not text' '' "$own" 'fl-harmonize -t model -o out.flt @'
matrix 'not text' '' "$own" 'fl-tokenize -t model @'
matrix 'shards are operands, without --text' '' "$own" 'fl-eval -m model --text @'
bad=0 tried=0
for kind in $all; do
    try "$kind" 'is no folder' 'name the one that holds config.json' 'fl-import -o out.flt @'
done
check "fl-import: $tried files" [ $bad = 0 ]

# From a pipe, where nothing can be looked at twice, the same.
bad=0
for kind in tokens key roster gzip empty; do
    fl-generate -m - hi <$kind >out 2>err
    [ $? = 1 ] && grep -q "standard input: $(says_of $kind).*\"model\" is expected" err || { bad=$((bad + 1)); cat err; }
    # shellcheck disable=SC2002 # a pipe is the point
    cat $kind | fl-apply -m model -o out.flt >out 2>err
    [ $? = 1 ] && grep -q "standard input: $(says_of $kind).*\"update\" is expected" err || { bad=$((bad + 1)); cat err; }
done
check "from standard input, a file and a pipe" [ $bad = 0 ]
finish
