#!/bin/sh
# fl-init: presets, shapes from YAML, tokenizers, seeds; what it refuses.
# shellcheck disable=SC2016  # awk programs and shells of their own
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
said() { grep -q -- "$1" keep && [ "$(wc -l < keep)" = 1 ]; }   # one line with these words
refused() {   # status "what" "words" args...: one line with these words, and no output
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-init -o x.flt "$@"
    cp err keep
    check "  and says why: $_words" said "$_words"
    [ "$_status" = 0 ] || check "  and leaves nothing" sh -c '[ ! -e x.flt ] && [ ! -e .x.flt.part ]'
}
yaml() { printf '%b' "$1" > c.yaml; }

# ---- presets ----
check "nano" fl-init -p nano -o nano.flt
check "  is a model as promised" shards model nano.flt
check "  of at most 0.2 million parameters" [ "$(cat out)" -le 200000 ]
check "micro" fl-init -p micro -o micro.flt
check "  is a model as promised" shards model micro.flt
check "  of about a million parameters" sh -c "[ $(cat out) -gt 700000 ] && [ $(cat out) -lt 1300000 ]"
check "the list of presets" fl-init --list-presets
cp out presets
check "  has a header and seven rows, smallest first" sh -c \
    '[ "$(cut -f 1 presets | tr "\n" " ")" = "preset nano micro small medium gpt2-124m smollm2-135m base large qwen2.5-0.5b llama3.2-1b xl " ] &&
     tail -n +2 presets | cut -f 2 | sort -cn'
check "  small: about 15 million, at least 384 channels" awk -F'\t' \
    '$1 == "small" { ok = $2 > 12e6 && $2 < 18e6 && $4 >= 384 } END { exit !ok }' presets
check "  counts what nano.flt has" awk -F'\t' -v n="$(shards model nano.flt)" \
    '$1 == "nano" { ok = $2 == n } END { exit !ok }' presets
check "  as JSON" sh -c 'fl-init --list-presets --json | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
sys.exit(not (len(rows) == 11 and rows[0][\"preset\"] == \"nano\"))"'

# ---- seeds ----
fl-init -p nano > again.flt
check "the same bytes again, on standard output" cmp nano.flt again.flt
fl-init -p nano --seed 0 -o seed0.flt
check "the default seed is 0" cmp nano.flt seed0.flt
fl-init -p nano --seed 1 -o seed1.flt
status 1 "another seed gives another model" cmp -s nano.flt seed1.flt
check "these bytes, on every machine" sh -c \
    'set -- $(head -c 400000 nano.flt | cksum); [ "$1" = 675058457 ]'

# ---- YAML ----
yaml 'layers: 3\nchannels: 24\nheads: 4\n'
check "a shape from YAML" fl-init -c c.yaml -o y.flt
check "  is a model as promised" shards model y.flt
yaml 'layers: 1\nchannels: 8\nheads: 4\nkv_heads: 2\nhead_dim: 6\nffn: 10\nctx: 7\ntied: false\nnorm_eps: 1e-6\nrope_base: 500000\nvocab: 300\nfamily: llama\nnorm: rmsnorm\nact: silu\nbias: 0\n'
check "all keys" fl-init -c c.yaml -o all.flt
check "  is a model as promised" shards model all.flt
meta() { python "$top/tests/cli/updates.py" meta all.flt "arch.$1"; }
check "  with these values" [ "$(for k in layers channels heads kv_heads head_dim ffn ctx tied \
    norm_eps rope_base vocab; do meta $k; done | tr '\n' ' ')" = \
    "1 8 4 2 6 10 7 0 1e-06 500000.0 300 " ]
yaml 'preset: nano\n'
check "a preset by YAML" sh -c 'fl-init -c - < c.yaml > p.flt'
check "  is that preset" cmp nano.flt p.flt
yaml 'preset: nano\nctx: 32\nlayers: 1\n'
check "a preset with changes" fl-init -c c.yaml -o p2.flt
check "  has fewer parameters" [ "$(shards model p2.flt)" -lt "$(shards model nano.flt)" ]
refused 2 "an unknown key" 'c.yaml: line 2: there is no key "depth"' \
    -c "$(yaml 'preset: nano\ndepth: 3\n'; echo c.yaml)"
refused 2 "a vocabulary smaller than the tokenizer's" "vocab: is smaller" \
    -c "$(yaml 'preset: nano\nvocab: 256\n'; echo c.yaml)"
refused 2 "heads that kv_heads does not divide" "c.yaml: .*heads" \
    -c "$(yaml 'preset: nano\nkv_heads: 3\n'; echo c.yaml)"
refused 2 "an odd head_dim" "head_dim" -c "$(yaml 'preset: nano\nhead_dim: 5\n'; echo c.yaml)"
refused 2 "a bias of no map" "bias: .*0 to 7" -c "$(yaml 'preset: nano\nbias: 8\n'; echo c.yaml)"
refused 2 "no shape at all" "needs layers, channels and heads, or a preset" \
    -c "$(yaml 'ctx: 64\n'; echo c.yaml)"
refused 2 "too large a shape" "c.yaml: " \
    -c "$(yaml 'layers: 1024\nchannels: 131072\nheads: 1024\nhead_dim: 1024\n'; echo c.yaml)"
refused 1 "a missing file" "none.yaml: cannot" -c none.yaml

# ---- tokenizers ----
check "the tokenizer of a model" fl-init -p nano -t seed1.flt -o t.flt
check "  gives the same model" cmp nano.flt t.flt
refused 1 "an empty tokenizer" "empty.json: " -p nano -t "$(: > empty.json; echo empty.json)"
refused 1 "a cut model as tokenizer" "cut.flt: " \
    -p nano -t "$(head -c 3000 nano.flt > cut.flt; echo cut.flt)"
shards ids nano.flt shard.flt 1 2 3
refused 1 "a shard as tokenizer" "shard.flt: " -p nano -t shard.flt

# ---- command line, outputs ----
refused 2 "no shape" "-p PRESET or -c CONFIG.yaml is missing"
refused 2 "an unknown preset" '"huge" is not one of' -p huge
refused 2 "both" "exclude each other" -p nano -c c.yaml
refused 2 "an operand" "one operand too many" -p nano x
if command -v script >/dev/null; then
    status 2 "a terminal is refused" script -qec "fl-init -p nano" /dev/null
else
    skip "a terminal is refused" "no script(1)"
fi
fl-init -p micro 2>pipe | :
check "a reader that goes away is no error line" [ ! -s pipe ]
check "compressed" fl-init -p nano -z -o z.flt
check "  has the same digest as raw" sh -c '[ "$(fl-init -p nano -t z.flt | cksum)" = "$(cksum < nano.flt)" ]'
if [ "$(id -u)" = 0 ] && mkdir full && mount -t tmpfs -o size=100k none full 2>/dev/null; then
    status 1 "a full disk" fl-init -p nano -o full/m.flt
    check "  leaves nothing" sh -c '[ -z "$(ls -A full)" ]'
    umount full
else
    skip "a full disk" "needs root and mount"
fi
finish
