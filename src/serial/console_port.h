/* console_port: what a VM's consoles are called: "serial0", "hvc1" after the port that the guest sees; "console1" or
 * "1" after their order. Owner of nothing. */
#ifndef SERIAL_CONSOLE_PORT_H
#define SERIAL_CONSOLE_PORT_H

#include "core/err.h"
#include "core/home.h"
#include "core/status.h"

struct domain;

/* "serial0"; "console3" for one that the page does not have. */
void console_port_name(const struct status_page *p, unsigned index, char out[STATUS_PORT_NAME_MAX]);
/* word → index of consoleN. "ttyS1" is serial1. ERR_NOT_FOUND lists those that there are. */
int console_port_index(
    const struct status_page *p, const char *word, unsigned *index, struct err *err);
/* The same for a domain that may never have run: by its status page, else by its definition; and by an <alias name=…/> of
 * its definition. */
int console_port_find(
    const struct home *h, const char *name, const char *word, unsigned *index, struct err *err);

#define CONSOLE_PORTS_MAX STATUS_CONSOLES_MAX
/* The names of all consoles, by the status page or the definition; returns how many. */
unsigned console_port_list(
    const struct home *h, const char *name, char out[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX]);

#endif
