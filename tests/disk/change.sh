#!/bin/sh
# The commands that change an image (resize, snapshot, commit, rebase, amend) leave what qemu-img leaves, say what it says,
# and the real qemu-img finds nothing wrong.
. "$(dirname "$0")/lib.sh"

# did NAME ARGS...: once in each folder; the same words and status.
did() {
	did_name=$1
	shift
	(cd ours && img "$@") </dev/null >ours.raw 2>&1
	echo $? >ours.rc
	sed "s/^hvmux img: /qemu-img: /; s/'hvmux img --help'/'qemu-img --help'/" ours.raw >ours.out
	(cd theirs && real "$@") </dev/null >theirs.out 2>&1
	echo $? >theirs.rc
	if cmp -s ours.out theirs.out && cmp -s ours.rc theirs.rc; then
		tap_ok "$did_name"
		return 0
	fi
	tap_not_ok "$did_name"
	echo "# img $*: exit status $(cat ours.rc), qemu-img's $(cat theirs.rc)"
	diff -u theirs.out ours.out | tap_note
	return 1
}
# refused NAME ARGS...: both refuse, each in its own words, and our image stays as it is.
refused() {
	refused_name=$1
	shift
	before=$(cat ours/* | cksum)
	(cd ours && img "$@") </dev/null >ours.out 2>&1
	rc=$?
	if [ $rc = 1 ] && [ "$(cat ours/* | cksum)" = "$before" ] && [ -s ours.out ]; then
		tap_ok "$refused_name"
	else
		tap_not_ok "$refused_name (status $rc)"
		tap_note <ours.out
	fi
}
# equal FILE...: sound, the same facts, the same bytes for the guest.
equal() {
	for file; do
		facts "theirs/$file" | grep -v '"date-' >want
		facts "ours/$file" | grep -v '"date-' >got
		diff -u want got || return
		case $(cat got) in *'"format": "qcow2"'*) (cd ours && real check "$file") || return ;; esac
		real compare "ours/$file" "theirs/$file" || return
	done
}
fill() { real_io "$1" "write -P 1 0 3M" "write -P 2 10M 1M" "write -z 20M 1M" "write -P 3 5000 3333"; }
# real_io "FILE" COMMAND...: qemu-io's commands
real_io() {
	io_file=$1
	shift
	# shellcheck disable=SC2086 # the file's format stands in front of its name
	for io_line; do echo "$io_line"; done | qemu-io $io_file >io.out 2>&1 && ! grep -i fail io.out
}
need_program qemu-io

# --- resize ---------------------------------------------------------------------------------------------
for o in cluster_size=64k cluster_size=512 cluster_size=2M extended_l2=on compat=0.10 refcount_bits=1; do
	rm -f ours/* theirs/*
	both real create -q -f qcow2 -o $o a 30M
	both fill a
	did "resize $o: larger" resize a +100M
	check "… equal" equal a
	did "resize $o: not smaller without being asked twice" resize a 20M
	did "resize $o: smaller" resize --shrink a 20000000
	check "… equal" equal a
	did "resize $o: larger again, quiet" resize -q a 64M
	check "… equal" equal a
	did "resize $o: nothing" resize a +0
done
rm -f ours/* theirs/*
both real create -q -f raw base 10M
both real_io "-f raw base" "write -P 9 0 10M"
both real create -q -f qcow2 -b base -F raw a 5M
did "resize: what the backing file has behind the old end does not show" resize a 20M
check "… equal" equal a
both real create -q -f qcow2 b 30M
both fill b
for mode in metadata falloc full; do
	did "resize: preallocation $mode" resize --preallocation=$mode b +10M
	check "… equal" equal b
done
both real create -q -f raw r 1M
did "resize raw" resize -f raw r 3M
did "resize raw, smaller" resize -f raw --shrink r 1000
check "… equal" cmp ours/r theirs/r
did "resize raw, written" resize -f raw --preallocation=full r 1M
check "… equal" cmp ours/r theirs/r
did "resize: no size" resize a
did "resize: not a size" resize a -100G
did "resize: no mode" resize --preallocation=some a 50M
refused "resize: no such file" resize none 1G

# --- snapshots ------------------------------------------------------------------------------------------
for o in cluster_size=64k cluster_size=512 extended_l2=on compat=0.10 refcount_bits=64 refcount_bits=4; do
	rm -f ours/* theirs/*
	both real create -q -f qcow2 -o $o a 30M
	both fill a
	did "snapshot $o: made" snapshot -c one a
	both real_io a "write -P 7 1M 3M" "write -P 8 12M 100k"
	check "… equal" equal a
	did "snapshot $o: a second" snapshot -c two a
	both real_io a "write -P 6 2M 3M"
	did "snapshot $o: back to the first" snapshot -a one a
	check "… equal" equal a
	both real_io a "write -P 5 0 2M"
	did "snapshot $o: back to the second, by id" snapshot -a 2 a
	check "… equal" equal a
	did "snapshot $o: the first deleted" snapshot -d one a
	check "… equal" equal a
	both real_io a "write -P 4 0 2M"
	did "snapshot $o: the second deleted" snapshot -d two a
	check "… equal" equal a
done
did "snapshot: none of the name to delete" snapshot -d none a
did "snapshot: none of the name to go back to" snapshot -a none a
did "snapshot: one thing at a time" snapshot -l -c x a
did "snapshot: no list" snapshot -l a
did "snapshot: no file" snapshot -c x
both real create -q -f qcow2 one 1M
(cd ours && img snapshot -c first one && img snapshot -c "with blanks in its name" one && real snapshot -c third one)
cp ours/one theirs/one
did "snapshot: the list" snapshot -l one
both real create -q -f qcow2 -o refcount_bits=1 narrow 1M
both real_io narrow "write -P 1 0 64k"
refused "snapshot: counts of one bit have no room" snapshot -c x narrow
check "… still sound" real check -q ours/narrow

# --- commit ---------------------------------------------------------------------------------------------
# chain FORMAT OPTIONS: base < mid < top
chain() {
	rm -f base mid top
	real create -q -f "$1" base 20M && real_io "-f $1 base" "write -P 1 0 15M" || return
	real create -q -f qcow2 -b base -F "$1" mid 30M &&
		real_io mid "write -P 2 1M 5M" "write -P 3 25M 3333" "write -z 12M 1M" || return
	real create -q -f qcow2 -o "$2" -b mid -F qcow2 top 32M &&
		real_io top "write -P 7 2M 20000" "write -z 3M 100k" "write -P 9 16M 1M" "write -z 29M 1M"
}
for f in raw qcow2; do
	for o in cluster_size=64k cluster_size=4k extended_l2=on; do
		both chain $f $o
		did "commit to $f, $o" commit top
		check "… equal" equal mid top
		both chain $f $o
		did "commit to $f, $o, with -d" commit -d top
		check "… equal" equal mid top
		both chain $f $o
		did "commit to $f, $o, two layers down" commit -q -b base top
		check "… equal" equal top
		check "… the base, too" real compare -f $f -F $f ours/base theirs/base
	done
done
check "commit: an emptied overlay is small" [ "$(both chain raw cluster_size=64k && cd ours && img commit -q top && stat -c %s top)" -le 400000 ]
both real create -q -f qcow2 lone 1M
did "commit: no backing file" commit lone
did "commit: no such layer" commit -b none top
did "commit: no file" commit

# --- rebase ---------------------------------------------------------------------------------------------
for f in raw qcow2; do
	for o in cluster_size=64k cluster_size=4k extended_l2=on; do
		both chain $f $o
		did "rebase to $f, $o" rebase -b base -F $f top
		check "… equal" equal top
		both chain $f $o
		both real create -q -f qcow2 other 10M
		both real_io other "write -P 77 0 10M"
		did "rebase to another, $o" rebase -b other -F qcow2 top
		check "… equal" equal top
		both chain $f $o
		did "rebase to nothing, $o" rebase -b "" top
		check "… equal" equal top
	done
done
both chain raw cluster_size=64k
did "rebase: the name alone" rebase -u -b nowhere -F raw top
did "rebase: the name alone, back" rebase -u -b mid -F qcow2 top
check "… equal" equal top
did "rebase: a format must be told" rebase -b base top
did "rebase: a format must be told with -u, too" rebase -u -b base top
did "rebase: to what" rebase top
did "rebase: no such format" rebase -u -b base -F none top
refused "rebase: no such file" rebase -b none -F raw top
check "… equal" equal top

# --- amend ----------------------------------------------------------------------------------------------
for o in cluster_size=64k cluster_size=512 compat=0.10; do
	rm -f ours/* theirs/*
	both real create -q -f qcow2 -o $o a 30M
	both fill a
	both real snapshot -c one a
	both real_io a "write -P 7 1M 3M"
	did "amend $o: upgraded" amend -o compat=1.1 a
	check "… equal" equal a
	for bits in 64 8 32 2 4 16; do
		did "amend $o: counts of $bits bits" amend -o refcount_bits=$bits a
		check "… equal" equal a
	done
	did "amend $o: lazy" amend -o lazy_refcounts=on a
	did "amend $o: larger" amend -o size=50M a
	check "… equal" equal a
	did "amend $o: not lazy" amend -o lazy_refcounts=off a
	check "… equal" equal a
	refused "amend $o: counts of one bit have no room" amend -o refcount_bits=1 a
	did "amend $o: downgraded by qemu-img" amend -o compat=0.10 a
	check "… equal" equal a
	did "amend $o: no other width in version 2" amend -o refcount_bits=8 a
	did "amend $o: nothing lazy in version 2" amend -o lazy_refcounts=on a
done
did "amend: no options" amend a
did "amend: no file" amend -o size=1M
did "amend: unknown" amend -o foo=1 a
did "amend: for new images alone" amend -o cluster_size=4096 a
did "amend: another backing file" amend -o backing_file=b a
did "amend: no width" amend -o refcount_bits=65 a
both real create -q -f raw r 1M
did "amend: raw" amend -f raw -o size=2M r

# --- bitmaps --------------------------------------------------------------------------------------------
both real create -q -f qcow2 b 30M
did "bitmap: added" bitmap --add b b0
did "bitmap: added twice" bitmap --add b b0
did "bitmap: finer" bitmap --add -g 32k b b1
did "bitmap: not recording" bitmap --add --disable b b2
check "… equal" equal b
both real_io b "write -P 1 1M 3M"
did "bitmap: merged by qemu-img" bitmap --merge b0 b b2
did "bitmap: enabled" bitmap --enable b b2
did "bitmap: cleared and disabled" bitmap --clear --disable b b0
did "bitmap: none to remove" bitmap --remove b none
did "bitmap: none to clear" bitmap --clear b none
did "bitmap: what" bitmap b b0
did "bitmap: of what" bitmap --add b
did "bitmap: too fine" bitmap --add -g 100 b b5
did "bitmap: granularity of an old one" bitmap -g 64k --clear b b0
did "bitmap: source of nothing" bitmap -b x --add b b9
did "bitmap: added and removed at once" bitmap --add --remove b b7
check "… equal" equal b
did "bitmap: a snapshot beside them" snapshot -c one b
did "bitmap: another size is left to qemu-img" resize b 40M
check "… equal" equal b
for bitmap in b0 b1 b2; do
	did "bitmap: $bitmap removed" bitmap --remove b $bitmap
done
check "… equal" equal b

tap_done
