/* Definitions of pools: pool-define, pool-define-as, pool-create, pool-create-as, pool-edit, pool-undefine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "cli/editor.h"
#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/storage_xml.h"

static unsigned build_flags(const struct cli *c)
{
	return (cli_flag(c, "overwrite") ? POOL_OVERWRITE : 0u) |
	       (cli_flag(c, "no-overwrite") ? POOL_NO_OVERWRITE : 0u);
}

static int check_flags(const struct cli *c, struct err *err)
{
	if (cli_flag(c, "overwrite") && cli_flag(c, "no-overwrite"))
		return err_set(err, ERR_USAGE,
		    "Options --overwrite and --no-overwrite are mutually exclusive");
	return 0;
}

static int create(struct cli *c, struct pool_def *def, struct err *err)
{
	if (check_flags(c, err) < 0)
		return -1;
	if (cli_flag(c, "build") && pool_build(def, build_flags(c), err) < 0)
		return -1;
	return pool_create(&c->home, def, err);
}

static int read_def(const char *file, struct pool_def *def, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	*def = (struct pool_def){.access = STORAGE_ACCESS_NONE};
	if (document_read(file, &xml, err) < 0)
		return -1;
	return pool_def_parse(xml.len > 0 ? xml.data : "", xml.len, document_shown(file), def, err);
}

int verb_pool_define(struct cli *c)
{
	struct err err = {0};
	const char *file = cli_value(c, "file");
	CLEANUP(pool_def_fini) struct pool_def def;
	if (read_def(file, &def, &err) < 0 || pool_define(&c->home, &def, &err) < 0)
		return storage_failed(&err, "Failed to define pool from %s", file);
	storage_audit(c, "what=pool-define pool=%s result=ok", def.name);
	out_message(c, "Pool %s defined from %s", def.name, file);
	return CLI_DONE;
}

int verb_pool_create(struct cli *c)
{
	struct err err = {0};
	const char *file = cli_value(c, "file");
	CLEANUP(pool_def_fini) struct pool_def def;
	if (read_def(file, &def, &err) < 0 || create(c, &def, &err) < 0)
		return storage_failed(&err, "Failed to create pool from %s", file);
	storage_audit(c, "what=pool-create pool=%s result=ok", def.name);
	out_message(c, "Pool %s created from %s", def.name, file);
	return CLI_DONE;
}

/* --- from arguments --- */
/* Guides fill the places before the target with "-". */
static const char *said(const struct cli *c, const char *option)
{
	const char *value = cli_value(c, option);
	return value != NULL && !str_eq(value, "-") ? value : NULL;
}

static char *copy(const struct cli *c, const char *option)
{
	return xstrdup0(said(c, option));
}

/* virsh's options for SCSI host adapters. */
static char *adapter_of(const struct cli *c)
{
	static const char *const names[][2] = {{"adapter-parent", "parent"},
	    {"adapter-parent-wwnn", "parent_wwnn"}, {"adapter-parent-wwpn", "parent_wwpn"},
	    {"adapter-parent-fabric-wwn", "parent_fabric_wwn"}, {"adapter-wwnn", "wwnn"},
	    {"adapter-wwpn", "wwpn"}};
	const char *name = cli_value(c, "adapter-name");
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (name != NULL) {
		buf_adds(&b, "    <adapter type='scsi_host'");
		storage_xml_add_attr(&b, "name", name);
	} else if (cli_value(c, "adapter-wwnn") != NULL || cli_value(c, "adapter-wwpn") != NULL) {
		buf_adds(&b, "    <adapter type='fc_host'");
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			storage_xml_add_attr(&b, names[i][1], cli_value(c, names[i][0]));
	} else {
		return NULL;
	}
	buf_adds(&b, "/>\n");
	return buf_take(&b);
}

static int words_def(const struct cli *c, struct pool_def *def, struct err *err)
{
	const char *host = said(c, "source-host"), *device = said(c, "source-dev");
	int type = pool_type_find(cli_value(c, "type"));
	*def = (struct pool_def){.access = STORAGE_ACCESS_NONE};
	if (type < 0)
		return err_set(err, ERR_INVALID,
		    "XML error: Invalid value for attribute 'type' in element 'pool': '%s'.",
		    cli_value(c, "type"));
	if ((cli_value(c, "auth-type") != NULL) != (cli_value(c, "auth-username") != NULL))
		return err_set(
		    err, ERR_USAGE, "--auth-type and --auth-username are needed together");
	def->type = (enum pool_type)type;
	def->name = copy(c, "name");
	if (host != NULL) {
		def->hosts = xcalloc(def->n_hosts = 1, sizeof *def->hosts);
		def->hosts[0].name = xstrdup(host);
	}
	if (device != NULL) {
		def->devices = xcalloc(def->n_devices = 1, sizeof *def->devices);
		def->devices[0] = xstrdup(device);
	}
	def->dir = copy(c, "source-path");
	def->source_name = copy(c, "source-name");
	def->initiator = copy(c, "source-initiator");
	def->format = copy(c, "source-format");
	def->protocol_version = copy(c, "source-protocol-ver");
	def->auth_type = copy(c, "auth-type");
	def->auth_user = copy(c, "auth-username");
	def->secret_usage = copy(c, "secret-usage");
	def->secret_uuid = copy(c, "secret-uuid");
	def->target = copy(c, "target");
	def->adapter = adapter_of(c);
	return 0;
}

/* Into a document and back: what is missing is completed, what is wrong is refused, in one place. */
static int words_xml(const struct cli *c, struct buf *xml, struct pool_def *def, struct err *err)
{
	struct pool_def words;
	int rc = words_def(c, &words, err);
	if (rc == 0) {
		pool_def_format(&words, NULL, xml);
		rc = cli_flag(c, "print-xml") ? 0
		                              : pool_def_parse(xml->data, xml->len, NULL, def, err);
	}
	pool_def_fini(&words);
	return rc;
}

static int from_words(struct cli *c, int (*store)(struct cli *, struct pool_def *, struct err *),
    const char *verb, const char *done)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(pool_def_fini) struct pool_def def = {.access = STORAGE_ACCESS_NONE};
	if (words_xml(c, &xml, &def, &err) < 0)
		return storage_failed(&err, "Failed to %s pool %s", verb, cli_value(c, "name"));
	if (cli_flag(c, "print-xml")) {
		fputs(xml.data, stdout);
		return CLI_DONE;
	}
	if (store(c, &def, &err) < 0)
		return storage_failed(&err, "Failed to %s pool %s", verb, cli_value(c, "name"));
	storage_audit(c, "what=pool-%s pool=%s result=ok", verb, def.name);
	out_message(c, "Pool %s %s", def.name, done);
	return CLI_DONE;
}

static int define(struct cli *c, struct pool_def *def, struct err *err)
{
	return pool_define(&c->home, def, err);
}

int verb_pool_define_as(struct cli *c)
{
	return from_words(c, define, "define", "defined");
}

int verb_pool_create_as(struct cli *c)
{
	return from_words(c, create, "create", "created");
}

/* --- edit, undefine --- */
int verb_pool_undefine(struct cli *c)
{
	struct err err = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (pool_undefine(&c->home, &pool, &err) < 0)
		return storage_failed(&err, "Failed to undefine pool %s", pool.def.name);
	storage_audit(c, "what=pool-undefine pool=%s result=ok", pool.def.name);
	out_message(c, "Pool %s has been undefined", pool.def.name);
	return CLI_DONE;
}

static int store_text(
    struct cli *c, const struct pool *pool, const struct buf *text, struct err *err)
{
	CLEANUP(pool_def_fini) struct pool_def def;
	if (pool_def_parse(text->len > 0 ? text->data : "", text->len, pool->def.name, &def, err) <
	    0)
		return -1;
	if (!str_eq(def.name, pool->def.name))
		return err_set(
		    err, ERR_INVALID, "<name> is '%s' now; a pool keeps its name", def.name);
	return pool_define(&c->home, &def, err);
}

/* 1 stored, 0 nothing was changed. */
static int edit_loop(struct cli *c, const struct pool *pool, struct editor *editor, struct err *err)
{
	for (bool typed = false;;) {
		int rc = editor_edit(editor, err);
		typed = typed || rc > 0;
		if (rc == 0 && !typed)
			return 0;
		if (rc < 0)
			return -1;
		if (store_text(c, pool, editor_text(editor), err) == 0)
			return 1;
		out_error("%s", err->msg);
		if (editor_ask(editor, "Failed. Try again? [y,n]: ", "yn") != 'y')
			return err_set(err, ERR_FAIL, "Failed to edit pool '%s'", pool->def.name);
	}
}

static int edit(struct cli *c, const struct pool *pool, struct err *err)
{
	struct pool_def def;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *file = xasprintf("pool-%s", pool->def.name);
	if (pool_definition(&c->home, pool, &def, err) < 0)
		return -1;
	pool_def_format(&def, NULL, &xml);
	pool_def_fini(&def);
	struct editor *editor = editor_new(&c->home, file, ".xml", xml.data, xml.len, err);
	if (editor == NULL)
		return -1;
	int rc = edit_loop(c, pool, editor, err);
	if (rc < 0)
		editor_give_up(editor, err);
	else
		editor_done(editor);
	return rc;
}

int verb_pool_edit(struct cli *c)
{
	struct err err = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (!pool.persistent) {
		out_error(
		    "pool '%s' has no definition; it is gone when it is stopped", pool.def.name);
		return CLI_FAILED;
	}
	int rc = edit(c, &pool, &err);
	if (rc < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (rc > 0)
		storage_audit(c, "what=pool-edit pool=%s result=ok", pool.def.name);
	out_message(c,
	    rc > 0 ? "Pool %s XML configuration edited." : "Pool %s XML configuration not changed.",
	    pool.def.name);
	return CLI_DONE;
}
