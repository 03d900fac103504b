#include "disk/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "disk/pool_backend.h"

/* --- where --- */
static char *conf_folder(const struct home *h)
{
	return xasprintf("%s/pools", h->conf);
}

static char *mark_folder(const struct home *h)
{
	return xasprintf("%s/pools/autostart", h->conf);
}

/* A domain may be called "pools": its run directory is run/pools. */
static char *run_folder(const struct home *h)
{
	return xasprintf("%s/.pools", h->run);
}

static char *file_in(char *folder_take, const char *name)
{
	CLEANUP_FREE char *folder = folder_take;
	return xasprintf("%s/%s.xml", folder, name);
}

static bool is_there(char *path_take)
{
	struct stat st;
	CLEANUP_FREE char *path = path_take;
	return lstat(path, &st) == 0;
}

static int sync_folder(char *folder_take, struct err *err)
{
	CLEANUP_FREE char *dir = folder_take;
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

/* --- types --- */
const struct pool_backend *pool_backend(enum pool_type t, struct err *err)
{
	static const struct pool_backend *const backends[POOL_TYPES] = {
	    [POOL_DIR] = &pool_backend_dir,
	    [POOL_FS] = &pool_backend_mount,
	    [POOL_NETFS] = &pool_backend_mount,
	    [POOL_LOGICAL] = &pool_backend_logical,
	    [POOL_DISK] = &pool_backend_disk,
	};
	if (backends[t] == NULL)
		err_set(err, ERR_UNSUPPORTED,
		    "pools of type '%s' are kept, but not used here; give the domain the storage itself, with "
		    "<disk type='network'> or <disk type='block'>",
		    pool_type_name(t));
	return backends[t];
}

bool pool_holds_files(const struct pool *pool)
{
	return pool->def.type <= POOL_NETFS;
}

const char *pool_state_word(const struct pool *pool)
{
	return pool->active ? "running" : "inactive";
}

void pool_fini(struct pool *pool)
{
	pool_def_fini(&pool->def);
	pool->persistent = pool->active = pool->autostart = false;
}

/* --- reading --- */
static int read_def(char *path_take, struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *path = path_take;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (file_read(path, STORE_XML_MAX, &xml, err) < 0)
		return -1;
	return pool_def_parse(xml.len > 0 ? xml.data : "", xml.len, path, def, err);
}

/* Active pools are what they were started as. */
static int read_pool(const struct home *h, const char *name, struct pool *pool, struct err *err)
{
	*pool = (struct pool){.persistent = is_there(file_in(conf_folder(h), name)),
	    .active = is_there(file_in(run_folder(h), name)),
	    .autostart = is_there(file_in(mark_folder(h), name))};
	pool->autostart = pool->autostart && pool->persistent;
	if (!pool->persistent && !pool->active)
		return err_set(err, ERR_NOT_FOUND,
		    "Storage pool not found: no storage pool with matching name '%s'", name);
	int rc =
	    read_def(file_in(pool->active ? run_folder(h) : conf_folder(h), name), &pool->def, err);
	if (rc == 0 && !str_eq(pool->def.name, name)) {
		rc = err_set(err, ERR_INVALID, "'%s.xml' in '%s/pools' defines a pool '%s'", name,
		    h->conf, pool->def.name);
		pool_fini(pool);
	}
	return rc;
}

int pool_definition(
    const struct home *h, const struct pool *pool, struct pool_def *def, struct err *err)
{
	char *folder = pool->persistent ? conf_folder(h) : run_folder(h);
	return read_def(file_in(folder, pool->def.name), def, err);
}

struct names {
	char **list;
	size_t n;
};

static void names_fini(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
}

static void names_add(struct names *names, const char *file)
{
	size_t n = strlen(file);
	if (n <= 4 || strcmp(file + n - 4, ".xml") != 0 || names->n == POOLS_MAX)
		return;
	CLEANUP_FREE char *name = xstrndup(file, n - 4);
	if (name_check("pool", name, NULL) < 0)
		return;
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->list[i], name))
			return;
	names->list = xreallocarray(names->list, names->n + 1, sizeof *names->list);
	names->list[names->n++] = TAKE_PTR(name);
}

static int names_read(char *folder_take, struct names *names, struct err *err)
{
	CLEANUP_FREE char *folder = folder_take;
	DIR *d = opendir(folder);
	if (d == NULL)
		return errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot read the folder '%s'", folder);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		names_add(names, e->d_name);
	closedir(d);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pool *)a)->def.name, ((const struct pool *)b)->def.name);
}

static int read_all(const struct home *h, struct pool **pools, size_t *n, struct err *err)
{
	CLEANUP(names_fini) struct names names = {0};
	*pools = NULL;
	*n = 0;
	if (names_read(conf_folder(h), &names, err) < 0 ||
	    names_read(run_folder(h), &names, err) < 0)
		return -1;
	*pools = xcalloc(names.n + 1, sizeof **pools);
	for (size_t i = 0; i < names.n; i++) {
		struct err why = {0};
		if (read_pool(h, names.list[i], &(*pools)[*n], &why) == 0)
			(*n)++;
		else
			log_warn("a pool is left out: %s", why.msg);
	}
	qsort(*pools, *n, sizeof **pools, by_name);
	return 0;
}

void pool_list_free(struct pool *pools, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pool_fini(&pools[i]);
	free(pools);
}

/* --- writing, under the lock --- */
static int write_def(
    const struct home *h, char *folder_take, const struct pool_def *def, struct err *err)
{
	CLEANUP_FREE char *folder = folder_take;
	CLEANUP_FREE char *path = xasprintf("%s/%s.xml", folder, def->name);
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (home_mkdir(h, folder, err) < 0)
		return -1;
	pool_def_format(def, NULL, &xml);
	return file_write_atomic(path, xml.data, xml.len, 0600, err);
}

static int remove_file(char *folder_take, const char *name, struct err *err)
{
	CLEANUP_FREE char *folder = folder_take;
	CLEANUP_FREE char *path = xasprintf("%s/%s.xml", folder, name);
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR
		           ? 0
		           : err_errno(err, errno, "cannot remove '%s'", path);
	return sync_folder(TAKE_PTR(folder), err);
}

static int set_mark(const struct home *h, const char *name, bool on, struct err *err)
{
	CLEANUP_FREE char *folder = mark_folder(h), *path = file_in(mark_folder(h), name);
	CLEANUP_FREE char *target = xasprintf("../%s.xml", name);
	if (!on)
		return remove_file(mark_folder(h), name, err);
	if (home_mkdir(h, folder, err) < 0)
		return -1;
	if (symlink(target, path) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the link '%s'", path);
	return sync_folder(TAKE_PTR(folder), err);
}

static int activate(const struct home *h, const struct pool_def *def, struct err *err)
{
	const struct pool_backend *backend = pool_backend(def->type, err);
	if (backend == NULL || (backend->start != NULL && backend->start(def, err) < 0))
		return -1;
	return write_def(h, run_folder(h), def, err);
}

/* --- the first look --- */
#define DEFAULT_NAME "default"

static char *default_mark(const struct home *h)
{
	return xasprintf("%s/pools/.default", h->conf);
}

/* Once: who undefines it does not want it, who brings one of his own has it. */
static int make_default(const struct home *h, struct err *err)
{
	size_t n;
	struct pool *pools;
	CLEANUP_FREE char *folder = conf_folder(h), *mark = default_mark(h);
	struct pool_def def = {.name = xstrdup(DEFAULT_NAME),
	    .type = POOL_DIR,
	    .has_uuid = true,
	    .target = xasprintf("%s/images", h->data),
	    .access = STORAGE_ACCESS_NONE};
	bool wanted = true;
	int rc = read_all(h, &pools, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		wanted = wanted && !str_eq(pools[i].def.name, def.name) &&
		         pool_def_conflict(&pools[i].def, &def) == NULL;
	uuid_generate(def.uuid);
	if (rc == 0 && wanted)
		rc = home_mkdir(h, def.target, err);
	if (rc == 0 && wanted)
		rc = write_def(h, conf_folder(h), &def, err);
	if (rc == 0 && wanted)
		rc = set_mark(h, def.name, true, err);
	if (rc == 0 && wanted)
		rc = write_def(h, run_folder(h), &def, err);
	if (rc == 0)
		rc = home_mkdir(h, folder, err);
	if (rc == 0)
		rc = file_write_atomic(mark, "", 0, 0600, err);
	pool_list_free(pools, n);
	pool_def_fini(&def);
	return rc;
}

/* After a boot; folders only: their start asks nobody. */
static int start_folders(const struct home *h, struct err *err)
{
	size_t n;
	struct pool *pools;
	CLEANUP_FREE char *folder = run_folder(h);
	if (read_all(h, &pools, &n, err) < 0)
		return -1;
	int rc = home_mkdir(h, folder, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct err why = {0};
		if (pools[i].autostart && !pools[i].active && pools[i].def.type == POOL_DIR &&
		    activate(h, &pools[i].def, &why) < 0)
			log_warn("pool '%s' is not started: %s", pools[i].def.name, why.msg);
	}
	pool_list_free(pools, n);
	return rc;
}

/* A reader who may not write sees what there is. */
static void settle(const struct home *h)
{
	struct err err = {0};
	bool known = is_there(default_mark(h)), booted = !is_there(run_folder(h));
	if (known && !booted)
		return;
	CLEANUP_CLOSE int lock = store_lock(h, &err);
	int rc = lock < 0 ? -1 : 0;
	/* Whoever had the lock before may have done it. */
	if (rc == 0 && !is_there(default_mark(h)))
		rc = make_default(h, &err);
	if (rc == 0 && booted)
		rc = start_folders(h, &err);
	if (rc < 0 && err.code != ERR_DENIED)
		log_warn("the pools could not be set up: %s", err.msg);
}

/* --- what others see --- */
int pool_list(const struct home *h, struct pool **pools, size_t *n, struct err *err)
{
	settle(h);
	return read_all(h, pools, n, err);
}

int pool_find(const struct home *h, const char *word, struct pool *pool, struct err *err)
{
	uuid_t uuid;
	size_t n, hit;
	struct pool *pools;
	struct err why = {.code = ERR_NOT_FOUND};
	settle(h);
	if (name_check("pool", word, NULL) == 0 && read_pool(h, word, pool, &why) == 0)
		return 0;
	if (why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "%s", why.msg);
	if (uuid_parse(word, uuid) < 0)
		return err_set(err, ERR_NOT_FOUND,
		    "Storage pool not found: no storage pool with matching name '%s'", word);
	if (read_all(h, &pools, &n, err) < 0)
		return -1;
	for (hit = 0; hit < n && memcmp(pools[hit].def.uuid, uuid, sizeof uuid) != 0; hit++)
		;
	int rc = 0;
	if (hit < n) {
		*pool = pools[hit];
		pools[hit] = (struct pool){0};
	} else {
		rc = err_set(err, ERR_NOT_FOUND,
		    "Storage pool not found: no storage pool with matching uuid '%s'", word);
	}
	pool_list_free(pools, n);
	return rc;
}

int pool_of_folder(const struct pool *pools, size_t n, const char *folder)
{
	for (size_t i = 0; i < n; i++)
		if (pools[i].active && pool_holds_files(&pools[i]) &&
		    str_eq(pools[i].def.target, folder))
			return (int)i;
	return -1;
}

int pool_look(const struct pool *pool, struct pool_facts *facts, struct err *err)
{
	*facts = (struct pool_facts){.access = STORAGE_ACCESS_NONE};
	if (!pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is not active",
		    pool->def.name);
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	return backend != NULL ? backend->look(&pool->def, facts, err) : -1;
}

/* --- changing --- */
static int check_against(const struct home *h, struct pool_def *def, bool replace, struct err *err)
{
	size_t n;
	struct pool *pools;
	if (read_all(h, &pools, &n, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct pool_def *other = &pools[i].def;
		bool same_name = str_eq(other->name, def->name);
		bool same_uuid = def->has_uuid && memcmp(other->uuid, def->uuid, 16) == 0;
		if (same_name && replace && (same_uuid || !def->has_uuid)) {
			memcpy(def->uuid, other->uuid, 16);
			def->has_uuid = other->has_uuid;
		} else if (same_name || same_uuid) {
			rc = err_set(err, ERR_EXISTS,
			    "operation failed: pool '%s' is already defined%s", other->name,
			    same_name && replace ? " with another uuid" : "");
		} else if (pool_def_conflict(other, def) != NULL) {
			rc = err_set(err, ERR_EXISTS,
			    "operation failed: Storage source conflict with pool: '%s' ('%s')",
			    other->name, pool_def_conflict(other, def));
		}
	}
	pool_list_free(pools, n);
	if (rc == 0 && !def->has_uuid) {
		uuid_generate(def->uuid);
		def->has_uuid = true;
	}
	return rc;
}

int pool_define(const struct home *h, struct pool_def *def, struct err *err)
{
	settle(h);
	CLEANUP_CLOSE int lock = store_lock(h, err);
	if (lock < 0 || check_against(h, def, true, err) < 0)
		return -1;
	return write_def(h, conf_folder(h), def, err);
}

/* Held by whoever starts or stops it, which a dead file server may make long: nobody waits for it, and the store goes on. */
static int lock_name(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *folder = run_folder(h), *path = xasprintf("%s/.%s.lock", folder, name);
	if (home_mkdir(h, folder, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
		           ? err_set(err, ERR_BUSY,
		                 "pool '%s' is being started or stopped by another process", name)
		           : err_errno(err, errno, "cannot lock '%s'", path);
	return TAKE_FD(fd);
}

int pool_create(const struct home *h, struct pool_def *def, struct err *err)
{
	settle(h);
	CLEANUP_CLOSE int store = store_lock(h, err);
	if (store < 0 || check_against(h, def, false, err) < 0)
		return -1;
	CLEANUP_CLOSE int lock = lock_name(h, def->name, err);
	cleanup_close(&store);
	store = -1;
	return lock < 0 ? -1 : activate(h, def, err);
}

/* Looks again under the lock: somebody may have been faster. */
static int lock_pool(
    const struct home *h, const struct pool *pool, bool active, struct pool *now, struct err *err)
{
	CLEANUP_CLOSE int lock = lock_name(h, pool->def.name, err);
	if (lock < 0 || read_pool(h, pool->def.name, now, err) < 0)
		return -1;
	if (now->active == active)
		return TAKE_FD(lock);
	err_set(err, ERR_STATE, "Requested operation is not valid: storage pool '%s' is %s",
	    pool->def.name, active ? "not active" : "still active");
	pool_fini(now);
	return -1;
}

int pool_undefine(const struct home *h, const struct pool *pool, struct err *err)
{
	CLEANUP(pool_fini) struct pool now = {0};
	CLEANUP_CLOSE int store = store_lock(h, err);
	CLEANUP_CLOSE int lock = store < 0 ? -1 : lock_pool(h, pool, false, &now, err);
	if (lock < 0)
		return -1;
	/* In this order a later pool of the name inherits nothing. */
	if (set_mark(h, now.def.name, false, err) < 0)
		return -1;
	return remove_file(conf_folder(h), now.def.name, err);
}

int pool_set_autostart(const struct home *h, const struct pool *pool, bool on, struct err *err)
{
	CLEANUP_CLOSE int lock = store_lock(h, err);
	if (lock < 0)
		return -1;
	if (!is_there(file_in(conf_folder(h), pool->def.name)))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: pool '%s' has no config file",
		    pool->def.name);
	return set_mark(h, pool->def.name, on, err);
}

int pool_start(const struct home *h, const struct pool *pool, struct err *err)
{
	CLEANUP(pool_fini) struct pool now = {0};
	if (pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is already active",
		    pool->def.name);
	CLEANUP_CLOSE int lock = lock_pool(h, pool, false, &now, err);
	return lock < 0 ? -1 : activate(h, &now.def, err);
}

int pool_stop(const struct home *h, const struct pool *pool, struct err *err)
{
	CLEANUP(pool_fini) struct pool now = {0};
	CLEANUP_CLOSE int lock = lock_pool(h, pool, true, &now, err);
	const struct pool_backend *backend = lock < 0 ? NULL : pool_backend(now.def.type, err);
	if (backend == NULL || (backend->stop != NULL && backend->stop(&now.def, err) < 0))
		return -1;
	return remove_file(run_folder(h), now.def.name, err);
}

int pool_build(const struct pool_def *def, unsigned flags, struct err *err)
{
	const struct pool_backend *backend = pool_backend(def->type, err);
	return backend != NULL ? backend->build(def, flags, err) : -1;
}

int pool_delete(const struct pool *pool, struct err *err)
{
	if (pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is still active",
		    pool->def.name);
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	return backend != NULL ? backend->remove(&pool->def, err) : -1;
}

int pool_start_all(const struct home *h, struct err *err)
{
	size_t n;
	struct pool *pools;
	int rc = 0;
	if (pool_list(h, &pools, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};
		if (!pools[i].autostart || pools[i].active || pool_start(h, &pools[i], &why) == 0)
			continue;
		if (rc == 0) {
			err_set(err, why.code, "pool '%s': %s", pools[i].def.name, why.msg);
			rc = -1;
		}
	}
	pool_list_free(pools, n);
	return rc;
}
