/* help: everything that is told about the verbs, from the table alone. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/table.h"
#include "core/buf.h"

/* Without a verb and without a terminal: what this is and where to go on. */
void help_print_short(const char *prog, FILE *f);
/* Options and all verbs by family. */
void help_print_all(const char *prog);
void help_print_verb(const struct verb *v);

void help_format_verb(const struct verb *v, struct buf *out);
/* One family, all of them for NULL; false when there is no such family. "domain" finds "Domains".
 */
bool help_format_family(const char *keyword, struct buf *out);
/* The verbs' section of hvmux(1), mdoc. */
void help_format_man(struct buf *out);

#endif
