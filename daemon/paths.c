/* The standard places of the policy and of litekeeper's memory. Looks at no file. */
#include "paths.h"

#include "memory.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const char *paths_home(void)
{
    const char *home = getenv("HOME");
    const struct passwd *user;

    if (home && home[0] == '/')
        return home;
    user = getpwuid(geteuid());
    return user ? user->pw_dir : "/";
}

/* basedir-spec: "If an implementation encounters a relative path ... it should ... ignore it". */
static char *paths_user(const char *variable, const char *standard, const char *name)
{
    const char *base = getenv(variable);

    if (base && base[0] == '/')
        return memory_format("%s/litekeeper%s", base, name);
    return memory_format("%s/%s/litekeeper%s", paths_home(), standard, name);
}

char *paths_config(void)
{
    if (geteuid() == 0)
        return memory_copy("/etc/litekeeper/litekeeper.yaml");
    return paths_user("XDG_CONFIG_HOME", ".config", "/litekeeper.yaml");
}

char *paths_state(void)
{
    if (geteuid() == 0)
        return memory_copy("/var/lib/litekeeper");
    return paths_user("XDG_STATE_HOME", ".local/state", "");
}

char *paths_socket(void)
{
    const char *base = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        return paths_socket_system();
    if (base && base[0] == '/')
        return memory_format("%s/litekeeper/litekeeper.sock", base);
    return memory_format("/run/user/%u/litekeeper/litekeeper.sock", (unsigned)geteuid());
}

char *paths_socket_system(void)
{
    return memory_copy("/run/litekeeper/litekeeper.sock");
}
