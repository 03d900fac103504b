# shellcheck shell=sh
# tests/disk/lib.sh: sourced by the tests of images, which hold `hvmux img` against the real qemu-img. POSIX sh.
# They work in $TEST_TMP/ours and $TEST_TMP/theirs, two folders that begin the same.
. "$(dirname "$0")/../qemu/lib.sh"
case $HVMUX in
/*) ;;
*) HVMUX=$PWD/$HVMUX ;;
esac
need_program qemu-img
REAL=$(command -v qemu-img)
mkdir "$TEST_TMP/ours" "$TEST_TMP/theirs"
cd "$TEST_TMP" || exit 2

img() { "$HVMUX" img "$@"; }
real() { "$REAL" "$@"; }
# both COMMAND...: in either folder, to prepare them.
both() { (cd ours && "$@") && (cd theirs && "$@"); }

# try ARGS...: `img ARGS` and `qemu-img ARGS`, each in its folder; what they print (both streams) and their exit status
# into {ours,theirs}.{out,rc}. Messages name the program: that is made the same.
try() {
	(cd ours && img "$@") </dev/null 2>&1 | sed "s/^hvmux img: /qemu-img: /; s/'hvmux img --help'/'qemu-img --help'/" >ours.out
	(cd ours && img "$@" >/dev/null 2>&1 </dev/null)
	echo $? >ours.rc
	(cd theirs && real "$@") </dev/null >theirs.out 2>&1
	echo $? >theirs.rc
}
# same NAME ARGS...: the two print the same and exit with the same status.
same() {
	same_name=$1
	shift
	try "$@"
	if cmp -s ours.out theirs.out && cmp -s ours.rc theirs.rc; then
		tap_ok "$same_name"
		return 0
	fi
	tap_not_ok "$same_name"
	echo "# img $*: exit status $(cat ours.rc), qemu-img's $(cat theirs.rc)"
	diff -u theirs.out ours.out | tap_note
	return 1
}
# facts FILE: what the real qemu-img says of it, without what two equal images may differ in.
facts() { real info -U --output=json "$1" | grep -vE '"(actual-size|filename|full-backing-filename)"'; }
