/* raw: a console's bytes as they are between two descriptors and consoleN.sock: no screen is kept. Owner of the descriptors:
 * the caller. Blocks: for a command's own process. */
#ifndef CLI_RAW_H
#define CLI_RAW_H

#include <stdbool.h>

#include "core/err.h"
#include "serial/console_client.h"

struct raw {
	int in, out;
	bool
	    terminal; /* in is one: the escape key is looked for, and input is read ahead of what the guest takes */
	unsigned char escape;
	unsigned wishes; /* CONSOLE_* of serial/console_client.h */
	/* A sentence for the operator: who holds the keyboard, what was skipped. May be NULL. */
	void (*tell)(void *arg, const char *what);
	void *arg;
	/* --- raw_pump's --- */
	struct console_place place; /* where to go on after RAW_LOST; zeroed at first */
	bool input_ended;
	bool held;     /* the keyboard was ours */
	bool welcomed; /* the hub let us in at all */
	bool refused;  /* RAW_LOST: it did not, and said why */
	char why[256]; /* RAW_LOST: in words */
};

enum raw_end {
	RAW_FAILED = -1, /* err */
	RAW_DETACHED,    /* by the escape key */
	RAW_LOST,        /* the hub closed: the VM is off, or its supervisor is gone */
};

/* sock: just connected, blocking or not. Returns when a side ends; the end of input alone is none: a pipe that has said all
 * still listens. Input while somebody else holds the keyboard: from a terminal it is dropped and told, from anywhere else
 * an error, ERR_BUSY. */
enum raw_end raw_pump(struct raw *r, int sock, struct err *err);

/* "^]", "^A", "C-a" → the key's byte. ERR_USAGE; Enter, Tab and Escape cannot be one. */
int raw_escape_parse(const char *word, unsigned char *key, struct err *err);
/* "^]" */
void raw_escape_name(unsigned char key, char out[3]);

#endif
