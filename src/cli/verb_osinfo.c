/* osinfo-query: the guests' systems that the osinfo-db package knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/osinfo.h"
#include "core/str.h"

/* osinfo-query's columns and their widths. */
struct field {
	const char *name, *title;
	int width;
};

enum { SHORT_ID, NAME, VERSION, FAMILY, VENDOR, RELEASED, ENDS, CODENAME, ID, FIELDS };
static const struct field fields[FIELDS] = {
    [SHORT_ID] = {"short-id", "Short ID", 20},
    [NAME] = {"name", "Name", 50},
    [VERSION] = {"version", "Version", 8},
    [FAMILY] = {"family", "Family", 20},
    [VENDOR] = {"vendor", "Vendor", 20},
    [RELEASED] = {"release-date", "Release date", 15},
    [ENDS] = {"eol-date", "End of life", 15},
    [CODENAME] = {"codename", "Code name", 20},
    [ID] = {"id", "ID", 40},
};

static const char *value_of(const struct osinfo_os *os, int field)
{
	const char *const values[FIELDS] = {os->short_ids[0], os->name, os->version, os->family,
	    os->vendor, os->released, os->ends, os->codename, os->id};
	return values[field] ? values[field] : "";
}

static int find_field(const char *name, size_t n, struct err *err)
{
	for (int i = 0; i < FIELDS; i++)
		if (strncmp(fields[i].name, name, n) == 0 && fields[i].name[n] == '\0')
			return i;
	return err_set(err, ERR_USAGE,
	    "unknown property '%.*s', expected one of: short-id name version family vendor release-date eol-date "
	    "codename id",
	    (int)n, name);
}

struct query {
	const struct cli *c;
	int shown[FIELDS];
	size_t n_shown;
	int sort;
};

static int parse_fields(struct query *q, struct err *err)
{
	const char *word = cli_value(q->c, "fields"), *sort = cli_value(q->c, "sort-key");
	if (!word)
		word = "short-id,name,version,id";
	for (; *word; word += *word == ',') {
		size_t n = strcspn(word, ",");
		int field = find_field(word, n, err);
		if (field < 0)
			return -1;
		if (q->n_shown == FIELDS)
			return err_set(err, ERR_USAGE, "more than %d fields", FIELDS);
		q->shown[q->n_shown++] = field;
		word += n;
	}
	q->sort = sort ? find_field(sort, strlen(sort), err) : SHORT_ID;
	return q->sort < 0 ? -1 : 0;
}

/* "vendor=Debian Project": all of them must hold. 1, 0, -1. */
static int matches(const struct query *q, const struct osinfo_os *os, struct err *err)
{
	unsigned n;
	const char *const *conditions = cli_values(q->c, "condition", &n);
	for (unsigned i = 0; i < n; i++) {
		size_t len = strcspn(conditions[i], "=");
		if (conditions[i][len] == '\0')
			return err_set(err, ERR_USAGE,
			    "'%s' is no condition: PROPERTY=VALUE is needed", conditions[i]);
		int field = find_field(conditions[i], len, err);
		if (field < 0)
			return -1;
		if (!str_eq(value_of(os, field), conditions[i] + len + 1))
			return 0;
	}
	return 1;
}

static int sort_field;
static int compare(const void *pa, const void *pb)
{
	const struct osinfo_os *const *a = pa, *const *b = pb;
	int order = strcmp(value_of(*a, sort_field), value_of(*b, sort_field));
	return order ? order : strcmp((*a)->id, (*b)->id);
}

static void print_line(const struct query *q, const struct osinfo_os *os)
{
	for (size_t i = 0; i < q->n_shown; i++) {
		const struct field *f = &fields[q->shown[i]];
		printf(
		    "%s %-*s ", i ? "|" : "", f->width, os ? value_of(os, q->shown[i]) : f->title);
	}
	putchar('\n');
}

static void print_table(const struct query *q, const struct osinfo_os **oses, size_t n)
{
	if (!q->c->quiet) {
		print_line(q, NULL);
		for (size_t i = 0; i < q->n_shown; i++) {
			if (i)
				putchar('+');
			for (int k = 0; k < fields[q->shown[i]].width + 2; k++)
				putchar('-');
		}
		putchar('\n');
	}
	for (size_t i = 0; i < n; i++)
		print_line(q, oses[i]);
}

/* All that `install` would use of it. */
static void add_devices(struct json_object *o, unsigned devices)
{
	static const char *const names[] = {"virtio-blk", "virtio-net", "virtio-scsi", "virtio-gpu",
	    "virtio-rng", "virtio-balloon", "virtio-console", "virtio-input", "virtio-fs",
	    "virtio-vsock", "xhci", "usb-tablet", "q35"};
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (devices & 1u << i)
			json_object_array_add(all, json_object_new_string(names[i]));
	json_object_object_add(o, "devices", all);
}

static void print_json(const struct osinfo_os **oses, size_t n)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();
		for (int k = 0; k < FIELDS; k++) {
			const char *value = value_of(oses[i], k);
			out_add_str(o, fields[k].name, *value ? value : NULL);
		}
		out_add_u64(o, "ram_bytes", oses[i]->ram);
		out_add_u64(o, "storage_bytes", oses[i]->storage);
		out_add_u64(o, "cpus", oses[i]->cpus);
		add_devices(o, oses[i]->devices);
		json_object_array_add(all, o);
	}
	out_json(all);
}

static int query(struct query *q, const struct osinfo_db *db, struct err *err)
{
	const struct osinfo_os **chosen = xcalloc(db->n + 1, sizeof(*chosen));
	size_t n = 0;
	int rc = 0;
	for (size_t i = 0; i < db->n && rc >= 0; i++) {
		rc = matches(q, &db->oses[i], err);
		if (rc > 0)
			chosen[n++] = &db->oses[i];
	}
	sort_field = q->sort;
	if (rc >= 0 && n > 0)
		qsort(chosen, n, sizeof(*chosen), compare);
	if (rc >= 0 && q->c->json)
		print_json(chosen, n);
	else if (rc >= 0)
		print_table(q, chosen, n);
	free(chosen);
	return rc < 0 ? -1 : 0;
}

int verb_osinfo_query(struct cli *c)
{
	struct err err = {0};
	struct osinfo_db db = {0};
	struct query q = {.c = c};
	int rc = parse_fields(&q, &err);
	if (rc == 0)
		rc = osinfo_read(NULL, &db, &err);
	if (rc == 0)
		rc = query(&q, &db, &err);
	osinfo_fini(&db);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
