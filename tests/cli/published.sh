# shellcheck shell=sh
# Sourced after lib.sh: a published round once more, by the programs on PATH, every file compared. Who
# sources it defines "fixed RUN command...", which gives them chance by that name (tests/vectors/fixed.c).
again() { python "$top/tests/naive/secagg_round.py" "$@"; }
this="fl $(fl-plan --version | sed 's/.* //')"

masked_round() {   # tests/vectors/round
    round=$top/tests/vectors/round came="a b c e" asked="e c a b"
    # A plan says which version made it, and all that follows hangs on the plan: "want" becomes the round that
    # this version makes, which the second implementation writes where the published one is of another.
    software=$(fl-info "$round/5/plan.flt" | awk -F '\t' '$2 == "software" { print $7 }')
    want=$round
    [ "$software" = "$this" ] || { want=$work/again-$this && again "$want" "$this" 2>/dev/null; }
}

made_by_programs() {   # as published, with chance that is fixed
    if [ -n "${SAN:-}" ]; then
        skip "the programs make it too" "sanitizers want to be loaded first"
    elif ! "${CC:-cc}" -O2 -shared -fPIC -o fixed.so "$top/tests/vectors/fixed.c" -lsodium 2>err; then
        skip "the programs make it too" "no compiler is here"
    else
        fixed() {   # RUN command...
            _run=$1
            shift
            env FIXED="$_run" LD_PRELOAD="$work/fixed.so" "$@"
        }
        mkdir made && cd made && published
    fi
}

published() {   # of "want" every file: sites "came", the hub names them as in "asked"; "leaves": it encrypts
    mkdir -p 5/up 5/ready 5/answer 5/opened
    for _n in a b c d e aux hub; do
        fixed "$_n keygen" fl-keygen -n $_n -o $_n.key >$_n.pub
        same "$_n's key" $_n.key keys/$_n.new
        same "  and its line" $_n.pub keys/$_n.pub
    done
    for _n in ${leaves:+b aux}; do
        fixed "$_n he" fl-keygen --he vectors -k $_n.key >$_n.line
        same "$_n's line for encryption" $_n.line keys/$_n.line
    done
    fixed "hub show" fl-keygen --show "$want/roster.yaml" | sed -n 's/^words	//p' >words
    same "the roster's words" words words
    for _n in a b c d e aux hub; do
        fixed "$_n accept" fl-keygen --accept "$want/roster.yaml" -k $_n.key --words words >shown
    done
    for _n in ${leaves:+b aux}; do
        fixed "$_n keys" fl-keygen --he-key 5 -k $_n.key -o $_n.hekey
        same "$_n's key of the round" $_n.hekey keys/$_n.hekey
    done
    # shellcheck disable=SC2086 # options
    fixed "hub plan" fl-plan -q -r "$want/roster.yaml" -k hub.key --round 5 -m "$want/model.flt" -o 5/plan.flt \
        ${leaves:+--he-keys b.hekey --he-keys aux.hekey}
    same "the plan" 5/plan.flt
    for _n in $came; do
        _update=$want/update-$_n.flt
        [ -e "$_update" ] || _update=--zero
        fixed "$_n mask" fl-mask -q -k $_n.key -p 5/plan.flt -o 5/up/$_n.flt "$_update"
        same "the upload of $_n" 5/up/$_n.flt
    done
    # shellcheck disable=SC2046 # files
    fixed "hub request" fl-aggregate -q -k hub.key -p 5/plan.flt --request 5/request.flt -o 5/sum.flt \
        $(printf '5/up/%s.flt ' $asked)
    same "the request" 5/request.flt
    same "the sum, still masked" 5/sum.flt
    for _n in b aux; do
        fixed "$_n ready" fl-unmask -q --ready -k $_n.key -p 5/plan.flt -o 5/ready/$_n.flt 5/request.flt
        same "$_n is ready" 5/ready/$_n.flt
        # shellcheck disable=SC2046 # files
        fixed "$_n answer" fl-unmask -q -k $_n.key -p 5/plan.flt -o 5/answer/$_n.flt 5/request.flt \
            ${leaves:+$(printf '5/up/%s.flt ' $asked)}
        same "the answer of $_n" 5/answer/$_n.flt
    done
    fixed "hub open" fl-aggregate -q -p 5/plan.flt -o 5/mean.flt 5/sum.flt 5/answer/aux.flt 5/answer/b.flt
    same "the mean" 5/mean.flt
    fixed "hub apply" fl-apply -q -m "$want/model.flt" -p 5/plan.flt --state velocity.flt -o next.flt 5/mean.flt
    same "the next model" next.flt
    same "  and its velocity" velocity.flt
    for _n in aux $([ "${leaves-}" ] && echo b || echo c); do
        fixed "$_n verify" fl-aggregate --verify 5 -r "$want/roster.yaml" -m "$want/model.flt" \
            --next next.flt -k $_n.key -o 5/opened/$_n.flt >verified
        same "what $_n signs of it" 5/opened/$_n.flt
    done
    for _n in b aux; do
        fixed "$_n advance" fl-unmask --advance -q -k $_n.key -p 5/plan.flt -m "$want/model.flt" \
            --velocity $_n.velocity -o $_n.next 5
        same "$_n follows to the next model" $_n.next next.flt
        same "  with its velocity" $_n.velocity velocity.flt
    done
    for _n in a b c d e aux hub; do
        same "the key of $_n after the round" $_n.key keys/$_n.key
        same "  and its state" $_n.key.state/state keys/$_n.state
    done
    # all but what they are given
    (cd "$want" && find roster.yaml model.flt update-?.flt && find keys -name '*.leaves' && cat "$work/compared") | sort -u >listed
    (cd "$want" && find . -type f | cut -c 3- | sort) >there
    check "no file of it was left out" cmp listed there
}

same() {   # WHAT FILE [OF]: FILE has the bytes of WANT/OF
    check "$1" cmp "$2" "$want/${3-$2}"
    echo "${3-$2}" >>"$work/compared"
}
