/* crashes: what was kept of crashes: listed, shown, deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/crashes.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"

#define DETAIL_SHOWN 70

/* Of one domain, from 1, the newest first. */
static unsigned number_of(const struct crashes *c, size_t i)
{
	unsigned n = 1;
	for (size_t k = 0; k < i; k++)
		n += str_eq(c->all[k].domain, c->all[i].domain);
	return n;
}

static void print_table(const struct cli *c, const struct crashes *list)
{
	static const char *const heads[] = {"Domain", "No.", "Time", "Reason", "Size", "What"};
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < list->n; i++) {
		const struct crash *k = &list->all[i];
		char number[16], when[32], size[STR_HUMAN_MAX];
		CLEANUP_FREE char *what = str_printable(k->detail, strlen(k->detail), DETAIL_SHOWN);
		snprintf(number, sizeof(number), "%u", number_of(list, i));
		timestamp_local(k->time_s, TIMESTAMP_LOCAL, when, sizeof(when));
		str_human(k->bytes, size);
		const char *cells[] = {k->domain, number, when, k->reason, size, what};
		out_table_row(t, cells);
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

static struct json_object *crash_json(const struct crashes *list, size_t i)
{
	const struct crash *k = &list->all[i];
	struct json_object *o = json_object_new_object(), *files = json_object_new_array();
	char **names;
	size_t n;
	out_add_str(o, "domain", k->domain);
	out_add_u64(o, "number", number_of(list, i));
	out_add_str(o, "id", k->id);
	out_add_u64(o, "time", k->time_s);
	out_add_str(o, "reason", k->reason);
	out_add_str(o, "detail", k->detail[0] ? k->detail : NULL);
	out_add_u64(o, "bytes", k->bytes);
	out_add_str(o, "path", k->path);
	(void)crash_files(k, &names, &n, NULL);
	for (size_t f = 0; f < n; f++) {
		json_object_array_add(files, json_object_new_string(names[f]));
		free(names[f]);
	}
	free(names);
	json_object_object_add(o, "files", files);
	return o;
}

/* i: that one alone, SIZE_MAX all. */
static void print_json(const struct crashes *list, size_t only)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < list->n; i++)
		if (only == SIZE_MAX || only == i)
			json_object_array_add(all, crash_json(list, i));
	out_json(all);
}

static int show(const struct crash *k, struct err *err)
{
	CLEANUP_FREE char *story = xasprintf("%s/%s", k->path, CRASHES_STORY);
	CLEANUP_BUF struct buf text = BUF_INIT;
	char **names;
	size_t n;
	if (file_read(story, CRASHES_SUMMARY_MAX, &text, err) < 0 ||
	    crash_files(k, &names, &n, err) < 0)
		return -1;
	CLEANUP_FREE char *shown = str_printable_lines(text.data ? text.data : "");
	fputs(shown, stdout);
	for (size_t i = 0; i < n; i++) {
		printf("File:        %s/%s\n", k->path, names[i]);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* By its number or its folder's name. */
static size_t find(const struct crashes *list, const char *word, struct err *err)
{
	uint64_t n = 0;
	if (str_u64(word, CRASHES_MAX, &n) == 0 && n >= 1 && n <= list->n)
		return n - 1;
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->all[i].id, word))
			return i;
	CLEANUP_FREE char *shown = str_printable(word, strlen(word), 60);
	err_set(
	    err, ERR_NOT_FOUND, "there is no crash '%s': 'hvmux crashes DOMAIN' lists them", shown);
	return SIZE_MAX;
}

static int delete_some(struct cli *c, const struct crashes *list, size_t only, struct err *err)
{
	unsigned n = 0;
	for (size_t i = 0; i < list->n; i++) {
		if (only != SIZE_MAX && only != i)
			continue;
		if (crash_remove(&list->all[i], err) < 0)
			return -1;
		n++;
	}
	out_message(c, "%u %s of domain '%s' deleted", n, n == 1 ? "crash" : "crashes",
	    cli_value(c, "domain"));
	return 0;
}

static int check_words(const struct cli *c, struct err *err)
{
	bool gone = cli_flag(c, "delete"), all = cli_flag(c, "all");
	const char *number = cli_value(c, "number");
	if (gone && c->readonly)
		return err_set(
		    err, ERR_DENIED, "operation crashes --delete forbidden for read only access");
	if (!cli_value(c, "domain") && (gone || cli_flag(c, "show")))
		return err_set(err, ERR_USAGE, "of which domain?");
	if (gone && !number == !all)
		return err_set(err, ERR_USAGE,
		    "--delete needs the number of a crash, or --all for all of the domain");
	if (all && !gone)
		return err_set(err, ERR_USAGE, "--all goes with --delete");
	return 0;
}

static int run(struct cli *c, const struct crashes *list, struct err *err)
{
	const char *number = cli_value(c, "number");
	bool one = number || cli_flag(c, "show");
	size_t i = SIZE_MAX;
	if (one && (i = find(list, number ? number : "1", err)) == SIZE_MAX)
		return -1;
	if (cli_flag(c, "delete"))
		return delete_some(c, list, i, err);
	if (c->json)
		print_json(list, i);
	else if (one)
		return show(&list->all[i], err);
	else
		print_table(c, list);
	return 0;
}

int verb_crashes(struct cli *c)
{
	struct err err = {0};
	struct crashes list = {0};
	const char *word = cli_value(c, "domain");
	int rc = check_words(c, &err);
	/* The records outlive the domain. */
	CLEANUP_FREE char *name = rc == 0 && word ? vm_resolve(&c->home, word, NULL) : NULL;
	if (rc == 0 && word && !name && name_check("domain", word, &err) < 0)
		rc = -1;
	if (rc == 0)
		rc = crashes_list(&c->home, name ? name : word, &list, &err);
	if (rc == 0 && word && !name && list.n == 0)
		rc = err_set(&err, ERR_NOT_FOUND, "failed to get domain '%s'", word);
	if (rc == 0)
		rc = run(c, &list, &err);
	crashes_fini(&list);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
