/* Where litekeeper's own files are, where neither the command line nor the policy says. */
#ifndef PATHS_H
#define PATHS_H

/* New texts, the caller's. For root /etc/litekeeper/litekeeper.yaml, /var/lib/litekeeper and
 * /run/litekeeper/litekeeper.sock; for another user the same under $XDG_CONFIG_HOME,
 * $XDG_STATE_HOME and $XDG_RUNTIME_DIR, with the defaults of the XDG Base Directory Specification
 * 0.8, and /run/user/UID for the last, which has none. */
char *paths_config(void);
char *paths_state(void);
char *paths_socket(void);
char *paths_socket_system(void); /* root's, whoever asks */

#endif
