#include "kvm/plan_host.h"

#include "core/mem.h"
#include "core/str.h"

const struct plan_host_op plan_host_ops_basic[] = {{0}};

static const struct plan_host_op *const families[] = {
    plan_host_ops_basic, plan_host_ops_image, plan_host_ops_net};

const struct plan_host_op *plan_host_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (const struct plan_host_op *o = families[i]; o->name != NULL; o++)
			if (str_eq(o->name, name))
				return o;
	return NULL;
}
