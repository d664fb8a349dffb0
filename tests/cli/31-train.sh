#!/bin/sh
# fl-train: the update, the same bytes however it is run and interrupted, what it refuses and leaves.
# shellcheck disable=SC2016  # awk programs and shells of their own
. "$(dirname "$0")/lib.sh"
shards() { python "$top/tests/cli/shards.py" "$@"; }
updates() { python "$top/tests/cli/updates.py" "$@"; }
says() { grep -q -- "$1" said; }
one_line() { [ "$(wc -l < said)" = 1 ] && says '^fl-train: '; }
same() { cmp -s "$1" "$2"; }
nothing_left() { [ ! -e x.flt ] && [ ! -e .x.flt.part ]; }
refused() {   # status "what" "words" args...: one line with these words, and no update
    _status=$1 _about=$2 _words=$3
    shift 3
    status "$_status" "$_about" fl-train -o x.flt "$@"
    cp err said
    check "  and says why: $_words" says "$_words"
    check "  in one line" one_line
    check "  and leaves nothing" nothing_left
}
meta() { updates meta "$1" "$2"; }

# ---- a small model, two texts; under valgrind a tiny one ----
ctx=32 channels=32 many=400
[ -z "${VALGRIND-}" ] || ctx=8 channels=8 many=60
printf 'preset: nano\nctx: %d\nchannels: %d\nheads: 2\nhead_dim: 4\nffn: 64\n' $ctx $channels > c.yaml
fl-init -c c.yaml --seed 1 -o m.flt || exit 1
awk 'BEGIN { for (i = 0; i < 250; i++) printf "the %d cats sat on %d mats. ", i % 7, i % 5 }' > a.txt
awk 'BEGIN { for (i = 0; i < 60; i++) printf "%d times %d is %d\n", i, i, i * i }' > b.txt
shards bytes m.flt a.flt a.txt b.txt
shards bytes m.flt b.flt b.txt
go() { fl-train -m m.flt --steps 40 -b 4 --seed 3 "$@"; }

# ---- the update ----
check "train" go --site north -o u.flt a.flt
check "  an update of its base" shards update u.flt m.flt
check "  site" [ "$(meta u.flt site)" = north ]
check "  examples" [ "$(meta u.flt examples)" = 2 ]
check "  tokens" [ "$(meta u.flt tokens)" = "$(shards tokens a.flt)" ]
check "  tokens.seen" [ "$(meta u.flt tokens.seen)" = $((40 * 4 * ctx)) ]
check "  steps" [ "$(meta u.flt steps)" = 40 ]
check "  it learned" sh -c "awk 'BEGIN { exit !($(meta u.flt loss.last) < $(meta u.flt loss.first) - 0.3) }'"
fl-apply -m m.flt -o new.flt u.flt
loss() { fl-eval -m "$1" "$2" | tail -n 1 | cut -f 4; }
check "  and evaluation agrees" sh -c \
    "awk 'BEGIN { exit !($(loss new.flt a.flt) < $(loss m.flt a.flt) - 0.3) }'"

# ---- the same bytes ----
go -j 1 --site north a.flt > j1.flt
check "one thread, to standard output" same u.flt j1.flt
go -j 2 --site north -o j2.flt a.flt
check "two threads" same u.flt j2.flt
MALLOC_PERTURB_=85 go --site north -o noise.flt a.flt   # glibc fills what it gives with 0xaa
check "in memory full of noise: nothing is read before it is written" same u.flt noise.flt
go --site north -o in.flt < a.flt
check "shard on standard input" same u.flt in.flt
cat a.flt | go --site north -o pipe.flt
check "shard from a pipe" same u.flt pipe.flt
for j in 1 2 3; do
    go -j $j --recompute --site north -o again.flt a.flt
    check "activations recomputed, -j $j" same u.flt again.flt
done
go --site north --valid b.flt --valid-every 1 --report-every 3 --report r.tsv -o v.flt a.flt
check "watched" same u.flt v.flt
go --site north -z -o z.flt a.flt
check "compressed: another file" sh -c '! cmp -s u.flt z.flt'
fl-apply -m m.flt -o newz.flt z.flt
check "  the same content" same new.flt newz.flt
go -o ab.flt a.flt b.flt
go -o ba.flt b.flt a.flt
check "order of the shards" same ab.flt ba.flt
cat b.flt a.flt | go -o both.flt
check "two shards in one pipe" same ab.flt both.flt
go --site north --seed 4 -o s4.flt a.flt
check "another seed gives another update" sh -c '! cmp -s u.flt s4.flt'
fl-apply -m m.flt -o second.flt u.flt
for seed in 0 1 ''; do
    fl-train -m m.flt --steps 2 ${seed:+--seed $seed} -o "first$seed.flt" a.flt
    fl-train -m second.flt --steps 2 ${seed:+--seed $seed} -o "next$seed.flt" a.flt
done
check "the seed is the base's round: 0" cmp first.flt first0.flt
check "  and in the next one 1, so that it sees other windows" cmp next.flt next1.flt
printf 'steps: 40\nbatch: 4\nseed: 3\nlr: 9\n' > r.yaml
fl-train -m m.flt -c r.yaml --lr 0.005 -o y1.flt a.flt
go --lr 0.005 -o y2.flt a.flt
check "a recipe, and an option that wins over it" same y1.flt y2.flt
fl-train -m m.flt --epochs 2 -b 4 -o e2.flt a.flt
n=$(shards tokens a.flt)
check "two epochs" [ "$(meta e2.flt steps)" = $(((2 * (n / ctx) + 3) / 4)) ]
# small data: each window once an epoch, whatever the batch is
head -c $((3 * ctx + 5)) a.txt > three.txt
shards bytes m.flt three.flt three.txt
for settings in '-b 64' '-b 3' '-b 1 --accumulate 50' '-b 64 --accumulate 50' '-b 3 --accumulate 2'; do
    # shellcheck disable=SC2086 # several words
    check "three windows, one epoch: $settings" fl-train -m m.flt --epochs 1 $settings -o three.upd three.flt
    cp err said
    check "  each window once" [ "$(meta three.upd tokens.seen)" = $((3 * ctx)) ]
    case $settings in
        '-b 3') check "  without a word" [ ! -s said ] ;;
        *) check "  and says so" says '^fl-train: the shards have only 3 windows of .* each window at most once' ;;
    esac
done
fl-train -m m.flt --epochs 1 -b 3 -o once.upd three.flt
fl-train -q -m m.flt --epochs 1 -b 64 -o cut.upd three.flt 2>err
check "  the same update as with the batch that there is" same once.upd cut.upd
check "  quietly with -q" [ ! -s err ]
check "no steps" fl-train -m m.flt --steps 0 -o zero.flt a.flt
check "  an update of nothing" sh -c "fl-apply -m m.flt zero.flt | fl-diff -b m.flt > d.flt; [ $(meta zero.flt loss.first) = $(meta zero.flt loss.last) ]"

# ---- reports ----
check "report: header" [ "$(head -n 1 r.tsv | tr '\t' ' ')" = \
    "step loss valid_loss lr grad_norm tokens_per_second seconds" ]
check "  a row every 3 steps, and the last" [ "$(cut -f 1 r.tsv | tail -n +2 | tr '\n' ' ')" = \
    "0 3 6 9 12 15 18 21 24 27 30 33 36 39 40 " ]
check "  validation falls" awk -F'\t' 'NR == 2 { a = $3 } END { exit !($3 < a) }' r.tsv
cp m.flt kept.flt
ln -s m.flt link.flt
for f in m.flt a.flt link.flt ./a.flt; do
    status 2 "report: not into an input, $f" fl-train -m m.flt --steps 1 --report $f -o x.flt a.flt
    says 'is an input'
done
check "  and that is as it was" cmp m.flt kept.flt
status 2 "a site's name that is no text is refused before training" \
    fl-train -m m.flt --site "$(printf '\377')" --dry-run a.flt
says '--site'
echo kept >log
go --report - -o x.flt a.flt >>log
check "report: after what is in the file of standard output" sh -c \
    'sed -n 1p log | grep -qx kept && sed -n 2p log | grep -q "^step"'
go --report r.jsonl --json -o x.flt a.flt
check "  as JSON" sh -c 'python3 -c "
import json
rows = [json.loads(line) for line in open(\"r.jsonl\")]
assert rows[0][\"step\"] == 0 and rows[0][\"valid_loss\"] is None and rows[-1][\"step\"] == 40"'
go --report r.tsv --report-every 1000000000000000 --valid b.flt --valid-every 1000000000 -o x.flt a.flt
check "rows and validations as rare as they can be" [ "$(awk '$3 != "-"' r.tsv | wc -l)" = 3 ]
rm x.flt

# ---- before hours of work ----
mkdir empty
cd empty || exit 1
check "dry run" fl-train -m ../m.flt --steps 40 -b 4 --dry-run --checkpoint ck.flt --report dry.tsv -o x.flt ../a.flt
cd .. || exit 1
cp out dry
check "  leaves nothing" rmdir empty
told() { sed -n "s/^$1	//p" dry; }
check "  says what it would take" awk -F'\t' -v ctx=$ctx '{ is[$1] = $2 } END {
    exit !(is["steps"] == 40 && is["tokens_seen"] == ctx * 160 && is["flops"] > 1e7 && is["parameters"] > 3e3 &&
           is["threads"] >= 1 && is["seconds"] > 0 && is["step_seconds"] > 0 && is["tokens_per_second"] > 0 &&
           is["seconds"] >= 39 * is["step_seconds"] && is["memory_available_bytes"] != "" &&
           is["output_free_bytes"] > 0 && is["checkpoint_free_bytes"] > 0) }' dry
check "  the sums are sums" awk -F'\t' '{ is[$1] = $2 } END {
    memory = is["memory_weights_bytes"] + is["memory_gradients_bytes"] + is["memory_moments_bytes"]
    memory += is["memory_activations_bytes"] + is["memory_files_bytes"] + is["memory_program_bytes"]
    disk = is["model_bytes"] + is["adapter_bytes"] + is["update_bytes"] + is["checkpoint_bytes"] + is["upload_bytes"] + is["kept_bytes"]
    exit !(is["memory_bytes"] == memory && is["disk_bytes"] == disk && is["kept_bytes"] == 5 * is["upload_bytes"]) }' dry
check "  of memory what it would be the other way too" awk -F'\t' '{ is[$1] = $2 } END {
    exit !(is["recompute"] == "false" && is["memory_kept_bytes"] == is["memory_bytes"] &&
           is["memory_recomputed_bytes"] < is["memory_bytes"]) }' dry
go --recompute --dry-run a.flt >again
check "  and so with --recompute" awk -F'\t' '{ is[$1] = $2 } END {
    exit !(is["recompute"] == "true" && is["memory_recomputed_bytes"] == is["memory_bytes"] &&
           is["memory_kept_bytes"] > is["memory_bytes"]) }' again
go --checkpoint ck.flt -o x.flt a.flt
check "  bytes are those of the files that come" [ \
    "$(told model_bytes) $(told update_bytes) $(told checkpoint_bytes)" = \
    "$(wc -c <m.flt) $(wc -c <x.flt) $(wc -c <ck.flt)" ]
go --dry-run a.flt | sed -n 's/^\(checkpoint_bytes\|output_free_bytes\)	//p' >none
check "  without a checkpoint and a file there are none" [ "$(tr '\n' ' ' <none)" = "0 - " ]
rm x.flt ck.flt
if command -v prlimit >/dev/null && [ -z "${SAN:-}${VALGRIND-}" ]; then
    fl-init -p medium -t m.flt -o medium.flt
    check "more memory than there is" prlimit --as=1300000000 fl-train --dry-run -m medium.flt -b 40 --steps 1 a.flt
    rm medium.flt
    cp out dry && cp err said
    check "  is said" says 'MiB of memory and .* are available'
    check "  and not tried" [ "$(told seconds)" = - ]
    # the real peak is what was said, but for what a machine's libraries and pages of shards vary by
    cat >near.py <<'END'
import json, os, subprocess, sys
def peak(args):
    child = subprocess.Popen(["fl-train", "-q", "-o", "x.flt"] + args)
    status, usage = os.wait4(child.pid, 0)[1:]
    assert status == 0, status
    return usage.ru_maxrss * 1024
args = sys.argv[2:]
said = json.loads(subprocess.run(["fl-train", "--dry-run", "--json"] + args, stdout=subprocess.PIPE, check=True).stdout)
real = peak(args)
print("said", said["memory_bytes"], "real", real, "ratio", said["memory_bytes"] / real)
assert abs(said["memory_bytes"] / real - 1) < float(sys.argv[1])
assert said["memory_program_bytes"] < 35e6, said  # what shapes tell is not in the rest; oneDNN takes 10
END
    fl-init -p nano -o nano.flt && fl-init -p small -o small.flt
    awk 'BEGIN { for (i = 0; i < 40000; i++) print i, i * i % 977 }' | fl-harmonize -t nano.flt -o many.flt
    echo "another text" | fl-harmonize -t nano.flt -o some.flt
    near() {   # WHAT BOUND args...
        _about=$1
        shift
        check "  peak of memory, $_about" python near.py "$@"
        sed 's/^/# /' out
    }
    near "nano" 0.15 -m nano.flt --steps 20 many.flt
    near "nano, all it can do" 0.15 -m nano.flt --steps 20 --valid some.flt --checkpoint ck.flt --checkpoint-every 0 many.flt
    near "small, one window" 0.1 -m small.flt -b 1 -l 64 --steps 2 --valid some.flt many.flt
    near "small" 0.1 -m small.flt -b 4 -l 128 --steps 1 --checkpoint ck2.flt many.flt
    near "small, two batches a step" 0.1 -m small.flt -b 2 -l 128 --accumulate 2 --steps 1 many.flt
    two=$(sed -n 's/^said \([0-9]*\) .*/\1/p' out)
    near "small, one of them" 0.1 -m small.flt -b 2 -l 128 --steps 1 many.flt
    one=$(sed -n 's/^said \([0-9]*\) .*/\1/p' out)
    check "  takes less: its gradients lend their memory" [ "$((one + 8000000))" -lt "$two" ]
    near "small, recomputed" 0.1 -m small.flt --recompute -b 4 -l 128 --steps 1 many.flt
    # where activations find no room they are recomputed, and the update is the same
    printf 'preset: nano\nctx: 128\nchannels: 32\nheads: 4\nkv_heads: 2\nhead_dim: 8\nffn: 96\nlayers: 16\n' >deep.yaml
    fl-init -c deep.yaml --seed 1 -o deep.flt
    check "little memory: a training" prlimit --as=1100000000 fl-train -j 1 -m deep.flt -b 400 --steps 1 -o chosen.flt many.flt
    cp err said
    check "  chooses --recompute and says so" says 'too little memory to keep activations: --recompute is chosen'
    check "  in one line" one_line
    fl-train -m deep.flt -b 400 --steps 1 -o kept.upd many.flt
    check "  the update is the same" same kept.upd chosen.flt
    check "  a dry run chooses too" sh -c 'prlimit --as=1100000000 fl-train -q -j 1 -m deep.flt -b 400 --steps 1 --dry-run many.flt | grep -q "^recompute	true$"'
    rm -f x.flt
else
    skip "the peak of memory" "there is no prlimit, or the programs are watched"
fi
go --progress -o x.flt a.flt 2>progress
check "progress" grep -q 'train: .*tokens, ' progress
check "  its last line keeps the loss" sh -c 'grep "^train: " progress | tail -n 1 | grep -qE ", [0-9.]+ s, step [0-9]+, loss [0-9]+\.[0-9]{4}$"'
check "  its first is there at once" sh -c 'grep "^train: " progress | head -n 1 | grep -q "^train: 0 tokens of [0-9]* tokens, preparing$"'
rm x.flt

# ---- interrupted ----
long() { fl-train -m m.flt --steps $many -b 8 --seed 3 "$@" a.flt; }
long -o whole.flt
ms() { echo $(($(date +%s%N) / 1000000)); }
began=$(ms); long -o t.flt; took=$(($(ms) - began))
kills=0
for part in 10 25 40 55 70; do   # hundredths of the time of a whole run
    fl-train -m m.flt --steps $many -b 8 --seed 3 --checkpoint k.flt --checkpoint-every 0 \
        -o k.upd a.flt 2>/dev/null & pid=$!
    sleep "$(awk "BEGIN { print $took * $part / 100000 }")"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ $? = 137 ] && kills=$((kills + 1))
done
check "kill -9 hit in time" [ $kills -ge 2 ]
check "and started again" long --checkpoint k.flt --checkpoint-every 0 -o k.upd
check "  gives the same bytes" same whole.flt k.upd
check "  and leaves no part of a checkpoint" [ "$(find . -name '.*.part' | wc -l)" = 0 ]
cp k.flt k.old
check "again from the end of it" long --checkpoint k.flt -o k2.upd -j 1
check "  gives the same bytes" same whole.flt k2.upd
check "  and does not write it again" same k.old k.flt

# Products of another library would round in another way: its bytes are not those of the begin.
used=$(fl-info --build | sed -n 's/^products	//p')
python "$top/tests/cli/updates.py" edit k.flt k3.flt set.products=t:abacus
status 3 "from the products of another library" long --checkpoint k3.flt -o k3.upd
says "k3.flt: is of a training whose products were abacus's, and now they are $used's, which round in another way; set FL_GEMM=abacus, or"
if [ "$used" = onednn ]; then
    FL_GEMM=openblas long --checkpoint k4.flt --steps 2 -o k4.upd
    status 3 "  which is no empty fear" long --checkpoint k4.flt --steps 2 -o k4.upd
    check "  and the cure is one" env FL_GEMM=openblas fl-train -m m.flt --steps 2 -b 8 --seed 3 --checkpoint k4.flt -o k4.upd a.flt
fi
status 2 "products of nobody" env FL_GEMM=abacus fl-train -q -m m.flt --steps 1 -b 1 -o k5.upd a.flt
says 'FL_GEMM: "abacus" is not one of openblas|onednn'
check "  and no update of it" [ ! -e k5.upd ]

launch() {   # [command...]: a long run in the background, in pid; returns when it is on its way
    rm -f s.upd s.tsv
    "$@" fl-train -m m.flt --steps $many -b 8 --seed 3 --checkpoint s.flt --report s.tsv \
        --report-every 1 -o s.upd a.flt 2>said & pid=$!
    i=0
    while [ "$(wc -l 2>/dev/null < s.tsv || echo 0)" -lt 20 ] && [ $i -lt 500 ]; do
        sleep 0.02
        i=$((i + 1))
    done
}
stopped() {   # signal number [command...]: ends by it, leaves a checkpoint and no update
    _signal=$1 _number=$2
    shift 2
    rm -f s.flt
    launch "$@"
    kill "-$_signal" $pid
    wait $pid
    [ $? = $((128 + _number)) ] && [ ! -e s.upd ] && [ ! -e .s.upd.part ] && [ -e s.flt ] &&
        [ "$(grep -v '^nohup: ' said)" = "fl-train: stopping after this step; the same command goes on" ]
}
ended() {   # signal number command...: without a checkpoint, at once and without a word
    _signal=$1 _number=$2
    shift 2
    rm -f said s.upd s.tsv
    "$@" fl-train -m m.flt --steps $many -b 8 --report s.tsv --report-every 1 -o s.upd a.flt 2>said & pid=$!
    while kill -0 $pid && [ "$(wc -l 2>/dev/null < s.tsv || echo 0)" -lt 3 ]; do sleep 0.02; done
    kill "-$_signal" $pid
    wait $pid
    [ $? = $((128 + _number)) ] && [ ! -e s.upd ] && [ ! -e .s.upd.part ] && [ ! -s said ]
}
outlives_hangup() {
    rm -f s.flt
    launch nohup
    kill -HUP $pid
    wait $pid && same whole.flt s.upd
}
check "nohup(1)" outlives_hangup
check "SIGHUP" stopped HUP 1
check "SIGTERM" stopped TERM 15
check "SIGTERM without a checkpoint" ended TERM 15 env
if env --default-signal=INT true 2>/dev/null; then
    check "SIGINT" stopped INT 2 env --default-signal=INT
else
    skip "SIGINT" "this env(1) cannot undo that a script ignores it in the background"
fi
lines=$(wc -l < s.tsv)
check "  goes on" long --checkpoint s.flt --report s.tsv --report-every 1 -o s.upd
check "  gives the same bytes" same whole.flt s.upd
check "  and appends to the report" sh -c \
    "[ \$(grep -c '^step' s.tsv) = 1 ] && [ \$(wc -l < s.tsv) -gt $lines ] && [ \$(tail -n 1 s.tsv | cut -f 1) = $many ]"
every_step() { [ "$(cut -f 1 "$1" | tail -n +2 | tr '\n' ' ')" = "$(seq -s ' ' 0 $many) " ]; }
check "  in which each step has one row" every_step s.tsv
rm -f s.flt s.tsv
for rows in 60 120 180; do   # kill -9, with rows in the report that are newer than the checkpoint
    fl-train -m m.flt --steps $many -b 8 --seed 3 --checkpoint s.flt --checkpoint-every 0 \
        --report s.tsv --report-every 1 -o s.upd a.flt 2>/dev/null & pid=$!
    i=0
    while [ "$(wc -l 2>/dev/null < s.tsv || echo 0)" -lt $((rows * many / 400)) ] && [ $i -lt 500 ]; do
        sleep 0.01
        i=$((i + 1))
    done
    kill -9 $pid
    wait $pid 2>/dev/null
done
check "  there is a checkpoint" test -e s.flt
printf '%s\t1.5' $((many + 7)) >>s.tsv   # a row that was cut
check "killed three times" long --checkpoint s.flt --report s.tsv --report-every 1 -o s.upd
check "  the report has one row a step" every_step s.tsv
if [ -z "${VALGRIND-}" ] && command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    bad=0 n=1
    while [ $n -le 4 ]; do   # die in the middle of each way to make a file durable
        for call in fsync rename; do
            rm -f i.flt i.upd .i.*
            strace -f --seccomp-bpf -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$n \
                fl-train -m m.flt --steps 40 -b 4 --seed 3 --site north --checkpoint i.flt \
                --checkpoint-every 0 -o i.upd a.flt 2>/dev/null
            go --site north --checkpoint i.flt -o i.upd a.flt 2>/dev/null
            same i.upd u.flt && [ -z "$(find . -name '.*.part')" ] || bad=$((bad + 1))
        done
        n=$((n + 1))
    done
    check "killed in fsync and rename, everywhere" [ $bad = 0 ]
else
    skip "killed in fsync and rename" "needs strace, and no valgrind"
fi

# ---- another training's checkpoint ----
fl-init -c c.yaml --seed 2 -o m2.flt
cp k.flt keep.flt
fl_3() { refused 3 "$@"; check "  and leaves the checkpoint" same k.flt keep.flt; }
fl_3 "another base" "another base model" -m m2.flt --steps $many -b 8 --seed 3 --checkpoint k.flt a.flt
fl_3 "another shard" "other shards" -m m.flt --steps $many -b 8 --seed 3 --checkpoint k.flt b.flt
fl_3 "one more shard" "other shards" -m m.flt --steps $many -b 8 --seed 3 --checkpoint k.flt a.flt b.flt
fl_3 "other steps" "steps was $many and is $((many + 1)) now" \
    -m m.flt --steps $((many + 1)) -b 8 --seed 3 --checkpoint k.flt a.flt
fl_3 "another seed" "seed was 3 and is 0 now" -m m.flt --steps $many -b 8 --checkpoint k.flt a.flt
fl_3 "another rate" "lr was .* and is 0.1 now" \
    -m m.flt --steps $many -b 8 --seed 3 --lr 0.1 --checkpoint k.flt a.flt
head -c 10000 keep.flt > k.flt
refused 1 "a cut checkpoint" "k.flt: .*; remove it to train from the beginning" \
    -m m.flt --steps $many -b 8 --seed 3 --checkpoint k.flt a.flt
python -c 'import sys
b = bytearray(open("keep.flt", "rb").read()); b[len(b) // 2] ^= 4; open("k.flt", "wb").write(b)'
refused 1 "a flipped checkpoint" "k.flt: .*; remove it to train from the beginning" \
    -m m.flt --steps $many -b 8 --seed 3 --checkpoint k.flt a.flt
cp m2.flt m2.kept
refused 1 "a model as checkpoint" 'm2.flt: is of kind "model"; give another name to --checkpoint' \
    -m m.flt --steps $many --checkpoint m2.flt a.flt
check "  and leaves the model" same m2.flt m2.kept
refused 1 "a checkpoint that cannot be written" "no/k.flt: " -m m.flt --checkpoint no/k.flt a.flt

# ---- inputs ----
refused 2 "no model" "-m MODEL is missing" a.flt
refused 1 "a shard as model" "a.flt: " -m a.flt a.flt
refused 1 "no shard" "none.flt: cannot open" -m m.flt none.flt
: > empty.flt
refused 1 "an empty file" "empty.flt: " -m m.flt empty.flt
refused 1 "an empty pipe" "standard input: " -m m.flt - < /dev/null
refused 1 "a model as shard" "m.flt: " -m m.flt m.flt
head -c 3000 a.flt > cut.flt
refused 1 "a cut shard" "cut.flt: " -m m.flt cut.flt
cat a.flt cut.flt > tail.flt
refused 1 "a cut second shard" "tail.flt: " -m m.flt tail.flt
refused 1 "the same shard twice" "is the same shard as a.flt" -m m.flt a.flt a.flt
shards ids m.flt none.flt 1
refused 1 "one token" "the shards have 1 tokens" -m m.flt none.flt
shards ids m.flt zero.flt
refused 1 "a shard of nothing" "the shards have 0 tokens" -m m.flt zero.flt
shards ids m.flt high.flt 1 2 257 3
refused 1 "an id that is none" "has the id 257, and the model's ids end at 256" -m m.flt high.flt
shards ids m.flt other.flt "tokenizer=$(printf '%064d' 7)" 1 2 3
refused 1 "another tokenizer" "was made with another tokenizer than the model's; make it again" \
    -m m.flt other.flt
refused 1 "a validation shard of another tokenizer" "other.flt: was made with another" \
    -m m.flt --valid other.flt a.flt

# ---- what is measured on is not trained on ----
fl-harmonize -t m.flt -o plain.flt a.txt
fl-harmonize -t m.flt -z -o packed.flt a.txt
cp plain.flt copy.flt
for f in plain.flt copy.flt ./plain.flt packed.flt; do
    refused 1 "trained and measured on: $f" "$f: is the same shard as plain.flt, which --valid measures on" \
        -m m.flt --valid b.flt --valid plain.flt $f
done
cat b.flt packed.flt > both.flt
for f in - both.flt; do
    refused 1 "trained and measured on: $f, after another" 'is the same shard as plain.flt, which --valid' \
        -m m.flt --valid plain.flt $f < both.flt
done
refused 1 "one shard by two names" 'packed.flt: is the same shard as plain.flt\|plain.flt: is the same' \
    -m m.flt plain.flt packed.flt
refused 1 "a validation shard twice" 'is the same shard as' -m m.flt --valid b.flt --valid b.flt a.flt
sed 's/.*/{"text": "&"}/' b.txt > b.jsonl
fl-harmonize -t m.flt --valid 0.3 --valid-output held.flt -o rest.flt b.jsonl
[ "$(meta held.flt split) $(meta held.flt split.fraction)" = "valid 0.3" ]
check "the validation part says so" [ $? = 0 ]
refused 1 "trained on the validation part" \
    'held.flt: was put aside for validation, 0.3 of its text; give it to --valid, or make shards without' -m m.flt held.flt
refused 1 "the same, from a pipe" 'standard input: was put aside for validation' -m m.flt < held.flt
check "  which it can be measured on" fl-train -m m.flt --steps 1 --valid held.flt -o x.flt rest.flt
rm x.flt
updates edit held.flt test.flt split=t:test
refused 1 "another part" 'test.flt: is the part "test" of its text' -m m.flt test.flt

shards ids m.flt few.flt 1 2 3 4 5
check "fewer tokens than a window" fl-train -m m.flt --steps 3 -o few.upd few.flt
check "  an update of its base" shards update few.upd m.flt
refused 1 "and asked for a whole one" "use -l 4 or less" -m m.flt -l 5 few.flt
refused 2 "windows longer than the context" "use -l $ctx or less" -m m.flt -l $((ctx + 1)) a.flt
shards fill m.flt nan.flt nan
refused 1 "a model of NaN" "nan.flt: .*finite" -m nan.flt a.flt
shards fill m.flt huge.flt 1e30
refused 1 "a model that overflows" "is not a finite number" -m huge.flt a.flt
rm -f d.flt
refused 1 "a rate that diverges" "step [0-9]*: .* is not a finite number; lower --lr (it is 1e+30)" \
    -m m.flt --steps 40 --lr 1e30 --min-lr 1e30 --checkpoint d.flt a.flt

# ---- the command line and outputs ----
refused 2 "steps and epochs" "exclude each other" -m m.flt --steps 1 --epochs 1 a.flt
refused 2 "a negative rate" "lr" -m m.flt --lr=-1 a.flt
refused 2 "a rate that rises" "min-lr" -m m.flt --lr 0.1 --min-lr 0.2 a.flt
refused 2 "a wrong recipe" "line 1: " -m m.flt -c "$(echo 'rate: 3' > bad.yaml; echo bad.yaml)" a.flt
refused 2 "model and shard on standard input" "standard input" -m - < a.flt
refused 2 "a checkpoint named as the update" "is the output of both" \
    -m m.flt --checkpoint x.flt a.flt
refused 2 "an empty name" "--site" -m m.flt --site '' a.flt
if command -v script >/dev/null; then
    status 2 "a terminal is refused" script -qec "fl-train -m m.flt --steps 1 a.flt" /dev/null
else
    skip "a terminal is refused" "no script(1)"
fi
{ go a.flt 2>pipe; echo $? > ended; } | :
check "a reader that goes away: quiet" [ ! -s pipe ]
check "  and the end is SIGPIPE's" [ "$(cat ended)" = 141 ]
mkdir full
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=8k none full 2>/dev/null; then
    status 1 "a full disk for the update" go -o full/x.flt a.flt
    cp err said
    check "  leaves nothing" [ -z "$(ls -A full)" ]
    check "  names it" says "full/x.flt: "
    refused 1 "a full disk for the checkpoint" "full/k.flt: " \
        -m m.flt --steps 9 --checkpoint full/k.flt a.flt
    check "  leaves nothing" [ -z "$(ls -A full)" ]
    umount full
else
    skip "a full disk" "needs root and mount"
fi
finish
