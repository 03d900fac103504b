/* keynames: keys as operators name them (Linux' KEY_ names and numbers, USB usages, PC scan codes) to QEMU's. */
#ifndef CLI_KEYNAMES_H
#define CLI_KEYNAMES_H

#include <json-c/json.h>

#include "core/err.h"

/* virsh's codesets that are known here, separated by spaces; "linux" is the default. */
#define KEY_CODESETS "linux xt atset1 usb qnum rfb"

/* A KeyValue of QEMU's send-key, the caller's; NULL: no such key in that codeset. word: a number, 0x… too; of linux also a
 * name, KEY_ENTER. */
struct json_object *key_value(const char *codeset, const char *word, struct err *err);

#endif
