"""``riskstrat pseudonymise``: provider, linker and analyst, each alone or in turn; their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from riskstrat.cli.console import RESULTS, say, stage_display, suggest, table
from riskstrat.cli.custody_steps import Step
from riskstrat.cli.guard import command, show
from riskstrat.cli.linkage_quality import say_quality
from riskstrat.custody.keyspec import KEEPER_OF, Domain, Keeper
from riskstrat.vocabulary import Finding, Severity

CustodyFile = Annotated[
    Path, typer.Argument(metavar="CUSTODY_FILE", help="who holds what (YAML, in configs/custody)")
]
DataDir = Annotated[
    Path, typer.Option("--data", help="the provider's raw extracts; where the analyst's go")
]
CustodyDir = Annotated[
    Path, typer.Option("--custody", help="where each keeper's folder is; only one's own is needed")
]
Agencies = Annotated[
    list[str] | None,
    typer.Option("--agency", metavar="NAME", help="whose extracts; repeatable; default: all"),
]
Memory = Annotated[str, typer.Option("--memory", help="what linking may use")]
Threads = Annotated[int, typer.Option("--threads", help="0: one for each core", min=0)]
TruthDir = Annotated[
    Path | None,
    typer.Option(
        "--truth",
        metavar="DIR",
        help="where it is known who the records are truly about: the sealed truth of a made-up "
        "county, or a gold standard; the links are held against it",
    ),
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="who decided")]
Reason = Annotated[str, typer.Option("--reason", metavar="WHY", help="why, or where it is minuted")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object to stdout")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no sentences, only results and errors")]

DATA, CUSTODY = Path("data/demo"), Path("custody")
PLAYED = (
    "one machine plays provider, linker and analyst in turn: right for made-up data, or where one "
    "site holds it all by law; elsewhere each runs its own command with its own folder"
)

pseudonymise = typer.Typer(
    name="pseudonymise",
    help="Split custody: identifiers and content part company, are linked apart, and meet again "
    "under pseudonyms. Nobody holds both.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
keys = typer.Typer(
    name="keys",
    help="The keys of a project: make, list, rotate, destroy.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
pseudonymise.add_typer(keys)


# -- the three steps -----------------------------------------------------------------------------


@command(
    pseudonymise,
    "riskstrat pseudonymise split configs/custody/mid_county.yaml --agency hospitals",
)
def split(
    custody_file: CustodyFile,
    data: DataDir = DATA,
    custody: CustodyDir = CUSTODY,
    agency: Agencies = None,
    truth: TruthDir = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """The provider: part each raw extract into identifiers and content.

    Identifiers lie in `provider/AGENCY/for_linker`, content in `for_analyst`, tied by random record
    keys. Nothing that leads from a local id to a record key is kept.
    """
    at = Step.read(custody_file, custody, data, agency)
    with stage_display(quiet=quiet) as display:
        told = at.split(display, truth)
    show(told, as_json=as_json, text=str(custody / Keeper.PROVIDER.value))


@command(
    pseudonymise,
    "riskstrat pseudonymise link configs/custody/mid_county.yaml --memory 8GB",
    "riskstrat pseudonymise link configs/custody/mid_county.yaml --truth reviewed.parquet",
)
def link(
    custody_file: CustodyFile,
    custody: CustodyDir = CUSTODY,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="a reviewed sample: record_key, person and a column for each group; with nothing "
            "to link, the links that are kept are held against it",
        ),
    ] = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """The linker: say which records are one person, and give each a pseudonym.

    It reads identifiers from `linker/received`, and leaves record key and pseudonym in
    `linker/for_analyst`. It needs the project's keys, and never sees content.
    """
    at = Step.read(custody_file, custody)
    with stage_display(quiet=quiet) as display:
        told = at.link(display, memory, threads, truth)
    say_quality(told, quiet=quiet)
    told["findings"] = _faults_told(at, quiet=quiet)
    show(told, as_json=as_json, text=str(custody / Keeper.LINKER.value / "for_analyst"))


def _faults_told(at: Step, *, quiet: bool) -> list[dict[str, Any]]:
    """Say what is wrong with many of an agency's identifiers, and give back all there is to say."""
    found = at.identifier_faults()
    warned = [each for each in found if each.severity is Severity.WARNING]
    if not quiet:
        _say_faults(at, warned, len(found) - len(warned))
    return [asdict(each) for each in found]


def _say_faults(at: Step, warned: Sequence[Finding], others: int) -> None:
    for each in warned:
        say(f"  {each.code} {each.message}", style="yellow")
    if others:
        where = at.places.root / Keeper.LINKER.value / "linkage"
        say(
            f"  {others} more rules, broken by few records each, are counted in {where}",
            style="dim",
        )


@command(
    pseudonymise, "riskstrat pseudonymise join configs/custody/mid_county.yaml --data extracts"
)
def join(
    custody_file: CustodyFile,
    data: DataDir = DATA,
    custody: CustodyDir = CUSTODY,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """The analyst: put pseudonyms in the place of record keys, and forget these.

    It reads `analyst/received/AGENCY/content` and `links`, and writes one extract each into the
    data folder, as the contracts want them.
    """
    at = Step.read(custody_file, custody, data)
    with stage_display(quiet=quiet) as display:
        told = at.join(display)
    show(told, as_json=as_json, text=str(data))


@command(pseudonymise, "riskstrat pseudonymise all configs/custody/mid_county.yaml", name="all")
def everything(
    custody_file: CustodyFile,
    data: DataDir = DATA,
    custody: CustodyDir = CUSTODY,
    truth: TruthDir = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Split, link and join on one machine, for made-up or single-site data.

    Keys that the custody file names and nobody has made are made. Each keeper still works in a
    process of its own with its own folder.
    """
    at = Step.read(custody_file, custody, data)
    if not quiet:
        say(PLAYED, style="dim")
    with stage_display(quiet=quiet) as display:
        at.new_keys()
        told: dict[str, Any] = {
            "split": at.split(display, truth),
            "link": at.link(display, memory, threads),
            "join": at.join(display),
        }
    say_quality(told["link"], quiet=quiet)
    told["link"]["findings"] = _faults_told(at, quiet=quiet)
    show(told, as_json=as_json, text=str(data))


@command(pseudonymise, "riskstrat pseudonymise forget configs/custody/mid_county.yaml")
def forget(
    custody_file: CustodyFile,
    custody: CustodyDir = CUSTODY,
    agency: Agencies = None,
    as_json: AsJson = False,
) -> None:
    """The provider, once both files were carried over: remove what it made for them.

    Identifiers and content under the same record keys must not stay together anywhere.
    """
    told = Step.read(custody_file, custody, agencies=agency).forget()
    text = f"removed what was made for {', '.join(told)}" if told else "nothing was left"
    show({"removed": told}, as_json=as_json, text=text)


# -- keys ----------------------------------------------------------------------------------------


@command(keys, "riskstrat pseudonymise keys new configs/custody/mid_county.yaml --keeper linker")
def new(
    custody_file: CustodyFile,
    custody: CustodyDir = CUSTODY,
    keeper: Annotated[
        list[Keeper] | None, typer.Option("--keeper", help="whose keys; repeatable; default: all")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys that the custody file names, or enter those a vault has made.

    A key is 256 random bits, in a file that only its owner may read. No command ever prints one.
    """
    made = Step.read(custody_file, custody).new_keys(frozenset(keeper or Keeper))
    text = "\n".join(each["key_id"] for each in made) or "every key is there"
    show({"made": made}, as_json=as_json, text=text)


@command(keys, "riskstrat pseudonymise keys list configs/custody/mid_county.yaml", name="list")
def list_(
    custody_file: CustodyFile, custody: CustodyDir = CUSTODY, as_json: AsJson = False
) -> None:
    """Every key the registers know, its state, and whether its store still has it."""
    from riskstrat.custody.lifecycle import list_keys

    at = Step.read(custody_file, custody)
    found = [asdict(entry) | {"in_store": there} for entry, there in list_keys(at.spec, at.places)]
    if as_json:
        show({"keys": found}, as_json=True, text="")
        return
    columns = ("key_id", "project", "domain", "created", "state", "changed", "in_store")
    days = [e | {"created": e["created"][:10], "changed": e["changed"][:10]} for e in found]
    RESULTS.print(table("Keys", columns, [tuple(str(e[c]) for c in columns) for e in days]))


@command(
    keys,
    "riskstrat pseudonymise keys rotate configs/custody/mid_county.yaml person --by 'A. Lee' "
    "--reason 'yearly'",
)
def rotate(
    custody_file: CustodyFile,
    domain: Annotated[Domain, typer.Argument(help="whose key")],
    by: By,
    reason: Reason,
    to: Annotated[
        str, typer.Option("--to", metavar="KEY_ID", help="default: the next number")
    ] = "",
    custody: CustodyDir = CUSTODY,
    as_json: AsJson = False,
) -> None:
    """Put a new key in a key's place.

    The linker keeps a table from old pseudonyms to new, so that the gateway still knows whom an
    old list means. Then name the new key in the custody file and hand every extract over again.
    """
    from riskstrat.custody import lifecycle

    at = Step.read(custody_file, custody)
    with at.holding(KEEPER_OF[domain]):
        note = at.acting(by, reason).note
        done = lifecycle.rotate(at.spec, at.places, domain, at.now, note, to=to)
    show(asdict(done), as_json=as_json, text=done.new)
    suggest(next=f"set keys.{domain.value} in {custody_file} to {done.new}")


@command(
    keys,
    "riskstrat pseudonymise keys destroy configs/custody/mid_county.yaml mid-county-person-1 "
    "--by 'A. Lee' --reason 'end of project, minute 9'",
)
def destroy(
    custody_file: CustodyFile,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="the key's id")],
    by: By,
    reason: Reason,
    custody: CustodyDir = CUSTODY,
    as_json: AsJson = False,
) -> None:
    """Destroy a key and what ties its pseudonyms to people, for good; print the certificate's path.

    Its linked extracts stay readable, but nobody can find out any more who is in them.
    """
    from riskstrat.custody import lifecycle

    at = Step.read(custody_file, custody)
    with at.holding(*(each for each in Keeper if at.places.log(each).parent.parent.is_dir())):
        note = at.acting(by, reason).note
        path = lifecycle.destroy(at.spec, at.places, key_id, at.now, note, who=by, why=reason)
    show({"certificate": str(path)}, as_json=as_json, text=str(path))
