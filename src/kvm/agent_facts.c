#include "kvm/agent_facts.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

enum shape { SHAPE_TEXT, SHAPE_INT, SHAPE_REAL, SHAPE_BOOL, SHAPE_OBJECT, SHAPE_LIST, SHAPE_TEXTS };

/* What is taken of an object; max: of the longest list. */
struct member {
	const char *name; /* NULL ends the table */
	enum shape shape;
	const struct member *sub;
	unsigned max;
};

static const struct member hostname_members[] = {{"host-name", SHAPE_TEXT, NULL, 0}, {0}};
static const struct member os_members[] = {
    {"id", SHAPE_TEXT, NULL, 0},
    {"name", SHAPE_TEXT, NULL, 0},
    {"pretty-name", SHAPE_TEXT, NULL, 0},
    {"version", SHAPE_TEXT, NULL, 0},
    {"version-id", SHAPE_TEXT, NULL, 0},
    {"machine", SHAPE_TEXT, NULL, 0},
    {"variant", SHAPE_TEXT, NULL, 0},
    {"variant-id", SHAPE_TEXT, NULL, 0},
    {"kernel-release", SHAPE_TEXT, NULL, 0},
    {"kernel-version", SHAPE_TEXT, NULL, 0},
    {0},
};
static const struct member user_members[] = {
    {"user", SHAPE_TEXT, NULL, 0},
    {"domain", SHAPE_TEXT, NULL, 0},
    {"login-time", SHAPE_REAL, NULL, 0},
    {0},
};
static const struct member address_members[] = {
    {"ip-address-type", SHAPE_TEXT, NULL, 0},
    {"ip-address", SHAPE_TEXT, NULL, 0},
    {"prefix", SHAPE_INT, NULL, 0},
    {0},
};
static const struct member interface_members[] = {
    {"name", SHAPE_TEXT, NULL, 0},
    {"hardware-address", SHAPE_TEXT, NULL, 0},
    {"ip-addresses", SHAPE_LIST, address_members, 32},
    {0},
};
static const struct member pci_members[] = {
    {"domain", SHAPE_INT, NULL, 0},
    {"bus", SHAPE_INT, NULL, 0},
    {"slot", SHAPE_INT, NULL, 0},
    {"function", SHAPE_INT, NULL, 0},
    {0},
};
static const struct member disk_address_members[] = {
    {"bus-type", SHAPE_TEXT, NULL, 0},
    {"bus", SHAPE_INT, NULL, 0},
    {"target", SHAPE_INT, NULL, 0},
    {"unit", SHAPE_INT, NULL, 0},
    {"serial", SHAPE_TEXT, NULL, 0},
    {"dev", SHAPE_TEXT, NULL, 0},
    {"pci-controller", SHAPE_OBJECT, pci_members, 0},
    {0},
};
static const struct member filesystem_members[] = {
    {"name", SHAPE_TEXT, NULL, 0},
    {"mountpoint", SHAPE_TEXT, NULL, 0},
    {"type", SHAPE_TEXT, NULL, 0},
    {"used-bytes", SHAPE_INT, NULL, 0},
    {"total-bytes", SHAPE_INT, NULL, 0},
    {"disk", SHAPE_LIST, disk_address_members, 32},
    {0},
};
static const struct member timezone_members[] = {
    {"zone", SHAPE_TEXT, NULL, 0},
    {"offset", SHAPE_INT, NULL, 0},
    {0},
};
static const struct member disk_members[] = {
    {"name", SHAPE_TEXT, NULL, 0},
    {"partition", SHAPE_BOOL, NULL, 0},
    {"dependencies", SHAPE_TEXTS, NULL, 32},
    {"address", SHAPE_OBJECT, disk_address_members, 0},
    {"alias", SHAPE_TEXT, NULL, 0},
    {0},
};
static const struct member vcpu_members[] = {
    {"logical-id", SHAPE_INT, NULL, 0},
    {"online", SHAPE_BOOL, NULL, 0},
    {"can-offline", SHAPE_BOOL, NULL, 0},
    {0},
};

static const struct fact {
	const char *name, *command;
	const struct member *members;
	unsigned max; /* of a list; 0: it is an object */
} facts[FACT_COUNT] = {
    [FACT_HOSTNAME] = {"hostname", "guest-get-host-name", hostname_members, 0},
    [FACT_OS] = {"os", "guest-get-osinfo", os_members, 0},
    [FACT_USERS] = {"users", "guest-get-users", user_members, 64},
    [FACT_INTERFACES] = {"interfaces", "guest-network-get-interfaces", interface_members, 128},
    [FACT_FILESYSTEMS] = {"filesystems", "guest-get-fsinfo", filesystem_members, 128},
    [FACT_TIMEZONE] = {"timezone", "guest-get-timezone", timezone_members, 0},
    [FACT_DISKS] = {"disks", "guest-get-disks", disk_members, 128},
    [FACT_VCPUS] = {"vcpus", "guest-get-vcpus", vcpu_members, 512},
};

const char *agent_fact_name(enum agent_fact f)
{
	return facts[f].name;
}

const char *agent_fact_command(enum agent_fact f)
{
	return facts[f].command;
}

enum agent_fact agent_fact_find(const char *name)
{
	unsigned f = 0;
	while (f < FACT_COUNT && !str_eq(facts[f].name, name))
		f++;
	return (enum agent_fact)f;
}

/* --- cleaning --- */

static struct json_object *clean_object(const struct member *members, struct json_object *from);

static struct json_object *clean_text(struct json_object *v)
{
	if (!json_object_is_type(v, json_type_string))
		return NULL;
	const char *s = json_object_get_string(v);
	CLEANUP_FREE char *words =
	    str_printable(s, (size_t)json_object_get_string_len(v), AGENT_FACT_TEXT - 1);
	return json_object_new_string(words);
}

static struct json_object *clean_real(struct json_object *v)
{
	double d = json_object_get_double(v);
	if (!json_object_is_type(v, json_type_double) && !json_object_is_type(v, json_type_int))
		return NULL;
	return isfinite(d) ? json_object_new_double(d) : NULL;
}

static struct json_object *clean_list(
    const struct member *members, unsigned max, struct json_object *v)
{
	if (!json_object_is_type(v, json_type_array))
		return NULL;
	struct json_object *list = json_object_new_array();
	size_t n = json_object_array_length(v);
	for (size_t i = 0; i < n && i < max; i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		struct json_object *clean =
		    members == NULL ? clean_text(item) : clean_object(members, item);
		if (clean != NULL)
			json_object_array_add(list, clean);
	}
	return list;
}

static struct json_object *clean_member(const struct member *m, struct json_object *v)
{
	switch (m->shape) {
	case SHAPE_TEXT:
		return clean_text(v);
	case SHAPE_INT:
		return json_object_is_type(v, json_type_int)
		           ? json_object_new_int64(json_object_get_int64(v))
		           : NULL;
	case SHAPE_REAL:
		return clean_real(v);
	case SHAPE_BOOL:
		return json_object_is_type(v, json_type_boolean)
		           ? json_object_new_boolean(json_object_get_boolean(v))
		           : NULL;
	case SHAPE_OBJECT:
		return clean_object(m->sub, v);
	case SHAPE_LIST:
	case SHAPE_TEXTS:
		return clean_list(m->sub, m->max, v);
	}
	return NULL;
}

static struct json_object *clean_object(const struct member *members, struct json_object *from)
{
	if (!json_object_is_type(from, json_type_object))
		return NULL;
	struct json_object *to = json_object_new_object();
	for (const struct member *m = members; m->name != NULL; m++) {
		struct json_object *v = NULL;
		json_object_object_get_ex(from, m->name, &v);
		struct json_object *clean = v == NULL ? NULL : clean_member(m, v);
		if (clean != NULL)
			json_object_object_add(to, m->name, clean);
	}
	return to;
}

struct json_object *agent_fact_clean(enum agent_fact f, struct json_object *answer)
{
	const struct fact *fact = &facts[f];
	return fact->max > 0 ? clean_list(fact->members, fact->max, answer)
	                     : clean_object(fact->members, answer);
}

/* --- the first address --- */

static bool listed(const char *const *macs, size_t n, const char *mac)
{
	for (size_t i = 0; i < n && mac != NULL; i++)
		if (strcasecmp(macs[i], mac) == 0)
			return true;
	return false;
}

/* 4, 6, or 0: no address, or one that means nothing outside of the guest or its link. */
static int useful(const char *text)
{
	unsigned char a[16];
	if (text == NULL)
		return 0;
	if (inet_pton(AF_INET, text, a) == 1)
		return a[0] == 127 || a[0] == 0 || a[0] >= 224 || (a[0] == 169 && a[1] == 254) ? 0
		                                                                               : 4;
	if (inet_pton(AF_INET6, text, a) == 1)
		return (a[0] & 0xe0) == 0x20 || (a[0] & 0xfe) == 0xfc ? 6
		                                                      : 0; /* 2000::/3, fc00::/7 */
	return 0;
}

void agent_fact_address(
    struct json_object *interfaces, const char *const *macs, size_t n_macs, char *out, size_t size)
{
	int best = 0; /* 4: ours and IPv4, 3: ours and IPv6, 2, 1: of another card */
	size_t n = json_object_is_type(interfaces, json_type_array)
	               ? json_object_array_length(interfaces)
	               : 0;
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		struct json_object *card = json_object_array_get_idx(interfaces, i);
		struct json_object *list = json_get_arr(card, "ip-addresses");
		bool ours = listed(macs, n_macs, json_get_str(card, "hardware-address"));
		size_t k = list == NULL ? 0 : json_object_array_length(list);
		for (size_t j = 0; j < k; j++) {
			const char *text =
			    json_get_str(json_object_array_get_idx(list, j), "ip-address");
			int version = useful(text);
			int rank = version == 0 ? 0 : (ours ? 3 : 1) + (version == 4);
			if (rank > best && strlen(text) < size) {
				best = rank;
				snprintf(out, size, "%s", text);
			}
		}
	}
}

/* --- in a line --- */

/* Adds ", " and the word if it fits whole. */
static bool add_word(char *out, size_t size, const char *word)
{
	size_t n = strlen(out), need = strlen(word) + (n > 0 ? 2 : 0);
	if (n + need >= size)
		return false;
	snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "", word);
	return true;
}

static bool seen_before(struct json_object *users, size_t i, const char *name)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(json_get_str(json_object_array_get_idx(users, k), "user"), name))
			return true;
	return false;
}

void agent_fact_users(struct json_object *users, char *out, size_t size)
{
	size_t n =
	    json_object_is_type(users, json_type_array) ? json_object_array_length(users) : 0;
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *name = json_get_str(json_object_array_get_idx(users, i), "user");
		if (name != NULL && !seen_before(users, i, name) && !add_word(out, size, name))
			return;
	}
}

/* 0 to 100, -1 not told. */
static int fullness(struct json_object *filesystem)
{
	int64_t used = json_get_int(filesystem, "used-bytes", -1);
	int64_t total = json_get_int(filesystem, "total-bytes", -1);
	if (used < 0 || total <= 0 || used > total)
		return -1;
	return (int)((double)used * 100 / (double)total);
}

void agent_fact_filesystems(struct json_object *filesystems, char *out, size_t size)
{
	size_t n = json_object_is_type(filesystems, json_type_array)
	               ? json_object_array_length(filesystems)
	               : 0;
	out[0] = '\0';
	/* At most 128 of them (the table above), by each percentage once. */
	for (int percent = 100; percent >= 0; percent--)
		for (size_t i = 0; i < n; i++) {
			struct json_object *o = json_object_array_get_idx(filesystems, i);
			const char *where = json_get_str(o, "mountpoint");
			if (where == NULL || fullness(o) != percent)
				continue;
			CLEANUP_FREE char *word = xasprintf("%s %d%%", where, percent);
			if (!add_word(out, size, word))
				return;
		}
}
