#include "tui/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/domain_meta.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/tree.h"
#include "tui/widgets.h"

#define ADOPT_AGAIN_MS 10000
#define WATCH_EVERY_MS 2000
#define FOLDER_SETTLE_NS \
	100000000ll /* a folder changed this recently may change again within one clock tick */

struct folder {
	char *path;
	struct timespec mtime;
	bool unsure; /* read again next time */
};

struct model {
	const struct home *home;
	bool readonly;
	struct folder definitions, runs;
	int run_fd;
	struct vm_entry **all; /* by name */
	size_t n_all, cap;
	struct vm_entry **vms; /* that pass the filter, in order */
	unsigned n_vms;
	struct vm_entry **rows; /* the same, or the tree over them */
	unsigned n_rows;
	bool rows_stale;
	struct tree *tree;
	bool as_tree;
	unsigned first, shown;
	enum sort_column sort;
	bool inverted;
	char *filter;
	uint64_t now_ns, watch_ms;
	void (*changed)(void *arg, const struct vm_entry *e, const char *before);
	void *changed_arg;
	struct status_page *head; /* STATUS_HEAD_SIZE bytes to read into */
};

static void set_text(char **to, const char *s)
{
	if (*to && !strcmp(*to, s))
		return;
	free(*to);
	*to = xstrdup(s);
}

struct vm_entry *vm_entry_new(const char *name)
{
	struct vm_entry *e = xcalloc(1, sizeof(*e));
	char **texts[] = {
	    &e->title, &e->detail, &e->address, &e->line, &e->holder, &e->job, &e->group, &e->tags};
	e->name = xstrdup(name);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = xstrdup("");
	return e;
}

void vm_entry_free(struct vm_entry *e)
{
	free(e->name);
	free(e->title);
	free(e->detail);
	free(e->address);
	free(e->line);
	free(e->holder);
	free(e->job);
	free(e->group);
	free(e->tags);
	free(e);
}

struct model *model_new(const struct home *h, bool readonly)
{
	struct model *m = xcalloc(1, sizeof(*m));
	m->home = h;
	m->readonly = readonly;
	m->run_fd = -1;
	m->definitions.path = home_domains_dir(h);
	m->runs.path = xstrdup(h->run);
	m->head = xmalloc(STATUS_HEAD_SIZE);
	m->filter = xstrdup("");
	m->tree = tree_new();
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_all; i++)
		vm_entry_free(m->all[i]);
	if (m->run_fd >= 0)
		close(m->run_fd);
	free(m->definitions.path);
	free(m->runs.path);
	free(m->all);
	free(m->vms);
	free(m->rows);
	tree_free(m->tree);
	free(m->head);
	free(m->filter);
	free(m);
}

/* --- names --- */

static size_t position(const struct model *m, const char *name, bool *found)
{
	size_t lo = 0, hi = m->n_all;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->all[mid]->name, name);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

struct vm_entry *model_find(struct model *m, const char *name)
{
	bool found;
	size_t at = name ? position(m, name, &found) : 0;
	if (name && !found)
		return tree_find(m->tree, name);
	return name ? m->all[at] : NULL;
}

static struct vm_entry *entry_get(struct model *m, const char *name)
{
	bool found;
	size_t at = position(m, name, &found);
	if (found)
		return m->all[at];
	if (m->n_all == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->all = xreallocarray(m->all, m->cap, sizeof(*m->all));
	}
	memmove(m->all + at + 1, m->all + at, (m->n_all - at) * sizeof(*m->all));
	m->n_all++;
	m->rows_stale = true;
	return m->all[at] = vm_entry_new(name);
}

/* Has the folder's list of names changed since it was last read? */
static bool folder_changed(struct folder *f)
{
	struct stat st;
	struct timespec now;
	bool changed;
	if (stat(f->path, &st) < 0)
		memset(&st, 0, sizeof(st));
	changed = f->unsure || st.st_mtim.tv_sec != f->mtime.tv_sec ||
	          st.st_mtim.tv_nsec != f->mtime.tv_nsec;
	f->mtime = st.st_mtim;
	clock_gettime(CLOCK_REALTIME, &now);
	f->unsure =
	    (now.tv_sec - st.st_mtim.tv_sec) * 1000000000ll + (now.tv_nsec - st.st_mtim.tv_nsec) <
	    FOLDER_SETTLE_NS;
	return changed;
}

/* Tags and group, when the definition is another than the one they were read from. What cannot be read has none. */
static void read_meta(struct model *m, struct vm_entry *e)
{
	CLEANUP_FREE char *path = home_domain_xml(m->home, e->name);
	CLEANUP_BUF struct buf xml = BUF_INIT, tags = BUF_INIT;
	struct domain_meta meta = {0};
	struct stat st;
	if (stat(path, &st) < 0 || (st.st_mtim.tv_sec == e->defined_at.tv_sec &&
	                               st.st_mtim.tv_nsec == e->defined_at.tv_nsec))
		return;
	e->defined_at = st.st_mtim;
	if (file_read(path, STORE_XML_MAX, &xml, NULL) == 0)
		domain_meta_parse(xml.data ? xml.data : "", xml.len, e->name, &meta, NULL);
	for (size_t i = 0; i < meta.n_tags; i++)
		buf_addf(&tags, "%s#%s", i ? " " : "", meta.tags[i]);
	set_text(&e->tags, tags.len ? tags.data : "");
	set_text(&e->group, meta.group ? meta.group : "");
	e->protect = meta.protect;
	domain_meta_fini(&meta);
}

static int scan_definitions(struct model *m, struct err *err)
{
	char **names;
	size_t n;
	if (store_names(m->home, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->defined = false;
	for (size_t i = 0; i < n; i++) {
		struct vm_entry *e = entry_get(m, names[i]);
		e->defined = true;
		read_meta(m, e);
	}
	store_names_free(names);
	return 0;
}

static int scan_runs(struct model *m, struct err *err)
{
	DIR *d = opendir(m->home->run);
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->run_dir = false;
	if (!d)
		return errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot read the folder '%s'", m->home->run);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_type != DT_REG && name_check("domain", e->d_name, NULL) == 0)
			entry_get(m, e->d_name)->run_dir = true;
	if (m->run_fd >= 0)
		close(m->run_fd);
	m->run_fd = fcntl(dirfd(d), F_DUPFD_CLOEXEC, 3);
	closedir(d);
	return 0;
}

static void drop_gone(struct model *m)
{
	size_t k = 0;
	for (size_t i = 0; i < m->n_all; i++) {
		struct vm_entry *e = m->all[i];
		if (e->defined || e->run_dir) {
			m->all[k++] = e;
			continue;
		}
		vm_entry_free(e);
		m->rows_stale = true;
	}
	m->n_all = k;
}

/* --- facts --- */

/* The page claims a QEMU but has no fresh beat: the one case in which /proc and the lock are asked. */
static void settle(struct model *m, struct vm_entry *e)
{
	struct vm vm;
	uint64_t now = loop_now_ms();
	if (vm_probe(m->home, e->name, &vm, NULL) < 0) {
		e->here = e->defined;
		e->live = e->silent = e->orphan = false;
		e->state = VM_OFF;
		return;
	}
	e->live = vm.live;
	e->silent = vm.silent;
	e->orphan = vm.orphan;
	e->state = vm.state;
	e->here = true;
	if ((vm.orphan || vm.unsettled) && !m->readonly &&
	    (!e->adopted_ms || now - e->adopted_ms > ADOPT_AGAIN_MS)) {
		e->adopted_ms = now;
		vm_adopt_all(m->home, &vm, 1);
	}
	vm_fini(&vm);
}

static void judge(struct model *m, struct vm_entry *e, const struct status_page *p)
{
	uint64_t now = loop_now_ns();
	bool fresh = p->beat_ns <= now && now - p->beat_ns <= VM_SILENT_NS;
	enum vm_state s = p->state < VM_STATE_COUNT ? (enum vm_state)p->state : VM_OFF;
	bool claimed = vm_state_live(s) || (s == VM_CRASHED && p->qemu_pid > 0);
	if (claimed && !fresh) {
		settle(m, e);
		return;
	}
	e->state = s;
	e->live = claimed;
	e->orphan = false;
	e->silent = claimed && p->qmp_wait_ns && p->qmp_wait_ns <= now &&
	            now - p->qmp_wait_ns > VM_SILENT_NS;
	e->here = e->defined || claimed;
}

/* Its last line; before it, that a log of its consoles stands still. */
static void take_line(struct vm_entry *e, const struct status_page *p, const char *line)
{
	unsigned n = p->consoles < STATUS_CONSOLES_MAX ? p->consoles : STATUS_CONSOLES_MAX;

	for (unsigned i = 0; i < n && e->live; i++) {
		CLEANUP_FREE char *text = NULL;

		if (!p->console[i].log_trouble[0])
			continue;
		text = xasprintf("log stands still: %s | %s", p->console[i].log_trouble, line);
		set_text(&e->line, text);
		return;
	}
	set_text(&e->line, line);
}

static void take_console(struct vm_entry *e, const struct status_page *p)
{
	static const struct status_console none;
	const struct status_console *c = p->consoles ? &p->console[0] : &none;
	e->consoles = p->consoles;
	e->con_bytes = c->bytes;
	e->con_last_ns = c->last_ns;
	e->clients = c->clients;
	e->con_rows = c->rows;
	e->con_cols = c->cols;
	take_line(e, p, c->line);
	set_text(&e->holder, c->holder);
}

static void take_facts(struct vm_entry *e, const struct status_page *p)
{
	uint64_t have = p->balloon_kib ? p->balloon_kib : p->memory_kib;
	e->reason = p->reason < VM_REASON_COUNT ? (enum vm_reason)p->reason : VM_REASON_UNKNOWN;
	set_text(&e->title, p->title);
	set_text(&e->detail, p->detail);
	set_text(&e->address, p->address);
	set_text(&e->job, p->job);
	e->badge = p->badge <= STATUS_BADGE_BAD ? (enum status_badge)p->badge : STATUS_BADGE_NONE;
	e->badge_ns = p->badge_ns;
	memcpy(e->badge_name, p->badge_name, sizeof(e->badge_name));
	e->job_done = p->job_done;
	e->job_total = p->job_total;
	e->started_ns = p->started_ns;
	e->changed_ns = p->changed_ns;
	e->ended_ns = p->ended_ns;
	e->vcpus = p->vcpus;
	e->memory_kib = have;
	/* What the guest itself says it uses is worth more than what QEMU holds. */
	e->used_kib = p->guest_available_kib && p->guest_available_kib < have
	                  ? have - p->guest_available_kib
	                  : p->rss_kib;
	if (e->used_kib > have) /* QEMU's own share on top is not the guest's */
		e->used_kib = have;
	take_console(e, p);
}

static void history_push(struct vm_entry *e, uint32_t v)
{
	memmove(e->history, e->history + 1, sizeof(e->history) - sizeof(e->history[0]));
	e->history[MODEL_HISTORY - 1] = v;
	if (e->have < MODEL_HISTORY)
		e->have++;
}

static void take_sample(
    struct vm_entry *e, const struct status_page *p, const struct status_sample *s)
{
	uint64_t new = p->seconds_count - e->count;
	e->now = *s;
	if (!e->live)
		memset(&e->now, 0, sizeof(e->now));
	if (new == 1)
		history_push(e, s->cpu_permille);
	else if (new)
		e->have = 0; /* filled from the page when the VM is shown */
	e->count = p->seconds_count;
	e->cpu_shown = e->live ? widget_steady(e->cpu_shown,
	                             e->now.cpu_permille < 3 ? 0 : e->now.cpu_permille, 5)
	                       : 0;
	e->used_shown =
	    widget_steady((uint32_t)(e->used_shown >> 10), (uint32_t)(e->used_kib >> 10), 8) *
	    1024ull;
}

void model_on_change(
    struct model *m, void (*fn)(void *arg, const struct vm_entry *e, const char *before), void *arg)
{
	m->changed = fn;
	m->changed_arg = arg;
}

static void read_one(struct model *m, struct vm_entry *e)
{
	char path[NAME_MAX_BYTES + 16];
	struct status_sample s;
	if (!e->run_dir || m->run_fd < 0) {
		e->here = e->defined;
		e->live = e->silent = e->orphan = false;
		e->state = VM_OFF;
		return;
	}
	snprintf(path, sizeof(path), "%s/status", e->name);
	if (status_pread_latest(m->run_fd, path, m->head, &s, NULL) < 0) {
		settle(m, e); /* a supervisor that has not written yet, or nothing at all */
		return;
	}
	judge(m, e, m->head);
	take_facts(e, m->head);
	take_sample(e, m->head, &s);
}

static void refresh_one(struct model *m, struct vm_entry *e)
{
	const char *before = vm_entry_state(e);
	read_one(m, e);
	if (m->changed && e->seen && strcmp(before, vm_entry_state(e)) != 0)
		m->changed(m->changed_arg, e, before);
	e->seen = true;
}

static void refresh_window(struct model *m)
{
	uint64_t now = loop_now_ms();
	bool touch = now - m->watch_ms >= WATCH_EVERY_MS;
	for (unsigned i = m->first; i < m->n_rows && i < m->first + m->shown; i++) {
		struct vm_entry *e = m->rows[i];
		struct status_sample s[MODEL_HISTORY];
		if (e->folder)
			continue;
		if (e->live && (touch || !e->watched)) {
			CLEANUP_FREE char *path = home_run_file(m->home, e->name, "watch");
			status_watch_touch(path);
			e->watched = true;
		}
		if (e->have || !e->count)
			continue;
		e->have = model_samples(m, e, false, s, MODEL_HISTORY, &e->count);
		for (unsigned k = 0; k < e->have; k++)
			e->history[MODEL_HISTORY - e->have + k] = s[k].cpu_permille;
	}
	if (touch)
		m->watch_ms = now;
}

int model_refresh(struct model *m, struct err *err)
{
	struct timespec ts;
	int rc = 0;
	bool d = folder_changed(&m->definitions), r = folder_changed(&m->runs);
	if (d)
		rc |= scan_definitions(m, err);
	if (r)
		rc |= scan_runs(m, err);
	if (d || r)
		drop_gone(m);
	clock_gettime(CLOCK_REALTIME, &ts);
	m->now_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	for (size_t i = 0; i < m->n_all; i++)
		refresh_one(m, m->all[i]);
	m->rows_stale = true;
	model_rows(m, &(unsigned){0});
	refresh_window(m);
	return rc;
}

/* --- order --- */

const char *vm_entry_state(const struct vm_entry *e)
{
	return e->silent ? "not answering" : e->orphan ? "adopting" : vm_state_name(e->state);
}

bool vm_entry_matches(const struct vm_entry *e, const char *text)
{
	const char *in[] = {
	    e->name, vm_entry_state(e), e->address, e->title, e->group, e->tags, e->line};
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		if (strcasestr(in[i], text))
			return true;
	return e->badge != STATUS_BADGE_NONE && strcasestr(e->badge_name, text);
}

/* States in the order in which they matter: trouble first. */
static unsigned state_rank(const struct vm_entry *e)
{
	static const unsigned char rank[VM_STATE_COUNT] = {[VM_CRASHED] = 1,
	    [VM_STOPPING] = 2,
	    [VM_SHUTDOWN] = 3,
	    [VM_STARTING] = 4,
	    [VM_PAUSED] = 5,
	    [VM_PMSUSPENDED] = 6,
	    [VM_RUNNING] = 7,
	    [VM_OFF] = 8};
	return e->silent ? 0 : rank[e->state];
}

/* Larger comes first in every column of figures. */
static uint64_t figure(const struct vm_entry *e, enum sort_column c)
{
	switch (c) {
	case SORT_UP:
		return e->live ? UINT64_MAX - e->started_ns : 0;
	case SORT_CPU:
		return e->cpu_shown;
	case SORT_MEM:
		return e->live ? e->used_shown : 0;
	case SORT_DISK:
		return (uint64_t)e->now.rd_kib + e->now.wr_kib;
	case SORT_NET:
		return (uint64_t)e->now.rx_kib + e->now.tx_kib;
	case SORT_CONSOLE:
		return e->con_last_ns;
	default:
		return 0;
	}
}

static int by_column(const void *pa, const void *pb, void *arg)
{
	const struct vm_entry *a = *(struct vm_entry *const *)pa,
	                      *b = *(struct vm_entry *const *)pb;
	const struct model *m = arg;
	int r = 0;
	if (m->sort == SORT_STATE)
		r = (int)state_rank(a) - (int)state_rank(b);
	else if (m->sort == SORT_ADDRESS)
		r = (!*a->address - !*b->address) ? (!*a->address - !*b->address)
		                                  : strverscmp(a->address, b->address);
	else if (m->sort != SORT_NAME)
		r = figure(a, m->sort) > figure(b, m->sort)
		        ? -1
		        : figure(a, m->sort) < figure(b, m->sort);
	if (r == 0 && m->sort == SORT_NAME)
		r = strverscmp(a->name, b->name); /* web2 before web10 */
	if (m->inverted)
		r = -r;
	if (r == 0)
		r = strverscmp(a->name, b->name);
	return r ? r : strcmp(a->name, b->name);
}

static void order_rows(struct model *m)
{
	m->vms = xreallocarray(m->vms, m->n_all + 1, sizeof(*m->vms));
	m->n_vms = 0;
	for (size_t i = 0; i < m->n_all; i++)
		if (m->all[i]->here && (!*m->filter || vm_entry_matches(m->all[i], m->filter)))
			m->vms[m->n_vms++] = m->all[i];
	qsort_r(m->vms, m->n_vms, sizeof(*m->vms), by_column, m);
	m->rows =
	    xreallocarray(m->rows, tree_room(m->tree, m->vms, m->n_vms) + 1, sizeof(*m->rows));
	if (m->as_tree) {
		m->n_rows = tree_build(m->tree, m->vms, m->n_vms, *m->filter != '\0', m->rows);
		return;
	}
	memcpy(m->rows, m->vms, m->n_vms * sizeof(*m->rows));
	m->n_rows = m->n_vms;
}

struct vm_entry **model_rows(struct model *m, unsigned *n)
{
	if (m->rows_stale)
		order_rows(m);
	m->rows_stale = false;
	*n = m->n_rows;
	return m->rows;
}

struct vm_entry **model_vms(struct model *m, unsigned *n)
{
	model_rows(m, n);
	*n = m->n_vms;
	return m->vms;
}

void model_tree(struct model *m, bool on)
{
	m->as_tree = on;
	m->rows_stale = true;
}

bool model_is_tree(const struct model *m)
{
	return m->as_tree;
}

void model_marked(struct model *m)
{
	m->rows_stale = m->rows_stale || m->as_tree;
}

void model_fold(struct model *m, struct vm_entry *folder, bool folded)
{
	folder->folded = folded;
	m->rows_stale = true;
}

bool vm_entry_in(const struct vm_entry *e, const struct vm_entry *folder)
{
	size_t n = strlen(folder->name) - 1; /* without its '/' */
	return !e->folder && strncmp(e->group, folder->name, n) == 0 &&
	       (e->group[n] == '\0' || e->group[n] == '/');
}

void model_window(struct model *m, unsigned first, unsigned n)
{
	if (m->first == first && m->shown == n)
		return;
	m->first = first;
	m->shown = n;
	for (size_t i = 0; i < m->n_all; i++)
		m->all[i]->watched = false;
	refresh_window(m);
}

int model_index(struct model *m, const char *name)
{
	unsigned n;
	struct vm_entry **rows = model_rows(m, &n);
	for (unsigned i = 0; name && i < n; i++)
		if (!strcmp(rows[i]->name, name))
			return (int)i;
	return -1;
}

void model_sort(struct model *m, enum sort_column c, bool inverted)
{
	m->sort = c;
	m->inverted = inverted;
	m->rows_stale = true;
}

enum sort_column model_sort_column(const struct model *m, bool *inverted)
{
	*inverted = m->inverted;
	return m->sort;
}

void model_filter(struct model *m, const char *text)
{
	set_text(&m->filter, text ? text : "");
	m->rows_stale = true;
}

const char *model_filter_text(const struct model *m)
{
	return m->filter;
}

void model_counts(const struct model *m, struct model_counts *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < m->n_all; i++) {
		const struct vm_entry *e = m->all[i];
		if (!e->here)
			continue;
		c->all++;
		c->marked += e->marked;
		if (e->silent)
			c->silent++;
		else if (e->state == VM_RUNNING)
			c->running++;
		else if (e->state == VM_PAUSED)
			c->paused++;
		else if (e->state == VM_CRASHED)
			c->crashed++;
		else if (e->state == VM_OFF)
			c->off++;
		else
			c->other++;
	}
}

const struct status_page *model_page(struct model *m, const struct vm_entry *e)
{
	char path[NAME_MAX_BYTES + 16];
	snprintf(path, sizeof(path), "%s/status", e->name);
	if (m->run_fd < 0 || status_pread_head(m->run_fd, path, m->head, NULL) < 0)
		return NULL;
	return m->head;
}

unsigned model_samples(struct model *m, const struct vm_entry *e, bool minutes,
    struct status_sample *out, unsigned n, uint64_t *count)
{
	CLEANUP_FREE char *path = home_run_file(m->home, e->name, "status");
	const struct status_page *p = status_map(path, NULL);
	unsigned got;
	if (!p)
		return 0;
	got = minutes ? status_minutes(p, out, n) : status_seconds(p, out, n);
	*count = minutes ? p->minutes_count : p->seconds_count;
	status_unmap(p);
	return got;
}

uint64_t model_now(const struct model *m)
{
	return m->now_ns;
}
