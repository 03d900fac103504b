/* agent_facts: what a guest says of itself, reduced to what is known of each answer: members by name and type, text printable
 * and cut, lists of bounded length. Pure. The members keep qemu-ga's names (docs/interop/qemu-ga-ref). */
#ifndef KVM_AGENT_FACTS_H
#define KVM_AGENT_FACTS_H

#include <stddef.h>
#include <json-c/json.h>

enum agent_fact {
	FACT_HOSTNAME,
	FACT_OS,
	FACT_USERS,
	FACT_INTERFACES,
	FACT_FILESYSTEMS,
	FACT_TIMEZONE,
	FACT_DISKS,
	FACT_VCPUS,
	FACT_COUNT
};

#define AGENT_FACT_TEXT 256 /* bytes of one text */

/* "hostname", "os", "users" … */
const char *agent_fact_name(enum agent_fact f);
/* "guest-get-host-name" … */
const char *agent_fact_command(enum agent_fact f);
/* FACT_COUNT for a name that is none. */
enum agent_fact agent_fact_find(const char *name);

/* A new value, the caller's: an object, or an array of objects; NULL when the answer is of another shape. */
struct json_object *agent_fact_clean(enum agent_fact f, struct json_object *answer);

/* The guest's first address: of the card with one of these MAC addresses before others, IPv4 before IPv6, none that only the
 * guest or its link knows. "" none. interfaces: as cleaned. */
void agent_fact_address(
    struct json_object *interfaces, const char *const *macs, size_t n_macs, char *out, size_t size);
/* "root, alice": each user once, in their order; cut after a name. users: as cleaned. */
void agent_fact_users(struct json_object *users, char *out, size_t size);
/* "/ 93%, /home 12%": the fullest first; those whose size the guest does not tell are left out. */
void agent_fact_filesystems(struct json_object *filesystems, char *out, size_t size);

#endif
