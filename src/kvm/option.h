/* option: the value of one QEMU option taken apart: "driver=file,filename=a,,b" or JSON, and put together again. For
 * those who change a command line that is already built. */
#ifndef KVM_OPTION_H
#define KVM_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct option_pair {
	char *key,
	    *value; /* key NULL: a first word without "=", the kind of a device or a chardev */
};

struct option {
	bool
	    json; /* written as JSON: nested objects are keys with dots, as QEMU's plain form has them */
	struct option_pair *pair;
	size_t n;
	void *tree; /* of JSON */
};

/* false: JSON that is none. */
bool option_parse(const char *text, struct option *o);
void option_fini(struct option *o);
const char *option_get(const struct option *o, const char *key); /* NULL: absent */
bool option_is(const struct option *o, const char *key, const char *value);
/* Changes it, or adds it at the end. */
void option_set(struct option *o, const char *key, const char *value);
char *option_format(const struct option *o); /* on the heap */

#endif
