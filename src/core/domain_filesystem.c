/* <filesystem>: what the tables cannot say. */
#include "core/domain_impl.h"

#include <string.h>

#include "core/str.h"

#define TAG_9P_MAX 31 /* bytes: virtio-9p's own limit in QEMU */
#define TAG_FS_MAX 36 /* bytes: virtio-fs' tag */

bool domain_filesystem_is_virtiofs(const struct domain_dev *dev)
{
	return attrs_is(&dev->attrs, "driver@type", "virtiofs");
}

/* Rights of files as the host has them: up to 0777, in octal. */
static int check_mode(
    struct parse *p, const xmlNode *node, const struct domain_attrs *a, const char *name)
{
	const char *mode = attrs_get(a, name);
	size_t n = mode != NULL ? strlen(mode) : 0;
	if (mode == NULL)
		return 0;
	if (attrs_get(a, "@accessmode") != NULL && !attrs_is(a, "@accessmode", "mapped"))
		return parse_invalid(p, node, "%s is for accessmode='mapped'", name + 1);
	if (n == 0 || n > 4 || strspn(mode, "01234567") != n || (n == 4 && mode[0] != '0'))
		return parse_invalid(p, node, "%s='%.20s' is not like 0644", name + 1, mode);
	return 0;
}

static int check_virtiofs(struct parse *p, const xmlNode *node, const struct domain_attrs *a)
{
	if (attrs_has(a, "readonly"))
		return parse_refuse(p, xml_child(node, "readonly"), "virtiofs has no such mode");
	if (attrs_has(a, "@multidevs"))
		return parse_invalid(p, node, "multidevs is not for virtiofs");
	if (attrs_has(a, "source@socket") && attrs_has(a, "binary@path"))
		return parse_invalid(p, xml_child(node, "binary"),
		    "with <source socket=…> somebody else starts the daemon");
	return 0;
}

int filesystem_check(struct parse *p, const xmlNode *node, const struct domain_dev *dev)
{
	const struct domain_attrs *a = &dev->attrs;
	bool virtiofs = domain_filesystem_is_virtiofs(dev);
	const char *tag = attrs_get(a, "target@dir");
	bool socket = attrs_has(a, "source@socket");
	if (!attrs_has(a, "source@dir") && !(virtiofs && socket))
		return parse_invalid(p, node, "has no <source dir=…>");
	if (tag == NULL && !(virtiofs && socket))
		return parse_invalid(p, node, "has no <target dir=…>");
	if (tag != NULL && (tag[0] == '\0' || strlen(tag) > (virtiofs ? TAG_FS_MAX : TAG_9P_MAX)))
		return parse_invalid(p, xml_child(node, "target"),
		    "dir='%.60s' is what the guest mounts by: 1 to %d bytes", tag,
		    virtiofs ? TAG_FS_MAX : TAG_9P_MAX);
	if (check_mode(p, node, a, "@fmode") < 0 || check_mode(p, node, a, "@dmode") < 0)
		return -1;
	return virtiofs ? check_virtiofs(p, node, a) : 0;
}

/* virtiofsd and its like work in the guest's memory: it has to be memory that others can map. */
static bool memory_shared(const struct domain *d)
{
	bool cells = d->cpu.n_cells > 0;
	for (size_t i = 0; i < d->cpu.n_cells; i++)
		cells = cells && d->cpu.cells[i].access == ACCESS_SHARED;
	return d->memory.access == ACCESS_SHARED || cells;
}

/* The guest mounts a share by its tag. */
static int check_tags(struct parse *p, size_t i)
{
	const struct domain_dev *dev = &p->d->devs[i];
	const char *tag = attrs_get(&dev->attrs, "target@dir");
	for (size_t k = 0; k < i; k++) {
		const struct domain_dev *other = &p->d->devs[k];
		if (other->kind == DEV_FILESYSTEM && attrs_is(&other->attrs, "target@dir", tag))
			return invalid_at(p, "filesystem", dev->line,
			    "the tag '%s' is there twice (line %u)", tag, other->line);
	}
	return 0;
}

int filesystem_check_all(struct parse *p)
{
	for (size_t i = 0; i < p->d->n_devs; i++) {
		const struct domain_dev *dev = &p->d->devs[i];
		if (dev->kind == DEV_FILESYSTEM && attrs_has(&dev->attrs, "target@dir") &&
		    check_tags(p, i) < 0)
			return -1;
		if (dev->kind == DEV_FILESYSTEM && domain_filesystem_is_virtiofs(dev) &&
		    !memory_shared(p->d))
			return invalid_at(p, "filesystem", dev->line,
			    "virtiofs needs shared memory: <memoryBacking><source type='memfd'/>"
			    "<access mode='shared'/></memoryBacking>");
	}
	return 0;
}
