# shellcheck shell=sh
# fl-gate(1) attacked; tests/attacks/README.md says what was tried and what came of it.
. "$(dirname "$0")/lib.sh"
. "$top/tests/attacks/gate.sh"
finish
