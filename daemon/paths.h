/* Where litekeeper's own files are, where neither the command line nor the policy says. */
#ifndef PATHS_H
#define PATHS_H

/* New texts, the caller's. For root /etc/litekeeper/litekeeper.yaml and /var/lib/litekeeper; for
 * another user the same under $XDG_CONFIG_HOME and $XDG_STATE_HOME, with the defaults of the XDG
 * Base Directory Specification 0.8. */
char *paths_config(void);
char *paths_state(void);

#endif
