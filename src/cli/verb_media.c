/* change-media: what is in a CD or floppy drive. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/device_doc.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

enum action { EJECT, INSERT, UPDATE };

/* virsh's words. */
static const struct {
	const char *verb, *done;
} words[] = {
    [EJECT] = {"eject", "Successfully ejected media."},
    [INSERT] = {"insert", "Successfully inserted media."},
    [UPDATE] = {"update", "Successfully updated media."},
};

struct change {
	enum action action;
	const char *source; /* NULL: the drive becomes empty */
	bool block;
};

static int read_options(const struct cli *c, struct change *k, struct err *err)
{
	static const char *const flags[] = {"eject", "insert", "update"};
	const char *given = NULL;
	struct stat st;
	*k = (struct change){.action = UPDATE, .source = cli_value(c, "source")};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!cli_flag(c, flags[i]))
			continue;
		if (given != NULL)
			return err_set(err, ERR_INVALID,
			    "Options --%s and --%s are mutually exclusive", given, flags[i]);
		given = flags[i];
		k->action = (enum action)i;
	}
	if (k->source == NULL && (given == NULL || k->action == INSERT))
		return err_set(err, ERR_INVALID, "New disk media source was not specified");
	if (k->source == NULL)
		k->action = EJECT;
	if (k->action == EJECT)
		k->source = NULL;
	k->block = cli_flag(c, "block") ||
	           (k->source != NULL && stat(k->source, &st) == 0 && S_ISBLK(st.st_mode));
	return 0;
}

/* The drive with that target or medium. */
static int find_drive(const struct domain *d, const char *word, size_t *i, struct err *err)
{
	for (*i = 0; *i < d->n_disks; ++*i) {
		const struct domain_disk *k = &d->disks[*i];
		bool drive = k->device == DISK_CDROM || k->device == DISK_FLOPPY;
		if (drive && (str_eq(k->target, word) || str_eq(k->image.path, word)))
			return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "No disk found whose source path or target is %s", word);
}

static void put_medium(void *arg, xmlNode *device)
{
	const struct change *k = arg;
	xmlNode *source = xml_child(device, "source"), *chain = xml_child(device, "backingStore");
	if (chain != NULL)
		xml_remove(chain);
	if (k->source == NULL) {
		if (source != NULL)
			xml_remove(source);
		return;
	}
	/* In libvirt's order, before <target>. */
	xmlNode *fresh = xmlNewDocNode(device->doc, NULL, (const xmlChar *)"source", NULL);
	if (source != NULL) {
		xmlReplaceNode(source, fresh);
		xmlFreeNode(source);
	} else {
		xmlNode *target = xml_child(device, "target");
		if (target->prev != NULL && xmlIsBlankNode(target->prev))
			xmlAddPrevSibling(target, xmlCopyNode(target->prev, 1));
		xmlAddPrevSibling(
		    target->prev != NULL && xmlIsBlankNode(target->prev) ? target->prev : target,
		    fresh);
	}
	xml_set_attr(device, "type", k->block ? "block" : "file");
	xml_set_attr(fresh, k->block ? "dev" : "file", k->source);
}

/* The drive's element as it shall be, on the heap. */
static char *compose(struct cli *c, struct change *k, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	bool config = cli_flag(c, "config") && !cli_flag(c, "live");
	size_t i;
	if (read_options(c, k, err) < 0 || device_doc_open(c, config, &doc, err) < 0 ||
	    find_drive(&doc.d, cli_value(c, "path"), &i, err) < 0)
		return NULL;
	const struct domain_disk *disk = &doc.d.disks[i];
	if (k->action == EJECT && !disk_has_image(disk)) {
		err_set(err, ERR_STATE, "The disk device '%s' doesn't have media", disk->target);
		return NULL;
	}
	if (k->action == INSERT && disk_has_image(disk)) {
		err_set(err, ERR_STATE, "The disk device '%s' already has media", disk->target);
		return NULL;
	}
	return device_doc_text(&doc, disk->element, put_medium, k, err);
}

int verb_change_media(struct cli *c)
{
	struct err err = {0};
	struct change k;
	CLEANUP_FREE char *xml = compose(c, &k, &err);
	if (xml == NULL) {
		return out_refusal(NULL, &err);
	}
	if (cli_flag(c, "print-xml")) {
		c->bare = true;
		puts(xml);
		return CLI_DONE;
	}
	struct json_object *args = json_object_new_object();
	out_add_str(args, "xml", xml);
	out_add_str(args, "file", "the drive");
	out_add_bool(args, "force", cli_flag(c, "force"));
	CLEANUP_FREE char *failed =
	    xasprintf("Failed to complete action %s on media", words[k.action].verb);
	const struct plan_request r = {
	    .args = args, .failed = failed, .done = words[k.action].done};
	int status = plan_verb_run(c, &r);
	/* virsh's words have no empty line behind them here. */
	c->bare = c->bare || status == CLI_DONE;
	return status;
}
