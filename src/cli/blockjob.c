#include "cli/blockjob.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"
#include "disk/users.h"

#define MIB (1u << 20)
#define USERS_SHOWN 8

int blockjob_bytes(
    const char *option, const char *text, uint64_t implied, uint64_t *bytes, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = xstrndup(text, digits);
	if (digits > 0 && units_bytes(number, text + digits, implied, INT64_MAX, bytes, NULL) == 0)
		return 0;
	return err_set(err, ERR_USAGE,
	    "Scaled numeric value '%s' for <--%s> option is malformed or out of range", text,
	    option);
}

int blockjob_bandwidth(const struct cli *c, uint64_t *bytes, struct err *err)
{
	const char *text = cli_value(c, "bandwidth");
	*bytes = 0;
	if (text == NULL)
		return 0;
	if (blockjob_bytes("bandwidth", text, cli_flag(c, "bytes") ? 1 : MIB, bytes, err) < 0)
		return -1;
	return 0;
}

int blockjob_only(const struct cli *c, const char *a, const char *b, struct err *err)
{
	if (!cli_flag(c, a) || !cli_flag(c, b))
		return 0;
	return err_set(err, ERR_USAGE, "Options --%s and --%s are mutually exclusive", a, b);
}

void blockjob_flags(const struct cli *c, struct json_object *o, ...)
{
	va_list ap;
	va_start(ap, o);
	for (const char *opt; (opt = va_arg(ap, const char *)) != NULL;) {
		const char *member = va_arg(ap, const char *);
		if (cli_flag(c, opt))
			json_object_object_add(o, member, json_object_new_boolean(1));
	}
	va_end(ap);
}

int blockjob_check_users(const struct cli *c, const char *domain, const char *path, struct err *err)
{
	struct users *u = users_new(&c->home);
	struct user list[USERS_SHOWN];
	int rc = users_refresh(u, err);
	size_t n = rc < 0 ? 0 : users_of(u, path, list, USERS_SHOWN);
	for (size_t i = 0; rc == 0 && i < n && i < USERS_SHOWN; i++) {
		if (str_eq(list[i].domain, domain))
			continue;
		CLEANUP_BUF struct buf words = BUF_INIT;
		users_words(&list[i], 1, &words);
		rc = err_set(err, ERR_BUSY,
		    "'%s' belongs to another domain, too, which would lose it: %s", path,
		    words.data);
	}
	users_free(u);
	return rc;
}

int blockjob_failed(const struct err *err)
{
	out_error("%s", err->msg);
	return out_status(err);
}

int blockjob_run(
    struct cli *c, struct json_object *args, bool waits, const char *began, const char *over)
{
	uint64_t timeout = cli_number(c, "timeout", 0);
	bool wait = waits || timeout > 0 || cli_flag(c, "wait");
	const struct plan_request r = {.args = args,
	    .began = began,
	    .done = over,
	    .flags = PLAN_REQUEST_LIVE_ONLY | (wait ? 0u : (unsigned)PLAN_REQUEST_BACKGROUND),
	    .timeout_s = (unsigned)timeout};
	return plan_verb_run(c, &r);
}
