/* domifaddr: the addresses of a running domain's interfaces, from its agent or from the host's ARP table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent_facts.h"

#define ARP_MAX (4u << 20)

/* Each source makes what the agent tells: an array of {name, hardware-address, ip-addresses: [{ip-address-type, ip-address,
 * prefix}]}. */

static void add_address(struct json_object *list, const char *type, const char *address, int prefix)
{
	struct json_object *a = json_object_new_object();
	out_add_str(a, "ip-address-type", type);
	out_add_str(a, "ip-address", address);
	json_object_object_add(a, "prefix", json_object_new_int(prefix));
	json_object_array_add(list, a);
}

/* --- the agent --- */

static struct json_object *from_agent(struct live *l, struct err *err)
{
	struct json_object *answer = NULL;
	if (live_agent(l, agent_fact_command(FACT_INTERFACES), NULL, 0, false, &answer, err) < 0)
		return NULL;
	struct json_object *clean = agent_fact_clean(FACT_INTERFACES, answer);
	json_object_put(answer);
	if (!clean)
		err_set(err, ERR_FAIL, "the guest agent's answer is no list of interfaces");
	return clean;
}

/* --- the host's ARP table --- */

/* Lines of /proc/net/arp: IP address, HW type, Flags, HW address, Mask, Device. Flag 2: complete. */
static void arp_addresses(const char *arp, const char *mac, struct json_object *list)
{
	for (const char *line = arp; line && *line;
	     line = strchr(line, '\n'), line += line != NULL) {
		char ip[64], seen[64];
		unsigned flags;
		if (sscanf(line, "%63s 0x%*x 0x%x %63s", ip, &flags, seen) == 3 && (flags & 2) &&
		    strcasecmp(seen, mac) == 0)
			add_address(list, "ipv4", ip, 0);
	}
}

/* The domain's own cards; their host side's names are in the status page. */
static struct json_object *from_arp(struct live *l, struct err *err)
{
	CLEANUP_BUF struct buf arp = BUF_INIT;
	struct vm vm;
	if (file_read("/proc/net/arp", ARP_MAX, &arp, err) < 0 ||
	    vm_probe(&l->c->home, l->name, &vm, err) < 0)
		return NULL;
	struct json_object *cards = json_object_new_array();
	for (unsigned i = 0; vm.head && i < vm.head->nets; i++) {
		const struct status_net *n = &vm.head->net[i];
		struct json_object *addresses = json_object_new_array();
		arp_addresses(arp.data ? arp.data : "", n->mac, addresses);
		if (json_object_array_length(addresses) == 0) {
			json_object_put(addresses);
			continue;
		}
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", n->target[0] ? n->target : "-");
		out_add_str(o, "hardware-address", n->mac);
		json_object_object_add(o, "ip-addresses", addresses);
		json_object_array_add(cards, o);
	}
	vm_fini(&vm);
	return cards;
}

/* --- choosing and printing --- */

static struct json_object *query(struct live *l, struct err *err)
{
	const char *source = cli_value(l->c, "source");
	if (str_eq(source, "agent"))
		return from_agent(l, err);
	if (str_eq(source, "arp"))
		return from_arp(l, err);
	/* No network of ours gives out leases yet: what the guest itself knows is the next best, unless leases were asked for. */
	struct err ignored = {0};
	struct json_object *list = source ? NULL : from_agent(l, &ignored);
	return list ? list : json_object_new_array();
}

static void print_card(const struct cli *c, struct json_object *o)
{
	const char *name = json_get_str(o, "name"), *mac = json_get_str(o, "hardware-address");
	struct json_object *list = json_get_arr(o, "ip-addresses");
	size_t n = list ? json_object_array_length(list) : 0;
	name = name ? name : "-";
	if (n == 0)
		printf(" %-10s %-17s    %-12s %s\n", name, mac ? mac : "N/A", "N/A", "N/A");
	for (size_t i = 0; i < n; i++) {
		struct json_object *a = json_object_array_get_idx(list, i);
		const char *type = json_get_str(a, "ip-address-type"),
		           *ip = json_get_str(a, "ip-address");
		bool named = i == 0 || cli_flag(c, "full");
		printf(" %-10s %-17s    %-12s %s/%d\n", named ? name : "-",
		    named ? (mac ? mac : "") : "-", type ? type : "-", ip ? ip : "-",
		    (int)json_get_int(a, "prefix", 0));
	}
}

static void print_cards(const struct cli *c, struct json_object *cards)
{
	const char *only = cli_value(c, "interface");
	struct json_object *shown = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(cards); i++) {
		struct json_object *o = json_object_array_get_idx(cards, i);
		if (!only || str_eq(json_get_str(o, "name"), only))
			json_object_array_add(shown, json_object_get(o));
	}
	if (c->json) {
		out_json(shown);
		return;
	}
	if (!c->quiet)
		printf(" %-10s %-20s %-8s     %s\n%s%s\n", "Name", "MAC address", "Protocol",
		    "Address", "-------------------------------------------------",
		    "------------------------------");
	for (size_t i = 0; i < json_object_array_length(shown); i++)
		print_card(c, json_object_array_get_idx(shown, i));
	json_object_put(shown);
}

int verb_domifaddr(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct json_object *cards = NULL;
	if (live_open(c, &l, &err) == 0)
		cards = query(&l, &err);
	live_fini(&l);
	if (!cards)
		return live_failed("Failed to query for interfaces addresses", &err);
	print_cards(c, cards);
	json_object_put(cards);
	return CLI_DONE;
}
