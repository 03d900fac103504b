#!/bin/sh
# tests/run itself: what counts as passed, failed and skipped.
. "$(dirname "$0")/lib.sh"

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1"
	chmod +x "$dir/$1"
}
program passes 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2'
program fails 'echo "ok 1 - a"; echo "not ok 2 - b"; exit 1'
program lies 'echo "not ok 1 - a"; exit 0'
program dies 'echo "ok 1 - a"; kill -SEGV $$'
program is_silent 'exit 0'
program stops 'echo 1..3; echo "ok 1 - a"; exit 0'
program skips 'echo "ok 1 - a # SKIP no time"'
program skips_as_cmocka 'echo "1..2"; echo "not ok 1 # SKIP no library"; echo "ok 2 - b"'
program skips_all 'echo "1..0 # SKIP no place"'
program hangs 'echo "ok 1 - a"; exec sleep 60'

# expect "N passed, N failed, N skipped" STATUS PROGRAM...
expect() {
	want=$1 status=$2
	shift 2
	for p; do
		shift
		set -- "$@" "$dir/$p"
	done
	sh tests/run -j 2 "$@" >"$dir/out" 2>&1
	rc=$?
	if [ "$(tail -n 1 "$dir/out")" != "$want" ] || [ $rc -ne "$status" ]; then
		echo "wanted '$want' and exit status $status, got '$(tail -n 1 "$dir/out")' and $rc of $*"
	fi
}
unset STRICT
lint "a program that passes" expect "2 passed, 0 failed, 0 skipped" 0 passes
lint "a program that fails" expect "1 passed, 1 failed, 0 skipped" 1 fails
lint "a failure that exits 0" expect "0 passed, 1 failed, 0 skipped" 1 lies
lint "a program that dies" expect "1 passed, 1 failed, 0 skipped" 1 dies
lint "a program that says nothing" expect "0 passed, 1 failed, 0 skipped" 1 is_silent
lint "a program that stops before its plan" expect "1 passed, 2 failed, 0 skipped" 1 stops
lint "skipped tests" expect "0 passed, 0 failed, 2 skipped" 0 skips skips_all
lint "skipped in cmocka's words" expect "1 passed, 0 failed, 1 skipped" 0 skips_as_cmocka
lint "several programs" expect "3 passed, 1 failed, 1 skipped" 1 passes fails skips
TEST_TIMEOUT=1
export TEST_TIMEOUT
lint "a program that hangs" expect "1 passed, 1 failed, 0 skipped" 1 hangs
STRICT=1
export STRICT
lint "STRICT=1" expect "2 passed, 1 failed, 0 skipped" 1 passes skips
lint_done
