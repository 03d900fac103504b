/* imgcmd: the commands of `hvmux img`, which are qemu-img's: names, options, output and exit status. One file per command,
 * cli/imgcmd_NAME.c; what they do is the disk room's. Called as qemu-img or kvm-img, hvmux is `hvmux img`.
 *
 * What we do not do ourselves (luks, nbd://, vmdk out …) is handed over to the real qemu-img before anything was changed:
 * a command whose img_open or options end in ERR_UNSUPPORTED returns imgcmd_hand_over(). */
#ifndef CLI_IMGCMD_H
#define CLI_IMGCMD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct imgcmd_opt {
	int code;                 /* the letter, or from IMGCMD_LONG for those that have none */
	const char *name;         /* without dashes; NULL the letter alone */
	const char *value, *help; /* value: the word in the help, NULL the option takes none */
};
#define IMGCMD_LONG 256 /* codes of options without a letter begin here */
/* What QEMU alone understands: whoever gives one of these gets the real qemu-img; run() never sees them. */
enum {
	IMGCMD_FOREIGN = 4096,
	IMGCMD_OBJECT = IMGCMD_FOREIGN,
	IMGCMD_IMAGE_OPTS,
	IMGCMD_TARGET_IMAGE_OPTS
};
#define IMGCMD_OPT_OBJECT                                                                  \
	{                                                                                  \
		IMGCMD_OBJECT, "object", "OBJECT", "an object of QEMU's, such as a secret" \
	}
#define IMGCMD_OPT_IMAGE_OPTS                                           \
	{                                                               \
		IMGCMD_IMAGE_OPTS, "image-opts", NULL,                  \
		    "FILE is a list of options that describes an image" \
	}

struct imgcmd_call {
	const char
	    *program; /* "hvmux img", or the name that we were called by: begins every message */
	const struct imgcmd *command;
	int argc;
	char **argv; /* argv[0] the command's name */
	int at; /* after the last option: argv[at … argc) are the other words, in their order */
	char *value;  /* of the option that imgcmd_next returned */
	bool verbose; /* -v before or behind the command: tell when the real qemu-img does it */
	char **whole; /* the command's words as they came, for handing over; NULL ends */
	/* imgcmd.c's own: what getopt_long is given */
	char *shorts;
	struct option *longs;
};
struct imgcmd {
	const char *name, *args, *summary; /* "convert", "[-c] [-p] … FILE… OUTPUT", "…" */
	const char *text;                  /* paragraphs for the manual; NULL none */
	/* {0} ends. -h, --help and -v are every command's and not in here; the others (-q, -T, --object …) each command
	 * has where qemu-img has them. */
	const struct imgcmd_opt *opts;
	int (*run)(struct imgcmd_call *c); /* the exit status */
	bool reads;                        /* changes nothing: allowed with --readonly */
	bool last_word; /* the last word is no option, whatever it looks like: resize's "-10G" */
};

/* Finds the command among argv and runs it; argv[0] is the word before it ("img", "qemu-img"). The exit status. */
int imgcmd_main(const char *program, int argc, char **argv, bool readonly);
const struct imgcmd *imgcmd_find(const char *name); /* NULL none */
extern const struct imgcmd *const imgcmds[];        /* NULL ends */
extern const struct imgcmd_opt imgcmd_common[];     /* -h and -v */
/* The next option's code, -1 no more; options may stand behind other words. All of them were looked at before run():
 * an unknown one or a missing value has been told then. */
int imgcmd_next(struct imgcmd_call *c);
/* "qemu-img: sentence" on stderr; returns 1. */
int imgcmd_fail(const struct imgcmd_call *c, const struct err *err);
/* The same, followed by where the help is. */
int imgcmd_usage(const struct imgcmd_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Runs the real qemu-img in our place with the same words; when there is none, prints why it was wanted. Returns only
 * then, with the exit status. */
int imgcmd_hand_over(const struct imgcmd_call *c, const struct err *why);
/* "10G", "512", "+1.5M" without the sign: qemu-img's sizes (bytes by default; k M G T P E of 1024). */
int imgcmd_size(const char *text, uint64_t *bytes, struct err *err);
/* The same for the value of an option: what is no size, or outside of min … max, is told in qemu-img's words
 * ("Invalid image size specified. …", what: "image size"). 0 or -1. */
int imgcmd_number(const struct imgcmd_call *c, const char *what, const char *text, uint64_t min,
    uint64_t max, uint64_t *out);
/* The value of --output: is it json? What is neither that nor human is told. 0 or -1. */
int imgcmd_form(const struct imgcmd_call *c, bool *json);

/* X(name): one line per command, in the order of the help; struct imgcmd imgcmd_NAME in cli/imgcmd_NAME.c. */
#define IMGCMDS(X)  \
	X(compare)  \
	X(convert)  \
	X(dd)       \
	X(check)    \
	X(create)   \
	X(measure)  \
	X(info)     \
	X(amend)    \
	X(bitmap)   \
	X(commit)   \
	X(rebase)   \
	X(resize)   \
	X(snapshot) \
	X(map)      \
	/* one line each */
#define IMGCMD_DECLARE(name) extern const struct imgcmd imgcmd_##name;
IMGCMDS(IMGCMD_DECLARE)
#undef IMGCMD_DECLARE

#endif
