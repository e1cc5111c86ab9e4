// usage: measure FILE COMMAND [ARGUMENT...]
//
// Runs COMMAND and writes one line to FILE: its status, wall seconds, user + system CPU seconds of it and its
// children, and its peak memory: resident in all, and apart the largest anonymous and the largest file-backed part
// seen at once (mapped files are the page cache's memory; they are counted apart). Sampled every 5 ms.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long field(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND [ARGUMENT...]\n");
        return 2;
    }
    struct timespec started, now, pause = {0, 5000000};
    clock_gettime(CLOCK_MONOTONIC, &started);
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(127);
    }
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/status", child);
    long anonymous = 0, mapped = 0, peak = 0;
    int status;
    struct rusage usage;
    while (wait4(child, &status, WNOHANG, &usage) == 0) {
        FILE *file = fopen(path, "r");
        if (file) {
            text[fread(text, 1, sizeof text - 1, file)] = 0;
            fclose(file);
            long a = field(text, "RssAnon:"), m = field(text, "RssFile:") + field(text, "RssShmem:");
            long high = field(text, "VmHWM:");
            if (a > anonymous) anonymous = a;
            if (m > mapped) mapped = m;
            if (high > peak) peak = high;
        }
        nanosleep(&pause, NULL);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double wall = (double)(now.tv_sec - started.tv_sec) + (double)(now.tv_nsec - started.tv_nsec) / 1e9;
    double user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    double system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    if (usage.ru_maxrss > peak) peak = usage.ru_maxrss;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *out = fopen(arguments[1], "w");
    if (!out) return 1;
    fprintf(out, "status=%d wall=%.3f cpu=%.3f user=%.3f sys=%.3f peak_kb=%ld anon_kb=%ld file_kb=%ld\n", code, wall,
            user + system, user, system, peak, anonymous, mapped);
    fclose(out);
    return code;
}
