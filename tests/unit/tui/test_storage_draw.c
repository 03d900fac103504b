/* storage_draw: the Storage screen at every size, as a person sees it. */
#include "unit/cm.h"
#include "unit/golden.h"

#include "tui/storage_draw.h"

#define GIB (1ull << 30)
#define NOW 1700000000ull

struct rig {
	struct storage_facts *facts;
	struct storage_screen v;
	const struct storage_volume *shown[64];
	struct disk_chain chain;
};

static void pool(struct storage_facts *f, const char *name, const char *type, const char *where,
    unsigned used, unsigned whole)
{
	f->pools[f->n_pools++] = (struct storage_pool){.name = xstrdup(name),
	    .where = xstrdup(where),
	    .type = type,
	    .active = whole > 0,
	    .persistent = true,
	    .trouble = xstrdup(""),
	    .known = whole > 0,
	    .capacity = whole * GIB,
	    .allocation = used * GIB,
	    .available = (whole - used) * GIB,
	    .full_in_s = -1,
	    .volumes = xcalloc(64, sizeof(struct storage_volume))};
}

static struct storage_volume *volume(struct storage_pool *p, const char *name, const char *format,
    uint64_t capacity, uint64_t allocation, const char *backing)
{
	struct storage_volume *v = &p->volumes[p->n_volumes++];
	*v = (struct storage_volume){.name = xstrdup(name),
	    .path = xasprintf("%s/%s", p->where, name),
	    .format = format,
	    .capacity = capacity,
	    .allocation = allocation,
	    .changed_s = NOW - 3700 * p->n_volumes,
	    .backing = *backing ? xasprintf("%s/%s", p->where, backing) : xstrdup(""),
	    .trouble = xstrdup(""),
	    .users_known = true,
	    .users = xcalloc(4, sizeof(struct storage_user))};
	return v;
}

static void used_by(struct storage_volume *v, const char *domain, bool running, bool below)
{
	v->users[v->n_users++] = (struct storage_user){.domain = xstrdup(domain),
	    .target = xstrdup("vda"),
	    .running = running,
	    .below = below};
}

static void job(struct storage_facts *f, enum storage_job_state state, const char *command,
    uint64_t done, int64_t left_s, const char *text)
{
	f->jobs[f->n_jobs] = (struct storage_job){.id = 7 - (unsigned)f->n_jobs,
	    .state = state,
	    .command = xstrdup(command),
	    .text = xstrdup(text),
	    .done = done,
	    .total = 100,
	    .left_s = left_s,
	    .started_s = NOW - 100,
	    .ended_s = state == STORAGE_JOB_RUNS ? 0 : NOW - 58};
	f->n_jobs++;
}

static void fill_default(struct storage_pool *p)
{
	struct storage_volume *v;
	v = volume(p, "base-debian-12.qcow2", "qcow2", 10 * GIB, 2 * GIB, "");
	used_by(v, "web1", true, true);
	used_by(v, "web2", false, true);
	v = volume(p, "broken.qcow2", "qcow2", 0, 4096, "");
	free(v->trouble);
	v->trouble = xstrdup("the L1 table at 0x30000 lies behind the end of the file");
	v = volume(p, "db.qcow2", "qcow2", 40 * GIB, 31 * GIB, "");
	used_by(v, "db", true, false);
	volume(p, "debian-12.iso", "iso", GIB * 6 / 10, GIB * 6 / 10, "");
	volume(p, "old-import-of-somebody-with-a-long-name.vmdk", "vmdk", 60 * GIB, 11 * GIB, "");
	v = volume(p, "web1.qcow2", "qcow2", 20 * GIB, 4 * GIB + GIB / 10, "base-debian-12.qcow2");
	used_by(v, "web1", true, false);
	v = volume(p, "web2.qcow2", "qcow2", 20 * GIB, GIB / 3, "base-debian-12.qcow2");
	used_by(v, "web2", false, false);
	v = volume(p, "gone.qcow2", "qcow2", 20 * GIB, 2 * GIB, "");
	v->trashed = true;
	v->trashed_s = NOW - 86400;
	v->empties_s = NOW + 6 * 86400;
	p->n_trashed = 1;
	p->trash = 2 * GIB;
}

static int open_rig(void **state)
{
	struct rig *r = *state = xcalloc(1, sizeof(*r));
	struct storage_facts *f = r->facts = xcalloc(1, sizeof(*f));
	struct storage_pool *p;
	f->now_s = NOW;
	f->pools = xcalloc(8, sizeof(*f->pools));
	f->jobs = xcalloc(8, sizeof(*f->jobs));
	pool(f, "default", "dir", "/var/lib/hvmux/images", 41, 64);
	pool(f, "iso", "dir", "/srv/iso", 0, 0);
	pool(f, "nas", "netfs", "/mnt/nas", 700, 4000);
	pool(f, "vg0", "logical", "/dev/vg0", 98, 100);
	p = &f->pools[0];
	p->autostart = p->growth_known = true;
	p->growth = (int64_t)(GIB * 12 / 10);
	p->growth_s = 9 * 86400;
	p->full_in_s = 19 * 86400;
	f->pools[2].known = false;
	f->pools[2].waiting_ms = 12000;
	f->pools[3].growth_known = true;
	f->pools[3].growth = (int64_t)(16 * GIB);
	f->pools[3].growth_s = 7200;
	f->pools[3].full_in_s = 3 * 3600;
	fill_default(p);
	storage_pool_settle(p);
	job(f, STORAGE_JOB_RUNS, "img convert -c -O qcow2 db.qcow2 db-small.qcow2", 43, 125,
	    "120 MiB/s");
	job(f, STORAGE_JOB_FAILED, "clone web1 --name web3", 0, -1,
	    "cannot write '/srv/web3.qcow2': No space left on device");
	r->v = (struct storage_screen){.facts = f,
	    .volumes = r->shown,
	    .n_volumes = (unsigned)p->n_volumes,
	    .filter = "",
	    .host = "host01",
	    .clock = "14:02"};
	for (size_t i = 0; i < p->n_volumes; i++)
		r->shown[i] = &p->volumes[i];
	return 0;
}

static int close_rig(void **state)
{
	struct rig *r = *state;
	storage_facts_free(r->facts);
	disk_chain_fini(&r->chain);
	free(r);
	return 0;
}

static void see_styled(struct rig *r, const char *file, int rows, int cols, bool utf8, bool styles)
{
	CLEANUP_FREE char *name = xasprintf("storage/%s.txt", file);
	CLEANUP_FREE char *path = golden_path(name);
	struct storage_layout l;
	struct sheet s = {0};
	storage_layout_make(
	    rows, (unsigned)r->facts->n_pools, (unsigned)r->facts->n_jobs, r->v.focus, &l);
	sheet_init(&s, rows, cols, utf8);
	storage_scroll(&r->v, &l);
	storage_draw(&r->v, &l, &s);
	CLEANUP_FREE char *got = sheet_dump(&s, styles);
	golden_check(path, got);
	sheet_fini(&s);
}

static void see(struct rig *r, const char *file, int rows, int cols, bool utf8)
{
	see_styled(r, file, rows, cols, utf8, false);
}

static void give_chain(struct rig *r, const struct storage_volume *v)
{
	struct disk_image_facts *i = xcalloc(3, sizeof(*i));
	r->chain = (struct disk_chain){.path = xstrdup(v->path),
	    .images = i,
	    .n = 2,
	    .snapshots = xstrdup("before-upgrade, clean"),
	    .n_snapshots = 2,
	    .allocation = v->allocation + 2 * GIB};
	i[0] = (struct disk_image_facts){.path = xstrdup(v->path),
	    .format = xstrdup("qcow2"),
	    .why = xstrdup(""),
	    .allocation = v->allocation};
	i[1] = (struct disk_image_facts){.path = xstrdup(v->backing),
	    .format = xstrdup("raw"),
	    .why = xstrdup(""),
	    .allocation = 2 * GIB};
	r->v.chain = &r->chain;
}

static void at_80x24(void **state)
{
	struct rig *r = *state;
	see_styled(r, "80x24-pools", 24, 80, true, true);
	r->v.at[STORAGE_POOLS] = 3;
	see(r, "80x24-pool-nearly-full", 24, 80, true);
}

static void a_volume(void **state)
{
	struct rig *r = *state;
	r->v.focus = STORAGE_VOLUMES;
	r->v.at[STORAGE_VOLUMES] = 5;
	give_chain(r, r->shown[5]);
	see(r, "80x24-volume", 24, 80, true);
	see(r, "80x24-volume-ascii", 24, 80, false);
	see(r, "160x48-volume", 48, 160, true);
}

static void volumes_with_news(void **state)
{
	struct rig *r = *state;
	r->v.focus = STORAGE_VOLUMES;
	r->v.at[STORAGE_VOLUMES] = 0;
	see(r, "80x24-base", 24, 80, true);
	r->v.at[STORAGE_VOLUMES] = 1;
	see_styled(r, "80x24-broken", 24, 80, true, true);
	r->v.at[STORAGE_VOLUMES] = 7;
	see(r, "80x24-trashed", 24, 80, true);
	r->v.at[STORAGE_VOLUMES] = 4;
	see(r, "80x24-unused", 24, 80, true);
}

static void low_and_narrow(void **state)
{
	struct rig *r = *state;
	see(r, "20x5-pools", 5, 20, true);
	r->v.focus = STORAGE_VOLUMES;
	r->v.at[STORAGE_VOLUMES] = 6;
	see(r, "20x5-volumes", 5, 20, true);
	see(r, "40x12-volumes", 12, 40, true);
	r->v.focus = STORAGE_JOBS;
	see(r, "20x5-jobs", 5, 20, false);
}

static void a_job(void **state)
{
	struct rig *r = *state;
	r->v.focus = STORAGE_JOBS;
	r->v.at[STORAGE_JOBS] = 1;
	see(r, "80x24-job", 24, 80, true);
}

static void no_volumes(void **state)
{
	struct rig *r = *state;
	r->v.n_volumes = 0;
	r->v.at[STORAGE_POOLS] = 1;
	see(r, "80x24-inactive", 24, 80, true);
	r->v.at[STORAGE_POOLS] = 2;
	see(r, "80x24-silent", 24, 80, true);
	r->v.at[STORAGE_POOLS] = 0;
	r->v.filter = "zzz";
	see(r, "80x24-no-match", 24, 80, true);
}

/* Before the first look, without pools, and at every size: nothing is drawn outside, nothing is read outside. */
static void every_size(void **state)
{
	struct rig *r = *state;
	struct storage_facts none = {0};
	const struct storage_facts *all[] = {r->facts, NULL, &none};
	struct sheet s = {0};
	for (size_t f = 0; f < ARRAY_LEN(all); f++)
		for (int rows = 0; rows < 60; rows++)
			for (int cols = 0; cols < 200; cols += cols < 30 ? 1 : 13)
				for (int part = 0; part < STORAGE_PARTS; part++) {
					struct storage_layout l;
					struct storage_screen v = r->v;
					v.facts = all[f];
					v.n_volumes = f ? 0 : v.n_volumes;
					v.focus = (enum storage_part)part;
					storage_layout_make(
					    rows, f ? 0 : 4, f ? 0 : 2, v.focus, &l);
					sheet_init(&s, rows, cols, true);
					storage_scroll(&v, &l);
					storage_draw(&v, &l, &s);
					/* Whatever has the focus can be seen. */
					if (rows > 1)
						assert_true(l.height[part] >= 1);
					for (int p = 0; p < STORAGE_PARTS && rows > 1; p++)
						if (l.height[p] > 0)
							assert_true(
							    l.top[p] + l.height[p] <= rows - 1);
				}
	sheet_fini(&s);
}

static void chains_and_promises(void **state)
{
	struct rig *r = *state;
	const struct storage_pool *p = &r->facts->pools[0];
	assert_int_equal(p->volumes[0].above, 2);
	assert_int_equal(p->volumes[0].depth, 0);
	assert_int_equal(p->volumes[5].depth, 1);
	/* The trash is not promised to anybody, what others stand on does not grow: 2 + 40 + 0.6 + 60 + 20 + 20 GiB. */
	assert_true(p->promised > 142 * GIB && p->promised < 143 * GIB);
	/* 9 + 49 + 15.9 + 19.7 */
	assert_true(p->may_grow > 93 * GIB && p->may_grow < 94 * GIB);
	CLEANUP_FREE char *users = storage_users_text(&p->volumes[0], false);
	assert_string_equal(users, "web1 (below vda, running), web2 (below vda, off)");
}

/* a stands on b, b on a: found out, not followed. */
static void a_ring_ends(void **state)
{
	struct rig *r = *state;
	struct storage_pool *p = &r->facts->pools[0];
	free(p->volumes[0].backing);
	p->volumes[0].backing = xstrdup(p->volumes[5].path);
	storage_pool_settle(p);
	assert_true(p->volumes[0].depth <= 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(at_80x24, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(a_volume, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(volumes_with_news, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(low_and_narrow, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(a_job, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(no_volumes, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(every_size, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(chains_and_promises, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(a_ring_ends, open_rig, close_rig),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
