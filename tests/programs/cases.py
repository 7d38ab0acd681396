"""The Debian programs that must behave as under the reference emulators: one row a run, for all architectures.

Every case runs in a fresh directory that holds the files of :func:`input_files`. Standard output and exit status are compared.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

BUSYBOX = "bin/busybox"
PYTHON = "usr/bin/python3.11"
MACHINE = b"@machine@"
BIG = "big.bin"  # 1.2 MB: enough for several threads of a packer


@dataclass(frozen=True)
class Case:
    """``program`` is a path inside the sysroot. ``expect`` replaces qemu's standard output (and means exit status 0) where qemu cannot be the
    reference: without the kernel's help it runs no guest program from a guest program. ``MACHINE`` in it is what uname says. ``sift``: only what this regular expression finds in standard
    output is compared, for programs that print times and process numbers."""

    name: str
    program: str
    args: tuple[str, ...]
    stdin: bytes = b""
    expect: bytes | None = None
    sift: str = ""

    def compared(self, stdout: bytes) -> bytes:
        """The part of *stdout* that has to be equal."""
        return b"\n".join(re.findall(self.sift.encode(), stdout, re.MULTILINE)) if self.sift else stdout


def _packable(blocks: int) -> bytes:
    """Bytes that compress to about a third, 42 a block."""
    block, noise = bytearray(), b"dbt"
    for _ in range(blocks):
        noise = zlib.crc32(noise).to_bytes(4, "little") * 3
        block += noise + b"repeated text that packs well; "
    return bytes(block)


def input_files(directory: Path, case: Case) -> None:
    """Write the files that *case* may read: the same bytes every time."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    lines, seed = [], 12345
    for number in range(400):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        lines.append(f"{number}\t{words[seed >> 16 & 7]}\t{seed % 1000}\t{seed / 977:.3f}")
    (directory / "table.tsv").write_text("\n".join(lines) + "\n")
    (directory / "words.txt").write_text("\n".join(words * 3) + "\n")
    (directory / "data.bin").write_bytes(_packable(600))
    if BIG in case.args:
        (directory / BIG).write_bytes(_packable(30000))
    tree = directory / "tree" / "inner"
    tree.mkdir(parents=True)
    (tree / "one").write_text("1\n")
    (directory / "tree" / "two").write_text("22\n")
    (directory / "tree" / "link").symlink_to("inner/one")


CASES: list[Case] = []


def _case(name: str, program: str, *args: str, stdin: str = "", expect: str | None = None, sift: str = "") -> None:
    CASES.append(Case(name, program, args, stdin.encode(), None if expect is None else expect.encode(), sift))


# What tier 1 can do from an empty cache in well under a minute each, from most kinds of programs.
REPRESENTATIVES = frozenset({
    "busybox-sh-loop", "busybox-sh-pipe", "busybox-sha256sum", "bash-trap", "dash-loop", "dash-kill", "ls-long", "sort-keys", "sha512sum",
    "factor", "date", "numfmt", "lua-arith", "lua-closures", "gawk", "mawk", "bc", "sed", "gzip", "bzip2",
})  # fmt: skip

# What x86 guests run by default: all kinds of programs, of x87 and SSE code, of threads, signals and processes.
X86_CASES = REPRESENTATIVES | frozenset({
    "busybox-tar-roundtrip", "bash-loop", "bash-substitution", "dash-exec", "dash-stdin", "seq-float", "expr-big", "lua-strings", "lua-sort", "sqlite3", "gawk-math",
    "gawk-bignum", "mawk", "grep-perl", "perl", "perl-fork", "python-threads", "python-floats", "python-signal", "xz-threads", "zstd-threads",
    "pigz-threads", "openssl-dgst", "openssl-speed", "openssl-aes-256", "python-digests", "python-queues", "zstd-many-threads", "stress-atomic", "stress-futex",
    "stress-mutex",
})  # fmt: skip


# Busybox, static: one case an applet -----------------------------------------------------------------------------------
_APPLETS = r"""
echo one  two
cat words.txt
head -n 5 table.tsv
tail -n 3 table.tsv
wc table.tsv words.txt
sort -k2,2 -k3n table.tsv
uniq -c words.txt
cut -f 2,4 table.tsv
tr a-z A-Z
sed -n s/alpha/<&>/p table.tsv
grep -n eta$ words.txt
egrep -c (alpha|beta) table.tsv
awk -F\t {s[$2]+=$3}END{for(w=0;w<1;w++)print(s["alpha"],int(7/2),length($0))} table.tsv
find tree -type f -name o*
ls -1 tree
basename /usr/lib/libc.so.6 .6
dirname /usr/lib/libc.so.6
expr 12 * ( 7 + 1 )
factor 1234567890 99999989
seq 3 4 40
md5sum data.bin
sha1sum data.bin
sha256sum data.bin
sha512sum data.bin
sha3sum data.bin
crc32 data.bin
base64 data.bin
od -t x1 words.txt
hexdump -C words.txt
xxd words.txt
printf %s:%5d|%-6x|%c\n word 42 255 z
test 3 -lt 4
true
false
date -u -d @1000000000 +%Y-%m-%dT%H:%M:%S_%j
cal 2 2024
dc
bc -l
tac words.txt
rev words.txt
fold -w 20 table.tsv
expand table.tsv
unexpand -a words.txt
paste words.txt words.txt
diff words.txt table.tsv
cmp words.txt table.tsv
nl words.txt
strings -n 8 data.bin
uuencode name
tee copy
du -s -k tree/inner/one
readlink tree/link
stat -c %s_%F words.txt
gzip -9 -c words.txt
id -u
uname -m
env -i A=1
getopt -o ab: -- -a -b c rest
mkdir -p a/b/c
touch -d @0 stamp
truncate -s 100 hole
ascii
"""
_APPLET_STDIN = {"dc": "2 64 ^ p\n", "tr": "translate me\nplease\n", "bc": "scale=30\n4*a(1)\n2^100\n", "uuencode": "some bytes\n", "tee": "twice\n"}


def _applets() -> None:
    for line in _APPLETS.strip().splitlines():
        applet, *args = line.split(" ")
        _case(f"busybox-{applet}", BUSYBOX, applet, *(arg.replace("\\t", "\t") for arg in args if arg), stdin=_APPLET_STDIN.get(applet, ""))


_applets()

_LOOP = "i=0; s=0; while [ $i -lt 2000 ]; do s=$((s + i * i % 7)); i=$((i + 1)); done; echo $s"
_case("busybox-sh-loop", BUSYBOX, "sh", "-c", _LOOP)
_case("busybox-sh-pipe", BUSYBOX, "sh", "-c", "cat table.tsv | cut -f2 | sort | uniq -c | sort -rn | head -n 3")
_case("busybox-sh-substitution", BUSYBOX, "sh", "-c", 'for f in $(ls tree); do n=$(echo "$f" | wc -c); echo "$f=$n"; done; echo "last $(expr 6 \\* 7)"')
_case("busybox-sh-function", BUSYBOX, "sh", "-c", "f() { [ $1 -le 1 ] && echo 1 && return; echo $(( $1 * $(f $(($1 - 1))) )); }; f 8")
_case("busybox-sh-status", BUSYBOX, "sh", "-c", "false || echo no; (exit 5); echo $?; exit 42")
_case("busybox-sh-trap", BUSYBOX, "sh", "-c", "trap 'echo caught' USR1; kill -USR1 $$; echo after; trap 'echo bye' EXIT")
_case("busybox-sh-kill", BUSYBOX, "sh", "-c", "kill -TERM $$; echo not reached")
_case("busybox-sh-background", BUSYBOX, "sh", "-c", "(sleep 0.05; echo child) & wait $!; echo parent $?")
_case("busybox-sh-heredoc", BUSYBOX, "sh", stdin="cat <<E | tr a-z A-Z\nhere document\nE\nread line <words.txt; echo $line\n")
_case("busybox-tar-roundtrip", BUSYBOX, "sh", "-c", "tar cf t.tar tree words.txt && mkdir out && tar xf t.tar -C out && find out -type f | sort && cat out/tree/two")
_case("busybox-gzip-roundtrip", BUSYBOX, "sh", "-c", "gzip -c data.bin | gunzip -c | md5sum; bzip2 -c data.bin | bunzip2 -c | md5sum")

# Shells ----------------------------------------------------------------------------------------------------------------
_case("bash-loop", "bin/bash-static", "-c", "s=0; for ((i = 0; i < 3000; i++)); do ((s += i ^ 5)); done; echo $s")
_case("bash-arrays", "bin/bash-static", "-c", 'declare -A m; while IFS=$\'\\t\' read -r n w v _; do (( m[$w] += v )); done <table.tsv; for k in alpha beta eta; do echo "$k ${m[$k]}"; done')
_case("bash-regex", "bin/bash-static", "-c", '[[ "v12.34" =~ ^v([0-9]+)\\.([0-9]+)$ ]] && echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"; printf "%08.3f %q\\n" 3.14159 "a b"')
_case("bash-substitution", "bin/bash-static", "-c", "x=$(for w in c b a; do echo $w; done); echo ${x//b/B}; mapfile -t l <words.txt; echo ${#l[@]}")
_case("bash-pipe", "bin/bash-static", "-c", "echo one two | while read a b; do echo $b $a; done; echo ${PIPESTATUS[@]}; exit 7")
_case("bash-trap", "bin/bash-static", "-c", "trap 'echo got' INT; kill -INT $$; echo end")
_case("dash-loop", "bin/dash", "-c", _LOOP)
_case("dash-substitution", "bin/dash", "-c", 'x=$(echo inner $(echo deep)); echo "$x"; set -- a b c; shift; echo $# $*')
_case("dash-kill", "bin/dash", "-c", "kill -KILL $$")
_case("dash-exec", "bin/dash", "-c", "seq 5 | sort -rn | tr '\\n' ' '; exec printf 'done %s\\n' ok")
_case("dash-stdin", "bin/dash", stdin="case abc in a*) echo match;; esac\nuntil [ ${n:=0} -ge 3 ]; do n=$((n+1)); echo $n; done\n")

# coreutils ------------------------------------------------------------------------------------------------------------
_case("ls-long", "bin/ls", "-l", "--time-style=+%Y", "--size", "tree")
_case("ls-recursive", "bin/ls", "-R", "-F", "tree")
_case("ls-missing", "bin/ls", "nowhere")
_case("sort-keys", "usr/bin/sort", "-t", "\t", "-k2,2", "-k3,3nr", "table.tsv")
_case("sort-general", "usr/bin/sort", "-g", "-r", "-u", stdin="1e3\n-2.5\n0x10\n1000\nnan\n7\n")
_case("sort-parallel", "usr/bin/sort", "--parallel=2", "-R", "--random-source=data.bin", "words.txt")
_case("sha512sum", "usr/bin/sha512sum", "data.bin", "table.tsv")
_case("sha512sum-check", "usr/bin/sha512sum", "-c", stdin="00  words.txt\n")
_case("md5sum", "usr/bin/md5sum", "data.bin")
_case("b2sum", "usr/bin/b2sum", "data.bin")
_case("factor", "usr/bin/factor", "1234567890123456789", "18446744073709551557", "1000000016000000063")
_case("factor-big", "usr/bin/factor", "170141183460469231731687303715884105727")
_case("seq-float", "usr/bin/seq", "-f", "%.3f", "0.1", "0.37", "5")
_case("seq-width", "usr/bin/seq", "-w", "-s,", "8", "12")
_case("date", "bin/date", "-u", "-d", "2024-02-29 12:34:56 +3 days", "+%F %T %a %V %s %N")
_case("date-rfc", "bin/date", "-u", "-R", "-d", "@1700000000.5")
_case("numfmt", "usr/bin/numfmt", "--to=iec", "--format=%10.2f", "1048576", "123456789", "999")
_case("numfmt-from", "usr/bin/numfmt", "--from=si", "--grouping", "1.5M", "2K")
_case("wc", "usr/bin/wc", "-lwmcL", "table.tsv")
_case("tr-squeeze", "usr/bin/tr", "-s", "[:space:]", "\n", stdin="a  b\t\tc\n")
_case("od", "usr/bin/od", "-A", "d", "-t", "fF", "-N", "64", "data.bin")
_case("cut-fields", "usr/bin/cut", "-f2-3", "--output-delimiter=:", "table.tsv")
_case("join", "usr/bin/join", "words.txt", "words.txt")
_case("fmt", "usr/bin/fmt", "-w", "30", "words.txt")
_case("shuf", "usr/bin/shuf", "--random-source=data.bin", "-i", "1-20")
_case("cat-missing", "bin/cat", "missing", "words.txt")
_case("tsort", "usr/bin/tsort", stdin="a b\nb c\nd c\n")
_case("expr-big", "usr/bin/expr", "99999999999999999999", "*", "99999999999999999999")
_case("dd", "bin/dd", "if=data.bin", "bs=100", "skip=2", "count=3", "status=none")
_case("head-bytes", "usr/bin/head", "-c", "33", "data.bin")
_case("printenv", "usr/bin/printenv", "LC_ALL", "TZ")
_case("uname", "bin/uname", "-m")
_case("false", "bin/false")
_case("hello", "usr/bin/hello", "-g", "greetings")

# Languages ------------------------------------------------------------------------------------------------------------
_case("lua-arith", "usr/bin/lua5.4", "-e", "print(1/3, 7//2, 2^53, 7 % -3, 5.5 // 2, 1e308 * 10, -(0/0) ~= 0, math.maxinteger + 1, 3 & 5 ~ 2)")
_case("lua-strings", "usr/bin/lua5.4", "-e", "for w, n in ('x=1, yy=22'):gmatch('(%w+)=(%w+)') do print(w, n * 2) end print(string.format('%5.2f|%q|%x', math.pi, 'a\\n', 255), #string.pack('<i4d', 1, 2))")
_case("lua-closures", "usr/bin/lua5.4", "-e", "local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end) end local s = 0 for v in gen(500) do s = s + v end print(s)")
_case("lua-sort", "usr/bin/lua5.4", "-e", "local t, x = {}, 1 for i = 1, 3000 do x = x * 1103515245 + 12345 & 0x7fffffff t[i] = x end table.sort(t) print(t[1], t[1500], t[3000]) collectgarbage() print(pcall(error, 'e'))")
_case("lua-error", "usr/bin/lua5.4", "-e", "error('stop')")
_SQL = (
    "create table t(a integer primary key,b text,c real); with recursive n(i) as (select 1 union all select i+1 from n where i<2000) insert into t "
    "select i,printf('%05d',(i*7919)%10007),i/7.0 from n; create index tb on t(b); select count(*),sum(a),min(b),max(b),avg(c),total(c*c) from t; "
    "select a,b from t order by b limit 3; select b like '%99%', count(*) from t group by 1; explain query plan select * from t where b='00042';"
)
_case("sqlite3", "usr/bin/sqlite3", ":memory:", stdin=_SQL)
_case("sqlite3-json", "usr/bin/sqlite3", "-json", ":memory:", "select json_extract('{\"a\":[1,2.5,null]}', '$.a[1]') x, date('2024-01-31','+1 month') d, hex(zeroblob(4)) z")
_case("sqlite3-file", "usr/bin/sqlite3", "file.db", "create table k(v); insert into k values(1),(2),(3); select sum(v) from k; pragma integrity_check; vacuum; select count(*) from k")
_case("gawk", "usr/bin/gawk", '{c[$2]++; s+=$3*$4} END{n=asorti(c,k); for(i=1;i<=n;i++) print k[i],c[k[i]]; printf "%.6f %d\\n", s, strtonum("0x1F")}', "table.tsv")
_case("gawk-math", "usr/bin/gawk", 'BEGIN{for(i=1;i<6;i++) print exp(i), log(i), sqrt(i), atan2(i,2), int(-i/2); print substr("hello",2,3), toupper("x"), gensub(/l+/,"L","g","hello")}')
_case("gawk-bignum", "usr/bin/gawk", "-M", "BEGIN{print 2^200}")
_case("mawk", "usr/bin/mawk", '{a[NR%10]+=$3} END{for(i=0;i<10;i++) print i, a[i]; print index("abc","c"), sin(2), 1e6, 0.1+0.2}', "table.tsv")
_case("bc", "usr/bin/bc", "-l", stdin="scale=40\n4*a(1)\ne(1)\n2^333\nsqrt(2)\ndefine f(n){if(n<2)return 1;return n*f(n-1)}\nf(60)\n")
_case("sed", "bin/sed", "-E", "-n", "s/^([0-9]+)\\t(al|be)([a-z]*)/\\2-\\3 \\1/p;$=", "table.tsv")
_case("sed-hold", "bin/sed", "1!G;h;$!d", "words.txt")
_case("grep", "bin/grep", "-n", "-E", "(alpha|zeta).*[05]$", "table.tsv")
_case("grep-perl", "bin/grep", "-o", "-P", "\\d+(?=\\talpha)", "table.tsv")
_case("grep-count", "bin/grep", "-c", "-v", "e", "words.txt")
_case("grep-none", "bin/grep", "nothing", "words.txt")
_case("perl", "usr/bin/perl", "-e", 'my %h; while (<STDIN>) { chomp; $h{$_}++ } print map { "$_ $h{$_}\\n" } sort keys %h; printf "%.10f %s\\n", atan2(1,1)*4, join ",", map { $_ ** 2 } 1..8', stdin="b\na\nb\n")
_case("perl-regex", "usr/bin/perl", "-e", '$_ = "2024-05-06 key=value"; print "$1/$2/$3\\n" if /(\\d+)-(\\d+)-(\\d+)/; s/(\\w+)=(\\w+)/$2=$1/; print "$_\\n"; print join("|", split /\\W+/), "\\n"; print pack("N n C", 1, 2, 3) eq "\\0\\0\\0\\1\\0\\2\\3" ? "ok\\n" : "no\\n"')
_case("perl-sort", "usr/bin/perl", "-e", 'my $x = 1; my @a = map { $x = ($x * 16807) % 2147483647 } 1..2000; print join(" ", (sort { $a <=> $b } @a)[0, 999, 1999]), "\\n"; local $SIG{ALRM} = sub { die "alarm\\n" }; eval { alarm 60; kill ALRM => $$; sleep 2 }; print $@')
_case("perl-fork", "usr/bin/perl", "-e", 'pipe(my $r, my $w); if (my $p = fork) { close $w; print <$r>; waitpid $p, 0; print $? >> 8, "\\n" } else { print $w "child\\n"; exit 3 }')
_case("perl-die", "usr/bin/perl", "-e", "die 'x'")
_case("python-print", PYTHON, "-S", "-E", "-c", "print(1)")
_case("python-json", PYTHON, "-E", "-c", "import json; d = json.loads('{\"a\": [1, 2.5, null, \"\\\\u00e9\"], \"b\": {\"c\": true}}'); d['n'] = 10**40; print(json.dumps(d, sort_keys=True, indent=1))")
_case("python-hashlib", PYTHON, "-E", "-c", "import hashlib; d = open('data.bin', 'rb').read(); [print(n, hashlib.new(n, d).hexdigest()) for n in ('md5', 'sha1', 'sha256', 'sha3_384', 'blake2b')]")
_case("python-threads", PYTHON, "-E", "-c", "import threading, queue\nq, out = queue.Queue(), []\ndef work():\n  while (n := q.get()) is not None:\n    out.append(sum(range(n)))\nts = [threading.Thread(target=work) for _ in range(4)]\n[t.start() for t in ts]\n[q.put(n) for n in range(200)]\n[q.put(None) for _ in ts]\n[t.join() for t in ts]\nprint(len(out), sum(out))")
_case("python-subprocess", PYTHON, "-E", "-c", "import subprocess; p = subprocess.run(['/usr/bin/seq', '3'], capture_output=True, text=True); print(p.returncode, p.stdout.split())")
_case("python-self", PYTHON, "-E", "-c", "import subprocess, sys; print(subprocess.run([sys.executable or '/usr/bin/python3.11', '-S', '-E', '-c', 'import os; print(os.uname().machine)'], capture_output=True, text=True).stdout.strip())",
      expect=f"{MACHINE.decode()}\n")
_case("python-floats", PYTHON, "-E", "-c", "import math, decimal, fractions; print(math.pi ** 20, math.sin(1e22), 0.1 + 0.2, float('1e-320'), round(2.675, 2), math.fsum([.1] * 10), decimal.Decimal(2).sqrt(), fractions.Fraction(3, 7) ** 3, 1e308 * 10, math.gamma(5.5))")
_case("python-bigint", PYTHON, "-E", "-c", "x = 3 ** 2000; print(x % 10 ** 30, len(str(x)), pow(7, 10 ** 20, 10 ** 9 + 7), x // 7 ** 500 % 1000)")
_case("python-re", PYTHON, "-E", "-c", "import re, collections; c = collections.Counter(re.findall(r'[a-z]+', open('table.tsv').read())); print(sorted(c.items()))")
_case("python-signal", PYTHON, "-E", "-c", "import signal, os, time; signal.signal(signal.SIGALRM, lambda s, f: print('alarm', s, flush=True)); signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.2); os.kill(os.getpid(), signal.SIGTERM)")
_case("python-traceback", PYTHON, "-E", "-c", "raise SystemExit(3)")
_case("python-zlib", PYTHON, "-E", "-c", "import zlib, lzma, bz2; d = open('data.bin', 'rb').read(); print([len(z) and m.decompress(z) == d for m in (zlib, lzma, bz2) for z in [m.compress(d)]], zlib.crc32(d))")

# Cryptography by code chosen at run time -----------------------------------------------------------------------------------
_case("openssl-dgst", "usr/bin/openssl", "dgst", "-sha512", "data.bin")
for _digest in ("md5", "sha1", "sha256", "sha3-256", "blake2b512", "ripemd160"):
    _case(f"openssl-{_digest}", "usr/bin/openssl", "dgst", f"-{_digest}", "data.bin", "table.tsv")
_case("openssl-speed", "usr/bin/openssl", "speed", "-seconds", "1", "-bytes", "1024", "sha256", sift=r"^type +1024 bytes$|^sha256(?= +\d+\.\d+k$)")
_case("openssl-aes-256", "usr/bin/openssl", "enc", "-aes-256-cbc", "-K", "00112233445566778899aabbccddeeff" * 2, "-iv", "0102030405060708090a0b0c0d0e0f10", "-in", "data.bin")
_case("python-digests", PYTHON, "-E", "-c", """
import hashlib
for name in sorted(hashlib.algorithms_available):
    made = hashlib.new(name, open('data.bin', 'rb').read())
    print(name, made.hexdigest(40) if name.startswith('shake') else made.hexdigest())
""")
_case("openssl-aes", "usr/bin/openssl", "enc", "-aes-128-cbc", "-K", "00112233445566778899aabbccddeeff", "-iv", "0102030405060708090a0b0c0d0e0f10", "-in", "data.bin")

# Compression ------------------------------------------------------------------------------------------------------------
_case("gzip", "bin/gzip", "-9", "-n", "-c", "data.bin")
_case("gzip-bad", "bin/gzip", "-d", "-c", "words.txt")
_case("bzip2", "bin/bzip2", "-c", "data.bin")
_case("xz-threads", "usr/bin/xz", "-T2", "-c", "data.bin")
_case("xz-block", "usr/bin/xz", "-T2", "--block-size=4096", "-0", "-c", "data.bin")
_case("zstd", "usr/bin/zstd", "-q", "-19", "-c", "data.bin")
_case("zstd-threads", "usr/bin/zstd", "-q", "-T2", "-3", "-c", "table.tsv")

# Threads ----------------------------------------------------------------------------------------------------------------
_case("pigz-threads", "usr/bin/pigz", "-p4", "-b", "64", "-n", "-c", BIG)
_case("xz-many-threads", "usr/bin/xz", "-T4", "-1", "--block-size=65536", "-c", BIG)
_case("zstd-many-threads", "usr/bin/zstd", "-q", "-T4", "-1", "-B524288", "-c", BIG)
_case("7zr-bench", "usr/lib/p7zip/7zr", "b", "-mmt2", "-md18", "-mtime=0", sift=r"^(?:18|Avr|Tot):|Benchmark threads: +\d+|^.*(?i:error).*$")
_SYSBENCH = r"Number of threads: \d+|total number of events: +\d+|FATAL.*"
_case("sysbench-threads", "usr/bin/sysbench", "threads", "--threads=4", "--events=100", "--time=0", "run", sift=_SYSBENCH)
_case("sysbench-mutex", "usr/bin/sysbench", "mutex", "--threads=4", "--mutex-locks=2000", "--mutex-num=8", "--mutex-loops=200", "run", sift=_SYSBENCH)
_STRESS = r"dispatching hogs: .*|successful run completed|(?:fail|error): .*"
_case("stress-atomic", "usr/bin/stress-ng", "--stdout", "--atomic", "2", "--atomic-ops", "20", sift=_STRESS)
_case("stress-futex", "usr/bin/stress-ng", "--stdout", "--futex", "2", "--futex-ops", "500", sift=_STRESS)
_case("stress-mutex", "usr/bin/stress-ng", "--stdout", "--mutex", "2", "--mutex-ops", "5000", sift=_STRESS)
_case("stress-pthread", "usr/bin/stress-ng", "--stdout", "--pthread", "2", "--pthread-ops", "50", sift=_STRESS)
_QUEUES = """
import queue, threading, concurrent.futures as f
jobs, done, lock, ready = queue.PriorityQueue(), queue.Queue(8), threading.RLock(), threading.Barrier(5)
seen, total, gate, slots, turn = [], 0, threading.Event(), threading.Semaphore(2), threading.Condition()
def work(me):
    global total
    ready.wait()
    gate.wait()
    while (job := jobs.get())[0] < 1000:
        with lock, lock: total += job[1]
        done.put(job[1])
    with slots, turn: seen.append(me); turn.notify_all()
threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
[t.start() for t in threads]
[jobs.put((i, i * i)) for i in range(300)]
ready.wait(); gate.set()
print(sum(done.get() for _ in range(300)), total)
[jobs.put((1000, 0)) for _ in threads]
with turn: print(turn.wait_for(lambda: len(seen) == 4, 60), sorted(seen))
[t.join() for t in threads]
with f.ThreadPoolExecutor(4) as pool: print(sum(pool.map(lambda n: n * n, range(500))))
try: queue.Queue().get(timeout=0.05)
except queue.Empty: print("empty")
"""
_case("python-queues", PYTHON, "-E", "-c", _QUEUES)
THREADED = tuple(case.name for case in CASES[[case.name for case in CASES].index("pigz-threads") :]) + ("python-threads",)
HEAVY = frozenset({"7zr-bench", "stress-atomic", "xz-many-threads"})  # minutes in tier 0, or (stress-atomic) in tier 1, which compiles what runs once too
