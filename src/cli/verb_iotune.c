/* blkdeviotune: how much a disk may do, shown and changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/device_doc.h"
#include "cli/live.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define FAILED_SET "Unable to change block I/O throttle"
#define FAILED_GET "Unable to get block I/O throttle parameters"

/* In virsh's order. kind: of which array of struct disk_iotune. */
static const struct {
	const char *option;
	enum { LIMIT, MAX, LENGTH, SIZE } kind;
	unsigned index;
	bool bytes; /* a scaled integer */
} options[] = {
    {"total-bytes-sec", LIMIT, IOTUNE_BPS_TOTAL, true},
    {"read-bytes-sec", LIMIT, IOTUNE_BPS_READ, true},
    {"write-bytes-sec", LIMIT, IOTUNE_BPS_WRITE, true},
    {"total-iops-sec", LIMIT, IOTUNE_IOPS_TOTAL, false},
    {"read-iops-sec", LIMIT, IOTUNE_IOPS_READ, false},
    {"write-iops-sec", LIMIT, IOTUNE_IOPS_WRITE, false},
    {"total-bytes-sec-max", MAX, IOTUNE_BPS_TOTAL, true},
    {"read-bytes-sec-max", MAX, IOTUNE_BPS_READ, true},
    {"write-bytes-sec-max", MAX, IOTUNE_BPS_WRITE, true},
    {"total-iops-sec-max", MAX, IOTUNE_IOPS_TOTAL, false},
    {"read-iops-sec-max", MAX, IOTUNE_IOPS_READ, false},
    {"write-iops-sec-max", MAX, IOTUNE_IOPS_WRITE, false},
    {"size-iops-sec", SIZE, 0, false},
    {"total-bytes-sec-max-length", LENGTH, IOTUNE_BPS_TOTAL, false},
    {"read-bytes-sec-max-length", LENGTH, IOTUNE_BPS_READ, false},
    {"write-bytes-sec-max-length", LENGTH, IOTUNE_BPS_WRITE, false},
    {"total-iops-sec-max-length", LENGTH, IOTUNE_IOPS_TOTAL, false},
    {"read-iops-sec-max-length", LENGTH, IOTUNE_IOPS_READ, false},
    {"write-iops-sec-max-length", LENGTH, IOTUNE_IOPS_WRITE, false},
};
#define GROUP_ROW 13 /* where virsh prints group_name */

/* "total-bytes-sec" → "total_bytes_sec": libvirt's name of it. */
static char *word_of(size_t i)
{
	char *word = xstrdup(options[i].option);
	for (char *c = word; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return word;
}

/* --- showing --- */

/* In virsh's words a burst of a machine that runs lasts 1 s where nothing is said. */
static uint64_t value_of(const struct disk_iotune *t, size_t i, bool live)
{
	unsigned k = options[i].index;
	switch (options[i].kind) {
	case LIMIT:
		return t->limit[k];
	case MAX:
		return t->max[k];
	case LENGTH:
		return live && t->max_length[k] == 0 && (t->limit[k] != 0 || t->max[k] != 0)
		           ? 1
		           : t->max_length[k];
	case SIZE:
		break;
	}
	return t->iops_size;
}

static void print(const struct cli *c, const struct disk_iotune *t, bool live)
{
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		CLEANUP_FREE char *word = word_of(i);
		if (i == GROUP_ROW && o != NULL)
			out_add_str(o, "group_name", t->group);
		else if (i == GROUP_ROW)
			printf("%-15s: %s\n", "group_name", t->group != NULL ? t->group : "");
		if (o != NULL)
			out_add_u64(o, word, value_of(t, i, live));
		else
			printf("%-15s: %" PRIu64 "\n", word, value_of(t, i, live));
	}
	if (o != NULL)
		out_json(o);
}

static int show(struct cli *c, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	const char *device = cli_value(c, "device");
	size_t i;
	if (device_doc_open_shown(c, &doc, err) < 0)
		return -1;
	if (live_find_disk(&doc.d, device, &i, err) < 0)
		return err_set(err, ERR_INVALID,
		    "invalid argument: disk '%s' was not found in the domain config", device);
	print(c, &doc.d.disks[i].iotune, doc.running && !cli_flag(c, "config"));
	return 0;
}

/* --- changing --- */

/* "10M", or with a blank "10 MiB". */
static int read_value(size_t i, const char *text, uint64_t *n, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	CLEANUP_FREE char *number = xstrndup(text, digits);
	const char *unit = text + digits;
	int rc = -1;
	if (digits > 0 && options[i].bytes)
		rc = units_bytes(number, unit, 1, INT64_MAX, n, NULL);
	else if (digits > 0 && *unit == '\0')
		rc = str_u64(number, INT64_MAX, n);
	return rc == 0 ? 0
	               : err_set(err, ERR_USAGE,
	                     "Numeric value '%s' for <%s> option is malformed or out of range",
	                     text, options[i].option);
}

/* {"device": …, "set": {…}, "group_name": …}; NULL: nothing is to be changed, or an error. */
static struct json_object *request(const struct cli *c, struct err *err)
{
	struct json_object *set = json_object_new_object();
	const char *group = cli_value(c, "group-name");
	for (size_t i = 0; i < ARRAY_LEN(options) && err->code == ERR_NONE; i++) {
		CLEANUP_FREE char *word = word_of(i);
		const char *text = cli_value(c, options[i].option);
		uint64_t n;
		if (text != NULL && read_value(i, text, &n, err) == 0)
			out_add_u64(set, word, n);
	}
	if (err->code != ERR_NONE || (group == NULL && json_object_object_length(set) == 0)) {
		json_object_put(set);
		return NULL;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, "device", cli_value(c, "device"));
	json_object_object_add(o, "set", set);
	if (group != NULL)
		out_add_str(o, "group_name", group);
	return o;
}

int verb_blkdeviotune(struct cli *c)
{
	struct err err = {0};
	struct json_object *args = request(c, &err);
	if (args == NULL && err.code == ERR_NONE && show(c, &err) == 0)
		return CLI_DONE;
	if (args == NULL) {
		if (err.code != ERR_USAGE)
			out_error(FAILED_GET);
		return out_refusal(NULL, &err);
	}
	if (c->readonly) {
		json_object_put(args);
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	const struct plan_request r = {.args = args, .failed = FAILED_SET};
	return plan_verb_run(c, &r);
}
