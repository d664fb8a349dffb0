# shellcheck shell=sh
# No output replaces an input: for every program, each of its outputs onto each of its inputs, by the
# same name, by another spelling, by a symbolic and by a hard link: status 2, and the input is as it was.
. "$(dirname "$0")/lib.sh"
. "$top/tests/cli/federation.sh"

seq 1 400 | tr '\n' ' ' >t.txt
fl-harmonize --train-tokenizer 300 -o tok.flt t.txt
fl-init -p nano -t tok.flt --seed 1 -o m.flt
fl-harmonize -t m.flt -o s.flt t.txt
fl-train -m m.flt --steps 1 -b 1 -l 32 --site a -o u.flt s.flt
cp m.flt n.flt
echo 'batch: 1' >r.yaml
echo 'preset: nano' >c.yaml

# onto INPUT COMMAND...: in the command @ stands for the output
onto() {
    input=$1
    shift
    rm -f link.x hard.x
    ln -s "$input" link.x
    ln "$input" hard.x
    cp "$input" kept.x
    bad=
    for name in "$input" "./$input" link.x ${hard-hard.x}; do
        line=
        for word; do
            case $word in *@*) word=${word%@*}$name${word#*@} ;; esac
            line="$line '$word'"
        done
        eval "$line" >out 2>err </dev/null
        code=$?
        [ $code = 2 ] || bad="$bad $name: status $code;"
        cmp -s "$input" kept.x || bad="$bad $name: changed;"
        [ "$(wc -l <err)" = 1 ] || bad="$bad $name: $(wc -l <err) lines;"
        cp kept.x "$input"
        [ -z "$(find . -name '.*.part')" ] || bad="$bad $name: a part is left;"
        rm -f .*.part
    done
    [ -z "$bad" ] || echo "# $bad"
    report $((${#bad} > 0)) "$* onto $input"
}

train='fl-train -m m.flt -c r.yaml --steps 1 -l 32'
for input in m.flt s.flt r.yaml n.flt; do
    extra=
    [ $input != n.flt ] || extra='--valid n.flt'
    for output in -o --report --checkpoint; do
        # shellcheck disable=SC2086
        onto $input $train $extra $output @ s.flt
    done
done
for input in m.flt t.txt; do
    onto $input fl-harmonize -t m.flt -o @ t.txt
    onto $input fl-harmonize -t m.flt --card @ -o x.flt t.txt
    onto $input fl-harmonize -t m.flt --valid 0.5 --valid-output @ -o x.flt t.txt
    onto $input fl-tokenize -t m.flt -o @ t.txt
done
onto m.flt fl-diff -b m.flt -o @ --examples 1 n.flt
onto n.flt fl-diff -b m.flt -o @ --examples 1 n.flt
onto tok.flt fl-init -p nano -t tok.flt -o @
onto c.yaml fl-init -c c.yaml -t tok.flt -o @
onto u.flt fl-aggregate -o @ u.flt
onto u.flt fl-apply -m m.flt -o @ u.flt
onto u.flt fl-apply -m m.flt --optimizer momentum --state @ -o x.flt u.flt
onto m.flt fl-apply -m m.flt --optimizer momentum --state @ -o x.flt u.flt
onto m.flt fl-info -o @ m.flt
onto m.flt fl-info --raw --tensor norm.weight -o @ m.flt
onto s.flt sh -c 'fl-train -m m.flt --steps 1 -l 32 -o @ <s.flt'

model=m.flt federation a b c || exit 1
for input in roster.yaml hub.key m.flt; do
    onto $input fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o @
done
check "a plan" fl-plan -r roster.yaml -k hub.key --round 1 -m m.flt -o plan.flt
fl-train -m m.flt --steps 1 -b 1 -l 32 --site a -o u1.flt s.flt
for input in a.key plan.flt u1.flt; do
    onto $input fl-mask -k a.key -p plan.flt -o @ u1.flt
done
onto roster.yaml fl-aggregate -p plan.flt -r roster.yaml -o @ u1.flt
onto plan.flt fl-aggregate -p plan.flt -o @ u1.flt
hard=   # of another folder, it is another file's name
for file in a.key.state/*; do
    onto "$file" fl-mask -k a.key -p plan.flt -o @ u1.flt
done
ln -s a.key.state elsewhere
status 2 "a new file in a key's state" fl-mask -k a.key -p plan.flt -o elsewhere/new u1.flt
says 'where a key remembers its rounds'
check "  which is not there" test ! -e a.key.state/new
ln -s a.key other.key
check "a key through a link finds the state beside the key" fl-mask -k other.key -p plan.flt -o up.flt u1.flt

# Two outputs are two files, also when neither is there yet.
status 2 "two outputs of one new name" fl-harmonize -t m.flt --card ./new.flt -o new.flt t.txt
says 'is the output of both --card and --output'
status 2 "two outputs on standard output" fl-harmonize -t m.flt --card - t.txt
says 'are both on standard output'

# The stated exception.
fl-apply -m m.flt -o next.flt u.flt
check "fl-apply may replace its model" fl-apply -m n.flt -o n.flt u.flt
check "  by the next one" cmp n.flt next.flt
finish
