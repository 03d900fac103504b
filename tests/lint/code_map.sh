#!/bin/sh
# doc/CODE-MAP has a line for each source file (one for a .c with its .h), and each line's file exists.
. "$(dirname "$0")/lib.sh"

mapped=$(sed -nE 's/^ *((src|tests|doc)\/[^ ]*)[[:space:]].*/\1/p' doc/CODE-MAP)
unmapped() {
	for f in src/*.[ch] src/*/*.[ch]; do
		case $f in
		*.h) [ ! -e "${f%.h}.c" ] || continue ;;
		esac
		[ ! -e "$f" ] || printf '%s\n' "$mapped" | grep -qxF "$f" || echo "$f: no line in doc/CODE-MAP"
	done
}
gone() {
	for f in $mapped; do
		[ -e "$f" ] || echo "doc/CODE-MAP: $f does not exist"
	done
}
twice() { printf '%s\n' "$mapped" | sort | uniq -d; }

lint "every source file is in the map" unmapped
lint "every line of the map has its file" gone
lint "no file is in the map twice" twice
lint_done
