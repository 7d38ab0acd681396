"""Every command but the work of ``run``: options, help and output, by click."""

from __future__ import annotations

from typing import Any

import click

from dbt import __version__, api
from dbt.abi.archs import X86_ATOMICS
from dbt.cli import run_options
from dbt.cli.bench import bench
from dbt.cli.output import examples, print_json
from dbt.pipeline import STAGES
from dbt.views.source import ISAS
from runtime.linux.errors import UsageError

_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def run_click(arguments: list[str]) -> int:
    """Run a command line by click; its complaints come out as UsageError."""
    try:
        with main.make_context("dbt", arguments) as context:
            main.invoke(context)
        return 0
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.exceptions.NoArgsIsHelpError as e:
        click.echo(e.format_message(), err=True)
        return 2
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as e:
        where = f"{e.ctx.info_name}: " if isinstance(e, click.UsageError) and e.ctx and e.ctx.parent else ""
        hint = f": see {e.ctx.command_path} --help" if isinstance(e, click.UsageError) and e.ctx else ""
        raise UsageError(f"{where}{e.format_message().rstrip('.')}{hint}") from None


_MAIN_EXAMPLES = """
dbt run -L SYSROOT SYSROOT/usr/bin/lua5.4 -e 'print(1)'
dbt dump PROGRAM --at main
dbt dump --isa x86-64 --hex "f0 48 0f c1 03"
dbt cache info
"""


@click.group(context_settings=_SETTINGS, epilog=examples(_MAIN_EXAMPLES))
@click.version_option(__version__, prog_name="dbt-translator", message="%(prog)s %(version)s")
def main() -> None:
    """Run ARM and x86 Linux programs by dynamic binary translation, and look at every stage of it.

    (PyPI's "dbt" is another program: this is dbt-translator.)"""


class _RunHelp(click.Command):
    """Shows the options of ``dbt.cli.run_options``, which parses them too."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS]", "PROGRAM", "[ARGS]..."]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for option in run_options.OPTIONS:
            joined = f"[={option.metavar}]" if option.kind == "optional" else f" {option.metavar}" if option.metavar else ""
            rows.append((option.flag + joined, option.help))
        rows.append(("-h, --help", "Show this message and exit."))
        with formatter.section("Options"):
            formatter.write_dl(rows)


_RUN_EXAMPLES = """
dbt run tests/guests/demo.elf 100
dbt run -L SYSROOT SYSROOT/usr/bin/python3.11 -c 'print(6 * 7)'
dbt run -L SYSROOT -E LANG=C /bin/sh -c 'ls /etc'
dbt run --x86-atomics llsc tests/linux/x86_64/lockfree.elf
dbt run --tier 0 --stats=stats.json PROGRAM
dbt run --trace syscall PROGRAM 2>trace.txt
"""


@main.command(cls=_RunHelp, epilog=examples(_RUN_EXAMPLES))
def run() -> None:
    """Run a static or dynamic Linux program for ARM, i386 or x86-64: its ELF header says which.

    Everything after PROGRAM belongs to the guest, and so do standard input and output, the exit status and fatal signals."""


_DUMP_EXAMPLES = """
dbt dump tests/guests/demo.elf --at crc32_update --region
dbt dump PROGRAM --at 0x10400 --stage disasm,ir-opt,asm --layout columns
dbt dump --isa t32 --hex "51 e8 00 2f"
dbt dump --isa x86-64 --hex "f0 48 0f b1 0b" --stage ir,asm
dbt dump --isa i386 --hex "f0 0f c1 03" --x86-atomics llsc --stage ir
"""


@main.command(epilog=examples(_DUMP_EXAMPLES))
@click.argument("program", required=False)
@click.option("--at", metavar="SYMBOL|ADDRESS", help="Where to begin (default: the entry point). With --hex: the address of the first byte.")
@click.option("--hex", "hex_bytes", metavar="BYTES", help="Show these bytes (hexadecimal, in memory order) and no program.")
@click.option("--isa", type=click.Choice(list(ISAS)), help="Instruction set (default: what the program says; a32 for --hex).")
@click.option("--stage", default="all", metavar="STAGE[,STAGE]...", help=f"Which stages: {', '.join(STAGES)}, or all (the default).")
@click.option("--region", is_flag=True, help="Follow direct jumps: show the whole region, not one basic block.")
@click.option("--no-idiom", is_flag=True, help="Do not turn exclusive pairs into atomic operations.")
@click.option("--x86-atomics", type=click.Choice(X86_ATOMICS), default=X86_ATOMICS[0],
              help="What atomic instructions of x86 become: the host's (host, the default), or exclusive pairs (llsc).")  # fmt: skip
@click.option("--layout", type=click.Choice(["stacked", "columns"]), default="stacked", help="Stages one after another (the default) or side by side.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of {pc, text} for each stage.")
def dump(program: str | None, at: str | None, hex_bytes: str | None, isa: str | None, stage: str, region: bool, no_idiom: bool,
         x86_atomics: str, layout: str, as_json: bool) -> None:  # fmt: skip
    """Show guest code at every stage from guest bytes to host assembly.

    The guest address stands to the left of each line. Bytes that do not decode are shown as such."""
    made = api.dump(program, at=at, hex_bytes=hex_bytes, isa=isa, stages=stage, region=region, idiom=not no_idiom, x86_atomics=x86_atomics)
    if as_json:
        print_json(made.json())
    else:
        click.echo(made.text(side_by_side=layout == "columns"), nl=False)


@main.group(epilog=examples("dbt cache info\ndbt cache clear"))
def cache() -> None:
    """The code cache on disk: compiled kernels, lifted instructions, compiled regions."""


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def info(as_json: bool) -> None:
    """Say where the cache is and what it holds."""
    found = api.cache_info()
    if as_json:
        print_json(found)
        return
    click.echo(f"directory  {found['directory']}")
    for kind, row in found["kinds"].items():
        click.echo(f"{kind:10} {row['files']:6} files {row['bytes'] / 1e6:9.2f} MB")


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def clear(as_json: bool) -> None:
    """Remove everything in the cache; all of it can be made again."""
    removed = api.cache_clear()
    if as_json:
        print_json(removed)
    else:
        click.echo(f"removed {removed['files']} files, {removed['bytes'] / 1e6:.2f} MB")


main.add_command(bench)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def doctor(as_json: bool) -> None:
    """Check what the translator needs on this machine. Exit status 1 if something is missing."""
    rows = api.doctor()
    if as_json:
        print_json([{name: getattr(row, name) for name in row.__slots__} for row in rows])
    else:
        for row in rows:
            click.echo(f"{'ok  ' if row.ok else 'FAIL' if row.needed else 'none'} {row.what:14} {row.found}")
    if not all(row.ok or not row.needed for row in rows):
        raise click.exceptions.Exit(1)
