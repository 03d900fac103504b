#include "disk/volume_uses.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/mem.h"
#include "core/str.h"

bool volume_backs(const struct volume *vol, const struct volume *other)
{
	struct stat st;
	if (other->backing == NULL || other->backing[0] != '/')
		return false;
	if (str_eq(other->backing, vol->path))
		return true;
	if (stat(other->backing, &st) < 0)
		return false;
	if (vol->type == VOLUME_BLOCK)
		return S_ISBLK(st.st_mode) && st.st_rdev == vol->dev;
	return st.st_dev == vol->dev && st.st_ino == vol->ino;
}

static void add_overlays(
    const struct volume *vol, const struct volume *vols, size_t n, struct volume_uses *uses)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(vols[i].path, vol->path) || !volume_backs(vol, &vols[i]))
			continue;
		uses->overlays =
		    xreallocarray(uses->overlays, uses->n_overlays + 1, sizeof *uses->overlays);
		uses->overlays[uses->n_overlays++] = xstrdup(vols[i].path);
	}
}

static int find_overlays(
    const struct home *h, const struct volume *vol, struct volume_uses *uses, struct err *err)
{
	size_t n, n_vols;
	struct pool *pools;
	struct volume *vols;
	int rc = pool_list(h, &pools, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (!pools[i].active)
			continue;
		rc = volume_list(&pools[i], &vols, &n_vols, err);
		if (rc < 0) {
			err_wrap(err,
			    "volumes that are based on it cannot be looked for in pool '%s'",
			    pools[i].def.name);
			break;
		}
		add_overlays(vol, vols, n_vols, uses);
		volume_list_free(vols, n_vols);
	}
	pool_list_free(pools, n);
	return rc;
}

int volume_uses_find(
    const struct home *h, const struct volume *vol, struct volume_uses *uses, struct err *err)
{
	*uses = (struct volume_uses){.users = users_new(h)};
	if (users_refresh(uses->users, err) == 0 && find_overlays(h, vol, uses, err) == 0) {
		uses->n_by = users_of(uses->users, vol->path, uses->by, VOLUME_USES_MAX);
		return 0;
	}
	volume_uses_fini(uses);
	return -1;
}

void volume_uses_fini(struct volume_uses *uses)
{
	users_free(uses->users);
	for (size_t i = 0; i < uses->n_overlays; i++)
		free(uses->overlays[i]);
	free(uses->overlays);
	*uses = (struct volume_uses){0};
}

static size_t named(size_t n)
{
	return n < VOLUME_USES_MAX ? n : VOLUME_USES_MAX;
}

static int check_one(
    const char *path, const struct user *by, enum disk_format found, struct err *err)
{
	if (by->format == NULL || str_eq(by->format, disk_format_name(found)))
		return 0;
	return err_set(err, ERR_DENIED,
	    "'%s' begins like an image of the format %s, but is %s for domain '%s' (%s): its guest may have written "
	    "that to have other files of the host read; 'hvmux img info -f %s' and 'hvmux img convert -f %s' take it "
	    "for what it is",
	    path, disk_format_name(found), by->format, by->domain, by->target, by->format,
	    by->format);
}

int volume_uses_check_format(
    const struct home *h, const char *path, enum disk_format found, struct err *err)
{
	struct user by[VOLUME_USES_MAX];
	if (found == DISK_RAW)
		return 0;
	struct users *users = users_new(h);
	int rc = users_refresh(users, err);
	size_t n = rc == 0 ? named(users_of(users, path, by, VOLUME_USES_MAX)) : 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_one(path, &by[i], found, err);
	users_free(users);
	return rc;
}

bool volume_uses_running(const struct volume_uses *uses)
{
	for (size_t i = 0; i < named(uses->n_by); i++)
		if (uses->by[i].running)
			return true;
	return false;
}

bool volume_uses_base(const struct volume_uses *uses)
{
	for (size_t i = 0; i < named(uses->n_by); i++)
		if (uses->by[i].depth > 0 || uses->by[i].data)
			return true;
	return uses->n_overlays > 0;
}

void volume_uses_words(const struct volume_uses *uses, struct buf *out)
{
	if (uses->n_by > 0)
		users_words(uses->by, named(uses->n_by), out);
	for (size_t i = 0; i < named(uses->n_overlays); i++) {
		CLEANUP_FREE char *path =
		    str_printable(uses->overlays[i], strlen(uses->overlays[i]), SIZE_MAX);
		buf_addf(out, "%s'%s'",
		    i > 0            ? ", "
		    : uses->n_by > 0 ? "; base of "
		                     : "base of ",
		    path);
	}
	if (uses->n_overlays > VOLUME_USES_MAX)
		buf_addf(out, " and %zu more", uses->n_overlays - VOLUME_USES_MAX);
}
