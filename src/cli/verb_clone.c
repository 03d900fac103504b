/* clone: another domain like one that is there, with disks of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/clone_document.h"
#include "cli/clone_plan.h"
#include "cli/dispatch.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/definitions.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "disk/bases.h"
#include "disk/convert_file.h"
#include "disk/img_create.h"
#include "disk/img_target.h"
#include "kvm/disk_volumes.h"

#define COPIES_MAX 1000u /* of a name that --auto numbers */

struct clone {
	struct cli *c;
	const struct home *h;
	char *from, *to;
	struct buf xml; /* the original's document */
	struct domain d;
	struct clone_plan plan;
	char *old_nvram, *new_nvram; /* NULL: there are no variables to copy */
	bool explicit_nvram;         /* the document says where they are */
	struct img *
	    *held; /* the original's images, locked as readers do: nobody starts it meanwhile */
	size_t n_held;
	int idle;     /* -1: nobody's, or another clone's that is being made */
	bool running; /* its QEMU has the locks */
	bool paused;  /* by us */
	struct progress progress;
	bool progressing;
	char **made; /* files, to be removed when the clone fails */
	size_t n_made;
};

static void clone_fini(struct clone *k)
{
	for (size_t i = 0; i < k->n_made; i++)
		free(k->made[i]);
	free(k->made);
	clone_plan_fini(&k->plan);
	domain_fini(&k->d);
	buf_fini(&k->xml);
	free(k->from);
	free(k->to);
	free(k->old_nvram);
	free(k->new_nvram);
	for (size_t i = 0; i < k->n_held; i++)
		img_drop(&k->held[i]);
	free(k->held);
	cleanup_close(&k->idle);
}

/* --- who --- */

/* NAME-clone, NAME-clone-1 … as virt-clone numbers them. */
static char *automatic_name(const struct clone *k)
{
	for (unsigned i = 0; i < COPIES_MAX; i++) {
		struct vm vm;
		char *name =
		    i ? xasprintf("%s-clone-%u", k->from, i) : xasprintf("%s-clone", k->from);
		if (vm_probe(k->h, name, &vm, NULL) < 0)
			return name;
		vm_fini(&vm);
		free(name);
	}
	return NULL;
}

static int choose_names(struct clone *k, struct err *err)
{
	struct cli *c = k->c;
	const char *word = cli_value(c, "domain"), *o = cli_value(c, "original");
	const char *name = cli_value(c, "name");
	if ((word != NULL) == (o != NULL))
		return err_set(err, ERR_USAGE,
		    "which domain is to be cloned? '%s clone DOMAIN --name NEW'", c->prog);
	if (!name && !cli_flag(c, "auto") && !cli_flag(c, "auto-clone"))
		return err_set(err, ERR_USAGE,
		    "what is the clone's name? --name NEW says it, --auto chooses one");
	k->from = vm_resolve(k->h, word ? word : o, err);
	if (!k->from)
		return -1;
	k->to = name ? xstrdup(name) : automatic_name(k);
	if (!k->to)
		return err_set(err, ERR_EXISTS, "all names up to '%s-clone-%u' are taken", k->from,
		    COPIES_MAX);
	return name_check("domain", k->to, err);
}

static int read_original(struct clone *k, struct err *err)
{
	struct vm vm;
	if (store_read(k->h, k->from, &k->xml, err) < 0)
		return -1;
	if (vm_probe(k->h, k->to, &vm, NULL) == 0) {
		vm_fini(&vm);
		return err_set(err, ERR_EXISTS, "domain '%s' is there already", k->to);
	}
	if (domain_parse(k->xml.len ? k->xml.data : "", k->xml.len, k->from, DOMAIN_PARSE_LENIENT,
	        &k->d, NULL, err) < 0)
		return -1;
	return disk_volumes_resolve(k->h, &k->d, err);
}

/* --- what --- */

static int make_plan(struct clone *k, struct err *err)
{
	struct clone_wishes w = {.from = k->from,
	    .to = k->to,
	    .linked = cli_flag(k->c, "linked"),
	    .preserve = cli_flag(k->c, "preserve-data")};
	w.files = cli_values(k->c, "file", &w.n_files);
	w.skip = cli_values(k->c, "skip-copy", &w.n_skip);
	w.force = cli_values(k->c, "force-copy", &w.n_force);
	if (w.linked && w.preserve)
		return err_set(err, ERR_USAGE, "--linked and --preserve-data exclude each other");
	return clone_plan(&k->d, &w, &k->plan, err);
}

static void plan_nvram(struct clone *k)
{
	const struct os_nvram *v = &k->d.os.nvram;
	const char *told = cli_value(k->c, "nvram");
	if (v->path && v->type != NVRAM_FILE)
		return;
	k->explicit_nvram = v->path != NULL || told != NULL;
	CLEANUP_FREE char *file = xasprintf("%s_VARS.fd", k->from);
	k->old_nvram = v->path ? xstrdup(v->path) : home_data_file(k->h, "nvram", file);
	if (told) {
		k->new_nvram = xstrdup(told);
	} else if (v->path) {
		k->new_nvram = clone_path(v->path, k->from, k->to, NULL);
	} else {
		CLEANUP_FREE char *own = xasprintf("%s_VARS.fd", k->to);
		k->new_nvram = home_data_file(k->h, "nvram", own);
	}
}

static bool needs(const struct clone *k, enum clone_way way)
{
	for (size_t i = 0; i < k->plan.n; i++)
		if (k->plan.disks[i].way == way)
			return true;
	return false;
}

/* --- a source that stands still --- */

static int ask_supervisor(const struct clone *k, const char *method, struct err *err)
{
	struct rpc_client *r = live_connect(k->h, k->from, err);
	int rc = r ? rpc_call(r, method, NULL, RPC_TIMEOUT_MS, NULL, err) : -1;
	rpc_free(r);
	return rc;
}

static int hold_running(struct clone *k, enum vm_state state, struct err *err)
{
	if (needs(k, CLONE_LINK))
		return err_set(err, ERR_STATE,
		    "domain '%s' is running: it would go on writing to what a linked clone is based on; shut it "
		    "down first, or clone it in full",
		    k->from);
	if (!needs(k, CLONE_COPY) || state == VM_PAUSED)
		return 0;
	if (!cli_flag(k->c, "pause"))
		return err_set(err, ERR_STATE,
		    "domain '%s' is running: shut it down first, or --pause: its guest then stands still while its "
		    "disks are copied, and the clone's disks are as after a power cut",
		    k->from);
	if (ask_supervisor(k, "suspend", err) < 0)
		return err_wrap(err, "cannot pause '%s'", k->from);
	k->paused = true;
	return 0;
}

/* Other clones of the same may be made at the same time. */
static int hold_images(struct clone *k, struct err *err)
{
	k->held = xcalloc(k->plan.n + 1, sizeof(*k->held));
	for (size_t i = 0; i < k->plan.n; i++) {
		const struct clone_disk *disk = &k->plan.disks[i];
		if (disk->way != CLONE_COPY && disk->way != CLONE_LINK)
			continue;
		struct img *im = img_open(
		    disk->disk->image.path, disk_format_name(disk->disk->image.format), 0, err);
		if (!im)
			return err_wrap(err, "disk '%s'", disk->disk->target);
		k->held[k->n_held++] = im;
	}
	return 0;
}

static int hold_original(struct clone *k, struct err *err)
{
	struct vm vm;
	if (vm_probe(k->h, k->from, &vm, err) < 0)
		return -1;
	k->running = vm.live;
	if (!vm.live)
		k->idle = vm_lock_shared(k->h, k->from, NULL);
	int rc = vm.live ? hold_running(k, vm.state, err) : hold_images(k, err);
	vm_fini(&vm);
	return rc;
}

static void let_go(struct clone *k)
{
	struct err err = {0};
	if (k->paused && ask_supervisor(k, "resume", &err) < 0)
		out_warning(
		    "'%s' is still paused: %s; 'hvmux resume %s'", k->from, err.msg, k->from);
	k->paused = false;
}

/* --- copying --- */

static void note_made(struct clone *k, const char *path)
{
	k->made = xreallocarray(k->made, k->n_made + 1, sizeof(*k->made));
	k->made[k->n_made++] = xstrdup(path);
}

/* Who may read the original's disk may read the copy, and nobody else. */
static void take_access(const char *from, const char *to)
{
	struct err err = {0};
	if (img_target_access(from, to, &err) < 0)
		out_warning("%s", err.msg);
}

static unsigned source_flags(const struct clone *k)
{
	return k->running ? IMG_FORCE_SHARE : 0;
}

static int copy_image(struct clone *k, const char *from, const char *from_format, const char *to,
    const char *format, struct err *err)
{
	const struct convert_file f = {.sources = &from,
	    .n_sources = 1,
	    .source_format = from_format,
	    .source_flags = source_flags(k),
	    .target = to,
	    .format = format,
	    .fresh = true,
	    .sync = true,
	    .copy = {.sparse = cli_flag(k->c, "nonsparse") ? 0 : CONVERT_SPARSE,
	        .progress = k->progressing ? &k->progress : NULL}};
	mode_t old = umask(077);
	int rc = convert_file(&f, err);
	umask(old);
	if (rc < 0)
		return -1;
	note_made(k, to);
	take_access(from, to);
	return 0;
}

static int link_image(struct clone *k, const struct clone_disk *disk, struct err *err)
{
	const char *base = disk->disk->image.path;
	struct img_create c = {.format = "qcow2",
	    .fresh = true,
	    .qcow2 = {
	        .backing = base, .backing_format = disk_format_name(disk->disk->image.format)}};
	if (bases_note(k->h, base, disk->path, err) < 0)
		return -1;
	mode_t old = umask(077);
	int rc = img_create_now(disk->path, &c, err);
	umask(old);
	if (rc < 0)
		return -1;
	note_made(k, disk->path);
	take_access(base, disk->path);
	return 0;
}

static int make_disks(struct clone *k, struct err *err)
{
	for (size_t i = 0; i < k->plan.n; i++) {
		const struct clone_disk *disk = &k->plan.disks[i];
		int rc = 0;
		if (disk->way == CLONE_LINK)
			rc = link_image(k, disk, err);
		else if (disk->way == CLONE_COPY)
			rc = copy_image(k, disk->disk->image.path,
			    disk_format_name(disk->disk->image.format), disk->path,
			    disk_format_name(disk->format), err);
		if (rc < 0)
			return err_wrap(err, "disk '%s'", disk->disk->target);
	}
	return 0;
}

static int make_nvram(struct clone *k, struct err *err)
{
	const char *format = k->d.os.nvram.format ? k->d.os.nvram.format : "raw";
	if (!k->old_nvram || access(k->old_nvram, F_OK) < 0)
		return 0;
	if (access(k->new_nvram, F_OK) == 0)
		return err_set(err, ERR_EXISTS,
		    "'%s' exists: --nvram says where else the clone's firmware variables are to be",
		    k->new_nvram);
	/* Not part of the progress: half a MiB. */
	bool progressing = k->progressing;
	k->progressing = false;
	int rc = copy_image(k, k->old_nvram, format, k->new_nvram, format, err);
	k->progressing = progressing;
	return rc < 0 ? err_wrap(err, "firmware variables") : 0;
}

/* What there is to copy, by what the images say of themselves. */
static int begin_progress(struct clone *k, struct err *err)
{
	uint64_t total = 0;
	for (size_t i = 0; i < k->plan.n; i++) {
		const struct clone_disk *disk = &k->plan.disks[i];
		if (disk->way != CLONE_COPY)
			continue;
		CLEANUP(img_drop)
		struct img *im = img_open(disk->disk->image.path,
		    disk_format_name(disk->disk->image.format), IMG_FORCE_SHARE, err);
		if (!im)
			return err_wrap(err, "disk '%s'", disk->disk->target);
		total += im->size;
	}
	progress_start(&k->progress, progress_form_of(false, k->c->quiet), STDERR_FILENO, total);
	k->progressing = true;
	return 0;
}

static void remove_made(struct clone *k)
{
	for (size_t i = 0; i < k->n_made; i++)
		if (unlink(k->made[i]) < 0 && errno != ENOENT)
			out_warning("'%s' stays: %s", k->made[i], strerror(errno));
}

/* --- the definition --- */

static char *new_document(struct clone *k, size_t *n, struct buf *notes, struct err *err)
{
	struct clone_identity id = {.name = k->to,
	    .uuid = cli_value(k->c, "uuid"),
	    .nvram = k->explicit_nvram ? k->new_nvram : NULL};
	id.macs = cli_values(k->c, "mac", &id.n_macs);
	/* virt-clone's word for a new one. */
	for (unsigned i = 0; i < id.n_macs; i++)
		if (str_eq(id.macs[i], "RANDOM"))
			id.n_macs = i;
	return clone_document(k->xml.data, k->xml.len, k->from, &k->plan, &id, n, notes, err);
}

static int define(struct clone *k, const char *xml, size_t n, struct err *err)
{
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP(definitions_fini) struct definitions all = {0};
	CLEANUP_CLOSE int lock = store_lock(k->h, err);
	struct vm vm;
	if (lock < 0 || definitions_read(k->h, &all, err) < 0 ||
	    domain_parse(xml, n, k->to, DOMAIN_PARSE_LENIENT, &d, NULL, err) < 0)
		return -1;
	if (vm_probe(k->h, k->to, &vm, NULL) == 0) {
		vm_fini(&vm);
		return err_set(err, ERR_EXISTS, "domain '%s' is there already", k->to);
	}
	return definitions_store(k->h, &all, &d, err);
}

static void print_plan(const struct clone *k)
{
	static const char *const words[] = {[CLONE_SHARE] = "shared",
	    [CLONE_COPY] = "copied",
	    [CLONE_LINK] = "linked",
	    [CLONE_KEEP] = "kept"};
	static const char *const heads[] = {"Target", "Original", "How", "Clone"};
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < k->plan.n; i++) {
		const struct clone_disk *disk = &k->plan.disks[i];
		const char *old = disk->disk->image.path;
		const char *cells[] = {disk->disk->target, old ? old : "-", words[disk->way],
		    disk->path ? disk->path
		    : old      ? old
		               : "-"};
		out_table_row(t, cells);
	}
	out_table_format(t, !k->c->quiet, &b);
	fwrite(b.data, 1, b.len, stdout);
	out_table_free(t);
}

static int copy_and_define(struct clone *k, const char *xml, size_t n, struct err *err)
{
	/* An interrupt is not to leave the guest paused. */
	if (begin_progress(k, err) < 0)
		return -1;
	int rc = hold_original(k, err);
	if (rc == 0)
		rc = make_disks(k, err);
	if (rc == 0)
		rc = make_nvram(k, err);
	let_go(k);
	progress_stop(&k->progress, rc == 0);
	if (rc == 0)
		rc = define(k, xml, n, err);
	return rc;
}

static void tell_notes(const struct buf *notes)
{
	for (size_t at = 0; at < notes->len;) {
		const char *line = notes->data + at, *nl = memchr(line, '\n', notes->len - at);
		int n = (int)(nl ? nl - line : (ptrdiff_t)(notes->len - at));
		out_warning("%.*s", n, line);
		at += (size_t)n + 1;
	}
}

static int clone(struct clone *k, struct err *err)
{
	CLEANUP_BUF struct buf notes = BUF_INIT;
	size_t n;
	if (choose_names(k, err) < 0 || read_original(k, err) < 0 || make_plan(k, err) < 0)
		return -1;
	plan_nvram(k);
	CLEANUP_FREE char *xml = new_document(k, &n, &notes, err);
	if (!xml)
		return -1;
	if (cli_flag(k->c, "print-xml")) {
		fwrite(xml, 1, n, stdout);
		return 0;
	}
	if (cli_flag(k->c, "dry-run")) {
		print_plan(k);
		return 0;
	}
	int rc = copy_and_define(k, xml, n, err);
	if (rc < 0) {
		let_go(k);
		remove_made(k);
		return -1;
	}
	tell_notes(&notes);
	out_message(k->c, "Clone '%s' created successfully.", k->to);
	return 0;
}

int verb_clone(struct cli *c)
{
	struct err err = {0};
	CLEANUP(clone_fini) struct clone k = {.c = c, .h = &c->home, .idle = -1};
	int rc = clone(&k, &err);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	if (k.progressing)
		progress_die();
	return out_status(&err);
}
