/* program: another program, run to its end with a deadline, and what it printed. For tools of the system (mount, lvs): their
 * words are in the C locale, their standard input is empty, and no descriptor of ours gets in. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include "core/buf.h"
#include "core/err.h"

#define PROGRAM_OUT_MAX (16u << 20) /* bytes; one that prints more is ended */

/* argv[0]: found in PATH, and in the system's sbin folders, which an operator's PATH may lack. out: its standard output,
 * appended; NULL nobody wants it. Exit status 0 or an error with its last words: ERR_NOT_FOUND when there is no such program,
 * ERR_TIMEOUT when it was ended after ms (or will be: one that hangs in the kernel is not waited for). */
int program_run(const char *const *argv, int ms, struct buf *out, struct err *err);
/* The same with something to read on its standard input: a few lines. */
int program_run_input(
    const char *const *argv, const char *input, int ms, struct buf *out, struct err *err);

#endif
