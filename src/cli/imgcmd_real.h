/* imgcmd_real: QEMU's own qemu-img, for what hvmux img does not do itself. */
#ifndef CLI_IMGCMD_REAL_H
#define CLI_IMGCMD_REAL_H

#include <stdbool.h>

/* The first qemu-img in PATH that is not this program under another name, on the heap; NULL there is none. */
char *imgcmd_real_find(void);
/* Becomes it, with these words (NULL ends; without a program's name). When there is none, prints why it was wanted and
 * returns 1. */
int imgcmd_real_run(const char *program, bool verbose, char *const *words, const char *why);

#endif
