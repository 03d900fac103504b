#include "kvm/plan_argv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv_dev.h"
#include "kvm/argv_image.h"
#include "kvm/plan_node.h"
#include "kvm/plan_words.h"

#define FD_FIRST 100000 /* descriptors' numbers in the words: they are replaced by names */
#define SECRET_FILE "/proc/self/fd/"

/* --- the words of one device --- */
static int one_dev(struct builder *b, const struct domain_dev *dev)
{
	static dev_build_fn *const builds[DEV_KINDS] = {[DEV_CRYPTO] = build_crypto,
	    [DEV_FILESYSTEM] = build_filesystem,
	    [DEV_HOSTDEV] = build_hostdev,
	    [DEV_HUB] = build_hub,
	    [DEV_INPUT] = build_input,
	    [DEV_PANIC] = build_panic,
	    [DEV_REDIRDEV] = build_redirdev,
	    [DEV_RNG] = build_rng,
	    [DEV_SHMEM] = build_shmem,
	    [DEV_SOUND] = build_sound,
	    [DEV_BALLOON] = build_balloon,
	    [DEV_VSOCK] = build_vsock,
	    [DEV_WATCHDOG] = build_watchdog};
	if (builds[dev->kind] == NULL)
		return build_unsupported(b, domain_dev_name(dev->kind), dev->line,
		    "can be attached or detached only while the machine is off: use --config");
	return builds[dev->kind](b, dev);
}

static int build_one(struct builder *b, struct device_ref r)
{
	switch (r.kind) {
	case DEVICE_DISK:
		return build_disk_objects(b, r.index) < 0 ? -1 : build_disk(b, r.index);
	case DEVICE_NET:
		return build_net(b, r.index);
	case DEVICE_CHANNEL:
		return build_channel(b, (unsigned)r.index);
	case DEVICE_CONTROLLER:
		return build_controller(b, &b->d->controllers[r.index]);
	case DEVICE_MEMORY:
		return build_memdev_one(b, r.index);
	case DEVICE_OTHER:
		return one_dev(b, &b->d->devs[r.index]);
	case DEVICE_CONSOLE:
	case DEVICE_KINDS:
		break;
	}
	return build_unsupported(b, device_element_name(b->d, r), device_line(b->d, r),
	    "can be attached or detached only while the machine is off: use --config");
}

/* The secret itself is no part of a plan: who carries it out looks it up. The builder gets its name. */
static char *name_secret(
    void *arg, const char *type, const char *uuid, const char *usage, struct err *err)
{
	(void)arg;
	(void)err;
	return xasprintf("%s %s %s", type != NULL ? type : "passphrase",
	    uuid != NULL ? "uuid" : "usage",
	    uuid != NULL    ? uuid
	    : usage != NULL ? usage
	                    : "");
}

int plan_argv_words(const struct plan_in *in, const struct domain *d, struct device_ref r,
    struct argv_out *words, struct err *err)
{
	*words = (struct argv_out){0};
	CLEANUP_FREE char *run = home_run_dir(in->home, in->name);
	CLEANUP_FREE char *log = home_log_dir(in->home, in->name);
	CLEANUP_FREE char *ram = home_data_file(in->home, "ram", in->name);
	const struct argv_in argv = {.run_dir = run,
	    .log_dir = log,
	    .ram_dir = ram,
	    .fd_first = FD_FIRST,
	    .find_secret = name_secret};
	struct builder b = {.d = d, .c = in->caps, .in = &argv, .out = words, .err = err};
	int rc = build_one(&b, r);
	words->notes = b.notes.len > 0 ? buf_take(&b.notes) : NULL;
	buf_fini(&b.notes);
	if (rc < 0)
		argv_fini(words);
	return rc;
}

/* --- descriptors --- */
char *plan_argv_fd(const struct plan *p, size_t i)
{
	return xasprintf("plan%llu-fd%zu", (unsigned long long)p->id, i);
}

/* One pass over the words. */
struct pass {
	struct plan *p;
	const struct plan_in *in;
	const struct argv_out *words;
	const char *what;
	struct err *err;
};

/* "100000:100001" → the names; others stay. */
static char *fd_names(const struct pass *c, const char *text)
{
	struct buf out = BUF_INIT;
	const char *s = text;
	while (*s != '\0') {
		char *end;
		unsigned long n = strtoul(s, &end, 10);
		if (end == s || n < FD_FIRST || n - FD_FIRST >= c->words->n_sockets ||
		    (*end != ':' && *end != '\0')) {
			buf_fini(&out);
			return NULL;
		}
		CLEANUP_FREE char *name = plan_argv_fd(c->p, n - FD_FIRST);
		buf_addf(&out, "%s%s", out.len > 0 ? ":" : "", name);
		s = *end == ':' ? end + 1 : end;
	}
	return out.len > 0 ? buf_take(&out) : NULL;
}

static void name_fds(const struct pass *c, struct json_object *args)
{
	static const char *const keys[] = {"fd", "fds", "vhostfd", "vhostfds", "str"};
	json_object_object_foreach(args, key, value)
	{
		if (json_object_is_type(value, json_type_object)) {
			name_fds(c, value);
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			if (strcmp(key, keys[i]) != 0 ||
			    !json_object_is_type(value, json_type_string))
				continue;
			CLEANUP_FREE char *name = fd_names(c, json_object_get_string(value));
			if (name != NULL)
				json_object_set_string(value, name);
		}
	}
}

/* A path that QEMU cannot open itself becomes that of a set with one descriptor: plan_node.h says why it is one. */
static void hand_over(struct pass *c, struct json_object *args, bool write)
{
	const char *path = json_get_str(args, "filename");
	if (!c->in->other_user || path == NULL || path[0] != '/')
		return;
	CLEANUP_FREE char *own = xstrdup(path);
	CLEANUP_FREE char *name = xasprintf("/dev/fdset/%ld", plan_file_set(c->p, own, write));
	json_object_object_add(args, "filename", json_object_new_string(name));
	if (write && json_object_object_get_ex(args, "auto-read-only", NULL))
		json_object_object_add(args, "auto-read-only", json_object_new_boolean(0));
}

/* A USB device of the host, when who builds the plan knows its file. */
static void hand_over_usb(struct pass *c, struct json_object *args)
{
	static const char *const found_by[] = {
	    "vendorid", "productid", "hostbus", "hostaddr", "hostport"};
	const char *path = json_get_str(plan_fact(c->in, "hostdev"), "path");
	if (!c->in->other_user || path == NULL)
		return;
	CLEANUP_FREE char *name = xasprintf("/dev/fdset/%ld", plan_file_set(c->p, path, true));
	for (size_t i = 0; i < ARRAY_LEN(found_by); i++)
		json_object_object_del(args, found_by[i]);
	json_object_object_add(args, "hostdevice", json_object_new_string(name));
}

/* The node that reads this one as its "file", the caller's; NULL: none in these words. */
static struct json_object *reader_of(const struct pass *c, const char *name)
{
	for (size_t i = 0; name != NULL && i + 1 < c->words->argc; i += 2) {
		if (strcmp(c->words->argv[i], "-blockdev") != 0)
			continue;
		struct json_object *o =
		    word_kind("-blockdev")->convert(c->words->argv[i + 1], NULL);
		if (str_eq(json_get_str(o, "file"), name))
			return o;
		json_object_put(o);
	}
	return NULL;
}

/* A file's node has no word of it itself: the format above it has, behind a slice. */
static bool is_written(const struct pass *c, struct json_object *node)
{
	int read_only = json_get_bool(node, "read-only", -1);
	if (read_only >= 0)
		return read_only == 0;
	struct json_object *above = reader_of(c, json_get_str(node, "node-name"));
	bool written = above == NULL || is_written(c, above);
	json_object_put(above);
	return written;
}

/* --- secrets --- */
/* "/proc/self/fd/100003": in place of the bytes stands where they are found (plan_secret.h); a cookie is in the document itself. */
static void pass_secret(struct pass *c, struct json_object *args)
{
	const char *file = json_get_str(args, "file");
	if (!str_eq(json_get_str(args, "qom-type"), "secret") || !str_prefix(file, SECRET_FILE))
		return;
	unsigned long n = strtoul(file + strlen(SECRET_FILE), NULL, 10);
	if (n < FD_FIRST || n - FD_FIRST >= c->words->n_sockets)
		return;
	const char *secret = c->words->sockets[n - FD_FIRST].secret;
	json_object_object_del(args, "file");
	json_object_object_add(args, "data",
	    json_get_str(args, "format") != NULL ? plan_args("secret", secret, NULL)
	                                         : json_object_new_string(secret));
}

/* --- words to steps --- */
static char *step_words(const struct pass *c, const struct word_kind *k, struct json_object *args)
{
	const char *id = json_get_str(args, k->key), *driver = json_get_str(args, "driver");
	const char *file = json_get_str(args, "filename");
	if (strcmp(k->command, "device_add") == 0)
		return xasprintf("plug %s in, as %s", c->what, id != NULL ? id : driver);
	if (strcmp(k->command, "blockdev-add") == 0)
		return file != NULL ? xasprintf("%s: open %s in QEMU", c->what, file)
		                    : xasprintf("%s: block node %s", c->what, id);
	if (strcmp(k->command, "netdev_add") == 0)
		return xasprintf("%s: its other end, %s", c->what, id);
	if (strcmp(k->command, "chardev-add") == 0)
		return xasprintf("%s: its back end, %s", c->what, id);
	return xasprintf("%s: object %s", c->what, id);
}

static void undo_device(struct plan_step *s, const char *id)
{
	plan_undo_qmp(s, "device_del", plan_args("id", id, NULL));
	s->undo.until = xstrdup("DEVICE_DELETED");
	s->undo.match = plan_args("device", id, NULL);
}

static int add_word(struct pass *c, const struct word_kind *k, size_t word)
{
	struct json_object *args = k->convert(c->words->argv[word + 1], c->err);
	if (args == NULL)
		return -1;
	const char *key = json_get_str(args, k->key);
	CLEANUP_FREE char *id = xstrdup(key != NULL ? key : "");
	CLEANUP_FREE char *words = step_words(c, k, args);
	name_fds(c, args);
	pass_secret(c, args);
	if (strcmp(k->command, "blockdev-add") == 0)
		hand_over(c, args, is_written(c, args));
	else if (str_eq(json_get_str(args, "driver"), "usb-host"))
		hand_over_usb(c, args);
	else if (str_eq(json_get_str(args, "qom-type"), "rng-random") &&
	         !str_eq(json_get_str(args, "filename"), "/dev/urandom"))
		hand_over(c, args, false);
	struct plan_step *s = plan_qmp(c->p, words, k->command, args);
	if (strcmp(k->command, "device_add") == 0)
		undo_device(s, id);
	else
		plan_undo_qmp(s, k->undo, plan_args(k->undo_key, id, NULL));
	return 0;
}

/* "-action watchdog=pause" has a command of its own, without a way back: it is the machine's. */
static int add_action(struct pass *c, const char *value)
{
	if (!str_prefix(value, "watchdog="))
		return err_set(c->err, ERR_UNSUPPORTED, "'-action %s' cannot be changed", value);
	plan_qmp(c->p, "what the watchdog does when it bites", "set-action",
	    plan_args("watchdog", value + strlen("watchdog="), NULL));
	return 0;
}

/* Those that QEMU takes by getfd, at the front: the numbers are names then. */
static int add_descriptors(struct pass *c)
{
	for (size_t i = 0; i < c->words->n_sockets; i++) {
		const struct argv_socket *k = &c->words->sockets[i];
		CLEANUP_FREE char *name = plan_argv_fd(c->p, i);
		if (k->kind == ARGV_SECRET)
			continue;
		if (k->kind != ARGV_TAP && k->kind != ARGV_VHOST_NET)
			return err_set(c->err, ERR_UNSUPPORTED,
			    "%s: its socket '%s' is made when the machine starts: use --config, or name a path in <source>",
			    c->what, k->file);
		if (k->kind == ARGV_VHOST_NET) {
			struct json_object *open =
			    plan_args("name", name, "path", "/dev/vhost-net", NULL);
			json_object_object_add(open, "write", json_object_new_boolean(1));
			struct plan_step *o =
			    plan_host(c->p, "open vhost-net for QEMU", "open", open);
			plan_undo_host(o, "close", plan_args("name", name, NULL));
		}
		struct plan_step *s = plan_qmp(
		    c->p, "hand the descriptor to QEMU", "getfd", plan_args("fdname", name, NULL));
		s->does.fd = xstrdup(name);
		plan_undo_qmp(s, "closefd", plan_args("fdname", name, NULL));
	}
	return 0;
}

int plan_argv_add(struct plan *p, const struct plan_in *in, const struct argv_out *words,
    const char *what, struct err *err)
{
	struct pass c = {.p = p, .in = in, .words = words, .what = what, .err = err};
	if (add_descriptors(&c) < 0)
		return -1;
	for (size_t i = 0; i + 1 < words->argc; i += 2) {
		const struct word_kind *k = word_kind(words->argv[i]);
		int rc =
		    k != NULL ? add_word(&c, k, i)
		    : strcmp(words->argv[i], "-action") == 0
		        ? add_action(&c, words->argv[i + 1])
		        : err_set(err, ERR_UNSUPPORTED,
		              "%s needs QEMU's option '%s', which a start alone can give: use --config",
		              what, words->argv[i]);
		if (rc < 0)
			return -1;
	}
	if (words->notes != NULL)
		plan_note(p, "%.*s", (int)strcspn(words->notes, "\n"), words->notes);
	return 0;
}

int plan_argv_device(struct plan *p, const struct plan_in *in, const struct domain *d,
    struct device_ref r, const char *what, struct err *err)
{
	struct argv_out words;
	if (plan_argv_words(in, d, r, &words, err) < 0)
		return -1;
	int rc = plan_argv_add(p, in, &words, what, err);
	argv_fini(&words);
	return rc;
}
