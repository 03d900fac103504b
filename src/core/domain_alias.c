#include "core/domain_alias.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_impl.h"
#include "core/mem.h"
#include "core/str.h"

#define ATTR "alias@name"

static size_t count(const struct domain *d, enum device_kind kind)
{
	const size_t n[DEVICE_KINDS] = {[DEVICE_DISK] = d->n_disks,
	    [DEVICE_NET] = d->n_nets,
	    [DEVICE_CONSOLE] = d->n_consoles,
	    [DEVICE_CHANNEL] = d->n_channels,
	    [DEVICE_CONTROLLER] = d->n_controllers,
	    [DEVICE_MEMORY] = d->memory.n_devices,
	    [DEVICE_OTHER] = d->n_devs};
	return n[kind];
}

bool device_valid(const struct domain *d, struct device_ref *r)
{
	while (r->kind < DEVICE_KINDS && r->index >= count(d, r->kind))
		*r = (struct device_ref){r->kind + 1, 0};
	return r->kind < DEVICE_KINDS;
}

/* What they have in common; attrs NULL: the alias is a member of its own. */
struct common {
	struct domain_address *address;
	unsigned line, element;
	char **alias;
	struct domain_attrs *attrs;
};

#define COMMON(device, alias_, attrs_)                  \
	((struct common){.address = &(device)->address, \
	    .line = (device)->line,                     \
	    .element = (device)->element,               \
	    .alias = (alias_),                          \
	    .attrs = (attrs_)})

static struct common common_of(const struct domain *d, struct device_ref r)
{
	size_t i = r.index;
	switch (r.kind) {
	case DEVICE_DISK:
		return COMMON(&d->disks[i], &d->disks[i].alias, NULL);
	case DEVICE_NET:
		return COMMON(&d->nets[i], NULL, &d->nets[i].attrs);
	case DEVICE_CONSOLE:
		return COMMON(&d->consoles[i], NULL, &d->consoles[i].attrs);
	case DEVICE_CHANNEL:
		return COMMON(&d->channels[i], NULL, &d->channels[i].attrs);
	case DEVICE_CONTROLLER:
		return COMMON(&d->controllers[i], &d->controllers[i].alias, NULL);
	case DEVICE_MEMORY:
		return COMMON(&d->memory.devices[i], &d->memory.devices[i].alias, NULL);
	case DEVICE_OTHER:
		return COMMON(&d->devs[i], NULL, &d->devs[i].attrs);
	case DEVICE_KINDS:
		break;
	}
	return (struct common){0};
}

const char *device_element_name(const struct domain *d, struct device_ref r)
{
	static const char *const names[DEVICE_KINDS] = {[DEVICE_DISK] = "disk",
	    [DEVICE_NET] = "interface",
	    [DEVICE_CHANNEL] = "channel",
	    [DEVICE_CONTROLLER] = "controller",
	    [DEVICE_MEMORY] = "memory"};
	if (r.kind == DEVICE_CONSOLE)
		return d->consoles[r.index].target == CHR_VIRTIO_CONSOLE ? "console" : "serial";
	return r.kind == DEVICE_OTHER ? domain_dev_name(d->devs[r.index].kind) : names[r.kind];
}

unsigned device_element(const struct domain *d, struct device_ref r)
{
	return common_of(d, r).element;
}

unsigned device_line(const struct domain *d, struct device_ref r)
{
	return common_of(d, r).line;
}

struct domain_address *device_address(const struct domain *d, struct device_ref r)
{
	return common_of(d, r).address;
}

const char *device_alias(const struct domain *d, struct device_ref r)
{
	struct common c = common_of(d, r);
	return c.attrs != NULL ? attrs_get(c.attrs, ATTR) : *c.alias;
}

void device_set_alias(struct domain *d, struct device_ref r, const char *alias)
{
	struct common c = common_of(d, r);
	if (c.attrs != NULL) {
		attrs_set(c.attrs, ATTR, alias);
		return;
	}
	char *copy = xstrdup(alias);
	free(*c.alias);
	*c.alias = copy;
}

bool device_by_alias(const struct domain *d, const char *alias, struct device_ref *out)
{
	DEVICE_FOREACH (d, r)
		if (str_eq(device_alias(d, r), alias)) {
			*out = r;
			return true;
		}
	return false;
}

bool device_by_element(const struct domain *d, unsigned element, struct device_ref *out)
{
	DEVICE_FOREACH (d, r)
		if (element > 0 && device_element(d, r) == element) {
			*out = r;
			return true;
		}
	return false;
}

/* --- parsing --- */
bool alias_ok(const char *alias)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789-_.";
	size_t n = alias == NULL ? 0 : strlen(alias);
	return n > 0 && n < ALIAS_MAX && alias[strspn(alias, plain)] == '\0';
}

static bool is_kept(const struct parse *p, const char *alias)
{
	return alias_ok(alias) && ((p->flags & DOMAIN_PARSE_LIVE) != 0 || str_prefix(alias, "ua-"));
}

char *alias_parse(const struct parse *p, const xmlNode *device)
{
	CLEANUP_FREE char *alias = xml_child_attr(device, "alias", "name");
	return is_kept(p, alias) ? TAKE_PTR(alias) : NULL;
}

void alias_filter(const struct parse *p, struct domain_attrs *a)
{
	if (attrs_has(a, ATTR) && !is_kept(p, attrs_get(a, ATTR)))
		attrs_remove(a, ATTR);
}
