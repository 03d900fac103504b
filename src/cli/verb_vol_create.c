/* New volumes: vol-create, vol-create-as, vol-create-from, vol-clone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "core/xml.h"
#include "disk/volume_change.h"
#include "disk/volume_create.h"

static int create(struct cli *c, const struct pool *pool, struct volume_spec *spec, struct err *err)
{
	if (volume_create(&c->home, pool, spec, err) < 0)
		return -1;
	storage_audit(c, "what=vol-create pool=%s volume=%s result=ok", pool->def.name, spec->name);
	return 0;
}

static int read_spec(struct cli *c, struct volume_spec *spec, struct err *err)
{
	const char *file = cli_value(c, "file");
	CLEANUP_BUF struct buf xml = BUF_INIT;
	*spec = (struct volume_spec){.allocation = VOLUME_UNSAID, .access = STORAGE_ACCESS_NONE};
	if (document_read(file, &xml, err) < 0 || volume_spec_parse(xml.len > 0 ? xml.data : "",
	                                              xml.len, document_shown(file), spec, err) < 0)
		return -1;
	spec->preallocate_metadata = cli_flag(c, "prealloc-metadata");
	return 0;
}

int verb_vol_create(struct cli *c)
{
	struct err err = {0};
	const char *file = cli_value(c, "file");
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_spec_fini) struct volume_spec spec = {.access = STORAGE_ACCESS_NONE};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (read_spec(c, &spec, &err) < 0 || create(c, &pool, &spec, &err) < 0)
		return storage_failed(&err, "Failed to create vol from %s", file);
	out_message(c, "Vol %s created from %s", spec.name, file);
	return CLI_DONE;
}

/* --- vol-create-as --- */
/* A name in the pool, else a path or key in any. */
static int find_backing(
    struct cli *c, const struct pool *pool, const char *word, struct volume_spec *spec)
{
	struct err err = {0};
	CLEANUP(pool_fini) struct pool in = {0};
	CLEANUP(volume_fini) struct volume base = {0};
	bool found = strchr(word, '/') == NULL &&
	             volume_find(&c->home, pool->def.name, word, &in, &base, &err) == 0;
	if (!found && volume_find(&c->home, NULL, word, &in, &base, &err) < 0)
		return storage_failed(&err, "failed to get vol '%s'", word);
	spec->backing = xstrdup(base.path);
	spec->backing_format = xstrdup0(cli_value(c, "backing-vol-format"));
	if (spec->backing_format == NULL && pool_holds_files(&in) && base.type == VOLUME_FILE)
		spec->backing_format = xstrdup(disk_format_name(base.format));
	return CLI_DONE;
}

static int words_spec(struct cli *c, struct volume_spec *spec, struct err *err)
{
	const char *allocation = cli_value(c, "allocation");
	*spec = (struct volume_spec){.allocation = VOLUME_UNSAID, .access = STORAGE_ACCESS_NONE};
	spec->name = xstrdup(cli_value(c, "name"));
	spec->has_capacity = true;
	spec->format = xstrdup0(cli_value(c, "format"));
	spec->preallocate_metadata = cli_flag(c, "prealloc-metadata");
	if (storage_size(cli_value(c, "capacity"), &spec->capacity, err) < 0)
		return -1;
	return allocation != NULL ? storage_size(allocation, &spec->allocation, err) : 0;
}

int verb_vol_create_as(struct cli *c)
{
	struct err err = {0};
	const char *backing = cli_value(c, "backing-vol");
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_spec_fini) struct volume_spec spec = {.access = STORAGE_ACCESS_NONE};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (words_spec(c, &spec, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (backing != NULL)
		status = find_backing(c, &pool, backing, &spec);
	if (status != CLI_DONE)
		return status;
	if (cli_flag(c, "print-xml")) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		volume_spec_format(&spec, &xml);
		fputs(xml.data, stdout);
		return CLI_DONE;
	}
	if (create(c, &pool, &spec, &err) < 0)
		return storage_failed(&err, "Failed to create vol %s", spec.name);
	out_message(c, "Vol %s created", spec.name);
	return CLI_DONE;
}

/* --- copies --- */
static int copy(struct cli *c, const struct volume *from, const struct pool *pool,
    struct volume_spec *spec, struct err *err)
{
	struct progress progress;
	progress_start(&progress, progress_form_of(false, c->quiet), STDERR_FILENO, 0);
	int rc = volume_copy(&c->home, from, pool, spec, cli_flag(c, "reflink"), &progress, err);
	progress_stop(&progress, rc == 0);
	progress_die();
	if (rc == 0)
		storage_audit(c, "what=vol-copy pool=%s volume=%s from=%s result=ok",
		    pool->def.name, spec->name, from->path);
	return rc;
}

int verb_vol_create_from(struct cli *c)
{
	struct err err = {0};
	const char *word = cli_value(c, "vol"), *in = cli_value(c, "inputpool");
	CLEANUP(pool_fini) struct pool pool = {0}, from_pool = {0};
	CLEANUP(volume_fini) struct volume from = {0};
	CLEANUP(volume_spec_fini) struct volume_spec spec = {.access = STORAGE_ACCESS_NONE};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (volume_find(&c->home, in, word, &from_pool, &from, &err) < 0)
		return storage_failed(&err, "failed to get vol '%s'", word);
	if (read_spec(c, &spec, &err) < 0 || copy(c, &from, &pool, &spec, &err) < 0)
		return storage_failed(&err, "Failed to create vol from %s", cli_value(c, "file"));
	out_message(c, "Vol %s created from input vol %s", spec.name, from.name);
	return CLI_DONE;
}

static int print_clone(const struct buf *xml, const char *name, struct err *err)
{
	size_t n;
	CLEANUP_XML xmlDoc *doc = xml_read(xml->data, xml->len, name, "volume", err);
	if (doc == NULL)
		return -1;
	xml_set_text(xml_child(xmlDocGetRootElement(doc), "name"), name);
	CLEANUP_FREE char *text = xml_format(doc, &n);
	fwrite(text, 1, n, stdout);
	return 0;
}

/* The document of the volume, with another name. */
static int clone_spec(
    const struct cli *c, const struct buf *xml, struct volume_spec *spec, struct err *err)
{
	if (volume_spec_parse(xml->data, xml->len, cli_value(c, "vol"), spec, err) < 0)
		return -1;
	free(spec->name);
	spec->name = xstrdup(cli_value(c, "newname"));
	spec->preallocate_metadata = cli_flag(c, "prealloc-metadata");
	if (str_eq(spec->format, "iso"))
		memcpy(spec->format, "raw", sizeof "raw");
	return 0;
}

int verb_vol_clone(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume from = {0};
	CLEANUP(volume_spec_fini) struct volume_spec spec = {.access = STORAGE_ACCESS_NONE};
	int status = storage_volume(c, &pool, &from);
	if (status != CLI_DONE)
		return status;
	volume_format(&from, &xml);
	if (cli_flag(c, "print-xml")) {
		if (print_clone(&xml, cli_value(c, "newname"), &err) == 0)
			return CLI_DONE;
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (clone_spec(c, &xml, &spec, &err) < 0 || copy(c, &from, &pool, &spec, &err) < 0)
		return storage_failed(&err, "Failed to clone vol from %s", from.name);
	out_message(c, "Vol %s cloned from %s", spec.name, from.name);
	return CLI_DONE;
}
