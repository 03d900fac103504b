/* <launchSecurity> into struct domain_security. */
#include "core/domain_security.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define CBITPOS_MAX 63u
#define BASE64_MAX \
	65536 /* bytes of a certificate or session; those of AMD's tools have about 3,000 */

void domain_security_fini(struct domain_security *s)
{
	free(s->dh_cert);
	free(s->session);
	*s = (struct domain_security){0};
}

static int parse_base64(struct parse *p, const xmlNode *parent, const char *name, char **out)
{
	const xmlNode *node = xml_child(parent, name);
	*out = xml_text(node);
	if (*out == NULL)
		return 0;
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\t ";
	if (strlen(*out) > BASE64_MAX || (*out)[strspn(*out, letters)] != '\0')
		return parse_invalid(p, node, "is not base64 text of at most %d bytes", BASE64_MAX);
	return 0;
}

/* 0x… or decimal, as attributes have it. */
static int parse_policy(struct parse *p, const xmlNode *node, unsigned *out)
{
	const xmlNode *policy = xml_child(node, "policy");
	CLEANUP_FREE char *text = xml_text(policy);
	if (text == NULL)
		return parse_invalid(p, node, "has no <policy>");
	char *end;
	const char *digits = text + strspn(text, " \t\r\n");
	unsigned long long n = strtoull(digits, &end, 0);
	if (digits[0] < '0' || digits[0] > '9' || end[strspn(end, " \t\r\n")] != '\0' ||
	    n > UINT32_MAX) {
		CLEANUP_FREE char *s = parse_shown(text);
		return parse_invalid(p, policy, "'%s' is not a number like 0x0001", s);
	}
	*out = (unsigned)n;
	return 0;
}

int security_parse(struct parse *p, const xmlNode *root)
{
	const xmlNode *node = xml_child(root, "launchSecurity");
	struct domain_security *s = &p->d->security;
	uint64_t cbitpos = 0, reduced = 0;
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *type = printable_attr(node, "type");
	if (strcmp(type, "sev") != 0)
		return parse_refuse(p, node, "type='%s': only 'sev' is supported", type) < 0 ? -1
		                                                                             : 0;
	s->sev = true;
	s->line = node_line(node);
	if (parse_text_number(p, xml_child(node, "cbitpos"), 1, CBITPOS_MAX, &cbitpos) < 0 ||
	    parse_text_number(p, xml_child(node, "reducedPhysBits"), 1, CBITPOS_MAX, &reduced) <
	        0 ||
	    parse_policy(p, node, &s->policy) < 0 ||
	    parse_switch(p, node, "kernelHashes", &s->kernel_hashes) < 0 ||
	    parse_base64(p, node, "dhCert", &s->dh_cert) < 0 ||
	    parse_base64(p, node, "session", &s->session) < 0)
		return -1;
	s->cbitpos = (unsigned)cbitpos;
	s->reduced_phys_bits = (unsigned)reduced;
	return 0;
}
