#include "kvm/plan_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/bases.h"
#include "disk/chain.h"
#include "disk/chain_memory.h"
#include "kvm/disk_volumes.h"

/* --- what the host knows --- */

static bool has_header(const struct disk_image *m)
{
	return m->format == DISK_QCOW2 || m->format == DISK_QCOW;
}

static void add_link(struct json_object *list, const char *path, const char *format)
{
	struct stat st;
	struct json_object *o = plan_args("path", path, "format", format, NULL);
	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		json_object_object_add(o, "block", json_object_new_boolean(1));
	json_object_array_add(list, o);
}

static int differs(const struct chain *is, const struct chain *was, struct err *err)
{
	CLEANUP_BUF struct buf now = BUF_INIT, then = BUF_INIT;
	chain_words(is, &now);
	chain_words(was, &then);
	return err_set(err, ERR_DENIED,
	    "the header of '%s' names %s; when the domain started, or its images were last changed, that named %s: the "
	    "guest may have broken out. Nothing is done with it before you have looked",
	    is->links[0].path, now.len > 0 ? now.data : "nothing",
	    then.len > 0 ? then.data : "nothing");
}

static int add_remembered(struct json_object *list, const struct chain *c, struct err *err)
{
	for (size_t i = 1; i < c->n; i++) {
		const struct chain_link *l = &c->links[i];
		if (l->kind != CHAIN_BACKING)
			return err_set(err, ERR_UNSUPPORTED,
			    "image '%s' has its data in another file, '%s': QEMU's block jobs cannot move that",
			    c->links[0].path, l->path);
		if (l->path[0] != '/')
			return err_set(err, ERR_UNSUPPORTED,
			    "'%s' below image '%s' is not a file of this host", l->path,
			    c->links[0].path);
		if (l->format == NULL)
			return err_set(err, ERR_INVALID,
			    "the format of '%s' is not told by the image above it: hvmux img rebase -u -F FORMAT -b '%s' IMAGE writes it down",
			    l->path, l->path);
		add_link(list, l->path, l->format);
	}
	return 0;
}

/* What lies below an image by its own header. */
static int add_below(
    const struct home *h, const struct disk_image *m, struct json_object *list, struct err *err)
{
	struct chain is, was = {0};
	char *who = NULL;
	chain_read(m->path, disk_format_name(m->format), &is);
	int rc = chain_recall(h, m->path, &was, &who, err);
	if (rc == 0)
		rc = err_set(err, ERR_STATE,
		    "it was not noted what image '%s' is made of when the domain started", m->path);
	else if (rc > 0 && is.trouble != NULL)
		rc = err_set(err, ERR_STATE, "%s", is.trouble);
	else if (rc > 0)
		rc = chain_equal(&is, &was) ? add_remembered(list, &was, err)
		                            : differs(&is, &was, err);
	chain_fini(&is);
	chain_fini(&was);
	free(who);
	return rc;
}

static int add_links(
    const struct home *h, const struct domain_disk *k, struct json_object *list, struct err *err)
{
	const struct disk_image *m = &k->image;
	for (;; m = m->backing) {
		if ((m->type != IMAGE_FILE && m->type != IMAGE_BLOCK) || m->path == NULL)
			return err_set(err, ERR_UNSUPPORTED,
			    "disk '%s' is not made of files of this host (type '%s')", k->target,
			    image_type_name(m->type));
		if (m->slice_size != 0)
			return err_set(err, ERR_UNSUPPORTED,
			    "disk '%s' is a slice of '%s', which QEMU's block jobs cannot change",
			    k->target, m->path);
		add_link(list, m->path, disk_format_name(m->format));
		if (m->backing == NULL)
			break;
	}
	return m->backing_ends || !has_header(m) ? 0 : add_below(h, m, list, err);
}

/* Linked clones that are made of an image: what is written below them destroys them. */
static void add_clones(const struct home *h, struct json_object *list)
{
	size_t n = json_object_array_length(list);
	const char **own = xcalloc(n + 1, sizeof(*own));
	for (size_t i = 0; i < n; i++)
		own[i] = json_get_str(json_object_array_get_idx(list, i), "path");
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *clone = bases_find_other(h, own[i], own);
		if (clone != NULL)
			json_object_object_add(json_object_array_get_idx(list, i), "clone",
			    json_object_new_string(clone));
	}
	free(own);
}

static struct json_object *look_at(const struct home *h, const struct domain_disk *k)
{
	struct err why = {0};
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	if (add_links(h, k, list, &why) < 0) {
		json_object_object_add(o, "trouble", json_object_new_string(why.msg));
		json_object_object_add(o, "code", json_object_new_int((int)why.code));
		json_object_put(list);
		return o;
	}
	add_clones(h, list);
	json_object_object_add(o, "links", list);
	return o;
}

int plan_chain_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	struct domain d;
	if (in->live == NULL)
		return 0;
	/* A volume of a pool is a file, too. */
	if (domain_parse(in->live->source, in->live->source_len, "live.xml",
	        DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &d, NULL, err) < 0)
		return -1;
	(void)disk_volumes_resolve(in->home, &d, NULL);
	struct json_object *chains = json_object_new_object();
	for (size_t i = 0; i < d.n_disks; i++)
		if (disk_has_image(&d.disks[i]))
			json_object_object_add(
			    chains, d.disks[i].target, look_at(in->home, &d.disks[i]));
	json_object_object_add(facts, "chains", chains);
	domain_fini(&d);
	return 0;
}

/* --- what QEMU knows --- */

struct json_object *plan_chain_node(const struct plan_in *in, const char *name)
{
	struct json_object *list = plan_fact(in, "query-named-block-nodes");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; name != NULL && i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (str_eq(json_get_str(o, "node-name"), name))
			return o;
	}
	return NULL;
}

static bool is_filter(const struct plan_in *in, struct json_object *stats)
{
	static const char *const filters[] = {"throttle", "copy-on-read"};
	const char *driver =
	    json_get_str(plan_chain_node(in, json_get_str(stats, "node-name")), "drv");
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (str_eq(driver, filters[i]))
			return true;
	return false;
}

long plan_chain_set(const struct plan_in *in, const char *storage)
{
	static const char start[] = "/dev/fdset/";
	const char *file = json_get_str(plan_chain_node(in, storage), "file");
	uint64_t set;
	if (file == NULL || !str_prefix(file, start) ||
	    str_u64(file + sizeof(start) - 1, INT32_MAX, &set) < 0)
		return PLAN_SET_NONE;
	return (long)set;
}

/* Named by the command line for the image that the guest writes to, or by a plan. */
static bool is_fixed(const struct domain_disk *k, const char *storage)
{
	CLEANUP_FREE char *first = xasprintf("%s-file", k->target);
	CLEANUP_FREE char *plans = xasprintf("%s-p", k->target);
	return str_eq(storage, first) || (storage != NULL && str_prefix(storage, plans));
}

static int fill_link(const struct plan_in *in, const struct domain_disk *k,
    struct json_object *stats, struct json_object *known, struct plan_link *l, struct err *err)
{
	const char *node = json_get_str(stats, "node-name");
	const char *driver = json_get_str(plan_chain_node(in, node), "drv");
	if (node == NULL || driver == NULL)
		return err_set(
		    err, ERR_STATE, "QEMU does not name the nodes of disk '%s'", k->target);
	const char *format = json_get_str(known, "format");
	if (!str_eq(driver, format) && !str_eq(driver, "luks"))
		return err_set(err, ERR_STATE,
		    "QEMU reads '%s' of disk '%s' as %s, not as %s: 'hvmux check-live' says more",
		    json_get_str(known, "path"), k->target, driver, format);
	l->node = xstrdup(node);
	l->storage = xstrdup0(json_get_str(json_get_obj(stats, "parent"), "node-name"));
	l->path = xstrdup(json_get_str(known, "path"));
	l->format = xstrdup(format);
	l->clone = xstrdup0(json_get_str(known, "clone"));
	l->block = json_get_bool(known, "block", 0) == 1;
	l->set = plan_chain_set(in, l->storage);
	l->fixed = is_fixed(k, l->storage);
	return 0;
}

static int fill(const struct plan_in *in, struct json_object *stats, struct json_object *known,
    struct plan_chain *c, struct err *err)
{
	const struct domain_disk *k = &in->live->disks[c->disk];
	size_t n = json_object_array_length(known);
	c->link = xcalloc(n, sizeof(*c->link));
	for (; stats != NULL && c->n < n; stats = json_get_obj(stats, "backing"), c->n++)
		if (fill_link(in, k, stats, json_object_array_get_idx(known, c->n), &c->link[c->n],
		        err) < 0)
			return -1;
	if (stats == NULL && c->n == n)
		return 0;
	return err_set(err, ERR_STATE,
	    "QEMU has %s images in disk '%s' than its document and their headers tell: it discards what it writes "
	    "(--throwaway), or somebody has changed it by hand; 'hvmux check-live' says more",
	    stats == NULL ? "fewer" : "more", k->target);
}

int plan_chain_get(const struct plan_in *in, size_t i, struct plan_chain *c, struct err *err)
{
	const struct domain_disk *k = &in->live->disks[i];
	struct json_object *known = json_get_obj(plan_fact(in, "chains"), k->target);
	*c = (struct plan_chain){.disk = i};
	if (!disk_has_image(k))
		return err_set(err, ERR_STATE, "drive '%s' is empty", k->target);
	const char *trouble = json_get_str(known, "trouble");
	if (trouble != NULL)
		return err_set(
		    err, (enum err_code)json_get_int(known, "code", ERR_STATE), "%s", trouble);
	struct json_object *links = json_get_arr(known, "links");
	struct json_object *stats = plan_disk_entry(in, "query-blockstats", i);
	if (links == NULL || stats == NULL)
		return err_set(
		    err, ERR_STATE, "QEMU does not tell of disk '%s': is it plugged?", k->target);
	c->top = xstrdup0(json_get_str(stats, "node-name"));
	while (is_filter(in, stats))
		stats = json_get_obj(stats, "backing");
	if (fill(in, stats, links, c, err) == 0)
		return 0;
	plan_chain_fini(c);
	return -1;
}

void plan_chain_fini(struct plan_chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct plan_link *l = &c->link[i];
		free(l->node);
		free(l->storage);
		free(l->path);
		free(l->format);
		free(l->clone);
	}
	free(c->link);
	free(c->top);
	*c = (struct plan_chain){0};
}

/* --- words --- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

int plan_chain_find(const struct plan_chain *c, const struct plan_in *in, const char *word)
{
	const char *target = in->live->disks[c->disk].target;
	size_t n = strlen(target), len = strlen(word);
	uint64_t index;
	if (strncmp(word, target, n) == 0 && word[n] == '[' && word[len - 1] == ']') {
		CLEANUP_FREE char *number = xstrndup(word + n + 1, len - n - 2);
		return str_u64(number, c->n - 1, &index) == 0 ? (int)index : -1;
	}
	if (str_eq(word, target))
		return 0;
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(c->link[i].path, word))
			return (int)i;
	for (size_t i = 0; i < c->n; i++)
		if (str_eq(last_part(c->link[i].path), word))
			return (int)i;
	return -1;
}

struct json_object *plan_chain_job(const struct plan_in *in, size_t i)
{
	struct json_object *list = plan_fact(in, "query-block-jobs");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	CLEANUP_FREE char *start = xasprintf("%s-p", in->live->disks[i].target);
	for (size_t k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		const char *id = json_get_str(o, "device");
		if (id != NULL && str_prefix(id, start))
			return o;
	}
	return NULL;
}

int plan_disk_find(const struct domain *d, const char *word, size_t *i, struct err *err)
{
	for (*i = 0; word != NULL && *i < d->n_disks; (*i)++)
		if (str_eq(d->disks[*i].target, word) || str_eq(d->disks[*i].image.path, word))
			return 0;
	return err_set(err, ERR_INVALID, "invalid argument: disk '%s' not found in domain '%s'",
	    word != NULL ? word : "", d->name);
}
