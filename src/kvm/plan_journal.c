#include "kvm/plan_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

/* The kernel copies into one page at a go: a killed writer has written all of it or nothing. */
#define HEAD_MAX 4096

void plan_journal_fini(struct plan_journal *j)
{
	free(j->failure);
	*j = (struct plan_journal){0};
}

/* Of one width while the number of steps is the same. */
static char *head_of(struct json_object *o)
{
	const char *phase = json_get_str(o, "phase"), *fates = json_get_str(o, "fates");
	CLEANUP_FREE char *quoted = xasprintf("\"%s\"", phase == NULL ? "" : phase);
	return xasprintf("{\"at\":%6" PRId64 ",\"failed_at\":%6" PRId64
	                 ",\"phase\":%-12s,\"fates\":\"%s\"",
	    json_get_int(o, "at", 0), json_get_int(o, "failed_at", 0), quoted,
	    fates == NULL ? "" : fates);
}

static bool is_in_head(const char *key)
{
	return str_eq(key, "at") || str_eq(key, "failed_at") || str_eq(key, "phase") ||
	       str_eq(key, "fates");
}

static char *failure_of(struct json_object *o)
{
	const char *error = json_get_str(o, "error"), *notes = json_get_str(o, "notes");
	return xasprintf("%s\n%s", error == NULL ? "" : error, notes == NULL ? "" : notes);
}

static int write_over(const char *path, const char *head, size_t n)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && pwrite(fd, head, n, 0) == (ssize_t)n ? 0 : -1;
}

static int write_whole(const char *path, const char *head, struct json_object *o, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	CLEANUP_FREE char *fresh = xasprintf("%s.new", path);
	buf_adds(&text, head);
	json_object_object_foreach(o, key, value)
	{
		if (!is_in_head(key))
			buf_addf(&text, ",\"%s\":%s", key,
			    json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	}
	buf_addc(&text, '}');
	CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, text.data, text.len) < 0 || rename(fresh, path) < 0)
		return err_set(err, ERR_IO, "cannot write '%s': %s", path, strerror(errno));
	return 0;
}

int plan_journal_write(
    struct plan_journal *j, const char *path, struct json_object *o, struct err *err)
{
	CLEANUP_FREE char *head = head_of(o), *failure = failure_of(o);
	size_t n = strlen(head);
	if (j->head == n && n <= HEAD_MAX && str_eq(j->failure, failure) &&
	    write_over(path, head, n) == 0)
		return 0;
	plan_journal_fini(j);
	if (write_whole(path, head, o, err) < 0)
		return -1;
	j->head = n;
	j->failure = TAKE_PTR(failure);
	return 0;
}

void plan_journal_remove(struct plan_journal *j, const char *path)
{
	unlink(path);
	plan_journal_fini(j);
}
