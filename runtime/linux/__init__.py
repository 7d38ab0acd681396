"""Linux user mode: runs a guest program on the host's kernel, syscall by syscall."""
