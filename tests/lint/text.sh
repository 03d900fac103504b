#!/bin/sh
# What no file of ours has: trailing white space, DOS line ends, paths of somebody's machine, marks of a merge.
. "$(dirname "$0")/lib.sh"

# Files that hold bytes of others' making (console recordings, fuzz corpora, bad XML on purpose) are left out.
text_files() { project_files | grep -vE '^\./(COPYING$|tests/(data|fuzz/corpus|vt/data)/)|\.(bin|img|gz)$'; }
scan() { text_files | grep -v '^\./tests/lint/' | tr '\n' '\0' | xargs -0 grep -InE "$1"; }
no_line_end() {
	text_files | while read -r f; do
		[ -z "$(tail -c 1 "$f" | tr -d '\n' | od -An -c)" ] || echo "$f: its last line has no end"
	done
}

lint "no trailing white space, no DOS line end" scan '[[:space:]]+$'
lint "no path of a machine" scan '(^|[^A-Za-z0-9_.])/root/[a-z.]'
lint "no marks of a merge" scan '^(<<<<<<<|>>>>>>>|=======$)'
lint "every file ends with a line end" no_line_end
lint_done
