/* port: a free TCP port for a server that another program will be. */
#ifndef NET_PORT_H
#define NET_PORT_H

#include "core/err.h"

/* The first port from first to last that nobody listens on at `address` ("127.0.0.1", "::", "0.0.0.0"), and that no other
 * process keeps by this call. Returns a descriptor that keeps it (nothing is bound to the port itself): close it once the server
 * listens. A process that dies keeps nothing. -1: none is free. */
int port_keep(const char *address, unsigned first, unsigned last, unsigned *port, struct err *err);

#endif
