/* What a plan is built from: the documents, what QEMU can do, whose files it may open; and the building. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/supervisor_plan_impl.h"

static int read_documents(struct supervisor *s, struct sup_request *q, struct err *err)
{
	if (sup_read_domain(s, true, &q->live, err) < 0)
		return -1;
	CLEANUP_FREE char *path = home_domain_xml(s->home, s->name);
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (access(path, F_OK) == 0) {
		if (store_read(s->home, s->name, &xml, err) < 0 ||
		    domain_parse(xml.data == NULL ? "" : xml.data, xml.len, path,
		        DOMAIN_PARSE_LENIENT, &q->config, NULL, err) < 0)
			return -1;
		q->has_config = true;
	}
	if (caps_get(s->home, q->live.emulator, q->live.arch, &q->caps, err) < 0)
		return -1;
	q->has_caps = true;
	return 0;
}

/* Whose files can QEMU open? Its effective user, as the kernel has it. */
static bool runs_as_other(pid_t pid)
{
	char path[32];
	unsigned ruid, euid;
	CLEANUP_BUF struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf_reserve(&text, 4096), 4095);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text.data[n] = '\0';
	const char *line = strstr(text.data, "\nUid:");
	return line != NULL && sscanf(line, "\nUid: %u %u", &ruid, &euid) == 2 && euid != geteuid();
}

/* Ids never repeat, so that nothing of an earlier plan is met by its name. */
static void id_next(const struct supervisor *s, bool take, uint64_t *id)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "plan-id");
	CLEANUP_BUF struct buf text = BUF_INIT;
	char now[24];
	*id = 1;
	if (file_read(path, 32, &text, NULL) == 0 && text.len > 0)
		*id = strtoull(text.data, NULL, 10) + 1;
	if (!take)
		return;
	int n = snprintf(now, sizeof(now), "%" PRIu64 "\n", *id);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || pwrite(fd, now, (size_t)n, 0) != n)
		log_warn("cannot write '%s'", path);
	if (fd >= 0)
		close(fd);
}

static int where_of(const struct sup_request *q, unsigned *where, struct err *err)
{
	struct json_object *list = json_get_arr(q->params, "where");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	*where = 0;
	for (size_t i = 0; i < n; i++) {
		const char *w = json_object_get_string(json_object_array_get_idx(list, i));
		if (str_eq(w, "live"))
			*where |= PLAN_LIVE;
		else if (str_eq(w, "config"))
			*where |= PLAN_CONFIG;
		else
			return err_set(err, ERR_INVALID,
			    "plan: \"where\" is a list of \"live\" and \"config\"");
	}
	if (*where == 0)
		*where = PLAN_LIVE;
	if ((*where & PLAN_CONFIG) != 0 && !q->has_config)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: transient domains do not have any persistent config");
	return 0;
}

int sup_plan_build(struct supervisor *s, struct sup_request *q, struct plan *plan, struct err *err)
{
	struct json_object *args = json_get_obj(q->params, "args");
	struct json_object *none = args == NULL ? json_object_new_object() : NULL;
	struct plan_in in = {.home = s->home,
	    .name = s->name,
	    .live = &q->live,
	    .config = q->has_config ? &q->config : NULL,
	    .caps = &q->caps,
	    .args = args == NULL ? none : args,
	    .facts = q->facts,
	    .now_ns = timestamp_ns(),
	    .other_user = q->other_user};
	id_next(s, !q->dry_run, &in.id);
	plan_init(plan, q->verb->name, in.id);
	int rc = where_of(q, &in.where, err);
	if (rc == 0 && q->verb->look != NULL)
		rc = q->verb->look(&in, q->facts, err);
	if (rc == 0)
		rc = q->verb->build(&in, plan, err);
	if (rc == 0 && plan->n > PLAN_STEPS_MAX)
		rc = err_set(err, ERR_INVALID, "a plan of %zu steps is too long", plan->n);
	json_object_put(none);
	if (rc < 0)
		plan_fini(plan);
	return rc;
}

/* --- reading and dropping --- */

int sup_plan_read_sources(struct supervisor *s, struct sup_request *q, struct err *err)
{
	if (read_documents(s, q, err) < 0)
		return -1;
	q->other_user = runs_as_other(s->pid);
	q->facts = json_object_new_object();
	return 0;
}

void sup_plan_drop_sources(struct sup_request *q)
{
	domain_fini(&q->live);
	domain_fini(&q->config);
	if (q->has_caps)
		caps_fini(&q->caps);
	q->live = q->config = (struct domain){0};
	q->has_config = q->has_caps = false;
	json_object_put(q->facts);
	q->facts = NULL;
}
