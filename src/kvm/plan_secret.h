/* plan_secret: a plan never holds a secret: where QEMU is to get one ("data" of an object of type "secret"), it says where hvmux keeps it,
 * {"secret": "passphrase uuid 0a81f5b2-…"} or {"secret": "ceph usage NAME"}. It is looked up when the command goes out. */
#ifndef KVM_PLAN_SECRET_H
#define KVM_PLAN_SECRET_H

#include <json-c/json.h>

#include "core/err.h"
#include "core/home.h"

/* In base64, the caller's, for secret_free. NULL: core/secrets.h says why not. */
char *plan_secret_find(const struct home *h, const char *name, struct err *err);
/* The arguments with the secret in them, or as they are; the caller's. */
struct json_object *plan_secret_fill(const struct home *h, struct json_object *args);

#endif
