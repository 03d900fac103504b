#include "kvm/plugged.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/str.h"

#define X86_IF 0x200ul /* interrupts on, of EFLAGS: Intel SDM volume 1, 3.4.3 */
#define X86_RESET_IP 0xfff0ul

/* --- memory --- */
void plugged_memory_read(struct json_object *list, struct plugged_memory *m)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	m->n = 0;
	for (size_t i = 0; i < n && m->n < PLUGGED_DIMMS_MAX; i++) {
		struct json_object *o = json_object_array_get_idx(list, i),
		                   *data = json_get_obj(o, "data");
		const char *type = json_get_str(o, "type");
		bool virtio = str_eq(type, "virtio-mem");
		int64_t size = json_get_int(data, "size", 0);
		int64_t addr = json_get_int(data, virtio ? "memaddr" : "addr", 0);
		if (str_eq(type, "sgx-epc") || size < 0 || addr < 0)
			continue;
		m->device[m->n].addr = (uint64_t)addr;
		m->device[m->n].kib = (uint64_t)size / 1024;
		m->device[m->n].in_use = virtio || str_eq(type, "virtio-pmem");
		m->n++;
	}
}

uint64_t plugged_memory_kib(const struct plugged_memory *m)
{
	uint64_t kib = 0;
	for (unsigned i = 0; i < m->n; i++)
		kib += m->device[i].kib;
	return kib;
}

static uint64_t online_within(
    struct json_object *blocks, uint64_t block_bytes, uint64_t addr, uint64_t bytes)
{
	size_t n = json_object_array_length(blocks);
	uint64_t online = 0;
	for (size_t i = 0; i < n && i < PLUGGED_BLOCKS_MAX; i++) {
		struct json_object *b = json_object_array_get_idx(blocks, i);
		int64_t index = json_get_int(b, "phys-index", -1);
		if (index < 0 || (uint64_t)index > UINT64_MAX / block_bytes - 1 ||
		    !json_get_bool(b, "online", 0))
			continue;
		uint64_t from = (uint64_t)index * block_bytes;
		if (from >= addr && from - addr < bytes)
			online += block_bytes;
	}
	return online < bytes ? online : bytes;
}

uint64_t plugged_memory_online_kib(
    const struct plugged_memory *m, struct json_object *blocks, uint64_t block_bytes)
{
	uint64_t kib = 0;
	bool told = json_object_is_type(blocks, json_type_array) && block_bytes > 0;
	for (unsigned i = 0; i < m->n; i++) {
		uint64_t bytes = m->device[i].kib * 1024;
		if (m->device[i].in_use)
			kib += m->device[i].kib;
		else if (told)
			kib += online_within(blocks, block_bytes, m->device[i].addr, bytes) / 1024;
	}
	return kib;
}

/* --- processors --- */
bool plugged_cpu(struct json_object *cpu)
{
	const char *path = json_get_str(cpu, "qom-path");
	return path != NULL && str_prefix(path, "/machine/peripheral/");
}

static bool register_of(const char *text, const char *name, unsigned long *value)
{
	const char *at = strstr(text, name);
	if (at == NULL)
		return false;
	*value = strtoul(at + strlen(name), NULL, 16);
	return true;
}

bool plugged_cpu_unused(const char *text)
{
	unsigned long flags, ip, halted = 0;
	bool wide = register_of(text, "RFL=", &flags);
	if (!wide && !register_of(text, "EFL=", &flags))
		return false;
	register_of(text, "HLT=", &halted);
	if (!wide && register_of(text, "EIP=", &ip) && ip == X86_RESET_IP)
		return true;
	return halted == 1 && (flags & X86_IF) == 0;
}
