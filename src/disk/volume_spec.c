#include "disk/volume_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "disk/storage_xml.h"

void volume_spec_fini(struct volume_spec *spec)
{
	free(spec->name);
	free(spec->format);
	free(spec->backing);
	free(spec->backing_format);
	free(spec->compat);
	storage_access_fini(&spec->access);
	*spec = (struct volume_spec){.allocation = VOLUME_UNSAID, .access = STORAGE_ACCESS_NONE};
}

static int read_target(
    const xmlNode *target, const char *file, struct volume_spec *spec, struct err *err)
{
	const xmlNode *features = xml_child(target, "features");
	if (xml_child(target, "encryption") != NULL)
		return xml_error(err, ERR_UNSUPPORTED, file, xml_child(target, "encryption"),
		    "encrypted volumes are not made here; make one with: qemu-img create -f luks");
	spec->format = xml_child_attr(target, "format", "type");
	spec->compat = xml_child_text(target, "compat");
	spec->lazy_refcounts = features != NULL && xml_child(features, "lazy_refcounts") != NULL;
	spec->extended_l2 = features != NULL && xml_child(features, "extended_l2") != NULL;
	if (storage_xml_size(target, "clusterSize", file, &spec->cluster, err) < 0)
		return -1;
	return storage_xml_read_access(target, file, &spec->access, err);
}

static int read_backing(
    const xmlNode *backing, const char *file, struct volume_spec *spec, struct err *err)
{
	spec->backing = xml_child_text(backing, "path");
	spec->backing_format = xml_child_attr(backing, "format", "type");
	if (spec->backing == NULL || storage_path_clean(spec->backing) < 0)
		return xml_error(
		    err, ERR_INVALID, file, backing, "an absolute <path> is wanted in it");
	return 0;
}

static int read_all(
    const xmlNode *root, const char *file, struct volume_spec *spec, struct err *err)
{
	const xmlNode *target = xml_child(root, "target"),
	              *backing = xml_child(root, "backingStore");
	spec->name = xml_child_text(root, "name");
	if (spec->name == NULL)
		return xml_error(err, ERR_INVALID, file, root, "missing <name>");
	spec->has_capacity = xml_child(root, "capacity") != NULL;
	if (storage_xml_size(root, "capacity", file, &spec->capacity, err) < 0 ||
	    storage_xml_size(root, "allocation", file, &spec->allocation, err) < 0)
		return -1;
	if (target != NULL && read_target(target, file, spec, err) < 0)
		return -1;
	/* An empty one is libvirt's way to say that there is none. */
	if (backing != NULL && xml_first(backing) != NULL &&
	    read_backing(backing, file, spec, err) < 0)
		return -1;
	if (!spec->has_capacity && spec->backing == NULL)
		return xml_error(err, ERR_INVALID, file, root, "missing <capacity>");
	return 0;
}

int volume_spec_parse(
    const char *xml, size_t n, const char *file, struct volume_spec *spec, struct err *err)
{
	*spec = (struct volume_spec){.allocation = VOLUME_UNSAID, .access = STORAGE_ACCESS_NONE};
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "volume", err);
	if (doc == NULL)
		return -1;
	if (read_all(xmlDocGetRootElement(doc), file, spec, err) == 0)
		return 0;
	volume_spec_fini(spec);
	return -1;
}

void volume_spec_format(const struct volume_spec *spec, struct buf *out)
{
	buf_adds(out, "<volume>\n");
	storage_xml_text(out, 2, "name", spec->name);
	buf_addf(out, "  <capacity>%" PRIu64 "</capacity>\n", spec->capacity);
	if (spec->allocation != VOLUME_UNSAID)
		buf_addf(out, "  <allocation>%" PRIu64 "</allocation>\n", spec->allocation);
	if (spec->format != NULL) {
		buf_adds(out, "  <target>\n");
		storage_xml_attr(out, 4, "format", "type", spec->format);
		buf_adds(out, "  </target>\n");
	}
	if (spec->backing != NULL) {
		buf_adds(out, "  <backingStore>\n");
		storage_xml_text(out, 4, "path", spec->backing);
		storage_xml_attr(out, 4, "format", "type", spec->backing_format);
		buf_adds(out, "  </backingStore>\n");
	}
	buf_adds(out, "</volume>\n");
}
