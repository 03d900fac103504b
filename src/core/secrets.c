#include "core/secrets.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define VALUE_MAX (64u << 10)    /* bytes of base64; libvirt's own bound of a secret's value */
#define DOCUMENT_MAX (64u << 10) /* bytes */

static char *secrets_dir(const struct home *h)
{
	return xasprintf("%s/secrets", h->conf);
}

/* <usage type='ceph'><name>…</name></usage>; the element's name depends on the type. */
static bool is_for(const char *path, const char *type, const char *usage)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, DOCUMENT_MAX, &text, NULL) < 0 || text.len == 0)
		return false;
	CLEANUP_XML xmlDoc *doc = xml_read(text.data, text.len, path, "secret", NULL);
	const xmlNode *u = doc == NULL ? NULL : xml_child(xmlDocGetRootElement(doc), "usage");
	CLEANUP_FREE char *of = xml_attr(u, "type");
	if (u == NULL || (type != NULL && !str_eq(of, type)))
		return false;
	static const char *const names[] = {"name", "target", "volume"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *value = xml_child_text(u, names[i]);
		if (str_eq(value, usage))
			return true;
	}
	return false;
}

/* Its file's name without the ending, on the heap. */
static char *find_usage(const char *dir, const char *type, const char *usage)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char *found = NULL;
	while (d != NULL && found == NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		if (n < 5 || strcmp(e->d_name + n - 4, ".xml") != 0)
			continue;
		CLEANUP_FREE char *path = xasprintf("%s/%s", dir, e->d_name);
		if (is_for(path, type, usage))
			found = xstrndup(e->d_name, n - 4);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static bool is_base64(const char *s)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strspn(s, letters), pad = strspn(s + n, "=");
	return n > 0 && s[n + pad] == '\0' && pad <= 2 && (n + pad) % 4 == 0;
}

static char *read_value(const char *path, struct err *err)
{
	struct stat st;
	struct buf text = BUF_INIT;
	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
		err_set(err, ERR_DENIED,
		    "the secret '%s' can be read by others (mode %03o): chmod 600 closes it", path,
		    (unsigned)st.st_mode & 0777);
		return NULL;
	}
	if (file_read(path, VALUE_MAX, &text, err) < 0)
		return NULL;
	char *value = buf_take(&text), *end = value;
	for (const char *p = value; *p != '\0'; p++)
		if (strchr(" \t\r\n", *p) == NULL)
			*end++ = *p;
	*end = '\0';
	if (is_base64(value))
		return value;
	explicit_bzero(value, strlen(value));
	cleanup_free(&value);
	err_set(err, ERR_INVALID, "the secret '%s' is not base64", path);
	return NULL;
}

char *secrets_find(
    const struct home *h, const char *type, const char *uuid, const char *usage, struct err *err)
{
	CLEANUP_FREE char *dir = secrets_dir(h);
	CLEANUP_FREE char *name = NULL;
	unsigned char bytes[16];
	char text[37];
	if (uuid != NULL && uuid_parse(uuid, bytes) == 0) {
		uuid_unparse_lower(bytes, text);
		name = xstrdup(text);
	} else if (uuid == NULL && usage != NULL) {
		name = find_usage(dir, type, usage);
	}
	if (name == NULL) {
		err_set(err, ERR_NOT_FOUND, "there is no secret for '%s' in '%s'",
		    uuid != NULL    ? uuid
		    : usage != NULL ? usage
		                    : "",
		    dir);
		return NULL;
	}
	CLEANUP_FREE char *path = xasprintf("%s/%s.base64", dir, name);
	return read_value(path, err);
}
