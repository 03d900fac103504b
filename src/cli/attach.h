/* attach: one console on this process's terminal, or its bytes between standard input and output. */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include <stdbool.h>

#include "cli/dispatch.h"

/* word: a domain as the command line says it; flags: CONSOLE_* of serial/console_client.h in addition to what the
 * options of every verb ask for. Returns the exit status, errors printed. */
int attach_console(struct cli *c, const char *word, unsigned index, unsigned flags, bool raw);
/* Bytes both ways between in/out and the socket until a side ends; Ctrl+] in what is typed ends it when in is a
 * terminal. watch: what is typed goes nowhere. 0, or -1 with err. */
int attach_pump(int in, int out, int sock, bool watch, struct err *err);

#endif
