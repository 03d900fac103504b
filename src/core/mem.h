/* mem: allocation that does not fail (it ends the process with a message), and scoped cleanup. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size); /* overflow checked */
void *xrealloc(void *p, size_t n);
void *xreallocarray(void *p, size_t n, size_t size); /* overflow checked */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
/* strdup that passes NULL through. */
char *xstrdup0(const char *s);

void cleanup_free(void *p);  /* p is the address of a pointer from malloc */
void cleanup_close(int *fd); /* closes when >= 0, keeps errno */

/* CLEANUP_FREE char *s = …;  CLEANUP_CLOSE int fd = -1; */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

/* Hands the value over and leaves NULL (or -1) behind, for the success path of a scoped variable.
 */
#define TAKE_PTR(p)                      \
	({                               \
		__auto_type take_ = (p); \
		(p) = NULL;              \
		take_;                   \
	})
#define TAKE_FD(fd)               \
	({                        \
		int take_ = (fd); \
		(fd) = -1;        \
		take_;            \
	})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
