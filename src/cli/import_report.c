#include "cli/import_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"

void import_report_fini(struct import_report *r)
{
	for (size_t i = 0; i < r->n_vms; i++) {
		struct import_vm *vm = &r->vms[i];
		free(vm->name);
		if (vm->parsed)
			domain_fini(&vm->d);
		import_notes_fini(&vm->notes);
	}
	for (size_t i = 0; i < r->n_things; i++)
		free(r->things[i].words);
	free(r->vms);
	free(r->things);
	*r = (struct import_report){0};
}

/* --- words --- */
static const char *result_words(const struct import_vm *vm)
{
	static const char *const words[IMPORT_LEVEL_COUNT] = {
	    [IMPORT_SAYS] = "ok",
	    [IMPORT_DIFFERS] = "ok, with differences",
	    [IMPORT_WAITS] = "will not start yet",
	    [IMPORT_FAILS] = "not imported",
	};
	if (vm->fate == FATE_HERE)
		return "already here";
	return words[vm->notes.worst];
}

/* Stable, for scripts. */
static const char *result_key(const struct import_vm *vm)
{
	static const char *const keys[IMPORT_LEVEL_COUNT] = {
	    [IMPORT_SAYS] = "ok",
	    [IMPORT_DIFFERS] = "differs",
	    [IMPORT_WAITS] = "will-not-start",
	    [IMPORT_FAILS] = "failed",
	};
	return vm->fate == FATE_HERE ? "exists" : keys[vm->notes.worst];
}

static const char *fate_key(enum import_fate fate)
{
	static const char *const keys[] = {[FATE_FAILED] = "failed",
	    [FATE_IMPORTED] = "imported",
	    [FATE_REPLACED] = "replaced",
	    [FATE_HERE] = "exists"};
	return keys[fate];
}

static size_t count_kind(const struct import_tree *t, enum import_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += t->files[i].kind == kind;
	return n;
}

/* --- for people --- */
static void print_table(const struct import_report *r)
{
	static const char *const heads[] = {"Name", "Autostart", "Snapshots", "Result"};
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < r->n_vms; i++) {
		const struct import_vm *vm = &r->vms[i];
		char snapshots[16] = "-";
		if (vm->snapshots > 0)
			snprintf(snapshots, sizeof snapshots, "%u", vm->snapshots);
		out_table_row(t, (const char *const[]){vm->name, vm->file->autostart ? "yes" : "-",
		                     snapshots, result_words(vm)});
	}
	out_table_format(t, true, &text);
	out_table_free(t);
	fputs(text.data, stdout);
	putchar('\n');
}

static void print_notes(const struct import_report *r)
{
	for (size_t i = 0; i < r->n_vms; i++) {
		const struct import_vm *vm = &r->vms[i];
		for (size_t k = 0; k < vm->notes.n; k++) {
			if (k == 0)
				printf("%s:\n", vm->name);
			printf("  - %s\n", vm->notes.notes[k].text);
		}
	}
	for (size_t i = 0; i < r->n_things; i++)
		if (r->things[i].words != NULL)
			printf("%s '%s':\n  - %s\n", import_kind_name(r->things[i].file->kind),
			    r->things[i].file->stem, r->things[i].words);
}

static void print_left(const struct import_tree *t)
{
	size_t secrets = count_kind(t, IMPORT_SECRET), filters = count_kind(t, IMPORT_NWFILTER);
	if (secrets > 0)
		printf("Not taken over: %zu secret%s in %s/secrets\n", secrets,
		    secrets == 1 ? "" : "s", t->config);
	if (filters > 0)
		printf("Not taken over: %zu network filter%s in %s/nwfilter\n", filters,
		    filters == 1 ? "" : "s", t->config);
}

/* libvirt goes on starting what it is told to start. */
static void print_both(const struct import_report *r)
{
	size_t both = 0;
	for (size_t i = 0; i < r->n_vms; i++)
		both += r->vms[i].fate != FATE_FAILED && r->vms[i].file->autostart;
	if (both > 0 && str_eq(r->tree->root, ""))
		printf(
		    "libvirt still starts %zu of them at boot: 'virsh autostart --disable NAME', or disable its services\n",
		    both);
}

static void print_sum(const struct import_report *r)
{
	size_t vms[FATE_HERE + 1] = {0}, networks = 0, pools = 0;
	for (size_t i = 0; i < r->n_vms; i++)
		vms[r->vms[i].fate]++;
	for (size_t i = 0; i < r->n_things; i++) {
		if (r->things[i].fate == FATE_FAILED)
			continue;
		networks += r->things[i].file->kind == IMPORT_NETWORK;
		pools += r->things[i].file->kind == IMPORT_POOL;
	}
	printf(
	    r->dry_run
	        ? "Dry run, nothing was written: %zu of %zu domains would be imported, %zu are here already, %zu would fail"
	        : "%zu of %zu domains imported, %zu here already, %zu failed",
	    vms[FATE_IMPORTED] + vms[FATE_REPLACED], r->n_vms, vms[FATE_HERE], vms[FATE_FAILED]);
	if (networks + pools > 0)
		printf("; kept for later use: %zu network%s, %zu storage pool%s", networks,
		    networks == 1 ? "" : "s", pools, pools == 1 ? "" : "s");
	putchar('\n');
}

/* --- for scripts --- */
static struct json_object *vm_json(const struct import_vm *vm)
{
	struct json_object *o = json_object_new_object(), *notes = json_object_new_array();
	out_add_str(o, "name", vm->name);
	out_add_str(o, "uuid", vm->uuid[0] != '\0' ? vm->uuid : NULL);
	out_add_str(o, "file", vm->file->path);
	out_add_str(o, "fate", fate_key(vm->fate));
	out_add_str(o, "result", result_key(vm));
	out_add_bool(o, "autostart", vm->file->autostart);
	out_add_u64(o, "snapshots", vm->snapshots);
	for (size_t i = 0; i < vm->notes.n; i++)
		json_object_array_add(notes, json_object_new_string(vm->notes.notes[i].text));
	json_object_object_add(o, "notes", notes);
	return o;
}

static struct json_object *things_json(const struct import_report *r, enum import_kind kind)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < r->n_things; i++) {
		const struct import_thing *t = &r->things[i];
		if (t->file->kind != kind)
			continue;
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", t->file->stem);
		out_add_str(o, "fate", fate_key(t->fate));
		out_add_bool(o, "autostart", t->file->autostart);
		out_add_str(o, "note", t->words);
		json_object_array_add(list, o);
	}
	return list;
}

static void print_json(const struct import_report *r)
{
	struct json_object *o = json_object_new_object(), *domains = json_object_new_array();
	out_add_str(o, "from", r->tree->qemu);
	out_add_bool(o, "dry_run", r->dry_run);
	for (size_t i = 0; i < r->n_vms; i++)
		json_object_array_add(domains, vm_json(&r->vms[i]));
	json_object_object_add(o, "domains", domains);
	json_object_object_add(o, "networks", things_json(r, IMPORT_NETWORK));
	json_object_object_add(o, "pools", things_json(r, IMPORT_POOL));
	out_add_u64(o, "secrets_left", count_kind(r->tree, IMPORT_SECRET));
	out_add_u64(o, "nwfilters_left", count_kind(r->tree, IMPORT_NWFILTER));
	out_json(o);
}

void import_report_print(struct cli *c, const struct import_report *r)
{
	if (c->json) {
		print_json(r);
		return;
	}
	if (r->n_vms > 0)
		print_table(r);
	print_notes(r);
	print_left(r->tree);
	print_both(r);
	print_sum(r);
}
