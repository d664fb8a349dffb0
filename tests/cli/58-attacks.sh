#!/bin/sh
# Attacks on masked rounds by hub, helpers, sites, thieves and observers, with forged messages; each
# again without the rule that stops it, where it must recover a site's update. See tests/attacks.
. "$(dirname "$0")/lib.sh"
if python -c 'import xxhash' 2>/dev/null; then
    export BUILD PYTHONDONTWRITEBYTECODE=1
    python "$top/tests/attacks/attempts.py"
    exit
fi
skip "attacks on masked rounds" "python3-xxhash is not here"
finish
