/*
 * Takes a worker's rights away, one step after the other in the one order that works: what needs
 * a right comes before the step that gives it up. Runs in the worker; asks nsswitch for the user's
 * groups, which may hang, and then only the worker hangs.
 */
#include "privileges.h"

#include "memory.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__ /* it maps terabytes, and looks for leaks from a clone by ptrace */
#define PRIVILEGES_SANITIZED 1
#else
#define PRIVILEGES_SANITIZED 0
#endif

enum { PRIVILEGES_NOBODY = 65534 };

static const struct {
    __rlimit_resource_t resource;
    bool sanitized; /* holds under ASan too */
    rlim_t limit;
} privileges_limits[] = {
    /* libraries and the walk over 100 GB fit; a walker gone wild on a broken file does not */
    {RLIMIT_AS, false, 256 << 20},
    {RLIMIT_CORE, true, 0},    /* the owner's data would lie about in a dump */
    {RLIMIT_NOFILE, true, 64}, /* a database, its -wal and -shm, temporary files, archives */
    {RLIMIT_NPROC, false, 0},  /* it needs no child; a limit on every user but root */
};

static int privileges_capget(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return (int)syscall(SYS_capget, &header, data);
}

static uint64_t privileges_effective(void)
{
    struct __user_cap_data_struct data[2] = {0};

    if (privileges_capget(data) < 0)
        return 0;
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* CAP_SETPCAP may be missing (a unit's CapabilityBoundingSet). Then the bounding set stays as it
 * is, and no_new_privs alone keeps an exec from using it. */
static bool privileges_may_bound(void)
{
    return privileges_effective() & (uint64_t)1 << CAP_SETPCAP;
}

static int privileges_bounding(const struct privileges *privileges)
{
    (void)privileges;
    if (!privileges_may_bound())
        return 0;
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability) < 0)
            return -1;
    return 0;
}

/* Root's uid gives no capabilities at exec. The fixup of a change of user stays: it takes them. */
static int privileges_securebits(const struct privileges *privileges)
{
    (void)privileges;
    return privileges_may_bound()
               ? prctl(PR_SET_SECUREBITS,
                       SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                           SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
               : 0;
}

/* Without a passwd entry the file's group is all that is known of the user's. Root's group is not
 * taken on a file's word: any owner of a folder that hands down its group could have said it. */
static int privileges_group_alone(const struct privileges *privileges)
{
    gid_t group = privileges->group;

    if (group == 0 && privileges->user != 0)
        group = PRIVILEGES_NOBODY;
    return setgroups(1, &group) < 0 ? -1 : setresgid(group, group, group);
}

/* Whether the groups that we have now have the file's among them. */
static bool privileges_member(gid_t group)
{
    int count = getgroups(0, NULL);
    gid_t *groups = memory_zeroed(count > 0 ? (size_t)count : 0, sizeof *groups);
    bool member = false;

    count = getgroups(count > 0 ? count : 0, groups);
    for (int i = 0; i < count; i++)
        member = member || groups[i] == group;
    free(groups);
    return member;
}

/* The file's group, if it is one of the user's: a -wal of another group would lock out whoever
 * comes to the database by that group. Else the user's own. */
static int privileges_groups(const struct privileges *privileges)
{
    struct passwd entry, *found = NULL;
    char names[4096];

    if (geteuid() != 0)
        return 0;
    if (getpwuid_r(privileges->user, &entry, names, sizeof names, &found) != 0 || !found)
        return privileges_group_alone(privileges);
    if (initgroups(entry.pw_name, entry.pw_gid) < 0)
        return -1;
    gid_t group = privileges_member(privileges->group) ? privileges->group : entry.pw_gid;
    return setresgid(group, group, group);
}

static int privileges_user(const struct privileges *privileges)
{
    uid_t user = privileges->user;

    return setresuid(user, user, user);
}

static int privileges_ambient(const struct privileges *privileges)
{
    (void)privileges;
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int privileges_capabilities(const struct privileges *privileges)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    uint64_t keep = privileges->keep & privileges_effective();
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
    };

    return (int)syscall(SYS_capset, &header, data);
}

static int privileges_no_new(const struct privileges *privileges)
{
    (void)privileges;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Nobody reads this process's memory or descriptors through /proc, its owner included. */
static int privileges_undumpable(const struct privileges *privileges)
{
    (void)privileges;
    return prctl(PR_SET_DUMPABLE, PRIVILEGES_SANITIZED, 0, 0, 0);
}

int privileges_die_with_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int privileges_orphan(const struct privileges *privileges)
{
    (void)privileges;
    return privileges_die_with_parent();
}

static int privileges_limit(const struct privileges *privileges)
{
    (void)privileges;
    for (size_t i = 0; i < sizeof privileges_limits / sizeof *privileges_limits; i++) {
        struct rlimit now, limit = {privileges_limits[i].limit, privileges_limits[i].limit};

        if (PRIVILEGES_SANITIZED && !privileges_limits[i].sanitized)
            continue;
        if (getrlimit(privileges_limits[i].resource, &now) < 0)
            return -1;
        if (now.rlim_max < limit.rlim_max)
            limit = (struct rlimit){now.rlim_max, now.rlim_max};
        if (setrlimit(privileges_limits[i].resource, &limit) < 0)
            return -1;
    }
    return 0;
}

static const struct {
    const char *what;
    int (*take)(const struct privileges *privileges);
} privileges_steps[] = {
    {"empty the bounding set of capabilities", privileges_bounding},
    {"lock the secure bits", privileges_securebits},
    {"take its groups", privileges_groups},
    {"become its owner", privileges_user},
    {"clear the ambient capabilities", privileges_ambient},
    {"drop the capabilities", privileges_capabilities},
    {"set no_new_privs", privileges_no_new},
    {"forbid core dumps", privileges_undumpable},
    {"bind itself to its parent", privileges_orphan}, /* a change of user undoes it: prctl(2) */
    {"set its limits", privileges_limit},
};

/* Whether every way back is shut. Capabilities first: with one left, trying would succeed. */
static bool privileges_gone(const struct privileges *privileges)
{
    struct __user_cap_data_struct data[2] = {0};
    uid_t real, effective, saved, other = privileges->user == 0 ? PRIVILEGES_NOBODY : 0;

    if (privileges_capget(data) < 0 || getresuid(&real, &effective, &saved) < 0)
        return false;
    uint64_t left = ((uint64_t)data[1].permitted << 32 | data[0].permitted) |
                    ((uint64_t)data[1].inheritable << 32 | data[0].inheritable);
    return !(left & ~privileges->keep) && real == privileges->user &&
           effective == privileges->user && saved == privileges->user &&
           setresuid(other, other, other) < 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

enum status privileges_drop(const struct privileges *privileges, struct error *error)
{
    for (size_t i = 0; i < sizeof privileges_steps / sizeof *privileges_steps; i++)
        if (privileges_steps[i].take(privileges) < 0)
            return error_set(error, STATUS_FAILED, "the worker can't %s: %s",
                             privileges_steps[i].what, strerror(errno));
    if (!privileges_gone(privileges))
        return error_set(error, STATUS_FAILED, "the worker could regain the rights it gave up");
    return STATUS_OK;
}

void privileges_yield(void)
{
    (void)!setpriority(PRIO_PROCESS, 0, 19);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}
