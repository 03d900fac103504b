/* dispatch: argv → the verb's function. Exit status: 0 done, 1 failed, 2 wrong usage. */
#ifndef CLI_DISPATCH_H
#define CLI_DISPATCH_H

#include <stdbool.h>

#include "cli/table.h"
#include "core/home.h"

/* A parsed command line. Values are borrowed from argv. */
struct cli {
	struct home home;
	const struct verb *verb;
	const char *prog; /* "hvmux", or "virsh" through a link */
	bool json;        /* --json */
	bool progress;    /* --progress-fd N: machine-readable progress for the dashboard */
	int progress_fd;
	/* Per option of verb->opts, in its order: how often given, and the values. */
	unsigned *given;
	const char ***values;
};

int cli_main(int argc, char **argv);
bool cli_flag(const struct cli *c, const char *opt);
const char *cli_value(const struct cli *c, const char *opt); /* first value; NULL absent */
const char *const *cli_values(const struct cli *c, const char *opt, unsigned *n); /* all of them */

/* Every verb's function; returns the exit status. */
#define VERB_PROTO(id, name) int verb_##id(struct cli *c);
VERB_LIST(VERB_PROTO)
#undef VERB_PROTO

#endif
