#!/bin/sh
# The C sources are as .clang-format says. Releases of clang-format differ in detail: only the one we use is asked.
. "$(dirname "$0")/lib.sh"

want=14
have=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
unformatted() {
	c_files | tr '\n' '\0' | xargs -0 clang-format --dry-run -Werror 2>&1 |
		sed -n 's/^\([^:]*\):.* error: .*/\1: not as clang-format has it (make format)/p' | uniq
}

if [ "$have" = $want ]; then
	lint "formatted" unformatted
else
	lint_skip "formatted" "clang-format $want is wanted, here is ${have:-none}"
fi
lint_done
