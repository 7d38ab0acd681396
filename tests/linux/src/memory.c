/* mmap and its family, brk, shared and file mappings, self-modifying code. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "machine.h"

static void say(const char *what, long value) { printf("%s %ld\n", what, value); }

int main(void)
{
    char *p = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 7, 5 * 4096);
    say("hole", munmap(p + 4096, 4096));
    char *q = mmap(p + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("hint honoured", q == p + 4096);
    say("zeroed", q[5]);
    say("noreplace", mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    say("fixed", mmap(p + 8192, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 8192);
    say("fixed zeroed", p[8192]);
    say("neighbour kept", p[3 * 4096]);
    say("mprotect unmapped", mprotect((void *)0x30000000, 4096, PROT_READ) == -1 && errno == ENOMEM);
    say("mmap none", mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    say("mmap huge", mmap(0, ~(size_t)4095, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);

    char *m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(m, "moved");
    char *n = mremap(m, 8192, 1 << 20, MREMAP_MAYMOVE);
    say("mremap grows", n != MAP_FAILED && !strcmp(n, "moved") && n[1 << 19] == 0);
    n[(1 << 20) - 1] = 1;
    n = mremap(n, 1 << 20, 4096, 0);
    unsigned char present[2];
    say("shrunk", mincore(n + 4096, 4096, present) == -1 && errno == ENOMEM);
    say("present", mincore(n, 4096, present) == 0 && (present[0] & 1));
    say("dontneed", madvise(n, 4096, MADV_DONTNEED) == 0 && n[0] == 0);

    char *heap = (char *)syscall(SYS_brk, 0);
    say("brk grows", (char *)syscall(SYS_brk, heap + 100000) == heap + 100000 && (memset(heap, 1, 100000), heap[99999]) == 1);
    say("brk shrinks", (char *)syscall(SYS_brk, heap) == heap && (char *)syscall(SYS_brk, 0) == heap);

    int fd = memfd_create("file", 0);
    ftruncate(fd, 8192);
    pwrite(fd, "second", 6, 4096);
    char *f = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *g = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    say("file offset", !strcmp(g, "second"));
    strcpy(f, "shared");
    char text[8] = "";
    pread(fd, text, 7, 0);
    say("shared write", !strcmp(text, "shared"));
    g[0] = 'S';
    say("private write", f[4096] == 's');
    int *common = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!fork()) {
        *common = 42;
        _exit(0);
    }
    wait(0);
    say("shared with child", *common);

    unsigned *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*call)(void) = (int (*)(void))code;
    int sum = 0;
    for (int i = 0; i < 300; i++) {
        RETURNS(code, i & 0xff);
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        sum += call();
    }
    say("self-modifying", sum);
    mprotect(code, 4096, PROT_READ | PROT_WRITE);
    int pipes[2];
    pipe(pipes);
    unsigned fresh[2];
    RETURNS(fresh, 42);
    write(pipes[1], fresh, 8);
    mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    read(pipes[0], code, 8); /* the kernel writes code: no cacheflush needed by a machine with coherent caches, but ask anyway */
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    say("code by read", call());
    return 0;
}
