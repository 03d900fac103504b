#include "core/osinfo.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/xml.h"

/* --- devices --- */
struct device_word {
	const char *id;
	unsigned device;
};

/* The transitional and the modern id of each. */
static const struct device_word device_words[] = {
    {"http://pcisig.com/pci/1af4/1001", OSINFO_VIRTIO_BLK},
    {"http://pcisig.com/pci/1af4/1042", OSINFO_VIRTIO_BLK},
    {"http://pcisig.com/pci/1af4/1000", OSINFO_VIRTIO_NET},
    {"http://pcisig.com/pci/1af4/1041", OSINFO_VIRTIO_NET},
    {"http://pcisig.com/pci/1af4/1004", OSINFO_VIRTIO_SCSI},
    {"http://pcisig.com/pci/1af4/1048", OSINFO_VIRTIO_SCSI},
    {"http://pcisig.com/pci/1af4/1050", OSINFO_VIRTIO_GPU},
    {"http://pcisig.com/pci/1af4/1005", OSINFO_VIRTIO_RNG},
    {"http://pcisig.com/pci/1af4/1044", OSINFO_VIRTIO_RNG},
    {"http://pcisig.com/pci/1af4/1002", OSINFO_VIRTIO_BALLOON},
    {"http://pcisig.com/pci/1af4/1045", OSINFO_VIRTIO_BALLOON},
    {"http://pcisig.com/pci/1af4/1003", OSINFO_VIRTIO_CONSOLE},
    {"http://pcisig.com/pci/1af4/1043", OSINFO_VIRTIO_CONSOLE},
    {"http://pcisig.com/pci/1af4/1052", OSINFO_VIRTIO_INPUT},
    {"http://pcisig.com/pci/1af4/105a", OSINFO_VIRTIO_FS},
    {"http://pcisig.com/pci/1af4/1012", OSINFO_VIRTIO_VSOCK},
    {"http://pcisig.com/pci/1af4/1053", OSINFO_VIRTIO_VSOCK},
    {"http://pcisig.com/pci/1033/0194", OSINFO_XHCI},
    {"http://pcisig.com/pci/1b36/000d", OSINFO_XHCI},
    {"http://pcisig.com/pci/1b36/0004", OSINFO_XHCI},
    {"http://usb.org/usb/80ee/0021", OSINFO_USB_TABLET},
    {"http://qemu.org/chipset/x86/q35", OSINFO_Q35},
};

static unsigned device_of(const char *id)
{
	for (size_t i = 0; id && i < ARRAY_LEN(device_words); i++)
		if (strcmp(device_words[i].id, id) == 0)
			return device_words[i].device;
	return 0;
}

/* --- one system --- */
/* While the ancestors are not known yet. */
struct entry {
	struct osinfo_os os;
	unsigned without;  /* devices that it has not, though its ancestors have */
	char *parents[2];  /* ids */
	bool joined, busy; /* with its ancestors' devices; being joined */
};

static void os_fini(struct osinfo_os *os)
{
	char *const words[] = {os->id, os->name, os->version, os->family, os->vendor, os->distro,
	    os->codename, os->released, os->ends};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		free(words[i]);
	for (size_t i = 0; i < os->n_short_ids; i++)
		free(os->short_ids[i]);
	free(os->short_ids);
}

static void entry_fini(struct entry *e)
{
	os_fini(&e->os);
	free(e->parents[0]);
	free(e->parents[1]);
}

/* The text of the child that has no language; what a terminal would interpret is made visible. */
static char *plain_text(const xmlNode *os, const char *name)
{
	for (const xmlNode *n = xml_first(os); n != NULL; n = xml_next(n)) {
		if (!xml_is(n, name) || n->properties != NULL)
			continue;
		CLEANUP_FREE char *text = xml_text(n);
		return str_printable(text, strlen(text), 256);
	}
	return NULL;
}

static void add_short_id(struct osinfo_os *os, const xmlNode *n)
{
	CLEANUP_FREE char *text = xml_text(n);
	os->short_ids = xreallocarray(os->short_ids, os->n_short_ids + 1, sizeof(*os->short_ids));
	os->short_ids[os->n_short_ids++] = str_printable(text, strlen(text), 64);
}

static void take_number(const xmlNode *parent, const char *name, uint64_t *out)
{
	CLEANUP_FREE char *text = xml_child_text(parent, name);
	uint64_t n;
	if (text && str_u64(text, INT64_MAX, &n) == 0 && n > 0)
		*out = n;
}

/* Of this architecture, or of all. */
static void take_resources(struct osinfo_os *os, const xmlNode *resources)
{
	static const char *const kinds[] = {"minimum", "recommended"};
	CLEANUP_FREE char *arch = xml_attr(resources, "arch");
	uint64_t cpus = os->cpus;
	if (!str_eq(arch, "all") && !str_eq(arch, "x86_64"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const xmlNode *kind = xml_child(resources, kinds[i]);
		take_number(kind, "ram", &os->ram);
		take_number(kind, "storage", &os->storage);
		take_number(kind, "n-cpus", &cpus);
	}
	os->cpus = cpus < 4096 ? (unsigned)cpus : 0;
}

static void take_devices(struct entry *e, const xmlNode *devices)
{
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		CLEANUP_FREE char *id = xml_attr(n, "id"), *removed = xml_attr(n, "removed");
		unsigned device = xml_is(n, "device") ? device_of(id) : 0;
		if (str_eq(removed, "true"))
			e->without |= device;
		else
			e->os.devices |= device;
	}
}

/* False: nothing by which anybody could name it. */
static bool read_os(const xmlNode *node, struct entry *e)
{
	*e = (struct entry){0};
	struct osinfo_os *os = &e->os;
	os->id = xml_attr(node, "id");
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		if (xml_is(n, "short-id"))
			add_short_id(os, n);
		else if (xml_is(n, "resources"))
			take_resources(os, n);
		else if (xml_is(n, "devices"))
			take_devices(e, n);
	}
	if (!os->id || !os->n_short_ids)
		return false;
	os->name = plain_text(node, "name");
	os->version = plain_text(node, "version");
	os->family = plain_text(node, "family");
	os->vendor = plain_text(node, "vendor");
	os->distro = plain_text(node, "distro");
	os->codename = plain_text(node, "codename");
	os->released = plain_text(node, "release-date");
	os->ends = plain_text(node, "eol-date");
	e->parents[0] = xml_child_attr(node, "derives-from", "id");
	e->parents[1] = xml_child_attr(node, "clones", "id");
	return true;
}

/* --- folders --- */
struct reading {
	struct entry *entries;
	size_t n, room;
	unsigned files;
};

static void add_entry(struct reading *r, struct entry *e)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->entries[i].os.id, e->os.id) == 0) {
			entry_fini(&r->entries[i]);
			r->entries[i] = *e;
			return;
		}
	if (r->n == r->room) {
		r->room = r->room ? r->room * 2 : 256;
		r->entries = xreallocarray(r->entries, r->room, sizeof(*r->entries));
	}
	r->entries[r->n++] = *e;
}

static void read_file(struct reading *r, const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (r->files++ >= OSINFO_FILES_MAX || file_read(path, STORE_XML_MAX, &text, NULL) < 0 ||
	    !text.data)
		return;
	CLEANUP_XML xmlDoc *doc = xml_read(text.data, text.len, path, "libosinfo", NULL);
	if (!doc)
		return;
	for (const xmlNode *n = xml_first(xmlDocGetRootElement(doc)); n != NULL; n = xml_next(n)) {
		struct entry e;
		if (!xml_is(n, "os"))
			continue;
		if (read_os(n, &e))
			add_entry(r, &e);
		else
			entry_fini(&e);
	}
}

/* os/VENDOR/NAME.xml, and plainer trees. */
static void read_folder(struct reading *r, const char *dir, unsigned depth)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		size_t len = strlen(name);
		CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
		if (name[0] != '.' && len > 4 && strcmp(name + len - 4, ".xml") == 0)
			read_file(r, path);
		else if (name[0] != '.' && depth > 0 && list[i]->d_type != DT_REG)
			read_folder(r, path, depth - 1);
		free(list[i]);
	}
	free(list);
}

/* --- what derives from what --- */
static struct entry *find_entry(struct reading *r, const char *id)
{
	for (size_t i = 0; id && i < r->n; i++)
		if (strcmp(r->entries[i].os.id, id) == 0)
			return &r->entries[i];
	return NULL;
}

/* A ring, or a chain that is too long, ends where it is noticed. */
static unsigned join(struct reading *r, struct entry *e, unsigned depth)
{
	if (e->joined || e->busy || depth == OSINFO_DEPTH_MAX)
		return e->os.devices;
	e->busy = true;
	unsigned inherited = 0;
	for (size_t i = 0; i < 2; i++) {
		struct entry *parent = find_entry(r, e->parents[i]);
		if (parent)
			inherited |= join(r, parent, depth + 1);
	}
	e->os.devices |= inherited & ~e->without;
	e->busy = false;
	e->joined = true;
	return e->os.devices;
}

static int by_short_id(const void *pa, const void *pb)
{
	const struct osinfo_os *a = pa, *b = pb;
	int order = strcmp(a->short_ids[0], b->short_ids[0]);
	return order ? order : strcmp(a->id, b->id);
}

static void take_entries(struct reading *r, struct osinfo_db *db)
{
	db->oses = xcalloc(r->n + 1, sizeof(*db->oses));
	for (size_t i = 0; i < r->n; i++)
		join(r, &r->entries[i], 0);
	for (size_t i = 0; i < r->n; i++) {
		db->oses[db->n++] = r->entries[i].os;
		r->entries[i].os = (struct osinfo_os){0};
		entry_fini(&r->entries[i]);
	}
	free(r->entries);
	qsort(db->oses, db->n, sizeof(*db->oses), by_short_id);
}

int osinfo_read(const char *const *dirs, struct osinfo_db *db, struct err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	CLEANUP_FREE char *user = config && config[0] == '/'
	                              ? xasprintf("%s/osinfo", config)
	                              : xasprintf("%s/.config/osinfo", home ? home : "");
	const char *const usual[] = {OSINFO_DIR, "/etc/osinfo", user, NULL};
	struct reading r = {0};
	*db = (struct osinfo_db){0};
	for (const char *const *dir = dirs ? dirs : usual; *dir; dir++) {
		CLEANUP_FREE char *os = xasprintf("%s/os", *dir);
		read_folder(&r, os, 2);
	}
	if (r.n == 0) {
		free(r.entries);
		return err_set(err, ERR_NOT_FOUND,
		    "no operating systems are known here: there is nothing in %s/os; install the package osinfo-db",
		    dirs ? dirs[0] : OSINFO_DIR);
	}
	take_entries(&r, db);
	return 0;
}

void osinfo_fini(struct osinfo_db *db)
{
	for (size_t i = 0; i < db->n; i++)
		os_fini(&db->oses[i]);
	free(db->oses);
	*db = (struct osinfo_db){0};
}

const struct osinfo_os *osinfo_find(const struct osinfo_db *db, const char *word)
{
	for (size_t i = 0; i < db->n; i++) {
		const struct osinfo_os *os = &db->oses[i];
		if (strcmp(os->id, word) == 0)
			return os;
		for (size_t k = 0; k < os->n_short_ids; k++)
			if (strcmp(os->short_ids[k], word) == 0)
				return os;
	}
	return NULL;
}
