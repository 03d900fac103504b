/* imgcmd_help: what is told about img's commands, from their tables alone. */
#ifndef CLI_IMGCMD_HELP_H
#define CLI_IMGCMD_HELP_H

#include "cli/imgcmd.h"
#include "core/buf.h"

/* One command, all of them for NULL, on standard output. program: "hvmux img", "qemu-img". */
void imgcmd_help_print(const char *program, const struct imgcmd *command);
void imgcmd_help_version(const char *program);
void imgcmd_help_format(const char *program, const struct imgcmd *command, struct buf *out);
/* The commands' section of hvmux-img(1), mdoc. */
void imgcmd_help_man(struct buf *out);

#endif
