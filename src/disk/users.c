#include "disk/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "disk/chain.h"
#include "disk/pool.h"

/* A file changed twice within a tick of the kernel's clock has the same times; the coarsest is 10 ms. */
#define SETTLE_NS 1000000000ull
#define NAME_SHOWN 300 /* bytes of a file's name in a message */

/* A file as it was when it was read. */
struct stamp {
	uint64_t dev, ino, size;
	int64_t changed_ns; /* 0: it is to be read again */
};

struct disk { /* or another file of a VM */
	char *target, *path, *format;
	char *top; /* of its explicit chain; NULL: it is that itself */
	bool writes;
	unsigned depth; /* of an explicit chain */
	bool follow;    /* what it names itself belongs to it */
};

/* One document of one VM. */
struct document {
	char *domain;
	bool live;
	struct stamp stamp;
	struct disk *disks;
	size_t n;
	bool seen;
};

/* The chain below one image. */
struct known_chain {
	char *path, *format;
	struct chain chain;
	struct stamp *stamps; /* of chain.links */
	bool seen;
};

/* What lookups go over, sorted. */
struct use {
	uint64_t dev, ino; /* 0 0: there is no such file */
	const char *path;
	struct user user;
};

struct users {
	const struct home *h;
	struct document *docs;
	size_t n_docs;
	struct known_chain *chains; /* by path */
	size_t n_chains;
	struct use *uses;
	size_t n_uses;
	uint64_t reads;
};

struct users *users_new(const struct home *h)
{
	struct users *u = xcalloc(1, sizeof(*u));
	u->h = h;
	return u;
}

static void document_empty(struct document *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->disks[i].target);
		free(d->disks[i].path);
		free(d->disks[i].format);
		free(d->disks[i].top);
	}
	free(d->disks);
	d->disks = NULL;
	d->n = 0;
}

static void document_fini(struct document *d)
{
	document_empty(d);
	free(d->domain);
}

static void known_fini(struct known_chain *k)
{
	chain_fini(&k->chain);
	free(k->stamps);
	free(k->path);
	free(k->format);
}

void users_free(struct users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n_docs; i++)
		document_fini(&u->docs[i]);
	for (size_t i = 0; i < u->n_chains; i++)
		known_fini(&u->chains[i]);
	free(u->docs);
	free(u->chains);
	free(u->uses);
	free(u);
}

uint64_t users_reads(const struct users *u)
{
	return u->reads;
}

static struct stamp stamp_of(const char *path)
{
	struct stat st;
	struct stamp s = {0};
	if (stat(path, &st) < 0)
		return s;
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	s.size = (uint64_t)st.st_size;
	s.changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	uint64_t now = timestamp_ns();
	if (s.changed_ns > 0 && now - (uint64_t)s.changed_ns < SETTLE_NS)
		s.changed_ns = 0;
	return s;
}

static bool stamp_holds(const struct stamp *then, const struct stamp *now)
{
	return then->dev == now->dev && then->ino == now->ino && then->size == now->size &&
	       then->changed_ns == now->changed_ns && (now->changed_ns != 0 || now->ino == 0);
}

/* --- documents --- */

static void add_disk(struct document *d, const char *target, const char *path, const char *format,
    unsigned depth, bool writes, bool follow)
{
	d->disks = xreallocarray(d->disks, d->n + 1, sizeof(*d->disks));
	d->disks[d->n++] = (struct disk){.target = xstrdup(target),
	    .path = xstrdup(path),
	    .format = xstrdup0(format),
	    .depth = depth,
	    .writes = writes,
	    .follow = follow};
}

/* The path of a volume, by what its pool's document says; NULL: not known, or none of a file. On the heap. */
static char *volume_path(const struct users *u, const struct disk_image *i)
{
	struct pool pool;
	if (!i->pool || !i->volume || strchr(i->volume, '/') ||
	    pool_find(u->h, i->pool, &pool, NULL) < 0)
		return NULL;
	char *path = pool.def.target ? xasprintf("%s/%s", pool.def.target, i->volume) : NULL;
	pool_fini(&pool);
	return path;
}

static void find_volumes(const struct users *u, struct domain *o)
{
	for (size_t i = 0; i < o->n_disks; i++)
		for (struct disk_image *m = &o->disks[i].image; m; m = m->backing)
			if (m->type == IMAGE_VOLUME && !m->path &&
			    (m->path = volume_path(u, m)) != NULL)
				m->type = IMAGE_FILE;
}

static void add_image(struct document *d, const struct domain_disk *k)
{
	unsigned depth = 0;
	for (const struct disk_image *i = &k->image; i; i = i->backing, depth++) {
		if (!i->path || (i->type != IMAGE_FILE && i->type != IMAGE_BLOCK))
			continue;
		add_disk(d, k->target ? k->target : "?", i->path, disk_format_name(i->format),
		    depth, depth == 0 && !k->readonly && k->device == DISK_DISK,
		    !i->backing && !i->backing_ends);
		if (depth > 0)
			d->disks[d->n - 1].top = xstrdup0(k->image.path);
	}
}

static void add_firmware(struct document *d, const struct domain *o)
{
	if (o->os.nvram.path && o->os.nvram.type != NVRAM_NBD)
		add_disk(d, "nvram", o->os.nvram.path, "raw", 0, true, false);
	if (o->kernel)
		add_disk(d, "kernel", o->kernel, "raw", 0, false, false);
	if (o->initrd)
		add_disk(d, "initrd", o->initrd, "raw", 0, false, false);
}

static int by_domain(const void *a, const void *b)
{
	const struct document *x = a, *y = b;
	int cmp = strcmp(x->domain, y->domain);
	return cmp ? cmp : (int)x->live - (int)y->live;
}

/* `known`: how many are sorted. */
static struct document *find_document(struct users *u, size_t known, const char *domain, bool live)
{
	struct document key = {.domain = (char *)(uintptr_t)domain, .live = live};
	struct document *d = known ? bsearch(&key, u->docs, known, sizeof(key), by_domain) : NULL;
	if (d)
		return d;
	u->docs = xreallocarray(u->docs, u->n_docs + 1, sizeof(*u->docs));
	d = &u->docs[u->n_docs++];
	*d = (struct document){.domain = xstrdup(domain), .live = live};
	return d;
}

/* One that does not parse uses nothing that anybody could tell. */
static void read_document(struct users *u, size_t known, const char *domain, bool live)
{
	CLEANUP_FREE char *path =
	    live ? home_run_file(u->h, domain, "live.xml") : home_domain_xml(u->h, domain);
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct domain o;
	struct document *d = find_document(u, known, domain, live);
	struct stamp now = stamp_of(path);
	d->seen = true;
	if (stamp_holds(&d->stamp, &now))
		return;
	document_empty(d);
	d->stamp = now;
	u->reads++;
	if (file_read(path, STORE_XML_MAX, &xml, NULL) < 0 || xml.len == 0 ||
	    domain_parse(xml.data, xml.len, path, DOMAIN_PARSE_LENIENT, &o, NULL, NULL) < 0)
		return;
	find_volumes(u, &o);
	for (size_t i = 0; i < o.n_disks; i++)
		add_image(d, &o.disks[i]);
	add_firmware(d, &o);
	domain_fini(&o);
}

static int read_documents(struct users *u, struct err *err)
{
	struct vm *vms;
	size_t n, known = u->n_docs;
	if (vm_list_brief(u->h, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < u->n_docs; i++)
		u->docs[i].seen = false;
	for (size_t i = 0; i < n; i++) {
		if (vms[i].defined)
			read_document(u, known, vms[i].name, false);
		if (vms[i].live)
			read_document(u, known, vms[i].name, true);
	}
	vm_list_free(vms, n);
	size_t kept = 0;
	for (size_t i = 0; i < u->n_docs; i++) {
		if (u->docs[i].seen)
			u->docs[kept++] = u->docs[i];
		else
			document_fini(&u->docs[i]);
	}
	u->n_docs = kept;
	if (kept)
		qsort(u->docs, kept, sizeof(*u->docs), by_domain);
	return 0;
}

/* --- chains --- */

static bool chain_holds(const struct known_chain *k)
{
	for (size_t i = 0; i < k->chain.n; i++) {
		struct stamp now = stamp_of(k->chain.links[i].path);
		if (!stamp_holds(&k->stamps[i], &now))
			return false;
	}
	return k->chain.n > 0;
}

static int by_path(const void *a, const void *b)
{
	const struct known_chain *x = a, *y = b;
	int cmp = strcmp(x->path, y->path);
	return cmp ? cmp : strcmp(x->format, y->format);
}

/* `known`: how many are sorted. */
static struct known_chain *find_chain(
    struct users *u, size_t known, const char *path, const char *format)
{
	struct known_chain key = {
	    .path = (char *)(uintptr_t)path, .format = (char *)(uintptr_t)format};
	return known ? bsearch(&key, u->chains, known, sizeof(key), by_path) : NULL;
}

static void fill_chain(struct users *u, struct known_chain *k)
{
	chain_fini(&k->chain);
	free(k->stamps);
	u->reads++;
	chain_read(k->path, k->format, &k->chain);
	k->stamps = xcalloc(k->chain.n, sizeof(*k->stamps));
	for (size_t i = 0; i < k->chain.n; i++)
		k->stamps[i] = stamp_of(k->chain.links[i].path);
}

static void note_chain(struct users *u, size_t known, const struct disk *k)
{
	struct known_chain *c = find_chain(u, known, k->path, k->format);
	if (c) {
		if (!c->seen && !chain_holds(c))
			fill_chain(u, c);
		c->seen = true;
		return;
	}
	for (size_t i = known; i < u->n_chains; i++)
		if (strcmp(u->chains[i].path, k->path) == 0 &&
		    strcmp(u->chains[i].format, k->format) == 0)
			return;
	u->chains = xreallocarray(u->chains, u->n_chains + 1, sizeof(*u->chains));
	c = &u->chains[u->n_chains++];
	*c = (struct known_chain){
	    .path = xstrdup(k->path), .format = xstrdup(k->format), .seen = true};
	fill_chain(u, c);
}

static void read_chains(struct users *u)
{
	size_t known = u->n_chains, kept = 0;
	for (size_t i = 0; i < known; i++)
		u->chains[i].seen = false;
	for (size_t i = 0; i < u->n_docs; i++)
		for (size_t k = 0; k < u->docs[i].n; k++)
			note_chain(u, known, &u->docs[i].disks[k]);
	for (size_t i = 0; i < u->n_chains; i++) {
		if (u->chains[i].seen)
			u->chains[kept++] = u->chains[i];
		else
			known_fini(&u->chains[i]);
	}
	u->n_chains = kept;
	if (kept)
		qsort(u->chains, kept, sizeof(*u->chains), by_path);
}

/* --- the index --- */

static void add_use(
    struct users *u, const struct document *d, const struct disk *k, const struct chain_link *l)
{
	if ((u->n_uses & (u->n_uses - 1)) == 0)
		u->uses = xreallocarray(u->uses, u->n_uses ? u->n_uses * 2 : 1, sizeof(*u->uses));
	u->uses[u->n_uses++] = (struct use){.dev = l->dev,
	    .ino = l->ino,
	    .path = l->path,
	    .user = {.domain = d->domain,
	        .target = k->target,
	        .image = k->top ? k->top : k->path,
	        .format = l->kind == CHAIN_IMAGE ? k->format : l->format,
	        .depth = k->depth + l->depth,
	        .data = l->kind == CHAIN_DATA,
	        .running = d->live,
	        .writes = d->live && k->writes && l->depth == 0,
	        .defined = !d->live}};
}

static int by_file(const struct use *x, const struct use *y)
{
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->ino == 0 ? strcmp(x->path, y->path) : 0;
}

static int by_user(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int cmp = by_file(x, y);
	if (cmp == 0)
		cmp = (int)y->user.running - (int)x->user.running;
	if (cmp == 0)
		cmp = strcmp(x->user.domain, y->user.domain);
	return cmp ? cmp : strcmp(x->user.target, y->user.target);
}

/* A running VM's definition says mostly what it runs with: one entry for both. */
static void join_documents(struct users *u)
{
	size_t kept = 0;
	for (size_t i = 0; i < u->n_uses; i++) {
		struct use *now = &u->uses[i];
		bool same = false;
		for (size_t k = kept; k-- > 0 && !same && by_file(&u->uses[k], now) == 0;) {
			struct user *o = &u->uses[k].user;
			same = strcmp(o->domain, now->user.domain) == 0 &&
			       strcmp(o->target, now->user.target) == 0 &&
			       o->depth == now->user.depth && o->data == now->user.data;
			if (same)
				o->defined = o->defined || now->user.defined;
		}
		if (!same)
			u->uses[kept++] = *now;
	}
	u->n_uses = kept;
}

static void build_index(struct users *u)
{
	u->n_uses = 0;
	free(u->uses);
	u->uses = NULL;
	for (size_t i = 0; i < u->n_docs; i++)
		for (size_t k = 0; k < u->docs[i].n; k++) {
			const struct disk *disk = &u->docs[i].disks[k];
			const struct known_chain *c =
			    find_chain(u, u->n_chains, disk->path, disk->format);
			size_t n = !c ? 0 : disk->follow ? c->chain.n : 1;
			/* Its data are its own, whatever the document says of what is below. */
			if (c && n == 1 && c->chain.n > 1 && c->chain.links[1].kind == CHAIN_DATA)
				n = 2;
			for (size_t l = 0; l < n; l++)
				add_use(u, &u->docs[i], disk, &c->chain.links[l]);
		}
	if (u->n_uses)
		qsort(u->uses, u->n_uses, sizeof(*u->uses), by_user);
	join_documents(u);
}

int users_refresh(struct users *u, struct err *err)
{
	uint64_t reads = u->reads;
	size_t docs = u->n_docs, chains = u->n_chains;
	if (read_documents(u, err) < 0)
		return -1;
	bool fewer = u->n_docs != docs;
	read_chains(u);
	if (fewer || u->n_chains != chains || u->reads != reads || !u->uses)
		build_index(u);
	return 0;
}

/* --- asking --- */

static size_t users_like(const struct users *u, const struct use *key, struct user *out, size_t max)
{
	size_t lo = 0, hi = u->n_uses, n = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (by_file(&u->uses[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < u->n_uses && by_file(&u->uses[lo], key) == 0; lo++, n++)
		if (n < max)
			out[n] = u->uses[lo].user;
	return n;
}

size_t users_of_file(
    const struct users *u, uint64_t dev, uint64_t ino, struct user *out, size_t max)
{
	const struct use key = {.dev = dev, .ino = ino};
	return ino ? users_like(u, &key, out, max) : 0;
}

size_t users_of(const struct users *u, const char *path, struct user *out, size_t max)
{
	struct stat st;
	if (stat(path, &st) == 0)
		return users_of_file(u, st.st_dev, st.st_ino, out, max);
	const struct use key = {.path = path};
	return users_like(u, &key, out, max);
}

void users_words(const struct user *list, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct user *x = &list[i];
		CLEANUP_FREE char *image = str_printable(x->image, strlen(x->image), NAME_SHOWN);
		CLEANUP_FREE char *target = str_printable(x->target, strlen(x->target), 40);
		buf_addf(out, "%s%s (%s", i ? ", " : "", x->domain, target);
		if (x->data)
			buf_addf(out, ", as the data of '%s'", image);
		else if (x->depth)
			buf_addf(out, ", as a backing file of '%s'", image);
		buf_addf(out, "%s%s)", x->running ? ", running" : "",
		    x->running && !x->defined ? ", not in its definition" : "");
	}
}
