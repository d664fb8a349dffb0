#!/bin/sh
# What stands around a text: the same ids in all programs, where a text ends, what is scored, and bytes that are wc -c.
# shellcheck source-path=SCRIPTDIR disable=SC2016 # text for sh -c
. "$(dirname "$0")/lib.sh"
chain() { python "$top/tests/cli/chain.py" "$@" && fl-import -q -o m.flt "$1" 2>err; }
ids() {   # SHARD: its ids, which are u16, in a row
    for n in $(fl-info "$1" | awk -F '\t' '$1 == "tensor" {print $2}'); do
        fl-info -t "$n" --raw "$1" | od -An -v -tu2 -w2 | tr -d ' '
    done | tr '\n' ' '
}
meta() { fl-info "$1" | awk -F '\t' -v k="$2" '$1 == "meta" && $2 == k {print $7}'; }
one_row() { tr -d '[],' | tr '\n' ' '; }   # of ids as fl-tokenize writes them
cell() { awk -F'\t' -v row="$2" -v name="$3" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    $1 == row { print $at[name] }' "$1"; }

# --- one text, four programs ----------------------------------------------------------------------
printf 'Hi <s>  there[X]</s>' >text
body="72 105 32 60 115 62 259 116 104 101 114 101 260 60 47 115 62" # two spaces are a token, <s> is text
everywhere() {   # "what" BEGIN AFTER "END or nothing" template...: ids before, after, and after in a shard
    _what=$1 _begin=$2 _behind=$3 _end=$4
    shift 4
    chain f bytes "$@" || { report 1 "$_what: import"; sed 's/^/# /' err; return; }
    is "$_what: fl-tokenize" "$(fl-tokenize -t m.flt text | one_row)" "$_begin$body $_behind"
    is "  --no-special" "$(fl-tokenize --no-special -t m.flt text | one_row)" "$body "
    fl-harmonize --passage 0 -t m.flt -o s.flt text
    is "  fl-harmonize" "$(ids s.flt)" "$_begin$body $_behind$_end"
    fl-eval -m m.flt --text text --per-token >t.tsv
    is "  fl-eval --text" "$(awk 'NR > 1 {printf "%s ", $2}' t.tsv)" "$_begin$body "
    fl-eval -m m.flt --per-token s.flt | head -n "$(wc -l <t.tsv)" >s.tsv
    check "  the same probabilities in a shard" cmp s.tsv t.tsv
    # after the prompt's last byte comes "a", whatever stands around it
    is "  fl-generate" "$(fl-generate -m m.flt -n 1 --temperature 0 --only-new "$(cat text)")" a
}
everywhere "begin" "256 " "" "257 " 62,97 'config.json:eos_token_id=257'
everywhere "no template" "" "" "257 " 62,97 'tokenizer.json:post_processor=' 'config.json:eos_token_id=257'
everywhere "two begins" "256 258 " "" "257 " 62,97 'tokenizer.json:template=[["<s>", "<stop>"], []]'
everywhere "an end in the template" "256 " "257 " "" 62,97 'tokenizer.json:template=[["<s>"], ["</s>"]]'
everywhere "an end alone" "" "257 " "" 62,97 'tokenizer.json:template=[[], ["</s>"]]' 'config.json:eos_token_id=257'
everywhere "another mark in the template" "256 " "258 " "257 " 62,97 \
    'tokenizer.json:template=[["<s>"], ["<stop>"]]' 'config.json:eos_token_id=257'
everywhere "a mark that is a stop, not the first" "256 " "258 " "" 62,97 \
    'tokenizer.json:template=[["<s>"], ["<stop>"]]' 'config.json:eos_token_id=[257, 258]'
everywhere "begin and end are one" "257 " "" "257 " 62,97 'tokenizer.json:template=[["</s>"], []]'
everywhere "the first of a list" "256 " "" "258 " 62,97 'config.json:eos_token_id=[258, 257]'

chain f bytes 62,97
is "--parse-special: as Hugging Face does" "$(fl-tokenize --parse-special -t m.flt text | one_row)" \
    "256 72 105 32 256 259 116 104 101 114 101 260 257 "
is "  without what stands around" "$(fl-tokenize --parse-special --no-special -t m.flt text | one_row)" \
    "72 105 32 256 259 116 104 101 114 101 260 257 "
chain f bytes 62,97 'tokenizer.json:added_tokens+=[{"ident": 261, "content": "ab", "special": false, "single_word": true},
    {"ident": 262, "content": "[Y]", "special": false, "rstrip": true, "lstrip": true},
    {"ident": 263, "content": "<|ab|>", "special": true}]'
printf 'ab  [Y] \tb abc <|ab|>' >flags
is "added tokens with flags" "$(fl-tokenize --no-special -t m.flt flags | one_row)" \
    "261 262 98 32 97 98 99 32 60 124 97 98 124 62 "
# an end of text that the file does not call special is not made of text either
chain f bytes 62,97 'config.json:eos_token_id=[261, 262]' \
    'tokenizer.json:added_tokens+=[{"ident": 261, "content": "<e>", "special": false}, {"ident": 262, "content": "<u>", "special": false}]'
printf 'a<e><u>' >ends
is "an end of text in a text stays text" "$(fl-tokenize --no-special -t m.flt ends | one_row)" "97 60 101 62 60 117 62 "

# --- who says where a text ends -------------------------------------------------------------------
# after "Hi" the model writes h, e, y, 257 </s>, ! and 258 <stop>
says_hey=105,104,101,121,257,33,258,63
ends() {   # "what" TEXT END FILE:KEY=JSON...: what fl-generate writes, and how a shard's document ends
    _what=$1 _text=$2 _end=$3
    shift 3
    chain f bytes $says_hey "$@" || { report 1 "$_what: import"; sed 's/^/# /' err; return; }
    is "$_what" "$(fl-generate -m m.flt -n 6 --temperature 0 Hi)" "$_text"
    fl-harmonize -t m.flt -o s.flt text
    is "  and in a shard" "$(ids s.flt | awk '{print $NF}')" "$_end"
}
gone='config.json:eos_token_id='
named='tokenizer.json:added_tokens=[]' # of these tokens the known names are gone
ends "a number" Hihey 257 'config.json:eos_token_id=257'
ends "another number" 'Hihey!' 258 'config.json:eos_token_id=258'
ends "a list" Hihey 257 'config.json:eos_token_id=[257, 258]'
ends "a list whose second comes first" Hihey 258 'config.json:eos_token_id=[258, 257]'
ends "in generation_config.json" 'Hihey!' 258 $gone 'generation_config.json:eos_token_id=258'
ends "  as a list" Hihey 258 $gone 'generation_config.json:eos_token_id=[258, 257]'
ends "  which stands before config.json's" Hihey 258 'config.json:eos_token_id=257' 'generation_config.json:eos_token_id=258'
ends "a name in tokenizer_config.json" 'Hihey!' 258 'tokenizer_config.json:eos_token="<stop>"'
ends "  as an object" 'Hihey!' 258 'tokenizer_config.json:eos_token={"content": "<stop>", "lstrip": false}'
ends "a name in special_tokens_map.json" 'Hihey!' 258 'special_tokens_map.json:eos_token="<stop>"'
ends "  after null and an empty list" 'Hihey!' 258 'config.json:eos_token_id=null' \
    'generation_config.json:eos_token_id=[]' 'special_tokens_map.json:eos_token={"content": "<stop>"}'
ends "nobody: a known name" Hihey 257
ends "an empty list: a known name" Hihey 257 'config.json:eos_token_id=[]'
ends "nobody: the template's" 'Hihey' 258 'tokenizer.json:template=[[], ["<stop>"]]'
chain f bytes $says_hey 'config.json:eos_token_id=[258, 257]'
fl-init -c - -t m.flt -o new.flt <<'Y'
layers: 1
channels: 8
heads: 1
Y
is "a new model with the tokenizer of another keeps them" "$(meta new.flt tokenizer.eos)" 258,257
fl-harmonize -t f/tokenizer.json -o byname.flt text
status 1 "a shard that ends its documents otherwise than the model" fl-eval -m m.flt byname.flt
says 'byname.flt: its documents end with token 257, and the model.s with 258; make it again with fl-harmonize -t MODEL'

refused() {   # "what" "words" FILE:KEY=JSON...
    _what=$1 _words=$2
    shift 2
    python "$top/tests/cli/chain.py" f bytes $says_hey "$@"
    rm -f no.flt
    status 1 "refused: $_what" fl-import -o no.flt f
    says "$_words"
    check "  and nothing is left" sh -c '! ls -A | grep -q "^[.]*no.flt"'
}
refused "an id beyond the vocabulary" 'config.json: "eos_token_id" is 270, which is no token of tokenizer.json; its ids end at 260' \
    'config.json:eos_token_id=270'
refused "  in a list" 'generation_config.json: "eos_token_id" is 261' 'generation_config.json:eos_token_id=[257, 261]'
refused "  -1" '"eos_token_id" is -1' 'config.json:eos_token_id=-1'
refused "a string" 'neither a token.s id nor a list' 'config.json:eos_token_id="257"'
refused "true" 'neither a token.s id nor a list' 'config.json:eos_token_id=true'
refused "half a token" 'neither a token.s id nor a list' 'config.json:eos_token_id=[257.5]'
refused "a list in a list" 'neither a token.s id nor a list' 'config.json:eos_token_id=[[257]]'
refused "a hole in the vocabulary" '"eos_token_id" is 265' 'config.json:eos_token_id=265' \
    'tokenizer.json:added_tokens+=[{"ident": 267, "content": "<far>", "special": true}]'
refused "a name that is no token" 'tokenizer_config.json: "eos_token" is "<none>", which is no token' \
    'tokenizer_config.json:eos_token="<none>"'
refused "a name of another type" '"eos_token" is neither a name' 'tokenizer_config.json:eos_token=[257]'
chain f bytes $says_hey 'config.json:eos_token_id=[33, 257]'
is "a byte can end what a model writes" "$(fl-generate -m m.flt -n 9 --temperature 0 Hi)" Hihey
status 1 "  but no document" fl-harmonize -t m.flt -o no.flt text
says 'm.flt: the end of text is token 33, which a text may have within it'
sed 's/<\/s>/<e>/g; s/<stop>/<f>/g' f/tokenizer.json >nameless.json
status 1 "a tokenizer.json that does not say it" fl-harmonize -t nameless.json -o no.flt text
says 'nameless.json: the tokenizer has no end of text'
python - "$top/tests/cli" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from updates import read, write
kind, meta, tensors = read("m.flt")
for name, value in dict(beyond=(257, 400), below=(-1,), many=(257,) * 65, text="257", real=(257.0,)).items():
    meta["tokenizer.eos"] = value
    write(name + ".flt", kind, meta, tensors)
PY
for name in beyond below many text real; do
    status 1 "a model whose tokenizer.eos is of another kind: $name" fl-generate -m $name.flt Hi
    says "$name.flt: \"tokenizer.eos\""
done

# --- begin tokens are not scored ------------------------------------------------------------------
printf '{"text":"ab"}\n{"text":"c"}\n{"text":"de"}\n' >d.jsonl
chain f bytes 97,98 'config.json:eos_token_id=257'
fl-harmonize -t m.flt -o d.flt d.jsonl
fl-eval -m m.flt d.flt >d.tsv
is "three documents: five bytes and three ends" "$(cell d.tsv total tokens) $(cell d.tsv total bytes)" "8 5"
fl-eval -m m.flt --per-token d.flt >dt.tsv
is "  per token: begins have no probability" "$(awk -F'\t' '$4 == "-" {printf "%s:%s ", $1, $2}' dt.tsv)" "0:256 4:256 7:256 "
check "  the mean of the others is the loss" sh -c "awk -F'\t' 'NR > 1 && \$4 != \"-\" {s -= \$4; n++}
    END {d = s / n - $(cell d.tsv total loss); exit !(n == 8 && d < 1e-6 && -d < 1e-6)}' dt.tsv"
chain f bytes 97,98 'tokenizer.json:template=[["<s>", "<stop>"], []]' 'config.json:eos_token_id=257'
fl-harmonize -t m.flt -o d.flt d.jsonl
fl-eval -m m.flt d.flt >d2.tsv
is "two begins each: the same number" "$(cell d2.tsv total tokens) $(cell d2.tsv total bytes)" "8 5"
chain f bytes 97,98 'tokenizer.json:post_processor=' 'config.json:eos_token_id=257'
fl-harmonize -t m.flt -o d.flt d.jsonl
fl-eval -m m.flt d.flt >d0.tsv
is "none: all but the very first" "$(cell d0.tsv total tokens) $(cell d0.tsv total bytes)" "7 4"
# a model that knows what follows each byte, and nothing of begins: one logit is 9 sqrt(270) = 148 above the others
chain f bytes 256,97,98,257,97 'config.json:eos_token_id=257'
printf '{"text":"ab"}\n{"text":"ab"}\n{"text":"ab"}\n{"text":"ab"}\n' >abs.jsonl
fl-harmonize -t m.flt -o abs.flt abs.jsonl
fl-eval -m m.flt abs.flt >abs.tsv
is "a model that predicts all but begins makes no mistake" "$(cell abs.tsv total loss) $(cell abs.tsv total accuracy)" "0 1"
printf '{"text":"ab"}\n{"text":"ab"}\n' >two.jsonl
fl-harmonize -t m.flt -o two.flt two.jsonl
check "it can be trained" fl-train -q -m m.flt --steps 1 --lr 1e-9 -l 8 -b 1 --valid two.flt --report r.tsv -o u.flt abs.flt
is "  nor when it is trained" "$(meta u.flt loss.first) $(awk 'NR > 1 {printf "%s %s ", $2, $3}' r.tsv)" "0 0 0 0 0 "

# --- bytes are wc -c ------------------------------------------------------------------------------
python - <<'PY'
import json
docs = ["lo", " lo", "  lo loo", "\u2581lo", "\u2581", "lo\u2581 \u4e2d\u6587 \U0001f600", "lo \n\n lo", "l\u0301o",
        "<s>lo</s>", "lo [X]  loo", "[X] lo", "lo[X][X]", "x" * 700 + " " + "lo " * 700, "", " \n ", "lo  ", "a\x00b"]
with open("b.jsonl", "w") as f:
    for d in docs:
        f.write(json.dumps(dict(text=d)) + "\n")
PY
bytes() {   # "what" kind FILE:KEY=JSON...: with a begin every byte of every document is scored
    _what=$1
    shift
    chain f "$1" 5,6 "$2" "$3" || { report 1 "$_what: import"; sed 's/^/# /' err; return; }
    fl-harmonize -q -t m.flt --max-document 1024 --card card.tsv -o b.flt b.jsonl
    fl-eval -m m.flt b.flt >b.tsv
    is "bytes: $_what" "$(cell b.tsv total bytes)" "$(cell card.tsv total bytes_out)"
    python -c 'import json
for i, line in enumerate(open("b.jsonl")): open(f"doc{i}", "w").write(json.loads(line)["text"])'
    _bad=
    for _i in 0 1 2 3 4 5 6 7 8 9 10 11 12 15 16; do
        fl-eval -m m.flt --text doc$_i >one.tsv
        [ "$(cell one.tsv total bytes)" = $(($(wc -c <doc$_i))) ] || _bad="$_bad doc$_i"
    done
    is "  and as texts" "$_bad" ""
}
x_token='tokenizer.json:added_tokens+=[{"ident": 269, "content": "[X]", "special": false, "rstrip": true, "lstrip": true}]'
n_token='tokenizer.json:added_tokens+=[{"ident": 269, "content": "[X]", "special": false, "normalized": true}]'
metaspace() { echo "tokenizer.json:pre_tokenizer={\"type\": \"Metaspace\", \"replacement\": \"▁\", \"prepend_scheme\": \"$1\", \"split\": false}"; }
bytes "byte-level" bytes 'tokenizer.json:version="1.0"' 'tokenizer.json:version="1.0"'
bytes "byte-level with a space in front" bytes \
    'tokenizer.json:pre_tokenizer={"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}' 'tokenizer.json:version="1.0"'
bytes "spaces that go with an added token" bytes \
    'tokenizer.json:added_tokens=[]' \
    'tokenizer.json:added_tokens+=[{"ident": 256, "content": "<s>", "special": true}, {"ident": 257, "content": "</s>", "special": true},
        {"ident": 258, "content": "<stop>", "special": true}, {"ident": 260, "content": "[X]", "special": false, "rstrip": true, "lstrip": true}]'
bytes "a prefix that the normalizer puts" spm 'tokenizer.json:version="1.0"' 'tokenizer.json:version="1.0"'
bytes "  and an added token that takes spaces" spm "$x_token" 'tokenizer.json:version="1.0"'
bytes "  and one that is normalised" spm "$n_token" 'tokenizer.json:version="1.0"'
bytes "Metaspace, first" spm "$(metaspace first)" 'tokenizer.json:normalizer='
bytes "Metaspace, always" spm "$(metaspace always)" 'tokenizer.json:normalizer='
bytes "Metaspace, never" spm "$(metaspace never)" 'tokenizer.json:normalizer='
chain f spm 5,6
printf '{"text":"lo"}\n{"text":"lol"}\n' >lo.jsonl
fl-harmonize -t m.flt -o lo.flt lo.jsonl
is "per token: the space in front is no byte of the first" \
    "$(fl-eval -m m.flt --per-token lo.flt | awk 'NR > 1 {printf "%s:%s ", $2, $3}')" "1:0 262:1 261:1 2:0 1:0 262:1 261:1 260:1 2:0 "
chain f spm 5,6 'tokenizer.json:post_processor='
fl-harmonize -t m.flt -o lo.flt lo.jsonl
fl-eval -m m.flt lo.flt >lo.tsv
is "without begin: all bytes but the first token's" "$(cell lo.tsv total bytes)" 4

# --- what others say ------------------------------------------------------------------------------
c=$shared/data/cases
if [ -d "$c" ]; then
    for k in eos-list eos-template; do
        fl-import -o k.flt "$c/$k"
        is "$k" "$(fl-generate -m k.flt -n 12 --temperature 0 Hi)" Hihey
    done
    fl-import -o k.flt "$c/wsruns"
    is "added tokens that are not special" "$(fl-eval -m k.flt --text "$c/code2.txt" --per-token | grep -c '^[0-9]')" 22
    fl-import -o k.flt "$shared/data/models/stories260K"
    fl-harmonize -t k.flt -o k1.flt "$c/short.jsonl"
    fl-eval -m k.flt k1.flt >k.tsv
    is "200 bytes of short texts" "$(cell k.tsv total bytes)" 200
    check "  27.3 to 27.7 bits each" awk -F'\t' 'END {exit !($6 > 27.25 && $6 < 27.75)}' k.tsv
else
    skip "what others say" "no ../shared/data here"
fi
finish
