#include "disk/qcow2_check.h"

#include <inttypes.h>
#include <string.h>

#include "core/mem.h"
#include "disk/qcow2.h"
#include "disk/qcow2_refcount.h"
#include "disk/qcow2_repair.h"
#include "disk/qcow2_walk.h"

static void compare_one(struct qcow2_walk *w, uint64_t cluster, uint64_t counted)
{
	uint64_t uses = qcow2_counts_get(&w->uses, cluster);
	if (counted > 0 || uses > 0)
		w->check->end = (cluster + 1) << w->q->cluster_bits;
	if (counted == uses)
		return;
	if (counted > uses)
		w->check->leaks++;
	else
		w->check->corruptions++;
	qcow2_walk_tell(w, "%s cluster %" PRIu64 " refcount=%" PRIu64 " reference=%" PRIu64,
	    counted > uses ? "Leaked" : "ERROR", cluster, counted, uses);
}

static int compare(struct qcow2_walk *w, struct err *err)
{
	uint64_t per = qcow2_walk_per_block(w);
	CLEANUP_FREE uint8_t *room = xmalloc(w->q->cluster);
	for (uint64_t k = 0; k * per < w->clusters; k++) {
		const uint8_t *counts;
		if (qcow2_walk_block(w, k, room, &counts, err) < 0)
			return -1;
		for (uint64_t i = 0; i < per && k * per + i < w->clusters; i++) {
			compare_one(
			    w, k * per + i, counts != NULL ? qcow2_count_get(w->q, counts, i) : 0);
			w->rebuild |= counts == NULL && qcow2_counts_get(&w->uses, k * per + i) > 0;
		}
	}
	return 0;
}

/* One look at everything; *w is the caller's to fini, also on error. */
static int look(struct qcow2 *q, struct qcow2_check *c, struct qcow2_walk *w, struct err *err)
{
	c->corruptions = c->leaks = c->errors = c->end = 0;
	c->allocated = c->fragmented = c->compressed = 0;
	c->total = (q->img->size >> q->cluster_bits) + (q->img->size % q->cluster != 0);
	if (qcow2_walk_init(w, q, c, err) < 0 || qcow2_walk_all(w, err) < 0)
		return -1;
	return compare(w, err);
}

static uint64_t fewer(uint64_t before, uint64_t now)
{
	return before > now ? before - now : 0;
}

/* A silent look tells what is left; a second one tells the user, where something is. */
static int look_again(struct qcow2 *q, struct qcow2_check *c,
    void (*again)(const struct qcow2_check *c), struct err *err)
{
	struct qcow2_walk w = {0};
	struct qcow2_check after = *c;
	after.tell = NULL;
	int r = look(q, &after, &w, err);
	qcow2_walk_fini(&w);
	if (r < 0)
		return -1;
	after.corruptions_fixed = fewer(c->corruptions, after.corruptions);
	after.leaks_fixed = fewer(c->leaks, after.leaks);
	after.tell = c->tell;
	*c = after;
	if (again != NULL)
		again(c);
	if (c->corruptions + c->leaks == 0)
		return 0;
	w = (struct qcow2_walk){0};
	r = look(q, c, &w, err);
	qcow2_walk_fini(&w);
	return r;
}

int qcow2_check(struct img *im, enum qcow2_repair how, struct qcow2_check *c,
    void (*again)(const struct qcow2_check *c), struct err *err)
{
	struct qcow2 *q = qcow2_of(im);
	struct qcow2_walk w = {0};
	c->corruptions_fixed = c->leaks_fixed = 0;
	int r = look(q, c, &w, err);
	bool wanted = how == QCOW2_REPAIR_ALL ? c->corruptions + c->leaks > 0
	                                      : how == QCOW2_REPAIR_LEAKS && c->leaks > 0;
	if (r == 0 && wanted && w.tangled) {
		qcow2_walk_tell(&w, "Tables lie on each other: nothing is repaired, as that would "
		                    "destroy more; 'img convert' saves what can be read");
		wanted = false;
	}
	if (r == 0 && wanted)
		r = qcow2_repair(&w, how, err);
	qcow2_walk_fini(&w);
	if (r == 0 && wanted)
		r = look_again(q, c, again, err);
	if (r == 0 && how != QCOW2_REPAIR_NONE && c->corruptions == 0)
		r = qcow2_repair_unmark(q, err);
	return r;
}
