/* A display's password, changed while the domain runs. */
#include <stdio.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/plan_update.h"

static struct json_object *password_args(const struct domain_attrs *a)
{
	const char *password = attrs_get(a, "@passwd"), *connected = attrs_get(a, "@connected");
	return plan_args("protocol", attrs_get(a, "@type"), "password",
	    password != NULL ? password : "", "connected", connected, NULL);
}

static struct json_object *expiry_args(const struct domain_attrs *a)
{
	const char *until = attrs_get(a, "@passwdValidTo");
	uint64_t seconds = 0;
	char text[24] = "never";
	if (until != NULL && timestamp_from_xml(until, &seconds) == 0)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)seconds);
	return plan_args("protocol", attrs_get(a, "@type"), "time", text, NULL);
}

int plan_display_password(
    struct plan *p, const struct domain_dev *was, const struct domain_dev *now, struct err *err)
{
	const char *type = attrs_get(&was->attrs, "@type");
	const char *old = attrs_get(&was->attrs, "@passwd"),
	           *fresh = attrs_get(&now->attrs, "@passwd");
	if (old == NULL || old[0] == '\0')
		return err_set(err, ERR_UNSUPPORTED,
		    "graphics '%s' was started without a password, and QEMU asks nobody for one then; --config gives it one "
		    "from the next start on",
		    type);
	if (fresh == NULL || fresh[0] == '\0')
		return err_set(err, ERR_UNSUPPORTED,
		    "graphics '%s': a display that was started with a password keeps one while the domain runs; --config takes "
		    "it away from the next start on",
		    type);
	struct plan_step *s = plan_add(p, "change the password of the %s display", type);
	plan_action_set(&s->does, PLAN_QMP, "set_password", password_args(&now->attrs));
	plan_undo_qmp(s, "set_password", password_args(&was->attrs));
	s = plan_add(p, "until when it opens the %s display", type);
	plan_action_set(&s->does, PLAN_QMP, "expire_password", expiry_args(&now->attrs));
	plan_undo_qmp(s, "expire_password", expiry_args(&was->attrs));
	return 0;
}
