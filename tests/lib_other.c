/* A child process that runs the SQL it is sent over a socket, and answers with result codes. */
#include "lib_other.h"

#include "memory.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct other {
    pid_t pid;
    int socket;
};

enum { OTHER_SQL = 1000 };

static void other_run(int socket)
{
    char sql[OTHER_SQL];
    sqlite3 *db = NULL;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = sqlite3_open("app.db", &db);
    sqlite3_busy_timeout(db, 5000);
    while (recv(socket, sql, sizeof sql, 0) > 0) {
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        if (send(socket, &rc, sizeof rc, 0) < 0)
            break;
        rc = SQLITE_OK;
    }
    sqlite3_close(db);
    _exit(0);
}

struct other *other_start(void)
{
    struct other *other = memory_new(struct other);
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    other->pid = fork();
    ck_assert_int_ge(other->pid, 0);
    if (other->pid == 0) {
        close(pair[0]);
        other_run(pair[1]);
    }
    close(pair[1]);
    other->socket = pair[0];
    return other;
}

void other_send(struct other *other, const char *sql)
{
    ck_assert_uint_lt(strlen(sql), OTHER_SQL);
    ck_assert_int_gt(send(other->socket, sql, strlen(sql) + 1, MSG_NOSIGNAL), 0);
}

int other_wait(struct other *other)
{
    int rc = -1;

    ck_assert_int_eq(recv(other->socket, &rc, sizeof rc, 0), sizeof rc);
    return rc;
}

int other_sql(struct other *other, const char *sql)
{
    other_send(other, sql);
    return other_wait(other);
}

pid_t other_pid(const struct other *other)
{
    return other->pid;
}

void other_stop(struct other *other)
{
    shutdown(other->socket, SHUT_RDWR); /* those started later hold it open, too */
    close(other->socket);
    waitpid(other->pid, NULL, 0);
    free(other);
}
