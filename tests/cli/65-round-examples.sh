# shellcheck shell=sh
# The examples of rounds: the stick is carried, and the files for cron are what the programs read.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

check "examples/stick runs" "$top/examples/stick/run" stick
cp out told
check "  two rounds are closed" grep -qx 'lap 4: 2 rounds closed' told
check "  and all have the last model" [ "$(grep -c 'has made' told)" = 3 ]
for n in north south coast; do
    check "  $n went out of its machine by the stick alone" [ -z "$(find stick/$n -name '*.flt' -newer stick/words -path '*/in/*')" ]
done

cp -r "$top/examples/cron" cron && cd cron || exit 1
fl-init -q -p nano -o model.flt
model=model.flt federation north south coast || exit 1
for f in north hub; do
    check "examples/cron/$f.yaml is read" fl-info --conf $f.yaml
done
check "  by names of the keys in fl_keys" sh -c 'sed -n "s/^restrict,command=\"fl-gate \([a-z]*\) .*/\1/p" fl_keys | tr "\n" " " | grep -qx "north south coast "'
check "the recipe is one" sh -c 'seq 1000 | fl-harmonize -q -t model.flt | fl-train -q -m model.flt -c recipe.yaml --dry-run'
sed -n 's/^#*\*\/5 \* \* \* \* *//p' crontab >turns
check "the crontab's lines are turns" [ "$(wc -l <turns)" = 3 ]
while read -r line; do   # of no file here
    status 1 "  $line" sh -c "$(echo "$line" | sed 's%/etc/fl/%/nowhere/%')"
done <turns
sshd=$(command -v sshd || echo /usr/sbin/sshd)
if [ -x "$sshd" ]; then
    mkdir -p /run/sshd 2>/dev/null
    { ssh-keygen -q -t ed25519 -N '' -f host && echo "HostKey $PWD/host" && cat sshd_config; } >whole
    check "sshd reads sshd_config" "$sshd" -t -f whole
else
    skip "sshd reads sshd_config" "there is no sshd"
fi
check "fl-gate(1) says the same lines" sh -c 'grep -v -e MaxSessions -e PerSource sshd_config | while read -r l; do grep -qxF -- "$l" "$0" || grep -qF -- "$(echo "$l" | sed "s/-/\\\\-/g")" "$0" || exit 1; done' "$top/man/fl-gate.1"
finish
