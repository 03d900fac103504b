/* pool-start, pool-destroy, pool-autostart, pool-build, pool-delete, pool-refresh. */
#include <stdio.h>

#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "disk/volume_trash.h"

/* One pool, one step, virsh's words. */
static int step(struct cli *c, int (*fn)(struct cli *, const struct pool *, struct err *),
    const char *what, const char *done)
{
	struct err err = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (fn(c, &pool, &err) < 0)
		return storage_failed(&err, "Failed to %s pool %s", what, pool.def.name);
	storage_audit(c, "what=pool-%s pool=%s result=ok", what, pool.def.name);
	out_message(c, "Pool %s %s", pool.def.name, done);
	return CLI_DONE;
}

static int build_flags(const struct cli *c, unsigned *flags, struct err *err)
{
	bool over = cli_flag(c, "overwrite"), keep = cli_flag(c, "no-overwrite");
	*flags = (over ? POOL_OVERWRITE : 0u) | (keep ? POOL_NO_OVERWRITE : 0u);
	return over && keep ? err_set(err, ERR_USAGE,
	                          "Options --overwrite and --no-overwrite are mutually exclusive")
	                    : 0;
}

static int start(struct cli *c, const struct pool *pool, struct err *err)
{
	unsigned flags;
	if (build_flags(c, &flags, err) < 0)
		return -1;
	if (cli_flag(c, "build") && pool_build(&pool->def, flags, err) < 0)
		return -1;
	return pool_start(&c->home, pool, err);
}

int verb_pool_start(struct cli *c)
{
	return step(c, start, "start", "started");
}

static int stop(struct cli *c, const struct pool *pool, struct err *err)
{
	return pool_stop(&c->home, pool, err);
}

int verb_pool_destroy(struct cli *c)
{
	return step(c, stop, "destroy", "destroyed");
}

static int build(struct cli *c, const struct pool *pool, struct err *err)
{
	unsigned flags;
	if (build_flags(c, &flags, err) < 0)
		return -1;
	if (pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is already active",
		    pool->def.name);
	return pool_build(&pool->def, flags, err);
}

int verb_pool_build(struct cli *c)
{
	return step(c, build, "build", "built");
}

static int delete (struct cli *c, const struct pool *pool, struct err *err)
{
	(void)c;
	return pool_delete(pool, err);
}

int verb_pool_delete(struct cli *c)
{
	return step(c, delete, "delete", "deleted");
}

/* There is nothing to remember: each look is a fresh one. It tells whether the pool can be read, and its trash that is old
 * goes. */
static int refresh(struct cli *c, const struct pool *pool, struct err *err)
{
	size_t n;
	struct volume *vols;
	if (volume_list(pool, &vols, &n, err) < 0)
		return -1;
	volume_list_free(vols, n);
	return volume_trash_expire(&c->home, pool, err);
}

int verb_pool_refresh(struct cli *c)
{
	return step(c, refresh, "refresh", "refreshed");
}

int verb_pool_autostart(struct cli *c)
{
	struct err err = {0};
	bool on = !cli_flag(c, "disable");
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (pool_set_autostart(&c->home, &pool, on, &err) < 0)
		return storage_failed(
		    &err, "failed to %smark pool %s as autostarted", on ? "" : "un", pool.def.name);
	storage_audit(c, "what=pool-autostart pool=%s value=%s result=ok", pool.def.name,
	    on ? "enable" : "disable");
	out_message(c, "Pool %s %smarked as autostarted", pool.def.name, on ? "" : "un");
	return CLI_DONE;
}
