/* dispatch: argv → the verb's function. Exit status: 0 done, 1 failed, 2 wrong usage. */
#ifndef CLI_DISPATCH_H
#define CLI_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/table.h"
#include "core/err.h"
#include "core/home.h"

enum cli_status { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* A parsed command line. Values are borrowed from argv. */
struct cli {
	struct home home;
	const struct verb *verb; /* NULL: none was named */
	const char *prog;        /* "hvmux", or "virsh" through a link */
	const char *uri;         /* --connect; NULL not given */
	const char *escape;      /* --escape; NULL not given */
	bool json;               /* --json */
	bool quiet;              /* --quiet */
	bool readonly;           /* --readonly */
	bool help, version;      /* --help, --version: nothing else counts then */
	bool bare;     /* set by a verb whose output must not get virsh's empty line at its end */
	bool progress; /* --progress-fd N: machine-readable progress for the dashboard */
	int progress_fd;
	/* Per option of verb->opts, in its order: how often given, and the values. */
	unsigned *given;
	const char ***values;
	unsigned **places; /* of each value among all values of the command line */
	unsigned n_places;
};

int cli_main(int argc, char **argv);

/* The words of a command line → *c, home left alone. ERR_USAGE names the word that is off. cli_fini
 * in every case. */
int cli_parse(struct cli *c, int argc, char **argv, struct err *err);
void cli_fini(struct cli *c);

/* opt is one of the verb's options: asking for another is a bug and aborts. */
bool cli_flag(const struct cli *c, const char *opt);
const char *cli_value(const struct cli *c, const char *opt); /* first value; NULL absent */
const char *const *cli_values(const struct cli *c, const char *opt, unsigned *n); /* all of them */
/* Where each of them stood among the values of all options, ascending: for verbs whose options come in steps. */
const unsigned *cli_places(const struct cli *c, const char *opt);
/* Of an OPT_NUMBER; absent when not given. */
#define CLI_NUMBER_MAX 1000000000ull
uint64_t cli_number(const struct cli *c, const char *opt, uint64_t absent);

/* Every verb's function; returns the exit status. */
#define VERB_PROTO(id, name) int verb_##id(struct cli *c);
VERB_LIST(VERB_PROTO)
#undef VERB_PROTO

#endif
