/* <graphics passwdValidTo>: until when a display's password opens it. */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/timestamp.h"
#include "kvm/supervisor_impl.h"

static void got_expiry(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	if (err != NULL)
		log_error(
		    "domain '%s': a display's password does not expire: %s", s->name, err->msg);
}

static void expire(struct supervisor *s, const struct domain_attrs *a)
{
	const char *until = attrs_get(a, "@passwdValidTo"), *password = attrs_get(a, "@passwd");
	uint64_t seconds = 0;
	char text[24];
	if (until == NULL || password == NULL || password[0] == '\0')
		return;
	/* What is no time has been refused by define; should it come here, the display stays closed. */
	if (timestamp_from_xml(until, &seconds) < 0)
		seconds = 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(seconds > 0 ? seconds : 1));
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "protocol", json_object_new_string(attrs_get(a, "@type")));
	json_object_object_add(args, "time", json_object_new_string(text));
	qmp_send(s->qmp, "expire_password", args, 0, got_expiry, s);
}

void sup_expire_passwords(struct supervisor *s)
{
	struct err err;
	struct domain d;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "live.xml");
	/* Hardly any document has one: parsing it is for those. */
	if (!s->ours || file_read(path, STORE_XML_MAX, &xml, NULL) < 0 || xml.data == NULL ||
	    strstr(xml.data, "passwdValidTo") == NULL || sup_read_domain(s, true, &d, &err) < 0)
		return;
	for (size_t i = 0; i < d.n_devs; i++)
		if (d.devs[i].kind == DEV_GRAPHICS)
			expire(s, &d.devs[i].attrs);
	domain_fini(&d);
}
