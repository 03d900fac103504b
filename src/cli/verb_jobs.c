/* jobs, job-info, job-start, job-cancel, and the hidden verb that runs one. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/job.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "tui/jobs.h"

#define COMMAND_SHOWN 4000 /* bytes of a command line */
#define WAIT_MS 500        /* between two words on progress to whoever waits */

static int failed(const struct err *err)
{
	out_error("%s", err->msg);
	return out_status(err);
}

static int take_id(const char *word, unsigned *id, struct err *err)
{
	uint64_t n;
	if (str_u64(word, JOB_ID_MAX, &n) < 0 || n == 0)
		return err_set(err, ERR_USAGE,
		    "'%s' is not the number of a job: 'hvmux jobs' lists them", word);
	*id = (unsigned)n;
	return 0;
}

static char *command_text(const struct job_info *j)
{
	CLEANUP_FREE char *quoted = jobs_quote((const char *const *)j->words);
	return str_printable(quoted, strlen(quoted), COMMAND_SHOWN);
}

/* The last line of what it printed that is not empty; "" none. On the heap. */
static char *last_words(const struct cli *c, const struct job_info *j)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (job_output(&c->home, j->id, &b, NULL) < 0)
		return xstrdup("");
	size_t end = b.len, from;
	while (
	    end && (b.data[end - 1] == '\n' || b.data[end - 1] == '\r' || b.data[end - 1] == ' '))
		end--;
	for (from = end; from && b.data[from - 1] != '\n' && b.data[from - 1] != '\r';)
		from--;
	return end ? str_printable(b.data + from, end - from, 1000) : xstrdup("");
}

static void percent_text(const struct job_info *j, char out[16])
{
	out[0] = '\0';
	if (j->total && j->done <= j->total)
		snprintf(out, 16, "%.1f%%", 100.0 * (double)j->done / (double)j->total);
}

/* How long it took, or how long it will still take. */
static void time_text(const struct job_info *j, char out[32])
{
	char age[STR_HUMAN_MAX];
	int64_t left = job_left(j, timestamp_ns());
	uint64_t end = j->ended_ns;
	out[0] = '\0';
	if (left >= 0) {
		str_age((uint64_t)left, age);
		snprintf(out, 32, "%s left", age);
	} else if (end > j->started_ns) {
		str_age((end - j->started_ns) / 1000000000u, age);
		snprintf(out, 32, "took %s", age);
	}
}

static struct json_object *job_json(const struct cli *c, const struct job_info *j)
{
	struct json_object *o = json_object_new_object(), *words = json_object_new_array();
	CLEANUP_FREE char *last = last_words(c, j);
	int64_t left = job_left(j, timestamp_ns());
	for (size_t i = 0; j->words[i]; i++)
		json_object_array_add(words, json_object_new_string(j->words[i]));
	out_add_u64(o, "id", j->id);
	out_add_str(o, "status", job_status_name(j->status));
	json_object_object_add(o, "command", words);
	out_add_str(o, "folder", j->folder);
	out_add_str(o, "who", j->who);
	out_add_u64(o, "started", j->started_ns / 1000000000u);
	json_object_object_add(
	    o, "ended", j->ended_ns ? json_object_new_uint64(j->ended_ns / 1000000000u) : NULL);
	out_add_u64(o, "done", j->done);
	out_add_u64(o, "total", j->total);
	json_object_object_add(o, "left", left >= 0 ? json_object_new_int64(left) : NULL);
	out_add_str(o, "text", j->text);
	json_object_object_add(o, "exit", j->ended_ns ? json_object_new_int(j->exit) : NULL);
	out_add_str(o, "last", last);
	return o;
}

int verb_jobs(struct cli *c)
{
	static const char *const heads[] = {"Id", "Status", "Progress", "Time", "Command"};
	struct err err = {0};
	struct job_info *jobs;
	size_t n;
	if (job_list(&c->home, &jobs, &n, &err) < 0)
		return failed(&err);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < n; i++) {
		char id[16], percent[16], time[32];
		if (cli_flag(c, "running") && jobs[i].status != JOB_STATUS_RUNNING)
			continue;
		if (c->json) {
			json_object_array_add(list, job_json(c, &jobs[i]));
			continue;
		}
		CLEANUP_FREE char *command = command_text(&jobs[i]);
		snprintf(id, sizeof(id), "%u", jobs[i].id);
		percent_text(&jobs[i], percent);
		time_text(&jobs[i], time);
		const char *cells[] = {id, job_status_name(jobs[i].status), percent, time, command};
		out_table_row(t, cells);
	}
	if (c->json) {
		out_json(list);
	} else {
		json_object_put(list);
		out_table_format(t, !c->quiet, &b);
		fwrite(b.data, 1, b.len, stdout);
	}
	out_table_free(t);
	job_list_free(jobs, n);
	return CLI_DONE;
}

static void print_line(const char *key, const char *value)
{
	if (value[0])
		printf("%-15s %s\n", key, value);
}

static void print_info(const struct cli *c, const struct job_info *j)
{
	char percent[16], time[32], started[64], ended[64] = "";
	CLEANUP_FREE char *command = command_text(j);
	CLEANUP_FREE char *last = last_words(c, j);
	timestamp_local(j->started_ns / 1000000000u, TIMESTAMP_LOCAL, started, sizeof(started));
	if (j->ended_ns)
		timestamp_local(j->ended_ns / 1000000000u, TIMESTAMP_LOCAL, ended, sizeof(ended));
	percent_text(j, percent);
	time_text(j, time);
	printf("%-15s %u\n", "Id:", j->id);
	print_line("Status:", job_status_name(j->status));
	print_line("Command:", command);
	print_line("Folder:", j->folder);
	print_line("Started by:", j->who);
	print_line("Started:", started);
	print_line("Ended:", ended);
	print_line("Progress:", percent);
	print_line("Time:", time);
	print_line("Doing:", j->status == JOB_STATUS_RUNNING ? j->text : "");
	if (j->ended_ns && j->exit)
		printf("%-15s %d\n", "Exit status:", j->exit);
	print_line("Last words:", last);
}

static int print_output(const struct cli *c, unsigned id)
{
	struct err err = {0};
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (job_output(&c->home, id, &b, &err) < 0)
		return failed(&err);
	buf_addc(&b, '\0');
	CLEANUP_FREE char *shown = str_printable_lines(b.data);
	fputs(shown, stdout);
	return CLI_DONE;
}

static int wait_for(const struct cli *c, struct job_info *j, struct err *err)
{
	unsigned id = j->id;
	while (j->status == JOB_STATUS_RUNNING && !job_wait(j, WAIT_MS)) {
		job_info_fini(j);
		if (job_read(&c->home, id, j, err) < 0)
			return -1;
		unsigned percent =
		    j->total ? (unsigned)(100.0 * (double)j->done / (double)j->total) : 0;
		out_progress(c, percent, 100, j->text);
	}
	job_info_fini(j);
	return job_read(&c->home, id, j, err);
}

int verb_job_info(struct cli *c)
{
	struct err err = {0};
	struct job_info j = {0};
	unsigned id = 0;
	int status = CLI_DONE;
	if (take_id(cli_value(c, "job"), &id, &err) < 0)
		return failed(&err);
	if (job_read(&c->home, id, &j, &err) < 0 ||
	    (cli_flag(c, "wait") && wait_for(c, &j, &err) < 0)) {
		status = failed(&err);
	} else {
		if (cli_flag(c, "output"))
			status = print_output(c, id);
		else if (c->json)
			out_json(job_json(c, &j));
		else
			print_info(c, &j);
		if (cli_flag(c, "wait") && j.status != JOB_STATUS_DONE)
			status = j.exit ? j.exit : CLI_FAILED;
	}
	job_info_fini(&j);
	return status;
}

/* What a job cannot be: it has no terminal, and nobody is there for it to ask. */
static int check_words(const char *const *words, struct err *err)
{
	const struct verb *v = verb_find(words[0]);
	if (!v)
		return err_set(err, ERR_USAGE, "unknown command: '%s'", words[0]);
	if (v->flags & (VERB_TERMINAL | VERB_HIDDEN) || strcmp(v->name, "job-start") == 0)
		return err_set(err, ERR_USAGE, "'%s' cannot be a job%s", v->name,
		    v->flags & VERB_TERMINAL ? ": it needs a terminal" : "");
	return 0;
}

int verb_job_start(struct cli *c)
{
	struct err err = {0};
	unsigned n, id = 0;
	const char *const *given = cli_values(c, "words", &n);
	CLEANUP_FREE const char **words = xcalloc(n + 1, sizeof(*words));
	memcpy(words, given, n * sizeof(*words));
	if (check_words(words, &err) < 0 || job_start(&c->home, words, &id, &err) < 0)
		return failed(&err);
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_u64(o, "id", id);
		out_json(o);
	} else if (c->quiet) {
		printf("%u\n", id);
	} else {
		printf("Job %u started\n", id);
	}
	return CLI_DONE;
}

int verb_job_cancel(struct cli *c)
{
	unsigned n, id = 0;
	int status = CLI_DONE;
	const char *const *words = cli_values(c, "job", &n);
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		if (take_id(words[i], &id, &err) < 0 || job_cancel(&c->home, id, &err) < 0)
			status = failed(&err);
		else if (!c->json)
			out_message(c, "Job %u is being cancelled", id);
	}
	return status;
}

int verb_job_run(struct cli *c)
{
	struct err err = {0};
	unsigned id = 0;
	uint64_t fd = cli_number(c, "ready-fd", 0);
	if (take_id(cli_value(c, "job"), &id, &err) < 0)
		return failed(&err);
	return job_run(&c->home, id, fd > 2 && fcntl((int)fd, F_GETFD) >= 0 ? (int)fd : -1);
}
