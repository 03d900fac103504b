/* port: the option --port of verbs about consoles, and --devname, virsh's name for it. */
#ifndef CLI_PORT_H
#define CLI_PORT_H

#include "cli/dispatch.h"

/* The console of domain `name` that the command line asks for; 0, the first, when it does not. */
int port_option(const struct cli *c, const char *name, unsigned *index, struct err *err);

#endif
