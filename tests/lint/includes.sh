#!/bin/sh
# Includes point downward only (doc/HACKING.md, "Rooms"), and each names its room.
. "$(dirname "$0")/lib.sh"

# allowed ROOM: the rooms that it may include, as a pattern of grep -E; "." any.
allowed() {
	case $1 in
	cli) echo '.' ;;
	tui) echo '^(tui|serial|disk|core)/|^cli/table\.h$' ;;
	kvm) echo '^(kvm|serial|disk|net|core)/' ;;
	serial | disk | net) echo "^($1|core)/" ;;
	core) echo '^core/' ;;
	*) echo '^no such room$' ;;
	esac
}
own_includes() { grep -rHn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" --include='*.[ch]' | grep -v '"config\.h"'; }
upward() {
	for dir in src/*/; do
		room=${dir#src/}
		room=${room%/}
		own_includes "$dir" | sed 's/^\([^:]*:[0-9]*\):[^"]*"\([^"]*\)".*/\1 \2/' | while read -r where what; do
			echo "$what" | grep -qE "$(allowed "$room")" || echo "$where: $room may not include \"$what\""
		done
	done
}
roomless() { own_includes src tests | grep -vE '"[a-z_]+/[A-Za-z0-9_./-]+"'; }

lint "includes point downward" upward
lint "every include names its room" roomless
lint_done
