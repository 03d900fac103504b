/* console_type: keys for a console from somebody who does not stay: the keyboard is taken for them alone and given back when the
 * hub has taken them all. Owner: whoever called console_type; may be freed inside its callback. */
#ifndef SERIAL_CONSOLE_TYPE_H
#define SERIAL_CONSOLE_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"

struct console_typist;

/* why NULL: the guest has been given them all. Else nothing, or not all, was typed: ERR_BUSY, somebody else holds the
 * keyboard; ERR_STATE, the console is gone. */
typedef void console_typed_fn(void *arg, const struct err *why);

struct console_keys {
	const void *p; /* copied */
	size_t n;
	bool force; /* the keyboard is taken from whoever holds it */
	/* Called when the keyboard is ours, before the first key; -1 with err: nothing is typed. May be NULL. */
	int (*ready)(void *arg, struct err *err);
	void *arg;
};

struct console_typist *console_type(struct loop *l, const struct home *h, const char *name,
    unsigned index, const struct console_keys *k, console_typed_fn *done, void *arg,
    struct err *err);
void console_typist_free(struct console_typist *t);

/* The same in a loop of its own, waiting at most timeout_ms: ERR_TIMEOUT, the guest takes no input. */
int console_type_wait(const struct home *h, const char *name, unsigned index,
    const struct console_keys *k, unsigned timeout_ms, struct err *err);

#endif
