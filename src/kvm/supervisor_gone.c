#include "kvm/supervisor_gone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/supervisor_plan.h"

#define LIST_MAX 65536 /* bytes */
#define ASK_MS 5000

static char *list_path(const struct home *h, const char *name)
{
	return home_run_file(h, name, "leaving");
}

/* --- the list --- */

static bool read_list(const struct home *h, const char *name, struct buf *text)
{
	CLEANUP_FREE char *path = list_path(h, name);
	if (file_read(path, LIST_MAX, text, NULL) < 0)
		return false;
	buf_addc(text, '\0');
	return true;
}

bool gone_listed(const struct home *h, const char *name, const char *alias)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	char *save = NULL;
	if (!read_list(h, name, &text))
		return false;
	for (char *l = strtok_r(text.data, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (strcmp(l, alias) == 0)
			return true;
	return false;
}

int gone_note(const struct home *h, const char *name, const char *alias, bool on, struct err *err)
{
	CLEANUP_FREE char *path = list_path(h, name);
	CLEANUP_FREE char *fresh = xasprintf("%s.new", path);
	CLEANUP_BUF struct buf text = BUF_INIT, out = BUF_INIT;
	char *save = NULL;
	if (gone_listed(h, name, alias) == on)
		return 0;
	if (read_list(h, name, &text))
		for (char *l = strtok_r(text.data, "\n", &save); l != NULL;
		     l = strtok_r(NULL, "\n", &save))
			if (strcmp(l, alias) != 0)
				buf_addf(&out, "%s\n", l);
	if (on)
		buf_addf(&out, "%s\n", alias);
	if (out.len == 0)
		return unlink(path) == 0 || errno == ENOENT
		           ? 0
		           : err_errno(err, errno, "cannot remove '%s'", path);
	CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, out.data, out.len) < 0 || rename(fresh, path) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

void gone_forget(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = list_path(h, name);
	unlink(path);
}

/* --- one is gone --- */

static void put_away(struct supervisor *s, const char *alias)
{
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "alias", json_object_new_string(alias));
	sup_plan_own(s, "device-gone", args);
}

void sup_gone_event(struct supervisor *s, struct json_object *data)
{
	const char *id = json_get_str(data, "device");
	if (id == NULL)
		return; /* a part of another */
	audit_write(s->home, s->name, "who=guest what=device-gone device=%s", id);
	put_away(s, id);
}

static bool has_child(struct json_object *list, const char *name)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++)
		if (str_eq(json_get_str(json_object_array_get_idx(list, i), "name"), name))
			return true;
	return false;
}

/* Nothing of what QEMU says counts while a plan is about to change it: at its end it is asked again. */
static void got_devices(void *arg, struct json_object *list, const struct err *err)
{
	struct supervisor *s = arg;
	CLEANUP_BUF struct buf text = BUF_INIT;
	char *save = NULL;
	if (err != NULL || sup_plan_busy(s) || !read_list(s->home, s->name, &text))
		return;
	for (char *l = strtok_r(text.data, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (!has_child(list, l))
			put_away(s, l);
}

void sup_gone_check(struct supervisor *s)
{
	CLEANUP_FREE char *path = list_path(s->home, s->name);
	if (access(path, F_OK) < 0 || s->qmp == NULL)
		return;
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "path", json_object_new_string("/machine/peripheral"));
	qmp_send(s->qmp, "qom-list", args, ASK_MS, got_devices, s);
}
