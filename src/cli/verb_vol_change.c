/* What is done to volumes: vol-delete, vol-undelete, vol-trash, vol-resize, vol-upload, vol-download, vol-wipe. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/out.h"
#include "cli/storage.h"
#include "core/hostconf.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "core/whole_file.h"
#include "disk/img_lock.h"
#include "disk/volume_change.h"
#include "disk/volume_trash.h"

/* --- deleting --- */
static void tell_kept(struct cli *c, const struct pool *pool, const struct volume *vol)
{
	struct hostconf conf;
	/* virsh says no more than the first line. */
	if (str_eq(c->prog, "virsh") || hostconf_load(&c->home, &conf, NULL) < 0)
		return;
	out_message(c,
	    "It is kept for %llu days and takes its space until then; back: hvmux vol-undelete %s %s; gone: "
	    "hvmux vol-trash %s --empty",
	    (unsigned long long)conf.trash_days, pool->def.name, vol->name, pool->def.name);
	hostconf_fini(&conf);
}

int verb_vol_delete(struct cli *c)
{
	bool kept;
	struct err err = {0}, old = {0};
	CLEANUP_BUF struct buf owners = BUF_INIT;
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	if (volume_delete(&c->home, &pool, &vol, cli_flag(c, "now"), &kept, &owners, &err) < 0)
		return storage_failed(&err, "Failed to delete vol %s", vol.name);
	storage_audit(c, "what=vol-delete pool=%s volume=%s kept=%s result=ok", pool.def.name,
	    vol.name, kept ? "yes" : "no");
	out_message(c, "Vol %s deleted", vol.name);
	if (owners.len > 0)
		out_warning("it is a disk still of %s", owners.data);
	if (kept)
		tell_kept(c, &pool, &vol);
	if (volume_trash_expire(&c->home, &pool, &old) < 0)
		out_warning("the trash could not be emptied of what is old: %s", old.msg);
	return CLI_DONE;
}

/* The newest of that name, or the one whose file is named. */
static const struct trashed *find_trashed(const struct trashed *items, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(items[i].file, word) || str_eq(items[i].name, word))
			return &items[i];
	return NULL;
}

int verb_vol_undelete(struct cli *c)
{
	size_t n;
	struct trashed *items;
	struct err err = {0};
	const char *word = cli_value(c, "vol"), *name = cli_value(c, "name");
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (volume_trash_list(&pool, &items, &n, &err) < 0)
		return storage_failed(&err, "Failed to undelete vol %s", word);
	const struct trashed *item = find_trashed(items, n, word);
	int rc = item != NULL
	             ? volume_trash_take(&pool, item, name, &err)
	             : err_set(&err, ERR_NOT_FOUND,
	                   "it is not in the trash of pool '%s'; what is: hvmux vol-trash %s",
	                   pool.def.name, pool.def.name);
	if (rc == 0) {
		name = name != NULL ? name : item->name;
		storage_audit(
		    c, "what=vol-undelete pool=%s volume=%s result=ok", pool.def.name, name);
		out_message(c, "Vol %s undeleted", name);
	}
	volume_trash_list_free(items, n);
	return rc == 0 ? CLI_DONE : storage_failed(&err, "Failed to undelete vol %s", word);
}

/* What is in the trash of some pools. */
struct trash_view {
	struct out_table *table; /* NULL: JSON */
	struct json_object *json;
	bool pools; /* tell which pool it is */
};

static void add_row(struct trash_view *v, const struct pool *pool, const struct trashed *item)
{
	struct tm tm;
	char when[32], sizes[2][STORAGE_SIZE_MAX];
	localtime_r(&item->deleted, &tm);
	strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	storage_pretty(item->size, sizes[0]);
	storage_pretty(item->allocation, sizes[1]);
	const char *cells[] = {item->name, when, sizes[0], sizes[1], item->file, pool->def.name};
	out_table_row(v->table, cells);
}

static void add_object(struct trash_view *v, const struct pool *pool, const struct trashed *item)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "name", item->name);
	if (v->pools)
		out_add_str(o, "pool", pool->def.name);
	out_add_u64(o, "deleted_time_ns", (uint64_t)item->deleted * 1000000000u);
	out_add_u64(o, "size_bytes", item->size);
	out_add_u64(o, "allocation_bytes", item->allocation);
	out_add_str(o, "file", item->file);
	json_object_array_add(v->json, o);
}

static int view_add(struct trash_view *v, const struct pool *pool, struct err *err)
{
	size_t n;
	struct trashed *items;
	if (volume_trash_list(pool, &items, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		(v->json != NULL ? add_object : add_row)(v, pool, &items[i]);
	volume_trash_list_free(items, n);
	return 0;
}

static void view_init(struct trash_view *v, const struct cli *c, bool pools)
{
	static const char *const heads[] = {
	    "Name", "Deleted", "Size", "Allocation", "File", "Pool"};
	*v = (struct trash_view){.pools = pools};
	if (c->json)
		v->json = json_object_new_array();
	else
		v->table = out_table_new(ARRAY_LEN(heads) - !pools, heads);
}

static void view_print(struct trash_view *v, const struct cli *c)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (v->json != NULL) {
		out_json(v->json);
		return;
	}
	out_table_format(v->table, !c->quiet, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(v->table);
}

/* One that does not answer is told and left out. */
static int show_all_trash(struct cli *c)
{
	size_t n;
	struct pool *pools;
	struct trash_view v;
	struct err err = {0};
	if (pool_list(&c->home, &pools, &n, &err) < 0)
		return storage_failed(&err, "Failed to list pools");
	view_init(&v, c, true);
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};
		if (pools[i].active && view_add(&v, &pools[i], &why) < 0)
			out_warning("pool '%s' is left out: %s", pools[i].def.name, why.msg);
	}
	pool_list_free(pools, n);
	view_print(&v, c);
	return CLI_DONE;
}

static int empty_trash(const struct cli *c, const struct pool *pool, struct err *err)
{
	size_t n;
	struct trashed *items;
	if (volume_trash_list(pool, &items, &n, err) < 0)
		return -1;
	volume_trash_list_free(items, n);
	if (volume_trash_empty(pool, NULL, err) < 0)
		return -1;
	storage_audit(c, "what=vol-trash-empty pool=%s volumes=%zu result=ok", pool->def.name, n);
	out_message(c, "%zu deleted volume%s of pool %s %s gone", n, n == 1 ? "" : "s",
	    pool->def.name, n == 1 ? "is" : "are");
	return 0;
}

int verb_vol_trash(struct cli *c)
{
	struct trash_view v;
	struct err err = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	bool empty = cli_flag(c, "empty");
	if (c->readonly && empty) {
		out_error("operation vol-trash --empty forbidden for read only access");
		return CLI_FAILED;
	}
	if (cli_value(c, "pool") == NULL && !empty)
		return show_all_trash(c);
	if (cli_value(c, "pool") == NULL) {
		out_error("--empty needs the pool whose trash goes: hvmux vol-trash POOL --empty");
		return CLI_USAGE;
	}
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	int rc;
	if (empty) {
		rc = empty_trash(c, &pool, &err);
	} else {
		view_init(&v, c, false);
		rc = view_add(&v, &pool, &err);
		view_print(&v, c);
	}
	if (rc < 0)
		out_error("%s", err.msg);
	return rc < 0 ? out_status(&err) : CLI_DONE;
}

/* --- resizing --- */
static int new_capacity(
    const struct cli *c, const struct volume *vol, uint64_t *capacity, struct err *err)
{
	uint64_t n;
	const char *word = cli_value(c, "capacity");
	bool minus = word[0] == '-', delta = cli_flag(c, "delta") || minus;
	/* virsh's "-10M" after "--", and its --delta --shrink 10M. */
	if (storage_size(word + minus, &n, err) < 0)
		return -1;
	if (minus && !cli_flag(c, "shrink"))
		return err_set(err, ERR_USAGE, "negative size requires --shrink");
	bool less = minus || (delta && cli_flag(c, "shrink"));
	if (!delta)
		*capacity = n;
	else if (less)
		*capacity = n < vol->capacity ? vol->capacity - n : 0;
	else
		*capacity = n < INT64_MAX - vol->capacity ? vol->capacity + n : INT64_MAX;
	return 0;
}

int verb_vol_resize(struct cli *c)
{
	uint64_t capacity = 0;
	struct err err = {0};
	const char *word = cli_value(c, "capacity");
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	unsigned flags = (cli_flag(c, "shrink") ? VOLUME_SHRINK : 0u) |
	                 (cli_flag(c, "allocate") ? VOLUME_ALLOCATE : 0u);
	bool delta = cli_flag(c, "delta") || word[0] == '-';
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	if (new_capacity(c, &vol, &capacity, &err) < 0 ||
	    volume_resize(&c->home, &pool, &vol, capacity, flags, &err) < 0)
		return storage_failed(&err, "Failed to change size of volume '%s' %s %s", vol.name,
		    delta ? "by" : "to", word);
	storage_audit(c, "what=vol-resize pool=%s volume=%s capacity=%llu result=ok", pool.def.name,
	    vol.name, (unsigned long long)capacity);
	out_message(c, "Size of volume '%s' successfully changed %s %s", vol.name,
	    delta ? "by" : "to", word);
	return CLI_DONE;
}

/* --- bytes --- */
/* An option in bytes; virsh's numbers are scaled, too. */
static int byte_option(
    const struct cli *c, const char *option, uint64_t absent, uint64_t *out, struct err *err)
{
	const char *word = cli_value(c, option);
	*out = absent;
	return word != NULL ? storage_size(word, out, err) : 0;
}

static int upload(struct cli *c, const struct volume *vol, struct progress *p, struct err *err)
{
	uint64_t offset, length;
	const char *file = cli_value(c, "file");
	if (byte_option(c, "offset", 0, &offset, err) < 0 ||
	    byte_option(c, "length", UINT64_MAX, &length, err) < 0)
		return -1;
	bool input = str_eq(file, "-");
	CLEANUP_CLOSE int fd =
	    input ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, errno, "cannot read %s", file);
	return volume_upload(&c->home, vol, fd, input ? "standard input" : file, offset, length,
	    cli_flag(c, "sparse"), p, err);
}

int verb_vol_upload(struct cli *c)
{
	struct err err = {0};
	struct progress progress;
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	progress_start(&progress, progress_form_of(false, c->quiet), STDERR_FILENO, 0);
	int rc = upload(c, &vol, &progress, &err);
	progress_stop(&progress, rc == 0);
	progress_die();
	if (rc < 0)
		return storage_failed(&err, "cannot upload to volume %s", vol.name);
	storage_audit(c, "what=vol-upload pool=%s volume=%s result=ok", pool.def.name, vol.name);
	return CLI_DONE;
}

/* A file has its name when it is whole; a pipe or device that is there is written to. */
static int download(struct cli *c, const struct volume *vol, struct progress *p, struct err *err)
{
	struct stat st;
	struct whole_file whole;
	uint64_t offset, length;
	const char *file = cli_value(c, "file");
	bool sparse = cli_flag(c, "sparse"), output = str_eq(file, "-");
	if (byte_option(c, "offset", 0, &offset, err) < 0 ||
	    byte_option(c, "length", UINT64_MAX, &length, err) < 0)
		return -1;
	if (output || (stat(file, &st) == 0 && !S_ISREG(st.st_mode))) {
		CLEANUP_CLOSE int fd =
		    output ? dup(STDOUT_FILENO) : open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return err_errno(err, errno, "cannot create %s", file);
		return volume_download(vol, fd, file, offset, length, sparse, p, err);
	}
	mode_t mask = umask(0);
	umask(mask);
	/* A guest would go on with a disk that has no name any more. */
	if (img_lock_check(file, err) < 0 || whole_file_open(&whole, file, 0666 & ~mask, err) < 0)
		return -1;
	int rc = volume_download(vol, whole.fd, file, offset, length, sparse, p, err);
	if (rc == 0)
		rc = whole_file_keep(&whole, err);
	whole_file_close(&whole);
	return rc;
}

int verb_vol_download(struct cli *c)
{
	struct err err = {0};
	struct progress progress;
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	c->bare = str_eq(cli_value(c, "file"), "-");
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	progress_start(&progress, progress_form_of(false, c->quiet), STDERR_FILENO, 0);
	int rc = download(c, &vol, &progress, &err);
	progress_stop(&progress, rc == 0);
	progress_die();
	return rc == 0 ? CLI_DONE
	               : storage_failed(&err, "cannot download from volume %s", vol.name);
}

int verb_vol_wipe(struct cli *c)
{
	struct err err = {0};
	struct progress progress;
	const char *algorithm = cli_value(c, "algorithm");
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	progress_start(&progress, progress_form_of(false, c->quiet), STDERR_FILENO, 0);
	int rc =
	    volume_wipe(&c->home, &vol, algorithm != NULL ? algorithm : "zero", &progress, &err);
	progress_stop(&progress, rc == 0);
	progress_die();
	if (rc < 0)
		return storage_failed(&err, "Failed to wipe vol %s", vol.name);
	storage_audit(c, "what=vol-wipe pool=%s volume=%s result=ok", pool.def.name, vol.name);
	out_message(c, "Vol %s wiped", vol.name);
	return CLI_DONE;
}
