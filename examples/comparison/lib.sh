# shellcheck shell=sh disable=SC2034,SC2154
# Sourced by the ways (first, alone, central, rounds, masked): what they have in common. A way does the trainings of one
# row for one seed in $here, and leaves there, for ./table:
#     rounds.tsv   row, seed, model, seconds (simulated), bytes (sent until then), loss
#     row.tsv      one line of NAME, tab, VALUE for each figure that the way knows
#     cpu          processor seconds of each call, by ../three-sites/timed
#     took         processor seconds of everything, measures included
# Variables come from the Makefile; ROW and SEED say which.
set -eu
export LC_ALL=C
row=${ROW:?} seed=${SEED:?}
here=${OUT:?}/rows/$row.$seed
rm -rf "$here"
mkdir -p "$here"
tab=$(printf '\t')
kind=${KIND:-scratch} dealt=
case $row in *@*) dealt=@${row#*@} ;; esac   # ROW@SPLIT
shards=$OUT/$kind$dealt sites=$OUT/sites$dealt frozen=$OUT/lora/base.flt
lr=${LR:?}
[ "$kind" = scratch ] || lr=${LORA_LR:?} STEPS=${LORA_STEPS:?}

# Run a program, and note its processor seconds.
p() { ../three-sites/timed "$here/cpu" "$row" "$@"; }

fact() { printf '%s\t%s\n' "$1" "$2" >>"$here/row.tsv"; }
size() { cat "$@" | wc -c | tr -d ' '; }
calc() { awk "BEGIN { printf \"%.10g\", ($1) }"; }
digest() { fl-info --digest "$1" | cut -d ' ' -f 1; }
meta() {   # NAME FILE: a value of its metadata
    fl-info "$2" | awk -F '\t' -v n="$1" '$1 == "meta" && $2 == n { print $7; exit }'
}

# Columns of a table of a program, by their names: cells NAME... of all rows, with tabs.
cells() {
    awk -F '\t' -v names="$*" 'BEGIN { n = split(names, name, " ") }
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { line = ""; for (i = 1; i <= n; i++) line = line (i > 1 ? FS : "") $at[name[i]]; print line }'
}

# A column of the table of sites, for one of them.
of_site() { awk -F '\t' -v s="$1" -v c="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["site"] == s { print $at[c] }' "${SITES_TSV:?}"; }

# Seconds for BYTES over MBIT, if the model were SCALE times as large.
travel() { calc "$1 * ${SCALE:?} * 8 / ($2 * 1e6)"; }

# ---- models and trainings ----

first_model() {   # OUT: the seed's first model, or its first adapter
    if [ "$kind" = scratch ]; then
        p fl-init -q -p "${PRESET:?}" -t "$OUT/scratch/tokenizer.flt" --seed "$seed" -o "$1"
    else
        p fl-init -q -m "$frozen" --lora "${RANK:?}" --seed "$seed" -o "$1"
    fi
}

# The rate of an update that begins when a FRACTION of all time is over: it falls to a tenth.
rate() { calc "$lr * (1 - 0.9 * $1)"; }

train() {   # MODEL OUT NUMBER RATE STEPS SITE... -- OPTION...: NUMBER is of the order of windows
    _model=$1 _out=$2 _seed=$((seed * 100000 + $3)) _rate=$4 _steps=$5 _name=$6
    shift 5
    _shards=
    while [ "$1" != -- ]; do
        _shards="$_shards $shards/$1/train.flt"
        _last=$1
        shift
    done
    shift
    [ "$_last" = "$_name" ] || _name=all
    if [ "$kind" = scratch ]; then set -- -m "$_model" "$@"; else set -- -m "$frozen" -a "$_model" "$@"; fi
    # shellcheck disable=SC2086
    p fl-train -q -j 1 "$@" -b "${BATCH:?}" -l "${LENGTH:?}" --steps "$_steps" --lr "$_rate" --site "$_name" -o "$_out" $_shards
}
constant() { printf '%s' "--warmup 1 --min-lr $1 --seed $2"; }

# The model that is measured: that of FILE, or the frozen one with the adapter in FILE merged into it.
whole() {   # FILE OUT
    if [ "$kind" = scratch ]; then cp "$1" "$2"; else fl-apply --merge -q -m "$frozen" -o "$2" "$1"; fi
}

# ---- measures ----

valid_files() { for _s in ${SITES:?}; do printf '%s ' "$shards/$_s/valid.flt"; done; }

# The loss of a model on the validation text of all sites.
loss_of() {
    whole "$1" "$here/whole.flt"
    # shellcheck disable=SC2046
    fl-eval -q -j 1 -m "$here/whole.flt" -l "$LENGTH" $(valid_files) | cells loss
}

round_line() { printf '%s\t%s\t%s\t%.0f\t%s\t%s\n' "$row" "$seed" "$@" >>"$here/rounds.tsv"; }

# The figures of the last model: one for all sites, or, of MODEL with %, that of each site. Every token of the
# validation text is scored once, by the model of its site.
figures() {   # MODEL
    for _s in $SITES; do
        whole "$(echo "$1" | sed "s/%/$_s/")" "$here/whole.flt"
        fl-eval -q -j 1 -m "$here/whole.flt" -l "$LENGTH" "$shards/$_s/valid.flt" | cells tokens bytes loss bits_per_byte accuracy
    done >"$here/figures"
    [ "$1" != "$(echo "$1" | tr -d %)" ] || fact all "$(awk -F '\t' '{ t += $1; l += $1 * $3 } END { print l / t }' "$here/figures")"
    awk -F '\t' '{ t += $1; b += $2; l += $1 * $3; bits += $2 * $4; a += $1 * $5; if ($3 > worst) worst = $3 }
        END { printf "loss\t%.6f\nbits_per_byte\t%.6f\naccuracy\t%.6f\nworst\t%.6f\n", l / t, bits / b, a / t, worst }' \
        "$here/figures" >>"$here/row.tsv"
}

# What whoever reads MODEL (with %, one for each site) learns of the sites' text: membership of documents, and the
# exposure of canaries. Means over the sites.
attacks() {   # MODEL
    for _s in $SITES; do
        _model=$(echo "$1" | sed "s/%/$_s/")
        [ -e "$_model" ] || continue
        whole "$_model" "$here/whole.flt"
        fl-eval -q -j 1 -m "$here/whole.flt" --attack membership --members "$shards/$_s/documents.flt" \
            "$shards/$_s/valid.flt" | cells auc tpr_at_fpr_0_01 | tr '\n' '\t'
        fl-eval -q -j 1 -m "$here/whole.flt" --attack canary --choices "$sites/$_s/choices.jsonl" | cells mean_exposure
    done >"$here/attacks"
    awk -F '\t' '{ a += $1; t += $2; e += $3 } END { printf "auc\t%.4f\ntpr\t%.4f\nexposure\t%.3f\n", a / NR, t / NR, e / NR }' \
        "$here/attacks" >>"$here/row.tsv"
}

# Keep the last model, where there is one for all; the rest was needed until here.
done_with() {   # [MODEL]
    [ $# = 0 ] || mv "$1" "$here/end"
    rm -f "$here"/*.flt "$here"/*.last
    [ $# = 0 ] || mv "$here/end" "$here/end.flt"
    # The second line of "times" is that of all children: user and system, as 0m1.25s.
    times >"$here/times.part"
    awk 'NR == 2 { split($1, u, "[ms]"); split($2, s, "[ms]"); printf "%.2f\n", 60 * (u[1] + s[1]) + u[2] + s[2] }' "$here/times.part" >"$here/took"
    rm "$here/times.part"
    : >"$here/done"
}
