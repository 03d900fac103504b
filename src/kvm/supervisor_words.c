/* What happened to a VM, in words that an administrator understands: from the guest's consoles, QEMU's log, its events. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/qemu_log.h"
#include "kvm/supervisor_impl.h"

#define PANIC_LINES 60 /* of the console are searched for the guest's own word */

/* The guest's own word, from the end of its consoles: "panic: …" or its last line; on the heap, NULL none. */
static char *guest_word(const struct supervisor *s, bool panic)
{
	for (unsigned i = 0; i < s->n_hubs; i++) {
		CLEANUP_FREE char *lines = hub_last_lines(s->hubs[i], PANIC_LINES);
		char *at = lines == NULL || !panic ? NULL : strstr(lines, "panic");
		if (at == NULL)
			continue;
		while (at > lines && at[-1] != '\n')
			at--;
		return xstrndup(at, strcspn(at, "\n"));
	}
	for (unsigned i = 0; i < s->n_hubs; i++) {
		struct hub_facts f;
		hub_facts(s->hubs[i], &f);
		if (f.line[0] != '\0')
			return xstrdup(f.line);
	}
	return NULL;
}

/* The kernel's "[   12.345678] " says nothing in a list of VMs. */
static const char *skip_time(const char *line)
{
	const char *end = line[0] == '[' ? strchr(line, ']') : NULL;
	if (end == NULL || end - line > 20 ||
	    strspn(line + 1, " .0123456789") != (size_t)(end - line - 1))
		return line;
	return end[1] == ' ' ? end + 2 : end + 1;
}

static void describe_exit(const struct supervisor *s, char out[80])
{
	int st = s->exit_status;
	if (st < 0)
		snprintf(out, 80, "QEMU ended (exit status unknown)");
	else if (WIFSIGNALED(st))
		snprintf(out, 80, "QEMU was killed by signal %d (%s)", WTERMSIG(st),
		    strsignal(WTERMSIG(st)));
	else
		snprintf(out, 80, "QEMU ended with exit status %d", WEXITSTATUS(st));
}

/* What Windows says of a bug check, by Hyper-V's crash registers: QEMU, qapi/run-state.json, GuestPanicInformationHyperV. */
static void hyperv_words(struct json_object *info, char out[160])
{
	out[0] = '\0';
	if (!str_eq(json_get_str(info, "type"), "hyper-v"))
		return;
	snprintf(out, 160,
	    "; stop code 0x%" PRIx64 " (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
	    ")",
	    (uint64_t)json_get_int(info, "arg1", 0), (uint64_t)json_get_int(info, "arg2", 0),
	    (uint64_t)json_get_int(info, "arg3", 0), (uint64_t)json_get_int(info, "arg4", 0),
	    (uint64_t)json_get_int(info, "arg5", 0));
}

void sup_describe_panic(struct supervisor *s, struct json_object *data)
{
	char more[160];
	CLEANUP_FREE char *line = guest_word(s, true);
	hyperv_words(json_get_obj(data, "info"), more);
	if (line != NULL)
		sup_detail(s, "panic: \"%.200s\"%s", skip_time(line), more);
	else
		sup_detail(s, "the guest panicked and left no word on its console%s", more);
}

static void describe_crash(struct supervisor *s)
{
	char how[80];
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	CLEANUP_FREE char *line = guest_word(s, false);
	describe_exit(s, how);
	if (str_prefix(words, "warning: "))
		words[0] = '\0'; /* of its start: not what it died of */
	sup_detail(s, "%s%s%s%s%.160s%s", how, words[0] == '\0' ? "" : ": ", words,
	    line == NULL ? "" : "; last on the console: \"", line == NULL ? "" : skip_time(line),
	    line == NULL ? "" : "\"");
}

/* The disk that QEMU speaks of by the name of its node (kvm/argv_disk.c). */
static const struct status_disk *disk_meant(const struct status_page *p, const char *words)
{
	static const char *const keys[] = {"node-name=", ",drive="};
	for (unsigned i = 0; i < p->disks * ARRAY_LEN(keys); i++) {
		const struct status_disk *disk = &p->disk[i / ARRAY_LEN(keys)];
		const char *key = keys[i % ARRAY_LEN(keys)];
		const char *at = strstr(words, key);
		size_t n = strlen(disk->target);
		if (at == NULL || n == 0 || strncmp(at += strlen(key), disk->target, n) != 0)
			continue;
		if (str_prefix(at + n, "-file") || str_prefix(at + n, "-format"))
			return disk;
	}
	return NULL;
}

/* The running domain whose disk this is, too; on the heap, NULL none that we know of. */
static char *disk_holder(const struct supervisor *s, const char *path)
{
	struct vm *vms;
	size_t n;
	const char *holder = NULL;
	if (vm_list(s->home, &vms, &n, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n && holder == NULL; i++) {
		bool other = vms[i].live && vms[i].has_page && !str_eq(vms[i].name, s->name);
		for (unsigned k = 0; other && k < vms[i].head->disks; k++)
			if (str_eq(vms[i].head->disk[k].path, path))
				holder = vms[i].name;
	}
	char *name = holder != NULL ? xstrdup(holder) : NULL;
	vm_list_free(vms, n);
	return name;
}

static void describe_disk(struct supervisor *s, const struct status_disk *disk, const char *words)
{
	CLEANUP_FREE char *holder =
	    strstr(words, "lock") != NULL ? disk_holder(s, disk->path) : NULL;
	if (holder != NULL)
		sup_detail(s, "QEMU did not start: disk '%s' (%s) is in use by domain '%.200s': %s",
		    disk->target, disk->path, holder, words);
	else
		sup_detail(
		    s, "QEMU did not start: disk '%s' (%s): %s", disk->target, disk->path, words);
}

/* A QEMU that did not start speaks for itself. */
static void describe_failure(struct supervisor *s)
{
	char how[80];
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	describe_exit(s, how);
	CLEANUP_FREE char *side = companion_words(s->companions);
	const struct status_disk *disk = disk_meant(s->page.page, words);
	if (side != NULL)
		sup_detail(s, "%.300s; QEMU did not start: %s", side, words);
	else if (disk != NULL)
		describe_disk(s, disk, words);
	else if (words[0] != '\0')
		sup_detail(s, "QEMU did not start: %s", words);
	else
		sup_detail(s, "QEMU did not start and says nothing: %s", how);
}

static void describe_quit(struct supervisor *s)
{
	CLEANUP_FREE char *words = qemu_log_words(s->home, s->name);
	if (s->machine.reason == VM_REASON_DESTROYED &&
	    strstr(words, "terminating on signal") != NULL)
		sup_detail(s, "ended from outside: %s", words);
}

void sup_describe_death(struct supervisor *s)
{
	if (s->detail[0] != '\0')
		return;
	if (s->pid != 0)
		sup_describe_panic(s, NULL); /* it lives: its guest does not */
	else if (s->machine.state == MACHINE_QUITTING)
		describe_quit(s);
	else if (s->machine.state == MACHINE_STARTING)
		describe_failure(s);
	else
		describe_crash(s);
}

/* --- disk errors --- */

#define IO_TOLD_NS \
	60000000000ull /* between two records of errors that the guest itself was told of */

/* The disk to which a node of QEMU's belongs: its name begins with the target (kvm/argv_disk.c). */
static const struct status_disk *disk_of_node(const struct status_page *p, const char *node)
{
	for (unsigned i = 0; node != NULL && i < p->disks; i++) {
		size_t n = strlen(p->disk[i].target);
		if (n > 0 && strncmp(node, p->disk[i].target, n) == 0 &&
		    (node[n] == '-' || node[n] == '\0'))
			return &p->disk[i];
	}
	return NULL;
}

static void describe_io(
    struct supervisor *s, const char *node, const char *operation, const char *reason, bool nospace)
{
	const struct status_disk *k = disk_of_node(s->page.page, node);
	sup_detail(s, "disk '%s'%s%.160s%s: %s error: %s; %s, then 'hvmux resume %s' tries again",
	    k != NULL      ? k->target
	    : node != NULL ? node
	                   : "?",
	    k != NULL ? " (" : "", k != NULL ? k->path : "", k != NULL ? ")" : "", operation,
	    reason, nospace ? "make room there" : "see to it", s->name);
}

/* virsh's words for what was done about it. */
static const char *io_action(const char *qemu)
{
	if (str_eq(qemu, "stop"))
		return "pause";
	return str_eq(qemu, "report") ? "report" : "none";
}

void sup_io_error(struct supervisor *s, struct json_object *data)
{
	const char *node = json_get_str(data, "node-name"), *reason = json_get_str(data, "reason");
	const char *operation = json_get_str(data, "operation"),
	           *action = json_get_str(data, "action");
	bool stop = str_eq(action, "stop");
	if (node == NULL || node[0] == '\0')
		node = json_get_str(data, "device");
	reason = reason != NULL ? reason : "I/O error";
	const struct status_disk *k = disk_of_node(s->page.page, node);
	CLEANUP_FREE char *detail = xasprintf("%s (%s) %s due to %s", k != NULL ? k->path : "?",
	    k != NULL      ? k->target
	    : node != NULL ? node
	                   : "?",
	    io_action(action), reason);
	/* Each request that is under way fails by itself: the first one is what is told. */
	bool again =
	    stop ? s->machine.state == MACHINE_PAUSED && s->machine.reason == VM_REASON_IOERROR
	         : s->io_told_ns != 0 && loop_now_ns() - s->io_told_ns < IO_TOLD_NS;
	if (again) {
		control_event(s->control, "io-error", detail, json_object_get(data));
	} else {
		sup_tell(s, "io-error", detail, json_object_get(data));
		s->io_told_ns = loop_now_ns();
	}
	if (!stop)
		return;
	if (!again)
		describe_io(s, node, operation == NULL ? "I/O" : operation, reason,
		    json_get_bool(data, "nospace", 0));
	machine_handle(&s->machine, EV_IOERROR, NULL);
}

/* "Block Copy for /images/a.qcow2 ready", in virsh's words; its id begins with the disk's target. */
static void tell_job(struct supervisor *s, const char *name, struct json_object *data)
{
	static const char *const events[][2] = {{"BLOCK_JOB_COMPLETED", "completed"},
	    {"BLOCK_JOB_CANCELLED", "canceled"}, {"BLOCK_JOB_READY", "ready"}};
	static const char *const types[][2] = {{"stream", "Block Pull"}, {"mirror", "Block Copy"},
	    {"commit", "Block Commit"}, {"backup", "Backup"}};
	const char *kind = "Unknown job", *status = NULL, *type = json_get_str(data, "type");
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_eq(name, events[i][0]))
			status = events[i][1];
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i][0]))
			kind = types[i][1];
	if (status == NULL)
		return;
	if (json_get_str(data, "error") != NULL)
		status = "failed";
	/* Only a commit of what the guest writes to gets ready. */
	if (str_eq(type, "commit") && str_eq(status, "ready"))
		kind = "Active Block Commit";
	const struct status_disk *k = disk_of_node(s->page.page, json_get_str(data, "device"));
	CLEANUP_FREE char *detail =
	    xasprintf("%s for %s %s", kind, k != NULL ? k->path : "?", status);
	control_event(s->control, "block-job", detail, json_object_get(data));
}

static void tell_threshold(struct supervisor *s, struct json_object *data)
{
	const char *node = json_get_str(data, "node-name");
	const struct status_disk *k = disk_of_node(s->page.page, node);
	CLEANUP_FREE char *detail = xasprintf("dev: %s(%s) %lld %lld",
	    k != NULL      ? k->target
	    : node != NULL ? node
	                   : "?",
	    k != NULL ? k->path : "?", (long long)json_get_int(data, "write-threshold", 0),
	    (long long)json_get_int(data, "amount-exceeded", 0));
	sup_tell(s, "block-threshold", detail, json_object_get(data));
}

void sup_block_event(struct supervisor *s, const char *name, struct json_object *data)
{
	if (str_eq(name, "BLOCK_WRITE_THRESHOLD"))
		tell_threshold(s, data);
	else if (str_prefix(name, "BLOCK_JOB_"))
		tell_job(s, name, data);
}

static void got_blocks(void *arg, struct json_object *list, const struct err *err)
{
	struct supervisor *s = arg;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *status = json_get_str(o, "io-status");
		if (status == NULL || str_eq(status, "ok"))
			continue;
		bool nospace = str_eq(status, "nospace");
		describe_io(s, json_get_str(json_get_obj(o, "inserted"), "node-name"), "I/O",
		    nospace ? "No space left on device" : "it failed", nospace);
		sup_publish(s);
		return;
	}
}

void sup_find_io_error(struct supervisor *s)
{
	if (s->detail[0] == '\0' && s->qmp != NULL && s->qmp_ready)
		qmp_send(s->qmp, "query-block", NULL, 0, got_blocks, s);
}
