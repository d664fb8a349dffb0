# shellcheck shell=sh
# Files of a kind that is another party's, put by the gate, which knows no roles: the hub's turn must take
# none of them, and tell its sender. tests/attacks/README.md lists them.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

small_model || exit 1
helpers='b +aux' min_sum=3 terms='tensors: [{match: "*", protect: mask, bits: 32, clip: 0.01}]\nreplay: [aux]'
federation a b c && parties a b c || exit 1
put() { SSH_ORIGINAL_COMMAND="put $2 0 $(stat -c %s "$3") 0" fl-gate "$1" srv <"$3"; }   # PARTY KIND FILE
bad() { check "  the hub calls it bad" grep -q ' bad ' "srv/pub/round/0/have/$1/$2"; }   # PARTY KIND
turn hub a b c && cp srv/in/a/0.up.flt up.a && cp up.a up.bit && printf damaged | dd of=up.bit bs=1 seek=3000 conv=notrunc 2>/dev/null
cp -a srv srv.open && cp -a work.hub work.open
check "a helper that is no site puts another's upload" put aux up up.a
status 3 "a site that is no helper answers before go" put c answer up.a
status 3 "keys, where nothing is encrypted" put aux keys up.a
check "the hub's turn" turn hub
bad aux up
check "  and has the three sites'" [ "$(ls srv/pub/round/0/up)" = "$(printf '%s.flt\n' a b c)" ]
status 3 "a second upload after the receipt" put a up up.bit
cp up.bit srv/in/a/0.up.flt && turn hub
check "  which came by another way: the first one's receipt stays" grep -q "^$(b2sum -l 256 <up.a | cut -c 1-64) taken" srv/pub/round/0/have/a/up
check "  and the first one" cmp -s up.a srv/pub/round/0/up/a.flt
head -c 500 up.a >few
check "a site that is no helper says ready" put c ready.1 few
turn hub && bad c ready.1
turn b aux hub
check "both helpers are ready: go" [ -e srv/pub/round/0/go ]
check "a site that is no helper answers" put c answer up.a
status 3 "a party signs a mean that is not there" put c opened few
turn hub && bad c answer
turn b aux hub
check "the round closes" [ "$(closed)" = 1 ]
check "  with the two helpers' answers" [ "$(ls srv/pub/round/0/answer)" = "$(printf '%s.flt\n' aux b)" ]
check "a party that is not under replay signs the mean" put c opened few
turn hub && bad c opened
check "  one file of a sender's is kept to be looked at" [ "$(ls work.hub/bad)" = "$(printf '%s.flt\n' aux c)" ]
rm -rf srv work.hub && mv srv.open srv && mv work.open work.hub
broken 's%--as "$p/$kind"%--as a/up%'
put aux up up.a && turn hub
check "teeth: without the sender's name and kind the hub takes another's" [ -e srv/pub/round/0/up/aux.flt ]
finish
