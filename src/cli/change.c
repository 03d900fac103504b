#include "cli/change.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"

unsigned change_where(const struct cli *c, const struct vm *vm, struct err *err)
{
	bool live = cli_flag(c, "live"), config = cli_flag(c, "config");
	if (cli_flag(c, "current") && (live || config)) {
		err_set(err, ERR_USAGE, "Options --current and --%s are mutually exclusive",
		    live ? "live" : "config");
		return 0;
	}
	if (live && !vm->live) {
		err_set(err, ERR_STATE, "Requested operation is not valid: domain is not running");
		return 0;
	}
	if (config && !vm->defined) {
		err_set(err, ERR_STATE,
		    "Requested operation is not valid: transient domains do not have any persistent config");
		return 0;
	}
	if (live || config)
		return (live ? CHANGE_LIVE : 0u) | (config ? CHANGE_CONFIG : 0u);
	return (vm->live ? CHANGE_LIVE : 0u) | (vm->defined ? CHANGE_CONFIG : 0u);
}

static int read_live(const struct home *h, const char *name, struct buf *xml, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "live.xml");
	return file_read(path, STORE_XML_MAX, xml, err);
}

int change_read(
    const struct home *h, const char *name, unsigned where, struct buf *xml, struct err *err)
{
	if ((where & CHANGE_LIVE) && read_live(h, name, xml, NULL) == 0 && xml->len > 0)
		return 0;
	/* A domain that is just starting or ending has no live document. */
	buf_clear(xml);
	if (store_read(h, name, xml, err) < 0)
		return -1;
	return xml->len > 0 ? 0
	                    : err_set(err, ERR_INVALID, "the definition of '%s' is empty", name);
}

/* What is written must be readable by everybody who comes after. */
static int check_result(const char *text, size_t n, const char *name, struct err *err)
{
	struct domain d;
	if (domain_parse(text, n, name, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	domain_fini(&d);
	return 0;
}

static int change_text(struct cli *c, const char *name, bool live, const struct buf *xml,
    change_fn fn, void *arg, struct err *err)
{
	size_t n = 0;
	CLEANUP_FREE char *text = fn(arg, xml->data, xml->len, name, &n, err);
	if (text == NULL)
		return -1;
	if (n == xml->len && memcmp(text, xml->data, n) == 0)
		return 0;
	if (check_result(text, n, name, err) < 0)
		return -1;
	CLEANUP_FREE char *path = home_run_file(&c->home, name, "live.xml");
	int rc = live ? file_write_atomic(path, text, n, 0600, err)
	              : store_write(&c->home, name, text, n, err);
	return rc < 0 ? -1 : 1;
}

static int change_locked(
    struct cli *c, const char *name, unsigned where, change_fn fn, void *arg, struct err *err)
{
	int changed = 0;
	if (where & CHANGE_CONFIG) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		if (change_read(&c->home, name, CHANGE_CONFIG, &xml, err) < 0)
			return -1;
		changed = change_text(c, name, false, &xml, fn, arg, err);
	}
	if (changed >= 0 && (where & CHANGE_LIVE)) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		/* One that has no live document yet gets it from its definition. */
		if (read_live(&c->home, name, &xml, err) < 0 || xml.len == 0)
			return where & CHANGE_CONFIG ? changed : -1;
		int rc = change_text(c, name, true, &xml, fn, arg, err);
		changed = rc < 0 ? -1 : changed | rc;
	}
	return changed;
}

int change_domain(struct cli *c, const char *name, unsigned where, const char *what, change_fn fn,
    void *arg, struct err *err)
{
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	int rc = lock < 0 ? -1 : change_locked(c, name, where, fn, arg, err);
	if (rc > 0)
		audit_write(&c->home, name, "uid=%u pid=%d what=%s result=ok", (unsigned)getuid(),
		    (int)getpid(), what);
	return rc;
}
