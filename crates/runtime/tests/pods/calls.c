/* Makes system calls as a hostile program would, by number and in both instruction sets, and prints
 * one line each: its name and what came of it. Built and run by `calls.rs`. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* The upper half of a register, which the kernel does not look at where it takes an `int`. */
#define HIGH (1UL << 32)

/* Numbers of the 32-bit calls. */
enum {
    I386_FORK = 2,
    I386_GETPID = 20,
    I386_SOCKETCALL = 102,
    I386_CLONE = 120,
    I386_UNSHARE = 310,
    I386_SETNS = 346,
    I386_SOCKET = 359,
    I386_CLONE3 = 435,
};

static void report(const char *name, long result) {
    if (result >= 0)
        printf("%s: through\n", name);
    else
        printf("%s: %s\n", name, strerrorname_np((int)-result));
    fflush(stdout);
}

/* Plain 64-bit calls; the result is the kernel's own, a negative number for an error. */
static long call64(long number, long a, long b, long c) {
    long result = syscall(number, a, b, c, 0L, 0L);
    return result < 0 ? -errno : result;
}

/* A call through the door for 32-bit programs. Pointers must lie in the lowest 4 GiB, as static data
 * of this program does. */
static long call32(long number, long a, long b, long c) {
    int result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0), "D"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}

/* Runs one line in a child, so that a call that kills or forks does so there. */
static void apart(const char *name, long (*call)(long, long, long, long), long number, long a,
                  long b, long c) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pid_t self = getpid();
        long result = call(number, a, b, c);
        /* What a call has forked ends at once. */
        if (syscall(SYS_getpid) == self && result >= 0 && getppid() != self)
            report(name, result);
        else if (result < 0)
            report(name, result);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s: killed by %d\n", name, WTERMSIG(status));
}

static unsigned long clone3_arguments[8];
static unsigned socketcall_arguments[3];

int main(void) {
    static const struct {
        const char *name;
        unsigned long flag;
    } spaces[] = {
        {"mount", CLONE_NEWNS},     {"cgroup", CLONE_NEWCGROUP}, {"uts", CLONE_NEWUTS},
        {"ipc", CLONE_NEWIPC},      {"user", CLONE_NEWUSER},     {"pid", CLONE_NEWPID},
        {"network", CLONE_NEWNET},
    };
    char name[64];
    for (unsigned i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        unsigned long flag = spaces[i].flag;
        /* Alone where that may be done, and with the user namespace that gives the power to do it. */
        unsigned long both = flag | CLONE_NEWUSER;
        snprintf(name, sizeof name, "clone %s", spaces[i].name);
        apart(name, call64, SYS_clone, both | SIGCHLD, 0, 0);
        snprintf(name, sizeof name, "clone %s high", spaces[i].name);
        apart(name, call64, SYS_clone, both | SIGCHLD | HIGH, 0, 0);
        snprintf(name, sizeof name, "clone %s 32", spaces[i].name);
        apart(name, call32, I386_CLONE, both | SIGCHLD, 0, 0);
        snprintf(name, sizeof name, "unshare %s", spaces[i].name);
        apart(name, call64, SYS_unshare, both, 0, 0);
        snprintf(name, sizeof name, "unshare %s 32", spaces[i].name);
        apart(name, call32, I386_UNSHARE, both, 0, 0);
    }
    apart("unshare time", call64, SYS_unshare, CLONE_NEWUSER | CLONE_NEWTIME, 0, 0);
    clone3_arguments[0] = CLONE_NEWUSER;
    clone3_arguments[4] = SIGCHLD;
    apart("clone3 user", call64, SYS_clone3, (long)clone3_arguments, sizeof clone3_arguments, 0);
    apart("clone3 user 32", call32, I386_CLONE3, (long)clone3_arguments, sizeof clone3_arguments, 0);
    apart("setns", call64, SYS_setns, 0, CLONE_NEWUSER, 0);
    apart("setns 32", call32, I386_SETNS, 0, CLONE_NEWUSER, 0);

    static const struct {
        const char *name;
        unsigned family;
    } families[] = {{"vsock", 40}, {"alg", 38}, {"qipcrtr", 42}, {"xdp", 44}, {"inet", AF_INET}};
    for (unsigned i = 0; i < sizeof families / sizeof *families; i++) {
        unsigned family = families[i].family;
        snprintf(name, sizeof name, "socket %s", families[i].name);
        apart(name, call64, SYS_socket, family, SOCK_STREAM, 0);
        snprintf(name, sizeof name, "socket %s high", families[i].name);
        apart(name, call64, SYS_socket, family | HIGH, SOCK_STREAM, 0);
        snprintf(name, sizeof name, "socket %s 32", families[i].name);
        apart(name, call32, I386_SOCKET, family, SOCK_STREAM, 0);
        socketcall_arguments[0] = family;
        socketcall_arguments[1] = SOCK_STREAM;
        snprintf(name, sizeof name, "socketcall %s", families[i].name);
        apart(name, call32, I386_SOCKETCALL, 1, (long)socketcall_arguments, 0);
    }

    /* What honest programs do goes through. */
    apart("fork", call64, SYS_clone, SIGCHLD, 0, 0);
    apart("fork 32", call32, I386_FORK, 0, 0, 0);
    apart("getpid 32", call32, I386_GETPID, 0, 0, 0);
    /* The third set of numbers of this machine, that nothing uses. */
    apart("getpid x32", call64, 0x40000000L | SYS_getpid, 0, 0, 0);
    return 0;
}
