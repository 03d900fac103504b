#include "cli/storage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/out.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/units.h"

void storage_pretty(uint64_t bytes, char out[STORAGE_SIZE_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t i = 0;
	double v = (double)bytes;
	for (; v >= 1024 && i + 1 < ARRAY_LEN(units); i++)
		v /= 1024;
	/* No locale's comma. */
	uint64_t hundredths = (uint64_t)(v * 100 + 0.5);
	snprintf(out, STORAGE_SIZE_MAX, "%u.%02u %s", (unsigned)(hundredths / 100),
	    (unsigned)(hundredths % 100), units[i]);
}

int storage_size(const char *text, uint64_t *bytes, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = xstrndup(text, digits);
	if (digits == 0 || units_bytes(number, text + digits, 1, INT64_MAX, bytes, NULL) < 0)
		return err_set(err, ERR_USAGE, "Malformed size %s", text);
	return 0;
}

int storage_failed(const struct err *err, const char *what, ...)
{
	va_list ap;
	va_start(ap, what);
	CLEANUP_FREE char *text = xvasprintf(what, ap);
	va_end(ap);
	out_error("%s", text);
	out_error("%s", err->msg);
	return out_status(err);
}

int storage_pool(struct cli *c, const char *option, struct pool *pool)
{
	struct err err = {0};
	const char *word = cli_value(c, option);
	if (pool_find(&c->home, word, pool, &err) == 0)
		return CLI_DONE;
	return storage_failed(&err, "failed to get pool '%s'", word);
}

int storage_volume(struct cli *c, struct pool *pool, struct volume *vol)
{
	struct err err = {0};
	const char *word = cli_value(c, "vol");
	const char *in = opt_find(c->verb->opts, "pool", 4) != NULL ? cli_value(c, "pool") : NULL;
	if (in != NULL) {
		int status = storage_pool(c, "pool", pool);
		pool_fini(pool);
		if (status != CLI_DONE)
			return status;
	}
	if (volume_find(&c->home, in, word, pool, vol, &err) == 0)
		return CLI_DONE;
	bool hint =
	    in == NULL && strchr(word, '/') == NULL && opt_find(c->verb->opts, "pool", 4) != NULL;
	return storage_failed(
	    &err, "failed to get vol '%s'%s", word, hint ? ", specifying --pool might help" : "");
}

void storage_audit(const struct cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	/* No domain's name begins with a dot. */
	audit_write(
	    &c->home, ".pools", "uid=%u pid=%d %s", (unsigned)getuid(), (int)getpid(), text);
}
