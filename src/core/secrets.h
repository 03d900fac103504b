/* secrets: passphrases and keys that definitions refer to by <secret type=… uuid=…> or usage=…, as libvirt keeps them:
 * conf/secrets/UUID.xml says what it is for, conf/secrets/UUID.base64 holds the value. Both are root's alone (0600); a host
 * moves over by copying /etc/libvirt/secrets. */
#ifndef CORE_SECRETS_H
#define CORE_SECRETS_H

#include "core/err.h"
#include "core/home.h"

/* The value in base64, without white space, on the heap: to be wiped when it is freed. NULL: there is none (ERR_NOT_FOUND), or
 * it is open to others (ERR_DENIED), or no base64. Either uuid or type and usage are given. */
char *secrets_find(
    const struct home *h, const char *type, const char *uuid, const char *usage, struct err *err);

#endif
