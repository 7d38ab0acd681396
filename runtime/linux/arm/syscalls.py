"""System calls of the ARM EABI. ``runtime.linux.syscalls.rows`` says what the columns mean."""

from __future__ import annotations

from runtime.linux.syscalls.rows import SINCE_5_1, TIME64, parse

ROWS = parse("""
0 restart_syscall - -
1 exit process. i
2 fork process. -
3 read io. fxu R
4 write io. fxu R
5 open paths. sxo R
6 close . f
8 creat paths. so R
9 link paths. ss
10 unlink paths. s
11 execve process. sxx
12 chdir paths. s
14 mknod paths. sou
15 chmod paths. so
16 lchown paths.lchown16 suu
19 lseek io. fiu
20 getpid . -
21 mount - ssxxx
23 setuid ids.setuid16 u
24 getuid . -
26 ptrace - xxxx
29 pause . -
33 access paths. so
34 nice process. i
36 sync . -
37 kill signal. ii
38 rename paths. ss
39 mkdir paths. so
40 rmdir paths. s
41 dup . f
42 pipe io. x
43 times time. x
45 brk memory. x
46 setgid ids.setgid16 u
47 getgid . -
49 geteuid . -
50 getegid . -
51 acct - s
52 umount2 - sx
54 ioctl ioctl. fxx R
55 fcntl fcntl. fux R
57 setpgid . ii
60 umask . o
61 chroot - s
63 dup2 io. ff
64 getppid . -
65 getpgrp . -
66 setsid . -
67 sigaction signal. ixx
70 setreuid ids.setreuid16 uu
71 setregid ids.setregid16 uu
72 sigsuspend signal. xxx
73 sigpending signal. x
74 sethostname io.sethostname xu
75 setrlimit process. ux
77 getrusage process. ix
78 gettimeofday time. xx
79 settimeofday - xx
80 getgroups ids.getgroups16 ix
81 setgroups - ix
83 symlink paths. ss
85 readlink paths. sxu
91 munmap memory. xu
92 truncate paths. si
93 ftruncate io. fi
94 fchmod . fo
95 fchown ids.fchown16 fuu
96 getpriority . ii
97 setpriority . iii
99 statfs fs. sx
100 fstatfs fs. fx
103 syslog - ixi
104 setitimer time. ixx
105 getitimer time. ix
106 stat - sx
107 lstat - sx
108 fstat - fx
111 vhangup - -
114 wait4 process. ixxx R
116 sysinfo process. x
118 fsync . f
119 sigreturn signal. -
120 clone process. xxxxx
121 setdomainname - xu
122 uname process. x
124 adjtimex - x
125 mprotect memory. xux
126 sigprocmask signal. ixx
132 getpgid . i
133 fchdir . f
136 personality process. x
138 setfsuid ids.setfsuid16 u
139 setfsgid ids.setfsgid16 u
140 _llseek io.llseek fxxxi
141 getdents - fxu
142 _newselect poll.select ixxxx
143 flock . fi R
144 msync memory. xux
145 readv io. fxi R
146 writev io. fxi R
147 getsid .getsid i
148 fdatasync . f
150 mlock memory. xu
151 munlock memory. xu
152 mlockall memory. x
153 munlockall memory. -
154 sched_setparam sched. ix
155 sched_getparam sched. ix
156 sched_setscheduler sched. iix
157 sched_getscheduler . i
158 sched_yield . -
159 sched_get_priority_max . i
160 sched_get_priority_min . i
161 sched_rr_get_interval sched. ix
162 nanosleep time. xx
163 mremap memory. xuuxx
164 setresuid ids.setresuid16 uuu
165 getresuid ids.getresuid16 xxx
168 poll poll. xui
170 setresgid ids.setresgid16 uuu
171 getresgid ids.getresgid16 xxx
172 prctl process. ixxxx
173 rt_sigreturn signal. -
174 rt_sigaction signal. ixxu
175 rt_sigprocmask signal. ixxu
176 rt_sigpending signal. xu
177 rt_sigtimedwait signal. xxxu
178 rt_sigqueueinfo signal. iix
179 rt_sigsuspend signal. xu
180 pread64 io. fxu_uu
181 pwrite64 io. fxu_uu
182 chown paths.chown16 suu
183 getcwd paths. xu
184 capget process. xx
185 capset - xx
186 sigaltstack signal. xx
187 sendfile io. ffxu
190 vfork process. -
191 ugetrlimit process.getrlimit ux
192 mmap2 memory. xuxxfx
193 truncate64 paths. s_uu
194 ftruncate64 io. f_uu
195 stat64 stat. sx
196 lstat64 stat. sx
197 fstat64 stat. fx
198 lchown32 paths.lchown suu
199 getuid32 .getuid -
200 getgid32 .getgid -
201 geteuid32 .geteuid -
202 getegid32 .getegid -
203 setreuid32 .setreuid uu
204 setregid32 .setregid uu
205 getgroups32 ids.getgroups ix
206 setgroups32 ids.setgroups ix
207 fchown32 .fchown fuu
208 setresuid32 .setresuid uuu
209 getresuid32 ids.getresuid xxx
210 setresgid32 .setresgid uuu
211 getresgid32 ids.getresgid xxx
212 chown32 paths.chown suu
213 setuid32 .setuid u
214 setgid32 .setgid u
215 setfsuid32 .setfsuid u
216 setfsgid32 .setfsgid u
217 getdents64 io. fxu
218 pivot_root - ss
219 mincore memory. xux
220 madvise memory. xui
221 fcntl64 fcntl.fcntl fux R
224 gettid . -
225 readahead io. f_uuu
226 setxattr xattr. ssxux
227 lsetxattr xattr. ssxux
228 fsetxattr xattr. fsxux
229 getxattr xattr. ssxu
230 lgetxattr xattr. ssxu
231 fgetxattr xattr. fsxu
232 listxattr xattr. sxu
233 llistxattr xattr. sxu
234 flistxattr xattr. fxu
235 removexattr xattr. ss
236 lremovexattr xattr. ss
237 fremovexattr xattr. fs
238 tkill signal. ii
239 sendfile64 io. ffxu
240 futex futex. xiuxxu R
241 sched_setaffinity sched. iux
242 sched_getaffinity sched. iux
248 exit_group process. i
250 epoll_create . i
251 epoll_ctl poll. fifx
252 epoll_wait poll. fxii
253 remap_file_pages - xxxxx
256 set_tid_address process. x
257 timer_create time. ixx
258 timer_settime time. ixxx
259 timer_gettime time. ix
260 timer_getoverrun . i
261 timer_delete . i
262 clock_settime time. ix
263 clock_gettime time. ix
264 clock_getres time. ix
265 clock_nanosleep time. ixxx
266 statfs64 fs. sux
267 fstatfs64 fs. fux
268 tgkill signal. iii
269 utimes time. sx
270 arm_fadvise64_64 io.fadvise64 fiuuuu
274 mq_open ipc. sxox
275 mq_unlink ipc. s
276 mq_timedsend ipc. fxuux R
277 mq_timedreceive ipc. fxuxx R
279 mq_getsetattr ipc. fxx
280 waitid process. iixxx R
281 socket . iii
282 bind socket. fxu
283 connect socket. fxu R
284 listen . fi
285 accept socket. fxx R
286 getsockname socket. fxx
287 getpeername socket. fxx
288 socketpair socket. iiix
289 send socket. fxux R
290 sendto socket. fxuxxu R
291 recv socket. fxux R
292 recvfrom socket. fxuxxx R
293 shutdown . fi
294 setsockopt socket. fiixu
295 getsockopt socket. fiixx
296 sendmsg socket. fxx R
297 recvmsg socket. fxx R
298 semop ipc. ixu
299 semget . iix
300 semctl ipc. iiix
301 msgsnd ipc. ixux
302 msgrcv ipc. ixuix
303 msgget . ix
304 msgctl ipc. iix
305 shmat ipc. ixx
306 shmdt ipc. x
307 shmget . iux
308 shmctl ipc. iix
309 add_key - ssxui
310 request_key - sssi
311 keyctl - ixxxx
312 semtimedop ipc. ixux
314 ioprio_set . iii
315 ioprio_get . ii
316 inotify_init . -
317 inotify_add_watch paths. fsx
318 inotify_rm_watch . fi
322 openat paths. fsxo R
323 mkdirat paths. fso
324 mknodat paths. fsou
325 fchownat paths. fsuux
326 futimesat time. fsx
327 fstatat64 stat. fsxx
328 unlinkat paths. fsx
329 renameat paths. fsfs
330 linkat paths. fsfsx
331 symlinkat paths. sfs
332 readlinkat paths. fsxu
333 fchmodat paths. fso
334 faccessat paths. fso
335 pselect6 poll. ixxxxx
336 ppoll poll. xuxxu
337 unshare - x
338 set_robust_list process. xu
339 get_robust_list process. ixx
340 splice io. fxfxux R
341 sync_file_range2 io. fxuuuu
342 tee . ffux R
343 vmsplice io. fxux R
345 getcpu process. xxx
346 epoll_pwait poll. fxiixu
348 utimensat time. fsxx
349 signalfd signal. fxu
350 timerfd_create . ii
351 eventfd . u
352 fallocate io. fxuuuu
353 timerfd_settime time. fxxx
354 timerfd_gettime time. fx
355 signalfd4 signal. fxux
356 eventfd2 . ux
357 epoll_create1 . x
358 dup3 io. ffx
359 pipe2 io. xx
360 inotify_init1 . x
361 preadv io. fxiuu R
362 pwritev io. fxiuu R
363 rt_tgsigqueueinfo signal. iiix
365 recvmmsg socket. fxuxx R
366 accept4 socket. fxxx R
369 prlimit64 process. iuxx
370 name_to_handle_at - fsxxx
371 open_by_handle_at - fxx
373 syncfs . f
374 sendmmsg socket. fxux R
375 setns - fx
376 process_vm_readv - ixuxux
377 process_vm_writev - ixuxux
378 kcmp . iiixx
380 sched_setattr sched. ixx
381 sched_getattr sched. ixux
382 renameat2 paths. fsfsx
383 seccomp - xxx
384 getrandom io. xux R
385 memfd_create paths. sx
386 bpf - xxx
387 execveat process. fsxxx
388 userfaultfd - x
389 membarrier process. iii
390 mlock2 memory. xux
391 copy_file_range io. fxfxux
392 preadv2 io. fxiuux R
393 pwritev2 io. fxiuux R
397 statx stat. fsxux
398 rseq - xuxu
""" + TIME64 + SINCE_5_1 + """
0xf0001 breakpoint process. -
0xf0002 cacheflush memory. xxx
0xf0003 usr26 - -
0xf0004 usr32 - -
0xf0005 set_tls process. x
0xf0006 get_tls process. -
""")
