# shellcheck shell=sh
# Folders of gigabytes go in and out with memory for a slice of a tensor: the weights' file has holes, so that
# it takes no room. 30 GB take a minute: make check BIG=1 T=73-slices.
. "$(dirname "$0")/lib.sh"
hf() { python "$top/tests/cli/hf.py" "$@"; }
most=65536 # KiB
within() { hf peak $most "$@"; }
room() { [ "$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')" -gt "$1" ]; }   # more than so many GiB
zeros() {   # are all bytes after the header 0? and are they as many as before?
    [ "$(stat -c %s there/model.safetensors)" -ge "$1" ] && tail -c "$1" there/model.safetensors | cmp -n "$1" - /dev/zero
}

same_names() { hf files sparse >a && hf files there >b && grep -q "^model.safetensors .*weight" a && cmp a b; }

fl-init -p nano -o nano.flt && fl-info -t tokenizer.json --raw nano.flt >tokenizer.json || exit 1
cases='2 llama
0.4 turned'
if [ -n "${SAN:-}${VALGRIND:-}" ]; then
    skip "gigabytes" "sanitizers need memory of their own"
    finish
fi
[ -z "${BIG:-}" ] || cases="30 llama
$cases"
echo "$cases" >cases
while read -r gib kind; do
    rm -rf sparse there m.flt
    bytes=$(hf sparse sparse tokenizer.json "$gib" "$kind")
    if [ $? != 0 ]; then
        skip "$gib GiB" "this file system has no files with holes"
        continue
    fi
    check "$gib GiB go in, $kind" within fl-import -o /dev/null sparse
    cat out
    if [ "$gib" = 30 ]; then
        continue
    elif ! room 8; then
        skip "  and out" "no room for them here"
        continue
    fi
    fl-import -o m.flt sparse
    check "  and out" within fl-export -f hf -o there m.flt
    cat out
    check "  as they were" zeros "$bytes"
    check "  under the same names" same_names
done <cases
finish
