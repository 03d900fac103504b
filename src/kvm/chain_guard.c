#include "kvm/chain_guard.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "disk/bases.h"
#include "disk/chain.h"
#include "disk/chain_memory.h"

typedef int guard_fn(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err);

/* What the document says itself of what backs an image is not read from the image; its data are always where the image says. */
static void cut(struct chain *c, const struct disk_image *image)
{
	bool told = image->backing != NULL || image->backing_ends;
	for (size_t i = c->n; told && i-- > 1;) {
		struct chain_link *l = &c->links[i];
		if (l->kind == CHAIN_DATA && l->depth == 0)
			continue;
		free(l->path);
		free(l->format);
		memmove(l, l + 1, (c->n - i - 1) * sizeof(*l));
		c->n--;
	}
}

/* The images of which headers are believed. */
static int each_image(
    const struct home *h, const struct domain *d, guard_fn *fn, void *arg, struct err *err)
{
	for (size_t i = 0; i < d->n_disks; i++)
		for (const struct disk_image *m = &d->disks[i].image; m; m = m->backing) {
			bool file = m->type == IMAGE_FILE || m->type == IMAGE_BLOCK;
			if (!file || !m->path ||
			    (m->format != DISK_QCOW2 && m->format != DISK_QCOW))
				continue;
			struct chain c;
			chain_read(m->path, disk_format_name(m->format), &c);
			cut(&c, m);
			int rc = fn(h, d, &d->disks[i], &c, arg, err);
			chain_fini(&c);
			if (rc < 0)
				return -1;
		}
	return 0;
}

static int changed(const struct domain *d, const struct domain_disk *k, const struct chain *now,
    const struct chain *then, const char *who, struct err *err)
{
	CLEANUP_BUF struct buf is = BUF_INIT, was = BUF_INIT;
	chain_words(now, &is);
	chain_words(then, &was);
	if (now->trouble)
		buf_addf(&is, " and cannot be read to its end (%s)", now->trouble);
	buf_addc(&is, '\0');
	buf_addc(&was, '\0');
	return err_set(err, ERR_DENIED,
	    "disk '%s': the header of '%s' names %s; when domain '%s' was last started with it, that named %s. Nobody "
	    "but the guest's QEMU is known to have written it since: the guest may have broken out, and want another "
	    "file of this host. If it was you: 'hvmux start %s --accept-chains'; else look into it, and put it back "
	    "with 'hvmux img rebase -u'",
	    k->target, now->links[0].path, is.data, who, was.data, d->name);
}

/* Whoever guesses a format believes what the guest has written at the beginning of its disk. */
static int check_formats(const struct domain_disk *k, const struct chain *c, struct err *err)
{
	for (size_t i = 1; i < c->n; i++) {
		const struct chain_link *l = &c->links[i];
		if (l->kind != CHAIN_BACKING || l->format != NULL)
			continue;
		size_t up = i - 1;
		while (c->links[up].kind == CHAIN_DATA)
			up--;
		const char *above = c->links[up].path;
		return err_set(err, ERR_INVALID,
		    "disk '%s': image '%s' does not say of which format its backing file '%s' is, and to guess it would "
		    "let a guest reach files of the host: hvmux img rebase -u -F FORMAT -b '%s' '%s' writes it down",
		    k->target, above, l->path, l->path, above);
	}
	return 0;
}

static int compare_one(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err)
{
	struct chain then;
	char *who;
	(void)arg;
	int rc = chain_recall(h, c->links[0].path, &then, &who, err);
	if (rc > 0)
		rc = chain_equal(c, &then) ? 0 : changed(d, k, c, &then, who, err);
	chain_fini(&then);
	free(who);
	return rc;
}

static int check_one(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err)
{
	return compare_one(h, d, k, c, arg, err) < 0 ? -1 : check_formats(k, c, err);
}

/* Whoever writes below a linked clone destroys it, whether that runs or not. */
static int check_base(
    const struct home *h, const struct domain *d, const struct domain_disk *k, struct err *err)
{
	CLEANUP_FREE char *clone = bases_find(h, k->image.path);
	if (clone == NULL)
		return 0;
	return err_set(err, ERR_STATE,
	    "disk '%s': '%s' is the base of '%s', and what is written to it would destroy that; 'hvmux start %s "
	    "--throwaway' discards what it writes, 'hvmux img rebase -b \"\" %s' makes that image stand alone",
	    k->target, k->image.path, clone, d->name, clone);
}

int chain_guard_compare(const struct home *h, const struct domain *d, struct err *err)
{
	return each_image(h, d, compare_one, NULL, err);
}

int chain_guard_check(const struct home *h, const struct domain *d, bool discarded, struct err *err)
{
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *k = &d->disks[i];
		bool writes = !discarded && !k->transient && !k->readonly && k->device == DISK_DISK;
		if (writes && k->image.path != NULL && check_base(h, d, k, err) < 0)
			return -1;
	}
	return each_image(h, d, check_one, NULL, err);
}

static int begin_one(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err)
{
	(void)arg, (void)k;
	return chain_remember(h, d->name, c, err);
}

int chain_guard_begin(const struct home *h, const struct domain *d, struct err *err)
{
	return each_image(h, d, begin_one, NULL, err);
}

static int end_one(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err)
{
	struct buf *notes = arg;
	struct chain then;
	struct err why = {0};
	char *who;
	(void)err;
	int rc = chain_recall(h, c->links[0].path, &then, &who, &why);
	if (rc > 0 && chain_equal(c, &then))
		chain_forget(h, c->links[0].path);
	else if (rc > 0)
		changed(d, k, c, &then, who, &why);
	if (why.code != ERR_NONE)
		buf_addf(notes, "%s\n", why.msg);
	chain_fini(&then);
	free(who);
	return 0;
}

void chain_guard_end(const struct home *h, const struct domain *d, struct buf *notes)
{
	each_image(h, d, end_one, notes, NULL);
}

static int accept_one(const struct home *h, const struct domain *d, const struct domain_disk *k,
    const struct chain *c, void *arg, struct err *err)
{
	(void)arg, (void)d, (void)k, (void)err;
	chain_forget(h, c->links[0].path);
	return 0;
}

void chain_guard_accept(const struct home *h, const struct domain *d)
{
	each_image(h, d, accept_one, NULL, NULL);
}
