/* check-live: a running domain, QEMU's own answers compared with what is written of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/live_check.h"

#define CMDLINE_MAX (1u << 20)

/* The words of QEMU's command line in place; NULL-terminated, on the heap. */
static const char **words_of(struct buf *text)
{
	size_t n = 0;
	const char **argv = xcalloc(1, sizeof(*argv));
	buf_addc(text, '\0');
	for (size_t at = 0; at + 1 < text->len; at += strlen(text->data + at) + 1) {
		argv = xreallocarray(argv, n + 2, sizeof(*argv));
		argv[n++] = text->data + at;
		argv[n] = NULL;
	}
	return argv;
}

static struct json_object *ask(struct live *l, struct err *err)
{
	struct json_object *answers = json_object_new_object();
	for (const struct live_check_query *q = live_check_queries; q->name != NULL; q++) {
		struct json_object *result = NULL,
		                   *args = q->args == NULL ? NULL : json_tokener_parse(q->args);
		if (live_qmp(l, q->command, args, &result, err) == 0)
			json_object_object_add(answers, q->name, result);
		else if (err->code == ERR_TIMEOUT || err->code == ERR_STATE)
			break; /* a command that this QEMU does not have is no obstacle */
		*err = (struct err){0};
	}
	return answers;
}

/* A plan that is written down must be going on. */
static int check_journal(struct live *l, struct buf *out, struct err *err)
{
	struct json_object *o = NULL;
	CLEANUP_FREE char *path = home_run_file(&l->c->home, l->name, "plan.json");
	if (live_call(l, "plan-status", NULL, RPC_TIMEOUT_MS, &o, err) < 0)
		return -1;
	bool going = json_get_str(o, "verb") != NULL, written = access(path, F_OK) == 0;
	json_object_put(o);
	if (going)
		return err_set(err, ERR_BUSY,
		    "a plan goes on ('%s plan-show %s'): what QEMU has is about to change",
		    l->c->prog, l->name);
	if (!written)
		return 0;
	buf_addf(out, "the journal %s was left by a plan that is over\n", path);
	return 1;
}

static int check_page(const struct vm *vm, const struct domain *d, struct buf *out)
{
	const struct status_page *p = vm->head;
	int n = 0;
	if (p == NULL)
		return 0;
	size_t disks = d->n_disks < STATUS_DISKS_MAX ? d->n_disks : STATUS_DISKS_MAX;
	if (p->vcpus != d->vcpus && ++n)
		buf_addf(
		    out, "the document has %u vCPUs, the status page %u\n", d->vcpus, p->vcpus);
	if (p->disks != disks && ++n)
		buf_addf(out, "the document has %zu disks, the status page %u\n", disks, p->disks);
	for (unsigned i = 0; i < p->disks && i < disks; i++)
		if (!str_eq(p->disk[i].target, d->disks[i].target) && ++n)
			buf_addf(out, "disk %u is %s in the document, %s in the status page\n", i,
			    d->disks[i].target, p->disk[i].target);
	return n;
}

static int check(struct live *l, const struct domain *d, struct buf *out, struct err *err)
{
	struct vm vm;
	char path[32];
	CLEANUP_BUF struct buf cmdline = BUF_INIT;
	int n = check_journal(l, out, err);
	if (n < 0 || vm_probe(&l->c->home, l->name, &vm, err) < 0)
		return -1;
	n += check_page(&vm, d, out);
	snprintf(
	    path, sizeof(path), "/proc/%d/cmdline", vm.head == NULL ? 0 : (int)vm.head->qemu_pid);
	vm_fini(&vm);
	(void)file_read(path, CMDLINE_MAX, &cmdline, NULL);
	CLEANUP_FREE const char **argv = words_of(&cmdline);
	struct json_object *answers = ask(l, err);
	struct live_check_in in = {.live = d, .answers = answers, .argv = argv};
	int more = live_check(&in, out, err);
	json_object_put(answers);
	return more < 0 ? -1 : n + more;
}

static void print_json(const struct live *l, const struct buf *out)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	for (size_t at = 0; at < out->len;) {
		size_t n =
		    (size_t)((char *)memchr(out->data + at, '\n', out->len - at) - out->data) - at;
		json_object_array_add(list, json_object_new_string_len(out->data + at, (int)n));
		at += n + 1;
	}
	out_add_str(o, "domain", l->name);
	json_object_object_add(o, "differences", list);
	out_json(o);
}

int verb_check_live(struct cli *c)
{
	struct live l;
	struct domain d;
	struct err err = {0};
	CLEANUP_BUF struct buf out = BUF_INIT;
	int n = live_open_domain(c, &l, &d, &err) < 0 ? -1 : check(&l, &d, &out, &err);
	if (n >= 0 && c->json)
		print_json(&l, &out);
	else if (n > 0)
		fwrite(out.data, 1, out.len, stdout);
	else if (n == 0 && !c->quiet)
		printf("QEMU has what is written of '%s'\n", l.name);
	domain_fini(&d);
	live_fini(&l);
	return n < 0 ? live_failed(NULL, &err) : n > 0 ? CLI_FAILED : CLI_DONE;
}
