/* One domain of libvirt's: what its document needs to mean the same here, and what it names that is
 * not here. Works on the document alone, so that it sees what we cannot run, too. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/import.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define CMDLINE_MAX (1u << 20) /* bytes of /proc/PID/cmdline that are looked at */

/* --- the document --- */
/* The emulator's path is a matter of the host that it came from. */
static void adapt_emulator(xmlNode *devices, struct import_notes *n)
{
	xmlNode *node = xml_child(devices, "emulator");
	CLEANUP_FREE char *path = xml_text(node);
	if (path == NULL || access(path, X_OK) == 0)
		return;
	import_note(n, IMPORT_SAYS,
	    "<emulator> '%s' is not on this host: left out, this host's own QEMU is used", path);
	/* The line stays, empty: messages about what follows name libvirt's lines. */
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

/* libvirt keeps the firmware's variables of a domain under a name that the document need not tell. */
static void adapt_nvram(
    const struct import_tree *t, xmlNode *os, const char *name, struct import_notes *n)
{
	xmlNode *loader = xml_child(os, "loader");
	CLEANUP_FREE char *type = xml_attr(loader, "type"), *firmware = xml_attr(os, "firmware");
	bool efi = str_eq(type, "pflash") || str_eq(firmware, "efi");
	if (!efi || xml_child(os, "nvram") != NULL || t->state == NULL)
		return;
	CLEANUP_FREE char *path = xasprintf("%s/nvram/%s_VARS.fd", t->state, name);
	if (access(path, F_OK) != 0)
		return;
	/* On the line of its neighbour, for the same reason. */
	xmlNode *nvram = xmlNewDocNode(os->doc, NULL, (const xmlChar *)"nvram", NULL);
	xml_set_text(nvram, path);
	if (loader != NULL || xml_first(os) != NULL)
		xmlAddNextSibling(loader != NULL ? loader : xml_first(os), nvram);
	else
		xmlAddChild(os, nvram);
	import_note(n, IMPORT_SAYS, "the firmware's variables are those of '%s'", path);
}

void import_adapt(
    const struct import_tree *t, xmlDoc *doc, const char *name, struct import_notes *n)
{
	xmlNode *root = xmlDocGetRootElement(doc), *os = xml_child(root, "os");
	adapt_emulator(xml_child(root, "devices"), n);
	if (os != NULL)
		adapt_nvram(t, os, name, n);
}

/* --- files --- */
struct file_check {
	const struct import_tree *t;
	struct import_notes *notes;
	const char *what;         /* "disk 'vda'" */
	bool write;               /* the guest writes it */
	enum import_level absent; /* how bad it is when there is none */
};

/* Where a copied tree has it; NULL nowhere. */
static char *in_root(const struct import_tree *t, const char *path)
{
	if (t->root == NULL || t->root[0] == '\0')
		return NULL;
	char *there = xasprintf("%s%s", t->root, path);
	if (access(there, F_OK) == 0)
		return there;
	free(there);
	return NULL;
}

static const char *owner_words(const char *path, char *words, size_t size)
{
	struct stat st;
	words[0] = '\0';
	if (stat(path, &st) == 0)
		snprintf(words, size, " (it belongs to uid %u, mode %03o)", (unsigned)st.st_uid,
		    (unsigned)st.st_mode & 0777);
	return words;
}

static void check_file(const struct file_check *c, const char *path)
{
	char owner[64];
	CLEANUP_FREE char *there = NULL;
	if (path[0] != '/') /* a volume's or a network's name */
		return;
	if (access(path, F_OK) != 0) {
		int why = errno;
		there = in_root(c->t, path);
		import_note(c->notes, c->absent, "%s: '%s': %s%s%s%s", c->what, path, strerror(why),
		    there != NULL ? "; it is in the copied tree, move it there: '" : "",
		    there != NULL ? there : "", there != NULL ? "'" : "");
		return;
	}
	if (access(path, c->write ? R_OK | W_OK : R_OK) != 0)
		import_note(c->notes, IMPORT_WAITS,
		    "%s: you may not %s '%s'%s: chown it to the user that runs hvmux", c->what,
		    c->write ? "write" : "read", path, owner_words(path, owner, sizeof owner));
}

static void check_disk(const struct import_tree *t, const xmlNode *disk, struct import_notes *n)
{
	const xmlNode *source = xml_child(disk, "source");
	CLEANUP_FREE char *device = xml_attr(disk, "device"), *file = xml_attr(source, "file");
	CLEANUP_FREE char *block = xml_attr(source, "dev");
	CLEANUP_FREE char *policy = xml_attr(source, "startupPolicy");
	CLEANUP_FREE char *target = xml_child_attr(disk, "target", "dev");
	CLEANUP_FREE char *what =
	    xasprintf("%s '%s'", device != NULL ? device : "disk", target != NULL ? target : "?");
	bool optional = str_eq(policy, "optional") || str_eq(policy, "requisite");
	bool fixed = device == NULL || strcmp(device, "disk") == 0;
	const struct file_check c = {.t = t,
	    .notes = n,
	    .what = what,
	    .write = fixed && xml_child(disk, "readonly") == NULL,
	    .absent = optional ? IMPORT_DIFFERS : IMPORT_WAITS};
	if (file != NULL || block != NULL)
		check_file(&c, file != NULL ? file : block);
}

static void check_os(const struct import_tree *t, const xmlNode *os, struct import_notes *n)
{
	static const struct {
		const char *element, *what;
	} files[] = {{"kernel", "<kernel>"}, {"initrd", "<initrd>"}, {"dtb", "<dtb>"},
	    {"loader", "<loader>"}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *path = xml_child_text(os, files[i].element);
		const struct file_check c = {
		    .t = t, .notes = n, .what = files[i].what, .absent = IMPORT_WAITS};
		if (path != NULL)
			check_file(&c, path);
	}
	CLEANUP_FREE char *nvram = xml_child_text(os, "nvram");
	const struct file_check c = {.t = t,
	    .notes = n,
	    .what = "<nvram>, the firmware's variables (boot entries, Secure Boot keys)",
	    .write = true,
	    .absent = IMPORT_DIFFERS};
	if (nvram != NULL)
		check_file(&c, nvram);
}

static void check_saved(const struct import_tree *t, const char *name, struct import_notes *n)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct import_file *f = &t->files[i];
		if (f->kind == IMPORT_SAVE && strcmp(f->stem, name) == 0)
			import_note(n, IMPORT_DIFFERS,
			    "its memory was saved to '%s' (virsh managedsave): its next start here begins anew. 'hvmux "
			    "restore' of that file goes on there, where QEMU makes the same hardware of it; else start it in "
			    "libvirt and shut it down",
			    f->path);
		if (f->kind == IMPORT_CHECKPOINT && strcmp(f->domain, name) == 0)
			import_note(n, IMPORT_SAYS, "the backup checkpoint '%s' is not taken over",
			    f->stem);
	}
}

void import_check_files(
    const struct import_tree *t, const xmlDoc *doc, const char *name, struct import_notes *n)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	const xmlNode *devices = xml_child(root, "devices");
	check_os(t, xml_child(root, "os"), n);
	for (const xmlNode *d = xml_first(devices); d != NULL; d = xml_next(d))
		if (xml_is(d, "disk"))
			check_disk(t, d, n);
	check_saved(t, name, n);
}

/* --- processes --- */
/* The word after an option, on the heap; NULL the process is not there or has no such option. */
static char *option_of(pid_t pid, const char *option)
{
	CLEANUP_BUF struct buf words = BUF_INIT;
	CLEANUP_FREE char *path = xasprintf("/proc/%d/cmdline", (int)pid);
	if (file_read(path, CMDLINE_MAX, &words, NULL) < 0 || words.len == 0)
		return NULL;
	for (size_t at = 0, next; at < words.len; at = next) {
		next = at + strlen(words.data + at) + 1;
		if (next < words.len && strcmp(words.data + at, option) == 0)
			return xstrdup(words.data + next);
	}
	return NULL;
}

/* libvirt writes pid files, whose names are those of the domains. They outlive a libvirtd that crashed. */
static pid_t by_pid_file(const char *dir, const char *name)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	CLEANUP_FREE char *path = xasprintf("%s/%s.pid", dir, name);
	CLEANUP_FREE char *guest = xasprintf("guest=%s", name);
	uint64_t pid;
	if (file_read(path, 64, &text, NULL) < 0 || text.len == 0)
		return 0;
	text.data[strcspn(text.data, " \n")] = '\0';
	if (str_u64(text.data, 1u << 30, &pid) < 0)
		return 0;
	CLEANUP_FREE char *word = option_of((pid_t)pid, "-name");
	size_t n = strlen(guest);
	bool its =
	    word != NULL && strncmp(word, guest, n) == 0 && (word[n] == '\0' || word[n] == ',');
	return its ? (pid_t)pid : 0;
}

void import_find_qemus(struct import_tree *t)
{
	DIR *d = opendir("/proc");
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		uint64_t pid;
		char *uuid =
		    str_u64(e->d_name, 1u << 30, &pid) == 0 ? option_of((pid_t)pid, "-uuid") : NULL;
		if (uuid == NULL)
			continue;
		t->qemus = xreallocarray(t->qemus, t->n_qemus + 1, sizeof *t->qemus);
		t->qemus[t->n_qemus++] = (struct import_qemu){(pid_t)pid, uuid};
	}
	if (d != NULL)
		closedir(d);
}

static pid_t by_uuid(const struct import_tree *t, const char *uuid)
{
	for (size_t i = 0; i < t->n_qemus; i++)
		if (strcasecmp(t->qemus[i].uuid, uuid) == 0)
			return t->qemus[i].pid;
	return 0;
}

pid_t import_running(const struct import_tree *t, const char *name, const char *uuid)
{
	const char *session = getenv("XDG_RUNTIME_DIR");
	CLEANUP_FREE char *own = xasprintf("%s/libvirt/qemu/run", session != NULL ? session : "");
	pid_t pid = 0;
	/* The pid files of this host say nothing of the domains of another. */
	if (t->root != NULL && t->root[0] == '\0')
		pid = by_pid_file("/run/libvirt/qemu", name);
	if (pid == 0 && t->root == NULL && session != NULL)
		pid = by_pid_file(own, name);
	return pid != 0 || uuid == NULL ? pid : by_uuid(t, uuid);
}
