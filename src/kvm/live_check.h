/* live_check: does what QEMU has agree with what is written of it? Compares its answers with the live document; knows no sockets
 * and opens no file, so that it is tested with recorded answers. Used by the command check-live, and by the tests after
 * every fault. */
#ifndef KVM_LIVE_CHECK_H
#define KVM_LIVE_CHECK_H

#include <json-c/json.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/err.h"

struct live_check_in {
	const struct domain *live; /* its source is read, too */
	struct json_object
	    *answers; /* by the names of live_check_queries; a missing one is not looked at */
	const char *const *argv; /* QEMU's command line, ends with NULL; NULL not known */
};

/* QMP commands, each with the arguments that it needs (JSON text, NULL none) and the name of its answer. */
struct live_check_query {
	const char *name, *command, *args;
};
extern const struct live_check_query live_check_queries[]; /* ends with {0} */

/* A sentence per difference, each with a line end, is added to out; returns how many there are, -1: the document cannot be read. */
int live_check(const struct live_check_in *in, struct buf *out, struct err *err);

#endif
