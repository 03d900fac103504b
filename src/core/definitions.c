#include "core/definitions.h"

#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/definition_index.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

void definitions_fini(struct definitions *all)
{
	for (size_t i = 0; i < all->n; i++)
		domain_fini(&all->domains[i]);
	free(all->domains);
	*all = (struct definitions){0};
}

static struct domain *new_domain(struct definitions *all)
{
	/* Doubled at powers of two. */
	if ((all->n & (all->n - 1)) == 0)
		all->domains =
		    xreallocarray(all->domains, all->n == 0 ? 1 : all->n * 2, sizeof *all->domains);
	struct domain *d = &all->domains[all->n++];
	memset(d, 0, sizeof *d);
	return d;
}

int definitions_add(
    struct definitions *all, const char *xml, size_t n, const char *file, struct err *err)
{
	struct domain d;
	if (domain_parse(xml, n, file, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	*new_domain(all) = d;
	return 0;
}

/* What was cached under that name makes room at the end of the cached ones. */
static struct domain *put_place(struct definitions *all, const char *name)
{
	size_t i = 0;
	while (i < all->n && strcmp(all->domains[i].name, name) != 0)
		i++;
	if (i == all->n)
		return new_domain(all);
	domain_fini(&all->domains[i]);
	if (i < all->n_cached) {
		size_t last = --all->n_cached;
		struct domain moved = all->domains[last];
		if (last != i)
			all->domains[i] = moved;
		i = last;
	}
	memset(&all->domains[i], 0, sizeof *all->domains);
	return &all->domains[i];
}

void definitions_put(struct definitions *all, const struct domain *d)
{
	struct domain *o = put_place(all, d->name);
	o->name = xstrdup(d->name);
	o->has_uuid = d->has_uuid;
	memcpy(o->uuid, d->uuid, sizeof o->uuid);
	o->nets = xcalloc(d->n_nets + 1, sizeof *o->nets);
	for (; o->n_nets < d->n_nets; o->n_nets++)
		o->nets[o->n_nets].mac = xstrdup0(d->nets[o->n_nets].mac);
}

/* Of the index only: a name, a uuid, MAC addresses. */
static void add_facts(struct definitions *all, const struct definition_facts *f)
{
	struct domain *d = new_domain(all);
	d->name = xstrdup(f->inside);
	d->has_uuid = f->has_uuid;
	memcpy(d->uuid, f->uuid, sizeof d->uuid);
	d->nets = xcalloc(f->n_macs + 1, sizeof *d->nets);
	for (; d->n_nets < f->n_macs; d->n_nets++)
		d->nets[d->n_nets].mac = xstrdup(f->macs[d->n_nets]);
}

static int read_index(
    const struct home *h, bool use_cache, struct definitions *all, struct err *err)
{
	CLEANUP(definition_index_fini) struct definition_index index;
	*all = (struct definitions){0};
	if (definition_index_read(h, use_cache, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.n; i++)
		if (index.facts[i].inside != NULL)
			add_facts(all, &index.facts[i]);
	all->n_cached = use_cache ? all->n : 0;
	return 0;
}

int definitions_read(const struct home *h, struct definitions *all, struct err *err)
{
	return read_index(h, true, all, err);
}

int definitions_read_whole(const struct home *h, struct definitions *all, struct err *err)
{
	char **names;
	size_t n;
	*all = (struct definitions){0};
	if (store_names(h, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		if (store_read(h, names[i], &xml, NULL) == 0 && xml.len > 0)
			definitions_add(all, xml.data, xml.len, names[i], NULL);
	}
	store_names_free(names);
	return 0;
}

const char *definitions_mac_owner(
    const struct definitions *all, const char *own_name, const char *mac)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct domain *o = &all->domains[i];
		for (size_t k = 0; k < o->n_nets; k++)
			if (strcmp(o->name, own_name) != 0 && str_eq(o->nets[k].mac, mac))
				return o->name;
	}
	return NULL;
}

/* The uuid that this name has had, from its file where the cache says so: it becomes part of another definition. */
static void keep_uuid(
    const struct home *h, const struct definitions *all, const struct domain *o, struct domain *d)
{
	struct domain old;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	memcpy(d->uuid, o->uuid, sizeof d->uuid);
	d->has_uuid = true;
	if (o >= all->domains + all->n_cached || store_read(h, d->name, &xml, NULL) < 0 ||
	    xml.len == 0 ||
	    domain_parse(xml.data, xml.len, d->name, DOMAIN_PARSE_LENIENT, &old, NULL, NULL) < 0)
		return;
	if (old.has_uuid)
		memcpy(d->uuid, old.uuid, sizeof d->uuid);
	domain_fini(&old);
}

static int check_identity(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct domain *o = &all->domains[i];
		char uuid[37];
		bool same_name = strcmp(o->name, d->name) == 0;
		bool same_uuid =
		    o->has_uuid && d->has_uuid && memcmp(o->uuid, d->uuid, sizeof d->uuid) == 0;
		if (!o->has_uuid || same_name == same_uuid)
			continue;
		if (same_name && !d->has_uuid) {
			keep_uuid(h, all, o, d);
			continue;
		}
		uuid_unparse_lower(o->uuid, uuid);
		return same_name
		           ? err_set(err, ERR_EXISTS, "domain '%s' already exists with uuid %s",
		                 d->name, uuid)
		           : err_set(err, ERR_EXISTS, "domain '%s' is already defined with uuid %s",
		                 o->name, uuid);
	}
	return 0;
}

/* A domain that runs without a definition is the one of its name: it keeps its uuid. */
static int check_running(const struct home *h, struct domain *d, struct err *err)
{
	struct vm vm = {0};
	if (vm_probe(h, d->name, &vm, NULL) < 0)
		return 0;
	int rc = 0;
	if (vm.live && !vm.defined && vm.head != NULL) {
		char uuid[37];
		uuid_unparse_lower(vm.head->uuid, uuid);
		if (d->has_uuid && memcmp(d->uuid, vm.head->uuid, sizeof d->uuid) != 0)
			rc = err_set(err, ERR_EXISTS,
			    "domain '%s' is running with uuid %s and another is given", d->name,
			    uuid);
		memcpy(d->uuid, vm.head->uuid, sizeof d->uuid);
		d->has_uuid = true;
	}
	vm_fini(&vm);
	return rc;
}

static int check_against(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	if (check_identity(h, all, d, err) < 0 || check_running(h, d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_nets; i++) {
		const char *mac = d->nets[i].mac;
		const char *owner = mac != NULL ? definitions_mac_owner(all, d->name, mac) : NULL;
		if (owner != NULL)
			return err_set(err, ERR_EXISTS,
			    "MAC address %s of '%s' is the one of domain '%s'; leave <mac> out to get a free one",
			    mac, d->name, owner);
	}
	return 0;
}

int definitions_check(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	struct err why = {0};
	if (check_against(h, all, d, &why) == 0)
		return 0;
	if (all->n_cached > 0 && why.code == ERR_EXISTS) {
		/* Nobody is refused for what a cache says. */
		CLEANUP(definitions_fini) struct definitions fresh;
		if (read_index(h, false, &fresh, err) < 0)
			return -1;
		for (size_t i = all->n_cached; i < all->n; i++)
			definitions_put(&fresh, &all->domains[i]);
		return check_against(h, &fresh, d, err);
	}
	return err_set(err, why.code, "%s", why.msg);
}

struct mac_search {
	const struct definitions *all;
	const char *own_name;
};

static bool mac_taken(void *arg, const char *mac)
{
	const struct mac_search *s = arg;
	return definitions_mac_owner(s->all, s->own_name, mac) != NULL;
}

/* Elements of ours are held to their rules here; elsewhere they are read as well as they can be. */
static int check_meta(const struct domain *d, struct err *err)
{
	struct domain_meta m;
	int rc =
	    d->source != NULL ? domain_meta_parse(d->source, d->source_len, d->name, &m, err) : 1;
	if (rc <= 0)
		domain_meta_fini(&m);
	return rc < 0 ? -1 : 0;
}

char *definitions_prepare(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	struct mac_search search = {all, d->name};
	if (check_meta(d, err) < 0 || definitions_check(h, all, d, err) < 0 ||
	    domain_complete(d, mac_taken, &search, err) < 0)
		return NULL;
	return domain_format(d, err);
}

int definitions_store(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	CLEANUP_FREE char *xml = definitions_prepare(h, all, d, err);
	return xml != NULL ? store_write(h, d->name, xml, strlen(xml), err) : -1;
}
