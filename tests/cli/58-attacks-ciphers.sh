#!/bin/sh
# Attacks on encrypted tensors by hub, helpers, sites and thieves; each again without the rule that stops it,
# where it must read a site's update. See tests/attacks.
. "$(dirname "$0")/lib.sh"
if python -c 'import xxhash' 2>/dev/null; then
    export BUILD PYTHONDONTWRITEBYTECODE=1
    python "$top/tests/attacks/ciphers.py"
    exit
fi
skip "attacks on encrypted tensors" "python3-xxhash is not here"
finish
