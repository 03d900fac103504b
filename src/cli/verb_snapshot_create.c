/* snapshot-create, snapshot-create-as: from a document or from options to a request (kvm/plan_snapshot.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "cli/snapshot.h"
#include "core/mem.h"
#include "core/str.h"

/* --- what --memspec and --diskspec say --- */
/* The next piece up to a comma, two of which stand for one; on the heap. NULL: there is none. */
static char *next_piece(const char **at)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (*at == NULL)
		return NULL;
	const char *s = *at;
	for (; *s != '\0' && !(s[0] == ',' && s[1] != ','); s++) {
		s += s[0] == ',';
		buf_addc(&b, *s);
	}
	*at = *s == ',' ? s + 1 : NULL;
	return buf_take(&b);
}

static int parse_kind(const char *word, enum snapshot_kind *k, struct err *err)
{
	if (snapshot_kind_parse(word, k) == 0)
		return 0;
	return err_set(err, ERR_USAGE,
	    "'%s' is no way to keep a disk: no, internal, external or manual", word);
}

static int need_path(const char *path, struct err *err)
{
	return path[0] == '/' ? 0 : err_set(err, ERR_USAGE, "'%s' is not an absolute path", path);
}

/* [file=]name[,snapshot=type] */
static int parse_memspec(const char *spec, struct snapshot *s, struct err *err)
{
	const char *at = spec;
	for (char *piece; (piece = next_piece(&at)) != NULL;) {
		CLEANUP_FREE char *keep = piece;
		if (str_prefix(piece, "snapshot=")) {
			if (parse_kind(piece + strlen("snapshot="), &s->memory, err) < 0)
				return -1;
			continue;
		}
		const char *path = str_prefix(piece, "file=") ? piece + strlen("file=") : piece;
		if (s->memory_file != NULL || *path == '\0')
			return err_set(err, ERR_USAGE, "invalid memspec: %s", spec);
		if (need_path(path, err) < 0)
			return -1;
		s->memory_file = xstrdup(path);
	}
	if (s->memory == SNAPSHOT_UNSAID && s->memory_file != NULL)
		s->memory = SNAPSHOT_EXTERNAL;
	return s->memory != SNAPSHOT_UNSAID ? 0
	                                    : err_set(err, ERR_USAGE, "invalid memspec: %s", spec);
}

static int parse_disk_word(
    const char *word, struct snapshot_disk *sd, const char *spec, struct err *err)
{
	if (str_prefix(word, "snapshot="))
		return parse_kind(word + strlen("snapshot="), &sd->kind, err);
	if (str_prefix(word, "driver=") && sd->format == NULL) {
		sd->format = xstrdup(word + strlen("driver="));
		return 0;
	}
	if (str_prefix(word, "file=") && sd->file == NULL) {
		sd->file = xstrdup(word + strlen("file="));
		return need_path(sd->file, err);
	}
	if (str_eq(word, "stype=file") || str_eq(word, "stype=block")) {
		sd->block = str_eq(word, "stype=block");
		return 0;
	}
	return err_set(err, ERR_USAGE, "invalid diskspec: %s", spec);
}

/* disk[,snapshot=type][,driver=type][,stype=type][,file=name] */
static int parse_diskspec(const char *spec, struct snapshot *s, struct err *err)
{
	const char *at = spec;
	CLEANUP_FREE char *name = next_piece(&at);
	if (*name == '\0' || snapshot_disk_find(s, name) != NULL)
		return err_set(err, ERR_USAGE, "invalid diskspec: %s", spec);
	struct snapshot_disk *sd = snapshot_disk_add(s, name, SNAPSHOT_UNSAID);
	for (char *piece; (piece = next_piece(&at)) != NULL;) {
		CLEANUP_FREE char *keep = piece;
		if (parse_disk_word(piece, sd, spec, err) < 0)
			return -1;
	}
	if (sd->kind == SNAPSHOT_UNSAID && sd->file != NULL)
		sd->kind = SNAPSHOT_EXTERNAL;
	return 0;
}

/* The document that the options stand for; on the heap. */
static char *compose(const struct cli *c, struct err *err)
{
	size_t len;
	unsigned n;
	struct snapshot s = {.name = xstrdup0(cli_value(c, "name")),
	    .description = xstrdup0(cli_value(c, "description"))};
	const char *const *specs = cli_values(c, "diskspec", &n);
	const char *memory = cli_value(c, "memspec");
	int rc = s.name != NULL ? snapshot_name_check(s.name, err) : 0;
	if (rc == 0 && memory != NULL)
		rc = parse_memspec(memory, &s, err);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = parse_diskspec(specs[i], &s, err);
	char *xml = rc == 0 ? snapshot_format(&s, &len, err) : NULL;
	snapshot_fini(&s);
	return xml;
}

/* --- the request --- */
static int run(struct cli *c, const char *xml, const char *done)
{
	static const char *const flags[] = {
	    "disk-only", "quiesce", "reuse-external", "halt", "live", "no-metadata", "atomic"};
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "xml", json_object_new_string(xml));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		CLEANUP_FREE char *key = xstrdup(flags[i]);
		for (char *dash; (dash = strchr(key, '-')) != NULL;)
			*dash = '_';
		if (cli_flag(c, flags[i]))
			json_object_object_add(args, key, json_object_new_boolean(true));
	}
	return plan_verb_run(
	    c, &(struct plan_request){.verb = "snapshot-create", .args = args, .done = done});
}

int verb_snapshot_create_as(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *xml = compose(c, &err);
	if (xml == NULL)
		return out_refusal(NULL, &err);
	if (!cli_flag(c, "print-xml"))
		return run(c, xml, NULL);
	fputs(xml, stdout);
	return CLI_DONE;
}

/* --- snapshot-create --- */
static int redefine(struct cli *c, const char *xml, size_t n, const char *file)
{
	struct err err = {0};
	CLEANUP(snapshot_call_fini) struct snapshot_call s = {.c = c};
	struct snapshot it;
	if (snapshot_call_open(c, &s, &err) < 0 || snapshot_parse(xml, n, file, &it, &err) < 0)
		return out_refusal(NULL, &err);
	int rc = snapshot_redefine(&s, &it, true, cli_flag(c, "current"), &err);
	if (rc == 0)
		out_message(c, "Domain snapshot %s created from '%s'", it.name, file);
	snapshot_fini(&it);
	return rc == 0 ? CLI_DONE : out_refusal(NULL, &err);
}

int verb_snapshot_create(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	const char *path = cli_value(c, "xmlfile");
	if (cli_flag(c, "current") && !cli_flag(c, "redefine"))
		err_set(&err, ERR_USAGE, "--current goes with --redefine alone");
	else if (cli_flag(c, "redefine") && path == NULL)
		err_set(&err, ERR_USAGE, "--redefine needs the document: --xmlfile FILE");
	else if (path != NULL && document_read(path, &xml, &err) == 0 && xml.len == 0)
		err_set(&err, ERR_INVALID, "%s: it is empty", document_shown(path));
	if (err.code != ERR_NONE)
		return out_refusal(NULL, &err);
	if (cli_flag(c, "redefine"))
		return redefine(c, xml.data, xml.len, document_shown(path));
	if (path == NULL)
		return run(c, "<domainsnapshot/>", NULL);
	struct snapshot s;
	if (snapshot_parse(xml.data, xml.len, document_shown(path), &s, &err) < 0)
		return out_refusal(NULL, &err);
	CLEANUP_FREE char *done =
	    s.name != NULL ? xasprintf("Domain snapshot %s created from '%s'", s.name, path) : NULL;
	snapshot_fini(&s);
	return run(c, xml.data, done);
}
