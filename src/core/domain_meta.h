/* domain_meta: what hvmux itself keeps in a domain's <metadata>, which libvirt leaves to programs:
 *
 *   <metadata>
 *     <hvmux:domain xmlns:hvmux='urn:hvmux:domain:1'>
 *       <hvmux:tag>web</hvmux:tag>                         any number
 *       <hvmux:group>prod/web</hvmux:group>                a path, as of folders
 *       <hvmux:protect/>                                   undefine refuses
 *       <hvmux:autostart order='10' delay='5'/>            place and pause in seconds at the host's boot
 *       <hvmux:after>db1</hvmux:after>                     any number: names of domains that are started before
 *       <hvmux:shutdown timeout='120'/>                    seconds that a clean shutdown may take
 *       <hvmux:balloon floor='512' ceiling='4096'/>        its size may follow the host's need, between these MiB
 *       <hvmux:trigger name='oom' pattern='oom-killer' badge='bad' hook='/path' port='serial0' every='60'/>
 *       <hvmux:trigger name='login' badge='none'/>         a default is switched off (core/triggers.h)
 *       <hvmux:respond pattern='boot: $' send='linux\r' port='serial0'/>   typed once in each boot
 *       <hvmux:console answer='no' scrollback='100000'/>   queries of the guest's are answered; lines kept
 *     </hvmux:domain>
 *   </metadata>
 *
 * Owner: whoever called domain_meta_parse. Pure: text to struct, struct into text. */
#ifndef CORE_DOMAIN_META_H
#define CORE_DOMAIN_META_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define DOMAIN_META_URI "urn:hvmux:domain:1"
#define DOMAIN_META_TAGS_MAX 64u
#define DOMAIN_META_TAG_MAX 64u      /* bytes of a tag, of one level of a group */
#define DOMAIN_META_GROUP_MAX 200u   /* bytes of a group's whole path */
#define DOMAIN_META_LEVELS_MAX 8u    /* of a group */
#define DOMAIN_META_AFTER_MAX 64u    /* names */
#define DOMAIN_META_ORDER_MAX 9999u  /* from 1 */
#define DOMAIN_META_DELAY_MAX 86400u /* seconds */
#define DOMAIN_META_TIMEOUT_MAX 86400u
#define DOMAIN_META_BALLOON_MAX (16u << 20) /* MiB */

#define DOMAIN_META_TRIGGERS_MAX 32u
#define DOMAIN_META_RESPONDS_MAX 16u
#define DOMAIN_META_SEND_MAX 256u    /* bytes that are typed */
#define DOMAIN_META_EVERY_MAX 86400u /* seconds */
#define DOMAIN_META_SCROLLBACK_MAX 10000000u

struct domain_trigger {
	char *name;
	char *pattern;  /* NULL: the default's by this name */
	int badge;      /* enum status_badge; -1 not given */
	char *hook;     /* an absolute path; NULL none */
	char *port;     /* "serial0"; NULL all */
	unsigned every; /* seconds between two matches, from 1; 0 not given */
};

struct domain_respond {
	char *pattern, *port; /* port NULL: all */
	char *send;           /* what is typed; may hold NULs */
	size_t n_send;
};

struct domain_meta {
	char **tags; /* in the document's order, each once */
	size_t n_tags;
	char *group; /* NULL none */
	bool protect;
	unsigned order; /* 0: not given; such domains start after those that have one */
	unsigned delay; /* seconds to wait after this domain's start before the next one's */
	char **after;   /* in the document's order, each once */
	size_t n_after;
	unsigned timeout;                        /* of a shutdown, seconds; 0 not given */
	bool balloon;                            /* its size may follow the host's need */
	unsigned balloon_floor, balloon_ceiling; /* MiB; 0 not given */
	struct domain_trigger *triggers;         /* in the document's order, each name once */
	size_t n_triggers;
	struct domain_respond *responds;
	size_t n_responds;
	bool console_deaf; /* answer='no': nothing that the guest's terminal is asked is answered */
	unsigned scrollback; /* lines; 0 not given */
};

/* Reads a domain's document, quickly when it holds nothing of ours. file names it in messages. On failure (the first
 * thing that is wrong is named) *m holds what could be read nevertheless, so that a list goes on, and a protection that
 * is misspelt still protects. Elements and attributes of later versions are no error. domain_meta_fini in every case. */
int domain_meta_parse(
    const char *xml, size_t size, const char *file, struct domain_meta *m, struct err *err);
void domain_meta_fini(struct domain_meta *m);

/* The document in which our element says what *m says, on the heap, its length in *out_size. Only members that differ
 * from what the document says are put in: comments, order, what others keep in <metadata>, and elements of ours that are
 * not known here stay. Nothing to keep: our element goes, and <metadata> with it when that leaves it empty. NULL on
 * failure; *m is checked. */
char *domain_meta_apply(const char *xml, size_t size, const char *file, const struct domain_meta *m,
    size_t *out_size, struct err *err);

/* 1 done, 0 it was so already, -1 not a tag (see domain_meta_tag_check) or too many. */
int domain_meta_add_tag(struct domain_meta *m, const char *tag, struct err *err);
/* 1 done, 0 there is no such tag. */
int domain_meta_remove_tag(struct domain_meta *m, const char *tag);
bool domain_meta_has_tag(const struct domain_meta *m, const char *tag);
/* NULL or "" takes it away. */
int domain_meta_set_group(struct domain_meta *m, const char *group, struct err *err);
/* Is the domain in this group or in one below it? "" holds every domain. */
bool domain_meta_in_group(const struct domain_meta *m, const char *group);

/* Checks one that a command line describes, as one of a document. */
int domain_meta_trigger_check(const struct domain_trigger *t, struct err *err);
/* Copies it in; one by the same name is replaced. */
int domain_meta_set_trigger(struct domain_meta *m, const struct domain_trigger *t, struct err *err);
/* 1 done, 0 there is none. */
int domain_meta_remove_trigger(struct domain_meta *m, const char *name);
/* "linux\r" → the bytes to type, on the heap: \r \n \t \e \\ \xNN. NULL: the error says what is wrong. */
char *domain_meta_unescape(const char *text, size_t *n, struct err *err);

/* A tag is printable UTF-8 without white space, ',' and '/', and does not begin with '-' or '!'. */
int domain_meta_tag_check(const char *tag, struct err *err);
/* Levels separated by '/', none of them empty; spaces may stand inside. */
int domain_meta_group_check(const char *group, struct err *err);

#endif
