/* blockcopy: a running domain's disk copied, the guest moved there. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/blockjob.h"
#include "cli/document.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "disk/volume.h"

/* Where the copy goes. */
struct dest {
	char *path, *format; /* format NULL: the disk's */
	bool block, reuse;
};

static void dest_fini(struct dest *d)
{
	free(d->path);
	free(d->format);
}

/* A volume that is there is written over, as a whole; another becomes a file of the pool. */
static int dest_volume(
    const struct cli *c, const struct pool *pool, const char *name, struct dest *d, struct err *err)
{
	struct pool again;
	struct volume vol;
	if (!pool->active)
		return err_set(err, ERR_STATE, "storage pool '%s' is not active", pool->def.name);
	if (volume_find(&c->home, pool->def.name, name, &again, &vol, NULL) == 0) {
		d->path = xstrdup(vol.path);
		d->block = vol.type == VOLUME_BLOCK;
		d->reuse = true;
		volume_fini(&vol);
		pool_fini(&again);
		if (cli_flag(c, "reuse-external") || d->block)
			return 0;
		return err_set(err, ERR_EXISTS,
		    "volume '%s' is in pool '%s' already: another name, or --reuse-external to write over it",
		    name, pool->def.name);
	}
	if (!pool_holds_files(pool))
		return err_set(err, ERR_NOT_FOUND,
		    "there is no volume '%s' in pool '%s': 'hvmux vol-create-as %s %s SIZE' makes one",
		    name, pool->def.name, pool->def.name, name);
	if (volume_name_check(pool, name, err) < 0)
		return -1;
	d->path = volume_path(pool, name);
	return 0;
}

/* "POOL/VOLUME" where there is such a pool; else a path, from here. */
static int dest_word(const struct cli *c, const char *word, struct dest *d, struct err *err)
{
	const char *slash = strchr(word, '/');
	struct pool pool;
	if (slash != NULL && slash != word && strchr(slash + 1, '/') == NULL) {
		CLEANUP_FREE char *name = xstrndup(word, (size_t)(slash - word));
		if (pool_find(&c->home, name, &pool, NULL) == 0) {
			int rc = dest_volume(c, &pool, slash + 1, d, err);
			pool_fini(&pool);
			return rc;
		}
	}
	char folder[PATH_MAX];
	if (word[0] == '/')
		d->path = xstrdup(word);
	else if (getcwd(folder, sizeof(folder)) != NULL)
		d->path = xasprintf("%s/%s", folder, word);
	else
		return err_set(err, ERR_INVALID, "'%s' is not a whole path", word);
	return 0;
}

/* A <disk> of which the image counts. */
static int dest_document(const char *file, struct dest *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (document_read(file, &xml, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data, xml.len, document_shown(file), "disk", err);
	if (doc == NULL)
		return -1;
	xmlNode *disk = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *type = xml_attr(disk, "type");
	d->block = str_eq(type, "block");
	if (!d->block && !str_eq(type, "file"))
		return xml_error(err, ERR_UNSUPPORTED, document_shown(file), disk,
		    "a copy is of type 'file' or 'block'");
	d->path = xml_child_attr(disk, "source", d->block ? "dev" : "file");
	d->format = xml_child_attr(disk, "driver", "type");
	if (d->path == NULL || d->path[0] != '/')
		return xml_error(err, ERR_INVALID, document_shown(file), disk,
		    "a <source> with a whole path is needed");
	return 0;
}

static int read_dest(const struct cli *c, struct dest *d, struct err *err)
{
	const char *word = cli_value(c, "dest"), *xml = cli_value(c, "xml"),
	           *format = cli_value(c, "format");
	if (word != NULL && xml != NULL)
		return err_set(err, ERR_USAGE, "Options --dest and --xml are mutually exclusive");
	if (word == NULL && xml == NULL)
		return err_set(err, ERR_USAGE, "need either --xml or --dest");
	d->block = cli_flag(c, "blockdev");
	d->reuse = cli_flag(c, "reuse-external");
	if ((xml != NULL ? dest_document(xml, d, err) : dest_word(c, word, d, err)) < 0)
		return -1;
	if (cli_flag(c, "raw") && format != NULL)
		return err_set(err, ERR_USAGE, "Options --raw and --format are mutually exclusive");
	if (cli_flag(c, "raw") || format != NULL) {
		free(d->format);
		d->format = xstrdup(format != NULL ? format : "raw");
	}
	return 0;
}

static void print_dest(struct cli *c, const struct dest *d)
{
	xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
	xmlNode *disk = xmlNewDocNode(doc, NULL, BAD_CAST "disk", NULL);
	size_t n;
	xmlDocSetRootElement(doc, disk);
	xml_set_attr(disk, "type", d->block ? "block" : "file");
	if (d->format != NULL)
		xml_set_attr(xml_add_child(disk, "driver"), "type", d->format);
	xml_set_attr(xml_add_child(disk, "source"), d->block ? "dev" : "file", d->path);
	CLEANUP_FREE char *text = xml_format(doc, &n);
	fputs(text, stdout);
	xmlFreeDoc(doc);
	c->bare = true;
}

static int add_numbers(const struct cli *c, struct json_object *o, struct err *err)
{
	static const char *const names[][2] = {
	    {"granularity", "granularity"}, {"buf-size", "buf_size"}};
	uint64_t n;
	if (blockjob_bandwidth(c, &n, err) < 0)
		return -1;
	if (n > 0)
		out_add_u64(o, "bandwidth", n);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = cli_value(c, names[i][0]);
		if (text == NULL)
			continue;
		if (blockjob_bytes(names[i][0], text, 1, &n, err) < 0)
			return -1;
		if (i == 0 && (n & (n - 1)) != 0)
			return err_set(err, ERR_USAGE, "granularity must be power of 2");
		out_add_u64(o, names[i][1], n);
	}
	return 0;
}

static int copy(struct cli *c, struct dest *d, struct json_object *o, struct err *err)
{
	if (blockjob_only(c, "pivot", "finish", err) < 0 || read_dest(c, d, err) < 0 ||
	    add_numbers(c, o, err) < 0)
		return -1;
	out_add_str(o, "disk", cli_value(c, "path"));
	out_add_str(o, "path", d->path);
	if (d->format != NULL)
		out_add_str(o, "format", d->format);
	out_add_bool(o, "block", d->block);
	out_add_bool(o, "reuse", d->reuse);
	blockjob_flags(c, o, "shallow", "shallow", "pivot", "pivot", "finish", "finish",
	    "synchronous-writes", "synchronous", NULL);
	/* QEMU's lock tells only of those that run. */
	return blockjob_check_users(c, "", d->path, err);
}

int verb_blockcopy(struct cli *c)
{
	struct dest d = {0};
	struct err err = {0};
	struct json_object *o = json_object_new_object();
	bool pivot = cli_flag(c, "pivot"), finish = cli_flag(c, "finish");
	int status = CLI_DONE;
	if (copy(c, &d, o, &err) < 0)
		status = blockjob_failed(&err);
	else if (cli_flag(c, "print-xml"))
		print_dest(c, &d);
	else
		status = blockjob_run(c, TAKE_PTR(o), pivot || finish, "Block Copy started",
		    pivot    ? "Successfully pivoted"
		    : finish ? "Successfully copied"
		             : "Now in mirroring phase");
	json_object_put(o);
	dest_fini(&d);
	return status;
}
