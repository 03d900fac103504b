#include "kvm/plan_secret.h"

#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/secrets.h"
#include "core/str.h"
#include "kvm/secret.h"

char *plan_secret_find(const struct home *h, const char *name, struct err *err)
{
	size_t type = strcspn(name, " "), kind = strcspn(name + type + (name[type] != '\0'), " ");
	const char *by = name + type + (name[type] != '\0');
	const char *which = by[kind] != '\0' ? by + kind + 1 : "";
	CLEANUP_FREE char *word = xstrndup(name, type);
	bool uuid = kind == strlen("uuid") && strncmp(by, "uuid", kind) == 0;
	return secrets_find(h, word, uuid ? which : NULL, uuid ? NULL : which, err);
}

struct json_object *plan_secret_fill(const struct home *h, struct json_object *args)
{
	const char *name = json_get_str(json_get_obj(args, "data"), "secret");
	if (name == NULL || !str_eq(json_get_str(args, "qom-type"), "secret"))
		return json_object_get(args);
	struct json_object *filled = NULL;
	char *text = plan_secret_find(h, name, NULL);
	json_object_deep_copy(args, &filled, NULL);
	json_object_object_add(filled, "data", json_object_new_string(text != NULL ? text : ""));
	secret_free(text);
	return filled;
}
