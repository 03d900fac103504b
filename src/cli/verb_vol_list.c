/* What a pool holds: vol-list, vol-info, vol-dumpxml, vol-path, vol-name, vol-key, vol-pool. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/document.h"
#include "cli/out.h"
#include "cli/storage.h"
#include "core/mem.h"
#include "core/str.h"

static struct json_object *json_of(const struct volume *v)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "name", v->name);
	out_add_str(o, "path", v->path);
	out_add_str(o, "key", v->key);
	out_add_str(o, "type", volume_type_name(v->type));
	out_add_str(o, "format", volume_format_word(v));
	out_add_u64(o, "capacity_bytes", v->capacity);
	out_add_u64(o, "allocation_bytes", v->allocation);
	out_add_u64(o, "physical_bytes", v->physical);
	out_add_str(o, "backing", v->backing);
	out_add_str(o, "trouble", v->trouble);
	return o;
}

static void print_table(const struct cli *c, const struct volume *vols, size_t n)
{
	static const char *const heads[] = {"Name", "Path", "Type", "Capacity", "Allocation"};
	struct out_table *t = out_table_new(cli_flag(c, "details") ? 5 : 2, heads);
	for (size_t i = 0; i < n; i++) {
		char sizes[2][STORAGE_SIZE_MAX];
		storage_pretty(vols[i].capacity, sizes[0]);
		storage_pretty(vols[i].allocation, sizes[1]);
		out_table_row(t, (const char *const[]){vols[i].name, vols[i].path,
		                     volume_type_name(vols[i].type), sizes[0], sizes[1]});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data != NULL ? b.data : "", stdout);
	out_table_free(t);
}

int verb_vol_list(struct cli *c)
{
	size_t n;
	struct volume *vols;
	struct err err = {0};
	CLEANUP(pool_fini) struct pool pool = {0};
	int status = storage_pool(c, "pool", &pool);
	if (status != CLI_DONE)
		return status;
	if (volume_list(&pool, &vols, &n, &err) < 0)
		return storage_failed(&err, "Failed to list volumes");
	if (c->json) {
		struct json_object *all = json_object_new_array();
		for (size_t i = 0; i < n; i++)
			json_object_array_add(all, json_of(&vols[i]));
		out_json(all);
	} else {
		print_table(c, vols, n);
	}
	volume_list_free(vols, n);
	return CLI_DONE;
}

static void print_size(const char *label, uint64_t bytes, bool plain)
{
	char text[STORAGE_SIZE_MAX];
	storage_pretty(bytes, text);
	if (plain)
		printf("%-15s %" PRIu64 " bytes\n", label, bytes);
	else
		printf("%-15s %s\n", label, text);
}

int verb_vol_info(struct cli *c)
{
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	bool plain = cli_flag(c, "bytes"), physical = cli_flag(c, "physical");
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	if (vol.trouble != NULL)
		out_warning("%s", vol.trouble);
	if (c->json) {
		out_json(json_of(&vol));
		return CLI_DONE;
	}
	printf("%-15s %s\n%-15s %s\n", "Name:", vol.name, "Type:", volume_type_name(vol.type));
	print_size("Capacity:", vol.capacity, plain);
	if (physical)
		print_size("Physical:", vol.physical, plain);
	else
		print_size("Allocation:", vol.allocation, plain);
	return CLI_DONE;
}

int verb_vol_dumpxml(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	volume_format(&vol, &xml);
	if (document_print(
	        xml.data, xml.len, "volume", cli_value(c, "xpath"), cli_flag(c, "wrap"), &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}

/* --- one word of it --- */
enum word { WORD_NAME, WORD_PATH, WORD_KEY, WORD_POOL, WORD_POOL_UUID };

static int print_word(struct cli *c, enum word which)
{
	char uuid[OUT_UUID_MAX];
	CLEANUP(pool_fini) struct pool pool = {0};
	CLEANUP(volume_fini) struct volume vol = {0};
	int status = storage_volume(c, &pool, &vol);
	if (status != CLI_DONE)
		return status;
	out_uuid(pool.def.uuid, uuid);
	if (c->json) {
		struct json_object *o = json_of(&vol);
		out_add_str(o, "pool", pool.def.name);
		out_add_str(o, "pool_uuid", uuid);
		out_json(o);
		return CLI_DONE;
	}
	const char *const words[] = {[WORD_NAME] = vol.name,
	    [WORD_PATH] = vol.path,
	    [WORD_KEY] = vol.key,
	    [WORD_POOL] = pool.def.name,
	    [WORD_POOL_UUID] = uuid};
	puts(words[which]);
	return CLI_DONE;
}

int verb_vol_name(struct cli *c)
{
	return print_word(c, WORD_NAME);
}

int verb_vol_path(struct cli *c)
{
	return print_word(c, WORD_PATH);
}

int verb_vol_key(struct cli *c)
{
	return print_word(c, WORD_KEY);
}

int verb_vol_pool(struct cli *c)
{
	return print_word(c, cli_flag(c, "uuid") ? WORD_POOL_UUID : WORD_POOL);
}
