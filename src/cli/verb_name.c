/* What a domain is called: domid, domname, domuuid. */
#include <stdio.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/vm.h"

/* The VM that the verb's domain means; errors are printed. */
static int find(struct cli *c, struct vm *vm)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name != NULL && vm_probe(&c->home, name, vm, &err) == 0)
		return 0;
	out_error("%s", err.msg);
	return -1;
}

static void print_word(struct cli *c, const char *key, const char *word)
{
	if (!c->json) {
		puts(word);
		return;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, key, word);
	out_json(o);
}

int verb_domid(struct cli *c)
{
	struct vm vm;
	if (find(c, &vm) < 0)
		return CLI_FAILED;
	uint32_t id = vm.live && vm.head != NULL ? vm.head->id : 0;
	vm_fini(&vm);
	if (c->json) {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "id", id != 0 ? json_object_new_uint64(id) : NULL);
		out_json(o);
	} else if (id != 0)
		printf("%u\n", id);
	else
		puts("-");
	return CLI_DONE;
}

/* Not by its name: who knows that does not ask. */
int verb_domname(struct cli *c)
{
	const char *word = cli_value(c, "domain");
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	if (name == NULL || strcmp(name, word) == 0) {
		out_error("failed to get domain '%s'", word);
		return CLI_FAILED;
	}
	print_word(c, "name", name);
	return CLI_DONE;
}

int verb_domuuid(struct cli *c)
{
	struct vm vm;
	struct domain d = {0};
	struct err err = {0};
	char uuid[OUT_UUID_MAX] = "";
	if (find(c, &vm) < 0)
		return CLI_FAILED;
	if (vm.live && vm.head != NULL)
		out_uuid(vm.head->uuid, uuid);
	else if (facts_definition(&c->home, vm.name, &d, &err) < 0)
		out_error("%s", err.msg);
	else if (!d.has_uuid)
		out_error("domain '%s' has no uuid; 'hvmux define' gives it one", vm.name);
	else
		out_uuid(d.uuid, uuid);
	if (uuid[0] != '\0')
		print_word(c, "uuid", uuid);
	domain_fini(&d);
	vm_fini(&vm);
	return uuid[0] != '\0' ? CLI_DONE : CLI_FAILED;
}
