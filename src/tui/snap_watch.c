#include "tui/snap_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/mem.h"
#include "core/snapshots.h"
#include "core/str.h"
#include "tui/storage_look.h"

#define SIZES_EVERY_MS \
	15000 /* files that a snapshot left behind grow without a change of the folder */

/* On its way: all but `watch` is the thread's. */
struct look {
	struct snap_watch *watch; /* NULL: nobody waits for it any more */
	struct home home;         /* its own: it may outlive the one that it was started with */
	char *name;
	struct snap_rows rows;
};

struct snap_watch {
	const struct home *home;
	struct offload *offload;
	void (*changed)(void *arg);
	void *arg;
	char *name;
	struct timespec mtime; /* of the folder when it was read */
	bool unsure;           /* it changed within one clock tick of that */
	uint64_t read_ms;      /* 0 not yet */
	struct snap_rows rows;
	struct look *look;
};

struct snap_watch *snap_watch_new(
    const struct home *h, struct offload *o, void (*changed)(void *arg), void *arg)
{
	struct snap_watch *w = xcalloc(1, sizeof(*w));
	w->home = h;
	w->offload = o;
	w->changed = changed;
	w->arg = arg;
	return w;
}

static void look_free(struct look *k)
{
	snap_rows_fini(&k->rows);
	home_fini(&k->home);
	free(k->name);
	free(k);
}

static void look_work(void *arg)
{
	struct look *k = arg;
	snap_rows_read(&k->rows, &k->home, k->name);
}

static void look_done(void *arg)
{
	struct look *k = arg;
	struct snap_watch *w = k->watch;
	if (w) {
		struct snap_rows old = w->rows;
		w->rows = k->rows;
		k->rows = old;
		w->look = NULL;
		w->read_ms = loop_now_ms();
	}
	look_free(k);
	if (w)
		w->changed(w->arg);
}

static void look_drop(void *arg)
{
	look_free(arg);
}

static const struct offload_ops ops = {look_work, look_done, look_drop};

static void look_start(struct snap_watch *w)
{
	struct look *k = xcalloc(1, sizeof(*k));
	k->watch = w;
	storage_home_copy(&k->home, w->home);
	k->name = xstrdup(w->name);
	w->look = k;
	if (offload_run(w->offload, &ops, k))
		return;
	w->look = NULL;
	look_free(k);
}

static void leave(struct snap_watch *w)
{
	if (w->look)
		w->look->watch = NULL;
	w->look = NULL;
}

/* Is the folder another than the one that was read? */
static bool folder_changed(struct snap_watch *w)
{
	CLEANUP_FREE char *path = snapshots_dir(w->home, w->name);
	struct stat st;
	struct timespec now;
	bool changed;
	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	changed = w->unsure || st.st_mtim.tv_sec != w->mtime.tv_sec ||
	          st.st_mtim.tv_nsec != w->mtime.tv_nsec;
	w->mtime = st.st_mtim;
	clock_gettime(CLOCK_REALTIME, &now);
	w->unsure = now.tv_sec - st.st_mtim.tv_sec <= 1;
	return changed;
}

void snap_watch_tick(struct snap_watch *w, const char *domain)
{
	bool other = !str_eq(w->name, domain);
	if (other) {
		leave(w);
		free(w->name);
		w->name = xstrdup(domain);
		snap_rows_fini(&w->rows);
		w->read_ms = 0;
	}
	if (w->look)
		return;
	if (folder_changed(w) || !w->read_ms || loop_now_ms() - w->read_ms >= SIZES_EVERY_MS)
		look_start(w);
}

const char *snap_watch_name(const struct snap_watch *w)
{
	return w->name;
}

const struct snap_rows *snap_watch_rows(const struct snap_watch *w)
{
	return &w->rows;
}

void snap_watch_free(struct snap_watch *w)
{
	if (!w)
		return;
	leave(w);
	snap_rows_fini(&w->rows);
	free(w->name);
	free(w);
}
