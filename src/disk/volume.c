#include "disk/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/img.h"
#include "disk/img_facts.h"
#include "disk/img_info.h"
#include "disk/pool_backend.h"
#include "disk/reach.h"
#include "disk/storage_xml.h"

#define ISO_MAGIC_AT 32769 /* ISO 9660: the first volume descriptor, in sector 16 */

const char *volume_type_name(enum volume_type t)
{
	static const char *const names[] = {"file", "block", "dir"};
	return names[t];
}

const char *volume_format_word(const struct volume *vol)
{
	if (vol->type == VOLUME_DIR)
		return "dir";
	return vol->iso ? "iso" : disk_format_name(vol->format);
}

void volume_fini(struct volume *vol)
{
	free(vol->name);
	free(vol->path);
	free(vol->key);
	free(vol->backing);
	free(vol->backing_format);
	free(vol->origin);
	free(vol->trouble);
	storage_access_fini(&vol->access);
	*vol = (struct volume){.access = STORAGE_ACCESS_NONE};
}

void volume_list_free(struct volume *vols, size_t n)
{
	for (size_t i = 0; i < n; i++)
		volume_fini(&vols[i]);
	free(vols);
}

/* --- one file --- */
static bool is_iso(const char *path, const struct stat *st)
{
	char magic[5];
	size_t n = strlen(path);
	/* Only what calls itself one is opened for it: a disk may hold anything. */
	if (n < 4 || strcasecmp(path + n - 4, ".iso") != 0 || st->st_size < ISO_MAGIC_AT + 5)
		return false;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && pread(fd, magic, sizeof magic, ISO_MAGIC_AT) == sizeof magic &&
	       memcmp(magic, "CD001", sizeof magic) == 0;
}

/* What a running guest writes to its header meanwhile can make it unreadable, never more. */
static void look_inside(struct volume *vol, struct img_facts *facts, const struct stat *st)
{
	const struct img_fact *fact = img_facts_get(facts, vol->path, NULL);
	vol->allocation = (uint64_t)st->st_blocks * 512;
	vol->physical = (uint64_t)st->st_size;
	vol->capacity = vol->physical;
	if (fact->state != IMG_FACT_KNOWN) {
		vol->trouble = xstrdup(fact->why);
		return;
	}
	vol->format = fact->format;
	/* Not rounded up to sectors, which an opened image is. */
	if (fact->format != DISK_RAW || vol->type == VOLUME_BLOCK)
		vol->capacity = fact->virtual_size;
	vol->encrypted = fact->encrypted;
	vol->backing = xstrdup0(fact->backing_path ? fact->backing_path : fact->backing);
	vol->backing_format = xstrdup0(fact->backing_format);
	if (vol->type == VOLUME_BLOCK)
		vol->allocation = vol->physical = fact->allocated;
	vol->iso = vol->format == DISK_RAW && vol->type == VOLUME_FILE && is_iso(vol->path, st);
}

static int look_type(
    const char *path, const struct stat *st, enum volume_type *type, struct err *err)
{
	if (S_ISREG(st->st_mode))
		*type = VOLUME_FILE;
	else if (S_ISBLK(st->st_mode))
		*type = VOLUME_BLOCK;
	else if (S_ISDIR(st->st_mode))
		*type = VOLUME_DIR;
	else
		return err_set(err, ERR_UNSUPPORTED, "'%s' is no file, folder or disk", path);
	return 0;
}

/* When it was made; 0: the file system does not tell. */
static struct timespec birth_of(const char *path)
{
	struct statx x;
	struct timespec t = {0};
	if (statx(AT_FDCWD, path, 0, STATX_BTIME, &x) == 0 && (x.stx_mask & STATX_BTIME)) {
		t.tv_sec = x.stx_btime.tv_sec;
		t.tv_nsec = x.stx_btime.tv_nsec;
	}
	return t;
}

int volume_look(const char *path, struct img_facts *facts, struct volume *vol, struct err *err)
{
	struct stat st;
	const char *slash = strrchr(path, '/');
	*vol = (struct volume){.access = STORAGE_ACCESS_NONE};
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "cannot look at '%s'", path);
	if (look_type(path, &st, &vol->type, err) < 0)
		return -1;
	vol->name = xstrdup(slash != NULL ? slash + 1 : path);
	vol->path = xstrdup(path);
	vol->key = xstrdup(path);
	vol->access = (struct storage_access){
	    (long)(st.st_mode & 07777), (long)st.st_uid, (long)st.st_gid, NULL};
	vol->atime = st.st_atim;
	vol->mtime = st.st_mtim;
	vol->ctime = st.st_ctim;
	vol->btime = birth_of(path);
	vol->dev = vol->type == VOLUME_BLOCK ? st.st_rdev : st.st_dev;
	vol->ino = vol->type == VOLUME_BLOCK ? 0 : st.st_ino;
	if (vol->type == VOLUME_DIR)
		return 0;
	struct img_facts *own = facts ? NULL : img_facts_new();
	look_inside(vol, facts ? facts : own, &st);
	img_facts_free(own);
	return 0;
}

/* --- a pool's --- */
int volume_set_add(struct volume_set *set, struct volume *take, struct err *err)
{
	if (set->n == VOLUMES_MAX) {
		volume_fini(take);
		return err_set(err, ERR_INVALID, "more than %u volumes in a pool", VOLUMES_MAX);
	}
	if (set->n == set->cap) {
		set->cap = set->cap > 0 ? set->cap * 2 : 64;
		set->vols = xreallocarray(set->vols, set->cap, sizeof *set->vols);
	}
	set->vols[set->n++] = *take;
	*take = (struct volume){.access = STORAGE_ACCESS_NONE};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->name, ((const struct volume *)b)->name);
}

int volume_list_again(const struct pool *pool, struct img_facts *facts, struct volume **vols,
    size_t *n, struct err *err)
{
	struct stat st;
	struct statvfs fs;
	struct volume_set set = {.facts = facts};
	*vols = NULL;
	*n = 0;
	if (!pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is not active",
		    pool->def.name);
	const struct pool_backend *backend = pool_backend(pool->def.type, err);
	if (backend == NULL ||
	    (pool_holds_files(pool) && reach(pool->def.target, POOL_WAIT_MS, &st, &fs, err) < 0))
		return -1;
	int rc = backend->scan(&pool->def, &set, err);
	img_facts_sweep(facts);
	if (rc < 0) {
		volume_list_free(set.vols, set.n);
		return -1;
	}
	if (set.n > 0)
		qsort(set.vols, set.n, sizeof *set.vols, by_name);
	*vols = set.vols;
	*n = set.n;
	return 0;
}

int volume_list(const struct pool *pool, struct volume **vols, size_t *n, struct err *err)
{
	struct img_facts *facts = img_facts_new();
	int rc = volume_list_again(pool, facts, vols, n, err);
	img_facts_free(facts);
	return rc;
}

/* --- finding --- */
char *volume_path(const struct pool *pool, const char *name)
{
	return xasprintf("%s/%s", pool->def.target, name);
}

static int not_found(const char *word, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND,
	    "Storage volume not found: no storage vol with matching path '%s'", word);
}

/* In a folder the name is looked up without looking at the others. */
static int find_file(const struct pool *pool, const char *name, struct volume *vol, struct err *err)
{
	struct stat st;
	struct statvfs fs;
	struct err why = {0};
	/* What is there may have names that we would not give. */
	if (name[0] == '.' || name[0] == '\0' || strlen(name) > VOLUME_NAME_MAX)
		return not_found(name, err);
	if (reach(pool->def.target, POOL_WAIT_MS, &st, &fs, err) < 0)
		return -1;
	CLEANUP_FREE char *path = volume_path(pool, name);
	if (volume_look(path, NULL, vol, &why) == 0)
		return 0;
	return why.code == ERR_NOT_FOUND || why.code == ERR_UNSUPPORTED
	           ? not_found(name, err)
	           : err_set(err, why.code, "%s", why.msg);
}

static int find_listed(
    const struct pool *pool, const char *word, struct volume *vol, struct err *err)
{
	size_t n, hit;
	struct volume *vols;
	if (volume_list(pool, &vols, &n, err) < 0)
		return -1;
	for (hit = 0; hit < n && !str_eq(vols[hit].name, word) && !str_eq(vols[hit].path, word) &&
	              !str_eq(vols[hit].key, word);
	     hit++)
		;
	int rc = 0;
	if (hit < n) {
		*vol = vols[hit];
		vols[hit] = (struct volume){.access = STORAGE_ACCESS_NONE};
	} else {
		rc = not_found(word, err);
	}
	volume_list_free(vols, n);
	return rc;
}

static int find_in(const struct pool *pool, const char *word, struct volume *vol, struct err *err)
{
	size_t n = strlen(pool->def.target != NULL ? pool->def.target : "");
	if (!pool->active)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: storage pool '%s' is not active",
		    pool->def.name);
	if (!pool_holds_files(pool))
		return find_listed(pool, word, vol, err);
	if (strchr(word, '/') == NULL)
		return find_file(pool, word, vol, err);
	if (strncmp(word, pool->def.target, n) == 0 && word[n] == '/' &&
	    strchr(word + n + 1, '/') == NULL)
		return find_file(pool, word + n + 1, vol, err);
	return not_found(word, err);
}

/* A path or key in any pool. Trouble with one of them must not hide a volume of another. */
static int find_anywhere(
    const struct home *h, const char *word, struct pool *pool, struct volume *vol, struct err *err)
{
	size_t n;
	struct pool *pools;
	struct err first = {0};
	int rc = -1;
	CLEANUP_FREE char *path = xstrdup(word);
	if (storage_path_clean(path) < 0)
		path[0] = '\0';
	if (pool_list(h, &pools, &n, err) < 0)
		return -1;
	for (size_t i = 0; rc < 0 && i < n; i++) {
		struct err why = {0};
		if (!pools[i].active || pools[i].def.type >= POOL_ISCSI ||
		    (pool_holds_files(&pools[i]) && path[0] == '\0'))
			continue;
		rc = find_in(&pools[i], path[0] != '\0' ? path : word, vol, &why);
		if (rc == 0) {
			*pool = pools[i];
			pools[i] = (struct pool){.def.access = STORAGE_ACCESS_NONE};
		} else if (why.code != ERR_NOT_FOUND && first.code == ERR_NONE) {
			first = why;
		}
	}
	pool_list_free(pools, n);
	if (rc < 0 && first.code != ERR_NONE)
		return err_set(err, first.code, "%s", first.msg);
	return rc == 0 ? 0 : not_found(word, err);
}

int volume_find(const struct home *h, const char *pool_word, const char *word, struct pool *pool,
    struct volume *vol, struct err *err)
{
	*pool = (struct pool){.def.access = STORAGE_ACCESS_NONE};
	*vol = (struct volume){.access = STORAGE_ACCESS_NONE};
	if (pool_word == NULL)
		return find_anywhere(h, word, pool, vol, err);
	if (pool_find(h, pool_word, pool, err) < 0)
		return -1;
	if (find_in(pool, word, vol, err) == 0)
		return 0;
	pool_fini(pool);
	return -1;
}

static int check_group_name(const char *name, struct err *err)
{
	static const char may[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
	if (name[strspn(name, may)] == '\0')
		return 0;
	return err_set(err, ERR_INVALID,
	    "'%s': a logical volume's name has letters, digits and + _ . - only", name);
}

int volume_name_check(const struct pool *pool, const char *name, struct err *err)
{
	if (strchr(name, '/') != NULL)
		return err_set(err, ERR_INVALID,
		    "Requested operation is not valid: volume name '%s' cannot contain '/'", name);
	if (name_check("volume", name, err) < 0)
		return -1;
	return pool->def.type == POOL_LOGICAL ? check_group_name(name, err) : 0;
}

/* --- documents --- */
static void add_time(struct buf *out, const char *name, const struct timespec *t)
{
	if (t->tv_nsec == 0)
		buf_addf(out, "      <%s>%lld</%s>\n", name, (long long)t->tv_sec, name);
	else
		buf_addf(out, "      <%s>%lld.%09ld</%s>\n", name, (long long)t->tv_sec, t->tv_nsec,
		    name);
}

/* libvirt leaves <features/> empty when a version 3 image has none. */
static void add_header(struct buf *out, const struct volume *vol)
{
	struct img_info info;
	CLEANUP(img_drop)
	struct img *im =
	    vol->format == DISK_QCOW2 && vol->trouble == NULL
	        ? img_open(vol->path, "qcow2", IMG_INFO | IMG_NO_BACKING | IMG_NO_LOCK, NULL)
	        : NULL;
	if (im == NULL || img_info(im, &info, NULL) < 0)
		return;
	bool v3 = info.compat != NULL && !str_eq(info.compat, "0.10");
	if (v3)
		storage_xml_text(out, 4, "compat", info.compat);
	buf_addf(out, "    <clusterSize unit='B'>%u</clusterSize>\n", info.cluster);
	if (v3 && (info.lazy_refcounts || info.extended_l2))
		buf_addf(out, "    <features>\n%s%s    </features>\n",
		    info.lazy_refcounts ? "      <lazy_refcounts/>\n" : "",
		    info.extended_l2 ? "      <extended_l2/>\n" : "");
	else if (v3)
		buf_adds(out, "    <features/>\n");
	img_info_fini(&info);
}

static void add_place(struct buf *out, const struct volume *vol, bool header)
{
	storage_xml_text(out, 4, "path", vol->path);
	storage_xml_attr(out, 4, "format", "type", volume_format_word(vol));
	storage_xml_access(out, 4, &vol->access);
	buf_adds(out, "    <timestamps>\n");
	add_time(out, "atime", &vol->atime);
	add_time(out, "mtime", &vol->mtime);
	add_time(out, "ctime", &vol->ctime);
	add_time(out, "btime", &vol->btime);
	buf_adds(out, "    </timestamps>\n");
	if (header)
		add_header(out, vol);
}

static void add_backing(struct buf *out, const struct volume *vol)
{
	CLEANUP(volume_fini) struct volume below = {.access = STORAGE_ACCESS_NONE};
	if (vol->backing == NULL)
		return;
	buf_adds(out, "  <backingStore>\n");
	if (vol->backing[0] == '/' && volume_look(vol->backing, NULL, &below, NULL) == 0) {
		add_place(out, &below, false);
	} else {
		storage_xml_text(out, 4, "path", vol->backing);
		storage_xml_attr(out, 4, "format", "type",
		    vol->backing_format != NULL ? vol->backing_format : "raw");
	}
	buf_adds(out, "  </backingStore>\n");
}

void volume_format(const struct volume *vol, struct buf *out)
{
	buf_addf(out, "<volume type='%s'>\n", volume_type_name(vol->type));
	storage_xml_text(out, 2, "name", vol->name);
	storage_xml_text(out, 2, "key", vol->key);
	storage_xml_bytes(out, 2, "capacity", vol->capacity);
	storage_xml_bytes(out, 2, "allocation", vol->allocation);
	if (vol->physical > 0)
		storage_xml_bytes(out, 2, "physical", vol->physical);
	buf_adds(out, "  <target>\n");
	add_place(out, vol, true);
	buf_adds(out, "  </target>\n");
	add_backing(out, vol);
	buf_adds(out, "</volume>\n");
}
