#include "tui/plug_forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/plug_facts.h"
#include "tui/actions.h"
#include "tui/view_form.h"
#include "tui/widgets.h"

/* --- what all have --- */

#define WHEN_HELP "until it ends: the definition stays as it is"

static const char *const when_words[] = {PLUG_WHEN_BOTH, PLUG_WHEN_NOW, PLUG_WHEN_NEXT, NULL};
static const char *const when_now[] = {PLUG_WHEN_NOW, NULL};
static const char *const when_next[] = {PLUG_WHEN_NEXT, NULL};

#define WHEN_FIELD                                                                             \
	{                                                                                      \
		.label = "When", .kind = FORM_CHOICE, .choices = when_words, .help = WHEN_HELP \
	}

static const struct plug_facts *facts_of(const struct form *f)
{
	return f->facts;
}

void plug_words_when(const struct form *f, unsigned field, struct form_words *w)
{
	const char *when = f->value[field].hidden
	                       ? (facts_of(f)->live ? PLUG_WHEN_NOW : PLUG_WHEN_NEXT)
	                       : form_text(f, field);
	if (strcmp(when, PLUG_WHEN_NEXT) != 0)
		form_words_add(w, "--live");
	if (strcmp(when, PLUG_WHEN_NOW) != 0)
		form_words_add(w, "--config");
}

bool plug_fill(struct app *app, struct form *f, unsigned when)
{
	struct err err = {0};
	struct plug_facts *facts =
	    plug_facts_read(app->home, f->domain, action_live(app, f->domain), &err);
	if (!facts) {
		app_message(app, STYLE_ERROR, "%s", err.msg);
		return false;
	}
	f->facts = facts;
	f->free_facts = plug_facts_free;
	if (!facts->live || !facts->defined) {
		form_choices(f, when, facts->live ? when_now : when_next, NULL);
		form_hide(f, when);
		form_note(f, "%s",
		    facts->live ? "It is in no definition: it is gone when it ends."
		                : "It is off: the next start brings it.");
	}
	return true;
}

static void offer_names(char *const *names, const char *start, struct offers *o)
{
	for (size_t i = 0; names[i]; i++)
		offers_add(o, names[i], start);
}

/* Files; and before a '/' is typed, those of the default pool. */
static void offer_images(const struct form *f, const char *start, struct offers *o)
{
	CLEANUP_FREE char *images = xasprintf("%s/images/", facts_of(f)->home.data);
	offers_files(o, *start ? start : images);
}

/* --- a disk --- */

enum { DISK_SOURCE, DISK_BUS, DISK_TARGET, DISK_FORMAT, DISK_ACCESS, DISK_WHEN };

static const char *const buses[] = {"virtio", "scsi", "sata", "usb", NULL};
static const char *const formats[] = {"qcow2", "raw", NULL};
#define ACCESS_RO "read only"
#define ACCESS_SHARED "shared with others"
static const char *const accesses[] = {"read and write", ACCESS_RO, ACCESS_SHARED, NULL};

static const struct form_field disk_fields[] = {
    [DISK_SOURCE] = {.label = "Image or device",
        .required = true,
        .offer = offer_images,
        .help = "an image file or a block device; a new image is made on the Storage screen (i)"},
    [DISK_BUS] = {.label = "Bus",
        .kind = FORM_CHOICE,
        .choices = buses,
        .help = "virtio: the fastest; sata takes no disk while the guest runs"},
    [DISK_TARGET] = {.label = "Target",
        .help = "its name here: vdb; empty: the first that is free"},
    [DISK_FORMAT] = {.label = "Format",
        .kind = FORM_CHOICE,
        .choices = formats,
        .help = "of the image; a block device is raw"},
    [DISK_ACCESS] = {.label = "Access",
        .kind = FORM_CHOICE,
        .choices = accesses,
        .help = "shared: only for a file system that is made for it"},
    [DISK_WHEN] = WHEN_FIELD,
};

static void disk_compose(const struct form *f, struct form_words *w)
{
	const char *bus = form_text(f, DISK_BUS), *target = form_text(f, DISK_TARGET),
	           *access = form_text(f, DISK_ACCESS);
	char free_one[16];
	plug_facts_target(facts_of(f), strcmp(bus, "virtio") == 0 ? "vd" : "sd", free_one);
	form_words_add(w, form_text(f, DISK_SOURCE));
	form_words_add(w, *target ? target : free_one);
	form_words_option(w, "--targetbus", bus);
	form_words_option(w, "--subdriver", form_text(f, DISK_FORMAT));
	if (strcmp(access, ACCESS_RO) == 0)
		form_words_option(w, "--mode", "readonly");
	else if (strcmp(access, ACCESS_SHARED) == 0)
		form_words_option(w, "--mode", "shareable");
	plug_words_when(f, DISK_WHEN, w);
}

const struct form_spec plug_spec_disk = {.title = "plug a disk",
    .verb = "attach-disk",
    .fields = disk_fields,
    .n = ARRAY_LEN(disk_fields),
    .compose = disk_compose};

static bool disk_fill(struct app *app, struct form *f, void *arg)
{
	(void)arg;
	return plug_fill(app, f, DISK_WHEN);
}

void plug_form_disk(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_disk, domain, disk_fill, NULL);
}

/* --- a NIC --- */

enum { NIC_TYPE, NIC_SOURCE, NIC_MODEL, NIC_MAC, NIC_FORWARD, NIC_WHEN };

static const char *const nic_types[] = {"bridge", "network", "user", NULL};
static const char *const models[] = {"virtio", "e1000e", "e1000", "rtl8139", NULL};

static void offer_networks(const struct form *f, const char *start, struct offers *o)
{
	bool bridge = strcmp(form_text(f, NIC_TYPE), "bridge") == 0;
	offer_names(bridge ? facts_of(f)->bridges : facts_of(f)->networks, start, o);
}

static const struct form_field nic_fields[] = {
    [NIC_TYPE] = {.label = "Connected to a",
        .kind = FORM_CHOICE,
        .choices = nic_types,
        .help = "user: through QEMU itself, without rights on the host, and slowly"},
    [NIC_SOURCE] = {.label = "Its name",
        .offer = offer_networks,
        .help = "of the bridge or network; none for user"},
    [NIC_MODEL] = {.label = "Model",
        .kind = FORM_CHOICE,
        .choices = models,
        .help = "virtio: the fastest; the others are for guests without its driver"},
    [NIC_MAC] = {.label = "MAC address", .help = "empty: one is made"},
    [NIC_FORWARD] = {.label = "Forwarded port",
        .help = "of user alone: tcp:2222:22 leads port 2222 of the host to the guest's 22"},
    [NIC_WHEN] = WHEN_FIELD,
};

static const char *nic_check(const struct form *f, unsigned *at)
{
	bool user = strcmp(form_text(f, NIC_TYPE), "user") == 0;
	if (!user && !*form_text(f, NIC_SOURCE)) {
		*at = NIC_SOURCE;
		return "Its name: which bridge or network? Tab shows those that there are";
	}
	if (!user && *form_text(f, NIC_FORWARD)) {
		*at = NIC_FORWARD;
		return "Ports are forwarded by user alone: on a bridge the guest has an address of its own";
	}
	return NULL;
}

static void nic_compose(const struct form *f, struct form_words *w)
{
	bool user = strcmp(form_text(f, NIC_TYPE), "user") == 0;
	form_words_add(w, form_text(f, NIC_TYPE));
	if (!user)
		form_words_add(w, form_text(f, NIC_SOURCE));
	form_words_option(w, "--model", form_text(f, NIC_MODEL));
	form_words_option(w, "--mac", form_text(f, NIC_MAC));
	form_words_option(w, "--forward", form_text(f, NIC_FORWARD));
	plug_words_when(f, NIC_WHEN, w);
}

const struct form_spec plug_spec_nic = {.title = "plug a network card",
    .verb = "attach-interface",
    .fields = nic_fields,
    .n = ARRAY_LEN(nic_fields),
    .check = nic_check,
    .compose = nic_compose};

static bool nic_fill(struct app *app, struct form *f, void *arg)
{
	const struct plug_facts *facts;
	(void)arg;
	if (!plug_fill(app, f, NIC_WHEN))
		return false;
	facts = facts_of(f);
	if (facts->bridges[0])
		form_set(f, NIC_SOURCE, facts->bridges[0]);
	else
		form_set(f, NIC_TYPE, facts->networks[0] ? "network" : "user");
	return true;
}

void plug_form_nic(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_nic, domain, nic_fill, NULL);
}

/* --- vCPUs --- */

enum { VCPUS_COUNT, VCPUS_WHEN };

static const struct form_field vcpus_fields[] = {
    [VCPUS_COUNT] = {.label = "vCPUs",
        .required = true,
        .help =
            "how many it has then; the guest has to bring new ones online, and to let go of old ones"},
    [VCPUS_WHEN] = WHEN_FIELD,
};

static const char *vcpus_check(const struct form *f, unsigned *at)
{
	char *end;
	unsigned long n = strtoul(form_text(f, VCPUS_COUNT), &end, 10);
	*at = VCPUS_COUNT;
	if (*end || n == 0 || *form_text(f, VCPUS_COUNT) == '-')
		return "vCPUs: a number from 1 on";
	if (facts_of(f)->live && n > facts_of(f)->vcpus_max)
		return "That is more than the machine was started with room for: setvcpus --maximum --config, and a start, make room";
	return NULL;
}

static void vcpus_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, form_text(f, VCPUS_COUNT));
	plug_words_when(f, VCPUS_WHEN, w);
}

const struct form_spec plug_spec_vcpus = {.title = "vCPUs",
    .verb = "setvcpus",
    .fields = vcpus_fields,
    .n = ARRAY_LEN(vcpus_fields),
    .check = vcpus_check,
    .compose = vcpus_compose};

static bool vcpus_fill(struct app *app, struct form *f, void *arg)
{
	char count[16];
	(void)arg;
	if (!plug_fill(app, f, VCPUS_WHEN))
		return false;
	form_note(f, "It has %u of at most %u.", facts_of(f)->vcpus, facts_of(f)->vcpus_max);
	snprintf(count, sizeof(count), "%u", facts_of(f)->vcpus);
	form_set(f, VCPUS_COUNT, count);
	return true;
}

void plug_form_vcpus(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_vcpus, domain, vcpus_fill, NULL);
}

/* --- memory --- */

enum { MEMORY_SIZE, MEMORY_MODEL, MEMORY_WHEN };
enum { BALLOON_SIZE, BALLOON_WHEN };
#define MODEL_DIMM "DIMM"
#define MODEL_VIRTIO "virtio-mem"

static const char *const memory_models[] = {MODEL_DIMM, MODEL_VIRTIO, NULL};
static const struct form_field balloon_fields[] = {
    [BALLOON_SIZE] = {.label = "Memory",
        .required = true,
        .help = "512M, 4G: what the guest has then; the balloon takes the rest away from it"},
    [BALLOON_WHEN] = WHEN_FIELD,
};
static const struct form_field memory_fields[] = {
    [MEMORY_SIZE] = {.label = "Size",
        .required = true,
        .initial = "1G",
        .help = "512M, 4G: a multiple of 128M is taken by every guest"},
    [MEMORY_MODEL] = {.label = "As a",
        .kind = FORM_CHOICE,
        .choices = memory_models,
        .help = "virtio-mem can shrink and grow later; a DIMM goes as a whole"},
    [MEMORY_WHEN] = WHEN_FIELD,
};

/* "4G" as KiB; 0: no size. */
static uint64_t kib_of(const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit;
	uint64_t kib = n;
	if (end == text || *text == '-' || n > (1ull << 40))
		return 0;
	unit = *end ? strchr(units, *end & ~0x20) : units + 1;
	if (!unit || (*end && end[1] && strcmp(end + 1, "iB") != 0))
		return 0;
	for (; unit > units; unit--)
		kib = kib > (1ull << 44) ? 0 : kib * 1024;
	return kib;
}

static const char *size_check(const struct form *f, unsigned *at)
{
	*at = 0;
	return kib_of(form_text(f, 0)) ? NULL : "A size is a number and K, M, G or T: 512M, 4G";
}

/* A part of a memory block stays unused, without a word, in a Linux guest. */
static const char *memory_check(const struct form *f, unsigned *at)
{
	const char *wrong = size_check(f, at);
	bool dimm = strcmp(form_text(f, MEMORY_MODEL), MODEL_DIMM) == 0;
	if (wrong || !dimm || kib_of(form_text(f, MEMORY_SIZE)) % (128 * 1024) == 0)
		return wrong;
	return "A DIMM is a multiple of 128M, or Linux refuses it: 256M, 1G (virtio-mem takes others)";
}

static void balloon_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, form_text(f, BALLOON_SIZE));
	plug_words_when(f, BALLOON_WHEN, w);
}

static void memory_compose(const struct form *f, struct form_words *w)
{
	bool dimm = strcmp(form_text(f, MEMORY_MODEL), MODEL_DIMM) == 0;
	unsigned long long kib = kib_of(form_text(f, MEMORY_SIZE));
	CLEANUP_FREE char *xml =
	    dimm
	        ? xasprintf("<memory model='dimm'><target><size unit='KiB'>%llu</size>"
	                    "</target></memory>",
	              kib)
	        : xasprintf(
	              "<memory model='virtio-mem'><target><size unit='KiB'>%llu</size><block "
	              "unit='KiB'>2048</block><requested unit='KiB'>%llu</requested></target></memory>",
	              kib, kib);
	form_words_option(w, "--xml", xml);
	plug_words_when(f, MEMORY_WHEN, w);
}

const struct form_spec plug_spec_balloon = {.title = "memory that the guest has",
    .verb = "setmem",
    .fields = balloon_fields,
    .n = ARRAY_LEN(balloon_fields),
    .check = size_check,
    .compose = balloon_compose};
const struct form_spec plug_spec_memory = {.title = "plug memory",
    .verb = "attach-device",
    .fields = memory_fields,
    .n = ARRAY_LEN(memory_fields),
    .check = memory_check,
    .compose = memory_compose};

/* A guest that has less than it uses kills processes, or falls over. */
static void balloon_used(struct app *app, struct form *f)
{
	const struct vm_entry *e = model_find(app->model, f->domain);
	char used[STR_HUMAN_MAX];
	if (!e || !facts_of(f)->live || !e->used_kib)
		return;
	str_human(e->used_kib * 1024, used);
	form_note(f, "It uses %s of that: with less it ends what it runs, or itself.", used);
}

static bool balloon_fill(struct app *app, struct form *f, void *arg)
{
	char pair[32], size[32];
	(void)arg;
	if (!plug_fill(app, f, BALLOON_WHEN))
		return false;
	widget_memory(facts_of(f)->memory_kib, facts_of(f)->most_kib, pair);
	form_note(f, "It has %s: more than that only memory that is plugged in gives it.", pair);
	snprintf(size, sizeof(size), "%lluM", (unsigned long long)(facts_of(f)->memory_kib / 1024));
	form_set(f, BALLOON_SIZE, size);
	balloon_used(app, f);
	return true;
}

static bool memory_fill(struct app *app, struct form *f, void *arg)
{
	(void)arg;
	if (!plug_fill(app, f, MEMORY_WHEN))
		return false;
	if (facts_of(f)->hotplug_memory)
		return true;
	app_message(app, STYLE_ERROR,
	    "%s has no room for memory: its definition needs <maxMemory slots='…'>, and a start",
	    f->domain);
	return false;
}

void plug_form_balloon(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_balloon, domain, balloon_fill, NULL);
}

void plug_form_memory(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_memory, domain, memory_fill, NULL);
}

/* --- a CD or floppy --- */

enum { MEDIUM_DRIVE, MEDIUM_DO, MEDIUM_SOURCE, MEDIUM_FORCE, MEDIUM_WHEN };
#define DO_INSERT "insert"
#define DO_EJECT "eject"

static const char *const medium_dos[] = {DO_INSERT, DO_EJECT, NULL};
static const struct form_field medium_fields[] = {
    [MEDIUM_DRIVE] = {.label = "Drive", .kind = FORM_CHOICE},
    [MEDIUM_DO] = {.label = "Do", .kind = FORM_CHOICE, .choices = medium_dos},
    [MEDIUM_SOURCE] = {.label = "Image", .offer = offer_images, .help = "an ISO file, to insert"},
    [MEDIUM_FORCE] = {.label = "Force",
        .kind = FORM_MARK,
        .help = "also when the guest has locked the tray: what it reads from it then fails"},
    [MEDIUM_WHEN] = WHEN_FIELD,
};

static const struct plug_drive *drive_of(const struct form *f)
{
	const struct plug_facts *facts = facts_of(f);
	for (size_t i = 0; i < facts->n_drives; i++)
		if (strcmp(facts->drives[i].target, form_text(f, MEDIUM_DRIVE)) == 0)
			return &facts->drives[i];
	return NULL;
}

static const char *medium_check(const struct form *f, unsigned *at)
{
	*at = MEDIUM_SOURCE;
	if (strcmp(form_text(f, MEDIUM_DO), DO_INSERT) == 0 && !*form_text(f, MEDIUM_SOURCE))
		return "Image: which one is to be inserted?";
	return NULL;
}

static void medium_compose(const struct form *f, struct form_words *w)
{
	const struct plug_drive *d = drive_of(f);
	bool insert = strcmp(form_text(f, MEDIUM_DO), DO_INSERT) == 0;
	form_words_add(w, form_text(f, MEDIUM_DRIVE));
	if (insert)
		form_words_add(w, form_text(f, MEDIUM_SOURCE));
	form_words_add(w, !insert ? "--eject" : d && d->medium ? "--update" : "--insert");
	if (form_mark(f, MEDIUM_FORCE))
		form_words_add(w, "--force");
	plug_words_when(f, MEDIUM_WHEN, w);
}

const struct form_spec plug_spec_medium = {.title = "CD or floppy",
    .verb = "change-media",
    .fields = medium_fields,
    .n = ARRAY_LEN(medium_fields),
    .check = medium_check,
    .compose = medium_compose};

static bool medium_fill(struct app *app, struct form *f, void *arg)
{
	const struct plug_facts *facts;
	const struct plug_drive *d;
	if (!plug_fill(app, f, MEDIUM_WHEN))
		return false;
	facts = facts_of(f);
	if (!facts->n_drives) {
		app_message(app, STYLE_ERROR,
		    "%s has no CD or floppy drive: one is defined (c) and is there from the next start on",
		    f->domain);
		return false;
	}
	const char **drives = xcalloc(facts->n_drives + 1, sizeof(*drives));
	for (size_t i = 0; i < facts->n_drives; i++) {
		drives[i] = facts->drives[i].target;
		form_note(f, "%s (%s): %s", facts->drives[i].target,
		    facts->drives[i].floppy ? "floppy" : "CD",
		    facts->drives[i].medium ? facts->drives[i].medium : "empty");
	}
	form_choices(f, MEDIUM_DRIVE, drives, arg);
	free(drives);
	d = drive_of(f);
	form_set(f, MEDIUM_DO, arg && d && d->medium ? DO_EJECT : DO_INSERT);
	return true;
}

void plug_form_medium(struct app *app, const char *domain, const char *target)
{
	view_form_open(app, &plug_spec_medium, domain, medium_fill, (void *)(uintptr_t)target);
}

void plug_form_drive(struct app *app, const char *domain)
{
	plug_form_medium(app, domain, NULL);
}

/* --- any device --- */

enum { FILE_PATH, FILE_WHEN };

static void offer_any(const struct form *f, const char *start, struct offers *o)
{
	(void)f;
	offers_files(o, start);
}

static const struct form_field file_fields[] = {
    [FILE_PATH] = {.label = "File",
        .required = true,
        .offer = offer_any,
        .help = "one element as it stands in <devices>: <rng model='virtio'>…"},
    [FILE_WHEN] = WHEN_FIELD,
};

static void file_compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, form_text(f, FILE_PATH));
	plug_words_when(f, FILE_WHEN, w);
}

const struct form_spec plug_spec_file = {.title = "plug a device as XML",
    .verb = "attach-device",
    .fields = file_fields,
    .n = ARRAY_LEN(file_fields),
    .compose = file_compose};

static bool file_fill(struct app *app, struct form *f, void *arg)
{
	(void)arg;
	return plug_fill(app, f, FILE_WHEN);
}

void plug_form_file(struct app *app, const char *domain)
{
	view_form_open(app, &plug_spec_file, domain, file_fill, NULL);
}
