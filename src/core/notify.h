/* notify: one message to systemd (sd_notify(3)'s protocol: a datagram to $NOTIFY_SOCKET); nothing
 * happens without it. */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

/* "READY=1", "STATUS=…", "STOPPING=1". */
void notify_systemd(const char *message);

#endif
