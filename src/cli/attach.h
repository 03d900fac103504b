/* attach: one console on this process's terminal, or its bytes between standard input and output. */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include <stdbool.h>

#include "cli/dispatch.h"

/* word: a domain as the command line says it; flags: CONSOLE_* of serial/console_client.h in addition to what the
 * options of every verb ask for. Returns the exit status, errors printed. */
int attach_console(struct cli *c, const char *word, unsigned index, unsigned flags, bool raw);
/* ERR_STATE unless there is a live VM with that console. One without a supervisor gets one, which may take a moment to
 * listen. */
int attach_check(struct cli *c, const char *name, unsigned index, struct err *err);
/* The half of it that keeps no screen. flags: all of them. 0: detached, or the VM has ended; -1 with err. */
int attach_raw(struct cli *c, const char *name, unsigned index, unsigned flags, struct err *err);

#endif
