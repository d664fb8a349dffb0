#!/bin/sh
# A cure fits its cause: each case is a command that fails, its status, words of its one line, and the
# advice followed to the end, which must succeed. (Those of rosters and of masked rounds are in 5*.sh too.)
# shellcheck disable=SC2016 # commands for sh -c
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
updates() { python "$top/tests/cli/updates.py" "$@"; }
shards() { python "$top/tests/cli/shards.py" "$@"; }

cure() {   # STATUS "words" 'what fails' 'what was advised'
    status "$1" "$1: $3" sh -c "$3"
    says "$2"
    check "  so: $4" sh -c "$4"
}
warned() {   # "words" 'what warns' 'what was advised, which does not'
    check "$2" sh -c "$2"
    says "$1"
    check "  so: $3" sh -c "$3"
    check "  without a word" test ! -s err
}

# ---- a small federation of a, b, c and their hub; d and e are members of nothing ----
seq 1 400 | sed 's/.*/line & of a small text about nothing in particular/' >text.txt
sed 's/.*/{"text": "&"}/' text.txt >lines.jsonl
printf 'channels: 16\nlayers: 1\nheads: 2\nhead_dim: 8\nffn: 32\nctx: 64\n' >config.yaml
fl-init -c config.yaml --seed 1 -o model.flt && fl-init -c config.yaml --seed 2 -o other-model.flt &&
    fl-init -c config.yaml --seed 3 -o trained.flt &&
    fl-harmonize -t model.flt -o shard.flt text.txt &&
    sed s/a/b/ text.txt | fl-harmonize -t model.flt -o shard2.flt &&
    fl-harmonize -q --train-tokenizer 300 -o tokenizer.flt text.txt || exit 1
for site in a b c; do
    fl-train -q -m model.flt --steps 2 -b 1 -l 32 --seed "$(printf '%d' "'$site")" --site $site -o u$site.flt shard.flt
done
fl-train -q -m model.flt --steps 1 -b 1 -l 32 -o nosite.flt shard2.flt
fl-train -q -m other-model.flt --steps 1 -b 1 -l 32 --site b -o of-other.flt shard.flt
fl-aggregate -o mean.flt ua.flt ub.flt && fl-aggregate --partial -o sum.flt ua.flt ub.flt || exit 1
terms='max_skip: 30\ntensors: [{match: "*", protect: mask, bits: 32, clip: 1}]'
federation a b c 2>/dev/null && keys d e f || exit 1
fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o plan.flt || exit 1
for site in a b c; do fl-mask -q -k $site.key -p plan.flt -o m$site.flt u$site.flt; done
export top

# ---- the command line ----
cure 2 'did you mean "--steps"?' 'fl-train --stpes 1 -m model.flt shard.flt -o x.flt' \
    'fl-train -q --steps 1 -m model.flt -o x.flt shard.flt'
cure 2 'there is no option "--nothing"; see --help' 'fl-info --nothing model.flt' 'fl-info --help'
cure 2 'there is no option "-x"; see --help' 'fl-info -x model.flt' 'fl-info --help'
cure 2 'is one operand too many; see --help' 'fl-diff -b model.flt trained.flt more.flt' 'fl-diff --help'
cure 2 'did you mean "nesterov"' '{ cat roster.yaml; echo "apply: {rule: nestrov}"; } >s; fl-keygen --show s' \
    '{ cat roster.yaml; echo "apply: {rule: nesterov}"; } >s; fl-keygen --show s'
cure 2 'did you mean "dynamic"' 'fl-aggregate --weights dynamc ua.flt ub.flt >x.flt' \
    'fl-aggregate --weights dynamic --alpha 0 ua.flt ub.flt >x.flt'
cure 2 'did you mean "bash"' 'fl-info --completion bsh' 'fl-info --completion bash'
cure 2 'did you mean "micro"' 'fl-init -p mikro -o x.flt' 'fl-init -p micro -o x.flt'
cure 1 'did you mean "norm.weight"' 'fl-info --tensor norm.wieght model.flt' 'fl-info --tensor norm.weight model.flt'
cure 1 'has no tensor "q"; fl-info lists their names' 'fl-info --tensor q model.flt' 'fl-info model.flt | grep norm.weight'
cure 2 'name an input\|name a file' 'fl-info ""' 'fl-info model.flt'
cure 2 'the name of the output is empty; name a file' 'fl-diff -b model.flt -o "" trained.flt' \
    'fl-diff -b model.flt -o x.flt trained.flt'
mkdir folder
cure 2 'folder: is a folder; name a file in it' 'fl-diff -b model.flt -o folder trained.flt' \
    'fl-diff -b model.flt -o folder/x.flt trained.flt'
cure 1 'folder: is a folder; name a file in it' 'fl-info folder' 'fl-info folder/x.flt'
cure 2 'model.flt: is an input (--base) as well as the output of --output; write to another file' \
    'fl-diff -b model.flt -o model.flt trained.flt' 'fl-diff -b model.flt -o x.flt trained.flt'
cure 2 'is the output of both --card and --output; name two files' 'fl-harmonize -t model.flt --card x -o x text.txt' \
    'fl-harmonize -t model.flt --card card -o x.flt text.txt'
cure 2 'are both on standard output; name a file for one' 'fl-harmonize -t model.flt --card - text.txt' \
    'fl-harmonize -t model.flt --card - -o x.flt text.txt'
cure 2 'where a key remembers its rounds; write to another folder' 'fl-diff -b model.flt trained.flt -o x.flt &&
    fl-mask -k a.key -p plan.flt -o a.key.state/x ua.flt' 'fl-mask -q -k a.key -p plan.flt -o x.up ua.flt'
cure 2 'the path is too long\|a Hugging Face folder is missing; see --help' 'fl-import' 'fl-import --help'
for program in fl-train fl-eval; do
    cure 2 'must be operands' "$program -m - <model.flt" "$program -q -m - shard.flt <model.flt >x.flt"
done
cure 2 'the prompt must be an operand' 'fl-generate -m - <model.flt' 'fl-generate -m - -n 1 hi <model.flt'
cure 2 '-m MODEL is missing; it names the model to train from' 'fl-train shard.flt' 'fl-train -q -m model.flt --steps 1 -o x.flt shard.flt'
cure 2 '-m MODEL is missing; it names the model to eval' 'fl-eval shard.flt' 'fl-eval -m model.flt shard.flt'
cure 2 '-m MODEL is missing; it names the model that writes' 'fl-generate hi' 'fl-generate -m model.flt -n 1 hi'
cure 2 '-m MODEL is missing; name the model that the update' 'fl-apply ua.flt' 'fl-apply -m model.flt -o x.flt ua.flt'
cure 2 '-b MODEL is missing; name the model that training' 'fl-diff trained.flt' 'fl-diff -b model.flt -o x.flt trained.flt'
cure 2 '-k KEY is missing; it is the site.s key' 'fl-mask -p plan.flt ua.flt' 'fl-mask -q -k a.key -p plan.flt -o x.up ua.flt'
cure 2 '-p PLAN is missing; it is what the hub sent' 'fl-mask -k a.key ua.flt' 'fl-mask -q -k a.key -p plan.flt -o x.up ua.flt'
cure 2 '-r ROSTER is missing; a plan needs -r ROSTER, -k KEY, --round N and -m MODEL' 'fl-plan -k hub.key' \
    'fl-plan -r roster.yaml -k hub.key --round 1 -m model.flt -o x.flt'
cure 2 '-k KEY is missing; it is the key to print the line of' 'fl-keygen --public' 'fl-keygen --public -k a.key'
cure 2 '-o KEY is missing; the secret key goes to a file' 'fl-keygen -n x' 'fl-keygen -n x -o x.key'
cure 3 'x.key: is there already, and no key is written over a file; name a new one' 'fl-keygen -n x -o x.key' \
    'fl-keygen -n x -o x2.key'
cure 2 'goes to -o KEY, not -k' 'fl-keygen -n y -k y.key' 'fl-keygen -n y -o y.key'
cure 2 '-k KEY is missing; it is the key to accept the roster with' 'fl-keygen --accept roster.yaml' \
    'fl-keygen --accept roster.yaml -k a.key --words roster.yaml.words'
cure 2 '-p PRESET or -c CONFIG.yaml is missing; --list-presets shows' 'fl-init -o x.flt' \
    'fl-init -p "$(fl-init --list-presets | sed -n 2p | cut -f 1)" -o x.flt'
cure 2 'write "preset: nano" into config.yaml and what differs' 'fl-init -p nano -c config.yaml -o x.flt' \
    '{ echo "preset: nano"; echo "ctx: 64"; } >c2.yaml; fl-init -c c2.yaml -o x.flt'
cure 2 'cannot both be standard input' 'fl-init -c - -t - -o x.flt <config.yaml' 'fl-init -c config.yaml -t - -o x.flt <tokenizer.flt'
cure 2 '-t MODEL|TOKENIZER is missing; --train-tokenizer SIZE would make' 'fl-harmonize -o x.flt text.txt' \
    'fl-harmonize -q --train-tokenizer 300 -o x.tok text.txt && fl-harmonize -t x.tok -o x.flt text.txt'
cure 2 '--valid-output needs --valid FRACTION' 'fl-harmonize -t model.flt --valid-output v.flt -o x.flt text.txt' \
    'fl-harmonize -t model.flt --valid 0.5 --valid-output v.flt -o x.flt lines.jsonl'
cure 2 '--valid needs --valid-output FILE' 'fl-harmonize -t model.flt --valid 0.5 -o x.flt text.txt' \
    'fl-harmonize -t model.flt --valid 0.5 --valid-output v.flt -o x.flt lines.jsonl'
cure 2 'the validation side is left out only' \
    'fl-harmonize --train-tokenizer 300 --valid 0.5 --valid-output v.flt -o x.flt text.txt' \
    'fl-harmonize -q --train-tokenizer 300 --valid 0.5 -o x.flt lines.jsonl'
cure 2 '--stats, --raw and --head belong to --tensor NAME' 'fl-info --stats model.flt' 'fl-info --stats --tensor norm.weight model.flt'
cure 2 'leave out --stats, --head' 'fl-info --raw --head 2 --tensor norm.weight model.flt' \
    'fl-info --raw --tensor norm.weight -o x.raw model.flt'
cure 2 'takes one input, and there are 2' 'fl-eval -m model.flt --per-token shard.flt shard2.flt' \
    'fl-eval -m model.flt --per-token shard.flt'
cure 1 'has more than one shard; --per-token takes one' 'cat shard.flt shard2.flt | fl-eval -m model.flt --per-token' \
    'fl-eval -m model.flt --per-token <shard.flt'
cure 2 '--steps and --epochs exclude each other; give one' 'fl-train -m model.flt --steps 1 --epochs 1 -o x.flt shard.flt' \
    'fl-train -q -m model.flt --steps 1 -o x.flt shard.flt'
cure 2 'has steps and epochs; give one' 'printf "steps: 1\nepochs: 1\n" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'echo "steps: 1" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
for program in 'fl-train -q --steps 1' fl-eval; do
    cure 2 'use -l 64 or less' "$program -m model.flt -l 65 shard.flt >x.flt" "$program -m model.flt -l 64 shard.flt >x.flt"
done
cure 2 'is above the highest, --lr 0.1' 'fl-train -m model.flt --lr 0.1 --min-lr 0.2 -o x.flt shard.flt' \
    'fl-train -q -m model.flt --steps 1 --lr 0.1 --min-lr 0.1 -o x.flt shard.flt'
for name in '' 'a b' "$(printf '%064d' 0)"; do
    cure 2 '; use 1 to 63 of A-Z a-z 0-9 . _ -, a letter or digit first' \
        "fl-diff -b model.flt --site '$name' -o x.flt trained.flt" \
        "fl-diff -b model.flt --site 0az.AZ_- -o x.flt trained.flt"
done
cure 2 '--alpha and --bandwidth belong to --weights dynamic' 'fl-aggregate --alpha 0 -o x.flt ua.flt ub.flt' \
    'fl-aggregate --weights dynamic --alpha 0 -o x.flt ua.flt ub.flt'
cure 2 'is named twice; give it one bandwidth' 'fl-aggregate --weights dynamic --bandwidth a=1,b=2,a=3 -o x.flt ua.flt ub.flt' \
    'fl-aggregate --weights dynamic --bandwidth a=1,b=2 -o x.flt ua.flt ub.flt'
cure 2 'site "a" is named twice; name it once' 'fl-aggregate --sites a,a,b -o x.flt ua.flt ub.flt' \
    'fl-aggregate --sites a,b -o x.flt ua.flt ub.flt'
cure 2 'leave out --min-sites' 'fl-aggregate --sites a,b --min-sites 2 -o x.flt ua.flt ub.flt' \
    'fl-aggregate --sites a,b -o x.flt ua.flt ub.flt'
cure 2 'leave out --partial, --request and --explain' 'fl-aggregate --check --partial ua.flt' 'fl-aggregate --check ua.flt'
cure 2 '-r, -k, --request, --fit and --state belong to -p PLAN; plain updates have no roster' 'fl-aggregate -r roster.yaml -o x.flt ma.flt' \
    'fl-aggregate -r roster.yaml -p plan.flt -o x.flt ma.flt mb.flt mc.flt'
cure 2 'leave out --sites, --min-sites, --weights' 'fl-aggregate -p plan.flt --sites a,b,c -o x.flt ma.flt mb.flt mc.flt' \
    'fl-aggregate -p plan.flt -o x.flt ma.flt mb.flt mc.flt'
cure 2 '--state FILE is missing; momentum keeps its velocity there' 'fl-apply -m model.flt --optimizer momentum -o x.flt mean.flt' \
    'fl-apply -q -m model.flt --optimizer momentum --state velocity.flt -o x.flt mean.flt'
cure 2 'belong to momentum and nesterov' 'fl-apply -m model.flt --state nesterov.flt -o x.flt mean.flt' \
    'fl-apply -q -m model.flt --optimizer nesterov --state nesterov.flt -o x.flt mean.flt'

# ---- YAML ----
cure 2 'line 1: there is no key "batsch"; known are .*; did you mean "batch"?' \
    'echo "batsch: 1" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'echo "batch: 1" >r.yaml; fl-train -q -m model.flt --steps 1 -c r.yaml -o x.flt shard.flt'
cure 2 'alias "\*x" is refused; write the value out' \
    'printf "steps: *x\n" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'printf "steps: 1\n" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
cure 2 'anchor "&x" is refused; write the value out where it is used' \
    'printf "steps: &x 1\n" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'printf "steps: 1\n" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
cure 2 'tag ".*" is refused; types follow from the key' \
    'printf "steps: !!int 1\n" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'printf "steps: 1\n" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
cure 2 'a second document; one file holds one' \
    'printf "steps: 1\n---\nbatch: 1\n" >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'printf "steps: 1\nbatch: 1\n" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
cure 2 'is empty; it should be a YAML mapping' ': >r.yaml; fl-train -m model.flt -c r.yaml -o x.flt shard.flt' \
    'echo "steps: 1" >r.yaml; fl-train -q -m model.flt -c r.yaml -o x.flt shard.flt'
cure 2 'kv_heads: 3 does not divide the 4 heads; a divisor would be right' \
    'printf "preset: nano\nkv_heads: 3\n" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\nkv_heads: 2\n" >c.yaml; fl-init -c c.yaml -o x.flt'
cure 2 'head_dim: 15 is odd; rotary positions need an even number' \
    'printf "preset: nano\nhead_dim: 15\n" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\nhead_dim: 14\n" >c.yaml; fl-init -c c.yaml -o x.flt'
cure 2 'rope_scaling are of rotary ones; leave these out' \
    'printf "preset: nano\npositions: learned\nrope_base: 5e5\n" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\npositions: learned\n" >c.yaml; fl-init -c c.yaml -o x.flt'
cure 2 'rope_scaling: is none, and .* leave these out' \
    'printf "preset: nano\nrope_factor: 4\n" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\n" >c.yaml; fl-init -c c.yaml -o x.flt'
cure 2 'rope_scaling: is linear, and .* leave these out' \
    'printf "preset: nano\nrope_scaling: linear\nrope_factor: 4\nrope_ctx: 64\n" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\nrope_scaling: linear\nrope_factor: 4\n" >c.yaml; fl-init -c c.yaml -o x.flt'
cure 2 'needs layers, channels and heads, or a preset' 'echo "ctx: 64" >c.yaml; fl-init -c c.yaml -o x.flt' \
    'printf "preset: nano\nctx: 64\n" >c.yaml; fl-init -c c.yaml -o x.flt'

# ---- streams ----
head -c 3000 shard.flt >cut.flt
cure 1 'cut.flt: is cut .*; fetch the file again' 'fl-train -m model.flt --steps 1 -o x.flt cut.flt' \
    'cp shard.flt cut.flt; fl-train -q -m model.flt --steps 1 -o x.flt cut.flt'
python -c 'import sys; d = bytearray(open("model.flt", "rb").read()); d[len(d) // 2] ^= 4; open("flip.flt", "wb").write(d)'
cure 1 'flip.flt: a block is damaged .*; fetch the file again' 'fl-train -m flip.flt --steps 1 -o x.flt shard.flt' \
    'cp model.flt flip.flt; fl-train -q -m flip.flt --steps 1 -o x.flt shard.flt'
python - <<'END'
import os, sys
sys.path.insert(0, os.environ["top"] + "/tests/vectors")
from make import Object, record
open("newer.flt", "wb").write(Object("model", {}).data + record(b"WHAT", 1, b""))
open("needs.flt", "wb").write(Object("model", {}).tensor("t", "u8", [4], b"abcd", attributes={"!scale": 1}).done().data)
END
for file in newer.flt needs.flt; do   # whole: another copy would be no better
    status 1 "what only a newer version reads: $file" fl-info $file
    says 'the file is whole: read it with a newer fl than [0-9.]*, or ask who wrote it'
done
cat model.flt other-model.flt >two.flt
cure 1 'two.flt: has more than one object; one is expected' 'fl-train -m two.flt --steps 1 -o x.flt shard.flt' \
    'head -c "$(wc -c <model.flt)" two.flt >one.flt; fl-train -q -m one.flt --steps 1 -o x.flt shard.flt'
cure 1 'shard.flt: is of kind "tokens"; "model" is expected, as fl-init' 'fl-eval -m shard.flt shard.flt' \
    'fl-init -c config.yaml -o x.flt; fl-eval -m x.flt shard.flt'

# ---- training ----
fl-init -p nano -t tokenizer.flt -o bpe.flt
cure 1 'was made with another tokenizer than the model.s; make it again with fl-harmonize -t MODEL' \
    'fl-train -m bpe.flt --steps 1 -o x.flt shard.flt' \
    'fl-harmonize -t bpe.flt -o again.flt text.txt; fl-train -q -m bpe.flt --steps 1 -o x.flt again.flt'
shards ids model.flt high.flt 1 2 257 3
cure 1 'has the id 257, and the model.s ids end at 256; make it again with fl-harmonize -t MODEL' \
    'fl-train -m model.flt --steps 1 -o x.flt high.flt' \
    'fl-harmonize -t model.flt -o again.flt text.txt; fl-train -q -m model.flt --steps 1 -o x.flt again.flt'
cure 1 'is the same shard as shard.flt; name each shard once' 'fl-train -m model.flt --steps 1 -o x.flt shard.flt shard.flt' \
    'fl-train -q -m model.flt --steps 1 -o x.flt shard.flt'
cure 1 'which --valid measures on; name it for one of the two' \
    'fl-train -m model.flt --steps 1 --valid shard2.flt -o x.flt shard.flt shard2.flt' \
    'fl-train -q -m model.flt --steps 1 --valid shard2.flt -o x.flt shard.flt'
fl-harmonize -t model.flt --valid 0.5 --valid-output held.flt -o rest.flt lines.jsonl
cure 1 'put aside for validation, 0.5 of its text; give it to --valid, or make shards without' \
    'fl-train -m model.flt --steps 1 -o x.flt rest.flt held.flt' \
    'fl-train -q -m model.flt --steps 1 --valid held.flt -o x.flt rest.flt &&
     fl-harmonize -t model.flt -o all.flt lines.jsonl && fl-train -q -m model.flt --steps 1 -o x.flt all.flt'
updates edit held.flt test.flt split=t:test
cure 1 'is the part "test" of its text, which was put aside; train on the rest' \
    'fl-train -m model.flt --steps 1 -o x.flt test.flt' 'fl-train -q -m model.flt --steps 1 -o x.flt rest.flt'
shards ids model.flt few.flt 1 2 3 4 5
cure 1 'use -l 4 or less' 'fl-train -m model.flt --steps 1 -l 5 -o x.flt few.flt' \
    'fl-train -q -m model.flt --steps 1 -l 4 -o x.flt few.flt'
cure 1 'is not a finite number; lower --lr (it is 1e+30) or lengthen --warmup' \
    'fl-train -m model.flt --steps 5 --lr 1e30 --min-lr 1e30 -o x.flt shard.flt' \
    'fl-train -q -m model.flt --steps 5 --lr 1e-3 -o x.flt shard.flt'
cure 1 'lower --lr .*, with another --checkpoint' \
    'fl-train -m model.flt --steps 5 --lr 1e30 --min-lr 1e30 --checkpoint k1.flt --checkpoint-every 0 -o x.flt shard.flt' \
    'fl-train -q -m model.flt --steps 5 --lr 1e-3 --checkpoint k2.flt -o x.flt shard.flt'
for x in 3e38 1e30; do
    shards fill model.flt huge.flt $x
    cure 1 'the base model.s \(loss\|gradient\) is not a finite number; train from another model' \
        'fl-train -m huge.flt --steps 1 -o x.flt shard.flt' 'fl-train -q -m model.flt --steps 1 -o x.flt shard.flt'
    cure 1 'the base model.s \(loss\|gradient\) is not a finite number; train from another model' \
        'fl-train -m huge.flt --steps 1 --dry-run shard.flt' 'fl-train -q -m model.flt --steps 1 --dry-run shard.flt'
done
train='fl-train -q -m model.flt --steps 2 -b 1 -l 32 -o x.flt'
$train --checkpoint k.flt shard.flt
cure 3 'began from another base model; give that model to -m, or another name to --checkpoint' \
    'fl-train -m other-model.flt --steps 2 -b 1 -l 32 -o x.flt --checkpoint k.flt shard.flt' \
    "$train --checkpoint k.flt shard.flt && fl-train -q -m other-model.flt --steps 2 -b 1 -l 32 -o x.flt --checkpoint k3.flt shard.flt"
cure 3 'is of a training on other shards; give the same ones, or another name to --checkpoint' \
    "$train --checkpoint k.flt shard2.flt" "$train --checkpoint k.flt shard.flt && $train --checkpoint k4.flt shard2.flt"
cure 3 'batch was 1 and is 2 now; give the same ones, or another name to --checkpoint' \
    "$train -b 2 --checkpoint k.flt shard.flt" "$train --checkpoint k.flt shard.flt && $train -b 2 --checkpoint k5.flt shard.flt"
head -c 9000 k.flt >kcut.flt
cure 1 'kcut.flt: is cut .*; remove it to train from the beginning' "$train --checkpoint kcut.flt shard.flt" \
    "rm kcut.flt; $train --checkpoint kcut.flt shard.flt"
for file in other-model.flt trained.flt roster.yaml text.txt a.pub; do   # nobody's work is removed
    cp $file kept
    cure 1 "$file: is .*; give another name to --checkpoint, where none is yet" "$train --checkpoint $file shard.flt" \
        "$train --checkpoint new-$file shard.flt && cmp $file kept"
done
cure 2 'a checkpoint is read again, so it must be a file' "$train --checkpoint - shard.flt" "$train --checkpoint k6.flt shard.flt"
warned 'have only 3 windows of 32 tokens' \
    'head -c 99 text.txt | fl-harmonize -t model.flt -o three.flt; fl-train -m model.flt --epochs 1 -b 64 -l 32 -o x.flt three.flt' \
    'fl-train -m model.flt --epochs 1 -b 3 -l 32 -o x.flt three.flt'

# ---- updates and sums ----
cure 1 'is a mean already, and rounded; add what it was made of, or make partial sums with --partial' \
    'fl-aggregate -o x.flt mean.flt uc.flt' \
    'fl-aggregate -o x.flt ua.flt ub.flt uc.flt && fl-aggregate --partial -o s.flt ua.flt ub.flt && fl-aggregate -o y.flt s.flt uc.flt && cmp x.flt y.flt'
cure 1 'has no site, which a partial sum must know; make it with --site NAME' 'fl-aggregate --partial -o x.flt nosite.flt' \
    'fl-train -q -m model.flt --steps 1 -b 1 -l 32 --site s -o s.flt shard2.flt; fl-aggregate --partial -o x.flt s.flt'
cure 1 'each must name its site, .*; make updates with --site NAME' 'fl-aggregate -o x.flt ua.flt nosite.flt' \
    'fl-train -q -m model.flt --steps 1 -b 1 -l 32 --site s -o s.flt shard2.flt; fl-aggregate -o x.flt ua.flt s.flt'
cure 1 'has no site, which --sites must know; make it with --site NAME' 'fl-aggregate --sites s -o x.flt nosite.flt' \
    'fl-train -q -m model.flt --steps 1 -b 1 -l 32 --site s -o s.flt shard2.flt; fl-aggregate --sites s -o x.flt s.flt'
updates edit ua.flt foreign.flt 'site=t:a b'
cure 1 'its site is "a b", which is no name (.*); make it again with another --site NAME' 'fl-aggregate -o x.flt foreign.flt ub.flt' \
    'fl-train -q -m model.flt --steps 2 -b 1 -l 32 --site ab -o s.flt shard.flt; fl-aggregate -o x.flt s.flt ub.flt'
cure 3 'is of site "b", which is not one of --sites' 'fl-aggregate --sites a,c -o x.flt ua.flt ub.flt' \
    'fl-aggregate --sites a,b -o x.flt ua.flt ub.flt'
cure 4 '1 of 3 sites missing: c; run it again when their updates are here' 'fl-aggregate --sites a,b,c -o x.flt ua.flt ub.flt' \
    'fl-aggregate --sites a,b,c -o x.flt ua.flt ub.flt uc.flt'
cure 4 '2 of at least 3 sites are in; run it again when more updates are here' 'fl-aggregate --min-sites 3 -o x.flt ua.flt ub.flt' \
    'fl-aggregate --min-sites 3 -o x.flt ua.flt ub.flt uc.flt'
cure 4 '1 missing: c; run it again when they are here' 'fl-aggregate --check --sites a,b,c ua.flt ub.flt' \
    'fl-aggregate --check --sites a,b,c ua.flt ub.flt uc.flt'
cure 1 '1 bad: cut.flt; the report says why' 'head -c 3000 ub.flt >cut.flt; fl-aggregate --check ua.flt cut.flt' \
    'fl-aggregate --check ua.flt cut.flt | grep "is cut"; cp ub.flt cut.flt; fl-aggregate --check ua.flt cut.flt'
cure 1 'is masked; give the plan of its round with -p PLAN' 'fl-aggregate -o x.flt ma.flt mb.flt mc.flt' \
    'fl-aggregate -p plan.flt -o x.flt ma.flt mb.flt mc.flt'
updates edit ua.flt no-sum.flt kind=sum sum.total=b:00000000000100000000000000000000 sum.sites=l:a sum.weights=t:examples
cure 1 'is not one of a partial sum; make it with fl-aggregate --partial' 'fl-aggregate -o x.flt no-sum.flt' \
    'fl-aggregate --partial -o s.flt ua.flt; fl-aggregate -q -o x.flt s.flt'
warned 'the mean is of a single update; --min-sites says' 'fl-aggregate -o x.flt ua.flt' \
    'fl-aggregate --sites a -o x.flt ua.flt && fl-aggregate --min-sites 1 -o x.flt ua.flt'
for key in examples tokens loss.first; do
    updates edit ua.flt no-$key.flt $key=
done
diff='fl-diff -b model.flt --site a --examples 3 --tokens 99 --loss-first 3 -o again.flt trained.flt'
cure 1 'has no "examples", which weights by examples need; make it with fl-train, or with fl-diff --examples' \
    'fl-aggregate -o x.flt no-examples.flt ub.flt' "$diff; fl-aggregate -o x.flt again.flt ub.flt"
cure 1 'has no "tokens", which weights by dynamic need; make it with fl-train, or with fl-diff --tokens' \
    'fl-aggregate --weights dynamic --alpha 0 -o x.flt no-tokens.flt ub.flt' \
    "$diff; fl-aggregate --weights dynamic --alpha 0 -o x.flt again.flt ub.flt"
cure 1 'has no "loss.first", which weights by loss need; make it with fl-train, or with fl-diff --loss-first' \
    'fl-aggregate --weights loss -o x.flt no-loss.first.flt ub.flt' "$diff; fl-aggregate --weights loss -o x.flt again.flt ub.flt"
cure 1 'site "b" has no bandwidth; give --bandwidth b=MBIT, or --alpha 0 to leave it out' \
    'fl-aggregate --weights dynamic --bandwidth a=10 -o x.flt ua.flt ub.flt' \
    'fl-aggregate --weights dynamic --bandwidth a=10 --bandwidth b=20 -o x.flt ua.flt ub.flt &&
     fl-aggregate --weights dynamic --alpha 0 -o x.flt ua.flt ub.flt'
cure 1 'has no site, whose bandwidth would be its weight.s; make it with --site NAME, or give --alpha 0' \
    'fl-aggregate --weights dynamic --bandwidth s=10 -o x.flt nosite.flt' \
    'fl-train -q -m model.flt --steps 1 -b 1 -l 32 --site s -o s.flt shard2.flt
     fl-aggregate -q --weights dynamic --bandwidth s=10 -o x.flt s.flt && fl-aggregate -q --weights dynamic --alpha 0 -o x.flt nosite.flt'
updates edit ua.flt small.flt tokens=i:9007199254740992
cure 1 'would distort; only ratios count, so give all bandwidths in a larger unit, Gbit/s say' \
    'fl-aggregate -q --weights dynamic --alpha 1 --bandwidth a=1000 -o x.flt small.flt' \
    'fl-aggregate -q --weights dynamic --alpha 1 --bandwidth a=0.01 -o x.flt small.flt'
updates edit small.flt tiny.flt loss.first=f:1e-3
cure 1 'would distort; weigh by examples, loss or uniformly' 'fl-aggregate -q --weights dynamic --alpha 0 -o x.flt tiny.flt' \
    'for rule in examples loss uniform; do fl-aggregate -q --weights $rule -o x.flt tiny.flt || exit 1; done'
updates edit ua.flt nobase.flt base=
cure 1 'does not say which model it belongs to (no "base"); make it with fl-train or fl-diff' \
    'fl-apply -m model.flt -o x.flt nobase.flt' 'fl-diff -b model.flt -o u.flt trained.flt; fl-apply -m model.flt -o x.flt u.flt'
cure 3 'of-other.flt: belongs to the model .*; take the model that it was trained from' 'fl-apply -m model.flt -o x.flt of-other.flt' \
    'fl-apply -m other-model.flt -o x.flt of-other.flt'
updates edit ua.flt big.flt norm.weight[0]=3e38
cure 1 'makes a step out of the range of f32; use a smaller --lr' 'fl-apply -m model.flt --lr 10 -o x.flt big.flt' \
    'fl-apply -m model.flt --lr 0.1 -o x.flt big.flt'
momentum='fl-apply -q --optimizer momentum'
rm -f v.flt
$momentum -m model.flt --state v.flt -o next.flt mean.flt
fl-train -q -m next.flt --steps 1 -b 1 -l 32 --site a -o next-u.flt shard.flt
$momentum -m next.flt --state v.flt -o after.flt next-u.flt
fl-train -q -m next.flt --steps 2 -b 1 -l 32 --site a -o next-u2.flt shard.flt
cure 3 'v.flt: belongs to the model .*; take the state of this model' "$momentum -m model.flt --state v.flt -o x.flt mean.flt" \
    "rm -f v1.flt; $momentum -m model.flt --state v1.flt -o x.flt mean.flt && cmp x.flt next.flt"
cure 3 'has taken another update of next.flt already; take the state of before, or the model that it belongs to' \
    "$momentum -m next.flt --state v.flt -o x.flt next-u2.flt" \
    "cp v1.flt v2.flt; $momentum -m next.flt --state v2.flt -o x.flt next-u2.flt"
cure 3 'a step is done again with the same only' "$momentum --lr 0.5 -m next.flt --state v.flt -o x.flt next-u.flt" \
    "$momentum -m next.flt --state v.flt -o x.flt next-u.flt && cmp x.flt after.flt"
updates edit v.flt vbad.flt norm.weight[0]=0.5
cure 3 'the step done again gives another model than it names; take the state of before' \
    "$momentum -m next.flt --state vbad.flt -o x.flt next-u.flt" "$momentum -m next.flt --state v1.flt -o x.flt next-u.flt"

# ---- plans ----
plan='fl-plan -r roster.yaml -k hub.key'
cure 2 'is no time like 2026-11-24T18:00:00Z' "$plan --round 3 -m model.flt --deadline soon -o x.flt" \
    "$plan --round 3 -m model.flt --deadline 2100-11-24T18:00:00Z -o x.flt"
cure 2 '2020-01-01T00:00:00Z is over, now is .*; give a later time in UTC' \
    "$plan --round 4 -m model.flt --deadline 2020-01-01T00:00:00Z -o x.flt" \
    "$plan --round 4 -m model.flt --deadline \$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ) -o x.flt"
cure 3 'b.key: is the key of "b", not of the roster.s hub; give the key of "hub"' \
    'fl-plan -r roster.yaml -k b.key --round 5 -m model.flt -o x.flt' "$plan --round 5 -m model.flt -o x.flt"
fl-aggregate -p plan.flt -o masked.flt ma.flt mb.flt mc.flt && fl-apply -m model.flt -p plan.flt -o mnext.flt masked.flt || exit 1
for wrong in ua.flt mean.flt; do
    cure 1 "$wrong: is not the mean of a masked round; give what fl-aggregate -p wrote" \
        "$plan --round 6 -m mnext.flt --after $wrong -o x.flt" "$plan --round 6 -m mnext.flt --after masked.flt -o x.flt"
done
cure 3 'does not follow from masked.flt; give the model that fl-apply made of it' \
    "$plan --round 7 -m other-model.flt --after masked.flt -o x.flt" "$plan --round 7 -m mnext.flt --after masked.flt -o x.flt"
cure 3 'other-model.flt: is not the model that the roster begins with; give the mean that led to it with --after' \
    "$plan --round 8 -m other-model.flt -o x.flt" "$plan --round 8 -m mnext.flt --after masked.flt -o x.flt"
cure 3 'another plan was signed for round 12; .*: take another round' \
    "$plan --round 12 -m model.flt -o x.flt; $plan --round 12 -m mnext.flt --after masked.flt -o x.flt" \
    "$plan --round 13 -m mnext.flt --after masked.flt -o x.flt"
sed 's/^max_skip: 30/max_skip: 31/' roster.yaml >draft.yaml
cure 3 'another roster than the one that this hub has accepted' 'fl-plan -r draft.yaml -k hub.key --round 14 -m model.flt -o x.flt' \
    "$plan --round 14 -m model.flt -o x.flt"
cure 3 'the key of "hub" has accepted no roster; run fl-keygen --accept ROSTER first' \
    'cp hub.old h.key; chmod 600 h.key; fl-plan -r roster.yaml -k h.key --round 15 -m model.flt -o x.flt' \
    'fl-keygen --accept roster.yaml -k h.key --words roster.yaml.words && fl-plan -r roster.yaml -k h.key --round 15 -m model.flt -o x.flt'

# ---- keys and rosters ----
chmod 644 d.key
cure 3 'd.key: others can read or change this secret (mode 644); chmod go= it' 'fl-keygen --public -k d.key' \
    'chmod go= d.key; fl-keygen --public -k d.key'
for file in a.pub roster.yaml plan.flt text.txt; do
    cure 1 "$file: is .*; a secret key is expected, which fl-keygen -n NAME -o KEY writes" "fl-keygen --public -k $file" \
        'fl-keygen --public -k a.key'
done
roster 1 d e f </dev/null | sed 's/demo/two/' >two.yaml
cure 3 'the key of "d" has accepted no roster; run fl-keygen --accept ROSTER first' \
    'fl-mask -k d.key -p plan.flt -o x.up ua.flt' \
    'fl-keygen --show two.yaml >two.words && fl-keygen --accept two.yaml -k d.key --words two.words'
sed 's/^hub: .*/hub: nobody/' roster.yaml >bad.yaml
cure 2 'is not a member.s public line; fl-keygen prints one, with -n NAME or with --public' 'fl-keygen --show bad.yaml' \
    'sed "s/^hub: .*/hub: $(fl-keygen --public -k hub.key)/" roster.yaml >bad.yaml; fl-keygen --show bad.yaml'
sed 's/^\(hub: .*\)...$/\1/' roster.yaml >bad.yaml
cure 2 'the public line of "hub" is cut or has more after it; copy it whole' 'fl-keygen --show bad.yaml' \
    'sed "s/^hub: .*/hub: $(cat hub.pub)/" roster.yaml >bad.yaml; fl-keygen --show bad.yaml'
sed 's/^\(hub: .*\)\([0-9a-f]\)$/\1g/; s/g$/0/' roster.yaml >bad.yaml
cmp -s bad.yaml roster.yaml && sed 's/^\(hub: .*\)0$/\11/' roster.yaml >bad.yaml
cure 3 'the public line of "hub" is not signed by its own key; ask for it again' 'fl-keygen --show bad.yaml' \
    'sed "s/^hub: .*/hub: $(cat hub.pub)/" roster.yaml >bad.yaml; fl-keygen --show bad.yaml'
sed "s/- fl1 c .*/- $(cat b.pub)/" roster.yaml >bad.yaml
cure 3 'the name "b" is there twice; names must differ' 'fl-keygen --show bad.yaml' \
    'sed "s/- fl1 c .*/- $(cat c.pub)/" roster.yaml >bad.yaml; fl-keygen --show bad.yaml'
sed 's/^epoch: 1/epoch: 2/' roster.yaml >bad.yaml
cure 2 'the line of "d" is for epoch 1, the roster is of epoch 2; ask for the line that fl-keygen --renew --epoch 2 prints' \
    'sed "s/two/three/; s/^epoch: 1/epoch: 2/" two.yaml >three.yaml; fl-keygen --show three.yaml' \
    'for n in e f; do sed "s/- fl1 $n .*/- $(fl-keygen --renew --epoch 2 -k $n.key)/" three.yaml >s; mv s three.yaml; done
     sed "s/- fl1 d .*/- $(fl-keygen -n g --epoch 2 -o g.key)/" three.yaml >s; mv s three.yaml; fl-keygen --show three.yaml'
fl-keygen --show roster.yaml >shown
words roster.yaml >words
for edit in 's/^[^ ]* /babab /' 's/ [^ ]*$/ babab/' 's/^[^ ]* //' 's/ [^ ]* [^ ]*$//' 's/^\([^ ]* [^ ]* [^ ]*\) [^ ]*/\1/' 's/^[^ ]* /& &/'; do
    sed "$edit" words >typed
    [ "$(wc -w <typed)" = 13 ] && continue   # the twelve are in it
    cure 3 'word [0-9]*\|does not hold the 12 words' 'fl-keygen --accept roster.yaml -k a.key --words typed' \
        'fl-keygen --accept roster.yaml -k a.key --words words && fl-keygen --accept roster.yaml -k a.key --words shown'
done
fl-keygen --show three.yaml >three.words
cure 3 'somebody holds another one; compare the files before anybody accepts' \
    'fl-keygen --accept roster.yaml -k a.key --words three.words' \
    'cmp -s roster.yaml three.yaml; [ $? = 1 ] && fl-keygen --accept roster.yaml -k a.key --words shown'
for file in a.key a.pub plan.flt model.flt; do
    cure 1 "$file: is .*; the words of a roster.s fingerprint are expected" "fl-keygen --accept roster.yaml -k a.key --words $file" \
        'fl-keygen --accept roster.yaml -k a.key --words words'
done
cure 2 'no terminal to type the roster.s words on; give them with --words FILE' 'fl-keygen --accept roster.yaml -k a.key </dev/null' \
    'fl-keygen --accept roster.yaml -k a.key --words words'
cure 2 'epoch 1 is not after 1, whose roster was accepted; give --epoch 2 or later' 'cp a.key a1.key; fl-keygen --renew --epoch 1 -k a1.key' \
    'fl-keygen --renew --epoch 2 -k a1.key'
cure 3 'a.key.state: the state folder is missing; name that of "a" with --state DIR' \
    'mv a.key.state elsewhere; fl-mask -k a.key -p plan.flt -o x.up ua.flt' \
    'fl-mask -q -k a.key -p plan.flt --state elsewhere -o x.up ua.flt && mv elsewhere a.key.state'
cure 3 'b.key.state: is the state of another key; name that of "a" with --state DIR' \
    'fl-mask -k a.key -p plan.flt --state b.key.state -o x.up ua.flt' \
    'fl-mask -q -k a.key -p plan.flt --state a.key.state -o x.up ua.flt'
keys h1 h2 h3 && { roster 1 h1 h2 h3 </dev/null | sed 's/demo/third/'; } >third.yaml && words third.yaml >third.words
cure 3 'belongs to the federation "demo", not to "third"; make another key for that one\|needs a later epoch' \
    'fl-keygen --accept third.yaml -k hub.key --words third.words' \
    'fl-keygen -n hub -o hub3.key >hub3.pub; sed "s/^hub: .*/hub: $(cat hub3.pub)/" third.yaml >fourth.yaml
     fl-keygen --show fourth.yaml >fourth.words && fl-keygen --accept fourth.yaml -k hub3.key --words fourth.words &&
     fl-plan -r fourth.yaml -k hub3.key --round 1 -m model.flt -o x.flt'
cure 3 'the roster does not hold the key of "d"; ask for it to be put in' \
    'fl-keygen -n d4 -o d4.key >d4.pub; fl-keygen --accept third.yaml -k d4.key --words third.words 2>e; s=$?; sed s/d4/d/ e >&2; exit $s' \
    'sed "s/- fl1 h3 .*/- $(cat d4.pub)/; s/third/fifth/" third.yaml >fifth.yaml
     fl-keygen --show fifth.yaml >fifth.words && fl-keygen --accept fifth.yaml -k d4.key --words fifth.words'
cure 3 'the roster.s line of "h1" is not the one that its key has now; fl-keygen --public prints that one' \
    'fl-keygen --renew -k h1.key >/dev/null; fl-keygen --accept third.yaml -k h1.key --words third.words' \
    'sed "s/- fl1 h1 .*/- $(fl-keygen --public -k h1.key)/" third.yaml >sixth.yaml
     fl-keygen --show sixth.yaml >sixth.words && fl-keygen --accept sixth.yaml -k h1.key --words sixth.words'
head -c 40 /dev/urandom >psk && chmod 600 psk
keys p1 p2 p3 && echo 'psk: true' | roster 1 p1 p2 p3 >psk.yaml && words psk.yaml >psk.words
cure 2 'the roster wants a pre-shared secret; give it with --psk FILE' 'fl-keygen --accept psk.yaml -k p1.key --words psk.words' \
    'fl-keygen --accept psk.yaml -k p1.key --words psk.words --psk psk'
cure 2 'the roster has no pre-shared secret; leave out --psk' 'fl-keygen --accept third.yaml -k h2.key --words third.words --psk psk' \
    'fl-keygen --accept third.yaml -k h2.key --words third.words'
cure 1 'a.pub: is a member.s public line; a secret that all sites have is expected' \
    'fl-keygen --accept psk.yaml -k p2.key --words psk.words --psk a.pub' \
    'fl-keygen --accept psk.yaml -k p2.key --words psk.words --psk psk'
chmod 644 psk
cure 3 'psk: others can read or change this secret (mode 644); chmod go= it' \
    'fl-keygen --accept psk.yaml -k p3.key --words psk.words --psk psk' \
    'chmod go= psk; fl-keygen --accept psk.yaml -k p3.key --words psk.words --psk psk'

# ---- masked rounds ----
cure 4 '1 of 3 uploads missing: c; with protection pairwise the sum opens when all are there' \
    'fl-aggregate -p plan.flt -o x.flt ma.flt mb.flt' 'fl-aggregate -p plan.flt -o x.flt ma.flt mb.flt mc.flt'
size=$(stat -c %s mb.flt)
head -c $((size - 256)) mb.flt >bare.flt
cure 3 'is not signed by "b"; ask for a copy with its signature' 'fl-aggregate -p plan.flt -o x.flt ma.flt bare.flt mc.flt' \
    'fl-mask -q -k b.key -p plan.flt -o bare.flt ub.flt; fl-aggregate -p plan.flt -o x.flt ma.flt bare.flt mc.flt'
size=$(stat -c %s plan.flt)
head -c $((size - 256)) plan.flt >bare.plan
cure 3 'is not signed by the hub; ask for a copy with its signature' 'fl-mask -k a.key -p bare.plan -o x.up ua.flt' \
    'fl-mask -q -k a.key -p plan.flt -o x.up ua.flt'
cure 3 'is not signed; ask for a copy with its signature' 'fl-info --verify roster.yaml bare.plan' 'fl-info --verify roster.yaml plan.flt'
cure 3 'plan.flt: is a plan of another roster than third.yaml; it is of one of "demo", epoch 1: give that one' \
    'fl-aggregate -p plan.flt -r third.yaml -o x.flt ma.flt mb.flt mc.flt' \
    'fl-aggregate -p plan.flt -r roster.yaml -o x.flt ma.flt mb.flt mc.flt'
fl-train -q -m model.flt --steps 3 -b 1 -l 32 --site b -o ub2.flt shard.flt
fl-plan -r roster.yaml -k hub.key --round 20 -m model.flt -o p20.flt
cure 3 'round 1 was masked with another update; .*; give the first again, or wait for the next model' 'fl-mask -k b.key -p plan.flt -o x.up ub2.flt' \
    'fl-mask -q -k b.key -p plan.flt -o x.up ub.flt'
cure 1 'it cannot be made again: this site must miss the round' \
    'rm b.key.state/upload-1-1.flt; fl-mask -k b.key -p plan.flt -o x.up ub.flt' 'fl-mask -q -k b.key -p p20.flt -o x.up ub.flt'
cp c.key c.keep
cure 1 'c.key: is cut or changed: its check value differs; take its last good copy only if nothing was signed' \
    'head -c 300 c.keep >c.cut; mv c.cut c.key; chmod 600 c.key; fl-mask -k c.key -p plan.flt -o x.up uc.flt' \
    'cp c.keep c.key; fl-mask -q -k c.key -p plan.flt -o x.up uc.flt'
cure 3 'its key file is an old copy that does not know it; take the newer key file' \
    'fl-keygen --accept roster.yaml -k c.old --state c.key.state --words words' \
    'fl-keygen --accept roster.yaml -k c.key --state c.key.state --words words'
# the next epoch, which b and c are late to accept
for site in a b c; do fl-keygen --public -k $site.key >$site.pub; done
echo 'first_round: 900' | model=mnext.flt roster 2 a b c >roster2.yaml && words roster2.yaml >words2
fl-train -q -m mnext.flt --steps 1 -b 1 -l 32 --site a -o far-u.flt shard.flt
cure 3 'round 900 is too far: .*; accept a roster of a new epoch' \
    'fl-plan -r roster.yaml -k hub.key --round 900 -m mnext.flt --after masked.flt -o far.flt; fl-mask -k a.key -p far.flt -o x.up far-u.flt' \
    'for n in hub a; do fl-keygen --accept roster2.yaml -k $n.key --words words2; done
     fl-plan -r roster2.yaml -k hub.key --round 900 -m mnext.flt -o far2.flt; fl-mask -q -k a.key -p far2.flt -o x.up far-u.flt'
cure 3 'the plan is for a roster of "demo", epoch 2, that this key has not accepted; its own is of "demo", epoch 1: ask the hub for a plan of that one, or accept the plan.s with fl-keygen --accept' \
    'fl-mask -k b.key -p far2.flt -o x.up far-u.flt' \
    'fl-mask -q -k b.key -p p20.flt -o x.up ub.flt && fl-keygen --accept roster2.yaml -k b.key --words words2 &&
     fl-mask -q -k b.key -p far2.flt -o x.up far-u.flt'
# a pre-shared secret that p3 has not
mkdir epoch && cd epoch || exit 1
cp ../model.flt ../mnext.flt ../far-u.flt ../u?.flt . && keys hub p1 p2 p3 && echo 'psk: true' | roster 1 p1 p2 p3 >psk.yaml && words psk.yaml >words
for n in 1 2; do head -c 32 /dev/urandom >psk$n; chmod 600 psk$n; done
fl-keygen --accept psk.yaml -k p1.key --words words --psk psk1 && fl-keygen --accept psk.yaml -k p2.key --words words --psk psk1 &&
    fl-keygen --accept psk.yaml -k p3.key --words words --psk psk2 && fl-keygen --accept psk.yaml -k hub.key --words words
fl-plan -r psk.yaml -k hub.key --round 1 -m model.flt -o p.flt
for n in 1 2 3; do
    s=$(echo abc | cut -c $n)
    fl-mask -q -k p$n.key -p p.flt -o m$n.flt u$s.flt
    fl-keygen --public -k p$n.key >p$n.pub
done
echo 'psk: true' | model=mnext.flt roster 2 p1 p2 p3 >psk2.yaml
cure 1 'they share no key in this round, .*; both must accept a roster of a new epoch' 'fl-aggregate -p p.flt -o x.flt m1.flt m2.flt m3.flt' \
    'fl-keygen --show psk2.yaml >words2
     for n in 1 2 3; do fl-keygen --accept psk2.yaml -k p$n.key --words words2 --psk psk1 || exit 1; done
     fl-keygen --accept psk2.yaml -k hub.key --words words2 && fl-plan -r psk2.yaml -k hub.key --round 2 -m mnext.flt -o p2.flt
     for n in 1 2 3; do fl-mask -q -k p$n.key -p p2.flt -o m$n.flt far-u.flt || exit 1; done
     fl-aggregate -p p2.flt -o x.flt m1.flt m2.flt m3.flt'
cd .. || exit 1

# ---- text ----
seq 1 40 | sed 's/.*/{"body": "text &"}/' >body.jsonl
cure 1 'lines have no text in a field "text", .*; --field NAME names the right one' 'fl-harmonize -t model.flt -o x.flt body.jsonl' \
    'fl-harmonize -t model.flt --field body -o x.flt body.jsonl'
cp text.txt text.jsonl
cure 1 'lines are not JSON, .*; --format text reads plain text' 'fl-harmonize -t model.flt -o x.flt text.jsonl' \
    'fl-harmonize -t model.flt --format text -o x.flt text.jsonl'
cure 1 'looks like JSON Lines; --format jsonl reads them, --format text' \
    'cp body.jsonl body.txt; fl-harmonize -t model.flt --field body -o x.flt body.txt' \
    'fl-harmonize -t model.flt --field body --format jsonl -o x.flt body.txt'
printf 'good, and more that is good\n\377\376bad\n' >latin.txt
cure 1 'is not UTF-8; --invalid replace would put U+FFFD there' 'fl-harmonize -t model.flt --invalid refuse -o x.flt latin.txt' \
    'fl-harmonize -q -t model.flt --invalid replace -o x.flt latin.txt'
printf '{"text": "\\ud800"}\n{"text": "good, and more that is good, and longer by far"}\n' >half.jsonl
cure 1 'has half of a surrogate pair, .*; --invalid replace' 'fl-harmonize -t model.flt --invalid refuse -o x.flt half.jsonl' \
    'fl-harmonize -q -t model.flt --invalid replace -o x.flt half.jsonl'
python -c 'print("{\"text\": \"" + "x" * 80000 + "\"}"); print("{\"text\": \"y\"}")' >long.jsonl
cure 1 'lines are longer than 73728 bytes, .*; --max-document sets the limit' \
    'fl-harmonize -t model.flt --max-document 1k -o x.flt long.jsonl' \
    'fl-harmonize -t model.flt --max-document 100k -o x.flt long.jsonl'
cure 1 'has no field "text"; --jsonl names the field' 'fl-tokenize -t model.flt --jsonl text body.jsonl >x.ids' \
    'fl-tokenize -t model.flt --jsonl body body.jsonl >x.ids'
cure 1 'allows: .*; --max-dropped 1 takes what is left' 'fl-harmonize -t model.flt --max-document 1k -o x.flt long.jsonl' \
    'fl-harmonize -q -t model.flt --max-document 1k --max-dropped 1 -o x.flt long.jsonl'
printf 'a\0b\n' >nul.txt
warned "tr -d '.000' takes them out" 'fl-harmonize -t model.flt -o x.flt nul.txt' \
    "tr -d '\\000' <nul.txt | fl-harmonize -t model.flt -o x.flt"
gzip -c text.txt >text.gz
cure 1 'is compressed; pipe it in with: zcat FILE |' 'fl-tokenize -t model.flt -o x.ids text.gz' \
    'zcat text.gz | fl-tokenize -t model.flt -o x.ids'
cure 1 'shard.flt: is an FLT stream of kind "tokens", not text; shards are operands, without --text' \
    'fl-eval -m model.flt --text shard.flt' 'fl-eval -m model.flt shard.flt'
cure 1 'body.jsonl: is JSON without a "model"; a tokenizer.json is expected' 'head -n 1 body.jsonl >one.json; fl-harmonize -t one.json -o x.flt text.txt 2>e; s=$?; sed s/one.json/body.jsonl/ e >&2; exit $s' \
    'fl-info --raw --tensor tokenizer.json -o tokenizer.json tokenizer.flt; fl-harmonize -t tokenizer.json -o x.flt text.txt'
cure 1 'model.flt: is no folder; name the one that holds config.json' 'fl-import -o x.flt model.flt' \
    'fl-export -f hf -o hf model.flt && fl-import -o x.flt hf'

# ---- the machine ----
cure 1 'nowhere: cannot make a temporary file: .*; set TMPDIR to a folder that it can be made in' \
    'cat shard.flt | TMPDIR=nowhere fl-train -m model.flt --steps 1 -o x.flt' \
    'mkdir -p there; cat shard.flt | TMPDIR=there fl-train -q -m model.flt --steps 1 -o x.flt'
cure 1 'x.flt: another program is writing it; wait for its end' \
    'flock .x.flt.part sleep 2 & sleep 0.3; fl-diff -b model.flt -o x.flt trained.flt; s=$?; exit $s' \
    'sleep 2; fl-diff -b model.flt -o x.flt trained.flt'
cure 1 'a.key.state: another program is using it; wait for its end' \
    'flock a.key.state/lock sleep 2 & sleep 0.3; fl-mask -k a.key -p far2.flt -o x.up far-u.flt; s=$?; exit $s' \
    'sleep 2; fl-mask -q -k a.key -p far2.flt -o x.up far-u.flt'
status 2 "an input from a terminal" on_terminal fl-info -o x.tsv
mv out said
check "  says so" grep -q 'standard input: is a terminal; name a file or pipe one in' said
check "  so:" sh -c 'fl-info model.flt >x.tsv && fl-info <model.flt >y.tsv'
status 2 "a terminal" on_terminal fl-diff -b model.flt trained.flt
mv out said
check "  says so" grep -q 'is a terminal, and this is binary; use -o FILE or redirect with > FILE' said
check "  so:" sh -c 'fl-diff -b model.flt trained.flt > x.flt'
finish
