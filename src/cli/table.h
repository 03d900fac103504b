/* table: every verb once: name, options, help. Data only, no code of a verb: dispatch, help,
 * completion, the dashboard's palette and its keys all read it. Verbs' functions are verb_ID(),
 * joined in cli/dispatch.c by the same list. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum opt_kind {
	OPT_FLAG,   /* --all */
	OPT_STRING, /* --name VALUE or --name=VALUE */
	OPT_NUMBER, /* a decimal number, checked by dispatch */
	OPT_DOMAIN, /* positional or --domain NAME: completes to domains */
	OPT_FILE,   /* positional or --file PATH: completes to files */
	OPT_WORD,   /* positional or by name: any other word */
	OPT_REST,   /* all remaining words */
};

struct verb_opt {
	const char *name; /* without dashes; NULL ends the list */
	enum opt_kind kind;
	bool required;     /* a positional that must be there */
	bool many;         /* may be repeated: define *.xml, start a b c */
	const char *value; /* the word in the synopsis: "FILE", "SECONDS"; NULL for flags */
	const char *help;
	char letter; /* short form, 0 none */
};

enum verb_flag {
	VERB_HIDDEN = 1,    /* not in help: supervise */
	VERB_READS = 2,     /* changes nothing: allowed with --readonly */
	VERB_CHANGES = 4,   /* reversible change */
	VERB_DISRUPTS = 8,  /* the dashboard asks first, naming the VM */
	VERB_DELETES = 16,  /* the dashboard asks for the name to be typed */
	VERB_TERMINAL = 32, /* takes over the terminal: console, edit */
	VERB_LIVE = 64,     /* makes sense only for running domains */
};

struct verb {
	const char *name;
	const char *family;  /* heading in help: "Domains", "Consoles", … */
	const char *summary; /* one line, lower case, no full stop */
	const char *text;    /* paragraphs for `help VERB` and the man page; NULL none */
	unsigned flags;
	const struct verb_opt *opts;
	const char *losses; /* what the confirmation says will be lost; NULL none: "unsaved data in
	                       the guest" */
};

/* X(identifier, name): one line per verb, in the order of help. */
#define VERB_LIST(X)                            \
	X(define, "define")                     \
	X(undefine, "undefine")                 \
	X(list, "list")                         \
	X(start, "start")                       \
	X(shutdown, "shutdown")                 \
	X(reboot, "reboot")                     \
	X(reset, "reset")                       \
	X(destroy, "destroy")                   \
	X(suspend, "suspend")                   \
	X(resume, "resume")                     \
	X(dominfo, "dominfo")                   \
	X(domstate, "domstate")                 \
	X(domstats, "domstats")                 \
	X(dumpxml, "dumpxml")                   \
	X(domxml_to_native, "domxml-to-native") \
	X(console, "console")                   \
	X(screen, "screen")                     \
	X(events, "events")                     \
	X(version, "version")                   \
	X(uri, "uri")                           \
	X(help, "help")                         \
	X(complete, "complete")                 \
	X(supervise, "supervise")

#define VERB_ENUM(id, name) VERB_##id,
enum verb_id { VERB_LIST(VERB_ENUM) VERB_COUNT };
#undef VERB_ENUM

extern const struct verb verb_table[VERB_COUNT];
/* By its whole name; NULL none. */
const struct verb *verb_find(const char *name);
/* "start DOMAIN [--paused] [--console]"; on the heap. */
char *verb_synopsis(const struct verb *v);

#endif
