#!/bin/sh
# systemd reads our units without a complaint.
. "$(dirname "$0")/lib.sh"

units=$(mktemp -d) || exit 2
trap 'rm -rf "$units"' EXIT
for u in doc/units/*.in; do
	f=${u##*/}
	# A program that is there: ours need not be installed, nor its man page.
	sed 's|@bindir@/hvmux|/bin/true|g; s|@sysconfdir@|/etc|g' "$u" >"$units/${f%.in}"
done
complaints() { (cd "$units" && systemd-analyze verify --man=no ./hvmux.service ./hvmux@web1.service 2>&1 | grep -F hvmux); }
if command -v systemd-analyze >/dev/null; then
	lint "systemd units" complaints
else
	lint_skip "systemd units" "no systemd-analyze here"
fi
lint_done
