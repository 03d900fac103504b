#include "core/definitions.h"

#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

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

int definitions_add(
    struct definitions *all, const char *xml, size_t n, const char *file, struct err *err)
{
	struct domain d;
	if (domain_parse(xml, n, file, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	/* Doubled at powers of two. */
	if ((all->n & (all->n - 1)) == 0)
		all->domains =
		    xreallocarray(all->domains, all->n == 0 ? 1 : all->n * 2, sizeof *all->domains);
	all->domains[all->n++] = d;
	return 0;
}

int definitions_read(const struct home *h, struct definitions *all, struct err *err)
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

static int check_identity(const struct definitions *all, struct domain *d, struct err *err)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct domain *o = &all->domains[i];
		char uuid[37];
		uuid_unparse_lower(o->uuid, uuid);
		bool same_name = strcmp(o->name, d->name) == 0;
		bool same_uuid =
		    o->has_uuid && d->has_uuid && memcmp(o->uuid, d->uuid, sizeof d->uuid) == 0;
		if (same_name && o->has_uuid && !d->has_uuid) {
			memcpy(d->uuid, o->uuid, sizeof d->uuid);
			d->has_uuid = true;
		} else if (same_name && o->has_uuid && !same_uuid) {
			return err_set(err, ERR_EXISTS, "domain '%s' already exists with uuid %s",
			    d->name, uuid);
		} else if (!same_name && same_uuid) {
			return err_set(err, ERR_EXISTS,
			    "domain '%s' is already defined with uuid %s", o->name, uuid);
		}
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

int definitions_check(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	if (check_identity(all, d, err) < 0 || check_running(h, d, err) < 0)
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

struct mac_search {
	const struct definitions *all;
	const char *own_name;
};

static bool mac_taken(void *arg, const char *mac)
{
	const struct mac_search *s = arg;
	return definitions_mac_owner(s->all, s->own_name, mac) != NULL;
}

int definitions_store(
    const struct home *h, const struct definitions *all, struct domain *d, struct err *err)
{
	struct mac_search search = {all, d->name};
	if (definitions_check(h, all, d, err) < 0 ||
	    domain_complete(d, mac_taken, &search, err) < 0)
		return -1;
	CLEANUP_FREE char *xml = domain_format(d, err);
	return xml != NULL ? store_write(h, d->name, xml, strlen(xml), err) : -1;
}
