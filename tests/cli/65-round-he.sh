#!/bin/sh
# fl-round(1) with encrypted tensors beside masked and plain ones: helpers send keys of their own accord, read
# of an upload no more than its ciphertexts before they answer, and all rounds end as masked ones do.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"
. "$top/tests/cli/turns.sh"

mkdir set && cd set || exit 1
small_model || exit 1
helpers='b +aux' min_sum=3
hub=hub.key
keys hub a b c aux || exit 1
rules() { echo "tensors: [{match: \"*norm*\", protect: plain, bits: 32, clip: 0.01}, {match: \"*embed*\", protect: $1, bits: 24, clip: 0.01}, {match: \"*\", protect: mask, bits: 32, clip: 0.01}]"; }
{ rules he | roster 1 a b c; echo he:; for h in b aux; do echo "  - $(fl-keygen --he demo -k $h.key)"; done; } >roster.yaml
accept roster.yaml hub a b c aux && parties a b c || exit 1
cd ..
cp -a set calm && cd calm || exit 1
until_closed 2 hub a b c aux; report $? "two rounds, by turns alone"
cat work.*/fault; cat work.aux/journal/* work.hub/journal/*; ls -R srv/pub/round work.aux/round
round status hub.yaml
cat srv/pub/round/0/go; SSH_ORIGINAL_COMMAND=ls fl-gate aux srv; fl-report --step --list work.aux/.part/list aux.yaml; round helper -v aux.yaml; finish
