#!/bin/sh
# Shell scripts parse everywhere, and shellcheck has nothing to say.
. "$(dirname "$0")/lib.sh"

unparsed() {
	shell_files | while read -r f; do
		case $(head -n 1 "$f") in
		*bash*) bash -n "$f" ;;
		*) sh -n "$f" ;;
		esac
	done
}
# The sourced files are read with those that source them; which variables they share it cannot know.
checked() { shell_files | tr '\n' '\0' | xargs -0 shellcheck -S warning -e SC1090,SC1091,SC2034,SC2154 -f gcc; }

lint "shell scripts parse" unparsed
if command -v shellcheck >/dev/null; then
	lint "shellcheck" checked
else
	lint_skip "shellcheck" "not installed"
fi
lint_done
