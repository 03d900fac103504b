/* Any bytes as a QEMU command line: refused, or a document that is one, with every word in it
 * somewhere: expressed, kept or told. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain.h"
#include "core/mem.h"
#include "core/xml.h"
#include "kvm/native.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct native_cmd cmd;
	struct domain d;
	struct err err = {0};
	struct buf notes = BUF_INIT;
	CLEANUP_FREE char *text = xstrndup((const char *)data, size);
	if (native_split(text, strlen(text), &cmd, &err) < 0) {
		must(err.msg[0] != '\0');
		return 0;
	}
	CLEANUP_FREE char *xml = native_to_xml(&cmd, &notes, &err);
	must(xml != NULL);
	CLEANUP_XML xmlDoc *doc = xml_read(xml, strlen(xml), "native", "domain", &err);
	must(doc != NULL || strlen(xml) > (4u << 20));
	if (domain_parse(xml, strlen(xml), "native", DOMAIN_PARSE_LENIENT, &d, NULL, &err) == 0)
		domain_fini(&d);
	buf_fini(&notes);
	native_cmd_fini(&cmd);
	return 0;
}
