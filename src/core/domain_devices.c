/* <devices> into struct domain: which file reads which element. */
#include "core/domain_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

unsigned node_line(const xmlNode *node)
{
	return (unsigned)xmlGetLineNo((xmlNode *)node);
}

char *printable_attr(const xmlNode *node, const char *attr)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	return value != NULL ? str_printable(value, strlen(value), 40) : xstrdup("");
}

static int emulator_parse(struct parse *p, const xmlNode *node, unsigned element)
{
	(void)element;
	if (p->d->emulator != NULL)
		return parse_invalid(p, node, "there is another one");
	p->d->emulator = xml_text(node);
	return parse_path_check(p, node, p->d->emulator);
}

/* --- all --- */
static const struct device_kind {
	const char *name;
	int (*parse)(struct parse *p, const xmlNode *node, unsigned element);
} kinds[] = {
    {"emulator", emulator_parse},
    {"disk", disk_parse},
    {"interface", interface_parse},
    {"controller", controller_parse},
    {"serial", serial_parse},
    {"channel", channel_parse},
    {"graphics", graphics_parse},
    {"video", video_parse},
    {"input", input_parse},
    {"memballoon", memballoon_parse},
    {"rng", rng_parse},
    {"panic", panic_parse},
    {"watchdog", watchdog_parse},
};

/* Consoles come last: the first may be the other name of a serial port. */
static int parse_consoles(struct parse *p, const xmlNode *devices)
{
	unsigned element = 0;
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		element++;
		if (!xml_is(n, "console"))
			continue;
		int rc = console_parse(p, n, element);
		if (rc < 0)
			return -1;
		if (rc == PARSE_SKIP)
			domain_drop_element(p->d, element);
	}
	return 0;
}

int devices_parse(struct parse *p, const xmlNode *devices)
{
	unsigned element = 0;
	for (const xmlNode *n = xml_first(devices); n != NULL; n = xml_next(n)) {
		if (++element > DOMAIN_DEVICES_MAX)
			return parse_invalid(p, n, "more than %u devices", DOMAIN_DEVICES_MAX);
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			if (!xml_is(n, kinds[i].name))
				continue;
			int rc = kinds[i].parse(p, n, element);
			if (rc < 0)
				return -1;
			if (rc == PARSE_SKIP)
				domain_drop_element(p->d, element);
		}
	}
	return parse_consoles(p, devices);
}
